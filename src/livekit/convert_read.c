/*
 * The JSON form read: one walk over protobuf-c's descriptors, whatever the message. What a version
 * of LiveKit newer than ours says beyond them is passed over.
 */
#include "livekit/convert.h"

#include "livekit/convert_names.h"

#include "core/crypto.h"

#include <errno.h>
#include <inttypes.h>
#include <protobuf-c/protobuf-c.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct arena *arena;
    size_t most; /* arena->used may reach this */
};

static enum err read_message(const struct reading *r, const ProtobufCMessageDescriptor *type,
    const json_t *json, ProtobufCMessage **ret);

static enum err wrong(const ProtobufCFieldDescriptor *f) {
    return err_set(ERR_INVALID, "%s: of another type, or out of range", f->name);
}

static enum err room(const struct reading *r, size_t n, void **ret) {
    if (n > r->most || r->arena->used > r->most - n) {
        return err_set(ERR_TOO_LARGE, "JSON that takes much memory");
    }
    *ret = arena_alloc(r->arena, n);
    return *ret == NULL ? err_set(ERR_NOMEM, "no memory for a message") : OK;
}

/* --- values --- */

/* Numbers may be written as strings, and 64-bit ones are. Fractions that are whole numbers (1.0)
 * are taken for such. */
static bool read_int(const json_t *json, int64_t *ret) {
    const char *text = json_string_value(json);
    if (json_is_integer(json)) {
        *ret = json_integer_value(json);
        return true;
    }
    if (json_is_real(json)) {
        const double value = json_real_value(json);
        if (!(value >= -9007199254740992.0 && value <= 9007199254740992.0)) {
            return false;
        }
        *ret = (int64_t)value;
        return (double)*ret == value;
    }
    if (text == NULL || (*text != '-' && (*text < '0' || *text > '9'))) {
        return false;
    }
    char *end = NULL;
    errno = 0;
    *ret = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' && end != text;
}

static bool read_uint64(const json_t *json, uint64_t *ret) {
    const char *text = json_string_value(json);
    int64_t value = 0;
    if (text != NULL && *text >= '0' && *text <= '9') {
        char *end = NULL;
        errno = 0;
        *ret = strtoull(text, &end, 10);
        return errno == 0 && *end == '\0';
    }
    if (!read_int(json, &value) || value < 0) {
        return false;
    }
    *ret = (uint64_t)value;
    return true;
}

static bool read_double(const json_t *json, double *ret) {
    const char *text = json_string_value(json);
    char *end = NULL;
    if (json_is_number(json)) {
        *ret = json_number_value(json);
        return true;
    }
    if (text == NULL || *text == '\0') {
        return false;
    }
    *ret = strtod(text, &end);
    return *end == '\0';
}

static enum err read_string(
    const struct reading *r, const ProtobufCFieldDescriptor *f, const json_t *json, char **ret) {
    void *copy = NULL;
    const size_t n = json_string_length(json);
    if (!json_is_string(json) || memchr(json_string_value(json), '\0', n) != NULL) {
        return wrong(f);
    }
    TRY(room(r, n + 1, &copy));
    memcpy(copy, json_string_value(json), n + 1);
    *ret = copy;
    return OK;
}

/* Base64 of either alphabet, padded or not. */
static enum err read_bytes(const struct reading *r, const ProtobufCFieldDescriptor *f,
    const json_t *json, ProtobufCBinaryData *ret) {
    char *text = NULL;
    void *bytes = NULL;
    TRY(read_string(r, f, json, &text));
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == '=') {
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    }
    TRY(room(r, n + 1, &bytes));
    if (!crypto_unbase64url(text, n, bytes, &ret->len)) {
        return wrong(f);
    }
    ret->data = bytes;
    return OK;
}

/* A name that we do not know is of a newer version: the default stays. */
static enum err read_enum(const ProtobufCFieldDescriptor *f, const json_t *json, int *ret) {
    int64_t value = 0;
    if (json_is_string(json)) {
        const ProtobufCEnumValue *named =
            protobuf_c_enum_descriptor_get_value_by_name(f->descriptor, json_string_value(json));
        *ret = named != NULL ? named->value : *ret;
        return OK;
    }
    if (!read_int(json, &value) || value < INT32_MIN || value > INT32_MAX) {
        return wrong(f);
    }
    *ret = (int)value;
    return OK;
}

static enum err read_number(const ProtobufCFieldDescriptor *f, const json_t *json, void *at) {
    int64_t value = 0;
    double real = 0;
    switch (f->type) {
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        if (!read_double(json, &real)) {
            return wrong(f);
        }
        if (f->type == PROTOBUF_C_TYPE_FLOAT) {
            *(float *)at = (float)real;
        } else {
            *(double *)at = real;
        }
        return OK;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return read_uint64(json, at) ? OK : wrong(f);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return read_int(json, at) ? OK : wrong(f);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        if (!read_int(json, &value) || value < 0 || value > UINT32_MAX) {
            return wrong(f);
        }
        *(uint32_t *)at = (uint32_t)value;
        return OK;
    default:
        if (!read_int(json, &value) || value < INT32_MIN || value > INT32_MAX) {
            return wrong(f);
        }
        *(int32_t *)at = (int32_t)value;
        return OK;
    }
}

static enum err read_value(
    const struct reading *r, const ProtobufCFieldDescriptor *f, const json_t *json, void *at) {
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
        return read_string(r, f, json, at);
    case PROTOBUF_C_TYPE_BYTES:
        return read_bytes(r, f, json, at);
    case PROTOBUF_C_TYPE_MESSAGE:
        return json_is_object(json) ? read_message(r, f->descriptor, json, at) : wrong(f);
    case PROTOBUF_C_TYPE_ENUM:
        return read_enum(f, json, at);
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)at = json_is_true(json);
        return json_is_boolean(json) ? OK : wrong(f);
    default:
        return read_number(f, json, at);
    }
}

/* --- fields --- */

static enum err read_entry(const struct reading *r, const ProtobufCFieldDescriptor *f,
    const char *key, const json_t *value, ProtobufCMessage **ret) {
    const ProtobufCMessageDescriptor *type = f->descriptor;
    void *entry = NULL;
    void *copy = NULL;
    const size_t n = strlen(key) + 1;
    TRY(room(r, type->sizeof_message, &entry));
    TRY(room(r, n, &copy));
    type->message_init(entry);
    memcpy(copy, key, n);
    *(void **)((char *)entry + type->fields[0].offset) = copy;
    TRY(read_value(r, &type->fields[1], value, (char *)entry + type->fields[1].offset));
    *ret = entry;
    return OK;
}

static enum err read_map(const struct reading *r, const ProtobufCFieldDescriptor *f,
    const json_t *json, ProtobufCMessage *m) {
    void *items = NULL;
    const char *key = NULL;
    json_t *value = NULL;
    size_t *n = (size_t *)((char *)m + f->quantifier_offset);
    if (!json_is_object(json)) {
        return wrong(f);
    }
    TRY(room(r, (json_object_size(json) + 1) * sizeof(void *), &items));
    *(void **)((char *)m + f->offset) = items;
    json_object_foreach((json_t *)json, key, value) {
        TRY(read_entry(r, f, key, value, &((ProtobufCMessage **)items)[*n]));
        ++*n;
    }
    return OK;
}

static enum err read_array(const struct reading *r, const ProtobufCFieldDescriptor *f,
    const json_t *json, ProtobufCMessage *m) {
    void *items = NULL;
    size_t *n = (size_t *)((char *)m + f->quantifier_offset);
    if (!json_is_array(json)) {
        return wrong(f);
    }
    TRY(room(r, (json_array_size(json) + 1) * lk_convert_size(f), &items));
    *(void **)((char *)m + f->offset) = items;
    while (*n < json_array_size(json)) {
        TRY(read_value(r, f, json_array_get(json, *n), (char *)items + *n * lk_convert_size(f)));
        ++*n;
    }
    return OK;
}

static enum err read_field(const struct reading *r, const ProtobufCFieldDescriptor *f,
    const json_t *json, ProtobufCMessage *m) {
    if (json_is_null(json)) {
        return OK;
    }
    if (lk_convert_is_map(f)) {
        return read_map(r, f, json, m);
    }
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        return read_array(r, f, json, m);
    }
    if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        uint32_t *which = (uint32_t *)((char *)m + f->quantifier_offset);
        if (*which != 0) {
            return err_set(ERR_INVALID, "%s: only one of its kind may be said", f->name);
        }
        *which = f->id;
    }
    return read_value(r, f, json, (char *)m + f->offset);
}

static const json_t *find(const json_t *json, const ProtobufCFieldDescriptor *f) {
    char camel[LK_CONVERT_NAME_SIZE];
    lk_convert_camel(f->name, camel);
    const json_t *value = json_object_get(json, camel);
    return value != NULL ? value : json_object_get(json, f->name);
}

static enum err read_message(const struct reading *r, const ProtobufCMessageDescriptor *type,
    const json_t *json, ProtobufCMessage **ret) {
    void *m = NULL;
    TRY(room(r, type->sizeof_message, &m));
    type->message_init(m);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const json_t *value = find(json, &type->fields[i]);
        if (value != NULL) {
            TRY(read_field(r, &type->fields[i], value, m));
        }
    }
    *ret = m;
    return OK;
}

enum err lk_convert_read_json(const ProtobufCMessageDescriptor *type, const json_t *json,
    struct arena *a, ProtobufCMessage **ret) {
    const struct reading r = { .arena = a, .most = a->used + LK_CONVERT_MAX_MEMORY };
    if (!json_is_object(json)) {
        return err_set(ERR_INVALID, "%s is no JSON object", type->name);
    }
    return read_message(&r, type, json, ret);
}
