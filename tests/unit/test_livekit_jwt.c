/* Tokens: what LiveKit's own libraries accept, and each trap of libjwt (decision 10). Tokens are
 * put together here, part by part, so that they may be wrong in one way each. */
#include "livekit/jwt.h"

#include "core/buf.h"
#include "core/crypto.h"
#include "core/mem.h"
#include "livekit/keys.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define GOOD_HEAD "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define NOW_S     1500

static struct lk_keys *make_keys(void) {
    struct lk_keys *k = NULL;
    const struct lk_keys_source from = { "key1", "north", "", "", "" };
    CHECK_ERR(OK, lk_keys_create(&from, &k));
    return k;
}

static void put_part(struct buf *b, const void *bytes, size_t n) {
    char text[1024];
    crypto_base64url(bytes, n, text);
    buf_puts(b, text);
}

/* Signs any head and any claims with HMAC-SHA256. */
static void make_token(struct buf *b, const char *head, const char *claims, const char *secret) {
    uint8_t mac[SHA256_SIZE];
    struct hmac_key *key = NULL;
    CHECK_ERR(OK, hmac_key_create((const uint8_t *)secret, strlen(secret), &key));
    put_part(b, head, strlen(head));
    buf_putc(b, '.');
    put_part(b, claims, strlen(claims));
    CHECK_ERR(OK, hmac_sign(key, b->data, b->len, "", 0, mac));
    buf_putc(b, '.');
    put_part(b, mac, sizeof(mac));
    hmac_key_destroy(key);
}

/* What verifying says: "fine" or the sentence. */
static const char *verdict(const char *token, int64_t now_s) {
    struct lk_keys *keys = make_keys();
    json_t *claims = NULL;
    enum err e = lk_jwt_verify(token, keys, now_s, &claims);
    CHECK(e == OK || e == ERR_UNAUTHORIZED);
    CHECK((claims != NULL) == (e == OK));
    json_decref(claims);
    lk_keys_destroy(keys);
    return e == OK ? "fine" : err_text();
}

#define ONLY_HS256 "invalid token: only HS256 is accepted"
#define SIGNATURE  "invalid token: signature is invalid"
#define MALFORMED  "invalid authorization token"
#define NO_EXP     "invalid token: token is missing required claim: exp"

TEST(livekit_jwt, takes_what_a_known_key_signed_and_nothing_else) {
    static const struct {
        const char *name, *head, *claims, *secret, *want;
    } rows[] = {
        { "good", GOOD_HEAD, "{\"iss\":\"key1\",\"exp\":2000,\"nbf\":1000}", "north", "fine" },
        { "no typ", "{\"alg\":\"HS256\"}", "{\"iss\":\"key1\",\"exp\":2000}", "north", "fine" },
        { "an expiry with a fraction", GOOD_HEAD, "{\"iss\":\"key1\",\"exp\":2000.5}", "north",
            "fine" },
        { "another secret", GOOD_HEAD, "{\"iss\":\"key1\",\"exp\":2000}", "south", SIGNATURE },
        { "a secret that begins alike", GOOD_HEAD, "{\"iss\":\"key1\",\"exp\":2000}", "nort",
            SIGNATURE },
        { "alg none", "{\"alg\":\"none\"}", "{\"iss\":\"key1\",\"exp\":2000}", "north",
            ONLY_HS256 },
        { "another HMAC", "{\"alg\":\"HS512\"}", "{\"iss\":\"key1\",\"exp\":2000}", "north",
            ONLY_HS256 },
        { "a public key's algorithm", "{\"alg\":\"RS256\"}", "{\"iss\":\"key1\",\"exp\":2000}",
            "north", ONLY_HS256 },
        { "another spelling of alg", "{\"alg\":\"hs256\"}", "{\"iss\":\"key1\",\"exp\":2000}",
            "north", ONLY_HS256 },
        { "no alg", "{\"typ\":\"JWT\"}", "{\"iss\":\"key1\",\"exp\":2000}", "north", ONLY_HS256 },
        { "alg is no text", "{\"alg\":1}", "{\"iss\":\"key1\",\"exp\":2000}", "north", ONLY_HS256 },
        { "two algs", "{\"alg\":\"none\",\"alg\":\"HS256\"}", "{\"iss\":\"key1\",\"exp\":2000}",
            "north", MALFORMED },
        { "a critical extension", "{\"alg\":\"HS256\",\"crit\":[\"b64\"]}",
            "{\"iss\":\"key1\",\"exp\":2000}", "north", ONLY_HS256 },
        { "an unknown key", GOOD_HEAD, "{\"iss\":\"key3\",\"exp\":2000}", "north",
            "invalid API key" },
        { "no issuer", GOOD_HEAD, "{\"exp\":2000}", "north", "invalid API key" },
        { "an issuer that is no text", GOOD_HEAD, "{\"iss\":1,\"exp\":2000}", "north",
            "invalid API key" },
        { "no expiry", GOOD_HEAD, "{\"iss\":\"key1\"}", "north", NO_EXP },
        { "expiry null", GOOD_HEAD, "{\"iss\":\"key1\",\"exp\":null}", "north", NO_EXP },
        { "expiry a text", GOOD_HEAD, "{\"iss\":\"key1\",\"exp\":\"2000\"}", "north", NO_EXP },
        { "two expiries", GOOD_HEAD, "{\"iss\":\"key1\",\"exp\":1,\"exp\":2000}", "north",
            MALFORMED },
        { "not before, a text", GOOD_HEAD, "{\"iss\":\"key1\",\"exp\":2000,\"nbf\":\"1\"}", "north",
            "invalid token: nbf is no time" },
        { "claims are no object", GOOD_HEAD, "[\"iss\"]", "north", MALFORMED },
        { "claims are no JSON", GOOD_HEAD, "{", "north", MALFORMED },
        { "head is no JSON", "alg", "{\"iss\":\"key1\",\"exp\":2000}", "north", MALFORMED },
        { "a NUL in the claims", GOOD_HEAD, "{\"iss\":\"key1\\u0000\",\"exp\":2000}", "north",
            MALFORMED },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(buf_finish) struct buf b;
        buf_init(&b, 0);
        make_token(&b, r->head, r->claims, r->secret);
        CHECK_STR(r->want, verdict(buf_str(&b), NOW_S));
    }
}

TEST(livekit_jwt, allows_a_minute_between_the_clocks) {
    static const struct {
        const char *name;
        int64_t now_s;
        const char *want;
    } rows[] = {
        { "in time", 1500, "fine" },
        { "at the expiry", 2000, "fine" },
        { "a minute later, less a second", 2059, "fine" },
        { "a minute later", 2060, "invalid token: token is expired" },
        { "years later", INT64_C(4000000000), "invalid token: token is expired" },
        { "a minute early", 940, "fine" },
        { "earlier", 939, "invalid token: token is not valid yet" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(buf_finish) struct buf b;
        buf_init(&b, 0);
        make_token(&b, GOOD_HEAD, "{\"iss\":\"key1\",\"exp\":2000,\"nbf\":1000}", "north");
        CHECK_STR(r->want, verdict(buf_str(&b), r->now_s));
    }
}

/* Each way to write a good token differently; HEAD, CLAIMS and MAC stand for its parts. */
TEST(livekit_jwt, takes_one_spelling_only) {
    static const struct {
        const char *name, *form;
    } rows[] = {
        { "nothing", "" },
        { "a dot", "." },
        { "dots", ".." },
        { "one part", "H" },
        { "two parts", "H.C" },
        { "two parts and a dot", "H.C." },
        { "no head", ".C.M" },
        { "no claims", "H..M" },
        { "four parts", "H.C.M.M" },
        { "a fourth, empty part", "H.C.M." },
        { "a blank before", " H.C.M" },
        { "a blank behind", "H.C.M " },
        { "a line end behind", "H.C.M\n" },
        { "a blank inside", "H. C.M" },
        { "padding", "H.C.M=" },
        { "padded claims", "H.C=.M" },
        { "the signature twice", "H.C.MM" },
        { "claims for a signature", "H.C.C" },
        { "head and claims exchanged", "C.H.M" },
    };
    CLEANUP(buf_finish) struct buf good;
    buf_init(&good, 0);
    make_token(&good, GOOD_HEAD, "{\"iss\":\"key1\",\"exp\":2000}", "north");
    CHECK_STR("fine", verdict(buf_str(&good), NOW_S));
    char *rest = good.data;
    const char *head = strsep(&rest, ".");
    const char *claims = strsep(&rest, ".");
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(buf_finish) struct buf b;
        buf_init(&b, 0);
        for (const char *p = r->form; *p != '\0'; p++) {
            const char part[] = { *p, '\0' };
            buf_puts(&b, *p == 'H' ? head : *p == 'C' ? claims : *p == 'M' ? rest : part);
        }
        CHECK(strcmp("fine", verdict(buf_str(&b), NOW_S)) != 0);
    }
}

TEST(livekit_jwt, refuses_a_token_with_any_bit_changed) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    make_token(&b, GOOD_HEAD, "{\"iss\":\"key1\",\"exp\":2000}", "north");
    for (size_t i = 0; i < b.len; i++) {
        b.data[i] ^= 1;
        CHECK(strcmp("fine", verdict(b.data, NOW_S)) != 0);
        b.data[i] ^= 1;
    }
    CHECK_STR("fine", verdict(b.data, NOW_S));
}

TEST(livekit_jwt, refuses_what_is_too_long_to_look_at) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    while (b.len <= LK_JWT_MAX_BYTES) {
        buf_puts(&b, "abcd");
    }
    buf_puts(&b, ".abcd.abcd");
    CHECK_STR(MALFORMED, verdict(buf_str(&b), NOW_S));
    json_t *claims = json_pack("{s:s}", "metadata", buf_str(&b));
    char *token = NULL;
    CHECK_ERR(ERR_TOO_LARGE, lk_jwt_mint(claims, "north", &token));
    CHECK(token == NULL);
    json_decref(claims);
}

/* As any other library signs: {"alg":"HS256","typ":"JWT"}, key "north". */
TEST(livekit_jwt, writes_what_others_write) {
    CLEANUP(mem_freep) char *token = NULL;
    json_t *claims = json_pack("{s:i,s:s}", "exp", 2000, "iss", "key1");
    CHECK_ERR(OK, lk_jwt_mint(claims, "north", &token));
    json_decref(claims);
    CHECK_STR("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjIwMDAsImlzcyI6ImtleTEifQ."
              "zhvNzWnPItQMQcB0nYX_rkcf8Uq2R-ss4UG1lMh3WEc",
        token);
    CHECK_STR("fine", verdict(token, NOW_S));
}

TEST(livekit_jwt, does_not_sign_without_a_secret) {
    char *token = NULL;
    json_t *claims = json_object();
    CHECK_ERR(ERR_INVALID, lk_jwt_mint(claims, "", &token));
    CHECK(token == NULL);
    json_decref(claims);
}

static void json_freep(json_t **j) {
    json_decref(*j);
}

TEST_ALLOC(livekit_jwt, survives_no_memory) {
    CLEANUP(lk_keys_destroyp) struct lk_keys *keys = NULL;
    CLEANUP(mem_freep) char *token = NULL;
    CLEANUP(json_freep) json_t *claims = json_pack("{s:s,s:i}", "iss", "key1", "exp", 2000);
    CLEANUP(json_freep) json_t *again = NULL;
    const struct lk_keys_source from = { "key1", "north", "", "", "" };
    TRY(lk_keys_create(&from, &keys));
    TRY(lk_jwt_mint(claims, lk_keys_signing_secret(keys), &token));
    return lk_jwt_verify(token, keys, NOW_S, &again);
}
