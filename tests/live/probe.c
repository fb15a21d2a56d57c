/* The frame of a probe: one loop, one connection, one question. */
#include "probe.h"

#include "core/clock.h"
#include "core/mem.h"

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

char *probe_arg(int i) {
    return probe.args[i];
}

int64_t probe_number(int i) {
    return strtoll(probe.args[i], NULL, 10);
}

void probe_over(void) {
    probe.over = true;
}

void probe_done(void *arg, enum err e) {
    (void)arg;
    printf("%s\n", e == OK ? "done" : err_text());
    probe_over();
}

static void on_change(void *arg, bool up) {
    (void)arg;
    probe.up = up;
}

static enum err run(uv_loop_t *loop, const char *url, const struct probe_command *command) {
    const struct store_config cfg = { .url = url,
        .pool_size = 1,
        .connect_timeout_us = 10 * SEC_US,
        .statement_timeout_us = 10 * SEC_US };
    struct store *s = NULL;
    TRY(store_create(loop, &cfg, on_change, NULL, &s));
    while (!probe.up) {
        uv_run(loop, UV_RUN_ONCE);
    }
    enum err e = command->ask(s);
    while (e == OK && !probe.over) {
        uv_run(loop, UV_RUN_ONCE);
    }
    store_destroy(s);
    uv_run(loop, UV_RUN_DEFAULT);
    return e;
}

int main(int argc, char **argv) {
    for (const struct probe_command *command = probe_commands; argc >= 3 && command->name != NULL;
         command++) {
        if (strcmp(argv[2], command->name) == 0 && argc == 3 + command->n_args) {
            uv_loop_t loop;
            uv_loop_init(&loop);
            probe.args = argv + 3;
            enum err e = run(&loop, argv[1], command);
            if (e != OK) {
                fprintf(stderr, "%s: %s\n", err_name(e), err_text());
            }
            return e != OK || uv_loop_close(&loop) != 0 || mem_live() != 0;
        }
    }
    fprintf(stderr, "usage: %s URL COMMAND ARGUMENT…\n", probe_name);
    return 2;
}
