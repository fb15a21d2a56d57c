/* /.well-known/matrix/server.  Thread: any; pure. */
#include "matrix/well_known.h"

#include "core/clock.h"
#include "http/client.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define LIFETIME_MS     DAY_MS /* specification: where the headers say nothing */
#define LIFETIME_MIN_MS (5 * MIN_MS)
#define LIFETIME_MAX_MS (2 * DAY_MS) /* specification: at most 48 hours */
#define ABSENT_MS       HOUR_MS      /* specification: errors at most an hour */
#define DOWN_MS         (2 * MIN_MS)

enum err mx_well_known_read(const char *body, size_t len, struct mx_server_name *ret) {
    json_t *json = json_loadb(body, len, 0, NULL);
    json_t *server = json_object_get(json, "m.server");
    enum err e =
        json_is_string(server)
            ? mx_server_name_read(json_string_value(server), json_string_length(server), ret)
            : err_set(ERR_INVALID, "the well-known answer has no m.server");
    json_decref(json);
    return e;
}

static int64_t clamp(int64_t ms) {
    return ms < LIFETIME_MIN_MS ? LIFETIME_MIN_MS : ms > LIFETIME_MAX_MS ? LIFETIME_MAX_MS : ms;
}

/* Seconds as digits; more than anybody waits where they are more than that. */
static bool read_seconds(const char *s, int64_t *ret_ms) {
    int64_t value = 0;
    if (*s < '0' || *s > '9') {
        return false;
    }
    for (; *s >= '0' && *s <= '9'; s++) {
        value = value < LIFETIME_MAX_MS ? value * 10 + (*s - '0') : LIFETIME_MAX_MS;
    }
    *ret_ms = value < LIFETIME_MAX_MS ? value * SEC_MS : LIFETIME_MAX_MS;
    return true;
}

/* Is the word at `s`, of `n` bytes, this one? */
static bool is_word(const char *s, size_t n, const char *word) {
    return n == strlen(word) && strncasecmp(s, word, n) == 0;
}

/* Walks "public, max-age=60"; false when it says nothing about time. */
static bool read_cache_control(const char *s, int64_t *ret_ms) {
    bool found = false;
    while (*s != '\0') {
        s += strspn(s, " \t,");
        size_t n = strcspn(s, ",= \t");
        if (is_word(s, n, "no-store") || is_word(s, n, "no-cache")) {
            *ret_ms = 0;
            return true;
        }
        if (is_word(s, n, "max-age") && s[n] == '=') {
            const char *value = s + n + 1 + (s[n + 1] == '"');
            found = read_seconds(value, ret_ms) || found;
        }
        s += strcspn(s, ",");
    }
    return found;
}

int64_t mx_well_known_lifetime_ms(const struct http_client_answer *a, int64_t now_ms) {
    int64_t ms = 0;
    if (read_cache_control(a->cache_control, &ms)) {
        return clamp(ms);
    }
    if (a->expires_ms != 0) {
        return clamp(a->expires_ms - (a->date_ms != 0 ? a->date_ms : now_ms));
    }
    return LIFETIME_MS;
}

int64_t mx_well_known_failure_ms(const struct http_client_answer *a) {
    bool said = a->err == OK && a->status < 500 && a->status != 429;
    return said ? ABSENT_MS : DOWN_MS;
}
