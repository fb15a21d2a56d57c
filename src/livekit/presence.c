/* One list of cases: a participant, and what is to be said or done about it. */
#include "livekit/presence.h"

#include "calls/work.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "livekit/participants.h"
#include "livekit/rooms.h"
#include "livekit/webhook.h"
#include "livekit/witness.h"

#include <stdbool.h>
#include <string.h>
#include <utlist.h>

METRIC_COUNTER(removed_total, "parley_sfu_removed_total",
    "Participants removed from the SFU because their user left the room.");
METRIC_COUNTER(stayed_total, "parley_sfu_removals_failed_total",
    "Participants that could not be removed from the SFU in five minutes.");

struct instance {
    struct instance *prev, *next;
    struct lk_presence *owner;
    struct arena arena;
    enum call_input_type type;
    struct store_identity who; /* removal: whole; news: alias and identity, then whole */
    const char *reason;
    const char *connection; /* the SFU's id of it; NULL = not known */
    const char *actor;      /* of a removal */
    int64_t at_ms;
    int tries;    /* of a removal, made */
    bool waiting; /* for the next try */
};

struct lk_presence {
    struct lk_presence_config cfg;
    uv_timer_t timer;
    struct instance *all;
    size_t n;
};

/* --- life of a case --- */

static void instance_free(struct instance *x) {
    arena_finish(&x->arena);
    mem_free(x);
}

static void instance_end(struct instance *x) {
    struct lk_presence *p = x->owner;
    lk_rooms_forget(p->cfg.rooms, x);
    lk_participants_forget(p->cfg.participants, x);
    DL_DELETE(p->all, x);
    p->n--;
    instance_free(x);
}

static void own_texts(struct instance *x) {
    const char **const texts[] = { &x->who.alias, &x->who.identity, &x->who.room_id,
        &x->who.slot_id, &x->who.user_id, &x->who.device_id, &x->who.member_id, &x->who.dialect,
        &x->reason, &x->connection, &x->actor };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = *texts[i] == NULL ? NULL : arena_strdup(&x->arena, *texts[i]);
    }
}

/* A copy; NULL: no memory or too many, and said so. */
static struct instance *instance_create(struct lk_presence *p, const struct instance *like) {
    struct instance *x = p->n >= LK_REMOVALS_MAX ? NULL : mem_zalloc(sizeof(*x));
    if (x != NULL) {
        *x = *like;
        x->owner = p;
        arena_init(&x->arena);
        own_texts(x);
        if (x->arena.failed) {
            instance_free(x);
            x = NULL;
        }
    }
    if (x == NULL) {
        LOG_ERROR(&log_root, "sfu_news_lost", "what=%s n=%zu", call_input_name(like->type), p->n);
        return NULL;
    }
    DL_APPEND(p->all, x);
    p->n++;
    return x;
}

/* --- the audit --- */

static void note(const struct instance *x, enum call_input_type type) {
    const struct call_input in = { .type = type,
        .room_id = x->who.room_id,
        .sender = x->who.user_id,
        .origin_ms = x->at_ms,
        .sent_ms = x->at_ms,
        .received_ms = x->at_ms,
        .token = { .slot = x->who.slot_id,
            .device_id = x->who.device_id,
            .member_id = x->who.member_id,
            .dialect = x->who.dialect,
            .alias = x->who.alias,
            .identity = x->who.identity,
            .connection = x->connection,
            .actor = x->actor,
            .reason = x->reason } };
    lk_witness_note(x->owner->cfg.witness, &in);
}

/* --- removing --- */

static void try_removal(struct instance *x);

static void on_timer(uv_timer_t *t) {
    struct lk_presence *p = t->data;
    struct instance *x = NULL;
    struct instance *next = NULL;
    DL_FOREACH_SAFE(p->all, x, next) {
        if (x->waiting) {
            x->waiting = false;
            try_removal(x);
        }
    }
}

static void removal_failed(struct instance *x, const char *text) {
    struct lk_presence *p = x->owner;
    if (++x->tries >= LK_REMOVAL_TRIES) {
        metric_add(&stayed_total, 1);
        LOG_ERROR(&log_root, "sfu_removal_given_up", "user=%s room=%s text=%s",
            LOG_Q(x->who.user_id), LOG_Q(x->who.room_id), LOG_Q(text));
        instance_end(x);
        return;
    }
    x->waiting = true;
    if (!uv_is_active((uv_handle_t *)&p->timer)) {
        uv_timer_start(&p->timer, on_timer, LK_REMOVAL_RETRY_MS, 0);
    }
}

static void on_removed(void *arg, enum err e, const json_t *json, const char *text) {
    struct instance *x = arg;
    (void)json;
    if (e == ERR_NOT_FOUND) {
        instance_end(x); /* was not there: nothing happened */
    } else if (e != OK) {
        removal_failed(x, text);
    } else {
        metric_add(&removed_total, 1);
        LOG_INFO(&log_root, "media_removed", "user=%s room=%s reason=%s", LOG_Q(x->who.user_id),
            LOG_Q(x->who.room_id), LOG_Q(x->reason));
        x->at_ms = clock_wall_ms();
        note(x, IN_MEDIA_REMOVED);
        instance_end(x);
    }
}

static void try_removal(struct instance *x) {
    if (lk_rooms_remove(x->owner->cfg.rooms, x->who.alias, x->who.identity, on_removed, x) != OK) {
        removal_failed(x, err_text());
    }
}

static void remove_from_sfu(struct lk_presence *p, const struct store_identity *who,
    const char *reason, const char *actor) {
    struct instance *x = instance_create(p, &(struct instance){ .type = IN_MEDIA_REMOVED,
                                                .who = *who,
                                                .reason = reason,
                                                .actor = actor,
                                                .at_ms = clock_wall_ms() });
    if (x != NULL) {
        try_removal(x);
    }
}

/* --- somebody left the Matrix room --- */

static void on_barred(void *arg, const struct store_identity *rows, size_t n) {
    struct instance *x = arg;
    for (size_t i = 0; i < n; i++) {
        remove_from_sfu(x->owner, &rows[i], x->reason, x->actor);
    }
    instance_end(x);
}

void lk_presence_left(struct lk_presence *p, const struct call_left *left) {
    /* History, which a homeserver may tell at great length: nobody is known from before it. */
    if (clock_wall_ms() - left->at_ms > STORE_IDENTITIES_KEPT_MS) {
        return;
    }
    const char *reason = strcmp(left->membership, "ban") == 0 ? "banned"
                         : left->kicked                       ? "kicked"
                                                              : "left_room";
    struct instance *x =
        instance_create(p, &(struct instance){ .type = IN_MEDIA_REMOVED,
                               .who = { .room_id = left->room_id, .user_id = left->user_id },
                               .reason = reason,
                               .actor = left->actor });
    if (x != NULL && lk_participants_bar(p->cfg.participants, x->who.room_id, x->who.user_id,
                         left->at_ms, on_barred, x) != OK) {
        LOG_ERROR(&log_root, "sfu_news_lost", "what=left text=%s", LOG_Q(err_text()));
        instance_end(x);
    }
}

/* --- the SFU's news --- */

static void on_known(void *arg, const struct store_identity *rows, size_t n) {
    struct instance *x = arg;
    if (n == 0) {
        LOG_INFO(&log_root, "sfu_stranger", "alias=%s identity=%s", LOG_Q(x->who.alias),
            LOG_Q(x->who.identity));
        instance_end(x);
        return;
    }
    x->who = rows[0];
    note(x, x->type);
    if (x->type == IN_MEDIA_CONNECTED && rows[0].barred_at != 0) {
        remove_from_sfu(x->owner, &rows[0], "left_room", NULL);
    }
    instance_end(x);
}

void lk_presence_heard(struct lk_presence *p, const struct lk_webhook *w) {
    if (w->kind == LK_WEBHOOK_OTHER) {
        return;
    }
    bool joined = w->kind == LK_WEBHOOK_JOINED;
    bool aborted = w->kind == LK_WEBHOOK_ABORTED;
    struct instance *x = instance_create(
        p, &(struct instance){ .type = joined ? IN_MEDIA_CONNECTED : IN_MEDIA_DISCONNECTED,
               .who = { .alias = w->alias, .identity = w->identity },
               .reason = aborted && w->reason[0] == '\0' ? "CONNECTION_ABORTED" : w->reason,
               .connection = w->sid,
               .at_ms = clock_wall_ms() });
    if (x != NULL && lk_participants_find(
                         p->cfg.participants, x->who.alias, x->who.identity, on_known, x) != OK) {
        LOG_ERROR(&log_root, "sfu_news_lost", "what=%s text=%s", call_input_name(x->type),
            LOG_Q(err_text()));
        instance_end(x);
    }
}

/* --- life --- */

enum err lk_presence_create(
    uv_loop_t *loop, const struct lk_presence_config *cfg, struct lk_presence **ret) {
    struct lk_presence *p = mem_zalloc(sizeof(*p));
    if (p == NULL) {
        return err_set(ERR_NOMEM, "no memory for who is in the SFU");
    }
    p->cfg = *cfg;
    uv_timer_init(loop, &p->timer);
    p->timer.data = p;
    metrics_register(&removed_total);
    metrics_register(&stayed_total);
    *ret = p;
    return OK;
}

static void on_timer_closed(uv_handle_t *h) {
    mem_free(h->data);
}

void lk_presence_destroy(struct lk_presence *p) {
    if (p == NULL) {
        return;
    }
    while (p->all != NULL) {
        instance_end(p->all);
    }
    uv_close((uv_handle_t *)&p->timer, on_timer_closed);
}
