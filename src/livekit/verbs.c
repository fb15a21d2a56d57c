/* The table of verbs (livekit-protocol 3.1). Main. */
#include "livekit/verbs.h"

#include "core/clock.h"
#include "core/log.h"
#include "livekit/data_tracks.h"
#include "livekit/resume.h"
#include "livekit/session.h"
#include "rooms/measure.h"
#include "rooms/publication.h"
#include "rooms/subscription.h"

#include <jansson.h>
#include <string.h>

typedef void verb(struct lk_session *s, const Lk__SignalRequest *r);

/* --- descriptions --- */

static void take_offer(struct lk_session *s, const Lk__SignalRequest *r) {
    lk_negotiation_take_offer(s, r->offer);
}

static void take_answer(struct lk_session *s, const Lk__SignalRequest *r) {
    lk_negotiation_take_answer(s, r->answer);
}

/* We need no candidates of the client's, being lite; but they tell where its relays are. */
static void note_relay(struct lk_session *s, const char *text) {
    struct rtc_candidate c;
    if (text != NULL && rtc_candidate_read(text, strlen(text), &c) &&
        c.type == RTC_CANDIDATE_RELAY) {
        room_relay_add(s->member, &c.addr);
    }
}

static void take_trickle(struct lk_session *s, const Lk__SignalRequest *r) {
    Lk__RequestResponse outcome = LK__REQUEST_RESPONSE__INIT;
    json_t *json = json_loads(r->trickle->candidateinit, 0, NULL);
    if (!json_is_object(json)) {
        outcome.request_case = LK__REQUEST_RESPONSE__REQUEST_TRICKLE;
        outcome.trickle = r->trickle;
        lk_session_say_outcome(s, &outcome, LK__REQUEST_RESPONSE__REASON__UNCLASSIFIED_ERROR,
            "candidateInit is no JSON object");
    } else {
        note_relay(s, json_string_value(json_object_get(json, "candidate")));
        lk_negotiation_candidate(s);
    }
    json_decref(json);
}

/* --- own tracks --- */

static void add_track(struct lk_session *s, const Lk__SignalRequest *r) {
    lk_publishing_announce(s, r->add_track);
}

static void mute(struct lk_session *s, const Lk__SignalRequest *r) {
    Lk__RequestResponse outcome = LK__REQUEST_RESPONSE__INIT;
    if (!lk_publishing_mute(s, r->mute->sid, r->mute->muted)) {
        outcome.request_case = LK__REQUEST_RESPONSE__REQUEST_MUTE;
        outcome.mute = r->mute;
        lk_session_say_outcome(
            s, &outcome, LK__REQUEST_RESPONSE__REASON__NOT_FOUND, "no such track");
    }
}

static void update_audio(struct lk_session *s, const Lk__SignalRequest *r) {
    Lk__RequestResponse outcome = LK__REQUEST_RESPONSE__INIT;
    struct room_publication *p = room_find_publication(s->member, r->update_audio_track->track_sid);
    uint8_t bits = 0;
    if (p == NULL) {
        outcome.request_case = LK__REQUEST_RESPONSE__REQUEST_UPDATE_AUDIO_TRACK;
        outcome.update_audio_track = r->update_audio_track;
        lk_session_say_outcome(
            s, &outcome, LK__REQUEST_RESPONSE__REASON__NOT_FOUND, "no such track");
        return;
    }
    for (size_t i = 0; i < r->update_audio_track->n_features; i++) {
        const unsigned bit = (unsigned)r->update_audio_track->features[i];
        bits |= (uint8_t)(bit < 8 ? 1u << bit : 0);
    }
    room_publication_features(p, bits);
}

static void update_video(struct lk_session *s, const Lk__SignalRequest *r) {
    Lk__RequestResponse outcome = LK__REQUEST_RESPONSE__INIT;
    const Lk__UpdateLocalVideoTrack *u = r->update_video_track;
    struct room_publication *p = room_find_publication(s->member, u->track_sid);
    if (p == NULL) {
        outcome.request_case = LK__REQUEST_RESPONSE__REQUEST_UPDATE_VIDEO_TRACK;
        outcome.update_video_track = r->update_video_track;
        lk_session_say_outcome(
            s, &outcome, LK__REQUEST_RESPONSE__REASON__NOT_FOUND, "no such track");
        return;
    }
    room_publication_resize(p, (uint16_t)(u->width > UINT16_MAX ? UINT16_MAX : u->width),
        (uint16_t)(u->height > UINT16_MAX ? UINT16_MAX : u->height));
}

static void set_audience(struct lk_session *s, const Lk__SignalRequest *r) {
    const Lk__SubscriptionPermission *p = r->subscription_permission;
    struct arena a;
    arena_init(&a);
    struct room_listener *list = arena_array(&a, p->n_track_permissions + 1, sizeof(*list));
    for (size_t i = 0; i < p->n_track_permissions && list != NULL; i++) {
        const Lk__TrackPermission *from = p->track_permissions[i];
        list[i] = (struct room_listener){ .sid = from->participant_sid,
            .identity = from->participant_identity,
            .all = from->all_tracks,
            .tracks = (const char *const *)from->track_sids,
            .n_tracks = from->n_track_sids };
    }
    enum err e = list == NULL ? err_set(ERR_NOMEM, "no memory for a permission")
                              : room_set_audience(
                                    s->member, p->all_participants, list, p->n_track_permissions);
    if (e != OK) {
        LOG_WARN(&s->member->log, "permission_not_set", "cause=%s text=%s", err_name(e),
            LOG_Q(err_text()));
    }
    arena_finish(&a);
}

/* --- others' tracks --- */

/* A track may be named twice, alone and with its participant. */
static void subscribe_all(struct lk_session *s, char *const *sids, size_t n, bool wish) {
    for (size_t i = 0; i < n; i++) {
        enum err e = room_subscribe(s->member, sids[i], wish);
        if (e != OK) {
            LOG_WARN(&s->member->log, "subscription_failed", "cause=%s text=%s", err_name(e),
                LOG_Q(err_text()));
            return;
        }
    }
}

void lk_verbs_subscribe(struct lk_session *s, const Lk__UpdateSubscription *u) {
    subscribe_all(s, u->track_sids, u->n_track_sids, u->subscribe);
    for (size_t i = 0; i < u->n_participant_tracks; i++) {
        const Lk__ParticipantTracks *p = u->participant_tracks[i];
        subscribe_all(s, p->track_sids, p->n_track_sids, u->subscribe);
    }
}

static void subscribe(struct lk_session *s, const Lk__SignalRequest *r) {
    lk_verbs_subscribe(s, r->subscription);
}

/* A quality of 0 may mean low or nothing at all: with a size it does not count, and without one it
 * is low (livekit-protocol 5.7). */
static void want(struct lk_session *s, const Lk__SignalRequest *r) {
    const Lk__UpdateTrackSettings *t = r->track_setting;
    const struct room_wanted wanted = { .disabled = t->disabled,
        .quality = (uint8_t)((unsigned)t->quality > 2 ? 2 : t->quality),
        .width = (uint16_t)(t->width > UINT16_MAX ? UINT16_MAX : t->width),
        .height = (uint16_t)(t->height > UINT16_MAX ? UINT16_MAX : t->height),
        .fps = (uint8_t)(t->fps > UINT8_MAX ? UINT8_MAX : t->fps),
        .priority = (uint8_t)(t->priority > UINT8_MAX ? UINT8_MAX : t->priority) };
    for (size_t i = 0; i < t->n_track_sids; i++) {
        enum err e = room_want(s->member, t->track_sids[i], &wanted);
        if (e != OK) {
            LOG_WARN(&s->member->log, "setting_failed", "cause=%s text=%s", err_name(e),
                LOG_Q(err_text()));
            return;
        }
    }
}

/* --- data tracks --- */

static void publish_data(struct lk_session *s, const Lk__SignalRequest *r) {
    lk_data_tracks_publish(s, r->publish_data_track_request);
}

static void unpublish_data(struct lk_session *s, const Lk__SignalRequest *r) {
    lk_data_tracks_unpublish(s, r->unpublish_data_track_request);
}

static void subscribe_data(struct lk_session *s, const Lk__SignalRequest *r) {
    lk_data_tracks_subscribe(s, r->update_data_subscription);
}

/* --- itself --- */

static void leave(struct lk_session *s, const Lk__SignalRequest *r) {
    (void)r;
    room_leave(s->member, ROOM_LEFT);
}

static enum err update_self(struct lk_session *s, const Lk__UpdateParticipantMetadata *u) {
    struct room_attribute *list = mem_alloc((u->n_attributes + 1) * sizeof(*list));
    if (list == NULL) {
        return err_set(ERR_NOMEM, "no memory for attributes");
    }
    for (size_t i = 0; i < u->n_attributes; i++) {
        list[i] = (struct room_attribute){ u->attributes[i]->key, u->attributes[i]->value };
    }
    enum err e = room_member_set(s->member, u->name[0] == '\0' ? NULL : u->name,
        u->metadata[0] == '\0' ? NULL : u->metadata, list, u->n_attributes);
    mem_free(list);
    return e;
}

static void update_metadata(struct lk_session *s, const Lk__SignalRequest *r) {
    Lk__RequestResponse outcome = LK__REQUEST_RESPONSE__INIT;
    outcome.request_id = r->update_metadata->request_id;
    outcome.request_case = LK__REQUEST_RESPONSE__REQUEST_UPDATE_METADATA;
    outcome.update_metadata = r->update_metadata;
    if (!s->member->grant.update_own_metadata) {
        lk_session_say_outcome(s, &outcome, LK__REQUEST_RESPONSE__REASON__NOT_ALLOWED,
            "no right to change one's own name or metadata");
        return;
    }
    switch (update_self(s, r->update_metadata)) {
    case OK:
        lk_session_say_outcome(s, &outcome, LK__REQUEST_RESPONSE__REASON__OK, "");
        break;
    case ERR_TOO_LARGE:
        lk_session_say_outcome(
            s, &outcome, LK__REQUEST_RESPONSE__REASON__LIMIT_EXCEEDED, err_text());
        break;
    default:
        lk_session_say_outcome(
            s, &outcome, LK__REQUEST_RESPONSE__REASON__UNCLASSIFIED_ERROR, "not done");
    }
}

static void ping(struct lk_session *s, const Lk__SignalRequest *r) {
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    (void)r;
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_PONG;
    m.pong = lk_signal_wall_ms(&s->signal->cfg);
    lk_session_say(s, &m);
}

static void ping_req(struct lk_session *s, const Lk__SignalRequest *r) {
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    Lk__Pong pong = LK__PONG__INIT;
    pong.last_ping_timestamp = r->ping_req->timestamp;
    pong.timestamp = lk_signal_wall_ms(&s->signal->cfg);
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_PONG_RESP;
    m.pong_resp = &pong;
    lk_session_say(s, &m);
}

static void sync_state(struct lk_session *s, const Lk__SignalRequest *r) {
    lk_resume_take_state(s, r->sync_state);
}

/* A testing aid of clients: the one case that they need us for. */
static void simulate(struct lk_session *s, const Lk__SignalRequest *r) {
    if (r->simulate->scenario_case ==
        LK__SIMULATE_SCENARIO__SCENARIO_LEAVE_REQUEST_FULL_RECONNECT) {
        lk_session_begin_anew(s);
    }
}

/* --- data blobs: livekit-server has them switched off, and answers the same --- */

static void refuse_store(struct lk_session *s, const Lk__SignalRequest *r) {
    Lk__RequestResponse outcome = LK__REQUEST_RESPONSE__INIT;
    outcome.request_id = r->store_data_blob_request->request_id;
    lk_session_say_outcome(
        s, &outcome, LK__REQUEST_RESPONSE__REASON__NOT_ALLOWED, "data blob not enabled");
}

static void refuse_get(struct lk_session *s, const Lk__SignalRequest *r) {
    Lk__RequestResponse outcome = LK__REQUEST_RESPONSE__INIT;
    const Lk__GetDataBlobRequest *get = r->get_data_blob_request;
    outcome.request_id = get->request_id;
    if (get->key == NULL) {
        lk_session_say_outcome(s, &outcome, LK__REQUEST_RESPONSE__REASON__INVALID_REQUEST,
            "data blob key is required");
    } else {
        lk_session_say_outcome(
            s, &outcome, LK__REQUEST_RESPONSE__REASON__NOT_FOUND, "data blob not found");
    }
}

#define VERB(name, function)                                                                       \
    { LK__SIGNAL_REQUEST__MESSAGE_##name, function }
static const struct {
    Lk__SignalRequest__MessageCase message;
    verb *take;
} verbs[] = {
    VERB(OFFER, take_offer),
    VERB(ANSWER, take_answer),
    VERB(TRICKLE, take_trickle),
    VERB(ADD_TRACK, add_track),
    VERB(MUTE, mute),
    VERB(SUBSCRIPTION, subscribe),
    VERB(TRACK_SETTING, want),
    VERB(LEAVE, leave),
    VERB(SUBSCRIPTION_PERMISSION, set_audience),
    VERB(SYNC_STATE, sync_state),
    VERB(SIMULATE, simulate),
    VERB(PING, ping),
    VERB(UPDATE_METADATA, update_metadata),
    VERB(PING_REQ, ping_req),
    VERB(UPDATE_AUDIO_TRACK, update_audio),
    VERB(UPDATE_VIDEO_TRACK, update_video),
    VERB(PUBLISH_DATA_TRACK_REQUEST, publish_data),
    VERB(UNPUBLISH_DATA_TRACK_REQUEST, unpublish_data),
    VERB(UPDATE_DATA_SUBSCRIPTION, subscribe_data),
    VERB(STORE_DATA_BLOB_REQUEST, refuse_store),
    VERB(GET_DATA_BLOB_REQUEST, refuse_get),
};

void lk_verbs_take(struct lk_session *s, const Lk__SignalRequest *r) {
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        if (verbs[i].message == r->message_case) {
            verbs[i].take(s, r);
            return;
        }
    }
}
