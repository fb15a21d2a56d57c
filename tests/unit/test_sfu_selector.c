/* Which layer, and which temporal layers of it. */
#include "sfu/selector.h"
#include "test.h"

static const struct sfu_layer layers[3] = { { 320, 180, 0 }, { 640, 360, 0 }, { 1280, 720, 0 } };

TEST(sfu_selector, aims_at_the_lowest_layer_that_fills) {
    static const struct sfu_layer unsaid[3] = { 0 },
                                  upright[2] = { { 180, 320, 0 }, { 720, 1280, 0 } };
    static const struct {
        const char *name;
        struct sfu_wanted wanted;
        const struct sfu_layer *layers;
        unsigned n, live;
        int target;
    } rows[] = {
        { "nothing is sent yet: the wish", { .spatial = 2 }, layers, 3, 0, 2 },
        { "quality", { .spatial = 1 }, layers, 3, 7, 1 },
        { "quality beyond the layers", { .spatial = 2 }, layers, 2, 3, 1 },
        { "exact size", { .width = 640, .height = 360 }, layers, 3, 7, 1 },
        { "within the tolerance", { .width = 711, .height = 400 }, layers, 3, 7, 1 },
        { "beyond it", { .width = 712, .height = 401 }, layers, 3, 7, 2 },
        { "one side is enough", { .width = 4000, .height = 400 }, layers, 3, 7, 1 },
        { "larger than all", { .width = 4000, .height = 4000 }, layers, 3, 7, 2 },
        { "half a size is none", { .width = 100, .spatial = 2 }, layers, 3, 7, 2 },
        { "sizes nobody told", { .width = 100, .height = 100 }, unsaid, 3, 7, 2 },
        { "a phone held upright", { .width = 180, .height = 320 }, upright, 2, 3, 0 },
        { "not sent: the next below", { .spatial = 2 }, layers, 3, 3, 1 },
        { "not sent: far below", { .spatial = 2 }, layers, 3, 1, 0 },
        { "nothing below: the next above", { .spatial = 0 }, layers, 3, 6, 1 },
        { "a track without layers", { .spatial = 0 }, layers, 0, 0, -1 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_selector s;
        sfu_selector_init(&s);
        bool changed = sfu_selector_aim(&s, &r->wanted, sfu_allow_all, r->layers, r->n, r->live);
        CHECK_INT(r->target, s.target);
        CHECK_INT(r->target >= 0, changed);
        CHECK_INT(r->target >= 0, sfu_selector_waits(&s));
        CHECK(!sfu_selector_aim(
            &s, &r->wanted, sfu_allow_all, r->layers, r->n, r->live)); /* said before */
    }
}

#define K                                                                                          \
    { .start = true, .key_frame = true }
#define T(tid)                                                                                     \
    { .temporal = (tid), .start = true }
#define SYNC(tid)                                                                                  \
    { .temporal = (tid), .start = true, .layer_sync = true }
#define REST(tid)                                                                                  \
    { .temporal = (tid) }

TEST(sfu_selector, switches_at_key_frames_only) {
    static const struct {
        const char *name;
        bool needs_key;
        int current, target;
        unsigned layer;
        struct rtc_frame frame;
        enum sfu_choice choice;
    } rows[] = {
        { "before the first key frame", true, -1, 1, 1, T(0), SFU_SKIP },
        { "the first key frame", true, -1, 1, 1, K, SFU_SWITCH },
        { "another layer's key frame", true, -1, 1, 0, K, SFU_SKIP },
        { "the old layer goes on", true, 0, 1, 0, T(0), SFU_SEND },
        { "the new one waits", true, 0, 1, 1, T(0), SFU_SKIP },
        { "up", true, 0, 1, 1, K, SFU_SWITCH },
        { "down", true, 2, 0, 0, K, SFU_SWITCH },
        { "its own key frame is nothing new", true, 1, 1, 1, K, SFU_SEND },
        { "audio needs none", false, -1, 0, 0, T(0), SFU_SWITCH },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_selector s;
        sfu_selector_init(&s);
        s.current = (int8_t)r->current;
        s.target = (int8_t)r->target;
        CHECK_INT(r->choice, sfu_selector_take(&s, r->layer, &r->frame, r->needs_key));
        CHECK_INT(r->choice == SFU_SWITCH ? r->target : r->current, s.current);
    }
}

TEST(sfu_selector, changes_temporal_layers_between_frames) {
    static const struct {
        const char *name;
        uint8_t from_fps, to_fps;
        struct rtc_frame frames[6];
        enum sfu_choice choices[6];
    } rows[] = {
        { "all", 0, 0, { K, T(2), T(1), T(2) }, { SFU_SEND, SFU_SEND, SFU_SEND, SFU_SEND } },
        { "the lowest from the start", 10, 10, { K, T(2), REST(2), T(1), T(0), REST(0) },
            { SFU_SEND, SFU_DROP, SFU_DROP, SFU_DROP, SFU_SEND, SFU_SEND } },
        { "down in the middle of a frame: it is finished", 0, 15,
            { REST(2), REST(2), T(1), T(2), REST(2), T(0) },
            { SFU_SEND, SFU_SEND, SFU_SEND, SFU_DROP, SFU_DROP, SFU_SEND } },
        { "up at a frame that needs nothing", 10, 0, { T(2), T(1), SYNC(1), T(2), REST(2), T(0) },
            { SFU_DROP, SFU_DROP, SFU_SEND, SFU_SEND, SFU_SEND, SFU_SEND } },
        { "up at a key frame", 10, 30, { T(2), K, T(2), T(1), T(2), T(0) },
            { SFU_DROP, SFU_SEND, SFU_SEND, SFU_SEND, SFU_SEND, SFU_SEND } },
        { "up by one only", 10, 15, { SYNC(2), SYNC(1), T(2), T(1), T(0), T(1) },
            { SFU_DROP, SFU_SEND, SFU_DROP, SFU_SEND, SFU_SEND, SFU_SEND } },
        { "never in an upper spatial layer's frame", 0, 10,
            { { .spatial = 1, .temporal = 2, .start = true }, T(2), T(0), T(1), T(2), T(0) },
            { SFU_SEND, SFU_DROP, SFU_SEND, SFU_DROP, SFU_DROP, SFU_SEND } },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_selector s;
        sfu_selector_init(&s);
        struct sfu_wanted wanted = { .fps = r->from_fps };
        struct rtc_frame key = K;
        (void)sfu_selector_aim(&s, &wanted, sfu_allow_all, layers, 1, 1);
        CHECK_INT(SFU_SWITCH, sfu_selector_take(&s, 0, &key, true));
        wanted.fps = r->to_fps;
        (void)sfu_selector_aim(&s, &wanted, sfu_allow_all, layers, 1, 1);
        size_t n = r->to_fps == 0 && r->from_fps == 0 ? 4 : 6;
        for (size_t i = 0; i < n; i++) {
            CHECK_INT(r->choices[i], sfu_selector_take(&s, 0, &r->frames[i], true));
        }
    }
}

TEST(sfu_selector, takes_a_switch_back) {
    struct sfu_selector s;
    struct sfu_wanted wanted = { .spatial = 1 };
    struct rtc_frame key = K, delta = T(0);
    sfu_selector_init(&s);
    (void)sfu_selector_aim(&s, &wanted, sfu_allow_all, layers, 3, 3);
    CHECK_INT(SFU_SWITCH, sfu_selector_take(&s, 1, &key, true));
    wanted.spatial = 0;
    CHECK(sfu_selector_aim(&s, &wanted, sfu_allow_all, layers, 3, 3));
    CHECK_INT(SFU_SWITCH, sfu_selector_take(&s, 0, &key, true));
    sfu_selector_undo(&s, 1);
    CHECK(sfu_selector_waits(&s));
    CHECK_INT(SFU_SEND, sfu_selector_take(&s, 1, &delta, true));
    CHECK_INT(SFU_SWITCH, sfu_selector_take(&s, 0, &key, true));
    sfu_selector_restart(&s);
    CHECK_INT(SFU_SKIP, sfu_selector_take(&s, 0, &delta, true));
    CHECK_INT(SFU_SWITCH, sfu_selector_take(&s, 0, &key, true));
}
