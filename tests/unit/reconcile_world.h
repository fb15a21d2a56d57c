/* The world around appservice/reconcile: a homeserver, a database and a domain that only note what
 * is asked of them. Included once, by test_appservice_reconcile.c, which links it in place of the
 * real ones. */
#ifndef TESTS_UNIT_RECONCILE_WORLD_H
#define TESTS_UNIT_RECONCILE_WORLD_H

#include "appservice/observer.h"
#include "appservice/reconcile.h"
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

#endif
