/* Addresses for media in the settings, and of STUN and TURN servers: what is one. The other kinds
 * of text are in test_core_config.c. */
#include "core/config.h"

#include "core/buf.h"
#include "test.h"

#include <string.h>

#define STUN "rtc.discover_ip must be an address such as stun:stun.example.com:3478"
#define RELAYS                                                                                     \
    "turn.urls must be 0..8 addresses such as turn:turn.example.com:3478?transport=udp, "          \
    "turns:turn.example.com:443 or stun:stun.example.com"

#define ANNOUNCED                                                                                  \
    "rtc.announced_ips must be 0..8 addresses such as 203.0.113.5, 2001:db8::5 or "                \
    "203.0.113.5=10.0.0.5 (public=private)"

static void check(
    const char *section, const char *key, const char *url, bool fine, const char *why) {
    CLEANUP(config_destroyp) struct config *c = NULL;
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    buf_printf(&b, "%s: {%s: \"%s\"}", section, key, url);
    CHECK_ERR(fine ? OK : ERR_INVALID,
        config_load_text("parley.yaml", buf_str(&b), strlen(buf_str(&b)), NULL, &c));
    CHECK(fine || strstr(err_text(), why) != NULL);
}

TEST(core_config_texts, know_addresses_of_stun_and_turn_servers) {
    static const struct {
        const char *name, *url;
        bool stun, relay; /* may it stand in rtc.discover_ip, in turn.urls? */
    } rows[] = {
        { "a name", "stun:stun.example.com", true, true },
        { "an address with a port", "stun:192.0.2.1:3478", true, true },
        { "an address of IPv6", "stun:[2001:db8::5]", true, true },
        { "that with a port", "stun:[2001:db8::5]:3478", true, true },
        { "a relay", "turn:turn.example.com:3478?transport=udp", false, true },
        { "a relay by TLS", "turns:turn.example.com:443?transport=tcp", false, true },
        { "a relay by the way of its choice", "turns:[2001:db8::5]", false, true },
        { "a web server", "https://example.com", false, false },
        { "no scheme", "turn.example.com:3478", false, false },
        { "nowhere", "stun:", false, false },
        { "a port alone", "turn::3478", false, false },
        { "half an address", "turn:[2001:db8::5", false, false },
        { "an address of IPv4 in brackets", "turn:[192.0.2.1]", false, false },
        { "something behind an address", "turn:[2001:db8::5]x", false, false },
        { "no port that there is", "turn:a:65536", false, false },
        { "a port too long to be one", "turn:a:0000003478", false, false },
        { "no port", "turn:a:", false, false },
        { "something behind the port", "turn:a:3478/x", false, false },
        { "a relay by pigeons", "turn:a?transport=avian", false, false },
        { "STUN by TCP", "stun:a?transport=tcp", false, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        check("rtc", "discover_ip", r->url, r->stun, STUN);
        check("turn", "urls", r->url, r->relay, RELAYS);
    }
}

TEST(core_config_texts, know_announced_addresses) {
    static const struct {
        const char *name, *item;
        bool fine;
    } rows[] = {
        { "an address", "203.0.113.5", true },
        { "behind NAT", "203.0.113.5=10.0.0.5", true },
        { "of IPv6", "2001:db8::5", true },
        { "a name", "example.com", false },
        { "two families", "203.0.113.5=fd00::5", false },
        { "half of it", "203.0.113.5=", false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        check("rtc", "announced_ips", r->item, r->fine, ANNOUNCED);
    }
}
