/* Groups of packets, a line through their delays, and a threshold for its slope. */
#include "rtc/bwe_trend.h"

#include <math.h>

#define GROUP_US      5000 /* the draft, 5.2: a burst of 5 ms is one group */
#define BURST_MOST_US 100000
#define BEHIND_US     3000000 /* a jump of a clock: begin anew */
#define SMOOTHING     0.9
#define GAIN          4.0
#define DELTAS_MAX    60   /* the gain grows with what is known, up to so many groups */
#define POINTS_LEAST  10   /* before a slope means something */
#define THRESHOLD_MS  12.5 /* at first: the draft, 5.4 */
#define THRESHOLD_MIN 6.0
#define THRESHOLD_MAX 600.0
#define K_UP          0.0087 /* the draft, 5.4 */
#define K_DOWN        0.039
#define OUTLIER_MS    15.0 /* further off, the threshold does not follow */
#define ADAPT_MAX_MS  100.0
#define OVER_MS       10.0 /* above the threshold for so long is over-use */
#define US_PER_MS     1000.0

void rtc_bwe_trend_init(struct rtc_bwe_trend *t) {
    *t = (struct rtc_bwe_trend){ .threshold_ms = THRESHOLD_MS };
}

void rtc_bwe_trend_forget(struct rtc_bwe_trend *t) {
    double threshold_ms = t->threshold_ms;
    rtc_bwe_trend_init(t);
    t->threshold_ms = threshold_ms;
}

/* --- the line --- */

static double slope_of(const struct rtc_bwe_trend *t) {
    double x = 0, y = 0, up = 0, down = 0;
    for (unsigned i = 0; i < t->n; i++) {
        x += t->times_ms[i];
        y += t->delays_ms[i];
    }
    x /= t->n;
    y /= t->n;
    for (unsigned i = 0; i < t->n; i++) {
        up += (t->times_ms[i] - x) * (t->delays_ms[i] - y);
        down += (t->times_ms[i] - x) * (t->times_ms[i] - x);
    }
    return down > 0 ? up / down : t->slope;
}

static void adapt(struct rtc_bwe_trend *t, double trend_ms, int64_t arrived_us) {
    double size_ms = fabs(trend_ms);
    if (t->adapted_us == 0 || size_ms > t->threshold_ms + OUTLIER_MS) {
        t->adapted_us = arrived_us;
        return;
    }
    double k = size_ms < t->threshold_ms ? K_DOWN : K_UP;
    double since_ms = fmin((double)(arrived_us - t->adapted_us) / US_PER_MS, ADAPT_MAX_MS);
    double to_ms = t->threshold_ms + k * (size_ms - t->threshold_ms) * since_ms;
    t->threshold_ms = fmin(fmax(to_ms, THRESHOLD_MIN), THRESHOLD_MAX);
    t->adapted_us = arrived_us;
}

static void judge(struct rtc_bwe_trend *t, double slope, double sent_ms, int64_t arrived_us) {
    unsigned deltas = t->deltas < DELTAS_MAX ? t->deltas : DELTAS_MAX;
    double trend_ms = deltas * slope * GAIN;
    if (trend_ms > t->threshold_ms) {
        t->over_ms += t->overs == 0 ? sent_ms / 2 : sent_ms;
        t->overs++;
        if (t->over_ms > OVER_MS && t->overs > 1 && slope >= t->slope) {
            t->over_ms = 0;
            t->overs = 0;
            t->usage = RTC_BWE_OVER;
        }
    } else {
        t->over_ms = 0;
        t->overs = 0;
        t->usage = trend_ms < -t->threshold_ms ? RTC_BWE_UNDER : RTC_BWE_NORMAL;
    }
    t->slope = slope;
    adapt(t, trend_ms, arrived_us);
}

static void add_point(struct rtc_bwe_trend *t, double sent_ms, double arrived_ms, int64_t at_us) {
    t->begun_us = t->deltas == 0 ? at_us : t->begun_us;
    t->deltas++;
    t->delay_ms += arrived_ms - sent_ms;
    t->smooth_ms = SMOOTHING * t->smooth_ms + (1 - SMOOTHING) * t->delay_ms;
    t->times_ms[t->next] = (double)(at_us - t->begun_us) / US_PER_MS;
    t->delays_ms[t->next] = t->smooth_ms;
    t->next = (t->next + 1) % RTC_BWE_TREND_POINTS;
    t->n += t->n < RTC_BWE_TREND_POINTS;
    judge(t, t->n < POINTS_LEAST ? t->slope : slope_of(t), sent_ms, at_us);
}

/* --- groups --- */

/* Left within 5 ms of the first; or caught up with those before, which something on the way had
 * held back: then they say nothing of the queue. */
static bool belongs(const struct rtc_bwe_group *g, int64_t sent_us, int64_t arrived_us) {
    if (sent_us - g->first_sent_us <= GROUP_US) {
        return true;
    }
    int64_t later_us = (arrived_us - g->last_arrived_us) - (sent_us - g->last_sent_us);
    return later_us < 0 && arrived_us - g->last_arrived_us <= GROUP_US &&
           arrived_us - g->first_arrived_us < BURST_MOST_US;
}

static void close_group(struct rtc_bwe_trend *t) {
    const struct rtc_bwe_group *now = &t->group, *before = &t->before;
    if (before->any) {
        int64_t sent_us = now->last_sent_us - before->last_sent_us;
        int64_t arrived_us = now->last_arrived_us - before->last_arrived_us;
        if (arrived_us - sent_us > BEHIND_US || arrived_us < -BEHIND_US) {
            rtc_bwe_trend_forget(t);
            return;
        }
        if (arrived_us >= 0) {
            add_point(t, (double)sent_us / US_PER_MS, (double)arrived_us / US_PER_MS,
                now->last_arrived_us);
        }
    }
    t->before = t->group;
}

void rtc_bwe_trend_add(struct rtc_bwe_trend *t, int64_t sent_us, int64_t arrived_us) {
    struct rtc_bwe_group *g = &t->group;
    if (g->any && sent_us < g->first_sent_us) {
        return; /* late: its group is past */
    }
    if (g->any && !belongs(g, sent_us, arrived_us)) {
        close_group(t);
        g->any = false;
    }
    if (!g->any) {
        *g = (struct rtc_bwe_group){ sent_us, sent_us, arrived_us, arrived_us, true };
        return;
    }
    g->last_sent_us = sent_us > g->last_sent_us ? sent_us : g->last_sent_us;
    g->last_arrived_us = arrived_us > g->last_arrived_us ? arrived_us : g->last_arrived_us;
}
