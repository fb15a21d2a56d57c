/* The texts of a note by table, for copying, writing and reading. */
#include "livekit/note.h"

#include "calls/token.h"
#include "core/buf.h"

#include <jansson.h>
#include <stdint.h>
#include <string.h>

static const struct {
    const char *key;
    size_t offset;
} texts[] = {
    { "id", offsetof(struct call_input, event_id) },
    { "room", offsetof(struct call_input, room_id) },
    { "user", offsetof(struct call_input, sender) },
    { "slot", offsetof(struct call_input, token.slot) },
    { "device", offsetof(struct call_input, token.device_id) },
    { "member", offsetof(struct call_input, token.member_id) },
    { "claimed_user", offsetof(struct call_input, token.claimed_user) },
    { "dialect", offsetof(struct call_input, token.dialect) },
    { "server", offsetof(struct call_input, token.server) },
    { "alias", offsetof(struct call_input, token.alias) },
    { "identity", offsetof(struct call_input, token.identity) },
    { "membership", offsetof(struct call_input, token.membership) },
    { "reason", offsetof(struct call_input, token.reason) },
    { "problem", offsetof(struct call_input, token.problem) },
    { "connection", offsetof(struct call_input, token.connection) },
    { "node", offsetof(struct call_input, token.node) },
    { "run", offsetof(struct call_input, token.run) },
    { "actor", offsetof(struct call_input, token.actor) },
    { "track", offsetof(struct call_input, token.track) },
    { "media", offsetof(struct call_input, token.media) },
    { "source", offsetof(struct call_input, token.source) },
    { "codec", offsetof(struct call_input, token.codec) },
    { "direction", offsetof(struct call_input, token.direction) },
    { "path", offsetof(struct call_input, token.path) },
};

static const struct {
    const char *key;
    size_t offset;
} numbers[] = {
    { "count", offsetof(struct call_input, token.count) },
    { "span_ms", offsetof(struct call_input, token.figures.span_ms) },
    { "expected", offsetof(struct call_input, token.figures.expected) },
    { "lost", offsetof(struct call_input, token.figures.lost) },
    { "bps", offsetof(struct call_input, token.figures.bps) },
    { "jitter_ms", offsetof(struct call_input, token.figures.jitter_ms) },
    { "rtt_ms", offsetof(struct call_input, token.figures.rtt_ms) },
    { "mos", offsetof(struct call_input, token.figures.mos) },
    { "worst_mos", offsetof(struct call_input, token.figures.worst_mos) },
    { "layer", offsetof(struct call_input, token.figures.layer) },
    { "freezes", offsetof(struct call_input, token.figures.freezes) },
    { "freeze_ms", offsetof(struct call_input, token.figures.freeze_ms) },
    { "spoken_ms", offsetof(struct call_input, token.figures.spoken_ms) },
    { "loudest_dbov", offsetof(struct call_input, token.figures.loudest_dbov) },
    { "came_ms", offsetof(struct call_input, token.figures.came_ms) },
    { "layer_mean", offsetof(struct call_input, token.figures.layer_mean) },
    { "layer_least", offsetof(struct call_input, token.figures.layer_least) },
    { "layer_most", offsetof(struct call_input, token.figures.layer_most) },
    { "paused_ms", offsetof(struct call_input, token.figures.paused_ms) },
};

static const char **text_at(struct call_input *in, size_t i) {
    return (const char **)((char *)in + texts[i].offset);
}

static const char *text_of(const struct call_input *in, size_t i) {
    return *(const char *const *)((const char *)in + texts[i].offset);
}

static int64_t *number_at(struct call_input *in, size_t i) {
    return (int64_t *)(void *)((char *)in + numbers[i].offset);
}

static int64_t number_of(const struct call_input *in, size_t i) {
    return *(const int64_t *)(const void *)((const char *)in + numbers[i].offset);
}

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "no memory for an audit row");
}

/* --- life --- */

static void own_texts(struct arena *a, struct call_input *in) {
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *text_at(in, i) = arena_strdup(a, text_of(in, i));
    }
}

enum err lk_note_create(const struct call_input *in, struct lk_note **ret) {
    struct lk_note *n = mem_zalloc(sizeof(*n));
    if (n == NULL) {
        return no_memory();
    }
    arena_init(&n->arena);
    n->input = *in;
    own_texts(&n->arena, &n->input);
    if (n->arena.failed) {
        lk_note_destroy(n);
        return no_memory();
    }
    *ret = n;
    return OK;
}

void lk_note_destroy(struct lk_note *n) {
    if (n != NULL) {
        arena_finish(&n->arena);
        mem_free(n);
    }
}

enum err lk_note_copy(struct arena *a, const struct call_input *in, struct call_input **ret) {
    struct call_input *copy = arena_alloc(a, sizeof(*copy));
    if (copy == NULL) {
        return no_memory();
    }
    *copy = *in;
    own_texts(a, copy);
    *ret = copy;
    return a->failed ? no_memory() : OK;
}

bool lk_note_unnamed(const struct lk_note *n) {
    const struct call_input *in = &n->input;
    return in->type >= IN_MEDIA_CONNECTED && in->room_id == NULL && in->token.alias != NULL &&
           in->token.identity != NULL;
}

/* --- as JSON --- */

void lk_note_write(const struct lk_note *n, struct buf *out) {
    const struct call_input *in = &n->input;
    buf_putc(out, '{');
    buf_json_field(out, "type", call_input_name(in->type));
    buf_json_int_field(out, "at", in->origin_ms);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        buf_json_field(out, texts[i].key, text_of(in, i));
    }
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        if (number_of(in, i) != 0) {
            buf_json_int_field(out, numbers[i].key, number_of(in, i));
        }
    }
    if (in->token.full_access) {
        buf_json_bool_field(out, "full_access", true);
    }
    buf_putc(out, '}');
}

/* By name, since numbers change from version to version. */
static bool type_of(const char *name, enum call_input_type *ret) {
    for (int i = 0; i < IN_COUNT && name != NULL; i++) {
        const struct call_input in = { .type = (enum call_input_type)i };
        if (call_token_is(&in) && strcmp(call_input_name(in.type), name) == 0) {
            *ret = in.type;
            return true;
        }
    }
    return false;
}

static bool is_time(int64_t ms) {
    return ms >= 0 && ms <= INT64_C(1) << 50;
}

static enum err read_object(const json_t *json, struct lk_note **ret) {
    struct call_input in = { .token = { .count = 0 } };
    if (!type_of(json_string_value(json_object_get(json, "type")), &in.type)) {
        return err_set(ERR_INVALID, "no note of a kind that is known");
    }
    in.origin_ms = json_integer_value(json_object_get(json, "at"));
    in.sent_ms = in.received_ms = in.origin_ms;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        *number_at(&in, i) = json_integer_value(json_object_get(json, numbers[i].key));
    }
    in.token.full_access = json_is_true(json_object_get(json, "full_access"));
    if (!is_time(in.origin_ms) || !is_time(in.token.figures.span_ms) || in.token.count < 0) {
        return err_set(ERR_INVALID, "a note with numbers that make no sense");
    }
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *text_at(&in, i) = json_string_value(json_object_get(json, texts[i].key));
    }
    return lk_note_create(&in, ret);
}

enum err lk_note_read(const char *json, size_t n, struct lk_note **ret) {
    if (n > LK_NOTE_MAX_BYTES) {
        return err_set(ERR_INVALID, "a note of more than %d bytes", LK_NOTE_MAX_BYTES);
    }
    json_error_t why;
    json_t *object = json_loadb(json, n, JSON_REJECT_DUPLICATES, &why);
    if (object == NULL) {
        return err_set(ERR_INVALID, "a note that is no JSON: %s", why.text);
    }
    enum err e = read_object(object, ret);
    json_decref(object);
    return e;
}
