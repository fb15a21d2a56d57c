/*
 * GET /_parley/admin/v1/stats: what goes on in the embedded SFU of this process. Private listener,
 * admins only (api/admin_auth).
 *
 *     {"node": "…", "sfu": "embedded",
 *      "totals": {"rooms": 1, "participants": 2, "tracks": 3, "subscriptions": 3,
 *                 "in_bps": 900000, "out_bps": 900000},
 *      "workers": [{"worker": 0, "rooms": 1, "busy_percent": 2, "transports": 2, "packets": 700,
 *                   "packets_bytes": 1048576}],
 *      "rooms": [{"name", "sid", "created_at", "worker", "participants": [{"identity", "sid",
 *         "state", "joined_at", "quality", "mos", "speaking", "subscriptions", "out_bps",
 *         "tracks": [{"sid", "source", "kind", "codec", "muted", "layer", "bps", "expected",
 *                     "lost", "jitter_ms", "rtt_ms", "score", "mos", "subscribers"}]}]}],
 *      "more": false}
 *
 * `?room=NAME` tells of that room alone; the totals are always of all. Rates and losses are of
 * payload and of the last SFU_STATS_US. At API_STATS_MAX_BYTES the list of rooms ends: `more`.
 * Without an embedded SFU `sfu` is null, and all the rest is 0 and empty.  Thread: main.
 */
#ifndef API_STATS_H
#define API_STATS_H

#include "core/err.h"

struct api_admin_auth;
struct http_router;
struct room_directory;

#define API_STATS_MAX_BYTES ((size_t)1024 * 1024) /* some two thousand participants */

struct api_stats;
/** Adds the routes; the router borrows from it until the router's own end. Borrows both. */
MUST_CHECK enum err api_stats_create(struct http_router *router, struct api_admin_auth *auth,
    const char *node, struct api_stats **ret);
void api_stats_destroy(struct api_stats *s);
/** The rooms to tell of; NULL: there are none. Borrowed until the next call. */
void api_stats_set_rooms(struct api_stats *s, struct room_directory *rooms);

#endif
