/*
 * By what a transport is found: the paths that good checks of its peer came by, and its user
 * fragments; after a restart of ICE the old one too, until the peer uses the new.
 *
 * Thread: the worker's.  See: RFC 8445, 7.3 and 9; media/address_table.
 */
#ifndef MEDIA_ROUTES_H
#define MEDIA_ROUTES_H

#include "core/err.h"
#include "media/address_table.h"
#include "rtc/icelite.h"

/** Lies in the transport. */
struct media_routes {
    struct media_address_table *table;
    struct media_transport *transport;
    struct media_fragment ours, old;
    struct media_route paths[RTC_ICE_PATHS_MAX];
};

/** Of `transport`, which checks name by `ufrag`; borrows the table. ERR_CONFLICT: it is another's.
 * ERR_NOMEM. Either way, media_routes_finish takes it. */
MUST_CHECK enum err media_routes_init(struct media_routes *r, struct media_address_table *table,
    struct media_transport *transport, const char *ufrag);
/** Nobody finds the transport any more. */
void media_routes_finish(struct media_routes *r);

/** A good check came by this path. One that another transport still has is asked for again by each
 * check, until that one lets go. */
void media_routes_keep(struct media_routes *r, const struct rtc_ice_path *path);
void media_routes_drop(struct media_routes *r, const struct rtc_ice_path *path);

/** ICE restarts: checks may name this fragment, or still the one before. ERR_CONFLICT, and nothing
 * has changed; ERR_NOMEM. */
MUST_CHECK enum err media_routes_rename(struct media_routes *r, const char *ufrag);
/** The peer has used the new one: the one before is nobody's. */
void media_routes_renamed(struct media_routes *r);

#endif
