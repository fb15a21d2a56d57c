/*
 * Asks store/nodes one thing and prints what came of it.
 *
 *     nodes_probe URL beat NAME RUN LEASE_MS TAKES DRAINING
 *     nodes_probe URL leave NAME RUN
 *     nodes_probe URL claim NODE ALIAS,ALIAS…       NODE "-": for none
 *     nodes_probe URL release NODE ALIAS,ALIAS…
 *     nodes_probe URL keep NODE FRESH_MS ALIAS,…    releases all others
 */
#include "core/clock.h"
#include "core/mem.h"
#include "store/nodes.h"
#include "store/pool.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define ALIASES_MOST 64

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

static void on_listed(void *arg, enum err e, const struct store_node *nodes, size_t n) {
    (void)arg;
    printf("%s", e == OK ? "nodes" : err_text());
    for (size_t i = 0; i < n; i++) {
        printf(" %s/%s/%s%s/%d", nodes[i].name, nodes[i].run, nodes[i].alive ? "alive" : "dead",
            nodes[i].draining ? "+draining" : "", nodes[i].rooms);
    }
    putchar('\n');
    probe.over = true;
}

static void on_placed(void *arg, enum err e, const struct store_place *places, size_t n) {
    (void)arg;
    printf("%s", e == OK ? "placed" : err_text());
    for (size_t i = 0; i < n; i++) {
        printf(" %s=%s@%s", places[i].alias, places[i].node, places[i].url);
    }
    putchar('\n');
    probe.over = true;
}

static size_t split(char *text, const char *ret[ALIASES_MOST]) {
    size_t n = 0;
    for (char *at = strtok(text, ","); at != NULL && n < ALIASES_MOST; at = strtok(NULL, ",")) {
        ret[n++] = at;
    }
    return n;
}

static int64_t number(int i) {
    return strtoll(probe.args[i], NULL, 10);
}

static enum err beat(struct store *s) {
    const struct store_node own = { .name = probe.args[0],
        .run = probe.args[1],
        .url = "wss://x",
        .inner_url = "",
        .version = "0",
        .workers = 2,
        .members = 3,
        .draining = number(4) != 0,
        .started_at = clock_wall_ms(),
        .clock_at = clock_wall_ms() };
    return store_nodes_beat(s, &own, number(2), number(3) != 0, on_listed, NULL);
}

static enum err leave(struct store *s) {
    return store_nodes_leave(s, probe.args[0], probe.args[1], on_done, NULL);
}

static enum err claim(struct store *s) {
    const char *aliases[ALIASES_MOST];
    const char *node = strcmp(probe.args[0], "-") == 0 ? NULL : probe.args[0];
    const size_t n = split(probe.args[1], aliases);
    return store_nodes_claim(s, node, aliases, n, on_placed, NULL);
}

static enum err let_go(struct store *s) {
    const char *aliases[ALIASES_MOST];
    const size_t n = split(probe.args[1], aliases);
    return store_nodes_release(s, probe.args[0], aliases, n, on_done, NULL);
}

static enum err keep(struct store *s) {
    const char *aliases[ALIASES_MOST];
    const size_t n = split(probe.args[2], aliases);
    return store_nodes_release_others(s, probe.args[0], aliases, n, number(1), on_done, NULL);
}

static const struct {
    const char *name;
    int n_args;
    enum err (*ask)(struct store *s);
} commands[] = { { "beat", 5, beat }, { "leave", 2, leave }, { "claim", 2, claim },
    { "release", 2, let_go }, { "keep", 3, keep } };

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
    fputs("usage: nodes_probe URL COMMAND ARGUMENT…\n", stderr);
    return 2;
}
