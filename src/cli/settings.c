/* Finding and reading the settings, and the subcommands that show them. */
#include "cli/settings.h"

#include "cli/command.h"
#include "cli/options.h"
#include "cli/screen.h"
#include "core/buf.h"
#include "core/mem.h"

#include <errno.h>
#include <unistd.h>

const char *cli_settings_path(const struct cli_args *args) {
    const char *path = cli_args_get(args, "config");
    if (path != NULL) {
        return path;
    }
    /* A file that is there but cannot be looked at is an error to be told, not a missing one. */
    bool missing = access(CLI_SETTINGS_FILE, F_OK) != 0 && errno == ENOENT;
    return missing ? NULL : CLI_SETTINGS_FILE;
}

enum err cli_settings_load(const struct cli_args *args, struct config **ret) {
    return config_load(cli_settings_path(args), environ, ret);
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
