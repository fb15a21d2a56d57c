/*
 * Requests to servers that strangers name: other homeservers. Over https, certificate checked, and
 * never into an inner network, unless the settings allow that network; also not by way of a
 * redirect, nor by a name that changes its address between two look-ups.  Thread: main.
 */
#ifndef MATRIX_OUTSIDE_H
#define MATRIX_OUTSIDE_H

#include "core/err.h"
#include "http/client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct http_resolver;
struct mx_server_name;

struct mx_outside_config {
    const char *const *allow; /* inner addresses or blocks that may be reached: "10.0.0.0/8" */
    size_t n_allow;
    const char *name_servers; /* as http/resolve takes them; NULL or "" = the system's */
    const char *ca_file;      /* certificates to trust beside the system's; NULL or "" = none */
    bool insecure_tls;        /* take every certificate; said in the log, loudly */
    int64_t step_timeout_us;  /* of one look-up of a name; 0 = 5 s */
    uint16_t https_port;      /* what URLs without a port mean; 0 = 443. For tests, who may not
                                 listen there */
};

struct mx_outside;
/** Copies the configuration, borrows the loop. ERR_INVALID: a block or name server that is none. */
MUST_CHECK enum err mx_outside_create(
    uv_loop_t *loop, const struct mx_outside_config *cfg, struct mx_outside **ret);
/** Requests under way end without their callback. The loop must turn until it has nothing left. */
void mx_outside_destroy(struct mx_outside *o);

/** May a stranger name this server at all? A name without a dot is one of an inner network: no,
 * unless some of them are allowed. ERR_INVALID. */
MUST_CHECK enum err mx_outside_check_name(
    const struct mx_outside *o, const struct mx_server_name *name);
/** For look-ups of services. Borrowed. */
struct http_resolver *mx_outside_resolver(struct mx_outside *o);

struct mx_outside_spec {
    const char *method;
    const char *url;          /* https://host[:port]/path; its query is never logged */
    const char *connect_host; /* a name or address to connect to instead; Host and certificate stay
                                 the URL's. NULL = the URL's */
    uint16_t connect_port;    /* 0 = the URL's */
    const char *bearer;       /* NULL = none */
    const char *body;         /* NULL = none; JSON */
    int64_t timeout_us;       /* of the whole, beside the last look-up of a name; 0 = 10 s */
    size_t answer_max;        /* bytes; 0 = 64 KiB */
    unsigned redirects;       /* to follow at most; only without bearer and body */
};

struct mx_outside_request;
/**
 * Copies the spec. The answer comes later, on main, never from inside; its err is ERR_FORBIDDEN
 * when the way led to an inner network and nowhere else. Errors: ERR_INVALID (no sound URL, or a
 * name that is refused), ERR_LIMIT, ERR_NOMEM: then `done` is not called. `ret` is valid until
 * `done`.
 */
MUST_CHECK enum err mx_outside_send(struct mx_outside *o, const struct mx_outside_spec *spec,
    http_client_done *done, void *arg, struct mx_outside_request **ret);
/** Ends it without calling `done`. */
void mx_outside_cancel(struct mx_outside_request *r);

#endif
