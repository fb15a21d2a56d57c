/* Numbers, timestamps and picture ids of one listener. */
#include "rtc/ntp.h"
#include "sfu/rewriter.h"
#include "test.h"

#define RATE         90000
#define MS           1000
#define LONG_AGO_NTP (UINT64_C(0xe8000000) << 32)

static const struct rtc_codec vp8 = { .type = RTC_VP8, .clock_rate = RATE };
static const struct rtc_codec h264 = { .type = RTC_H264, .clock_rate = RATE };

static struct sfu_packet packet(int64_t seq, uint32_t ts, int64_t now_ms) {
    struct sfu_packet p = { .seq = seq, .now_us = now_ms * MS, .codec = &h264 };
    p.rtp.ts = ts;
    p.rtp.payload_len = 100;
    return p;
}

/* A layer's books, whose source began at this number and has (or has not) reported. */
static struct rtc_receiver books(uint32_t ssrc, uint16_t first, bool report, uint32_t ts_at_5s) {
    struct rtc_receiver r;
    int64_t seq;
    rtc_receiver_init(&r, ssrc, RATE);
    CHECK(rtc_receiver_packet(&r, first, 0, 0, &seq));
    if (report) {
        struct rtc_rtcp_sr sr = { .ssrc = ssrc,
            .ntp = LONG_AGO_NTP + (uint64_t)rtc_us_to_ntp(5000 * MS),
            .rtp_ts = ts_at_5s };
        rtc_receiver_sr(&r, &sr, 5000 * MS);
    }
    return r;
}

TEST(sfu_rewriter, translates_timestamps_at_a_switch) {
    static const struct {
        const char *name;
        bool reports;
        int64_t before_ms, after_ms;  /* when the two packets came */
        uint32_t before_ts, after_ts; /* by the publisher: 1,000,000 and 5,000,000 at 5 s */
        bool switched;
        uint32_t out_ticks; /* from the old packet's to the new one's */
    } rows[] = {
        { "by reports", true, 5000, 5090, 1000000, 5000000 + 33 * 90, true, 33 * 90 },
        { "the same picture in two layers", true, 5000, 5010, 1000000, 5000000, true, 1 },
        { "a little behind", true, 5000, 5010, 1000000 + 3000, 5000000, true, 1 },
        { "too far behind", true, 5000, 5010, 1000000 + 4600, 5000000, false, 0 },
        { "without reports: the time that went by", false, 5000, 5090, 1000000, 5000000, true,
            90 * 90 },
        { "without reports and at once", false, 5000, 5000, 1000000, 5000000, true, 1 },
        { "reports of a clock that was set", true, 5000, 5090, 1000000, 5000000 + 10 * RATE, true,
            90 * 90 },
        { "and that was set back", true, 5000, 5090, 1000000, 5000000 - 10 * RATE, true, 90 * 90 },
        { "wraps", true, 5000, 5090, 1000000, 5000000 + 33 * 90, true, 33 * 90 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_receiver low = books(1, 100, r->reports, 1000000),
                            high = books(2, 60000, r->reports, 5000000);
        struct sfu_rewriter w;
        struct sfu_rewritten a, b;
        CHECK_ERR(OK, sfu_rewriter_init(&w, RATE, false, 65535));
        struct sfu_packet before = packet(65636, r->before_ts, r->before_ms);
        struct sfu_packet after = packet(125536, r->after_ts, r->after_ms);
        CHECK(sfu_rewriter_switch(&w, &before, &low));
        CHECK(sfu_rewriter_map(&w, &before, &a));
        CHECK_INT(65535, a.seq);
        CHECK_INT(r->switched, sfu_rewriter_switch(&w, &after, &high));
        if (r->switched) {
            CHECK(sfu_rewriter_map(&w, &after, &b));
            CHECK_INT(0, b.seq);
            CHECK_INT(r->out_ticks, (uint32_t)(b.ts - a.ts));
            CHECK(!sfu_rewriter_map(&w, &before, &a)); /* older than the switch */
        }
        sfu_rewriter_finish(&w);
    }
}

TEST(sfu_rewriter, goes_on_where_it_was) {
    static const struct {
        const char *name;
        int64_t pause_ms;
        uint32_t in_ticks;
        bool anew;    /* the source began anew meanwhile */
        bool made_up; /* nothing real was sent before the pause */
        uint32_t out_ticks;
    } rows[] = {
        { "after a pause, by its own timestamps", 1000, 88000, false, false, 88000 },
        { "its timestamps stood still", 1000, 0, false, false, 90000 },
        { "its timestamps went back", 1000, (uint32_t)-5000, false, false, 90000 },
        { "hours later, when timestamps have wrapped", 8 * 3600 * 1000, 7, false, false,
            (uint32_t)(UINT64_C(8) * 3600 * RATE) },
        { "another source: the time that went by", 1000, 123456789, true, false, 90000 },
        { "behind silence", 20, 123456789, false, true, 1800 },
        { "behind silence, whatever its timestamp", 20, (uint32_t)-123456789, false, true, 1800 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rtc_receiver layer = books(1, 100, false, 0);
        struct sfu_rewriter w;
        struct sfu_rewritten a = { .seq = 500, .ts = 7777 }, b;
        CHECK_ERR(OK, sfu_rewriter_init(&w, RATE, false, 500));
        struct sfu_packet before = packet(65636, 4000000000U, 5000);
        if (r->made_up) {
            sfu_rewriter_follow(&w, a.seq, a.ts, before.now_us);
        } else {
            CHECK(sfu_rewriter_switch(&w, &before, &layer));
            CHECK(sfu_rewriter_map(&w, &before, &a));
        }
        if (r->anew) {
            layer = books(1, 200, false, 0);
        }
        struct sfu_packet after = packet(65736, 4000000000U + r->in_ticks, 5000 + r->pause_ms);
        CHECK(sfu_rewriter_switch(&w, &after, &layer));
        CHECK(sfu_rewriter_map(&w, &after, &b));
        CHECK_INT(501, b.seq);
        CHECK_INT(r->out_ticks, (uint32_t)(b.ts - a.ts));
        sfu_rewriter_finish(&w);
    }
}

TEST(sfu_rewriter, counts_time_from_a_frames_first_packet) {
    struct rtc_receiver low = books(1, 100, false, 0), high = books(2, 100, false, 0);
    struct sfu_rewriter w;
    struct sfu_rewritten to, first;
    CHECK_ERR(OK, sfu_rewriter_init(&w, RATE, false, 1));
    struct sfu_packet p = packet(65636, 1000, 5000), rest = packet(65637, 1000, 5020),
                      next = packet(65636, 9000, 5030);
    CHECK(sfu_rewriter_switch(&w, &p, &low) && sfu_rewriter_map(&w, &p, &first));
    CHECK(sfu_rewriter_map(&w, &rest, &to)); /* or a resend of it */
    CHECK(sfu_rewriter_switch(&w, &next, &high) && sfu_rewriter_map(&w, &next, &to));
    CHECK_INT(30 * 90, to.ts - first.ts);
    sfu_rewriter_finish(&w);
}

TEST(sfu_rewriter, closes_gaps_of_what_is_left_out) {
    struct rtc_receiver layer = books(1, 100, false, 0);
    struct sfu_rewriter w;
    struct sfu_rewritten to;
    int64_t in;
    bool past;
    uint16_t seq = 0;
    uint32_t ts = 0;
    CHECK_ERR(OK, sfu_rewriter_init(&w, RATE, false, 10));
    struct sfu_packet p = packet(65636, 0, 5000);
    CHECK(sfu_rewriter_switch(&w, &p, &layer));
    static const struct {
        const char *name;
        int64_t seq;
        bool drop, goes;
        uint16_t out;
    } rows[] = {
        { "first", 65636, false, true, 10 },
        { "left out", 65637, true, false, 0 },
        { "behind it", 65638, false, true, 11 },
        { "lost by the publisher: stays a gap", 65640, false, true, 13 },
        { "what was lost comes late", 65639, false, true, 12 },
        { "what was left out stays out", 65637, false, false, 0 },
        { "from before the layer began", 65600, false, false, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        p = packet(r->seq, 0, 5000);
        if (r->drop) {
            CHECK(sfu_rewriter_drop(&w, &p, &seq, &ts));
            continue;
        }
        CHECK_INT(r->goes, sfu_rewriter_map(&w, &p, &to));
        if (r->goes) {
            CHECK_INT(r->out, to.seq);
            CHECK(sfu_rewriter_back(&w, to.seq, &in, &past));
            CHECK_INT(r->seq, in);
        }
    }
    p = packet(65639, 90, 5000); /* left out too late: it has a number, which stays empty */
    CHECK(!sfu_rewriter_drop(&w, &p, &seq, &ts));
    CHECK(seq == 12 && ts == 90 + w.ts_offset);
    p = packet(65637, 0, 5000);
    CHECK(sfu_rewriter_drop(&w, &p, &seq, &ts)); /* was in time */
    p = packet(65600, 0, 5000);
    CHECK(sfu_rewriter_drop(&w, &p, &seq, &ts));   /* from before the layer began */
    CHECK(!sfu_rewriter_back(&w, 14, &in, &past)); /* not sent yet */
    CHECK(!sfu_rewriter_back(&w, 9, &in, &past));
    sfu_rewriter_finish(&w);
}

TEST(sfu_rewriter, knows_late_packets_of_before_the_switch) {
    struct rtc_receiver low = books(1, 100, false, 0), high = books(2, 60000, false, 0);
    struct sfu_rewriter w;
    struct sfu_rewritten to;
    int64_t in;
    bool past;
    CHECK_ERR(OK, sfu_rewriter_init(&w, RATE, false, 10));
    struct sfu_packet first = packet(65636, 1000, 5000), newest = packet(65639, 4000, 5033),
                      key = packet(125536, 777, 5066);
    sfu_rewriter_squeeze(&w, 2000); /* it began by catching up */
    CHECK(sfu_rewriter_switch(&w, &first, &low) && sfu_rewriter_map(&w, &first, &to));
    uint32_t first_ts = to.ts;
    CHECK(sfu_rewriter_map(&w, &newest, &to));
    CHECK_INT(13, to.seq);
    uint32_t newest_ts = to.ts;
    CHECK(sfu_rewriter_switch(&w, &key, &high) && sfu_rewriter_map(&w, &key, &to));
    CHECK_INT(14, to.seq);
    uint32_t key_ts = to.ts;
    struct sfu_packet late = packet(65638, 4000, 5100), beyond = packet(65640, 4000, 5100);
    CHECK(sfu_rewriter_map_past(&w, &late, &to));
    CHECK(to.seq == 12 && to.ts == newest_ts);
    CHECK(sfu_rewriter_map_past(&w, &first, &to));
    CHECK(to.seq == 10 && to.ts == first_ts);
    CHECK(!sfu_rewriter_map_past(&w, &beyond, &to));
    CHECK(sfu_rewriter_back(&w, 12, &in, &past) && in == 65638 && past);
    CHECK(sfu_rewriter_back(&w, 14, &in, &past) && in == 125536 && !past);
    CHECK(sfu_rewriter_map(&w, &key, &to) && to.ts == key_ts); /* all as it was */
    sfu_rewriter_finish(&w);
}

TEST(sfu_rewriter, leaves_other_codecs_descriptors_alone) {
    struct rtc_receiver layer = books(1, 100, false, 0);
    struct sfu_rewriter w;
    struct sfu_rewritten to;
    CHECK_ERR(OK, sfu_rewriter_init(&w, RATE, true, 1));
    struct sfu_packet key = packet(65636, 0, 5000), other = packet(65637, 3000, 5033);
    key.codec = &vp8;
    key.vp8 = (struct rtc_vp8){ .picture_id = 9000, .has_picture_id = true, .wide = true };
    CHECK(sfu_rewriter_switch(&w, &key, &layer));
    CHECK(sfu_rewriter_map(&w, &key, &to));
    CHECK_INT(0, to.vp8.picture_id);
    CHECK(sfu_rewriter_map(&w, &other, &to));
    CHECK_INT(2, to.seq);
    CHECK_INT(0, to.vp8.tl0);
    sfu_rewriter_finish(&w);
}

TEST_ALLOC(sfu_rewriter, needs_memory_for_picture_ids_only) {
    struct sfu_rewriter w = { 0 };
    TRY(sfu_rewriter_init(&w, RATE, true, 1));
    sfu_rewriter_finish(&w);
    return OK;
}

TEST(sfu_rewriter, what_is_caught_up_with_lies_close_together) {
    static const struct {
        const char *name;
        uint32_t ts;
        int32_t out; /* from the newest packet's */
    } rows[] = {
        { "the oldest", 900000 - 30 * 3000, -30 * 3000 / SFU_SQUEEZE_BY },
        { "the one before the newest", 900000 - 3000, -3000 / SFU_SQUEEZE_BY },
        { "the newest", 900000, 0 },
        { "what comes then", 903000, 3000 },
        { "a resend of the oldest", 900000 - 30 * 3000, -30 * 3000 / SFU_SQUEEZE_BY },
        { "hours later", 900000 + (1U << 31) - 5, (int32_t)((1U << 31) - 5) },
        { "when timestamps have wrapped", 900000 - 3000, -3000 },
    };
    struct rtc_receiver layer = books(1, 100, false, 0);
    struct sfu_rewriter w;
    CHECK_ERR(OK, sfu_rewriter_init(&w, RATE, false, 1));
    struct sfu_packet first = packet(65636, rows[0].ts, 5000);
    sfu_rewriter_squeeze(&w, 900000);
    CHECK(sfu_rewriter_switch(&w, &first, &layer));
    uint32_t newest = w.ts_offset + 900000;
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_rewritten to;
        struct sfu_packet p = packet(65636 + (r - rows), r->ts, 5000);
        CHECK(sfu_rewriter_map(&w, &p, &to));
        CHECK_INT(newest + (uint32_t)r->out, to.ts);
    }
    /* The next layer's are as they are. */
    struct sfu_packet other = packet(70000, 5000000, 6000);
    struct sfu_packet before = packet(70001, 5000000 - 32, 6000);
    struct sfu_rewritten a, b;
    CHECK(sfu_rewriter_switch(&w, &other, &layer));
    CHECK(sfu_rewriter_map(&w, &other, &a) && sfu_rewriter_map(&w, &before, &b));
    CHECK_INT(32, a.ts - b.ts);
    sfu_rewriter_finish(&w);
}
