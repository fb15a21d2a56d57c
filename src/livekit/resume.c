/* Taking over, and making up for what was missed. Main. */
#include "livekit/resume.h"

#include "core/log.h"
#include "http/socket.h"
#include "livekit/data_tracks.h"
#include "livekit/grant.h"
#include "livekit/messages.h"
#include "livekit/offering.h"
#include "livekit/session.h"
#include "livekit/verbs.h"
#include "rooms/observer.h"
#include "rooms/resume.h"
#include "rooms/subscription.h"
#include "rooms/vitals.h"

#include <string.h>
#include <utlist.h>

/* --- taking over --- */

/* The session that it comes back to; NULL, with the reason: it has to join anew. */
static struct lk_session *find_lost(const struct lk_session *s, const char **why) {
    const struct lk_entry *e = s->entry;
    const struct room *room = room_directory_find(s->signal->cfg.rooms, e->room);
    const struct room_member *m = room == NULL ? NULL : room_find_member(room, e->grant->identity);
    struct lk_session *lost = m == NULL || m->state == ROOM_JOINING ? NULL : lk_session_of(m);
    if (lost == NULL) {
        *why = "no such participant";
    } else if (e->sid != NULL && strcmp(e->sid, m->sid) != 0) {
        *why = "the identity has joined anew";
        lost = NULL;
    } else if (e->single != m->single) {
        *why = "another number of connections";
        lost = NULL;
    } else if (!room_remembers(room, lost->heard_us - LK_RESUME_UNHEARD_US)) {
        *why = "nobody knows any more who has left meanwhile";
        lost = NULL;
    }
    return lost;
}

/* The client is the one that it was; its token is the newest. */
static void inherit_entry(struct lk_session *s, struct lk_session *lost) {
    struct lk_entry *entry = lost->entry;
    struct lk_grant *grant = entry->grant;
    entry->grant = s->entry->grant;
    s->entry->grant = grant;
    lost->entry = s->entry;
    s->entry = entry;
    s->entry->room = s->entry->grant->video.room; /* it lies there */
    lost->entry->room = lost->entry->grant->video.room;
}

static void on_no_sequence(struct wheel_timer *t, int64_t now_us) {
    (void)now_us;
    lk_resume_answer((struct lk_session *)((char *)t - offsetof(struct lk_session, patience)), 0);
}

void lk_resume_begin(struct lk_session *s) {
    const char *why = NULL;
    struct lk_session *lost = find_lost(s, &why);
    if (lost == NULL) {
        LOG_INFO(&log_root, "resume_refused", "room=%s identity=%s text=%s", LOG_Q(s->entry->room),
            LOG_Q(s->entry->grant->identity), LOG_Q(why));
        lk_session_say_leave(s, ROOM_MISMATCH);
        return;
    }
    LOG_INFO(&lost->member->log, "client_resumes", "socket=%s",
        lost->socket == NULL ? "was lost" : "is replaced");
    s->member = lost->member;
    inherit_entry(s, lost);
    lk_negotiation_inherit(s, lost);
    s->publishing = lost->publishing;
    lost->publishing = (struct lk_publishing){ 0 };
    room_hand_over(s->member, s);
    lk_session_forsake(lost);
    s->resuming = true;
    room_timer_arm(s->signal->cfg.rooms, &s->patience, LK_RESUME_WAIT_US, on_no_sequence);
    room_ask_sequence(s->member);
}

/* --- what is there now --- */

static bool say_reconnect(struct lk_session *s, uint32_t last, struct arena *a) {
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_RECONNECT;
    m.reconnect = lk_message_reconnect(s->member, &s->signal->cfg, s->signal->node_id, last, a);
    if (m.reconnect != NULL) {
        lk_session_say(s, &m);
    }
    return m.reconnect != NULL;
}

/* Who has left and come again is there: clients go by the identity. */
static bool say_people(struct lk_session *s, struct arena *a) {
    const struct room *room = s->member->room;
    const struct room_departed *d = NULL;
    const struct room_member *other = NULL;
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    Lk__ParticipantUpdate update = LK__PARTICIPANT_UPDATE__INIT;
    update.participants =
        arena_array(a, room->n_departed + room->n_members, sizeof(*update.participants));
    if (update.participants == NULL) {
        return false;
    }
    DL_FOREACH(room->departed, d) {
        if (room_find_member(room, d->identity) == NULL) {
            update.participants[update.n_participants++] = lk_message_departed(d, a);
        }
    }
    DL_FOREACH(room->members, other) {
        if (room_sees(s->member, other)) {
            update.participants[update.n_participants++] = lk_message_participant(other, a);
        }
    }
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_UPDATE;
    m.update = &update;
    if (!a->failed) {
        lk_session_say(s, &m);
    }
    return !a->failed;
}

static void say_tracks(struct lk_session *s) {
    const struct room_member *m = s->member;
    const struct room_observer *o = m->observer;
    const struct room_publication *p = NULL;
    DL_FOREACH(m->publications, p) {
        if (p->subscribed) {
            o->subscribed(s, p);
        }
        if (p->quality != ROOM_QUALITY_QUIET) {
            o->quality(s, p, p->quality);
        }
        if (p->silenced) {
            o->silenced(s, p);
        }
    }
    for (const struct room_subscription *sub = m->subscriptions; sub != NULL; sub = sub->hh.next) {
        if (sub->publication != NULL && sub->told != ROOM_UNTOLD) {
            o->permission(s, sub->publication, sub->told == ROOM_ALLOWED);
        }
        if (sub->flow != ROOM_FLOW_UNTOLD) {
            o->flow(s, sub, sub->flow == ROOM_FLOWS);
        }
    }
    if (m->data_subscriptions != NULL) {
        o->data_handles(s);
    }
}

void lk_resume_answer(struct lk_session *s, uint32_t last) {
    struct arena a;
    if (!s->resuming) {
        return; /* it was too late, or the socket is lost again */
    }
    s->resuming = false;
    room_timer_disarm(s->signal->cfg.rooms, &s->patience);
    arena_init(&a);
    const bool fine = say_reconnect(s, last, &a) && say_people(s, &a);
    arena_finish(&a);
    if (!fine) { /* it comes again: the membership stays */
        LOG_WARN(&s->member->log, "resume_failed", "cause=%s", err_name(ERR_NOMEM));
        http_socket_close(s->socket, HTTP_SOCKET_SLOW, "a message was lost");
        return;
    }
    s->awaits_state = true;
    s->member->observer->room(s);
    lk_session_begin_tokens(s);
    say_tracks(s);
    room_vitals_tell(s->member);
    if (!s->member->single) {
        lk_offering_restart(s);
    }
}

/* --- what the client knows --- */

static bool is_listed(const Lk__SyncState *state, const char *sid) {
    bool found = false;
    for (size_t i = 0; i < state->n_publish_tracks && !found; i++) {
        const Lk__TrackInfo *t = state->publish_tracks[i]->track;
        found = t != NULL && strcmp(t->sid, sid) == 0;
    }
    return found;
}

/* A track of which only the client knows cannot be made up for. */
static bool has_all(const struct lk_session *s, const Lk__SyncState *state) {
    size_t found = 0;
    const struct lk_announced *t = NULL;
    DL_FOREACH(s->publishing.announced, t) {
        found += is_listed(state, t->track.sid) ? 1 : 0;
    }
    return found >= state->n_publish_tracks;
}

static void say_unheard(struct lk_session *s, const Lk__SyncState *state) {
    const struct lk_announced *t = NULL;
    DL_FOREACH(s->publishing.announced, t) {
        if (!t->queued && !is_listed(state, t->track.sid)) {
            lk_publishing_say(s, t);
        }
    }
}

static void disable(struct lk_session *s, const char *sid) {
    const struct room_subscription *sub = NULL;
    HASH_FIND_STR(s->member->subscriptions, sid, sub);
    if (sub != NULL && !sub->wanted.disabled) {
        struct room_wanted wanted = sub->wanted;
        wanted.disabled = true;
        if (room_want(s->member, sid, &wanted) != OK) {
            LOG_WARN(&s->member->log, "setting_failed", "text=%s", LOG_Q(err_text()));
        }
    }
}

void lk_resume_take_state(struct lk_session *s, const Lk__SyncState *state) {
    if (!s->awaits_state) {
        return;
    }
    s->awaits_state = false;
    if (!has_all(s, state) || !lk_data_tracks_has_all(s, state)) {
        LOG_INFO(&s->member->log, "resume_refused", "text=%s", LOG_Q("a track is gone"));
        lk_session_begin_anew(s);
        return;
    }
    say_unheard(s, state);
    lk_data_tracks_say_unheard(s, state);
    if (state->subscription != NULL) {
        lk_verbs_subscribe(s, state->subscription);
    }
    for (size_t i = 0; i < state->n_track_sids_disabled; i++) {
        disable(s, state->track_sids_disabled[i]);
    }
}
