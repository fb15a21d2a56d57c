/*
 * Readers of MatrixRTC members as sticky events (generation B), of slots, and of what can be seen
 * of both in an encrypted room (matrix-calls 3.3, 3.4). Pure.
 */
#ifndef APPSERVICE_RTC_STICKY_EVENTS_H
#define APPSERVICE_RTC_STICKY_EVENTS_H

#include "core/err.h"

struct as_event;
struct as_node;

#define AS_STICKY_MAX_MS  3600000 /* MSC4354: an event sticks for an hour at most */
#define AS_LEAVE_CODE_MAX 64      /* bytes of leave_reason.code; the known ones have 5 to 13 */

/* ERR_INVALID: malformed; ERR_NOMEM. */
MUST_CHECK enum err as_rtc_sticky(struct as_event *e, const struct as_node *content);
MUST_CHECK enum err as_rtc_slot(struct as_event *e, const struct as_node *content);
/** m.room.encrypted: a relation in the clear and the sticky mark are hints; an event with neither
 * is none of ours. */
MUST_CHECK enum err as_rtc_encrypted(struct as_event *e, const struct as_node *content);

#endif
