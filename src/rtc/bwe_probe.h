/*
 * Asks the way whether it takes more: a cluster of packets leaves at a higher rate for a moment,
 * and how fast they arrive says what fits. Media that leaves meanwhile is part of the cluster; what
 * is missing is made up by padding. (Known from WebRTC's sender; the draft leaves it open.)
 *
 *     target |        ####            arrived as fast as sent: it fits, try more
 *     sent   |....::::####::::....    arrived slower: that is what fits
 *
 * Thread: any; pure.
 */
#ifndef RTC_BWE_PROBE_H
#define RTC_BWE_PROBE_H

#include "rtc/twcc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_BWE_PROBE_US           40000   /* a cluster lasts so long at least */
#define RTC_BWE_PROBE_MOST_US      200000  /* and longer where packets jitter, up to this */
#define RTC_BWE_PROBE_JITTERS      8       /* so many times their jitter */
#define RTC_BWE_PROBE_PACKETS      8       /* and has so many packets at least */
#define RTC_BWE_PROBE_PACKETS_MOST 250     /* and not more: a burst must end */
#define RTC_BWE_PROBE_WAIT_US      1000000 /* for its reports */
/* Padding is small: on the way, heads of UDP and IP take a tenth of it, and next to nothing of
 * what it stands for. */
#define RTC_BWE_PROBE_HEADS 28
#define RTC_BWE_PROBE_USUAL 1000 /* bytes of a packet of media, until some is known */

/** Zero it to begin. */
struct rtc_bwe_probe {
    uint64_t bps;
    int64_t begun_us, ended_us; /* 0 = not yet */
    uint32_t bytes, want_bytes; /* that left, that should leave in all */
    uint16_t packets;
    uint16_t usual;                 /* bytes of a packet of media */
    uint16_t tag;                   /* of the running or the last cluster; 0 = there was none */
    uint16_t got, missed;           /* packets that came, that were told as lost */
    uint32_t got_bytes, last_bytes; /* that came; of the last that left */
    int64_t first_sent_us, last_sent_us;
    int64_t begun_arrived_us; /* when one of them arrived: the sums count from it */
    double x, y, xx, xy;      /* sums over times of sending and arrival, milliseconds */
};

/* What is asked. */
struct rtc_bwe_probe_plan {
    uint64_t bps;
    int64_t least_us;  /* it lasts so long at least; 0 = RTC_BWE_PROBE_US */
    int64_t jitter_us; /* of packets on the way */
    uint16_t usual;    /* bytes of a packet of media; 0 = RTC_BWE_PROBE_USUAL */
};
/** A new cluster. */
void rtc_bwe_probe_begin(
    struct rtc_bwe_probe *p, const struct rtc_bwe_probe_plan *plan, int64_t now_us);
/** Is it still being sent? */
bool rtc_bwe_probe_runs(const struct rtc_bwe_probe *p);
/** Is it being sent or reported on? */
bool rtc_bwe_probe_pends(const struct rtc_bwe_probe *p);

/** Bytes of padding that should leave now; 0 also when no cluster runs. */
size_t rtc_bwe_probe_due(const struct rtc_bwe_probe *p, int64_t now_us);
/** A packet leaves, of media or padding: gives the tag that it bears, 0 = no cluster runs. */
uint16_t rtc_bwe_probe_sent(struct rtc_bwe_probe *p, size_t size, int64_t now_us);

/** What a report says of a packet that bears a tag. */
void rtc_bwe_probe_result(struct rtc_bwe_probe *p, const struct rtc_twcc_result *result);

enum rtc_bwe_probe_end {
    RTC_BWE_PROBE_WAITS,
    RTC_BWE_PROBE_FITS,  /* all of it does */
    RTC_BWE_PROBE_FULL,  /* so much arrived and no more */
    RTC_BWE_PROBE_FAILED /* too little came back to say anything */
};
/** After each report and when time has passed: anything else than WAITS is said once. The rate is
 * one of media. */
enum rtc_bwe_probe_end rtc_bwe_probe_end(
    struct rtc_bwe_probe *p, int64_t now_us, uint64_t *ret_bps);

#endif
