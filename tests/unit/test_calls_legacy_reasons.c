/* The reasons of matrix-calls 2.3, each before and after the answer, from either side. */
#include "calls/legacy_reasons.h"

#include "test.h"

static const char *show(enum call_state s) {
    return s == CALL_SAME ? "same" : call_state_name(s);
}

TEST(calls_legacy_reasons, mean_what_the_page_says) {
    static const struct {
        const char *name;
        const char *reason;
        const char *before_caller, *before_callee, *after_caller, *after_callee;
        bool error;
        const char *text;
    } rows[] = {
        { "missing", NULL, "cancelled", "rejected", "ended", "ended", false, "user_hangup" },
        { "user_hangup", "user_hangup", "cancelled", "rejected", "ended", "ended", false,
            "user_hangup" },
        { "invite_timeout", "invite_timeout", "missed", "missed", "ended", "ended", false,
            "invite_timeout" },
        { "user_busy", "user_busy", "rejected", "rejected", "ended", "ended", false, "busy" },
        { "ice_failed", "ice_failed", "failed", "failed", "ended", "ended", true, "ice_failed" },
        { "ice_timeout", "ice_timeout", "failed", "failed", "ended", "ended", true, "ice_timeout" },
        { "user_media_failed", "user_media_failed", "failed", "failed", "ended", "ended", true,
            "user_media_failed" },
        { "no_user_media", "no_user_media", "failed", "failed", "ended", "ended", true,
            "no_user_media" },
        { "create_offer", "create_offer", "failed", "failed", "ended", "ended", true,
            "create_offer" },
        { "set_remote_description", "set_remote_description", "failed", "failed", "ended", "ended",
            true, "set_remote_description" },
        { "send_invite", "send_invite", "failed", "failed", "ended", "ended", true, "send_invite" },
        { "unknown_error", "unknown_error", "failed", "failed", "ended", "ended", true,
            "unknown_error" },
        { "unknown_devices", "unknown_devices", "failed", "failed", "ended", "ended", true,
            "unknown_devices" },
        { "local_offer_failed", "local_offer_failed", "failed", "failed", "ended", "ended", true,
            "local_offer_failed" },
        { "signalling_timeout", "signalling_timeout", "failed", "failed", "ended", "ended", true,
            "signalling_timeout" },
        { "a word nobody knows", "blue", "failed", "failed", "ended", "ended", true, "blue" },
        { "answered_elsewhere", "answered_elsewhere", "cancelled", "same", "ended", "same", false,
            "answered_elsewhere" },
        { "replaced", "replaced", "cancelled", "cancelled", "ended", "ended", false, "replaced" },
        { "transferred", "transferred", "cancelled", "cancelled", "ended", "ended", false,
            "transferred" },
        { "new_session", "new_session", "cancelled", "cancelled", "ended", "ended", false,
            "new_session" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_STR(r->before_caller, show(call_reason_before_answer(r->reason, true)));
        CHECK_STR(r->before_callee, show(call_reason_before_answer(r->reason, false)));
        CHECK_STR(r->after_caller, show(call_reason_after_answer(r->reason, true)));
        CHECK_STR(r->after_callee, show(call_reason_after_answer(r->reason, false)));
        CHECK_INT(r->error, call_reason_is_error(r->reason));
        CHECK_STR(r->text, call_reason_text(r->reason));
    }
}

TEST(calls_legacy_reasons, know_replacements) {
    CHECK(call_reason_is_replacement("replaced"));
    CHECK(call_reason_is_replacement("transferred"));
    CHECK(call_reason_is_replacement("new_session"));
    CHECK(!call_reason_is_replacement("user_hangup"));
    CHECK(!call_reason_is_replacement(NULL));
}
