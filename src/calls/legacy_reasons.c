/* The hangup reasons as data. Pure. */
#include "calls/legacy_reasons.h"

#include "core/mem.h"

#include <string.h>

enum reason_class { PLAIN, TIMED_OUT, BUSY, FAILURE, ELSEWHERE, REPLACED, CLASS_COUNT };

/* Everything else is a failure: the specification's ice_failed … unknown_error, and the wild's
 * create_*, set_*, send_*. */
static const struct {
    const char *name;
    enum reason_class class;
    const char *text; /* end_reason, where it is not the name */
} reasons[] = {
    { "user_hangup", PLAIN, NULL },
    { "invite_timeout", TIMED_OUT, NULL },
    { "user_busy", BUSY, "busy" },
    { "answered_elsewhere", ELSEWHERE, NULL },
    { "replaced", REPLACED, NULL },
    { "transferred", REPLACED, NULL },
    { "new_session", REPLACED, NULL },
};

/* "Answered elsewhere" is what a callee's device says of itself; from the caller it is a plain
 * hangup. */
static const struct {
    enum call_state before_caller, before_callee, after_caller, after_callee;
} meanings[CLASS_COUNT] = {
    [PLAIN] = { CALL_CANCELLED, CALL_REJECTED, CALL_ENDED, CALL_ENDED },
    [TIMED_OUT] = { CALL_MISSED, CALL_MISSED, CALL_ENDED, CALL_ENDED },
    [BUSY] = { CALL_REJECTED, CALL_REJECTED, CALL_ENDED, CALL_ENDED },
    [FAILURE] = { CALL_FAILED, CALL_FAILED, CALL_ENDED, CALL_ENDED },
    [ELSEWHERE] = { CALL_CANCELLED, CALL_SAME, CALL_ENDED, CALL_SAME },
    [REPLACED] = { CALL_CANCELLED, CALL_CANCELLED, CALL_ENDED, CALL_ENDED },
};

static enum reason_class class_of(const char *reason) {
    if (reason == NULL) {
        return PLAIN;
    }
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (strcmp(reasons[i].name, reason) == 0) {
            return reasons[i].class;
        }
    }
    return FAILURE;
}

enum call_state call_reason_before_answer(const char *reason, bool from_caller) {
    enum reason_class c = class_of(reason);
    return from_caller ? meanings[c].before_caller : meanings[c].before_callee;
}

enum call_state call_reason_after_answer(const char *reason, bool from_caller) {
    enum reason_class c = class_of(reason);
    return from_caller ? meanings[c].after_caller : meanings[c].after_callee;
}

bool call_reason_is_error(const char *reason) {
    return class_of(reason) == FAILURE;
}

bool call_reason_is_replacement(const char *reason) {
    return class_of(reason) == REPLACED;
}

const char *call_reason_text(const char *reason) {
    const char *name = reason == NULL ? "user_hangup" : reason;
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (strcmp(reasons[i].name, name) == 0 && reasons[i].text != NULL) {
            return reasons[i].text;
        }
    }
    return name;
}
