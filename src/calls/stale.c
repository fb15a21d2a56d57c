/* Audit rows about members whose media is gone. */
#include "calls/stale.h"

#include "calls/rtc_entry.h"
#include "calls/session.h"

#include <string.h>

bool call_stale_is(const struct call_input *in) {
    return in->type >= IN_MEMBERSHIP_STALE && in->type <= IN_MEMBERSHIP_NOT_ENDED;
}

static struct call_session *session_of(const struct call_batch *b, const char *id) {
    struct call_session *s = b->sessions;
    while (s != NULL && strcmp(s->row.id, id) != 0) {
        s = s->next;
    }
    return s;
}

/* In, and nothing of them came since they were looked for. */
static bool stands(const struct call_session *s, const struct call_input_stale *t) {
    for (const struct call_member *m = s->members; m != NULL; m = m->next) {
        if (m->row.n == t->n) {
            return m->row.left_at == 0 &&
                   (t->last_event_id == NULL ||
                       call_rtc_same(m->row.last_event_id, t->last_event_id));
        }
    }
    return false;
}

/* Named like the subject of the rows that tell of the member's leaving. */
static const char *subject(struct call_batch *b, const struct call_input_stale *t) {
    return t->device_id == NULL ? t->user_id
                                : arena_printf(b->arena, "%s/%s", t->user_id, t->device_id);
}

static enum err record(struct call_batch *b, struct call_session *s, const struct call_input *in) {
    const struct call_input_stale *t = &in->stale;
    struct store_event *e = NULL;
    TRY(call_session_record(b, s, call_input_name(in->type), in, &e));
    e->subject = subject(b, t);
    if (e->subject == NULL) {
        return err_set(ERR_NOMEM, "no memory for an audit row");
    }
    TRY(call_event_text(b, e, "reason", t->reason));
    TRY(call_event_text(b, e, "cleanup", t->cleanup));
    TRY(call_event_text(b, e, "by", t->by));
    TRY(call_event_text(b, e, "problem", t->problem));
    return t->silent_ms == 0 ? OK : call_event_int(b, e, "silent_ms", t->silent_ms);
}

enum err call_stale_apply(struct call_batch *b, const struct call_input *in) {
    struct call_session *s = session_of(b, in->stale.session_id);
    if (s == NULL) {
        return OK;
    }
    if (in->type != IN_MEMBERSHIP_STALE) {
        return record(b, s, in);
    }
    *in->stale.stands = !call_session_final(s) && stands(s, &in->stale);
    return *in->stale.stands && !in->stale.again ? record(b, s, in) : OK;
}
