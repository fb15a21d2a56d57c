/*
 * Who holds an OpenID token? The token's homeserver is found by its name and asked (matrix-calls
 * 4.6). The name is a stranger's input: nothing is connected to that lies in an inner network,
 * unless the settings allow it.
 *
 * Answers are kept: a good one for a few minutes at most, a refusal for a minute, a server that
 * does not answer for seconds. The same token asked twice at a time is one request. The device of
 * the asker is not in the answer and cannot be verified.  Thread: main.
 */
#ifndef MATRIX_OPENID_H
#define MATRIX_OPENID_H

#include "core/err.h"

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct http_client;
struct mx_outside;

struct mx_openid_config {
    struct mx_outside *outside;   /* for servers that only their name is known of. Borrowed */
    struct http_client *direct;   /* for those below. Borrowed */
    const char *own_name;         /* our homeserver; "" = none */
    const char *own_url;          /* where its federation or openid resource answers us */
    const char *const *overrides; /* "name=url": other servers, to be asked there */
    size_t n_overrides;
    int64_t timeout_us;      /* of a question; 0 = 10 s */
    int64_t step_timeout_us; /* of a step: the well-known file, one of several addresses; 0 = 5 s */
};

struct mx_openid;
/** Copies the configuration, borrows the loop. ERR_INVALID: an override that is none. */
MUST_CHECK enum err mx_openid_create(
    uv_loop_t *loop, const struct mx_openid_config *cfg, struct mx_openid **ret);
/** Questions not yet answered never are. Goes before what it borrows; the loop must turn once more
 * before it is closed. */
void mx_openid_destroy(struct mx_openid *o);

/* What a client sent, as it sent it. */
struct mx_openid_token {
    const char *access_token; /* never logged, kept only as its SHA-256 */
    const char *matrix_server_name;
    int64_t expires_in_ms; /* as claimed; 0 = not said. It shortens what is kept, never lengthens */
};

enum mx_openid_outcome {
    MX_OPENID_VALID,
    MX_OPENID_REFUSED,       /* the server does not know the token: forged or expired */
    MX_OPENID_FOREIGN,       /* the server spoke for a user of another server */
    MX_OPENID_BAD_NAME,      /* matrix_server_name or access_token break their grammar */
    MX_OPENID_INNER_ADDRESS, /* the name leads to an inner network; nothing was sent there */
    MX_OPENID_UNREACHABLE,   /* no such name, no connection, a wrong certificate */
    MX_OPENID_NONSENSE,      /* the server answered something else than the interface has */
    MX_OPENID_TIMEOUT,
    MX_OPENID_BUSY,   /* over our limits: all requests, or those to this server */
    MX_OPENID_FAILED, /* our own fault: no memory, or we are stopping */
    MX_OPENID_OUTCOMES
};
/** "refused", for audit rows, logs and metrics. */
const char *mx_openid_outcome_name(enum mx_openid_outcome outcome);

struct mx_openid_answer {
    enum mx_openid_outcome outcome;
    const char *user_id;     /* VALID: the token's owner; else "" */
    const char *server_name; /* the part behind the colon of user_id, host in lower case; else "" */
    const char *text; /* what happened, for our logs and audit rows, not for the asker: it may
                         tell of our network. Holds no token. */
};
/** Called once, on main, never from inside mx_openid_verify. The answer is borrowed for the call.
 */
typedef void mx_openid_done(void *arg, const struct mx_openid_answer *a);

/**
 * Asks who holds the token. Borrows the token for the call. Comes back after 10 s at the latest
 * (federation.timeout).
 * Errors: ERR_NOMEM, ERR_LIMIT (too many under way); then `done` is not called.
 */
MUST_CHECK enum err mx_openid_verify(
    struct mx_openid *o, const struct mx_openid_token *token, mx_openid_done *done, void *arg);
/** Ends all questions that were given `arg`, without their callback. */
void mx_openid_forget(struct mx_openid *o, const void *arg);

#endif
