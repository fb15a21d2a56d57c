/* Well-known answers.  Thread: one owner. */
#include "matrix/known_servers.h"

#include "core/map.h"
#include "core/mem.h"

#include <string.h>
#include <utlist.h>

struct known {
    UT_hash_handle hh;
    struct known *prev, *next; /* in order of use, the least recent first */
    char name[MX_SERVER_NAME_SIZE];
    bool delegates;
    struct mx_server_name delegate;
    int64_t expires_us;
};

struct mx_known_servers {
    struct known *by_name;
    struct known *used;
};

static void drop(struct mx_known_servers *k, struct known *e) {
    HASH_DEL(k->by_name, e);
    DL_DELETE(k->used, e);
    mem_free(e);
}

static struct known *find(struct mx_known_servers *k, const char *name) {
    struct known *e = NULL;
    HASH_FIND_STR(k->by_name, name, e);
    return e;
}

bool mx_known_servers_find(struct mx_known_servers *k, const char *name, int64_t now_us,
    bool *ret_delegates, struct mx_server_name *ret) {
    struct known *e = find(k, name);
    if (e == NULL) {
        return false;
    }
    if (e->expires_us <= now_us) {
        drop(k, e);
        return false;
    }
    DL_DELETE(k->used, e);
    DL_APPEND(k->used, e);
    *ret_delegates = e->delegates;
    if (e->delegates) {
        *ret = e->delegate;
    }
    return true;
}

void mx_known_servers_keep(struct mx_known_servers *k, const char *name,
    const struct mx_server_name *delegate, int64_t now_us, int64_t for_us) {
    struct known *e = find(k, name);
    if (e != NULL) {
        drop(k, e);
    }
    e = mem_zalloc(sizeof(*e));
    if (e == NULL || strlen(name) >= sizeof(e->name)) {
        mem_free(e);
        return;
    }
    memcpy(e->name, name, strlen(name));
    e->delegates = delegate != NULL;
    if (delegate != NULL) {
        e->delegate = *delegate;
    }
    e->expires_us = now_us + for_us;
    HASH_ADD_STR(k->by_name, name, e);
    if (e->hh.tbl == NULL) {
        mem_free(e);
        return;
    }
    DL_APPEND(k->used, e);
    while (HASH_COUNT(k->by_name) > MX_KNOWN_SERVERS_MAX) {
        drop(k, k->used);
    }
}

size_t mx_known_servers_count(const struct mx_known_servers *k) {
    return HASH_COUNT(k->by_name);
}

enum err mx_known_servers_create(struct mx_known_servers **ret) {
    struct mx_known_servers *k = mem_zalloc(sizeof(*k));
    if (k == NULL) {
        return err_set(ERR_NOMEM, "no memory for known servers");
    }
    *ret = k;
    return OK;
}

void mx_known_servers_destroy(struct mx_known_servers *k) {
    if (k == NULL) {
        return;
    }
    while (k->used != NULL) {
        drop(k, k->used);
    }
    mem_free(k);
}
