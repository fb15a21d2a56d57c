/*
 * The grammar of Matrix identifiers.  Thread: any; pure.
 */
#include "matrix/ids.h"

#include "core/utf8.h"

#include <stddef.h>
#include <string.h>

#define SERVER_MAX_BYTES 230 /* specification: leaves room for a localpart in 255 bytes */

/* UTF-8 without the control characters of ASCII: they have no business in a log line or a header.
 */
static bool text_plain(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f) {
            return false;
        }
    }
    return utf8_valid(s, n);
}

bool mx_server_name_valid(const char *server_name) {
    size_t n = strlen(server_name);
    return n > 0 && n <= SERVER_MAX_BYTES &&
           strspn(server_name,
               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]") == n;
}

bool mx_user_is_local(const char *user_id, const char *server_name) {
    const char *colon = strchr(user_id, ':');
    return user_id[0] == '@' && colon != NULL && strcmp(colon + 1, server_name) == 0;
}

bool mx_user_id_valid(const char *user_id) {
    size_t n = strlen(user_id);
    const char *colon = strchr(user_id, ':');
    return user_id[0] == '@' && colon != NULL && n <= MX_ID_MAX_BYTES && text_plain(user_id, n) &&
           mx_server_name_valid(colon + 1);
}

bool mx_room_id_valid(const char *room_id) {
    size_t n = strlen(room_id);
    if (room_id[0] != '!' || n < 2 || n > MX_ID_MAX_BYTES) {
        return false;
    }
    const char *colon = strchr(room_id, ':');
    if (colon != NULL) {
        return text_plain(room_id, n) && mx_server_name_valid(colon + 1);
    }
    /* Room version 12: the hash of the create event, in URL-safe base64. */
    return strspn(room_id + 1,
               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == n - 1;
}
