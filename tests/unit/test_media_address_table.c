/* Whose datagram it is, by path and by user fragment. */
#include "media/address_table.h"

#include "test.h"

#include <string.h>

/* Only its address counts here. */
struct media_transport {
    int unused;
};

static struct rtc_ice_path path(uint8_t last, uint16_t port, bool tcp, uint32_t via) {
    uint8_t ip[4] = { 192, 0, 2, last };
    return (struct rtc_ice_path){ .peer = rtc_addr_v4(ip, port, tcp), .via = via };
}

TEST(media_address_table, a_path_is_all_of_its_parts) {
    struct media_address_table t = { 0 };
    struct media_transport a = { 0 }, b = { 0 };
    struct media_route ra = { 0 }, rb = { 0 };
    struct rtc_ice_path home = path(1, 4000, false, 0);
    CHECK(media_address_find(&t, &home) == NULL);
    CHECK(media_address_add(&t, &ra, &home, &a));
    CHECK(!media_address_add(&t, &rb, &home, &b)); /* it is a's */
    static const struct {
        const char *name;
        uint8_t last;
        uint16_t port;
        bool tcp;
        uint32_t via;
        bool known;
    } rows[] = {
        { "the same", 1, 4000, false, 0, true },
        { "another address", 2, 4000, false, 0, false },
        { "another port", 1, 4001, false, 0, false },
        { "over TCP", 1, 4000, true, 0, false },
        { "at another socket of ours", 1, 4000, false, 1, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_ice_path p = path(r->last, r->port, r->tcp, r->via);
        CHECK((media_address_find(&t, &p) == &a) == r->known);
    }
    media_address_remove(&t, &ra);
    media_address_remove(&t, &ra);
    CHECK(media_address_find(&t, &home) == NULL);
    CHECK(media_address_add(&t, &rb, &home, &b));
    CHECK(media_address_find(&t, &home) == &b);
    media_address_remove(&t, &rb);
}

TEST(media_address_table, paths_that_share_a_place_stay_apart) {
    struct media_address_table t = { 0 };
    struct media_transport a = { 0 }, b = { 0 };
    struct media_route ra = { 0 }, rb = { 0 };
    struct rtc_ice_path udp = path(1, 4000, false, 0), tcp = path(1, 4000, true, 7);
    CHECK(media_address_add(&t, &ra, &udp, &a) && media_address_add(&t, &rb, &tcp, &b));
    for (int i = 0; i < 3; i++) {
        CHECK(media_address_find(&t, &udp) == &a && media_address_find(&t, &tcp) == &b);
    }
    media_address_remove(&t, &ra);
    CHECK(media_address_find(&t, &udp) == NULL && media_address_find(&t, &tcp) == &b);
    media_address_remove(&t, &rb);
    CHECK(media_address_find(&t, &tcp) == NULL);
}

TEST(media_address_table, finds_user_fragments) {
    struct media_address_table t = { 0 };
    struct media_transport a = { 0 }, b = { 0 };
    struct media_fragment fa = { 0 }, fb = { 0 };
    CHECK(media_address_add_ufrag(&t, &fa, "abcd", &a));
    CHECK(!media_address_add_ufrag(&t, &fb, "abcd", &b));
    CHECK(!media_address_add_ufrag(&t, &fb, "123456789012345678901234567890123", &b));
    CHECK(media_address_add_ufrag(&t, &fb, "abcde", &b));
    CHECK(media_address_find_ufrag(&t, (const uint8_t *)"abcdef", 4) == &a);
    CHECK(media_address_find_ufrag(&t, (const uint8_t *)"abcdef", 5) == &b);
    CHECK(media_address_find_ufrag(&t, (const uint8_t *)"abcdef", 6) == NULL);
    CHECK(media_address_find_ufrag(&t, (const uint8_t *)"", 0) == NULL);
    media_address_remove_ufrag(&t, &fa);
    media_address_remove_ufrag(&t, &fb);
    CHECK(media_address_find_ufrag(&t, (const uint8_t *)"abcd", 4) == NULL);
}

TEST_ALLOC(media_address_table, survives_no_memory) {
    struct media_address_table t = { 0 };
    struct media_transport a = { 0 };
    struct media_route route = { 0 };
    struct media_fragment fragment = { 0 };
    struct rtc_ice_path home = path(1, 4000, false, 0);
    bool route_added = media_address_add(&t, &route, &home, &a);
    bool fragment_added = media_address_add_ufrag(&t, &fragment, "abcd", &a);
    CHECK((media_address_find(&t, &home) == &a) == route_added);
    CHECK((media_address_find_ufrag(&t, (const uint8_t *)"abcd", 4) == &a) == fragment_added);
    media_address_remove(&t, &route);
    media_address_remove_ufrag(&t, &fragment);
    return route_added && fragment_added ? OK : ERR_NOMEM;
}
