/* Token buckets by address. */
#include "http/limit.h"

#include "core/clock.h"
#include "http/address.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

static struct http_address address(const char *text) {
    struct http_address a = { .local = true };
    if (text != NULL) {
        CHECK(http_address_read(text, strlen(text), &a));
    }
    return a;
}

/* How many of `tries` at one moment pass. */
static int passes(struct http_limit *l, const char *who, int64_t now_us, int tries) {
    struct http_address a = address(who);
    int n = 0;
    for (int i = 0; i < tries; i++) {
        int64_t wait_ms;
        n += http_limit_take(l, &a, now_us, &wait_ms) ? 1 : 0;
    }
    return n;
}

TEST(http_limit, gives_a_burst_then_a_rate) {
    struct http_limit *l = NULL;
    CHECK_ERR(OK, http_limit_create(10, 5, &l));
    CHECK_INT(5, passes(l, "192.0.2.1", SEC_US, 20));
    CHECK_INT(0, passes(l, "192.0.2.1", SEC_US + 99999, 1));
    CHECK_INT(1, passes(l, "192.0.2.1", SEC_US + 100000, 20));
    CHECK_INT(5, passes(l, "192.0.2.1", 100 * SEC_US, 20));
    http_limit_destroy(l);
}

TEST(http_limit, says_when_to_come_again) {
    struct http_limit *l = NULL;
    struct http_address a = address("192.0.2.1");
    int64_t wait_ms = -1;
    CHECK_ERR(OK, http_limit_create(2, 1, &l));
    CHECK(http_limit_take(l, &a, SEC_US, &wait_ms));
    CHECK_INT(-1, wait_ms);
    CHECK(!http_limit_take(l, &a, SEC_US, &wait_ms));
    CHECK_INT(500, wait_ms);
    CHECK(!http_limit_take(l, &a, SEC_US + 499500, &wait_ms));
    CHECK_INT(1, wait_ms);
    CHECK(http_limit_take(l, &a, SEC_US + 500000, &wait_ms));
    http_limit_destroy(l);
}

TEST(http_limit, tells_customers_apart) {
    struct http_limit *l = NULL;
    CHECK_ERR(OK, http_limit_create(1, 1, &l));
    CHECK_INT(1, passes(l, "192.0.2.1", SEC_US, 2));
    CHECK_INT(1, passes(l, "192.0.2.2", SEC_US, 2));
    CHECK_INT(1, passes(l, "2001:db8:0:1::1", SEC_US, 2));
    CHECK_INT(0, passes(l, "2001:db8:0:1::2", SEC_US, 2)); /* the same /64 */
    CHECK_INT(1, passes(l, "2001:db8:0:2::1", SEC_US, 2));
    CHECK_INT(1, passes(l, NULL, SEC_US, 2));
    CHECK_INT(1, passes(l, "::", SEC_US, 2));
    http_limit_destroy(l);
}

TEST(http_limit, stays_bounded_and_fair_under_many_addresses) {
    struct http_limit *l = NULL;
    CHECK_ERR(OK, http_limit_create(1, 1, &l));
    uint64_t before = mem_live();
    for (int i = 0; i < 50000; i++) {
        char text[32];
        snprintf(text, sizeof(text), "10.%d.%d.%d", i >> 16, (i >> 8) & 255, i & 255);
        CHECK_INT(1, passes(l, text, SEC_US + i, 1));
    }
    CHECK_INT(before, mem_live());
    CHECK_INT(1, passes(l, "192.0.2.1", 2 * SEC_US, 5));
    http_limit_destroy(l);
}

TEST(http_limit, refuses_a_limit_of_nothing) {
    struct http_limit *l = NULL;
    CHECK_ERR(ERR_INVALID, http_limit_create(0, 1, &l));
    CHECK_ERR(ERR_INVALID, http_limit_create(1, 0, &l));
    CHECK(l == NULL);
}

TEST_ALLOC(http_limit, survives_no_memory) {
    struct http_limit *l = NULL;
    TRY(http_limit_create(1, 1, &l));
    http_limit_destroy(l);
    return OK;
}

TEST(http_limit, counts_names_apart) {
    struct http_limit *l = NULL;
    int64_t wait_ms = 0;
    CHECK_ERR(OK, http_limit_create(1, 2, &l));
    CHECK(http_limit_take_name(l, "@alice:hs", 0, &wait_ms));
    CHECK(http_limit_take_name(l, "@alice:hs", 0, &wait_ms));
    CHECK(!http_limit_take_name(l, "@alice:hs", 0, &wait_ms));
    CHECK_INT(1000, wait_ms);
    CHECK(http_limit_take_name(l, "@bob:hs", 0, &wait_ms));
    CHECK(http_limit_take_name(l, "@alice:hs", 1000000, &wait_ms));
    http_limit_destroy(l);
}
