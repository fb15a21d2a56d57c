/*
 * Who is joined to a room: a cache of rooms, look-ups under way, and the questions that wait for
 * them.
 *
 *     ask (n rooms, 2 s) -- waits for --> look-up (one a room) -- fills --> room (60 s, or 10 s of
 * "unknown")
 *
 * A question copies what it was told, so that a room may be forgotten or thrown out at any time. A
 * look-up that was overtaken by mx_membership_forget still answers those who wait for it (they
 * asked before the change), but fills nothing and takes no new waiters.  Thread: main.
 */
#include "matrix/membership.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/map.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "matrix/client.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define KNOWN_US   (60 * SEC_US)
#define UNKNOWN_US (10 * SEC_US) /* a homeserver in trouble is not asked for every event */
#define ANSWER_MS                                                                                  \
    (2 * SEC_MS) /* calls are recorded all the same; a transaction must not wait longer */
#define ROOMS_MAX 10000
#define NAMES_MAX                                                                                  \
    200000 /* user ids in the cache, about 10 MB: rooms of MX_MEMBERSHIP_MAX fill it first */
#define LOOKUPS_MAX 200 /* under way: two transactions of 100 rooms */

METRIC_COUNTER(
    hits, "parley_membership_hits_total", "Rooms whose members were known when asked for.");
METRIC_COUNTER(misses, "parley_membership_misses_total",
    "Rooms whose members had to be asked of the homeserver.");
METRIC_COUNTER(
    unknowns, "parley_membership_unknown_total", "Rooms whose members could not be told in time.");

struct people {
    struct arena arena;
    const char **joined;
    size_t n;
    bool known;
    bool joinable;
};

struct room {
    UT_hash_handle hh;
    struct room *prev, *next; /* in order of use, the least recent first */
    char *room_id;
    struct people people;
    int64_t expires_us;
};

struct waiter {
    struct waiter *next;
    struct ask *ask;
    size_t at;
};

struct lookup {
    struct lookup *prev, *next;
    struct mx_membership *membership;
    char *room_id;
    char *reader; /* a joined local user, NULL = none */
    struct people people;
    struct waiter *waiters;
    bool overtaken; /* forgotten since it began */
};

struct ask {
    struct ask *prev, *next;
    struct mx_membership *membership;
    struct arena arena; /* everything below */
    struct mx_room_people *people;
    struct waiter *waiters; /* one a room, most unused */
    size_t n;
    size_t open; /* rooms waited for */
    mx_membership_done *done;
    void *arg;
    uv_timer_t timer; /* the time limit; at once where nothing is open */
};

struct mx_membership {
    uv_loop_t *loop;
    struct mx_client *client;
    char *server_name;
    bool masquerade;
    struct room *rooms; /* by room id */
    struct room *used;
    size_t n_names; /* user ids in all of them */
    struct lookup *lookups;
    size_t n_lookups;
    struct ask *asks;
};

/* --- the cache --- */

static void room_drop(struct mx_membership *m, struct room *room) {
    HASH_DEL(m->rooms, room);
    DL_DELETE(m->used, room);
    m->n_names -= room->people.n;
    arena_finish(&room->people.arena);
    mem_free(room->room_id);
    mem_free(room);
}

static struct room *room_find(struct mx_membership *m, const char *room_id) {
    struct room *room = NULL;
    HASH_FIND_STR(m->rooms, room_id, room);
    if (room != NULL && room->expires_us <= clock_mono_us()) {
        room_drop(m, room);
        return NULL;
    }
    return room;
}

/* An empty room in the cache, or NULL for lack of memory. */
static struct room *room_add(struct mx_membership *m, const char *room_id) {
    struct room *room = mem_zalloc(sizeof *room);
    char *key = mem_strdup(room_id);
    if (room != NULL && key != NULL) {
        room->room_id = key;
        HASH_ADD_KEYPTR(hh, m->rooms, key, strlen(key), room);
        if (room->hh.tbl != NULL) {
            DL_APPEND(m->used, room);
            return room;
        }
    }
    mem_free(room);
    mem_free(key);
    return NULL;
}

/* Takes people (leaves them empty) and keeps them; without memory they are just not kept. */
static void room_keep(struct mx_membership *m, const char *room_id, struct people *people) {
    struct room *room = room_find(m, room_id);
    if (room != NULL) {
        room_drop(m, room);
    }
    room = room_add(m, room_id);
    if (room == NULL) {
        return;
    }
    room->people = *people;
    *people = (struct people){ .known = false };
    room->expires_us = clock_mono_us() + (room->people.known ? KNOWN_US : UNKNOWN_US);
    m->n_names += room->people.n;
    while (m->used != room && (HASH_COUNT(m->rooms) > ROOMS_MAX || m->n_names > NAMES_MAX)) {
        room_drop(m, m->used);
    }
}

/* --- questions --- */

static void on_ask_closed(uv_handle_t *h) {
    mem_free(h->data);
}

static void ask_destroy(struct ask *ask) {
    DL_DELETE(ask->membership->asks, ask);
    arena_finish(&ask->arena);
    uv_close((uv_handle_t *)&ask->timer, on_ask_closed);
}

/* A look-up may outlast the question; it must not answer it any more. */
static void ask_leave_lookups(struct ask *ask) {
    struct lookup *lookup = NULL;
    DL_FOREACH(ask->membership->lookups, lookup) {
        struct waiter *w = NULL;
        struct waiter *next = NULL;
        LL_FOREACH_SAFE(lookup->waiters, w, next) {
            if (w->ask == ask) {
                LL_DELETE(lookup->waiters, w);
            }
        }
    }
}

static void ask_finish(struct ask *ask) {
    for (size_t i = 0; i < ask->n; i++) {
        metric_add(&unknowns, ask->people[i].known ? 0 : 1);
    }
    if (ask->open > 0) {
        ask_leave_lookups(ask);
    }
    void *arg = STEAL(ask->arg); /* whom mx_membership_leave finds no more */
    ask->done(arg, ask->people, ask->n);
    ask_destroy(ask);
}

static void on_ask_timer(uv_timer_t *timer) {
    ask_finish(timer->data);
}

/* Copies into the question what is known of its room; without memory the room stays unknown. */
static void ask_tell(struct ask *ask, size_t at, const struct people *people) {
    struct mx_room_people *told = &ask->people[at];
    if (!people->known) {
        return;
    }
    const char **joined = arena_array(&ask->arena, people->n, sizeof *joined);
    for (size_t i = 0; joined != NULL && i < people->n; i++) {
        joined[i] = arena_strdup(&ask->arena, people->joined[i]);
    }
    if (ask->arena.failed) {
        return;
    }
    told->joined = joined;
    told->n_joined = people->n;
    told->known = true;
    told->joinable = people->joinable;
}

/* --- look-ups --- */

static void lookup_destroy(struct lookup *lookup) {
    struct mx_membership *m = lookup->membership;
    mx_client_forget(m->client, lookup);
    DL_DELETE(m->lookups, lookup);
    m->n_lookups--;
    arena_finish(&lookup->people.arena);
    mem_free(lookup->room_id);
    mem_free(lookup->reader);
    mem_free(lookup);
}

static void lookup_finish(struct lookup *lookup) {
    struct waiter *waiters = STEAL(lookup->waiters);
    for (struct waiter *w = waiters; w != NULL; w = w->next) {
        ask_tell(w->ask, w->at, &lookup->people);
    }
    if (!lookup->overtaken) {
        room_keep(lookup->membership, lookup->room_id, &lookup->people);
    }
    lookup_destroy(lookup);
    /* Only now: `done` may ask again. Finishing a question frees its waiters, so step first. */
    while (waiters != NULL) {
        struct ask *ask = waiters->ask;
        waiters = waiters->next;
        ask->open--;
        if (ask->open == 0) {
            ask_finish(ask);
        }
    }
}

static void on_join_rules(void *arg, const struct mx_answer *a) {
    struct lookup *lookup = arg;
    const char *rule =
        a->err == OK ? json_string_value(json_object_get(a->json, "join_rule")) : NULL;
    lookup->people.joinable = rule != NULL && strcmp(rule, "public") == 0;
    lookup_finish(lookup);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Keeps the first of `n` names. */
static void people_keep(struct people *p, const char **names, size_t n) {
    qsort(names, n, sizeof *names, by_name);
    n = n < MX_MEMBERSHIP_MAX ? n : MX_MEMBERSHIP_MAX;
    p->joined = arena_array(&p->arena, n, sizeof *p->joined);
    for (size_t i = 0; p->joined != NULL && i < n; i++) {
        p->joined[i] = arena_strdup(&p->arena, names[i]);
    }
    p->known = !p->arena.failed;
    p->n = p->known ? n : 0;
}

/* Reads {"joined": {…}}: the names sorted, and one local user for further questions. */
static void lookup_read(struct lookup *lookup, json_t *joined) {
    const char *user_id = NULL;
    json_t *profile = NULL;
    size_t n = 0;
    const char **names = mem_alloc(json_object_size(joined) * sizeof *names);
    if (names == NULL) {
        return;
    }
    json_object_foreach(joined, user_id, profile) {
        if (!mx_user_id_valid(user_id)) {
            continue;
        }
        if (lookup->reader == NULL && mx_user_is_local(user_id, lookup->membership->server_name)) {
            lookup->reader = mem_strdup(user_id);
        }
        names[n++] = user_id;
    }
    people_keep(&lookup->people, names, n);
    mem_free(names);
}

static void on_joined_members(void *arg, const struct mx_answer *a) {
    struct lookup *lookup = arg;
    struct mx_membership *m = lookup->membership;
    json_t *joined = a->err == OK ? json_object_get(a->json, "joined") : NULL;
    if (!json_is_object(joined)) {
        LOG_DEBUG(&log_root, "membership_unknown", "room=%s reason=%s", LOG_Q(lookup->room_id),
            LOG_Q(a->text));
        lookup_finish(lookup);
        return;
    }
    lookup_read(lookup, joined);
    /* The sender is not in the room and may not read its state (1.6); a joined user may. */
    if (!lookup->people.known || !m->masquerade || lookup->reader == NULL ||
        mx_client_room_state_event(m->client, lookup->room_id, "m.room.join_rules", "",
            lookup->reader, on_join_rules, lookup) != OK) {
        lookup_finish(lookup);
    }
}

/* The look-up of this room that new waiters may join; begins one where there is none. NULL: it
 * cannot be. */
static struct lookup *lookup_of(struct mx_membership *m, const char *room_id) {
    struct lookup *lookup = NULL;
    DL_FOREACH(m->lookups, lookup) {
        if (!lookup->overtaken && strcmp(lookup->room_id, room_id) == 0) {
            return lookup;
        }
    }
    if (m->n_lookups >= LOOKUPS_MAX) {
        return NULL;
    }
    lookup = mem_zalloc(sizeof *lookup);
    if (lookup == NULL) {
        return NULL;
    }
    lookup->membership = m;
    arena_init(&lookup->people.arena);
    DL_APPEND(m->lookups, lookup);
    m->n_lookups++;
    lookup->room_id = mem_strdup(room_id);
    if (lookup->room_id == NULL ||
        mx_client_joined_members(m->client, room_id, on_joined_members, lookup) != OK) {
        lookup_destroy(lookup);
        return NULL;
    }
    return lookup;
}

/* --- the door --- */

/* From the cache, or by a look-up; where neither can be the room stays unknown. */
static void ask_room(struct ask *ask, size_t at, const char *room_id) {
    struct mx_membership *m = ask->membership;
    struct room *room = room_find(m, room_id);
    if (room != NULL) {
        metric_add(&hits, 1);
        ask_tell(ask, at, &room->people);
        DL_DELETE(m->used, room);
        DL_APPEND(m->used, room);
        return;
    }
    metric_add(&misses, 1);
    struct lookup *lookup = lookup_of(m, room_id);
    if (lookup != NULL) {
        ask->waiters[at] = (struct waiter){ .ask = ask, .at = at };
        LL_PREPEND(lookup->waiters, &ask->waiters[at]);
        ask->open++;
    }
}

enum err mx_membership_ask(struct mx_membership *m, const char *const *room_ids, size_t n,
    mx_membership_done *done, void *arg) {
    struct ask *ask = mem_zalloc(sizeof *ask);
    if (ask == NULL) {
        return err_set(ERR_NOMEM, "no memory to ask for members");
    }
    *ask = (struct ask){ .membership = m, .n = n, .done = done, .arg = arg };
    arena_init(&ask->arena);
    ask->people = arena_array(&ask->arena, n, sizeof *ask->people);
    ask->waiters = arena_array(&ask->arena, n, sizeof *ask->waiters);
    for (size_t i = 0; i < n && !ask->arena.failed; i++) {
        ask->people[i].room_id = arena_strdup(&ask->arena, room_ids[i]);
    }
    if (ask->arena.failed) {
        arena_finish(&ask->arena);
        mem_free(ask);
        return err_set(ERR_NOMEM, "no memory to ask for the members of %zu rooms", n);
    }
    DL_APPEND(m->asks, ask);
    for (size_t i = 0; i < n; i++) {
        ask_room(ask, i, ask->people[i].room_id);
    }
    int failed = uv_timer_init(m->loop, &ask->timer);
    assert(failed == 0);
    ask->timer.data = ask;
    failed = uv_timer_start(&ask->timer, on_ask_timer, ask->open > 0 ? ANSWER_MS : 0, 0);
    assert(failed == 0);
    (void)failed;
    return OK;
}

void mx_membership_leave(struct mx_membership *m, const void *arg) {
    struct ask *ask = NULL;
    struct ask *next = NULL;
    DL_FOREACH_SAFE(m->asks, ask, next) {
        if (arg != NULL && ask->arg == arg) {
            ask_leave_lookups(ask);
            ask_destroy(ask);
        }
    }
}

void mx_membership_forget(struct mx_membership *m, const char *room_id) {
    struct room *room = room_find(m, room_id);
    if (room != NULL) {
        room_drop(m, room);
    }
    struct lookup *lookup = NULL;
    DL_FOREACH(m->lookups, lookup) {
        lookup->overtaken = lookup->overtaken || strcmp(lookup->room_id, room_id) == 0;
    }
}

enum err mx_membership_create(uv_loop_t *loop, struct mx_client *client, const char *server_name,
    bool masquerade, struct mx_membership **ret) {
    struct mx_membership *m = mem_zalloc(sizeof *m);
    if (m == NULL || (m->server_name = mem_strdup(server_name)) == NULL) {
        mem_free(m);
        return err_set(ERR_NOMEM, "no memory for the cache of members");
    }
    m->loop = loop;
    m->client = client;
    m->masquerade = masquerade;
    metrics_register(&hits);
    metrics_register(&misses);
    metrics_register(&unknowns);
    *ret = m;
    return OK;
}

void mx_membership_destroy(struct mx_membership *m) {
    if (m == NULL) {
        return;
    }
    while (m->asks != NULL) {
        ask_destroy(m->asks);
    }
    while (m->lookups != NULL) {
        lookup_destroy(m->lookups);
    }
    while (m->rooms != NULL) {
        room_drop(m, m->rooms);
    }
    mem_free(m->server_name);
    mem_free(m);
}
