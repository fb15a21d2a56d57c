/*
 * One Matrix event in, the right reader out: the table of event types. Unknown types cost one
 * look-up. Pure: JSON in, inputs of calls/machine out. Every field is hostile.  Thread: main.
 */
#ifndef APPSERVICE_OBSERVER_H
#define APPSERVICE_OBSERVER_H

#include "calls/input.h"
#include "core/err.h"
#include "core/mem.h"

#include <jansson.h>

/* What readers need to know of the world. */
struct as_observer_config {
    const char *server_name;
    const char *focus_url; /* rtc.public_url without trailing /, or "" */
    bool keep_sdp;         /* audit.sdp */
};

/* What one event says. All in the arena. */
struct as_reading {
    const struct call_input *inputs; /* 0 … n */
    size_t n_inputs;
    const char *room_id;     /* NULL when it has none */
    bool membership_changed; /* m.room.member or join rules: forget what is cached of the room */
    bool look_at_room; /* a local user's own join: the room may hold call members we never saw (1.2)
                        */
    bool needs_people; /* an invite or ring, hidden ones too, that is not historic: the room's
                          people decide the callee */
};

/** Reads one element of a transaction's `events` (or of a room's state, then `reconciled`). An
 * event that is none of ours gives n_inputs 0; one of ours that is broken gives one IN_MALFORMED.
 * ERR_NOMEM only. */
MUST_CHECK enum err as_observer_read(const struct as_observer_config *cfg, const json_t *event,
    int64_t received_ms, bool reconciled, struct arena *arena, struct as_reading *ret);

#endif
