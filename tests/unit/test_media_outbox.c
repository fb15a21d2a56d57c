/* What waits to be sent: by whom it is sent, in which order, as which runs. */
#include "media/outbox.h"

#include "core/cur.h"
#include "core/mem.h"
#include "media/held.h"
#include "test.h"

#include <string.h>

#define NOW      7000000
#define SENT_MAX 9000

/* What the fake sender got. */
struct sent {
    uint16_t port, len, run; /* to whom, how long, number of its run */
    uint8_t first;           /* byte */
};
struct fixture {
    struct pkt_pool *pool;
    struct rtc_seal *seal;
    struct rtc_srtp_out *session;
    struct media_outbox *box;
    struct media_outlet outlets[3];
    struct media_pace pace; /* of the first */
    struct rtc_bwe *bwe;
    struct rtc_srtp_sender sender;
    unsigned n, runs, calls;
    struct sent sent[SENT_MAX];
    uint8_t latest[2000];
};

static void take(void *arg, const struct media_run *runs, size_t n) {
    struct fixture *f = arg;
    f->calls++;
    for (size_t i = 0; i < n; i++, f->runs++) {
        CHECK(runs[i].n >= 1 && runs[i].n <= MEDIA_RUN_MAX);
        size_t all = 0;
        for (uint16_t k = 0; k < runs[i].n; k++) {
            size_t len = runs[i].iov[k].iov_len;
            CHECK(len == runs[i].size || (k + 1 == runs[i].n && len < runs[i].size));
            f->sent[f->n++ % SENT_MAX] = (struct sent){ runs[i].to.peer.port, (uint16_t)len,
                (uint16_t)f->runs, *(uint8_t *)runs[i].iov[k].iov_base };
            memcpy(f->latest, runs[i].iov[k].iov_base, len);
            all += len;
        }
        CHECK(all <= MEDIA_RUN_BYTES);
    }
}

static struct rtc_ice_path to_port(uint16_t port) {
    static const uint8_t ip[4] = { 10, 0, 0, 1 };
    return (struct rtc_ice_path){ .peer = rtc_addr_v4(ip, port, false) };
}

static void set_up(struct fixture *f) {
    struct rtc_srtp_master master = { .suite = RTC_SRTP_GCM_128 };
    memset(f, 0, sizeof(*f));
    CHECK_ERR(OK, pkt_pool_create(16 * MIB, &f->pool));
    CHECK_ERR(OK, rtc_seal_create("evp", &f->seal));
    CHECK_ERR(OK, rtc_srtp_out_create(f->seal, &master, &f->session));
    CHECK_ERR(OK, media_outbox_create(f->seal, take, f, &f->box));
    for (unsigned i = 0; i < 3; i++) {
        f->outlets[i] = (struct media_outlet){ .open = true, .to = to_port((uint16_t)(i + 1)) };
    }
}

static void tear_down(struct fixture *f) {
    struct pkt_stats left;
    media_outbox_destroy(f->box);
    pkt_pool_stats(f->pool, &left);
    CHECK_INT(0, left.in_use);
    rtc_srtp_out_destroy(f->session);
    rtc_seal_destroy(f->seal);
    pkt_pool_destroy(f->pool);
}

static struct pkt *packet(struct fixture *f, size_t len, uint8_t byte) {
    struct pkt *p = pkt_take(f->pool);
    memset(pkt_bytes(p), byte, len);
    p->len = (uint16_t)len;
    return p;
}

static void plain(struct fixture *f, unsigned outlet, size_t len) {
    media_outbox_add_plain(
        f->box, &f->outlets[outlet], packet(f, len, (uint8_t)f->outlets[outlet].to.peer.port), NOW);
}

TEST(media_outbox, goes_by_peer_in_runs_of_equal_sizes) {
    static const struct {
        const char *name;
        struct {
            unsigned outlet;
            size_t len;
        } in[6];
        struct sent out[6];
        unsigned runs;
    } rows[] = {
        { "one", { { 0, 100 } }, { { 1, 100, 0, 1 } }, 1 },
        { "equal ones are a run", { { 0, 100 }, { 0, 100 }, { 0, 100 } },
            { { 1, 100, 0, 1 }, { 1, 100, 0, 1 }, { 1, 100, 0, 1 } }, 1 },
        { "a shorter one ends it", { { 0, 100 }, { 0, 100 }, { 0, 60 }, { 0, 60 } },
            { { 1, 100, 0, 1 }, { 1, 100, 0, 1 }, { 1, 60, 0, 1 }, { 1, 60, 1, 1 } }, 2 },
        { "a longer one begins another", { { 0, 60 }, { 0, 100 }, { 0, 100 } },
            { { 1, 60, 0, 1 }, { 1, 100, 1, 1 }, { 1, 100, 1, 1 } }, 2 },
        { "peers in the order of their first packet",
            { { 1, 50 }, { 0, 50 }, { 1, 50 }, { 2, 50 }, { 0, 50 }, { 1, 50 } },
            { { 2, 50, 0, 2 }, { 2, 50, 0, 2 }, { 2, 50, 0, 2 }, { 1, 50, 1, 1 }, { 1, 50, 1, 1 },
                { 3, 50, 2, 3 } },
            3 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct fixture *f = mem_zalloc(sizeof(*f));
        set_up(f);
        unsigned n = 0;
        for (; n < 6 && r->in[n].len > 0; n++) {
            plain(f, r->in[n].outlet, r->in[n].len);
        }
        CHECK(media_outbox_waits(f->box, NOW));
        media_outbox_flush(f->box, NOW);
        CHECK(!media_outbox_waits(f->box, NOW));
        CHECK_INT(n, f->n);
        CHECK_INT(r->runs, f->runs);
        for (unsigned i = 0; i < n; i++) {
            CHECK_INT(r->out[i].port, f->sent[i].port);
            CHECK_INT(r->out[i].len, f->sent[i].len);
            CHECK_INT(r->out[i].run, f->sent[i].run);
            CHECK_INT(r->out[i].first, f->sent[i].first);
        }
        media_outbox_flush(f->box, NOW); /* nothing is sent twice */
        CHECK_INT(n, f->n);
        tear_down(f);
        mem_free(f);
    }
}

TEST(media_outbox, long_runs_are_cut) {
    static const struct {
        const char *name;
        size_t len;
        unsigned n, runs;
    } rows[] = {
        { "as many as the kernel takes", 100, 64, 1 },
        { "one more", 100, 65, 2 },
        { "as long as a datagram may be", 1300, 50, 1 },
        { "longer", 1300, 51, 2 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct fixture *f = mem_zalloc(sizeof(*f));
        set_up(f);
        for (unsigned i = 0; i < r->n; i++) {
            plain(f, 0, r->len);
        }
        media_outbox_flush(f->box, NOW);
        CHECK_INT(r->n, f->n);
        CHECK_INT(r->runs, f->runs);
        tear_down(f);
        mem_free(f);
    }
}

TEST(media_outbox, drops_what_has_no_path) {
    struct fixture *f = mem_zalloc(sizeof(*f));
    set_up(f);
    plain(f, 0, 10);
    plain(f, 1, 10);
    plain(f, 0, 10);
    f->outlets[0].open = false; /* meanwhile */
    media_outbox_flush(f->box, NOW);
    CHECK_INT(1, f->n);
    CHECK_INT(2, f->sent[0].port);
    CHECK_INT(2, media_outbox_stats(f->box)->no_path);
    plain(f, 0, 10); /* still waits at the end */
    tear_down(f);
    mem_free(f);
}

TEST(media_outbox, sends_by_itself_when_it_is_full) {
    struct fixture *f = mem_zalloc(sizeof(*f));
    set_up(f);
    for (unsigned i = 0; i < MEDIA_OUTBOX_JOBS; i++) {
        plain(f, i % 3, 40);
    }
    CHECK_INT(0, f->n);
    plain(f, 0, 40);
    CHECK_INT(MEDIA_OUTBOX_JOBS, f->n);
    struct rtc_ice_path path = to_port(77);
    for (unsigned i = 0; i < 100; i++) { /* answers, each to a path of its own */
        path.peer.port = (uint16_t)(1000 + i);
        media_outbox_add_loose(f->box, &path, packet(f, 20, 9), NOW);
    }
    media_outbox_flush(f->box, NOW);
    CHECK_INT(MEDIA_OUTBOX_JOBS + 101, f->n);
    for (unsigned i = 0; i < 100; i++) {
        CHECK_INT(1000 + i, f->sent[MEDIA_OUTBOX_JOBS + 1 + i].port);
    }
    tear_down(f);
    mem_free(f);
}

/* A job of RTP: a head of 12 bytes and room for the time, a prefix, a body. */
static struct media_job *rtp(
    struct fixture *f, uint16_t seq, bool time, size_t prefix, size_t body) {
    struct pkt *p = packet(f, body + 30, 0x55);
    struct media_job *job = media_outbox_add(f->box, &f->outlets[0], NOW);
    uint8_t head[20] = { 0x90, 96, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5, 0xbe, 0xde, 0, 1, 0x52 };
    be16_put(head + 2, seq);
    memcpy(job->head, head, sizeof(head));
    job->session = f->session;
    job->sender = &f->sender;
    job->pkt = p;
    job->head_len = sizeof(head);
    job->sent_time_at = time ? 17 : 0;
    job->prefix_len = (uint8_t)prefix;
    memset(job->prefix, 0xaa, sizeof(job->prefix));
    job->body_off = (uint16_t)(p->off + 30);
    job->body_len = (uint16_t)body;
    job->wide_at = 0;
    return job;
}

TEST(media_outbox, seals_head_prefix_and_body) {
    static const struct {
        const char *name;
        bool time;
        size_t prefix, body;
    } rows[] = {
        { "a body", false, 0, 100 },
        { "behind a prefix", false, MEDIA_PREFIX_MAX, 100 },
        { "with the time of sending", true, 2, 500 },
        { "the longest", true, MEDIA_PREFIX_MAX, PKT_DATAGRAM - 30 - MEDIA_PREFIX_MAX },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct fixture *f = mem_zalloc(sizeof(*f));
        struct rtc_srtp_in *in = NULL;
        struct rtc_srtp_master master = { .suite = RTC_SRTP_GCM_128 };
        set_up(f);
        CHECK_ERR(OK, rtc_srtp_in_create(f->seal, &master, 2, &in));
        (void)rtp(f, 500, r->time, r->prefix, r->body);
        media_outbox_flush(f->box, NOW);
        CHECK_INT(1, f->n);
        struct rtc_srtp_got got = { .session = in, .packet = f->latest, .len = f->sent[0].len };
        CHECK_INT(1, rtc_srtp_open(f->seal, &got, 1));
        CHECK_INT(20 + r->prefix + r->body, got.len);
        for (size_t i = 20; i < got.len; i++) {
            CHECK_INT(i < 20 + r->prefix ? 0xaa : 0x55, f->latest[i]);
        }
        /* 7 s, 18 bits behind the point. */
        CHECK_INT(r->time ? 7 << 18 : 0, (uint32_t)f->latest[17] << 16 | be16_get(f->latest + 18));
        rtc_srtp_in_destroy(in);
        tear_down(f);
        mem_free(f);
    }
}

TEST(media_outbox, what_cannot_be_sealed_is_counted_and_left_out) {
    struct fixture *f = mem_zalloc(sizeof(*f));
    set_up(f);
    f->sender.next = RTC_SRTP_INDEX_END; /* the key is spent */
    (void)rtp(f, 0, false, 0, 100);
    plain(f, 0, 33);
    media_outbox_flush(f->box, NOW);
    CHECK_INT(1, f->n);
    CHECK_INT(33, f->sent[0].len);
    CHECK_INT(1, media_outbox_stats(f->box)->unsealed);
    tear_down(f);
    mem_free(f);
}

TEST_ALLOC(media_outbox, is_made_or_not) {
    struct rtc_seal *seal = NULL;
    struct media_outbox *box = NULL;
    TRY(rtc_seal_create("evp", &seal));
    enum err e = media_outbox_create(seal, take, NULL, &box);
    media_outbox_destroy(box);
    rtc_seal_destroy(seal);
    return e;
}

/* A job that is counted, of `body` bytes, for the first outlet; or sound, which is not. */
static struct media_job *counted(struct fixture *f, uint16_t seq, bool video, size_t body) {
    struct media_job *job = rtp(f, seq, false, 0, body);
    job->wide_at = video ? 17 : 0;
    return job;
}

static void pace(struct fixture *f) {
    CHECK_ERR(OK, rtc_bwe_create(&f->bwe));
    f->pace = (struct media_pace){ .outlet = &f->outlets[0] };
    f->outlets[0].bwe = f->bwe;
    f->outlets[0].pace = &f->pace;
}

TEST(media_outbox, a_burst_of_a_paced_peer_waits_and_sound_does_not) {
    struct fixture *f = mem_zalloc(sizeof(*f));
    set_up(f);
    pace(f);
    f->pace.pacer.bps = 8000000; /* a byte a microsecond: 40 KB leave at once */
    for (uint16_t i = 0; i < 100; i++) {
        (void)counted(f, i, true, 952 + 12); /* 1,000 with head and tag */
    }
    media_outbox_flush(f->box, NOW);
    CHECK_INT(41, f->n);
    CHECK_INT(NOW + 1000, media_outbox_next_us(f->box));
    CHECK(!media_outbox_waits(f->box, NOW + 999));
    CHECK(media_outbox_waits(f->box, NOW + 1000));
    ROW("sound overtakes, video does not");
    (void)counted(f, 900, false, 100);
    (void)counted(f, 100, true, 964);
    media_outbox_flush(f->box, NOW + 10);
    CHECK_INT(42, f->n);
    CHECK_INT(100 + 20 + 16, f->sent[41].len);
    ROW("it leaves at the rate, in its order");
    media_outbox_flush(f->box, NOW + 10000);
    CHECK_INT(52, f->n);
    media_outbox_flush(f->box, NOW + 30000);
    CHECK_INT(72, f->n);
    ROW("without a rate, all at once");
    f->pace.pacer.bps = 0;
    CHECK(media_outbox_waits(f->box, NOW + 30001));
    media_outbox_flush(f->box, NOW + 30001);
    CHECK_INT(102, f->n);
    CHECK_INT(INT64_MAX, media_outbox_next_us(f->box));
    tear_down(f);
    rtc_bwe_destroy(f->bwe);
    mem_free(f);
}

TEST(media_outbox, what_waits_goes_with_its_sender_or_its_outlet) {
    struct fixture *f = mem_zalloc(sizeof(*f));
    set_up(f);
    pace(f);
    struct media_outlet *o = &f->outlets[0];
    struct rtc_srtp_sender other = { 0 };
    f->pace.pacer.bps = 800000;
    for (uint16_t i = 0; i < 60; i++) {
        counted(f, i, true, 964)->sender = i % 2 == 0 ? &f->sender : &other;
    }
    media_outbox_flush(f->box, NOW);
    unsigned first = f->n;
    CHECK(first < 10);
    media_outbox_drop(f->box, o, &other);
    f->pace.pacer.bps = 0;
    media_outbox_flush(f->box, NOW + 1);
    CHECK(f->n >= 30 && f->n <= 30 + first);
    ROW("the outlet closes");
    f->pace.pacer = (struct rtc_pacer){ .bps = 800000 };
    for (uint16_t i = 0; i < 60; i++) {
        (void)counted(f, (uint16_t)(100 + i), true, 964);
    }
    media_outbox_flush(f->box, NOW + 2);
    unsigned before = f->n;
    o->open = false;
    media_outbox_flush(f->box, NOW + 3);
    CHECK_INT(before, f->n);
    CHECK(media_outbox_stats(f->box)->no_path >= 50);
    ROW("and with the box");
    o->open = true;
    for (uint16_t i = 0; i < 60; i++) {
        (void)counted(f, (uint16_t)(200 + i), true, 964);
    }
    media_outbox_flush(f->box, NOW + 4);
    tear_down(f);
    rtc_bwe_destroy(f->bwe);
    mem_free(f);
}

TEST(media_outbox, a_full_store_holds_nobody_up) {
    struct fixture *f = mem_zalloc(sizeof(*f));
    set_up(f);
    pace(f);
    f->pace.pacer.bps = 8000;
    for (unsigned i = 0; i < MEDIA_HELD_MAX + 100; i++) {
        (void)counted(f, (uint16_t)i, true, 100);
    }
    media_outbox_flush(f->box, NOW);
    CHECK(f->n > MEDIA_HELD_MAX); /* those that waited went first */
    media_outbox_drop(f->box, &f->outlets[0], NULL);
    CHECK_INT(0, f->pace.pacer.waiting);
    CHECK_INT(INT64_MAX, media_outbox_next_us(f->box));
    tear_down(f);
    rtc_bwe_destroy(f->bwe);
    mem_free(f);
}

TEST(media_outbox, nothing_waits_long) {
    struct fixture *f = mem_zalloc(sizeof(*f));
    set_up(f);
    pace(f);
    f->pace.pacer.bps = 30000; /* far below what comes: 800 kbit/s */
    unsigned came = 0;
    for (int64_t at = NOW; at < NOW + 5000000; at += 10000) {
        (void)counted(f, (uint16_t)came++, true, 964);
        media_outbox_flush(f->box, at);
    }
    CHECK(came - f->n < 60); /* half a second of it */
    tear_down(f);
    rtc_bwe_destroy(f->bwe);
    mem_free(f);
}
