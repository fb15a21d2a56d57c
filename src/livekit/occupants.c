/* The ports of calls/lookout. */
#include "livekit/occupants.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "livekit/alias.h"
#include "livekit/rooms.h"
#include "livekit/witness.h"
#include "store/watches.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

METRIC_COUNTER(taken_out_total, "parley_sfu_strays_removed_total",
    "Participants removed from the SFU because they had left the call, or never were in it.");

#define ROOM_SLOT "m.call#ROOM" /* 4.3: the slot of /sfu/get */

struct question {
    struct question *prev, *next;
    struct lk_occupants *owner;
    call_lookout_seen *seen;
    void *arg;
};

/* A participant who is being taken out. */
struct removal {
    struct removal *prev, *next;
    struct lk_occupants *owner;
    struct arena arena;
    struct store_identity who;
    const char *reason;
};

struct lk_occupants {
    struct lk_rooms *rooms;
    struct lk_witness *witness;
    struct question *questions;
    struct removal *removals;
};

/* --- names --- */

static const char *hash_of(const char *const *list, size_t n, struct arena *a) {
    char name[LK_HASH_SIZE];
    return lk_hash(list, n, name) == OK ? arena_strdup(a, name) : NULL;
}

/* The three forms of 4.3. The device that a membership names is part of two. */
static size_t identities_of(const struct store_watch *w, struct arena *a, const char *ret[3]) {
    const char *device = w->device_id == NULL ? "" : w->device_id;
    const char *const three[] = { w->user_id, device, w->membership_id };
    const char *const two[] = { w->user_id, w->membership_id };
    size_t n = 0;
    ret[n++] = arena_printf(a, "%s:%s", w->user_id, device);
    if (w->membership_id != NULL) {
        ret[n++] = hash_of(three, COUNT_OF(three), a);
        ret[n++] = hash_of(two, COUNT_OF(two), a);
    }
    return n;
}

/* Each way of asking may have written the slot in its own way. */
static size_t aliases_of(const struct store_watch *w, struct arena *a, const char *ret[2]) {
    const char *const room_call[] = { w->room_id, ROOM_SLOT };
    const char *const as_sent[] = { w->room_id, w->slot };
    size_t n = 0;
    ret[n++] = hash_of(room_call, COUNT_OF(room_call), a);
    if (w->slot != NULL && strcmp(w->slot, ROOM_SLOT) != 0) {
        ret[n++] = hash_of(as_sent, COUNT_OF(as_sent), a);
    }
    return n;
}

static size_t places(void *arg, const struct store_watch *w, struct arena *a,
    struct call_place ret[CALL_LOOKOUT_PLACES]) {
    const char *aliases[2];
    const char *identities[3];
    size_t n_aliases = aliases_of(w, a, aliases);
    size_t n_identities = identities_of(w, a, identities);
    size_t n = 0;
    (void)arg;
    for (size_t i = 0; i < n_aliases; i++) {
        for (size_t j = 0; j < n_identities; j++) {
            if (aliases[i] == NULL || identities[j] == NULL) {
                a->failed = true; /* a name that is missing would make somebody look absent */
                return 0;
            }
            ret[n++] = (struct call_place){ aliases[i], identities[j] };
        }
    }
    return n;
}

/* --- lists --- */

/* Numbers of 64 bits are texts in LiveKit's JSON. */
static int64_t number_of(const json_t *v) {
    const char *text = json_string_value(v);
    return text != NULL ? strtoll(text, NULL, 10) : (int64_t)json_integer_value(v);
}

static int64_t since_of(const json_t *p) {
    int64_t ms = number_of(json_object_get(p, "joined_at_ms"));
    int64_t s = number_of(json_object_get(p, "joined_at"));
    return ms > 0 ? ms : s > 0 && s < INT64_MAX / SEC_MS ? s * SEC_MS : 0;
}

static enum err read_list(
    const json_t *json, struct arena *a, const struct call_occupant **ret, size_t *ret_n) {
    const json_t *list = json_object_get(json, "participants");
    size_t most = json_array_size(list);
    if ((list != NULL && !json_is_array(list)) || most > LK_OCCUPANTS_MOST) {
        return err_set(ERR_INVALID, "the list of participants makes no sense");
    }
    struct call_occupant *all = arena_array(a, most, sizeof(*all));
    if (all == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    size_t n = 0;
    for (size_t i = 0; i < most; i++) {
        const json_t *p = json_array_get(list, i);
        const char *state = json_string_value(json_object_get(p, "state"));
        const char *identity = json_string_value(json_object_get(p, "identity"));
        if (identity != NULL && (state == NULL || strcmp(state, "DISCONNECTED") != 0)) {
            all[n++] = (struct call_occupant){ identity, since_of(p) };
        }
    }
    *ret = all;
    *ret_n = n;
    return OK;
}

static void on_list(void *arg, enum err e, const json_t *json, const char *text) {
    struct question *q = arg;
    call_lookout_seen *seen = q->seen;
    void *seen_arg = q->arg;
    const struct call_occupant *all = NULL;
    size_t n = 0;
    struct arena a;
    DL_DELETE(q->owner->questions, q);
    mem_free(q);
    arena_init(&a);
    if (e == OK) {
        e = read_list(json, &a, &all, &n);
        text = e == OK ? "" : err_text();
    }
    seen(seen_arg, e, all, n, text);
    arena_finish(&a);
}

static enum err list(void *arg, const char *alias, call_lookout_seen *seen, void *seen_arg) {
    struct lk_occupants *o = arg;
    struct question *q = mem_zalloc(sizeof(*q));
    if (q == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    *q = (struct question){ .owner = o, .seen = seen, .arg = seen_arg };
    enum err e = lk_rooms_list(o->rooms, alias, on_list, q);
    if (e != OK) {
        mem_free(q);
        return e;
    }
    DL_APPEND(o->questions, q);
    return OK;
}

static void drop(struct question *q) {
    lk_rooms_forget(q->owner->rooms, q);
    DL_DELETE(q->owner->questions, q);
    mem_free(q);
}

static void forget(void *arg, const void *seen_arg) {
    struct lk_occupants *o = arg;
    struct question *q = NULL;
    struct question *next = NULL;
    DL_FOREACH_SAFE(o->questions, q, next) {
        if (q->arg == seen_arg) {
            drop(q);
        }
    }
}

/* --- taking out --- */

static void removal_end(struct removal *x) {
    lk_rooms_forget(x->owner->rooms, x);
    DL_DELETE(x->owner->removals, x);
    arena_finish(&x->arena);
    mem_free(x);
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
            .reason = x->reason } };
    lk_witness_note(x->owner->witness, &in);
}

/* What failed is tried again by the next look. */
static void on_removed(void *arg, enum err e, const json_t *json, const char *text) {
    struct removal *x = arg;
    (void)json;
    if (e == OK) {
        metric_add(&taken_out_total, 1);
        LOG_INFO(&log_root, "media_removed", "user=%s room=%s reason=%s", LOG_Q(x->who.user_id),
            LOG_Q(x->who.room_id), LOG_Q(x->reason));
        note(x);
    } else if (e != ERR_NOT_FOUND) {
        LOG_WARN(&log_root, "media_not_removed", "user=%s room=%s text=%s", LOG_Q(x->who.user_id),
            LOG_Q(x->who.room_id), LOG_Q(text));
    }
    removal_end(x);
}

static void own_texts(struct removal *x) {
    struct store_identity *who = &x->who;
    const char **const texts[] = { &who->alias, &who->identity, &who->room_id, &who->slot_id,
        &who->user_id, &who->device_id, &who->member_id, &who->dialect, &x->reason };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = arena_strdup(&x->arena, *texts[i]);
    }
}

static void take_out(void *arg, const struct store_identity *who, const char *reason) {
    struct lk_occupants *o = arg;
    struct removal *x = mem_zalloc(sizeof(*x));
    if (x == NULL) {
        return;
    }
    arena_init(&x->arena);
    x->owner = o;
    x->who = *who;
    x->reason = reason;
    own_texts(x);
    DL_APPEND(o->removals, x);
    if (x->arena.failed ||
        lk_rooms_remove(o->rooms, x->who.alias, x->who.identity, on_removed, x) != OK) {
        removal_end(x);
    }
}

/* --- life --- */

struct call_lookout_ports lk_occupants_ports(struct lk_occupants *o) {
    return (struct call_lookout_ports){
        .places = places, .list = list, .forget = forget, .remove = take_out, .arg = o
    };
}

enum err lk_occupants_create(
    struct lk_rooms *rooms, struct lk_witness *witness, struct lk_occupants **ret) {
    struct lk_occupants *o = mem_zalloc(sizeof(*o));
    if (o == NULL) {
        return err_set(ERR_NOMEM, "no memory for who is in the SFU");
    }
    o->rooms = rooms;
    o->witness = witness;
    metrics_register(&taken_out_total);
    *ret = o;
    return OK;
}

void lk_occupants_destroy(struct lk_occupants *o) {
    if (o == NULL) {
        return;
    }
    while (o->questions != NULL) {
        drop(o->questions);
    }
    while (o->removals != NULL) {
        removal_end(o->removals);
    }
    mem_free(o);
}
