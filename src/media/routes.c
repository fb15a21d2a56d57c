/* Entries of the address table, a transport's. */
#include "media/routes.h"

#include <string.h>

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "no memory for a transport's user fragment");
}

static bool is_taken(const struct media_routes *r, const char *ufrag) {
    return media_address_find_ufrag(r->table, (const uint8_t *)ufrag, strlen(ufrag)) != NULL;
}

enum err media_routes_init(struct media_routes *r, struct media_address_table *table,
    struct media_transport *transport, const char *ufrag) {
    *r = (struct media_routes){ .table = table, .transport = transport };
    if (is_taken(r, ufrag)) {
        return err_set(ERR_CONFLICT, "the user fragment is taken");
    }
    return media_address_add_ufrag(table, &r->ours, ufrag, transport) ? OK : no_memory();
}

void media_routes_finish(struct media_routes *r) {
    for (size_t i = 0; i < RTC_ICE_PATHS_MAX; i++) {
        media_address_remove(r->table, &r->paths[i]);
    }
    media_address_remove_ufrag(r->table, &r->ours);
    media_address_remove_ufrag(r->table, &r->old);
}

/* The one of this path; a free one for NULL. */
static struct media_route *route_of(struct media_routes *r, const struct rtc_ice_path *path) {
    for (size_t i = 0; i < RTC_ICE_PATHS_MAX; i++) {
        struct media_route *one = &r->paths[i];
        if (path == NULL ? one->transport == NULL
                         : one->transport != NULL && memcmp(&one->path, path, sizeof(*path)) == 0) {
            return one;
        }
    }
    return NULL;
}

void media_routes_keep(struct media_routes *r, const struct rtc_ice_path *path) {
    struct media_route *one = NULL;
    if (media_address_find(r->table, path) == NULL && (one = route_of(r, NULL)) != NULL) {
        (void)media_address_add(r->table, one, path, r->transport);
    }
}

void media_routes_drop(struct media_routes *r, const struct rtc_ice_path *path) {
    struct media_route *one = route_of(r, path);
    if (one != NULL) {
        media_address_remove(r->table, one);
    }
}

enum err media_routes_rename(struct media_routes *r, const char *ufrag) {
    char before[MEDIA_UFRAG_MAX + 1];
    memcpy(before, r->ours.ufrag, sizeof(before));
    if (is_taken(r, ufrag)) {
        return err_set(ERR_CONFLICT, "the user fragment is taken");
    }
    media_address_remove_ufrag(r->table, &r->old);
    media_address_remove_ufrag(r->table, &r->ours);
    bool added = media_address_add_ufrag(r->table, &r->old, before, r->transport) &&
                 media_address_add_ufrag(r->table, &r->ours, ufrag, r->transport);
    return added ? OK : no_memory();
}

void media_routes_renamed(struct media_routes *r) {
    media_address_remove_ufrag(r->table, &r->old);
}
