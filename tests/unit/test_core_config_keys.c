/* Settings as a whole: what `serve` needs, and what follows from them. */
#include "core/config.h"

#include "test.h"

#include <string.h>

static enum err load(const char *text, const char *variable, struct config **ret) {
    char home[] = "HOME=/";
    char *env[] = { home, (char *)(uintptr_t)variable, NULL };
    return config_load_text("parley.yaml", text, strlen(text), env, ret);
}

TEST(core_config_keys, says_what_serve_needs) {
    struct config *c = NULL;
    CHECK_ERR(OK, load("", NULL, &c));
    CHECK_ERR(ERR_INVALID, config_check_serve(c));
    CHECK_STR(
        "homeserver.name is not set: write it into the settings file or set PARLEY_HOMESERVER_NAME",
        err_text());
    config_destroy(c);
    c = NULL;
    CHECK_ERR(OK, load("homeserver: {name: example.com}", NULL, &c));
    CHECK_ERR(OK, config_check_serve(c));
    config_destroy(c);
}

TEST(core_config_keys, concludes_who_carries_media) {
    static const struct {
        const char *name, *text;
        const char *variable;
        enum rtc_sfu want;
    } rows[] = {
        { "nothing said", "", NULL, RTC_SFU_EXTERNAL },
        { "clients are sent to us", "rtc: {public_url: \"https://c\"}", NULL, RTC_SFU_EMBEDDED },
        { "said aloud", "rtc: {public_url: \"https://c\", sfu: auto}", NULL, RTC_SFU_EMBEDDED },
        { "a LiveKit server is there", "livekit: {url: wss://c}", NULL, RTC_SFU_EXTERNAL },
        { "and we give tokens for it", "rtc: {public_url: \"https://c\"}\nlivekit: {url: wss://c}",
            NULL, RTC_SFU_EXTERNAL },
        { "it is named by a variable", "rtc: {public_url: \"https://c\"}", "LIVEKIT_URL=wss://c",
            RTC_SFU_EXTERNAL },
        { "so are we", "", "PARLEY_RTC_PUBLIC_URL=https://c", RTC_SFU_EMBEDDED },
        { "external without a server", "rtc: {public_url: \"https://c\", sfu: external}", NULL,
            RTC_SFU_EXTERNAL },
        { "embedded beside one", "rtc: {sfu: embedded}\nlivekit: {url: wss://c}", NULL,
            RTC_SFU_EMBEDDED },
        { "off", "rtc: {public_url: \"https://c\", sfu: off}", NULL, RTC_SFU_OFF },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(config_destroyp) struct config *c = NULL;
        CHECK_ERR(OK, load(r->text, r->variable, &c));
        CHECK_INT(r->want, c->rtc.sfu);
    }
}

/* Refused: the sentence's beginning; else what follows from it. */
TEST(core_config_keys, knows_what_an_embedded_sfu_needs) {
    static const struct {
        const char *name, *text, *refusal;
        bool alone, tokens;
    } rows[] = {
        { "nothing but itself", "rtc: {sfu: embedded}", NULL, true, false },
        { "with a homeserver",
            "homeserver: {name: a}\nrtc: {sfu: embedded, public_url: \"https://c\"}", NULL, false,
            true },
        { "that nobody is sent to", "homeserver: {name: a}\nrtc: {sfu: embedded}",
            "rtc.public_url is not set", false, true },
        { "sent by livekit.url",
            "homeserver: {name: a}\nrtc: {sfu: embedded}\nlivekit: {url: wss://c}", NULL, false,
            true },
        { "for others' users", "rtc: {sfu: embedded, full_access: [b], public_url: \"https://c\"}",
            NULL, true, true },
        { "off", "homeserver: {name: a}\nrtc: {sfu: off}\nlivekit: {url: wss://c}", NULL, false,
            false },
        { "off and alone", "rtc: {sfu: off}\nlivekit: {url: wss://c}", "homeserver.name is not set",
            false, false },
        { "ports for all workers",
            "rtc: {sfu: embedded, udp_port: 100, udp_port_last: 103, workers: 4}", NULL, true,
            false },
        { "receivers of its news", "rtc: {sfu: embedded, webhooks: [\"https://a/b\"]}", NULL, true,
            false },
        { "receivers of another's news",
            "livekit: {url: wss://c}\nrtc: {webhooks: [\"https://a\"]}",
            "rtc.webhooks is for rtc.sfu: embedded", true, true },
        { "ports for some", "rtc: {sfu: embedded, udp_port: 100, udp_port_last: 102, workers: 4}",
            "rtc.workers: 4 workers do not fit the UDP ports 100 to 102", true, false },
        { "ports that end before they begin",
            "rtc: {sfu: embedded, udp_port: 100, udp_port_last: 99}",
            "rtc.udp_port_last must not be below rtc.udp_port (100); got 99", true, false },
        { "ports beyond the last", "rtc: {sfu: embedded, udp_port: 65535, workers: 2}",
            "rtc.workers: 2 workers do not fit the UDP ports 65535 to 65535", true, false },
        { "TCP ports beyond the last", "rtc: {sfu: embedded, tcp_port: 65535, workers: 2}",
            "rtc.workers: 2 workers do not fit the TCP ports from 65535 on", true, false },
        { "an address both said and asked for",
            "rtc: {sfu: embedded, announced_ips: [192.0.2.1], discover_ip: \"stun:a\"}",
            "rtc.discover_ip asks for what rtc.announced_ips says", true, false },
        { "an address asked for", "rtc: {sfu: embedded, discover_ip: \"stun:[::1]:3478\"}", NULL,
            true, false },
        { "a relay without a secret", "rtc: {sfu: embedded}\nturn: {urls: [\"turn:a\"]}",
            "turn.secret_file is not set: turn:a needs the secret", true, false },
        { "a relay with one",
            "rtc: {sfu: embedded}\nturn: {urls: [\"stun:a\", \"turns:a:443?transport=tcp\"], "
            "secret: s}",
            NULL, true, false },
        { "STUN needs none", "rtc: {sfu: embedded}\nturn: {urls: [\"stun:a\"]}", NULL, true,
            false },
        { "an end without a beginning", "rtc: {sfu: embedded, udp_port: 0, udp_port_last: 99}",
            "rtc.udp_port_last must not be below", true, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(config_destroyp) struct config *c = NULL;
        CHECK_ERR(OK, load(r->text, NULL, &c));
        CHECK_ERR(r->refusal == NULL ? OK : ERR_INVALID, config_check_serve(c));
        CHECK(r->refusal == NULL || strncmp(err_text(), r->refusal, strlen(r->refusal)) == 0);
        CHECK_INT(r->alone, config_alone(c));
        CHECK_INT(r->tokens, config_gives_tokens(c));
    }
}

TEST(core_config_keys, says_how_many_workers) {
    static const struct {
        const char *name, *text;
        unsigned cores, want;
    } rows[] = {
        { "a core each", "", 4, 4 },
        { "cores are unknown", "", 0, 1 },
        { "as said", "rtc: {workers: 3}", 8, 3 },
        { "as ports are there", "rtc: {udp_port: 100, udp_port_last: 101}", 8, 2 },
        { "fewer than ports are there", "rtc: {udp_port: 100, udp_port_last: 109}", 8, 8 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(config_destroyp) struct config *c = NULL;
        CHECK_ERR(OK, load(r->text, NULL, &c));
        CHECK_INT(r->want, config_workers(c, r->cores));
    }
}
