/*
 * Readers of what happens to a room and its events, as far as calls are concerned: who left, what
 * was redacted, who may join (matrix-calls 1.2, 2.6, 3.5). Pure.
 */
#ifndef APPSERVICE_ROOM_EVENTS_H
#define APPSERVICE_ROOM_EVENTS_H

#include "core/err.h"

struct as_event;
struct as_node;

#define AS_JOIN_FRESH_MS                                                                           \
    3600000 /* older joins are history, for which nobody is asked: a replay has one for each room  \
             */

/* ERR_INVALID: malformed; ERR_NOMEM. */
MUST_CHECK enum err as_room_member(struct as_event *e, const struct as_node *content);
MUST_CHECK enum err as_room_redaction(struct as_event *e, const struct as_node *content);
MUST_CHECK enum err as_room_join_rules(struct as_event *e, const struct as_node *content);

#endif
