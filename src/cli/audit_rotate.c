/* `parley audit rotate-key`. */
#include "cli/actor.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/screen.h"
#include "cli/settings.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"
#include "store/key_rotation.h"
#include "store/migrate.h"

#include <inttypes.h>

static enum err print(struct buf *b) {
    TRY(buf_check(b));
    return cli_screen_print(buf_str(b));
}

static enum err prepare(const char *path) {
    CLEANUP(buf_finish) struct buf b;
    char fingerprint[20];
    buf_init(&b, 0);
    TRY(store_rotate_prepare(path, fingerprint));
    buf_printf(&b,
        "%s.next is the next key (fingerprint %s); nothing is written with it yet.\n"
        "Copy it beside audit.key_file of every other node, then run\n"
        "`parley audit rotate-key` here, and after that on each of them.\n",
        path, fingerprint);
    return print(&b);
}

static enum err print_done(const char *path, const struct store_rotation *r) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    if (r->finished) {
        buf_printf(&b,
            "The audit was written with key epoch %d (fingerprint %s) already; %s is now that "
            "key.\n",
            r->epoch, r->fingerprint, path);
    } else {
        buf_printf(&b,
            "From row %" PRId64 " of call_heads on, the audit is written with key epoch %d\n"
            "(fingerprint %s), which is %s. The key before it is kept as\n"
            "%s.%d: parley audit verify needs both. Copy them elsewhere.\n"
            "parley serve finds the new key by itself.\n",
            r->seq, r->epoch, r->fingerprint, path, path, r->epoch - 1);
    }
    return print(&b);
}

enum err cli_audit_rotate_key(const struct cli_args *args) {
    CLEANUP(config_destroyp) struct config *config = NULL;
    struct store_rotation done;
    char uid[CLI_ACTOR_SIZE];
    TRY(cli_settings_load(args, &config));
    const char *path = config->audit.key_file;
    if (cli_args_has(args, "prepare")) {
        return prepare(path);
    }
    const char *reason = cli_args_has(args, "reason") ? cli_args_get(args, "reason") : "rotation";
    TRY(store_migrate_check(config->database.url, NULL));
    TRY(store_rotate_key(
        config->database.url, path, reason, cli_actor(args, uid), clock_wall_ms(), &done));
    return print_done(path, &done);
}
