/* Writing news: their JSON, and a row for each receiver.  Thread: main. */
#include "store/news.h"

#include "core/clock.h"
#include "core/mem.h"
#include "store/connection.h"
#include "store/work.h"

#include <string.h>

#define RECEIVER_BYTES ((STORE_RECEIVER_SIZE - 1) / 2)

void store_news_receiver(const char *url, char ret[STORE_RECEIVER_SIZE]) {
    uint8_t hash[SHA256_SIZE];
    crypto_sha256(url, strlen(url), hash);
    crypto_hex(hash, RECEIVER_BYTES, ret);
}

/* --- the JSON --- */

static void put_text(struct buf *b, const char *key, const char *value) {
    buf_json_key(b, key);
    buf_json_str(b, value);
}

static void put_time(struct buf *b, const char *key, int64_t at) {
    char text[CLOCK_TEXT_SIZE];
    clock_format(store_time_clamp(at), text);
    put_text(b, key, at == 0 ? NULL : text);
}

static void put_call(struct buf *b, const struct store_news *n) {
    const struct store_call *c = n->call;
    buf_puts(b, "{");
    put_text(b, "id", c->id);
    put_text(b, "kind", c->kind);
    put_text(b, "room_id", c->room_id);
    put_text(b, "call_id", c->call_id);
    put_text(b, "status", c->status);
    put_text(b, "media", c->media);
    put_text(b, "direction", n->direction);
    buf_json_bool_field(b, "group", c->is_group);
    put_text(b, "caller", c->caller_user);
    put_text(b, "callee", c->callee_user);
    put_time(b, "created_at", c->created_at);
    put_time(b, "ringing_at", c->ringing_at);
    put_time(b, "answered_at", c->answered_at);
    put_time(b, "ended_at", c->ended_at);
    if (c->duration_ms >= 0) {
        buf_json_int_field(b, "duration_ms", c->duration_ms);
    } else {
        put_text(b, "duration_ms", NULL);
    }
    put_text(b, "end_reason", c->end_reason);
    put_text(b, "ended_by", c->ended_by);
    buf_puts(b, "}");
}

static void put_people(struct buf *b, const struct store_news *n) {
    buf_puts(b, "[");
    for (size_t i = 0; i < n->n_people; i++) {
        const struct store_news_person *p = &n->people[i];
        buf_puts(b, i == 0 ? "{" : ",{");
        put_text(b, "user_id", p->user_id);
        put_text(b, "role", p->role);
        put_time(b, "joined_at", p->joined_at);
        put_time(b, "left_at", p->left_at);
        buf_puts(b, "}");
    }
    buf_puts(b, "]");
}

void store_news_write(struct buf *b, const char *id, const struct store_news *n) {
    buf_puts(b, "{");
    buf_json_int_field(b, "version", STORE_NEWS_VERSION);
    put_text(b, "id", id);
    put_text(b, "type", n->type);
    put_time(b, "at", n->at);
    buf_json_key(b, "call");
    put_call(b, n);
    buf_json_key(b, "participants");
    put_people(b, n);
    buf_json_int_field(b, "participants_more", (int64_t)n->n_more);
    buf_puts(b, "}");
}

/* --- the rows --- */

static size_t count_rows(const struct store_changes *ch) {
    size_t n = 0;
    for (size_t i = 0; i < ch->n_news; i++) {
        n += (ch->news[i].hooks ? ch->n_receivers : 0) + (ch->news[i].room ? 1 : 0);
    }
    return n;
}

static enum err first_row(
    struct store_work *w, const struct store_news *n, struct store_news_row *ret) {
    CLEANUP(buf_finish) struct buf body;
    buf_init(&body, 0);
    *ret = (struct store_news_row){ .session_id = n->call->id,
        .room_id = n->call->room_id,
        .type = n->type,
        .at = w->changes->now_ms,
        .due_at = w->changes->now_ms };
    crypto_uuid(w->changes->now_ms, ret->id);
    store_news_write(&body, ret->id, n);
    TRY(buf_check(&body));
    ret->body = arena_strdup(w->arena, buf_str(&body));
    return ret->body == NULL ? err_set(ERR_NOMEM, "out of memory") : OK;
}

static enum err fill(
    struct store_work *w, const struct store_news *n, struct store_news_row *rows, size_t *at) {
    struct store_news_row row;
    TRY(first_row(w, n, &row));
    for (size_t i = 0; n->hooks && i < w->changes->n_receivers; i++) {
        row.receiver = w->changes->receivers[i];
        rows[(*at)++] = row;
    }
    if (n->room) {
        row.receiver = STORE_NEWS_ROOM;
        rows[(*at)++] = row;
    }
    return OK;
}

enum err store_news_rows_save(struct store_work *w) {
    const struct store_changes *ch = w->changes;
    size_t n = count_rows(ch);
    if (n == 0) {
        return OK;
    }
    struct store_news_row *rows = arena_array(w->arena, n, sizeof(*rows));
    const void **list = arena_array(w->arena, n, sizeof(*list));
    if (w->arena->failed) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    size_t at = 0;
    for (size_t i = 0; i < ch->n_news; i++) {
        TRY(fill(w, &ch->news[i], rows, &at));
    }
    for (size_t i = 0; i < n; i++) {
        list[i] = &rows[i];
    }
    store_args_clear(&w->c->args);
    store_args_columns(&w->c->args, store_news_columns, STORE_NEWS_COLUMNS, list, n);
    store_query_put(w->c, STORE_SAVE_NEWS, &w->c->args);
    return OK;
}
