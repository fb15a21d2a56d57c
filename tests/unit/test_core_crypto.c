/* Digests against published vectors, text forms against their mirror image. */
#include "core/crypto.h"

#include "test.h"

#include <string.h>

TEST(core_crypto, sha256_has_the_published_values) {
    static const struct {
        const char *name, *in, *want; /* FIPS 180-2, appendix B */
    } rows[] = {
        { "nothing", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    };
    struct sha256 *pieces = NULL;
    CHECK_ERR(OK, sha256_create(&pieces));
    FOR_ROWS (rows, r) {
        ROW(r->name);
        uint8_t digest[SHA256_SIZE];
        char hex[2 * SHA256_SIZE + 1];
        crypto_sha256(r->in, strlen(r->in), digest);
        crypto_hex(digest, sizeof(digest), hex);
        CHECK_STR(r->want, hex);
        sha256_begin(pieces); /* one object, many digests, also after one that was given up */
        sha256_add(pieces, "given up", 8);
        sha256_begin(pieces);
        for (const char *c = r->in; *c != '\0'; c++) {
            sha256_add(pieces, c, 1);
        }
        sha256_end(pieces, digest);
        crypto_hex(digest, sizeof(digest), hex);
        CHECK_STR(r->want, hex);
    }
    sha256_destroy(pieces);
    sha256_destroy(NULL);
}

TEST(core_crypto, hmac_has_the_published_value_however_it_is_split) {
    /* RFC 4231, 4.3 (test case 2) */
    static const char text[] = "what do ya want for nothing?";
    struct hmac_key *k = NULL;
    CHECK_ERR(OK, hmac_key_create((const uint8_t *)"Jefe", 4, &k));
    for (size_t split = 0; split <= strlen(text); split++) { /* one key, many uses */
        uint8_t mac[SHA256_SIZE];
        char hex[2 * SHA256_SIZE + 1];
        CHECK_ERR(OK, hmac_sign(k, text, split, text + split, strlen(text) - split, mac));
        crypto_hex(mac, sizeof(mac), hex);
        CHECK_STR("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", hex);
    }
    hmac_key_destroy(k);
    hmac_key_destroy(NULL);
}

TEST(core_crypto, hmac_sha1_has_the_published_values) {
    static const struct {
        const char *name, *key, *in, *want; /* RFC 2202, 3: test case 2; and of nothing */
    } rows[] = {
        { "a word", "Jefe", "what do ya want for nothing?",
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
        { "nothing", "", "", "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        uint8_t mac[SHA1_SIZE];
        char hex[2 * SHA1_SIZE + 1];
        CHECK_ERR(OK, crypto_hmac_sha1(r->key, r->in, strlen(r->in), mac));
        crypto_hex(mac, sizeof(mac), hex);
        CHECK_STR(r->want, hex);
    }
}

TEST_ALLOC(core_crypto, survives_no_memory) {
    struct hmac_key *k = NULL;
    TRY(hmac_key_create((const uint8_t *)"k", 1, &k));
    hmac_key_destroy(k);
    struct sha256 *s = NULL;
    TRY(sha256_create(&s));
    sha256_destroy(s);
    return OK;
}

TEST(core_crypto, compares_secrets) {
    CHECK(crypto_equal("token", "token") && crypto_equal("", ""));
    CHECK(!crypto_equal("token", "tokem") && !crypto_equal("token", "toke") &&
          !crypto_equal("", "a"));
    CHECK(!crypto_equal(NULL, "a") && !crypto_equal("a", NULL) && !crypto_equal(NULL, NULL));
    CHECK(crypto_equal_bytes("ab\0c", "ab\0c", 4) && crypto_equal_bytes("a", "b", 0));
    CHECK(!crypto_equal_bytes("ab\0c", "ab\0d", 4));
}

TEST(core_crypto, reads_hex_of_exactly_the_length) {
    static const struct {
        const char *name, *text;
        bool want;
    } rows[] = {
        { "lower", "00ff7f", true },
        { "upper", "00FF7F", true },
        { "short", "00ff7", false },
        { "long", "00ff7f0", false },
        { "no digit", "00ffg0", false },
        { "below the letters", "00ff@0", false },
        { "empty", "", false },
    };
    static const uint8_t bytes[] = { 0x00, 0xFF, 0x7F };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        uint8_t got[3] = { 0 };
        CHECK(crypto_unhex(r->text, got, sizeof(got)) == r->want);
        CHECK(!r->want || memcmp(got, bytes, sizeof(got)) == 0);
    }
}

TEST(core_crypto, uuids_are_of_version_7_and_ordered_by_time) {
    char a[UUID_TEXT_SIZE];
    char b[UUID_TEXT_SIZE];
    char same_ms[UUID_TEXT_SIZE];
    crypto_uuid(INT64_C(1795253400123), a);
    crypto_uuid(INT64_C(1795253400123), same_ms);
    crypto_uuid(INT64_C(1795253400124), b);
    CHECK(strncmp(a, "01a1fd70-f23b-7", 15) == 0);
    CHECK(strchr("89ab", a[19]) != NULL);
    CHECK(strcmp(a, b) < 0);
    CHECK(strcmp(a, same_ms) != 0);
    uint8_t bytes[UUID_SIZE];
    char again[UUID_TEXT_SIZE];
    CHECK(crypto_uuid_read(a, bytes));
    crypto_uuid_write(bytes, again);
    CHECK_STR(a, again);
}

TEST(core_crypto, refuses_what_is_no_uuid) {
    static const struct {
        const char *name, *text;
    } rows[] = {
        { "empty", "" },
        { "short", "0190163d-8694-739b-aea5-966c26f8ad9" },
        { "long", "0190163d-8694-739b-aea5-966c26f8ad911" },
        { "no dashes", "0190163d086940739b0aea50966c26f8ad91" },
        { "dash elsewhere", "0190163-d8694-739b-aea5-966c26f8ad91" },
        { "no digit", "0190163d-8694-739b-aea5-966c26f8ad9g" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        uint8_t bytes[UUID_SIZE];
        CHECK(!crypto_uuid_read(r->text, bytes));
    }
}

TEST(core_crypto, random_bytes_differ) {
    uint8_t a[32] = { 0 };
    uint8_t b[32] = { 0 };
    crypto_random(a, sizeof(a));
    crypto_random(b, sizeof(b));
    CHECK(memcmp(a, b, sizeof(a)) != 0);
}

TEST(core_crypto, writes_base64_without_padding) {
    static const struct {
        const char *name, *bytes, *want, *want_url;
    } rows[] = {
        { "nothing", "", "", "" },
        { "one byte", "f", "Zg", "Zg" },
        { "two", "fo", "Zm8", "Zm8" },
        { "three", "foo", "Zm9v", "Zm9v" },
        { "the letters that differ", "\xfb\xff", "+/8", "-_8" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        char got[CRYPTO_BASE64_SIZE(3)];
        crypto_base64((const uint8_t *)r->bytes, strlen(r->bytes), got);
        CHECK_STR(r->want, got);
        crypto_base64url((const uint8_t *)r->bytes, strlen(r->bytes), got);
        CHECK_STR(r->want_url, got);
    }
}

TEST(core_crypto, reads_base64url_in_one_spelling_only) {
    static const struct {
        const char *name, *text, *want; /* NULL = refused */
    } rows[] = {
        { "nothing", "", "" },
        { "one byte", "Zg", "f" },
        { "two", "Zm8", "fo" },
        { "three", "Zm9v", "foo" },
        { "its own letters", "-_8", "\xfb\xff" },
        { "letters of the other alphabet", "+/8", NULL },
        { "padding", "Zg==", NULL },
        { "a lone character", "Zm9vA", NULL },
        { "bits that mean nothing", "Zh", NULL },
        { "a blank", "Zm 8", NULL },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        uint8_t got[8] = { 0 };
        size_t len = 0;
        bool fine = crypto_unbase64url(r->text, strlen(r->text), got, &len);
        CHECK_INT(r->want != NULL, fine);
        CHECK(r->want == NULL || (len == strlen(r->want) && memcmp(got, r->want, len) == 0));
    }
}
