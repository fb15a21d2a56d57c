/* Shares of what was lost, window by window. */
#include "rtc/bwe_loss.h"

#define WINDOW_US      500000
#define WINDOW_PACKETS 80
#define LONG_US        3000000 /* a slow stream's window */
#define LONG_PACKETS   30
#define OWN_MOST       0.3  /* nobody can be served over a way that loses more by itself */
#define OWN_WEIGHT     0.2  /* of a window with less loss than we took for the way's own */
#define VERY_MUCH      0.25 /* needs no second window */
#define BAD_WINDOWS    2
#define CLEARLY        0.85 /* of what arrived: so much less is sent */
#define LESS           0.93 /* of the rate before: then less was sent */
#define HELPS          0.4  /* of the loss before: then sending less has helped */
#define HELPS_PACKETS  80
#define STAYS          0.65 /* then it has not; what began the experiment was more than usual */
#define STAYS_PACKETS  200

void rtc_bwe_loss_add(struct rtc_bwe_loss *l, const struct rtc_twcc_result *r) {
    bool told_lost = l->any && r->seq <= l->highest;
    if (told_lost) {
        l->late += r->received; /* a report has overtaken it */
    } else if (r->received) {
        l->new_received++;
    } else {
        l->new_lost++;
    }
    l->new_highest = l->new_highest > r->seq ? l->new_highest : r->seq;
}

/* What the report before this one said, put right by this one. */
static void settle(struct rtc_bwe_loss *l) {
    l->received += l->last_received + l->late;
    l->lost += l->last_lost - l->late;
    l->last_received = l->new_received;
    l->last_lost = l->new_lost;
    l->new_received = l->new_lost = l->late = 0;
    l->highest = l->new_highest;
    l->any = true;
}

static bool is_whole(const struct rtc_bwe_loss *l, int64_t now_us) {
    int64_t us = now_us - l->begun_us;
    int32_t packets = l->received + l->lost;
    return (us >= WINDOW_US && packets >= WINDOW_PACKETS) ||
           (us >= LONG_US && packets >= LONG_PACKETS);
}

/* Has sending less helped? Few packets say that it has, more are needed to say that it has not. */
static void weigh(struct rtc_bwe_loss *l) {
    double share = (double)l->since_lost / l->since;
    if (l->since >= HELPS_PACKETS && share < HELPS * l->before) {
        l->before = 0;
    } else if (l->since >= STAYS_PACKETS) {
        bool own = share >= STAYS * l->before && share <= OWN_MOST;
        l->before = 0;
        if (own) {
            l->own = share;
            l->verdict = RTC_BWE_LOSS_BACK;
        }
    }
}

static void lower(struct rtc_bwe_loss *l, double share, double more, uint64_t sent_bps) {
    if (l->before == 0) {
        l->before = share;
        l->before_bps = sent_bps;
        l->since = l->since_lost = 0;
    }
    l->bps = (uint64_t)((double)sent_bps * (1 - more) * CLEARLY);
    l->verdict = RTC_BWE_LOSS_LOWER;
}

/* A window with `share` lost, of what was sent at `sent_bps`. */
static void judge(struct rtc_bwe_loss *l, double share, uint64_t sent_bps) {
    double more = share > l->own ? (share - l->own) / (1 - l->own) : 0;
    l->verdict = more > RTC_BWE_LOSS_LITTLE ? RTC_BWE_LOSS_STILL : RTC_BWE_LOSS_NOTHING;
    if (l->before > 0 && (double)sent_bps < LESS * (double)l->before_bps) {
        l->since += l->received + l->lost;
        l->since_lost += l->lost > 0 ? l->lost : 0;
        weigh(l);
    } else if (more > RTC_BWE_LOSS_MUCH && (++l->bad == BAD_WINDOWS || more > VERY_MUCH)) {
        l->bad = 0;
        lower(l, share, more, sent_bps);
    }
    l->bad = more > RTC_BWE_LOSS_MUCH ? l->bad : 0;
    if (share < l->own) {
        l->own += OWN_WEIGHT * (share - l->own);
    }
}

void rtc_bwe_loss_end(struct rtc_bwe_loss *l, uint64_t acked_bps, int64_t now_us) {
    if (l->verdict == RTC_BWE_LOSS_LOWER || l->verdict == RTC_BWE_LOSS_BACK) {
        l->verdict = RTC_BWE_LOSS_STILL;
    }
    settle(l);
    if (l->begun_us == 0) {
        l->begun_us = now_us;
    }
    if (!is_whole(l, now_us)) {
        return;
    }
    double lost = l->lost > 0 ? l->lost : 0;
    double share = lost / (l->received + lost);
    if (acked_bps > 0 && share < 1) {
        judge(l, share, (uint64_t)((double)acked_bps / (1 - share)));
    }
    l->received = l->lost = 0;
    l->begun_us = now_us;
}
