/* A list of orders; each asks the rooms one after the other who is there, then mutes. */
#include "livekit/mutes.h"

#include "core/mem.h"
#include "livekit/occupants.h"
#include "livekit/rooms.h"
#include "store/watches.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define PROBLEM_SIZE 200

struct order {
    struct order *prev, *next;
    struct lk_mutes *owner;
    struct arena arena;
    const char *track; /* NULL = all sound */
    struct call_place places[CALL_LOOKOUT_PLACES];
    size_t n_places;
    size_t next_place; /* whose room is to be asked next */
    const char *alias; /* which is being asked */
    size_t under_way;  /* questions and mutes */
    size_t muted;
    bool is_there;
    char problem[PROBLEM_SIZE]; /* what went wrong last */
    lk_mutes_done *done;        /* NULL = forgotten */
    void *arg;
};

struct lk_mutes {
    struct lk_rooms *rooms;
    struct lk_occupants *occupants;
    struct order *orders;
    size_t n;
};

/* --- life of an order --- */

static void order_free(struct order *o) {
    arena_finish(&o->arena);
    mem_free(o);
}

static void order_end(struct order *o) {
    lk_rooms_forget(o->owner->rooms, o);
    DL_DELETE(o->owner->orders, o);
    o->owner->n--;
    order_free(o);
}

static const char *problem_of(const struct order *o) {
    return o->muted > 0            ? NULL
           : o->problem[0] != '\0' ? o->problem
           : !o->is_there          ? "not in the SFU"
           : o->track != NULL      ? "no such track"
                                   : "sends no sound";
}

static void ask_next(struct order *o);

/* Something came back; the last thing that is under way ends the order. */
static void went_on(struct order *o) {
    o->under_way--;
    if (o->under_way > 0) {
        return;
    }
    if (o->next_place < o->n_places) {
        ask_next(o);
        return;
    }
    if (o->done != NULL) {
        o->done(o->arg, o->muted, problem_of(o));
    }
    order_end(o);
}

/* --- muting --- */

static void on_muted(void *arg, enum err e, const json_t *json, const char *text) {
    struct order *o = arg;
    (void)json;
    if (e == OK) {
        o->muted++;
    } else {
        snprintf(o->problem, sizeof(o->problem), "%s", text);
    }
    went_on(o);
}

static const char *text_of(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

/* Defaults may be left out: AUDIO is one. */
static bool is_meant(const struct order *o, const json_t *track) {
    const char *sid = text_of(track, "sid");
    const char *type = text_of(track, "type");
    if (sid == NULL) {
        return false;
    }
    return o->track != NULL ? strcmp(sid, o->track) == 0
                            : type == NULL || strcmp(type, "AUDIO") == 0;
}

static void mute_tracks(struct order *o, const char *identity, const json_t *tracks) {
    size_t i = 0;
    const json_t *track = NULL;
    json_array_foreach(tracks, i, track) {
        if (!is_meant(o, track)) {
            continue;
        }
        if (json_is_true(json_object_get(track, "muted"))) {
            o->muted++; /* as it should be */
        } else if (lk_rooms_mute(o->owner->rooms, o->alias, identity, text_of(track, "sid"),
                       on_muted, o) == OK) {
            o->under_way++;
        } else {
            snprintf(o->problem, sizeof(o->problem), "%s", err_text());
        }
    }
}

static bool is_of(const struct order *o, const char *identity) {
    for (size_t i = 0; i < o->n_places && identity != NULL; i++) {
        if (strcmp(o->places[i].alias, o->alias) == 0 &&
            strcmp(o->places[i].identity, identity) == 0) {
            return true;
        }
    }
    return false;
}

/* --- asking --- */

/* No such room: nobody is in it. */
static void on_list(void *arg, enum err e, const json_t *json, const char *text) {
    struct order *o = arg;
    const json_t *list = json_object_get(json, "participants");
    if (e != OK && e != ERR_NOT_FOUND) {
        snprintf(o->problem, sizeof(o->problem), "%s", text);
    }
    for (size_t i = 0; e == OK && i < json_array_size(list); i++) {
        const json_t *who = json_array_get(list, i);
        const char *identity = text_of(who, "identity");
        if (is_of(o, identity)) {
            o->is_there = true;
            mute_tracks(o, identity, json_object_get(who, "tracks"));
        }
    }
    went_on(o);
}

/* Each room once: places of one stand together. */
static enum err ask_room(struct order *o) {
    o->alias = o->places[o->next_place].alias;
    while (o->next_place < o->n_places && strcmp(o->places[o->next_place].alias, o->alias) == 0) {
        o->next_place++;
    }
    o->under_way++;
    return lk_rooms_list(o->owner->rooms, o->alias, on_list, o);
}

static void ask_next(struct order *o) {
    enum err e = ask_room(o);
    if (e != OK) {
        on_list(o, e, NULL, err_text());
    }
}

enum err lk_mutes_order(struct lk_mutes *m, const struct store_watch *who, const char *track,
    lk_mutes_done *done, void *arg) {
    const struct call_lookout_ports ports = lk_occupants_ports(m->occupants);
    if (m->n >= LK_MUTES_MAX) {
        return err_set(ERR_LIMIT, "%d members are being muted", LK_MUTES_MAX);
    }
    struct order *o = mem_zalloc(sizeof(*o));
    if (o == NULL) {
        return err_set(ERR_NOMEM, "no memory for muting somebody");
    }
    o->owner = m;
    o->done = done;
    o->arg = arg;
    arena_init(&o->arena);
    o->track = arena_strdup(&o->arena, track);
    o->n_places = ports.places(ports.arg, who, &o->arena, o->places);
    if (o->arena.failed || o->n_places == 0) {
        order_free(o);
        return err_set(ERR_NOMEM, "no memory for muting somebody");
    }
    enum err e = ask_room(o);
    if (e != OK) {
        order_free(o);
        return e;
    }
    DL_APPEND(m->orders, o);
    m->n++;
    return OK;
}

void lk_mutes_forget(struct lk_mutes *m, const void *arg) {
    for (struct order *o = m->orders; o != NULL; o = o->next) {
        if (o->arg == arg) {
            o->done = NULL;
        }
    }
}

/* --- life --- */

enum err lk_mutes_create(
    struct lk_rooms *rooms, struct lk_occupants *occupants, struct lk_mutes **ret) {
    struct lk_mutes *m = mem_zalloc(sizeof(*m));
    if (m == NULL) {
        return err_set(ERR_NOMEM, "no memory for muting people");
    }
    m->rooms = rooms;
    m->occupants = occupants;
    *ret = m;
    return OK;
}

void lk_mutes_destroy(struct lk_mutes *m) {
    if (m == NULL) {
        return;
    }
    while (m->orders != NULL) {
        order_end(m->orders);
    }
    mem_free(m);
}
