/* The queue of units over a store made of sand: what is asked of it, when, and what comes of its
 * answers. */
#include "calls/work.h"

#include "calls/queue.h"
#include "core/clock.h"
#include "core/log.h"
#include "store/calls.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

/* --- the store: keeps the question until the test answers it --- */

static struct {
    store_calls_opened *opened;
    store_calls_done *committed;
    void *arg;
    struct store_scope scope;
    struct store_snapshot snapshot;
    bool seen[16];
    const struct store_changes *changes;
    int opens, due_opens, commits, aborts, asks;
    enum err refuse; /* store_calls_open gives this at once */
    store_calls_told *told;
    void *told_arg;
} sand;
static char open_work; /* its address stands for a struct store_work */

enum err store_calls_open(struct store *s, struct arena *arena, const struct store_scope *scope,
    store_calls_opened *opened, void *arg) {
    (void)s;
    (void)arena;
    if (sand.refuse != OK) {
        return err_set(sand.refuse, "refused");
    }
    sand.opens++;
    sand.scope = *scope;
    sand.opened = opened;
    sand.arg = arg;
    return OK;
}

enum err store_calls_open_due(struct store *s, struct arena *arena, int64_t now_ms, size_t limit,
    store_calls_opened *opened, void *arg) {
    (void)s;
    (void)arena;
    (void)now_ms;
    CHECK_INT(CALLS_DUE_ROOMS_MAX, limit);
    sand.due_opens++;
    sand.opened = opened;
    sand.arg = arg;
    return OK;
}

void store_calls_commit(struct store_work *w, struct store_audit_key *key,
    const struct store_changes *changes, store_calls_done *done, void *arg) {
    (void)w;
    (void)key;
    sand.commits++;
    sand.changes = changes;
    sand.committed = done;
    sand.arg = arg;
}

void store_calls_abort(struct store_work *w) {
    (void)w;
    sand.aborts++;
}

enum err store_calls_look_ahead(struct store *s, store_calls_told *told, void *arg) {
    (void)s;
    sand.asks++;
    sand.told = told;
    sand.told_arg = arg;
    return OK;
}

static void answer_outlook(enum err e, int64_t due_at) {
    sand.told(sand.told_arg, e,
        &(struct store_calls_outlook){ .due_at = due_at, .live_legacy = 2, .live_rtc = 3 });
}

static void answer_open(enum err e) {
    store_calls_opened *opened = sand.opened;
    CHECK(opened != NULL);
    sand.opened = NULL;
    sand.snapshot.event_seen = sand.seen;
    if (e != OK) {
        opened(sand.arg, err_set(e, "away"), NULL, NULL);
        return;
    }
    opened(sand.arg, OK, (struct store_work *)(void *)&open_work, &sand.snapshot);
}

static void answer_commit(enum err e) {
    store_calls_done *done = sand.committed;
    CHECK(done != NULL);
    sand.committed = NULL;
    done(sand.arg, e == OK ? OK : err_set(e, "not committed"));
}

/* --- the rig --- */

struct outcome {
    int done;
    enum err e;
    struct call_work_report report;
    int order;
};
struct rig {
    uv_loop_t loop;
    struct calls *calls;
    int pushes;
    int finished; /* units, for their order */
    char pushed[256];
};
static struct rig *now_rig;

static void note_push(void *arg, const struct call_push *p) {
    struct rig *r = arg;
    CHECK_INT(1, sand.commits > 0 && sand.committed == NULL); /* never before the commit */
    r->pushes++;
    size_t len = strlen(r->pushed);
    snprintf(r->pushed + len, sizeof(r->pushed) - len, " %s", call_push_name(p->type));
}

static void note_done(void *arg, enum err e, const struct call_work_report *report) {
    struct outcome *o = arg;
    o->done++;
    o->e = e;
    o->report = *report;
    o->order = ++now_rig->finished;
}

static void rig_start(struct rig *r) {
    memset(&sand, 0, sizeof(sand));
    *r = (struct rig){ 0 };
    now_rig = r;
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    uv_loop_init(&r->loop);
    const struct calls_config cfg = { .policy = {
                                          .max_duration_ms = DAY_MS, .server_name = "hs" } };
    CHECK_ERR(OK, calls_create(&r->loop, &cfg, &r->calls));
    CHECK_ERR(OK, calls_subscribe(r->calls, note_push, r));
}

/* A few turns: the timers of length 0 have run. */
static void turn(struct rig *r) {
    for (int i = 0; i < 4; i++) {
        uv_run(&r->loop, UV_RUN_NOWAIT);
    }
}

static void rig_stop(struct rig *r) {
    calls_destroy(r->calls);
    uv_run(&r->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&r->loop));
}

static struct call_work *make(struct rig *r) {
    struct call_work *w = NULL;
    CHECK_ERR(OK, call_work_create(r->calls, clock_wall_ms(), &w));
    return w;
}

static void add(struct call_work *w, enum call_input_type type, const char *event_id,
    const char *room_id, const char *call_id) {
    struct call_input *in = arena_alloc(call_work_arena(w), sizeof(*in));
    int64_t now = clock_wall_ms();
    *in = (struct call_input){ .type = type,
        .room_id = room_id,
        .event_id = event_id,
        .sender = "@alice:hs",
        .origin_ms = now,
        .sent_ms = now,
        .received_ms = now };
    if (type <= IN_REPLACES) {
        in->legacy = (struct call_input_legacy){ .call_id = call_id,
            .party_id = "A",
            .version = 1,
            .lifetime_ms = 60000,
            .invitee = "@bob:hs" };
    } else if (type == IN_MALFORMED) {
        in->room.problem = "broken";
    }
    CHECK_ERR(OK, call_work_add(w, in));
}

static const uint8_t hash[SHA256_SIZE] = { 7 };

/* --- the ordinary way --- */

TEST(calls_work, tells_after_the_commit) {
    struct rig r;
    rig_start(&r);
    struct outcome o = { 0 };
    struct call_work *w = make(&r);
    add(w, IN_INVITE, "$b", "!q", "c2");
    add(w, IN_MALFORMED, "$c", NULL, NULL);
    CHECK_ERR(OK, call_work_txn(w, "42", hash));
    call_work_run(w, note_done, &o);
    CHECK_INT(0, sand.opens); /* later, not from inside */
    turn(&r);
    CHECK_INT(1, sand.opens);
    CHECK_STR("42", sand.scope.txn_id);
    CHECK_INT(7, sand.scope.txn_hash[0]);
    answer_open(OK);
    CHECK_INT(1, sand.commits);
    CHECK_STR("42", sand.changes->txn_id);
    CHECK_INT(2, sand.changes->n_event_ids);
    CHECK_INT(0, o.done);
    CHECK_INT(0, r.pushes);
    answer_commit(OK);
    CHECK_INT(1, o.done);
    CHECK_INT(OK, o.e);
    CHECK_INT(2, o.report.inputs);
    CHECK_STR(" incoming-call", r.pushed);
    rig_stop(&r);
}

TEST(calls_work, does_a_known_transaction_not_again) {
    struct rig r;
    rig_start(&r);
    struct outcome o = { 0 };
    struct call_work *w = make(&r);
    add(w, IN_INVITE, "$a", "!q", "c2");
    CHECK_ERR(OK, call_work_txn(w, "42", hash));
    call_work_run(w, note_done, &o);
    turn(&r);
    sand.snapshot.txn_known = true;
    answer_open(OK);
    CHECK_INT(0, sand.commits);
    CHECK_INT(1, sand.aborts);
    CHECK_INT(OK, o.e);
    CHECK(o.report.txn_known);
    CHECK_INT(0, o.report.inputs);
    CHECK_INT(0, r.pushes);
    rig_stop(&r);
}

TEST(calls_work, remembers_a_transaction_without_inputs) {
    struct rig r;
    rig_start(&r);
    struct outcome o = { 0 };
    struct call_work *w = make(&r);
    CHECK_ERR(OK, call_work_txn(w, "42", hash));
    call_work_run(w, note_done, &o);
    turn(&r);
    answer_open(OK);
    CHECK_INT(1, sand.commits);
    CHECK_STR("42", sand.changes->txn_id);
    answer_commit(OK);
    CHECK_INT(OK, o.e);
    rig_stop(&r);
}

TEST(calls_work, writes_nothing_when_nothing_is_new) {
    struct rig r;
    rig_start(&r);
    struct outcome o = { 0 };
    struct call_work *w = make(&r);
    add(w, IN_MALFORMED, "$a", NULL, NULL);
    call_work_run(w, note_done, &o);
    turn(&r);
    sand.seen[0] = true;
    answer_open(OK);
    CHECK_INT(0, sand.commits);
    CHECK_INT(1, sand.aborts);
    CHECK_INT(OK, o.e);
    CHECK_INT(1, o.report.duplicates);
    rig_stop(&r);
}

TEST(calls_work, runs_units_one_after_the_other_in_their_order) {
    struct rig r;
    rig_start(&r);
    struct outcome o[3] = { 0 };
    for (int i = 0; i < 3; i++) {
        struct call_work *w = make(&r);
        add(w, IN_MALFORMED, "$a", NULL, NULL);
        call_work_run(w, note_done, &o[i]);
    }
    for (int i = 0; i < 3; i++) {
        turn(&r);
        CHECK_INT(i + 1, sand.opens);
        answer_open(OK);
        turn(&r);
        CHECK_INT(i + 1, sand.opens);
        answer_commit(OK);
        CHECK_INT(i + 1, o[i].order);
    }
    rig_stop(&r);
}

/* --- failures --- */

TEST(calls_work, keeps_nothing_of_a_unit_that_fails) {
    static const struct {
        const char *name;
        enum err refuse, open, commit;
        int aborts;
    } rows[] = {
        { "the store takes no question", ERR_NOMEM, OK, OK, 0 },
        { "the database is away", OK, ERR_DATABASE, OK, 0 },
        { "the commit fails", OK, OK, ERR_DATABASE, 0 },
    };
    FOR_ROWS (rows, row) {
        ROW(row->name);
        struct rig r;
        rig_start(&r);
        struct outcome o = { 0 };
        struct outcome next = { 0 };
        sand.refuse = row->refuse;
        struct call_work *w = make(&r);
        add(w, IN_INVITE, "$a", "!q", "c2");
        call_work_run(w, note_done, &o);
        turn(&r);
        if (row->refuse == OK) {
            answer_open(row->open);
        }
        if (row->commit != OK) {
            answer_commit(row->commit);
        }
        CHECK_INT(1, o.done);
        CHECK_INT(row->refuse + row->open + row->commit, o.e);
        CHECK_INT(0, r.pushes);
        sand.refuse = OK;
        w = make(&r);
        add(w, IN_INVITE, "$a", "!q", "c2");
        call_work_run(w, note_done, &next);
        turn(&r);
        answer_open(OK);
        answer_commit(OK);
        CHECK_INT(OK, next.e);
        CHECK_STR(" incoming-call", r.pushed);
        rig_stop(&r);
    }
}

TEST(calls_work, refuses_what_would_make_the_queue_too_long) {
    struct rig r;
    rig_start(&r);
    static struct outcome o[CALLS_QUEUE_MAX + 2];
    for (int i = 0; i < CALLS_QUEUE_MAX + 2; i++) {
        call_work_run(make(&r), note_done, &o[i]);
        if (i == 0) {
            turn(&r); /* the first one is no longer waiting */
        }
    }
    CHECK_INT(0, o[CALLS_QUEUE_MAX + 1].done); /* told later, not from inside */
    turn(&r);
    CHECK_INT(1, o[CALLS_QUEUE_MAX + 1].done);
    CHECK_INT(ERR_LIMIT, o[CALLS_QUEUE_MAX + 1].e);
    CHECK_INT(0, o[CALLS_QUEUE_MAX].done);
    calls_destroy(r.calls);
    for (int i = 0; i < CALLS_QUEUE_MAX + 1; i++) {
        CHECK_INT(1, o[i].done);
        CHECK_INT(ERR_GONE, o[i].e);
    }
    answer_open(OK); /* the store gives back what it had */
    CHECK_INT(1, sand.aborts);
    uv_run(&r.loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&r.loop));
}

TEST(calls_work, may_be_destroyed_while_the_store_commits) {
    struct rig r;
    rig_start(&r);
    struct outcome o = { 0 };
    struct call_work *w = make(&r);
    add(w, IN_INVITE, "$a", "!q", "c2");
    call_work_run(w, note_done, &o);
    turn(&r);
    answer_open(OK);
    rig_stop(&r);
    CHECK_INT(ERR_GONE, o.e);
    answer_commit(OK);
    CHECK_INT(1, o.done);
    CHECK_INT(0, r.pushes);
}

TEST(calls_work, takes_a_few_subscribers) {
    struct rig r;
    rig_start(&r);
    for (int i = 2; i < CALLS_SUBSCRIBERS_MAX; i++) {
        CHECK_ERR(OK, calls_subscribe(r.calls, note_push, &r));
    }
    CHECK_ERR(ERR_LIMIT, calls_subscribe(r.calls, note_push, &r));
    rig_stop(&r);
}

/* A unit is made, filled and thrown away. */
TEST_ALLOC(calls_work, survives_no_memory_when_a_unit_is_made) {
    struct call_work *w = NULL;
    struct calls *c = NULL;
    uv_loop_t loop;
    uv_loop_init(&loop);
    const struct calls_config cfg = { .policy = { .server_name = "hs" } };
    enum err e = calls_create(&loop, &cfg, &c);
    if (e == OK) {
        e = call_work_create(c, 1, &w);
    }
    static const struct call_input in = { .type = IN_MALFORMED };
    static const struct call_room_view view = { .room_id = "!r" };
    for (int i = 0; i < 9 && e == OK; i++) {
        e = call_work_add(w, &in);
        e = e == OK ? call_work_room(w, &view) : e;
    }
    e = e == OK ? call_work_txn(w, "42", hash) : e;
    call_work_destroy(w);
    calls_destroy(c);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return e;
}

/* --- deadlines --- */

static struct store_loaded_call ringing(int64_t deadline) {
    return (struct store_loaded_call){ .row = { .id = "0190a000-0000-7000-8000-000000000001",
                                           .kind = "legacy",
                                           .room_id = "!r:hs",
                                           .call_id = "c1",
                                           .state = "ringing",
                                           .status = "ringing",
                                           .rings = true,
                                           .caller_user = "@alice:hs",
                                           .caller_party = "A",
                                           .created_at = deadline - 60000,
                                           .deadline_at = deadline,
                                           .due_at = deadline } };
}

TEST(calls_work, runs_deadlines_until_none_is_due_then_asks_for_the_next) {
    struct rig r;
    rig_start(&r);
    turn(&r);
    CHECK_INT(0, sand.due_opens);
    calls_start_deadlines(r.calls);
    calls_start_deadlines(r.calls); /* again is nothing */
    turn(&r);
    CHECK_INT(1, sand.due_opens);
    struct store_loaded_call call = ringing(clock_wall_ms() - 1000);
    sand.snapshot = (struct store_snapshot){ .calls = &call, .n_calls = 1 };
    answer_open(OK);
    CHECK_INT(1, sand.commits);
    CHECK_STR("missed", sand.changes->calls[0].row->state);
    answer_commit(OK);
    CHECK_STR(" call-missed", r.pushed);
    turn(&r);
    CHECK_INT(2, sand.due_opens);
    sand.snapshot = (struct store_snapshot){ 0 };
    answer_open(OK);
    CHECK_INT(1, sand.commits);
    CHECK_INT(1, sand.aborts);
    CHECK_INT(1, sand.asks);
    answer_outlook(OK, clock_wall_ms() - 5); /* another node's, or due just now */
    for (int64_t end = clock_mono_us() + 10 * SEC_US;
         sand.due_opens < 3 && clock_mono_us() < end;) {
        uv_run(&r.loop, UV_RUN_ONCE);
    }
    CHECK_INT(3, sand.due_opens);
    answer_open(OK);
    CHECK_INT(2, sand.asks);
    calls_destroy(r.calls); /* while a question is under way */
    uv_run(&r.loop, UV_RUN_DEFAULT);
    answer_outlook(ERR_DATABASE, 0);
    CHECK_INT(0, uv_loop_close(&r.loop));
}

TEST(calls_work, is_woken_by_the_deadline_of_what_it_commits) {
    struct rig r;
    rig_start(&r);
    calls_start_deadlines(r.calls);
    turn(&r);
    answer_open(OK);
    answer_outlook(OK, 0); /* nothing is due: it sleeps 15 s */
    struct call_work *w = make(&r);
    add(w, IN_INVITE, "$a", "!r:hs", "c1");
    struct outcome o = { 0 };
    call_work_run(w, note_done, &o);
    turn(&r);
    answer_open(OK);
    sand.changes->calls[0].row->due_at = clock_wall_ms() + 300;
    answer_commit(OK);
    int64_t begun = clock_mono_us();
    while (sand.due_opens < 2 && clock_mono_us() < begun + 10 * SEC_US) {
        uv_run(&r.loop, UV_RUN_ONCE);
    }
    CHECK_INT(2, sand.due_opens);
    answer_open(ERR_DATABASE);
    turn(&r);
    rig_stop(&r);
}
