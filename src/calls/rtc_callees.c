/* Whom a ring calls.  Thread: main. */
#include "calls/rtc_callees.h"

#include "calls/rtc.h"
#include "calls/rtc_entry.h"
#include "core/buf.h"

#include <stdlib.h>
#include <string.h>

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool joined(const struct call_room_view *room, const char *user_id) {
    if (room == NULL || !room->known) {
        return true;
    }
    return room->n_joined > 0 && bsearch(&user_id, room->joined, room->n_joined,
                                     sizeof(*room->joined), compare_names) != NULL;
}

static bool in_list(const char *const *list, size_t n, const char *user_id) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i], user_id) == 0) {
            return true;
        }
    }
    return false;
}

enum err call_rtc_callees(
    struct call_batch *b, const struct call_input *in, struct call_rtc_ring *ring) {
    const struct call_room_view *room = call_batch_room(b, in->room_id);
    const bool all = in->ring.mentions_room || in->ring.n_mentions == 0;
    const char *const *from = all ? (room && room->known ? room->joined : NULL) : in->ring.mentions;
    const size_t n = !all ? in->ring.n_mentions : from ? room->n_joined : 0;
    const char **list = arena_array(b->arena, CALL_MENTIONS_MAX, sizeof(*list));
    if (list == NULL) {
        return err_set(ERR_NOMEM, "no memory for the callees of a ring");
    }
    size_t callees = 0;
    for (size_t i = 0; i < n && i <= CALL_MENTIONS_MAX && callees < CALL_MENTIONS_MAX; i++) {
        if (!call_rtc_same(from[i], in->sender) && joined(room, from[i]) &&
            !in_list(list, callees, from[i])) {
            list[callees++] = from[i];
        }
    }
    ring->callees = list;
    ring->n_callees = callees;
    return OK;
}

enum err call_rtc_callees_text(
    struct call_batch *b, const struct call_rtc_ring *ring, const char **ret) {
    struct buf t;
    buf_init(&t, 0);
    for (size_t i = 0; i < ring->n_callees; i++) {
        buf_puts(&t, i > 0 ? " " : "");
        buf_puts(&t, ring->callees[i]);
    }
    enum err e = buf_check(&t);
    const char *text = e == OK ? arena_strdup(b->arena, buf_str(&t)) : NULL;
    buf_finish(&t);
    TRY(e);
    if (text == NULL) {
        return err_set(ERR_NOMEM, "no memory for the callees of a ring");
    }
    *ret = text;
    return OK;
}
