/* How fields lie in memory and are named in JSON. */
#include "livekit/convert_names.h"

#include <protobuf-c/protobuf-c.h>
#include <string.h>

void lk_convert_camel(const char *name, char ret[LK_CONVERT_NAME_SIZE]) {
    size_t n = 0;
    for (bool up = false; *name != '\0' && n + 1 < LK_CONVERT_NAME_SIZE; name++) {
        if (*name == '_') {
            up = true;
            continue;
        }
        ret[n++] = up && *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name;
        up = false;
    }
    ret[n] = '\0';
}

size_t lk_convert_size(const ProtobufCFieldDescriptor *f) {
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return sizeof(uint64_t);
    default:
        return sizeof(uint32_t);
    }
}

bool lk_convert_is_map(const ProtobufCFieldDescriptor *f) {
    if (f->label != PROTOBUF_C_LABEL_REPEATED || f->type != PROTOBUF_C_TYPE_MESSAGE) {
        return false;
    }
    const ProtobufCMessageDescriptor *type = f->descriptor;
    const size_t n = strlen(type->name);
    return type->n_fields == 2 && n > 5 && strcmp(type->name + n - 5, "Entry") == 0 &&
           strcmp(type->fields[0].name, "key") == 0 &&
           type->fields[0].type == PROTOBUF_C_TYPE_STRING &&
           strcmp(type->fields[1].name, "value") == 0 &&
           type->fields[1].type == PROTOBUF_C_TYPE_STRING;
}
