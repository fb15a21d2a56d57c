/* Dependency descriptors: AV1 RTP, A.8.2 (syntax) and A.8.3 (semantics); names follow it. */
#include "rtc/codec/av1.h"

#include "rtc/codec/bits.h"

#define MANDATORY_BITS 24
#define FLAGS_BITS     5
#define FLAG_ACTIVE    8 /* of the five, highest first: structure, active, dtis, fdiffs, chains */
#define NEW_SEQUENCE   0x08

enum { NEXT_SAME, NEXT_TEMPORAL, NEXT_SPATIAL, NEXT_END };

_Static_assert(sizeof(struct rtc_av1_structure) <= 768, "the header says so");

static void read_layers(struct rtc_bits *b, struct rtc_av1_structure *s) {
    uint8_t spatial = 0, temporal = 0;
    unsigned next = NEXT_SAME;
    while (next != NEXT_END && !b->bad) {
        if (s->n_templates == RTC_AV1_TEMPLATES_MAX || spatial >= RTC_AV1_SPATIAL_MAX ||
            temporal >= RTC_AV1_TEMPORAL_MAX) {
            b->bad = true;
            return;
        }
        s->spatial[s->n_templates] = spatial;
        s->temporal[s->n_templates] = temporal;
        s->n_templates++;
        next = rtc_bits_get(b, 2);
        temporal = (uint8_t)(next == NEXT_SPATIAL ? 0 : temporal + (next == NEXT_TEMPORAL));
        spatial = (uint8_t)(spatial + (next == NEXT_SPATIAL));
    }
    s->n_spatial = (uint8_t)(spatial + 1);
}

static uint64_t read_dtis(struct rtc_bits *b, unsigned n_targets) {
    uint64_t dtis = 0;
    for (unsigned t = 0; t < n_targets; t++) {
        dtis |= (uint64_t)rtc_bits_get(b, 2) << (2 * t);
    }
    return dtis;
}

/* Whom frames of a template refer to; only whether they do matters here. */
static void read_fdiffs(struct rtc_bits *b, struct rtc_av1_structure *s) {
    for (unsigned i = 0; i < s->n_templates; i++) {
        while (rtc_bits_flag(b)) {
            (void)rtc_bits_get(b, 4);
            s->refers |= UINT64_C(1) << i;
        }
    }
}

static void read_chains(struct rtc_bits *b, struct rtc_av1_structure *s) {
    s->n_chains = (uint8_t)rtc_bits_below(b, (uint32_t)s->n_targets + 1);
    for (unsigned t = 0; s->n_chains > 0 && t < s->n_targets; t++) {
        (void)rtc_bits_below(b, s->n_chains);
    }
    for (unsigned i = 0; i < (unsigned)s->n_templates * s->n_chains && !b->bad; i++) {
        (void)rtc_bits_get(b, 4);
    }
}

/* A target's layer is the highest of the templates that are present in it. */
static void find_target_layers(struct rtc_av1_structure *s) {
    for (unsigned t = 0; t < s->n_targets; t++) {
        for (unsigned i = 0; i < s->n_templates; i++) {
            if ((s->dtis[i] >> (2 * t) & 3) == RTC_AV1_NOT_PRESENT) {
                continue;
            }
            if (s->spatial[i] > s->target_spatial[t]) {
                s->target_spatial[t] = s->spatial[i];
            }
            if (s->temporal[i] > s->target_temporal[t]) {
                s->target_temporal[t] = s->temporal[i];
            }
        }
    }
}

static uint32_t all_targets(const struct rtc_av1_structure *s) {
    return UINT32_MAX >> (RTC_AV1_TARGETS_MAX - s->n_targets);
}

static void read_structure(struct rtc_bits *b, struct rtc_av1_structure *s) {
    memset(s, 0, sizeof(*s));
    s->id_offset = (uint8_t)rtc_bits_get(b, 6);
    s->n_targets = (uint8_t)(rtc_bits_get(b, 5) + 1);
    read_layers(b, s);
    for (unsigned i = 0; i < s->n_templates; i++) {
        s->dtis[i] = read_dtis(b, s->n_targets);
    }
    read_fdiffs(b, s);
    read_chains(b, s);
    find_target_layers(s);
    s->active = all_targets(s);
    if (rtc_bits_flag(b)) {
        for (unsigned i = 0; i < s->n_spatial && !b->bad; i++) {
            s->width[i] = (uint16_t)(rtc_bits_get(b, 16) + 1);
            s->height[i] = (uint16_t)(rtc_bits_get(b, 16) + 1);
        }
    }
}

/* What this frame does otherwise; gives whether it refers to others. */
static bool read_custom_fdiffs(struct rtc_bits *b) {
    bool refers = false;
    for (uint32_t size = rtc_bits_get(b, 2); size != 0; size = rtc_bits_get(b, 2)) {
        (void)rtc_bits_get(b, 4 * size);
        refers = true;
    }
    return refers;
}

struct flags {
    bool structure, active, dtis, fdiffs, chains;
};

static struct flags read_flags(struct rtc_bits *b) {
    struct flags f = { 0 };
    if (b->end > MANDATORY_BITS) {
        f.structure = rtc_bits_flag(b);
        f.active = rtc_bits_flag(b);
        f.dtis = rtc_bits_flag(b);
        f.fdiffs = rtc_bits_flag(b);
        f.chains = rtc_bits_flag(b);
    }
    return f;
}

/* The frame's own part, by its template and what it does otherwise. */
static bool read_frame(struct rtc_bits *b, const struct rtc_av1_structure *s, struct flags f,
    unsigned template_id, struct rtc_av1 *d) {
    unsigned i = (template_id - s->id_offset) % RTC_AV1_TEMPLATES_MAX;
    if (i >= s->n_templates) {
        return false;
    }
    d->spatial = s->spatial[i];
    d->temporal = s->temporal[i];
    d->dtis = f.dtis ? read_dtis(b, s->n_targets) : s->dtis[i];
    bool refers = f.fdiffs ? read_custom_fdiffs(b) : (s->refers >> i & 1) != 0;
    for (unsigned c = 0; f.chains && c < s->n_chains; c++) {
        (void)rtc_bits_get(b, 8);
    }
    d->key_frame = d->start && d->has_structure && !refers && d->spatial == 0;
    return !b->bad;
}

bool rtc_av1_parse(struct cur descriptor, struct rtc_av1_structure *s, struct rtc_av1 *ret) {
    struct rtc_av1_structure fresh;
    const struct rtc_av1_structure *used = s;
    struct rtc_av1 d = { 0 };
    if (descriptor.bad || cur_left(&descriptor) > RTC_AV1_LEN_MAX) {
        return false;
    }
    struct rtc_bits b = rtc_bits_make(descriptor.p, cur_left(&descriptor));
    d.start = rtc_bits_flag(&b);
    d.end = rtc_bits_flag(&b);
    unsigned template_id = rtc_bits_get(&b, 6);
    d.frame_number = (uint16_t)rtc_bits_get(&b, 16);
    struct flags f = read_flags(&b);
    d.has_structure = f.structure;
    d.has_active = f.active;
    if (f.structure) {
        read_structure(&b, &fresh);
        used = &fresh;
    }
    d.structure_end = (uint16_t)b.at;
    uint32_t active = f.active ? rtc_bits_get(&b, used->n_targets) : used->active;
    d.active_end = (uint16_t)b.at;
    if (b.bad || !read_frame(&b, used, f, template_id, &d)) {
        return false;
    }
    if (f.structure) {
        *s = fresh;
    }
    s->active = active;
    *ret = d;
    return true;
}

uint32_t rtc_av1_targets_within(
    const struct rtc_av1_structure *s, uint8_t spatial, uint8_t temporal) {
    uint32_t targets = 0;
    for (unsigned t = 0; t < s->n_targets; t++) {
        if (s->target_spatial[t] <= spatial && s->target_temporal[t] <= temporal) {
            targets |= UINT32_C(1) << t;
        }
    }
    return targets;
}

int rtc_av1_best_target(const struct rtc_av1_structure *s, uint32_t targets) {
    int best = -1, best_layer = -1;
    for (int t = 0; t < s->n_targets; t++) {
        int layer = s->target_spatial[t] * RTC_AV1_TEMPORAL_MAX + s->target_temporal[t];
        if ((targets >> t & 1) && layer > best_layer) {
            best = t;
            best_layer = layer;
        }
    }
    return best;
}

static void copy_bits(struct rtc_bits_wr *w, struct rtc_bits *b, size_t up_to) {
    while (b->at < up_to) {
        size_t left = up_to - b->at;
        unsigned n = left < 32 ? (unsigned)left : 32;
        rtc_bits_put(w, rtc_bits_get(b, n), n);
    }
}

size_t rtc_av1_rewrite(struct cur descriptor, const struct rtc_av1 *d,
    const struct rtc_av1_structure *s, uint16_t frame_number, uint32_t active, uint8_t *ret,
    size_t cap) {
    struct rtc_bits b = rtc_bits_make(descriptor.p, cur_left(&descriptor));
    struct rtc_bits_wr w = rtc_bits_wr_make(ret, cap);
    rtc_bits_put(&w, rtc_bits_get(&b, 8), 8);
    (void)rtc_bits_get(&b, 16);
    rtc_bits_put(&w, frame_number, 16);
    if (active != 0) {
        uint32_t flags = b.end > MANDATORY_BITS ? rtc_bits_get(&b, FLAGS_BITS) : 0;
        rtc_bits_put(&w, flags | FLAG_ACTIVE, FLAGS_BITS);
        copy_bits(&w, &b, d->structure_end);
        rtc_bits_put(&w, active & all_targets(s), s->n_targets);
        b.at = d->active_end;
    }
    copy_bits(&w, &b, b.end);
    size_t n = rtc_bits_finish(&w);
    return w.bad || b.bad ? 0 : n;
}

bool rtc_av1_begins_sequence(struct cur payload) {
    return (cur_u8(&payload) & NEW_SEQUENCE) != 0;
}
