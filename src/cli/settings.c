/* Finding and reading the settings, and the subcommands that show them. */
#include "cli/settings.h"

#include "cli/command.h"
#include "cli/options.h"
#include "cli/screen.h"
#include "core/buf.h"
#include "core/log.h"
#include "core/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define US_PER_S INT64_C(1000000)

const char *cli_settings_path(const struct cli_args *args) {
    const char *path = cli_args_get(args, "config");
    if (path != NULL) {
        return path;
    }
    /* A file that is there but cannot be looked at is an error to be told, not a missing one. */
    bool missing = access(CLI_SETTINGS_FILE, F_OK) != 0 && errno == ENOENT;
    return missing ? NULL : CLI_SETTINGS_FILE;
}

/* libpq waits for ever where packets get lost, and reads this variable wherever a session that
 * waits is opened. Set once, while there is one thread; what the admin wrote there or into
 * database.url wins. Whole seconds, rounded up: 0 would be no limit. */
static enum err limit_waiting(const struct config *c) {
    char seconds[24];
    snprintf(seconds, sizeof(seconds), "%" PRId64,
        (c->database.connect_timeout_us + US_PER_S - 1) / US_PER_S);
    return setenv("PGCONNECT_TIMEOUT", seconds, 0) == 0 ? OK : err_set(ERR_NOMEM, "out of memory");
}

enum err cli_settings_load(const struct cli_args *args, struct config **ret) {
    CLEANUP(config_destroyp) struct config *c = NULL;
    TRY(config_load(cli_settings_path(args), environ, &c));
    TRY(limit_waiting(c));
    *ret = STEAL(c);
    return OK;
}

void cli_settings_warn_open(const struct cli_args *args) {
    enum { STRANGERS = 007 };
    const char *path = cli_settings_path(args);
    CLEANUP(config_destroyp) struct config *file = NULL;
    struct stat st;
    if (path == NULL || stat(path, &st) != 0 || !S_ISREG(st.st_mode) ||
        (st.st_mode & STRANGERS) == 0) {
        return;
    }
    /* Without the environment: what stands there is not in the file. */
    if (config_load(path, NULL, &file) == OK && config_secret(file) != NULL) {
        LOG_WARN(&log_root, "settings_open_to_others", "file=%s mode=%04o holds=%s next=%s",
            LOG_Q(path), (unsigned)st.st_mode & 07777, LOG_Q(config_secret(file)),
            LOG_Q("chmod o= on the file"));
    }
}

static enum err print(struct buf *b) {
    TRY(buf_check(b));
    return cli_screen_print(buf_str(b));
}

enum err cli_config_print(const struct cli_args *args) {
    CLEANUP(config_destroyp) struct config *c = NULL;
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    TRY(cli_settings_load(args, &c));
    config_print(c, cli_args_has(args, "secrets"), &b);
    return print(&b);
}

enum err cli_config_check(const struct cli_args *args) {
    CLEANUP(config_destroyp) struct config *c = NULL;
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    TRY(cli_settings_load(args, &c));
    TRY(config_check_serve(c));
    const char *path = cli_settings_path(args);
    buf_printf(&b, "%s: fine\n", path == NULL ? "defaults and environment" : path);
    return print(&b);
}

enum err cli_config_sample(const struct cli_args *args) {
    (void)args;
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    TRY(config_print_sample(&b));
    return print(&b);
}
