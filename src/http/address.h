/*
 * Addresses of peers, blocks of them, and whose word about the client's address counts (decision
 * 2). Thread: any; pure.
 */
#ifndef HTTP_ADDRESS_H
#define HTTP_ADDRESS_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

#define HTTP_ADDRESS_TEXT_SIZE 46 /* INET6_ADDRSTRLEN */

/** An IPv6 address, or an IPv4 one in its mapped form (::ffff:a.b.c.d), or "the peer of a unix
 * socket". */
struct http_address {
    uint8_t bytes[16];
    bool local; /* a unix socket's peer: has no address */
};

void http_address_of(const struct sockaddr *from, struct http_address *ret);
/** Reads "192.0.2.7", "192.0.2.7:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:443": what
 * proxies write. */
bool http_address_read(const char *text, size_t n, struct http_address *ret);
/** "192.0.2.7", "2001:db8::1" or "unix". */
void http_address_write(const struct http_address *a, char ret[HTTP_ADDRESS_TEXT_SIZE]);

struct http_block {
    struct http_address first;
    unsigned bits; /* of the mapped form: 0..128 */
};

/** Reads "10.0.0.0/8", "2001:db8::/32", a single address, or "unix". */
MUST_CHECK enum err http_block_read(const char *text, struct http_block *ret);
bool http_block_has(const struct http_block *b, const struct http_address *a);
bool http_address_trusted(
    const struct http_address *a, const struct http_block *trusted, size_t n_trusted);

/**
 * The client behind trusted proxies: while the latest known hop is trusted, the address that it
 * reported (the rightmost one left in X-Forwarded-For) takes its place. What an untrusted hop
 * reports counts nothing.
 * @forwarded  the header's value, several headers joined by commas; may be NULL
 */
struct http_address http_address_behind(const struct http_address *peer, const char *forwarded,
    const struct http_block *trusted, size_t n_trusted);

#endif
