/* One client: joining, hearing, leaving. Main. */
#include "livekit/session.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metrics.h"
#include "http/socket.h"
#include "livekit/convert.h"
#include "livekit/data_tracks.h"
#include "livekit/grant.h"
#include "livekit/messages.h"
#include "livekit/resume.h"
#include "livekit/verbs.h"
#include "livekit/vitals.h"

#include <string.h>
#include <utlist.h>

METRIC_GAUGE(sessions_now, "parley_livekit_sessions", "Clients of LiveKit's signalling.");
METRIC_COUNTER(
    broken, "parley_livekit_messages_broken_total", "Messages of clients that could not be read.");

static const struct room_observer observer;

/* --- saying --- */

bool lk_session_is_heard(const struct lk_session *s) {
    return s->socket != NULL && !s->over && !s->resuming;
}

void lk_session_say(struct lk_session *s, const Lk__SignalResponse *m) {
    CLEANUP(buf_finish) struct buf bytes;
    buf_init(&bytes, LK_CONVERT_MAX_BYTES);
    if (!lk_session_is_heard(s)) {
        return;
    }
    enum err e = lk_convert_write_response(m, &bytes);
    if (e == OK) {
        e = http_socket_send(s->socket, bytes.data, bytes.len, true);
    }
    if (e != OK && e != ERR_GONE) {
        /* What was not said cannot be made up for: the client has to come again. */
        LOG_WARN(s->member == NULL ? &log_root : &s->member->log, "message_not_sent",
            "message=%d cause=%s text=%s", (int)m->message_case, err_name(e), LOG_Q(err_text()));
        http_socket_close(s->socket, HTTP_SOCKET_SLOW, "a message was lost");
    }
}

void lk_session_say_leave(struct lk_session *s, enum room_reason reason) {
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    Lk__LeaveRequest leave = LK__LEAVE_REQUEST__INIT;
    leave.reason = lk_message_reason(reason);
    leave.action = lk_message_action(reason);
    leave.can_reconnect = leave.action != LK__LEAVE_REQUEST__ACTION__DISCONNECT;
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_LEAVE;
    m.leave = &leave;
    s->resuming = false; /* the only one that may come before `reconnect` */
    lk_session_say(s, &m);
    s->over = true;
    if (s->socket != NULL) {
        http_socket_close(s->socket, HTTP_SOCKET_NORMAL, NULL);
    }
}

void lk_session_begin_anew(struct lk_session *s) {
    if (s->member != NULL) {
        room_leave(s->member, ROOM_MISMATCH);
    }
}

void lk_session_say_outcome(struct lk_session *s, Lk__RequestResponse *outcome,
    Lk__RequestResponse__Reason reason, const char *text) {
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    outcome->reason = reason;
    outcome->message = (char *)text;
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_REQUEST_RESPONSE;
    m.request_response = outcome;
    lk_session_say(s, &m);
}

/* --- the token --- */

static void set_rights(struct lk_video *v, const struct room_grant *g) {
    v->can_publish = g->publish ? LK_YES : LK_NO;
    v->can_subscribe = g->subscribe ? LK_YES : LK_NO;
    v->can_publish_data = g->publish_data ? LK_YES : LK_NO;
    v->can_update_own_metadata = g->update_own_metadata ? LK_YES : LK_NO;
    v->hidden = g->hidden ? LK_YES : LK_UNSAID;
}

/* What the client says when it comes again: as it is now, not as it was when the token was made. */
static enum err make_token(const struct lk_session *s, char **ret) {
    const struct room_member *m = s->member;
    const int64_t now_s = lk_signal_wall_ms(&s->signal->cfg) / 1000;
    struct lk_grant *g = mem_alloc(sizeof(*g));
    if (g == NULL) {
        return err_set(ERR_NOMEM, "no memory for a token");
    }
    *g = *s->entry->grant;
    g->name = m->name;
    g->metadata = m->metadata;
    g->not_before_s = now_s; /* younger than what livekit/revoked has heard of so far */
    if (g->expires_s < now_s + LK_REFRESH_S) {
        g->expires_s = now_s + LK_REFRESH_S;
    }
    set_rights(&g->video, &m->grant);
    g->n_attributes = 0;
    for (size_t i = 0; i < m->n_attributes && i < LK_ATTRIBUTES_MAX; i++) {
        g->attributes[g->n_attributes++] =
            (struct lk_attribute){ m->attributes[i].key, m->attributes[i].value };
    }
    enum err e = lk_grant_to_jwt(g, s->signal->cfg.keys, ret);
    mem_free(g);
    return e;
}

static void say_token(struct lk_session *s) {
    CLEANUP(mem_freep) char *token = NULL;
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    enum err e = make_token(s, &token);
    if (e != OK) {
        LOG_WARN(&s->member->log, "token_not_refreshed", "cause=%s", err_name(e));
        return;
    }
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_REFRESH_TOKEN;
    m.refresh_token = token;
    lk_session_say(s, &m);
}

static void on_refresh(struct wheel_timer *t, int64_t now_us) {
    struct lk_session *s = (struct lk_session *)((char *)t - offsetof(struct lk_session, refresh));
    (void)now_us;
    say_token(s);
    room_timer_arm(s->signal->cfg.rooms, &s->refresh, LK_REFRESH_US, on_refresh);
}

void lk_session_begin_tokens(struct lk_session *s) {
    say_token(s);
    room_timer_arm(s->signal->cfg.rooms, &s->refresh, LK_REFRESH_US, on_refresh);
}

/* --- life --- */

/* Nothing is waited for on behalf of a client that cannot hear. */
static void rest(struct lk_session *s) {
    lk_negotiation_rest(s);
    room_timer_disarm(s->signal->cfg.rooms, &s->refresh);
    room_timer_disarm(s->signal->cfg.rooms, &s->patience);
}

static void free_session(struct lk_session *s) {
    rest(s);
    lk_negotiation_finish(s);
    lk_publishing_finish(s);
    lk_entry_destroy(s->entry);
    DL_DELETE(s->signal->sessions, s);
    metric_add(&sessions_now, -1);
    mem_free(s);
}

void lk_session_metrics(void) {
    metrics_register(&sessions_now);
    metrics_register(&broken);
}

enum err lk_session_create(
    struct lk_signal *signal, struct lk_entry *entry, struct lk_session **ret) {
    struct lk_session *s = mem_zalloc(sizeof(*s));
    if (s == NULL) {
        return err_set(ERR_NOMEM, "no memory for a client");
    }
    s->signal = signal;
    s->entry = entry;
    s->waiting = true;
    enum err e = lk_negotiation_init(s);
    if (e != OK) {
        arena_finish(&s->negotiation.offer_arena);
        mem_free(s);
        return e;
    }
    metric_add(&sessions_now, 1);
    DL_APPEND(signal->sessions, s);
    *ret = s;
    return OK;
}

static enum err join(struct lk_session *s) {
    const struct lk_entry *e = s->entry;
    const struct room_member_config cfg = { .identity = e->grant->identity,
        .name = e->grant->name,
        .metadata = e->metadata,
        .attributes = e->attributes,
        .n_attributes = e->n_attributes,
        .kind = lk_entry_kind(e->grant),
        .grant = lk_entry_rights(e->grant),
        .auto_subscribe = e->auto_subscribe,
        .auto_subscribe_data = e->auto_subscribe_data,
        .may_pause = e->may_pause,
        .single = e->single,
        .protocol = e->client_protocol,
        .capabilities = e->capabilities,
        .observer = &observer,
        .arg = s };
    return room_join(s->signal->cfg.rooms, e->room, &e->room_config, &cfg, &s->member);
}

static enum err say_join(struct lk_session *s) {
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    struct arena a;
    arena_init(&a);
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_JOIN;
    m.join = lk_message_join(s->member, &s->signal->cfg, s->signal->node_id, &a);
    const bool fine = m.join != NULL;
    if (fine) {
        lk_session_say(s, &m);
    }
    arena_finish(&a);
    return fine ? OK : err_set(ERR_NOMEM, "no memory for a join response");
}

/* What a join_request asked for besides (livekit-protocol 2.3). */
static void take_join_request(struct lk_session *s) {
    const Lk__JoinRequest *j = s->entry->join;
    for (size_t i = 0; i < j->n_add_track_requests && s->member != NULL; i++) {
        lk_publishing_announce(s, j->add_track_requests[i]);
    }
    if (j->publisher_offer == NULL || s->member == NULL) {
        return;
    }
    if (s->entry->offers_late) {
        lk_negotiation_hold_offer(s, j->publisher_offer);
    } else {
        lk_negotiation_take_offer(s, j->publisher_offer);
    }
}

static void open_session(struct lk_session *s) {
    if (s->signal->draining) {
        lk_session_say_leave(s, ROOM_SHUTDOWN);
        return;
    }
    if (s->entry->reconnect) {
        lk_resume_begin(s);
        return;
    }
    enum err e = join(s);
    if (e != OK) {
        LOG_WARN(&log_root, "join_failed", "room=%s cause=%s text=%s", LOG_Q(s->entry->room),
            err_name(e), LOG_Q(err_text()));
        lk_session_say_leave(s, ROOM_NEVER_ACTIVE);
        return;
    }
    LOG_INFO(&s->member->log, "client_joined", "client=%s protocol=%d", LOG_Q(s->entry->client),
        s->entry->protocol);
    if (say_join(s) != OK) {
        room_leave(s->member, ROOM_NEVER_ACTIVE);
        return;
    }
    lk_session_begin_tokens(s);
    room_joined(s->member);
    if (s->member->single) {
        take_join_request(s);
    } else {
        lk_negotiation_begin(s);
    }
}

void lk_session_open(struct lk_session *s, struct http_socket *socket) {
    s->socket = socket;
    s->heard_us = room_directory_now(s->signal->cfg.rooms);
    open_session(s);
    lk_entry_shrink(s->entry);
}

void lk_session_take(struct lk_session *s, const char *bytes, size_t len, bool binary) {
    struct arena a;
    Lk__SignalRequest *r = NULL;
    if (s->member == NULL || !lk_session_is_heard(s)) {
        return;
    }
    s->heard_us = room_directory_now(s->signal->cfg.rooms);
    arena_init(&a);
    enum err e = binary ? lk_convert_read_request((const uint8_t *)bytes, len, &a, &r)
                        : err_set(ERR_INVALID, "a text message");
    if (e == OK) {
        lk_verbs_take(s, r);
    } else {
        metric_add(&broken, 1);
        LOG_WARN(
            &s->member->log, "message_broken", "cause=%s text=%s", err_name(e), LOG_Q(err_text()));
        http_socket_close(s->socket, HTTP_SOCKET_POLICY, "not a SignalRequest");
    }
    arena_finish(&a);
}

void lk_session_close(struct lk_session *s) {
    s->waiting = false;
    s->socket = NULL;
    rest(s);
    if (s->member == NULL) {
        free_session(s);
    } else if (s->member->state == ROOM_ACTIVE) {
        LOG_INFO(&s->member->log, "signal_lost", "media=going_on");
    } else {
        room_leave(s->member, ROOM_SIGNAL_LOST); /* frees the session */
    }
}

struct lk_session *lk_session_of(const struct room_member *m) {
    return m->observer == &observer ? m->arg : NULL;
}

void lk_session_forsake(struct lk_session *s) {
    rest(s);
    s->member = NULL;
    s->over = true;
    if (!s->waiting) {
        free_session(s);
    } else if (s->socket != NULL) {
        http_socket_close(s->socket, HTTP_SOCKET_NORMAL, NULL);
    }
}

/* --- hearing --- */

static void on_member(void *arg, const struct room_member *about) {
    struct lk_session *s = arg;
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    Lk__ParticipantUpdate update = LK__PARTICIPANT_UPDATE__INIT;
    struct arena a;
    if (s->socket == NULL) {
        return;
    }
    arena_init(&a);
    Lk__ParticipantInfo *info = lk_message_participant(about, &a);
    update.participants = &info;
    update.n_participants = 1;
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_UPDATE;
    m.update = &update;
    if (info != NULL) {
        lk_session_say(s, &m);
    }
    arena_finish(&a);
}

static void on_room(void *arg) {
    struct lk_session *s = arg;
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    Lk__RoomUpdate update = LK__ROOM_UPDATE__INIT;
    struct arena a;
    arena_init(&a);
    update.room = lk_message_room(s->member->room, &a);
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_ROOM_UPDATE;
    m.room_update = &update;
    if (update.room != NULL) {
        lk_session_say(s, &m);
    }
    arena_finish(&a);
}

static void on_subscribe(void *arg, struct room_subscription *sub) {
    lk_negotiation_add(arg, sub);
}

static void on_unsubscribe(void *arg, struct room_subscription *sub) {
    lk_negotiation_remove(arg, sub);
}

static void on_permission(void *arg, const struct room_publication *p, bool allowed) {
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    Lk__SubscriptionPermissionUpdate update = LK__SUBSCRIPTION_PERMISSION_UPDATE__INIT;
    update.participant_sid = p->member->sid;
    update.track_sid = (char *)p->track.sid;
    update.allowed = allowed;
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_SUBSCRIPTION_PERMISSION_UPDATE;
    m.subscription_permission_update = &update;
    lk_session_say(arg, &m);
}

static void on_unfit(void *arg, const struct room_subscription *sub) {
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    Lk__SubscriptionResponse r = LK__SUBSCRIPTION_RESPONSE__INIT;
    r.track_sid = (char *)sub->sid;
    r.err = LK__SUBSCRIPTION_ERROR__SE_CODEC_UNSUPPORTED;
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_SUBSCRIPTION_RESPONSE;
    m.subscription_response = &r;
    lk_session_say(arg, &m);
}

static void on_flow(void *arg, const struct room_subscription *sub, bool flows) {
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    Lk__StreamStateUpdate update = LK__STREAM_STATE_UPDATE__INIT;
    Lk__StreamStateInfo info = LK__STREAM_STATE_INFO__INIT;
    Lk__StreamStateInfo *infos[] = { &info };
    info.participant_sid = sub->publication->member->sid;
    info.track_sid = (char *)sub->sid;
    info.state = flows ? LK__STREAM_STATE__ACTIVE : LK__STREAM_STATE__PAUSED;
    update.stream_states = infos;
    update.n_stream_states = 1;
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_STREAM_STATE_UPDATE;
    m.stream_state_update = &update;
    lk_session_say(arg, &m);
}

static void on_subscribed(void *arg, const struct room_publication *p) {
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    Lk__TrackSubscribed t = LK__TRACK_SUBSCRIBED__INIT;
    t.track_sid = (char *)p->track.sid;
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_TRACK_SUBSCRIBED;
    m.track_subscribed = &t;
    lk_session_say(arg, &m);
}

static void on_quality(void *arg, const struct room_publication *p, int quality) {
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    struct arena a;
    arena_init(&a);
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_SUBSCRIBED_QUALITY_UPDATE;
    m.subscribed_quality_update = lk_message_quality(p, quality, &a);
    if (m.subscribed_quality_update != NULL) {
        lk_session_say(arg, &m);
    }
    arena_finish(&a);
}

static void on_unpublished(void *arg, const struct room_publication *p) {
    lk_publishing_taken(arg, p);
}

static void on_silenced(void *arg, const struct room_publication *p) {
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    Lk__MuteTrackRequest mute = LK__MUTE_TRACK_REQUEST__INIT;
    mute.sid = (char *)p->track.sid;
    mute.muted = true;
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_MUTE;
    m.mute = &mute;
    lk_session_say(arg, &m);
}

static void on_self(void *arg) {
    say_token(arg);
}

/* Its media may come by another way than before: whoever loses the socket comes back, and looks for
 * one. leave{RESUME} would say the same, but LiveKit's Rust SDK (livekit-ffi 0.12) counts that and
 * the end of the socket as two failures, and joins anew after the second. */
static void on_silent(void *arg) {
    const struct lk_session *s = arg;
    if (s->socket != NULL) {
        http_socket_close(s->socket, HTTP_SOCKET_GOING_AWAY, "no media comes");
    }
}

static void on_sequence(void *arg, uint32_t last) {
    lk_resume_answer(arg, last);
}

static void on_leave(void *arg, enum room_reason reason) {
    struct lk_session *s = arg;
    lk_session_say_leave(s, reason);
    lk_session_forsake(s);
}

static const struct room_observer observer = {
    .member = on_member,
    .room = on_room,
    .subscribe = on_subscribe,
    .unsubscribe = on_unsubscribe,
    .permission = on_permission,
    .unfit = on_unfit,
    .flow = on_flow,
    .subscribed = on_subscribed,
    .quality = on_quality,
    .unpublished = on_unpublished,
    .silenced = on_silenced,
    .data_handles = lk_data_tracks_handles,
    .data_unpublished = lk_data_tracks_taken,
    .self = on_self,
    .silent = on_silent,
    .sequence = on_sequence,
    .voices = lk_vitals_voices,
    .qualities = lk_vitals_qualities,
    .leave = on_leave,
};
