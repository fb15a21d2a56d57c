/* A list of questions to the store; those that it could not answer are asked again. */
#include "livekit/participants.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"

#include <stdbool.h>
#include <string.h>
#include <utlist.h>

METRIC_GAUGE(waiting_now, "parley_sfu_identities_waiting",
    "Questions about participants of the SFU that the database has not answered yet.");

enum kind { NOTE, FIND, BAR };

struct question {
    struct question *prev, *next;
    struct lk_participants *owner; /* NULL: it went while the store had the question */
    struct arena arena;
    enum kind kind;
    struct store_identity row; /* what is known of it */
    bool asked;                /* the store has it */
    lk_participants_noted *noted;
    lk_participants_found *found;
    void *arg;
};

struct lk_participants {
    uv_timer_t timer;
    struct store *store;
    struct question *questions;
    size_t n;
};

/* --- life of a question --- */

static void question_free(struct question *q) {
    arena_finish(&q->arena);
    mem_free(q);
}

static void question_end(struct question *q) {
    struct lk_participants *p = q->owner;
    DL_DELETE(p->questions, q);
    p->n--;
    metric_set(&waiting_now, (int64_t)p->n);
    question_free(q);
}

static void own_texts(struct question *q) {
    const char **const texts[] = { &q->row.alias, &q->row.identity, &q->row.room_id,
        &q->row.slot_id, &q->row.user_id, &q->row.device_id, &q->row.member_id, &q->row.dialect };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = *texts[i] == NULL ? NULL : arena_strdup(&q->arena, *texts[i]);
    }
}

static enum err question_create(struct lk_participants *p, enum kind kind,
    const struct store_identity *row, struct question **ret) {
    if (p->n >= LK_PARTICIPANTS_WAITING_MAX) {
        return err_set(
            ERR_LIMIT, "%d questions about participants wait", LK_PARTICIPANTS_WAITING_MAX);
    }
    struct question *q = mem_zalloc(sizeof(*q));
    if (q == NULL) {
        return err_set(ERR_NOMEM, "no memory for a participant");
    }
    *q = (struct question){ .owner = p, .kind = kind, .row = *row };
    arena_init(&q->arena);
    own_texts(q);
    if (q->arena.failed) {
        question_free(q);
        return err_set(ERR_NOMEM, "no memory for a participant");
    }
    DL_APPEND(p->questions, q);
    p->n++;
    metric_set(&waiting_now, (int64_t)p->n);
    *ret = q;
    return OK;
}

/* --- asking --- */

static void tell_noted(struct question *q) {
    lk_participants_noted *noted = q->noted;
    q->noted = NULL;
    if (noted != NULL) {
        noted(q->arg);
    }
}

static void on_timer(uv_timer_t *t);

static void wait(struct question *q) {
    struct lk_participants *p = q->owner;
    if (!uv_is_active((uv_handle_t *)&p->timer)) {
        LOG_WARN(&log_root, "sfu_identities_wait", "n=%zu text=%s", p->n, LOG_Q(err_text()));
        uv_timer_start(&p->timer, on_timer, LK_PARTICIPANTS_RETRY_MS, 0);
    }
    tell_noted(q);
}

static void on_noted(void *arg, enum err e) {
    struct question *q = arg;
    q->asked = false;
    if (q->owner == NULL) {
        question_free(q);
    } else if (e != OK) {
        wait(q);
    } else {
        lk_participants_noted *noted = q->noted;
        void *noted_arg = q->arg;
        question_end(q);
        if (noted != NULL) {
            noted(noted_arg);
        }
    }
}

static void on_found(void *arg, enum err e, const struct store_identity *rows, size_t n) {
    struct question *q = arg;
    q->asked = false;
    if (q->owner == NULL) {
        question_free(q);
    } else if (e != OK) {
        wait(q);
    } else {
        lk_participants_found *found = q->found;
        void *found_arg = q->arg;
        question_end(q);
        if (found != NULL) {
            found(found_arg, rows, n);
        }
    }
}

static enum err ask_store(struct question *q) {
    struct store *s = q->owner->store;
    if (s == NULL) {
        return err_set(ERR_DATABASE, "the database was not reached yet");
    }
    switch (q->kind) {
    case NOTE:
        return store_identities_put(s, &q->row, on_noted, q);
    case FIND:
        return store_identities_find(s, q->row.alias, q->row.identity, on_found, q);
    default:
        return store_identities_bar(
            s, q->row.room_id, q->row.user_id, q->row.device_id, q->row.barred_at, on_found, q);
    }
}

static void ask(struct question *q) {
    q->asked = true;
    if (ask_store(q) != OK) {
        q->asked = false;
        wait(q);
    }
}

static void ask_all(struct lk_participants *p) {
    struct question *q = NULL;
    struct question *next = NULL;
    DL_FOREACH_SAFE(p->questions, q, next) {
        if (!q->asked) {
            ask(q);
        }
    }
}

static void on_timer(uv_timer_t *t) {
    ask_all(t->data);
}

/* --- the door --- */

enum err lk_participants_note(struct lk_participants *p, const struct store_identity *row,
    lk_participants_noted *noted, void *arg) {
    struct question *q = NULL;
    TRY(question_create(p, NOTE, row, &q));
    q->noted = noted;
    q->arg = arg;
    ask(q);
    return OK;
}

/* A note that waits is as good as a row. */
static const struct question *find_note(
    const struct lk_participants *p, const char *alias, const char *identity) {
    for (const struct question *q = p->questions; q != NULL; q = q->next) {
        if (q->kind == NOTE && strcmp(q->row.alias, alias) == 0 &&
            strcmp(q->row.identity, identity) == 0) {
            return q;
        }
    }
    return NULL;
}

enum err lk_participants_find(struct lk_participants *p, const char *alias, const char *identity,
    lk_participants_found *found, void *arg) {
    const struct question *note = find_note(p, alias, identity);
    struct question *q = NULL;
    if (note != NULL) {
        found(arg, &note->row, 1);
        return OK;
    }
    TRY(question_create(
        p, FIND, &(struct store_identity){ .alias = alias, .identity = identity }, &q));
    q->found = found;
    q->arg = arg;
    ask(q);
    return OK;
}

enum err lk_participants_bar(struct lk_participants *p, const char *room_id, const char *user_id,
    const char *device_id, int64_t at_ms, lk_participants_found *found, void *arg) {
    struct question *q = NULL;
    TRY(question_create(p, BAR,
        &(struct store_identity){
            .room_id = room_id, .user_id = user_id, .device_id = device_id, .barred_at = at_ms },
        &q));
    q->found = found;
    q->arg = arg;
    ask(q);
    return OK;
}

void lk_participants_forget(struct lk_participants *p, const void *arg) {
    struct question *q = NULL;
    struct question *next = NULL;
    DL_FOREACH_SAFE(p->questions, q, next) {
        if (q->arg != arg) {
            continue;
        }
        q->noted = NULL;
        q->found = NULL;
        if (q->kind == FIND && !q->asked) {
            question_end(q); /* nobody needs the answer */
        }
    }
}

void lk_participants_set_store(struct lk_participants *p, struct store *store) {
    p->store = store;
    if (store != NULL) {
        ask_all(p);
    }
}

/* --- life --- */

enum err lk_participants_create(uv_loop_t *loop, struct lk_participants **ret) {
    struct lk_participants *p = mem_zalloc(sizeof(*p));
    if (p == NULL) {
        return err_set(ERR_NOMEM, "no memory for the participants of the SFU");
    }
    uv_timer_init(loop, &p->timer);
    p->timer.data = p;
    metrics_register(&waiting_now);
    *ret = p;
    return OK;
}

static void on_timer_closed(uv_handle_t *h) {
    mem_free(h->data);
}

void lk_participants_destroy(struct lk_participants *p) {
    if (p == NULL) {
        return;
    }
    struct question *q = NULL;
    struct question *next = NULL;
    DL_FOREACH_SAFE(p->questions, q, next) {
        DL_DELETE(p->questions, q);
        if (q->asked) {
            q->owner = NULL;
        } else {
            question_free(q);
        }
    }
    uv_close((uv_handle_t *)&p->timer, on_timer_closed);
}
