/* What listeners will be told once the batch is committed.  Thread: main. */
#include "calls/session.h"
#include "core/clock.h"

/* News older than this is history: 2.6 rule 6 says so of deadlines; an event delivered after an
 * outage is no different. */
#define PUSH_LATE_MS (5 * MIN_MS)

static const char *const names[PUSH_COUNT] = {
    [PUSH_INCOMING_CALL] = "incoming-call",
    [PUSH_CALL_ACCEPTED] = "call-accepted",
    [PUSH_CALL_REJECTED] = "call-rejected",
    [PUSH_CALL_ENDED] = "call-ended",
    [PUSH_CALL_MISSED] = "call-missed",
    [PUSH_MEDIA_STATE] = "call:media-state-changed",
    [PUSH_USER_JOINED] = "user-joined",
    [PUSH_USER_LEFT] = "user-left",
};

const char *call_push_name(enum call_push_type t) {
    return (unsigned)t < PUSH_COUNT ? names[t] : "unknown";
}

static bool tells_nobody(
    const struct call_batch *b, const struct call_session *s, const struct call_input *in) {
    return s->row.historic || !s->row.rings || in->reconciled ||
           b->now_ms - in->sent_ms > PUSH_LATE_MS;
}

enum err call_session_push(struct call_batch *b, struct call_session *s, enum call_push_type type,
    const struct call_input *in, const char *user_id) {
    if (tells_nobody(b, s, in)) {
        return OK;
    }
    b->pushes = call_batch_grow(b, b->pushes, b->n_pushes, &b->cap_pushes, sizeof(*b->pushes));
    if (b->pushes == NULL) {
        return err_set(ERR_NOMEM, "no memory for a push");
    }
    b->pushes[b->n_pushes++] = (struct call_push){
        .type = type,
        .session_id = s->row.id,
        .room_id = s->row.room_id,
        .call_id = s->row.call_id,
        .user_id = user_id,
        .actor = in->sender,
    };
    return OK;
}
