/*
 * An SFU that is only a note of what was asked: objects, each with its owner, and what was last
 * said of it. Included once by a test program, in place of the library sfu. Closing an object
 * closes what lies below it, as the real one does.
 */
#ifndef TESTS_UNIT_FAKE_SFU_H
#define TESTS_UNIT_FAKE_SFU_H

#include "sfu/control.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

#define FAKE_OBJECTS 4096

struct fake_object {
    const char *type;
    sfu_id owner;
    sfu_id track;    /* of a subscription */
    uint16_t handle; /* of a data track, or a subscription to one */
    bool open, connected, restarted, muted;
    bool opens_channels, takes_messages; /* a transport */
    struct sfu_data_config data;         /* of a participant … */
    unsigned awaited;                    /* … of answers for the server */
    unsigned asked;                      /* … and how often for its sequence */
    struct rtc_rtp_params params;
    struct sfu_wanted wanted;
};

struct sfu {
    struct fake_object objects[FAKE_OBJECTS]; /* by id */
    sfu_id last;
    struct rtc_dtls_params dtls;
    struct { /* the latest message of the server's own */
        sfu_id room;
        bool reliable;
        size_t len;
        uint8_t bytes[512];
    } sent;
};

static struct sfu fake_sfu;

static inline void fake_sfu_reset(void) {
    memset(&fake_sfu, 0, sizeof(fake_sfu));
    fake_sfu.dtls.role = RTC_DTLS_SERVER;
    fake_sfu.dtls.n_fingerprints = 1;
    fake_sfu.dtls.fingerprints[0].len = 32;
}

static inline struct fake_object *fake_object(sfu_id id) {
    return &fake_sfu.objects[id < FAKE_OBJECTS ? id : 0];
}

static inline unsigned fake_count(const char *type) {
    unsigned n = 0;
    for (sfu_id id = 1; id <= fake_sfu.last; id++) {
        n += fake_sfu.objects[id].open && strcmp(fake_sfu.objects[id].type, type) == 0 ? 1 : 0;
    }
    return n;
}

static enum err fake_open(struct sfu *s, const char *type, sfu_id owner, sfu_id *ret) {
    void *message = mem_alloc(1); /* what the real one cannot do without */
    if (message == NULL) {
        return err_set(ERR_NOMEM, "no memory for a message to the SFU");
    }
    mem_free(message);
    CHECK(s->last + 1 < FAKE_OBJECTS);
    CHECK(owner == 0 || fake_object(owner)->open);
    *ret = ++s->last;
    *fake_object(*ret) = (struct fake_object){ .type = type, .owner = owner, .open = true };
    return OK;
}

static void fake_close(struct sfu *s, sfu_id id) {
    fake_object(id)->open = false;
    for (sfu_id i = 1; i <= s->last; i++) {
        if (s->objects[i].open && (s->objects[i].owner == id || s->objects[i].track == id)) {
            fake_close(s, i);
        }
    }
}

const struct rtc_dtls_params *sfu_dtls(const struct sfu *s) {
    return &s->dtls;
}
size_t sfu_candidates(const struct sfu *s, sfu_id room, struct rtc_candidate *ret, size_t cap) {
    const uint8_t ip[4] = { 192, 0, 2, 1 };
    const struct rtc_addr addr = rtc_addr_v4(ip, 7882, false);
    (void)s;
    (void)room;
    return rtc_candidate_offer(&addr, 1, ret, cap);
}
unsigned sfu_workers(const struct sfu *s) {
    (void)s;
    return 1;
}
unsigned sfu_worker_of(sfu_id id) {
    (void)id;
    return 0;
}
void sfu_worker_load(const struct sfu *s, unsigned i, struct sfu_load *ret) {
    (void)s;
    (void)i;
    *ret = (struct sfu_load){ .rooms = fake_count("room"),
        .busy_percent = 7,
        .transports = 2,
        .packets = 3,
        .packets_bytes = 65536 };
}
enum err sfu_room_open(struct sfu *s, sfu_id *ret) {
    return fake_open(s, "room", 0, ret);
}
void sfu_room_close(struct sfu *s, sfu_id room) {
    fake_close(s, room);
}
enum err sfu_participant_open(struct sfu *s, sfu_id room, sfu_id *ret) {
    return fake_open(s, "participant", room, ret);
}
void sfu_participant_close(struct sfu *s, sfu_id participant) {
    fake_close(s, participant);
}
enum err sfu_transport_open(
    struct sfu *s, sfu_id participant, const struct rtc_ice_cred *local, sfu_id *ret) {
    CHECK(local->ufrag[0] != '\0');
    return fake_open(s, "transport", participant, ret);
}
void sfu_transport_connect(struct sfu *s, sfu_id transport, const struct rtc_ice_params *remote,
    const struct rtc_dtls_params *dtls) {
    (void)s;
    CHECK(remote->ufrag[0] != '\0' && dtls->n_fingerprints > 0);
    fake_object(transport)->connected = true;
}
void sfu_transport_restart(struct sfu *s, sfu_id transport, const struct rtc_ice_cred *local,
    const struct rtc_ice_params *remote) {
    (void)s;
    (void)local;
    (void)remote;
    fake_object(transport)->restarted = true;
}
void sfu_participant_data(struct sfu *s, sfu_id participant, const struct sfu_data_config *cfg) {
    (void)s;
    fake_object(participant)->data = *cfg;
}
void sfu_transport_data(struct sfu *s, sfu_id transport, bool opens, bool takes) {
    (void)s;
    fake_object(transport)->opens_channels = opens;
    fake_object(transport)->takes_messages = takes;
}
enum err sfu_room_send(
    struct sfu *s, sfu_id room, bool reliable, const uint8_t *bytes, size_t len) {
    if (len > SFU_DATA_MOST) {
        return err_set(ERR_TOO_LARGE, "a message of more than %d bytes", SFU_DATA_MOST);
    }
    s->sent.room = room;
    s->sent.reliable = reliable;
    s->sent.len = len;
    memcpy(s->sent.bytes, bytes, len < sizeof(s->sent.bytes) ? len : sizeof(s->sent.bytes));
    return OK;
}
void sfu_participant_await(struct sfu *s, sfu_id participant, unsigned answers) {
    (void)s;
    fake_object(participant)->awaited += answers;
}
void sfu_participant_ask_sequence(struct sfu *s, sfu_id participant) {
    (void)s;
    fake_object(participant)->asked++;
}
enum err sfu_data_track_open(struct sfu *s, sfu_id participant, uint16_t handle, sfu_id *ret) {
    TRY(fake_open(s, "data track", participant, ret));
    fake_object(*ret)->handle = handle;
    return OK;
}
void sfu_data_track_close(struct sfu *s, sfu_id track) {
    fake_close(s, track);
}
enum err sfu_data_subscription_open(
    struct sfu *s, sfu_id participant, sfu_id track, uint16_t handle, sfu_id *ret) {
    CHECK(fake_object(track)->open);
    TRY(fake_open(s, "data subscription", participant, ret));
    fake_object(*ret)->handle = handle;
    fake_object(*ret)->track = track;
    return OK;
}
void sfu_data_subscription_close(struct sfu *s, sfu_id subscription) {
    fake_close(s, subscription);
}
void sfu_transport_close(struct sfu *s, sfu_id transport) {
    fake_close(s, transport);
}
enum err sfu_track_open(
    struct sfu *s, sfu_id transport, const struct sfu_track_config *cfg, sfu_id *ret) {
    TRY(fake_open(s, "track", transport, ret));
    fake_object(*ret)->params = cfg->params;
    fake_object(*ret)->muted = cfg->muted;
    return OK;
}
void sfu_track_update(struct sfu *s, sfu_id track, const struct rtc_rtp_params *params) {
    (void)s;
    fake_object(track)->params = *params;
}
void sfu_track_mute(struct sfu *s, sfu_id track, bool muted) {
    (void)s;
    fake_object(track)->muted = muted;
}
void sfu_track_close(struct sfu *s, sfu_id track) {
    fake_close(s, track);
}
enum err sfu_subscription_open(
    struct sfu *s, sfu_id transport, const struct sfu_subscription_config *cfg, sfu_id *ret) {
    CHECK(fake_object(cfg->track)->open);
    TRY(fake_open(s, "subscription", transport, ret));
    fake_object(*ret)->params = cfg->params;
    fake_object(*ret)->wanted = cfg->wanted;
    fake_object(*ret)->track = cfg->track;
    return OK;
}
void sfu_subscription_want(struct sfu *s, sfu_id subscription, const struct sfu_wanted *wanted) {
    (void)s;
    fake_object(subscription)->wanted = *wanted;
}
void sfu_subscription_close(struct sfu *s, sfu_id subscription) {
    fake_close(s, subscription);
}

/* What a transport says of itself. */
static inline struct sfu_event fake_transport_event(
    sfu_id id, enum sfu_transport_state state, enum sfu_end end) {
    struct sfu_event e = { .type = SFU_EVENT_TRANSPORT, .id = id };
    e.transport.state = state;
    e.transport.end = end;
    e.transport.profile = "AEAD_AES_128_GCM";
    return e;
}

#endif
