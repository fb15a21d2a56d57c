/* Tombstones: the list of what was removed, its digest, and the row in call_heads. */
#include "store/tombstone.h"

#include "core/mem.h"
#include "store/heads.h"
#include "store/locks.h"
#include "store/query_wait.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b) {
    const struct store_removed *x = a;
    const struct store_removed *y = b;
    int order = strcmp(x->session_id, y->session_id); /* hex digits sort as the bytes do */
    return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

static enum err check_text(const char *name, const char *text) {
    if (text == NULL || text[0] == '\0' || strlen(text) > STORE_TOMBSTONE_TEXT_MAX) {
        return err_set(
            ERR_INVALID, "a tombstone's %s is from 1 to %d bytes", name, STORE_TOMBSTONE_TEXT_MAX);
    }
    return OK;
}

static enum err check_item(const struct store_removed *item) {
    uint8_t uuid[UUID_SIZE];
    bool good = crypto_uuid_read(item->session_id, uuid) && item->n >= 0 && item->rows >= 1 &&
                (item->n == 0 || item->rows == 1);
    return good ? OK
                : err_set(ERR_INVALID, "a tombstone cannot name %s/%d", item->session_id, item->n);
}

/* Sorts the items and says how many rows they are. */
static enum err check(const struct store_tombstone *t, int64_t *ret_rows) {
    TRY(check_text("what", t->what));
    TRY(check_text("reason", t->reason));
    TRY(check_text("actor", t->actor));
    if (t->n_items < 1 || t->n_items > STORE_REMOVED_MAX) {
        return err_set(ERR_INVALID, "a tombstone has from 1 to %d items", STORE_REMOVED_MAX);
    }
    qsort(t->items, t->n_items, sizeof(*t->items), compare);
    int64_t rows = 0;
    for (size_t i = 0; i < t->n_items; i++) {
        TRY(check_item(&t->items[i]));
        if (i > 0 && compare(&t->items[i - 1], &t->items[i]) == 0) {
            return err_set(ERR_INVALID, "a tombstone names %s/%d twice", t->items[i].session_id,
                t->items[i].n);
        }
        rows += t->items[i].rows;
    }
    *ret_rows = rows;
    return OK;
}

static enum err digest(const struct store_tombstone *t, uint8_t ret[SHA256_SIZE]) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    store_removed_begin(&b);
    for (size_t i = 0; i < t->n_items; i++) {
        store_removed_canonical(&b, &t->items[i]);
    }
    TRY(buf_check(&b));
    crypto_sha256(b.data, b.len, ret);
    return OK;
}

/* The items as three arrays in PostgreSQL's own notation. */
static enum err save_items(struct store_session *s, const struct store_tombstone *t, int64_t seq) {
    CLEANUP(buf_finish) struct buf ids;
    CLEANUP(buf_finish) struct buf numbers;
    CLEANUP(buf_finish) struct buf rows;
    buf_init(&ids, 0);
    buf_init(&numbers, 0);
    buf_init(&rows, 0);
    for (size_t i = 0; i < t->n_items; i++) {
        char comma = i == 0 ? '{' : ',';
        buf_printf(&ids, "%c%s", comma, t->items[i].session_id);
        buf_printf(&numbers, "%c%d", comma, t->items[i].n);
        buf_printf(&rows, "%c%d", comma, t->items[i].rows);
    }
    buf_putc(&ids, '}');
    buf_putc(&numbers, '}');
    buf_putc(&rows, '}');
    TRY(buf_check(&ids));
    TRY(buf_check(&numbers));
    TRY(buf_check(&rows));
    char tombstone[24];
    snprintf(tombstone, sizeof(tombstone), "%" PRId64, seq);
    const char *const params[] = { buf_str(&ids), buf_str(&numbers), buf_str(&rows), tombstone };
    return store_session_query(s,
        "INSERT INTO audit_removed (session_id, n, rows, tombstone)"
        " SELECT u.*, $4::bigint FROM unnest($1::uuid[], $2::integer[], $3::integer[]) AS u",
        params, COUNT_OF(params), NULL, NULL);
}

void store_removed_begin(struct buf *b) {
    store_chain_put_text(b, "parley/removed/1");
}

void store_removed_canonical(struct buf *b, const struct store_removed *item) {
    store_chain_put_text(b, item->session_id);
    store_chain_put_number(b, item->n);
    store_chain_put_number(b, item->rows);
}

enum err store_tombstone_begin(struct store_session *s) {
    TRY(store_session_run(s, "BEGIN ISOLATION LEVEL READ COMMITTED"));
    return store_session_run(s, "SELECT " STORE_REMOVAL_LOCK "; SET LOCAL parley.purge = 'on'");
}

enum err store_tombstone_commit(struct store_session *s, const struct store_audit_key *key,
    const struct store_tombstone *t, int64_t *ret_seq) {
    uint8_t last_mac[SHA256_SIZE];
    uint8_t previous[SHA256_SIZE];
    struct store_chain_head h = { .kind = "tombstone",
        .last_mac = last_mac,
        .at = t->at,
        .what = t->what,
        .reason = t->reason,
        .actor = t->actor };
    TRY(check(t, &h.rows));
    TRY(digest(t, last_mac));
    TRY(store_heads_lock(s, key, &h.seq, previous));
    TRY(store_heads_add(s, key, &h, previous));
    TRY(save_items(s, t, h.seq));
    TRY(store_session_run(s, "COMMIT"));
    *ret_seq = h.seq;
    return OK;
}
