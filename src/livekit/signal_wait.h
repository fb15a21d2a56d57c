/*
 * Clients at the signalling's door whose room is not known to be here: they wait until the database
 * has said where it is. Then they are let in, or led to the node that has it, which answers in our
 * place; the client does not notice. (Nothing would make it go there itself: no client follows a
 * redirect of a WebSocket, and LiveKit's follow the `regions` of a leave at LiveKit's cloud only.)
 *
 * Who comes from another node goes no further.  Thread: main.
 */
#ifndef LIVEKIT_SIGNAL_WAIT_H
#define LIVEKIT_SIGNAL_WAIT_H

#include "core/err.h"

#include <stdbool.h>

struct http_request;
struct lk_refused;
struct lk_signal;

/** Once, before the first. */
void lk_signal_wait_register(void);

/** Is it to wait? Or has it waited already (`again`), or is it to be refused? Then *why says how,
 * and it is not OK. */
MUST_CHECK enum err lk_signal_wait_for(const struct lk_signal *s, const char *room, bool again,
    bool *ret_waits, struct lk_refused *why);
/** For `accept`: gives the error to return. */
MUST_CHECK enum err lk_signal_wait_upgrade(
    struct lk_signal *s, struct http_request *r, const char *room);
/** A request of /rtc/validate: it is answered here, or by `then` when the room is ours. On an error
 * it is not. */
MUST_CHECK enum err lk_signal_wait_request(struct lk_signal *s, struct http_request *r,
    const char *room, void (*then)(struct lk_signal *s, struct http_request *r));
/** All who wait are told to come again. Before the nodes go. */
void lk_signal_wait_end(struct lk_signal *s);

#endif
