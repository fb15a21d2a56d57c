/* Inner addresses.  Thread: any; pure. */
#include "http/inner.h"

#include "core/mem.h"
#include "http/address.h"

#include <stdint.h>
#include <string.h>

#define V4_BYTES 4
#define V4_AT    12 /* where an IPv4 address stands in a mapped or NAT64 one */

struct block {
    uint8_t first[16]; /* IPv4: the first four */
    uint8_t bits;
};

static const struct block inner_v4[] = {
    { { 0 }, 8 },             /* "this network": Linux takes 0.0.0.0 for loopback */
    { { 10 }, 8 },            /* private, RFC 1918 */
    { { 100, 64 }, 10 },      /* shared, RFC 6598 */
    { { 127 }, 8 },           /* loopback */
    { { 169, 254 }, 16 },     /* link-local, and the metadata service of clouds */
    { { 172, 16 }, 12 },      /* private */
    { { 192, 0, 0 }, 24 },    /* IETF protocols; Oracle's metadata service */
    { { 192, 0, 2 }, 24 },    /* documentation */
    { { 192, 31, 196 }, 24 }, /* AS112: sinks for stray DNS questions */
    { { 192, 52, 193 }, 24 }, /* AMT relays */
    { { 192, 88, 99 }, 24 },  /* relays of 6to4, given up by RFC 7526 */
    { { 192, 168 }, 16 },     /* private */
    { { 192, 175, 48 }, 24 }, /* AS112 */
    { { 198, 18 }, 15 },      /* benchmarks */
    { { 198, 51, 100 }, 24 }, /* documentation */
    { { 203, 0, 113 }, 24 },  /* documentation */
    { { 224 }, 4 },           /* multicast */
    { { 240 }, 4 },           /* reserved, and broadcast */
};

/* Inside of 2000::/3; whatever is outside is inner anyway. */
static const struct block inner_v6[] = {
    { { 0x20, 0x01, 0x00 }, 23 },             /* IETF protocols: Teredo, ORCHID, benchmarks */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 },       /* documentation */
    { { 0x20, 0x02 }, 16 },                   /* 6to4 */
    { { 0x26, 0x20, 0, 0x4f, 0x80, 0 }, 48 }, /* AS112 */
    { { 0x3f, 0xfe }, 16 },                   /* 6bone, given back */
    { { 0x3f, 0xff }, 20 },                   /* documentation, RFC 9637 */
};

static const struct block global_v6 = { { 0x20 }, 3 };
static const struct block mapped = { { [10] = 0xff, 0xff }, 96 };
static const struct block nat64 = { { 0x00, 0x64, 0xff, 0x9b }, 96 }; /* RFC 6052 */

static bool block_has(const struct block *b, const uint8_t *bytes) {
    size_t whole = b->bits / 8;
    unsigned rest = b->bits % 8;
    return memcmp(b->first, bytes, whole) == 0 &&
           (rest == 0 || ((b->first[whole] ^ bytes[whole]) >> (8 - rest)) == 0);
}

static bool any_has(const struct block *blocks, size_t n, const uint8_t *bytes) {
    for (size_t i = 0; i < n; i++) {
        if (block_has(&blocks[i], bytes)) {
            return true;
        }
    }
    return false;
}

bool http_address_inner(const struct http_address *a) {
    _Static_assert(V4_AT + V4_BYTES == sizeof a->bytes, "the last four bytes");
    if (a->local) {
        return true;
    }
    if (block_has(&mapped, a->bytes) || block_has(&nat64, a->bytes)) {
        return any_has(inner_v4, COUNT_OF(inner_v4), a->bytes + V4_AT);
    }
    return !block_has(&global_v6, a->bytes) || any_has(inner_v6, COUNT_OF(inner_v6), a->bytes);
}
