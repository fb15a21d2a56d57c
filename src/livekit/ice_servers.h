/*
 * STUN and TURN servers that clients are told, for those who reach no port of ours themselves. Each
 * participant gets a user name and password of its own, good for a while (the "TURN REST API",
 * which coturn calls use-auth-secret):
 *
 *     user name  <Unix seconds when it ends>:<sid of the participant>
 *     password   base64(HMAC-SHA1(secret, user name))
 *
 * Thread: main.  See: livekit-protocol 5.
 */
#ifndef LIVEKIT_ICE_SERVERS_H
#define LIVEKIT_ICE_SERVERS_H

#include "core/mem.h"
#include "livekit/proto/signal.pb-c.h"

#include <stddef.h>
#include <stdint.h>

struct lk_ice {
    const char *const *urls; /* "stun:…", "turn:…", "turns:…" */
    size_t n_urls;
    const char *secret; /* needed where there are turn: or turns: */
    int64_t lifetime_us;
};

/** Rows of JoinResponse and ReconnectResponse, in the arena; borrows the addresses. NULL: memory is
 * gone, and the arena says so. */
Lk__ICEServer **lk_ice_servers(
    const struct lk_ice *ice, const char *sid, int64_t now_ms, struct arena *a, size_t *ret_n);

#endif
