/* One cluster at a time. */
#include "rtc/bwe_probe.h"

#define BITS      8
#define SEC_US    1000000
#define US_PER_MS 1000.0
#define TAGS      0x7fff
#define ENOUGH    0.8    /* of the packets must have come */
#define FITS      1.1    /* times as long to arrive as to leave: nothing held them up */
#define SAFE      0.95   /* of what arrived, where not all did as fast as it left */
#define SPREAD_US 5000   /* from the first to the last: less is no measure */
#define LATE_US   150000 /* what was told as lost may come so much later */
#define FAST      0.5    /* arrived so much faster: something had held the first ones up */

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

void rtc_bwe_probe_begin(
    struct rtc_bwe_probe *p, const struct rtc_bwe_probe_plan *plan, int64_t now_us) {
    int64_t us = larger(plan->least_us, RTC_BWE_PROBE_US);
    us = larger(us, plan->jitter_us * RTC_BWE_PROBE_JITTERS);
    us = us > RTC_BWE_PROBE_MOST_US ? RTC_BWE_PROBE_MOST_US : us;
    uint16_t tag = (uint16_t)(p->tag % TAGS + 1);
    *p = (struct rtc_bwe_probe){
        .tag = tag,
        .usual = plan->usual == 0 ? RTC_BWE_PROBE_USUAL : plan->usual,
        .bps = plan->bps,
        .begun_us = now_us,
        .want_bytes = (uint32_t)(plan->bps * (uint64_t)us / BITS / SEC_US),
    };
}

bool rtc_bwe_probe_runs(const struct rtc_bwe_probe *p) {
    return p->begun_us != 0 && p->ended_us == 0;
}

bool rtc_bwe_probe_pends(const struct rtc_bwe_probe *p) {
    return p->begun_us != 0;
}

size_t rtc_bwe_probe_due(const struct rtc_bwe_probe *p, int64_t now_us) {
    if (!rtc_bwe_probe_runs(p)) {
        return 0;
    }
    /* Up to now, and the packet that begins now. */
    uint64_t should = p->bps * (uint64_t)(now_us - p->begun_us) / BITS / SEC_US + 1;
    return should > p->bytes ? (size_t)(should - p->bytes) : 0;
}

uint16_t rtc_bwe_probe_sent(struct rtc_bwe_probe *p, size_t size, int64_t now_us) {
    if (!rtc_bwe_probe_runs(p)) {
        return 0;
    }
    p->bytes += (uint32_t)size;
    p->packets++;
    if ((p->bytes >= p->want_bytes && p->packets >= RTC_BWE_PROBE_PACKETS) ||
        p->packets >= RTC_BWE_PROBE_PACKETS_MOST) {
        p->ended_us = now_us > 0 ? now_us : 1;
    }
    return p->tag;
}

void rtc_bwe_probe_result(struct rtc_bwe_probe *p, const struct rtc_twcc_result *r) {
    if (p->begun_us == 0 || r->tag != p->tag) {
        return;
    }
    if (!r->received) {
        p->missed++; /* or late: it may still come */
        return;
    }
    if (p->got == 0) {
        p->first_sent_us = p->last_sent_us = r->sent_us;
        p->begun_arrived_us = r->arrived_us;
    }
    p->first_sent_us = r->sent_us < p->first_sent_us ? r->sent_us : p->first_sent_us;
    if (r->sent_us >= p->last_sent_us) {
        p->last_sent_us = r->sent_us;
        p->last_bytes = r->size;
    }
    double x = (double)(r->sent_us - p->begun_us) / US_PER_MS;
    double y = (double)(r->arrived_us - p->begun_arrived_us) / US_PER_MS;
    p->x += x;
    p->y += y;
    p->xx += x * x;
    p->xy += x * y;
    p->got++;
    p->got_bytes += r->size;
}

/* What of a packet of media would have crossed with its heads while they did with theirs. */
static double as_media(const struct rtc_bwe_probe *p) {
    double bytes = p->got_bytes - p->last_bytes;
    double with_heads = bytes + (double)(p->got - 1) * RTC_BWE_PROBE_HEADS;
    return with_heads * p->usual / (p->usual + RTC_BWE_PROBE_HEADS);
}

/* How much longer they took to arrive than to leave: the slope of the line through all of them,
 * which jitter of single packets hardly moves. The last to leave takes no time that is seen. */
static enum rtc_bwe_probe_end measure(const struct rtc_bwe_probe *p, uint64_t *ret_bps) {
    int64_t sent_us = p->last_sent_us - p->first_sent_us;
    double spread = p->got * p->xx - p->x * p->x;
    if (sent_us < SPREAD_US || spread <= 0) {
        return RTC_BWE_PROBE_FAILED;
    }
    double slope = (p->got * p->xy - p->x * p->y) / spread;
    if (slope < FAST) {
        return RTC_BWE_PROBE_FAILED;
    }
    double sent_bps = as_media(p) * BITS * SEC_US / (double)sent_us;
    bool fits = slope <= FITS;
    *ret_bps = (uint64_t)(fits && slope < 1 ? sent_bps : sent_bps / slope * (fits ? 1 : SAFE));
    return fits ? RTC_BWE_PROBE_FITS : RTC_BWE_PROBE_FULL;
}

enum rtc_bwe_probe_end rtc_bwe_probe_end(
    struct rtc_bwe_probe *p, int64_t now_us, uint64_t *ret_bps) {
    if (p->begun_us == 0) {
        return RTC_BWE_PROBE_WAITS;
    }
    bool late = now_us - p->begun_us > RTC_BWE_PROBE_WAIT_US;
    bool told = p->got + p->missed >= p->packets && now_us - p->ended_us > LATE_US;
    bool all = p->ended_us != 0 && (p->got == p->packets || told);
    if (!all && !late) {
        return RTC_BWE_PROBE_WAITS;
    }
    p->begun_us = 0;
    bool enough = p->got >= 2 && (double)p->got >= ENOUGH * p->packets && p->ended_us != 0;
    return enough ? measure(p, ret_bps) : RTC_BWE_PROBE_FAILED;
}
