/* Layers of one stream change between pictures, where the stream allows it. */
#include "sfu/layers.h"
#include "test.h"

enum { ALL = SFU_SPATIAL_ALL, ANY = SFU_TEMPORAL_ALL };

/* Frames of VP9 without descriptors: three spatial layers, each in one packet. */
static struct sfu_packet packet(
    int64_t seq, unsigned spatial, unsigned temporal, bool key, bool rises) {
    struct sfu_packet p = { .seq = seq, .has_dd = false };
    p.rtp.ts = (uint32_t)(seq / 3 * 3000);
    p.rtp.marker = spatial == 2;
    p.frame = (struct rtc_frame){ .spatial = (uint8_t)spatial,
        .temporal = (uint8_t)temporal,
        .start = true,
        .end = true,
        .key_frame = key && spatial == 0,
        .rises = rises,
        .layered = true };
    return p;
}

TEST(sfu_layers, change_between_pictures) {
    static const struct {
        const char *name;
        struct sfu_cut now, want;
        uint8_t temporal; /* of the picture */
        bool key, rises, apart;
        struct sfu_cut after;
        unsigned sent; /* of its three packets, a bit each */
        bool waits;
    } rows[] = {
        { "nothing to change", { ALL, ANY }, { ALL, ANY }, 2, false, false, false, { ALL, ANY }, 7,
            false },
        { "down at once", { ALL, ANY }, { 0, ANY }, 0, false, false, false, { 0, ANY }, 1, false },
        { "one down", { 2, ANY }, { 1, ANY }, 0, false, false, false, { 1, ANY }, 3, false },
        { "down, to what was not sent", { ALL, ANY }, { 0, ANY }, 0, false, false, true,
            { ALL, ANY }, 7, true },
        { "the same at a key frame", { ALL, ANY }, { 0, ANY }, 0, true, false, true, { 0, ANY }, 1,
            false },
        { "up not yet", { 0, ANY }, { ALL, ANY }, 0, false, false, false, { 0, ANY }, 1, true },
        { "up at a key frame", { 0, ANY }, { ALL, ANY }, 0, true, false, false, { ALL, ANY }, 7,
            false },
        { "fewer pictures", { ALL, ANY }, { ALL, 0 }, 1, false, false, false, { ALL, 0 }, 0,
            false },
        { "more, behind a picture that lets them", { ALL, 0 }, { ALL, ANY }, 0, false, true, false,
            { ALL, ANY }, 7, false },
        { "not behind another", { ALL, 0 }, { ALL, ANY }, 0, false, false, false, { ALL, 0 }, 7,
            false },
        { "nor behind one that is not sent", { ALL, 0 }, { ALL, ANY }, 1, false, true, false,
            { ALL, 0 }, 0, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_svc svc = { .n_spatial = 3, .apart = r->apart };
        struct sfu_layers l;
        sfu_layers_init(&l);
        l.now = l.before = r->now;
        l.want = r->want;
        unsigned sent = 0;
        for (unsigned i = 0; i < 3; i++) {
            struct sfu_packet p = packet(300 + (int64_t)i, i, r->temporal, r->key, r->rises);
            sent |= (unsigned)sfu_layers_take(&l, &svc, &p) << i;
        }
        CHECK_INT(r->sent, sent);
        CHECK_INT(r->after.spatial, l.now.spatial);
        CHECK_INT(r->after.temporal, l.now.temporal);
        CHECK_INT(r->waits, sfu_layers_wait(&l, &svc));
    }
}

TEST(sfu_layers, know_what_was_sent_before) {
    struct sfu_svc svc = { .n_spatial = 3 };
    struct sfu_layers l;
    struct sfu_cut cut;
    sfu_layers_init(&l);
    struct sfu_packet first = packet(300, 0, 0, true, false);
    sfu_layers_begin(&l, &first);
    l.want.spatial = 1;
    struct sfu_packet second = packet(330, 0, 0, false, false);
    CHECK(sfu_layers_take(&l, &svc, &second));
    struct sfu_packet late = packet(308, 2, 0, false, false);
    CHECK(sfu_layers_take(&l, &svc, &late)); /* it was sent to him then, or would have been */
    CHECK(sfu_layers_at(&l, 329, &cut) && cut.spatial == ALL);
    CHECK(sfu_layers_at(&l, 330, &cut) && cut.spatial == 1);
    CHECK(!sfu_layers_at(&l, 299, &cut));
    l.want.spatial = 0;
    struct sfu_packet third = packet(360, 0, 0, false, false);
    CHECK(sfu_layers_take(&l, &svc, &third));
    CHECK(sfu_layers_at(&l, 359, &cut) && cut.spatial == 1);
    CHECK(!sfu_layers_at(&l, 329, &cut)); /* two changes ago */
}

TEST(sfu_layers, a_picture_ends_with_the_highest_layer_that_is_sent) {
    static const struct {
        const char *name;
        unsigned spatial;
        uint8_t cut;
        bool ends;
    } rows[] = {
        { "the lowest of all", 0, ALL, false },
        { "the highest of all: as its publisher says", 2, ALL, true },
        { "the highest that is sent", 1, 1, true },
        { "one below", 0, 1, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_packet p = packet(300, r->spatial, 0, false, false);
        CHECK_INT(r->ends, sfu_svc_ends(&p, (struct sfu_cut){ r->cut, ANY }));
    }
}

TEST(sfu_layers, do_not_rise_behind_a_late_packet) {
    struct sfu_svc svc = { .n_spatial = 3 };
    struct sfu_layers l;
    sfu_layers_init(&l);
    l.now = l.before = (struct sfu_cut){ ALL, 0 };
    l.want = (struct sfu_cut){ ALL, ANY };
    struct sfu_packet first = packet(300, 0, 0, true, false),
                      above = packet(306, 0, 1, false, false);
    struct sfu_packet late = packet(303, 0, 0, false, true), next = packet(309, 0, 0, false, true);
    CHECK(sfu_layers_take(&l, &svc, &first));
    l.now.temporal = 0;                        /* as from before the key frame */
    CHECK(!sfu_layers_take(&l, &svc, &above)); /* what those to come may need */
    CHECK(sfu_layers_take(&l, &svc, &late));
    CHECK_INT(0, l.now.temporal);
    CHECK(sfu_layers_take(&l, &svc, &next));
    CHECK_INT(ANY, l.now.temporal);
}
