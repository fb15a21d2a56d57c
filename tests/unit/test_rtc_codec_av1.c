/*
 * Dependency descriptors, written here by the specification's syntax for any number of layers, and
 * read back: layers, decode targets, key frames, and what a listener with fewer layers is told.
 */
#include "test.h"

#include "rtc/codec/av1.h"
#include "rtc/codec/bits.h"

#include <string.h>

/* A stream with `spatial` times `temporal` layers. A layer's lowest temporal layer has two
 * templates, of which the first refers to nobody when the layer is the lowest. */
struct layout {
    uint8_t spatial, temporal, id_offset;
    bool chains, sizes;
};

static unsigned n_templates(const struct layout *l) {
    return (unsigned)l->spatial * (l->temporal + 1U);
}

static void layer_of(const struct layout *l, unsigned template, unsigned *s, unsigned *t) {
    unsigned within = template % (l->temporal + 1U);
    *s = template / (l->temporal + 1U);
    *t = within == 0 ? 0 : within - 1;
}

static unsigned dti_of(const struct layout *l, unsigned template, unsigned target) {
    unsigned s, t;
    layer_of(l, template, &s, &t);
    bool present = s <= target / l->temporal && t <= target % l->temporal;
    return present ? (t == 0 ? RTC_AV1_REQUIRED : RTC_AV1_DISCARDABLE) : RTC_AV1_NOT_PRESENT;
}

static void write_layers(struct rtc_bits_wr *w, const struct layout *l) {
    for (unsigned i = 0; i < n_templates(l); i++) {
        unsigned s, t, next_s = 0, next_t = 0;
        layer_of(l, i, &s, &t);
        layer_of(l, i + 1, &next_s, &next_t);
        rtc_bits_put(w, i + 1 == n_templates(l) ? 3 : next_s > s ? 2 : next_t > t ? 1 : 0, 2);
    }
}

/* A number below `n`: AV1 RTP, A.8.2, the writer's side of ns(n). */
static void put_below(struct rtc_bits_wr *w, uint32_t v, uint32_t n) {
    unsigned width = 0;
    while (n >> width != 0) {
        width++;
    }
    uint32_t short_ones = (1U << width) - n;
    rtc_bits_put(w, v < short_ones ? v : v + short_ones, v < short_ones ? width - 1 : width);
}

static void write_structure(struct rtc_bits_wr *w, const struct layout *l) {
    unsigned n_targets = (unsigned)l->spatial * l->temporal;
    rtc_bits_put(w, l->id_offset, 6);
    rtc_bits_put(w, n_targets - 1, 5);
    write_layers(w, l);
    for (unsigned i = 0; i < n_templates(l); i++) {
        for (unsigned t = 0; t < n_targets; t++) {
            rtc_bits_put(w, dti_of(l, i, t), 2);
        }
    }
    for (unsigned i = 0; i < n_templates(l); i++) {
        rtc_bits_put(w, i == 0 ? 0 : 1, 1); /* the first refers to nobody, others to two */
        if (i > 0) {
            rtc_bits_put(w, 1, 4); /* 2 behind */
            rtc_bits_put(w, 1, 1); /* and another */
            rtc_bits_put(w, 15, 4);
            rtc_bits_put(w, 0, 1);
        }
    }
    unsigned n_chains = l->chains ? l->spatial : 0;
    put_below(w, n_chains, n_targets + 1);
    for (unsigned t = 0; n_chains > 0 && t < n_targets; t++) {
        put_below(w, t / l->temporal, n_chains);
    }
    for (unsigned i = 0; i < n_templates(l) * n_chains; i++) {
        rtc_bits_put(w, i & 15, 4);
    }
    rtc_bits_put(w, l->sizes, 1);
    for (unsigned s = 0; l->sizes && s < l->spatial; s++) {
        rtc_bits_put(w, (320U << s) - 1, 16);
        rtc_bits_put(w, (180U << s) - 1, 16);
    }
}

static void write_head(struct rtc_bits_wr *w, bool start, bool end, unsigned id, uint16_t frame) {
    rtc_bits_put(w, start, 1);
    rtc_bits_put(w, end, 1);
    rtc_bits_put(w, id, 6);
    rtc_bits_put(w, frame, 16);
}

static size_t write_key(uint8_t *out, size_t cap, const struct layout *l, unsigned template) {
    struct rtc_bits_wr w = rtc_bits_wr_make(out, cap);
    write_head(&w, true, false, (l->id_offset + template) % 64, 65535);
    rtc_bits_put(&w, 0x10, 5);
    write_structure(&w, l);
    CHECK(!w.bad);
    return rtc_bits_finish(&w);
}

static size_t write_short(uint8_t *out, const struct layout *l, unsigned template, uint16_t frame) {
    struct rtc_bits_wr w = rtc_bits_wr_make(out, 3);
    write_head(&w, true, true, (l->id_offset + template) % 64, frame);
    return rtc_bits_finish(&w);
}

static const struct {
    const char *name;
    struct layout l;
} layouts[] = {
    { "L1T1", { 1, 1, 0, false, false } },
    { "L1T2", { 1, 2, 5, true, false } },
    { "L1T3, ids that wrap", { 1, 3, 62, true, true } },
    { "L2T1", { 2, 1, 0, true, true } },
    { "L2T2", { 2, 2, 63, false, true } },
    { "L3T3", { 3, 3, 17, true, true } },
    { "L4T8: as many targets as there may be", { 4, 8, 60, false, true } },
};

TEST(rtc_codec_av1, reads_structures_and_what_names_their_templates) {
    FOR_ROWS (layouts, r) {
        uint8_t key[600], p[3];
        struct rtc_av1_structure s = { .n_templates = 0 };
        struct rtc_av1 d;
        ROW(r->name);
        size_t n = write_key(key, sizeof(key), &r->l, 0);
        if (n > RTC_AV1_LEN_MAX) { /* more than an extension element holds */
            CHECK(!rtc_av1_parse(cur_make(key, n), &s, &d) && s.n_templates == 0);
            continue;
        }
        CHECK(rtc_av1_parse(cur_make(key, n), &s, &d));
        CHECK(d.start && !d.end && d.has_structure && d.key_frame && d.frame_number == 65535);
        CHECK(s.n_templates == n_templates(&r->l) && s.n_spatial == r->l.spatial);
        CHECK_INT(r->l.spatial * r->l.temporal, s.n_targets);
        CHECK_INT(r->l.chains ? r->l.spatial : 0, s.n_chains);
        for (unsigned i = 0; i < s.n_templates; i++) {
            unsigned spatial, temporal;
            layer_of(&r->l, i, &spatial, &temporal);
            CHECK(rtc_av1_parse(cur_make(p, write_short(p, &r->l, i, (uint16_t)i)), &s, &d));
            CHECK_INT(spatial, d.spatial);
            CHECK_INT(temporal, d.temporal);
            CHECK(d.frame_number == i && d.start && d.end && !d.key_frame && !d.has_structure);
            for (unsigned t = 0; t < s.n_targets; t++) {
                CHECK_INT(dti_of(&r->l, i, t), rtc_av1_dti(&d, t));
            }
        }
        for (unsigned t = 0; t < s.n_targets; t++) {
            CHECK_INT(t / r->l.temporal, s.target_spatial[t]);
            CHECK_INT(t % r->l.temporal, s.target_temporal[t]);
        }
        for (unsigned i = 0; i < r->l.spatial; i++) {
            CHECK_INT(r->l.sizes ? 320 << i : 0, s.width[i]);
            CHECK_INT(r->l.sizes ? 180 << i : 0, s.height[i]);
        }
    }
}

TEST(rtc_codec_av1, refuses_what_is_cut_and_keeps_the_structure) {
    static const struct layout l = { 2, 2, 7, true, true }, other = { 1, 2, 40, true, true };
    uint8_t key[255], next[255];
    struct rtc_av1_structure s = { .n_templates = 0 }, before;
    struct rtc_av1 d;
    uint8_t p[3];
    CHECK(!rtc_av1_parse(cur_make(p, write_short(p, &l, 0, 1)), &s, &d)); /* no structure yet */
    size_t n = write_key(key, sizeof(key), &l, 0), m = write_key(next, sizeof(next), &other, 0);
    CHECK(rtc_av1_parse(cur_make(key, n), &s, &d));
    before = s;
    for (size_t i = 0; i < m; i++) {
        CHECK(!rtc_av1_parse(cur_make(next, i), &s, &d));
    }
    CHECK(memcmp(&before, &s, sizeof(s)) == 0);
    CHECK(!rtc_av1_parse(cur_make(p, write_short(p, &l, n_templates(&l), 1)), &s, &d));
    CHECK(!rtc_av1_parse(cur_make(p, write_short(p, &l, 63, 1)), &s, &d));
    CHECK(rtc_av1_parse(cur_make(next, m), &s, &d) && s.n_spatial == 1 && s.id_offset == 40);
}

TEST(rtc_codec_av1, a_frame_may_differ_from_its_template) {
    static const struct layout l = { 1, 2, 0, true, false };
    uint8_t key[255], p[16];
    struct rtc_av1_structure s = { .n_templates = 0 };
    struct rtc_av1 d;
    CHECK(rtc_av1_parse(cur_make(key, write_key(key, sizeof(key), &l, 0)), &s, &d));
    CHECK_INT(3, s.active);
    struct rtc_bits_wr w = rtc_bits_wr_make(p, sizeof(p));
    write_head(&w, true, true, 1, 5);
    rtc_bits_put(&w, 0x0F, 5);     /* active targets, own indications, references and chains */
    rtc_bits_put(&w, 1, 2);        /* target 0 only */
    rtc_bits_put(&w, 0x6, 4);      /* discardable for 0, a switch for 1 */
    rtc_bits_put(&w, 0x1F, 2 + 4); /* one reference, of 4 bits … */
    rtc_bits_put(&w, 0, 2);        /* … and no more */
    rtc_bits_put(&w, 9, 8);        /* one chain */
    CHECK(rtc_av1_parse(cur_make(p, rtc_bits_finish(&w)), &s, &d));
    CHECK(rtc_av1_dti(&d, 0) == RTC_AV1_DISCARDABLE && rtc_av1_dti(&d, 1) == RTC_AV1_SWITCH);
    CHECK(d.has_active && s.active == 1 && !d.key_frame);
    CHECK(!rtc_av1_parse(cur_make(p, 5), &s, &d));
}

TEST(rtc_codec_av1, key_frames_begin_with_a_structure_and_refer_to_nobody) {
    static const struct layout l = { 2, 1, 0, false, false };
    uint8_t key[255];
    struct rtc_av1_structure s = { .n_templates = 0 };
    struct rtc_av1 d;
    CHECK(rtc_av1_parse(cur_make(key, write_key(key, sizeof(key), &l, 0)), &s, &d) && d.key_frame);
    CHECK(rtc_av1_parse(cur_make(key, write_key(key, sizeof(key), &l, 1)), &s, &d) && !d.key_frame);
    (void)write_key(key, sizeof(key), &l, 0);
    key[0] &= 0x7F; /* a later packet of the frame */
    CHECK(rtc_av1_parse(cur_make(key, sizeof(key)), &s, &d) && !d.key_frame);
}

TEST(rtc_codec_av1, chooses_targets) {
    static const struct layout l = { 3, 3, 0, true, false };
    static const struct {
        uint8_t spatial, temporal;
        uint32_t targets;
        int best;
    } rows[] = {
        { 0, 0, 0x001, 0 },
        { 0, 2, 0x007, 2 },
        { 2, 0, 0x049, 6 },
        { 1, 1, 0x01B, 4 },
        { 2, 2, 0x1FF, 8 },
        { 7, 7, 0x1FF, 8 },
    };
    uint8_t key[255];
    struct rtc_av1_structure s = { .n_templates = 0 };
    struct rtc_av1 d;
    CHECK_INT(-1, rtc_av1_best_target(&s, UINT32_MAX));
    CHECK(rtc_av1_parse(cur_make(key, write_key(key, sizeof(key), &l, 0)), &s, &d));
    FOR_ROWS (rows, r) {
        CHECK_INT(r->targets, rtc_av1_targets_within(&s, r->spatial, r->temporal));
        CHECK_INT(r->best, rtc_av1_best_target(&s, r->targets));
    }
    CHECK_INT(-1, rtc_av1_best_target(&s, 0));
}

TEST(rtc_codec_av1, tells_a_listener_what_it_still_gets) {
    FOR_ROWS (layouts, r) {
        uint8_t key[600], p[3], out[RTC_AV1_LEN_MAX];
        struct rtc_av1_structure s = { .n_templates = 0 }, t = { .n_templates = 0 };
        struct rtc_av1 d, e;
        ROW(r->name);
        size_t n = write_key(key, sizeof(key), &r->l, 0);
        if (n > RTC_AV1_LEN_MAX - 4) {
            continue;
        }
        CHECK(rtc_av1_parse(cur_make(key, n), &s, &d));
        size_t m = rtc_av1_rewrite(cur_make(key, n), &d, &s, 77, 1, out, sizeof(out));
        CHECK(rtc_av1_parse(cur_make(out, m), &t, &e));
        CHECK(e.frame_number == 77 && e.has_active && t.active == 1 && e.key_frame);
        t.active = s.active;
        CHECK(memcmp(&s, &t, sizeof(s)) == 0 && e.dtis == d.dtis);
        CHECK_INT(0, rtc_av1_rewrite(cur_make(key, n), &d, &s, 77, 1, out, n - 1));
        m = rtc_av1_rewrite(cur_make(out, m), &e, &t, 78, 1, out, sizeof(out)); /* in place */
        CHECK(rtc_av1_parse(cur_make(out, m), &t, &e) && e.frame_number == 78 && t.active == 1);

        n = write_short(p, &r->l, 1, 9);
        CHECK(rtc_av1_parse(cur_make(p, n), &s, &d));
        CHECK_INT(3, rtc_av1_rewrite(cur_make(p, n), &d, &s, 10, 0, out, sizeof(out)));
        CHECK(rtc_av1_parse(cur_make(out, 3), &s, &e) && e.frame_number == 10 && !e.has_active);
        m = rtc_av1_rewrite(cur_make(p, n), &d, &s, 11, 1, out, sizeof(out));
        CHECK(m > 3 && rtc_av1_parse(cur_make(out, m), &s, &e));
        CHECK(e.frame_number == 11 && s.active == 1 && e.spatial == d.spatial && e.dtis == d.dtis);
    }
}

TEST(rtc_codec_av1, knows_a_sequence_by_the_aggregation_header) {
    static const uint8_t begins[] = { 0x18, 0x0A }, goes_on[] = { 0x90, 0x30 };
    CHECK(rtc_av1_begins_sequence(cur_make(begins, 2)));
    CHECK(!rtc_av1_begins_sequence(cur_make(goes_on, 2)));
    CHECK(!rtc_av1_begins_sequence(cur_make(NULL, 0)));
}
