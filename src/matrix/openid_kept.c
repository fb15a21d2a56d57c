/* Kept answers about OpenID tokens.  Thread: one owner. */
#include "matrix/openid_kept.h"

#include "core/clock.h"
#include "core/map.h"
#include "core/mem.h"

#include <string.h>
#include <utlist.h>

#define OWNER_US   (300 * SEC_US)
#define REFUSAL_US (60 * SEC_US)

struct kept {
    UT_hash_handle hh;
    struct kept *prev, *next; /* in order of use, the least recent first */
    struct mx_openid_key key;
    int64_t until_us;
    char user_id[];
};

struct mx_openid_kept {
    struct kept *by_key;
    struct kept *used;
};

static void drop(struct mx_openid_kept *k, struct kept *e) {
    HASH_DEL(k->by_key, e);
    DL_DELETE(k->used, e);
    mem_free(e);
}

const char *mx_openid_kept_find(
    struct mx_openid_kept *k, const struct mx_openid_key *key, int64_t now_us) {
    struct kept *e = NULL;
    HASH_FIND(hh, k->by_key, key, sizeof(*key), e);
    if (e == NULL) {
        return NULL;
    }
    if (e->until_us <= now_us) {
        drop(k, e);
        return NULL;
    }
    DL_DELETE(k->used, e);
    DL_APPEND(k->used, e);
    return e->user_id;
}

void mx_openid_kept_add(struct mx_openid_kept *k, const struct mx_openid_key *key,
    const char *user_id, int64_t until_us) {
    struct kept *e = NULL;
    HASH_FIND(hh, k->by_key, key, sizeof(*key), e);
    if (e != NULL) {
        drop(k, e);
    }
    size_t n = strlen(user_id) + 1;
    e = mem_zalloc(sizeof(*e) + n);
    if (e == NULL) {
        return;
    }
    e->key = *key;
    e->until_us = until_us;
    memcpy(e->user_id, user_id, n);
    HASH_ADD(hh, k->by_key, key, sizeof(e->key), e);
    if (e->hh.tbl == NULL) {
        mem_free(e);
        return;
    }
    DL_APPEND(k->used, e);
    while (HASH_COUNT(k->by_key) > MX_OPENID_KEPT_MAX) {
        drop(k, k->used);
    }
}

size_t mx_openid_kept_count(const struct mx_openid_kept *k) {
    return HASH_COUNT(k->by_key);
}

int64_t mx_openid_kept_until(const char *user_id, int64_t now_us, int64_t claimed_ms) {
    if (user_id[0] == '\0') {
        return now_us + REFUSAL_US;
    }
    bool shorter = claimed_ms > 0 && claimed_ms < OWNER_US / 1000;
    return now_us + (shorter ? claimed_ms * 1000 : OWNER_US);
}

enum err mx_openid_kept_create(struct mx_openid_kept **ret) {
    struct mx_openid_kept *k = mem_zalloc(sizeof(*k));
    if (k == NULL) {
        return err_set(ERR_NOMEM, "no memory for answers about tokens");
    }
    *ret = k;
    return OK;
}

void mx_openid_kept_destroy(struct mx_openid_kept *k) {
    if (k == NULL) {
        return;
    }
    while (k->used != NULL) {
        drop(k, k->used);
    }
    mem_free(k);
}
