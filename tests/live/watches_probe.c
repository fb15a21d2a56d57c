/*
 * Asks store/watches one thing and prints what came of it.
 *
 *     watches_probe URL claim NOW UNTIL
 *     watches_probe URL settle SESSION N LEASED LOOK_AT ABSENT_AT
 *     watches_probe URL visited ALIAS IDENTITY LEASED LOOK_AT
 *     watches_probe URL heard NOW ROOM USER ALIAS IDENTITY VISIT_AT
 *     watches_probe URL left ROOM USER VISIT_AT
 *
 * `claim` prints lines "watch USER key=value …" and "visit IDENTITY …", `settle` and `visited`
 * "written" or "not written", the others "done".
 */
#include "probe.h"

#include "store/watches.h"

#include <stdbool.h>
#include <stdio.h>

static bool of_visits;

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
    probe_over();
}

static enum err claim(struct store *s) {
    const struct store_lease lease = { probe_number(0), probe_number(1) };
    return store_watches_claim(s, &lease, on_due, NULL);
}

static void on_settled(void *arg, enum err e, const bool *watches, const bool *visits) {
    (void)arg;
    bool written = e == OK && (of_visits ? visits[0] : watches[0]);
    printf("%s\n", e != OK ? err_text() : written ? "written" : "not written");
    probe_over();
}

static enum err settle(struct store *s) {
    const struct store_watch_found w = { .session_id = probe_arg(0),
        .n = (int)probe_number(1),
        .leased_until = probe_number(2),
        .look_at = probe_number(3),
        .absent_at = probe_number(4),
        .tries = 1 };
    return store_watches_settle(s, &w, 1, NULL, 0, on_settled, NULL);
}

static enum err visited(struct store *s) {
    const struct store_visit_found v = { probe_arg(0), probe_arg(1), probe_number(2),
        probe_number(3) };
    of_visits = true;
    return store_watches_settle(s, NULL, 0, &v, 1, on_settled, NULL);
}

static enum err heard(struct store *s) {
    const struct store_identity who = { .room_id = probe_arg(1),
        .user_id = probe_arg(2),
        .alias = probe_arg(3),
        .identity = probe_arg(4) };
    return store_watches_heard(s, &who, probe_number(0), probe_number(5), probe_done, NULL);
}

static enum err left(struct store *s) {
    return store_watches_left(s, probe_arg(0), probe_arg(1), probe_number(2), probe_done, NULL);
}

const char *const probe_name = "watches_probe";
const struct probe_command probe_commands[] = { { "claim", 2, claim }, { "settle", 5, settle },
    { "visited", 4, visited }, { "heard", 6, heard }, { "left", 3, left }, { NULL, 0, NULL } };
