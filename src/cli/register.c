/* `parley register`: the registration file, and what the admin does with it. */
#include "appservice/registration.h"

#include "cli/command.h"
#include "cli/options.h"
#include "cli/private_door.h"
#include "cli/rotation.h"
#include "cli/screen.h"
#include "cli/settings.h"
#include "core/buf.h"
#include "core/mem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_ID     "calls"
#define DEFAULT_SENDER "_calls"

static const char *given(const struct cli_args *args, const char *name, const char *otherwise) {
    const char *value = cli_args_get(args, name);
    return value == NULL ? otherwise : value;
}

/* Where a homeserver on this machine calls us. */
static enum err default_url(const struct config *c, struct buf *ret) {
    enum err e = cli_private_url(&c->http.private, ret);
    return e != ERR_NOT_FOUND ? e
                              : err_set(ERR_INVALID,
                                    "http.private has unix sockets only: say with --url where the "
                                    "homeserver reaches us");
}

/* The list of call services, as a mapping or object of one line: JSON is YAML. */
static void put_focus(struct buf *b, const char *focus_url) {
    buf_puts(b, "{\"type\": \"livekit\", \"livekit_service_url\": ");
    buf_json_str(b, focus_url);
}

/* matrix-calls 5, "How clients find our focus": both places, since each is all that some clients
 * read. Nothing of it where we are no call service, for clients would call in vain. */
static void put_call_service(const struct config *c, struct buf *b) {
    const char *focus_url = c->rtc.public_url;
    if (focus_url[0] == '\0') {
        return;
    }
    buf_puts(b, "matrix_rtc:\n"
                "  transports:\n"
                "    - ");
    put_focus(b, focus_url);
    if (c->livekit.url[0] != '\0') {
        buf_puts(b, ", \"url\": ");
        buf_json_str(b, c->livekit.url);
    }
    buf_puts(b, "}\n"
                "extra_well_known_client_content:\n"
                "  org.matrix.msc4143.rtc_foci:\n"
                "    - ");
    put_focus(b, focus_url);
    buf_puts(b, "}\n");
}

static void put_well_known(const struct config *c, const char *server_name, struct buf *b) {
    if (c->rtc.public_url[0] == '\0') {
        buf_puts(b,
            "\n"
            "No call service is configured (rtc.public_url is empty): Parley records calls, "
            "and nothing here sends clients to an SFU. Set rtc.public_url to be one, "
            "and livekit.url where a LiveKit server of yours is to carry the media; parley doctor "
            "--fix prints then what is missing.\n");
        return;
    }
    buf_printf(b,
        "\n"
        "Clients read https://%s/.well-known/matrix/client too. Where a web server of yours serves "
        "that file, and not the homeserver, put this member into its object, and send the file "
        "with Access-Control-Allow-Origin: *\n"
        "\n"
        "\"org.matrix.msc4143.rtc_foci\": [",
        server_name);
    put_focus(b, c->rtc.public_url);
    buf_puts(b, "}]\n");
}

/* matrix-calls 6: the part of homeserver.yaml that calls need. */
static void print_advice(
    const char *path, const struct config *c, const char *server_name, struct buf *b) {
    buf_printf(b,
        "Wrote %s (mode 0600). It holds two secrets: the homeserver must be able to read it, "
        "nobody else.\n"
        "\n"
        "1. Paste into homeserver.yaml, and leave out what your Synapse does not know:\n"
        "\n"
        "app_service_config_files:\n"
        "  - %s\n"
        "max_event_delay_duration: 24h   # Synapse 1.116: members of a call leave when their "
        "client dies\n"
        "experimental_features:\n"
        "  msc4143_enabled: true         # 1.140: where clients find the call service\n"
        "  msc4222_enabled: true         # clients see who joins and leaves reliably\n"
        "  msc4354_enabled: true         # 1.148: sticky members\n"
        "rc_message: {per_second: 0.5, burst_count: 30}   # key exchange of a call sends bursts\n"
        "rc_delayed_event_mgmt: {per_second: 1, burst_count: 20}\n",
        path, path);
    put_call_service(c, b);
    put_well_known(c, server_name, b);
    buf_puts(b,
        "\n"
        "2. Restart the homeserver: it reads registrations only when it starts.\n"
        "3. systemctl enable --now parley   (or: parley serve; the first start makes the tables "
        "and the audit key)\n");
}

/* What is written in the advice must be right from any folder. */
static enum err absolute(const char *path, struct buf *ret) {
    char full[PATH_MAX];
    buf_puts(ret, realpath(path, full) == NULL ? path : full);
    return buf_check(ret);
}

static enum err write_file(const struct cli_args *args, const struct config *config,
    const char *server_name, const char *path) {
    CLEANUP(buf_finish) struct buf url;
    CLEANUP(as_registration_destroyp) struct as_registration *r = NULL;
    buf_init(&url, 0);
    if (cli_args_get(args, "url") == NULL) {
        TRY(default_url(config, &url));
    }
    TRY(as_registration_generate(given(args, "id", DEFAULT_ID), given(args, "url", buf_str(&url)),
        given(args, "sender", DEFAULT_SENDER), &r));
    return as_registration_save(r, server_name, path);
}

enum err cli_register(const struct cli_args *args) {
    CLEANUP(config_destroyp) struct config *config = NULL;
    CLEANUP(buf_finish) struct buf path;
    CLEANUP(buf_finish) struct buf text;
    buf_init(&path, 0);
    buf_init(&text, 0);
    TRY(cli_settings_load(args, &config));
    const char *server_name = given(args, "server-name", config->homeserver.name);
    if (server_name[0] == '\0') {
        return err_set(ERR_INVALID,
            "which homeserver? Give --server-name, or set homeserver.name in the settings");
    }
    const char *out = given(args, "out", config->appservice.registration);
    if (cli_args_has(args, "rotate")) {
        return cli_rotation_begin(out, server_name);
    }
    if (cli_args_has(args, "finish")) {
        return cli_rotation_finish(config, out, server_name, cli_args_has(args, "force"));
    }
    TRY(write_file(args, config, server_name, out));
    TRY(absolute(out, &path));
    print_advice(buf_str(&path), config, server_name, &text);
    TRY(buf_check(&text));
    return cli_screen_print(buf_str(&text));
}
