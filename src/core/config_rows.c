/* The settings. A new one is a field in core/config.h and a row here; nothing else knows them. */
#include "core/clock.h"
#include "core/config.h"
#include "core/config_row.h"

#define TEXT_MAX       4096 /* bytes of one text */
#define NAME_MAX_BYTES 255  /* Matrix: of a server name */
#define LISTEN_MAX     16   /* listeners of one kind */
#define PROXIES_MAX    64
#define NETWORKS_MAX   64
#define AGE_MAX_MS     (36500 * DAY_MS) /* a hundred years: to type 0 is meant then */
#define SERVERS_MAX    64
#define ADMINS_MAX     64
#define HOOKS_MAX      8  /* webhooks */
#define ANNOUNCED_MAX  8  /* media/loop.h: addresses a worker listens on */
#define WORKERS_MAX    64 /* sfu/engine.h */
#define RELAYS_MAX     8  /* turn.urls: browsers warn above five */
#define GATHER_MAX_MS  5  /* media/loop.h */
#define NONE           NULL

/* In the order of the enums in core/log.h and core/config.h. */
static const char *const log_levels[] = { "debug", "info", "warn", "error", NULL };
static const char *const log_formats[] = { "text", "json", NULL };
static const char *const sfus[] = { "external", "embedded", "off", "auto", NULL };
static const char *const memberships[] = { "auto", "require", "prefer", "off", NULL };
static const char *const cleanups[] = { "masquerade", "state", "off", NULL };

#define ROW(section, key, kind, field, fallback, min, max, choices, flags, sentence)               \
    {                                                                                              \
#section, #key, &kind, offsetof(struct config, section.field), fallback, min, max,         \
            choices, flags, sentence                                                               \
    }

/* clang-format off */
const struct config_row config_rows[] = {
    ROW(node, name, config_text, name, "", 0, 64, NONE, 0,
        "How this node calls itself in logs and tables; empty: the host's name."),
    ROW(node, url, config_url, url, "", 0, TEXT_MAX, NONE, 0,
        "Where other nodes on this database reach http.private of this one; empty: there are none."),

    ROW(homeserver, url, config_url, url, "http://127.0.0.1:8008", 1, TEXT_MAX, NONE, 0,
        "Where the homeserver's client API answers."),
    ROW(homeserver, name, config_text, name, "", 0, NAME_MAX_BYTES, NONE, CONFIG_SERVE_NEEDS,
        "The homeserver's server name, the part behind the colon of its user ids."),
    ROW(homeserver, well_known_url, config_url, well_known_url, "", 0, TEXT_MAX, NONE, 0,
        "Where clients ask for /.well-known/matrix/client; empty: https:// and the server name."),
    ROW(homeserver, timeout, config_time_us, timeout_us, "10s", 100, 5 * MIN_MS, NONE, 0,
        "How long one request to the homeserver may take."),

    ROW(appservice, registration, config_path, registration, "/etc/parley/registration.yaml", 1, TEXT_MAX, NONE, 0,
        "The registration file that the homeserver reads too."),
    ROW(appservice, masquerade, config_bool, masquerade, "true", 0, 0, NONE, 0,
        "May we read rooms in the name of their local users?"),
    ROW(appservice, reconcile_interval, config_time_us, reconcile_interval_us, "15m", 10 * SEC_MS, DAY_MS, NONE,
        CONFIG_RELOADABLE,
        "How often live calls are compared with the state of their rooms."),
    ROW(appservice, body_max, config_size, body_max, "32MiB", 64 * KIB, 256 * MIB, NONE, 0,
        "The largest transaction we accept from the homeserver."),

    ROW(http, public, config_listen, public, PARLEY_LISTEN ":8089", 0, LISTEN_MAX, NONE, 0,
        "What a reverse proxy exposes: tokens, signalling, REST, pages."),
    ROW(http, private, config_listen, private, PARLEY_LISTEN ":8090", 1, LISTEN_MAX, NONE, 0,
        "For the homeserver and the admin: application service, metrics. Never expose it."),
    ROW(http, public_url, config_url, public_url, "", 0, TEXT_MAX, NONE, 0,
        "Where the reverse proxy shows the public listener, for parley doctor; empty: rtc.public_url."),
    ROW(http, trusted_proxies, config_networks, trusted_proxies, "", 0, PROXIES_MAX, NONE, 0,
        "Whose X-Forwarded-For and X-Forwarded-Proto we believe."),
    ROW(http, connections_max, config_int, connections_max, "4096", 16, 1000000, NONE, 0,
        "Open connections of one listener; more are closed at once."),
    ROW(http, head_timeout, config_time_us, head_timeout_us, "10s", 100, 5 * MIN_MS, NONE, 0,
        "From the connection to the end of a request's head."),
    ROW(http, body_timeout, config_time_us, body_timeout_us, "60s", 100, HOUR_MS, NONE, 0,
        "From the end of the head to the end of the body."),
    ROW(http, idle_timeout, config_time_us, idle_timeout_us, "75s", 100, HOUR_MS, NONE, 0,
        "How long a connection may stay open without a request."),
    ROW(http, drain_timeout, config_time_us, drain_timeout_us, "20s", 0, HOUR_MS, NONE, 0,
        "How long a stop waits for answers under way."),

    ROW(database, url, config_text, url, "postgresql:///parley", 1, TEXT_MAX, NONE, CONFIG_SECRET,
        "PostgreSQL, as a libpq URI or key=value text."),
    ROW(database, pool_size, config_int, pool_size, "4", 1, 32, NONE, 0,
        "Connections to PostgreSQL."),
    ROW(database, connect_timeout, config_time_us, connect_timeout_us, "5s", 100, 5 * MIN_MS, NONE, 0,
        "How long one attempt to connect may take."),
    ROW(database, statement_timeout, config_time_us, statement_timeout_us, "30s", 100, HOUR_MS, NONE, 0,
        "How long one statement may take before PostgreSQL ends it."),

    ROW(audit, key_file, config_path, key_file, "/var/lib/parley/audit.key", 1, TEXT_MAX, NONE, 0,
        "The key of the audit chain, mode 0600; made at first start. Keep a copy elsewhere."),
    ROW(audit, sdp, config_bool, sdp, "false", 0, 0, NONE, 0,
        "Keep session descriptions? They hold people's network addresses."),

    ROW(audit, spool_file, config_path, spool_file, "/var/lib/parley/audit.spool", 1, TEXT_MAX, NONE, 0,
        "Where rows of tokens and media wait while the database is away; mode 0600."),
    ROW(audit, spool_max, config_size, spool_max, "64MiB", 64 * KIB, 64 * 1024 * MIB, NONE, 0,
        "The most it takes; what comes then is only counted."),

    ROW(calls, max_duration, config_time_ms, max_duration_ms, "24h", MIN_MS, 30 * DAY_MS, NONE, 0,
        "A call without news for so long is ended."),
    ROW(calls, ring_lifetime_max, config_time_ms, ring_lifetime_max_ms, "10m", 10 * SEC_MS, 10 * MIN_MS, NONE, 0,
        "The longest a call may ring, whatever its invitation says; MatrixRTC: never over 2m."),
    ROW(calls, missed_notice, config_bool, missed_notice, "false", 0, 0, NONE, 0,
        "Say in the room that a call was missed? Only where Parley's user is, never in encrypted rooms."),

    ROW(webhooks, urls, config_hooks, urls, "", 0, HOOKS_MAX, NONE, CONFIG_SECRET,
        "Who is told of calls, by POST; see webhooks.md. Inner addresses are fine."),
    ROW(webhooks, secret_file, config_path, secret_file, "/etc/parley/webhooks.secret", 1, TEXT_MAX, NONE, 0,
        "A file of mode 0600 with the secret that signs them."),
    ROW(webhooks, events, config_events, events, "started, answered, missed, declined, ended", 1, 5, NONE, 0,
        "What of a call they are told."),
    ROW(webhooks, timeout, config_time_us, timeout_us, "10s", 100, MIN_MS, NONE, 0,
        "How long one delivery may take."),
    ROW(webhooks, give_up, config_time_ms, give_up_ms, "24h", SEC_MS, 7 * DAY_MS, NONE, 0,
        "How long one is tried again before it is given up."),
    ROW(webhooks, ca_file, config_text, ca_file, "", 0, TEXT_MAX, NONE, 0,
        "Certificates of authorities to trust for them, beside the system's; a PEM file."),

    ROW(retention, calls, config_time_ms, calls_ms, "30d", 0, AGE_MAX_MS, NONE, CONFIG_RELOADABLE,
        "How long a call that is over stays in the history; 0: for ever."),
    ROW(retention, audit, config_time_ms, audit_ms, "365d", 0, AGE_MAX_MS, NONE, CONFIG_RELOADABLE,
        "How long its audit stays, and with it at most the call; 0: for ever."),
    ROW(retention, interval, config_time_ms, interval_ms, "1h", SEC_MS, DAY_MS, NONE, CONFIG_RELOADABLE,
        "How often what is older is deleted."),

    ROW(admin, token_file, config_path, token_file, "/var/lib/parley/admin.token", 1, TEXT_MAX, NONE, 0,
        "The token of the admin API, made by parley admin-token. No file: no token is good."),
    ROW(admin, users, config_users, users, "", 0, ADMINS_MAX, NONE, CONFIG_RELOADABLE,
        "Whose access tokens are good for the admin API; the homeserver is asked whose they are."),

    ROW(rtc, public_url, config_text, public_url, "", 0, TEXT_MAX, NONE, 0,
        "Our MatrixRTC focus as clients know it, byte for byte; empty: we are none."),
    ROW(rtc, full_access, config_servers, full_access, "", 0, SERVERS_MAX, NONE, 0,
        "Whose users may open calls here; others may join them. Empty: our homeserver's."),
    ROW(rtc, membership, config_choice, membership, "auto", 0, 0, memberships, 0,
        "Must one be joined to the room for a token? auto: require of full access, prefer of others."),
    ROW(rtc, cleanup, config_choice, cleanup, "masquerade", 0, 0, cleanups, 0,
        "How a membership ends whose client died: in the user's name, by our user's power, or not."),
    ROW(rtc, require_membership, config_bool, require_membership, "false", 0, 0, NONE, 0,
        "Remove from the SFU who has not said in the room, for a minute, that they are in the call?"),
    ROW(rtc, token_lifetime, config_time_us, token_lifetime_us, "1h", MIN_MS, DAY_MS, NONE, 0,
        "How long a token may be used to connect."),
    ROW(rtc, own_metadata, config_bool, own_metadata, "false", 0, 0, NONE, 0,
        "May people change their own name and attributes in the SFU?"),
    ROW(rtc, address_rate, config_int, address_rate, "100", 1, 100000, NONE, 0,
        "Token requests a second of one address; ten seconds' worth may come at once."),
    ROW(rtc, user_rate, config_int, user_rate, "5", 1, 100000, NONE, 0,
        "Token requests a second of one user; ten seconds' worth may come at once."),
    ROW(rtc, sanity_check_interval, config_time_us, sanity_check_interval_us, "30s", 0, DAY_MS, NONE, 0,
        "How often the SFU is asked whether those with a delegated leave are still there; 0: its webhooks say."),
    ROW(rtc, cs_api_urls, config_pairs, cs_api_urls, "", 0, SERVERS_MAX, NONE, 0,
        "Where the client API of a server is when its well-known file does not say: server=url."),
    ROW(rtc, sfu, config_choice, sfu, "auto", 0, 0, sfus, 0,
        "Who carries the media: the LiveKit server of livekit.url, our own SFU, or nobody. auto: as the two URLs say."),
    ROW(rtc, announced_ips, config_announced, announced_ips, "", 0, ANNOUNCED_MAX, NONE, 0,
        "Where clients send media: addresses of ours, or public=private behind NAT. Empty: this machine's."),
    ROW(rtc, udp_port, config_int, udp_port, "7882", 0, 65535, NONE, 0,
        "UDP port of the first media worker; the next have the next. 0: the system's choice."),
    ROW(rtc, udp_port_last, config_int, udp_port_last, "0", 0, 65535, NONE, 0,
        "The last UDP port that workers may have, and so how many there are at most; 0: one for each."),
    ROW(rtc, tcp_port, config_int, tcp_port, "7881", 0, 65535, NONE, 0,
        "TCP port of the first worker, for clients whose network lets no UDP out; 0: none."),
    ROW(rtc, workers, config_int, workers, "0", 0, WORKERS_MAX, NONE, 0,
        "Media workers, each with a thread; a room lives on one. 0: as many as the machine has cores."),
    ROW(rtc, gather, config_time_us, gather_us, "1ms", 0, GATHER_MAX_MS, NONE, 0,
        "A busy worker may hold packets back so long, to send more of them at once; 0: never."),
    ROW(rtc, packets_memory, config_size, packets_memory, "64MiB", MIB, 16384 * MIB, NONE, 0,
        "The most memory of a worker for packets under way and kept for resends."),
    ROW(rtc, srtp, config_text, srtp, "auto", 1, 16, NONE, 0,
        "Which code ciphers media: auto (the fastest here), mb, evp or, in builds that have it, srtp2."),
    ROW(rtc, drain_timeout, config_time_us, drain_timeout_us, "0s", 0, DAY_MS, NONE, 0,
        "How long a stop waits for rooms to end, and lets no new ones begin; 0: clients join anew at once."),
    ROW(rtc, webhooks, config_hooks, webhooks, "", 0, HOOKS_MAX, NONE, CONFIG_SECRET,
        "Who is told of the embedded SFU's rooms as LiveKit's servers tell it, signed with the API key."),
    ROW(rtc, discover_ip, config_stun, discover, "", 0, TEXT_MAX, NONE, 0,
        "A STUN server that is asked at start for the address to announce, where announced_ips says none."),

    ROW(turn, urls, config_relays, urls, "", 0, RELAYS_MAX, NONE, 0,
        "TURN and STUN servers that clients of the embedded SFU are told, where they cannot reach it themselves."),
    ROW(turn, secret, config_text, secret, "", 0, TEXT_MAX, NONE, CONFIG_SECRET,
        "The secret shared with the TURN server (coturn: static-auth-secret)."),
    ROW(turn, secret_file, config_text, secret_file, "", 0, TEXT_MAX, NONE, 0,
        "A file of mode 0600 that holds it."),
    ROW(turn, lifetime, config_time_us, lifetime_us, "4h", MIN_MS, DAY_MS, NONE, 0,
        "How long a client's user name and password for it are good."),

    ROW(livekit, url, config_text, url, "", 0, TEXT_MAX, NONE, 0,
        "The LiveKit server that clients are sent to, wss://..., or this node of several; empty: no tokens."),
    ROW(livekit, key, config_text, key, "", 0, TEXT_MAX, NONE, 0,
        "Its API key."),
    ROW(livekit, secret, config_text, secret, "", 0, TEXT_MAX, NONE, CONFIG_SECRET,
        "The secret of the API key."),
    ROW(livekit, key_from_file, config_text, key_from_file, "", 0, TEXT_MAX, NONE, 0,
        "A file that holds the API key."),
    ROW(livekit, secret_from_file, config_text, secret_from_file, "", 0, TEXT_MAX, NONE, 0,
        "A file that holds its secret."),
    ROW(livekit, key_file, config_text, key_file, "", 0, TEXT_MAX, NONE, 0,
        "A file with lines key: secret. The first signs, all verify."),

    ROW(federation, verify_tls, config_bool, verify_tls, "true", 0, 0, NONE, 0,
        "Check the certificates of other homeservers? false is for laboratories only."),
    ROW(federation, ca_file, config_text, ca_file, "", 0, TEXT_MAX, NONE, 0,
        "Certificates of authorities to trust for them, beside the system's; a PEM file."),
    ROW(federation, allow_networks, config_networks, allow_networks, "", 0, NETWORKS_MAX, NONE, 0,
        "Inner networks where other homeservers may be. Any name a stranger tells us may then lead there."),
    ROW(federation, servers, config_pairs, servers, "", 0, SERVERS_MAX, NONE, 0,
        "Homeservers to be asked about OpenID tokens at a fixed address, inner ones too: server=url."),
    ROW(federation, name_servers, config_text, name_servers, "", 0, TEXT_MAX, NONE, 0,
        "DNS servers to find other homeservers by, with commas between; empty: the system's."),
    ROW(federation, timeout, config_time_us, timeout_us, "10s", 100, 5 * MIN_MS, NONE, 0,
        "How long the answer about one OpenID token may take, with finding its homeserver."),
    ROW(federation, step_timeout, config_time_us, step_timeout_us, "5s", 100, 5 * MIN_MS, NONE, 0,
        "How long one step of it may take: a name, the well-known file, one of several addresses."),

    ROW(log, level, config_choice, level, "info", 0, 0, log_levels, CONFIG_RELOADABLE,
        "The least that is logged."),
    ROW(log, format, config_choice, format, "text", 0, 0, log_formats, CONFIG_RELOADABLE,
        "How a line is written."),
};
/* clang-format on */

const size_t config_n_rows = COUNT_OF(config_rows);
