/* One gap after the other. */
#include "sfu/freezes.h"

#define WEIGHT 16 /* of all gaps before against the newest */

_Static_assert(sizeof(struct sfu_freezes) <= 40, "the header says so");

void sfu_freezes_frame(struct sfu_freezes *f, int64_t now_us) {
    int64_t gap = now_us - f->last_us;
    int64_t last = f->last_us;
    f->last_us = now_us;
    if (last == 0) {
        return;
    }
    if (f->gaps < SFU_FREEZE_SETTLES) {
        f->gaps++;
        f->usual_us += (gap - f->usual_us) / f->gaps; /* their mean */
        return;
    }
    if (gap >= f->usual_us * SFU_FREEZE_TIMES && gap >= f->usual_us + SFU_FREEZE_EXTRA_US) {
        f->count++;
        f->total_us += gap;
        return; /* unusual: it does not make the next one less so */
    }
    f->usual_us += (gap - f->usual_us) / WEIGHT;
}

void sfu_freezes_pause(struct sfu_freezes *f) {
    f->last_us = 0;
    f->gaps = 0; /* it may come back as another layer, at another rate */
    f->usual_us = 0;
}
