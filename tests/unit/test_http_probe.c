/* The question that only the holder of the secret can ask, and the answer that only a Parley gives.
 */
#include "http/probe.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

static const struct http_probe_sight behind_proxy = {
    .is_public = true,
    .trusted = true,
    .hop = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff",
    .told = "2001:db8:1111:2222:3333:4444:5555:6666",
    .client = "2001:db8:1111:2222:3333:4444:5555:6666",
};

TEST(http_probe, tells_what_was_seen) {
    static const struct {
        const char *name;
        struct http_probe_sight sight;
    } rows[] = {
        { "longest addresses", { true, true, "2001:db8:aaaa:bbbb:cccc:dddd:255.255.255.255",
                                   "2001:db8:1111:2222:3333:4444:255.255.255.255",
                                   "2001:db8:1111:2222:3333:4444:255.255.255.255" } },
        { "nothing forwarded", { true, false, "192.0.2.1", "none", "192.0.2.1" } },
        { "no address forwarded", { true, true, "127.0.0.1", "odd", "127.0.0.1" } },
        { "the private door", { false, true, "127.0.0.1", "none", "127.0.0.1" } },
        { "a unix socket", { true, true, "unix", "192.0.2.9", "192.0.2.9" } },
    };
    CLEANUP(http_probe_key_destroyp) struct http_probe_key *k = NULL;
    CHECK_ERR(OK, http_probe_key_create("a secret", &k));
    FOR_ROWS (rows, r) {
        char nonce[HTTP_PROBE_NONCE_SIZE], asked[HTTP_PROBE_TEXT_SIZE];
        char answered[HTTP_PROBE_TEXT_SIZE];
        struct http_probe_sight got = { 0 };
        ROW(r->name);
        CHECK_ERR(OK, http_probe_ask(k, nonce, asked));
        CHECK(http_probe_answer(k, asked, &r->sight, answered));
        CHECK(http_probe_read(k, nonce, answered, &got));
        CHECK_STR(r->sight.hop, got.hop);
        CHECK_STR(r->sight.client, got.client);
        CHECK_INT(r->sight.is_public, got.is_public);
        CHECK_STR(r->sight.told, got.told);
        CHECK_INT(r->sight.trusted, got.trusted);
    }
}

TEST(http_probe, answers_nobody_else) {
    static const struct {
        const char *name, *asked;
    } rows[] = {
        { "nothing", "" },
        { "no MAC", "00112233445566778899aabbccddeeff" },
        { "an empty MAC", "00112233445566778899aabbccddeeff " },
        { "an invented MAC", "00112233445566778899aabbccddeeff "
                             "0000000000000000000000000000000000000000000000000000000000000000" },
        { "only spaces", "      " },
    };
    char nonce[HTTP_PROBE_NONCE_SIZE], asked[HTTP_PROBE_TEXT_SIZE], answered[HTTP_PROBE_TEXT_SIZE];
    CLEANUP(http_probe_key_destroyp) struct http_probe_key *k = NULL;
    CLEANUP(http_probe_key_destroyp) struct http_probe_key *other = NULL;
    CHECK_ERR(OK, http_probe_key_create("a secret", &k));
    CHECK_ERR(OK, http_probe_key_create("another", &other));
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK(!http_probe_answer(k, r->asked, &behind_proxy, answered));
    }
    ROW("another secret");
    CHECK_ERR(OK, http_probe_ask(other, nonce, asked));
    CHECK(!http_probe_answer(k, asked, &behind_proxy, answered));
    ROW("words of any length");
    char lengthy[4096];
    memset(lengthy, 'a', sizeof(lengthy));
    memcpy(lengthy + 3000, " 00", 4);
    CHECK(!http_probe_answer(k, lengthy, &behind_proxy, answered));
}

TEST(http_probe, believes_nobody_else) {
    char nonce[HTTP_PROBE_NONCE_SIZE], later[HTTP_PROBE_NONCE_SIZE];
    char asked[HTTP_PROBE_TEXT_SIZE], answered[HTTP_PROBE_TEXT_SIZE];
    struct http_probe_sight got = { 0 };
    CLEANUP(http_probe_key_destroyp) struct http_probe_key *k = NULL;
    CHECK_ERR(OK, http_probe_key_create("a secret", &k));
    CHECK_ERR(OK, http_probe_ask(k, nonce, asked));
    ROW("the question sent back");
    CHECK(!http_probe_read(k, nonce, asked, &got));
    CHECK(http_probe_answer(k, asked, &behind_proxy, answered));
    ROW("an older answer");
    CHECK_ERR(OK, http_probe_ask(k, later, asked));
    CHECK(!http_probe_read(k, later, answered, &got));
    ROW("an altered answer");
    answered[strlen(nonce) + 2] ^= 1;
    CHECK(!http_probe_read(k, nonce, answered, &got));
}

TEST_ALLOC(http_probe, survives_no_memory) {
    CLEANUP(http_probe_key_destroyp) struct http_probe_key *k = NULL;
    return http_probe_key_create("a secret", &k);
}
