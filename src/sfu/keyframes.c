/* Many wishes, few requests. */
#include "sfu/keyframes.h"

void sfu_keyframes_want(struct sfu_keyframes *k) {
    k->wanted = true;
}

void sfu_keyframes_came(struct sfu_keyframes *k) {
    k->wanted = false;
}

int64_t sfu_keyframes_next_us(const struct sfu_keyframes *k, unsigned layer) {
    if (!k->wanted) {
        return INT64_MAX;
    }
    return k->asked_us == 0
               ? 0
               : k->asked_us + (layer == 0 ? SFU_KEYFRAME_LOW_US : SFU_KEYFRAME_HIGH_US);
}

bool sfu_keyframes_due(struct sfu_keyframes *k, unsigned layer, int64_t now_us) {
    if (now_us < sfu_keyframes_next_us(k, layer)) {
        return false;
    }
    k->asked_us = now_us;
    return true;
}
