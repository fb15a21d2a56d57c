/* One list of cases: a participant, and what is to be said about it. */
#include "livekit/presence.h"

#include "calls/lookout.h"
#include "calls/work.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "livekit/participants.h"
#include "livekit/removals.h"
#include "livekit/webhook.h"
#include "livekit/witness.h"

#include <stdbool.h>
#include <string.h>
#include <utlist.h>

struct instance {
    struct instance *prev, *next;
    struct lk_presence *owner;
    struct arena arena;
    enum call_input_type type;
    struct store_identity who; /* alias and identity, then whole */
    const char *reason;
    const char *connection; /* the SFU's id of it; NULL = not known */
    int64_t at_ms;
};

struct lk_presence {
    struct lk_presence_config cfg;
    struct call_lookout *lookout;
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
    lk_participants_forget(p->cfg.participants, x);
    DL_DELETE(p->all, x);
    p->n--;
    instance_free(x);
}

static void own_texts(struct instance *x) {
    const char **const texts[] = { &x->who.alias, &x->who.identity, &x->who.room_id,
        &x->who.slot_id, &x->who.user_id, &x->who.device_id, &x->who.member_id, &x->who.dialect,
        &x->reason, &x->connection };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = *texts[i] == NULL ? NULL : arena_strdup(&x->arena, *texts[i]);
    }
}

/* A copy; NULL: no memory or too many, and said so. */
static struct instance *instance_create(struct lk_presence *p, const struct instance *like) {
    struct instance *x = p->n >= LK_PRESENCE_NEWS_MAX ? NULL : mem_zalloc(sizeof(*x));
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

static void note(const struct instance *x) {
    const struct call_input in = { .type = x->type,
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
            .reason = x->reason } };
    lk_witness_note(x->owner->cfg.witness, &in);
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
    if (x->owner->cfg.witness != NULL) {
        note(x);
    }
    if (x->owner->lookout != NULL) {
        call_lookout_heard(x->owner->lookout, &x->who, x->type == IN_MEDIA_CONNECTED);
    }
    if (x->type == IN_MEDIA_CONNECTED && rows[0].barred_at != 0) {
        lk_removals_end(x->owner->cfg.removals, &rows[0], "left_room");
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

void lk_presence_set_lookout(struct lk_presence *p, struct call_lookout *l) {
    p->lookout = l;
}

/* --- life --- */

enum err lk_presence_create(const struct lk_presence_config *cfg, struct lk_presence **ret) {
    struct lk_presence *p = mem_zalloc(sizeof(*p));
    if (p == NULL) {
        return err_set(ERR_NOMEM, "no memory for who is in the SFU");
    }
    p->cfg = *cfg;
    *ret = p;
    return OK;
}

void lk_presence_destroy(struct lk_presence *p) {
    if (p == NULL) {
        return;
    }
    while (p->all != NULL) {
        instance_end(p->all);
    }
    mem_free(p);
}
