/* One entry: newer or older, present or gone, and its audit rows.  Thread: main. */
#include "calls/rtc_entry.h"

#include "calls/rtc.h"

#include <string.h>

bool call_rtc_same(const char *a, const char *b) {
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

bool call_rtc_is_rtc(const struct call_session *s) {
    return strcmp(s->row.kind, "rtc") == 0;
}

struct call_member *call_rtc_stay(const struct call_session *s, const struct call_input *in) {
    return in->member.entry_key ? call_session_find_entry(s, in->member.entry_key) : NULL;
}

struct call_member *call_rtc_latest_stay(const struct call_session *s, const char *user_id) {
    struct call_member *found = NULL;
    for (struct call_member *m = s->members; m != NULL; m = m->next) {
        if (m->row.left_at == 0 && call_rtc_same(m->row.user_id, user_id) &&
            (found == NULL || m->row.joined_at >= found->row.joined_at)) {
            found = m;
        }
    }
    return found;
}

bool call_rtc_user_in(const struct call_session *s, const char *user_id) {
    return call_rtc_latest_stay(s, user_id) != NULL;
}

bool call_rtc_company(const struct call_session *s) {
    const char *first = NULL;
    for (const struct call_member *m = s->members; m != NULL; m = m->next) {
        if (m->row.left_at != 0) {
            continue;
        }
        if (first != NULL && strcmp(first, m->row.user_id) != 0) {
            return true;
        }
        first = m->row.user_id;
    }
    return false;
}

bool call_rtc_owns_event(const struct call_session *s, const char *user_id, const char *event_id) {
    for (const struct call_member *m = s->members; m != NULL; m = m->next) {
        if (m->row.left_at == 0 && call_rtc_same(m->row.user_id, user_id) &&
            (call_rtc_same(m->row.event_id, event_id) ||
                call_rtc_same(m->row.last_event_id, event_id))) {
            return true;
        }
    }
    return false;
}

/* --- order --- */

bool call_rtc_sticky_wins(
    int64_t known_until, const char *known_event, int64_t until, const char *event_id) {
    if (until != known_until) {
        return until > known_until;
    }
    return strcmp(event_id ? event_id : "", known_event ? known_event : "") > 0;
}

bool call_rtc_beaten(const struct call_member *m, const struct call_input *in) {
    if (m == NULL || !call_rtc_same(in->member.generation, "sticky") ||
        in->member.sticky_until == 0) {
        return false;
    }
    return !call_rtc_sticky_wins(
        m->row.expires_at, m->row.last_event_id, in->member.sticky_until, in->event_id);
}

bool call_rtc_out_of_order(const struct call_member *m, const struct call_input *in) {
    return m != NULL && !in->reconciled && in->event_id != NULL &&
           !call_rtc_same(m->row.generation, "sticky") &&
           in->origin_ms + RTC_REORDER_MS < m->row.last_origin_at;
}

bool call_rtc_assumed_gone(const struct call_member *m) {
    return m->row.left_at != 0 && (call_rtc_same(m->row.leave_reason, "expired") ||
                                      call_rtc_same(m->row.leave_reason, "reconciled"));
}

/* --- audit rows --- */

static bool in_a_list(const struct store_participant *p) {
    return call_rtc_same(p->generation, "array") || call_rtc_same(p->generation, "famedly");
}

const char *call_rtc_subject(struct call_batch *b, const struct store_participant *p) {
    const char *device = p->party ? p->party : "";
    if (in_a_list(p) && p->membership_id != NULL) {
        return arena_printf(b->arena, "%s/%s/%s", p->user_id, device, p->membership_id);
    }
    return arena_printf(b->arena, "%s/%s", p->user_id, device);
}

static bool recorded(const struct call_session *s, const char *type, const struct call_input *in,
    const char *subject) {
    for (size_t i = 0; i < s->n_events && in->event_id != NULL; i++) {
        const struct store_event *e = s->events[i];
        if (call_rtc_same(e->source_event_id, in->event_id) && strcmp(e->type, type) == 0 &&
            strcmp(e->subject, subject) == 0) {
            return true;
        }
    }
    return false;
}

enum err call_rtc_record(struct call_batch *b, struct call_session *s, const char *type,
    const struct call_input *in, const char *subject, struct store_event **ret) {
    struct store_event *e = subject ? arena_alloc(b->arena, sizeof(*e)) : NULL;
    if (e == NULL) {
        return err_set(ERR_NOMEM, "no memory for an audit row");
    }
    if (!recorded(s, type, in, subject)) {
        TRY(call_session_record(b, s, type, in, &e));
        e->subject = subject;
        e->late = e->late || s->row.historic;
    }
    if (ret != NULL) {
        *ret = e;
    }
    return OK;
}
