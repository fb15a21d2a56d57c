/*
 * How much a subscriber's way takes: what left and what came of it go in, bits per second come out.
 *
 *     rtc/bwe_acked   what arrives            rtc/bwe_trend   does a queue grow?
 *     rtc/bwe_queue   does a queue stand?     rtc/bwe_loss    is too much lost?
 *     rtc/bwe_aimd    the bound               rtc/bwe_probe   would more fit?
 *     rtc/bwe_remb    what the receiver says  rtc/bwe_rival   whose queue is it?
 *
 * Two sources, one number: the sender's own estimate from transport-wide feedback, and the
 * receiver's (REMB), each an upper bound. Without either there is none, and everything may be sent:
 * a call begins with its best picture, and the few that cannot take it are found within a second.
 *
 * Sizes are those of sealed RTP packets, without UDP and IP; so is the result.
 *
 * Thread: any; the one that owns the transport. Only create allocates, and
 * a report that comes while too much is under way. Times are monotonic.
 * See: draft-ietf-rmcat-gcc-02; draft-holmer-rmcat-transport-wide-cc-extensions-01;
 * draft-alvestrand-rmcat-remb-03; livekit-protocol.md, 5.5.
 */
#ifndef RTC_BWE_H
#define RTC_BWE_H

#include "core/cur.h"
#include "core/err.h"
#include "rtc/bwe_aimd.h"
#include "rtc/bwe_remb.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Packets until they are reported: at first a second of 2.5 Mbit/s, at most of 10. */
#define RTC_BWE_HISTORY      256
#define RTC_BWE_HISTORY_MOST 1024
#define RTC_BWE_TICK_US      20000   /* how often to tick while there is something to do */
#define RTC_BWE_FEEDBACK_US  1000000 /* without any for so long, what leaves does not arrive */

struct rtc_bwe;

/** About 3 KiB, most of it the history, which grows up to 8 KiB where so much is under way. Gives
 * *ret. ERR_NOMEM. */
MUST_CHECK enum err rtc_bwe_create(struct rtc_bwe **ret);
/** Takes NULL. */
void rtc_bwe_destroy(struct rtc_bwe *b);

/** Soon a packet leaves: what that touches is fetched. */
void rtc_bwe_expect(const struct rtc_bwe *b);
/** A packet of `size` bytes leaves now: gives its transport-wide number. */
uint16_t rtc_bwe_sent(struct rtc_bwe *b, size_t size, int64_t now_us);

/** Transport-wide feedback came (rtc_rtcpfb.fci). False when it says nothing. */
bool rtc_bwe_feedback(struct rtc_bwe *b, struct cur fci, int64_t now_us);
/** The receiver's own estimate came. */
void rtc_bwe_remb(struct rtc_bwe *b, uint64_t bps, int64_t now_us);

/** Bits per second that may be sent; RTC_BWE_NONE = no bound is known. */
uint64_t rtc_bwe_bps(const struct rtc_bwe *b, int64_t now_us);
/** The same without what is held back to empty a long queue: that is over in a second. */
uint64_t rtc_bwe_lasting_bps(const struct rtc_bwe *b, int64_t now_us);

/** What there would be to send if it fitted: up to here, and not further, more is tried. 0 or less
 * than rtc_bwe_bps: nothing is tried. */
void rtc_bwe_useful(struct rtc_bwe *b, uint64_t bps);
/** What of it is sent now, for receivers whose packets nobody counts here; RTC_BWE_NONE = all that
 * there is. */
void rtc_bwe_spends(struct rtc_bwe *b, uint64_t bps);

/** Time passes: begins and ends probes, notices silence. Gives when to call again, or sooner: after
 * a report, and when what is useful has changed. INT64_MAX = then only. */
int64_t rtc_bwe_tick(struct rtc_bwe *b, int64_t now_us);
/** Bytes of padding that should leave now: for a probe, or for the receiver's estimate to rise by.
 * Ask each turn while it is not 0, and as rtc_bwe_tick says. */
size_t rtc_bwe_padding(const struct rtc_bwe *b, int64_t now_us);
/** So many have been queued; 0 = none can be. */
void rtc_bwe_padded(struct rtc_bwe *b, size_t bytes, int64_t now_us);

/* What is known, for statistics and tests. */
struct rtc_bwe_view {
    uint64_t acked_bps; /* 0 = not known */
    uint64_t delay_bps; /* the sender's own bound; RTC_BWE_NONE */
    int64_t queue_us;   /* how long packets wait on the way */
    int64_t rtt_us;     /* 0 = not known */
    uint64_t probes;
};
void rtc_bwe_look(const struct rtc_bwe *b, struct rtc_bwe_view *ret);

#endif
