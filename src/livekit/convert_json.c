/* The JSON form written: one walk over protobuf-c's descriptors, whatever the message. */
#include "livekit/convert.h"

#include "livekit/convert_names.h"

#include "core/buf.h"
#include "core/crypto.h"

#include <inttypes.h>
#include <math.h>
#include <protobuf-c/protobuf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writing {
    enum lk_convert_style style;
    struct buf *out;
};

static void write_message(const struct writing *w, const ProtobufCMessage *m);

/* --- values --- */

/* The fewest digits that give the same number again, as LiveKit's own server writes them. */
static void write_double(struct buf *out, double value, bool is_float) {
    char text[40];
    if (isnan(value) || isinf(value)) {
        buf_puts(out, isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (is_float ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value) {
            break;
        }
    }
    buf_puts(out, text);
    buf_puts(
        out, strcmp(text, "-0") == 0 ? ".0" : ""); /* as a whole number it would lose its sign */
}

static void write_bytes(struct buf *out, const ProtobufCBinaryData *bytes) {
    char *text = mem_alloc(CRYPTO_BASE64_SIZE(bytes->len));
    if (text == NULL) {
        out->bad = true;
        return;
    }
    crypto_base64(bytes->data, bytes->len, text);
    buf_printf(out, "\"%s%.*s\"", text, (int)((3 - bytes->len % 3) % 3), "==");
    mem_free(text);
}

const char *lk_convert_enum_name(const ProtobufCEnumDescriptor *type, int value) {
    const ProtobufCEnumValue *named = protobuf_c_enum_descriptor_get_value(type, value);
    return named == NULL ? NULL : named->name;
}

static void write_enum(struct buf *out, const ProtobufCEnumDescriptor *type, int value) {
    const char *name = lk_convert_enum_name(type, value);
    if (name == NULL) {
        buf_printf(out, "%d", value);
    } else {
        buf_json_str(out, name);
    }
}

/* One value of the field, wherever it lies. */
static void write_value(
    const struct writing *w, const ProtobufCFieldDescriptor *f, const void *at) {
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
        buf_json_str(w->out, *(const char *const *)at);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        write_message(w, *(const ProtobufCMessage *const *)at);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        write_bytes(w->out, at);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        buf_puts(w->out, *(const protobuf_c_boolean *)at ? "true" : "false");
        break;
    case PROTOBUF_C_TYPE_ENUM:
        write_enum(w->out, f->descriptor, *(const int *)at);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        write_double(w->out, (double)*(const float *)at, true);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        write_double(w->out, *(const double *)at, false);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        buf_printf(w->out, "\"%" PRId64 "\"", *(const int64_t *)at);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        buf_printf(w->out, "\"%" PRIu64 "\"", *(const uint64_t *)at);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        buf_printf(w->out, "%" PRIu32, *(const uint32_t *)at);
        break;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        buf_printf(w->out, "%" PRId32, *(const int32_t *)at);
        break;
    }
}

/* --- maps: from string to string, all of them --- */

static void write_entry(const struct writing *w, const ProtobufCMessage *entry) {
    const ProtobufCFieldDescriptor *fields = entry->descriptor->fields;
    const char *base = (const char *)entry;
    buf_json_field(w->out, *(const char *const *)(base + fields[0].offset),
        *(const char *const *)(base + fields[1].offset));
}

/* --- fields --- */

static void write_repeated(
    const struct writing *w, const ProtobufCFieldDescriptor *f, const void *items, size_t n) {
    const bool map = lk_convert_is_map(f);
    const size_t size = lk_convert_size(f);
    buf_putc(w->out, map ? '{' : '[');
    for (size_t i = 0; i < n; i++) {
        const void *at = (const char *)items + i * size;
        if (map) {
            write_entry(w, *(const ProtobufCMessage *const *)at);
        } else {
            buf_puts(w->out, i == 0 ? "" : ",");
            write_value(w, f, at);
        }
    }
    buf_putc(w->out, map ? '}' : ']');
}

/* Is the value of this field what it is when nobody said anything? */
static bool is_default(const ProtobufCFieldDescriptor *f, const void *at) {
    static const char zeros[sizeof(ProtobufCBinaryData)];
    if (f->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = *(const char *const *)at;
        return text == NULL || *text == '\0';
    }
    if (f->type == PROTOBUF_C_TYPE_BYTES) {
        return ((const ProtobufCBinaryData *)at)->len == 0;
    }
    return memcmp(at, zeros, lk_convert_size(f)) == 0;
}

static void write_key(const struct writing *w, const ProtobufCFieldDescriptor *f) {
    char camel[LK_CONVERT_NAME_SIZE];
    lk_convert_camel(f->name, camel);
    buf_json_key(w->out, w->style == LK_CONVERT_TWIRP ? f->name : camel);
}

static void write_field(
    const struct writing *w, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f) {
    const char *base = (const char *)m;
    const void *at = base + f->offset;
    const bool defaults = w->style == LK_CONVERT_TWIRP;
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        const size_t n = *(const size_t *)(base + f->quantifier_offset);
        if (n > 0 || defaults) {
            write_key(w, f);
            write_repeated(w, f, *(const void *const *)at, n);
        }
        return;
    }
    /* Of a oneof the member that is set is said, even if its value is the default. */
    const bool oneof = (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    const bool set = oneof && *(const uint32_t *)(base + f->quantifier_offset) == f->id;
    if (oneof ? !set : !defaults && is_default(f, at)) {
        return;
    }
    write_key(w, f);
    if (is_default(f, at) && f->type == PROTOBUF_C_TYPE_MESSAGE) {
        buf_puts(w->out, "null");
    } else if (is_default(f, at) && f->type == PROTOBUF_C_TYPE_STRING) {
        buf_puts(w->out, "\"\"");
    } else {
        write_value(w, f, at);
    }
}

static void write_message(const struct writing *w, const ProtobufCMessage *m) {
    buf_putc(w->out, '{');
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        write_field(w, m, &m->descriptor->fields[i]);
    }
    buf_putc(w->out, '}');
}

void lk_convert_write_json(
    const ProtobufCMessage *m, enum lk_convert_style style, struct buf *out) {
    const struct writing w = { .style = style, .out = out };
    write_message(&w, m);
}
