/* Looks at a page of rows each time the clock ticks, until there are no more; then later again.
 * Main. */
#include "livekit/leftovers.h"

#include "calls/input.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "livekit/witness.h"
#include "store/stays.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CONNECTION_SIZE 64  /* room_id_make needs less */
#define NODE_SIZE       128 /* node.name has at most 64 characters */

/* Nodes that the database has forgotten. */
struct strangers {
    char names[LK_LEFTOVERS_NODES][NODE_SIZE];
    size_t n;
};

struct lk_leftovers {
    uv_timer_t timer;
    struct lk_leftovers_config cfg;
    struct store *store;
    char after[CONNECTION_SIZE]; /* they are noted up to this one */
    int64_t n;
    struct strangers before, now; /* in the last look, in this one */
    bool asking;
    int refs; /* ours, and a question's */
};

static void unref(struct lk_leftovers *l) {
    if (--l->refs == 0) {
        mem_free(l);
    }
}

static void note(const struct lk_leftovers *l, const struct store_stay *s) {
    char id[sizeof("parley:left:") + CONNECTION_SIZE];
    const int64_t now_ms = clock_wall_ms();
    snprintf(id, sizeof(id), "parley:left:%s", s->connection);
    const struct call_input in = { .type =
                                       s->is_room ? IN_MEDIA_ROOM_CLOSED : IN_MEDIA_DISCONNECTED,
        .event_id = id,
        .origin_ms = now_ms,
        .sent_ms = now_ms,
        .received_ms = now_ms,
        .token = { .alias = s->alias,
            .identity = s->identity,
            .connection = s->connection,
            .node = s->node,
            .run = s->run,
            .reason = LK_LEFTOVERS_REASON } };
    lk_witness_note(l->cfg.witness, &in);
}

static void on_timer(uv_timer_t *t);

static void finish(struct lk_leftovers *l) {
    const uint64_t again_ms = l->cfg.again_ms > 0 ? l->cfg.again_ms : LK_LEFTOVERS_AGAIN_MS;
    if (l->n > 0) {
        LOG_WARN(&log_root, "stays_ended", "reason=%s rows=%" PRId64, LK_LEFTOVERS_REASON, l->n);
    }
    l->before = l->now;
    l->now.n = 0;
    l->n = 0;
    l->after[0] = '\0';
    uv_timer_start(&l->timer, on_timer, again_ms, LK_LEFTOVERS_MS);
}

static bool has(const struct strangers *s, const char *name) {
    size_t i = 0;
    while (i < s->n && strcmp(s->names[i], name) != 0) {
        i++;
    }
    return i < s->n;
}

/* Ours is over; a stranger's, if it was one in the last look, too. */
static bool is_over(struct lk_leftovers *l, const struct store_stay *s) {
    if (strcmp(s->node, l->cfg.node) == 0) {
        return true;
    }
    if (!has(&l->now, s->node) && l->now.n < LK_LEFTOVERS_NODES) {
        snprintf(l->now.names[l->now.n++], NODE_SIZE, "%s", s->node);
    }
    return has(&l->before, s->node);
}

static void on_found(void *arg, enum err e, const struct store_stay *rows, size_t n) {
    struct lk_leftovers *l = arg;
    l->asking = false;
    for (size_t i = 0; e == OK && l->store != NULL && i < n; i++) {
        snprintf(l->after, sizeof(l->after), "%s", rows[i].connection);
        if (is_over(l, &rows[i])) {
            note(l, &rows[i]);
            l->n++;
        }
    }
    if (e == OK && l->store != NULL && n < STORE_STAYS_MOST) {
        finish(l);
    }
    unref(l);
}

/* A database that does not answer now is asked again. */
static void on_timer(uv_timer_t *t) {
    struct lk_leftovers *l = t->data;
    if (l->store == NULL || l->asking || !lk_witness_caught_up(l->cfg.witness)) {
        return;
    }
    l->asking = true;
    l->refs++;
    if (store_stays_left(l->store, l->cfg.node, l->cfg.run, l->after, on_found, l) != OK) {
        l->asking = false;
        unref(l);
    }
}

void lk_leftovers_set_store(struct lk_leftovers *l, struct store *store) {
    l->store = store;
}

enum err lk_leftovers_create(
    uv_loop_t *loop, const struct lk_leftovers_config *cfg, struct lk_leftovers **ret) {
    struct lk_leftovers *l = mem_zalloc(sizeof(*l));
    if (l == NULL) {
        return err_set(ERR_NOMEM, "no memory for what an earlier process has left");
    }
    l->cfg = *cfg;
    l->refs = 1;
    uv_timer_init(loop, &l->timer);
    l->timer.data = l;
    uv_timer_start(&l->timer, on_timer, 0, LK_LEFTOVERS_MS);
    *ret = l;
    return OK;
}

static void on_closed(uv_handle_t *h) {
    unref(h->data);
}

void lk_leftovers_destroy(struct lk_leftovers *l) {
    if (l != NULL) {
        l->store = NULL;
        uv_close((uv_handle_t *)&l->timer, on_closed);
    }
}
