/*
 * What a homeserver said about an OpenID token: GET /_matrix/federation/v1/openid/userinfo.
 * Thread: any; pure.  See: Matrix specification v1.19, server-server API, "OpenID".
 */
#ifndef MATRIX_USERINFO_H
#define MATRIX_USERINFO_H

#include "matrix/ids.h"
#include "matrix/openid.h"

struct http_client_answer;
struct mx_server_name;

#define MX_USERINFO_MAX_BYTES  (64 * 1024)
#define MX_USERINFO_TEXT_BYTES 256

struct mx_userinfo {
    enum mx_openid_outcome outcome;
    char user_id[MX_ID_MAX_BYTES + 1]; /* VALID; else "" */
    char text[MX_USERINFO_TEXT_BYTES]; /* else why */
};

/** Whose token is it, by an HTTP answer or the lack of one? The server speaks for its own users
 * only: what stands behind the colon must be its name. */
void mx_userinfo_read(const struct http_client_answer *a, const struct mx_server_name *server,
    struct mx_userinfo *ret);

#endif
