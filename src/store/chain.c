/* The canonical form of audit rows and the MAC over it. The form is described in chain.h; changing
 * it needs a new name in front. */
#include "store/chain.h"

#include "core/mem.h"
#include "store/audit_key.h"
#include "store/column.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LENGTH_OF_NULL UINT32_MAX

static void patch_length(struct buf *b, size_t at, uint32_t len) {
    if (!b->bad) {
        uint8_t bytes[4] = { (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
            (uint8_t)len };
        memcpy(b->data + at, bytes, sizeof(bytes));
    }
}

static void put_bytes(struct buf *b, const void *bytes, size_t n) {
    size_t at = b->len;
    buf_put(b, "\0\0\0\0", 4);
    buf_put(b, bytes, n);
    patch_length(b, at, (uint32_t)n);
}

static void put_null(struct buf *b) {
    size_t at = b->len;
    buf_put(b, "\0\0\0\0", 4);
    patch_length(b, at, LENGTH_OF_NULL);
}

/* The text as it is stored, not as it came. */
void store_chain_put_text(struct buf *b, const char *s) {
    if (s == NULL) {
        put_null(b);
        return;
    }
    size_t at = b->len;
    buf_put(b, "\0\0\0\0", 4);
    store_text_put(b, s);
    patch_length(b, at, (uint32_t)(b->len - at - 4));
}

void store_chain_put_number(struct buf *b, int64_t v) {
    char text[24];
    int n = snprintf(text, sizeof(text), "%" PRId64, v);
    put_bytes(b, text, (size_t)n);
}

static void put_time(struct buf *b, int64_t ms) {
    if (ms == 0) {
        put_null(b);
    } else {
        store_chain_put_number(b, store_time_clamp(ms));
    }
}

static void put_mac(struct buf *b, const uint8_t *mac) {
    if (mac == NULL) {
        put_null(b);
    } else {
        put_bytes(b, mac, SHA256_SIZE);
    }
}

void store_chain_payload(struct buf *b, const struct store_detail *details) {
    buf_putc(b, '{');
    for (const struct store_detail *d = details; d != NULL; d = d->next) {
        switch (d->type) {
        case STORE_DETAIL_TEXT:
            buf_json_field(b, d->key, d->text);
            break;
        case STORE_DETAIL_INT:
            buf_json_int_field(b, d->key, d->number);
            break;
        case STORE_DETAIL_BOOL:
            buf_json_bool_field(b, d->key, d->number != 0);
            break;
        }
    }
    buf_putc(b, '}');
}

void store_chain_erasable(struct buf *b, const uint8_t salt[STORE_SALT_SIZE],
    const struct store_event *e, const char *payload) {
    put_bytes(b, salt, STORE_SALT_SIZE);
    store_chain_put_text(b, e->user_id);
    store_chain_put_text(b, e->subject);
    put_bytes(b, payload, strlen(payload));
}

void store_chain_canonical(struct buf *b, const char *session_id, int n,
    const struct store_event *e, const uint8_t erasable_sha256[SHA256_SIZE]) {
    const char flags[4] = { e->late ? '1' : '0', e->inferred ? '1' : '0', e->ignored ? '1' : '0',
        e->partial ? '1' : '0' };
    store_chain_put_text(b, "parley/event/1");
    store_chain_put_text(b, session_id);
    store_chain_put_number(b, n);
    store_chain_put_text(b, e->type);
    store_chain_put_text(b, e->room_id);
    store_chain_put_text(b, e->call_id);
    store_chain_put_text(b, e->source_event_id);
    put_time(b, e->at);
    put_time(b, e->recorded_at);
    put_bytes(b, flags, sizeof(flags));
    put_mac(b, erasable_sha256);
}

void store_chain_head_canonical(struct buf *b, const struct store_chain_head *h) {
    store_chain_put_text(b, "parley/head/1");
    store_chain_put_number(b, h->seq);
    store_chain_put_text(b, h->kind);
    store_chain_put_text(b, h->session_id);
    store_chain_put_number(b, h->rows);
    put_mac(b, h->last_mac);
    put_time(b, h->at);
    store_chain_put_text(b, h->what);
    store_chain_put_text(b, h->reason);
    store_chain_put_text(b, h->actor);
}

enum err store_chain_next(const struct store_audit_key *k, const uint8_t previous[SHA256_SIZE],
    const struct buf *row, uint8_t ret[SHA256_SIZE]) {
    TRY(buf_check(row));
    return hmac_sign(k->hmac, previous, SHA256_SIZE, row->data, row->len, ret);
}
