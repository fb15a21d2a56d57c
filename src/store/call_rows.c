/* Calls, their participants and kept inputs: into memory and back. */
#include "store/call_rows.h"

#include "core/clock.h"
#include "core/mem.h"
#include "store/connection.h"
#include "store/work.h"

#include <string.h>

/* A MatrixRTC session that closed this long ago may be opened again (calls/ decides), and late
 * events may refer to it. */
#define RECENT_MS (10 * MIN_MS)

/* --- loading --- */

/* The results of loading, in order. */
enum { LOADED_FOUND, LOADED_CALLS, LOADED_PARTICIPANTS, LOADED_KEPT };

void store_call_rows_load(struct store_work *w, const char *const *rooms, size_t n_rooms) {
    static const struct store_column legacy[] = { STORE_COLUMN(
                                                      store_legacy_key, room_id, STORE_TEXT),
        STORE_COLUMN(store_legacy_key, call_id, STORE_TEXT) };
    struct store_args *args = &w->c->args;
    const void **keys = arena_array(w->arena, w->scope.n_legacy, sizeof(*keys));
    size_t n = keys == NULL ? 0 : w->scope.n_legacy;
    for (size_t i = 0; i < n; i++) {
        keys[i] = &w->scope.legacy[i];
    }
    store_args_clear(args);
    store_args_texts(args, rooms, n_rooms);
    store_args_time(args, w->now_ms - RECENT_MS);
    store_args_columns(args, legacy, COUNT_OF(legacy), keys, n);
    store_query_put(w->c, STORE_FIND_CALLS, args);
    store_query_put(w->c, STORE_LOAD_CALLS, NULL);
    store_query_put(w->c, STORE_LOAD_PARTICIPANTS, NULL);
    store_query_put(w->c, STORE_LOAD_KEPT, NULL);
}

enum err store_call_rows_read_key(
    struct store_work *w, const struct store_answer *a, size_t result) {
    w->newest_key = store_read_text(a, result + LOADED_FOUND, 0, 1, w->arena);
    return w->arena->failed ? err_set(ERR_NOMEM, "out of memory") : OK;
}

static void read_calls(
    const struct store_answer *a, size_t result, struct arena *arena, struct store_snapshot *ret) {
    ret->n_calls = store_answer_rows(a, result);
    ret->calls = arena_array(arena, ret->n_calls, sizeof(*ret->calls));
    for (size_t i = 0; i < ret->n_calls && !arena->failed; i++) {
        ret->calls[i].last_n = (int)store_read_int(a, result, i, 0);
        store_columns_read(
            a, result, i, 1, store_call_columns, STORE_CALL_COLUMNS, &ret->calls[i].row, arena);
    }
}

/* Rows come in the order of their sessions: those of the session of `row` end before the row
 * returned. */
static size_t rows_of_session(const struct store_answer *a, size_t result, size_t row) {
    size_t end = row;
    size_t n, m;
    const char *id = store_answer_value(a, result, row, 0, &n);
    do {
        end++;
        const char *other = store_answer_value(a, result, end, 0, &m);
        if (other == NULL || memcmp(other, id, UUID_SIZE) != 0) {
            return end;
        }
    } while (true);
}

/* Calls and the rows that hang on them come in the order of their ids: the search goes on from
 * where it was. */
static struct store_loaded_call *find_call(
    const struct store_snapshot *s, const char *id, size_t *from) {
    while (id != NULL && *from < s->n_calls) {
        int order = strcmp(s->calls[*from].row.id, id);
        if (order >= 0) {
            return order == 0 ? &s->calls[*from] : NULL;
        }
        ++*from;
    }
    return NULL;
}

static void read_participants(
    const struct store_answer *a, size_t result, struct arena *arena, struct store_snapshot *ret) {
    size_t at = 0;
    for (size_t row = 0; row < store_answer_rows(a, result) && !arena->failed;) {
        size_t end = rows_of_session(a, result, row);
        struct store_participant *list = arena_array(arena, end - row, sizeof(*list));
        struct store_participant_row one = { 0 };
        for (size_t i = 0; list != NULL && i < end - row; i++) {
            store_columns_read(a, result, row + i, 0, store_participant_columns,
                STORE_PARTICIPANT_COLUMNS, &one, arena);
            list[i] = one.stay;
        }
        struct store_loaded_call *call = find_call(ret, one.session_id, &at);
        if (call != NULL) {
            call->participants = list;
            call->n_participants = end - row;
        }
        row = end;
    }
}

static void read_kept(
    const struct store_answer *a, size_t result, struct arena *arena, struct store_snapshot *ret) {
    size_t at = 0;
    for (size_t row = 0; row < store_answer_rows(a, result) && !arena->failed;) {
        size_t end = rows_of_session(a, result, row);
        struct store_kept *list = arena_array(arena, end - row, sizeof(*list));
        struct store_kept_row one = { 0 };
        for (size_t i = 0; list != NULL && i < end - row; i++) {
            store_columns_read(
                a, result, row + i, 0, store_kept_columns, STORE_KEPT_COLUMNS, &one, arena);
            list[i] = one.kept;
        }
        struct store_loaded_call *call = find_call(ret, one.session_id, &at);
        if (call != NULL) {
            call->kept = list;
            call->n_kept = end - row;
        }
        row = end;
    }
}

enum err store_call_rows_read(
    const struct store_answer *a, size_t result, struct arena *arena, struct store_snapshot *ret) {
    read_calls(a, result + LOADED_CALLS, arena, ret);
    read_participants(a, result + LOADED_PARTICIPANTS, arena, ret);
    read_kept(a, result + LOADED_KEPT, arena, ret);
    return arena->failed ? err_set(ERR_NOMEM, "out of memory") : OK;
}

/* --- saving --- */

/* Pointers to n structs in a row: the form that arrays are written from. */
static const void **pointers_to(struct arena *arena, const void *first, size_t n, size_t size) {
    const void **list = arena_array(arena, n, sizeof(*list));
    for (size_t i = 0; list != NULL && i < n; i++) {
        list[i] = (const char *)first + i * size;
    }
    return list;
}

static void save_rows(struct store_work *w, enum store_statement statement,
    const struct store_column *cols, size_t n_cols, const void *const *rows, size_t n) {
    if (n > 0 && !w->arena->failed) {
        store_args_clear(&w->c->args);
        store_args_columns(&w->c->args, cols, n_cols, rows, n);
        store_query_put(w->c, statement, &w->c->args);
    }
}

static void save_calls(struct store_work *w) {
    const struct store_changes *ch = w->changes;
    const void **rows = arena_array(w->arena, ch->n_calls, sizeof(*rows));
    for (size_t i = 0; rows != NULL && i < ch->n_calls; i++) {
        rows[i] = ch->calls[i].row;
    }
    save_rows(w, STORE_SAVE_CALLS, store_call_columns, STORE_CALL_COLUMNS, rows, ch->n_calls);
}

static void save_participants(struct store_work *w) {
    const struct store_changes *ch = w->changes;
    size_t n = 0;
    for (size_t i = 0; i < ch->n_calls; i++) {
        n += ch->calls[i].n_participants;
    }
    struct store_participant_row *rows = arena_array(w->arena, n, sizeof(*rows));
    size_t at = 0;
    for (size_t i = 0; rows != NULL && i < ch->n_calls; i++) {
        for (size_t p = 0; p < ch->calls[i].n_participants; p++) {
            rows[at++] = (struct store_participant_row){ .session_id = ch->calls[i].row->id,
                .stay = *ch->calls[i].participants[p] };
        }
    }
    save_rows(w, STORE_SAVE_PARTICIPANTS, store_participant_columns, STORE_PARTICIPANT_COLUMNS,
        pointers_to(w->arena, rows, n, sizeof(*rows)), n);
}

/* A kept list is replaced as a whole; only a call that was there before can have an old one. */
static void save_kept(struct store_work *w) {
    const struct store_changes *ch = w->changes;
    size_t n = 0;
    size_t n_old = 0;
    const char **old = arena_array(w->arena, ch->n_calls, sizeof(*old));
    for (size_t i = 0; old != NULL && i < ch->n_calls; i++) {
        const struct store_changed_call *call = &ch->calls[i];
        n += call->kept_changed ? call->n_kept : 0;
        if (call->kept_changed && !call->created) {
            old[n_old++] = call->row->id;
        }
    }
    struct store_kept_row *rows = arena_array(w->arena, n, sizeof(*rows));
    size_t at = 0;
    for (size_t i = 0; rows != NULL && i < ch->n_calls; i++) {
        const struct store_changed_call *call = &ch->calls[i];
        for (size_t k = 0; call->kept_changed && k < call->n_kept; k++) {
            rows[at++] =
                (struct store_kept_row){ .session_id = call->row->id, .kept = call->kept[k] };
        }
    }
    if (n_old > 0 && !w->arena->failed) {
        store_args_clear(&w->c->args);
        store_args_uuids(&w->c->args, old, n_old);
        store_query_put(w->c, STORE_DROP_KEPT, &w->c->args);
    }
    save_rows(w, STORE_SAVE_KEPT, store_kept_columns, STORE_KEPT_COLUMNS,
        pointers_to(w->arena, rows, n, sizeof(*rows)), n);
}

enum err store_call_rows_save(struct store_work *w) {
    save_calls(w);
    save_participants(w);
    save_kept(w);
    return w->arena->failed ? err_set(ERR_NOMEM, "out of memory") : OK;
}
