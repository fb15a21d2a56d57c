/* What follows from a look into the SFU: a table of members, a table of participants. */
#include "calls/absence.h"

#include "test.h"

#define NOW INT64_C(1700000000000)
#define MIN INT64_C(60000)

struct member_row {
    const char *name;
    int64_t heard, asked, seen, absent, stale, due; /* before NOW; 0 = never, due: late by */
    int tries;
    bool elsewhere, delegated;
    enum call_sight sight;
    /* wanted */
    int64_t look_in;      /* from NOW */
    int64_t absent_since; /* before NOW; -1 = not absent */
    const char *reason;   /* NULL = not stale */
    bool again;
};

static int64_t before(int64_t ms) {
    return ms == 0 ? 0 : NOW - ms;
}

static const struct member_row members[] = {
    { .name = "is there", .heard = MIN, .sight = CALL_IN_SFU, .look_in = MIN, -1, NULL, false },
    { .name = "is back",
        .heard = 9 * MIN,
        .absent = MIN - 1,
        .sight = CALL_IN_SFU,
        .look_in = MIN,
        .absent_since = -1 },
    { .name = "is missed for the first time",
        .heard = 9 * MIN,
        .seen = MIN,
        .sight = CALL_NOT_IN_SFU,
        .look_in = MIN },
    { .name = "not for a minute yet",
        .heard = 9 * MIN,
        .seen = MIN,
        .absent = MIN - 1,
        .sight = CALL_NOT_IN_SFU,
        .look_in = 1,
        .absent_since = MIN - 1 },
    { .name = "left a minute ago",
        .heard = 9 * MIN,
        .seen = 2 * MIN,
        .absent = MIN,
        .sight = CALL_NOT_IN_SFU,
        .look_in = CALL_STALE_MS,
        .absent_since = MIN,
        .reason = "left_sfu" },
    { .name = "never came",
        .heard = MIN,
        .absent = MIN,
        .sight = CALL_NOT_IN_SFU,
        .look_in = CALL_STALE_MS,
        .absent_since = MIN,
        .reason = "never_came" },
    { .name = "wrote again a moment ago",
        .heard = 1000,
        .seen = 9 * MIN,
        .absent = 2 * MIN,
        .sight = CALL_NOT_IN_SFU,
        .look_in = MIN - 1000,
        .absent_since = 2 * MIN },
    { .name = "asked for a token a moment ago",
        .heard = 9 * MIN,
        .asked = 2000,
        .absent = 2 * MIN,
        .sight = CALL_NOT_IN_SFU,
        .look_in = MIN - 2000,
        .absent_since = 2 * MIN },
    { .name = "another SFU is in use",
        .heard = 9 * MIN,
        .seen = 5 * MIN,
        .absent = 2 * MIN,
        .elsewhere = true,
        .sight = CALL_NOT_IN_SFU,
        .look_in = MIN,
        .absent_since = -1 },
    { .name = "a delayed leave is with us",
        .heard = 9 * MIN,
        .seen = 5 * MIN,
        .absent = 2 * MIN,
        .delegated = true,
        .sight = CALL_NOT_IN_SFU,
        .look_in = MIN,
        .absent_since = 2 * MIN },
    { .name = "the SFU does not answer: nobody is gone",
        .heard = 9 * MIN,
        .seen = 5 * MIN,
        .absent = 2 * MIN,
        .sight = CALL_UNSEEN,
        .look_in = CALL_UNKNOWN_MS,
        .absent_since = -1 },
    { .name = "nobody looked for long: from anew",
        .heard = 90 * MIN,
        .seen = 50 * MIN,
        .absent = 10 * MIN,
        .due = CALL_LATE_MS,
        .sight = CALL_NOT_IN_SFU,
        .look_in = MIN },
    { .name = "said before, not ended",
        .heard = 90 * MIN,
        .seen = 50 * MIN,
        .absent = 10 * MIN,
        .stale = 9 * MIN,
        .tries = 2,
        .sight = CALL_NOT_IN_SFU,
        .look_in = 4 * CALL_STALE_MS,
        .absent_since = 10 * MIN,
        .reason = "left_sfu",
        .again = true },
    { .name = "tried very often",
        .heard = 900 * MIN,
        .seen = 500 * MIN,
        .absent = 100 * MIN,
        .stale = 99 * MIN,
        .tries = 1000000,
        .sight = CALL_NOT_IN_SFU,
        .look_in = CALL_STALE_MAX_MS,
        .absent_since = 100 * MIN,
        .reason = "left_sfu",
        .again = true },
};

TEST(calls_absence, holds_a_member_to_be_gone_after_a_minute) {
    FOR_ROWS (members, r) {
        ROW(r->name);
        const struct store_watch w = { .session_id = "s",
            .n = 3,
            .leased_until = NOW + 5,
            .due_at = NOW - r->due,
            .heard_at = before(r->heard),
            .asked_at = before(r->asked),
            .seen_at = before(r->seen),
            .absent_at = before(r->absent),
            .stale_at = before(r->stale),
            .tries = r->tries,
            .in_use = !r->elsewhere,
            .delegated = r->delegated };
        struct call_absence a = call_absence_of(&w, r->sight, NOW);
        CHECK_STR("s", a.next.session_id);
        CHECK_INT(3, a.next.n);
        CHECK_INT(NOW + 5, a.next.leased_until);
        CHECK_INT(NOW + r->look_in, a.next.look_at);
        CHECK_INT(r->absent_since == -1 ? 0 : NOW - r->absent_since, a.next.absent_at);
        CHECK_INT(r->sight == CALL_IN_SFU ? NOW : w.seen_at, a.next.seen_at);
        CHECK_INT(r->reason != NULL, a.stale);
        CHECK_STR(r->reason, a.reason);
        CHECK_INT(r->reason != NULL && !r->again, a.first);
        CHECK_INT(a.stale ? (r->again ? w.stale_at : NOW) : 0, a.next.stale_at);
        CHECK_INT(a.stale ? r->tries + 1 : 0, a.next.tries);
    }
}

TEST(calls_absence, takes_media_for_what_it_is) {
    static const struct {
        const char *name;
        int64_t since, left, barred; /* before NOW; 0 = never */
        bool member;
        enum call_sight sight;
        int64_t look_in; /* 0 = not */
        bool is_left, is_stranger;
    } rows[] = {
        { "is not there", 9 * MIN, 0, 0, false, CALL_NOT_IN_SFU, 0, false, false },
        { "is in the call", 9 * MIN, 0, 0, true, CALL_IN_SFU, 0, false, false },
        { "is being removed from the room", 9 * MIN, 0, MIN, false, CALL_IN_SFU, 0, false, false },
        { "cannot be seen", 9 * MIN, 0, 0, false, CALL_UNSEEN, CALL_UNKNOWN_MS, false, false },
        { "came a moment ago", 1000, 0, 0, false, CALL_IN_SFU, MIN - 1000, false, false },
        { "came a minute ago", MIN, 0, 0, false, CALL_IN_SFU, 0, false, true },
        { "came in the future", -MIN, 0, 0, false, CALL_IN_SFU, MIN, false, false },
        { "left the call a moment ago", 9 * MIN, 9999, 0, false, CALL_IN_SFU, 1, false, false },
        { "left the call and stayed", 9 * MIN, 10000, 0, false, CALL_IN_SFU, CALL_UNKNOWN_MS, true,
            false },
        { "left the call, and came back", 1000, 10000, 0, false, CALL_IN_SFU, MIN - 1000, false,
            false },
        { "left the call, and came back for long", 2 * MIN, 3 * MIN, 0, false, CALL_IN_SFU, 0,
            false, true },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        const struct store_visit v = {
            .who = { .alias = "a", .identity = "i", .barred_at = before(r->barred) },
            .leased_until = NOW + 5,
            .left_at = before(r->left),
            .is_member = r->member
        };
        struct call_visit c = call_visit_of(&v, r->sight, NOW - r->since, NOW);
        CHECK_STR("a", c.next.alias);
        CHECK_STR("i", c.next.identity);
        CHECK_INT(NOW + 5, c.next.leased_until);
        CHECK_INT(r->look_in == 0 ? 0 : NOW + r->look_in, c.next.look_at);
        CHECK_INT(r->is_left, c.left);
        CHECK_INT(r->is_stranger, c.no_membership);
    }
}
