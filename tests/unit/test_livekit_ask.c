/* Bodies of token requests: as the clients send them, and each member missing, of another type, too
 * long, or joined by strangers. */
#include "livekit/ask.h"

#include "core/buf.h"
#include "core/mem.h"
#include "test.h"

#include <jansson.h>
#include <string.h>

/* As FluffyChat, Element Call (both modes), js-sdk 43 and another server's focus send them. */
#define OPENID                                                                                     \
    "{\"access_token\":\"tok\",\"token_type\":\"Bearer\",\"matrix_server_name\":\"example.com\","  \
    "\"expires_in\":3600}"
static const char *const samples[LK_DIALECTS] = {
    [LK_OLD] = "{\"room\":\"!r:example.com\",\"device_id\":\"DEVICE\",\"openid_token\":" OPENID
               ",\"delay_id\":\"syd_1\",\"delay_timeout\":3600000,"
               "\"delay_cs_api_url\":\"https://example.com\"}",
    [LK_HASHED] = "{\"room_id\":\"!r:example.com\",\"slot_id\":\"m.call#ROOM\","
                  "\"openid_token\":" OPENID ",\"member\":{\"id\":\"b9c1\",\"claimed_user_id\":"
                  "\"@alice:example.com\",\"claimed_device_id\":\"DEVICE\"},"
                  "\"delay_id\":\"syd_1\",\"delay_timeout\":3600000,"
                  "\"delay_cs_api_url\":\"https://example.com\"}",
    [LK_PROXIED] = "{\"url\":\"wss://sfu.example.com\",\"room_id\":\"!r:example.com\","
                   "\"slot_id\":\"m.call#ROOM\",\"member_id\":\"b9c1\","
                   "\"server_name\":\"example.org\"}",
    [LK_FEDERATED] = "{\"url\":\"wss://sfu.example.com\",\"room_id\":\"!r:example.com\","
                     "\"slot_id\":\"m.call#ROOM\",\"member_id\":\"b9c1\","
                     "\"user_id\":\"@alice:example.org\"}",
};

static enum lk_refusal read_text(
    enum lk_dialect d, const char *text, struct arena *a, struct lk_ask *ret) {
    return lk_ask_read(d, text, strlen(text), a, ret);
}

TEST(livekit_ask, reads_what_clients_send) {
    struct arena a;
    struct lk_ask ask;
    arena_init(&a);
    CHECK_INT(LK_FINE, read_text(LK_OLD, samples[LK_OLD], &a, &ask));
    CHECK_STR("!r:example.com", ask.room_id);
    CHECK_STR("m.call#ROOM", ask.slot_id);
    CHECK_STR("DEVICE", ask.device_id);
    CHECK_STR("tok", ask.access_token);
    CHECK_STR("example.com", ask.openid_server);
    CHECK_INT(3600, ask.expires_in_s);
    CHECK_STR("syd_1", ask.delay_id);
    CHECK_INT(3600000, ask.delay_timeout_ms);
    CHECK_STR("", ask.member_id);
    CHECK(!ask.has_member);
    CHECK_INT(LK_FINE, read_text(LK_HASHED, samples[LK_HASHED], &a, &ask));
    CHECK_STR("b9c1", ask.member_id);
    CHECK_STR("@alice:example.com", ask.user_id);
    CHECK_STR("DEVICE", ask.device_id);
    CHECK_STR("m.call#ROOM", ask.slot_id);
    CHECK(ask.has_member);
    CHECK_INT(LK_FINE, read_text(LK_PROXIED, samples[LK_PROXIED], &a, &ask));
    CHECK_STR("wss://sfu.example.com", ask.url);
    CHECK_STR("example.org", ask.target_server);
    CHECK_STR("b9c1", ask.member_id);
    CHECK(!ask.has_member);
    CHECK_INT(LK_FINE, read_text(LK_FEDERATED, samples[LK_FEDERATED], &a, &ask));
    CHECK_STR("@alice:example.org", ask.user_id);
    arena_finish(&a);
}

TEST(livekit_ask, says_what_is_missing_or_wrong) {
    static const struct {
        const char *name;
        enum lk_dialect dialect;
        const char *body;
        enum lk_refusal want;
    } rows[] = {
        { "nothing", LK_OLD, "", LK_NOT_JSON },
        { "no JSON", LK_OLD, "{", LK_NOT_JSON },
        { "a list", LK_HASHED, "[]", LK_NOT_JSON },
        { "a text", LK_PROXIED, "\"room\"", LK_NOT_JSON },
        { "null", LK_OLD, "null", LK_NOT_JSON },
        { "something behind it", LK_OLD, "{} {}", LK_NOT_JSON },
        { "a member twice", LK_OLD, "{\"room\":\"!a:b\",\"room\":\"!c:d\"}", LK_NOT_JSON },
        { "a NUL", LK_OLD, "{\"room\":\"!r\\u0000:example.com\"}", LK_NOT_JSON },
        { "bytes that are no UTF-8", LK_OLD, "{\"room\":\"!\xff:example.com\"}", LK_NOT_JSON },
        { "old: empty", LK_OLD, "{}", LK_MISSING_ROOM },
        { "old: room alone", LK_OLD, "{\"room\":\"!r:example.com\"}", LK_MISSING_OPENID },
        { "old: the other dialect", LK_OLD, "{\"room_id\":\"!r:example.com\"}", LK_MISSING_ROOM },
        { "hashed: empty", LK_HASHED, "{}", LK_MISSING_ROOM_OR_SLOT },
        { "hashed: the other dialect", LK_HASHED, "{\"room\":\"!r:example.com\"}",
            LK_MISSING_ROOM_OR_SLOT },
        { "proxied: empty", LK_PROXIED, "{}", LK_MISSING_ROOM_OR_SLOT },
        { "a room alias", LK_OLD, "{\"room\":\"#r:example.com\",\"openid_token\":" OPENID "}",
            LK_BAD_ROOM_ID },
        { "a room with a line end", LK_OLD,
            "{\"room\":\"!r\\n:example.com\",\"openid_token\":" OPENID "}", LK_BAD_ROOM_ID },
        { "a delay without an id", LK_OLD,
            "{\"room\":\"!r:example.com\",\"openid_token\":" OPENID ",\"delay_timeout\":1}",
            LK_MISSING_DELAY },
        { "a negative delay", LK_OLD,
            "{\"room\":\"!r:example.com\",\"openid_token\":" OPENID
            ",\"delay_id\":\"d\",\"delay_timeout\":-1}",
            LK_MISSING_DELAY },
        { "no delay at all", LK_OLD,
            "{\"room\":\"!r:example.com\",\"openid_token\":" OPENID ",\"delay_timeout\":0}",
            LK_FINE },
        { "a room of version 12", LK_OLD,
            "{\"room\":\"!0g1m9sMYYZ-PzRYPTUuTPPJ8pFTUYjTLbxsKLdfpDkA\",\"openid_token\":" OPENID
            "}",
            LK_FINE },
        { "unknown members, also inside", LK_OLD,
            "{\"room\":\"!r:example.com\",\"new\":[{}],\"openid_token\":{\"access_token\":\"tok\","
            "\"matrix_server_name\":\"example.com\",\"state\":\"allowed\"}}",
            LK_FINE },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct arena a;
        struct lk_ask ask;
        arena_init(&a);
        CHECK_INT(r->want, read_text(r->dialect, r->body, &a, &ask));
        arena_finish(&a);
    }
}

/* --- each member of each sample in turn --- */

/* What becomes of the sample when the member `object.key` is `what`. */
struct change {
    enum lk_dialect dialect;
    const char *object, *key;
    enum lk_refusal missing; /* LK_FINE: it need not be there */
    bool number;
    size_t max;
};

static const struct change changes[] = {
    { LK_OLD, NULL, "room", LK_MISSING_ROOM, false, LK_ASK_ID_MAX },
    { LK_OLD, NULL, "device_id", LK_FINE, false, LK_ASK_ID_MAX },
    { LK_OLD, "openid_token", "access_token", LK_MISSING_OPENID, false, LK_ASK_TOKEN_MAX },
    { LK_OLD, "openid_token", "matrix_server_name", LK_MISSING_OPENID, false, LK_ASK_ID_MAX },
    { LK_OLD, "openid_token", "token_type", LK_FINE, false, LK_ASK_ID_MAX },
    { LK_OLD, "openid_token", "expires_in", LK_FINE, true, 0 },
    { LK_OLD, NULL, "delay_id", LK_MISSING_DELAY, false, LK_ASK_ID_MAX },
    { LK_OLD, NULL, "delay_timeout", LK_MISSING_DELAY, true, 0 },
    { LK_OLD, NULL, "delay_cs_api_url", LK_FINE, false, LK_ASK_URL_MAX },
    { LK_HASHED, NULL, "room_id", LK_MISSING_ROOM_OR_SLOT, false, LK_ASK_ID_MAX },
    { LK_HASHED, NULL, "slot_id", LK_MISSING_ROOM_OR_SLOT, false, LK_ASK_ID_MAX },
    { LK_HASHED, "member", "id", LK_MISSING_MEMBER, false, LK_ASK_ID_MAX },
    { LK_HASHED, "member", "claimed_user_id", LK_MISSING_MEMBER, false, LK_ASK_ID_MAX },
    { LK_HASHED, "member", "claimed_device_id", LK_MISSING_MEMBER, false, LK_ASK_ID_MAX },
    { LK_HASHED, "openid_token", "access_token", LK_MISSING_TOKEN, false, LK_ASK_TOKEN_MAX },
    { LK_HASHED, "openid_token", "matrix_server_name", LK_MISSING_TOKEN, false, LK_ASK_ID_MAX },
    { LK_HASHED, "openid_token", "token_type", LK_FINE, false, LK_ASK_ID_MAX },
    { LK_HASHED, "openid_token", "expires_in", LK_FINE, true, 0 },
    { LK_HASHED, NULL, "delay_id", LK_MISSING_DELAY, false, LK_ASK_ID_MAX },
    { LK_HASHED, NULL, "delay_timeout", LK_MISSING_DELAY, true, 0 },
    { LK_HASHED, NULL, "delay_cs_api_url", LK_FINE, false, LK_ASK_URL_MAX },
    { LK_PROXIED, NULL, "room_id", LK_MISSING_ROOM_OR_SLOT, false, LK_ASK_ID_MAX },
    { LK_PROXIED, NULL, "slot_id", LK_MISSING_ROOM_OR_SLOT, false, LK_ASK_ID_MAX },
    { LK_PROXIED, NULL, "url", LK_MISSING_URL, false, LK_ASK_URL_MAX },
    { LK_PROXIED, NULL, "member_id", LK_MISSING_PROXY_MEMBER, false, LK_ASK_ID_MAX },
    { LK_PROXIED, NULL, "server_name", LK_FINE, false, LK_ASK_ID_MAX },
    { LK_FEDERATED, NULL, "room_id", LK_MISSING_ROOM_OR_SLOT, false, LK_ASK_ID_MAX },
    { LK_FEDERATED, NULL, "slot_id", LK_MISSING_ROOM_OR_SLOT, false, LK_ASK_ID_MAX },
    { LK_FEDERATED, NULL, "url", LK_MISSING_URL, false, LK_ASK_URL_MAX },
    { LK_FEDERATED, NULL, "member_id", LK_MISSING_PROXY_MEMBER, false, LK_ASK_ID_MAX },
    { LK_FEDERATED, NULL, "user_id", LK_FINE, false, LK_ASK_ID_MAX },
};

/* Reads the sample with the member set to `value` (takes it; NULL takes the member away). */
static enum lk_refusal with(const struct change *c, json_t *value) {
    static char text[16 * KIB];
    json_t *body = json_loads(samples[c->dialect], 0, NULL);
    json_t *in = c->object == NULL ? body : json_object_get(body, c->object);
    CHECK(json_object_get(in, c->key) != NULL);
    if (value == NULL) {
        json_object_del(in, c->key);
    } else {
        json_object_set_new(in, c->key, value);
    }
    size_t n = json_dumpb(body, text, sizeof(text), 0);
    CHECK(n < sizeof(text));
    struct arena a;
    struct lk_ask ask;
    arena_init(&a);
    enum lk_refusal r = lk_ask_read(c->dialect, text, n, &a, &ask);
    arena_finish(&a);
    json_decref(body);
    return r;
}

static json_t *long_text(size_t n) {
    static char text[LK_ASK_TOKEN_MAX + 2];
    memset(text, 'x', n);
    return json_stringn(text, n);
}

TEST(livekit_ask, knows_each_member) {
    FOR_ROWS (changes, c) {
        ROW(c->key);
        CHECK_INT(c->missing, with(c, NULL));
        CHECK_INT(c->missing, with(c, json_null()));
        CHECK_INT(LK_NOT_JSON, with(c, c->number ? json_string("1") : json_integer(1)));
        CHECK_INT(LK_NOT_JSON, with(c, json_true()));
        CHECK_INT(LK_NOT_JSON, with(c, json_object()));
        CHECK_INT(LK_NOT_JSON, with(c, json_array()));
        if (c->number) {
            CHECK_INT(LK_NOT_JSON, with(c, json_real(1.5)));
        } else {
            CHECK_INT(c->missing, with(c, json_string("")));
            CHECK(with(c, long_text(c->max)) != LK_TOO_LONG);
            CHECK_INT(LK_TOO_LONG, with(c, long_text(c->max + 1)));
        }
    }
}

TEST(livekit_ask, knows_each_object) {
    static const struct change objects[] = {
        { LK_OLD, NULL, "openid_token", LK_MISSING_OPENID, false, 0 },
        { LK_HASHED, NULL, "openid_token", LK_MISSING_TOKEN, false, 0 },
        { LK_HASHED, NULL, "member", LK_MISSING_MEMBER, false, 0 },
    };
    FOR_ROWS (objects, c) {
        ROW(c->key);
        CHECK_INT(c->missing, with(c, NULL));
        CHECK_INT(c->missing, with(c, json_null()));
        CHECK_INT(c->missing, with(c, json_object()));
        CHECK_INT(LK_NOT_JSON, with(c, json_string("x")));
        CHECK_INT(LK_NOT_JSON, with(c, json_array()));
    }
}

/* --- names in the SFU --- */

TEST(livekit_ask, hashes_as_the_other_services_do) {
    static const struct {
        const char *name, *list[3];
        size_t n;
        const char *want; /* matrix-calls 4.3 */
    } rows[] = {
        { "a slot", { "!roomid:example.com", "slot1234" }, 2,
            "O8437W3+jmzMVjoIP3tNwbm+XxHQk2iKpOA7aqw3qSc" },
        { "the room's call", { "!roomid:example.com", "m.call#ROOM" }, 2,
            "F4oOprKFBq6JHqy2qYpq6UQQmR7hCvxkQQoUrd0+SbI" },
        { "in the other case", { "!roomid:example.com", "m.call#room" }, 2,
            "2EPGhjulIGe4Sqyrrzv9fQuklBFly+CBIEYlCRUmJ5E" },
        { "a member with device", { "@alice:example.com", "DEVICE123", "memberABC" }, 3,
            "J+T45tGruxc+HrUOqJJlyQSV33m728Cme4+vt8/SWrU" },
        { "a member without", { "@alice:example.com", "memberABC" }, 2,
            "M3VnsLXrkbxIDINXO64u8PZzFyD9ZYFiQULR2dshWYs" },
        { "what JSON escapes, and what not", { "\"\\\b\t\n\f\r\x01\x7f", "<>&/\xc3\xa9" }, 2,
            "JVhWtWtSMN5MdMj3OT3c/rT9AHjKOQRNx9bcNTcmCao" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        char hash[LK_HASH_SIZE];
        CHECK_ERR(OK, lk_hash(r->list, r->n, hash));
        CHECK_STR(r->want, hash);
    }
}

TEST(livekit_ask, names_rooms_and_people_by_the_shape_of_the_request) {
    static const struct {
        const char *name;
        enum lk_dialect dialect;
        const char *members, *alias, *identity;
    } rows[] = {
        { "old", LK_OLD, "\"room\":\"!roomid:example.com\",\"device_id\":\"DEVICE123\"",
            "F4oOprKFBq6JHqy2qYpq6UQQmR7hCvxkQQoUrd0+SbI", "@alice:example.com:DEVICE123" },
        { "old, no device", LK_OLD, "\"room\":\"!roomid:example.com\"",
            "F4oOprKFBq6JHqy2qYpq6UQQmR7hCvxkQQoUrd0+SbI", "@alice:example.com:" },
        { "hashed", LK_HASHED,
            "\"room_id\":\"!roomid:example.com\",\"slot_id\":\"slot1234\",\"member\":{"
            "\"id\":\"memberABC\",\"claimed_device_id\":\"DEVICE123\","
            "\"claimed_user_id\":\"@alice:example.com\"}",
            "O8437W3+jmzMVjoIP3tNwbm+XxHQk2iKpOA7aqw3qSc",
            "J+T45tGruxc+HrUOqJJlyQSV33m728Cme4+vt8/SWrU" },
        { "proxied, latest text", LK_PROXIED,
            "\"url\":\"u\",\"room_id\":\"!roomid:example.com\",\"slot_id\":\"m.call#room\","
            "\"member_id\":\"memberABC\"",
            "2EPGhjulIGe4Sqyrrzv9fQuklBFly+CBIEYlCRUmJ5E",
            "M3VnsLXrkbxIDINXO64u8PZzFyD9ZYFiQULR2dshWYs" },
        { "proxied, js-sdk 43", LK_PROXIED,
            "\"url\":\"u\",\"room_id\":\"!roomid:example.com\",\"slot_id\":\"slot1234\","
            "\"member\":{\"id\":\"memberABC\",\"claimed_device_id\":\"DEVICE123\"}",
            "O8437W3+jmzMVjoIP3tNwbm+XxHQk2iKpOA7aqw3qSc",
            "J+T45tGruxc+HrUOqJJlyQSV33m728Cme4+vt8/SWrU" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct arena a;
        struct lk_ask ask;
        char alias[LK_HASH_SIZE] = "";
        const char *identity = NULL;
        arena_init(&a);
        const char *body = arena_printf(&a, "{\"openid_token\":" OPENID ",%s}", r->members);
        CHECK_INT(LK_FINE, read_text(r->dialect, body, &a, &ask));
        CHECK_ERR(OK, lk_ask_alias(&ask, alias));
        CHECK_STR(r->alias, alias);
        CHECK_ERR(OK, lk_ask_identity(&ask, "@alice:example.com", &a, &identity));
        CHECK_STR(r->identity, identity);
        arena_finish(&a);
    }
}

TEST(livekit_ask, makes_no_identity_that_the_sfu_would_refuse) {
    struct arena a;
    struct lk_ask ask;
    const char *identity = NULL;
    char user[256];
    memset(user, 'u', 255);
    user[255] = '\0';
    arena_init(&a);
    CHECK_INT(LK_FINE, read_text(LK_OLD, samples[LK_OLD], &a, &ask));
    CHECK_ERR(ERR_TOO_LARGE, lk_ask_identity(&ask, user, &a, &identity));
    CHECK(identity == NULL);
    user[249] = '\0';
    CHECK_ERR(OK, lk_ask_identity(&ask, user, &a, &identity));
    arena_finish(&a);
}

TEST(livekit_ask, has_an_answer_for_each_refusal) {
    for (int r = LK_FINE + 1; r < LK_REFUSALS; r++) {
        const struct lk_refusal_row *row = lk_refusal_row((enum lk_refusal)r);
        CHECK(row->status >= 400 && row->status < 600);
        CHECK(row->errcode != NULL && row->text != NULL && row->reason != NULL);
    }
    for (int d = 0; d < LK_DIALECTS; d++) {
        CHECK(lk_dialect_name((enum lk_dialect)d) != NULL);
    }
}

static void arena_freep(struct arena **a) {
    arena_finish(*a);
}

TEST_ALLOC(livekit_ask, survives_no_memory) {
    struct arena a;
    struct lk_ask ask;
    char alias[LK_HASH_SIZE];
    const char *identity = NULL;
    arena_init(&a);
    CLEANUP(arena_freep) struct arena *own = &a;
    enum lk_refusal r = read_text(LK_HASHED, samples[LK_HASHED], own, &ask);
    if (r != LK_FINE) {
        CHECK_INT(LK_FAULT, r);
        return err_set(ERR_NOMEM, "no memory");
    }
    TRY(lk_ask_alias(&ask, alias));
    return lk_ask_identity(&ask, "@alice:example.com", own, &identity);
}
