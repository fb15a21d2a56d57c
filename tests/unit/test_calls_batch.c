/* A batch from inputs to changes: routing, limits, clocks, and a whole call without memory. */
#include "calls/batch.h"

#include "calls/session.h"
#include "store/calls.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define NOW INT64_C(1700000000000)

static const struct call_policy policy = { .max_duration_ms = 86400000, .server_name = "hs" };

static struct call_input legacy(enum call_input_type type, const char *event_id, const char *sender,
    const char *party, int64_t at_ms) {
    return (struct call_input){ .type = type,
        .room_id = "!r:hs",
        .event_id = event_id,
        .sender = sender,
        .origin_ms = at_ms,
        .sent_ms = at_ms,
        .received_ms = at_ms,
        .legacy = { .call_id = "c1", .party_id = party, .version = 1, .lifetime_ms = 60000 } };
}

static const char *const people[] = { "@alice:hs", "@bob:hs" };
static const struct call_room_view room = { "!r:hs", people, 2, true, false };

/* --- a whole call, every allocation failing once --- */

static enum err live_a_life(struct call_batch *b) {
    struct call_input in = legacy(IN_CANDIDATES, "$0", "@alice:hs", "A", NOW);
    in.legacy.candidates_host = 1;
    TRY(call_batch_apply(b, &in));
    in = legacy(IN_ANSWER, "$1", "@bob:hs", "B", NOW + 1000);
    TRY(call_batch_apply(b, &in));
    in = legacy(IN_INVITE, "$2", "@alice:hs", "A", NOW + 2000);
    in.origin_ms = NOW - 500; /* it was sent before the answer and overtaken by it */
    TRY(call_batch_apply(b, &in));
    in = legacy(IN_ANSWER, "$3", "@bob:hs", "B2", NOW + 3000);
    TRY(call_batch_apply(b, &in));
    in = legacy(IN_SELECT_ANSWER, "$4", "@alice:hs", "A", NOW + 4000);
    in.legacy.selected_party_id = "B";
    TRY(call_batch_apply(b, &in));
    in = legacy(IN_METADATA, "$5", "@bob:hs", "B", NOW + 5000);
    in.legacy.has_metadata = true;
    TRY(call_batch_apply(b, &in));
    in = legacy(IN_HANGUP, "$6", "@bob:hs", "B", NOW + 65000);
    TRY(call_batch_apply(b, &in));
    in = (struct call_input){ .type = IN_MALFORMED, .event_id = "$7", .room = { .problem = "p" } };
    TRY(call_batch_apply(b, &in));
    return call_batch_recheck(b, "!r:hs");
}

TEST_ALLOC(calls_batch, survives_no_memory_in_a_whole_call) {
    CLEANUP(arena_finish) struct arena a;
    arena_init(&a);
    struct call_batch b;
    call_batch_init(&b, &a, &policy, NOW + 65000);
    b.rooms = &room;
    b.n_rooms = 1;
    TRY(live_a_life(&b));
    TRY(call_batch_run_deadlines(&b));
    struct store_changes changes;
    TRY(call_batch_changes(&b, &changes));
    CHECK_INT(1, changes.n_calls);
    CHECK_INT(1, changes.n_strays);
    CHECK_INT(1, b.n_rechecks);
    CHECK_STR("ended", changes.calls[0].row->status);
    CHECK_INT(64000, changes.calls[0].row->duration_ms);
    CHECK(changes.calls[0].created && changes.calls[0].final);
    CHECK_INT(3, changes.calls[0].n_participants);
    return OK;
}

static enum err load_twice(struct arena *a, struct call_batch *b) {
    struct store_participant person = {
        .n = 1, .user_id = "@alice:hs", .party = "A", .role = "caller"
    };
    struct store_loaded_call call = { .row = { .kind = "legacy",
                                          .room_id = "!r:hs",
                                          .call_id = "c1",
                                          .state = "ringing",
                                          .rings = true,
                                          .caller_user = "@alice:hs",
                                          .caller_party = "A",
                                          .created_at = NOW,
                                          .deadline_at = NOW + 60000,
                                          .due_at = NOW + 60000 },
        .participants = &person,
        .n_participants = 1,
        .last_n = 1 };
    const struct store_snapshot snapshot = { .calls = &call, .n_calls = 1 };
    call_batch_init(b, a, &policy, NOW + 60000);
    return call_batch_load(b, &snapshot);
}

TEST_ALLOC(calls_batch, survives_no_memory_when_deadlines_run) {
    CLEANUP(arena_finish) struct arena a;
    arena_init(&a);
    struct call_batch b;
    TRY(load_twice(&a, &b));
    TRY(call_batch_run_deadlines(&b));
    struct store_changes changes;
    TRY(call_batch_changes(&b, &changes));
    CHECK_INT(1, changes.n_calls);
    CHECK_STR("missed", changes.calls[0].row->state);
    CHECK_INT(0, changes.calls[0].row->due_at);
    CHECK(!changes.calls[0].created);
    return OK;
}

TEST(calls_batch, writes_nothing_when_nothing_happened) {
    CLEANUP(arena_finish) struct arena a;
    arena_init(&a);
    struct call_batch b;
    CHECK_ERR(OK, load_twice(&a, &b));
    b.now_ms = NOW;
    CHECK_ERR(OK, call_batch_run_deadlines(&b));
    struct store_changes changes;
    CHECK_ERR(OK, call_batch_changes(&b, &changes));
    CHECK_INT(0, changes.n_calls);
}

TEST(calls_batch, refuses_a_row_whose_state_it_does_not_know) {
    CLEANUP(arena_finish) struct arena a;
    arena_init(&a);
    struct call_batch b;
    call_batch_init(&b, &a, &policy, NOW);
    struct store_loaded_call call = { .row = { .kind = "legacy", .state = "asleep" } };
    const struct store_snapshot snapshot = { .calls = &call, .n_calls = 1 };
    CHECK_ERR(ERR_DATABASE, call_batch_load(&b, &snapshot));
}

/* --- limits --- */

TEST(calls_batch, holds_a_hundred_calls_of_a_room_at_a_time) {
    CLEANUP(arena_finish) struct arena a;
    arena_init(&a);
    struct call_batch b;
    call_batch_init(&b, &a, &policy, NOW);
    for (int i = 0; i < 101; i++) {
        struct call_input in = legacy(IN_INVITE, NULL, "@alice:hs", "A", NOW);
        in.legacy.call_id = arena_printf(&a, "c%d", i);
        CHECK_ERR(OK, call_batch_apply(&b, &in));
    }
    CHECK(call_session_find_legacy(&b, "!r:hs", "c99") != NULL);
    CHECK(call_session_find_legacy(&b, "!r:hs", "c100") == NULL);
    CHECK_INT(1, b.n_strays);
    CHECK_STR("call_refused", b.strays[0]->type);
    CHECK_STR("c100", b.strays[0]->call_id);
    struct call_input hangup = legacy(IN_HANGUP, NULL, "@alice:hs", "A", NOW);
    hangup.legacy.call_id = "c0";
    CHECK_ERR(OK, call_batch_apply(&b, &hangup));
    struct call_input again = legacy(IN_INVITE, NULL, "@alice:hs", "A", NOW);
    again.legacy.call_id = "c100";
    CHECK_ERR(OK, call_batch_apply(&b, &again));
    CHECK(call_session_find_legacy(&b, "!r:hs", "c100") != NULL);
}

TEST(calls_batch, counts_candidates_without_overflow) {
    CLEANUP(arena_finish) struct arena a;
    arena_init(&a);
    struct call_batch b;
    call_batch_init(&b, &a, &policy, NOW);
    struct call_input in = legacy(IN_INVITE, "$0", "@alice:hs", "A", NOW);
    CHECK_ERR(OK, call_batch_apply(&b, &in));
    in.type = IN_CANDIDATES;
    in.legacy.candidates_host = INT32_MAX;
    in.legacy.candidates_relay = -5;
    CHECK_ERR(OK, call_batch_apply(&b, &in));
    CHECK_ERR(OK, call_batch_apply(&b, &in));
    CHECK_INT(1000000, b.sessions->members->row.candidates_host);
    CHECK_INT(0, b.sessions->members->row.candidates_relay);
}

/* --- clocks --- */

TEST(calls_batch, clamps_origin_times) {
    static const struct {
        const char *name;
        int64_t created, origin, received, want;
    } rows[] = {
        { "as it is", 100, 150, 200, 150 },
        { "before the first event", 100, 50, 200, 100 },
        { "in the future", 100, 900, 200, 200 },
        { "the first event itself", 100, 100, 200, 100 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        const struct call_session s = { .row = { .created_at = r->created } };
        const struct call_input in = { .origin_ms = r->origin, .received_ms = r->received };
        CHECK_INT(r->want, call_session_when(&s, &in));
    }
}

TEST(calls_batch, moves_on_a_deadline_that_no_row_moved) {
    CLEANUP(arena_finish) struct arena a;
    arena_init(&a);
    struct call_batch b;
    call_batch_init(&b, &a, &policy, NOW);
    struct store_loaded_call call = { .row = { .kind = "rtc",
                                          .room_id = "!r:hs",
                                          .call_id = "x",
                                          .slot = "x",
                                          .state = "answered", /* of which no rtc row knows */
                                          .deadline_at = NOW - 5,
                                          .due_at = NOW - 5 } };
    const struct store_snapshot snapshot = { .calls = &call, .n_calls = 1 };
    CHECK_ERR(OK, call_batch_load(&b, &snapshot));
    CHECK_ERR(OK, call_batch_run_deadlines(&b));
    struct store_changes changes;
    CHECK_ERR(OK, call_batch_changes(&b, &changes));
    CHECK_INT(1, changes.n_calls);
    CHECK(changes.calls[0].row->due_at > NOW);
}

/* --- glare --- */

TEST(calls_batch, lets_the_smaller_call_id_win) {
    static const struct {
        const char *name;
        const char *hers, *his; /* call ids of alice's and of bob's invite */
        const char *answered;   /* which one is answered, by whom it called */
        const char *want;       /* state of the other */
    } rows[] = {
        { "the smaller is answered", "a", "b", "a", "cancelled" },
        { "bytes, not lengths", "Z", "a", "Z", "cancelled" },
        { "a prefix is smaller", "a", "aa", "a", "cancelled" },
        { "the larger is answered", "b", "a", "b", "ringing" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct arena a;
        arena_init(&a);
        struct call_batch b;
        call_batch_init(&b, &a, &policy, NOW);
        b.rooms = &room;
        b.n_rooms = 1;
        struct call_input in = legacy(IN_INVITE, "$0", "@alice:hs", "A", NOW);
        in.legacy.call_id = r->hers;
        CHECK_ERR(OK, call_batch_apply(&b, &in));
        in = legacy(IN_INVITE, "$1", "@bob:hs", "B", NOW);
        in.legacy.call_id = r->his;
        CHECK_ERR(OK, call_batch_apply(&b, &in));
        in = legacy(IN_ANSWER, "$2", "@bob:hs", "B", NOW);
        in.legacy.call_id = r->answered;
        CHECK_ERR(OK, call_batch_apply(&b, &in));
        const struct call_session *other = call_session_find_legacy(&b, "!r:hs", r->his);
        CHECK_STR(r->want, other->row.state);
        arena_finish(&a);
    }
}
