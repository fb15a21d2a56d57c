/* A heap of the worst. Main. */
#include "livekit/deliveries.h"

#include "core/clock.h"
#include "core/mem.h"
#include "livekit/note.h"
#include "livekit/witness.h"

#define HOUR_US   (3600 * SEC_US)
#define MOS_BEST  450.0 /* hundredths; MOS goes from 100 on */
#define MOS_RANGE 350.0

struct lk_kept_delivery {
    double badness;
    struct lk_note *note;
};

void lk_deliveries_finish(struct lk_deliveries *d) {
    for (size_t i = 0; i < d->n_kept; i++) {
        lk_note_destroy(d->kept[i].note);
    }
    mem_free(d->kept);
    *d = (struct lk_deliveries){ 0 };
}

/* 0 = could not be better, 2 = not worse. */
static double badness_of(const struct call_input_figures *f) {
    const double stood =
        f->span_ms <= 0 ? 0 : (double)(f->freeze_ms + f->paused_ms) / (double)f->span_ms;
    return (stood < 1 ? stood : 1) + (MOS_BEST - (double)f->mos) / MOS_RANGE;
}

/* --- the heap --- */

static void swap(struct lk_kept_delivery *a, struct lk_kept_delivery *b) {
    const struct lk_kept_delivery was = *a;
    *a = *b;
    *b = was;
}

static void rise(struct lk_kept_delivery *kept, size_t i) {
    while (i > 0 && kept[i].badness < kept[(i - 1) / 2].badness) {
        swap(&kept[i], &kept[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static void sink(struct lk_kept_delivery *kept, size_t n) {
    size_t i = 0;
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++) {
            least = kept[child].badness < kept[least].badness ? child : least;
        }
        if (least == i) {
            return;
        }
        swap(&kept[i], &kept[least]);
        i = least;
    }
}

static enum err keep(struct lk_deliveries *d, const struct call_input *in) {
    struct lk_kept_delivery new = { .badness = badness_of(&in->token.figures) };
    const bool full = d->n_kept == LK_DELIVERIES_KEPT;
    if (full && new.badness <= d->kept[0].badness) {
        d->untold++;
        return OK;
    }
    if (d->kept == NULL) {
        d->kept = mem_zalloc(LK_DELIVERIES_KEPT * sizeof(*d->kept));
    }
    if (d->kept == NULL) {
        return err_set(ERR_NOMEM, "no memory for an audit row");
    }
    TRY(lk_note_create(in, &new.note));
    if (full) {
        lk_note_destroy(d->kept[0].note);
        d->untold++;
        d->kept[0] = new;
        sink(d->kept, d->n_kept);
    } else {
        d->kept[d->n_kept] = new;
        rise(d->kept, d->n_kept++);
    }
    return OK;
}

/* --- notes --- */

void lk_deliveries_add(struct lk_deliveries *d, struct lk_witness *w, const struct call_input *in) {
    if (d->n < LK_DELIVERIES_AT_ONCE) {
        d->n++;
        lk_witness_note(w, in);
    } else if (keep(d, in) != OK) {
        d->untold++;
    }
}

bool lk_deliveries_is_over(const struct lk_deliveries *d, int64_t now_us) {
    return now_us - d->began_us >= HOUR_US;
}

int64_t lk_deliveries_tell(struct lk_deliveries *d, struct lk_witness *w, int64_t now_us) {
    const int64_t untold = d->untold;
    for (size_t i = 0; i < d->n_kept; i++) {
        lk_witness_note(w, &d->kept[i].note->input);
    }
    lk_deliveries_finish(d);
    d->began_us = now_us;
    return untold;
}
