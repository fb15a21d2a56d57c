/*
 * Has a request arrived here, through which door, and from whom? `parley doctor` asks this of every
 * path behind the reverse proxy.
 *
 * The request carries `X-Parley-Probe: <nonce> <MAC>`; whoever knows the secret (the registration's
 * hs_token) can make it. Only then does the answer, whatever its status, carry the same header with
 * what this process saw, again with a MAC. To everybody else the listener looks as before: nothing
 * tells that this is Parley. A header that was overheard and sent again tells its sender nothing
 * but their own address.  Thread: any; pure.
 */
#ifndef HTTP_PROBE_H
#define HTTP_PROBE_H

#include "core/err.h"
#include "http/address.h"

#include <stdbool.h>
#include <stddef.h>

#define HTTP_PROBE_FIELD      "X-Parley-Probe"
#define HTTP_PROBE_NONCE_SIZE 33  /* 32 hex digits and a NUL */
#define HTTP_PROBE_TEXT_SIZE  320 /* a header's value: three addresses, a MAC and some words */

struct http_probe_key;
/** Copies the secret. ERR_NOMEM, ERR_IO. */
MUST_CHECK enum err http_probe_key_create(const char *secret, struct http_probe_key **ret);
void http_probe_key_destroy(struct http_probe_key *k);
/** For CLEANUP. */
void http_probe_key_destroyp(struct http_probe_key **k);

/* What the process saw. */
struct http_probe_sight {
    bool is_public;                      /* which of the two kinds of listener */
    bool trusted;                        /* `hop` is one of http.trusted_proxies */
    char hop[HTTP_ADDRESS_TEXT_SIZE];    /* the other end of the connection */
    char told[HTTP_ADDRESS_TEXT_SIZE];   /* the last address in X-Forwarded-For, which `hop` wrote;
                                            "none", or "odd" for what is no address */
    char client[HTTP_ADDRESS_TEXT_SIZE]; /* who is held to have asked */
};

/** The request's header for a fresh nonce. */
MUST_CHECK enum err http_probe_ask(struct http_probe_key *k, char ret_nonce[HTTP_PROBE_NONCE_SIZE],
    char ret_value[HTTP_PROBE_TEXT_SIZE]);
/** The answer's header for a request's; false when that was not made with the same secret. */
bool http_probe_answer(struct http_probe_key *k, const char *asked,
    const struct http_probe_sight *sight, char ret_value[HTTP_PROBE_TEXT_SIZE]);
/** Reads an answer to the question with this nonce; false for anybody else's. */
bool http_probe_read(
    struct http_probe_key *k, const char *nonce, const char *value, struct http_probe_sight *ret);

#endif
