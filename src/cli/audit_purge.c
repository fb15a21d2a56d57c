/* `parley audit purge`: what is to go, a question, the purge, and what went. */
#include "cli/actor.h"
#include "cli/command.h"
#include "cli/database.h"
#include "cli/screen.h"
#include "cli/settings.h"
#include "cli/when.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"
#include "store/chain.h"
#include "store/purge.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NEWS_US (2 * SEC_US) /* between two lines of progress */

static enum err refuse(const char *why) {
    cli_command_set_exit(CLI_USAGE);
    return err_set(ERR_INVALID, "%s; `parley audit purge --help` explains", why);
}

/* --- what was asked for --- */

static const char *option(const struct cli_args *args, const char *name) {
    return cli_args_has(args, name) ? cli_args_get(args, name) : NULL;
}

static enum err read_scope(const struct cli_args *args, struct store_purge *p) {
    const char *before = option(args, "before");
    p->user = option(args, "user");
    p->room = option(args, "room");
    if ((before != NULL) + (p->user != NULL) + (p->room != NULL) != 1) {
        return refuse("say what is to go: one of --before, --user and --room");
    }
    p->scope = before != NULL    ? STORE_PURGE_BEFORE
               : p->user != NULL ? STORE_PURGE_USER
                                 : STORE_PURGE_ROOM;
    if (before == NULL) {
        return OK;
    }
    TRY(cli_when_read(before, clock_wall_ms(), &p->before_ms));
    return p->before_ms <= clock_wall_ms() ? OK : refuse("--before lies in the future");
}

static enum err read_request(
    const struct cli_args *args, char uid[CLI_ACTOR_SIZE], struct store_purge *p) {
    TRY(read_scope(args, p));
    p->dry_run = cli_args_has(args, "dry-run");
    p->reason = option(args, "reason");
    p->actor = cli_actor(args, uid);
    if (p->reason == NULL && !p->dry_run) {
        return refuse("--reason is missing: it stays in the audit, where others read it");
    }
    p->reason = p->reason == NULL ? "-" : p->reason;
    return OK;
}

/* --- what is told --- */

static void put_line(struct buf *b, const char *name, int64_t n) {
    if (n != 0) {
        buf_printf(b, "%-30s %" PRId64 "\n", name, n);
    }
}

static enum err print_totals(const struct store_purge_totals *t, const char *title) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    put_line(&b, "calls deleted", t->calls);
    put_line(&b, "calls without the name", t->calls_erased);
    put_line(&b, "audit chains purged", t->chains);
    put_line(&b, "audit rows purged", t->rows);
    put_line(&b, "audit rows erased", t->rows_erased);
    put_line(&b, "webhooks, notices deleted", t->news);
    put_line(&b, "webhooks, notices erased", t->news_erased);
    put_line(&b, "tombstones written", t->tombstones);
    put_line(&b, "calls going on, left", t->live);
    put_line(&b, "calls in use, left", t->busy);
    put_line(&b, "tombstones naming them, kept", t->acts);
    if (b.len == 0) {
        buf_puts(&b, "nothing\n");
    }
    TRY(buf_check(&b));
    TRY(cli_screen_print(title));
    return cli_screen_print(buf_str(&b));
}

/* --- while it runs --- */

static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
    (void)number;
    interrupted = 1;
}

/* The first signal ends the purge behind its batch, the second one at once: harmless too. */
static void catch_signals(void) {
    struct sigaction a = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
}

static bool tell(void *arg, const struct store_purge_totals *t) {
    int64_t *told_us = arg;
    int64_t now_us = clock_mono_us();
    if (now_us - *told_us >= NEWS_US) {
        *told_us = now_us;
        fprintf(stderr,
            "so far: %" PRId64 " calls deleted, %" PRId64 " without the name, %" PRId64
            " audit rows purged, %" PRId64 " erased\n",
            t->calls, t->calls_erased, t->rows, t->rows_erased);
    }
    return interrupted == 0;
}

/* --- the command --- */

static enum err ask_person(const struct config *config, const struct store_purge *p) {
    if (isatty(STDIN_FILENO) == 0) {
        return refuse("nobody is there to ask: add --yes, or --dry-run to see what would go");
    }
    struct store_purge look = *p;
    struct store_purge_totals totals;
    look.dry_run = true;
    TRY(store_purge_run(config->database.url, NULL, &look, &totals));
    TRY(print_totals(&totals, "This would go and cannot be brought back:\n"));
    TRY(cli_screen_print("Type yes to go on: "));
    TRY(cli_screen_flush());
    char line[16];
    bool yes = fgets(line, sizeof(line), stdin) != NULL && strcmp(line, "yes\n") == 0;
    return yes ? OK : err_set(ERR_CONFLICT, "nothing was done");
}

/* What was done is done; what was left needs somebody to come back. */
static enum err judge(const struct store_purge *p, const struct store_purge_totals *t) {
    if (t->stopped) {
        return err_set(ERR_CONFLICT, "interrupted: what is listed is done; run it again to go on");
    }
    bool whole = p->scope == STORE_PURGE_USER || p->scope == STORE_PURGE_ROOM;
    if (t->busy > 0 || (whole && t->live > 0)) {
        return err_set(ERR_CONFLICT, "%" PRId64 " calls were left: run it again when they are over",
            t->live + t->busy);
    }
    return OK;
}

enum err cli_audit_purge(const struct cli_args *args) {
    CLEANUP(config_destroyp) struct config *config = NULL;
    CLEANUP(store_audit_key_destroyp) struct store_audit_key *key = NULL;
    char uid[CLI_ACTOR_SIZE];
    int64_t told_us = clock_mono_us();
    struct store_purge p = { .progress = tell, .arg = &told_us };
    struct store_purge_totals totals;
    TRY(read_request(args, uid, &p));
    TRY(cli_settings_load(args, &config));
    if (p.dry_run) {
        TRY(store_purge_run(config->database.url, NULL, &p, &totals));
        return print_totals(&totals, "");
    }
    TRY(cli_database_check(config));
    TRY(store_audit_key_load(config->audit.key_file, &key));
    if (!cli_args_has(args, "yes")) {
        TRY(ask_person(config, &p));
    }
    catch_signals();
    enum err e = store_purge_run(config->database.url, key, &p, &totals);
    char why[256];
    snprintf(why, sizeof(why), "%s", err_text());
    TRY(print_totals(&totals, ""));
    return e == OK ? judge(&p, &totals) : err_set(e, "%s", why);
}
