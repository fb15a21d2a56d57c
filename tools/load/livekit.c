/* LiveKit's door, in classic mode and without automatic subscriptions: a row of the table for each
 * message that a client acts on. */
#include "client.h"

#include "core/clock.h"
#include "core/mem.h"
#include "door.h"
#include "intake.h"
#include "livekit/convert.h"
#include "livekit/grant.h"
#include "livekit/proto/signal.pb-c.h"
#include "negotiate.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define QUERY         "/rtc?protocol=16&sdk=go&version=2.0.0&auto_subscribe=0&access_token="
#define TOKEN_SECONDS 3600

static void say(struct load_client *c, const Lk__SignalRequest *m) {
    CLEANUP(buf_finish) struct buf out;
    buf_init(&out, 0);
    if (lk_convert_write(&m->base, &out) == OK) {
        load_signal_send(c->signal, buf_str(&out), out.len);
    } else {
        load_client_fail(c, err_text());
    }
}

/* --- publishing --- */

static void say_description(struct load_client *c, bool offer, const struct buf *sdp, uint32_t id) {
    Lk__SessionDescription d = LK__SESSION_DESCRIPTION__INIT;
    Lk__SignalRequest m = LK__SIGNAL_REQUEST__INIT;
    char type[8];
    snprintf(type, sizeof(type), "%s", offer ? "offer" : "answer");
    d.type = type;
    d.sdp = sdp->data;
    d.id = id;
    m.message_case = offer ? LK__SIGNAL_REQUEST__MESSAGE_OFFER : LK__SIGNAL_REQUEST__MESSAGE_ANSWER;
    if (offer) {
        m.offer = &d;
    } else {
        m.answer = &d;
    }
    if (sdp->data != NULL) {
        say(c, &m);
    }
}

static void offer(struct load_client *c) {
    CLEANUP(buf_finish) struct buf out;
    buf_init(&out, 0);
    if (load_negotiate_offer(c, &out) == OK) {
        say_description(c, true, &out, 0);
    } else {
        load_client_fail(c, err_text());
    }
}

static void add_track(struct load_client *c, struct load_track *t) {
    Lk__AddTrackRequest add = LK__ADD_TRACK_REQUEST__INIT;
    Lk__VideoLayer layer = LK__VIDEO_LAYER__INIT;
    Lk__VideoLayer *layers[1] = { &layer };
    Lk__SignalRequest m = LK__SIGNAL_REQUEST__INIT;
    add.cid = t->offered.cid;
    add.name = t->offered.cid;
    add.type = t->offered.video ? LK__TRACK_TYPE__VIDEO : LK__TRACK_TYPE__AUDIO;
    add.source = t->offered.video ? LK__TRACK_SOURCE__CAMERA : LK__TRACK_SOURCE__MICROPHONE;
    add.disable_red = true;
    if (t->offered.video) {
        add.width = layer.width = 1280;
        add.height = layer.height = 720;
        layer.quality = LK__VIDEO_QUALITY__HIGH;
        add.layers = layers;
        add.n_layers = 1;
    }
    m.message_case = LK__SIGNAL_REQUEST__MESSAGE_ADD_TRACK;
    m.add_track = &add;
    say(c, &m);
}

static void take_answer(struct load_client *c, const Lk__SignalResponse *m) {
    if (load_negotiate_answered(c, m->answer->sdp) != OK) {
        load_client_fail(c, err_text());
    }
}

static void take_published(struct load_client *c, const Lk__SignalResponse *m) {
    size_t n = 0;
    for (size_t i = 0; i < c->n_tracks; i++) {
        struct load_track *t = &c->tracks[i];
        t->published |= strcmp(t->offered.cid, m->track_published->cid) == 0;
        n += t->published;
    }
    if (n == c->n_tracks) {
        offer(c);
    }
}

/* --- subscribing --- */

static void take_offer(struct load_client *c, const Lk__SignalResponse *m) {
    CLEANUP(buf_finish) struct buf out;
    buf_init(&out, 0);
    if (load_negotiate_offered(c, m->offer->sdp, &out) == OK) {
        say_description(c, false, &out, m->offer->id);
    } else {
        load_client_fail(c, err_text());
    }
}

static void subscribe(struct load_client *c, const Lk__ParticipantInfo *p) {
    char *sids[LOAD_TRACKS_MAX];
    Lk__ParticipantTracks of = LK__PARTICIPANT_TRACKS__INIT;
    Lk__ParticipantTracks *ofs[1] = { &of };
    Lk__UpdateSubscription update = LK__UPDATE_SUBSCRIPTION__INIT;
    Lk__SignalRequest m = LK__SIGNAL_REQUEST__INIT;
    size_t n = 0;
    for (size_t i = 0; i < p->n_tracks && n < LOAD_TRACKS_MAX; i++) {
        if (load_intake_is_new(c, p->tracks[i]->sid)) {
            sids[n++] = p->tracks[i]->sid;
        }
    }
    if (n == 0) {
        return;
    }
    of.participant_sid = p->sid;
    of.track_sids = sids;
    of.n_track_sids = n;
    update.subscribe = true;
    update.track_sids = sids;
    update.n_track_sids = n;
    update.participant_tracks = ofs;
    update.n_participant_tracks = 1;
    m.message_case = LK__SIGNAL_REQUEST__MESSAGE_SUBSCRIPTION;
    m.subscription = &update;
    say(c, &m);
}

static void take_people(struct load_client *c, Lk__ParticipantInfo *const *people, size_t n) {
    for (size_t i = 0; i < n && !c->deaf; i++) {
        if (strcmp(people[i]->identity, c->name) != 0) {
            subscribe(c, people[i]);
        }
    }
}

static void take_update(struct load_client *c, const Lk__SignalResponse *m) {
    take_people(c, m->update->participants, m->update->n_participants);
}

/* --- the rest --- */

static void take_join(struct load_client *c, const Lk__SignalResponse *m) {
    const Lk__JoinResponse *join = m->join;
    c->state = LOAD_JOINED;
    c->pub.needed = c->sub.needed = true;
    for (size_t i = 0; i < join->n_other_participants; i++) {
        c->met_tracks |= join->other_participants[i]->n_tracks > 0;
    }
    for (size_t i = 0; i < c->n_tracks; i++) {
        add_track(c, &c->tracks[i]);
    }
    if (c->n_tracks == 0) {
        offer(c);
    }
    take_people(c, join->other_participants, join->n_other_participants);
}

static void take_trickle(struct load_client *c, const Lk__SignalResponse *m) {
    json_t *init = json_loads(m->trickle->candidateinit, 0, NULL);
    const char *text = json_string_value(json_object_get(init, "candidate"));
    bool pub = m->trickle->target == LK__SIGNAL_TARGET__PUBLISHER;
    if (text != NULL) {
        load_negotiate_candidate(pub ? &c->pub : &c->sub, text);
    }
    json_decref(init);
}

static void take_leave(struct load_client *c, const Lk__SignalResponse *m) {
    char why[64];
    snprintf(why, sizeof(why), "the server said leave, reason %d", (int)m->leave->reason);
    load_client_lost(c, why);
}

static void take_refusal(struct load_client *c, const Lk__SignalResponse *m) {
    char why[64];
    if (m->request_response->reason != LK__REQUEST_RESPONSE__REASON__OK &&
        m->request_response->reason != LK__REQUEST_RESPONSE__REASON__QUEUED) {
        snprintf(
            why, sizeof(why), "a request was refused, reason %d", (int)m->request_response->reason);
        load_client_fail(c, why);
    }
}

static void act(struct load_client *c, const Lk__SignalResponse *m) {
    static const struct {
        Lk__SignalResponse__MessageCase message;
        void (*take)(struct load_client *c, const Lk__SignalResponse *m);
    } rows[] = {
        { LK__SIGNAL_RESPONSE__MESSAGE_JOIN, take_join },
        { LK__SIGNAL_RESPONSE__MESSAGE_ANSWER, take_answer },
        { LK__SIGNAL_RESPONSE__MESSAGE_OFFER, take_offer },
        { LK__SIGNAL_RESPONSE__MESSAGE_TRICKLE, take_trickle },
        { LK__SIGNAL_RESPONSE__MESSAGE_UPDATE, take_update },
        { LK__SIGNAL_RESPONSE__MESSAGE_TRACK_PUBLISHED, take_published },
        { LK__SIGNAL_RESPONSE__MESSAGE_LEAVE, take_leave },
        { LK__SIGNAL_RESPONSE__MESSAGE_REQUEST_RESPONSE, take_refusal },
    };
    for (size_t i = 0; i < COUNT_OF(rows) && c->state != LOAD_FAILED; i++) {
        if (m->message_case == rows[i].message) {
            rows[i].take(c, m);
        }
    }
}

static void take_message(void *arg, const void *bytes, size_t len) {
    struct load_client *c = arg;
    struct ProtobufCMessage *m = NULL;
    struct arena a;
    arena_init(&a);
    c->shared->now_us = clock_mono_us();
    if (lk_convert_read(&lk__signal_response__descriptor, bytes, len, &a, &m) == OK) {
        act(c, (const Lk__SignalResponse *)m);
    }
    arena_finish(&a);
}

/* --- the door --- */

/* Gives *ret, a secret. */
static enum err make_token(const struct load_client *c, char **ret) {
    struct lk_grant *g = NULL;
    TRY(lk_grant_create(&g));
    g->identity = c->name;
    g->has_video = true;
    g->video.room = c->shared->room;
    g->video.room_join = LK_YES;
    g->expires_s = clock_wall_ms() / SEC_MS + TOKEN_SECONDS;
    enum err e = lk_grant_to_jwt(g, c->shared->keys, ret);
    lk_grant_destroy(g);
    return e;
}

static enum err join(struct load_client *c) {
    CLEANUP(buf_finish) struct buf path;
    char *token = NULL;
    buf_init(&path, 0);
    TRY(make_token(c, &token));
    buf_printf(&path, QUERY "%s", token);
    mem_free_secret(token);
    struct load_signal_config cfg = {
        .path = buf_str(&path), .message = take_message, .lost = load_client_lost, .arg = c
    };
    return load_signal_open(c->shared->signals, &cfg, &c->signal);
}

static void ping(struct load_client *c) {
    Lk__Ping ping = LK__PING__INIT;
    Lk__SignalRequest m = LK__SIGNAL_REQUEST__INIT;
    ping.timestamp = clock_wall_ms();
    m.message_case = LK__SIGNAL_REQUEST__MESSAGE_PING_REQ;
    m.ping_req = &ping;
    say(c, &m);
}

static void leave(struct load_client *c) {
    Lk__LeaveRequest leave = LK__LEAVE_REQUEST__INIT;
    Lk__SignalRequest m = LK__SIGNAL_REQUEST__INIT;
    leave.reason = LK__DISCONNECT_REASON__CLIENT_INITIATED;
    m.message_case = LK__SIGNAL_REQUEST__MESSAGE_LEAVE;
    m.leave = &leave;
    say(c, &m);
}

const struct load_door load_livekit = {
    .name = "livekit", .keyed = true, .data = true, .join = join, .ping = ping, .leave = leave
};
