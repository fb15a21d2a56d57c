/*
 * The calls that go on, for admins: look, end, kick, mute (matrix-calls 3.7). Private listener,
 * admins only (api/admin_auth).
 *
 *     GET  /_parley/admin/v1/calls?room_id=&user_id=&kind=&session_id=&limit=100
 *              {"calls": [{"session_id", "kind", "room_id", "call_id", "status", "type", "caller",
 *               "created_at", …, "participants": [{"user_id", "device_id", "joined_at", …}]}],
 *               "more": false}
 *     POST /_parley/admin/v1/calls/{session_id}/end    {"reason"?}
 *     POST /_parley/admin/v1/calls/{session_id}/kick   {"user_id", "device_id"?, "reason"?}
 *              {"session_id", "ended": [{"user_id", "device_id", "by": "user"}],
 *               "not_ended": [{"user_id", "device_id", "problem"}]}
 *     POST /_parley/admin/v1/calls/{session_id}/mute   {"user_id", "device_id"?, "track"?,
 * "reason"?}
 *              {"session_id", "muted": [{"user_id", "device_id", "tracks": 1}],
 *               "not_muted": [{"user_id", "device_id", "problem"}]}
 *
 * Who did it and why is in the audit before anything is done. Of a MatrixRTC call the memberships
 * are ended in Matrix, and the call follows; a legacy call is marked as ended, its clients are not
 * told ("clients_told": false). Who is muted, of one track of the SFU's or of all their sound, may
 * speak again when they want to.  Thread: main.
 */
#ifndef API_ADMIN_CALLS_H
#define API_ADMIN_CALLS_H

#include "api/admin_mute.h"
#include "calls/ending.h"
#include "core/err.h"

struct api_admin_auth;
struct calls;
struct http_router;
struct store;

/* Takes somebody's device (NULL: all of theirs) out of the SFU at once; whoever runs the SFU brings
 * it. `reason` as the audit names it, `actor` is who wants it. Texts are borrowed for the call. */
typedef void api_admin_calls_remove(void *arg, const char *room_id, const char *user_id,
    const char *device_id, const char *reason, const char *actor);

struct api_admin_calls;
/** Adds the routes; the router borrows from it until the router's own end. Borrows auth. */
MUST_CHECK enum err api_admin_calls_create(
    struct http_router *router, struct api_admin_auth *auth, struct api_admin_calls **ret);
void api_admin_calls_destroy(struct api_admin_calls *a);

/* What there is to work on; all borrowed until api_admin_calls_detach. */
struct api_admin_calls_engine {
    struct store *store;
    struct calls *calls;
    struct call_ending_config ending;
    api_admin_calls_remove *remove; /* NULL = no SFU to tell */
    void *arg;
    struct api_admin_mute_port mute;
};
void api_admin_calls_attach(struct api_admin_calls *a, const struct api_admin_calls_engine *e);
/** Requests that wait for the homeserver are answered 503; those that wait for the database are
 * answered when it goes. */
void api_admin_calls_detach(struct api_admin_calls *a);

#endif
