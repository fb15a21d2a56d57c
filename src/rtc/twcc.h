/*
 * Transport-wide congestion control, the books of both ends (draft-holmer-rmcat-transport-wide-cc-
 * extensions-01). Receiving: when did each packet of a publisher's transport come, and the feedback
 * about it. Sending: what went to a subscriber and when, and what its feedback says of it, for the
 * estimator (rtc/bwe).
 *
 * Thread: any; the one that owns the transport. Nothing allocates but rtc_twcc_tx_create and
 * _widen.
 */
#ifndef RTC_TWCC_H
#define RTC_TWCC_H

#include "core/cur.h"
#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- receiving --- */

#define RTC_TWCC_WINDOW      512    /* packets remembered; a power of two */
#define RTC_TWCC_INTERVAL_US 100000 /* between feedbacks: sfu.md, "Correct before fast" */
/* Packets unreported that make feedback due before its time: a fast publisher must not outrun the
 * window. */
#define RTC_TWCC_EARLY (RTC_TWCC_WINDOW / 2)

/** 2,080 bytes a transport. Zero it to begin. */
struct rtc_twcc_rx {
    int64_t next;    /* the first not reported, extended */
    int64_t highest; /* the newest that came */
    int64_t built_us;
    bool any;
    uint8_t count;                   /* of feedbacks */
    uint32_t ticks[RTC_TWCC_WINDOW]; /* when each came, low 32 bits; 0 = it did not */
};

/** A packet with this transport-wide number came. One that comes late makes the next feedback begin
 * again at it; one that comes twice, or too late for the window, changes nothing. */
void rtc_twcc_rx_arrived(struct rtc_twcc_rx *rx, uint16_t seq, int64_t now_us);

/** Is it time for feedback? */
bool rtc_twcc_rx_due(const struct rtc_twcc_rx *rx, int64_t now_us);

/** Writes the next feedback into the compound; false when there is nothing to report, or no room,
 * and then `w` is as it was. Call again until false: jumps in time or many packets need several. */
bool rtc_twcc_rx_write(
    struct rtc_twcc_rx *rx, struct wr *w, uint32_t sender, uint32_t media, int64_t now_us);

/* --- sending --- */

struct rtc_twcc_tx;

#define RTC_TWCC_TX_MAX 16384 /* packets a history may hold */

/** A history of `n` packets, a power of two up to RTC_TWCC_TX_MAX; 8 bytes each. Gives *ret. */
MUST_CHECK enum err rtc_twcc_tx_create(size_t n, struct rtc_twcc_tx **ret);
void rtc_twcc_tx_destroy(struct rtc_twcc_tx *tx);
/** A history of twice the size, up to `most`, takes its place and its packets when more than half
 * of it has left since the newest that feedback spoke of; without memory it stays as it is. Call
 * when feedback comes, before it is read. */
void rtc_twcc_tx_widen(struct rtc_twcc_tx **tx, size_t most);

/** A packet of `size` bytes leaves now; gives its transport-wide number. `tag` (0 to 32,767)
 * comes back with the result: the probe that it belongs to, or 0. */
uint16_t rtc_twcc_tx_sent(struct rtc_twcc_tx *tx, size_t size, uint16_t tag, int64_t now_us);

struct rtc_twcc_result {
    int64_t seq; /* extended */
    int64_t sent_us;
    int64_t arrived_us; /* the receiver's clock, of which only differences mean something */
    uint16_t size;
    uint16_t tag;
    bool received;
};

/** Reads a feedback's control information (rtc_rtcpfb.fci): what it says of packets in the history,
 * in the order of sending. A packet is told as received once; it may be told as lost before that.
 * Gives how many; 0 too when the feedback is malformed. At most `cap`: the rest is lost. */
size_t rtc_twcc_tx_feedback(struct rtc_twcc_tx *tx, struct cur fci, int64_t now_us,
    struct rtc_twcc_result *ret, size_t cap);

#endif
