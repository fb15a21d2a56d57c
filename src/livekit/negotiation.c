/* What both kinds of peer connection share, and the client's offers. Main. */
#include "livekit/negotiation.h"

#include "core/buf.h"
#include "core/crypto.h"
#include "core/log.h"
#include "livekit/offering.h"
#include "livekit/session.h"
#include "rooms/subscription.h"
#include "rtc/sdp_params.h"

#include <string.h>

#define CANDIDATE_JSON_SIZE (RTC_CANDIDATE_TEXT_SIZE + 128)

/* --- life --- */

enum err lk_negotiation_init(struct lk_session *s) {
    struct lk_negotiation *n = &s->negotiation;
    const enum rtc_sdp_places_kind ours =
        s->entry->safari ? RTC_SDP_PLACES_OURS_ONCE : RTC_SDP_PLACES_OURS;
    const bool single = s->entry->single;
    arena_init(&n->offer_arena);
    n->asked = single; /* its first offer comes by itself */
    return rtc_sdp_places_create(single ? RTC_SDP_PLACES_THEIRS : ours, &n->places);
}

void lk_negotiation_finish(struct lk_session *s) {
    lk_negotiation_rest(s);
    rtc_sdp_places_destroy(s->negotiation.places);
    arena_finish(&s->negotiation.offer_arena);
}

struct lk_session *lk_negotiation_of(struct wheel_timer *t) {
    return (struct lk_session *)((char *)t - offsetof(struct lk_session, negotiation.timer));
}

/* A held offer waits no longer; its SDP is the caller's. NULL = none is. */
static char *release(struct lk_session *s) {
    char *sdp = s->negotiation.held;
    if (sdp != NULL) {
        room_timer_disarm(s->signal->cfg.rooms, &s->negotiation.timer);
        s->negotiation.held = NULL;
    }
    return sdp;
}

void lk_negotiation_rest(struct lk_session *s) {
    mem_free(release(s));
    room_timer_disarm(s->signal->cfg.rooms, &s->negotiation.timer);
}

void lk_negotiation_inherit(struct lk_session *s, struct lk_session *from) {
    lk_negotiation_rest(from);
    lk_negotiation_finish(s);
    s->negotiation = from->negotiation;
    rtc_sdp_places_doubt(s->negotiation.places);
    s->negotiation.asked = s->member->single; /* it offers by itself, to restart ICE */
    from->negotiation = (struct lk_negotiation){ 0 };
    arena_init(&from->negotiation.offer_arena);
}

/* --- our side of a description --- */

static void peer_begin(struct lk_peer *p) {
    uint64_t id = 0;
    crypto_random(&id, sizeof(id));
    p->session_id = (id >> 2) + 1; /* RFC 8829, 5.2.1: positive in 64 bits with a sign */
    rtc_ice_cred_make(&p->cred);
}

enum err lk_peer_open(struct lk_session *s, enum room_way way) {
    struct lk_peer *p = &s->negotiation.peers[way];
    if (p->session_id == 0) {
        peer_begin(p);
        return room_transport_open(s->member, way, &p->cred);
    }
    return room_transport_is_open(s->member, way) ? OK
                                                  : err_set(ERR_GONE, "the connection has ended");
}

enum err lk_peer_local(
    struct lk_session *s, enum room_way way, struct arena *a, struct rtc_sdp_local *ret) {
    struct lk_peer *p = &s->negotiation.peers[way];
    struct sfu *sfu = room_directory_sfu(s->signal->cfg.rooms);
    struct rtc_candidate candidates[RTC_CANDIDATES_MAX];
    struct rtc_ice_params *ice = arena_alloc(a, sizeof(*ice));
    size_t n = sfu_candidates(sfu, s->member->room->id, candidates, RTC_CANDIDATES_MAX);
    const char **texts = arena_array(a, RTC_CANDIDATES_MAX, sizeof(*texts));
    n = n < RTC_CANDIDATES_MAX ? n : RTC_CANDIDATES_MAX;
    for (size_t i = 0; i < n && texts != NULL; i++) {
        char text[RTC_CANDIDATE_TEXT_SIZE];
        rtc_candidate_write(&candidates[i], text);
        texts[i] = arena_printf(a, "%s ufrag %s", text, p->cred.ufrag);
    }
    if (ice == NULL || a->failed) {
        return err_set(ERR_NOMEM, "no memory for a description");
    }
    ice->lite = true;
    memcpy(ice->ufrag, p->cred.ufrag, sizeof(p->cred.ufrag));
    memcpy(ice->pwd, p->cred.pwd, sizeof(p->cred.pwd));
    *ret = (struct rtc_sdp_local){ .ice = ice,
        .dtls = sfu_dtls(sfu),
        .candidates = texts,
        .n_candidates = n,
        .session_id = p->session_id,
        .version = ++p->version };
    return OK;
}

enum err lk_peer_connect(
    struct lk_session *s, enum room_way way, const struct rtc_sdp *description) {
    struct lk_peer *p = &s->negotiation.peers[way];
    struct rtc_ice_params ice;
    struct rtc_dtls_params dtls;
    TRY(rtc_sdp_transport_params(description, &ice, &dtls));
    memcpy(p->remote_ufrag, ice.ufrag, sizeof(p->remote_ufrag));
    room_transport_connect(s->member, way, &ice, &dtls);
    return OK;
}

/* The client restarts ICE when its fragment is a new one: then ours must be too (RFC 8445, 9). */
static enum err follow_restart(
    struct lk_session *s, enum room_way way, const struct rtc_sdp *offer) {
    struct lk_peer *p = &s->negotiation.peers[way];
    struct rtc_ice_params ice;
    struct rtc_dtls_params dtls;
    TRY(rtc_sdp_transport_params(offer, &ice, &dtls));
    if (p->remote_ufrag[0] != '\0' && strcmp(p->remote_ufrag, ice.ufrag) != 0) {
        rtc_ice_cred_make(&p->cred);
        p->told = false;
        room_transport_restart(s->member, way, &p->cred, &ice);
    }
    return OK;
}

/* --- saying --- */

static bool add_mid(Lk__SessionDescription *d, const char *mid, const char *sid, struct arena *a) {
    Lk__SessionDescription__MidToTrackIdEntry *e = arena_alloc(a, sizeof(*e));
    if (e == NULL) {
        return false;
    }
    *e = (Lk__SessionDescription__MidToTrackIdEntry)
        LK__SESSION_DESCRIPTION__MID_TO_TRACK_ID_ENTRY__INIT;
    e->key = (char *)mid;
    e->value = (char *)sid;
    d->mid_to_track_id[d->n_mid_to_track_id++] = e;
    return true;
}

static bool add_mids(
    struct lk_session *s, Lk__SessionDescription *d, const struct rtc_sdp *sdp, struct arena *a) {
    d->mid_to_track_id = arena_array(a, sdp->n_sections + 1, sizeof(*d->mid_to_track_id));
    bool fine = d->mid_to_track_id != NULL;
    for (size_t i = 0; i < sdp->n_sections && fine; i++) {
        const struct rtc_sdp_section *section = &sdp->sections[i];
        const uint32_t number =
            section->mid == NULL ? 0 : rtc_sdp_places_track(s->negotiation.places, section->mid);
        const struct room_subscription *sub =
            number == 0 ? NULL : room_subscription_find(s->member, number);
        if (sub != NULL && (section->direction & RTC_SDP_SENDONLY) != 0) {
            fine = add_mid(d, section->mid, sub->sid, a);
        }
    }
    return fine;
}

enum err lk_peer_say(
    struct lk_session *s, bool offer, uint32_t id, const struct rtc_sdp *sdp, struct arena *a) {
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    Lk__SessionDescription d = LK__SESSION_DESCRIPTION__INIT;
    CLEANUP(buf_finish) struct buf text;
    buf_init(&text, 0);
    rtc_sdp_write(sdp, &text);
    TRY(buf_check(&text));
    d.type = (char *)(offer ? "offer" : "answer");
    d.sdp = text.data;
    d.id = id;
    const bool mids = offer || s->member->single;
    if (mids && !add_mids(s, &d, sdp, a)) {
        return err_set(ERR_NOMEM, "no memory for a description");
    }
    m.message_case =
        offer ? LK__SIGNAL_RESPONSE__MESSAGE_OFFER : LK__SIGNAL_RESPONSE__MESSAGE_ANSWER;
    if (offer) {
        m.offer = &d;
    } else {
        m.answer = &d;
    }
    lk_session_say(s, &m);
    return OK;
}

/* They stand in the description too; clients that wait for trickled ones get them like this. */
void lk_peer_trickle(
    struct lk_session *s, enum room_way way, const struct rtc_sdp_local *local, const char *mid) {
    struct lk_peer *p = &s->negotiation.peers[way];
    for (size_t i = 0; i < local->n_candidates && !p->told; i++) {
        CLEANUP(buf_finish) struct buf json;
        Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
        Lk__TrickleRequest t = LK__TRICKLE_REQUEST__INIT;
        buf_init(&json, CANDIDATE_JSON_SIZE);
        buf_puts(&json, "{\"candidate\":");
        buf_json_str(&json, local->candidates[i]);
        buf_puts(&json, ",\"sdpMid\":");
        buf_json_str(&json, mid);
        buf_puts(&json, ",\"sdpMLineIndex\":0,\"usernameFragment\":null}");
        t.candidateinit = (char *)buf_str(&json);
        t.target = way == ROOM_UP ? LK__SIGNAL_TARGET__PUBLISHER : LK__SIGNAL_TARGET__SUBSCRIBER;
        t.final = i + 1 == local->n_candidates;
        m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_TRICKLE;
        m.trickle = &t;
        if (buf_check(&json) == OK) {
            lk_session_say(s, &m);
        }
    }
    p->told = true;
}

/* --- the client's offers --- */

struct answering {
    struct lk_session *session;
    const struct rtc_sdp *offer;
    const struct rtc_sdp *answer;
    struct rtc_sdp_choice *choices;
    struct lk_announced **announced; /* a section's; NULL = none */
    struct arena arena;
};

/* Is RED what this client may be sent? A section that does not name it is sent the Opus inside. */
static bool sends_red(const struct room_subscription *sub) {
    const struct rtc_rtp_params *p = &sub->publication->params;
    return p->n_codecs > 0 && p->codecs[0].type == RTC_RED;
}

const struct rtc_sdp_sent *lk_peer_sent(const struct room_subscription *sub, struct arena *a) {
    struct rtc_sdp_sent *sent = arena_alloc(a, sizeof(*sent));
    const bool video = sub->publication->track.media == RTC_VIDEO;
    if (sent != NULL) {
        *sent = (struct rtc_sdp_sent){ .track = arena_strdup(a, sub->sid),
            .ssrc = sub->ssrc,
            .rtx_ssrc = video ? sub->rtx_ssrc : 0 };
        sent->stream = arena_printf(a, "%s|%s", sub->publication->member->sid, sub->sid);
    }
    return a->failed ? NULL : sent;
}

static bool is_media(const struct rtc_sdp_section *o) {
    return (o->kind == RTC_SDP_AUDIO || o->kind == RTC_SDP_VIDEO) && rtc_sdp_open(o) &&
           o->mid != NULL && strlen(o->mid) <= RTC_MID_MAX;
}

static enum err choose(struct answering *w) {
    struct lk_session *s = w->session;
    const size_t n = w->offer->n_sections;
    w->choices = arena_array(&w->arena, n + 1, sizeof(*w->choices));
    w->announced = arena_array(&w->arena, n + 1, sizeof(*w->announced));
    for (size_t i = 0; i < n && !w->arena.failed; i++) {
        const struct rtc_sdp_section *o = &w->offer->sections[i];
        if (!is_media(o)) {
            continue;
        }
        if ((o->direction & RTC_SDP_SENDONLY) != 0) {
            w->announced[i] = lk_publishing_choose(s, o, &w->choices[i]);
        } else if (s->member->single) {
            const uint32_t number = rtc_sdp_places_track(s->negotiation.places, o->mid);
            const struct room_subscription *sub =
                number == 0 ? NULL : room_subscription_find(s->member, number);
            w->choices[i].no_red = sub == NULL || !sends_red(sub);
            w->choices[i].send = sub == NULL ? NULL : lk_peer_sent(sub, &w->arena);
        }
    }
    return w->arena.failed ? err_set(ERR_NOMEM, "no memory for an answer") : OK;
}

/* The room learns of what was published before the client reads the answer, and of what is
 * received after it. */
static void publish_agreed(struct answering *w) {
    for (size_t i = 0; i < w->offer->n_sections; i++) {
        if (w->choices[i].take && rtc_sdp_open(&w->answer->sections[i])) {
            lk_publishing_agreed(
                w->session, w->announced[i], &w->offer->sections[i], &w->answer->sections[i]);
        }
    }
}

/* The client takes this section, or nothing of what the track is: it cannot be received. */
void lk_peer_bind(
    struct lk_session *s, struct room_subscription *sub, const struct rtc_rtp_params *params) {
    enum err e = room_subscription_bind(sub, params);
    if (e != OK) {
        LOG_WARN(&s->member->log, "track_not_subscribed", "sid=%s cause=%s text=%s", sub->sid,
            err_name(e), LOG_Q(err_text()));
    }
}

static void bind_sent(struct answering *w) {
    struct lk_session *s = w->session;
    for (size_t i = 0; i < w->answer->n_sections; i++) {
        const struct rtc_sdp_section *section = &w->answer->sections[i];
        const uint32_t number = w->choices[i].send == NULL
                                    ? 0
                                    : rtc_sdp_places_track(s->negotiation.places, section->mid);
        struct room_subscription *sub =
            number == 0 ? NULL : room_subscription_find(s->member, number);
        struct rtc_rtp_params params;
        if (sub != NULL && (section->direction & RTC_SDP_SENDONLY) != 0) {
            rtc_sdp_rtp_params(section, section, &params);
            lk_peer_bind(s, sub, &params);
        }
    }
}

/* Tracks whose section the client took away wait again, and are sent nowhere meanwhile. */
static void unbind_waiting(struct lk_session *s) {
    struct room_subscription *sub = s->member->subscriptions;
    for (; sub != NULL; sub = sub->hh.next) {
        if (sub->bound && rtc_sdp_places_track(s->negotiation.places, sub->mid) != sub->number) {
            room_subscription_unbind(sub);
        }
    }
}

static void say_requirement(struct lk_session *s) {
    struct lk_negotiation *n = &s->negotiation;
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    Lk__MediaSectionsRequirement r = LK__MEDIA_SECTIONS_REQUIREMENT__INIT;
    r.num_audios = (uint32_t)rtc_sdp_places_missing(n->places, RTC_AUDIO);
    r.num_videos = (uint32_t)rtc_sdp_places_missing(n->places, RTC_VIDEO);
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_MEDIA_SECTIONS_REQUIREMENT;
    m.media_sections_requirement = &r;
    n->asked = true;
    lk_session_say(s, &m);
}

/* A client that was asked and added nothing is not asked for the same again: that would go on for
 * ever. */
static void tell_places(struct lk_session *s) {
    struct lk_negotiation *n = &s->negotiation;
    const size_t missing =
        rtc_sdp_places_missing(n->places, RTC_AUDIO) + rtc_sdp_places_missing(n->places, RTC_VIDEO);
    const bool progress = missing > 0 && missing != n->lacked;
    if (!n->asked && (progress || rtc_sdp_places_changed(n->places))) {
        n->lacked = missing;
        say_requirement(s);
    }
}

/* A client that has added one may be asked for as many again: more tracks have come meanwhile. */
static enum err take_sections(struct lk_negotiation *n, const struct rtc_sdp *offer) {
    size_t before = 0;
    size_t now = 0;
    (void)rtc_sdp_places_all(n->places, &before);
    TRY(rtc_sdp_places_offered(n->places, offer));
    (void)rtc_sdp_places_all(n->places, &now);
    n->lacked = now > before ? 0 : n->lacked;
    return OK;
}

static enum err answer(struct answering *w, const Lk__SessionDescription *d) {
    struct lk_session *s = w->session;
    struct lk_negotiation *n = &s->negotiation;
    struct rtc_sdp_local local;
    TRY(rtc_sdp_read(d->sdp, strlen(d->sdp), &w->arena, &w->offer));
    TRY(lk_peer_open(s, ROOM_UP));
    TRY(follow_restart(s, ROOM_UP, w->offer));
    if (s->member->single) {
        n->asked = false;
        TRY(take_sections(n, w->offer));
        unbind_waiting(s);
    }
    lk_publishing_withdraw(s, w->offer);
    TRY(choose(w));
    TRY(lk_peer_local(s, ROOM_UP, &w->arena, &local));
    TRY(rtc_sdp_answer(w->offer, s->member->single ? RTC_SDP_SINGLE : RTC_SDP_PUBLISHER, &local,
        w->choices, &w->arena, &w->answer));
    TRY(lk_peer_connect(s, ROOM_UP, w->offer));
    publish_agreed(w);
    if (s->member->single) {
        rtc_sdp_places_told(n->places); /* else our own offers say what it receives */
    }
    TRY(lk_peer_say(s, false, d->id, w->answer, &w->arena));
    const char *mid = w->offer->n_sections == 0 ? NULL : w->offer->sections[0].mid;
    if (s->member->single) {
        bind_sent(w);
        tell_places(s);
    }
    lk_peer_trickle(s, ROOM_UP, &local, mid == NULL ? "0" : mid);
    return OK;
}

void lk_negotiation_take_offer(struct lk_session *s, const Lk__SessionDescription *d) {
    struct answering w = { .session = s };
    mem_free(release(s)); /* a newer one stands for it */
    arena_init(&w.arena);
    enum err e = answer(&w, d);
    arena_finish(&w.arena);
    if (e != OK) {
        LOG_WARN(
            &s->member->log, "offer_refused", "cause=%s text=%s", err_name(e), LOG_Q(err_text()));
        lk_session_begin_anew(s);
    }
}

void lk_negotiation_candidate(struct lk_session *s) {
    Lk__SessionDescription d = LK__SESSION_DESCRIPTION__INIT;
    CLEANUP(mem_freep) char *sdp = release(s);
    if (sdp != NULL) {
        d.sdp = sdp;
        d.id = s->negotiation.held_id;
        lk_negotiation_take_offer(s, &d);
    }
}

static void on_no_candidate(struct wheel_timer *t, int64_t now_us) {
    (void)now_us;
    lk_negotiation_candidate(lk_negotiation_of(t));
}

void lk_negotiation_hold_offer(struct lk_session *s, const Lk__SessionDescription *d) {
    struct lk_negotiation *n = &s->negotiation;
    n->held = mem_strdup(d->sdp);
    n->held_id = d->id;
    if (n->held == NULL) {
        LOG_WARN(&s->member->log, "offer_refused", "cause=no_memory");
        lk_session_begin_anew(s);
        return;
    }
    room_timer_arm(s->signal->cfg.rooms, &n->timer, LK_OFFER_HOLD_US, on_no_candidate);
}

/* --- what the member receives --- */

void lk_negotiation_add(struct lk_session *s, struct room_subscription *sub) {
    enum err e =
        rtc_sdp_places_want(s->negotiation.places, sub->number, sub->publication->track.media);
    if (e != OK) {
        LOG_WARN(&s->member->log, "track_not_subscribed", "sid=%s cause=%s", sub->sid, err_name(e));
    } else if (s->member->single) {
        tell_places(s);
    } else {
        lk_offering_due(s);
    }
}

void lk_negotiation_remove(struct lk_session *s, struct room_subscription *sub) {
    rtc_sdp_places_drop(s->negotiation.places, sub->number);
    if (s->member->single) {
        tell_places(s);
    } else {
        lk_offering_due(s);
    }
}
