/*
 * Our public address, asked of a STUN server (RFC 8489): for machines behind NAT 1:1, as clouds
 * have them, whose address changes or should not stand in a file. Its ports must lead here
 * unchanged.
 *
 * Thread: main, before its loop turns; waits.  See: decision 5.
 */
#ifndef MEDIA_DISCOVER_H
#define MEDIA_DISCOVER_H

#include "core/clock.h"
#include "core/err.h"
#include "media/places.h"

#define MEDIA_DISCOVER_US (5 * SEC_US) /* for all answers; a name's look-up is the system's */

/** Asks "stun:host[:port]" how it sees us, by each family that it has an address of, from where
 * packets to it leave; these are the places. ERR_NOT_FOUND: no such host; ERR_TIMEOUT: no answer;
 * ERR_INVALID: another kind of address. */
MUST_CHECK enum err media_discover(const char *server, struct media_places *ret);

#endif
