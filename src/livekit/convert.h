/*
 * LiveKit's messages: protobuf on the signalling WebSocket, JSON in administration, webhooks and
 * tokens. What they are made of stands in livekit/proto; the structs are generated from there
 * ("livekit/proto/signal.pb-c.h" …, prefix Lk__).
 *
 * What is read lies in the caller's arena and is never freed on its own. Fields that are not in our
 * .proto files are kept by the binary form, and written again; the JSON form passes them over.
 * protobuf-c's traps, so that nobody meets them twice: it has no JSON, no bound on memory, and
 * takes strings that are no UTF-8; a map is an array of entries; a string is "" when it is absent.
 * Thread: any.
 *
 * See: decision 9; livekit-protocol 2.4, 7.1, 7.2.
 */
#ifndef LIVEKIT_CONVERT_H
#define LIVEKIT_CONVERT_H

#include "core/err.h"
#include "core/mem.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct ProtobufCEnumDescriptor;
struct ProtobufCMessage;
struct ProtobufCMessageDescriptor;
struct Lk__SignalRequest;
struct Lk__SignalResponse;

#define LK_CONVERT_MAX_BYTES (2 * MIB) /* of one message; livekit-protocol 2.4 */
#define LK_CONVERT_MAX_MEMORY                                                                      \
    (16 * MIB) /* of one message that is read: two bytes can say an empty                          \
                  participant, which takes 300 */

/**
 * Reads the binary form of a message of this type. Gives *ret in `a`.
 * Errors: ERR_TOO_LARGE over one of the limits; ERR_INVALID when it is no such message, or has a
 * string that is not UTF-8 (others' clients would fail on it); ERR_NOMEM.
 */
MUST_CHECK enum err lk_convert_read(const struct ProtobufCMessageDescriptor *type,
    const uint8_t *data, size_t len, struct arena *a, struct ProtobufCMessage **ret);
/** Appends the binary form. ERR_NOMEM, ERR_TOO_LARGE. */
MUST_CHECK enum err lk_convert_write(const struct ProtobufCMessage *m, struct buf *out);

/** The same for what comes and goes over the WebSocket. */
MUST_CHECK enum err lk_convert_read_request(
    const uint8_t *data, size_t len, struct arena *a, struct Lk__SignalRequest **ret);
MUST_CHECK enum err lk_convert_write_response(const struct Lk__SignalResponse *m, struct buf *out);

enum lk_convert_style {
    LK_CONVERT_TWIRP, /* answers: snake_case, defaults are written */
    LK_CONVERT_PLAIN, /* webhooks, tokens: camelCase, defaults are not */
};
/** Appends the JSON form (protobuf's own: 64-bit numbers are strings, bytes are base64, enums are
 * names). Whether it fitted, buf_check says. */
void lk_convert_write_json(
    const struct ProtobufCMessage *m, enum lk_convert_style style, struct buf *out);
/** The name of an enum's value; NULL = it has none. */
const char *lk_convert_enum_name(const struct ProtobufCEnumDescriptor *type, int value);
/**
 * Reads a JSON object; both spellings of names are taken, and names of enums that are not known
 * mean the default. Gives *ret in `a`, with copies of all texts.
 * Errors: ERR_INVALID with the field's name; ERR_TOO_LARGE over LK_CONVERT_MAX_MEMORY; ERR_NOMEM.
 */
MUST_CHECK enum err lk_convert_read_json(const struct ProtobufCMessageDescriptor *type,
    const json_t *json, struct arena *a, struct ProtobufCMessage **ret);

#endif
