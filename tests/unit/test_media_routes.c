/* Who is found by what. */
#include "media/routes.h"
#include "test.h"

#include <string.h>

/* A transport is a name only. */
static uint64_t names[2];
static struct media_transport *const one = (struct media_transport *)(void *)&names[0];
static struct media_transport *const two = (struct media_transport *)(void *)&names[1];

static struct rtc_ice_path path_of(uint8_t host) {
    uint8_t ip[4] = { 10, 0, 0, host };
    return (struct rtc_ice_path){ .peer = rtc_addr_v4(ip, 4000, false) };
}

static struct media_transport *by_ufrag(struct media_address_table *t, const char *ufrag) {
    return media_address_find_ufrag(t, (const uint8_t *)ufrag, strlen(ufrag));
}

static struct media_transport *by_path(struct media_address_table *t, uint8_t host) {
    struct rtc_ice_path path = path_of(host);
    return media_address_find(t, &path);
}

TEST(media_routes, paths_are_one_transports_and_bounded) {
    static struct media_address_table table;
    static struct media_routes a, b;
    memset(&table, 0, sizeof(table));
    CHECK_ERR(OK, media_routes_init(&a, &table, one, "aaaa"));
    CHECK_ERR(OK, media_routes_init(&b, &table, two, "bbbb"));
    for (uint8_t i = 0; i < RTC_ICE_PATHS_MAX + 2; i++) {
        struct rtc_ice_path path = path_of(i);
        media_routes_keep(&a, &path);
        media_routes_keep(&a, &path); /* each check says so */
        CHECK((by_path(&table, i) == one) == (i < RTC_ICE_PATHS_MAX));
    }
    struct rtc_ice_path first = path_of(0), stranger = path_of(200);
    media_routes_keep(&b, &first);
    CHECK(by_path(&table, 0) == one); /* nobody takes another's */
    media_routes_drop(&b, &first);
    media_routes_drop(&a, &stranger);
    CHECK(by_path(&table, 0) == one);
    media_routes_drop(&a, &first);
    CHECK(by_path(&table, 0) == NULL);
    media_routes_keep(&b, &first);
    CHECK(by_path(&table, 0) == two);
    media_routes_finish(&a);
    CHECK(by_path(&table, 1) == NULL && by_ufrag(&table, "aaaa") == NULL);
    CHECK(by_path(&table, 0) == two && by_ufrag(&table, "bbbb") == two);
    media_routes_finish(&b);
    CHECK(table.routes == NULL && table.fragments == NULL);
}

TEST(media_routes, a_fragment_and_the_one_before_it_are_known) {
    static struct media_address_table table;
    static struct media_routes a, b;
    memset(&table, 0, sizeof(table));
    CHECK_ERR(OK, media_routes_init(&a, &table, one, "aaaa"));
    CHECK_ERR(ERR_CONFLICT, media_routes_init(&b, &table, two, "aaaa"));
    media_routes_finish(&b);
    CHECK(by_ufrag(&table, "aaaa") == one);
    CHECK_ERR(OK, media_routes_init(&b, &table, two, "bbbb"));
    CHECK_ERR(ERR_CONFLICT, media_routes_rename(&a, "bbbb"));
    CHECK(by_ufrag(&table, "aaaa") == one && by_ufrag(&table, "bbbb") == two);
    CHECK_ERR(OK, media_routes_rename(&a, "cccc"));
    CHECK(by_ufrag(&table, "aaaa") == one && by_ufrag(&table, "cccc") == one);
    CHECK_ERR(OK, media_routes_rename(&a, "dddd")); /* again, before the peer used it */
    CHECK(by_ufrag(&table, "aaaa") == NULL && by_ufrag(&table, "cccc") == one);
    media_routes_renamed(&a);
    CHECK(by_ufrag(&table, "cccc") == NULL && by_ufrag(&table, "dddd") == one);
    media_routes_finish(&a);
    media_routes_finish(&b);
    CHECK(table.routes == NULL && table.fragments == NULL);
}
