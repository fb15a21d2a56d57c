/* A table with a time for each row. Main. */
#include "livekit/node_known.h"

#include "core/clock.h"
#include "core/map.h"
#include "core/mem.h"
#include "livekit/nodes.h"

#include <string.h>

#define US_PER_MS 1000

struct known {
    char *alias;
    enum lk_room_where where;
    int64_t until_us;
    UT_hash_handle hh;
};

struct lk_node_known {
    struct known *rooms;
};

static void drop(struct lk_node_known *all, struct known *k) {
    HASH_DEL(all->rooms, k);
    mem_free(k->alias);
    mem_free(k);
}

static void drop_all(struct lk_node_known *all) {
    while (all->rooms != NULL) {
        drop(all, all->rooms);
    }
}

static struct known *find(const struct lk_node_known *all, const char *alias) {
    struct known *k = NULL;
    HASH_FIND_STR(all->rooms, alias, k);
    return k;
}

static struct known *add(struct lk_node_known *all, const char *alias) {
    if (HASH_COUNT(all->rooms) >= LK_NODES_KNOWN_MAX) {
        drop_all(all);
    }
    struct known *k = mem_zalloc(sizeof(*k));
    char *copy = k == NULL ? NULL : mem_strdup(alias);
    if (copy == NULL) {
        mem_free(k);
        return NULL;
    }
    k->alias = copy;
    HASH_ADD_KEYPTR(hh, all->rooms, k->alias, strlen(k->alias), k);
    if (k->hh.tbl == NULL) {
        mem_free(k->alias);
        mem_free(k);
        return NULL;
    }
    return k;
}

void lk_node_known_set(struct lk_node_known *all, const char *alias, enum lk_room_where where) {
    struct known *k = find(all, alias);
    k = k == NULL ? add(all, alias) : k;
    if (k != NULL) {
        k->where = where;
        k->until_us = clock_mono_us() + LK_NODES_KNOWN_MS * US_PER_MS;
    }
}

enum lk_room_where lk_node_known_get(const struct lk_node_known *all, const char *alias) {
    const struct known *k = find(all, alias);
    return k == NULL || clock_mono_us() >= k->until_us ? LK_ROOM_UNKNOWN : k->where;
}

void lk_node_known_drop(struct lk_node_known *all, const char *alias) {
    struct known *k = find(all, alias);
    if (k != NULL) {
        drop(all, k);
    }
}

enum err lk_node_known_create(struct lk_node_known **ret) {
    *ret = mem_zalloc(sizeof(**ret));
    return *ret == NULL ? err_set(ERR_NOMEM, "no memory for what is known of rooms") : OK;
}

void lk_node_known_destroy(struct lk_node_known *all) {
    if (all != NULL) {
        drop_all(all);
        mem_free(all);
    }
}
