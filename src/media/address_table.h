/*
 * Whose datagram is this? Transports by the paths their peers were seen on, and by the user
 * fragments of ours that a check names before its path is known.
 *
 * A path belongs to one transport: only a check that was verified adds one (media/transport), so
 * nobody takes another's by a forged source address.
 *
 * Thread: the worker's.  See: RFC 8445, 7.3; sfu.md.
 */
#ifndef MEDIA_ADDRESS_TABLE_H
#define MEDIA_ADDRESS_TABLE_H

#include "core/map.h"
#include "media/path.h"

#include <stdbool.h>

struct media_transport;

_Static_assert(sizeof(struct rtc_ice_path) == 24, "hashed as bytes: no padding");

/* Both lie in the transport, so that finding and adding allocates nothing of ours. */
struct media_route {
    UT_hash_handle hh;
    struct rtc_ice_path path;
    struct media_transport *transport; /* NULL = free */
};

#define MEDIA_UFRAG_MAX RTC_ICE_OUR_UFRAG
struct media_fragment {
    UT_hash_handle hh;
    char ufrag[MEDIA_UFRAG_MAX + 1];
    struct media_transport *transport; /* NULL = free */
};

/* Who sent lately, by the low bits of address and port: one look where the map takes four. */
#define MEDIA_LATEST 256 /* a power of two; 8 KiB a worker */
struct media_latest {
    struct rtc_ice_path path;
    struct media_transport *transport; /* NULL = free */
};

struct media_address_table {
    struct media_route *routes;
    struct media_fragment *fragments;
    struct media_latest latest[MEDIA_LATEST];
};

/** NULL for a path nobody has. */
struct media_transport *media_address_find(
    struct media_address_table *t, const struct rtc_ice_path *path);
/** `ufrag` of `len` bytes as a check carries it: ours, before the colon. */
struct media_transport *media_address_find_ufrag(
    struct media_address_table *t, const uint8_t *ufrag, size_t len);

/** False when another transport has the path, or without memory. `route` is free and stays in place
 * until it is removed. */
bool media_address_add(struct media_address_table *t, struct media_route *route,
    const struct rtc_ice_path *path, struct media_transport *transport);
/** False when another has the same user fragment, or without memory. */
bool media_address_add_ufrag(struct media_address_table *t, struct media_fragment *fragment,
    const char *ufrag, struct media_transport *transport);
/** Both take one that is free, too. */
void media_address_remove(struct media_address_table *t, struct media_route *route);
void media_address_remove_ufrag(struct media_address_table *t, struct media_fragment *fragment);

#endif
