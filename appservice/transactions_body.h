/*
 * The body of a transaction, cut into its events without reading them.
 *
 * One event that no JSON library takes (a NUL in a key, a number of 400 digits: old room versions
 * allow both) must not spoil the transaction: the homeserver would send it again for ever and
 * nothing else (1.4). So the body is cut first and each event parsed for itself. Pure.
 */
#ifndef APPSERVICE_TRANSACTIONS_BODY_H
#define APPSERVICE_TRANSACTIONS_BODY_H

#include "core/err.h"
#include "core/mem.h"

#define AS_BODY_EVENTS_MAX 10000 /* Synapse sends up to 100 events, Dendrite 50 */

/* The text of one entry of `events`; points into the body. */
struct as_body_event {
    const char *text;
    size_t len;
};

/** Finds the entries of `events` in a JSON object; the array lives in the arena. Only the structure
 * is checked: brackets, strings, commas. ERR_INVALID: no object, or no list `events`;
 * ERR_TOO_LARGE: too many; ERR_NOMEM. */
MUST_CHECK enum err as_body_split(
    const char *body, size_t len, struct arena *a, const struct as_body_event **ret, size_t *ret_n);

#endif
