/* Reconciling against a homeserver, a database and a domain that only note what is asked of them.
 */
#include "appservice/reconcile.h"

#include "appservice/observer.h"
#include "calls/work.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "matrix/client.h"
#include "store/calls.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- the homeserver: open questions, oldest first --- */

#define OPEN_MAX 64
struct mx_client {
    size_t n;
    struct {
        char text[400];
        mx_done *done;
        void *arg;
    } open[OPEN_MAX];
};

static enum err probe_memory(void) {
    void *probe = mem_alloc(1);
    mem_free(probe);
    return probe != NULL ? OK : err_set(ERR_NOMEM, "no memory");
}

static enum err ask(struct mx_client *c, mx_done *done, void *arg, const char *kind,
    const char *what, const char *as_user) {
    TRY(probe_memory());
    CHECK(c->n < OPEN_MAX);
    snprintf(c->open[c->n].text, sizeof c->open[c->n].text, "%s%s%s%s%s", kind,
        what[0] != '\0' ? " " : "", what, as_user != NULL ? " as " : "",
        as_user != NULL ? as_user : "");
    c->open[c->n].done = done;
    c->open[c->n].arg = arg;
    c->n++;
    return OK;
}

enum err mx_client_versions(struct mx_client *c, mx_done *done, void *arg) {
    return ask(c, done, arg, "versions", "", NULL);
}
enum err mx_client_whoami(struct mx_client *c, mx_done *done, void *arg) {
    return ask(c, done, arg, "whoami", "", NULL);
}
enum err mx_client_ping(struct mx_client *c, const char *appservice_id, mx_done *done, void *arg) {
    return ask(c, done, arg, "ping", appservice_id, NULL);
}
enum err mx_client_register_sender(
    struct mx_client *c, const char *localpart, mx_done *done, void *arg) {
    return ask(c, done, arg, "register", localpart, NULL);
}
enum err mx_client_joined_members(
    struct mx_client *c, const char *room_id, mx_done *done, void *arg) {
    return ask(c, done, arg, "members", room_id, NULL);
}
enum err mx_client_room_state(
    struct mx_client *c, const char *room_id, const char *as_user, mx_done *done, void *arg) {
    return ask(c, done, arg, "state", room_id, as_user);
}

static void drop(struct mx_client *c, size_t at) {
    memmove(&c->open[at], &c->open[at + 1], (c->n - at - 1) * sizeof c->open[0]);
    c->n--;
}

void mx_client_forget(struct mx_client *c, const void *arg) {
    for (size_t i = c->n; i-- > 0;) {
        if (c->open[i].arg == arg) {
            drop(c, i);
        }
    }
}

/* Answers the oldest question, which must be `want`. */
static void answer(
    struct mx_client *c, const char *want, enum err e, int status, const char *body) {
    CHECK_STR(want, c->n > 0 ? c->open[0].text : "nothing");
    if (c->n == 0) {
        return;
    }
    mx_done *done = c->open[0].done;
    void *arg = c->open[0].arg;
    drop(c, 0);
    json_t *json = json_loads(body, 0, NULL);
    CHECK(json != NULL);
    done(arg, &(struct mx_answer){
                  .err = e, .status = status, .text = "said so", .errcode = "", .json = json });
    json_decref(json);
}

static void answer_ok(struct mx_client *c, const char *want, const char *body) {
    answer(c, want, OK, 200, body);
}

/* --- the domain: units, noted as text --- */

struct call_work {
    struct calls *calls;
    struct arena arena;
    struct buf text;
};
struct calls {
    int units;
    char text[2048]; /* of the latest unit that was run */
    struct call_work *work;
    call_work_done *done;
    void *arg;
};

enum err call_work_create(struct calls *c, int64_t now_ms, struct call_work **ret) {
    struct call_work *w = mem_zalloc(sizeof *w);
    if (w == NULL) {
        return err_set(ERR_NOMEM, "no memory");
    }
    CHECK(now_ms > 0);
    w->calls = c;
    arena_init(&w->arena);
    buf_init(&w->text, 0);
    *ret = w;
    return OK;
}

struct arena *call_work_arena(struct call_work *w) {
    return &w->arena;
}

enum err call_work_add(struct call_work *w, const struct call_input *in) {
    CHECK(in->reconciled);
    CHECK_STR("!r:hs", in->room_id);
    if (in->type == IN_MEMBER) {
        buf_printf(&w->text, "member %s; ", in->member.entry_key);
    } else if (in->type == IN_MEMBER_LEFT) {
        buf_printf(&w->text, "left %s; ", in->member.entry_key);
    } else if (in->type == IN_MEMBER_LIST && in->member.state_key != NULL) {
        buf_printf(&w->text, "list of %s; ", in->member.state_key);
    } else if (in->type == IN_MEMBER_LIST) {
        CHECK(in->event_id == NULL);
        CHECK(in->member.snapshot_ms > 0 && in->member.snapshot_ms <= in->received_ms);
        buf_puts(&w->text, "all:");
        for (size_t i = 0; i < in->member.n_remaining; i++) {
            buf_printf(&w->text, " %s", in->member.remaining[i]);
        }
        buf_puts(&w->text, "; ");
    } else {
        buf_printf(&w->text, "input %d; ", (int)in->type);
    }
    return buf_check(&w->text);
}

enum err call_work_room(struct call_work *w, const struct call_room_view *view) {
    buf_printf(&w->text, "%s:%s%s", view->room_id, view->known ? " known" : "",
        view->joinable ? " public" : "");
    for (size_t i = 0; i < view->n_joined; i++) {
        buf_printf(&w->text, " %s", view->joined[i]);
    }
    return buf_check(&w->text);
}

void call_work_destroy(struct call_work *w) {
    arena_finish(&w->arena);
    buf_finish(&w->text);
    mem_free(w);
}

void call_work_run(struct call_work *w, call_work_done *done, void *arg) {
    CHECK(w->calls->work == NULL);
    w->calls->units++;
    w->calls->work = w;
    w->calls->done = done;
    w->calls->arg = arg;
    snprintf(w->calls->text, sizeof w->calls->text, "%s", buf_str(&w->text));
}

static void commit(struct calls *c, enum err e) {
    struct call_work *w = STEAL(c->work);
    CHECK(w != NULL);
    if (w != NULL) {
        call_work_destroy(w);
        c->done(c->arg, e, &(struct call_work_report){ .inputs = 1 });
    }
}

/* --- the database: which rooms are live --- */

struct store {
    int asked;
    int claims;
    store_calls_rooms *found;
    store_calls_claimed *claimed;
    void *arg;
};

enum err store_calls_live_rooms(struct store *s, store_calls_rooms *found, void *arg) {
    TRY(probe_memory());
    s->asked++;
    s->found = found;
    s->arg = arg;
    return OK;
}

enum err store_calls_claim_reconcile(
    struct store *s, int64_t now_ms, int64_t interval_ms, store_calls_claimed *claimed, void *arg) {
    CHECK(now_ms > 0 && interval_ms > 0);
    s->claims++;
    s->claimed = claimed;
    s->arg = arg;
    return OK;
}

static void live(struct store *s, enum err e, const char *const *rooms, size_t n) {
    store_calls_rooms *found = STEAL(s->found);
    CHECK(found != NULL);
    if (found != NULL) {
        found(s->arg, e, rooms, n);
    }
}

/* --- all of it --- */

struct world {
    uv_loop_t loop;
    struct mx_client hs;
    struct calls calls;
    struct store store;
    struct as_observer_config observer;
    struct as_reconcile *r;
    int first_done;
};

static void on_first(void *arg) {
    struct world *w = arg;
    w->first_done++;
}

static enum err world_init(struct world *w, bool masquerade) {
    memset(w, 0, sizeof *w);
    uv_loop_init(&w->loop);
    log_redirect(STDOUT_FILENO);
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    w->observer = (struct as_observer_config){ .server_name = "hs", .focus_url = "" };
    return as_reconcile_create(&w->loop,
        &(struct as_reconcile_config){ .observer = &w->observer,
            .client = &w->hs,
            .calls = &w->calls,
            .store = &w->store,
            .appservice_id = "calls",
            .sender = "@_calls:hs",
            .masquerade = masquerade,
            .interval_ms = 3600 * SEC_MS },
        &w->r);
}

static void world_finish(struct world *w) {
    as_reconcile_destroy(w->r);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&w->loop));
    CHECK_INT(0, w->hs.n);
}

#define WHO "{\"user_id\":\"@_calls:hs\"}"

/* Started, the homeserver there, the first run over. */
static void world_settle(struct world *w, bool masquerade) {
    CHECK_ERR(OK, world_init(w, masquerade));
    as_reconcile_start(w->r, on_first, w);
    answer_ok(&w->hs, "versions", "{\"versions\":[\"v1.11\"],\"unstable_features\":{}}");
    answer_ok(&w->hs, "register _calls", "{}");
    CHECK(!as_reconcile_homeserver_up(w->r));
    answer_ok(&w->hs, "whoami", WHO);
    CHECK(as_reconcile_homeserver_up(w->r));
    live(&w->store, OK, NULL, 0);
    CHECK_INT(0, w->first_done);
    answer_ok(&w->hs, "ping calls", "{\"duration_ms\":3}");
    CHECK_INT(1, w->first_done);
    CHECK_INT(0, w->hs.n);
}

/* --- one room --- */

#define EVENT(type, key, sender, content)                                                          \
    "{\"type\":\"" type "\",\"state_key\":\"" key "\",\"sender\":\"" sender                        \
    "\",\"event_id\":\"$" key "\",\"origin_server_ts\":1700000000000,\"content\":" content "}"
#define MEMBER_TYPE "org.matrix.msc3401.call.member"
#define JOINED(expires)                                                                            \
    "{\"application\":\"m.call\",\"call_id\":\"\",\"device_id\":\"D\",\"created_ts\":"             \
    "99999999999999,\"expires\":" expires "}"
#define ANNA   EVENT(MEMBER_TYPE, "_@anna:hs_D_m.call", "@anna:hs", JOINED("14400000"))
#define PEOPLE "{\"joined\":{\"@anna:hs\":{},\"@bob:else\":{}}}"

TEST(appservice_reconcile, reads_a_room) {
    static const struct {
        const char *name;
        const char *state;
        const char *want;
    } rows[] = {
        { "nothing", "[]", "all:; !r:hs: known @anna:hs @bob:else" },
        { "a member", "[" ANNA "]",
            "member _@anna:hs_D_m.call; all: _@anna:hs_D_m.call; !r:hs: known @anna:hs @bob:else" },
        { "two, sorted",
            "[" EVENT(MEMBER_TYPE, "_@bob:else_E_m.call", "@bob:else", JOINED("1000")) "," ANNA "]",
            "member _@bob:else_E_m.call; member _@anna:hs_D_m.call; all: _@anna:hs_D_m.call "
            "_@bob:else_E_m.call; "
            "!r:hs: known @anna:hs @bob:else" },
        { "one who left the room",
            "[" EVENT(MEMBER_TYPE, "_@gone:hs_D_m.call", "@gone:hs", JOINED("1000")) "]",
            "all:; !r:hs: known @anna:hs @bob:else" },
        { "one that is over",
            "[" EVENT(MEMBER_TYPE, "_@anna:hs_D_m.call", "@anna:hs", JOINED("0")) "]",
            "all: _@anna:hs_D_m.call; !r:hs: known @anna:hs @bob:else" },
        { "one who left the call",
            "[" EVENT(MEMBER_TYPE, "_@anna:hs_D_m.call", "@anna:hs", "{}") "]",
            "left _@anna:hs_D_m.call; all:; !r:hs: known @anna:hs @bob:else" },
        { "one that cannot be read",
            "[" EVENT(MEMBER_TYPE, "_@anna:hs_D_m.call", "@anna:hs", "{\"application\":1}") "]",
            "all:; !r:hs: known @anna:hs @bob:else" },
        { "a list",
            "[" EVENT("com.famedly.call.member", "@anna:hs", "@anna:hs",
                "{\"memberships\":[{\"call_id\":\"\",\"device_id\":\"D\",\"expires_ts\":"
                "99999999999999}]}") "]",
            "member @anna:hs/D; list of @anna:hs; all: @anna:hs/D; !r:hs: known @anna:hs "
            "@bob:else" },
        { "other state is none of ours",
            "[" EVENT("m.room.member", "@gone:hs", "@gone:hs",
                "{\"membership\":\"leave\"}") ",7,{\"type\":7}]",
            "all:; !r:hs: known @anna:hs @bob:else" },
        { "a public room",
            "[" EVENT("m.room.join_rules", "", "@anna:hs", "{\"join_rule\":\"public\"}") "]",
            "all:; !r:hs: known public @anna:hs @bob:else" },
    };
    FOR_ROWS (rows, row) {
        ROW(row->name);
        struct world w;
        world_settle(&w, true);
        as_reconcile_room(w.r, "!r:hs");
        answer_ok(&w.hs, "members !r:hs", PEOPLE);
        answer_ok(&w.hs, "state !r:hs as @anna:hs", row->state);
        CHECK_STR(row->want, w.calls.text);
        commit(&w.calls, OK);
        CHECK_INT(1, w.calls.units);
        CHECK_INT(0, w.hs.n);
        world_finish(&w);
    }
}

TEST(appservice_reconcile, chooses_who_reads) {
    static const struct {
        const char *name;
        bool masquerade;
        const char *people;
        const char *want; /* NULL = nobody */
    } rows[] = {
        { "a local user", true, "{\"joined\":{\"@a:else\":{},\"@x:hs\":{}}}",
            "state !r:hs as @x:hs" },
        { "the sender, when it is joined", true, "{\"joined\":{\"@_calls:hs\":{},\"@a:hs\":{}}}",
            "state !r:hs" },
        { "the sender, when it may be nobody else", false, "{\"joined\":{\"@a:hs\":{}}}",
            "state !r:hs" },
        { "nobody", true, "{\"joined\":{\"@a:else\":{}}}", NULL },
        { "nonsense", true, "{\"joined\":7}", NULL },
    };
    FOR_ROWS (rows, row) {
        ROW(row->name);
        struct world w;
        world_settle(&w, row->masquerade);
        as_reconcile_room(w.r, "!r:hs");
        answer_ok(&w.hs, "members !r:hs", row->people);
        if (row->want != NULL) {
            answer(&w.hs, row->want, ERR_FORBIDDEN, 403, "{}");
        } else if (strcmp(row->name, "nonsense") == 0) {
            answer_ok(&w.hs, "whoami", WHO);
        }
        CHECK_INT(0, w.hs.n);
        CHECK_INT(0, w.calls.units);
        world_finish(&w);
    }
}

TEST(appservice_reconcile, tries_three_readers) {
    struct world w;
    world_settle(&w, true);
    as_reconcile_room(w.r, "!r:hs");
    answer_ok(&w.hs, "members !r:hs",
        "{\"joined\":{\"@d:hs\":{},\"@c:hs\":{},\"@b:hs\":{},\"@a:hs\":{}}}");
    answer(&w.hs, "state !r:hs as @a:hs", ERR_FORBIDDEN, 403, "{}");
    answer(&w.hs, "state !r:hs as @b:hs", ERR_FORBIDDEN, 403, "{}");
    answer(&w.hs, "state !r:hs as @c:hs", ERR_FORBIDDEN, 403, "{}");
    CHECK_INT(0, w.hs.n);
    world_finish(&w);
}

TEST(appservice_reconcile, asks_once_and_again_when_asked_meanwhile) {
    struct world w;
    world_settle(&w, true);
    as_reconcile_room(w.r, "!r:hs");
    as_reconcile_room(w.r, "!r:hs");
    as_reconcile_room(w.r, "no room");
    CHECK_INT(1, w.hs.n);
    answer(&w.hs, "members !r:hs", ERR_NOT_FOUND, 404, "{}");
    answer(&w.hs, "members !r:hs", ERR_NOT_FOUND, 404, "{}");
    CHECK_INT(0, w.hs.n);
    world_finish(&w);
}

TEST(appservice_reconcile, looks_for_the_homeserver_when_a_room_got_no_answer) {
    struct world w;
    world_settle(&w, true);
    as_reconcile_room(w.r, "!r:hs");
    answer(&w.hs, "members !r:hs", ERR_UNREACHABLE, 0, "{}");
    answer(&w.hs, "whoami", ERR_UNREACHABLE, 0, "{}");
    CHECK(!as_reconcile_homeserver_up(w.r));
    as_reconcile_room(w.r, "!q:hs");
    CHECK_INT(0, w.hs.n);
    world_finish(&w);
}

TEST(appservice_reconcile, bounds_the_queue_and_runs_when_it_overflowed) {
    struct world w;
    world_settle(&w, true);
    for (int i = 0; i < 10001; i++) {
        char room[32];
        snprintf(room, sizeof room, "!r%d:hs", i);
        as_reconcile_room(w.r, room);
    }
    CHECK_INT(4, w.hs.n);
    int answers = 0;
    for (; w.hs.n > 0 && answers < 20000; answers++) {
        answer(&w.hs, w.hs.open[0].text, ERR_NOT_FOUND, 404, "{}");
        CHECK(w.hs.n <= 4);
    }
    CHECK_INT(10000, answers);
    CHECK_INT(2, w.store.asked);
    live(&w.store, OK, NULL, 0);
    answer_ok(&w.hs, "ping calls", "{}");
    world_finish(&w);
}

/* --- runs --- */

TEST(appservice_reconcile, runs_over_all_live_rooms_first) {
    struct world w;
    const char *rooms[] = { "!a:hs", "!b:hs", "!c:hs", "!d:hs", "!e:hs", "!a:hs" };
    CHECK_ERR(OK, world_init(&w, true));
    as_reconcile_start(w.r, on_first, &w);
    answer_ok(&w.hs, "versions", "{}");
    answer(&w.hs, "register _calls", ERR_FORBIDDEN, 403, "{}");
    answer_ok(&w.hs, "whoami", "{\"user_id\":\"@other:hs\"}");
    live(&w.store, OK, rooms, COUNT_OF(rooms));
    CHECK_INT(4, w.hs.n);
    answer(&w.hs, "members !a:hs", ERR_FORBIDDEN, 403, "{}");
    answer(&w.hs, "members !b:hs", ERR_FORBIDDEN, 403, "{}");
    CHECK_INT(4, w.hs.n); /* c, d, e, and a once more: it had been done */
    answer(&w.hs, "members !c:hs", ERR_FORBIDDEN, 403, "{}");
    answer(&w.hs, "members !d:hs", ERR_FORBIDDEN, 403, "{}");
    answer(&w.hs, "members !e:hs", ERR_FORBIDDEN, 403, "{}");
    CHECK_INT(0, w.first_done);
    answer(&w.hs, "members !a:hs", ERR_FORBIDDEN, 403, "{}");
    answer(&w.hs, "ping calls", ERR_UNREACHABLE, 502, "{}");
    CHECK_INT(1, w.first_done);
    CHECK_INT(1, w.store.asked);
    world_finish(&w);
}

TEST(appservice_reconcile, is_done_at_once_without_a_homeserver) {
    static const struct {
        const char *name;
        enum err err;
        int status;
    } rows[] = {
        { "no connection", ERR_UNREACHABLE, 0 },
        { "too slow", ERR_TIMEOUT, 0 },
        { "broken", ERR_UNREACHABLE, 502 },
    };
    FOR_ROWS (rows, row) {
        ROW(row->name);
        struct world w;
        CHECK_ERR(OK, world_init(&w, true));
        as_reconcile_start(w.r, on_first, &w);
        answer(&w.hs, "versions", row->err, row->status, "{}");
        CHECK_INT(1, w.first_done);
        CHECK(!as_reconcile_homeserver_up(w.r));
        CHECK_INT(0, w.store.asked);
        world_finish(&w);
    }
}

TEST(appservice_reconcile, knows_a_refusal) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, true));
    log_setup(LOG_LEVEL_ERROR + 1, LOG_FORMAT_TEXT);
    as_reconcile_start(w.r, on_first, &w);
    answer_ok(&w.hs, "versions", "{}");
    answer(&w.hs, "register _calls", ERR_UNAUTHORIZED, 401, "{}");
    answer(&w.hs, "whoami", ERR_UNAUTHORIZED, 401, "{}");
    CHECK(!as_reconcile_homeserver_up(w.r));
    CHECK_INT(1, w.first_done);
    world_finish(&w);
}

TEST(appservice_reconcile, runs_when_the_homeserver_is_back) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, true));
    as_reconcile_start(w.r, on_first, &w);
    answer(&w.hs, "versions", ERR_UNREACHABLE, 0, "{}");
    int64_t end_us = clock_mono_us() + 20 * SEC_US;
    while (w.hs.n == 0 && clock_mono_us() < end_us) {
        uv_run(&w.loop, UV_RUN_ONCE);
    }
    answer_ok(&w.hs, "versions", "{}");
    answer_ok(&w.hs, "register _calls", "{}");
    answer_ok(&w.hs, "whoami", WHO);
    live(&w.store, OK, NULL, 0);
    answer_ok(&w.hs, "ping calls", "{}");
    CHECK_INT(1, w.first_done);
    world_finish(&w);
}

TEST(appservice_reconcile, waits_for_the_database) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, true));
    as_reconcile_start(w.r, on_first, &w);
    answer_ok(&w.hs, "versions", "{}");
    answer_ok(&w.hs, "register _calls", "{}");
    answer_ok(&w.hs, "whoami", WHO);
    live(&w.store, err_set(ERR_DATABASE, "away"), NULL, 0);
    CHECK_INT(0, w.first_done);
    as_reconcile_database_back(w.r);
    live(&w.store, OK, NULL, 0);
    answer_ok(&w.hs, "ping calls", "{}");
    CHECK_INT(1, w.first_done);
    as_reconcile_database_back(w.r);
    answer_ok(&w.hs, "ping calls", "{}");
    CHECK_INT(2, w.store.asked);
    world_finish(&w);
}

TEST(appservice_reconcile, one_node_runs_at_each_interval) {
    static const struct {
        const char *name;
        bool claimed;
    } rows[] = { { "this one", true }, { "another", false } };
    FOR_ROWS (rows, row) {
        ROW(row->name);
        struct world w;
        world_settle(&w, true);
        as_reconcile_set_interval(w.r, 10);
        int64_t end_us = clock_mono_us() + 10 * SEC_US;
        while (w.store.claims == 0 && clock_mono_us() < end_us) {
            uv_run(&w.loop, UV_RUN_ONCE);
        }
        as_reconcile_set_interval(w.r, 0);
        CHECK_INT(1, w.store.claims);
        w.store.claimed(w.store.arg, OK, row->claimed);
        CHECK_INT(row->claimed ? 2 : 1, w.store.asked);
        if (row->claimed) {
            live(&w.store, OK, NULL, 0);
            answer_ok(&w.hs, "ping calls", "{}");
        }
        world_finish(&w);
    }
}

/* --- going away --- */

TEST(appservice_reconcile, may_go_while_others_work) {
    struct world w;
    world_settle(&w, true);
    as_reconcile_database_back(w.r);
    as_reconcile_room(w.r, "!q:hs");
    as_reconcile_room(w.r, "!r:hs");
    answer_ok(&w.hs, "ping calls", "{}");
    as_reconcile_database_back(w.r);
    answer(&w.hs, "members !q:hs", ERR_NOT_FOUND, 404, "{}");
    answer_ok(&w.hs, "members !r:hs", PEOPLE);
    answer_ok(&w.hs, "ping calls", "{}");
    answer_ok(&w.hs, "state !r:hs as @anna:hs", "[]");
    as_reconcile_room(w.r, "!x:hs");
    world_finish(&w);
    commit(&w.calls, ERR_GONE);

    CHECK_ERR(OK, world_init(&w, true));
    as_reconcile_start(w.r, on_first, &w);
    answer_ok(&w.hs, "versions", "{}");
    answer_ok(&w.hs, "register _calls", "{}");
    answer_ok(&w.hs, "whoami", WHO);
    world_finish(&w);
    live(&w.store, ERR_DATABASE, NULL, 0);
}

TEST_ALLOC(appservice_reconcile, survives_no_memory) {
    struct world w;
    const char *room = "!r:hs";
    enum err e = world_init(&w, true);
    if (e != OK) {
        world_finish(&w);
        return e;
    }
    as_reconcile_start(w.r, on_first, &w);
    log_setup(LOG_LEVEL_ERROR + 1, LOG_FORMAT_TEXT);
    for (int turns = 0; turns < 20 && (w.hs.n > 0 || w.store.found != NULL || w.calls.work != NULL);
         turns++) {
        if (w.calls.work != NULL) {
            commit(&w.calls, OK);
        } else if (w.store.found != NULL) {
            live(&w.store, OK, &room, 1);
        } else if (strncmp(w.hs.open[0].text, "members", 7) == 0) {
            answer_ok(&w.hs, "members !r:hs", PEOPLE);
        } else if (strncmp(w.hs.open[0].text, "state", 5) == 0) {
            answer_ok(&w.hs, "state !r:hs as @anna:hs", "[" ANNA "]");
        } else {
            answer_ok(&w.hs, w.hs.open[0].text, WHO);
        }
    }
    world_finish(&w);
    return mem_failed() || w.first_done == 1 ? OK : ERR_GONE;
}
