/*
 * The grammar of Matrix identifiers. Pure, any thread.  See: Matrix specification v1.19,
 * appendices, "Identifier Grammar".
 */
#ifndef MATRIX_IDS_H
#define MATRIX_IDS_H

#include <stdbool.h>

#define MX_ID_MAX_BYTES 255 /* specification: user, room and event ids */

/** Is `user_id` of server `server_name`? */
bool mx_user_is_local(const char *user_id, const char *server_name);
/** @localpart:server, at most 255 bytes, UTF-8 without control characters. Historical localparts
 * pass, also the empty one. */
bool mx_user_id_valid(const char *user_id);
/** !opaque:server, or since room version 12 !hash, with no server part; the same limits. */
bool mx_room_id_valid(const char *room_id);
/** host[:port] as letters, digits, dots, dashes and, for IPv6, brackets and colons; at most 230
 * bytes. */
bool mx_server_name_valid(const char *server_name);

#endif
