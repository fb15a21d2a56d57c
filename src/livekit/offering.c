/* Our offers and the client's answers to them. Main. */
#include "livekit/offering.h"

#include "core/log.h"
#include "livekit/session.h"
#include "rooms/subscription.h"
#include "rtc/sdp_offer.h"
#include "rtc/sdp_params.h"

#include <string.h>

#define SILENT_US (10 * SEC_US) /* two pings of a client did not come; livekit-protocol 2.4 */

/* A client that says other things has lost the offer, or cannot take it. One that says nothing has
 * no time: a page behind others, a telephone that sleeps, a machine that swaps. To join anew would
 * cost it more. That it is gone shows elsewhere: its socket answers no ping, its media is silent.
 */
static bool is_busy(const struct lk_session *s, int64_t now_us) {
    return now_us - s->heard_us >= SILENT_US &&
           now_us - s->negotiation.offered_us < LK_OFFER_PATIENCE_US;
}

static void on_no_answer(struct wheel_timer *t, int64_t now_us) {
    struct lk_session *s = lk_negotiation_of(t);
    (void)now_us;
    if (is_busy(s, room_directory_now(s->signal->cfg.rooms))) {
        room_timer_arm(s->signal->cfg.rooms, t, SILENT_US, on_no_answer);
    } else if (s->member != NULL) {
        LOG_WARN(&s->member->log, "offer_not_answered", "id=%u", s->negotiation.offer_id);
        room_leave(s->member, ROOM_MISMATCH);
    }
}

/* A section for each place; the tracks in them are remembered by their numbers. */
static enum err make_sections(struct lk_session *s, struct rtc_sdp_offered **ret, size_t *ret_n) {
    struct lk_negotiation *n = &s->negotiation;
    struct arena *a = &n->offer_arena;
    size_t count = 0;
    const struct rtc_sdp_place *all = rtc_sdp_places_all(n->places, &count);
    struct rtc_sdp_offered *list = arena_array(a, count + 1, sizeof(*list));
    n->offered = arena_array(a, count + 1, sizeof(*n->offered));
    for (size_t i = 0; i < count && !a->failed; i++) {
        const struct room_subscription *sub =
            all[i].track == 0 ? NULL : room_subscription_find(s->member, all[i].track);
        list[i].media = (enum rtc_media)all[i].media;
        list[i].send = sub == NULL ? NULL : lk_peer_sent(sub, a);
        n->offered[i] = sub == NULL ? 0 : all[i].track;
    }
    *ret = list;
    *ret_n = count;
    return a->failed ? err_set(ERR_NOMEM, "no memory for an offer") : OK;
}

static void forget_offer(struct lk_negotiation *n) {
    n->offer = NULL;
    n->offered = NULL;
    arena_finish(&n->offer_arena);
    arena_init(&n->offer_arena);
}

static enum err make_offer(struct lk_session *s) {
    struct lk_negotiation *n = &s->negotiation;
    struct rtc_sdp_offered *sections = NULL;
    struct rtc_sdp_local local;
    size_t count = 0;
    TRY(lk_peer_open(s, ROOM_DOWN));
    TRY(make_sections(s, &sections, &count));
    TRY(lk_peer_local(s, ROOM_DOWN, &n->offer_arena, &local));
    TRY(rtc_sdp_offer(&local, sections, count, &n->offer_arena, &n->offer));
    rtc_sdp_places_told(n->places);
    TRY(lk_peer_say(s, true, ++n->offer_id, n->offer, &n->offer_arena));
    lk_peer_trickle(s, ROOM_DOWN, &local, "0");
    return OK;
}

static void offer(struct lk_session *s) {
    enum err e = make_offer(s);
    s->negotiation.offered_us = room_directory_now(s->signal->cfg.rooms);
    if (e == OK) {
        room_timer_arm(s->signal->cfg.rooms, &s->negotiation.timer, LK_OFFER_WAIT_US, on_no_answer);
        return;
    }
    LOG_WARN(&s->member->log, "offer_failed", "cause=%s text=%s", err_name(e), LOG_Q(err_text()));
    forget_offer(&s->negotiation);
}

static void on_due(struct wheel_timer *t, int64_t now_us) {
    struct lk_session *s = lk_negotiation_of(t);
    (void)now_us;
    if (s->member != NULL && lk_session_is_heard(s)) {
        offer(s);
    }
}

void lk_negotiation_begin(struct lk_session *s) {
    offer(s);
}

void lk_offering_due(struct lk_session *s) {
    struct lk_negotiation *n = &s->negotiation;
    const bool begun = n->peers[ROOM_DOWN].session_id != 0;
    if (begun && n->offer == NULL && lk_session_is_heard(s) && !wheel_is_armed(&n->timer)) {
        room_timer_arm(s->signal->cfg.rooms, &n->timer, LK_OFFER_DELAY_US, on_due);
    }
}

void lk_offering_restart(struct lk_session *s) {
    struct lk_peer *p = &s->negotiation.peers[ROOM_DOWN];
    forget_offer(&s->negotiation);
    if (p->session_id != 0) {
        rtc_ice_cred_make(&p->cred);
        p->told = false;
        room_transport_restart(s->member, ROOM_DOWN, &p->cred, NULL);
    }
    offer(s);
}

/* --- answers --- */

/* A track may have ended, have moved, or have gone and come back with other SSRCs, since it was
 * offered. */
static void bind_sections(struct lk_session *s, const struct rtc_sdp *answer) {
    struct lk_negotiation *n = &s->negotiation;
    for (size_t i = 1; i < n->offer->n_sections; i++) {
        const struct rtc_sdp_section *ours = &n->offer->sections[i];
        const struct rtc_sdp_section *theirs = &answer->sections[i];
        struct room_subscription *sub =
            n->offered[i - 1] == 0 ? NULL : room_subscription_find(s->member, n->offered[i - 1]);
        struct rtc_rtp_params params;
        if (sub == NULL || !rtc_sdp_open(theirs) || (theirs->direction & RTC_SDP_RECVONLY) == 0 ||
            rtc_sdp_places_track(n->places, ours->mid) != sub->number) {
            continue;
        }
        rtc_sdp_rtp_params(theirs, ours, &params);
        if (params.n_encodings > 0 && params.encodings[0].ssrc == sub->ssrc) {
            lk_peer_bind(s, sub, &params);
        }
    }
}

static enum err take_answer(struct lk_session *s, const char *text, struct arena *a) {
    const struct rtc_sdp *answer = NULL;
    TRY(rtc_sdp_read(text, strlen(text), a, &answer));
    TRY(rtc_sdp_check_answer(s->negotiation.offer, answer));
    TRY(lk_peer_connect(s, ROOM_DOWN, answer));
    bind_sections(s, answer);
    return OK;
}

void lk_negotiation_take_answer(struct lk_session *s, const Lk__SessionDescription *d) {
    struct lk_negotiation *n = &s->negotiation;
    struct arena a;
    if (n->offer == NULL) {
        LOG_INFO(&s->member->log, "answer_unasked", "id=%u", d->id);
        return;
    }
    if (d->id != 0 && d->id != n->offer_id) {
        LOG_INFO(&s->member->log, "answer_of_another_offer", "id=%u want=%u", d->id, n->offer_id);
    }
    arena_init(&a);
    enum err e = take_answer(s, d->sdp, &a);
    arena_finish(&a);
    if (e != OK) {
        LOG_WARN(
            &s->member->log, "answer_refused", "cause=%s text=%s", err_name(e), LOG_Q(err_text()));
        lk_session_begin_anew(s);
        return;
    }
    room_timer_disarm(s->signal->cfg.rooms, &n->timer);
    forget_offer(n);
    if (rtc_sdp_places_changed(n->places)) {
        lk_offering_due(s);
    }
}
