/*
 * Feedback that is taken can be read to its last packet; written again it says the same, as far as
 * it fits; and the sender's books take it.
 */
#include "fuzz.h"

#include "rtc/rtcp.h"
#include "rtc/twcc.h"
#include "rtc/twcc_fb.h"

#include <assert.h>

static void check_again(struct cur fci) {
    static uint8_t out[2048];
    static struct rtc_twcc_fb_wr x;
    struct rtc_twcc_fb fb, again;
    struct rtc_twcc_status s, t;
    size_t n = 0;
    struct wr w = wr_make(out, sizeof(out));
    assert(rtc_twcc_fb_read(fci, &fb));
    rtc_twcc_fb_begin(&x, &w, 1, 2, fb.seq);
    uint32_t all = fb.left;
    while (rtc_twcc_fb_next(&fb, &s)) {
        if (!(s.received ? rtc_twcc_fb_came(&x, s.ticks) : rtc_twcc_fb_missing(&x))) {
            break;
        }
        n++;
    }
    rtc_twcc_fb_end(&x, fb.count);
    assert(!w.bad && n > 0 && n <= all && rtc_rtcp_check(cur_make(out, wr_len(&w))));
    assert(rtc_twcc_fb_read(fci, &fb));
    assert(rtc_twcc_fb_read(cur_make(out + 12, wr_len(&w) - 12), &again));
    assert(again.left == n && again.count == fb.count);
    while (rtc_twcc_fb_next(&again, &t)) {
        assert(rtc_twcc_fb_next(&fb, &s));
        assert(s.seq == t.seq && s.received == t.received);
        assert(!s.received || (uint32_t)(uint64_t)s.ticks == (uint32_t)(uint64_t)t.ticks);
    }
}

static void check_books(struct cur fci) {
    static struct rtc_twcc_result got[256];
    struct rtc_twcc_tx *tx = NULL;
    if (rtc_twcc_tx_create(256, &tx) != OK) {
        return;
    }
    for (int i = 0; i < 300; i++) {
        (void)rtc_twcc_tx_sent(tx, 100, 0, 1000 * i);
    }
    for (int round = 0; round < 2; round++) {
        rtc_twcc_tx_widen(&tx, 512); /* what is held stays what it was */
        size_t n = rtc_twcc_tx_feedback(tx, fci, 400000, got, 256);
        assert(n <= 256);
        for (size_t i = 0; i < n; i++) {
            assert(got[i].seq >= 44 && got[i].seq < 300 && got[i].sent_us == 1000 * got[i].seq);
            assert(round == 0 || !got[i].received);
        }
    }
    rtc_twcc_tx_destroy(tx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct cur fci = cur_make(data, len);
    struct rtc_twcc_fb fb;
    struct rtc_twcc_status s;
    if (!rtc_twcc_fb_read(fci, &fb)) {
        return 0;
    }
    uint32_t left = fb.left;
    while (rtc_twcc_fb_next(&fb, &s)) {
        left--;
    }
    assert(left == 0 && !fb.chunks.bad && !fb.deltas.bad);
    check_again(fci);
    check_books(fci);
    return 0;
}
