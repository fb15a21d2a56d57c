/* Whatever a LiveKit server signs: it is refused, or what is to be acted on says who, and where. */
#include "fuzz.h"

#include "core/crypto.h"
#include "core/mem.h"
#include "livekit/grant.h"
#include "livekit/keys.h"
#include "livekit/webhook.h"

#include <assert.h>
#include <string.h>

#define NOW_S 1500

static struct lk_keys *keys;

static char *sign(const uint8_t *data, size_t len) {
    uint8_t digest[SHA256_SIZE];
    char text[CRYPTO_BASE64_SIZE(SHA256_SIZE)];
    struct lk_grant *g = NULL;
    char *jwt = NULL;
    enum err e = lk_grant_create(&g);
    assert(e == OK);
    crypto_sha256(data, len, digest);
    crypto_base64(digest, sizeof(digest), text);
    g->sha256 = text;
    g->expires_s = NOW_S + 300;
    e = lk_grant_to_jwt(g, keys, &jwt);
    assert(e == OK);
    lk_grant_destroy(g);
    return jwt;
}

static void check(const struct lk_webhook *w) {
    const char *const texts[] = { w->event, w->id, w->alias, w->identity, w->sid, w->reason };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert(texts[i] != NULL && strlen(texts[i]) <= LK_WEBHOOK_TEXT_MAX);
    }
    assert(w->event[0] != '\0' && w->created_s >= 0);
    assert(w->kind == LK_WEBHOOK_OTHER || (w->alias[0] != '\0' && w->identity[0] != '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct arena a;
    struct lk_webhook w;
    if (keys == NULL) {
        const struct lk_keys_source from = { "key1", "north", "", "", "" };
        enum err e = lk_keys_create(&from, &keys);
        assert(e == OK);
    }
    arena_init(&a);
    char *jwt = sign(data, len);
    enum err e = lk_webhook_read(jwt, (const char *)data, len, keys, NOW_S, &a, &w);
    assert(e == OK || e == ERR_INVALID);
    if (e == OK) {
        check(&w);
    }
    mem_free(jwt);
    arena_finish(&a);
    return 0;
}
