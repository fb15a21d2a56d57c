/* Data messages between clients: in order, complete, from whom they say, to whom they are meant. */
#include "unit/test.h"

#include "scene.h"
#include "sfu/data.h"
#include "sfu/datapacket.h"
#include "sfu/worker.h"

#include <string.h>

#define PEOPLE 4

/* What a client has got, a counter for each sender by the last letter of its sid. */
struct heard {
    unsigned n, lossy, wrong, of[256];
    uint32_t last[256]; /* sequence */
    size_t bytes;
};

static const char *const names[PEOPLE] = { "a", "b", "c", "d" };

static void hear(struct world_client *c, bool reliable, const uint8_t *bytes, size_t len) {
    struct heard *h = c->got_arg;
    struct sfu_datapacket p;
    if (!sfu_datapacket_read(bytes, len, &p)) {
        h->wrong++;
        return;
    }
    for (unsigned i = 0; i < PEOPLE; i++) {
        const char sid[] = { '\x8a', '\x01', 4, 'P', 'A', '_', names[i][0] }; /* field 17 */
        if (memmem(bytes, len, sid, sizeof(sid)) != NULL) {
            uint8_t of = (uint8_t)names[i][0];
            h->wrong += reliable && p.sequence != 0 && p.sequence <= h->last[of];
            h->last[of] = p.sequence;
            h->of[of]++;
        }
    }
    h->n++;
    h->lossy += !reliable;
    h->bytes += len;
}

/* A packet with so many bytes for whoever `to` names; `more` is a field of the caller's. */
static size_t packet(uint8_t *out, uint32_t sequence, const char *to, size_t payload) {
    struct wr w = wr_make(out, RTC_SCTP_MESSAGE_MOST);
    if (to != NULL) {
        wr_u8(&w, 5 << 3 | 2);
        wr_u8(&w, (uint8_t)strlen(to));
        wr_bytes(&w, to, strlen(to));
    }
    if (sequence > 0) {
        wr_u16(&w, 0x8001); /* field 16 */
        wr_u8(&w, (uint8_t)(sequence | 0x80));
        wr_u8(&w, (uint8_t)(sequence >> 7));
    }
    wr_u8(&w, 9 << 3 | 2); /* a chat message: not looked into */
    wr_u8(&w, (uint8_t)(payload | 0x80));
    wr_u8(&w, (uint8_t)(payload >> 7 | 0x80));
    wr_u8(&w, (uint8_t)(payload >> 14));
    wr_zero(&w, payload);
    CHECK(!w.bad);
    return wr_len(&w);
}

static enum rtc_sctp_sent say_bytes(
    struct world_client *c, bool reliable, const uint8_t *bytes, size_t len) {
    struct rtc_channel *channel = reliable ? c->reliable : c->lossy;
    CHECK(channel != NULL);
    return channel == NULL ? RTC_SCTP_REFUSED
                           : rtc_channel_send(channel, false, bytes, len, c->world->now_us);
}

static enum rtc_sctp_sent say(
    struct world_client *c, bool reliable, uint32_t sequence, const char *to, size_t payload) {
    static uint8_t bytes[RTC_SCTP_MESSAGE_MOST];
    return say_bytes(c, reliable, bytes, packet(bytes, sequence, to, payload));
}

struct party {
    struct world *w;
    struct sfu_worker *worker;
    struct world_client *people[PEOPLE];
    struct heard heard[PEOPLE];
};

static void join(struct party *p, unsigned i) {
    p->people[i] = world_join(p->w, i);
    p->people[i]->got = hear;
    p->people[i]->got_arg = &p->heard[i];
    world_data(p->people[i], names[i], false, true);
}

static void begin(struct party *p, uint64_t seed, unsigned n) {
    *p = (struct party){ .w = world_create(seed) };
    p->worker = p->w->sfu->seats[0].worker;
    p->w->net.up = p->w->net.down = (struct net_way){ .delay_us = 20000 };
    for (unsigned i = 0; i < n; i++) {
        join(p, i);
    }
    world_run(p->w, 3 * SECOND);
    for (unsigned i = 0; i < n; i++) {
        CHECK(p->people[i]->reliable != NULL && p->people[i]->lossy != NULL);
    }
}

TEST(sim_data, everybody_hears_everybody_in_order) {
    static const struct {
        const char *name;
        struct net_way way;
        bool away; /* ten seconds without network in the middle, less than it takes to be lost */
    } rows[] = {
        { "over a good network", { 20000, 0, 0 }, false },
        { "over one that loses and reorders", { 30000, 50000, 100 }, false },
        { "through ten seconds without any", { 20000, 0, 0 }, true },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct party p;
        begin(&p, 7, PEOPLE);
        p.w->net.up = p.w->net.down = r->way;
        for (uint32_t s = 1; s <= 40; s++) {
            for (unsigned i = 0; i < PEOPLE; i++) {
                CHECK_INT(RTC_SCTP_SENT, say(p.people[i], true, s, NULL, s % 5 == 0 ? 15000 : 50));
            }
            if (r->away && s == 20) {
                p.w->net.up.loss_permil = p.w->net.down.loss_permil = 1000;
                world_run(p.w, 10 * SECOND);
                p.w->net.up.loss_permil = p.w->net.down.loss_permil = 0;
            }
            world_run(p.w, SECOND / 2);
        }
        world_run(p.w, 10 * SECOND);
        for (unsigned i = 0; i < PEOPLE; i++) {
            CHECK_INT(40 * (PEOPLE - 1), p.heard[i].n);
            CHECK_INT(0, p.heard[i].wrong + p.heard[i].of[(uint8_t)names[i][0]]);
            CHECK_INT(SFU_TRANSPORT_CONNECTED, p.people[i]->state);
        }
        world_destroy(p.w);
    }
}

TEST(sim_data, obeys_the_rules) {
    static const struct {
        const char *name;
        const char *to;
        bool reliable, no_publish, no_subscribe, hidden, agent;
        uint8_t member; /* instead of a chat message */
        unsigned b, c, from_a;
    } rows[] = {
        { "to all", NULL, true, .b = 1, .c = 1, .from_a = 1 },
        { "to one", "b", true, .b = 1, .c = 0, .from_a = 1 },
        { "to oneself", "a", true, .b = 0, .c = 0 },
        { "lossy", NULL, false, .b = 1, .c = 1, .from_a = 1 },
        { "who may not", NULL, true, .no_publish = true, .b = 0, .c = 0 },
        { "to who may not", NULL, true, .no_subscribe = true, .b = 0, .c = 1, .from_a = 1 },
        { "hidden: the sid stays", NULL, true, .hidden = true, .b = 1, .c = 1, .from_a = 1 },
        { "metrics", NULL, true, .member = 8, .b = 0, .c = 0 },
        { "a transcription", NULL, true, .member = 7, .b = 0, .c = 0 },
        { "an agent's", NULL, true, .agent = true, .member = 7, .b = 1, .c = 1, .from_a = 1 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct party p;
        begin(&p, 3, 3);
        struct sfu_data_config a = { "a", "PA_a", !r->no_publish, true, r->hidden, r->agent };
        struct sfu_data_config b = { "b", "PA_b", true, !r->no_subscribe, false, false };
        sfu_participant_data(p.w->sfu, p.people[0]->participant, &a);
        sfu_participant_data(p.w->sfu, p.people[1]->participant, &b);
        world_run(p.w, SECOND / 10);
        uint8_t bytes[64];
        size_t len = packet(bytes, 0, r->to, 5);
        bytes[len - 9] = r->member == 0 ? bytes[len - 9] : (uint8_t)(r->member << 3 | 2);
        CHECK_INT(RTC_SCTP_SENT, say_bytes(p.people[0], r->reliable, bytes, len));
        world_run(p.w, SECOND);
        CHECK_INT(0, p.heard[0].n);
        CHECK_INT(r->b, p.heard[1].n);
        CHECK_INT(r->c, p.heard[2].n);
        CHECK_INT(r->from_a * r->c, p.heard[2].of['a']);
        CHECK_INT(r->reliable ? 0 : r->c, p.heard[2].lossy);
        world_destroy(p.w);
    }
}

TEST(sim_data, carries_what_the_server_says) {
    static const struct {
        const char *name;
        const char *to;
        bool reliable;
        unsigned a, b;
    } rows[] = {
        { "to all", NULL, true, 1, 1 },
        { "to one", "b", true, 0, 1 },
        { "lossy", NULL, false, 1, 1 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct party p;
        uint8_t bytes[64];
        begin(&p, 3, 2);
        const size_t len = packet(bytes, 0, r->to, 5);
        CHECK_ERR(OK, sfu_room_send(p.w->sfu, p.w->room, r->reliable, bytes, len));
        CHECK_ERR(OK, sfu_room_send(p.w->sfu, p.w->room, true, (const uint8_t *)"\xff", 1));
        CHECK_ERR(OK, sfu_room_send(p.w->sfu, p.w->room + 1, true, bytes, len));
        world_run(p.w, SECOND);
        CHECK_INT(r->a, p.heard[0].n);
        CHECK_INT(r->b, p.heard[1].n);
        CHECK_INT(0, p.heard[0].wrong + p.heard[1].wrong);
        CHECK_INT(r->reliable ? 0 : 1, p.heard[1].lossy);
        CHECK_INT(1, p.worker->stats.drops[SFU_DROP_DATA_MALFORMED]);
        static uint8_t large[SFU_DATA_MOST + 1];
        CHECK_ERR(ERR_TOO_LARGE, sfu_room_send(p.w->sfu, p.w->room, true, large, sizeof(large)));
        world_destroy(p.w);
    }
}

TEST(sim_data, forwards_a_number_once_and_tells_the_last) {
    struct party p;
    begin(&p, 3, 2);
    static const uint32_t sequence[] = { 1, 2, 2, 1, 3, 0, 3, 5, 4 };
    for (size_t i = 0; i < COUNT_OF(sequence); i++) {
        CHECK_INT(RTC_SCTP_SENT, say(p.people[0], true, sequence[i], NULL, 10));
    }
    world_run(p.w, SECOND);
    CHECK_INT(5, p.heard[1].n); /* 1 2 3 0 5 */
    CHECK_INT(4, p.worker->stats.drops[SFU_DROP_DATA_REPEATED]);
    sfu_participant_ask_sequence(p.w->sfu, p.people[0]->participant);
    world_run(p.w, SECOND / 10);
    CHECK_INT(5, p.w->sequence);
    CHECK_INT(RTC_SCTP_SENT, say_bytes(p.people[0], true, (const uint8_t *)"\xff", 1));
    world_run(p.w, SECOND);
    CHECK_INT(1, p.worker->stats.drops[SFU_DROP_DATA_MALFORMED]);
    world_destroy(p.w);
}

struct answers {
    sfu_id of;
    unsigned n;
    size_t bytes;
};

static void count_answers(void *arg, const struct sfu_event *e) {
    struct answers *a = arg;
    struct sfu_datapacket p;
    if (e->type == SFU_EVENT_ANSWER) {
        CHECK(e->id == a->of);
        CHECK(sfu_datapacket_read(e->answer.bytes, e->answer.len, &p));
        CHECK(sfu_datapacket_is_for_server(&p));
        a->n++;
        a->bytes += e->answer.len;
    }
}

/* As many as are awaited, of whom they are awaited; nobody else gets them. */
TEST(sim_data, tells_what_is_meant_for_the_server) {
    struct party p;
    begin(&p, 3, 2);
    struct answers answers = { .of = p.people[0]->participant };
    p.w->also = count_answers;
    p.w->also_arg = &answers;
    CHECK_INT(RTC_SCTP_SENT, say(p.people[0], true, 1, SFU_SERVER_PREFIX "1", 10));
    world_run(p.w, SECOND);
    CHECK_INT(0, answers.n); /* nobody waits for it */
    sfu_participant_await(p.w->sfu, p.people[0]->participant, 2);
    sfu_participant_await(p.w->sfu, p.people[0]->participant + 1000, 2);
    world_run(p.w, SECOND / 10);
    CHECK_INT(RTC_SCTP_SENT, say(p.people[1], true, 1, SFU_SERVER_PREFIX "1", 10));
    CHECK_INT(RTC_SCTP_SENT, say(p.people[0], true, 2, "b", 10));
    for (uint32_t i = 3; i < 6; i++) {
        CHECK_INT(RTC_SCTP_SENT, say(p.people[0], true, i, SFU_SERVER_PREFIX "1", 15000));
    }
    world_run(p.w, SECOND);
    CHECK_INT(2, answers.n);
    CHECK(answers.bytes > 30000);
    CHECK_INT(1, p.heard[1].n); /* what is meant for it */
    CHECK_INT(0, p.heard[0].n);
    world_destroy(p.w);
}

/* A subscriber's transport, as classic clients have it: the SFU opens the channels there. */
static void check_classic(bool passive) {
    struct party p;
    begin(&p, 5, 2);
    p.w->passive = passive;
    struct heard below = { 0 };
    struct world_client *sub = world_join_beside(p.w, 9, p.people[1]);
    sub->got = hear;
    sub->got_arg = &below;
    world_data(sub, "b", true, true);
    world_run(p.w, 3 * SECOND);
    CHECK(sub->reliable != NULL && sub->lossy != NULL);
    /* Odd ones are the DTLS server's (RFC 8832, 6): ours, unless it has left us to begin. */
    CHECK_INT(passive ? 0 : 1, sub->reliable == NULL ? 2 : sub->reliable->stream % 2);
    CHECK_INT(RTC_SCTP_SENT, say(p.people[0], true, 1, NULL, 10));
    CHECK_INT(RTC_SCTP_SENT, say(p.people[0], false, 0, "b", 10));
    CHECK_INT(RTC_SCTP_SENT, say(p.people[1], true, 1, NULL, 10)); /* on its own transport */
    world_run(p.w, SECOND);
    CHECK_INT(2, below.n);
    CHECK_INT(1, below.lossy);
    CHECK_INT(0, p.heard[1].n);
    CHECK_INT(1, p.heard[0].of['b']);
    world_destroy(p.w);
}

TEST(sim_data, sends_to_classic_clients_on_its_own_channels) {
    static const struct {
        const char *name;
        bool passive;
    } rows[] = { { "who begin the handshake", false }, { "who leave it to us", true } };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        check_classic(r->passive);
    }
}

TEST(sim_data, tells_latecomers_what_was_just_said) {
    static const struct {
        const char *name;
        int64_t wait_us;
        bool reliable;
        unsigned want;
    } rows[] = {
        { "while they were connecting", 0, true, 3 },
        { "but not what is old", 5 * SECOND, true, 0 },
        { "nor what may be lost", 0, false, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct party p;
        begin(&p, 5, 2);
        p.people[2] = world_join(p.w, 2);
        p.people[2]->got = hear;
        p.people[2]->got_arg = &p.heard[2];
        world_data(p.people[2], "c", false, true);
        p.people[2]->opens_channels = false;
        world_run(p.w, SECOND / 100); /* it is in the room, and cannot be reached yet */
        for (uint32_t s = 1; s <= 3; s++) {
            CHECK_INT(RTC_SCTP_SENT, say(p.people[0], r->reliable, s, NULL, 10));
        }
        CHECK_INT(RTC_SCTP_SENT, say(p.people[0], r->reliable, 4, "b", 10));
        world_run(p.w, r->wait_us);
        p.people[2]->opens_channels = true;
        world_run(p.w, 2 * SECOND);
        CHECK_INT(4, p.heard[1].n);
        CHECK_INT(r->want, p.heard[2].n);
        CHECK_INT(0, p.heard[2].wrong);
        world_destroy(p.w);
    }
}

/* One does not read any more, and the others go on sending: it goes, and they miss nothing. */
TEST(sim_data, ends_a_receiver_that_stalls) {
    struct party p;
    begin(&p, 5, 3);
    rtc_channels_pause(peer_connection_channels(p.people[2]->peer), true);
    uint32_t sent = 0;
    int64_t began_us = p.w->now_us;
    while (p.people[2]->state == SFU_TRANSPORT_CONNECTED && p.w->now_us - began_us < 60 * SECOND) {
        sent += say(p.people[0], true, sent + 1, NULL, 15000) == RTC_SCTP_SENT;
        world_run(p.w, SECOND / 20);
    }
    CHECK_INT(SFU_TRANSPORT_ENDED, p.people[2]->state);
    CHECK_INT(SFU_END_STALLED, p.people[2]->end);
    CHECK(p.w->now_us - began_us > SFU_DATA_STALL_US);
    world_run(p.w, 5 * SECOND);
    CHECK_INT(sent, p.heard[1].n);
    CHECK_INT(0, p.heard[1].wrong);
    world_destroy(p.w);
}

/* One is without network for ten seconds: the others are held up for five at most, and it misses
 * nothing. */
TEST(sim_data, waits_for_who_has_no_network) {
    struct party p;
    begin(&p, 5, 3);
    p.people[2]->dead = true;
    uint32_t sent = 0;
    const int64_t began_us = p.w->now_us;
    while (p.w->now_us - began_us < 10 * SECOND) {
        sent += say(p.people[0], true, sent + 1, NULL, 10000) == RTC_SCTP_SENT;
        world_run(p.w, SECOND / 10);
    }
    CHECK(sent > 50); /* what was under way when it was held up, and what came after */
    CHECK(p.heard[1].n + 5 > sent);
    p.people[2]->dead = false;
    world_run(p.w, 5 * SECOND);
    CHECK_INT(SFU_TRANSPORT_CONNECTED, p.people[2]->state);
    CHECK_INT(sent, p.heard[1].n);
    CHECK_INT(sent, p.heard[2].n);
    CHECK_INT(0, p.heard[1].wrong + p.heard[2].wrong);
    world_destroy(p.w);
}

TEST(sim_data, holds_a_flood_up) {
    struct party p;
    begin(&p, 5, PEOPLE);
    p.w->net.up.delay_us = p.w->net.down.delay_us = 500;
    int64_t began_us = p.w->now_us;
    uint64_t sent = 0;
    while (p.w->now_us - began_us < 2 * SECOND) {
        while (sent < 15000 && say(p.people[0], true, 0, NULL, 1000) == RTC_SCTP_SENT) {
            sent++;
        }
        world_run(p.w, SECOND / 100);
    }
    size_t forwarded = p.heard[1].bytes + p.heard[2].bytes + p.heard[3].bytes;
    CHECK(forwarded > SFU_DATA_BURST);
    CHECK(forwarded < SFU_DATA_BURST + 2 * SFU_DATA_RATE);
    CHECK_INT(RTC_SCTP_SENT, say(p.people[1], true, 1, "c", 10)); /* others are not held up */
    world_run(p.w, SECOND / 2);
    CHECK_INT(1, p.heard[2].of['b']);
    world_run(p.w, 20 * SECOND);
    CHECK_INT(sent, p.heard[3].n); /* and it loses nothing */
    world_destroy(p.w);
}
