/* `parley webhooks …`: what was not delivered, again, and is somebody there?  Thread: main. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/screen.h"
#include "cli/settings.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/mem.h"
#include "hooks/ping.h"
#include "hooks/secret.h"
#include "store/news_desk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_DEFAULT 1000

/* --- list --- */

/* A screen has no room for all of them. */
static const char *const table[] = { "id", "state", "type", "at", "attempts", "problem" };

struct view {
    struct store_audit_column columns[STORE_NEWS_DESK_COLUMNS];
    size_t from[STORE_NEWS_DESK_COLUMNS];
    size_t n;
    struct cli_output *output;
};

static bool is_shown(enum cli_format format, const char *name) {
    for (size_t i = 0; i < COUNT_OF(table) && format == CLI_TABLE; i++) {
        if (strcmp(table[i], name) == 0) {
            return true;
        }
    }
    return format != CLI_TABLE;
}

static void choose_columns(enum cli_format format, struct view *v) {
    for (size_t i = 0; i < STORE_NEWS_DESK_COLUMNS; i++) {
        if (is_shown(format, store_news_desk_columns[i])) {
            v->columns[v->n] =
                (struct store_audit_column){ store_news_desk_columns[i], STORE_AUDIT_TEXT };
            v->from[v->n++] = i;
        }
    }
}

static enum err show_row(void *arg, const char *const *values) {
    const struct view *v = arg;
    const char *shown[STORE_NEWS_DESK_COLUMNS];
    for (size_t i = 0; i < v->n; i++) {
        shown[i] = values[v->from[i]];
    }
    return cli_output_row(v->output, shown);
}

enum err cli_webhooks_list(const struct cli_args *args) {
    CLEANUP(config_destroyp) struct config *config = NULL;
    CLEANUP(cli_output_destroyp) struct cli_output *output = NULL;
    enum cli_format format = cli_format_read(cli_args_get(args, "format"));
    const char *limit = cli_args_get(args, "limit");
    struct view view = { .n = 0 };
    TRY(cli_settings_load(args, &config));
    choose_columns(format, &view);
    const struct cli_output_config cfg = { .format = format,
        .terminal = cli_screen_is_terminal(),
        .columns = view.columns,
        .n_columns = view.n,
        .write = cli_screen_write };
    TRY(cli_output_create(&cfg, &output));
    view.output = output;
    TRY(store_news_desk_list(config->database.url,
        limit == NULL ? LIST_DEFAULT : strtoul(limit, NULL, 10), show_row, &view));
    TRY(cli_output_end(output));
    if (format == CLI_TABLE && cli_output_rows(output) == 0) {
        fprintf(stderr, "nothing waits, and nothing was given up\n");
    }
    return OK;
}

/* --- retry --- */

enum err cli_webhooks_retry(const struct cli_args *args) {
    CLEANUP(config_destroyp) struct config *config = NULL;
    char line[64];
    int64_t n = 0;
    TRY(cli_settings_load(args, &config));
    TRY(store_news_desk_retry(config->database.url, clock_wall_ms(), &n));
    snprintf(line, sizeof(line), "%" PRId64 " to be delivered, now\n", n);
    return cli_screen_print(line);
}

/* --- test --- */

static enum err test_one(
    const struct config *c, struct hooks_secret *secret, const char *url, size_t *bad) {
    CLEANUP(buf_finish) struct buf b;
    struct hooks_pong pong;
    const struct hooks_ping ping = { .url = url,
        .secret = secret,
        .ca_file = c->webhooks.ca_file,
        .timeout_us = c->webhooks.timeout_us };
    buf_init(&b, 0);
    TRY(hooks_ping(&ping, &pong));
    bool fine = pong.err == OK && pong.status >= 200 && pong.status <= 299;
    buf_printf(&b, "%.*s: ", (int)hooks_url_shown(url), url);
    if (pong.err == OK) {
        buf_printf(&b, "%s, it answered %d\n", fine ? "fine" : "refused", pong.status);
    } else {
        buf_printf(&b, "not delivered: %s\n", pong.text);
    }
    *bad += fine ? 0 : 1;
    TRY(buf_check(&b));
    return cli_screen_print(buf_str(&b));
}

enum err cli_webhooks_test(const struct cli_args *args) {
    CLEANUP(config_destroyp) struct config *config = NULL;
    CLEANUP(hooks_secret_destroyp) struct hooks_secret *secret = NULL;
    size_t bad = 0;
    TRY(cli_settings_load(args, &config));
    if (config->webhooks.urls.n == 0) {
        return err_set(ERR_NOT_FOUND, "webhooks.urls is empty: nobody is told of calls");
    }
    TRY(hooks_secret_load(config->webhooks.secret_file, &secret));
    for (size_t i = 0; i < config->webhooks.urls.n; i++) {
        TRY(test_one(config, secret, config->webhooks.urls.items[i], &bad));
    }
    return bad == 0 ? OK : err_set(ERR_UNREACHABLE, "%zu of them did not take it", bad);
}
