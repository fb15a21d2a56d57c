/* The alarm clock of rounds, and news on their way to the database. */
#include "calls/lookout.h"

#include "calls/absence.h"
#include "calls/lookout_round.h"
#include "calls/work.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "store/watches.h"

#include <utlist.h>

/* A hint to look, on its way to the database. */
struct news {
    struct news *prev, *next;
    struct arena arena;
    struct store_identity who;
    bool left; /* a call: room and user are all that is known */
    bool came;
    int64_t at_ms;
};

struct call_lookout {
    struct call_lookout_config cfg;
    uv_timer_t timer;
    struct call_cleanup *cleanup;
    struct call_lookout_round *round; /* under way */
    bool claiming;                    /* the store has our question */
    bool again;                       /* news came meanwhile */
    bool destroyed;
    struct news *news; /* the first is with the store while `telling` */
    size_t n_news;
    bool telling;
    size_t refs; /* the timer, and questions with the store */
};

static void unref(struct call_lookout *l) {
    if (--l->refs == 0) {
        mem_free(l);
    }
}

/* --- rounds --- */

static void on_timer(uv_timer_t *t);

static void sleep_ms(struct call_lookout *l, uint64_t ms) {
    if (!l->destroyed) {
        uv_timer_start(&l->timer, on_timer, ms, 0);
    }
}

static void next(struct call_lookout *l, bool at_once) {
    sleep_ms(l, at_once || l->again ? CALL_LOOKOUT_PAUSE_MS : CALL_LOOKOUT_EVERY_MS);
    l->again = false;
}

static void on_over(void *arg, enum err e, bool full) {
    struct call_lookout *l = arg;
    l->round = NULL;
    if (e != OK) {
        LOG_WARN(&log_root, "lookout_failed", "text=%s", LOG_Q(err_text()));
    }
    next(l, e == OK && full);
}

static void begin_round(struct call_lookout *l, enum err e, const struct store_due *due) {
    bool any = e == OK && due->n_watches + due->n_visits > 0;
    if (any) {
        e = call_lookout_round_run(&l->cfg, l->cleanup, due, on_over, l, &l->round);
    }
    if (e != OK) {
        LOG_DEBUG(&log_root, "lookout_failed", "text=%s", LOG_Q(err_text()));
    }
    if (e != OK || !any) {
        next(l, false);
    }
}

static void on_due(void *arg, enum err e, const struct store_due *due) {
    struct call_lookout *l = arg;
    l->claiming = false;
    if (!l->destroyed) {
        begin_round(l, e, due);
    }
    unref(l);
}

static void on_timer(uv_timer_t *t) {
    struct call_lookout *l = t->data;
    int64_t now_ms = clock_wall_ms();
    const struct store_lease lease = { now_ms, now_ms + CALL_LOOKOUT_LEASE_MS };
    if (l->claiming || l->round != NULL) {
        return; /* its end sets the clock */
    }
    if (!calls_started(l->cfg.calls) ||
        store_watches_claim(l->cfg.store, &lease, on_due, l) != OK) {
        next(l, false);
        return;
    }
    l->claiming = true;
    l->refs++;
}

/* --- news --- */

static void send_news(struct call_lookout *l);

static void news_end(struct call_lookout *l) {
    struct news *x = l->news;
    DL_DELETE(l->news, x);
    l->n_news--;
    arena_finish(&x->arena);
    mem_free(x);
}

static void on_told(void *arg, enum err e) {
    struct call_lookout *l = arg;
    l->telling = false;
    if (!l->destroyed) {
        if (e != OK) { /* the clock finds it all the same, only later */
            LOG_DEBUG(&log_root, "lookout_news_lost", "text=%s", LOG_Q(err_text()));
        }
        news_end(l);
        send_news(l);
    }
    unref(l);
}

/* The next round comes soon; news that keep coming do not put it off. */
static void hurry(struct call_lookout *l) {
    if (l->claiming || l->round != NULL) {
        l->again = true;
    } else if (uv_timer_get_due_in(&l->timer) > CALL_LOOKOUT_PAUSE_MS) {
        sleep_ms(l, CALL_LOOKOUT_PAUSE_MS);
    }
}

/* One at a time: when a large call ends, the database has other work as well. */
static void send_news(struct call_lookout *l) {
    while (l->news != NULL && !l->telling) {
        const struct news *x = l->news;
        enum err e = x->left ? store_watches_left(l->cfg.store, x->who.room_id, x->who.user_id,
                                   x->at_ms + CALL_LEFT_MS, on_told, l)
                             : store_watches_heard(l->cfg.store, &x->who, x->at_ms,
                                   x->came ? x->at_ms + CALL_ABSENT_MS : 0, on_told, l);
        if (e == OK) {
            l->telling = true;
            l->refs++;
        } else {
            news_end(l);
        }
    }
    hurry(l);
}

static void add_news(struct call_lookout *l, const struct news *like) {
    struct news *x = l->n_news >= CALL_LOOKOUT_NEWS_MOST ? NULL : mem_zalloc(sizeof(*x));
    if (x == NULL) {
        return;
    }
    *x = *like;
    arena_init(&x->arena);
    const char **const texts[] = { &x->who.alias, &x->who.identity, &x->who.room_id,
        &x->who.user_id };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = arena_strdup(&x->arena, *texts[i]);
    }
    x->at_ms = clock_wall_ms();
    if (x->arena.failed) {
        arena_finish(&x->arena);
        mem_free(x);
        return;
    }
    DL_APPEND(l->news, x);
    l->n_news++;
    if (!l->telling) {
        send_news(l);
    }
}

void call_lookout_heard(struct call_lookout *l, const struct store_identity *who, bool came) {
    const struct news x = { .who = { .alias = who->alias,
                                .identity = who->identity,
                                .room_id = who->room_id,
                                .user_id = who->user_id },
        .came = came };
    add_news(l, &x);
}

void call_lookout_left(struct call_lookout *l, const char *room_id, const char *user_id) {
    add_news(l, &(struct news){ .who = { .room_id = room_id, .user_id = user_id }, .left = true });
}

/* --- life --- */

void call_lookout_register_metrics(void) {
    call_cleanup_register_metrics();
    call_lookout_round_register_metrics();
}

enum err call_lookout_create(
    uv_loop_t *loop, const struct call_lookout_config *cfg, struct call_lookout **ret) {
    struct call_lookout *l = mem_zalloc(sizeof(*l));
    if (l == NULL) {
        return err_set(ERR_NOMEM, "no memory for looking after calls");
    }
    l->cfg = *cfg;
    enum err e = call_cleanup_create(&cfg->cleanup, &l->cleanup);
    if (e != OK) {
        mem_free(l);
        return e;
    }
    uv_timer_init(loop, &l->timer);
    l->timer.data = l;
    l->refs = 1;
    sleep_ms(l, CALL_LOOKOUT_EVERY_MS);
    *ret = l;
    return OK;
}

static void on_timer_closed(uv_handle_t *h) {
    unref(h->data);
}

void call_lookout_destroy(struct call_lookout *l) {
    if (l == NULL) {
        return;
    }
    l->destroyed = true;
    call_lookout_round_destroy(STEAL(l->round));
    call_cleanup_destroy(STEAL(l->cleanup));
    while (l->news != NULL) {
        news_end(l);
    }
    uv_close((uv_handle_t *)&l->timer, on_timer_closed);
}
