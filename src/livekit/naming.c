/* A question a note; the last answer ends it. */
#include "livekit/naming.h"

#include "livekit/participants.h"

struct asked {
    struct lk_naming *owner;
    struct lk_note *note;
};

struct lk_naming {
    struct lk_participants *participants;
    size_t n, waiting;
    lk_naming_done *done;
    void *arg;
    struct asked asked[];
};

/* A room is nobody's: who was asked about was only in it. */
static void name(struct lk_note *n, const struct store_identity *who) {
    struct call_input *in = &n->input;
    const bool of_room =
        in->type == IN_MEDIA_ROOM_OPENED || in->type == IN_MEDIA_ROOM_CLOSED || in->type == IN_GAP;
    if (who != NULL) {
        in->room_id = arena_strdup(&n->arena, who->room_id);
        in->token.slot = arena_strdup(&n->arena, who->slot_id);
    }
    if (who != NULL && !of_room) {
        in->sender = arena_strdup(&n->arena, who->user_id);
        in->token.device_id = arena_strdup(&n->arena, who->device_id);
        in->token.member_id = arena_strdup(&n->arena, who->member_id);
        in->token.dialect = arena_strdup(&n->arena, who->dialect);
    }
}

static void one_less(struct lk_naming *x) {
    if (--x->waiting == 0) {
        lk_naming_done *done = x->done;
        void *arg = x->arg;
        mem_free(x);
        done(arg);
    }
}

static void on_found(void *arg, const struct store_identity *rows, size_t n) {
    const struct asked *a = arg;
    name(a->note, n == 0 ? NULL : rows);
    one_less(a->owner);
}

enum err lk_naming_begin(struct lk_participants *p, struct lk_note *notes, size_t n,
    lk_naming_done *done, void *arg, struct lk_naming **ret) {
    struct lk_naming *x = mem_zalloc(sizeof(*x) + n * sizeof(x->asked[0]));
    if (x == NULL) {
        return err_set(ERR_NOMEM, "no memory for audit rows");
    }
    *x = (struct lk_naming){ .participants = p, .waiting = 1, .done = done, .arg = arg };
    for (struct lk_note *note = notes; note != NULL && x->n < n; note = note->next) {
        struct asked *a = &x->asked[x->n++];
        *a = (struct asked){ x, note };
        if (p == NULL || !lk_note_unnamed(note)) {
            continue;
        }
        x->waiting++;
        enum err e = lk_participants_find(
            p, note->input.token.alias, note->input.token.identity, on_found, a);
        if (e != OK) {
            lk_naming_end(x);
            return e;
        }
    }
    *ret = x;
    one_less(x); /* ours, so that it does not end before all were asked */
    return OK;
}

void lk_naming_end(struct lk_naming *x) {
    if (x == NULL) {
        return;
    }
    for (size_t i = 0; i < x->n && x->participants != NULL; i++) {
        lk_participants_forget(x->participants, &x->asked[i]);
    }
    mem_free(x);
}
