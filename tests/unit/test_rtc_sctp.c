#include "test.h"

#include "sctp_path.h"

#define MESSAGES 200

/* What an end has seen: messages carry their number first, then bytes made of it. */
struct seen {
    unsigned n, wrong, back;
    uint32_t latest;
    bool got[MESSAGES];
    size_t bytes, largest;
};

static void fill(uint8_t *data, size_t len, uint32_t number) {
    for (size_t i = 0; i < len; i++) {
        data[i] = (uint8_t)(number * 31 + i * 7 + (i >> 8));
    }
    memcpy(data, &number, sizeof(number));
}

static void note(struct sctp_end *e, const struct rtc_sctp_message *m) {
    struct seen *s = e->arg;
    static uint8_t want[RTC_SCTP_MESSAGE_MOST];
    uint32_t number = MESSAGES;
    if (m->len >= sizeof(number)) {
        memcpy(&number, m->data, sizeof(number));
    }
    fill(want, m->len, number);
    if (number >= MESSAGES || memcmp(want, m->data, m->len) != 0 || m->ppid != 53) {
        s->wrong++;
        return;
    }
    s->back += s->n > 0 && number < s->latest;
    s->wrong += s->got[number];
    s->got[number] = true;
    s->latest = number;
    s->n++;
    s->bytes += m->len;
    s->largest = m->len > s->largest ? m->len : s->largest;
}

static enum rtc_sctp_sent say(
    struct sctp_path *p, int from, uint32_t number, size_t len, uint16_t stream, bool lossy) {
    static uint8_t data[RTC_SCTP_MESSAGE_MOST + 1];
    fill(data, len < sizeof(number) ? sizeof(number) : len, number);
    struct rtc_sctp_message m = {
        .data = data, .len = len, .ppid = 53, .stream = stream, .unordered = lossy, .limited = lossy
    };
    return rtc_sctp_send(p->ends[from].sctp, &m, p->now_us);
}

static void check_open(struct sctp_path *p) {
    sctp_path_run(p, 20 * SEC_US);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(RTC_SCTP_OPEN, rtc_sctp_state(p->ends[i].sctp));
        CHECK_INT(1U << RTC_SCTP_OPEN, p->ends[i].states);
    }
}

TEST(rtc_sctp, carries_every_size_over_any_network) {
    static const struct {
        const char *name;
        unsigned loss;
        int64_t delay_us, jitter_us;
    } rows[] = {
        { "a good one", 0, 1000, 0 },
        { "a far one", 0, 150000, 0 },
        { "one that reorders", 0, 20000, 60000 },
        { "one that loses a tenth", 10, 20000, 0 },
        { "one that does all of it", 10, 30000, 50000 },
    };
    static const size_t sizes[] = { 4, 100, 1100, 1148, 1200, 16000, 65535 };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct seen seen[2] = { 0 };
        struct sctp_path p = {
            .loss_percent = r->loss, .delay_us = r->delay_us, .jitter_us = r->jitter_us, .seed = 7
        };
        CHECK_ERR(OK, sctp_path_open(&p, 0, 0));
        check_open(&p);
        for (int i = 0; i < 2; i++) {
            p.ends[i].got = note;
            p.ends[i].arg = &seen[i];
        }
        for (uint32_t i = 0; i < 21; i++) {
            for (int from = 0; from < 2; from++) {
                CHECK_INT(RTC_SCTP_SENT, say(&p, from, i, sizes[i % COUNT_OF(sizes)], 1, false));
            }
            sctp_path_run(&p, SEC_US * 8);
        }
        sctp_path_run(&p, 60 * SEC_US);
        for (int i = 0; i < 2; i++) {
            CHECK_INT(21, seen[i].n);
            CHECK_INT(0, seen[i].wrong);
            CHECK_INT(0, seen[i].back);
            CHECK_INT(RTC_SCTP_MESSAGE_MOST, seen[i].largest);
            CHECK_INT(0, rtc_sctp_buffered(p.ends[i].sctp));
            CHECK(p.ends[i].largest > RTC_SCTP_PACKET_MOST - 8);
        }
        sctp_path_close(&p);
    }
}

TEST(rtc_sctp, says_when_it_is_full_and_when_it_goes_on) {
    struct seen seen = { 0 };
    struct sctp_path p = { .delay_us = 20000, .seed = 3 };
    CHECK_ERR(OK, sctp_path_open(&p, 0, 0));
    check_open(&p);
    p.ends[1].got = note;
    p.ends[1].arg = &seen;
    uint32_t n = 0;
    while (n < MESSAGES && say(&p, 0, n, 16000, 1, false) == RTC_SCTP_SENT) {
        n++;
    }
    CHECK(n >= RTC_SCTP_SEND_MOST / 16000 - 2 && n <= RTC_SCTP_SEND_MOST / 16000 + 1);
    size_t buffered = rtc_sctp_buffered(p.ends[0].sctp);
    CHECK(buffered >= (n - 1) * 16000 && buffered <= RTC_SCTP_SEND_MOST + 16000);
    CHECK_INT(0, p.ends[0].writable);
    sctp_path_run(&p, 10 * SEC_US);
    CHECK_INT(1, p.ends[0].writable);
    CHECK_INT(n, seen.n);
    CHECK_INT(RTC_SCTP_SENT, say(&p, 0, n, 16000, 1, false));
    sctp_path_run(&p, SEC_US);
    CHECK_INT(n + 1, seen.n);
    CHECK_INT(1, p.ends[0].writable);
    sctp_path_close(&p);
}

TEST(rtc_sctp, holds_the_peer_up_while_nobody_reads) {
    struct seen seen = { 0 };
    struct sctp_path p = { .delay_us = 20000, .seed = 3 };
    CHECK_ERR(OK, sctp_path_open(&p, 0, 0));
    check_open(&p);
    p.ends[1].got = note;
    p.ends[1].arg = &seen;
    rtc_sctp_pause(p.ends[1].sctp, true);
    uint32_t n = 0;
    for (int i = 0; i < 20; i++) {
        while (n < MESSAGES && say(&p, 0, n, 16000, 1, false) == RTC_SCTP_SENT) {
            n++;
        }
        sctp_path_run(&p, SEC_US);
    }
    CHECK_INT(0, seen.n);
    CHECK(n <= (RTC_SCTP_SEND_MOST + RTC_SCTP_RECV_MOST) / 16000 + 1);
    rtc_sctp_pause(p.ends[1].sctp, false);
    sctp_path_run(&p, 20 * SEC_US);
    CHECK_INT(n, seen.n);
    CHECK_INT(0, seen.wrong + seen.back);
    sctp_path_close(&p);
}

TEST(rtc_sctp, loses_what_may_be_lost_and_nothing_else) {
    struct seen seen = { 0 };
    struct sctp_path p = { .delay_us = 20000, .seed = 11 };
    CHECK_ERR(OK, sctp_path_open(&p, 0, 0));
    check_open(&p);
    p.loss_percent = 30;
    p.ends[1].got = note;
    p.ends[1].arg = &seen;
    unsigned reliable = 0;
    for (uint32_t i = 0; i < MESSAGES; i++) {
        bool lossy = i % 4 != 0;
        CHECK_INT(RTC_SCTP_SENT, say(&p, 0, i, 200, lossy ? 2 : 1, lossy));
        sctp_path_run(&p, 100000);
    }
    sctp_path_run(&p, 60 * SEC_US);
    for (uint32_t i = 0; i < MESSAGES; i += 4) {
        reliable += seen.got[i];
    }
    CHECK_INT(MESSAGES / 4, reliable);
    CHECK_INT(0, seen.wrong);
    CHECK(seen.n < MESSAGES - 10 && seen.n > MESSAGES / 2);
    sctp_path_close(&p);
}

TEST(rtc_sctp, survives_ten_seconds_without_network) {
    struct seen seen = { 0 };
    struct sctp_path p = { .delay_us = 20000, .seed = 5 };
    CHECK_ERR(OK, sctp_path_open(&p, 0, 0));
    check_open(&p);
    p.ends[1].got = note;
    p.ends[1].arg = &seen;
    p.cut = true;
    for (uint32_t i = 0; i < 10; i++) {
        CHECK_INT(RTC_SCTP_SENT, say(&p, 0, i, 1000, 1, false));
        sctp_path_run(&p, SEC_US);
    }
    CHECK_INT(0, seen.n);
    p.cut = false;
    sctp_path_run(&p, 2 * RTC_SCTP_RTO_MOST * 1000);
    CHECK_INT(10, seen.n);
    CHECK_INT(0, seen.wrong + seen.back);
    sctp_path_close(&p);
}

TEST(rtc_sctp, gives_up_a_peer_that_is_gone) {
    struct sctp_path p = { .delay_us = 20000, .seed = 5 };
    CHECK_ERR(OK, sctp_path_open(&p, 0, 0));
    check_open(&p);
    p.cut = true;
    CHECK_INT(RTC_SCTP_SENT, say(&p, 0, 0, 1000, 1, false));
    sctp_path_run(&p, 30 * SEC_US);
    CHECK_INT(RTC_SCTP_OPEN, rtc_sctp_state(p.ends[0].sctp));
    sctp_path_run(&p, 60 * SEC_US);
    CHECK_INT(RTC_SCTP_CLOSED, rtc_sctp_state(p.ends[0].sctp));
    CHECK_INT(RTC_SCTP_REFUSED, say(&p, 0, 1, 1000, 1, false));
    CHECK_INT(RTC_SCTP_OPEN, rtc_sctp_state(p.ends[1].sctp)); /* it has sent nothing */
    sctp_path_close(&p);
}

TEST(rtc_sctp, is_told_when_the_peer_closes) {
    struct sctp_path p = { .delay_us = 1000, .seed = 5 };
    CHECK_ERR(OK, sctp_path_open(&p, 0, 0));
    check_open(&p);
    rtc_sctp_destroy(p.ends[0].sctp);
    p.ends[0].sctp = NULL;
    sctp_path_run(&p, SEC_US);
    CHECK_INT(RTC_SCTP_CLOSED, rtc_sctp_state(p.ends[1].sctp));
    CHECK_INT(1U << RTC_SCTP_OPEN | 1U << RTC_SCTP_CLOSED, p.ends[1].states);
    sctp_path_close(&p);
}

TEST(rtc_sctp, refuses_what_cannot_be_sent) {
    struct sctp_path p = { .delay_us = 1000, .seed = 5 };
    CHECK_ERR(OK, sctp_path_open(&p, 0, 0));
    CHECK_INT(RTC_SCTP_REFUSED, say(&p, 0, 0, 100, 1, false)); /* not open yet */
    check_open(&p);
    CHECK_INT(RTC_SCTP_REFUSED, say(&p, 0, 0, 0, 1, false));
    CHECK_INT(RTC_SCTP_REFUSED, say(&p, 0, 0, RTC_SCTP_MESSAGE_MOST + 1, 1, false));
    CHECK_INT(RTC_SCTP_REFUSED, say(&p, 0, 0, 100, RTC_SCTP_STREAMS_MOST, false));
    CHECK_INT(RTC_SCTP_SENT, say(&p, 0, 0, 100, 1, false));
    sctp_path_close(&p);
}

TEST(rtc_sctp, asks_for_more_streams_as_far_as_the_peer_takes_them) {
    static const struct {
        const char *name;
        uint16_t theirs, stream, then; /* what the peer was made for, what is sent on, and had */
        enum rtc_sctp_sent sent;
    } rows[] = {
        { "as many as there are", 16, 15, 16, RTC_SCTP_SENT },
        { "more than the peer takes", 16, 16, 16, RTC_SCTP_REFUSED },
        { "the next", 1024, 16, 32, RTC_SCTP_SENT },
        { "a far one", 1024, 700, 701, RTC_SCTP_SENT },
        { "the last", 1024, 1023, 1024, RTC_SCTP_SENT },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct seen seen = { 0 };
        struct sctp_path p = { .delay_us = 20000, .seed = 5 };
        CHECK_ERR(OK, sctp_path_open(&p, RTC_SCTP_STREAMS, r->theirs));
        check_open(&p);
        p.ends[1].got = note;
        p.ends[1].arg = &seen;
        bool more = r->stream >= RTC_SCTP_STREAMS;
        CHECK_INT(RTC_SCTP_STREAMS, rtc_sctp_streams(p.ends[0].sctp));
        CHECK_INT(more ? RTC_SCTP_FULL : RTC_SCTP_SENT, say(&p, 0, 0, 100, r->stream, false));
        sctp_path_run(&p, 10 * SEC_US);
        CHECK_INT(more, p.ends[0].writable); /* also when the peer has said no */
        CHECK_INT(r->then, rtc_sctp_streams(p.ends[0].sctp));
        CHECK_INT(r->sent, say(&p, 0, 1, 100, r->stream, false));
        sctp_path_run(&p, SEC_US);
        CHECK_INT((r->sent == RTC_SCTP_SENT) + !more, seen.n);
        sctp_path_close(&p);
    }
}

TEST(rtc_sctp, closes_a_stream) {
    struct sctp_path p = { .delay_us = 20000, .seed = 5 };
    CHECK_ERR(OK, sctp_path_open(&p, 0, 0));
    check_open(&p);
    CHECK_INT(RTC_SCTP_SENT, say(&p, 0, 0, 100, 3, false));
    sctp_path_run(&p, SEC_US);
    rtc_sctp_reset(p.ends[0].sctp, 3, p.now_us);
    sctp_path_run(&p, 5 * SEC_US);
    CHECK_INT(1, p.ends[1].resets);
    CHECK_INT(3, p.ends[1].reset);
    CHECK_INT(0, p.ends[0].resets);
    CHECK_INT(RTC_SCTP_SENT, say(&p, 0, 0, 100, 3, false));
    sctp_path_close(&p);
}

TEST(rtc_sctp, is_not_moved_by_garbage) {
    struct seen seen = { 0 };
    struct sctp_path p = { .delay_us = 20000, .seed = 5 };
    CHECK_ERR(OK, sctp_path_open(&p, 0, 0));
    check_open(&p);
    p.ends[1].got = note;
    p.ends[1].arg = &seen;
    uint8_t junk[RTC_DTLS_APP_MOST];
    for (int i = 0; i < 2000; i++) {
        size_t len = sctp_path_random(&p) % sizeof(junk);
        for (size_t k = 0; k < len; k++) {
            junk[k] = (uint8_t)sctp_path_random(&p);
        }
        rtc_sctp_feed(p.ends[1].sctp, junk, len, p.now_us);
    }
    CHECK_INT(RTC_SCTP_SENT, say(&p, 0, 0, 100, 3, false));
    sctp_path_run(&p, SEC_US);
    CHECK_INT(1, seen.n);
    sctp_path_close(&p);
}

TEST(rtc_sctp, rests_when_nothing_is_said) {
    struct sctp_path p = { .delay_us = 1000, .seed = 5 };
    CHECK_ERR(OK, sctp_path_open(&p, 0, 0));
    CHECK(rtc_sctp_next_us(p.ends[0].door) <= p.now_us + RTC_SCTP_TICK_US);
    check_open(&p);
    size_t sent = p.sent;
    CHECK_INT(INT64_MAX, rtc_sctp_next_us(p.ends[0].door));
    sctp_path_run(&p, 3600 * SEC_US);
    CHECK_INT(sent, p.sent);
    CHECK_INT(RTC_SCTP_SENT, say(&p, 0, 0, 100, 3, false));
    CHECK(rtc_sctp_next_us(p.ends[0].door) <= p.now_us + RTC_SCTP_TICK_US);
    sctp_path_close(&p);
}

TEST_ALLOC(rtc_sctp, survives_no_memory) {
    CLEANUP(sctp_path_close) struct sctp_path p = { .delay_us = 1000, .seed = 5 };
    TRY(sctp_path_open(&p, 0, 0));
    sctp_path_run(&p, 20 * SEC_US);
    return OK;
}
