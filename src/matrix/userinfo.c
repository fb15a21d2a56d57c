/* The answer about an OpenID token.  Thread: any; pure. */
#include "matrix/userinfo.h"

#include "core/log.h"
#include "core/mem.h"
#include "http/client.h"
#include "matrix/server_name.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static void say(
    struct mx_userinfo *u, enum mx_openid_outcome outcome, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    u->outcome = outcome;
    vsnprintf(u->text, sizeof(u->text), fmt, args);
    va_end(args);
}

static void read_sub(const char *sub, const struct mx_server_name *server, struct mx_userinfo *u) {
    struct mx_server_name of;
    if (!mx_user_id_valid(sub)) {
        say(u, MX_OPENID_NONSENSE, "the answer's sub is no user id: %s", LOG_Q(sub));
        return;
    }
    const char *behind = strchr(sub, ':') + 1;
    if (mx_server_name_read(behind, strlen(behind), &of) != OK ||
        strcmp(of.text, server->text) != 0) {
        say(u, MX_OPENID_FOREIGN, "%s answered for %s", server->text, LOG_Q(sub));
        return;
    }
    u->outcome = MX_OPENID_VALID;
    snprintf(u->user_id, sizeof(u->user_id), "%s", sub);
}

static void read_body(const struct http_client_answer *a, const struct mx_server_name *server,
    struct mx_userinfo *u) {
    json_t *json = json_loadb(a->body, a->len, 0, NULL); /* without NUL in texts */
    const char *sub = json_string_value(json_object_get(json, "sub"));
    if (sub == NULL) {
        say(u, MX_OPENID_NONSENSE, "200, but no JSON with a sub");
    } else {
        read_sub(sub, server, u);
    }
    json_decref(json);
}

static void read_status(const struct http_client_answer *a, struct mx_userinfo *u) {
    if (a->status == 401 || a->status == 403) {
        say(u, MX_OPENID_REFUSED, "%d: the token is unknown to its server, or has expired",
            a->status);
    } else if (a->status == 404) {
        say(u, MX_OPENID_NONSENSE,
            "404: the server has no openid resource at this address (Synapse: the listener needs "
            "\"federation\" or \"openid\")");
    } else if (a->status >= 500 || a->status == 429) {
        say(u, MX_OPENID_UNREACHABLE, "the server answered %d", a->status);
    } else {
        say(u, MX_OPENID_NONSENSE, "the server answered %d", a->status);
    }
}

static void read_failure(const struct http_client_answer *a, struct mx_userinfo *u) {
    static const struct {
        enum err err;
        enum mx_openid_outcome outcome;
    } rows[] = {
        { ERR_FORBIDDEN, MX_OPENID_INNER_ADDRESS },
        { ERR_INVALID, MX_OPENID_BAD_NAME },
        { ERR_TIMEOUT, MX_OPENID_TIMEOUT },
        { ERR_TOO_LARGE, MX_OPENID_NONSENSE },
        { ERR_LIMIT, MX_OPENID_BUSY },
        { ERR_NOMEM, MX_OPENID_FAILED },
        { ERR_GONE, MX_OPENID_FAILED },
    };
    enum mx_openid_outcome outcome = MX_OPENID_UNREACHABLE;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        outcome = rows[i].err == a->err ? rows[i].outcome : outcome;
    }
    say(u, outcome, "%s", a->text);
}

void mx_userinfo_read(const struct http_client_answer *a, const struct mx_server_name *server,
    struct mx_userinfo *ret) {
    struct mx_userinfo u = { .user_id = "" };
    if (a->err != OK) {
        read_failure(a, &u);
    } else if (a->status == 200) {
        read_body(a, server, &u);
    } else {
        read_status(a, &u);
    }
    *ret = u;
}
