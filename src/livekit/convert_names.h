/* How fields lie in memory and are named in JSON: for both directions of livekit/convert. */
#ifndef LIVEKIT_CONVERT_NAMES_H
#define LIVEKIT_CONVERT_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct ProtobufCFieldDescriptor;

#define LK_CONVERT_NAME_SIZE 64 /* our longest field name has 30 characters */

/** "joined_at_ms" -> "joinedAtMs". A name that is longer than fits is cut. */
void lk_convert_camel(const char *name, char ret[LK_CONVERT_NAME_SIZE]);
/** Bytes of one value. */
size_t lk_convert_size(const struct ProtobufCFieldDescriptor *f);
/** Maps (ours: of strings) are repeated messages of a generated type with a key and a value. */
bool lk_convert_is_map(const struct ProtobufCFieldDescriptor *f);

#endif
