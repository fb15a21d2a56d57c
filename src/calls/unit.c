/* A unit of work: its scope, which of its inputs are news, and what they change.  Thread: main. */
#include "calls/unit.h"

#include "calls/session.h"
#include "store/identities.h"

#include <stdlib.h>
#include <string.h>

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "no memory for a unit of work");
}

/* --- filling --- */

struct arena *call_work_arena(struct call_work *w) {
    return &w->arena;
}

enum err call_work_add(struct call_work *w, const struct call_input *in) {
    w->inputs =
        call_batch_grow(&w->batch, w->inputs, w->n_inputs, &w->cap_inputs, sizeof(*w->inputs));
    if (w->inputs == NULL) {
        return no_memory();
    }
    w->inputs[w->n_inputs++] = in;
    return OK;
}

enum err call_work_room(struct call_work *w, const struct call_room_view *view) {
    w->rooms = call_batch_grow(&w->batch, w->rooms, w->n_rooms, &w->cap_rooms, sizeof(*w->rooms));
    if (w->rooms == NULL) {
        return no_memory();
    }
    w->rooms[w->n_rooms++] = *view;
    return OK;
}

enum err call_work_txn(struct call_work *w, const char *txn_id, const uint8_t hash[SHA256_SIZE]) {
    w->txn_id = arena_strdup(&w->arena, txn_id);
    memcpy(w->txn_hash, hash, SHA256_SIZE);
    return w->txn_id == NULL ? no_memory() : OK;
}

void call_work_destroy(struct call_work *w) {
    if (w == NULL) {
        return;
    }
    arena_finish(&w->arena);
    mem_free(w);
}

/* --- the scope --- */

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_key(const void *a, const void *b) {
    const struct store_legacy_key *x = a;
    const struct store_legacy_key *y = b;
    int rooms = strcmp(x->room_id, y->room_id);
    return rooms != 0 ? rooms : strcmp(x->call_id, y->call_id);
}

/* Sorts a list and drops what is in it twice; gives the number left. */
static size_t sort_unique(
    void *list, size_t n, size_t size, int (*compare)(const void *a, const void *b)) {
    if (n == 0) {
        return 0;
    }
    qsort(list, n, size, compare);
    char *items = list;
    size_t kept = 1;
    for (size_t i = 1; i < n; i++) {
        if (compare(items + (kept - 1) * size, items + i * size) != 0) {
            memmove(items + kept * size, items + i * size, size);
            kept++;
        }
    }
    return kept;
}

enum err call_unit_look(struct call_work *w) {
    const char **rooms = arena_array(&w->arena, w->n_inputs, sizeof(*rooms));
    const char **events = arena_array(&w->arena, w->n_inputs, sizeof(*events));
    struct store_legacy_key *legacy = arena_array(&w->arena, w->n_inputs, sizeof(*legacy));
    if (w->arena.failed) {
        return no_memory();
    }
    size_t n_rooms = 0;
    size_t n_events = 0;
    size_t n_legacy = 0;
    for (size_t i = 0; i < w->n_inputs; i++) {
        const struct call_input *in = w->inputs[i];
        if (in->event_id != NULL) {
            events[n_events++] = in->event_id;
        }
        if (in->room_id != NULL) {
            rooms[n_rooms++] = in->room_id;
        }
        if (in->type <= IN_REPLACES) {
            legacy[n_legacy++] = (struct store_legacy_key){ in->room_id, in->legacy.call_id };
        }
    }
    w->scope = (struct store_scope){
        .rooms = rooms,
        .n_rooms = sort_unique(rooms, n_rooms, sizeof(*rooms), by_text),
        .legacy = legacy,
        .n_legacy = sort_unique(legacy, n_legacy, sizeof(*legacy), by_key),
        .event_ids = events,
        .n_event_ids = sort_unique(events, n_events, sizeof(*events), by_text),
        .txn_id = w->txn_id,
        .txn_hash = w->txn_hash,
        .now_ms = w->batch.now_ms,
    };
    return OK;
}

/* --- which inputs are news --- */

/* What is known of one event of the unit. */
struct event_note {
    bool seen;  /* before this unit */
    bool met;   /* in this unit */
    bool again; /* from here on it is the event's second time in this unit */
};

static size_t index_of(const struct call_work *w, const char *event_id) {
    const char *const *at = bsearch(
        &event_id, w->scope.event_ids, w->scope.n_event_ids, sizeof(*w->scope.event_ids), by_text);
    return (size_t)(at - w->scope.event_ids);
}

/* When the reading of a room's state began, of which this unit is made; 0 = it is not. */
static int64_t snapshot_of(const struct call_work *w, const char *room_id) {
    for (size_t i = 0; i < w->n_inputs; i++) {
        const struct call_input *in = w->inputs[i];
        if (in->type == IN_MEMBER_LIST && in->member.state_key == NULL &&
            strcmp(in->room_id, room_id) == 0) {
            return in->member.snapshot_ms;
        }
    }
    return 0;
}

static bool is_believed(const struct call_session *s, const char *event_id) {
    for (const struct call_member *m = s->members; m != NULL; m = m->next) {
        if (m->row.left_at == 0 && m->row.last_event_id != NULL &&
            strcmp(m->row.last_event_id, event_id) == 0) {
            return true;
        }
    }
    return false;
}

/* An event of a room's state that was seen before says something new when we had come to believe
 * another one (3.5: "believe the state"), and nothing has happened to the call since the state was
 * read. */
static bool corrects(const struct call_work *w, const struct call_input *in) {
    if (!in->reconciled || in->type != IN_MEMBER) {
        return false;
    }
    const struct call_session *s = call_session_find_slot(&w->batch, in->room_id, in->member.slot);
    return s != NULL && s->row.last_event_at < snapshot_of(w, in->room_id) &&
           !is_believed(s, in->event_id);
}

/* Several inputs of one event stand one behind the other; the same event again further on is a
 * duplicate. */
static bool is_news(const struct call_work *w, size_t i, struct event_note *notes) {
    const struct call_input *in = w->inputs[i];
    if (in->event_id == NULL) {
        return true;
    }
    struct event_note *note = &notes[index_of(w, in->event_id)];
    const char *before = i == 0 ? NULL : w->inputs[i - 1]->event_id;
    bool same = before != NULL && strcmp(before, in->event_id) == 0;
    note->again = note->again || (note->met && !same);
    note->met = true;
    return !note->again && (!note->seen || corrects(w, in));
}

/* Of our own SFU alone: another one goes on when we are killed. */
static enum err note_stay(struct call_work *w, const struct call_input *in) {
    const struct call_input_token *t = &in->token;
    const bool begins = in->type == IN_MEDIA_CONNECTED || in->type == IN_MEDIA_ROOM_OPENED;
    const bool ends = in->type == IN_MEDIA_DISCONNECTED || in->type == IN_MEDIA_ROOM_CLOSED;
    if ((!begins && !ends) || t->node == NULL || t->connection == NULL) {
        return OK;
    }
    if (w->stays == NULL) {
        w->stays = arena_array(&w->arena, w->n_inputs, sizeof(*w->stays));
        w->stays_over = arena_array(&w->arena, w->n_inputs, sizeof(*w->stays_over));
        if (w->arena.failed) {
            return no_memory();
        }
    }
    if (ends) {
        w->stays_over[w->n_stays_over++] = t->connection;
        return OK;
    }
    w->stays[w->n_stays++] = (struct store_stay){ .connection = t->connection,
        .node = t->node,
        .run = t->run == NULL ? "" : t->run,
        .alias = t->alias == NULL ? "" : t->alias,
        .identity = t->identity == NULL ? "" : t->identity,
        .is_room = in->type == IN_MEDIA_ROOM_OPENED,
        .since = in->origin_ms };
    return OK;
}

static enum err apply_inputs(struct call_work *w, const struct store_snapshot *snapshot) {
    struct event_note *notes = arena_array(&w->arena, w->scope.n_event_ids, sizeof(*notes));
    if (notes == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < w->scope.n_event_ids; i++) {
        notes[i].seen = snapshot->event_seen[i];
    }
    for (size_t i = 0; i < w->n_inputs; i++) {
        if (!is_news(w, i, notes)) {
            w->report.duplicates++;
            continue;
        }
        TRY(call_batch_apply(&w->batch, w->inputs[i]));
        TRY(note_stay(w, w->inputs[i]));
        w->report.inputs++;
    }
    return OK;
}

/* --- what is written --- */

static enum err list_new_events(struct call_work *w, const struct store_snapshot *snapshot) {
    const char **ids = arena_array(&w->arena, w->scope.n_event_ids, sizeof(*ids));
    if (ids == NULL) {
        return no_memory();
    }
    size_t n = 0;
    for (size_t i = 0; i < w->scope.n_event_ids; i++) {
        if (!snapshot->event_seen[i]) {
            ids[n++] = w->scope.event_ids[i];
        }
    }
    w->changes.event_ids = ids;
    w->changes.n_event_ids = n;
    w->changes.txn_id = w->txn_id;
    w->changes.txn_hash = w->txn_hash;
    return OK;
}

const char *call_left_reason(const char *membership, bool kicked) {
    return strcmp(membership, "ban") == 0 ? "banned" : kicked ? "kicked" : "left_room";
}

/* Of history, which a homeserver may tell at great length, nobody has a token any more. */
static bool leaves_now(const struct call_work *w, const struct call_input *in) {
    return in->type == IN_USER_LEFT && !in->ignored &&
           w->batch.now_ms - in->sent_ms <= STORE_IDENTITIES_KEPT_MS;
}

static enum err list_removals(struct call_work *w) {
    struct store_removal *list = arena_array(&w->arena, w->n_inputs, sizeof(*list));
    if (list == NULL) {
        return no_memory();
    }
    size_t n = 0;
    for (size_t i = 0; i < w->n_inputs; i++) {
        const struct call_input *in = w->inputs[i];
        if (leaves_now(w, in)) {
            list[n++] = (struct store_removal){ .room_id = in->room_id,
                .user_id = in->room.user_id,
                .device_id = "",
                .reason = call_left_reason(in->room.membership, in->room.kicked),
                .actor = in->room.kicked ? in->sender : NULL,
                .left_at = in->sent_ms };
        }
    }
    w->changes.removals = list;
    w->changes.n_removals = n;
    return OK;
}

enum err call_unit_apply(struct call_work *w, const struct store_snapshot *snapshot) {
    struct call_batch *b = &w->batch;
    b->rooms = w->rooms;
    b->n_rooms = w->n_rooms;
    TRY(call_batch_load(b, snapshot));
    if (w->deadlines) {
        TRY(call_batch_run_deadlines(b));
    } else {
        TRY(apply_inputs(w, snapshot));
    }
    TRY(call_batch_changes(b, &w->changes));
    w->changes.stays = w->stays;
    w->changes.n_stays = w->n_stays;
    w->changes.stays_over = w->stays_over;
    w->changes.n_stays_over = w->n_stays_over;
    w->report.rechecks = b->rechecks;
    w->report.n_rechecks = b->n_rechecks;
    if (w->deadlines) {
        return OK;
    }
    TRY(list_removals(w));
    return list_new_events(w, snapshot);
}

bool call_unit_writes(const struct call_work *w) {
    const struct store_changes *c = &w->changes;
    return c->n_calls > 0 || c->n_strays > 0 || c->n_event_ids > 0 || c->txn_id != NULL;
}

int64_t call_unit_due(const struct call_work *w) {
    int64_t due = 0;
    for (size_t i = 0; i < w->changes.n_calls; i++) {
        int64_t at = w->changes.calls[i].row->due_at;
        if (at != 0 && (due == 0 || at < due)) {
            due = at;
        }
    }
    return due;
}
