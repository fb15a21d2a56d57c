/*
 * The binary form. protobuf-c reads and writes it; its memory comes from an arena with a bound, so
 * that a small message cannot take much of it, and nothing has to be freed.  Thread: any.
 */
#include "livekit/convert.h"

#include "core/buf.h"
#include "core/utf8.h"
#include "livekit/proto/signal.pb-c.h"

#include <protobuf-c/protobuf-c.h>
#include <string.h>

/* --- memory --- */

struct bounded {
    struct arena *arena;
    size_t most; /* arena->used may reach this */
    bool over;
};

static void *bounded_alloc(void *data, size_t n) {
    struct bounded *b = data;
    if (n > b->most || b->arena->used > b->most - n) {
        b->over = true;
        return NULL;
    }
    return arena_alloc(b->arena, n);
}

static void bounded_free(void *data, void *p) {
    (void)data;
    (void)p;
}

/* --- strings --- */

static bool sound_message(const ProtobufCMessage *m);

static bool sound_value(const ProtobufCFieldDescriptor *f, const void *value) {
    if (f->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = *(const char *const *)value;
        return text == NULL || utf8_valid(text, strlen(text));
    }
    if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
        const ProtobufCMessage *m = *(const ProtobufCMessage *const *)value;
        return m == NULL || sound_message(m);
    }
    return true;
}

/* How deep messages lie in each other is bounded by their types, none of which has itself inside.
 */
static bool sound_message(const ProtobufCMessage *m) {
    for (unsigned i = 0; i < m->n_unknown_fields; i++) {
        if (m->unknown_fields[i].tag == 0) {
            return false; /* no field has this number; written again it could not be read */
        }
    }
    const ProtobufCMessageDescriptor *type = m->descriptor;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &type->fields[i];
        const char *base = (const char *)m;
        const bool text = f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_MESSAGE;
        if (!text) {
            continue;
        }
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            const size_t n = *(const size_t *)(base + f->quantifier_offset);
            const void *const *items = *(const void *const *const *)(base + f->offset);
            for (size_t k = 0; k < n; k++) {
                if (!sound_value(f, &items[k])) {
                    return false;
                }
            }
        } else if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0 ||
                   *(const uint32_t *)(base + f->quantifier_offset) == f->id) {
            if (!sound_value(f, base + f->offset)) {
                return false;
            }
        }
    }
    return true;
}

/* --- the doors --- */

enum err lk_convert_read(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len,
    struct arena *a, ProtobufCMessage **ret) {
    struct bounded b = { .arena = a, .most = a->used + LK_CONVERT_MAX_MEMORY };
    ProtobufCAllocator from = {
        .alloc = bounded_alloc, .free = bounded_free, .allocator_data = &b
    };
    if (len > LK_CONVERT_MAX_BYTES) {
        return err_set(ERR_TOO_LARGE, "a message of %zu bytes", len);
    }
    ProtobufCMessage *m = protobuf_c_message_unpack(type, &from, len, data);
    if (m == NULL) {
        return a->failed ? err_set(ERR_NOMEM, "no memory for a message")
               : b.over  ? err_set(ERR_TOO_LARGE, "a message that takes much memory")
                         : err_set(ERR_INVALID, "no %s", type->name);
    }
    if (!sound_message(m)) {
        return err_set(
            ERR_INVALID, "%s with a string that is not UTF-8, or a field of number 0", type->name);
    }
    *ret = m;
    return OK;
}

enum err lk_convert_write(const ProtobufCMessage *m, struct buf *out) {
    const size_t n = protobuf_c_message_get_packed_size(m);
    uint8_t *bytes = buf_room(out, n);
    if (bytes != NULL) {
        out->len += protobuf_c_message_pack(m, bytes);
        out->data[out->len] = '\0';
    }
    return buf_check(out);
}

enum err lk_convert_read_request(
    const uint8_t *data, size_t len, struct arena *a, Lk__SignalRequest **ret) {
    ProtobufCMessage *m = NULL;
    TRY(lk_convert_read(&lk__signal_request__descriptor, data, len, a, &m));
    *ret = (Lk__SignalRequest *)m;
    return OK;
}

enum err lk_convert_write_response(const Lk__SignalResponse *m, struct buf *out) {
    return lk_convert_write(&m->base, out);
}
