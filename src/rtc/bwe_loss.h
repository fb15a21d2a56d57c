/*
 * What lost packets say: more than a tenth lost means that the way takes no more than what arrives
 * (draft-ietf-rmcat-gcc-02, 6), also where no queue shows it (policers, short buffers).
 *
 * A radio link that loses a tenth whatever is sent must not be strangled for it. So a decrease is
 * an experiment: when clearly less is sent and just as much is lost, the loss is the way's own; the
 * old rate comes back, and from then on only what is lost beyond that counts.
 *
 * Thread: any; pure.
 */
#ifndef RTC_BWE_LOSS_H
#define RTC_BWE_LOSS_H

#include "rtc/twcc.h"

#include <stdbool.h>
#include <stdint.h>

#define RTC_BWE_LOSS_MUCH   0.10 /* the draft, 6: above, less must be sent */
#define RTC_BWE_LOSS_LITTLE 0.02 /* and above this not more */

enum rtc_bwe_loss_verdict {
    RTC_BWE_LOSS_NOTHING,
    RTC_BWE_LOSS_STILL, /* do not grow */
    RTC_BWE_LOSS_LOWER, /* to bps */
    RTC_BWE_LOSS_BACK,  /* the experiment says that it was not us: back to what was before */
};

/** Zero it to begin. */
struct rtc_bwe_loss {
    int64_t highest, new_highest; /* numbers told of before this report, and by it */
    int64_t begun_us;
    int32_t received, lost;               /* of the running window */
    int32_t new_received, new_lost, late; /* of the report; `late` were told as lost before */
    int32_t last_received, last_lost;     /* of the one before: some may still be late */
    double own;                           /* share that the way loses by itself */
    double before;             /* share that was lost when the experiment began; 0 = none goes on */
    uint64_t before_bps;       /* sent then */
    int32_t since, since_lost; /* packets of the experiment: in all, and lost */
    uint64_t bps;              /* of LOWER */
    enum rtc_bwe_loss_verdict verdict;
    uint8_t bad; /* windows in a row with too much lost */
    bool any;
};

void rtc_bwe_loss_add(struct rtc_bwe_loss *l, const struct rtc_twcc_result *result);
/** After each report; the verdict stands in `l`. `acked_bps` 0 = not known. LOWER and BACK are said
 * once. */
void rtc_bwe_loss_end(struct rtc_bwe_loss *l, uint64_t acked_bps, int64_t now_us);

#endif
