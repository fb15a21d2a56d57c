/* The audit rows a batch adds, and their details.  Thread: main. */
#include "calls/session.h"
#include "core/clock.h"

/* A deadline that runs this long after its time was missed while nobody was there to run it: the
 * timer looks every 15 s. */
#define DEADLINE_LATE_MS (30 * SEC_MS)

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "no memory for an audit row");
}

static struct store_event *make_event(
    struct call_batch *b, const char *type, const struct call_input *in) {
    struct store_event *e = arena_alloc(b->arena, sizeof(*e));
    if (e == NULL) {
        return NULL;
    }
    *e = (struct store_event){
        .type = type,
        .room_id = in->room_id,
        .user_id = in->sender,
        .subject = "",
        .source_event_id = in->event_id,
        .at = in->sent_ms,
        .recorded_at = b->now_ms,
        .ignored = in->ignored,
        .late = in->type == IN_DEADLINE && b->now_ms - in->sent_ms > DEADLINE_LATE_MS,
    };
    return e;
}

enum err call_session_record(struct call_batch *b, struct call_session *s, const char *type,
    const struct call_input *in, struct store_event **ret) {
    s->events =
        call_batch_grow(b, s->events, s->n_events, &s->cap_events, sizeof(struct store_event *));
    struct store_event *e = s->events == NULL ? NULL : make_event(b, type, in);
    if (e == NULL) {
        return no_memory();
    }
    e->room_id = s->row.room_id;
    e->call_id = s->row.call_id;
    e->partial = s->row.partial;
    s->events[s->n_events++] = e;
    if (ret != NULL) {
        *ret = e;
    }
    return OK;
}

enum err call_batch_record_stray(
    struct call_batch *b, const char *type, const struct call_input *in, struct store_event **ret) {
    b->strays =
        call_batch_grow(b, b->strays, b->n_strays, &b->cap_strays, sizeof(struct store_event *));
    struct store_event *e = b->strays == NULL ? NULL : make_event(b, type, in);
    if (e == NULL) {
        return no_memory();
    }
    b->strays[b->n_strays++] = e;
    if (ret != NULL) {
        *ret = e;
    }
    return OK;
}

static struct store_detail *add_detail(
    struct call_batch *b, struct store_event *e, const char *key, enum store_detail_type type) {
    struct store_detail *d = arena_alloc(b->arena, sizeof(*d));
    if (d == NULL) {
        return NULL;
    }
    d->key = key;
    d->type = type;
    struct store_detail **end = &e->details;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = d;
    return d;
}

enum err call_event_text(
    struct call_batch *b, struct store_event *e, const char *key, const char *value) {
    if (value == NULL) {
        return OK;
    }
    struct store_detail *d = add_detail(b, e, key, STORE_DETAIL_TEXT);
    if (d == NULL) {
        return no_memory();
    }
    d->text = value;
    return OK;
}

enum err call_event_int(
    struct call_batch *b, struct store_event *e, const char *key, int64_t value) {
    struct store_detail *d = add_detail(b, e, key, STORE_DETAIL_INT);
    if (d == NULL) {
        return no_memory();
    }
    d->number = value;
    return OK;
}

enum err call_event_bool(struct call_batch *b, struct store_event *e, const char *key, bool value) {
    struct store_detail *d = add_detail(b, e, key, STORE_DETAIL_BOOL);
    if (d == NULL) {
        return no_memory();
    }
    d->number = value;
    return OK;
}
