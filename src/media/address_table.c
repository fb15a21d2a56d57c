/* Two maps whose elements lie in the transports. */
#include "media/address_table.h"

#include <string.h>

static struct media_latest *latest_of(
    struct media_address_table *t, const struct rtc_ice_path *path) {
    const uint8_t *ip = path->peer.ip;
    unsigned i = path->peer.port ^ path->peer.port >> 8 ^ ip[13] ^ ip[14] ^ ip[15];
    return &t->latest[i % MEDIA_LATEST];
}

static bool is_same(const struct rtc_ice_path *a, const struct rtc_ice_path *b) {
    return memcmp(a, b, sizeof(*a)) == 0;
}

struct media_transport *media_address_find(
    struct media_address_table *t, const struct rtc_ice_path *path) {
    struct media_latest *latest = latest_of(t, path);
    if (latest->transport != NULL && is_same(&latest->path, path)) {
        return latest->transport;
    }
    struct media_route *route = NULL;
    HASH_FIND(hh, t->routes, path, sizeof(*path), route);
    if (route == NULL) {
        return NULL;
    }
    *latest = (struct media_latest){ *path, route->transport };
    return route->transport;
}

struct media_transport *media_address_find_ufrag(
    struct media_address_table *t, const uint8_t *ufrag, size_t len) {
    struct media_fragment *fragment = NULL;
    if (len > 0 && len <= MEDIA_UFRAG_MAX) {
        HASH_FIND(hh, t->fragments, ufrag, len, fragment);
    }
    return fragment == NULL ? NULL : fragment->transport;
}

bool media_address_add(struct media_address_table *t, struct media_route *route,
    const struct rtc_ice_path *path, struct media_transport *transport) {
    if (media_address_find(t, path) != NULL) {
        return false;
    }
    route->path = *path;
    HASH_ADD(hh, t->routes, path, sizeof(route->path), route);
    if (route->hh.tbl == NULL) {
        return false;
    }
    route->transport = transport;
    return true;
}

bool media_address_add_ufrag(struct media_address_table *t, struct media_fragment *fragment,
    const char *ufrag, struct media_transport *transport) {
    size_t len = strlen(ufrag);
    if (len > MEDIA_UFRAG_MAX || media_address_find_ufrag(t, (const uint8_t *)ufrag, len) != NULL) {
        return false;
    }
    memcpy(fragment->ufrag, ufrag, len + 1);
    HASH_ADD_KEYPTR(hh, t->fragments, fragment->ufrag, len, fragment);
    if (fragment->hh.tbl == NULL) {
        return false;
    }
    fragment->transport = transport;
    return true;
}

void media_address_remove(struct media_address_table *t, struct media_route *route) {
    if (route->transport == NULL) {
        return;
    }
    struct media_latest *latest = latest_of(t, &route->path);
    if (is_same(&latest->path, &route->path)) {
        latest->transport = NULL;
    }
    HASH_DEL(t->routes, route);
    memset(route, 0, sizeof(*route));
}

void media_address_remove_ufrag(struct media_address_table *t, struct media_fragment *fragment) {
    if (fragment->transport == NULL) {
        return;
    }
    HASH_DEL(t->fragments, fragment);
    memset(fragment, 0, sizeof(*fragment));
}
