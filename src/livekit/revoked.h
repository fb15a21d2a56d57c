/*
 * Tokens that are not good any more, though they have not run out: those of one identity for one
 * room that were made before a time. RoomService's RemoveParticipant says so (revoke_token_ts), and
 * the signalling refuses whoever comes with one of them, also one who comes back.
 *
 * The time of a token is its `nbf`; one that has none is older than any time. It is kept in memory:
 * for LK_REVOKED_KEPT_S, and of more than LK_REVOKED_MAX the oldest goes.  Thread: main.
 * See: livekit-protocol A.5.
 */
#ifndef LIVEKIT_REVOKED_H
#define LIVEKIT_REVOKED_H

#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>

#define LK_REVOKED_MAX     4096  /* about 300 bytes each, names of usual length */
#define LK_REVOKED_KEPT_S  86400 /* no token of our own token service lives longer */
#define LK_REVOKED_AHEAD_S 60    /* a clock may be ahead of ours; nobody is shut out for good */

struct lk_revoked;
MUST_CHECK enum err lk_revoked_create(struct lk_revoked **ret);
/** Takes NULL. */
void lk_revoked_destroy(struct lk_revoked *r);

/** From now on: no token made before `before_s` (Unix seconds; what is more than LK_REVOKED_AHEAD_S
 * ahead counts as that). A later time replaces an earlier one, not the other way. ERR_NOMEM. */
MUST_CHECK enum err lk_revoked_add(
    struct lk_revoked *r, const char *room, const char *identity, int64_t before_s, int64_t now_s);
/** Is a token made then among them? `r` may be NULL: no. */
bool lk_revoked_has(const struct lk_revoked *r, const char *room, const char *identity,
    int64_t made_s, int64_t now_s);

#endif
