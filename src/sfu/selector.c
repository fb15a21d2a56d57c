/* Wishes and layers against each other. */
#include "sfu/selector.h"

const struct sfu_allowance sfu_allow_all = { SFU_TIERS_MAX - 1, SFU_TEMPORAL_ALL };

void sfu_selector_init(struct sfu_selector *s) {
    *s = (struct sfu_selector){
        .current = -1, .target = -1, .temporal = SFU_TEMPORAL_ALL, .temporal_want = SFU_TEMPORAL_ALL
    };
}

/* Does a layer of this size fill the place it is shown in? Sizes nobody told fill any. */
static bool fills(const struct sfu_layer *layer, const struct sfu_wanted *wanted) {
    if (layer->width == 0 || layer->height == 0) {
        return false;
    }
    return layer->width * 100U >= wanted->width * (unsigned)SFU_SIZE_TOLERANCE ||
           layer->height * 100U >= wanted->height * (unsigned)SFU_SIZE_TOLERANCE;
}

unsigned sfu_selector_wish(
    const struct sfu_wanted *wanted, const struct sfu_layer *layers, unsigned n) {
    if (wanted->width == 0 || wanted->height == 0) {
        return wanted->spatial < n ? wanted->spatial : n - 1;
    }
    unsigned i = 0;
    while (i + 1 < n && !fills(&layers[i], wanted)) {
        i++;
    }
    return i;
}

/* The wish where it is sent, else the nearest below, else the nearest above. */
static unsigned nearest(unsigned want, unsigned n, unsigned live) {
    for (unsigned i = want + 1; i-- > 0;) {
        if (live >> i & 1) {
            return i;
        }
    }
    for (unsigned i = want + 1; i < n; i++) {
        if (live >> i & 1) {
            return i;
        }
    }
    return want;
}

/* VP8 and VP9 of browsers: each temporal layer halves the rate below it, of thirty a second. */
uint8_t sfu_selector_fps(const struct sfu_wanted *wanted) {
    if (wanted->fps == 0 || wanted->fps > 20) {
        return SFU_TEMPORAL_ALL;
    }
    return wanted->fps > 10 ? 1 : 0;
}

int sfu_selector_choose(const struct sfu_wanted *wanted, struct sfu_allowance allowed,
    const struct sfu_layer *layers, unsigned n, unsigned live, uint8_t *ret_temporal) {
    int target = -1;
    if (n > 0) {
        unsigned want = sfu_selector_wish(wanted, layers, n), most = (unsigned)allowed.tier;
        target = (int)nearest(want < most ? want : most, n, live);
    }
    uint8_t fps = sfu_selector_fps(wanted);
    uint8_t most = target < allowed.tier ? SFU_TEMPORAL_ALL : allowed.temporal;
    *ret_temporal = fps < most ? fps : most;
    return target;
}

bool sfu_selector_set(struct sfu_selector *s, int target, uint8_t temporal) {
    bool changed = target != s->target;
    s->temporal_want = temporal;
    s->target = (int8_t)target;
    return changed && sfu_selector_waits(s);
}

bool sfu_selector_aim(struct sfu_selector *s, const struct sfu_wanted *wanted,
    struct sfu_allowance allowed, const struct sfu_layer *layers, unsigned n, unsigned live) {
    uint8_t temporal;
    int target = sfu_selector_choose(wanted, allowed, layers, n, live, &temporal);
    return sfu_selector_set(s, target, temporal);
}

void sfu_selector_restart(struct sfu_selector *s) {
    s->current = -1;
}

bool sfu_selector_waits(const struct sfu_selector *s) {
    return s->target >= 0 && s->target != s->current;
}

/* Between frames only, so that none goes out in part: downwards at any, upwards at a frame that
 * needs nothing of what was left out. */
static bool may_change(const struct sfu_selector *s, const struct rtc_frame *frame) {
    bool sync =
        frame->layer_sync && frame->temporal > s->temporal && frame->temporal <= s->temporal_want;
    bool rises = frame->rises && frame->temporal <= s->temporal;
    return s->temporal_want < s->temporal || frame->key_frame || sync || rises;
}

enum sfu_choice sfu_selector_take(
    struct sfu_selector *s, unsigned layer, const struct rtc_frame *frame, bool needs_key) {
    if ((int)layer == s->target && s->target != s->current && (!needs_key || frame->key_frame)) {
        s->current = s->target;
        s->temporal = s->temporal_want;
        return SFU_SWITCH;
    }
    if ((int)layer != s->current) {
        return SFU_SKIP;
    }
    if (frame->layered) {
        return SFU_SEND;
    }
    if (frame->start && frame->spatial == 0 && may_change(s, frame)) {
        s->temporal = s->temporal_want;
    }
    return frame->temporal > s->temporal ? SFU_DROP : SFU_SEND;
}

void sfu_selector_undo(struct sfu_selector *s, int8_t before) {
    s->current = before;
}
