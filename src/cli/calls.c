/* `parley calls …`: asks the Parley that runs here, and tells what it says. */
#include "api/admin_client.h"
#include "api/order.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/private_door.h"
#include "cli/safe_text.h"
#include "cli/screen.h"
#include "cli/settings.h"
#include "core/buf.h"
#include "core/mem.h"
#include "store/live_calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_DEFAULT 100

static enum err find_door(const struct config *c, struct buf *url, struct api_admin_client *ret) {
    *ret = (struct api_admin_client){ .token_file = c->admin.token_file };
    enum err e = cli_private_url(&c->http.private, url);
    if (e == ERR_NOT_FOUND) {
        ret->unix_socket = cli_private_socket(&c->http.private);
        buf_puts(url, "http://localhost");
        e = buf_check(url);
    }
    TRY(e);
    ret->url = buf_str(url);
    return OK;
}

/* --- list --- */

/* A screen has no room for all of them. */
static const char *const table[] = { "session_id", "status", "room_id", "user_id", "device_id",
    "joined_at" };

struct view {
    struct store_audit_column columns[API_ADMIN_CALL_COLUMNS];
    size_t from[API_ADMIN_CALL_COLUMNS];
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
    for (size_t i = 0; i < API_ADMIN_CALL_COLUMNS; i++) {
        if (is_shown(format, api_admin_call_columns[i])) {
            v->columns[v->n] =
                (struct store_audit_column){ api_admin_call_columns[i], STORE_AUDIT_TEXT };
            v->from[v->n++] = i;
        }
    }
}

static enum err show_row(void *arg, const char *const *values) {
    const struct view *v = arg;
    const char *shown[API_ADMIN_CALL_COLUMNS];
    for (size_t i = 0; i < v->n; i++) {
        shown[i] = values[v->from[i]];
    }
    return cli_output_row(v->output, shown);
}

static enum err show(
    const struct cli_args *args, const struct api_admin_client *door, enum cli_format format) {
    CLEANUP(cli_output_destroyp) struct cli_output *output = NULL;
    struct view view = { .n = 0 };
    bool more = false;
    choose_columns(format, &view);
    const struct cli_output_config cfg = {
        .format = format,
        .terminal = cli_screen_is_terminal(),
        .columns = view.columns,
        .n_columns = view.n,
        .write = cli_screen_write,
    };
    const char *limit = cli_args_get(args, "limit");
    const struct store_live_filter filter = {
        .session_id = cli_args_get(args, "call"),
        .room_id = cli_args_get(args, "room"),
        .user_id = cli_args_get(args, "user"),
        .most = limit == NULL ? LIST_DEFAULT : strtoul(limit, NULL, 10),
    };
    TRY(cli_output_create(&cfg, &output));
    view.output = output;
    TRY(api_admin_client_list(door, &filter, show_row, &view, &more));
    TRY(cli_output_end(output));
    if (format == CLI_TABLE && cli_output_rows(output) == 0) {
        fprintf(stderr, "no calls\n");
    }
    if (more) {
        fprintf(stderr, "there are more: --limit N, at most %d\n", STORE_LIVE_CALLS_MOST);
    }
    return OK;
}

enum err cli_calls_list(const struct cli_args *args) {
    CLEANUP(config_destroyp) struct config *config = NULL;
    CLEANUP(buf_finish) struct buf url;
    struct api_admin_client door;
    buf_init(&url, 0);
    TRY(cli_settings_load(args, &config));
    TRY(find_door(config, &url, &door));
    return show(args, &door, cli_format_read(cli_args_get(args, "format")));
}

/* --- end, kick and mute --- */

struct outcome {
    struct buf text;
    size_t failed;
    bool mute;
};

/* Device ids are what a client, maybe of another server, calls itself. */
static void put(struct buf *b, const char *text, const char *otherwise) {
    cli_safe_text(b, text == NULL ? otherwise : text);
}

static enum err tell_member(void *arg, const char *const *values) {
    struct outcome *o = arg;
    put(&o->text, values[0], "?");
    buf_putc(&o->text, ' ');
    put(&o->text, values[1], "-");
    if (values[2] != NULL) {
        buf_puts(&o->text, strcmp(values[2], "sender") == 0  ? ": left, by Parley's own user\n"
                           : strcmp(values[2], "muted") == 0 ? ": muted\n"
                                                             : ": left\n");
        return buf_check(&o->text);
    }
    buf_puts(&o->text, o->mute ? ": not muted: " : ": still in: ");
    put(&o->text, values[3], "no reason was given");
    buf_putc(&o->text, '\n');
    o->failed++;
    return buf_check(&o->text);
}

static enum err tell(const struct outcome *o, bool marked) {
    TRY(cli_screen_print(buf_str(&o->text)));
    if (marked) {
        return cli_screen_print("Marked as ended. A call of two devices is between them: they are "
                                "told nothing and may go on talking.\n");
    }
    return o->failed == 0 ? OK
                          : err_set(ERR_FORBIDDEN, "%zu of them could not be %s", o->failed,
                                o->mute ? "muted" : "ended");
}

static enum err order(const struct cli_args *args, const struct api_order *what) {
    CLEANUP(config_destroyp) struct config *config = NULL;
    CLEANUP(buf_finish) struct buf url;
    struct api_admin_client door;
    struct outcome outcome = { .mute = what->act == API_ORDER_MUTE };
    bool marked = false;
    buf_init(&url, 0);
    buf_init(&outcome.text, 0);
    TRY(cli_settings_load(args, &config));
    TRY(find_door(config, &url, &door));
    enum err e = api_admin_client_order(&door, what, tell_member, &outcome, &marked);
    e = e == OK ? tell(&outcome, marked) : e;
    buf_finish(&outcome.text);
    return e;
}

enum err cli_calls_end(const struct cli_args *args) {
    const struct api_order what = {
        .session_id = args->words[0],
        .reason = cli_args_get(args, "reason"),
    };
    return order(args, &what);
}

static enum err order_of_somebody(const struct cli_args *args, enum api_order_act act) {
    const struct api_order what = {
        .act = act,
        .session_id = args->words[0],
        .user_id = cli_args_get(args, "user"),
        .device_id = cli_args_get(args, "device"),
        .track = act == API_ORDER_MUTE ? cli_args_get(args, "track") : NULL,
        .reason = cli_args_get(args, "reason"),
    };
    if (what.user_id == NULL) {
        return err_set(ERR_INVALID, "whom? Give --user; parley calls list shows who is in");
    }
    return order(args, &what);
}

enum err cli_calls_kick(const struct cli_args *args) {
    return order_of_somebody(args, API_ORDER_KICK);
}

enum err cli_calls_mute(const struct cli_args *args) {
    return order_of_somebody(args, API_ORDER_MUTE);
}
