/*
 * Readers of what is said about a MatrixRTC call: rings and notifications of both generations,
 * declines, raised hands (matrix-calls 3.4). Pure.
 */
#ifndef APPSERVICE_NOTIFY_EVENTS_H
#define APPSERVICE_NOTIFY_EVENTS_H

#include "core/err.h"

struct as_event;
struct as_node;

#define AS_RING_MS         30000  /* 3.4: when `lifetime` is missing */
#define AS_RING_MAX_MS     120000 /* MSC4075 */
#define AS_SENDER_DRIFT_MS 20000  /* MSC4075: a sender_ts further off than that does not count */
#define AS_MENTIONS_MAX    256 /* user ids read of one notification; the ringing of more is noise */

/* ERR_INVALID: malformed; ERR_NOMEM. */
MUST_CHECK enum err as_notify_ring(struct as_event *e, const struct as_node *content);
MUST_CHECK enum err as_notify_older(struct as_event *e, const struct as_node *content);
MUST_CHECK enum err as_notify_decline(struct as_event *e, const struct as_node *content);
/** Any other reaction is none of ours. */
MUST_CHECK enum err as_notify_reaction(struct as_event *e, const struct as_node *content);

#endif
