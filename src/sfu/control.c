/* Calls become messages. */
#include "sfu/control.h"

#include "core/clock.h"
#include "core/mem.h"
#include "sfu/engine.h"
#include "sfu/message.h"

#include <string.h>

static struct sfu_message *message(enum sfu_message_type type, sfu_id id) {
    struct sfu_message *m = mem_zalloc(sizeof(*m));
    if (m != NULL) {
        m->type = type;
        m->id = id;
    }
    return m;
}

static void post(struct sfu *s, struct sfu_message *m) {
    mailbox_post(&s->seats[sfu_engine_seat_of(m->id)].worker->inbox, &m->mail);
}

/* A message that makes an object of the same worker as its owner; NULL without memory. */
static struct sfu_message *making(struct sfu *s, enum sfu_message_type type, sfu_id owner) {
    struct sfu_message *m = message(type, sfu_engine_id(s, sfu_engine_seat_of(owner)));
    if (m != NULL) {
        m->owner = owner;
    }
    return m;
}

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "no memory for a message to the SFU");
}

/* What is told without an answer: without memory the worker does not hear of it. Closing is the one
 * that must not be lost: it is tried by whoever owns the object above, at the latest by sfu_stop.
 */
static void tell(struct sfu *s, struct sfu_message *m) {
    if (m != NULL) {
        post(s, m);
    }
}

unsigned sfu_workers(const struct sfu *s) {
    return s->n_seats;
}

unsigned sfu_worker_of(sfu_id id) {
    return sfu_engine_seat_of(id);
}

void sfu_worker_load(const struct sfu *s, unsigned i, struct sfu_load *ret) {
    sfu_load_read(&s->seats[i].worker->load, clock_mono_us(), ret);
    ret->rooms = s->seats[i].rooms;
}

enum err sfu_room_open(struct sfu *s, sfu_id *ret) {
    unsigned best = 0;
    for (unsigned i = 1; i < s->n_seats; i++) {
        best = s->seats[i].rooms < s->seats[best].rooms ? i : best;
    }
    struct sfu_message *m = message(SFU_OPEN_ROOM, sfu_engine_id(s, best));
    if (m == NULL) {
        return no_memory();
    }
    s->seats[best].rooms++;
    *ret = m->id;
    post(s, m);
    return OK;
}

void sfu_room_close(struct sfu *s, sfu_id room) {
    s->seats[sfu_engine_seat_of(room)].rooms--;
    tell(s, message(SFU_CLOSE, room));
}

enum err sfu_participant_open(struct sfu *s, sfu_id room, sfu_id *ret) {
    struct sfu_message *m = making(s, SFU_OPEN_PARTICIPANT, room);
    if (m == NULL) {
        return no_memory();
    }
    *ret = m->id;
    post(s, m);
    return OK;
}

void sfu_participant_close(struct sfu *s, sfu_id participant) {
    tell(s, message(SFU_CLOSE, participant));
}

enum err sfu_transport_open(
    struct sfu *s, sfu_id participant, const struct rtc_ice_cred *local, sfu_id *ret) {
    struct sfu_message *m = making(s, SFU_OPEN_TRANSPORT, participant);
    if (m == NULL) {
        return no_memory();
    }
    m->transport.local = *local;
    *ret = m->id;
    post(s, m);
    return OK;
}

void sfu_transport_connect(struct sfu *s, sfu_id transport, const struct rtc_ice_params *remote,
    const struct rtc_dtls_params *dtls) {
    struct sfu_message *m = message(SFU_CONNECT_TRANSPORT, transport);
    if (m != NULL) {
        m->transport.remote = *remote;
        m->transport.dtls = *dtls;
        m->transport.has_remote = true;
        post(s, m);
    }
}

void sfu_transport_restart(struct sfu *s, sfu_id transport, const struct rtc_ice_cred *local,
    const struct rtc_ice_params *remote) {
    struct sfu_message *m = message(SFU_RESTART_TRANSPORT, transport);
    if (m != NULL) {
        m->transport.local = *local;
        m->transport.has_remote = remote != NULL;
        if (remote != NULL) {
            m->transport.remote = *remote;
        }
        post(s, m);
    }
}

void sfu_participant_data(struct sfu *s, sfu_id participant, const struct sfu_data_config *cfg) {
    struct sfu_message *m = message(SFU_SET_DATA, participant);
    if (m != NULL) {
        m->data = *cfg;
        post(s, m);
    }
}

void sfu_transport_data(struct sfu *s, sfu_id transport, bool ours, bool down) {
    struct sfu_message *m = message(SFU_CARRY_DATA, transport);
    if (m != NULL) {
        m->channels.ours = ours;
        m->channels.down = down;
        post(s, m);
    }
}

enum err sfu_room_send(
    struct sfu *s, sfu_id room, bool reliable, const uint8_t *bytes, size_t len) {
    if (len > SFU_DATA_MOST) {
        return err_set(ERR_TOO_LARGE, "a message of more than %d bytes", SFU_DATA_MOST);
    }
    struct sfu_message *m = message(SFU_SEND_DATA, room);
    uint8_t *copy = m == NULL ? NULL : mem_alloc(len == 0 ? 1 : len);
    if (copy == NULL) {
        mem_free(m);
        return no_memory();
    }
    memcpy(copy, bytes, len);
    m->send.bytes = copy;
    m->send.len = len;
    m->send.reliable = reliable;
    post(s, m);
    return OK;
}

void sfu_participant_await(struct sfu *s, sfu_id participant, unsigned answers) {
    struct sfu_message *m = message(SFU_AWAIT_ANSWERS, participant);
    if (m != NULL) {
        m->answers = answers;
    }
    tell(s, m);
}

void sfu_participant_ask_sequence(struct sfu *s, sfu_id participant) {
    tell(s, message(SFU_ASK_SEQUENCE, participant));
}

enum err sfu_data_track_open(struct sfu *s, sfu_id participant, uint16_t handle, sfu_id *ret) {
    struct sfu_message *m = making(s, SFU_OPEN_DATA_TRACK, participant);
    if (m == NULL) {
        return no_memory();
    }
    m->packets.handle = handle;
    *ret = m->id;
    post(s, m);
    return OK;
}

void sfu_data_track_close(struct sfu *s, sfu_id track) {
    tell(s, message(SFU_CLOSE, track));
}

enum err sfu_data_subscription_open(
    struct sfu *s, sfu_id participant, sfu_id track, uint16_t handle, sfu_id *ret) {
    struct sfu_message *m = making(s, SFU_OPEN_DATA_SUBSCRIPTION, participant);
    if (m == NULL) {
        return no_memory();
    }
    m->packets.track = track;
    m->packets.handle = handle;
    *ret = m->id;
    post(s, m);
    return OK;
}

void sfu_data_subscription_close(struct sfu *s, sfu_id subscription) {
    tell(s, message(SFU_CLOSE, subscription));
}

void sfu_transport_close(struct sfu *s, sfu_id transport) {
    tell(s, message(SFU_CLOSE, transport));
}

enum err sfu_track_open(
    struct sfu *s, sfu_id transport, const struct sfu_track_config *cfg, sfu_id *ret) {
    struct sfu_message *m = making(s, SFU_OPEN_TRACK, transport);
    if (m == NULL) {
        return no_memory();
    }
    m->track = *cfg;
    *ret = m->id;
    post(s, m);
    return OK;
}

void sfu_track_update(struct sfu *s, sfu_id track, const struct rtc_rtp_params *params) {
    struct sfu_message *m = message(SFU_UPDATE_TRACK, track);
    if (m != NULL) {
        m->params = *params;
        post(s, m);
    }
}

void sfu_track_mute(struct sfu *s, sfu_id track, bool muted) {
    struct sfu_message *m = message(SFU_MUTE_TRACK, track);
    if (m != NULL) {
        m->muted = muted;
        post(s, m);
    }
}

void sfu_track_close(struct sfu *s, sfu_id track) {
    tell(s, message(SFU_CLOSE, track));
}

enum err sfu_subscription_open(
    struct sfu *s, sfu_id transport, const struct sfu_subscription_config *cfg, sfu_id *ret) {
    struct sfu_message *m = making(s, SFU_OPEN_SUBSCRIPTION, transport);
    if (m == NULL) {
        return no_memory();
    }
    m->subscription = *cfg;
    *ret = m->id;
    post(s, m);
    return OK;
}

void sfu_subscription_want(struct sfu *s, sfu_id subscription, const struct sfu_wanted *wanted) {
    struct sfu_message *m = message(SFU_WANT, subscription);
    if (m != NULL) {
        m->wanted = *wanted;
        post(s, m);
    }
}

void sfu_subscription_close(struct sfu *s, sfu_id subscription) {
    tell(s, message(SFU_CLOSE, subscription));
}
