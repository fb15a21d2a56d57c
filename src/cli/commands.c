/* The table of subcommands: a new one is a row here and a function. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/token.h"
#include "cli/when.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/mem.h"
#include "matrix/ids.h"
#include "store/verify.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES   256 /* LK_IDENTITY_MAX_BYTES: of identities and rooms in the SFU */
#define LIMIT_DIGITS_MAX 12  /* rows; far above what anybody reads, and inside 64 bits */

/* --- what a value may be --- */

static enum err check_time(const char *value) {
    int64_t ms;
    return cli_when_read(value, clock_wall_ms(), &ms);
}

static enum err check_span(const char *value) {
    int64_t ms;
    return cli_when_read_span(value, &ms);
}

static enum err check_name(const char *value) {
    size_t n = strlen(value);
    return n > 0 && n <= NAME_MAX_BYTES
               ? OK
               : err_set(ERR_INVALID, "must have 1 to %d bytes, not %zu", NAME_MAX_BYTES, n);
}

static enum err check_limit(const char *value) {
    size_t digits = strspn(value, "0123456789");
    bool fine = value[digits] == '\0' && digits > 0 && digits <= LIMIT_DIGITS_MAX;
    return fine && strtoll(value, NULL, 10) > 0
               ? OK
               : err_set(ERR_INVALID, "must be a number of rows from 1, not \"%.60s\"", value);
}

static enum err check_user(const char *value) {
    return mx_user_id_valid(value)
               ? OK
               : err_set(
                     ERR_INVALID, "must be a user id like @who:example.com, not \"%.60s\"", value);
}

static enum err check_room(const char *value) {
    return mx_room_id_valid(value)
               ? OK
               : err_set(
                     ERR_INVALID, "must be a room id like !abc:example.com, not \"%.60s\"", value);
}

static enum err check_url(const char *value) {
    bool http = strncmp(value, "http://", 7) == 0 || strncmp(value, "https://", 8) == 0;
    return http ? OK
                : err_set(ERR_INVALID, "must begin with http:// or https://, not \"%.60s\"", value);
}

static enum err check_server_name(const char *value) {
    return mx_server_name_valid(value)
               ? OK
               : err_set(
                     ERR_INVALID, "must be a server name like example.com, not \"%.60s\"", value);
}

static enum err check_session(const char *value) {
    uint8_t unused[UUID_SIZE];
    return crypto_uuid_read(value, unused)
               ? OK
               : err_set(ERR_INVALID, "must be a session_id of parley calls list, not \"%.60s\"",
                     value);
}

static enum err check_head(const char *value) {
    struct store_anchor unused;
    return store_anchor_read(value, &unused);
}

/* --- options --- */

/* The public states of a call, as the column `status` has them. */
static const char *const statuses[] = { "initiated", "ringing", "active", "ended", "rejected",
    "missed", "cancelled", "failed", NULL };

static const char *const export_whats[] = { "events", "calls", NULL };
static const char *const export_formats[] = { "jsonl", "csv", NULL };

/* clang-format off */
#define SINCE  { "since", "TIME", "from this moment on", NULL, check_time }
#define UNTIL  { "until", "TIME", "before this moment", NULL, check_time }
#define ROOM   { "room", "ROOM", "only in this room (!id:server)", NULL, check_room }
#define USER   { "user", "USER", "only with this user (@who:server)", NULL, check_user }
#define STATUS { "status", "STATUS", "ended, missed, rejected, failed, active, ...", statuses, NULL }
#define CALL   { "call", "ID", "only this call (our id or the client's)", NULL, NULL }
#define TYPE   { "type", "TYPE", "only events of this type", NULL, NULL }
#define LIMIT  { "limit", "N", "at most so many rows", NULL, check_limit }
#define FORMAT { "format", "FORMAT", "table (default); jsonl and csv have all columns", cli_format_names, NULL }

#define DEV                                                                                        \
    { "dev", NULL, "an SFU for development; see below", NULL, NULL }
static const struct cli_option serve_options[] = { DEV, CLI_OPTION_CONFIG, CLI_OPTION_HELP };
static const struct cli_option token_options[] = {
    { "room", "NAME", "the room it is good for", NULL, check_name },
    { "identity", "WHO", "who joins it; unique in the room", NULL, check_name },
    { "name", "TEXT", "what others see", NULL, NULL },
    { "metadata", "TEXT", "for the applications", NULL, NULL },
    { "grant", "LIST", "other rights than usual; see below", NULL, cli_token_check_grants },
    { "valid-for", "TIME", "90s, 30m, 6h (default), 7d", NULL, check_span },
    { "dev", NULL, "sign with the key of parley serve --dev", NULL, NULL },
    CLI_OPTION_CONFIG, CLI_OPTION_HELP,
};
static const struct cli_option register_options[] = {
    { "url", "URL", "where the homeserver reaches our private listener", NULL, check_url },
    { "server-name", "NAME", "the homeserver's name (default homeserver.name)", NULL, check_server_name },
    { "out", "FILE", "file to write (default appservice.registration)", NULL, NULL },
    { "id", "ID", "id of the application service (default calls)", NULL, NULL },
    { "sender", "NAME", "localpart of our own user (default _calls)", NULL, NULL },
    { "rotate", NULL, "new tokens; the earlier ones stay good", NULL, NULL },
    { "finish", NULL, "end that: forget the earlier ones", NULL, NULL },
    { "force", NULL, "--finish without asking the homeserver", NULL, NULL },
    CLI_OPTION_CONFIG, CLI_OPTION_HELP,
};
static const struct cli_option admin_token_options[] = {
    { "rotate", NULL, "a new one; the earlier one stays good", NULL, NULL },
    { "finish", NULL, "end that: forget the earlier one", NULL, NULL },
    CLI_OPTION_CONFIG, CLI_OPTION_HELP,
};
static const struct cli_option migrate_options[] = {
    { "check", NULL, "only tell; exit code 1 when something is missing", NULL, NULL },
    CLI_OPTION_CONFIG, CLI_OPTION_HELP,
};
static const struct cli_option calls_options[] = {
    SINCE, UNTIL, ROOM, USER, STATUS, CALL, LIMIT, FORMAT, CLI_OPTION_CONFIG, CLI_OPTION_HELP };
static const struct cli_option events_options[] = {
    SINCE, UNTIL, ROOM, USER, STATUS, CALL, TYPE, LIMIT, FORMAT, CLI_OPTION_CONFIG, CLI_OPTION_HELP };
static const struct cli_option user_options[] = {
    SINCE, UNTIL, ROOM, STATUS, CALL, LIMIT, FORMAT, CLI_OPTION_CONFIG, CLI_OPTION_HELP };
static const struct cli_option quality_options[] = {
    SINCE, UNTIL, ROOM, USER, STATUS, CALL, LIMIT, FORMAT, CLI_OPTION_CONFIG, CLI_OPTION_HELP };
static const struct cli_option stats_options[] = {
    SINCE, UNTIL, ROOM, USER, STATUS, LIMIT, FORMAT, CLI_OPTION_CONFIG, CLI_OPTION_HELP };
#define REASON { "reason", "TEXT", "why; stays in the audit", NULL, NULL }
static const struct cli_option live_options[] = {
    ROOM, USER, { "call", "SESSION", "only this call", NULL, check_session }, LIMIT, FORMAT,
    CLI_OPTION_CONFIG, CLI_OPTION_HELP,
};
static const struct cli_option webhooks_options[] = { LIMIT, FORMAT, CLI_OPTION_CONFIG, CLI_OPTION_HELP };
static const struct cli_option end_options[] = { REASON, CLI_OPTION_CONFIG, CLI_OPTION_HELP };
static const struct cli_option kick_options[] = {
    { "user", "USER", "whom (@who:server)", NULL, check_user },
    { "device", "DEVICE", "only this device of theirs", NULL, NULL },
    REASON, CLI_OPTION_CONFIG, CLI_OPTION_HELP,
};
static const struct cli_option mute_options[] = {
    { "user", "USER", "whom (@who:server)", NULL, check_user },
    { "device", "DEVICE", "only this device of theirs", NULL, NULL },
    { "track", "TRACK", "this track (TR_...), also of a camera, not all sound", NULL, NULL },
    REASON, CLI_OPTION_CONFIG, CLI_OPTION_HELP,
};
static const struct cli_option purge_options[] = {
    { "before", "TIME", "calls that were over before this moment", NULL, check_time },
    { "user", "USER", "the name of this person, everywhere", NULL, check_user },
    { "room", "ROOM", "the calls of this room", NULL, check_room },
    { "reason", "TEXT", "why; stays in the audit", NULL, NULL },
    { "actor", "NAME", "who does it (default who you are); stays", NULL, NULL },
    { "dry-run", NULL, "only count what would go", NULL, NULL },
    { "yes", NULL, "do not ask", NULL, NULL },
    CLI_OPTION_CONFIG, CLI_OPTION_HELP,
};
static const struct cli_option verify_options[] = {
    { "expect", "HEAD", "a head that an earlier run printed", NULL, check_head },
    { "anchor", "FILE", "compare with the head kept there, then keep the new", NULL, NULL },
    { "metrics", "FILE", "write the outcome for Prometheus, too", NULL, NULL },
    { "all", NULL, "name every bad row, not the first alone", NULL, NULL },
    { "export", "DIR", "check an export instead; needs no database", NULL, NULL },
    { "json", NULL, "one JSON object", NULL, NULL },
    CLI_OPTION_CONFIG, CLI_OPTION_HELP,
};
static const struct cli_option export_options[] = {
    { "output", "DIR", "folder to write into; made when it is not there", NULL, NULL },
    { "what", "WHAT", "events (default) or calls", export_whats, NULL },
    { "format", "FORMAT", "jsonl (default) or csv", export_formats, NULL },
    SINCE, UNTIL, ROOM, USER, STATUS, CALL, TYPE, LIMIT, CLI_OPTION_CONFIG, CLI_OPTION_HELP,
};
static const struct cli_option rotate_options[] = {
    { "prepare", NULL, "only make the next key, for other nodes", NULL, NULL },
    { "reason", "TEXT", "why; stays in the audit (default rotation)", NULL, NULL },
    { "actor", "NAME", "who does it (default who you are); stays", NULL, NULL },
    CLI_OPTION_CONFIG, CLI_OPTION_HELP,
};
static const struct cli_option print_options[] = {
    { "secrets", NULL, "with the secrets", NULL, NULL }, CLI_OPTION_CONFIG, CLI_OPTION_HELP };
static const struct cli_option plain_options[] = { CLI_OPTION_CONFIG, CLI_OPTION_HELP };
static const struct cli_option doctor_options[] = {
    { "json", NULL, "one JSON document instead of a page", NULL, NULL },
    { "fix", NULL, "print only what to paste or run; changes nothing", NULL, NULL },
    { "symptom", "TEXT", "what a text that a client shows means", NULL, NULL },
    { "symptoms", NULL, "list the texts that are known", NULL, NULL },
    CLI_OPTION_CONFIG, CLI_OPTION_HELP,
};
static const struct cli_option help_options[] = { CLI_OPTION_HELP };

#define TIME_HELP                                                                                  \
    "TIME is a moment (2026-11-21T09:30:00Z), a date (2026-11-21, its start in UTC)\n"             \
    "or so long ago (30m, 24h, 7d, 2w).\n"

#define ROW(name, argument, check, sentence, more, options, run)                                   \
    { name, argument, check, sentence, more, options, COUNT_OF(options), run }

const struct cli_command cli_commands[] = {
    ROW("serve", NULL, NULL, "Runs: listens, records calls, until SIGTERM",
        "SIGTERM ends it gracefully, a second one at once; SIGHUP reads the settings\n"
        "again. /livez, /readyz and /metrics say how it is.\n\n"
        "--dev: an SFU for LiveKit clients at ws://127.0.0.1:7880, key devkey, secret\n"
        "secret. It needs no homeserver, no database and no settings; PARLEY_* variables\n"
        "change them all the same.\n", serve_options, cli_serve),
    ROW("token", NULL, NULL, "Makes an access token for the SFU",
        "Signed with livekit.key and livekit.secret, and printed: treat it as a password.\n\n"
        "--grant: join (given with --room), publish, subscribe, data (these are usual),\n"
        "own-metadata, hidden, recorder, agent, admin, create, list, record, ingress;\n"
        "with no- in front to take one away: --grant no-publish,hidden\n", token_options, cli_token),
    ROW("register", NULL, NULL, "Writes the registration file for the homeserver",
        "Never overwrites a file. Prints what to paste into homeserver.yaml. --rotate\n"
        "and --finish change its tokens while calls go on, and print the steps.\n", register_options, cli_register),
    ROW("admin-token", NULL, NULL, "Makes the token of the admin API",
        "Writes it to admin.token_file, mode 0600, and prints it nowhere.\n", admin_token_options,
        cli_admin_token),
    ROW("migrate", NULL, NULL, "Brings the database to this version",
        "Also makes the key of the audit chain, when the audit is still empty.\n", migrate_options, cli_migrate),
    ROW("doctor", NULL, NULL, "Looks for what is broken, and says what to do",
        "Walks every link between Parley, its database, the homeserver and clients, in\n"
        "the order of dependence: the first FAIL is the root cause. Changes nothing.\n"
        "Run it as the user that Parley runs as.\n\n"
        "Exit code: 0 fine, 1 warnings, 2 something is broken.\n", doctor_options, cli_doctor),
    ROW("calls list", NULL, NULL, "Lists the calls that go on, and who is in them",
        "A line for each person in a call. Asks the Parley that runs here, with the\n"
        "token that parley admin-token makes; so do the other two.\n", live_options, cli_calls_list),
    ROW("calls end", "SESSION", check_session, "Ends a call",
        "Every member's entry in the room is emptied, in their name where they are of\n"
        "this server. Who cannot be ended is named, with the reason; then the exit code\n"
        "is 1. A call of two devices (m.call.*) is only marked as ended.\n", end_options, cli_calls_end),
    ROW("calls kick", "SESSION", check_session, "Takes somebody out of a call",
        "They may come back as long as they are in the room.\n", kick_options, cli_calls_kick),
    ROW("calls mute", "SESSION", check_session, "Silences somebody in a call",
        "They may speak again when they want to. parley audit events --type\n"
        "track_published names the tracks of the embedded SFU.\n", mute_options, cli_calls_mute),
    ROW("webhooks list", NULL, NULL, "Lists webhooks and notices that were not delivered",
        "What waits to be tried again, and what was given up (dead), oldest first.\n", webhooks_options,
        cli_webhooks_list),
    ROW("webhooks retry", NULL, NULL, "Tries webhooks again, those given up too",
        "parley serve sends them within seconds, and goes on trying for webhooks.give_up.\n", plain_options,
        cli_webhooks_retry),
    ROW("webhooks test", NULL, NULL, "Sends a signed ping to each receiver", "", plain_options,
        cli_webhooks_test),
    ROW("audit calls", NULL, NULL, "Lists calls, newest first", TIME_HELP, calls_options, cli_audit_calls),
    ROW("audit events", NULL, NULL, "Lists what happened in calls, oldest first", TIME_HELP, events_options,
        cli_audit_events),
    ROW("audit user", "@WHO:SERVER", check_user, "Lists the calls of one user", TIME_HELP, user_options,
        cli_audit_user),
    ROW("audit stats", NULL, NULL, "Counts calls per day", TIME_HELP, stats_options, cli_audit_stats),
    ROW("audit quality", NULL, NULL, "Lists who saw and heard whom how well, the worst first",
        "Of calls on the embedded SFU: a line for each device, and each camera, microphone\n"
        "or screen that it got. --user is either of them.\n\n" TIME_HELP, quality_options, cli_audit_quality),
    ROW("audit purge", NULL, NULL, "Deletes old calls, a room's calls, or a person's name",
        "Each batch leaves a tombstone, so parley audit verify stays true. Calls that\n"
        "are going on are left. It may be interrupted and run again; calls go on.\n\n" TIME_HELP,
        purge_options, cli_audit_purge),
    ROW("audit verify", NULL, NULL, "Proves that the audit is as it was written",
        "Computes every MAC again, compares every number, list and digest; changes\n"
        "nothing, and `parley serve` may write meanwhile. Needs all keys there ever were,\n"
        "beside audit.key_file.\n\n"
        "Somebody who cuts the newest calls off whole is found only by the head that an\n"
        "earlier run printed: keep it outside of this machine (--expect), or in a file\n"
        "that the database's owner cannot write (--anchor).\n\n"
        "Exit code: 0 green, 1 something is wrong (the first bad row is named), 2 could\n"
        "not be run.\n", verify_options, cli_audit_verify),
    ROW("audit export", NULL, NULL, "Writes rows of the audit to a folder, signed",
        "All rows, or those that the options choose, in one snapshot and constant memory,\n"
        "with a manifest.json that is signed with the audit key: digest, row count and\n"
        "head of the audit. parley audit verify --export DIR checks it anywhere.\n\n" TIME_HELP,
        export_options, cli_audit_export),
    ROW("audit rotate-key", NULL, NULL, "Makes a new key for the audit chain",
        "The new key is audit.key_file; the one before it is kept beside it under the\n"
        "number of its epoch (audit.key.1, audit.key.2, ...), for parley audit verify. A\n"
        "row of call_heads, signed with both, says that the new one takes over. parley\n"
        "serve goes on meanwhile and finds the new key by itself.\n\n"
        "With several nodes: --prepare on one, copy audit.key.next to the others, then\n"
        "without --prepare on each. May be interrupted and run again.\n", rotate_options,
        cli_audit_rotate_key),
    ROW("config print", NULL, NULL, "Prints the settings in force", "", print_options, cli_config_print),
    ROW("config check", NULL, NULL, "Says whether the settings are right and complete", "", plain_options,
        cli_config_check),
    ROW("config sample", NULL, NULL, "Prints a file with every setting explained", "", help_options,
        cli_config_sample),
    ROW("version", NULL, NULL, "Prints the version", "", help_options, cli_version),
};
/* clang-format on */

const size_t cli_n_commands = COUNT_OF(cli_commands);
