/* Who is who in a legacy call. Pure. */
#include "calls/legacy_people.h"

#include <string.h>

static bool same(const char *a, const char *b) {
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static bool same_party(const char *have, const char *sent) {
    return have == NULL || *have == '\0' || *sent == '\0' || strcmp(have, sent) == 0;
}

bool call_legacy_from_caller_user(const struct call_session *s, const struct call_input *in) {
    return same(s->row.caller_user, in->sender);
}

bool call_legacy_from_caller(const struct call_session *s, const struct call_input *in) {
    return call_legacy_from_caller_user(s, in) &&
           same_party(s->row.caller_party, in->legacy.party_id);
}

bool call_legacy_from_bystander(const struct call_session *s, const struct call_input *in) {
    return !call_legacy_from_caller_user(s, in) && s->row.callee_user != NULL &&
           !same(s->row.callee_user, in->sender);
}

bool call_legacy_from_selected(const struct call_session *s, const struct call_input *in) {
    if (s->row.selected_party == NULL) {
        return false;
    }
    bool user = s->row.selected_user == NULL ? !call_legacy_from_caller(s, in)
                                             : same(s->row.selected_user, in->sender);
    return user && same_party(s->row.selected_party, in->legacy.party_id);
}

const char *call_legacy_callee(const struct call_batch *b, const struct call_input *invite) {
    if (invite->legacy.invitee != NULL) {
        return invite->legacy.invitee;
    }
    const struct call_room_view *room = call_batch_room(b, invite->room_id);
    if (room == NULL || !room->known || room->n_joined != 2) {
        return NULL;
    }
    if (same(room->joined[0], invite->sender)) {
        return room->joined[1];
    }
    return same(room->joined[1], invite->sender) ? room->joined[0] : NULL;
}

bool call_legacy_room_rings(const struct call_batch *b, const char *room_id) {
    const struct call_room_view *room = call_batch_room(b, room_id);
    return room == NULL || !room->joinable;
}

static size_t parties(const struct call_session *s) {
    size_t n = 0;
    for (const struct call_member *m = s->members; m != NULL; m = m->next) {
        n++;
    }
    return n;
}

bool call_legacy_party_fits(const struct call_session *s, const struct call_input *in) {
    return parties(s) < LEGACY_PARTIES_MAX ||
           call_session_find_party(s, in->sender, in->legacy.party_id) != NULL;
}

enum err call_legacy_party(struct call_batch *b, struct call_session *s,
    const struct call_input *in, struct call_member **ret) {
    struct call_member *m = call_session_find_party(s, in->sender, in->legacy.party_id);
    if (m == NULL && !call_legacy_party_fits(s, in)) {
        *ret = NULL;
        return OK;
    }
    if (m == NULL) {
        const char *role = call_legacy_from_caller(s, in) ? "caller" : "callee";
        m = call_session_add_member(b, s, in->sender, in->legacy.party_id, role);
        if (m == NULL) {
            return err_set(ERR_NOMEM, "no memory for a party of a call");
        }
        m->row.event_id = in->event_id;
        m->row.joined_at = in->sent_ms;
    }
    m->row.last_event_id = in->event_id;
    m->row.last_origin_at = in->origin_ms;
    m->changed = true;
    *ret = m;
    return OK;
}

bool call_legacy_is_answer(const struct call_member *m) {
    return m->row.answered_at != 0 && m->row.left_at == 0;
}

struct call_member *call_legacy_answer_of(
    const struct call_session *s, const struct call_input *in) {
    for (struct call_member *m = s->members; m != NULL; m = m->next) {
        if (call_legacy_is_answer(m) && same(m->row.user_id, in->sender) &&
            same_party(m->row.party, in->legacy.party_id)) {
            return m;
        }
    }
    return NULL;
}

struct call_member *call_legacy_answer_named(const struct call_session *s, const char *party_id) {
    for (struct call_member *m = s->members; m != NULL; m = m->next) {
        if (call_legacy_is_answer(m) && same(m->row.party, party_id)) {
            return m;
        }
    }
    return NULL;
}

struct call_member *call_legacy_first_answer(const struct call_session *s) {
    struct call_member *first = NULL;
    for (struct call_member *m = s->members; m != NULL; m = m->next) {
        if (call_legacy_is_answer(m) &&
            (first == NULL || m->row.joined_at < first->row.joined_at)) {
            first = m;
        }
    }
    return first;
}

size_t call_legacy_answers(const struct call_session *s) {
    size_t n = 0;
    for (const struct call_member *m = s->members; m != NULL; m = m->next) {
        n += call_legacy_is_answer(m);
    }
    return n;
}
