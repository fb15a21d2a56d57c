/* Single questions about the calls: one statement each, outside a unit of work. */
#include "store/calls.h"

#include "core/mem.h"
#include "store/question.h"

#include <stdio.h>

#define ID_SIZE 256 /* Matrix: ids of at most 255 bytes */

struct question {
    struct store_question q;
    int64_t time_ms;
    int64_t number;
    char room_id[ID_SIZE];
    char server_name[ID_SIZE];
    union {
        store_calls_told *outlook;
        store_calls_rooms *rooms;
        store_calls_is_live *live;
        store_calls_claimed *claimed;
        store_calls_overviewed *overviewed;
    } then;
    void *arg;
};

static enum err ask(struct store *s, const struct question *like) {
    struct question *q = store_question_make(sizeof(*q));
    if (q != NULL) {
        *q = *like; /* holds nothing yet */
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}

/* --- when must the timer look, and how many calls are there? --- */

static void put_outlook(struct store_question *q) {
    store_query_put(q->c, STORE_OUTLOOK, NULL);
}

static void tell_outlook(
    const struct store_question *asked, enum err e, const struct store_answer *a) {
    const struct question *q = (const struct question *)asked;
    struct store_calls_outlook o = { 0 };
    if (e == OK) {
        o.due_at = store_read_time(a, 0, 0, 0);
        o.live_legacy = store_read_int(a, 0, 0, 1);
        o.live_rtc = store_read_int(a, 0, 0, 2);
    }
    q->then.outlook(q->arg, e, &o);
}

enum err store_calls_look_ahead(struct store *s, store_calls_told *told, void *arg) {
    return ask(
        s, &(struct question){
               .q.put = put_outlook, .q.told = tell_outlook, .then.outlook = told, .arg = arg });
}

/* --- which rooms have a live call? --- */

static void put_live_rooms(struct store_question *q) {
    store_query_put(q->c, STORE_LIVE_ROOMS, NULL);
}

static void tell_live_rooms(
    const struct store_question *asked, enum err e, const struct store_answer *a) {
    const struct question *q = (const struct question *)asked;
    size_t n = e == OK ? store_answer_rows(a, 0) : 0;
    struct arena arena;
    arena_init(&arena);
    const char **rooms = arena_array(&arena, n, sizeof(*rooms));
    for (size_t i = 0; rooms != NULL && i < n; i++) {
        rooms[i] = store_read_text(a, 0, i, 0, &arena);
    }
    if (e == OK && arena.failed) {
        e = err_set(ERR_NOMEM, "out of memory");
    }
    q->then.rooms(q->arg, e, e == OK ? rooms : NULL, e == OK ? n : 0);
    arena_finish(&arena);
}

enum err store_calls_live_rooms(struct store *s, store_calls_rooms *found, void *arg) {
    return ask(s,
        &(struct question){
            .q.put = put_live_rooms, .q.told = tell_live_rooms, .then.rooms = found, .arg = arg });
}

/* --- has this room one, with our people in it? --- */

static void put_room(struct store_question *asked) {
    const struct question *q = (const struct question *)asked;
    store_args_text(&asked->c->args, q->room_id);
    store_args_text(&asked->c->args, q->server_name);
    store_query_put(asked->c, STORE_ROOM_IS_LIVE, &asked->c->args);
}

static void tell_room(
    const struct store_question *asked, enum err e, const struct store_answer *a) {
    const struct question *q = (const struct question *)asked;
    q->then.live(q->arg, e, e == OK && store_answer_rows(a, 0) > 0);
}

enum err store_calls_room_is_live(struct store *s, const char *room_id, const char *server_name,
    store_calls_is_live *told, void *arg) {
    struct question q = { .q.put = put_room, .q.told = tell_room, .then.live = told, .arg = arg };
    snprintf(q.room_id, sizeof(q.room_id), "%s", room_id);
    snprintf(q.server_name, sizeof(q.server_name), "%s", server_name);
    return ask(s, &q);
}

/* --- whose turn is it to reconcile? --- */

static void put_claim(struct store_question *asked) {
    const struct question *q = (const struct question *)asked;
    store_args_text(&asked->c->args, "reconcile");
    store_args_time(&asked->c->args, q->time_ms);
    store_args_int(&asked->c->args, q->number);
    store_query_put(asked->c, STORE_CLAIM_TASK, &asked->c->args);
}

static void tell_claim(
    const struct store_question *asked, enum err e, const struct store_answer *a) {
    const struct question *q = (const struct question *)asked;
    q->then.claimed(q->arg, e, e == OK && store_answer_changed(a, 0) > 0);
}

enum err store_calls_claim_reconcile(
    struct store *s, int64_t now_ms, int64_t interval_ms, store_calls_claimed *claimed, void *arg) {
    return ask(s, &(struct question){ .q.put = put_claim,
                      .q.told = tell_claim,
                      .time_ms = now_ms,
                      .number = interval_ms,
                      .then.claimed = claimed,
                      .arg = arg });
}

/* --- how is it? --- */

static void put_overview(struct store_question *q) {
    store_query_put(q->c, STORE_COUNT_LIVE, NULL);
    store_query_put(q->c, STORE_LIST_TASKS, NULL);
}

static void tell_overview(
    const struct store_question *asked, enum err e, const struct store_answer *a) {
    const struct question *q = (const struct question *)asked;
    size_t n = e == OK ? store_answer_rows(a, 1) : 0;
    struct arena arena;
    arena_init(&arena);
    struct store_task *tasks = arena_array(&arena, n, sizeof(*tasks));
    for (size_t i = 0; tasks != NULL && i < n; i++) {
        tasks[i].name = store_read_text(a, 1, i, 0, &arena);
        tasks[i].at_ms = store_read_time(a, 1, i, 1);
    }
    if (e == OK && arena.failed) {
        e = err_set(ERR_NOMEM, "out of memory");
    }
    if (e == OK) {
        q->then.overviewed(
            q->arg, OK, &(struct store_overview){ store_read_int(a, 0, 0, 0), tasks, n });
    } else {
        q->then.overviewed(q->arg, e, NULL);
    }
    arena_finish(&arena);
}

enum err store_calls_overview(struct store *s, store_calls_overviewed *told, void *arg) {
    return ask(s,
        &(struct question){
            .q.put = put_overview, .q.told = tell_overview, .then.overviewed = told, .arg = arg });
}
