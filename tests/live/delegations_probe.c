/*
 * Asks store/delegations one thing and prints what came of it.
 *
 *     delegations_probe URL put NODE NOW UNTIL ALIAS IDENTITY DELAY_ID STATE
 *     delegations_probe URL remove ALIAS IDENTITY DELAY_ID
 *     delegations_probe URL hold|start NODE NOW UNTIL
 *     delegations_probe URL take NODE NOW UNTIL ALIAS IDENTITY
 */
#include "core/clock.h"
#include "core/mem.h"
#include "store/delegations.h"
#include "store/pool.h"

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

static void on_found(
    void *arg, enum err e, const struct store_delegation *rows, size_t n, int64_t held) {
    (void)arg;
    printf("%s held=%lld", e == OK ? "found" : err_text(), (long long)held);
    for (size_t i = 0; i < n; i++) {
        printf(" %s/%s/%s/%s/%lld/%lld", rows[i].alias, rows[i].identity, rows[i].delay_id,
            rows[i].state, (long long)rows[i].delay_ms, (long long)rows[i].restarted_at);
    }
    putchar('\n');
    probe.over = true;
}

static struct store_holder holder(void) {
    return (struct store_holder){ probe.args[0], strtoll(probe.args[1], NULL, 10),
        strtoll(probe.args[2], NULL, 10) };
}

static enum err put(struct store *s) {
    const struct store_holder h = holder();
    const struct store_delegation d = { .alias = probe.args[3],
        .identity = probe.args[4],
        .delay_id = probe.args[5],
        .delay_ms = 60000,
        .user_id = "@a:x",
        .room_id = "!r:x",
        .state = probe.args[6],
        .created_at = h.now_ms,
        .restarted_at = h.now_ms };
    return store_delegations_put(s, &d, &h, on_done, NULL);
}

static enum err take_away(struct store *s) {
    return store_delegations_remove(s, probe.args[0], probe.args[1], probe.args[2], on_done, NULL);
}

static enum err hold(struct store *s) {
    const struct store_holder h = holder();
    return store_delegations_hold(s, &h, false, on_found, NULL);
}

static enum err start(struct store *s) {
    const struct store_holder h = holder();
    return store_delegations_hold(s, &h, true, on_found, NULL);
}

static enum err take(struct store *s) {
    const struct store_holder h = holder();
    return store_delegations_take(s, probe.args[3], probe.args[4], &h, on_found, NULL);
}

static const struct {
    const char *name;
    int n_args;
    enum err (*ask)(struct store *s);
} commands[] = { { "put", 7, put }, { "remove", 3, take_away }, { "hold", 3, hold },
    { "start", 3, start }, { "take", 5, take } };

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
    fputs("usage: delegations_probe URL COMMAND ARGUMENT…\n", stderr);
    return 2;
}
