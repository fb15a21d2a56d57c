/*
 * What a client puts into its URL to join with one request: base64url of a WrappedJoinRequest,
 * whose JoinRequest may be compressed. Landlord of zlib.  Thread: any; pure.
 *
 * See: livekit-protocol 2.3.
 */
#ifndef LIVEKIT_JOIN_REQUEST_H
#define LIVEKIT_JOIN_REQUEST_H

#include "core/err.h"
#include "core/mem.h"

#include <stddef.h>

struct Lk__JoinRequest;

#define LK_JOIN_REQUEST_MAX_BYTES (1 * MIB) /* decompressed; livekit-protocol 2.3 */

/** Padding may be there or not, and both alphabets are taken. Gives *ret in `a`.
 * Errors: ERR_INVALID, ERR_TOO_LARGE, ERR_NOMEM. */
MUST_CHECK enum err lk_join_request_read(
    const char *text, size_t n, struct arena *a, struct Lk__JoinRequest **ret);

#endif
