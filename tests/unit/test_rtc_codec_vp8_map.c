/* Picture ids that go on across switches and close the gaps of layers left out. */
#include "test.h"

#include "rtc/codec/vp8_map.h"

static struct rtc_vp8 frame(uint16_t picture_id, uint8_t tl0, uint8_t tid, uint8_t keyidx) {
    return (struct rtc_vp8){ .picture_id = picture_id,
        .tl0 = tl0,
        .tid = tid,
        .keyidx = keyidx,
        .has_picture_id = true,
        .wide = true,
        .has_tl0 = true,
        .has_tid = true,
        .has_keyidx = true,
        .start = true };
}

static bool maps_to(
    struct rtc_vp8_map *m, struct rtc_vp8 in, uint16_t picture_id, uint8_t tl0, uint8_t keyidx) {
    struct rtc_vp8_ids ids;
    return rtc_vp8_map_ids(m, &in, &ids) && ids.picture_id == picture_id && ids.tl0 == tl0 &&
           (ids.keyidx & 31) == keyidx;
}

TEST(rtc_codec_vp8_map, goes_on_across_switches) {
    struct rtc_vp8_map m;
    struct rtc_vp8 a = frame(32766, 254, 0, 30), b = frame(77, 3, 0, 9);
    struct rtc_vp8_ids ids;
    rtc_vp8_map_init(&m);
    CHECK(!rtc_vp8_map_ids(&m, &a, &ids)); /* nothing began */
    rtc_vp8_map_switch(&m, &a);
    CHECK(maps_to(&m, a, 0, 1, 1));
    CHECK(maps_to(&m, frame(32767, 255, 0, 30), 1, 2, 1));
    CHECK(maps_to(&m, frame(0, 0, 0, 31), 2, 3, 2)); /* all three wrapped or nearly */
    CHECK(maps_to(&m, frame(1, 1, 0, 0), 3, 4, 3));
    rtc_vp8_map_switch(&m, &b);
    CHECK(maps_to(&m, b, 4, 5, 4));
    CHECK(maps_to(&m, frame(78, 4, 0, 9), 5, 6, 4));
    a = frame(76, 2, 0, 9);
    CHECK(!rtc_vp8_map_ids(&m, &a, &ids)); /* before the switch */
}

TEST(rtc_codec_vp8_map, knows_late_frames_of_before_the_switch) {
    struct rtc_vp8_map m;
    struct rtc_vp8 a = frame(100, 10, 0, 1), late = frame(101, 11, 0, 1);
    struct rtc_vp8 newest = frame(102, 12, 0, 1), b = frame(7, 3, 0, 9),
                   never = frame(103, 13, 0, 1);
    struct rtc_vp8_ids ids;
    rtc_vp8_map_init(&m);
    rtc_vp8_map_switch(&m, &a);
    CHECK(!rtc_vp8_map_ids_past(&m, &a, &ids)); /* there was no stream before */
    CHECK(maps_to(&m, a, 0, 1, 1));
    CHECK(maps_to(&m, newest, 2, 3, 1));
    rtc_vp8_map_switch(&m, &b);
    CHECK(maps_to(&m, b, 3, 4, 2));
    CHECK(rtc_vp8_map_ids_past(&m, &late, &ids));
    CHECK(ids.picture_id == 1 && ids.tl0 == 2 && (ids.keyidx & 31) == 1);
    CHECK(!rtc_vp8_map_ids_past(&m, &never, &ids));
    CHECK(maps_to(&m, frame(8, 4, 0, 9), 4, 5, 2)); /* all as it was */
}

TEST(rtc_codec_vp8_map, closes_the_gaps_of_temporal_layers) {
    struct rtc_vp8_map m;
    struct rtc_vp8 key = frame(100, 10, 0, 1);
    uint16_t out = 0;
    rtc_vp8_map_init(&m);
    rtc_vp8_map_switch(&m, &key);
    for (uint16_t i = 0; i < 40000; i++) {
        struct rtc_vp8 f = frame((100 + i) & 0x7FFF, (uint8_t)(10 + i / 4), (uint8_t)(i % 2), 1);
        struct rtc_vp8_ids ids;
        f.start = i % 3 == 0; /* also when the frame's first packet was lost */
        if (f.tid > 0) {
            rtc_vp8_map_drop(&m, &f);
            rtc_vp8_map_drop(&m, &f);
            CHECK(!rtc_vp8_map_ids(&m, &f, &ids)); /* its other packets */
        } else if (!maps_to(&m, f, out++ & 0x7FFF, (uint8_t)(1 + i / 4), 1)) {
            CHECK_INT(-1, i);
            return;
        }
    }
}

TEST(rtc_codec_vp8_map, leaves_streams_without_ids_alone) {
    struct rtc_vp8_map m;
    struct rtc_vp8 bare = { .start = true, .key_frame = true };
    struct rtc_vp8_ids ids;
    rtc_vp8_map_init(&m);
    rtc_vp8_map_switch(&m, &bare);
    rtc_vp8_map_drop(&m, &bare);
    CHECK(rtc_vp8_map_ids(&m, &bare, &ids));
}
