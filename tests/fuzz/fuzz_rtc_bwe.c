/*
 * Reports of a hostile subscriber: whatever they say, the estimate stays one, and no more padding
 * is due than one cluster has.
 *
 * The input is rounds of: how many packets leave, how many milliseconds pass, how long the report
 * is; then the report. One without length is the receiver's own estimate (REMB).
 */
#include "core/cur.h"
#include "rtc/bwe.h"

#include <assert.h>

#define ROUNDS  64
#define PADDING 290
#define MS      1000
#define BURST   (4 * 1024 * 1024) /* bytes: 250 packets, or what a tick that came late is owed */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(struct rtc_bwe *b, int64_t now_us) {
    uint64_t bps = rtc_bwe_bps(b, now_us);
    assert(bps == RTC_BWE_NONE || bps >= RTC_BWE_LEAST_BPS / 2);
    int64_t next_us = rtc_bwe_tick(b, now_us);
    assert(next_us >= now_us);
    size_t due = rtc_bwe_padding(b, now_us);
    assert(due < BURST);
    for (unsigned i = 0; i < 300 && rtc_bwe_padding(b, now_us) > 0; i++) {
        (void)rtc_bwe_sent(b, PADDING, now_us);
        rtc_bwe_padded(b, PADDING, now_us);
    }
    assert(rtc_bwe_padding(b, now_us) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct rtc_bwe *b = NULL;
    struct cur c = cur_make(data, len);
    int64_t now_us = 5000000;
    if (rtc_bwe_create(&b) != OK) {
        return 0;
    }
    rtc_bwe_useful(b, 3000000);
    rtc_bwe_spends(b, 200000);
    for (unsigned round = 0; round < ROUNDS && cur_left(&c) > 0; round++) {
        uint8_t packets = cur_u8(&c);
        uint8_t ms = cur_u8(&c);
        uint8_t report = cur_u8(&c);
        for (unsigned i = 0; i < packets; i++) {
            (void)rtc_bwe_sent(b, 1000, now_us + (int64_t)i * ms * MS / 256);
        }
        now_us += (int64_t)ms * MS;
        if (report == 0) {
            rtc_bwe_remb(b, RTC_BWE_LEAST_BPS + packets * UINT64_C(20000), now_us);
        }
        size_t n = report < cur_left(&c) ? report : cur_left(&c);
        (void)rtc_bwe_feedback(b, cur_sub(&c, n), now_us);
        check(b, now_us);
    }
    rtc_bwe_destroy(b);
    return 0;
}
