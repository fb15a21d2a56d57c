/* Windows, roll-overs, and who makes way when the tables are full. */
#include "rtc/srtp_streams.h"
#include "test.h"

#include <string.h>

static enum rtc_srtp_verdict take(struct rtc_srtp_streams *s, uint32_t ssrc, uint16_t seq) {
    uint64_t index;
    bool evicted;
    uint32_t gone;
    enum rtc_srtp_verdict v = rtc_srtp_streams_ask(s, ssrc, seq, &index);
    return v != RTC_SRTP_OK ? v : rtc_srtp_streams_note(s, ssrc, index, &evicted, &gone);
}

static void open_streams(struct rtc_srtp_streams *s, size_t room) {
    rtc_srtp_streams_init(s);
    CHECK_ERR(OK, rtc_srtp_streams_reserve(s, room));
}

TEST(rtc_srtp_streams, guesses_the_index_across_wraps) {
    static const struct {
        const char *name;
        uint64_t next;
        uint16_t seq;
        uint64_t want;
    } rows[] = {
        { "the first one", 0, 65535, 65535 },
        { "the next one", 101, 101, 101 },
        { "a gap", 101, 20000, 20000 },
        { "just before the wrap", 65535, 65535, 65535 },
        { "the wrap", 65536, 0, 0x10000 },
        { "a gap over the wrap", 65530, 10, 0x1000a },
        { "late over the wrap", 0x10006, 65534, 0xfffe },
        { "half a round ahead", 0x10001, 0x8000, 0x18000 },
        { "more than half is behind", 0x10001, 0x8001, 0x8001 },
        { "nothing before the beginning", 6, 0x9000, 0x9000 },
        { "the last of all", RTC_SRTP_INDEX_END - 1, 65535, RTC_SRTP_INDEX_END - 1 },
        { "past the end", RTC_SRTP_INDEX_END, 0, RTC_SRTP_INDEX_END },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->want, rtc_srtp_index_guess(r->next, r->seq));
    }
}

TEST(rtc_srtp_streams, takes_each_packet_once_within_the_window) {
    static const struct {
        const char *name;
        uint16_t seqs[4];
        enum rtc_srtp_verdict last;
    } rows[] = {
        { "in order", { 1, 2, 3, 4 }, RTC_SRTP_OK },
        { "twice", { 1, 2, 3, 3 }, RTC_SRTP_REPLAYED },
        { "late", { 1, 2, 900, 3 }, RTC_SRTP_OK },
        { "late, twice", { 1, 900, 3, 3 }, RTC_SRTP_REPLAYED },
        { "late over the wrap", { 65530, 65534, 3, 65533 }, RTC_SRTP_OK },
        { "twice over the wrap", { 65530, 65533, 3, 65533 }, RTC_SRTP_REPLAYED },
        { "the window's last", { 1, 2, 5000, 3977 }, RTC_SRTP_OK },
        { "behind the window", { 1, 2, 5000, 3976 }, RTC_SRTP_OLD },
        { "the bit's former owner", { 10, 5000, 5000 - 1024 + 1, 5000 + 1 }, RTC_SRTP_OK },
        { "passed over, not taken", { 10, 1034, 1035, 1030 }, RTC_SRTP_OK },
        { "a far jump clears", { 10, 11, 30000, 29990 }, RTC_SRTP_OK },
    };
    FOR_ROWS (rows, r) {
        struct rtc_srtp_streams s;
        ROW(r->name);
        open_streams(&s, 1);
        for (size_t i = 0; i < 3; i++) {
            CHECK_INT(RTC_SRTP_OK, take(&s, 7, r->seqs[i]));
        }
        CHECK_INT(r->last, take(&s, 7, r->seqs[3]));
        rtc_srtp_streams_finish(&s);
    }
}

/* Against the plainest book there is: a flag for every index. */
TEST(rtc_srtp_streams, agrees_with_a_list_of_all_packets) {
    enum { ALL = 200000, SPREAD = 1500 };
    static uint8_t taken[ALL + 2 * SPREAD];
    struct rtc_srtp_streams s;
    uint64_t top = 0;
    uint32_t random = 1;
    size_t wrong = 0;
    open_streams(&s, 2);
    memset(taken, 0, sizeof(taken));
    for (uint64_t i = SPREAD; i < ALL; i++) {
        random = random * 1664525 + 1013904223;
        uint64_t index = i + (random >> 16) % (2 * SPREAD) - SPREAD;
        enum rtc_srtp_verdict want = index + RTC_SRTP_WINDOW <= top ? RTC_SRTP_OLD
                                     : taken[index]                 ? RTC_SRTP_REPLAYED
                                                                    : RTC_SRTP_OK;
        wrong += take(&s, 7, (uint16_t)index) != want;
        taken[index] = 1;
        top = index > top ? index : top;
    }
    CHECK_INT(0, wrong);
    rtc_srtp_streams_finish(&s);
}

TEST(rtc_srtp_streams, whoever_was_silent_longest_makes_way_and_is_not_believed_again) {
    struct rtc_srtp_streams s;
    open_streams(&s, 2);
    CHECK_INT(RTC_SRTP_OK, take(&s, 1, 100));
    CHECK_INT(RTC_SRTP_OK, take(&s, 1, 101));
    CHECK_INT(RTC_SRTP_OK, take(&s, 2, 200));
    CHECK_INT(RTC_SRTP_OK, take(&s, 3, 300));
    CHECK(!rtc_srtp_streams_knows(&s, 1));
    CHECK_INT(RTC_SRTP_OLD, take(&s, 1, 100));
    CHECK_INT(RTC_SRTP_OLD, take(&s, 1, 101));
    CHECK(!rtc_srtp_streams_knows(&s, 1));
    CHECK_INT(RTC_SRTP_OK, take(&s, 1, 105)); /* back: now 2 makes way */
    CHECK_INT(RTC_SRTP_REPLAYED, take(&s, 1, 101));
    CHECK_INT(RTC_SRTP_OK, take(&s, 1, 103));
    CHECK_INT(RTC_SRTP_REPLAYED, take(&s, 1, 103));
    CHECK_INT(RTC_SRTP_OLD, take(&s, 2, 200));
    CHECK_INT(RTC_SRTP_REPLAYED, take(&s, 3, 300));
    rtc_srtp_streams_finish(&s);
}

TEST(rtc_srtp_streams, a_thousand_streams_fit_where_two_do) {
    struct rtc_srtp_streams s;
    open_streams(&s, 2);
    for (uint32_t ssrc = 1; ssrc <= 1000; ssrc++) {
        CHECK_INT(RTC_SRTP_OK, take(&s, ssrc, 5));
        CHECK_INT(RTC_SRTP_REPLAYED, take(&s, ssrc, 5));
        rtc_srtp_streams_note_rtcp(&s, ssrc, 1);
        CHECK_INT(RTC_SRTP_REPLAYED, rtc_srtp_streams_ask_rtcp(&s, ssrc, 1));
    }
    CHECK_INT(2, s.heard);
    CHECK_INT(2, s.gone);
    CHECK_INT(4, s.rtcp_heard);
    rtc_srtp_streams_finish(&s);
}

TEST(rtc_srtp_streams, growing_forgets_nothing) {
    struct rtc_srtp_streams s;
    open_streams(&s, 1);
    CHECK_INT(RTC_SRTP_OK, take(&s, 1, 10));
    CHECK_INT(RTC_SRTP_OK, take(&s, 2, 20));
    rtc_srtp_streams_note_rtcp(&s, 9, 4);
    CHECK_ERR(OK, rtc_srtp_streams_reserve(&s, 3));
    CHECK_ERR(OK, rtc_srtp_streams_reserve(&s, 2));
    CHECK_INT(3, s.room);
    CHECK_INT(RTC_SRTP_OLD, take(&s, 1, 10));
    CHECK_INT(RTC_SRTP_REPLAYED, take(&s, 2, 20));
    CHECK_INT(RTC_SRTP_REPLAYED, rtc_srtp_streams_ask_rtcp(&s, 9, 4));
    for (uint32_t ssrc = 3; ssrc < 8; ssrc++) {
        CHECK_INT(RTC_SRTP_OK, take(&s, ssrc, 10));
    }
    CHECK_INT(RTC_SRTP_OLD, take(&s, 2, 20));
    CHECK_ERR(ERR_LIMIT, rtc_srtp_streams_reserve(&s, RTC_SRTP_STREAMS_MAX + 1));
    CHECK_ERR(OK, rtc_srtp_streams_reserve(&s, RTC_SRTP_STREAMS_MAX));
    CHECK(rtc_srtp_streams_bytes(&s) <= 208 * RTC_SRTP_STREAMS_MAX); /* as the header says */
    rtc_srtp_streams_finish(&s);
}

TEST(rtc_srtp_streams, takes_each_report_once) {
    static const struct {
        const char *name;
        uint32_t taken[3], index;
        enum rtc_srtp_verdict want;
    } rows[] = {
        { "in order", { 0, 1, 2 }, 3, RTC_SRTP_OK },
        { "twice", { 0, 1, 2 }, 2, RTC_SRTP_REPLAYED },
        { "late", { 0, 1, 60 }, 2, RTC_SRTP_OK },
        { "late, twice", { 0, 1, 60 }, 1, RTC_SRTP_REPLAYED },
        { "behind the window", { 0, 1, 64 }, 0, RTC_SRTP_OLD },
        { "a far jump clears", { 0, 1, 5000000 }, 4999999, RTC_SRTP_OK },
        { "the last of all", { 0, 1, RTC_SRTCP_INDEX_END - 1 }, RTC_SRTCP_INDEX_END - 1,
            RTC_SRTP_REPLAYED },
    };
    FOR_ROWS (rows, r) {
        struct rtc_srtp_streams s;
        ROW(r->name);
        open_streams(&s, 1);
        for (size_t i = 0; i < 3; i++) {
            CHECK_INT(RTC_SRTP_OK, rtc_srtp_streams_ask_rtcp(&s, 7, r->taken[i]));
            rtc_srtp_streams_note_rtcp(&s, 7, r->taken[i]);
        }
        CHECK_INT(r->want, rtc_srtp_streams_ask_rtcp(&s, 7, r->index));
        rtc_srtp_streams_finish(&s);
    }
}

TEST_ALLOC(rtc_srtp_streams, survives_no_memory) {
    CLEANUP(rtc_srtp_streams_finish) struct rtc_srtp_streams s;
    rtc_srtp_streams_init(&s);
    TRY(rtc_srtp_streams_reserve(&s, 2));
    return rtc_srtp_streams_reserve(&s, 4);
}
