/* Where media is, on machines of every kind: the choice without settings, NAT, and what is refused.
 */
#include "media/places.h"

#include "core/mem.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define MAX 8

static const char *way; /* what packets would leave from; NULL: there is no route */

static bool route(const struct rtc_addr *to, struct rtc_addr *ret) {
    (void)to;
    return way != NULL && rtc_addr_read_ip(way, strlen(way), ret);
}

static enum err choose(const char *const *machine, const char *from, const char *const *items,
    struct media_places *ret) {
    struct rtc_addr addresses[MAX + 4] = { 0 };
    struct media_machine m = { .addresses = addresses, .route = route };
    size_t n = 0;
    way = from;
    for (; m.n < MAX + 4 && machine[m.n] != NULL; m.n++) {
        CHECK(rtc_addr_read_ip(machine[m.n], strlen(machine[m.n]), &addresses[m.n]));
    }
    while (n < MAX && items[n] != NULL) {
        n++;
    }
    return media_places_choose_of(&m, items, n, ret);
}

#define HOME "127.0.0.1", "::1", "fe80::1"

TEST(media_places, follow_from_machine_and_settings) {
    static const struct {
        const char *name;
        const char *machine[MAX + 4], *way, *items[MAX];
        const char *want[MAX + 1]; /* local>announced; NULL behind the last */
    } rows[] = {
        { "nothing said", { HOME, "2001:db8::7", "10.0.0.7" }, NULL, { NULL },
            { "10.0.0.7>10.0.0.7", "2001:db8::7>2001:db8::7" } },
        { "nothing but loopback", { HOME }, NULL, { NULL }, { "127.0.0.1>127.0.0.1", "::1>::1" } },
        { "its own address", { HOME, "8.8.4.4", "10.0.0.7" }, NULL, { "8.8.4.4" },
            { "8.8.4.4>8.8.4.4" } },
        { "loopback, because it is said", { HOME, "10.0.0.7" }, NULL, { "127.0.0.1" },
            { "127.0.0.1>127.0.0.1" } },
        { "NAT, said", { HOME, "10.0.0.7" }, NULL, { "8.8.4.4=10.0.0.7" }, { "10.0.0.7>8.8.4.4" } },
        { "NAT, by the route", { HOME, "10.0.0.7", "10.9.9.9" }, "10.0.0.7", { "8.8.4.4" },
            { "10.0.0.7>8.8.4.4" } },
        { "NAT, by the only address", { HOME, "fd00::7", "10.0.0.7" }, NULL, { "8.8.4.4" },
            { "10.0.0.7>8.8.4.4" } },
        { "public and private at once", { HOME, "10.0.0.7" }, NULL,
            { "8.8.4.4=10.0.0.7", "10.0.0.7" }, { "10.0.0.7>8.8.4.4", "10.0.0.7>10.0.0.7" } },
        { "the other family", { HOME, "fd00::7", "10.0.0.7" }, NULL, { "2001:4860::8" },
            { "fd00::7>2001:4860::8" } },
        { "more than fit",
            { "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7",
                "10.0.0.8", "10.0.0.9" },
            NULL, { NULL },
            { "10.0.0.1>10.0.0.1", "10.0.0.2>10.0.0.2", "10.0.0.3>10.0.0.3", "10.0.0.4>10.0.0.4",
                "10.0.0.5>10.0.0.5", "10.0.0.6>10.0.0.6", "10.0.0.7>10.0.0.7",
                "10.0.0.8>10.0.0.8" } },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct media_places p = { 0 };
        size_t n = 0;
        CHECK_ERR(OK, choose(r->machine, r->way, r->items, &p));
        for (; r->want[n] != NULL && n < p.n; n++) {
            char got[2 * RTC_ADDR_TEXT_SIZE];
            snprintf(got, sizeof(got), "%s>%s", p.at[n].local, p.at[n].announced);
            CHECK_STR(r->want[n], got);
        }
        CHECK(r->want[n] == NULL);
        CHECK_INT(n, p.n);
        CHECK_INT(r->machine[MAX] != NULL, p.cut);
    }
}

TEST(media_places, are_refused_where_they_are_not_clear) {
    static const struct {
        const char *name;
        const char *machine[MAX + 4], *way, *items[MAX], *want;
        enum err err;
    } rows[] = {
        { "two addresses and no route", { HOME, "10.0.0.7", "10.9.9.9" }, NULL, { "8.8.4.4" },
            "write 8.8.4.4=<the address here>", ERR_INVALID },
        { "no address of the family", { HOME, "10.0.0.7" }, NULL, { "2001:4860::8" },
            "write 2001:4860::8=<the address here>", ERR_INVALID },
        { "a route over loopback", { HOME }, "127.0.0.1", { "8.8.4.4" },
            "write 8.8.4.4=<the address here>", ERR_INVALID },
        { "no address", { HOME }, NULL, { "example.com" }, "'example.com' is no address",
            ERR_INVALID },
        { "no private address", { HOME }, NULL, { "8.8.4.4=x" }, "'8.8.4.4=x' is no address",
            ERR_INVALID },
        { "a machine without addresses", { NULL }, NULL, { NULL }, "no address to listen", ERR_IO },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct media_places p = { 0 };
        CHECK_ERR(r->err, choose(r->machine, r->way, r->items, &p));
        CHECK(strstr(err_text(), r->want) != NULL);
        CHECK_INT(0, p.n);
    }
}

TEST(media_places, are_there_on_this_machine) {
    struct media_places p = { 0 };
    const char *const loopback[] = { "127.0.0.1" };
    CHECK_ERR(OK, media_places_choose(NULL, 0, &p));
    CHECK(p.n > 0);
    CHECK_ERR(OK, media_places_choose(loopback, 1, &p));
    CHECK_INT(1, p.n);
    CHECK_STR("127.0.0.1", p.at[0].local);
    CHECK_STR("127.0.0.1", p.at[0].announced);
}

TEST(media_places, say_who_reaches_an_address) {
    static const struct {
        const char *name;
        enum media_reach want;
    } rows[] = {
        { "8.8.4.4", MEDIA_REACH_ALL },
        { "172.15.255.255", MEDIA_REACH_ALL },
        { "172.16.0.1", MEDIA_REACH_NETWORK },
        { "172.31.255.255", MEDIA_REACH_NETWORK },
        { "172.32.0.1", MEDIA_REACH_ALL },
        { "10.255.0.1", MEDIA_REACH_NETWORK },
        { "192.168.1.1", MEDIA_REACH_NETWORK },
        { "192.169.1.1", MEDIA_REACH_ALL },
        { "100.64.0.1", MEDIA_REACH_NETWORK },
        { "100.127.0.1", MEDIA_REACH_NETWORK },
        { "100.128.0.1", MEDIA_REACH_ALL },
        { "127.1.2.3", MEDIA_REACH_HOST },
        { "169.254.1.1", MEDIA_REACH_LINK },
        { "0.0.0.0", MEDIA_REACH_NONE },
        { "224.0.0.1", MEDIA_REACH_NONE },
        { "203.0.113.5", MEDIA_REACH_NONE },
        { "::1", MEDIA_REACH_HOST },
        { "::", MEDIA_REACH_NONE },
        { "2001:4860::8", MEDIA_REACH_ALL },
        { "2001:db8::1", MEDIA_REACH_NONE },
        { "fd00::1", MEDIA_REACH_NETWORK },
        { "fe80::1", MEDIA_REACH_LINK },
        { "ff02::1", MEDIA_REACH_NONE },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_addr a = { 0 };
        CHECK(rtc_addr_read_ip(r->name, strlen(r->name), &a));
        CHECK_INT(r->want, media_reach_of(&a));
    }
}
