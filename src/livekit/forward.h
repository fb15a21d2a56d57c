/*
 * Requests that another node answers: asked of its private listener in the words in which they
 * came, with their own token, and its answer handed back as it is.
 *
 * One hop: a forwarded request says so, and who gets one answers it himself or refuses.
 * Thread: main.
 */
#ifndef LIVEKIT_FORWARD_H
#define LIVEKIT_FORWARD_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_client;
struct http_client_answer;
struct http_request;
struct lk_forwards;

#define LK_FORWARD_FIELD "X-Parley-Node" /* who forwards; anybody may say it: it only forbids */

#define LK_FORWARDS_MAX         4096 /* under way */
#define LK_FORWARD_TIMEOUT_US   (5 * INT64_C(1000000))
#define LK_FORWARD_ANSWER_BYTES (4 * 1024 * 1024) /* the participants of the largest room */

/** Borrows the client for its life; `name` is this node's, copied. ERR_NOMEM. */
MUST_CHECK enum err lk_forwards_create(
    struct http_client *http, const char *name, struct lk_forwards **ret);
/** What is under way ends as if its node did not answer. */
void lk_forwards_end(struct lk_forwards *f);
/** Ends what is under way. Before the client. Takes NULL. */
void lk_forwards_destroy(struct lk_forwards *f);

/** Did another node send it? */
bool lk_forward_came(const struct http_request *r);

/* Borrowed for the call. */
struct lk_forward_to {
    const char *node, *inner_url;
    int64_t timeout_us; /* 0 = LK_FORWARD_TIMEOUT_US */
};
/** No answer came: `text` says so, and names the node. To be answered to `r`. */
typedef void lk_forward_failed(struct http_request *r, const char *text);
/** The whole request; it is answered later. On an error it is not. ERR_LIMIT, ERR_NOMEM,
 * ERR_UNREACHABLE: that node says no address. */
MUST_CHECK enum err lk_forward(struct lk_forwards *f, struct http_request *r,
    const struct lk_forward_to *to, lk_forward_failed *failed);

/* One question of several: the caller's words with the request's path and token. */
struct lk_forward_body {
    const char *type_line; /* "Content-Type: …" */
    const char *bytes;
    size_t len;
};
/** `a` is borrowed for the call; a->err says whether there is one, a->text why not, with the node's
 * name. Once; not from inside the asking. */
typedef void lk_forward_done(void *arg, const struct http_client_answer *a);
MUST_CHECK enum err lk_forward_ask(struct lk_forwards *f, struct http_request *r,
    const struct lk_forward_to *to, const struct lk_forward_body *body, lk_forward_done *done,
    void *arg);

#endif
