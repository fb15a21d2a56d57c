/* Which of two events of an entry counts (matrix-calls 3.3, 3.5). */
#include "calls/rtc.h"
#include "calls/rtc_entry.h"
#include "tests/unit/test.h"

#include <string.h>

TEST(calls_rtc_entry, the_sticky_event_that_lasts_longer_wins) {
    static const struct {
        const char *name;
        int64_t known, until;
        const char *known_event, *event;
        bool wins;
    } rows[] = {
        { "lasts longer", 1000, 1001, "$z", "$a", true },
        { "lasts less", 1000, 999, "$a", "$z", false },
        { "as long, greater id", 1000, 1000, "$a", "$b", true },
        { "as long, smaller id", 1000, 1000, "$b", "$a", false },
        { "the very same", 1000, 1000, "$a", "$a", false },
        { "as long, one id is the other's beginning", 1000, 1000, "$a", "$aa", true },
        { "ids are bytes", 1000, 1000, "$Z", "$a", true },
        { "known without an id", 1000, 1000, NULL, "$a", true },
        { "both without an id", 1000, 1000, NULL, NULL, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->wins, call_rtc_sticky_wins(r->known, r->known_event, r->until, r->event));
    }
}

TEST(calls_rtc_entry, only_sticky_events_are_beaten) {
    static const struct {
        const char *name, *generation;
        int64_t until;
        bool beaten;
    } rows[] = {
        { "sticky, younger", "sticky", 2000, false },
        { "sticky, older", "sticky", 999, true },
        { "sticky, without an end: a redaction", "sticky", 0, false },
        { "state, older", "state", 999, false },
        { "array, older", "array", 999, false },
    };
    struct call_member m = { .row = { .expires_at = 1000, .last_event_id = "$m" } };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct call_input in = { .type = IN_MEMBER, .event_id = "$n" };
        in.member.generation = r->generation;
        in.member.sticky_until = r->until;
        CHECK_INT(r->beaten, call_rtc_beaten(&m, &in));
        CHECK(!call_rtc_beaten(NULL, &in));
    }
}

TEST(calls_rtc_entry, state_events_out_of_order_are_told) {
    static const struct {
        const char *name, *generation, *event;
        int64_t origin;
        bool reconciled, out;
    } rows[] = {
        { "younger", "state", "$e", 5001, false, false },
        { "older by a second", "state", "$e", 4000, false, false },
        { "older by more", "state", "$e", 3999, false, true },
        { "array too", "array", "$e", 3999, false, true },
        { "sticky has its own rule", "sticky", "$e", 3999, false, false },
        { "the room's state itself", "state", "$e", 3999, true, false },
        { "no event", "state", NULL, 3999, false, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct call_member m = { .row = { .generation = r->generation, .last_origin_at = 5000 } };
        struct call_input in = { .type = IN_MEMBER,
            .event_id = r->event,
            .origin_ms = r->origin,
            .reconciled = r->reconciled };
        CHECK_INT(r->out, call_rtc_out_of_order(&m, &in));
    }
}

TEST(calls_rtc_entry, an_end_without_an_event_is_assumed) {
    static const struct {
        const char *name, *reason;
        int64_t left;
        bool assumed;
    } rows[] = {
        { "still in", NULL, 0, false },
        { "left", "left", 5, false },
        { "expired", "expired", 5, true },
        { "not in the room's state", "reconciled", 5, true },
        { "kicked", "kicked", 5, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct call_member m = { .row = { .left_at = r->left, .leave_reason = r->reason } };
        CHECK_INT(r->assumed, call_rtc_assumed_gone(&m));
    }
}

TEST(calls_rtc_entry, subjects_tell_entries_of_a_list_apart) {
    static const struct {
        const char *name, *generation, *device, *id, *want;
    } rows[] = {
        { "state", "state", "DEV", "m1", "@a:hs/DEV" },
        { "no device", "sticky", NULL, "m1", "@a:hs/" },
        { "array", "array", "DEV", "m1", "@a:hs/DEV/m1" },
        { "famedly", "famedly", "DEV", "m1", "@a:hs/DEV/m1" },
        { "array without an id", "array", "DEV", NULL, "@a:hs/DEV" },
    };
    struct arena arena;
    arena_init(&arena);
    struct call_batch b;
    call_batch_init(&b, &arena, NULL, 0);
    FOR_ROWS (rows, r) {
        ROW(r->name);
        const struct store_participant p = { .user_id = "@a:hs",
            .party = r->device,
            .generation = r->generation,
            .membership_id = r->id };
        CHECK_STR(r->want, call_rtc_subject(&b, &p));
    }
    arena_finish(&arena);
}
