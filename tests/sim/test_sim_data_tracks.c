/* Data tracks: packets go to who has subscribed, with the handle that they know, or are lost. */
#include "unit/test.h"

#include "rtc/datatrack.h"
#include "scene.h"
#include "sfu/data.h"
#include "sfu/room.h"
#include "sfu/worker.h"

#include <string.h>

#define PEOPLE 3
#define HANDLE 0x0102 /* in the publisher's packets */
#define LARGE  16000  /* bytes of a packet, as clients make them */

/* A frame encrypted end to end, of number 7. */
static const char FRAME[] = "\x1c\x00\x01\x02\x00\x05\x00\x07\x11\x22\x33\x44"
                            "\x00\x04\x01\x0d\x03"
                            "abcdefghijkl\x00\x00\x00secret";

struct heard {
    unsigned n, wrong;
    uint16_t handle; /* that it came with */
};

struct party {
    struct world *w;
    struct sfu_worker *worker;
    struct world_client *people[PEOPLE];
    struct rtc_channel *channels[PEOPLE];
    struct heard heard[PEOPLE];
};

static void hear(struct world_client *c, bool reliable, const uint8_t *bytes, size_t len) {
    struct heard *h = c->got_arg;
    struct rtc_datatrack t;
    if (!reliable && rtc_datatrack_read(bytes, len, &t)) {
        h->n++;
        h->handle = t.handle;
        h->wrong += len == sizeof(FRAME) - 1 &&
                    (memcmp(bytes, FRAME, 2) != 0 || memcmp(bytes + 4, FRAME + 4, len - 4) != 0);
    }
}

static void begin(struct party *p, unsigned n) {
    static const struct rtc_channel_kind kind = { "_data_track", true, true, 0 };
    static const char *const names[PEOPLE] = { "a", "b", "c" };
    *p = (struct party){ .w = world_create(11) };
    p->worker = p->w->sfu->seats[0].worker;
    p->w->net.up = p->w->net.down = (struct net_way){ .delay_us = 20000 };
    for (unsigned i = 0; i < n; i++) {
        p->people[i] = world_join(p->w, i);
        p->people[i]->got = hear;
        p->people[i]->got_arg = &p->heard[i];
        world_data(p->people[i], names[i], false, true);
    }
    world_run(p->w, 3 * SECOND);
    for (unsigned i = 0; i < n; i++) {
        struct rtc_channels *channels = peer_connection_channels(p->people[i]->peer);
        CHECK(channels != NULL);
        CHECK_ERR(OK, rtc_channel_open(channels, &kind, p->w->now_us, &p->channels[i]));
    }
    world_run(p->w, SECOND);
}

static sfu_id publish(struct party *p, unsigned i) {
    sfu_id id = 0;
    CHECK_ERR(OK, sfu_data_track_open(p->w->sfu, p->people[i]->participant, HANDLE, &id));
    return id;
}

static sfu_id subscribe(struct party *p, unsigned i, sfu_id track, uint16_t handle) {
    sfu_id id = 0;
    CHECK_ERR(
        OK, sfu_data_subscription_open(p->w->sfu, p->people[i]->participant, track, handle, &id));
    return id;
}

static void push(struct party *p, unsigned i, const void *bytes, size_t len) {
    CHECK_INT(RTC_SCTP_SENT, rtc_channel_send(p->channels[i], false, bytes, len, p->w->now_us));
}

TEST(sim_data_tracks, go_to_each_with_its_own_handle) {
    struct party p;
    begin(&p, 3);
    const sfu_id track = publish(&p, 0);
    subscribe(&p, 1, track, 77);
    const sfu_id last = subscribe(&p, 2, track, 0xfffe);
    world_run(p.w, SECOND / 10);
    push(&p, 0, FRAME, sizeof(FRAME) - 1);
    world_run(p.w, SECOND);
    CHECK_INT(1, p.heard[1].n);
    CHECK_INT(77, p.heard[1].handle);
    CHECK_INT(1, p.heard[2].n);
    CHECK_INT(0xfffe, p.heard[2].handle);
    CHECK_INT(0, p.heard[0].n + p.heard[1].wrong + p.heard[2].wrong);
    sfu_data_subscription_close(p.w->sfu, last);
    world_run(p.w, SECOND / 10);
    push(&p, 0, FRAME, sizeof(FRAME) - 1);
    world_run(p.w, SECOND);
    CHECK_INT(2, p.heard[1].n);
    CHECK_INT(1, p.heard[2].n);
    world_leave(p.people[1]); /* who subscribes … */
    world_run(p.w, SECOND / 10);
    push(&p, 0, FRAME, sizeof(FRAME) - 1);
    world_run(p.w, SECOND);
    CHECK_INT(2, p.heard[1].n);
    subscribe(&p, 2, track, 5);
    world_run(p.w, SECOND / 10);
    world_leave(p.people[0]); /* … and who publishes may go first */
    world_run(p.w, SECOND / 10);
    world_destroy(p.w);
}

TEST(sim_data_tracks, drop_what_is_no_packet_of_theirs) {
    static const struct {
        const char *name;
        const char *bytes;
        size_t len;
        bool no_right, closed;
        enum sfu_drop why; /* SFU_DROPS: none */
    } rows[] = {
        { "one of theirs", FRAME, sizeof(FRAME) - 1, .why = SFU_DROPS },
        { "of another track", "\x18\x00\x01\x03\x00\x05\x00\x07\x11\x22\x33\x44", 12,
            .why = SFU_DROP_DATA_STRAY },
        { "of one that has ended", FRAME, sizeof(FRAME) - 1, .closed = true,
            .why = SFU_DROP_DATA_STRAY },
        { "too short", "\x18\x00\x01\x02", 4, .why = SFU_DROP_DATA_MALFORMED },
        { "extensions that are not there",
            "\x1c\x00\x01\x02\x00\x05\x00\x07\x11\x22\x33\x44\xff\xff", 14,
            .why = SFU_DROP_DATA_MALFORMED },
        { "of one who may not", FRAME, sizeof(FRAME) - 1, .no_right = true,
            .why = SFU_DROP_DATA_FORBIDDEN },
    };
    FOR_ROWS (rows, r) {
        struct party p;
        ROW(r->name);
        begin(&p, 2);
        const struct sfu_data_config a = { "a", "PA_a", !r->no_right, true, false, false };
        sfu_participant_data(p.w->sfu, p.people[0]->participant, &a);
        const sfu_id track = publish(&p, 0);
        subscribe(&p, 1, track, 77);
        subscribe(&p, 1, track + 1000, 78); /* of one that is not there */
        if (r->closed) {
            sfu_data_track_close(p.w->sfu, track);
        }
        world_run(p.w, SECOND / 10);
        push(&p, 0, r->bytes, r->len);
        world_run(p.w, SECOND);
        CHECK_INT(r->why == SFU_DROPS, p.heard[1].n);
        for (int why = 0; why < SFU_DROPS; why++) {
            CHECK_INT(why == (int)r->why, p.worker->stats.drops[why]);
        }
        world_destroy(p.w);
    }
}

/* A subscriber's transport, as classic clients have it: the SFU opens the channels there. */
TEST(sim_data_tracks, reach_classic_clients_on_the_way_down) {
    struct party p;
    begin(&p, 2);
    struct heard below = { 0 };
    struct world_client *sub = world_join_beside(p.w, 9, p.people[1]);
    sub->got = hear;
    sub->got_arg = &below;
    world_data(sub, "b", true, true);
    const sfu_id track = publish(&p, 0);
    subscribe(&p, 1, track, 77);
    world_run(p.w, 3 * SECOND);
    push(&p, 0, FRAME, sizeof(FRAME) - 1);
    world_run(p.w, SECOND);
    push(&p, 0, FRAME,
        sizeof(FRAME) - 1); /* the channel stood at the latest when it was asked for */
    world_run(p.w, SECOND);
    CHECK(below.n > 0);
    CHECK_INT(0, below.wrong + p.heard[1].n);
    world_destroy(p.w);
}

/* One who hears nothing for a while holds nobody up, and loses what was sent meanwhile. */
TEST(sim_data_tracks, wait_for_nobody) {
    struct party p;
    static uint8_t large[LARGE];
    begin(&p, 3);
    memcpy(large, FRAME, sizeof(FRAME) - 1);
    const sfu_id track = publish(&p, 0);
    subscribe(&p, 1, track, 77);
    subscribe(&p, 2, track, 78);
    world_run(p.w, SECOND / 10);
    p.people[1]->dead = true;
    for (int i = 0; i < 40; i++) {
        push(&p, 0, large, sizeof(large));
        world_run(p.w, SECOND / 10);
    }
    world_run(p.w, SECOND);
    CHECK_INT(40, p.heard[2].n);
    CHECK(p.worker->stats.data_lost > 30);
    CHECK_INT(0, p.worker->rooms->behind);
    world_destroy(p.w);
}

TEST(sim_data_tracks, survive_no_memory) {
    struct party p;
    begin(&p, 2);
    for (uint64_t nth = 1; nth < 12; nth++) {
        p.w->fail_nth = nth;
        const sfu_id track = publish(&p, 0);
        subscribe(&p, 1, track, (uint16_t)nth);
        world_run(p.w, SECOND / 10);
        p.w->fail_nth = 0;
        sfu_data_track_close(p.w->sfu, track);
        world_run(p.w, SECOND / 10);
    }
    CHECK_INT(0, p.worker->registry.counts[SFU_DATA_TRACK]);
    CHECK_INT(0, p.worker->registry.counts[SFU_DATA_SUBSCRIPTION]);
    world_destroy(p.w);
}
