/*
 * HTTP requests to others, on libcurl's multi interface driven by the libuv loop.  Thread: main.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct http_address;
struct http_client;
MUST_CHECK enum err http_client_create(uv_loop_t *loop, struct http_client **ret);

/* For requests to hosts that strangers name. */
struct http_client_guard {
    /* Asked about each address in the moment its socket is made, so that no second look-up can lie
     * between the check and the connection. NULL = every one is allowed. */
    bool (*allows)(void *arg, const struct http_address *a);
    void *arg;
    const char *ca_file; /* certificates to trust beside the system's; NULL or "" = none */
    bool insecure_tls;   /* take every certificate: for tests and rescues only */
};
/** The same with a guard, for all of its requests: connections are kept and used again, so each of
 * them must have been allowed. Goes round the proxies that the environment names. Copies the guard.
 */
MUST_CHECK enum err http_client_create_guarded(
    uv_loop_t *loop, const struct http_client_guard *guard, struct http_client **ret);
/** Ends what is under way; each pending call's `done` is called with ERR_GONE first. */
void http_client_destroy(struct http_client *c);

struct http_client_field {
    const char *name, *value;
};

/* Connects to one of these addresses instead of what the URL's host resolves to; Host and the name
 * in the certificate stay the URL's. */
struct http_client_pin {
    const char *host; /* of the URL */
    uint16_t port;    /* to connect to */
    const struct http_address *addresses;
    size_t n; /* 0: the host is an address, only the port is another */
};

struct http_client_spec {
    const char *method;
    const char *url;
    const char *bearer;      /* NULL = none; never logged */
    const char *body;        /* NULL = none */
    size_t body_len;         /* 0: to its NUL */
    const char *type_line;   /* its "Content-Type: …"; NULL = application/json */
    const char *unix_socket; /* connect to this path, whatever host the url names; NULL = no */
    int64_t timeout_us;      /* whole call; 0 = 10 s */
    size_t answer_max;       /* bytes; 0 = 8 MiB */
    const struct http_client_field *fields; /* headers besides */
    size_t n_fields;
    bool wants_head;                   /* keep the answer's headers */
    const struct http_client_pin *pin; /* NULL = none */
};

struct http_client_answer {
    enum err err; /* OK: an HTTP answer came, whatever its status; else ERR_TIMEOUT,
                     ERR_UNREACHABLE, ERR_FORBIDDEN (the guard allows no address), ERR_TOO_LARGE,
                     ERR_GONE, ERR_NOMEM and `text` says why */
    const char *text;
    int status;
    const char *head; /* "Name: value" lines with \n, at most 64 KiB; "" unless wanted */
    const char *body; /* NUL-terminated */
    size_t len;
    int64_t date_ms;        /* the Date header, Unix ms; 0 = none */
    int64_t retry_after_ms; /* Retry-After header; 0 = none */
    int64_t expires_ms; /* the Expires header, Unix ms; 0 = none; 1 = no date: expired already */
    const char
        *cache_control;   /* the header, several joined by commas, cut to 255 bytes; "" = none */
    const char *location; /* 3xx: where to, as a whole URL; "" = none. Never followed */
};
/** Called once, on main, never from inside http_client_send. All pointers are borrowed for the
 * call. */
typedef void http_client_done(void *arg, const struct http_client_answer *a);

/** Copies the spec. On an error `done` is not called. `ret_call` may be NULL; it is valid until
 * `done`. */
struct http_client_call;
MUST_CHECK enum err http_client_send(struct http_client *c, const struct http_client_spec *spec,
    http_client_done *done, void *arg, struct http_client_call **ret_call);
/** Ends it without calling `done`. */
void http_client_cancel(struct http_client_call *call);

#endif
