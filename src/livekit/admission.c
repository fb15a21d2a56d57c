/* One question is one walk:
 *
 *     list -> (again, fresh) -> one user -> one server -> live call -> room of the SFU -> answer
 *
 * Each step either decides or goes to the next; answers come later, so a question is kept in a list
 * until the last of them. */
#include "livekit/admission.h"

#include "core/clock.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "livekit/rooms.h"
#include "matrix/client.h"
#include "matrix/ids.h"
#include "matrix/membership.h"
#include "store/calls.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* Another server's user may ask before the event that begins our user's call has come here. */
#define LIVE_TRIES   5
#define LIVE_WAIT_MS 400

METRIC_COUNTER(asked_one, "parley_token_membership_singles_total",
    "Users whose membership was asked for alone, because the list did not say.");

struct question {
    struct question *prev, *next;
    struct lk_admission *admission; /* NULL: destroyed while the store had it */
    struct arena arena;             /* the texts */
    struct lk_admission_question q;
    const char *reader; /* a local user who is in the room; NULL = none known */
    bool fresh;         /* the list was read for this question */
    bool server_in;     /* with_server is in the room */
    bool joined;
    int tries;
    int under_way; /* at the store, whose questions cannot be taken back */
    bool over;     /* answered or forgotten */
    bool timer_closed;
    lk_admission_done *done;
    void *arg;
    uv_timer_t timer;
};

struct lk_admission {
    struct lk_admission_config cfg;
    uv_loop_t *loop;
    struct store *store;
    struct question *questions;
};

static void ask_list(struct question *x);
static void ask_user(struct question *x);
static void ask_live(struct question *x);

/* --- life of a question --- */

static void free_when_over(struct question *x) {
    if (x->over && x->timer_closed && x->under_way == 0) {
        arena_finish(&x->arena);
        mem_free(x);
    }
}

static void on_timer_closed(uv_handle_t *h) {
    struct question *x = h->data;
    x->timer_closed = true;
    free_when_over(x);
}

static void question_end(struct question *x) {
    DL_DELETE(x->admission->questions, x);
    mx_client_forget(x->admission->cfg.client, x);
    mx_membership_leave(x->admission->cfg.membership, x);
    if (x->admission->cfg.rooms != NULL) {
        lk_rooms_forget(x->admission->cfg.rooms, x);
    }
    x->admission = NULL;
    x->over = true;
    uv_close((uv_handle_t *)&x->timer, on_timer_closed);
}

static void answer(struct question *x, enum lk_refusal r, const char *membership) {
    lk_admission_done *done = x->done;
    void *arg = x->arg;
    question_end(x);
    done(arg, r, membership);
}

/* --- what was learnt --- */

/* Full access: who may open a call here. All others need one that goes on. */
static void admit(struct question *x, bool joined) {
    x->joined = joined;
    if (!x->q.full_access && x->admission->store != NULL) {
        ask_live(x);
        return;
    }
    answer(x, LK_FINE, joined ? "joined" : "unknown");
}

static void nobody_knows(struct question *x) {
    enum rtc_membership policy = x->admission->cfg.policy;
    bool needed = policy == RTC_MEMBERSHIP_REQUIRE ||
                  (policy == RTC_MEMBERSHIP_AUTO && x->q.full_access) || x->q.strict;
    /* Without a database nobody could say whether a stranger comes to a call of ours. */
    if (needed || (!x->q.full_access && x->admission->store == NULL)) {
        answer(x, LK_MEMBERSHIP_UNKNOWN, NULL);
    } else {
        admit(x, false);
    }
}

/* --- is a call on? --- */

static void on_live_timer(uv_timer_t *timer) {
    ask_live(timer->data);
}

static void nobody_there(struct question *x) {
    if (x->tries < LIVE_TRIES) {
        uv_timer_start(&x->timer, on_live_timer, LIVE_WAIT_MS, 0);
    } else {
        answer(x, LK_NO_CALL, NULL);
    }
}

static void on_room(void *arg, enum err e, const json_t *json, const char *text) {
    struct question *x = arg;
    (void)text;
    if (e == OK && json_array_size(json_object_get(json, "rooms")) > 0) {
        answer(x, LK_FINE, x->joined ? "joined" : "unknown");
    } else {
        nobody_there(x);
    }
}

/* A call whose room is open goes on, or did a moment ago (4.5). */
static void ask_room(struct question *x) {
    struct lk_rooms *rooms = x->admission->cfg.rooms;
    if (rooms == NULL || x->q.alias == NULL || lk_rooms_look(rooms, x->q.alias, on_room, x) != OK) {
        nobody_there(x);
    }
}

static void on_live(void *arg, enum err e, bool live) {
    struct question *x = arg;
    x->under_way--;
    if (x->over) {
        free_when_over(x);
        return;
    }
    if (live) {
        answer(x, LK_FINE, x->joined ? "joined" : "unknown");
    } else if (e != OK) {
        /* The database is away: media goes on for those who are in the room (decision 14). */
        answer(x, x->joined ? LK_FINE : LK_MEMBERSHIP_UNKNOWN, x->joined ? "joined" : NULL);
    } else {
        ask_room(x);
    }
}

static void ask_live(struct question *x) {
    struct lk_admission *a = x->admission;
    x->tries++;
    x->under_way++;
    if (a->store == NULL ||
        store_calls_room_is_live(a->store, x->q.room_id, a->cfg.server_name, on_live, x) != OK) {
        on_live(x, ERR_DATABASE, false);
    }
}

/* --- one server --- */

static void on_server(void *arg, const struct mx_answer *a) {
    struct question *x = arg;
    const json_t *joined = a->err == OK ? json_object_get(a->json, "joined") : NULL;
    if (!json_is_boolean(joined)) {
        nobody_knows(x);
    } else if (json_is_true(joined)) {
        admit(x, true);
    } else {
        answer(x, LK_SERVER_NOT_JOINED, NULL);
    }
}

/* The user is in the room. */
static void go_on_joined(struct question *x) {
    if (x->q.with_server == NULL || x->server_in) {
        admit(x, true);
    } else if (mx_client_server_is_joined(
                   x->admission->cfg.client, x->q.room_id, x->q.with_server, on_server, x) != OK) {
        nobody_knows(x);
    }
}

/* --- one user --- */

static void on_own_event(void *arg, const struct mx_answer *a) {
    struct question *x = arg;
    const char *membership =
        a->err == OK ? json_string_value(json_object_get(a->json, "membership")) : NULL;
    if (membership != NULL && strcmp(membership, "join") == 0) {
        go_on_joined(x);
    } else if (a->err == OK || a->err == ERR_FORBIDDEN || a->err == ERR_NOT_FOUND) {
        answer(x, LK_NOT_JOINED, NULL);
    } else {
        nobody_knows(x);
    }
}

/* The user's own m.room.member, read as a local user who may: themselves, or one who is in the
 * room. */
static void ask_own_event(struct question *x) {
    const struct lk_admission_config *cfg = &x->admission->cfg;
    const char *reader =
        mx_user_is_local(x->q.user_id, cfg->server_name) ? x->q.user_id : x->reader;
    if (!cfg->masquerade || reader == NULL ||
        mx_client_room_state_event(cfg->client, x->q.room_id, "m.room.member", x->q.user_id, reader,
            on_own_event, x) != OK) {
        nobody_knows(x);
    }
}

static void on_is_joined(void *arg, const struct mx_answer *a) {
    struct question *x = arg;
    const json_t *joined = a->err == OK ? json_object_get(a->json, "joined") : NULL;
    if (json_is_true(joined)) {
        go_on_joined(x);
    } else if (json_is_false(joined)) {
        answer(x, LK_NOT_JOINED, NULL);
    } else {
        ask_own_event(x); /* a homeserver without MSC4502, or without our scope */
    }
}

static void ask_user(struct question *x) {
    metric_add(&asked_one, 1);
    if (mx_client_user_is_joined(
            x->admission->cfg.client, x->q.room_id, x->q.user_id, on_is_joined, x) != OK) {
        nobody_knows(x);
    }
}

/* --- the list --- */

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void look_for_servers(struct question *x, const struct mx_room_people *people) {
    const char *ours = x->admission->cfg.server_name;
    for (size_t i = 0; i < people->n_joined; i++) {
        if (x->reader == NULL && mx_user_is_local(people->joined[i], ours)) {
            x->reader = arena_strdup(&x->arena, people->joined[i]);
        }
        if (x->q.with_server != NULL && mx_user_is_local(people->joined[i], x->q.with_server)) {
            x->server_in = true;
        }
    }
}

static void on_list(void *arg, const struct mx_room_people *people, size_t n) {
    struct question *x = arg;
    (void)n;
    if (!people->known) {
        ask_user(x);
        return;
    }
    look_for_servers(x, people);
    bool cut = people->n_joined >= MX_MEMBERSHIP_MAX;
    bool in = bsearch(&x->q.user_id, people->joined, people->n_joined, sizeof(*people->joined),
                  by_name) != NULL;
    bool all = in && (x->q.with_server == NULL || x->server_in);
    if (all) {
        admit(x, true);
    } else if (cut) {
        ask_user(x);
    } else if (!x->fresh) {
        /* They may have joined since it was read: the event comes a moment later than they do. */
        x->fresh = true;
        mx_membership_forget(x->admission->cfg.membership, x->q.room_id);
        ask_list(x);
    } else {
        answer(x, in ? LK_SERVER_NOT_JOINED : LK_NOT_JOINED, NULL);
    }
}

static void ask_list(struct question *x) {
    if (mx_membership_ask(x->admission->cfg.membership, &x->q.room_id, 1, on_list, x) != OK) {
        nobody_knows(x);
    }
}

/* --- the door --- */

static void on_begin(uv_timer_t *timer) {
    struct question *x = timer->data;
    if (x->admission->cfg.policy == RTC_MEMBERSHIP_OFF && !x->q.strict) {
        answer(x, LK_FINE, "unchecked");
    } else {
        ask_list(x);
    }
}

enum err lk_admission_ask(struct lk_admission *a, const struct lk_admission_question *q,
    lk_admission_done *done, void *arg) {
    struct question *x = mem_zalloc(sizeof(*x));
    if (x == NULL) {
        return err_set(ERR_NOMEM, "no memory for a question of membership");
    }
    *x = (struct question){ .admission = a, .q = *q, .done = done, .arg = arg };
    arena_init(&x->arena);
    x->q.room_id = arena_strdup(&x->arena, q->room_id);
    x->q.alias = arena_strdup(&x->arena, q->alias);
    x->q.user_id = arena_strdup(&x->arena, q->user_id);
    x->q.with_server = arena_strdup(&x->arena, q->with_server);
    if (x->arena.failed) {
        arena_finish(&x->arena);
        mem_free(x);
        return err_set(ERR_NOMEM, "no memory for a question of membership");
    }
    DL_APPEND(a->questions, x);
    uv_timer_init(a->loop, &x->timer);
    x->timer.data = x;
    uv_timer_start(&x->timer, on_begin, 0, 0);
    return OK;
}

void lk_admission_forget(struct lk_admission *a, const void *arg) {
    struct question *x = NULL;
    struct question *next = NULL;
    DL_FOREACH_SAFE(a->questions, x, next) {
        if (x->arg == arg) {
            question_end(x);
        }
    }
}

enum err lk_admission_create(
    uv_loop_t *loop, const struct lk_admission_config *cfg, struct lk_admission **ret) {
    struct lk_admission *a = mem_zalloc(sizeof(*a));
    if (a == NULL) {
        return err_set(ERR_NOMEM, "no memory for the admission of users");
    }
    a->cfg = *cfg;
    a->loop = loop;
    metrics_register(&asked_one);
    *ret = a;
    return OK;
}

void lk_admission_set_store(struct lk_admission *a, struct store *store) {
    a->store = store;
}

void lk_admission_destroy(struct lk_admission *a) {
    if (a == NULL) {
        return;
    }
    while (a->questions != NULL) {
        question_end(a->questions);
    }
    mem_free(a);
}
