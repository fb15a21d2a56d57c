/*
 * Reading one room.  Thread: main.
 */
#include "appservice/reconcile_room.h"

#include "appservice/observer.h"
#include "calls/work.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "matrix/client.h"
#include "matrix/ids.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define READERS_MAX                                                                                \
    3 /* local users tried: one may be locked, or of another service that never registered it */

struct as_room_read {
    const struct as_room_read_config *cfg;
    char *room_id;
    struct arena arena;  /* what is below */
    const char **joined; /* sorted by strcmp */
    size_t n_joined;
    const char *readers[READERS_MAX]; /* NULL = the sender itself */
    size_t n_readers;
    size_t reader;
    int64_t snapshot_ms;
    bool working;            /* a unit is under way */
    as_room_read_done *done; /* NULL: abandoned */
    void *arg;
};

static void read_destroy(struct as_room_read *r) {
    arena_finish(&r->arena);
    mem_free(r->room_id);
    mem_free(r);
}

static void read_finish(struct as_room_read *r, enum as_room_outcome outcome) {
    as_room_read_done *done = r->done;
    void *arg = r->arg;
    read_destroy(r);
    if (done != NULL) {
        done(arg, outcome);
    }
}

/* The end of one that could not be read. */
static void read_refused(struct as_room_read *r, enum err e, const char *text) {
    enum as_room_outcome outcome = AS_ROOM_FAILED;
    if (e == ERR_FORBIDDEN || e == ERR_NOT_FOUND) {
        outcome = AS_ROOM_SKIPPED;
    } else if (e == ERR_UNREACHABLE || e == ERR_TIMEOUT || e == ERR_LIMIT ||
               e == ERR_UNAUTHORIZED) {
        outcome = AS_ROOM_SILENT;
    }
    LOG_DEBUG(&log_root, "room_not_read", "room=%s cause=%s reason=%s", LOG_Q(r->room_id),
        err_name(e), LOG_Q(text));
    read_finish(r, outcome);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_joined(const struct as_room_read *r, const char *user_id) {
    return bsearch(&user_id, r->joined, r->n_joined, sizeof *r->joined, by_name) != NULL;
}

/* --- the unit of work --- */

/* Room state that is about members of calls. Of all else the observer would make news out of
 * history: everybody who ever left the room. */
static bool is_member_type(const char *type) {
    static const char *const types[] = { "org.matrix.msc3401.call.member", "m.call.member",
        "com.famedly.call.member" };
    for (size_t i = 0; type != NULL && i < COUNT_OF(types); i++) {
        if (strcmp(types[i], type) == 0) {
            return true;
        }
    }
    return false;
}

/* A list of texts in an arena. */
struct texts {
    const char **items;
    size_t n;
    size_t cap;
};

static enum err texts_add(struct texts *t, struct arena *arena, const char *text) {
    if (t->n == t->cap) {
        size_t cap = t->cap > 0 ? 2 * t->cap : 16;
        const char **items = arena_array(arena, cap, sizeof *items);
        if (items == NULL) {
            return err_set(ERR_NOMEM, "no memory for the members of a room");
        }
        for (size_t i = 0; i < t->n; i++) {
            items[i] = t->items[i];
        }
        t->items = items;
        t->cap = cap;
    }
    t->items[t->n++] = text;
    return OK;
}

struct unit {
    struct as_room_read *read;
    struct call_work *work;
    struct arena *arena;
    int64_t now_ms;
    struct texts remaining; /* entry keys */
    bool joinable;
};

static enum err unit_add_input(struct unit *u, const struct call_input *in) {
    if (in->type == IN_MALFORMED) {
        return OK; /* audited when it was pushed; here it would be again and again */
    }
    if (in->type != IN_MEMBER) {
        return call_work_add(u->work, in);
    }
    if (!is_joined(u->read, in->member.user_id)) {
        return OK; /* whoever left the room left the call, whatever their entry says */
    }
    TRY(texts_add(&u->remaining, u->arena, in->member.entry_key));
    /* One that is over and that we believe live is ended by its deadline; one that we never saw is
     * history. */
    return in->member.expires_at > u->now_ms ? call_work_add(u->work, in) : OK;
}

/* Some servers leave the room's id out of its state; the observer wants it. */
static enum err unit_add_event(struct unit *u, json_t *event) {
    struct as_reading reading;
    json_t *copy = json_copy(event);
    if (copy == NULL || json_object_set_new(copy, "room_id", json_string(u->read->room_id)) != 0) {
        json_decref(copy);
        return err_set(ERR_NOMEM, "no memory for an event of a room");
    }
    enum err e =
        as_observer_read(u->read->cfg->observer, copy, u->now_ms, true, u->arena, &reading);
    for (size_t i = 0; e == OK && i < reading.n_inputs; i++) {
        e = unit_add_input(u, &reading.inputs[i]);
    }
    json_decref(copy);
    return e;
}

static enum err unit_add_state(struct unit *u, const json_t *state) {
    size_t i = 0;
    json_t *event = NULL;
    json_array_foreach(state, i, event) {
        const char *type = json_string_value(json_object_get(event, "type"));
        if (is_member_type(type)) {
            TRY(unit_add_event(u, event));
        } else if (type != NULL && strcmp(type, "m.room.join_rules") == 0) {
            const char *rule =
                json_string_value(json_object_get(json_object_get(event, "content"), "join_rule"));
            u->joinable = rule != NULL && strcmp(rule, "public") == 0;
        }
    }
    return OK;
}

/* What is not listed has ended. */
static enum err unit_add_list(struct unit *u) {
    if (u->remaining.n > 1) {
        qsort(u->remaining.items, u->remaining.n, sizeof *u->remaining.items, by_name);
    }
    struct call_input *in = arena_alloc(u->arena, sizeof *in);
    if (in == NULL) {
        return err_set(ERR_NOMEM, "no memory for the members of a room");
    }
    *in = (struct call_input){
        .type = IN_MEMBER_LIST,
        .room_id = arena_strdup(u->arena, u->read->room_id),
        .origin_ms = u->read->snapshot_ms,
        .sent_ms = u->read->snapshot_ms,
        .received_ms = u->now_ms,
        .reconciled = true,
        .member = { .remaining = u->remaining.items,
            .n_remaining = u->remaining.n,
            .snapshot_ms = u->read->snapshot_ms },
    };
    if (in->room_id == NULL) {
        return err_set(ERR_NOMEM, "no memory for the members of a room");
    }
    return call_work_add(u->work, in);
}

static enum err unit_add_people(struct unit *u) {
    size_t n = u->read->n_joined;
    struct call_room_view view = { .n_joined = n, .known = true, .joinable = u->joinable };
    const char **joined = arena_array(u->arena, n, sizeof *joined);
    for (size_t i = 0; joined != NULL && i < n; i++) {
        joined[i] = arena_strdup(u->arena, u->read->joined[i]);
    }
    view.room_id = arena_strdup(u->arena, u->read->room_id);
    view.joined = joined;
    if (u->arena->failed) {
        return err_set(ERR_NOMEM, "no memory for the people of a room");
    }
    return call_work_room(u->work, &view);
}

static void on_committed(void *arg, enum err e, const struct call_work_report *report) {
    struct as_room_read *r = arg;
    (void)report; /* what it says to be out of order has just been read */
    if (e != OK && r->done != NULL) {
        LOG_DEBUG(&log_root, "room_not_kept", "room=%s cause=%s reason=%s", LOG_Q(r->room_id),
            err_name(e), LOG_Q(err_text()));
    }
    read_finish(r, e == OK ? AS_ROOM_READ : AS_ROOM_FAILED);
}

static enum err unit_run(struct as_room_read *r, const json_t *state) {
    struct unit u = { .read = r, .now_ms = clock_wall_ms() };
    TRY(call_work_create(r->cfg->calls, u.now_ms, &u.work));
    u.arena = call_work_arena(u.work);
    enum err e = unit_add_state(&u, state);
    e = e == OK ? unit_add_list(&u) : e;
    e = e == OK ? unit_add_people(&u) : e;
    if (e != OK) {
        call_work_destroy(u.work);
        return e;
    }
    r->working = true;
    call_work_run(u.work, on_committed, r);
    return OK;
}

/* --- asking --- */

static enum err ask_state(struct as_room_read *r);

static void on_state(void *arg, const struct mx_answer *a) {
    struct as_room_read *r = arg;
    enum err e = a->err;
    const char *text = a->text;
    if (e == ERR_FORBIDDEN && r->reader + 1 < r->n_readers) {
        r->reader++;
        e = ask_state(r);
        if (e == OK) {
            return;
        }
        text = err_text();
    } else if (e == OK && !json_is_array(a->json)) {
        e = ERR_UNREACHABLE;
        text = "state: want a list";
    } else if (e == OK) {
        e = unit_run(r, a->json);
        text = err_text();
    }
    if (e != OK) {
        read_refused(r, e, text);
    }
}

static enum err ask_state(struct as_room_read *r) {
    return mx_client_room_state(r->cfg->client, r->room_id, r->readers[r->reader], on_state, r);
}

/* Who may read the room's state: the sender when it is joined, or when it is all we may be; else
 * some local users. */
static void readers_choose(struct as_room_read *r) {
    if (!r->cfg->masquerade || is_joined(r, r->cfg->sender)) {
        r->n_readers = 1;
        return;
    }
    for (size_t i = 0; i < r->n_joined && r->n_readers < READERS_MAX; i++) {
        if (mx_user_is_local(r->joined[i], r->cfg->observer->server_name)) {
            r->readers[r->n_readers++] = r->joined[i];
        }
    }
}

static enum err joined_read(struct as_room_read *r, json_t *joined) {
    const char *user_id = NULL;
    json_t *profile = NULL;
    if (!json_is_object(joined)) {
        return err_set(ERR_UNREACHABLE, "joined: want a map");
    }
    r->joined = arena_array(&r->arena, json_object_size(joined), sizeof *r->joined);
    json_object_foreach(joined, user_id, profile) {
        if (r->joined != NULL && mx_user_id_valid(user_id)) {
            r->joined[r->n_joined++] = arena_strdup(&r->arena, user_id);
        }
    }
    if (r->arena.failed) {
        return err_set(ERR_NOMEM, "no memory for the people of a room");
    }
    qsort(r->joined, r->n_joined, sizeof *r->joined, by_name);
    readers_choose(r);
    return r->n_readers > 0 ? OK : err_set(ERR_FORBIDDEN, "no local user is in the room");
}

static void on_joined(void *arg, const struct mx_answer *a) {
    struct as_room_read *r = arg;
    enum err e = a->err;
    const char *text = a->text;
    if (e == OK) {
        e = joined_read(r, json_object_get(a->json, "joined"));
        e = e == OK ? ask_state(r) : e;
        text = err_text();
    }
    if (e != OK) {
        read_refused(r, e, text);
    }
}

enum err as_room_read_start(const struct as_room_read_config *cfg, const char *room_id,
    as_room_read_done *done, void *arg, struct as_room_read **ret) {
    struct as_room_read *r = mem_zalloc(sizeof *r);
    if (r == NULL) {
        return err_set(ERR_NOMEM, "no memory to read a room");
    }
    *r = (struct as_room_read){
        .cfg = cfg, .snapshot_ms = clock_wall_ms(), .done = done, .arg = arg
    };
    arena_init(&r->arena);
    r->room_id = mem_strdup(room_id);
    enum err e = r->room_id != NULL ? OK : err_set(ERR_NOMEM, "no memory to read a room");
    e = e == OK ? mx_client_joined_members(cfg->client, room_id, on_joined, r) : e;
    if (e != OK) {
        read_destroy(r);
        return e;
    }
    *ret = r;
    return OK;
}

void as_room_read_abandon(struct as_room_read *r) {
    r->done = NULL;
    if (!r->working) {
        mx_client_forget(r->cfg->client, r);
        read_destroy(r);
    }
}
