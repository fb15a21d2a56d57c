/* A MatrixRTC session as a whole: what the scenarios cannot say, limits and lack of memory. */
#include "calls/rtc.h"
#include "calls/rtc_end.h"
#include "store/calls.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

#define NOW INT64_C(1790000000000)

static const struct call_policy policy = { .max_duration_ms = 86400000, .server_name = "hs" };
static const char *const people[] = { "@alice:hs", "@bob:hs" };
static const struct call_room_view view = {
    .room_id = "!r:hs", .joined = people, .n_joined = 2, .known = true
};

static void open_batch(struct call_batch *b, struct arena *a, int64_t now_ms) {
    call_batch_init(b, a, &policy, now_ms);
    b->rooms = &view;
    b->n_rooms = 1;
}

static struct call_input input(
    enum call_input_type t, int64_t at, const char *user, const char *id) {
    return (struct call_input){ .type = t,
        .room_id = "!r:hs",
        .event_id = id,
        .sender = user,
        .origin_ms = at,
        .sent_ms = at,
        .received_ms = at };
}

static struct call_input member(
    enum call_input_type t, int64_t at, const char *user, const char *id, const char *key) {
    struct call_input in = input(t, at, user, id);
    in.member.application = "m.call";
    in.member.slot = "m.call#ROOM";
    in.member.generation = "state";
    in.member.entry_key = in.member.state_key = key;
    in.member.user_id = in.member.key_user = user;
    in.member.device_id = "D";
    in.member.start_ms = at;
    in.member.expires_at = at + 14400000;
    return in;
}

static size_t events_of(const struct call_session *s, const char *type) {
    size_t n = 0;
    for (size_t i = 0; i < s->n_events; i++) {
        n += strcmp(s->events[i]->type, type) == 0;
    }
    return n;
}

/* --- limits --- */

TEST(calls_rtc, a_full_roster_is_said_once_and_takes_nobody) {
    struct arena a;
    arena_init(&a);
    struct call_batch b;
    open_batch(&b, &a, NOW);
    struct call_input in = member(IN_MEMBER, NOW, "@alice:hs", "$1", "k1");
    CHECK_ERR(OK, call_batch_apply(&b, &in));
    struct call_session *s = b.sessions;
    s->last_n = CALL_MEMBERS_MAX - 1; /* as after 9 999 stays; those that left need no memory */
    in = member(IN_MEMBER, NOW, "@alice:hs", "$2", "k2");
    CHECK_ERR(OK, call_batch_apply(&b, &in));
    CHECK_INT(1, events_of(s, "roster_full"));
    CHECK_INT(2, call_session_live(s));
    struct call_input ring = input(IN_RING, NOW, "@alice:hs", "$ring");
    ring.ring.end_ms = NOW + 30000;
    CHECK_ERR(OK, call_batch_apply(&b, &ring));
    CHECK_INT(CALL_RINGING, s->state);
    in = member(IN_MEMBER, NOW, "@bob:hs", "$3", "k3");
    CHECK_ERR(OK, call_batch_apply(&b, &in));
    CHECK_INT(CALL_RINGING, s->state);
    CHECK_INT(1, events_of(s, "roster_full"));
    CHECK_INT(2, call_session_live(s));
    CHECK_INT(CALL_MEMBERS_MAX, s->last_n);
    /* who is in may still refresh and leave; who comes back begins another call */
    in = member(IN_MEMBER, NOW + 1, "@alice:hs", "$4", "k2");
    CHECK_ERR(OK, call_batch_apply(&b, &in));
    in = member(IN_MEMBER_LEFT, NOW + 2, "@alice:hs", "$5", "k1");
    CHECK_ERR(OK, call_batch_apply(&b, &in));
    in = member(IN_MEMBER_LEFT, NOW + 2, "@alice:hs", "$6", "k2");
    CHECK_ERR(OK, call_batch_apply(&b, &in));
    CHECK_INT(CALL_CANCELLED, s->state);
    in = member(IN_MEMBER, NOW + 3, "@alice:hs", "$7", "k1");
    CHECK_ERR(OK, call_batch_apply(&b, &in));
    CHECK(s->next != NULL && s->next->state == CALL_ACTIVE);
    arena_finish(&a);
}

TEST(calls_rtc, a_device_that_comes_and_goes_does_not_make_one_user_two) {
    struct arena a;
    arena_init(&a);
    struct call_batch b;
    open_batch(&b, &a, NOW);
    for (int i = 0; i < 50; i++) {
        char *id = arena_printf(&a, "$in%d", i);
        char *gone = arena_printf(&a, "$out%d", i);
        struct call_input in = member(IN_MEMBER, NOW + i, "@alice:hs", id, "k");
        CHECK_ERR(OK, call_batch_apply(&b, &in));
        in = member(IN_MEMBER_LEFT, NOW + i, "@alice:hs", gone, "k");
        CHECK_ERR(OK, call_batch_apply(&b, &in));
    }
    CHECK(b.sessions != NULL && b.sessions->next == NULL);
    CHECK_INT(1, b.sessions->row.peak_users);
    CHECK_INT(50, b.sessions->last_n);
    CHECK_INT(CALL_ENDED, b.sessions->state);
    CHECK_INT(0, b.sessions->row.answered_at);
    arena_finish(&a);
}

TEST(calls_rtc, an_event_writes_a_row_of_a_type_and_subject_once) {
    struct arena a;
    arena_init(&a);
    struct call_batch b;
    open_batch(&b, &a, NOW);
    /* one list, the same device under two membership ids of which one is missing: the subjects are
     * equal */
    for (int i = 0; i < 3; i++) {
        char *key = arena_printf(&a, "@alice:hs/%d", i);
        struct call_input in = member(IN_MEMBER, NOW, "@alice:hs", "$list", key);
        in.member.generation = "array";
        CHECK_ERR(OK, call_batch_apply(&b, &in));
    }
    CHECK_INT(3, call_session_live(b.sessions));
    CHECK_INT(1, events_of(b.sessions, "participant_joined"));
    arena_finish(&a);
}

TEST(calls_rtc, each_expiry_of_a_large_call_is_run) {
    struct arena a;
    arena_init(&a);
    struct call_batch b;
    open_batch(&b, &a, NOW);
    enum { PEOPLE = 300 };
    for (int i = 0; i < PEOPLE; i++) {
        char *user = arena_printf(&a, "@u%d:hs", i);
        char *id = arena_printf(&a, "$%d", i);
        struct call_input in = member(IN_MEMBER, NOW - 1000, user, id, user);
        in.member.expires_at = NOW + 1000 + i;
        CHECK_ERR(OK, call_batch_apply(&b, &in));
    }
    CHECK_INT(PEOPLE, b.sessions->row.peak_users);
    CHECK(b.sessions->row.is_group);
    b.now_ms = NOW + 100000;
    CHECK_ERR(OK, call_batch_run_deadlines(&b));
    CHECK_INT(0, call_session_live(b.sessions));
    CHECK_INT(PEOPLE, events_of(b.sessions, "participant_expired"));
    CHECK_INT(1, events_of(b.sessions, "session_ended"));
    CHECK_INT(NOW + 1000 + PEOPLE - 1, b.sessions->row.ended_at);
    arena_finish(&a);
}

/* --- lack of memory --- */

static enum err play(struct call_batch *b, const struct call_input *inputs, size_t n) {
    for (size_t i = 0; i < n; i++) {
        TRY(call_batch_apply(b, &inputs[i]));
    }
    b->now_ms += 100000;
    TRY(call_batch_run_deadlines(b));
    struct store_changes changes;
    return call_batch_changes(b, &changes);
}

static void arena_finishp(struct arena *a) {
    arena_finish(a);
}

/* A ring before its member, an answer, hands, changes, a stranger's hand on an entry, every way to
 * leave, another call. */
TEST_ALLOC(calls_rtc, a_session_without_memory) {
    CLEANUP(arena_finishp) struct arena a;
    arena_init(&a);
    struct call_batch b;
    open_batch(&b, &a, NOW + 100);
    static const char *const mentions[] = { "@bob:hs" };
    static const char *const remaining[] = { "none" };
    struct call_input in[] = {
        input(IN_RING, NOW, "@alice:hs", "$ring"),
        member(IN_MEMBER, NOW + 1, "@alice:hs", "$a", "ka"),
        input(IN_RING, NOW + 2, "@alice:hs", "$ring2"),
        member(IN_MEMBER, NOW + 3, "@bob:hs", "$b", "kb"),
        input(IN_HAND_RAISED, NOW + 4, "@bob:hs", "$hand"),
        input(IN_REDACTED, NOW + 5, "@alice:hs", "$r"),
        member(IN_MEMBER, NOW + 6, "@bob:hs", "$b2", "kb"),
        member(IN_MEMBER, NOW - 7000, "@mallory:hs", "$m", "kb"),
        input(IN_NOTIFY, NOW + 7, "@alice:hs", "$n"),
        input(IN_DECLINE, NOW + 8, "@bob:hs", "$d"),
        member(IN_MEMBER_LIST, NOW + 9, NULL, NULL, NULL),
        member(IN_SLOT_CLOSED, NOW + 10, "@dave:hs", "$slot", NULL),
        member(IN_MEMBER, NOW + 11, "@alice:hs", "$a3", "ka"),
        input(IN_RELATED_OPAQUE, NOW + 12, "@alice:hs", "$hidden"),
        member(IN_MEMBER_OPAQUE, NOW + 13, "@bob:hs", "$o", NULL),
        member(IN_MEMBER, NOW + 14, "@bob:hs", "$board", "kx"),
    };
    in[0].ring.mentions = in[2].ring.mentions = mentions;
    in[0].ring.n_mentions = in[2].ring.n_mentions = 1;
    in[0].ring.start_ms = in[2].ring.start_ms = NOW;
    in[0].ring.end_ms = in[2].ring.end_ms = NOW + 30000;
    in[0].ring.target_event_id = in[2].ring.target_event_id = "$a";
    in[4].ring.target_event_id = "$b";
    in[5].ring.target_event_id = "$hand";
    in[6].member.intent = "audio";
    in[6].member.focus_url = "https://sfu.hs";
    in[9].ring.target_event_id = "$ring2";
    in[10].member.remaining = remaining;
    in[10].member.n_remaining = 1;
    in[10].member.snapshot_ms = NOW;
    in[13].ring.target_event_id = "$a3";
    in[15].member.application = "m.board";
    return play(&b, in, COUNT_OF(in));
}
