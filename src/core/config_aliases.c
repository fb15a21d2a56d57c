/* The variables of the systems that Parley replaces (decision 5). With those of the token service
 * alone `serve` does what that service does, so that an admin swaps one for the other without
 * writing a file; those of SFUs say where media goes.  PARLEY_* variables win over them.
 * Thread: main. */
#include "core/buf.h"
#include "core/config.h"
#include "core/config_row.h"

#include <string.h>
#include <unistd.h>

#define DEFAULT_PORT "8080"

const char *config_env_get(char *const *env, const char *name) {
    size_t n = strlen(name);
    for (; env != NULL && *env != NULL; env++) {
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=') {
            return (*env)[n + 1] == '\0' ? NULL : *env + n + 1;
        }
    }
    return NULL;
}

/* --- values --- */

/* ":8080" is every address; of both families, where there are two. */
static void put_everywhere(const char *port, struct buf *b) {
    buf_printf(b, "0.0.0.0:%s", port);
    if (access("/proc/net/if_inet6", F_OK) == 0) {
        buf_printf(b, ", [::]:%s", port);
    }
}

static bool bind_address(const char *value, struct buf *b) {
    static const char localhost[] = "localhost:";
    if (value[0] == ':') {
        put_everywhere(value + 1, b);
    } else if (strncmp(value, localhost, sizeof(localhost) - 1) == 0) {
        buf_printf(b, "127.0.0.1:%s", value + sizeof(localhost) - 1);
    } else {
        buf_puts(b, value);
    }
    return true;
}

static bool port(const char *value, struct buf *b) {
    put_everywhere(value, b);
    return true;
}

void config_alias_listen(struct buf *b) {
    put_everywhere(DEFAULT_PORT, b);
}

/* Names with commas, blanks or both between them. */
static bool names(const char *value, struct buf *b) {
    static const char between[] = ", \t\r\n";
    for (value += strspn(value, between); *value != '\0'; value += strspn(value, between)) {
        size_t n = strcspn(value, between);
        buf_puts(b, b->len == 0 ? "" : ",");
        buf_put(b, value, n);
        value += n;
    }
    return b->len > 0;
}

static bool seconds(const char *value, struct buf *b) {
    buf_printf(b, "%ss", value);
    return true;
}

static bool level(const char *value, struct buf *b) {
    buf_puts(b, strcmp(value, "warning") == 0 ? "warn" : value);
    return true;
}

/* Blanks may stand around commas and equals signs. */
static bool pairs(const char *value, struct buf *b) {
    for (; *value != '\0'; value++) {
        if (strchr(" \t", *value) == NULL) {
            buf_putc(b, *value);
        }
    }
    return true;
}

/* Any other value leaves the certificates checked. */
static bool insecure(const char *value, struct buf *b) {
    buf_puts(b, "false");
    return strcmp(value, "YES_I_KNOW_WHAT_I_AM_DOING") == 0;
}

static bool exactly_true(const char *value, struct buf *b) {
    buf_puts(b, strcmp(value, "true") == 0 ? "true" : "false");
    return true;
}

/* --- the table --- */

/* clang-format off */
const struct config_alias config_aliases[] = {
    { "LIVEKIT_URL", "livekit", "url", NULL },
    { "LIVEKIT_KEY", "livekit", "key", NULL },
    { "LIVEKIT_SECRET", "livekit", "secret", NULL },
    { "LIVEKIT_API_KEY", "livekit", "key", NULL },
    { "LIVEKIT_API_SECRET", "livekit", "secret", NULL },
    { "LIVEKIT_KEY_FROM_FILE", "livekit", "key_from_file", NULL },
    { "LIVEKIT_SECRET_FROM_FILE", "livekit", "secret_from_file", NULL },
    { "LIVEKIT_KEY_FILE", "livekit", "key_file", NULL },
    { "LIVEKIT_JWT_PORT", "http", "public", port },
    { "LIVEKIT_JWT_BIND", "http", "public", bind_address },
    { "LIVEKIT_FULL_ACCESS_HOMESERVERS", "rtc", "full_access", names },
    { "LIVEKIT_SANITY_CHECK_INTERVAL_SECONDS", "rtc", "sanity_check_interval", seconds },
    { "LIVEKIT_CAN_UPDATE_OWN_METADATA", "rtc", "own_metadata", exactly_true },
    { "LIVEKIT_LOG_LEVEL", "log", "level", level },
    { "LIVEKIT_CS_API_URL_OVERRIDES", "rtc", "cs_api_urls", pairs },
    { "LIVEKIT_INSECURE_SKIP_VERIFY_TLS", "federation", "verify_tls", insecure },
    /* Of SFUs. */
    { "ANNOUNCED_IP", "rtc", "announced_ips", names },
    { "TURN_URLS", "turn", "urls", names },
    { "TURN_SECRET", "turn", "secret", NULL },
    { "RTC_MIN_PORT", "rtc", "udp_port", NULL },
    { "RTC_MAX_PORT", "rtc", "udp_port_last", NULL },
    /* Its store and its registration: ours are PostgreSQL and appservice.registration. */
    { "LIVEKIT_REDIS_URL", NULL, NULL, NULL },
    { "LIVEKIT_REDIS_PASSWORD", NULL, NULL, NULL },
    { "LIVEKIT_AS_TOKEN", NULL, NULL, NULL },
    { "LIVEKIT_HS_TOKEN", NULL, NULL, NULL },
    { "LIVEKIT_AS_REGISTRATION_FILE", NULL, NULL, NULL },
    { "LIVEKIT_HS_SERVER_NAME", NULL, NULL, NULL },
};
/* clang-format on */

const size_t config_n_aliases = COUNT_OF(config_aliases);
