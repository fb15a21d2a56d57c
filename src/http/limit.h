/*
 * How often one address, or one user, may ask: a token bucket each, in a table of fixed size.
 *
 * IPv6 counts by /64, which is what one customer gets. When the table's row for an address is full,
 * the bucket that has rested longest makes room: whoever can send from that many addresses is no
 * case for this table.  Thread: main.
 */
#ifndef HTTP_LIMIT_H
#define HTTP_LIMIT_H

#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>

struct http_address;
struct http_limit;

/** `per_s` tokens a second, at most `burst` saved up; both at least 1. */
MUST_CHECK enum err http_limit_create(unsigned per_s, unsigned burst, struct http_limit **ret);
void http_limit_destroy(struct http_limit *l);
/** Takes a token. Without one: false, and *ret_wait_ms says when there will be one. */
bool http_limit_take(
    struct http_limit *l, const struct http_address *a, int64_t now_us, int64_t *ret_wait_ms);

/** The same for any name: a user, a server. One table is for addresses or for names, not both. */
bool http_limit_take_name(
    struct http_limit *l, const char *name, int64_t now_us, int64_t *ret_wait_ms);

#endif
