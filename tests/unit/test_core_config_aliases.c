/* The variables of the token service that Parley replaces: what each means here, and that nothing
 * else is needed. */
#include "core/config.h"

#include "core/buf.h"
#include "core/clock.h"
#include "test.h"

#include <string.h>
#include <unistd.h>

#define ENV_MAX 8

static enum err load(const char *text, const char *const *variables, struct config **ret) {
    char *env[ENV_MAX + 1] = { NULL };
    for (size_t i = 0; i < ENV_MAX && variables[i] != NULL; i++) {
        env[i] = (char *)(uintptr_t)variables[i];
    }
    return config_load_text("parley.yaml", text, strlen(text), env, ret);
}

/* With and without the second family, as the machine has it. */
static bool six(void) {
    return access("/proc/net/if_inet6", F_OK) == 0;
}

TEST(core_config_aliases, mean_rows_of_ours) {
    static const struct {
        const char *name, *variable, *want; /* a line of config_print */
        bool everywhere;                    /* `want` is for machines with IPv6 */
    } rows[] = {
        { "url", "LIVEKIT_URL=wss://sfu.example.com", "  url: \"wss://sfu.example.com\"\n", false },
        { "key", "LIVEKIT_KEY=devkey", "  key: \"devkey\"\n", false },
        { "secret", "LIVEKIT_SECRET=a b", "  secret: \"a b\"\n", false },
        { "key file, relative too", "LIVEKIT_KEY_FROM_FILE=./key", "  key_from_file: \"./key\"\n",
            false },
        { "secret file", "LIVEKIT_SECRET_FROM_FILE=/run/s", "  secret_from_file: \"/run/s\"\n",
            false },
        { "file of pairs", "LIVEKIT_KEY_FILE=/run/k", "  key_file: \"/run/k\"\n", false },
        { "bind", "LIVEKIT_JWT_BIND=127.0.0.1:9000", "  public: [\"127.0.0.1:9000\"]\n", false },
        { "bind to a name", "LIVEKIT_JWT_BIND=localhost:9000", "  public: [\"127.0.0.1:9000\"]\n",
            false },
        { "bind to IPv6", "LIVEKIT_JWT_BIND=[::1]:9000", "  public: [\"[::1]:9000\"]\n", false },
        { "bind everywhere", "LIVEKIT_JWT_BIND=:9000",
            "  public: [\"0.0.0.0:9000\", \"[::]:9000\"]\n", true },
        { "port", "LIVEKIT_JWT_PORT=9000", "  public: [\"0.0.0.0:9000\", \"[::]:9000\"]\n", true },
        { "full access, commas", "LIVEKIT_FULL_ACCESS_HOMESERVERS=a.example,b.example",
            "  full_access: [\"a.example\", \"b.example\"]\n", false },
        { "full access, blanks", "LIVEKIT_FULL_ACCESS_HOMESERVERS= a.example ,  b.example c:8448 ",
            "  full_access: [\"a.example\", \"b.example\", \"c:8448\"]\n", false },
        { "full access for all", "LIVEKIT_FULL_ACCESS_HOMESERVERS=*", "  full_access: [\"*\"]\n",
            false },
        { "sanity check", "LIVEKIT_SANITY_CHECK_INTERVAL_SECONDS=90",
            "  sanity_check_interval: 90s\n", false },
        { "log level", "LIVEKIT_LOG_LEVEL=debug", "  level: debug\n", false },
        { "log level by its other name", "LIVEKIT_LOG_LEVEL=warning", "  level: warn\n", false },
        { "places of client APIs",
            "LIVEKIT_CS_API_URL_OVERRIDES= a.example = https://m.a.example , b:1=http://[::1]:8008",
            "  cs_api_urls: [\"a.example=https://m.a.example\", \"b:1=http://[::1]:8008\"]\n",
            false },
        { "certificates", "LIVEKIT_INSECURE_SKIP_VERIFY_TLS=YES_I_KNOW_WHAT_I_AM_DOING",
            "  verify_tls: false\n", false },
        { "certificates, anything else", "LIVEKIT_INSECURE_SKIP_VERIFY_TLS=true",
            "  verify_tls: true\n", false },
        { "own metadata", "LIVEKIT_CAN_UPDATE_OWN_METADATA=true", "  own_metadata: true\n", false },
        { "own metadata, anything else", "LIVEKIT_CAN_UPDATE_OWN_METADATA=1",
            "  own_metadata: false\n", false },
        { "key, as LiveKit's tools call it", "LIVEKIT_API_KEY=k", "  key: \"k\"\n", false },
        { "secret, as LiveKit's tools call it", "LIVEKIT_API_SECRET=s", "  secret: \"s\"\n",
            false },
        { "announced address", "ANNOUNCED_IP=203.0.113.5", "  announced_ips: [\"203.0.113.5\"]\n",
            false },
        { "announced addresses", "ANNOUNCED_IP=203.0.113.5, 2001:db8::5",
            "  announced_ips: [\"203.0.113.5\", \"2001:db8::5\"]\n", false },
        { "first port of media", "RTC_MIN_PORT=40000", "  udp_port: 40000\n", false },
        { "last port of media", "RTC_MAX_PORT=40100", "  udp_port_last: 40100\n", false },
        { "relays", "TURN_URLS=turn:a:3478?transport=udp turns:a:5349",
            "  urls: [\"turn:a:3478?transport=udp\", \"turns:a:5349\"]\n", false },
        { "the relays' secret", "TURN_SECRET=s", "  secret: \"s\"\n", false },
        { "empty is not set", "LIVEKIT_LOG_LEVEL=", "  level: info\n", false },
        { "what is not needed here", "LIVEKIT_REDIS_URL=redis://localhost", "  level: info\n",
            false },
        { "what we never heard of", "LIVEKIT_COLOUR=red", "  level: info\n", false },
    };
    FOR_ROWS (rows, r) {
        if (r->everywhere && !six()) {
            continue;
        }
        ROW(r->name);
        CLEANUP(config_destroyp) struct config *c = NULL;
        CLEANUP(buf_finish) struct buf b;
        const char *const variables[] = { r->variable, NULL };
        buf_init(&b, 0);
        CHECK_ERR(OK, load("", variables, &c));
        if (c != NULL) {
            config_print(c, true, &b);
        }
        CHECK(strstr(buf_str(&b), r->want) != NULL);
    }
}

TEST(core_config_aliases, stand_between_the_file_and_our_own_variables) {
    CLEANUP(config_destroyp) struct config *c = NULL;
    static const char *const variables[] = { "PARLEY_LIVEKIT_KEY=ours", "LIVEKIT_KEY=theirs",
        "LIVEKIT_URL=ws://theirs", NULL };
    CHECK_ERR(OK, load("livekit: {key: file, url: ws://file, secret: file}", variables, &c));
    CHECK_STR("ours", c->livekit.key);
    CHECK_STR("ws://theirs", c->livekit.url);
    CHECK_STR("file", c->livekit.secret);
}

#define SERVICE "LIVEKIT_URL=wss://s", "LIVEKIT_FULL_ACCESS_HOMESERVERS=*"

TEST(core_config_aliases, alone_make_a_token_service) {
    static const struct {
        const char *name, *text;
        const char *variables[4];
        bool alone;
        const char *listen; /* the first address */
    } rows[] = {
        { "no address given", "", { SERVICE }, true, "0.0.0.0:8080" },
        { "an address", "", { SERVICE, "LIVEKIT_JWT_BIND=127.0.0.1:1" }, true, "127.0.0.1:1" },
        { "an address in a file", "http: {public: \"127.0.0.1:8089\"}", { SERVICE }, true,
            "127.0.0.1:8089" },
        { "an address of our own variable", "", { SERVICE, "PARLEY_HTTP_PUBLIC=127.0.0.1:2" }, true,
            "127.0.0.1:2" },
        { "with a homeserver", "homeserver: {name: example.com}", { SERVICE }, false,
            "127.0.0.1:8089" },
        { "nothing", "", { NULL }, false, "127.0.0.1:8089" },
        { "our own settings of the same", "livekit: {url: ws://s}\nrtc: {full_access: \"*\"}",
            { NULL }, true, "127.0.0.1:8089" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(config_destroyp) struct config *c = NULL;
        CHECK_ERR(OK, load(r->text, r->variables, &c));
        CHECK_INT(r->alone, config_alone(c));
        CHECK_STR(r->listen, c->http.public.items[0]);
        CHECK_ERR(r->alone || strstr(r->text, "name") ? OK : ERR_INVALID, config_check_serve(c));
    }
}

TEST(core_config_aliases, are_refused_by_their_own_name) {
    static const struct {
        const char *name, *variables[3], *want;
    } rows[] = {
        { "level", { "LIVEKIT_LOG_LEVEL=loud" },
            "LIVEKIT_LOG_LEVEL: log.level must be debug, info, warn or error; got loud" },
        { "seconds", { "LIVEKIT_SANITY_CHECK_INTERVAL_SECONDS=-1" },
            "LIVEKIT_SANITY_CHECK_INTERVAL_SECONDS: rtc.sanity_check_interval must be a duration "
            "in ms, s, m, h or d from 0ms to 1d; got -1s" },
        { "an entry without a server", { "LIVEKIT_CS_API_URL_OVERRIDES==https://a" },
            "LIVEKIT_CS_API_URL_OVERRIDES: rtc.cs_api_urls must be 0..64 entries such as "
            "example.com=https://matrix.example.com; got \"=https://a\"" },
        { "an entry without a place", { "LIVEKIT_CS_API_URL_OVERRIDES=a.example" },
            "LIVEKIT_CS_API_URL_OVERRIDES: rtc.cs_api_urls must be 0..64 entries such as "
            "example.com=https://matrix.example.com; got a.example" },
        { "a server name", { "LIVEKIT_FULL_ACCESS_HOMESERVERS=https://a/" },
            "LIVEKIT_FULL_ACCESS_HOMESERVERS: rtc.full_access must be 0..64 server names such as "
            "example.com, or * alone; got https://a/" },
        { "a secret is not repeated", { "LIVEKIT_SECRET=s3\x01" },
            "LIVEKIT_SECRET: livekit.secret must be a text of 0..4096 bytes without control "
            "characters; got something else" },
        { "two addresses", { "LIVEKIT_JWT_BIND=:1", "LIVEKIT_JWT_PORT=1" },
            "environment: LIVEKIT_JWT_BIND and LIVEKIT_JWT_PORT must not be set together" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct config *c = NULL;
        CHECK_ERR(ERR_INVALID, load("", r->variables, &c));
        CHECK_STR(r->want, err_text());
        CHECK(c == NULL);
    }
}

TEST(core_config_aliases, need_full_access_to_be_said) {
    CLEANUP(config_destroyp) struct config *c = NULL;
    static const char *const variables[] = { "LIVEKIT_URL=wss://s", NULL };
    CHECK_ERR(OK, load("", variables, &c));
    CHECK_ERR(ERR_INVALID, config_check_serve(c));
    CHECK(strstr(err_text(), "LIVEKIT_FULL_ACCESS_HOMESERVERS") != NULL);
}

TEST(core_config_aliases, have_defaults_like_all) {
    CLEANUP(config_destroyp) struct config *c = NULL;
    static const char *const variables[] = { NULL };
    CHECK_ERR(OK, load("", variables, &c));
    CHECK_INT(0, c->rtc.full_access.n);
    CHECK_INT(RTC_MEMBERSHIP_AUTO, c->rtc.membership);
    CHECK_INT(3600 * SEC_US, c->rtc.token_lifetime_us);
    CHECK(c->federation.verify_tls && !c->rtc.own_metadata);
}

TEST_ALLOC(core_config_aliases, survive_no_memory) {
    CLEANUP(config_destroyp) struct config *c = NULL;
    static const char *const variables[] = { SERVICE, "LIVEKIT_CS_API_URL_OVERRIDES=a=https://b",
        NULL };
    return load("", variables, &c);
}
