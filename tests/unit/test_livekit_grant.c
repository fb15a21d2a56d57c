/* Claims to struct and back: what was not said stays unsaid, and nothing is guessed. */
#include "livekit/grant.h"

#include "livekit/jwt.h"
#include "livekit/keys.h"
#include "test.h"

#include <string.h>

static void json_freep(json_t **j) {
    json_decref(*j);
}

static enum err read(const char *text, struct lk_grant **ret) {
    CLEANUP(json_freep) json_t *claims = json_loads(text, 0, NULL);
    CHECK(claims != NULL);
    return lk_grant_read(claims, ret);
}

/* Canonical text of what a grant says; static. */
static const char *written(const struct lk_grant *g) {
    static char text[2048];
    CLEANUP(json_freep) json_t *claims = NULL;
    CHECK_ERR(OK, lk_grant_write(g, &claims));
    size_t n = json_dumpb(claims, text, sizeof(text) - 1, JSON_COMPACT | JSON_SORT_KEYS);
    text[n] = '\0';
    return text;
}

TEST(livekit_grant, writes_back_what_it_read) {
    static const struct {
        const char *name, *claims;
    } rows[] = {
        { "nothing", "{}" },
        { "texts", "{\"iss\":\"key\",\"kind\":\"agent\",\"metadata\":\"{}\",\"name\":\"Alice\","
                   "\"roomPreset\":\"p\",\"sha256\":\"47DEQ\",\"sub\":\"@a:hs:D\"}" },
        { "times", "{\"exp\":2000,\"nbf\":1000}" },
        { "a token of the Matrix service",
            "{\"exp\":4600,\"iss\":\"key\",\"nbf\":1000,\"sub\":\"@a:hs:D\",\"video\":{"
            "\"canPublish\":true,\"canSubscribe\":true,\"canUpdateOwnMetadata\":false,"
            "\"hidden\":false,\"room\":\"alias\",\"roomCreate\":false,\"roomJoin\":true}}" },
        { "an empty grant is one", "{\"video\":{}}" },
        { "each right",
            "{\"video\":{\"agent\":true,\"canManageAgentSession\":true,\"canPublish\":false,"
            "\"canPublishData\":true,\"canSubscribe\":false,\"canSubscribeMetrics\":true,"
            "\"canUpdateOwnMetadata\":true,\"destinationRoom\":\"r\",\"hidden\":true,"
            "\"ingressAdmin\":true,\"recorder\":true,\"roomAdmin\":true,\"roomCreate\":true,"
            "\"roomJoin\":true,\"roomList\":true,\"roomRecord\":true}}" },
        { "sources", "{\"video\":{\"canPublishSources\":[\"camera\",\"screen_share\"]}}" },
        { "attributes", "{\"attributes\":{\"a\":\"1\",\"b\":\"\"}}" },
        { "a room's configuration", "{\"roomConfig\":{\"emptyTimeout\":300,\"name\":\"r\"}}" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(lk_grant_destroyp) struct lk_grant *g = NULL;
        CHECK_ERR(OK, read(r->claims, &g));
        CHECK_STR(r->claims, written(g));
    }
}

TEST(livekit_grant, tells_unsaid_from_no) {
    CLEANUP(lk_grant_destroyp) struct lk_grant *g = NULL;
    CHECK_ERR(OK, read("{\"video\":{\"canPublish\":false,\"canSubscribe\":null}}", &g));
    CHECK_INT(LK_NO, g->video.can_publish);
    CHECK_INT(LK_UNSAID, g->video.can_subscribe);
    CHECK(!lk_may(g->video.can_publish, true));
    CHECK(lk_may(g->video.can_subscribe, true));
    CHECK(!lk_may(g->video.can_subscribe, false));
    CHECK(lk_may(LK_YES, false));
}

TEST(livekit_grant, takes_jti_for_a_missing_subject) {
    static const struct {
        const char *name, *claims, *want;
    } rows[] = {
        { "subject", "{\"sub\":\"a\",\"jti\":\"b\"}", "a" },
        { "no subject", "{\"jti\":\"b\"}", "b" },
        { "an empty subject", "{\"sub\":\"\",\"jti\":\"b\"}", "b" },
        { "identity does not count", "{\"identity\":\"c\"}", NULL },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(lk_grant_destroyp) struct lk_grant *g = NULL;
        CHECK_ERR(OK, read(r->claims, &g));
        CHECK_STR(r->want, g->identity);
    }
}

TEST(livekit_grant, refuses_other_types_by_name) {
    static const struct {
        const char *name, *claims, *want;
    } rows[] = {
        { "text", "{\"name\":1}", "invalid token: claim name: want a string" },
        { "subject", "{\"sub\":[]}", "invalid token: claim sub: want a string" },
        { "time", "{\"nbf\":\"1\"}", "invalid token: claim nbf: want a time in seconds" },
        { "a time beyond all", "{\"exp\":1e300}",
            "invalid token: claim exp: want a time in seconds" },
        { "video", "{\"video\":true}", "invalid token: claim video: want an object" },
        { "right", "{\"video\":{\"roomJoin\":\"true\"}}",
            "invalid token: claim roomJoin: want true or false" },
        { "room", "{\"video\":{\"room\":1}}", "invalid token: claim room: want a string" },
        { "sources", "{\"video\":{\"canPublishSources\":\"camera\"}}",
            "invalid token: claim canPublishSources: want a list of strings" },
        { "a source", "{\"video\":{\"canPublishSources\":[1]}}",
            "invalid token: claim canPublishSources: want a string" },
        { "attributes", "{\"attributes\":[]}",
            "invalid token: claim attributes: want an object of strings" },
        { "an attribute", "{\"attributes\":{\"a\":1}}",
            "invalid token: claim attributes: want a string" },
        { "configuration", "{\"roomConfig\":\"r\"}",
            "invalid token: claim roomConfig: want an object" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct lk_grant *g = NULL;
        CHECK_ERR(ERR_INVALID, read(r->claims, &g));
        CHECK_STR(r->want, err_text());
        CHECK(g == NULL);
    }
}

TEST(livekit_grant, has_limits) {
    CLEANUP(json_freep) json_t *claims = json_object();
    json_t *map = json_object();
    struct lk_grant *g = NULL;
    for (int i = 0; i <= LK_ATTRIBUTES_MAX; i++) {
        const char key[] = { (char)(' ' + i), 'a', '\0' };
        json_object_set_new(map, key, json_string(""));
    }
    json_object_set_new(claims, "attributes", map);
    CHECK_ERR(ERR_LIMIT, lk_grant_read(claims, &g));
    json_t *list = json_array();
    for (int i = 0; i <= LK_SOURCES_MAX; i++) {
        json_array_append_new(list, json_string("camera"));
    }
    json_object_clear(claims);
    json_object_set_new(claims, "video", json_pack("{s:o}", "canPublishSources", list));
    CHECK_ERR(ERR_LIMIT, lk_grant_read(claims, &g));
    CHECK(g == NULL);
}

TEST(livekit_grant, is_signed_in_the_name_of_the_first_key) {
    CLEANUP(lk_keys_destroyp) struct lk_keys *keys = NULL;
    CLEANUP(lk_grant_destroyp) struct lk_grant *g = NULL;
    CLEANUP(lk_grant_destroyp) struct lk_grant *again = NULL;
    CLEANUP(mem_freep) char *token = NULL;
    const struct lk_keys_source from = { "key1", "north", "", "", "" };
    CHECK_ERR(OK, lk_keys_create(&from, &keys));
    CHECK_ERR(OK, read("{\"iss\":\"mallory\",\"sub\":\"a\",\"exp\":2000}", &g));
    CHECK_ERR(OK, lk_grant_to_jwt(g, keys, &token));
    CHECK_ERR(OK, lk_grant_from_jwt(token, keys, 1500, &again));
    CHECK_STR("{\"exp\":2000,\"iss\":\"key1\",\"sub\":\"a\"}", written(again));
    CHECK_ERR(ERR_UNAUTHORIZED, lk_grant_from_jwt(token, keys, 9000, &again));
    mem_free(STEAL(token));
    CLEANUP(json_freep)
    json_t *odd = json_pack("{s:s,s:i,s:i}", "iss", "key1", "exp", 2000, "name", 1);
    CHECK_ERR(OK, lk_jwt_mint(odd, "north", &token));
    CHECK_ERR(ERR_UNAUTHORIZED, lk_grant_from_jwt(token, keys, 1500, &again));
}

TEST_ALLOC(livekit_grant, survives_no_memory) {
    CLEANUP(json_freep)
    json_t *claims = json_loads("{\"sub\":\"a\",\"exp\":2000,"
                                "\"attributes\":{\"k\":\"v\"},\"video\":{\"room\":\"r\","
                                "\"canPublishSources\":[\"camera\"]}}",
        0, NULL);
    CLEANUP(lk_grant_destroyp) struct lk_grant *g = NULL;
    return lk_grant_read(claims, &g);
}
