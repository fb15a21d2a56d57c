#include "test.h"

#include "sctp_path.h"

#include "rtc/datachannel.h"

/* An end's channels, and what they told. */
struct side {
    struct rtc_channels *cs;
    unsigned opened, closed, writable, messages;
    struct rtc_channel *latest;
    bool text;
    size_t len;
    uint8_t first;
    char label[RTC_CHANNEL_LABEL_MOST + 1];
};

struct pair {
    struct sctp_path path;
    struct side sides[2];
};

static struct side *side_of(void *arg) {
    return ((struct sctp_end *)arg)->arg;
}

static void on_opened(void *arg, struct rtc_channel *c) {
    struct side *s = side_of(arg);
    s->opened++;
    s->latest = c;
    memcpy(s->label, c->label, sizeof(s->label));
}

static void on_message(
    void *arg, struct rtc_channel *c, bool text, const uint8_t *data, size_t len) {
    struct side *s = side_of(arg);
    s->messages++;
    s->latest = c;
    s->text = text;
    s->len = len;
    s->first = len == 0 ? 0 : data[0];
}

static void on_closed(void *arg, struct rtc_channel *c) {
    struct side *s = side_of(arg);
    CHECK(!c->open);
    s->closed++;
    s->latest = s->latest == c ? NULL : s->latest;
}

static void on_writable(void *arg) {
    side_of(arg)->writable++;
}

static const struct rtc_channels_hooks hooks = { sctp_path_packet, sctp_path_state, on_opened,
    on_message, on_closed, on_writable };

static void feed(struct sctp_end *e, const uint8_t *data, size_t len) {
    struct side *s = e->arg;
    if (s->cs != NULL) {
        rtc_channels_feed(s->cs, data, len, e->path->now_us);
    }
}

/* Side 0 is the DTLS client. */
static enum err pair_open(struct pair *p) {
    TRY(sctp_path_begin(&p->path));
    for (int i = 0; i < 2; i++) {
        p->path.ends[i].arg = &p->sides[i];
        p->path.ends[i].feed = feed;
        struct rtc_channels_config cfg = { i == 0 ? RTC_DTLS_CLIENT : RTC_DTLS_SERVER, 0, &hooks,
            &p->path.ends[i] };
        TRY(rtc_channels_create(p->path.ends[i].door, &cfg, p->path.now_us, &p->sides[i].cs));
    }
    return OK;
}

static void pair_close(struct pair *p) {
    for (int i = 0; i < 2; i++) {
        rtc_channels_destroy(p->sides[i].cs);
        p->sides[i].cs = NULL;
    }
    sctp_path_close(&p->path);
}

static void run(struct pair *p) {
    sctp_path_run(&p->path, 10 * SEC_US);
}

static struct rtc_channel *open_one(struct pair *p, int side, const struct rtc_channel_kind *kind) {
    struct rtc_channel *c = NULL;
    CHECK_ERR(OK, rtc_channel_open(p->sides[side].cs, kind, p->path.now_us, &c));
    return c;
}

static const struct rtc_channel_kind reliable = { "_reliable", false, false, 0 };

TEST(rtc_datachannel, opens_by_either_side_early_and_late) {
    static const struct {
        const char *name;
        int from;
        bool early;
        struct rtc_channel_kind kind;
        uint16_t stream;
    } rows[] = {
        { "the client's, before the association", 0, true, { "_reliable", false, false, 0 }, 0 },
        { "the server's, before the association", 1, true, { "_lossy", true, true, 0 }, 1 },
        { "the client's, later", 0, false, { "_lossy", true, true, 1 }, 0 },
        { "the server's, later", 1, false, { "_data_track", true, true, 0 }, 1 },
        { "without a label", 0, false, { "", false, true, 5 }, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct pair p = { .path = { .delay_us = 20000, .loss_percent = 10, .seed = 1 } };
        struct side *other = &p.sides[!r->from];
        CHECK_ERR(OK, pair_open(&p));
        if (!r->early) {
            run(&p);
        }
        struct rtc_channel *c = open_one(&p, r->from, &r->kind);
        CHECK_INT(!r->early, c->open);
        run(&p);
        CHECK(c->open && c->acked);
        CHECK_INT(r->early, p.sides[r->from].opened);
        CHECK_INT(1, other->opened);
        CHECK_STR(r->kind.label, other->label);
        CHECK_INT(r->stream, other->latest->stream);
        CHECK_INT(r->kind.unordered, other->latest->unordered);
        CHECK_INT(r->kind.limited, other->latest->limited);
        CHECK_INT(r->kind.resends, other->latest->resends);
        CHECK(rtc_channels_find(p.sides[0].cs, r->kind.label) != NULL);
        CHECK(rtc_channels_find(p.sides[1].cs, "another") == NULL);
        pair_close(&p);
    }
}

TEST(rtc_datachannel, carries_text_and_bytes_both_ways) {
    static const struct {
        const char *name;
        bool text;
        size_t len;
    } rows[] = {
        { "text", true, 5 },
        { "bytes", false, 5 },
        { "empty text", true, 0 },
        { "empty bytes", false, 0 },
        { "as much as fits", false, RTC_SCTP_MESSAGE_MOST },
    };
    static uint8_t data[RTC_SCTP_MESSAGE_MOST] = { 'a', 'b' };
    struct pair p = { .path = { .delay_us = 20000, .seed = 1 } };
    CHECK_ERR(OK, pair_open(&p));
    struct rtc_channel *c = open_one(&p, 0, &reliable);
    run(&p);
    struct rtc_channel *ends[2] = { c, p.sides[1].latest };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        for (int from = 0; from < 2; from++) {
            struct side *to = &p.sides[!from];
            unsigned before = to->messages;
            CHECK_INT(
                RTC_SCTP_SENT, rtc_channel_send(ends[from], r->text, data, r->len, p.path.now_us));
            run(&p);
            CHECK_INT(before + 1, to->messages);
            CHECK_INT(r->text, to->text);
            CHECK_INT(r->len, to->len);
            CHECK_INT(r->len == 0 ? 0 : 'a', to->first);
            CHECK(to->latest == ends[!from]);
        }
    }
    CHECK_INT(
        0, rtc_channels_stats(p.sides[0].cs).strays + rtc_channels_stats(p.sides[1].cs).strays);
    pair_close(&p);
}

TEST(rtc_datachannel, is_closed_by_either_side) {
    for (int by = 0; by < 2; by++) {
        ROW(by == 0 ? "by the opener" : "by the other");
        struct pair p = { .path = { .delay_us = 20000, .loss_percent = 10, .seed = 4 } };
        CHECK_ERR(OK, pair_open(&p));
        struct rtc_channel *c = open_one(&p, 0, &reliable);
        run(&p);
        rtc_channel_close(by == 0 ? c : p.sides[1].latest, p.path.now_us);
        CHECK(rtc_channels_find(p.sides[by].cs, "_reliable") == NULL);
        run(&p);
        CHECK_INT(1, p.sides[0].closed);
        CHECK_INT(1, p.sides[1].closed);
        c = open_one(&p, 0, &reliable); /* its stream can be used again */
        CHECK_INT(0, c->stream);
        run(&p);
        CHECK_INT(2, p.sides[1].opened);
        pair_close(&p);
        CHECK_INT(1, p.sides[1].closed); /* who destroys knows it */
    }
}

TEST(rtc_datachannel, ends_with_the_association) {
    struct pair p = { .path = { .delay_us = 20000, .seed = 4 } };
    CHECK_ERR(OK, pair_open(&p));
    (void)open_one(&p, 0, &reliable);
    run(&p);
    rtc_channels_destroy(p.sides[0].cs);
    p.sides[0].cs = NULL;
    run(&p);
    CHECK_INT(1, p.sides[1].closed);
    CHECK_INT(RTC_SCTP_CLOSED, rtc_channels_state(p.sides[1].cs));
    struct rtc_channel *c = NULL;
    CHECK_ERR(ERR_GONE, rtc_channel_open(p.sides[1].cs, &reliable, p.path.now_us, &c));
    pair_close(&p);
}

TEST(rtc_datachannel, has_a_limit_of_channels) {
    struct pair p = { .path = { .delay_us = 20000, .seed = 4 } };
    struct rtc_channel *c = NULL;
    CHECK_ERR(OK, pair_open(&p));
    run(&p);
    for (int i = 0; i < RTC_CHANNELS_MOST; i++) {
        CHECK_INT(2 * i, open_one(&p, 0, &reliable)->stream);
    }
    CHECK_ERR(ERR_LIMIT, rtc_channel_open(p.sides[0].cs, &reliable, p.path.now_us, &c));
    run(&p);
    /* The peer was made for 16 streams, so eight of a side's: the others are told to be closed. */
    CHECK_INT(RTC_SCTP_STREAMS / 2, p.sides[1].opened);
    CHECK_INT(RTC_CHANNELS_MOST - RTC_SCTP_STREAMS / 2, p.sides[0].closed);
    pair_close(&p);
}

TEST(rtc_datachannel, resets_what_may_not_be_opened) {
    static const struct {
        const char *name;
        uint16_t stream;
        const char *label;
        unsigned opened, refused, reset;
    } rows[] = {
        { "as it should be", 0, "_reliable", 1, 0, 0 },
        { "on a stream of ours", 3, "_reliable", 0, 1, 1 },
        { "with a label of 64 bytes", 0,
            "0123456789012345678901234567890123456789012345678901234567890123", 1, 0, 0 },
        { "with a longer one", 0,
            "01234567890123456789012345678901234567890123456789012345678901234", 0, 1, 1 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct pair p = { .path = { .delay_us = 20000, .seed = 4 } };
        CHECK_ERR(OK, sctp_path_begin(&p.path));
        struct rtc_sctp_config rough = { 0, &sctp_path_hooks, &p.path.ends[0] };
        struct rtc_channels_config cfg = { RTC_DTLS_SERVER, 0, &hooks, &p.path.ends[1] };
        p.path.ends[1].arg = &p.sides[1];
        p.path.ends[1].feed = feed;
        CHECK_ERR(OK, rtc_sctp_create(p.path.ends[0].door, &rough, 0, &p.path.ends[0].sctp));
        CHECK_ERR(OK, rtc_channels_create(p.path.ends[1].door, &cfg, 0, &p.sides[1].cs));
        run(&p);
        uint8_t open[128] = { 3, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)strlen(r->label), 0, 0 };
        memcpy(open + 12, r->label, strlen(r->label));
        struct rtc_sctp_message m = {
            .data = open, .len = 12 + strlen(r->label), .ppid = RTC_PPID_DCEP, .stream = r->stream
        };
        CHECK_INT(RTC_SCTP_SENT, rtc_sctp_send(p.path.ends[0].sctp, &m, p.path.now_us));
        run(&p);
        CHECK_INT(r->opened, p.sides[1].opened);
        CHECK_INT(r->refused, rtc_channels_stats(p.sides[1].cs).refused);
        CHECK_INT(r->reset, p.path.ends[0].resets);
        CHECK_INT(RTC_SCTP_SENT, rtc_sctp_send(p.path.ends[0].sctp, &m, p.path.now_us));
        run(&p); /* a second one is one too many in any case */
        CHECK_INT(r->opened, p.sides[1].opened);
        m.ppid = 99;
        CHECK_INT(RTC_SCTP_SENT, rtc_sctp_send(p.path.ends[0].sctp, &m, p.path.now_us));
        run(&p);
        CHECK_INT(1, rtc_channels_stats(p.sides[1].cs).strays);
        CHECK_INT(0, p.sides[1].messages);
        pair_close(&p);
    }
}

TEST_ALLOC(rtc_datachannel, survives_no_memory) {
    CLEANUP(pair_close) struct pair p = { .path = { .delay_us = 1000, .seed = 5 } };
    struct rtc_channel *c;
    TRY(pair_open(&p));
    TRY(rtc_channel_open(p.sides[0].cs, &reliable, 0, &c));
    sctp_path_run(&p.path, 20 * SEC_US);
    return OK;
}
