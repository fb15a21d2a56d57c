/* Wiring of the admin API, and `parley admin-token`. */
#include "cli/admin.h"

#include "api/admin_auth.h"
#include "api/admin_calls.h"
#include "api/stats.h"
#include "api/status.h"
#include "cli/command.h"
#include "cli/engine.h"
#include "cli/focus.h"
#include "cli/options.h"
#include "cli/screen.h"
#include "cli/settings.h"
#include "core/buf.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/secret_file.h"
#include "matrix/whoami.h"

#include <string.h>

struct cli_admin {
    const struct config *config;
    struct api_admin_auth *auth;
    struct api_status *status;
    struct api_stats *stats;
    struct api_admin_calls *calls;
    struct mx_whoami *whoami;
};

static enum err build(
    struct cli_admin *a, struct http_router *private, const struct api_health *health) {
    TRY(api_admin_auth_create(&a->config->admin.users, &a->auth));
    TRY(api_admin_auth_load(a->auth, a->config->admin.token_file));
    const struct api_status_config cfg = { a->auth, health, a->config->node.name };
    TRY(api_status_create(private, &cfg, &a->status));
    TRY(api_stats_create(private, a->auth, a->config->node.name, &a->stats));
    return api_admin_calls_create(private, a->auth, &a->calls);
}

enum err cli_admin_create(struct http_router *private, const struct config *c,
    const struct api_health *health, struct cli_admin **ret) {
    struct cli_admin *a = mem_zalloc(sizeof(*a));
    if (a == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    a->config = c;
    enum err e = build(a, private, health);
    if (e != OK) {
        cli_admin_destroy(a);
        return e;
    }
    *ret = a;
    return OK;
}

void cli_admin_destroy(struct cli_admin *a) {
    if (a != NULL) {
        cli_admin_detach(a);
        api_admin_calls_destroy(a->calls);
        api_stats_destroy(a->stats);
        api_status_destroy(a->status);
        api_admin_auth_destroy(a->auth);
        mem_free(a);
    }
}

void cli_admin_set_rooms(struct cli_admin *a, struct room_directory *rooms) {
    api_stats_set_rooms(a->stats, rooms);
}

enum err cli_admin_attach(struct cli_admin *a, struct cli_engine *e, struct cli_focus *f) {
    TRY(mx_whoami_create(cli_engine_client(e), &a->whoami));
    api_admin_auth_set_whoami(a->auth, a->whoami);
    api_status_set_store(a->status, cli_engine_store(e));
    const struct api_admin_calls_engine engine = {
        .store = cli_engine_store(e),
        .calls = cli_engine_calls(e),
        .ending = { cli_engine_client(e), a->config->homeserver.name,
            a->config->appservice.masquerade },
        .remove = cli_focus_remove,
        .arg = f,
        .mute = { cli_focus_mute, cli_focus_mute_forget, f },
    };
    api_admin_calls_attach(a->calls, &engine);
    return OK;
}

void cli_admin_detach(struct cli_admin *a) {
    if (a == NULL || a->whoami == NULL) {
        return;
    }
    api_admin_calls_detach(a->calls);
    api_status_set_store(a->status, NULL);
    api_admin_auth_set_whoami(a->auth, NULL);
    mx_whoami_destroy(STEAL(a->whoami));
}

void cli_admin_reload(struct cli_admin *a) {
    if (api_admin_auth_load(a->auth, a->config->admin.token_file) != OK) {
        LOG_ERROR(&log_root, "reload_refused", "kept=old text=%s", LOG_Q(err_text()));
    }
}

/* --- parley admin-token --- */

/* The token goes into the file and nowhere else: what is printed ends in histories and logs. */
static enum err write_token(
    const char *path, enum err (*write)(const char *path, const char *bytes, size_t len)) {
    char text[TOKEN_TEXT_SIZE + 1];
    crypto_token(text);
    text[TOKEN_TEXT_SIZE - 1] = '\n';
    text[TOKEN_TEXT_SIZE] = '\0';
    enum err e = write(path, text, TOKEN_TEXT_SIZE);
    explicit_bzero(text, sizeof(text));
    return e;
}

static enum err say(const char *format, const char *path) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    for (const char *c = format; *c != '\0'; c++) {
        if (*c == '@') {
            buf_puts(&b, path);
        } else {
            buf_putc(&b, *c);
        }
    }
    TRY(buf_check(&b));
    return cli_screen_print(buf_str(&b));
}

enum err cli_admin_token(const struct cli_args *args) {
    CLEANUP(config_destroyp) struct config *config = NULL;
    TRY(cli_settings_load(args, &config));
    const char *path = config->admin.token_file;
    if (cli_args_has(args, "finish")) {
        TRY(secret_file_drop_old(path));
        return say("The earlier token is forgotten. Now: systemctl reload parley\n", path);
    }
    if (cli_args_has(args, "rotate")) {
        TRY(write_token(path, secret_file_replace));
        return say("A new token is in @; the earlier one is in @.old and still good.\n"
                   "\n"
                   "1. systemctl reload parley      Both are good.\n"
                   "2. Give the new one to whoever uses the admin API.\n"
                   "3. parley admin-token --finish\n"
                   "4. systemctl reload parley      The earlier one is refused.\n",
            path);
    }
    TRY(write_token(path, secret_file_write));
    return say("The token is in @. Now: systemctl reload parley\n", path);
}
