/*
 * Asks store/nodes one thing and prints what came of it.
 *
 *     nodes_probe URL beat NAME RUN LEASE_MS TAKES DRAINING
 *     nodes_probe URL leave NAME RUN
 *     nodes_probe URL claim NODE ALIAS,ALIAS…       NODE "-": for none
 *     nodes_probe URL release NODE ALIAS,ALIAS…
 *     nodes_probe URL keep NODE FRESH_MS ALIAS,…    releases all others
 */
#include "probe.h"

#include "core/clock.h"
#include "store/nodes.h"

#include <stdio.h>
#include <string.h>

#define ALIASES_MOST 64

static void on_listed(void *arg, enum err e, const struct store_node *nodes, size_t n) {
    (void)arg;
    printf("%s", e == OK ? "nodes" : err_text());
    for (size_t i = 0; i < n; i++) {
        printf(" %s/%s/%s%s/%d", nodes[i].name, nodes[i].run, nodes[i].alive ? "alive" : "dead",
            nodes[i].draining ? "+draining" : "", nodes[i].rooms);
    }
    putchar('\n');
    probe_over();
}

static void on_placed(void *arg, enum err e, const struct store_place *places, size_t n) {
    (void)arg;
    printf("%s", e == OK ? "placed" : err_text());
    for (size_t i = 0; i < n; i++) {
        printf(" %s=%s@%s", places[i].alias, places[i].node, places[i].url);
    }
    putchar('\n');
    probe_over();
}

static size_t split(char *text, const char *ret[ALIASES_MOST]) {
    size_t n = 0;
    for (char *at = strtok(text, ","); at != NULL && n < ALIASES_MOST; at = strtok(NULL, ",")) {
        ret[n++] = at;
    }
    return n;
}

static enum err beat(struct store *s) {
    const struct store_node own = { .name = probe_arg(0),
        .run = probe_arg(1),
        .url = "wss://x",
        .inner_url = "",
        .version = "0",
        .workers = 2,
        .members = 3,
        .draining = probe_number(4) != 0,
        .started_at = clock_wall_ms(),
        .clock_at = clock_wall_ms() };
    return store_nodes_beat(s, &own, probe_number(2), probe_number(3) != 0, on_listed, NULL);
}

static enum err leave(struct store *s) {
    return store_nodes_leave(s, probe_arg(0), probe_arg(1), probe_done, NULL);
}

static enum err claim(struct store *s) {
    const char *aliases[ALIASES_MOST];
    const char *node = strcmp(probe_arg(0), "-") == 0 ? NULL : probe_arg(0);
    const size_t n = split(probe_arg(1), aliases);
    return store_nodes_claim(s, node, aliases, n, on_placed, NULL);
}

static enum err let_go(struct store *s) {
    const char *aliases[ALIASES_MOST];
    const size_t n = split(probe_arg(1), aliases);
    return store_nodes_release(s, probe_arg(0), aliases, n, probe_done, NULL);
}

static enum err keep(struct store *s) {
    const char *aliases[ALIASES_MOST];
    const size_t n = split(probe_arg(2), aliases);
    return store_nodes_release_others(
        s, probe_arg(0), aliases, n, probe_number(1), probe_done, NULL);
}

const char *const probe_name = "nodes_probe";
const struct probe_command probe_commands[] = { { "beat", 5, beat }, { "leave", 2, leave },
    { "claim", 2, claim }, { "release", 2, let_go }, { "keep", 3, keep }, { NULL, 0, NULL } };
