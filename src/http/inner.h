/*
 * Which addresses lie in the public Internet? Whoever lets strangers name hosts to connect to asks
 * here first; otherwise they reach our database, our neighbours and the cloud's metadata service
 * through us.  Thread: any; pure.
 */
#ifndef HTTP_INNER_H
#define HTTP_INNER_H

#include <stdbool.h>

struct http_address;

/**
 * True unless the address is global unicast: loopback, private, shared (CGNAT), link-local,
 * multicast, documentation, benchmarks, reserved, unix sockets, and all of IPv6 outside of
 * 2000::/3. An IPv4 address inside of an IPv6 one (mapped, NAT64) counts as itself; the forms that
 * nobody routes any more (compatible, 6to4, Teredo) are inner.
 * See: IANA special-purpose address registries (RFC 6890), RFC 6052, RFC 7526.
 */
bool http_address_inner(const struct http_address *a);

#endif
