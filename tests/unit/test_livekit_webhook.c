/* Webhooks of a LiveKit server: who is believed, and what is read. The bodies are as 1.13.5 sends
 * them. */
#include "livekit/webhook.h"

#include "core/buf.h"
#include "core/crypto.h"
#include "core/mem.h"
#include "livekit/grant.h"
#include "livekit/keys.h"
#include "test.h"

#include <string.h>

#define NOW_S 1500

#define ROOM                                                                                       \
    "\"room\":{\"sid\":\"RM_1\", \"name\":\"alias\", \"emptyTimeout\":300, "                       \
    "\"creationTime\":\"1795253166\", \"enabledCodecs\":[{\"mime\":\"audio/opus\"}]}"
#define PARTICIPANT                                                                                \
    "\"participant\":{\"sid\":\"PA_1\", \"identity\":\"@a:x:DEV\", \"state\":\"ACTIVE\", "         \
    "\"joinedAt\":\"1795253166\", \"permission\":{\"canPublish\":true}}"
#define TAIL   "\"id\":\"EV_1\", \"createdAt\":\"1795253177\""
#define JOINED "{\"event\":\"participant_joined\", " ROOM ", " PARTICIPANT ", " TAIL "}"
#define LEFT                                                                                       \
    "{\"event\":\"participant_left\", " ROOM ", \"participant\":{\"sid\":\"PA_1\", "               \
    "\"identity\":\"@a:x:DEV\", \"state\":\"DISCONNECTED\", "                                      \
    "\"disconnectReason\":\"CLIENT_INITIATED\"}, " TAIL "}"

static struct lk_keys *make_keys(const char *key, const char *secret) {
    struct lk_keys *k = NULL;
    const struct lk_keys_source from = { key, secret, "", "", "" };
    CHECK_ERR(OK, lk_keys_create(&from, &k));
    return k;
}

/* A token for a body, as LiveKit makes it: with the padding of base64. */
static char *sign(const struct lk_keys *keys, const char *body, int64_t expires_s) {
    uint8_t digest[SHA256_SIZE];
    char text[CRYPTO_BASE64_SIZE(SHA256_SIZE) + 1];
    CLEANUP(lk_grant_destroyp) struct lk_grant *g = NULL;
    char *jwt = NULL;
    CHECK_ERR(OK, lk_grant_create(&g));
    if (body != NULL) {
        crypto_sha256(body, strlen(body), digest);
        crypto_base64(digest, sizeof(digest), text);
        strcat(text, "=");
        g->sha256 = text;
    }
    g->expires_s = expires_s;
    CHECK_ERR(OK, lk_grant_to_jwt(g, keys, &jwt));
    return jwt;
}

static enum err read_signed(const char *body, struct arena *a, struct lk_webhook *w) {
    struct lk_keys *keys = make_keys("key1", "north");
    char *jwt = sign(keys, body, NOW_S + 300);
    enum err e = lk_webhook_read(jwt, body, strlen(body), keys, NOW_S, a, w);
    mem_free(jwt);
    lk_keys_destroy(keys);
    return e;
}

TEST(livekit_webhook, reads_who_came_and_went) {
    static const struct {
        const char *name, *body;
        enum lk_webhook_kind kind;
        const char *event, *alias, *identity, *reason;
    } rows[] = {
        { "came", JOINED, LK_WEBHOOK_JOINED, "participant_joined", "alias", "@a:x:DEV", "" },
        { "went", LEFT, LK_WEBHOOK_LEFT, "participant_left", "alias", "@a:x:DEV",
            "CLIENT_INITIATED" },
        { "never connected",
            "{\"event\":\"participant_connection_aborted\", " ROOM ", " PARTICIPANT "}",
            LK_WEBHOOK_ABORTED, "participant_connection_aborted", "alias", "@a:x:DEV", "" },
        { "a track",
            "{\"event\":\"track_published\", \"room\":{\"sid\":\"RM_1\", \"name\":\"alias\"}, "
            "\"participant\":{\"identity\":\"@a:x:DEV\"}, \"track\":{\"sid\":\"TR_1\"}}",
            LK_WEBHOOK_OTHER, "track_published", "alias", "@a:x:DEV", "" },
        { "a room", "{\"event\":\"room_started\", " ROOM "}", LK_WEBHOOK_OTHER, "room_started",
            "alias", "", "" },
        { "something new", "{\"event\":\"moon_rose\", \"moon\":1}", LK_WEBHOOK_OTHER, "moon_rose",
            "", "", "" },
        { "null is not there",
            "{\"event\":\"x\", \"room\":null, \"participant\":null, \"id\":null}", LK_WEBHOOK_OTHER,
            "x", "", "", "" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct arena a;
        struct lk_webhook w;
        arena_init(&a);
        CHECK_ERR(OK, read_signed(r->body, &a, &w));
        CHECK_INT(r->kind, w.kind);
        CHECK_STR(r->event, w.event);
        CHECK_STR(r->alias, w.alias);
        CHECK_STR(r->identity, w.identity);
        CHECK_STR(r->reason, w.reason);
        arena_finish(&a);
    }
}

TEST(livekit_webhook, reads_the_time_in_both_spellings) {
    static const struct {
        const char *name, *body;
        enum err want;
        int64_t created_s;
    } rows[] = {
        { "a text", JOINED, OK, 1795253177 },
        { "a number", "{\"event\":\"x\", \"createdAt\":12}", OK, 12 },
        { "none", "{\"event\":\"x\"}", OK, 0 },
        { "letters", "{\"event\":\"x\", \"createdAt\":\"12a\"}", ERR_INVALID, 0 },
        { "nothing", "{\"event\":\"x\", \"createdAt\":\"\"}", ERR_INVALID, 0 },
        { "negative", "{\"event\":\"x\", \"createdAt\":-1}", ERR_INVALID, 0 },
        { "too many digits", "{\"event\":\"x\", \"createdAt\":\"99999999999999999999\"}",
            ERR_INVALID, 0 },
        { "a fraction", "{\"event\":\"x\", \"createdAt\":1.5}", ERR_INVALID, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct arena a;
        struct lk_webhook w = { .created_s = 0 };
        arena_init(&a);
        CHECK_ERR(r->want, read_signed(r->body, &a, &w));
        CHECK_INT(r->created_s, w.created_s);
        arena_finish(&a);
    }
}

TEST(livekit_webhook, refuses_what_makes_no_sense) {
    static const struct {
        const char *name, *body;
    } rows[] = {
        { "nothing", "" },
        { "no JSON", "event" },
        { "a list", "[]" },
        { "cut", "{\"event\":\"participant_left\"" },
        { "no event", "{" ROOM "}" },
        { "event is a number", "{\"event\":7}" },
        { "no room", "{\"event\":\"participant_left\", " PARTICIPANT "}" },
        { "room is a text", "{\"event\":\"participant_left\", \"room\":\"r\", " PARTICIPANT "}" },
        { "room without a name",
            "{\"event\":\"participant_left\", \"room\":{\"sid\":\"RM_1\"}, " PARTICIPANT "}" },
        { "the room's name is a list",
            "{\"event\":\"participant_left\", \"room\":{\"name\":[]}, " PARTICIPANT "}" },
        { "no participant", "{\"event\":\"participant_joined\", " ROOM "}" },
        { "participant is a list",
            "{\"event\":\"participant_joined\", " ROOM ", \"participant\":[]}" },
        { "no identity",
            "{\"event\":\"participant_joined\", " ROOM ", \"participant\":{\"sid\":\"PA_1\"}}" },
        { "identity is a number",
            "{\"event\":\"participant_joined\", " ROOM ", \"participant\":{\"identity\":1}}" },
        { "reason is a number", "{\"event\":\"participant_left\", " ROOM
                                ", \"participant\":{\"identity\":\"a\", \"disconnectReason\":1}}" },
        { "id is an object", "{\"event\":\"x\", \"id\":{}}" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct arena a;
        struct lk_webhook w;
        arena_init(&a);
        CHECK_ERR(ERR_INVALID, read_signed(r->body, &a, &w));
        arena_finish(&a);
    }
}

TEST(livekit_webhook, bounds_names) {
    static const struct {
        const char *name;
        size_t len;
        enum err want;
    } rows[] = {
        { "the longest", LK_WEBHOOK_TEXT_MAX, OK },
        { "one more", LK_WEBHOOK_TEXT_MAX + 1, ERR_INVALID },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(buf_finish) struct buf b;
        struct arena a;
        struct lk_webhook w;
        buf_init(&b, 0);
        arena_init(&a);
        buf_puts(&b, "{\"event\":\"participant_left\", \"room\":{\"name\":\"r\"}, "
                     "\"participant\":{\"identity\":\"");
        for (size_t i = 0; i < r->len; i++) {
            buf_putc(&b, 'a');
        }
        buf_puts(&b, "\"}}");
        CHECK_ERR(r->want, read_signed(buf_str(&b), &a, &w));
        arena_finish(&a);
    }
}

TEST(livekit_webhook, believes_nobody_else) {
    static const struct {
        const char *name;
        const char *key, *secret; /* NULL: no token at all */
        const char *signed_body;  /* NULL: a token that names no digest */
        int64_t expires_s;
        enum err want, early; /* early: without the body */
    } rows[] = {
        { "ours", "key1", "north", JOINED, NOW_S + 300, OK, OK },
        { "no token", NULL, NULL, NULL, 0, ERR_UNAUTHORIZED, ERR_UNAUTHORIZED },
        { "another secret", "key1", "south", JOINED, NOW_S + 300, ERR_UNAUTHORIZED,
            ERR_UNAUTHORIZED },
        { "another key", "key2", "north", JOINED, NOW_S + 300, ERR_UNAUTHORIZED, ERR_UNAUTHORIZED },
        { "over", "key1", "north", JOINED, NOW_S - 300, ERR_UNAUTHORIZED, ERR_UNAUTHORIZED },
        { "of another body", "key1", "north", LEFT, NOW_S + 300, ERR_UNAUTHORIZED, OK },
        { "a participant's token", "key1", "north", NULL, NOW_S + 300, ERR_UNAUTHORIZED,
            ERR_UNAUTHORIZED },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct arena a;
        struct lk_webhook w;
        struct lk_keys *ours = make_keys("key1", "north");
        struct lk_keys *theirs = r->key == NULL ? NULL : make_keys(r->key, r->secret);
        char *jwt = theirs == NULL ? NULL : sign(theirs, r->signed_body, r->expires_s);
        arena_init(&a);
        CHECK_ERR(r->want, lk_webhook_read(jwt, JOINED, strlen(JOINED), ours, NOW_S, &a, &w));
        CHECK_ERR(r->early, lk_webhook_check(jwt, ours, NOW_S));
        arena_finish(&a);
        mem_free(jwt);
        lk_keys_destroy(theirs);
        lk_keys_destroy(ours);
    }
}

TEST(livekit_webhook, wants_the_token_as_livekit_sends_it) {
    struct arena a;
    struct lk_webhook w;
    CLEANUP(buf_finish) struct buf b;
    struct lk_keys *keys = make_keys("key1", "north");
    char *jwt = sign(keys, JOINED, NOW_S + 300);
    buf_init(&b, 0);
    buf_printf(&b, "Bearer %s", jwt);
    arena_init(&a);
    CHECK_ERR(ERR_UNAUTHORIZED,
        lk_webhook_read(buf_str(&b), JOINED, strlen(JOINED), keys, NOW_S, &a, &w));
    arena_finish(&a);
    mem_free(jwt);
    lk_keys_destroy(keys);
}

TEST_ALLOC(livekit_webhook, survives_no_memory) {
    CLEANUP(lk_keys_destroyp) struct lk_keys *keys = NULL;
    CLEANUP(lk_grant_destroyp) struct lk_grant *g = NULL;
    CLEANUP(mem_freep) char *jwt = NULL;
    const struct lk_keys_source from = { "key1", "north", "", "", "" };
    uint8_t digest[SHA256_SIZE];
    char text[CRYPTO_BASE64_SIZE(SHA256_SIZE)];
    struct arena a;
    struct lk_webhook w;
    TRY(lk_keys_create(&from, &keys));
    TRY(lk_grant_create(&g));
    crypto_sha256(LEFT, strlen(LEFT), digest);
    crypto_base64(digest, sizeof(digest), text);
    g->sha256 = text;
    g->expires_s = NOW_S + 300;
    TRY(lk_grant_to_jwt(g, keys, &jwt));
    arena_init(&a);
    enum err e = lk_webhook_read(jwt, LEFT, strlen(LEFT), keys, NOW_S, &a, &w);
    arena_finish(&a);
    return e;
}
