/*
 * Descriptors one behind the other, a length in front of each, as one SSRC sends them. What is
 * taken names a layer that the structure has; rewritten it says the same with the other number and
 * targets; what is refused leaves the structure as it was.
 */
#include "fuzz.h"

#include "rtc/codec/av1.h"

#include <assert.h>
#include <string.h>

static void check_rewrite(
    struct cur dd, const struct rtc_av1 *d, const struct rtc_av1_structure *s, uint32_t active) {
    uint8_t out[300];
    struct rtc_av1_structure t = *s;
    struct rtc_av1 e;
    size_t n = rtc_av1_rewrite(dd, d, s, 4711, active, out, sizeof(out));
    assert(n >= cur_left(&dd));
    if (n > RTC_AV1_LEN_MAX) {
        return;
    }
    assert(rtc_av1_parse(cur_make(out, n), &t, &e));
    assert(e.frame_number == 4711 && e.spatial == d->spatial && e.temporal == d->temporal);
    assert(e.dtis == d->dtis && e.start == d->start && e.end == d->end);
    assert(e.key_frame == d->key_frame && e.has_structure == d->has_structure);
    if (active != 0) {
        uint32_t all = UINT32_MAX >> (32 - s->n_targets);
        assert(e.has_active && t.active == (active & all));
    }
    t.active = s->active;
    assert(memcmp(&t, s, sizeof(t)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static struct rtc_av1_structure s, before;
    struct cur c = cur_make(data, len);
    memset(&s, 0, sizeof(s));
    for (int i = 0; i < 32 && cur_left(&c) > 0; i++) {
        struct rtc_av1 d;
        size_t n = cur_u8(&c);
        struct cur dd = cur_sub(&c, n < cur_left(&c) ? n : cur_left(&c));
        before = s;
        if (!rtc_av1_parse(dd, &s, &d)) {
            assert(memcmp(&before, &s, sizeof(s)) == 0);
            continue;
        }
        assert(s.n_templates > 0 && d.spatial < s.n_spatial && s.n_spatial <= RTC_AV1_SPATIAL_MAX);
        assert(d.structure_end <= d.active_end && d.active_end <= 8 * cur_left(&dd));
        assert(rtc_av1_best_target(&s, UINT32_MAX) >= 0 && s.n_targets <= RTC_AV1_TARGETS_MAX);
        check_rewrite(dd, &d, &s, 0);
        check_rewrite(dd, &d, &s, 5);
    }
    return 0;
}
