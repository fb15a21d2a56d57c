/* Two lists: orders (who is to go, and how many of their connections are left), and connections to
 * be ended, each a request under way or one that waits for its next try. */
#include "livekit/removals.h"

#include "calls/work.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "livekit/participants.h"
#include "livekit/rooms.h"
#include "livekit/witness.h"
#include "store/removals.h"

#include <stdbool.h>
#include <string.h>
#include <utlist.h>

METRIC_COUNTER(removed_total, "parley_sfu_removed_total",
    "Participants removed from the SFU because their user left the room.");
METRIC_COUNTER(stayed_total, "parley_sfu_removals_failed_total",
    "Participants that could not be removed from the SFU in five minutes.");

struct order {
    struct order *prev, *next;
    struct lk_removals *owner; /* NULL: it went while the store had this */
    struct arena arena;
    struct store_removal what;
    size_t left;  /* connections not yet ended */
    bool writing; /* the store has it, to write it down */
    bool partial; /* of some connections there was no memory */
};

struct removal {
    struct removal *prev, *next;
    struct lk_removals *owner;
    struct order *order; /* NULL = of none */
    struct arena arena;
    struct store_identity who;
    const char *reason;
    const char *actor; /* NULL = nobody else */
    int tries;
    bool waiting; /* for the next try */
};

struct lk_removals {
    struct lk_removals_config cfg;
    struct store *store;
    uv_timer_t timer;
    struct order *orders;
    struct removal *removals;
    size_t n_orders, n_removals;
    bool taking; /* the store has a question for orders */
    int refs;    /* the owner with the timer; the question */
};

static void unref(struct lk_removals *r) {
    if (--r->refs == 0) {
        mem_free(r);
    }
}

/* No memory, or more than LK_REMOVALS_MAX; what is written down is found again. */
static void say_too_many(const struct lk_removals *r, const char *room_id, const char *user_id) {
    LOG_ERROR(&log_root, "sfu_removal_put_off", "room=%s user=%s orders=%zu removals=%zu",
        LOG_Q(room_id), LOG_Q(user_id), r->n_orders, r->n_removals);
}

static void own_texts(struct arena *a, const char **const *texts, size_t n) {
    for (size_t i = 0; i < n; i++) {
        *texts[i] = *texts[i] == NULL ? NULL : arena_strdup(a, *texts[i]);
    }
}

/* --- life of an order --- */

static void order_free(struct order *o) {
    arena_finish(&o->arena);
    mem_free(o);
}

/* What is written down stays so: whoever finds it goes on. */
static void order_leave(struct order *o) {
    struct lk_removals *r = o->owner;
    lk_participants_forget(r->cfg.participants, o);
    DL_DELETE(r->orders, o);
    r->n_orders--;
    order_free(o);
}

static void on_dropped(void *arg, enum err e) {
    (void)arg;
    if (e != OK) {
        /* It is taken up again when its time has run out, and finds nobody. */
        LOG_WARN(&log_root, "sfu_removal_not_dropped", "text=%s", LOG_Q(err_text()));
    }
}

static void order_done(struct order *o) {
    struct store *s = o->owner->store;
    if (s != NULL && !o->partial) {
        enum err e = store_removals_drop(s, &o->what, on_dropped, NULL);
        if (e != OK) {
            on_dropped(NULL, e);
        }
    }
    order_leave(o);
}

/* A copy; NULL: no memory or too many, and said so. */
static struct order *order_create(struct lk_removals *r, const struct store_removal *what) {
    struct order *o = r->n_orders >= LK_REMOVALS_MAX ? NULL : mem_zalloc(sizeof(*o));
    if (o != NULL) {
        *o = (struct order){ .owner = r, .what = *what };
        arena_init(&o->arena);
        own_texts(&o->arena,
            (const char **const[]){ &o->what.room_id, &o->what.user_id, &o->what.device_id,
                &o->what.reason, &o->what.actor },
            5);
        if (o->arena.failed) {
            order_free(o);
            o = NULL;
        }
    }
    if (o == NULL) {
        say_too_many(r, what->room_id, what->user_id);
        return NULL;
    }
    DL_APPEND(r->orders, o);
    r->n_orders++;
    return o;
}

static bool is_known(const struct lk_removals *r, const struct store_removal *what) {
    for (const struct order *o = r->orders; o != NULL; o = o->next) {
        if (o->what.left_at == what->left_at && strcmp(o->what.user_id, what->user_id) == 0 &&
            strcmp(o->what.room_id, what->room_id) == 0 &&
            strcmp(o->what.device_id, what->device_id) == 0) {
            return true;
        }
    }
    return false;
}

/* --- ending a connection --- */

static void removal_free(struct removal *x) {
    arena_finish(&x->arena);
    mem_free(x);
}

static void removal_leave(struct removal *x) {
    struct lk_removals *r = x->owner;
    lk_rooms_forget(r->cfg.rooms, x);
    DL_DELETE(r->removals, x);
    r->n_removals--;
    removal_free(x);
}

static void removal_done(struct removal *x) {
    struct order *o = x->order;
    removal_leave(x);
    if (o != NULL && --o->left == 0) {
        order_done(o);
    }
}

static void note(const struct removal *x) {
    int64_t now_ms = clock_wall_ms();
    const struct call_input in = { .type = IN_MEDIA_REMOVED,
        .room_id = x->who.room_id,
        .sender = x->who.user_id,
        .origin_ms = now_ms,
        .sent_ms = now_ms,
        .received_ms = now_ms,
        .token = { .slot = x->who.slot_id,
            .device_id = x->who.device_id,
            .member_id = x->who.member_id,
            .dialect = x->who.dialect,
            .alias = x->who.alias,
            .identity = x->who.identity,
            .actor = x->actor,
            .reason = x->reason } };
    lk_witness_note(x->owner->cfg.witness, &in);
}

static void removal_failed(struct removal *x, const char *text) {
    if (++x->tries < LK_REMOVAL_TRIES) {
        x->waiting = true;
        return;
    }
    metric_add(&stayed_total, 1);
    LOG_ERROR(&log_root, "sfu_removal_given_up", "user=%s room=%s text=%s", LOG_Q(x->who.user_id),
        LOG_Q(x->who.room_id), LOG_Q(text));
    removal_done(x);
}

static void on_removed(void *arg, enum err e, const json_t *json, const char *text) {
    struct removal *x = arg;
    (void)json;
    if (e != OK && e != ERR_NOT_FOUND) {
        removal_failed(x, text);
        return;
    }
    if (e == OK) {
        metric_add(&removed_total, 1);
        LOG_INFO(&log_root, "media_removed", "user=%s room=%s reason=%s", LOG_Q(x->who.user_id),
            LOG_Q(x->who.room_id), LOG_Q(x->reason));
        note(x);
    } /* else it was not there, and nothing happened */
    removal_done(x);
}

static void try_removal(struct removal *x) {
    if (lk_rooms_remove(x->owner->cfg.rooms, x->who.alias, x->who.identity, on_removed, x) != OK) {
        removal_failed(x, err_text());
    }
}

/* A copy; NULL: no memory or too many, and said so. */
static struct removal *removal_create(struct lk_removals *r, const struct removal *like) {
    struct removal *x = r->n_removals >= LK_REMOVALS_MAX ? NULL : mem_zalloc(sizeof(*x));
    if (x != NULL) {
        *x = *like;
        x->owner = r;
        arena_init(&x->arena);
        own_texts(&x->arena,
            (const char **const[]){ &x->who.alias, &x->who.identity, &x->who.room_id,
                &x->who.slot_id, &x->who.user_id, &x->who.device_id, &x->who.member_id,
                &x->who.dialect, &x->reason, &x->actor },
            10);
        if (x->arena.failed) {
            removal_free(x);
            x = NULL;
        }
    }
    if (x == NULL) {
        say_too_many(r, like->who.room_id, like->who.user_id);
        return NULL;
    }
    DL_APPEND(r->removals, x);
    r->n_removals++;
    return x;
}

void lk_removals_end(struct lk_removals *r, const struct store_identity *who, const char *reason) {
    struct removal *x = removal_create(r, &(struct removal){ .who = *who, .reason = reason });
    if (x != NULL) {
        try_removal(x);
    }
}

/* --- an order --- */

static void on_barred(void *arg, const struct store_identity *rows, size_t n) {
    struct order *o = arg;
    struct removal *list[STORE_IDENTITIES_BARRED_MOST];
    size_t n_list = 0;
    for (size_t i = 0; i < n && i < COUNT_OF(list); i++) {
        const struct removal like = {
            .who = rows[i], .order = o, .reason = o->what.reason, .actor = o->what.actor
        };
        list[n_list] = removal_create(o->owner, &like);
        o->partial = o->partial || list[n_list] == NULL;
        n_list += list[n_list] != NULL;
    }
    o->left = n_list; /* all, before the first of them can be done */
    for (size_t i = 0; i < n_list; i++) {
        try_removal(list[i]);
    }
    if (n_list == 0) {
        order_done(o);
    }
}

static void carry_out(struct order *o) {
    if (lk_participants_bar(o->owner->cfg.participants, o->what.room_id, o->what.user_id,
            o->what.device_id, o->what.left_at, on_barred, o) != OK) {
        say_too_many(o->owner, o->what.room_id, o->what.user_id);
        order_leave(o);
    }
}

void lk_removals_left(struct lk_removals *r, const struct call_left *left) {
    /* History, which a homeserver may tell at great length: nobody is known from before it. */
    if (clock_wall_ms() - left->at_ms > STORE_IDENTITIES_KEPT_MS) {
        return;
    }
    const struct store_removal what = { .room_id = left->room_id,
        .user_id = left->user_id,
        .device_id = "",
        .reason = call_left_reason(left->membership, left->kicked),
        .actor = left->actor,
        .left_at = left->at_ms };
    struct order *o = is_known(r, &what) ? NULL : order_create(r, &what);
    if (o != NULL) {
        carry_out(o);
    }
}

/* Also when it could not be written: then it is done once, or not at all. */
static void on_written(void *arg, enum err e) {
    struct order *o = arg;
    if (e != OK) {
        LOG_WARN(&log_root, "sfu_removal_not_written", "text=%s", LOG_Q(err_text()));
    }
    o->writing = false;
    if (o->owner == NULL) {
        order_free(o);
    } else {
        carry_out(o);
    }
}

void lk_removals_order(struct lk_removals *r, const struct store_removal *what) {
    struct order *o = is_known(r, what) ? NULL : order_create(r, what);
    if (o == NULL) {
        return;
    }
    o->writing = true;
    enum err e = r->store == NULL
                     ? err_set(ERR_DATABASE, "the database was not reached yet")
                     : store_removals_put(r->store, &o->what, clock_wall_ms(), on_written, o);
    if (e != OK) {
        on_written(o, e);
    }
}

/* --- what was written down and not done --- */

static void on_taken(void *arg, enum err e, const struct store_removal *rows, size_t n) {
    struct lk_removals *r = arg;
    r->taking = false;
    for (size_t i = 0; e == OK && r->store != NULL && i < n; i++) {
        struct order *o = is_known(r, &rows[i]) ? NULL : order_create(r, &rows[i]);
        if (o != NULL) {
            LOG_INFO(&log_root, "sfu_removal_taken_up", "user=%s room=%s reason=%s",
                LOG_Q(o->what.user_id), LOG_Q(o->what.room_id), LOG_Q(o->what.reason));
            carry_out(o);
        }
    }
    unref(r);
}

static void take(struct lk_removals *r) {
    int64_t now_ms = clock_wall_ms();
    if (r->store == NULL || r->taking) {
        return;
    }
    r->taking = true;
    r->refs++;
    if (store_removals_take(r->store, now_ms, now_ms + LK_REMOVAL_HELD_MS, on_taken, r) != OK) {
        r->taking = false;
        unref(r);
    }
}

static void on_timer(uv_timer_t *t) {
    struct lk_removals *r = t->data;
    struct removal *x = NULL;
    struct removal *next = NULL;
    DL_FOREACH_SAFE(r->removals, x, next) {
        if (x->waiting) {
            x->waiting = false;
            try_removal(x);
        }
    }
    take(r);
}

void lk_removals_set_store(struct lk_removals *r, struct store *store) {
    r->store = store;
    take(r);
}

/* --- life --- */

enum err lk_removals_create(
    uv_loop_t *loop, const struct lk_removals_config *cfg, struct lk_removals **ret) {
    struct lk_removals *r = mem_zalloc(sizeof(*r));
    if (r == NULL) {
        return err_set(ERR_NOMEM, "no memory for who must leave the SFU");
    }
    r->cfg = *cfg;
    r->refs = 1;
    uv_timer_init(loop, &r->timer);
    r->timer.data = r;
    uv_timer_start(&r->timer, on_timer, LK_REMOVAL_RETRY_MS, LK_REMOVAL_RETRY_MS);
    metrics_register(&removed_total);
    metrics_register(&stayed_total);
    *ret = r;
    return OK;
}

static void on_timer_closed(uv_handle_t *h) {
    unref(h->data);
}

void lk_removals_destroy(struct lk_removals *r) {
    if (r == NULL) {
        return;
    }
    r->store = NULL;
    while (r->removals != NULL) {
        removal_leave(r->removals);
    }
    struct order *o = NULL;
    struct order *next = NULL;
    DL_FOREACH_SAFE(r->orders, o, next) {
        if (o->writing) {
            DL_DELETE(r->orders, o);
            o->owner = NULL;
        } else {
            order_leave(o);
        }
    }
    uv_close((uv_handle_t *)&r->timer, on_timer_closed);
}
