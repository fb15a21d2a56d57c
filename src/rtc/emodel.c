/* Delay after Cole and Rosenbluth's form of G.107's Id, loss after its Ie,eff. */
#include "rtc/emodel.h"

#define R_BEST       93.2  /* G.107, default values of all other terms */
#define ECHO_FREE_MS 177.3 /* up to here delay hardly hurts */
#define R_MAX        100.0
#define MOS_MIN      1.0
#define MOS_MAX      4.5
#define LOSS_ENDS_AT 95.0 /* G.107, 7.5: what loss may cost at most */
#define BUFFER       2.0  /* times the jitter waits in a buffer; livekit-protocol 5.11 */

/* G.113 knows no Opus. Its concealment is taken for what Appendix I gives to G.711's with random
 * loss; the divisors of loss are those that LiveKit's own score has (livekit-protocol 5.11). */
#define BPL 25.1
static const double repaired[RTC_EMODEL_CODECS] = {
    [RTC_EMODEL_OPUS] = 1.0,
    [RTC_EMODEL_OPUS_FEC] = 1.5,
    [RTC_EMODEL_RED] = 2.0,
    [RTC_EMODEL_RED_FEC] = 3.0,
};

static double least(double v) {
    return v > 0 ? v : 0;
}

static double delay_cost(const struct rtc_emodel *m) {
    double ms = least(m->rtt_ms) / 2 + BUFFER * least(m->jitter_ms);
    return 0.024 * ms + (ms > ECHO_FREE_MS ? 0.11 * (ms - ECHO_FREE_MS) : 0);
}

static double loss_cost(const struct rtc_emodel *m) {
    double percent = 100.0 * (m->loss > 1 ? 1 : least(m->loss)) / repaired[m->codec];
    return LOSS_ENDS_AT * percent / (percent + BPL);
}

double rtc_emodel_r(const struct rtc_emodel *m) {
    return least(R_BEST - delay_cost(m) - loss_cost(m));
}

double rtc_emodel_mos(double r) {
    if (r <= 0) {
        return MOS_MIN;
    }
    if (r >= R_MAX) {
        return MOS_MAX;
    }
    double mos = 1 + 0.035 * r + 0.000007 * r * (r - 60) * (100 - r);
    return mos < MOS_MIN ? MOS_MIN : mos;
}
