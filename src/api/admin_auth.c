/* First our own token, then the homeserver's word. */
#include "api/admin_auth.h"

#include "core/buf.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/secret_file.h"
#include "http/reply.h"
#include "http/request.h"
#include "matrix/whoami.h"

#include <stdbool.h>
#include <string.h>

#define FILE_MAX_BYTES  1024
#define TOKEN_MIN_BYTES 32 /* 128 bits as hex; parley admin-token makes 64 */
#define OWN_TOKEN       "admin token"

struct api_admin_auth {
    const struct config_list *users;
    char *token;     /* secret; NULL = none */
    char *token_old; /* secret; NULL = none */
    struct mx_whoami *whoami;
};

enum err api_admin_auth_create(const struct config_list *users, struct api_admin_auth **ret) {
    struct api_admin_auth *a = mem_zalloc(sizeof(*a));
    if (a == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    a->users = users;
    *ret = a;
    return OK;
}

void api_admin_auth_destroy(struct api_admin_auth *a) {
    if (a != NULL) {
        mem_free_secret(a->token);
        mem_free_secret(a->token_old);
        mem_free(a);
    }
}

void api_admin_auth_set_whoami(struct api_admin_auth *a, struct mx_whoami *w) {
    a->whoami = w;
}

/* --- the token of the file --- */

static void free_secretp(char **s) {
    mem_free_secret(*s);
}

/* One line. Gives NULL where there is no file. */
static enum err read_token(const char *path, char **ret) {
    CLEANUP(free_secretp) char *text = NULL;
    size_t len = 0;
    enum err e = secret_file_read(path, FILE_MAX_BYTES, &text, &len);
    if (e == ERR_NOT_FOUND) {
        return OK;
    }
    TRY(e);
    size_t n = strcspn(text, "\n");
    if (n < TOKEN_MIN_BYTES || text[n + strspn(text + n, "\n")] != '\0' || strlen(text) != len) {
        return err_set(ERR_INVALID,
            "%s: want one line with a token of at least %d characters; parley admin-token makes it",
            path, TOKEN_MIN_BYTES);
    }
    text[n] = '\0';
    *ret = STEAL(text);
    return OK;
}

enum err api_admin_auth_load(struct api_admin_auth *a, const char *path) {
    CLEANUP(free_secretp) char *token = NULL;
    CLEANUP(free_secretp) char *token_old = NULL;
    CLEANUP(buf_finish) struct buf old;
    buf_init(&old, 0);
    TRY(secret_file_old_name(path, &old));
    TRY(read_token(path, &token));
    TRY(read_token(buf_str(&old), &token_old));
    mem_free_secret(a->token);
    mem_free_secret(a->token_old);
    a->token = STEAL(token);
    a->token_old = STEAL(token_old);
    return OK;
}

/* Both are compared always, so that the time says nothing. */
static bool is_token(const struct api_admin_auth *a, const char *token) {
    bool now = crypto_equal(token, a->token);
    bool before = crypto_equal(token, a->token_old);
    return now || before;
}

enum err api_admin_guard(struct http_request *r, const struct api_admin_auth *a) {
    const char *token = http_request_bearer(r);
    if (token == NULL) {
        return err_set(ERR_UNAUTHORIZED, "Missing token");
    }
    if (!is_token(a, token) && a->users->n == 0) {
        return err_set(ERR_FORBIDDEN, "Unknown token");
    }
    return OK;
}

/* --- the homeserver's word --- */

/* A request that waits for it; lives in the request's arena. */
struct asking {
    const struct api_admin_auth *auth;
    struct http_request *request;
    api_admin_then *then;
    void *arg;
};

static bool is_listed(const struct api_admin_auth *a, const char *user_id) {
    for (size_t i = 0; i < a->users->n; i++) {
        if (strcmp(a->users->items[i], user_id) == 0) {
            return true;
        }
    }
    return false;
}

static void reply_unknown(struct http_request *r, const char *why) {
    LOG_WARN(
        &log_root, "admin_refused", "peer=%s reason=%s", LOG_Q(http_request_peer(r)), LOG_Q(why));
    http_reply_error(r, 403, "M_FORBIDDEN", "Unknown token");
}

static void reply_silent(struct http_request *r) {
    http_reply_error(
        r, 503, "M_HOMESERVER_UNREACHABLE", "The homeserver does not say whose token it is");
}

static void allow(struct http_request *r, api_admin_then *then, void *arg, const char *who) {
    LOG_INFO(&log_root, "admin_request", "who=%s method=%s path=%s", LOG_Q(who),
        http_request_method(r), LOG_Q(http_request_path(r)));
    then(r, arg, who);
}

static void on_whoami(void *arg, enum err e, const char *user_id) {
    const struct asking *q = arg;
    if (e == OK && is_listed(q->auth, user_id)) {
        allow(q->request, q->then, q->arg, user_id);
    } else if (e == OK) {
        reply_unknown(q->request, user_id);
    } else if (e == ERR_UNAUTHORIZED || e == ERR_FORBIDDEN) {
        reply_unknown(q->request, err_text());
    } else {
        reply_silent(q->request);
    }
}

void api_admin_allow(
    struct api_admin_auth *a, struct http_request *r, api_admin_then *then, void *arg) {
    const char *token = http_request_bearer(r);
    if (token != NULL && is_token(a, token)) {
        allow(r, then, arg, OWN_TOKEN);
        return;
    }
    if (a->whoami == NULL || token == NULL) {
        reply_silent(r);
        return;
    }
    struct asking *q = arena_alloc(http_request_arena(r), sizeof(*q));
    if (q == NULL) {
        http_reply_err(r, err_set(ERR_NOMEM, "out of memory"));
        return;
    }
    *q = (struct asking){ a, r, then, arg };
    enum err e = mx_whoami_ask(a->whoami, token, on_whoami, q);
    if (e == ERR_INVALID) {
        reply_unknown(r, err_text());
    } else if (e != OK) {
        http_reply_err(r, e);
    }
}
