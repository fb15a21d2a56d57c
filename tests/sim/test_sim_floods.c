/* Floods inside a connection that was let in: SCTP that is forged and SCTP that is allowed,
 * channels and messages without end. They are counted and bounded, and the others' call goes on as
 * if nothing was. */
#include "scene.h"
#include "unit/sctp_sign.h"
#include "unit/test.h"

#include "core/crypto.h"
#include "rtc/dcep.h"
#include "sfu/data.h"
#include "sfu/worker.h"

#include <malloc.h>
#include <string.h>

#define FLOOD       2000 /* packets or messages */
#define A_TURN      10   /* of them */
#define TURN_US     10000
#define HELD_MOST   (1 * MIB) /* that all of it may leave behind while it goes on */
#define ANSWER_MOST 15        /* times what came: an INIT of 32 bytes gets a cookie of 400 */

enum { SCTP_DATA, SCTP_INIT, SCTP_SACK = 3, SCTP_ABORT = 6, SCTP_COOKIE_ECHO = 10 };

/* The bad one's own SCTP, and what is to be known of the association to forge more of it. */
struct forger {
    struct scene scene;
    struct rtc_sctp *sctp;
    uint32_t tag, tsn; /* the SFU's tag; our first number */
    uint64_t in;       /* bytes that were sent */
    unsigned from_b;   /* messages of b's that a has got */
};

/* Of AddressSanitizer, where it has replaced the C library's heap. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

/* What the C library has given, usrsctp's share included; 0 = it does not say. */
static size_t heap(void) {
    struct mallinfo2 all = mallinfo2();
    return __sanitizer_get_current_allocated_bytes != NULL
               ? __sanitizer_get_current_allocated_bytes()
               : all.uordblks + all.hblkhd;
}

/* --- the bad one's association --- */

static void on_packet(void *arg, const uint8_t *data, size_t len) {
    struct forger *f = arg;
    if (data[12] == SCTP_INIT) {
        f->tsn = be32_get(data + 28);
    } else {
        f->tag = be32_get(data + 4);
    }
    f->in += len;
    (void)peer_connection_app(f->scene.bad->peer, data, len);
}

static void on_message(void *arg, const struct rtc_sctp_message *m) {
    (void)arg;
    (void)m;
}

static void on_state(void *arg, enum rtc_sctp_state state) {
    (void)arg;
    (void)state;
}

static void on_writable(void *arg) {
    (void)arg;
}

static void on_reset(void *arg, uint16_t stream) {
    (void)arg;
    (void)stream;
}

static const struct rtc_sctp_hooks hooks = { on_packet, on_message, on_state, on_writable,
    on_reset };

static void on_app(void *arg, const uint8_t *data, size_t len) {
    struct forger *f = arg;
    rtc_sctp_feed(f->sctp, data, len, f->scene.w->now_us);
}

static const uint8_t chat[] = { 9 << 3 | 2, 2, 'h', 'i' };

static void hear(struct world_client *c, bool reliable, const uint8_t *bytes, size_t len) {
    (void)reliable;
    (void)bytes;
    *(unsigned *)c->got_arg += len > 0;
}

/* What b says alone: noise may happen to be a message, too. */
static void hear_chat(struct world_client *c, bool reliable, const uint8_t *bytes, size_t len) {
    (void)reliable;
    *(unsigned *)c->got_arg += memmem(bytes, len, chat, sizeof(chat)) != NULL;
}

static void forger_begin(struct forger *f, uint64_t seed) {
    struct rtc_sctp_config cfg = { .streams = RTC_SCTP_STREAMS_MOST, .hooks = &hooks, .arg = f };
    static const struct sfu_data_config bad = { "m", "PA_m", true, true, false, false };
    memset(f, 0, sizeof(*f));
    struct scene *s = &f->scene;
    scene_begin(s, seed, true);
    world_data(s->a, "a", false, true);
    world_data(s->b, "b", false, true);
    s->a->got = hear_chat;
    s->a->got_arg = &f->from_b;
    sfu_participant_data(s->w->sfu, s->bad->participant, &bad);
    sfu_transport_data(s->w->sfu, s->bad->transport, false, true);
    s->bad->app = on_app;
    s->bad->app_arg = f;
    CHECK_ERR(OK, rtc_sctp_create(s->w->sctp, &cfg, s->w->now_us, &f->sctp));
    world_run(s->w, SECOND);
    CHECK_INT(RTC_SCTP_OPEN, rtc_sctp_state(f->sctp));
}

/* While a flood goes on, b goes on seeing a, and a gets b's messages. */
static void forger_flood(struct forger *f, void (*one)(struct forger *f, unsigned i)) {
    struct scene *s = &f->scene;
    const size_t before = heap();
    const uint64_t out = s->w->out_bytes, seen = s->sees->stats.frames;
    const unsigned told = f->from_b;
    f->in = 0;
    for (unsigned i = 0; i < FLOOD; i++) {
        one(f, i);
        if (i % A_TURN == A_TURN - 1) {
            world_run(s->w, TURN_US);
        }
        if (i % (FLOOD / 10) == 0) {
            CHECK_INT(RTC_SCTP_SENT,
                rtc_channel_send(s->b->reliable, false, chat, sizeof(chat), s->w->now_us));
        }
    }
    CHECK(heap() < before + HELD_MOST);
    const int64_t took_us = (int64_t)FLOOD / A_TURN * TURN_US;
    /* The call's own share is what two seconds of it take. */
    CHECK(s->w->out_bytes - out < ANSWER_MOST * f->in + 1 * MIB);
    CHECK(s->sees->stats.frames - seen >= (uint64_t)(took_us / SECOND * 27));
    world_run(s->w, SECOND);
    CHECK_INT(told + 10, f->from_b);
}

static void forger_end(struct forger *f) {
    f->scene.bad->app = NULL;
    rtc_sctp_destroy(f->sctp);
    scene_end(&f->scene);
}

/* --- forged packets --- */

static void forge(
    struct forger *f, uint32_t tag, uint8_t type, uint8_t flags, const uint8_t *body, size_t len) {
    uint8_t bytes[RTC_SCTP_PACKET_MOST];
    struct wr w = wr_make(bytes, sizeof(bytes));
    wr_u16(&w, RTC_SCTP_PORT);
    wr_u16(&w, RTC_SCTP_PORT);
    wr_u32(&w, tag);
    wr_u32(&w, 0); /* the checksum */
    wr_u8(&w, type);
    wr_u8(&w, flags);
    wr_u16(&w, (uint16_t)(len + 4));
    wr_bytes(&w, body, len);
    wr_zero(&w, (4 - len % 4) % 4);
    CHECK(!w.bad);
    sctp_sign(bytes, wr_len(&w));
    f->in += wr_len(&w);
    CHECK(peer_connection_app(f->scene.bad->peer, bytes, wr_len(&w)));
}

static uint32_t any(struct forger *f) {
    return (uint32_t)net_random(&f->scene.w->net, UINT32_MAX) + 1;
}

static void noise(struct forger *f, uint32_t tag, uint8_t type, size_t len) {
    uint8_t body[1100];
    crypto_random(body, len);
    forge(f, tag, type, 3, body, len);
}

static void forge_init(struct forger *f, uint32_t tag, unsigned i) {
    (void)i;
    uint8_t body[16];
    struct wr w = wr_make(body, sizeof(body));
    wr_u32(&w, any(f)); /* its tag */
    wr_u32(&w, UINT32_MAX);
    wr_u32(&w, UINT32_MAX); /* streams, both ways */
    wr_u32(&w, any(f));
    forge(f, tag, SCTP_INIT, 0, body, sizeof(body));
}

static void forge_cookie(struct forger *f, uint32_t tag, unsigned i) {
    noise(f, tag, SCTP_COOKIE_ECHO, 20 + i % 1000);
}

static void forge_data(struct forger *f, uint32_t tag, uint32_t tsn, uint16_t stream) {
    uint8_t body[1000] = { 0 };
    be32_put(body, tsn);
    be16_put(body + 4, stream);
    be32_put(body + 8, RTC_PPID_BYTES);
    forge(f, tag, SCTP_DATA, 3, body, sizeof(body));
}

static void forge_far(struct forger *f, uint32_t tag, unsigned i) {
    (void)i;
    forge_data(f, tag, any(f), 0);
}

static void forge_near(struct forger *f, uint32_t tag, unsigned i) {
    forge_data(f, tag, f->tsn + 1 + i, 0); /* the first one never comes */
}

static void forge_stream(struct forger *f, uint32_t tag, unsigned i) {
    forge_data(f, tag, f->tsn + i, (uint16_t)(1000 + i));
}

/* Of a message that never ends. */
static void forge_part(struct forger *f, uint32_t tag, unsigned i) {
    uint8_t body[1000] = { 0 };
    be32_put(body, f->tsn + i);
    be32_put(body + 8, RTC_PPID_BYTES);
    forge(f, tag, SCTP_DATA, i == 0 ? 2 : 0, body, sizeof(body));
}

static void forge_sack(struct forger *f, uint32_t tag, unsigned i) {
    uint8_t body[12] = { 0 };
    be32_put(body, any(f) + i);
    forge(f, tag, SCTP_SACK, 0, body, sizeof(body));
}

static void forge_abort(struct forger *f, uint32_t tag, unsigned i) {
    (void)i;
    forge(f, tag, SCTP_ABORT, 0, (const uint8_t *)"", 0);
}

static void forge_any(struct forger *f, uint32_t tag, unsigned i) {
    uint8_t type = (uint8_t)(i % 256);
    noise(f, tag, type == SCTP_ABORT ? 0xfe : type, i % 600);
}

static const struct forged {
    const char *name;
    void (*forge)(struct forger *f, uint32_t tag, unsigned i);
    enum { OF_NOBODY, OF_A_NEW_ONE, OF_THIS_ONE } tag;
} forged[] = {
    { "beginnings", forge_init, OF_A_NEW_ONE },
    { "beginnings under a tag", forge_init, OF_THIS_ONE },
    { "cookies of nobody", forge_cookie, OF_NOBODY },
    { "cookies that we never baked", forge_cookie, OF_THIS_ONE },
    { "messages of nobody", forge_far, OF_NOBODY },
    { "messages far ahead", forge_far, OF_THIS_ONE },
    { "messages behind a gap", forge_near, OF_THIS_ONE },
    { "messages on streams that are not there", forge_stream, OF_THIS_ONE },
    { "a message without end", forge_part, OF_THIS_ONE },
    { "receipts", forge_sack, OF_THIS_ONE },
    { "ends of nobody", forge_abort, OF_NOBODY },
    { "chunks of noise", forge_any, OF_THIS_ONE },
    { "chunks of noise of nobody", forge_any, OF_NOBODY },
};
static const struct forged *forging;

static void forge_one(struct forger *f, unsigned i) {
    uint32_t tags[] = { any(f), 0, f->tag };
    forging->forge(f, tags[forging->tag], i);
}

TEST(sim_floods, forged_sctp_harms_nobody_else) {
    FOR_ROWS (forged, r) {
        ROW(r->name);
        struct forger f;
        forger_begin(&f, 80 + (uint64_t)(r - forged));
        forging = r;
        forger_flood(&f, forge_one);
        forger_end(&f);
    }
}

/* --- what its association lets through --- */

static enum rtc_sctp_sent say(
    struct forger *f, uint16_t stream, uint32_t ppid, const uint8_t *bytes, size_t len) {
    struct rtc_sctp_message m = { .data = bytes, .len = len, .ppid = ppid, .stream = stream };
    return rtc_sctp_send(f->sctp, &m, f->scene.w->now_us);
}

static void open_channel(struct forger *f, uint16_t stream, const char *label, size_t len) {
    uint8_t bytes[RTC_DCEP_OPEN_HEAD + 256];
    struct rtc_dcep_open open = { .label = label, .label_len = (uint16_t)len };
    size_t n = rtc_dcep_write_open(&open, bytes, sizeof(bytes));
    CHECK(n > 0);
    (void)say(f, stream, RTC_PPID_DCEP, bytes, n);
}

static void say_channels(struct forger *f, unsigned i) {
    char label[RTC_CHANNEL_LABEL_MOST + 4];
    crypto_random(label, sizeof(label));
    open_channel(f, (uint16_t)(i * 2 % RTC_SCTP_STREAMS), label, i % sizeof(label));
}

static void say_come_and_go(struct forger *f, unsigned i) {
    uint16_t stream = (uint16_t)(4 + i % 2 * 2);
    open_channel(f, stream, "_reliable", strlen("_reliable"));
    rtc_sctp_reset(f->sctp, stream, f->scene.w->now_us);
}

static void say_streams(struct forger *f, unsigned i) {
    static const uint8_t bytes[50] = { 0 };
    (void)say(f, (uint16_t)(4 + i % RTC_SCTP_STREAMS_MOST), RTC_PPID_BYTES, bytes, sizeof(bytes));
}

static void say_kinds(struct forger *f, unsigned i) {
    static const uint8_t bytes[50] = { 0 };
    (void)say(f, 0, 60 + i, bytes, sizeof(bytes));
}

static void say_broken(struct forger *f, unsigned i) {
    static const uint8_t bytes[] = { 9 << 3 | 2, 200, 0 }; /* a member longer than the message */
    (void)say(f, i % 2 == 0 ? 0 : 2, RTC_PPID_BYTES, bytes, sizeof(bytes));
}

static void say_noise(struct forger *f, unsigned i) {
    static uint8_t bytes[9000];
    size_t len = 1 + i * 31 % (sizeof(bytes) - 1);
    crypto_random(bytes, 20);
    (void)say(f, i % 2 == 0 ? 0 : 2, RTC_PPID_BYTES, bytes, len);
}

TEST(sim_floods, channels_and_broken_messages_harm_nobody) {
    static const struct {
        const char *name;
        void (*one)(struct forger *f, unsigned i);
        unsigned malformed; /* at least so many are counted */
    } rows[] = {
        { "channels without end", say_channels, 0 },
        { "channels that come and go", say_come_and_go, 0 },
        { "streams without end", say_streams, 0 },
        { "messages of kinds that nobody knows", say_kinds, 0 },
        { "broken messages", say_broken, FLOOD },
        { "messages of noise", say_noise, FLOOD / 10 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct forger f;
        forger_begin(&f, 100 + (uint64_t)(r - rows));
        open_channel(&f, 0, "_reliable", strlen("_reliable"));
        open_channel(&f, 2, "_lossy", strlen("_lossy"));
        world_run(f.scene.w, SECOND / 2);
        const uint64_t *malformed = &f.scene.worker->stats.drops[SFU_DROP_DATA_MALFORMED];
        const uint64_t before = *malformed;
        forger_flood(&f, r->one);
        CHECK(*malformed - before >= r->malformed);
        CHECK_INT(SFU_TRANSPORT_CONNECTED, f.scene.bad->state);
        forger_end(&f);
    }
}

/* --- what it may say, as fast as it can --- */

TEST(sim_floods, messages_to_many_of_whom_one_does_not_read) {
    enum { OTHERS = 8, LARGE = 15000 };
    static const struct {
        const char *name;
        bool reliable;
        size_t len;
    } rows[] = {
        { "large ones", true, LARGE },
        { "small ones", true, 30 },
        { "lossy ones", false, 1000 },
    };
    static uint8_t bytes[LARGE] = { 9 << 3 | 2 }; /* a chat message: not looked into */
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct scene s;
        scene_begin(&s, 110 + (uint64_t)(r - rows), true);
        unsigned got[OTHERS] = { 0 };
        struct world_client *others[OTHERS];
        world_data(s.b, "b", false, true);
        world_data(s.bad, "m", false, true);
        for (unsigned i = 0; i < OTHERS; i++) {
            const char name[] = { (char)('n' + i), 0 };
            others[i] = world_join(s.w, 3 + i);
            others[i]->got = hear;
            others[i]->got_arg = &got[i];
            world_data(others[i], name, false, true);
        }
        world_run(s.w, 2 * SECOND);
        rtc_channels_pause(peer_connection_channels(others[0]->peer), true);
        struct wr w = wr_make(bytes + 1, 2);
        wr_u8(&w, (uint8_t)((r->len - 3) | 0x80));
        wr_u8(&w, (uint8_t)((r->len - 3) >> 7));
        struct rtc_channel *way = r->reliable ? s.bad->reliable : s.bad->lossy;
        const uint64_t seen = s.sees->stats.frames, out = s.w->out_bytes;
        const size_t before = heap();
        unsigned sent = 0;
        for (unsigned turn = 0; turn < 150; turn++) {
            while (rtc_channel_send(way, false, bytes, r->len, s.w->now_us) == RTC_SCTP_SENT &&
                   ++sent % 200 != 0) {
            }
            world_run(s.w, TURN_US);
        }
        CHECK(s.w->out_bytes - out < SFU_DATA_BURST + 3 * (uint64_t)SFU_DATA_RATE);
        CHECK(heap() < before + OTHERS * (SFU_DATA_WAITING_MOST + RTC_SCTP_SEND_MOST));
        CHECK(s.sees->stats.frames - seen >= 42);
        world_run(s.w, 8 * SECOND);
        CHECK_INT(r->reliable ? SFU_TRANSPORT_ENDED : SFU_TRANSPORT_CONNECTED, others[0]->state);
        for (unsigned i = 1; i < OTHERS; i++) {
            CHECK(r->reliable ? got[i] == sent : got[i] > 0);
        }
        scene_end(&s);
    }
}
