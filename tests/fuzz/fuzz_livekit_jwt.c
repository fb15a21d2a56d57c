/* A token that is believed is one of ours: its signature is the HMAC of its text, and it is not
 * over. Every second input is signed first, so that claims are reached too. */
#include "fuzz.h"

#include "core/buf.h"
#include "core/crypto.h"
#include "livekit/grant.h"
#include "livekit/jwt.h"
#include "livekit/keys.h"

#include <assert.h>
#include <string.h>

#define NOW_S 1500

static struct lk_keys *keys;

static void put_part(struct buf *b, const void *bytes, size_t n) {
    char *text = mem_alloc(CRYPTO_BASE64_SIZE(n));
    crypto_base64(bytes, n, text);
    for (char *p = text; *p != '\0'; p++) {
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    }
    buf_puts(b, text);
    mem_free(text);
}

static void sign(struct buf *b) {
    uint8_t mac[SHA256_SIZE];
    struct hmac_key *key = NULL;
    enum err e = hmac_key_create((const uint8_t *)"north", 5, &key);
    assert(e == OK);
    e = hmac_sign(key, buf_str(b), b->len, "", 0, mac);
    assert(e == OK);
    hmac_key_destroy(key);
    buf_putc(b, '.');
    put_part(b, mac, sizeof(mac));
}

static void check(const char *token) {
    json_t *claims = NULL;
    struct lk_grant *g = NULL;
    enum err e = lk_jwt_verify(token, keys, NOW_S, &claims);
    assert(e == OK || e == ERR_UNAUTHORIZED);
    if (e == OK) {
        CLEANUP(buf_finish) struct buf b;
        buf_init(&b, 0);
        buf_put(&b, token, (size_t)(strrchr(token, '.') - token));
        sign(&b);
        assert(strcmp(token, buf_str(&b)) == 0);
        assert(json_number_value(json_object_get(claims, "exp")) > NOW_S - LK_JWT_LEEWAY_S);
    }
    enum err f = lk_grant_from_jwt(token, keys, NOW_S, &g);
    assert(f == OK || f == ERR_UNAUTHORIZED);
    assert(f != OK || e == OK);
    lk_grant_destroy(g);
    json_decref(claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    if (keys == NULL) {
        const struct lk_keys_source from = { "key1", "north", "", "", "" };
        enum err e = lk_keys_create(&from, &keys);
        assert(e == OK);
    }
    if (len > 0 && data[0] == '{') {
        put_part(&b, "{\"alg\":\"HS256\"}", 15);
        buf_putc(&b, '.');
        put_part(&b, data, len);
        sign(&b);
    } else {
        buf_put(&b, data, len);
    }
    check(buf_str(&b));
    return 0;
}
