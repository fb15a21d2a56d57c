/*
 * Readers of MatrixRTC members in room state: generation A, its older list form, and Famedly's
 * (matrix-calls 2.7 and 3.2). Pure.
 */
#ifndef APPSERVICE_RTC_EVENTS_H
#define APPSERVICE_RTC_EVENTS_H

#include "core/err.h"

struct as_event;
struct as_node;
struct call_input_member;

#define AS_EXPIRES_MS      14400000 /* 3.2: 4 h when `expires` is missing */
#define AS_EXPIRES_MAX_MS  86400000 /* 3.2: an entry ends at most 24 h after it came */
#define AS_MEMBERSHIPS_MAX 64       /* entries of `memberships`; a user has a few devices */
#define AS_FOCI_MAX        16       /* entries of a list of foci looked at */

/* ERR_INVALID: malformed; ERR_NOMEM. */
MUST_CHECK enum err as_rtc_member(struct as_event *e, const struct as_node *content);
MUST_CHECK enum err as_rtc_famedly(struct as_event *e, const struct as_node *content);

/* What members of all generations have. */
/** `m.call.intent`: "audio" or "video"; NULL when it is missing or says something new. */
MUST_CHECK enum err as_rtc_intent(
    const struct as_event *e, const struct as_node *n, const char **ret);
/** The first LiveKit focus of a list, which may be absent, and is it ours? */
MUST_CHECK enum err as_rtc_focus(
    const struct as_event *e, const struct as_node *foci, struct call_input_member *m);

#endif
