/*
 * Asks store/watches one thing and prints what came of it.
 *
 *     watches_probe URL claim NOW UNTIL              "watch USER key=value …" and "visit IDENTITY
 * …" lines watches_probe URL settle SESSION N LEASED LOOK_AT ABSENT_AT    "written" or "not
 * written" watches_probe URL visited ALIAS IDENTITY LEASED LOOK_AT        likewise watches_probe
 * URL heard NOW ROOM USER ALIAS IDENTITY VISIT_AT  "done" watches_probe URL left ROOM USER VISIT_AT
 * "done"
 */
#include "core/clock.h"
#include "core/mem.h"
#include "store/pool.h"
#include "store/watches.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static struct {
    char **args;
    bool up;
    bool over;
    bool of_visits;
} probe;

static void on_change(void *arg, bool up) {
    (void)arg;
    probe.up = up;
}

static int64_t number(int i) {
    return strtoll(probe.args[i], NULL, 10);
}

static void on_done(void *arg, enum err e) {
    (void)arg;
    printf("%s\n", e == OK ? "done" : err_text());
    probe.over = true;
}

/* A place is two lines; here a + stands between them. */
static void print_places(const char *places) {
    for (const char *at = places == NULL ? "-" : places; *at != '\0'; at++) {
        putchar(*at == '\n' ? '+' : *at);
    }
}

static void on_due(void *arg, enum err e, const struct store_due *due) {
    (void)arg;
    if (e != OK) {
        printf("%s\n", err_text());
    }
    for (size_t i = 0; e == OK && i < due->n_watches; i++) {
        const struct store_watch *w = &due->watches[i];
        printf("watch %s session=%s n=%d slot=%s in_use=%d delegated=%d asked=%lld absent=%lld "
               "tries=%d places=",
            w->user_id, w->session_id, w->n, w->slot, w->in_use, w->delegated,
            (long long)w->asked_at, (long long)w->absent_at, w->tries);
        print_places(w->places);
        putchar('\n');
    }
    for (size_t i = 0; e == OK && i < due->n_visits; i++) {
        const struct store_visit *v = &due->visits[i];
        printf("visit %s user=%s left=%lld member=%d\n", v->who.identity, v->who.user_id,
            (long long)v->left_at, v->is_member);
    }
    probe.over = true;
}

static enum err claim(struct store *s) {
    const struct store_lease lease = { number(0), number(1) };
    return store_watches_claim(s, &lease, on_due, NULL);
}

static void on_settled(void *arg, enum err e, const bool *watches, const bool *visits) {
    (void)arg;
    bool written = e == OK && (probe.of_visits ? visits[0] : watches[0]);
    printf("%s\n", e != OK ? err_text() : written ? "written" : "not written");
    probe.over = true;
}

static enum err settle(struct store *s) {
    const struct store_watch_found w = { .session_id = probe.args[0],
        .n = (int)number(1),
        .leased_until = number(2),
        .look_at = number(3),
        .absent_at = number(4),
        .tries = 1 };
    return store_watches_settle(s, &w, 1, NULL, 0, on_settled, NULL);
}

static enum err visited(struct store *s) {
    const struct store_visit_found v = { probe.args[0], probe.args[1], number(2), number(3) };
    probe.of_visits = true;
    return store_watches_settle(s, NULL, 0, &v, 1, on_settled, NULL);
}

static enum err heard(struct store *s) {
    const struct store_identity who = { .room_id = probe.args[1],
        .user_id = probe.args[2],
        .alias = probe.args[3],
        .identity = probe.args[4] };
    return store_watches_heard(s, &who, number(0), number(5), on_done, NULL);
}

static enum err left(struct store *s) {
    return store_watches_left(s, probe.args[0], probe.args[1], number(2), on_done, NULL);
}

static const struct {
    const char *name;
    int n_args;
    enum err (*ask)(struct store *s);
} commands[] = { { "claim", 2, claim }, { "settle", 5, settle }, { "visited", 4, visited },
    { "heard", 6, heard }, { "left", 3, left } };

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
    fputs("usage: watches_probe URL COMMAND ARGUMENT…\n", stderr);
    return 2;
}
