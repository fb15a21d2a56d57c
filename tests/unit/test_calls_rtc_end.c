/* The final status of a call, and what is shown of it before (matrix-calls 3.5, "Final status"). */
#include "calls/rtc.h"
#include "calls/rtc_end.h"
#include "tests/unit/test.h"

TEST(calls_rtc_end, the_final_status_follows_from_the_row) {
    static const struct {
        const char *name;
        enum call_state state;
        const char *mark;
        int peak;
        enum call_state want;
    } rows[] = {
        { "two were in", CALL_ACTIVE, NULL, 2, CALL_ENDED },
        { "one alone, no ring", CALL_ACTIVE, NULL, 1, CALL_ENDED },
        { "it still rings", CALL_RINGING, NULL, 1, CALL_CANCELLED },
        { "rings again after two were in", CALL_RINGING, NULL, 2, CALL_ENDED },
        { "nobody came", CALL_ACTIVE, RTC_UNANSWERED, 1, CALL_MISSED },
        { "declined", CALL_ACTIVE, RTC_DECLINED, 1, CALL_REJECTED },
        { "cancelled and resumed", CALL_ACTIVE, RTC_CANCELLED, 1, CALL_CANCELLED },
        { "nobody came to a ring, after two were in", CALL_ACTIVE, RTC_UNANSWERED, 2, CALL_ENDED },
        { "declined, after two were in", CALL_ACTIVE, RTC_DECLINED, 3, CALL_ENDED },
        { "a reason that is no mark", CALL_ACTIVE, "left", 1, CALL_ENDED },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        const struct store_call row = { .end_reason = r->mark, .peak_users = r->peak };
        CHECK_INT(r->want, call_rtc_final_state(&row, r->state));
    }
}

TEST(calls_rtc_end, a_resumed_call_keeps_its_fate) {
    static const enum call_state finals[] = { CALL_MISSED, CALL_REJECTED, CALL_CANCELLED,
        CALL_ENDED };
    FOR_ROWS (finals, f) {
        ROW(call_state_name(*f));
        const struct store_call row = { .end_reason = call_rtc_mark(*f), .peak_users = 1 };
        CHECK_INT(*f, call_rtc_final_state(&row, CALL_ACTIVE));
    }
}

TEST(calls_rtc_end, what_is_shown) {
    static const struct {
        const char *name;
        enum call_state state;
        const char *mark;
        int peak;
        bool historic;
        const char *want;
    } rows[] = {
        { "stub", CALL_STUB, NULL, 0, false, NULL },
        { "stub that is over", CALL_ENDED, "no_member", 0, false, NULL },
        { "ringing", CALL_RINGING, NULL, 1, false, "ringing" },
        { "active", CALL_ACTIVE, NULL, 1, false, "active" },
        { "rang in vain, caller waits", CALL_ACTIVE, RTC_UNANSWERED, 1, false, "missed" },
        { "declined, caller waits", CALL_ACTIVE, RTC_DECLINED, 1, false, "rejected" },
        { "cancelled, caller is back", CALL_ACTIVE, RTC_CANCELLED, 1, false, "active" },
        { "ended", CALL_ENDED, "left", 2, false, "ended" },
        { "missed", CALL_MISSED, RTC_UNANSWERED, 1, false, "missed" },
        { "history, not over", CALL_ACTIVE, NULL, 2, true, NULL },
        { "history, ringing", CALL_RINGING, NULL, 1, true, NULL },
        { "history, over", CALL_ENDED, "left", 2, true, "ended" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        const struct store_call row = {
            .end_reason = r->mark, .peak_users = r->peak, .historic = r->historic
        };
        CHECK_STR(r->want, call_rtc_status(&row, r->state));
    }
}

TEST(calls_rtc_end, the_timer_looks_when_time_does_something) {
    static const struct {
        const char *name;
        bool historic;
        int64_t deadline, expires, left, want;
    } rows[] = {
        { "nothing to wait for", false, 0, 0, 0, 0 },
        { "a ring ends", false, 50, 100, 0, 50 },
        { "a member expires", false, 0, 100, 0, 100 },
        { "a member expires before the ring", false, 200, 100, 0, 100 },
        { "who left does not expire", false, 0, 100, 90, 0 },
        { "history only waits for more of it", true, 900, 100, 0, 900 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct call_member m = { .row = { .expires_at = r->expires, .left_at = r->left } };
        const struct call_session s = {
            .row = { .historic = r->historic, .deadline_at = r->deadline }, .members = &m
        };
        CHECK_INT(r->want, call_rtc_due(&s));
    }
}
