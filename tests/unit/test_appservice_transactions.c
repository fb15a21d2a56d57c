/* Transactions between a homeserver, a membership cache and a database that are structs. */
#include "appservice/transactions.h"

#include "appservice/observer.h"
#include "appservice/reconcile.h"
#include "appservice_http.h"
#include "calls/work.h"
#include "core/buf.h"
#include "matrix/membership.h"

#include <inttypes.h>

/* --- the domain: units that run when the test says so --- */

struct call_work {
    struct arena arena;
    size_t n_inputs;
    enum call_input_type first;
    size_t n_views;
    char view[256];
    char txn_id[64];
    uint8_t hash[SHA256_SIZE];
    call_work_done *done;
    void *arg;
};

static struct call_work *running[8];
static size_t n_running;
static char story[1024]; /* what happened, in order */

static void tell(const char *what, const char *whom) {
    size_t n = strlen(story);
    snprintf(story + n, sizeof(story) - n, "%s%s:%s", n == 0 ? "" : " ", what, whom);
}

enum err call_work_create(struct calls *c, int64_t now_ms, struct call_work **ret) {
    struct call_work *w = mem_zalloc(sizeof(*w));
    (void)c;
    CHECK(now_ms > INT64_C(1700000000000));
    if (w == NULL) {
        return err_set(ERR_NOMEM, "no memory");
    }
    arena_init(&w->arena);
    *ret = w;
    return OK;
}

struct arena *call_work_arena(struct call_work *w) {
    return &w->arena;
}

enum err call_work_add(struct call_work *w, const struct call_input *in) {
    w->first = w->n_inputs == 0 ? in->type : w->first;
    w->n_inputs++;
    return OK;
}

enum err call_work_room(struct call_work *w, const struct call_room_view *view) {
    size_t n = strlen(w->view);
    snprintf(w->view + n, sizeof(w->view) - n, "%s%s=%s%s/%zu", n == 0 ? "" : " ", view->room_id,
        view->known ? "known" : "unknown", view->joinable ? ",joinable" : "", view->n_joined);
    if (view->n_joined > 0) {
        n = strlen(w->view);
        snprintf(w->view + n, sizeof(w->view) - n, ",%s", view->joined[view->n_joined - 1]);
    }
    w->n_views++;
    return OK;
}

enum err call_work_txn(struct call_work *w, const char *txn_id, const uint8_t hash[SHA256_SIZE]) {
    snprintf(w->txn_id, sizeof(w->txn_id), "%s", txn_id);
    memcpy(w->hash, hash, SHA256_SIZE);
    return OK;
}

void call_work_destroy(struct call_work *w) {
    if (w != NULL) {
        arena_finish(&w->arena);
        mem_free(w);
    }
}

void call_work_run(struct call_work *w, call_work_done *done, void *arg) {
    w->done = done;
    w->arg = arg;
    tell("run", w->txn_id);
    running[n_running++] = w;
}

/* Ends the unit that has run longest. */
static void end_unit(enum err e, const struct call_work_report *report) {
    struct call_work *w = running[0];
    static const struct call_work_report nothing = { 0 };
    if (n_running == 0) {
        test_fail(__FILE__, __LINE__, "no unit runs");
        return;
    }
    memmove(running, running + 1, --n_running * sizeof(running[0]));
    w->done(w->arg, e, report == NULL ? &nothing : report);
    call_work_destroy(w);
}

/* --- people --- */

static mx_membership_done *people_done;
static void *people_arg;
static char asked[4][64];
static size_t n_asked;
static enum err ask_result;

enum err mx_membership_ask(struct mx_membership *m, const char *const *room_ids, size_t n,
    mx_membership_done *done, void *arg) {
    (void)m;
    CHECK(people_done == NULL);
    for (size_t i = 0; i < n && i < COUNT_OF(asked); i++) {
        snprintf(asked[i], sizeof(asked[i]), "%s", room_ids[i]);
        tell("ask", room_ids[i]);
    }
    n_asked = n;
    if (ask_result == OK) {
        people_done = done;
        people_arg = arg;
    }
    return ask_result;
}

void mx_membership_forget(struct mx_membership *m, const char *room_id) {
    (void)m;
    tell("forget", room_id);
}

static void answer_people(void) {
    static const char *const joined[] = { "@alice:example.com", "@bob:example.com" };
    struct mx_room_people people[COUNT_OF(asked)] = { { 0 } };
    mx_membership_done *done = people_done;
    for (size_t i = 0; i < n_asked && i < COUNT_OF(asked); i++) {
        people[i] = (struct mx_room_people){ asked[i], joined, 2, i == 0, i == 0 };
    }
    people_done = NULL;
    done(people_arg, people, n_asked);
}

void as_reconcile_room(struct as_reconcile *r, const char *room_id) {
    (void)r;
    tell("look", room_id);
}

/* --- events --- */

#define ROOM(x) "\"room_id\":\"!" x ":example.com\","
#define EVENT(type, id, room, more)                                                                \
    "{\"type\":\"" type "\",\"event_id\":\"$" id                                                   \
    "\"," ROOM(room) "\"sender\":\"@alice:example.com\",\"unsigned\":{\"age\":5}," more "}"
#define INVITE(id, room)                                                                           \
    EVENT("m.call.invite", id, room, "\"content\":{\"call_id\":\"c\",\"offer\":{}}")
#define HANGUP(id, room)  EVENT("m.call.hangup", id, room, "\"content\":{\"call_id\":\"c\"}")
#define MESSAGE(id, room) EVENT("m.room.message", id, room, "\"content\":{}")
#define JOIN(id, room)                                                                             \
    EVENT("m.room.member", id, room,                                                               \
        "\"state_key\":\"@alice:example.com\",\"content\":{\"membership\":\"join\"}")
#define OLD_INVITE                                                                                 \
    "{\"type\":\"m.call.invite\",\"event_id\":\"$o\"," ROOM(                                       \
        "r") "\"sender\":\"@alice:example.com\",\"unsigned\":{\"age\":600000},\"content\":{"       \
             "\"call_id\":"                                                                        \
             "\"c\",\"offer\":{}}}"
#define BODY(events) "{\"events\":[" events "]}"

static const struct as_observer_config observer = { .server_name = "example.com", .focus_url = "" };

/* Never looked into by the code under test. */
static char membership_stub;
static char reconcile_stub;

static struct as_transactions *create(void) {
    struct as_transactions *t = NULL;
    const struct as_transactions_config cfg = { .observer = &observer,
        .membership = (struct mx_membership *)&membership_stub,
        .reconcile = (struct as_reconcile *)&reconcile_stub };
    n_running = 0;
    n_asked = 0;
    people_done = NULL;
    ask_result = OK;
    story[0] = '\0';
    CHECK_ERR(OK, as_transactions_create(&cfg, &t));
    return t;
}

static void take(
    struct as_transactions *t, struct http_request *r, const char *txn_id, const char *body) {
    *r = (struct http_request){ .txn_id = txn_id, .body = body };
    as_transactions_take(t, r);
}

TEST(appservice_transactions, answers_without_the_database_when_nothing_is_ours) {
    static const char *const rows[] = { BODY(""), BODY(MESSAGE("1", "r")), BODY("7,null,\"x\",[]"),
        "{\"events\":[],\"ephemeral\":[{}],\"org.matrix.msc3202.device_lists\":{}}" };
    FOR_ROWS (rows, r) {
        struct as_transactions *t = create();
        struct http_request request;
        ROW(*r);
        take(t, &request, "1", *r);
        CHECK_INT(200, request.status);
        CHECK_STR("{}", request.answer);
        CHECK_INT(0, n_running);
        as_transactions_destroy(t);
    }
}

TEST(appservice_transactions, answers_after_the_commit_and_not_before) {
    struct as_transactions *t = create();
    struct http_request request;
    take(t, &request, "42", BODY(MESSAGE("1", "r") "," HANGUP("2", "r")));
    CHECK_INT(0, request.answers);
    CHECK_INT(1, n_running);
    CHECK_INT(1, running[0]->n_inputs);
    CHECK_INT(IN_HANGUP, running[0]->first);
    CHECK_STR("42", running[0]->txn_id);
    end_unit(OK, NULL);
    CHECK_INT(1, request.answers);
    CHECK_INT(200, request.status);
    CHECK_STR("{}", request.answer);
    as_transactions_destroy(t);
}

TEST(appservice_transactions, says_what_became_of_it) {
    static const struct {
        const char *name;
        enum err e;
        bool known;
        int status;
        const char *answer;
    } rows[] = {
        { "committed", OK, false, 200, "{}" },
        { "known", OK, true, 200, "{}" },
        { "database away", ERR_DATABASE, false, 503, "M_DATABASE_UNAVAILABLE" },
        { "stopping", ERR_GONE, false, 503, "M_DATABASE_UNAVAILABLE" },
        { "too many waiting", ERR_LIMIT, false, 503, "M_DATABASE_UNAVAILABLE" },
        { "no memory", ERR_NOMEM, false, 0, "no_memory" },
    };
    FOR_ROWS (rows, r) {
        struct as_transactions *t = create();
        struct http_request request;
        struct call_work_report report = { .txn_known = r->known };
        ROW(r->name);
        take(t, &request, "1", BODY(HANGUP("1", "r")));
        end_unit(err_set(r->e, "because"), r->e == OK ? &report : NULL);
        CHECK_INT(1, request.answers);
        CHECK_INT(r->status, request.status);
        CHECK_STR(r->answer, request.answer);
        CHECK_STR(r->status == 503 ? "2" : "", request.retry_after);
        as_transactions_destroy(t);
    }
}

TEST(appservice_transactions, refuses_bodies_and_ids_that_are_none) {
    static char long_id[AS_TXN_ID_MAX + 2];
    memset(long_id, '1', AS_TXN_ID_MAX + 1);
    static const struct {
        const char *name;
        const char *txn_id;
        const char *body;
    } rows[] = {
        { "no JSON", "1", "events" },
        { "no events", "1", "{}" },
        { "events is an object", "1", "{\"events\":{}}" },
        { "no id", "", BODY("") },
        { "id too long", long_id, BODY("") },
    };
    FOR_ROWS (rows, r) {
        struct as_transactions *t = create();
        struct http_request request;
        ROW(r->name);
        take(t, &request, r->txn_id, r->body);
        CHECK_INT(1, request.answers);
        CHECK_INT(ERR_INVALID, request.cause);
        as_transactions_destroy(t);
    }
}

/* Else one event would stop the homeserver's stream for ever (1.4). */
TEST(appservice_transactions, steps_over_events_nobody_can_parse) {
    static const char *const rows[] = { "{\"a\":1e999}", "{\"a\\u0000b\":1}",
        "{\"a\":123456789012345678901234567890}", "{\"a\":\"\\ud800\"}", "{\"a\"}", "nonsense" };
    FOR_ROWS (rows, r) {
        struct as_transactions *t = create();
        struct http_request request;
        char body[512];
        ROW(*r);
        snprintf(body, sizeof(body), BODY("%s," HANGUP("2", "r")), *r);
        take(t, &request, "1", body);
        CHECK_INT(1, n_running);
        CHECK_INT(1, running[0]->n_inputs);
        CHECK_INT(IN_HANGUP, running[0]->first);
        end_unit(OK, NULL);
        CHECK_INT(200, request.status);
        as_transactions_destroy(t);
    }
}

TEST(appservice_transactions, asks_for_people_where_somebody_may_ring) {
    struct as_transactions *t = create();
    struct http_request request;
    take(t, &request, "1",
        BODY(INVITE("1", "r") "," HANGUP("2", "x") "," INVITE("3", "r") "," INVITE("4", "s")));
    CHECK_STR("ask:!r:example.com ask:!s:example.com", story);
    CHECK_INT(0, n_running);
    answer_people();
    CHECK_INT(1, n_running);
    CHECK_STR("!r:example.com=known,joinable/2,@bob:example.com "
              "!s:example.com=unknown/2,@bob:example.com",
        running[0]->view);
    end_unit(OK, NULL);
    CHECK_INT(200, request.status);
    as_transactions_destroy(t);
}

TEST(appservice_transactions, asks_nobody_about_history) {
    struct as_transactions *t = create();
    struct http_request request;
    take(t, &request, "1", BODY(OLD_INVITE));
    CHECK_STR("run:1", story);
    CHECK_INT(0, running[0]->n_views);
    end_unit(OK, NULL);
    as_transactions_destroy(t);
}

TEST(appservice_transactions, goes_on_without_people) {
    struct as_transactions *t = create();
    struct http_request request;
    ask_result = ERR_LIMIT;
    take(t, &request, "1", BODY(INVITE("1", "r")));
    CHECK_STR("ask:!r:example.com run:1", story);
    CHECK_INT(0, running[0]->n_views);
    end_unit(OK, NULL);
    CHECK_INT(200, request.status);
    as_transactions_destroy(t);
}

TEST(appservice_transactions, forgets_people_before_it_asks) {
    struct as_transactions *t = create();
    struct http_request request;
    take(t, &request, "1", BODY(JOIN("1", "r") "," INVITE("2", "r")));
    CHECK_STR("forget:!r:example.com ask:!r:example.com", story);
    answer_people();
    end_unit(OK, NULL);
    CHECK_STR("forget:!r:example.com ask:!r:example.com run:1 look:!r:example.com", story);
    as_transactions_destroy(t);
}

TEST(appservice_transactions, keeps_the_order_of_arrival) {
    struct as_transactions *t = create();
    struct http_request first;
    struct http_request second;
    struct http_request third;
    take(t, &first, "1", BODY(INVITE("1", "r")));
    take(t, &second, "2", BODY(HANGUP("2", "r")));
    take(t, &third, "3", BODY(INVITE("3", "s")));
    CHECK_STR("ask:!r:example.com", story);
    answer_people();
    CHECK_STR("ask:!r:example.com run:1 run:2 ask:!s:example.com", story);
    end_unit(OK, NULL);
    CHECK_INT(200, first.status);
    CHECK_INT(0, second.answers);
    answer_people();
    end_unit(ERR_DATABASE, NULL);
    end_unit(OK, NULL);
    CHECK_INT(503, second.status);
    CHECK_INT(200, third.status);
    as_transactions_destroy(t);
}

TEST(appservice_transactions, looks_at_rooms_after_the_commit) {
    static const char *const rechecks[] = { "!x:example.com" };
    const struct call_work_report report = { .rechecks = rechecks, .n_rechecks = 1 };
    struct as_transactions *t = create();
    struct http_request request;
    take(t, &request, "1", BODY(JOIN("1", "r") "," JOIN("2", "r") "," HANGUP("3", "r")));
    CHECK_STR("forget:!r:example.com run:1", story);
    end_unit(OK, &report);
    CHECK_STR("forget:!r:example.com run:1 look:!r:example.com look:!x:example.com", story);
    as_transactions_destroy(t);

    ROW("not committed");
    t = create();
    take(t, &request, "1", BODY(JOIN("1", "r") "," HANGUP("3", "r")));
    end_unit(ERR_DATABASE, NULL);
    CHECK_STR("forget:!r:example.com run:1", story);
    as_transactions_destroy(t);

    ROW("nothing to commit");
    t = create();
    take(t, &request, "1", BODY(JOIN("1", "r")));
    CHECK_STR("forget:!r:example.com look:!r:example.com", story);
    CHECK_INT(200, request.status);
    as_transactions_destroy(t);
}

/* The same id with other events is another transaction (1.5). */
TEST(appservice_transactions, tells_lists_of_events_apart) {
    static const struct {
        const char *name;
        const char *body;
        bool same;
    } rows[] = {
        { "the same", BODY(HANGUP("ab", "r") "," HANGUP("c", "r")), true },
        { "the same ids, more said",
            "{\"x\":1,\"events\":[" HANGUP("ab", "s") "," HANGUP("c", "r") "]}", true },
        { "the other way round", BODY(HANGUP("c", "r") "," HANGUP("ab", "r")), false },
        { "cut elsewhere", BODY(HANGUP("a", "r") "," HANGUP("bc", "r")), false },
        { "one more", BODY(HANGUP("ab", "r") "," HANGUP("c", "r") "," MESSAGE("d", "r")), false },
        { "one without id", BODY(HANGUP("ab", "r") "," HANGUP("c", "r") ",{}"), false },
        { "one nobody can parse", BODY(HANGUP("ab", "r") "," HANGUP("c", "r") ",x"), false },
    };
    uint8_t first[SHA256_SIZE] = { 0 };
    FOR_ROWS (rows, r) {
        struct as_transactions *t = create();
        struct http_request request;
        ROW(r->name);
        take(t, &request, "1", r->body);
        if (r == rows) {
            memcpy(first, running[0]->hash, sizeof(first));
        }
        CHECK_INT(r->same, memcmp(first, running[0]->hash, sizeof(first)) == 0);
        end_unit(OK, NULL);
        as_transactions_destroy(t);
    }
}

TEST(appservice_transactions, answers_everybody_when_it_ends) {
    uint64_t before = mem_live();
    struct as_transactions *t = create();
    struct http_request run;
    struct http_request waits;
    struct http_request behind;
    take(t, &run, "1", BODY(HANGUP("1", "r")));
    take(t, &waits, "2", BODY(INVITE("2", "r")));
    take(t, &behind, "3", BODY(HANGUP("3", "r")));
    as_transactions_destroy(t);
    const struct http_request *const all[] = { &run, &waits, &behind };
    FOR_ROWS (all, r) {
        CHECK_INT(1, (*r)->answers);
        CHECK_INT(503, (*r)->status);
        CHECK_STR("2", (*r)->retry_after);
    }
    end_unit(ERR_GONE, NULL); /* what ran is over only now */
    CHECK_INT(1, run.answers);
    CHECK_INT(before, mem_live());
    as_transactions_destroy(NULL);
}

/* Every allocation fails once: the answer is 200 or an error, never both, and nothing is lost. */
TEST_ALLOC(appservice_transactions, survives_no_memory) {
    struct as_transactions *t = NULL;
    const struct as_transactions_config cfg = { .observer = &observer,
        .membership = (struct mx_membership *)&membership_stub };
    n_running = 0;
    people_done = NULL;
    ask_result = OK;
    story[0] = '\0';
    TRY(as_transactions_create(&cfg, &t));
    struct http_request r = { .txn_id = "1", .body = BODY(JOIN("1", "r") "," INVITE("2", "r")) };
    as_transactions_take(t, &r);
    if (people_done != NULL) {
        answer_people();
    }
    if (n_running > 0) {
        end_unit(OK, NULL);
    }
    CHECK_INT(1, r.answers);
    as_transactions_destroy(t);
    return r.cause;
}
