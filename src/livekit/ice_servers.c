/* One row for the STUN servers, one with user name and password for the others. */
#include "livekit/ice_servers.h"

#include "core/clock.h"
#include "core/crypto.h"

#include <inttypes.h>
#include <string.h>

#define ROWS_MAX 2

static bool is_stun(const char *url) {
    return strncmp(url, "stun:", 5) == 0;
}

/* The addresses of one of the two kinds. NULL: there are none, or memory is gone. */
static Lk__ICEServer *add_row(
    const struct lk_ice *ice, bool stun, struct arena *a, Lk__ICEServer **rows, size_t *n) {
    Lk__ICEServer *row = arena_alloc(a, sizeof(*row));
    if (row == NULL) {
        return NULL;
    }
    *row = (Lk__ICEServer)LK__ICESERVER__INIT;
    row->urls = arena_array(a, ice->n_urls + 1, sizeof(*row->urls));
    for (size_t i = 0; i < ice->n_urls && row->urls != NULL; i++) {
        if (is_stun(ice->urls[i]) == stun) {
            row->urls[row->n_urls++] = (char *)ice->urls[i];
        }
    }
    if (row->n_urls == 0) {
        return NULL;
    }
    rows[(*n)++] = row;
    return row;
}

static void sign(Lk__ICEServer *row, const struct lk_ice *ice, const char *sid, int64_t now_ms,
    struct arena *a) {
    enum { TEXT_SIZE = CRYPTO_BASE64_SIZE(SHA1_SIZE) };
    uint8_t mac[SHA1_SIZE];
    char text[TEXT_SIZE];
    row->username =
        arena_printf(a, "%" PRId64 ":%s", (now_ms + ice->lifetime_us / 1000) / SEC_MS, sid);
    if (row->username == NULL ||
        crypto_hmac_sha1(ice->secret, row->username, strlen(row->username), mac) != OK) {
        a->failed = true;
        return;
    }
    crypto_base64(mac, sizeof(mac), text);
    row->credential = arena_printf(a, "%s=", text); /* 20 bytes: one character of padding */
}

Lk__ICEServer **lk_ice_servers(
    const struct lk_ice *ice, const char *sid, int64_t now_ms, struct arena *a, size_t *ret_n) {
    Lk__ICEServer **rows = arena_array(a, ROWS_MAX, sizeof(*rows));
    *ret_n = 0;
    if (rows == NULL) {
        return NULL;
    }
    (void)add_row(ice, true, a, rows, ret_n);
    Lk__ICEServer *turn = add_row(ice, false, a, rows, ret_n);
    if (turn != NULL) {
        sign(turn, ice, sid, now_ms, a);
    }
    return a->failed ? NULL : rows;
}
