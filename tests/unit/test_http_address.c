/* Addresses, blocks, and whose word about the client counts. */
#include "http/address.h"

#include "test.h"

#include <string.h>

static const char *rewritten(const char *text, char ret[HTTP_ADDRESS_TEXT_SIZE]) {
    struct http_address a;
    if (!http_address_read(text, strlen(text), &a)) {
        return NULL;
    }
    http_address_write(&a, ret);
    return ret;
}

TEST(http_address, reads_what_proxies_write) {
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "192.0.2.7", "192.0.2.7" },
        { "192.0.2.7:8080", "192.0.2.7" },
        { "2001:DB8::1", "2001:db8::1" },
        { "[2001:db8::1]", "2001:db8::1" },
        { "[2001:db8::1]:443", "2001:db8::1" },
        { "::ffff:192.0.2.7", "192.0.2.7" },
        { "::1", "::1" },
        { "", NULL },
        { "unknown", NULL },
        { "_hidden", NULL },
        { "192.0.2", NULL },
        { "192.0.2.256", NULL },
        { "[2001:db8::1", NULL },
        { "[]", NULL },
        { "a:b", NULL },
        { "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa", NULL },
    };
    FOR_ROWS (rows, r) {
        char text[HTTP_ADDRESS_TEXT_SIZE];
        ROW(r->text);
        CHECK_STR(r->want, rewritten(r->text, text));
    }
}

TEST(http_address, knows_what_lies_in_a_block) {
    static const struct {
        const char *block, *address;
        bool want;
    } rows[] = {
        { "10.0.0.0/8", "10.255.0.1", true },
        { "10.0.0.0/8", "11.0.0.1", false },
        { "10.0.0.0/9", "10.127.255.255", true },
        { "10.0.0.0/9", "10.128.0.0", false },
        { "192.0.2.7", "192.0.2.7", true },
        { "192.0.2.7", "192.0.2.8", false },
        { "0.0.0.0/0", "203.0.113.1", true },
        { "0.0.0.0/0", "2001:db8::1", false },
        { "2001:db8::/32", "2001:db8:ffff::1", true },
        { "2001:db8::/33", "2001:db8:8000::1", false },
        { "::/0", "192.0.2.7", true },
        { "::1", "::1", true },
    };
    FOR_ROWS (rows, r) {
        struct http_block b;
        struct http_address a;
        ROW(r->block);
        CHECK_ERR(OK, http_block_read(r->block, &b));
        CHECK(http_address_read(r->address, strlen(r->address), &a));
        CHECK(http_block_has(&b, &a) == r->want);
    }
}

TEST(http_address, refuses_what_is_no_block) {
    static const char *const rows[] = { "", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1",
        "::/129", "localhost", "10.0.0.0/8/8", "/8" };
    FOR_ROWS (rows, r) {
        struct http_block b;
        ROW(*r);
        CHECK_ERR(ERR_INVALID, http_block_read(*r, &b));
    }
}

TEST(http_address, keeps_unix_peers_apart) {
    struct http_block unix_peers, all;
    struct http_address local = { .local = true };
    struct http_address loopback;
    CHECK_ERR(OK, http_block_read("unix", &unix_peers));
    CHECK_ERR(OK, http_block_read("::/0", &all));
    CHECK(http_address_read("127.0.0.1", 9, &loopback));
    CHECK(http_block_has(&unix_peers, &local));
    CHECK(!http_block_has(&unix_peers, &loopback));
    CHECK(!http_block_has(&all, &local));
}

TEST(http_address, walks_through_trusted_proxies) {
    static const struct {
        const char *name, *peer, *forwarded, *want;
    } rows[] = {
        { "nobody forwarded", "10.0.0.1", NULL, "10.0.0.1" },
        { "an untrusted peer may say what it likes", "192.0.2.1", "1.1.1.1", "192.0.2.1" },
        { "one proxy", "10.0.0.1", "192.0.2.1", "192.0.2.1" },
        { "what stands left of the client was invented", "10.0.0.1", "6.6.6.6, 192.0.2.1",
            "192.0.2.1" },
        { "two proxies", "10.0.0.1", "192.0.2.1, 10.0.0.2", "192.0.2.1" },
        { "proxies only", "10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3" },
        { "noise", "10.0.0.1", "192.0.2.1, noise", "10.0.0.1" },
        { "empty word", "10.0.0.1", "192.0.2.1, ", "10.0.0.1" },
        { "empty", "10.0.0.1", "", "10.0.0.1" },
        { "port and brackets", "10.0.0.1", "[2001:db8::9]:1", "2001:db8::9" },
    };
    FOR_ROWS (rows, r) {
        struct http_block trusted;
        struct http_address peer;
        char text[HTTP_ADDRESS_TEXT_SIZE];
        ROW(r->name);
        CHECK_ERR(OK, http_block_read("10.0.0.0/8", &trusted));
        CHECK(http_address_read(r->peer, strlen(r->peer), &peer));
        struct http_address client = http_address_behind(&peer, r->forwarded, &trusted, 1);
        http_address_write(&client, text);
        CHECK_STR(r->want, text);
    }
}
