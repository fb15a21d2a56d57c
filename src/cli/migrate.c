/* `parley migrate`: a line for each thing done. */
#include "store/migrate.h"
#include "cli/command.h"
#include "cli/database.h"
#include "cli/options.h"
#include "cli/screen.h"
#include "cli/settings.h"
#include "store/chain.h"

#include <stdio.h>

/* Standard output is not checked here: a migration does not fail because nobody reads of it. The
 * end of the command does. */
static void tell_applied(void *arg, const struct store_migration *m) {
    *(int *)arg += 1;
    printf("applied %s\n", m->name);
}

static void tell_key_made(void *arg, const char *path) {
    *(int *)arg += 1;
    printf("made the audit key %s: keep a copy of it elsewhere\n", path);
}

enum err cli_migrate(const struct cli_args *args) {
    CLEANUP(config_destroyp) struct config *config = NULL;
    TRY(cli_settings_load(args, &config));
    if (cli_args_has(args, "check")) {
        TRY(cli_database_check(config));
        return cli_screen_print("nothing to do\n");
    }
    int done = 0;
    const struct cli_database_news news = { tell_applied, tell_key_made, &done };
    struct store_audit_key *key = NULL;
    TRY(cli_database_prepare(config, &news, &key));
    store_audit_key_destroy(key);
    return done == 0 ? cli_screen_print("nothing to do\n") : OK;
}
