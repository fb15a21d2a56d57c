/*
 * Settings: one table of rows (core/config_rows.c) fills this struct from the defaults, the file
 * and the environment, in this order. The sample file is printed from the same rows.
 *
 * Everything wrong is refused with a sentence that names file and line (or the variable), the key
 * and what is allowed.  Thread: main.
 */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include "core/err.h"
#include "core/log.h"
#include "core/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

struct config_list {
    size_t n;
    const char *const *items;
};

/* Must who asks for a token be joined to the room? */
enum rtc_membership {
    RTC_MEMBERSHIP_AUTO,    /* require of full access, prefer of others */
    RTC_MEMBERSHIP_REQUIRE, /* yes, and who cannot be checked is refused */
    RTC_MEMBERSHIP_PREFER,  /* yes, but who cannot be checked is let in */
    RTC_MEMBERSHIP_OFF,
};

/* Who ends the membership of a client that died in a call? */
enum rtc_cleanup {
    RTC_CLEANUP_MASQUERADE, /* we, in the user's name */
    RTC_CLEANUP_STATE,      /* we, in our own, where it has the power */
    RTC_CLEANUP_OFF,        /* nobody: it is only written down */
};

/* Which SFU carries the media of MatrixRTC calls? */
enum rtc_sfu {
    RTC_SFU_EXTERNAL, /* the LiveKit server of livekit.url, where there is one */
    RTC_SFU_EMBEDDED, /* our own */
    RTC_SFU_OFF,      /* none: no tokens either */
    RTC_SFU_AUTO,     /* one of the first two; decided while it is loaded */
};

/* No pointer is ever NULL; an empty text means "not set". All of it belongs to the struct. */
struct config {
    struct {
        const char *name; /* host name unless set */
        const char *url;  /* http(s) of the private listener, for other nodes; empty: none */
    } node;
    struct {
        const char *url;            /* http(s)://host[:port], no slash at the end */
        const char *name;           /* server name; `serve` needs it */
        const char *well_known_url; /* empty: https://name */
        int64_t timeout_us;
    } homeserver;
    struct {
        const char *registration; /* path */
        bool masquerade;
        int64_t reconcile_interval_us;
        size_t body_max;
    } appservice;
    struct {
        struct config_list public;          /* listen addresses, as http/server takes them */
        struct config_list private;         /* the same */
        const char *public_url;             /* of the reverse proxy; empty: rtc.public_url */
        struct config_list trusted_proxies; /* addresses or CIDR blocks */
        int connections_max;                /* a listener */
        int64_t head_timeout_us;
        int64_t body_timeout_us;
        int64_t idle_timeout_us;
        int64_t drain_timeout_us;
    } http;
    struct {
        const char *url; /* secret: conninfo or URI of libpq */
        int pool_size;
        int64_t connect_timeout_us;
        int64_t statement_timeout_us;
    } database;
    struct {
        const char *key_file; /* path */
        bool sdp;
        const char *spool_file; /* path */
        int64_t spool_max;      /* bytes */
    } audit;
    struct {
        int64_t max_duration_ms;
        int64_t ring_lifetime_max_ms;
        bool missed_notice;
    } calls;
    struct {
        struct config_list urls;   /* secret: http(s), and may hold tokens */
        const char *secret_file;   /* path; needed where there are urls */
        struct config_list events; /* "started", "answered" … */
        int64_t timeout_us;
        int64_t give_up_ms;
        const char *ca_file; /* empty: the system's alone */
    } webhooks;
    struct {
        const char *token_file;   /* path */
        struct config_list users; /* user ids */
    } admin;
    struct {
        int64_t calls_ms; /* 0: for ever; likewise the next */
        int64_t audit_ms;
        int64_t interval_ms;
    } retention;
    struct {
        const char *public_url;         /* empty: we are no focus */
        struct config_list full_access; /* server names; "*" alone = all; empty: our own */
        enum rtc_membership membership;
        enum rtc_cleanup cleanup;
        bool require_membership; /* whoever is in the SFU must be in the call */
        int64_t token_lifetime_us;
        bool own_metadata;
        int address_rate;                 /* token requests a second of one address */
        int user_rate;                    /* and of one user */
        int64_t sanity_check_interval_us; /* 0 = never */
        struct config_list cs_api_urls;   /* "server=url" */
        enum rtc_sfu sfu;
        struct config_list announced_ips; /* "public" or "public=private"; none: this machine's */
        int udp_port;                     /* of the first worker; 0 = the system's choice */
        int udp_port_last;                /* 0 = as many as there are workers */
        int tcp_port;                     /* of the first worker; 0 = no ICE-TCP */
        int workers;                      /* 0 = as many as cores */
        int64_t gather_us;
        size_t packets_memory;       /* a worker */
        const char *srtp;            /* "auto", or the implementation to use */
        struct config_list webhooks; /* secret: URLs; who is told of the embedded SFU's rooms */
        int64_t drain_timeout_us;    /* how long a stop waits for rooms to end; 0 = not */
        const char *discover;        /* "stun:host[:port]" to ask for our address; empty: nobody */
    } rtc;
    struct {
        struct config_list urls; /* "stun:…", "turn:…", "turns:…" */
        const char *secret;      /* secret; needed where there are turn: or turns: */
        const char *secret_file; /* path; instead of it */
        int64_t lifetime_us;     /* of credentials */
    } turn;
    struct {
        const char *url; /* ws(s):// or http(s)://; empty: no LiveKit server */
        const char *key;
        const char *secret; /* secret */
        const char *key_from_file;
        const char *secret_from_file;
        const char *key_file;
    } livekit;
    struct {
        bool verify_tls;
        const char *ca_file;               /* empty: the system's alone */
        struct config_list allow_networks; /* addresses or CIDR blocks */
        struct config_list servers;        /* "server=url" */
        const char *name_servers;          /* empty: the system's */
        int64_t timeout_us;
        int64_t step_timeout_us;
    } federation;
    struct {
        enum log_level level;
        enum log_format format;
    } log;
    struct arena arena; /* holds every text */
};

/** Reads defaults, then the file at `path` (NULL = none), then `env` (NULL = none): an array of
 *  NAME=value that ends with NULL, of which PARLEY_* count, and before them the variables of
 *  earlier token services (core/config_aliases.c). Blocks.
 *  Errors: ERR_INVALID, ERR_TOO_LARGE, ERR_NOT_FOUND, ERR_IO, ERR_NOMEM. */
MUST_CHECK enum err config_load(const char *path, char *const *environ, struct config **ret);
/** The same from bytes in memory; `name` is what sentences call the file. */
MUST_CHECK enum err config_load_text(
    const char *name, const char *bytes, size_t len, char *const *environ, struct config **ret);
/** Overwrites the secrets first. */
void config_destroy(struct config *c);
void config_destroyp(struct config **c);

/** ERR_INVALID when a key that `serve` cannot do without is not set; the sentence names it. */
MUST_CHECK enum err config_check_serve(const struct config *c);

/** What secret stands in these settings themselves, in words that fit "it holds …"; NULL = none.
 * For a file of settings that was read without the environment: then nobody else should read it. */
const char *config_secret(const struct config *c);

/** Is there no homeserver of our own, but an SFU or a token service to run? Then `serve` needs
 * neither registration nor database. */
bool config_alone(const struct config *c);
/** How many media workers, on a machine of so many cores; at least 1. */
unsigned config_workers(const struct config *c, unsigned cores);
/** Do we give tokens for MatrixRTC calls? */
bool config_gives_tokens(const struct config *c);

/** Copies from `next` what may change while running, and writes down the names of all keys that
 *  differ, one space between them: those now in force to `applied`, those that need a restart to
 *  `restart`. On ERR_NOMEM some keys may have been copied. */
MUST_CHECK enum err config_apply_reloadable(
    struct config *c, const struct config *next, struct buf *applied, struct buf *restart);
bool config_equal(const struct config *a, const struct config *b);

/** Prints the sample file: every key with its sentence, what is allowed, its variable and its
 *  default, which is commented out. ERR_NOMEM, ERR_TOO_LARGE. */
MUST_CHECK enum err config_print_sample(struct buf *b);
/** Prints `c` as a file that loads again to an equal one, secrets included if asked, else left out.
 *  Check `b` with buf_check. */
void config_print(const struct config *c, bool with_secrets, struct buf *b);

#endif
