/*
 * Readers of the legacy one-to-one calls, `m.call.*` (matrix-calls 2.1 and 2.2). Pure.
 */
#ifndef APPSERVICE_VOIP_EVENTS_H
#define APPSERVICE_VOIP_EVENTS_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>

struct as_event;
struct as_node;

#define AS_REASON_MAX      64    /* bytes; 2.3 */
#define AS_SDP_SCAN_MAX    65536 /* bytes looked at; an event holds no more */
#define AS_SDP_KEEP_MAX    16384 /* bytes kept with audit.sdp */
#define AS_STREAMS_MAX     64    /* entries of sdp_stream_metadata looked at */
#define AS_CANDIDATES_MAX  1000  /* entries of `candidates` looked at */
#define AS_LIFETIME_MS     60000 /* 2.1: what js and Dart send; a missing lifetime */
#define AS_LIFETIME_MIN_MS 1000
#define AS_LIFETIME_MAX_MS 600000

/* Each appends one input to the event. ERR_INVALID: malformed; ERR_NOMEM. */
MUST_CHECK enum err as_voip_invite(struct as_event *e, const struct as_node *content);
MUST_CHECK enum err as_voip_candidates(struct as_event *e, const struct as_node *content);
MUST_CHECK enum err as_voip_answer(struct as_event *e, const struct as_node *content);
MUST_CHECK enum err as_voip_select_answer(struct as_event *e, const struct as_node *content);
MUST_CHECK enum err as_voip_reject(struct as_event *e, const struct as_node *content);
MUST_CHECK enum err as_voip_hangup(struct as_event *e, const struct as_node *content);
MUST_CHECK enum err as_voip_negotiate(struct as_event *e, const struct as_node *content);
MUST_CHECK enum err as_voip_metadata(struct as_event *e, const struct as_node *content);
MUST_CHECK enum err as_voip_identity(struct as_event *e, const struct as_node *content);
MUST_CHECK enum err as_voip_replaces(struct as_event *e, const struct as_node *content);

/** Has the description a live video line: `m=video` with a port that is not 0 (RFC 8866, 5.14)? */
bool as_sdp_has_video(const char *sdp, size_t len);

#endif
