/* A map by room and identity; its order is that in which they came. Main. */
#include "livekit/revoked.h"

#include "core/map.h"
#include "rooms/model.h"

#include <string.h>

struct key {
    size_t len;
    char text[ROOM_NAME_MAX_BYTES + ROOM_IDENTITY_MAX_BYTES + 1]; /* room, NUL, identity */
};

struct entry {
    struct key *key;
    int64_t before_s;
    int64_t until_s;
    UT_hash_handle hh;
};

struct lk_revoked {
    struct entry *entries;
};

/* false: nobody can have such names. */
static bool make_key(const char *room, const char *identity, struct key *ret) {
    const size_t room_len = strlen(room) + 1;
    const size_t identity_len = strlen(identity);
    if (room_len > ROOM_NAME_MAX_BYTES + 1 || identity_len > ROOM_IDENTITY_MAX_BYTES) {
        return false;
    }
    memcpy(ret->text, room, room_len);
    memcpy(ret->text + room_len, identity, identity_len);
    ret->len = room_len + identity_len;
    return true;
}

static struct entry *find(const struct lk_revoked *r, const struct key *key) {
    struct entry *e = NULL;
    HASH_FIND(hh, r->entries, key->text, key->len, e);
    return e;
}

static void drop(struct lk_revoked *r, struct entry *e) {
    HASH_DEL(r->entries, e);
    mem_free(e->key);
    mem_free(e);
}

/* The first is the oldest, and the first that is over. */
static void make_room(struct lk_revoked *r, int64_t now_s) {
    while (r->entries != NULL &&
           (HASH_COUNT(r->entries) >= LK_REVOKED_MAX || now_s >= r->entries->until_s)) {
        drop(r, r->entries);
    }
}

/* NULL: no memory. */
static struct entry *create(const struct key *key) {
    const size_t size = offsetof(struct key, text) + key->len;
    struct entry *e = mem_zalloc(sizeof(*e));
    struct key *copy = mem_alloc(size);
    if (e == NULL || copy == NULL) {
        mem_free(e);
        mem_free(copy);
        return NULL;
    }
    memcpy(copy, key, size);
    e->key = copy;
    return e;
}

enum err lk_revoked_add(
    struct lk_revoked *r, const char *room, const char *identity, int64_t before_s, int64_t now_s) {
    struct key key;
    const int64_t most_s = now_s + LK_REVOKED_AHEAD_S;
    if (!make_key(room, identity, &key)) {
        return OK;
    }
    struct entry *e = find(r, &key);
    if (e != NULL) {
        HASH_DEL(r->entries, e); /* it goes to the end */
    } else {
        make_room(r, now_s);
        e = create(&key);
    }
    if (e != NULL) {
        before_s = before_s < most_s ? before_s : most_s;
        e->before_s = before_s > e->before_s ? before_s : e->before_s;
        e->until_s = now_s + LK_REVOKED_KEPT_S;
        HASH_ADD_KEYPTR(hh, r->entries, e->key->text, e->key->len, e);
    }
    if (e == NULL || e->hh.tbl == NULL) {
        mem_free(e == NULL ? NULL : e->key);
        mem_free(e);
        return err_set(ERR_NOMEM, "no memory for a revoked token");
    }
    return OK;
}

bool lk_revoked_has(const struct lk_revoked *r, const char *room, const char *identity,
    int64_t made_s, int64_t now_s) {
    struct key key;
    if (r == NULL || r->entries == NULL || !make_key(room, identity, &key)) {
        return false;
    }
    const struct entry *e = find(r, &key);
    return e != NULL && now_s < e->until_s && made_s < e->before_s;
}

enum err lk_revoked_create(struct lk_revoked **ret) {
    struct lk_revoked *r = mem_zalloc(sizeof(*r));
    if (r == NULL) {
        return err_set(ERR_NOMEM, "no memory for revoked tokens");
    }
    *ret = r;
    return OK;
}

void lk_revoked_destroy(struct lk_revoked *r) {
    if (r == NULL) {
        return;
    }
    while (r->entries != NULL) {
        drop(r, r->entries);
    }
    mem_free(r);
}
