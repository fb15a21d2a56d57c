/*
 * Delayed events (MSC4140) that others left with us: restarting and sending them, at the homeserver
 * of whoever scheduled them.
 *
 *     ours     with our token, in the user's name: no limit of requests is in the way
 *     others   at the client API their well-known file names, without a token: whoever knows the
 *              delay_id may; never into an inner network
 *     either   where the settings say so, without a token
 *
 * Thread: main.  See: matrix-calls 3.7, 4.9.
 */
#ifndef MATRIX_DELAYED_H
#define MATRIX_DELAYED_H

#include "core/err.h"
#include "matrix/client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_client;
struct mx_delayed;
struct mx_outside;

#define MX_DELAYED_CALLS_MAX 8192 /* requests under way */
#define MX_DELAYED_KNOWN_MAX 256  /* servers whose client API is remembered, for 4 h */

struct mx_delayed_config {
    struct mx_outside *outside; /* for servers that only their name is known of. Borrowed */
    struct http_client *direct; /* for those of the settings. Borrowed */
    struct mx_client *client;   /* for our own users; NULL = nobody is ours. Borrowed */
    const char *own_name;       /* our homeserver; "" = none */
    const char *own_url;        /* asked without a token where `client` is NULL */
    const char *const *urls;    /* "name=url": where the client API of a server is */
    size_t n_urls;
};
/** Copies the configuration but for what it borrows. ERR_INVALID: an address that is none. */
MUST_CHECK enum err mx_delayed_create(const struct mx_delayed_config *cfg, struct mx_delayed **ret);
/** What is under way ends without its callback. Before what it borrows. */
void mx_delayed_destroy(struct mx_delayed *d);
/** The same for what was asked with this `arg`. */
void mx_delayed_forget(struct mx_delayed *d, const void *arg);

enum mx_delayed_outcome {
    MX_DELAYED_DONE,
    MX_DELAYED_GONE, /* 404 or 409: it was sent or cancelled */
    MX_DELAYED_LATER /* anything else */
};
/** Never from inside the asking. `after_ms`: what a LATER asked us to wait, 0 = nothing. */
typedef void mx_delayed_done(void *arg, enum mx_delayed_outcome o, int64_t after_ms);
/** Copies its texts. ERR_INVALID: no user id; ERR_LIMIT; ERR_NOMEM: nothing was begun. */
MUST_CHECK enum err mx_delayed_act(struct mx_delayed *d, const char *user_id, const char *delay_id,
    enum mx_delayed_action action, mx_delayed_done *done, void *arg);

/** Do we know where the client API of this user's server is? Maybe from inside the asking. */
typedef void mx_delayed_found(void *arg, bool found);
MUST_CHECK enum err mx_delayed_resolve(
    struct mx_delayed *d, const char *user_id, mx_delayed_found *found, void *arg);

#endif
