/*
 * Asks store/removals (or store/identities) one thing and prints what came of it.
 *
 *     removals_probe URL put NOW ROOM USER DEVICE REASON LEFT_AT
 *     removals_probe URL drop ROOM USER DEVICE LEFT_AT
 *     removals_probe URL take NOW UNTIL
 *     removals_probe URL bar ROOM USER DEVICE AT
 */
#include "core/clock.h"
#include "core/mem.h"
#include "store/identities.h"
#include "store/pool.h"
#include "store/removals.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static struct {
    char **args;
    bool up;
    bool over;
} probe;

static void on_change(void *arg, bool up) {
    (void)arg;
    probe.up = up;
}

static void on_done(void *arg, enum err e) {
    (void)arg;
    printf("%s\n", e == OK ? "done" : err_text());
    probe.over = true;
}

static void on_found(void *arg, enum err e, const struct store_removal *rows, size_t n) {
    (void)arg;
    printf("%s", e == OK ? "found" : err_text());
    for (size_t i = 0; i < n; i++) {
        printf(" %s/%s/%s/%s/%lld", rows[i].room_id, rows[i].user_id, rows[i].device_id,
            rows[i].reason, (long long)rows[i].left_at);
    }
    putchar('\n');
    probe.over = true;
}

static void on_barred(void *arg, enum err e, const struct store_identity *rows, size_t n) {
    (void)arg;
    printf("%s", e == OK ? "barred" : err_text());
    for (size_t i = 0; i < n; i++) {
        printf(" %s", rows[i].identity);
    }
    putchar('\n');
    probe.over = true;
}

static int64_t number(int i) {
    return strtoll(probe.args[i], NULL, 10);
}

static enum err put(struct store *s) {
    const struct store_removal r = { probe.args[1], probe.args[2], probe.args[3], probe.args[4],
        NULL, number(5) };
    return store_removals_put(s, &r, number(0), on_done, NULL);
}

static enum err drop(struct store *s) {
    const struct store_removal r = { probe.args[0], probe.args[1], probe.args[2], "", NULL,
        number(3) };
    return store_removals_drop(s, &r, on_done, NULL);
}

static enum err take(struct store *s) {
    return store_removals_take(s, number(0), number(1), on_found, NULL);
}

static enum err bar(struct store *s) {
    return store_identities_bar(
        s, probe.args[0], probe.args[1], probe.args[2], number(3), on_barred, NULL);
}

static const struct {
    const char *name;
    int n_args;
    enum err (*ask)(struct store *s);
} commands[] = { { "put", 6, put }, { "drop", 4, drop }, { "take", 2, take }, { "bar", 4, bar } };

static enum err run(uv_loop_t *loop, const char *url, enum err (*ask)(struct store *s)) {
    const struct store_config cfg = { .url = url,
        .pool_size = 1,
        .connect_timeout_us = 10 * SEC_US,
        .statement_timeout_us = 10 * SEC_US };
    struct store *s = NULL;
    TRY(store_create(loop, &cfg, on_change, NULL, &s));
    while (!probe.up) {
        uv_run(loop, UV_RUN_ONCE);
    }
    enum err e = ask(s);
    while (e == OK && !probe.over) {
        uv_run(loop, UV_RUN_ONCE);
    }
    store_destroy(s);
    uv_run(loop, UV_RUN_DEFAULT);
    return e;
}

int main(int argc, char **argv) {
    for (size_t i = 0; argc >= 3 && i < COUNT_OF(commands); i++) {
        if (strcmp(argv[2], commands[i].name) == 0 && argc == 3 + commands[i].n_args) {
            uv_loop_t loop;
            uv_loop_init(&loop);
            probe.args = argv + 3;
            enum err e = run(&loop, argv[1], commands[i].ask);
            if (e != OK) {
                fprintf(stderr, "%s: %s\n", err_name(e), err_text());
            }
            return e != OK || uv_loop_close(&loop) != 0 || mem_live() != 0;
        }
    }
    fputs("usage: removals_probe URL COMMAND ARGUMENT…\n", stderr);
    return 2;
}
