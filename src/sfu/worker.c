/* What main asked for, done; what happened, told. */
#include "sfu/worker.h"

#include "core/crypto.h"
#include "core/mem.h"
#include "sfu/channels.h"
#include "sfu/data.h"
#include "sfu/data_track.h"
#include "sfu/room.h"
#include "sfu/subscription.h"
#include "sfu/track.h"
#include "sfu/transport.h"

#include <string.h>

const char *sfu_drop_name(enum sfu_drop why) {
    static const char *const names[SFU_DROPS] = {
        [SFU_DROP_MALFORMED] = "payload",
        [SFU_DROP_STRANGER] = "stranger",
        [SFU_DROP_PAYLOAD_TYPE] = "payload_type",
        [SFU_DROP_STRAY] = "stray",
        [SFU_DROP_REPEATED] = "repeated",
        [SFU_DROP_RTCP] = "rtcp",
        [SFU_DROP_DATA_MALFORMED] = "data_malformed",
        [SFU_DROP_DATA_FORBIDDEN] = "data_forbidden",
        [SFU_DROP_DATA_REPEATED] = "data_repeated",
        [SFU_DROP_DATA_STRAY] = "data_stray",
    };
    return names[why];
}

/* --- told to main --- */

struct sfu_event *sfu_worker_event(struct sfu_worker *w, enum sfu_event_type type, sfu_id id) {
    struct sfu_event *e = mem_zalloc(sizeof(*e));
    if (e == NULL) {
        w->stats.messages_failed++;
        return NULL;
    }
    e->type = type;
    e->id = id;
    return e;
}

void sfu_worker_tell(struct sfu_worker *w, struct sfu_event *event) {
    mailbox_post(w->outbox, &event->mail);
}

uint32_t sfu_worker_random(struct sfu_worker *w) {
    w->random ^= w->random << 13; /* xorshift: never 0 */
    w->random ^= w->random >> 17;
    w->random ^= w->random << 5;
    return w->random;
}

/* --- asked by main: a function a message. What is not there any more is no error. --- */

static enum err open_room(struct sfu_worker *w, const struct sfu_message *m) {
    return sfu_room_create(w, m->id);
}

static enum err open_participant(struct sfu_worker *w, const struct sfu_message *m) {
    struct sfu_room *r = sfu_registry_find(&w->registry, SFU_ROOM, m->owner);
    return r == NULL ? OK : sfu_participant_create(r, m->id);
}

/* A transport that cannot be made, or is told nonsense, has ended for main. */
static void tell_end(struct sfu_worker *w, sfu_id id, enum sfu_end why) {
    struct sfu_event *e = sfu_worker_event(w, SFU_EVENT_TRANSPORT, id);
    if (e != NULL) {
        e->transport.state = SFU_TRANSPORT_ENDED;
        e->transport.end = why;
        sfu_worker_tell(w, e);
    }
}

static enum err open_transport(struct sfu_worker *w, const struct sfu_message *m) {
    struct sfu_participant *p = sfu_registry_find(&w->registry, SFU_PARTICIPANT, m->owner);
    enum err e = p == NULL ? OK : sfu_transport_create(w, m->id, p, &m->transport.local);
    if (e != OK || p == NULL) {
        tell_end(w, m->id, SFU_END_HANDSHAKE);
    }
    return e;
}

static enum err connect_transport(struct sfu_worker *w, const struct sfu_message *m) {
    struct sfu_transport *t = sfu_registry_find(&w->registry, SFU_TRANSPORT, m->id);
    if (t == NULL) {
        return OK;
    }
    enum err e = media_transport_connect(t->media, &m->transport.remote, &m->transport.dtls);
    if (e != OK) {
        sfu_transport_state(t, MEDIA_ENDED, MEDIA_END_FINGERPRINT);
    }
    return e;
}

static enum err restart_transport(struct sfu_worker *w, const struct sfu_message *m) {
    struct sfu_transport *t = sfu_registry_find(&w->registry, SFU_TRANSPORT, m->id);
    return t == NULL ? OK
                     : media_transport_restart(t->media, &m->transport.local,
                           m->transport.has_remote ? &m->transport.remote : NULL);
}

static enum err set_data(struct sfu_worker *w, const struct sfu_message *m) {
    struct sfu_participant *p = sfu_registry_find(&w->registry, SFU_PARTICIPANT, m->id);
    return p == NULL ? OK : sfu_data_set(p, &m->data);
}

static enum err carry_data(struct sfu_worker *w, const struct sfu_message *m) {
    struct sfu_transport *t = sfu_registry_find(&w->registry, SFU_TRANSPORT, m->id);
    return t == NULL || t->ended ? OK : sfu_channels_set(t, m->channels.ours, m->channels.down);
}

static enum err send_data(struct sfu_worker *w, const struct sfu_message *m) {
    struct sfu_room *r = sfu_registry_find(&w->registry, SFU_ROOM, m->id);
    if (r != NULL) {
        sfu_data_say(r, m->send.reliable, m->send.bytes, m->send.len);
    }
    return OK;
}

/* What was awaited and never came adds up: bounded, since it is only told. */
static enum err await_answers(struct sfu_worker *w, const struct sfu_message *m) {
    struct sfu_participant *p = sfu_registry_find(&w->registry, SFU_PARTICIPANT, m->id);
    if (p != NULL && p->data != NULL) {
        const uint32_t more = p->data->awaited + m->answers;
        p->data->awaited = more < SFU_DATA_AWAITED_MOST ? more : SFU_DATA_AWAITED_MOST;
    }
    return OK;
}

static enum err ask_sequence(struct sfu_worker *w, const struct sfu_message *m) {
    struct sfu_participant *p = sfu_registry_find(&w->registry, SFU_PARTICIPANT, m->id);
    struct sfu_event *e = p == NULL ? NULL : sfu_worker_event(w, SFU_EVENT_SEQUENCE, m->id);
    if (e != NULL) {
        e->sequence = p->data == NULL ? 0 : p->data->sequence;
        sfu_worker_tell(w, e);
    }
    return OK;
}

static enum err open_data_track(struct sfu_worker *w, const struct sfu_message *m) {
    struct sfu_participant *p = sfu_registry_find(&w->registry, SFU_PARTICIPANT, m->owner);
    return p == NULL ? OK : sfu_data_track_create(p, m->id, m->packets.handle);
}

static enum err open_data_subscription(struct sfu_worker *w, const struct sfu_message *m) {
    struct sfu_participant *p = sfu_registry_find(&w->registry, SFU_PARTICIPANT, m->owner);
    struct sfu_data_track *t = sfu_registry_find(&w->registry, SFU_DATA_TRACK, m->packets.track);
    return p == NULL || t == NULL ? OK
                                  : sfu_data_subscription_create(p, m->id, t, m->packets.handle);
}

static enum err open_track(struct sfu_worker *w, const struct sfu_message *m) {
    struct sfu_transport *t = sfu_registry_find(&w->registry, SFU_TRANSPORT, m->owner);
    enum err e = t == NULL ? OK : sfu_track_create(w, m->id, t, &m->track);
    struct sfu_event *failed = e == OK ? NULL : sfu_worker_event(w, SFU_EVENT_TRACK_FAILED, m->id);
    if (failed != NULL) {
        sfu_worker_tell(w, failed);
    }
    return e;
}

static enum err update_track(struct sfu_worker *w, const struct sfu_message *m) {
    struct sfu_track *t = sfu_registry_find(&w->registry, SFU_TRACK, m->id);
    return t == NULL ? OK : sfu_track_change(t, &m->params);
}

static enum err mute_track(struct sfu_worker *w, const struct sfu_message *m) {
    struct sfu_track *t = sfu_registry_find(&w->registry, SFU_TRACK, m->id);
    if (t != NULL) {
        sfu_track_set_muted(t, m->muted);
    }
    return OK;
}

/* Main shall not wait for packets of a track that ended while it asked, or could not be made. */
static void tell_nothing_to_hear(struct sfu_worker *w, sfu_id id) {
    struct sfu_event *e = sfu_worker_event(w, SFU_EVENT_SUBSCRIPTION, id);
    if (e != NULL) {
        e->subscription = SFU_SUBSCRIPTION_ENDED;
        sfu_worker_tell(w, e);
    }
}

static enum err open_subscription(struct sfu_worker *w, const struct sfu_message *m) {
    struct sfu_transport *t = sfu_registry_find(&w->registry, SFU_TRANSPORT, m->owner);
    struct sfu_track *track = sfu_registry_find(&w->registry, SFU_TRACK, m->subscription.track);
    if (t == NULL || track == NULL) {
        tell_nothing_to_hear(w, m->id);
        return OK;
    }
    enum err e = sfu_subscription_create(w, m->id, t, track, &m->subscription);
    if (e != OK && e != ERR_INVALID) { /* that one has been told already */
        tell_nothing_to_hear(w, m->id);
    }
    return e;
}

static enum err want(struct sfu_worker *w, const struct sfu_message *m) {
    struct sfu_subscription *s = sfu_registry_find(&w->registry, SFU_SUBSCRIPTION, m->id);
    if (s != NULL) {
        sfu_subscription_set(s, &m->wanted);
    }
    return OK;
}

static void close_object(struct sfu_object *o) {
    switch (o->type) {
    case SFU_ROOM:
        sfu_room_destroy((struct sfu_room *)o);
        break;
    case SFU_PARTICIPANT:
        sfu_participant_destroy((struct sfu_participant *)o);
        break;
    case SFU_TRANSPORT:
        sfu_transport_destroy((struct sfu_transport *)o);
        break;
    case SFU_TRACK:
        sfu_track_destroy((struct sfu_track *)o);
        break;
    case SFU_DATA_TRACK:
        sfu_data_track_destroy((struct sfu_data_track *)o);
        break;
    case SFU_DATA_SUBSCRIPTION:
        sfu_data_subscription_destroy((struct sfu_data_subscription *)o);
        break;
    default:
        sfu_subscription_destroy((struct sfu_subscription *)o);
        break;
    }
}

static enum err close_one(struct sfu_worker *w, const struct sfu_message *m) {
    for (enum sfu_type type = 0; type < SFU_TYPES; type++) {
        struct sfu_object *o = sfu_registry_find(&w->registry, type, m->id);
        if (o != NULL) {
            close_object(o);
        }
    }
    return OK;
}

static void close_rooms(struct sfu_worker *w) {
    while (w->rooms != NULL) {
        sfu_room_destroy(w->rooms);
    }
}

static enum err close_all(struct sfu_worker *w, const struct sfu_message *m) {
    (void)m;
    close_rooms(w);
    return OK;
}

static enum err (*const actions[SFU_MESSAGES])(struct sfu_worker *, const struct sfu_message *) = {
    [SFU_OPEN_ROOM] = open_room,
    [SFU_OPEN_PARTICIPANT] = open_participant,
    [SFU_OPEN_TRANSPORT] = open_transport,
    [SFU_CONNECT_TRANSPORT] = connect_transport,
    [SFU_RESTART_TRANSPORT] = restart_transport,
    [SFU_SET_DATA] = set_data,
    [SFU_CARRY_DATA] = carry_data,
    [SFU_SEND_DATA] = send_data,
    [SFU_AWAIT_ANSWERS] = await_answers,
    [SFU_ASK_SEQUENCE] = ask_sequence,
    [SFU_OPEN_DATA_TRACK] = open_data_track,
    [SFU_OPEN_DATA_SUBSCRIPTION] = open_data_subscription,
    [SFU_OPEN_TRACK] = open_track,
    [SFU_UPDATE_TRACK] = update_track,
    [SFU_MUTE_TRACK] = mute_track,
    [SFU_OPEN_SUBSCRIPTION] = open_subscription,
    [SFU_WANT] = want,
    [SFU_CLOSE] = close_one,
    [SFU_CLOSE_ALL] = close_all,
};

static void free_message(struct sfu_message *m) {
    if (m->type == SFU_SEND_DATA) {
        mem_free(m->send.bytes);
    }
    explicit_bzero(m, sizeof(*m)); /* it may hold a password of ICE */
    mem_free(m);
}

/* --- the turn --- */

static void messages(void *arg, int64_t now_us) {
    (void)now_us;
    struct sfu_worker *w = arg;
    struct mail *mail = mailbox_collect(&w->inbox);
    if (mail != NULL) {
        media_worker_flush(w->media);
    }
    for (struct mail *next; mail != NULL; mail = next) {
        struct sfu_message *m = (struct sfu_message *)mail;
        next = mail->next;
        w->stats.messages_failed += actions[m->type](w, m) != OK;
        free_message(m);
    }
}

/* The door has been ticked by the turn itself: this only makes one happen. */
static void sctp_due(struct wheel_timer *timer, int64_t now_us) {
    (void)timer;
    (void)now_us;
}

static void tick_sctp(struct sfu_worker *w, int64_t now_us) {
    if (w->n_channels > 0) {
        rtc_sctp_tick(w->sctp, now_us);
    }
    int64_t next = rtc_sctp_next_us(w->sctp);
    if (next == INT64_MAX) {
        wheel_disarm(&w->media->wheel, &w->sctp_timer);
    } else {
        wheel_arm(&w->media->wheel, &w->sctp_timer, next, sctp_due);
    }
}

static void end_of_turn(void *arg, int64_t now_us) {
    struct sfu_worker *w = arg;
    tick_sctp(w, now_us);
    if (w->ended != NULL) {
        media_worker_flush(w->media);
    }
    while (w->ended != NULL) {
        sfu_transport_destroy(w->ended);
    }
    sfu_counters_tell(w, now_us);
}

const struct media_hooks sfu_worker_hooks = {
    .messages = messages,
    .rtp = sfu_transport_rtp,
    .rtcp = sfu_transport_rtcp,
    .data = sfu_channels_data,
    .state = sfu_transport_state,
    .end_of_turn = end_of_turn,
};

/* --- life --- */

/* Another worker's tick has left something for us. */
static void wake_for_sctp(void *arg) {
    struct sfu_worker *w = arg;
    if (w->inbox.wake != NULL) {
        w->inbox.wake(w->inbox.arg);
    }
}

enum err sfu_worker_create(struct mailbox *outbox, struct sfu_worker **ret) {
    struct sfu_worker *w = mem_zalloc(sizeof(*w));
    if (w == NULL) {
        return err_set(ERR_NOMEM, "no memory for an SFU worker");
    }
    if (rtc_sctp_door_create(wake_for_sctp, w, &w->sctp) != OK) {
        mem_free(w);
        return err_set(ERR_NOMEM, "no memory for an SFU worker");
    }
    w->outbox = outbox;
    crypto_random(&w->random, sizeof(w->random));
    w->random |= 1;
    *ret = w;
    return OK;
}

void sfu_worker_destroy(struct sfu_worker *w) {
    if (w == NULL) {
        return;
    }
    close_rooms(w);
    for (struct mail *m = mailbox_collect(&w->inbox), *next; m != NULL; m = next) {
        next = m->next;
        free_message((struct sfu_message *)m);
    }
    rtc_sctp_door_destroy(w->sctp);
    mem_free(w->claims);
    mem_free(w);
}
