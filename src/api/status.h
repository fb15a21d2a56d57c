/*
 * GET /_parley/admin/v1/status: what an admin asks first, as one JSON object. Private listener,
 * admins only (api/admin_auth).
 *
 *     {"version": "0.1.0", "node": "…", "uptime_ms": 1, "status": "ok", "database": "ok",
 *      "migrated": "ok", "homeserver": "ok", "live_calls": 3, "tasks": {"reconcile": "2026-…Z"}}
 *
 * `status` and what follows it are /readyz. `tasks`: when work that one node does for all was begun
 * last, by name. Without a database `live_calls` is null and `tasks` empty.  Thread: main.
 */
#ifndef API_STATUS_H
#define API_STATUS_H

#include "core/err.h"

struct api_admin_auth;
struct api_health;
struct http_router;
struct store;

struct api_status_config {
    struct api_admin_auth *auth;
    const struct api_health *health;
    const char *node;
}; /* all borrowed */

struct api_status;
/** Adds the route; the router borrows from it until the router's own end. */
MUST_CHECK enum err api_status_create(
    struct http_router *router, const struct api_status_config *cfg, struct api_status **ret);
void api_status_destroy(struct api_status *s);
/** Whom to ask for numbers; NULL: nobody now. Borrowed until the next call. */
void api_status_set_store(struct api_status *s, struct store *store);

#endif
