/* Listeners and the tracks they may have, in one arena. Main. */
#include "rooms/audience.h"

#include <string.h>

struct room_audience {
    struct arena arena;
    struct room_listener *all;
    size_t n;
};

static enum err check_limits(const struct room_listener *listeners, size_t n) {
    size_t tracks = 0;
    for (size_t i = 0; i < n && n <= ROOM_AUDIENCE_MAX; i++) {
        tracks += listeners[i].n_tracks;
    }
    return n > ROOM_AUDIENCE_MAX || tracks > ROOM_AUDIENCE_TRACKS_MAX
               ? err_set(ERR_LIMIT, "more than %d listeners or %d tracks in a permission",
                     ROOM_AUDIENCE_MAX, ROOM_AUDIENCE_TRACKS_MAX)
               : OK;
}

static void copy(struct room_audience *a, const struct room_listener *from) {
    struct room_listener *to = &a->all[a->n++];
    const char **tracks = arena_array(&a->arena, from->n_tracks + 1, sizeof(*tracks));
    *to = *from;
    to->sid = arena_strdup(&a->arena, from->sid == NULL ? "" : from->sid);
    to->identity = arena_strdup(&a->arena, from->identity == NULL ? "" : from->identity);
    for (size_t i = 0; i < from->n_tracks && tracks != NULL; i++) {
        tracks[i] = arena_strdup(&a->arena, from->tracks[i]);
    }
    to->tracks = tracks;
}

enum err room_audience_create(
    const struct room_listener *listeners, size_t n, struct room_audience **ret) {
    TRY(check_limits(listeners, n));
    struct room_audience *a = mem_zalloc(sizeof(*a));
    if (a == NULL) {
        return err_set(ERR_NOMEM, "no memory for a permission");
    }
    arena_init(&a->arena);
    a->all = arena_array(&a->arena, n + 1, sizeof(*a->all));
    for (size_t i = 0; i < n && a->all != NULL; i++) {
        copy(a, &listeners[i]);
    }
    if (a->arena.failed) {
        room_audience_destroy(a);
        return err_set(ERR_NOMEM, "no memory for a permission");
    }
    *ret = a;
    return OK;
}

void room_audience_destroy(struct room_audience *a) {
    if (a != NULL) {
        arena_finish(&a->arena);
        mem_free(a);
    }
}

bool room_audience_allows(
    const struct room_audience *a, const struct room_member *m, const char *track) {
    for (size_t i = 0; a != NULL && i < a->n; i++) {
        const struct room_listener *l = &a->all[i];
        const bool is_it =
            l->sid[0] != '\0' ? strcmp(l->sid, m->sid) == 0 : strcmp(l->identity, m->identity) == 0;
        bool allowed = is_it && l->all;
        for (size_t k = 0; k < l->n_tracks && is_it && !allowed; k++) {
            allowed = strcmp(l->tracks[k], track) == 0;
        }
        if (allowed) {
            return true;
        }
    }
    return a == NULL;
}
