/*
 * The JSON of an answer.  Thread: any; pure.
 */
#include "matrix/body.h"

#include <stdbool.h>

/* Strings may hold NUL: a topic often enough does. */
static json_t *value_read(const char *bytes, size_t len) {
    return json_loadb(bytes, len, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
}

/* Where the value at `at` ends: the comma or bracket behind it, or `len` when the text ends first.
 * Counts brackets outside of strings and looks at nothing else. */
static size_t value_end(const char *s, size_t len, size_t at) {
    size_t depth = 0;
    bool quoted = false;
    for (; at < len; at++) {
        if (quoted) {
            if (s[at] == '\\') {
                at++;
            } else {
                quoted = s[at] != '"';
            }
        } else if (s[at] == '"') {
            quoted = true;
        } else if (s[at] == '[' || s[at] == '{') {
            depth++;
        } else if (depth == 0 && (s[at] == ',' || s[at] == ']')) {
            return at;
        } else if (s[at] == ']' || s[at] == '}') {
            depth -= depth > 0 ? 1 : 0;
        }
    }
    return len;
}

static size_t skip_space(const char *s, size_t len, size_t at) {
    while (at < len && (s[at] == ' ' || s[at] == '\t' || s[at] == '\r' || s[at] == '\n')) {
        at++;
    }
    return at;
}

/* Adds the values behind the opening bracket to `list`. False: the list has no end, or not the end
 * of the text. */
static bool list_read(const char *s, size_t len, size_t at, json_t *list, size_t *dropped) {
    for (;; at++) {
        size_t end = value_end(s, len, at);
        if (end == len) {
            return false;
        }
        json_t *value = value_read(s + at, end - at);
        if (value == NULL || json_array_append_new(list, value) != 0) {
            *dropped += 1;
        }
        at = end;
        if (s[at] == ']') {
            return skip_space(s, len, at + 1) == len;
        }
    }
}

json_t *mx_body_read(const char *bytes, size_t len, size_t *ret_dropped) {
    size_t dropped = 0;
    size_t at = skip_space(bytes, len, 0);
    json_t *whole = json_loadb(bytes, len, JSON_ALLOW_NUL, NULL);
    *ret_dropped = 0;
    if (whole != NULL || at == len || bytes[at] != '[') {
        return whole;
    }
    json_t *list = json_array();
    if (list == NULL || !list_read(bytes, len, at + 1, list, &dropped)) {
        json_decref(list);
        return NULL;
    }
    *ret_dropped = dropped;
    return list;
}
