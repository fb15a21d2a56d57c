/*
 * What holds for every reading, whatever the event was: texts within their limits and valid UTF-8,
 * times clamped, at most one IN_MALFORMED and then nothing else. Used by the mutation test and by
 * the fuzz targets.
 */
#ifndef TESTS_UNIT_APPSERVICE_PROPERTY_H
#define TESTS_UNIT_APPSERVICE_PROPERTY_H

#include "appservice/event.h"
#include "appservice/notify_events.h"
#include "appservice/observer.h"
#include "appservice/rtc_events.h"
#include "appservice/rtc_sticky_events.h"
#include "appservice/voip_events.h"
#include "core/utf8.h"

#include <string.h>

/* Each function returns what is broken, or NULL. */
#define HOLDS(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            return #cond;                                                                          \
        }                                                                                          \
    } while (0)

static inline bool text_fine(const char *s, size_t max) {
    return s == NULL || (strlen(s) <= max && utf8_valid(s, strlen(s)));
}

static inline bool within(int64_t value, int64_t least, int64_t most) {
    return value >= least && value <= most;
}

static inline const char *legacy_holds(const struct call_input *in) {
    const struct call_input_legacy *l = &in->legacy;
    const char *const ids[] = { l->call_id, l->party_id, l->invitee, l->selected_party_id,
        l->asserted_id, l->asserted_name, l->replacement_id, l->target_user, l->create_call,
        l->await_call, l->target_room };
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        HOLDS(text_fine(ids[i], AS_ID_MAX));
    }
    HOLDS(l->call_id != NULL && l->call_id[0] != '\0' && l->party_id != NULL);
    HOLDS(l->version == 1 || (l->version == 0 && l->party_id[0] == '\0'));
    HOLDS(text_fine(l->reason, AS_REASON_MAX) && text_fine(l->description_type, AS_REASON_MAX));
    HOLDS(text_fine(l->sdp, AS_SDP_KEEP_MAX));
    HOLDS(in->type != IN_INVITE || within(l->lifetime_ms, AS_LIFETIME_MIN_MS, AS_LIFETIME_MAX_MS));
    int candidates =
        l->candidates_host + l->candidates_srflx + l->candidates_prflx + l->candidates_relay;
    HOLDS(within(candidates, 0, AS_CANDIDATES_MAX) && within(l->candidates_tcp, 0, candidates));
    return NULL;
}

static inline const char *member_holds(const struct call_input *in) {
    const struct call_input_member *m = &in->member;
    HOLDS(text_fine(m->application, AS_ID_MAX) && text_fine(m->state_key, AS_ID_MAX));
    HOLDS(text_fine(m->slot, 2 * AS_ID_MAX + 1) && text_fine(m->entry_key, 2 * AS_ID_MAX + 1));
    HOLDS(text_fine(m->user_id, AS_ID_MAX) && text_fine(m->key_user, AS_ID_MAX));
    HOLDS(text_fine(m->device_id, AS_ID_MAX) && text_fine(m->membership_id, AS_ID_MAX));
    HOLDS(text_fine(m->focus_url, AS_URL_MAX) && text_fine(m->focus_selection, AS_NAME_MAX));
    HOLDS(text_fine(m->leave_reason, AS_LEAVE_CODE_MAX));
    HOLDS(m->intent == NULL || strcmp(m->intent, "audio") == 0 || strcmp(m->intent, "video") == 0);
    HOLDS(m->generation != NULL && m->user_id != NULL);
    HOLDS(within(m->start_ms, 0, in->received_ms));
    HOLDS(within(m->expires_at, 0, in->received_ms + AS_EXPIRES_MAX_MS));
    HOLDS(within(m->sticky_until, 0, in->received_ms + AS_STICKY_MAX_MS));
    HOLDS(in->type != IN_MEMBER || (m->start_ms > 0 && m->expires_at > 0));
    HOLDS(in->type != IN_MEMBER || (m->slot != NULL && m->entry_key != NULL &&
                                       m->device_id != NULL && m->application != NULL));
    HOLDS(in->type != IN_MEMBER_LEFT || (m->entry_key != NULL && m->leave_reason != NULL));
    HOLDS(m->n_remaining <= AS_MEMBERSHIPS_MAX);
    for (size_t i = 0; i < m->n_remaining; i++) {
        HOLDS(text_fine(m->remaining[i], 2 * AS_ID_MAX + 1));
        HOLDS(i == 0 || strcmp(m->remaining[i - 1], m->remaining[i]) <= 0);
    }
    return NULL;
}

static inline const char *ring_holds(const struct call_input *in) {
    const struct call_input_ring *r = &in->ring;
    HOLDS(text_fine(r->target_event_id, AS_ID_MAX) && text_fine(r->slot, 2 * AS_ID_MAX + 1));
    HOLDS(r->n_mentions <= AS_MENTIONS_MAX && (r->n_mentions == 0 || !r->mentions_room));
    for (size_t i = 0; i < r->n_mentions; i++) {
        HOLDS(r->mentions[i] != NULL && text_fine(r->mentions[i], AS_ID_MAX));
    }
    HOLDS(within(r->start_ms, 0, in->received_ms));
    HOLDS(within(r->end_ms - r->start_ms, 0, AS_RING_MAX_MS));
    HOLDS(in->type == IN_RING || in->type == IN_NOTIFY || r->target_event_id != NULL);
    return NULL;
}

static inline const char *room_holds(const struct call_input *in) {
    HOLDS(text_fine(in->room.user_id, AS_ID_MAX) && text_fine(in->room.membership, AS_NAME_MAX));
    HOLDS(text_fine(in->room.event_type, AS_ID_MAX) && text_fine(in->room.problem, AS_PROBLEM_MAX));
    HOLDS(in->type != IN_USER_LEFT || (in->room.user_id != NULL && in->room.membership != NULL));
    HOLDS(in->type != IN_MALFORMED ||
          (in->room.event_type != NULL && in->room.problem != NULL && in->room.problem[0] != '\0'));
    return NULL;
}

static inline const char *input_holds(const struct call_input *in, int64_t received_ms) {
    HOLDS(text_fine(in->room_id, AS_ID_MAX) && text_fine(in->event_id, AS_ID_MAX));
    HOLDS(text_fine(in->sender, AS_ID_MAX) && in->received_ms == received_ms);
    HOLDS(within(in->origin_ms, 1, received_ms) && within(in->sent_ms, 1, received_ms));
    if (in->type != IN_MALFORMED) {
        HOLDS(in->room_id != NULL && in->event_id != NULL && in->sender != NULL);
    }
    if (in->type <= IN_REPLACES) {
        return legacy_holds(in);
    }
    if (in->type <= IN_MEMBER_OPAQUE || in->type == IN_SLOT_CLOSED) {
        return member_holds(in);
    }
    return in->type == IN_USER_LEFT || in->type == IN_MALFORMED ? room_holds(in) : ring_holds(in);
}

static inline const char *reading_holds(const struct as_reading *r, int64_t received_ms) {
    for (size_t i = 0; i < r->n_inputs; i++) {
        HOLDS(r->inputs[i].type != IN_MALFORMED || r->n_inputs == 1);
        const char *broken = input_holds(&r->inputs[i], received_ms);
        if (broken != NULL) {
            return broken;
        }
    }
    HOLDS(r->n_inputs <= AS_MEMBERSHIPS_MAX + 1);
    HOLDS(!r->needs_people || (r->n_inputs >= 1 && r->room_id != NULL));
    return NULL;
}

#endif
