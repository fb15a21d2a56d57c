/*
 * One request and its answer, as the rooms of this folder share it: server fills in what came,
 * router where it goes, reply what is said. Handlers see request.h and reply.h only.  Thread: main.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "core/err.h"
#include "core/mem.h"
#include "http/address.h"
#include "http/router.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_pair {
    const char *name, *value;
};

#define HTTP_PARAMS_MAX        8   /* {names} in one route */
#define HTTP_ANSWER_FIELDS_MAX 16  /* headers that a handler adds to its answer */
#define HTTP_BODY_TOLERATED    KIB /* of a route that expects none: some clients send "{}" */

enum http_stage {
    HTTP_STAGE_HEAD,    /* the request line is known */
    HTTP_STAGE_BODY,    /* routed and let in; the body comes */
    HTTP_STAGE_HANDLER, /* its handler is being called */
    HTTP_STAGE_WAITING, /* the handler has left without an answer */
    HTTP_STAGE_ANSWERED,
};

struct http_request {
    struct arena arena; /* holds this struct too */
    enum http_stage stage;
    int64_t arrived_us;
    const char *method;
    const char *path;
    const char *query_text;  /* behind the `?`; NULL = none */
    struct http_pair *query; /* read at first use */
    size_t n_query;
    struct http_pair *fields; /* headers */
    size_t n_fields;
    struct http_pair params[HTTP_PARAMS_MAX];
    size_t n_params;
    char peer[HTTP_ADDRESS_TEXT_SIZE];
    bool http_1_1;
    int64_t length; /* of the body, as announced; -1 = not announced */
    bool chunked;
    char *body; /* mem_* */
    size_t body_len, body_room, body_max;

    const struct http_route *route;
    http_guard *guard;
    http_too_large *too_large; /* may be NULL */
    void *arg;

    void (*gone)(void *arg);
    void *gone_arg;

    int status;
    const char *content_type;
    const void *answer;
    size_t answer_len;
    struct http_pair answer_fields[HTTP_ANSWER_FIELDS_MAX];
    size_t n_answer_fields;
    bool ends; /* the connection closes behind the answer */
    bool cors; /* on a public listener */

    struct http_hold *hold; /* of an upgrade that waits */
    bool was_held;

    void (*deliver)(struct http_request *r); /* called once, when the answer is complete */
    void *carrier;                           /* server's connection; NULL once it is gone */
};

struct http_accept;
struct http_sockets;
struct http_visitor;
/* A client that waits (http/hold.h). */
struct http_hold {
    void (*gone)(void *arg);
    void *arg;
    char peer[HTTP_ADDRESS_TEXT_SIZE];
    bool cors;
    struct http_sockets *sockets;
    struct http_accept *acceptor;
    struct http_visitor *visitor;
};
/** Its client has left. Frees it. */
void http_hold_lose(struct http_hold *h);

/** Copies the target. Gives NULL when memory is gone. */
struct http_request *http_request_create(const char *method, const char *target, size_t target_len);
void http_request_destroy(struct http_request *r);
/** Makes room for `most` headers; false when memory is gone. */
bool http_request_expect_fields(struct http_request *r, size_t most);
/** Copies one header; without memory it is left out and the arena says so. */
void http_request_put_field(
    struct http_request *r, const char *name, size_t name_len, const char *value, size_t value_len);
/** Every X-Forwarded-For in order, joined by commas; NULL = none. */
const char *http_request_forwarded(struct http_request *r);
/** Sets who asks, as http_request_peer tells it. */
void http_request_set_peer(struct http_request *r, const struct http_address *a);
/** Appends to the body: ERR_TOO_LARGE over body_max, which is told to who watches the route;
 * ERR_NOMEM. */
MUST_CHECK enum err http_request_put_body(struct http_request *r, const char *bytes, size_t n);
/** A body of `bytes` is over body_max: tells who watches the route; gives ERR_TOO_LARGE. */
enum err http_request_too_large(const struct http_request *r, int64_t bytes);

/** What every answer of a public listener carries, so that browsers may read it. */
#define HTTP_CORS_FIELDS 3
extern const struct http_pair http_cors_fields[HTTP_CORS_FIELDS];

/** 429 with `retry_after_ms` in the body and Retry-After in the head. */
void http_reply_limited(struct http_request *r, int64_t retry_after_ms);
/** The row of the one table: status and errcode of a cause. `known` tells whether the caller showed
 * a token. */
int http_reply_status(enum err e, bool known, const char **ret_errcode);
/** The errcode of a refusal that the door itself makes. */
const char *http_reply_errcode(int status);
/** What a stranger may read about `e`: err_text(), or a sentence that tells nothing inner. */
const char *http_reply_text(enum err e);

#endif
