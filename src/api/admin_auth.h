/*
 * Who is an admin (decision 3): whoever has the token of admin.token_file, and the users of
 * admin.users, whose access tokens the homeserver confirms. Loopback proves nothing.
 *
 * While the token is being changed (parley admin-token --rotate) the earlier one is good as well.
 *
 *     guard of the table:  api_admin_guard        refuses before a body is read
 *     each handler:        api_admin_allow(auth, r, then, arg)  -> then(r, arg, who), or a refusal
 *
 * Thread: main.
 */
#ifndef API_ADMIN_AUTH_H
#define API_ADMIN_AUTH_H

#include "core/err.h"

struct api_admin_auth;
struct config_list;
struct http_request;
struct mx_whoami;

/** Borrows `users`, which may change. No token is good until api_admin_auth_load. */
MUST_CHECK enum err api_admin_auth_create(
    const struct config_list *users, struct api_admin_auth **ret);
void api_admin_auth_destroy(struct api_admin_auth *a);

/** Reads the token, and the earlier one beside it; no file: no token is good. Blocks. On an error,
 * which names the file, the tokens before stay: ERR_INVALID no token; errors of secret_file_read.
 */
MUST_CHECK enum err api_admin_auth_load(struct api_admin_auth *a, const char *path);
/** Who can say whose access token it is; NULL: nobody now. Borrowed until the next call. */
void api_admin_auth_set_whoami(struct api_admin_auth *a, struct mx_whoami *w);

/** For the guard of a table: 401 without a token; 403 for one that cannot be an admin's. */
MUST_CHECK enum err api_admin_guard(struct http_request *r, const struct api_admin_auth *a);

/** `who` is "admin token" or a user id, borrowed for the call. */
typedef void api_admin_then(struct http_request *r, void *arg, const char *who);
/** Calls `then`, now or later, when the request is an admin's; else answers it: 403, or 503 when
 * the homeserver cannot say. */
void api_admin_allow(
    struct api_admin_auth *a, struct http_request *r, api_admin_then *then, void *arg);

#endif
