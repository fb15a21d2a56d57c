/* Settings: defaults, file, environment, and the sentence for whatever is wrong. */
#include "core/config.h"

#include "core/buf.h"
#include "core/clock.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static enum err load(const char *text, const char *variable, struct config **ret) {
    char home[] = "HOME=/";
    char *env[] = { home, (char *)(uintptr_t)variable, NULL };
    return config_load_text("parley.yaml", text, strlen(text), env, ret);
}

TEST(core_config, has_a_default_for_everything) {
    struct config *c = NULL;
    CHECK_ERR(OK, config_load(NULL, NULL, &c));
    CHECK(c->node.name[0] != '\0');
    CHECK_STR("http://127.0.0.1:8008", c->homeserver.url);
    CHECK_INT(10 * SEC_US, c->homeserver.timeout_us);
    CHECK_STR("/etc/parley/registration.yaml", c->appservice.registration);
    CHECK(c->appservice.masquerade && !c->audit.sdp);
    CHECK_INT(900 * SEC_US, c->appservice.reconcile_interval_us);
    CHECK_INT(32 * MIB, c->appservice.body_max);
    CHECK_INT(1, c->http.public.n);
    CHECK_STR("127.0.0.1:8089", c->http.public.items[0]);
    CHECK_STR("127.0.0.1:8090", c->http.private.items[0]);
    CHECK_INT(0, c->http.trusted_proxies.n);
    CHECK_INT(4096, c->http.connections_max);
    CHECK_STR("postgresql:///parley", c->database.url);
    CHECK_INT(4, c->database.pool_size);
    CHECK_INT(DAY_MS, c->calls.max_duration_ms);
    CHECK_INT(10 * MIN_MS, c->calls.ring_lifetime_max_ms);
    CHECK(!c->calls.missed_notice);
    CHECK_INT(0, c->webhooks.urls.n);
    CHECK_INT(5, c->webhooks.events.n);
    CHECK_INT(10 * SEC_US, c->webhooks.timeout_us);
    CHECK_INT(DAY_MS, c->webhooks.give_up_ms);
    CHECK_STR("", c->rtc.public_url);
    CHECK_STR("", c->http.public_url);
    CHECK_STR("", c->homeserver.well_known_url);
    CHECK(c->federation.verify_tls);
    CHECK_INT(0, c->federation.allow_networks.n);
    CHECK_INT(10 * SEC_US, c->federation.timeout_us);
    CHECK_INT(5 * SEC_US, c->federation.step_timeout_us);
    CHECK_INT(LOG_LEVEL_INFO, c->log.level);
    CHECK_INT(LOG_FORMAT_TEXT, c->log.format);
    config_destroy(c);
}

TEST(core_config, reads_each_kind) {
    static const struct {
        const char *name, *text, *variable, *want; /* a line of config_print */
    } rows[] = {
        { "text", "node: {name: a b}", NULL, "  name: \"a b\"\n" },
        { "text that looks like a number", "node: {name: 007}", NULL, "  name: \"007\"\n" },
        { "path", "audit: {key_file: /k}", NULL, "  key_file: \"/k\"\n" },
        { "url", "homeserver: {url: \"https://[::1]:8448/hs\"}", NULL,
            "  url: \"https://[::1]:8448/hs\"\n" },
        { "no url where none is needed", "http: {public_url: \"\"}", NULL, "  public_url: \"\"\n" },
        { "bool: yes", "audit: {sdp: yes}", NULL, "  sdp: true\n" },
        { "bool: ON", "audit: {sdp: ON}", NULL, "  sdp: true\n" },
        { "bool: off", "appservice: {masquerade: off}", NULL, "  masquerade: false\n" },
        { "int", "database: {pool_size: 32}", NULL, "  pool_size: 32\n" },
        { "size", "appservice: {body_max: 64KiB}", "PARLEY_APPSERVICE_BODY_MAX=1024KiB",
            "  body_max: 1MiB\n" },
        { "size in bytes", "appservice: {body_max: 65537B}", NULL, "  body_max: 65537B\n" },
        { "duration in ms", "homeserver: {timeout: 1500ms}", NULL, "  timeout: 1500ms\n" },
        { "duration in minutes", "appservice: {reconcile_interval: 120m}", NULL,
            "  reconcile_interval: 2h\n" },
        { "duration, bare nothing", "http: {drain_timeout: 0}", NULL, "  drain_timeout: 0ms\n" },
        { "choice", "log: {level: error}", NULL, "  level: error\n" },
        { "listen", "http: {public: [\"0.0.0.0:0\", \"[::]:65535\", \"unix:/run/p\"]}", NULL,
            "  public: [\"0.0.0.0:0\", \"[::]:65535\", \"unix:/run/p\"]\n" },
        { "one entry without brackets", "http: {private: \"127.0.0.1:1\"}", NULL,
            "  private: [\"127.0.0.1:1\"]\n" },
        { "no entry", "http: {public: []}", NULL, "  public: []\n" },
        { "networks", "http: {trusted_proxies: [10.0.0.0/8, \"fd00::/128\", \"::1\"]}", NULL,
            "  trusted_proxies: [\"10.0.0.0/8\", \"fd00::/128\", \"::1\"]\n" },
        { "pairs", "federation: {servers: [\"a.b:1=http://[::1]:8008\"]}", NULL,
            "  servers: [\"a.b:1=http://[::1]:8008\"]\n" },
        { "webhooks", "webhooks: {urls: [\"https://a.b/c/?d=e&f\", \"http://[::1]:9\"]}", NULL,
            "  urls: [\"https://a.b/c/?d=e&f\", \"http://[::1]:9\"]\n" },
        { "a secret list, twice", "webhooks: {urls: [\"http://a\"]}",
            "PARLEY_WEBHOOKS_URLS=http://b,http://c", "  urls: [\"http://b\", \"http://c\"]\n" },
        { "news of calls", "webhooks: {events: [missed, ended]}", NULL,
            "  events: [\"missed\", \"ended\"]\n" },
        { "environment wins", "node: {name: a}", "PARLEY_NODE_NAME=b", "  name: \"b\"\n" },
        { "environment, a list", "", "PARLEY_HTTP_TRUSTED_PROXIES=10.0.0.1, ::1",
            "  trusted_proxies: [\"10.0.0.1\", \"::1\"]\n" },
        { "environment, an empty list", "", "PARLEY_HTTP_PUBLIC=", "  public: []\n" },
        { "environment, = in the value", "", "PARLEY_DATABASE_URL=host=/run dbname=p",
            "  url: \"host=/run dbname=p\"\n" },
        { "variables of our test tools", "node: {name: a}", "PARLEY_TEST_X=1", "  name: \"a\"\n" },
        { "sections without keys", "node:\nlog:\n", NULL, "  level: info\n" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct config *c = NULL;
        struct buf b;
        buf_init(&b, 0);
        CHECK_ERR(OK, load(r->text, r->variable, &c));
        if (c != NULL) {
            config_print(c, true, &b);
        }
        CHECK(strstr(buf_str(&b), r->want) != NULL);
        buf_finish(&b);
        config_destroy(c);
    }
}

#define KEYS_OF_LOG "level, format"
#define SECTIONS                                                                                   \
    "node, homeserver, appservice, http, database, audit, calls, webhooks, retention, admin, "     \
    "rtc, turn, livekit, federation, log"
#define AN_URL   "an http:// or https:// address without query and without a slash at the end"
#define LISTEN   "1..16 addresses such as 127.0.0.1:8089, [::1]:8089 or unix:/run/parley/socket"
#define LISTEN0  "0..16 addresses such as 127.0.0.1:8089, [::1]:8089 or unix:/run/parley/socket"
#define NETWORKS "0..64 addresses or networks such as 10.0.0.1, 10.0.0.0/8 or fd00::/8"
#define A_NAME   "a text of 0..64 bytes without control characters"

struct refusal {
    const char *name, *text, *variable, *want;
};

static void check_refusal(const struct refusal *r) {
    struct config *c = NULL;
    ROW(r->name);
    CHECK_ERR(ERR_INVALID, load(r->text, r->variable, &c));
    CHECK_STR(r->want, err_text());
    CHECK(c == NULL);
    config_destroy(c);
}

TEST(core_config, refuses_unknown_names_with_those_it_knows) {
    static const struct refusal rows[] = {
        { "unknown section", "\nlgo: {}", NULL,
            "parley.yaml:2: unknown section lgo; allowed: " SECTIONS },
        { "unknown key", "log:\n  levle: info\n", NULL,
            "parley.yaml:2: unknown key log.levle; allowed here: " KEYS_OF_LOG },
        { "no sections", "- a\n", NULL, "parley.yaml:1: sections expected: " SECTIONS },
        { "a value for a section", "log: info\n", NULL,
            "parley.yaml:1: log holds keys, not a value" },
        { "a list for a section", "log: [info]\n", NULL,
            "parley.yaml:1: log holds keys, not a value" },
        { "no value", "log:\n\n  level:\n", NULL,
            "parley.yaml:3: log.level has no value; leave the line out for the default" },
        { "unknown variable of a section", "", "PARLEY_LOG_COLOUR=1",
            "environment: unknown variable PARLEY_LOG_COLOUR; allowed: PARLEY_LOG_LEVEL, "
            "PARLEY_LOG_FORMAT" },
        { "unknown variable", "", "PARLEY_X=1",
            "environment: unknown variable PARLEY_X; allowed is PARLEY_<SECTION>_<KEY> with the "
            "sections: " SECTIONS },
    };
    FOR_ROWS (rows, r) {
        check_refusal(r);
    }
}

TEST(core_config, refuses_bad_values_with_what_is_allowed) {
    static const struct refusal rows[] = {
        { "not a number", "database:\n  pool_size: x\n", NULL,
            "parley.yaml:2: database.pool_size must be 1..32; got x" },
        { "number too small", "database: {pool_size: 0}", NULL,
            "parley.yaml:1: database.pool_size must be 1..32; got 0" },
        { "number too large", "database: {pool_size: 33}", NULL,
            "parley.yaml:1: database.pool_size must be 1..32; got 33" },
        { "number beyond 64 bits", "database: {pool_size: 18446744073709551617}", NULL,
            "parley.yaml:1: database.pool_size must be 1..32; got 18446744073709551617" },
        { "number with a sign", "database: {pool_size: +4}", NULL,
            "parley.yaml:1: database.pool_size must be 1..32; got +4" },
        { "number with a unit", "database: {pool_size: 4s}", NULL,
            "parley.yaml:1: database.pool_size must be 1..32; got 4s" },
        { "list for a number", "database: {pool_size: [4]}", NULL,
            "parley.yaml:1: database.pool_size must be 1..32; got no single value" },
        { "map for a number", "database: {pool_size: {a: 4}}", NULL,
            "parley.yaml:1: database.pool_size must be 1..32; got no single value" },
        { "bool", "audit: {sdp: 1}", NULL,
            "parley.yaml:1: audit.sdp must be true or false; got 1" },
        { "choice", "log: {level: verbose}", NULL,
            "parley.yaml:1: log.level must be debug, info, warn or error; got verbose" },
        { "size", "appservice: {body_max: 32MB}", NULL,
            "parley.yaml:1: appservice.body_max must be a size in B, KiB, MiB or GiB from 64KiB to "
            "256MiB; got 32MB" },
        { "size that overflows", "appservice: {body_max: 9223372036854775807GiB}", NULL,
            "parley.yaml:1: appservice.body_max must be a size in B, KiB, MiB or GiB from 64KiB to "
            "256MiB; "
            "got 9223372036854775807GiB" },
        { "duration without unit", "homeserver: {timeout: 10}", NULL,
            "parley.yaml:1: homeserver.timeout must be a duration in ms, s, m, h or d from 100ms "
            "to 5m; got 10" },
        { "duration too long", "homeserver: {timeout: 1d}", NULL,
            "parley.yaml:1: homeserver.timeout must be a duration in ms, s, m, h or d from 100ms "
            "to 5m; got 1d" },
        { "relative path", "audit: {key_file: k}", NULL,
            "parley.yaml:1: audit.key_file must be an absolute path; got k" },
        { "url with a slash", "homeserver: {url: \"http://h/\"}", NULL,
            "parley.yaml:1: homeserver.url must be " AN_URL "; got http://h/" },
        { "url of another scheme", "homeserver: {url: \"ftp://h\"}", NULL,
            "parley.yaml:1: homeserver.url must be " AN_URL "; got ftp://h" },
        { "url without host", "homeserver: {url: \"http://\"}", NULL,
            "parley.yaml:1: homeserver.url must be " AN_URL "; got http://" },
        { "control character", "node: {name: \"a\\nb\"}", NULL,
            "parley.yaml:1: node.name must be " A_NAME "; got \"a\\u000ab\"" },
        { "line separator", "node: {name: \"a\\Lb\"}", NULL,
            "parley.yaml:1: node.name must be " A_NAME "; got \"a\xE2\x80\xA8"
            "b\"" },
        { "no private listener", "http: {private: []}", NULL,
            "parley.yaml:1: http.private must be " LISTEN "; got something else" },
        { "listen without port", "http: {private: 127.0.0.1}", NULL,
            "parley.yaml:1: http.private must be " LISTEN "; got 127.0.0.1" },
        { "listen at a name", "http: {private: \"localhost:80\"}", NULL,
            "parley.yaml:1: http.private must be " LISTEN "; got localhost:80" },
        { "listen at no port", "http: {private: \"127.0.0.1:65536\"}", NULL,
            "parley.yaml:1: http.private must be " LISTEN "; got 127.0.0.1:65536" },
        { "listen at IPv6 without brackets", "http: {private: \"::1:80\"}", NULL,
            "parley.yaml:1: http.private must be " LISTEN "; got ::1:80" },
        { "listen at a relative path", "http: {private: \"unix:p\"}", NULL,
            "parley.yaml:1: http.private must be " LISTEN "; got unix:p" },
        { "network too wide", "http: {trusted_proxies: [10.0.0.0/33]}", NULL,
            "parley.yaml:1: http.trusted_proxies must be " NETWORKS "; got 10.0.0.0/33" },
        { "one of several is wrong", "http: {trusted_proxies: [10.0.0.1, \"::1\", 10.0.0.x]}", NULL,
            "parley.yaml:1: http.trusted_proxies must be " NETWORKS "; got 10.0.0.x" },
        { "one of several is wrong, variable", "", "PARLEY_HTTP_PUBLIC=127.0.0.1:1, unix:p",
            "PARLEY_HTTP_PUBLIC: http.public must be " LISTEN0 "; got unix:p" },
        { "an SFU we have not", "rtc: {sfu: janus}", NULL,
            "parley.yaml:1: rtc.sfu must be external, embedded, off or auto; got janus" },
        { "held back too long", "rtc: {gather: 6ms}", NULL,
            "parley.yaml:1: rtc.gather must be a duration in ms, s, m, h or d from 0ms to 5ms; got "
            "6ms" },
        { "list in a list", "http: {trusted_proxies: [[10.0.0.0]]}", NULL,
            "parley.yaml:1: http.trusted_proxies must be " NETWORKS "; got something else" },
        { "a secret is not repeated", "database: {url: \"\"}", NULL,
            "parley.yaml:1: database.url must be a text of 1..4096 bytes without control "
            "characters; "
            "got something else" },
        { "variable with a bad value", "", "PARLEY_DATABASE_POOL_SIZE=no",
            "PARLEY_DATABASE_POOL_SIZE: database.pool_size must be 1..32; got no" },
        { "not YAML", "log: {level: info\n", NULL,
            "parley.yaml:2: not YAML: did not find expected ',' or '}'" },
    };
    FOR_ROWS (rows, r) {
        check_refusal(r);
    }
}

TEST(core_config, counts_list_entries) {
    struct buf b;
    buf_init(&b, 0);
    buf_puts(&b, "PARLEY_HTTP_TRUSTED_PROXIES=::1");
    for (int i = 1; i < 64; i++) {
        buf_puts(&b, ",::1");
    }
    struct config *c = NULL;
    CHECK_ERR(OK, load("", b.data, &c));
    CHECK_INT(64, c == NULL ? 0 : c->http.trusted_proxies.n);
    config_destroy(c);
    c = NULL;
    buf_puts(&b, ",::1");
    CHECK_ERR(ERR_INVALID, load("", b.data, &c));
    buf_finish(&b);
}

/* Takes "  # key: value" for a setting; other comments stay. */
static void uncomment(char *text) {
    for (char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "  # ", 4) == 0 && line[4 + strcspn(line + 4, ": \n")] == ':' &&
            strncmp(line, "  # Allowed", 11) != 0) {
            line[2] = ' ';
        }
    }
}

TEST(core_config, prints_a_sample_that_is_the_defaults) {
    struct config *c = NULL;
    struct config *sample = NULL;
    struct config *uncommented = NULL;
    struct buf b;
    buf_init(&b, 0);
    CHECK_ERR(OK, config_load(NULL, NULL, &c));
    CHECK_ERR(OK, config_print_sample(&b));
    CHECK_ERR(OK, load(b.data, NULL, &sample));
    uncomment(b.data);
    CHECK(strstr(b.data, "\n    level: info\n") != NULL);
    for (char *p = b.data; (p = strstr(p, "\n    ")) != NULL; p++) {
        memmove(p + 1, p + 3, strlen(p + 3) + 1);
    }
    CHECK_ERR(OK, load(b.data, NULL, &uncommented));
    CHECK(sample != NULL && config_equal(c, sample));
    CHECK(uncommented != NULL && config_equal(c, uncommented));
    config_destroy(uncommented);
    config_destroy(sample);
    config_destroy(c);
    buf_finish(&b);
}

TEST(core_config, prints_secrets_only_when_asked) {
    struct config *c = NULL;
    struct buf b;
    buf_init(&b, 0);
    CHECK_ERR(OK, load("database: {url: \"password=hunter2\"}", NULL, &c));
    config_print(c, false, &b);
    CHECK(strstr(b.data, "hunter2") == NULL &&
          strstr(b.data, "  # url: a secret, left out\n") != NULL);
    buf_finish(&b);
    config_destroy(c);
}

TEST(core_config, knows_what_secret_it_holds) {
    static const char database[] = "the database's password";
    static const struct {
        const char *name, *text, *want; /* NULL = none */
    } rows[] = {
        { "nothing", "", NULL },
        { "a database without a password", "database: {url: \"postgresql://me@db/x\"}", NULL },
        { "a port", "database: {url: \"postgresql://me@db:5432/x\"}", NULL },
        { "user and password", "database: {url: \"postgresql://me:hunter2@db/x\"}", database },
        { "in the query", "database: {url: \"postgresql://me@db/x?password=hunter2\"}", database },
        { "as a keyword", "database: {url: \"host=db password=hunter2\"}", database },
        { "with blanks", "database: {url: \"host=db password = hunter2\"}", database },
        { "a user of that name", "database: {url: \"host=db user=password\"}", NULL },
        { "the secret of an API key", "livekit: {secret: hunter2}",
            "the secret of the LiveKit API key" },
        { "a file with it", "livekit: {secret_from_file: /x}", NULL },
        { "the secret of a TURN server", "turn: {secret: hunter2}",
            "the secret of the TURN server" },
        { "a file with that one", "turn: {secret_file: /x}", NULL },
        { "webhooks", "webhooks: {urls: [\"https://example.com/hook\"]}", "addresses of webhooks" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct config *c = NULL;
        CHECK_ERR(OK, load(r->text, NULL, &c));
        const char *got = config_secret(c);
        CHECK_STR(r->want == NULL ? "none" : r->want, got == NULL ? "none" : got);
        config_destroy(c);
    }
}

TEST(core_config, reloads_only_what_may_change) {
    struct config *c = NULL;
    struct config *next = NULL;
    struct buf applied;
    struct buf restart;
    buf_init(&applied, 0);
    buf_init(&restart, 0);
    CHECK_ERR(OK, load("", NULL, &c));
    CHECK_ERR(OK, load("log: {level: debug, format: json}\nappservice: {reconcile_interval: 1m}\n"
                       "http: {public: []}\ndatabase: {pool_size: 5}\n",
                      NULL, &next));
    CHECK_ERR(OK, config_apply_reloadable(c, next, &applied, &restart));
    CHECK_STR("appservice.reconcile_interval log.level log.format", buf_str(&applied));
    CHECK_STR("http.public database.pool_size", buf_str(&restart));
    CHECK_INT(LOG_LEVEL_DEBUG, c->log.level);
    CHECK_INT(60 * SEC_US, c->appservice.reconcile_interval_us);
    CHECK_INT(4, c->database.pool_size);
    CHECK_INT(1, c->http.public.n);
    CHECK(!config_equal(c, next));
    config_destroy(next);
    config_destroy(c);
    buf_finish(&applied);
    buf_finish(&restart);
}

TEST_ALLOC(core_config, survives_no_memory) {
    CLEANUP(config_destroyp) struct config *c = NULL;
    return load("http: {public: [\"[::1]:1\"]}\nlog: {level: info}\ndatabase: {url: a}\n",
        "PARLEY_HTTP_PRIVATE=[::1]:2,[::1]:3", &c);
}

static enum err refused(const char *text, const char *variable) {
    CLEANUP(config_destroyp) struct config *c = NULL;
    enum err e = load(text, variable, &c);
    return e == ERR_INVALID ? OK : e;
}

TEST_ALLOC(core_config, survives_no_memory_while_refusing) {
    TRY(refused("lgo: {}", NULL));
    TRY(refused("log: {levle: 1}", NULL));
    TRY(refused("log: {level: 1}", NULL));
    return refused("", "PARLEY_X=1");
}

TEST_ALLOC(core_config, survives_no_memory_while_reloading_and_printing) {
    CLEANUP(config_destroyp) struct config *c = NULL;
    CLEANUP(config_destroyp) struct config *next = NULL;
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    TRY(load("", NULL, &c));
    TRY(load("log: {level: debug}\nhttp: {public: []}", NULL, &next));
    TRY(config_apply_reloadable(c, next, &b, &b));
    return config_print_sample(&b);
}
