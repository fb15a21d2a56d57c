/* The chain over all chains: numbers, MACs, keys that take over, and the lists of tombstones. */
#include "store/key_rotation.h"
#include "store/tombstone.h"
#include "store/verify_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TABLE "call_heads"

struct heads {
    struct store_verify_run *r;
    struct store_copy rows;    /* of call_heads */
    struct store_copy removed; /* of audit_removed, in the order of tombstones */
    bool more_removed;
    int64_t last_seq;
    uint8_t mac[SHA256_SIZE]; /* of the row before, as it stands there */
    int epoch;                /* in force */
};

enum { SEQ, KIND, SESSION, ROWS, LAST_MAC, AT, WHAT, REASON, ACTOR, MAC, EPOCH, FIELDS };
static const char heads_sql[] =
    "SELECT seq, kind, session_id, rows, last_mac, at, what, reason, actor, mac, key_epoch"
    " FROM call_heads ORDER BY seq";

enum { R_TOMBSTONE, R_SESSION, R_N, R_ROWS, R_FIELDS };
static const char removed_sql[] = "SELECT tombstone, session_id, n, rows FROM audit_removed"
                                  " ORDER BY tombstone, session_id, n";

/* --- the lists of tombstones --- */

struct list {
    int64_t items;
    int64_t rows;
    int64_t erased;
    uint8_t digest[SHA256_SIZE];
};

static enum err next_removed(struct heads *h) {
    return store_copy_next(&h->removed, &h->more_removed);
}

static bool read_removed(
    const struct store_copy *c, int64_t *tombstone, struct store_removed *item) {
    int64_t n = 0;
    int64_t rows = 0;
    bool good = c->n == R_FIELDS && store_copy_int(&c->fields[R_TOMBSTONE], tombstone) &&
                store_copy_int(&c->fields[R_N], &n) && store_copy_int(&c->fields[R_ROWS], &rows) &&
                store_verify_uuid_of(&c->fields[R_SESSION], item->session_id) != NULL;
    item->n = (int)n;
    item->rows = (int)rows;
    return good;
}

static void add_item(struct heads *h, const struct store_removed *item, struct list *ret) {
    struct buf *b = &h->r->canonical;
    buf_clear(b);
    store_removed_canonical(b, item);
    sha256_add(h->r->sha, b->data, b->len);
    ret->items++;
    ret->rows += item->rows;
    ret->erased += item->n > 0;
}

/* Reads the list of the tombstone `seq`; what belongs to rows before it belongs to nothing. */
static enum err read_list(struct heads *h, int64_t seq, struct list *ret) {
    struct buf *b = &h->r->canonical;
    *ret = (struct list){ 0 };
    sha256_begin(h->r->sha);
    buf_clear(b);
    store_removed_begin(b);
    sha256_add(h->r->sha, b->data, b->len);
    while (h->more_removed) {
        struct store_removed item;
        int64_t tombstone = 0;
        if (!read_removed(&h->removed, &tombstone, &item)) {
            return err_set(ERR_DATABASE, "a row of audit_removed cannot be read");
        }
        if (tombstone > seq) {
            break;
        }
        if (tombstone < seq) {
            store_verify_found(h->r, STORE_TOMBSTONE, "audit_removed", item.session_id, item.n,
                "it names row %" PRId64 " of call_heads, which is no tombstone", tombstone);
        } else {
            add_item(h, &item, ret);
        }
        TRY(next_removed(h));
    }
    TRY(buf_check(b));
    sha256_end(h->r->sha, ret->digest);
    return OK;
}

static enum err check_tombstone(struct heads *h, const struct store_chain_head *head) {
    struct list list;
    TRY(read_list(h, head->seq, &list));
    h->r->report.tombstones++;
    h->r->report.erased += list.erased;
    h->r->report.purged += list.rows - list.erased;
    if (list.rows != head->rows || head->last_mac == NULL ||
        memcmp(list.digest, head->last_mac, SHA256_SIZE) != 0) {
        store_verify_found(h->r, STORE_TOMBSTONE, TABLE, NULL, head->seq,
            "this tombstone is for %" PRId64 " rows; the list of them in audit_removed, now of "
            "%" PRId64 " rows, is not the one that was signed",
            head->rows, list.rows);
    }
    return OK;
}

/* --- keys --- */

/* The row of a key that takes over is signed by the key before, and its last_mac is made with the
 * new key: both agreed. */
static enum err check_key(
    struct heads *h, const struct store_chain_head *head, const uint8_t previous[SHA256_SIZE]) {
    struct store_verify_run *r = h->r;
    char want[STORE_KEY_WHAT_SIZE] = "";
    bool known = h->epoch < r->n_epochs;
    if (known) {
        store_key_what(h->epoch + 1, r->epochs[h->epoch].fingerprint, want);
    }
    if (!known || head->what == NULL || strcmp(head->what, want) != 0) {
        store_verify_found(r, STORE_WRONG_KEY, TABLE, NULL, head->seq,
            "it introduces another key than audit_keys has for epoch %d", h->epoch + 1);
        return OK;
    }
    struct store_epoch *next = &r->epochs[h->epoch];
    enum store_mac_check m;
    buf_clear(&r->canonical);
    store_key_introduction(&r->canonical, h->epoch + 1, next->fingerprint);
    TRY(store_verify_mac(
        r, h->epoch + 1, previous, head->last_mac == NULL ? previous : head->last_mac, &m));
    if (m == STORE_MAC_WRONG) {
        store_verify_found(r, STORE_WRONG_KEY, TABLE, NULL, head->seq,
            "the key of epoch %d did not sign that it takes over", h->epoch + 1);
    }
    next->introduced = true;
    h->epoch++;
    return OK;
}

/* --- rows --- */

static bool read_head(const struct store_copy *c, char session_id[UUID_TEXT_SIZE],
    struct store_chain_head *ret, int64_t *epoch) {
    const struct store_copy_field *f = c->fields;
    *ret = (struct store_chain_head){ .kind = f[KIND].bytes,
        .session_id = store_verify_uuid_of(&f[SESSION], session_id),
        .last_mac = f[LAST_MAC].len == SHA256_SIZE ? (const uint8_t *)f[LAST_MAC].bytes : NULL,
        .what = f[WHAT].bytes,
        .reason = f[REASON].bytes,
        .actor = f[ACTOR].bytes };
    bool good = c->n == FIELDS && store_copy_int(&f[SEQ], &ret->seq) && ret->kind != NULL &&
                store_copy_int(&f[ROWS], &ret->rows) && store_copy_int(&f[EPOCH], epoch);
    if (good && !store_copy_time(&f[AT], &ret->at)) {
        ret->at = -1; /* what is never written fits no MAC */
    }
    return good;
}

/* Two problems of one row are one: the first is told. */
static enum err check_row(struct heads *h, const struct store_chain_head *head, int64_t epoch) {
    struct store_verify_run *r = h->r;
    bool gap = head->seq != h->last_seq + 1;
    if (gap) {
        store_verify_found(r, STORE_MISSING, TABLE, NULL, h->last_seq + 1,
            "it is missing: after row %" PRId64 " comes row %" PRId64, h->last_seq, head->seq);
    }
    if (epoch != h->epoch) {
        store_verify_found(r, STORE_WRONG_KEY, TABLE, head->session_id, head->seq,
            "it is signed with the key of epoch %" PRId64 " while that of epoch %d was in force",
            epoch, h->epoch);
        return OK;
    }
    if (gap) {
        return OK; /* the MAC before it is not known */
    }
    enum store_mac_check m;
    buf_clear(&r->canonical);
    store_chain_head_canonical(&r->canonical, head);
    TRY(store_verify_mac(r, epoch, h->mac, store_verify_mac_of(&h->rows.fields[MAC]), &m));
    if (m == STORE_MAC_WRONG || m == STORE_MAC_NO_EPOCH) {
        store_verify_found(r, m == STORE_MAC_WRONG ? STORE_ALTERED : STORE_WRONG_KEY, TABLE,
            head->session_id, head->seq,
            "it was altered, moved, or signed with another key: its MAC does not fit");
    }
    return OK;
}

static void check_anchor(struct heads *h, int64_t seq, const uint8_t *mac) {
    const struct store_anchor *a = h->r->cfg->anchor;
    if (a != NULL && a->seq == seq && memcmp(a->mac, mac, SHA256_SIZE) != 0) {
        store_verify_found(h->r, STORE_ANCHOR, TABLE, NULL, seq,
            "it is not the row that was noted as the head: what came before it was written anew");
    }
}

static enum err take_row(struct heads *h) {
    struct store_verify_run *r = h->r;
    struct store_chain_head head;
    char session_id[UUID_TEXT_SIZE];
    int64_t epoch = 0;
    if (!read_head(&h->rows, session_id, &head, &epoch)) {
        return err_set(ERR_DATABASE, "a row of call_heads cannot be read");
    }
    uint8_t previous[SHA256_SIZE];
    memcpy(previous, h->mac, SHA256_SIZE);
    TRY(check_row(h, &head, epoch));
    memcpy(h->mac, store_verify_mac_of(&h->rows.fields[MAC]), SHA256_SIZE);
    h->last_seq = head.seq;
    r->report.heads++;
    check_anchor(h, head.seq, h->mac);
    if (strcmp(head.kind, "tombstone") == 0) {
        return check_tombstone(h, &head);
    }
    return strcmp(head.kind, "key") == 0 ? check_key(h, &head, previous) : OK;
}

static enum err take_all(struct heads *h) {
    TRY(store_copy_begin(&h->rows, h->r->one, heads_sql));
    TRY(store_copy_begin(&h->removed, h->r->two, removed_sql));
    TRY(next_removed(h));
    for (bool more = true; more;) {
        TRY(store_copy_next(&h->rows, &more));
        if (more) {
            TRY(take_row(h));
        }
    }
    struct list nothing;
    return read_list(h, INT64_MAX, &nothing);
}

/* What was in force is now known: does audit_keys say the same? */
static void check_epochs(const struct heads *h) {
    struct store_verify_run *r = h->r;
    for (int e = 1; e < r->n_epochs; e++) {
        if (!r->epochs[e].introduced) {
            store_verify_found(r, STORE_WRONG_KEY, "audit_keys", NULL, e + 1,
                "no row of call_heads introduces the key of epoch %d (fingerprint %s)", e + 1,
                r->epochs[e].fingerprint);
        }
    }
    const struct store_anchor *a = r->cfg->anchor;
    if (a != NULL && a->seq > h->last_seq) {
        store_verify_found(r, STORE_CUT, TABLE, NULL, h->last_seq + 1,
            "the end is cut: row %" PRId64 " was noted as the head, the last is %" PRId64, a->seq,
            h->last_seq);
    }
}

enum err store_verify_heads(struct store_verify_run *r) {
    struct heads h = { .r = r, .epoch = 1 };
    enum err e = take_all(&h);
    store_copy_finish(&h.rows);
    store_copy_finish(&h.removed);
    TRY(e);
    check_epochs(&h);
    r->newest = h.epoch;
    r->report.head.seq = h.last_seq;
    memcpy(r->report.head.mac, h.mac, SHA256_SIZE);
    return OK;
}
