/*
 * Picture ids, TL0PICIDX and KEYIDX of VP8 as one listener sees them: going on across switches
 * between simulcast layers (a jump freezes libwebrtc's decoder until the next key frame), and
 * without gaps where temporal layers are left out.
 *
 * Thread: any; the one that owns the listener's stream. Nothing allocates.
 */
#ifndef RTC_CODEC_VP8_MAP_H
#define RTC_CODEC_VP8_MAP_H

#include "rtc/codec/vp8.h"
#include "rtc/renumber.h"

/* Of a stream. */
struct rtc_vp8_offsets {
    int64_t near; /* in: the newest picture id, extended */
    uint8_t tl0, keyidx;
};

/** 832 bytes. rtc_vp8_map_init it. */
struct rtc_vp8_map {
    struct rtc_vp8_offsets now, past; /* past: before the last switch */
    uint8_t tl0_out, keyidx_out;
    struct rtc_renumber pictures;
};

void rtc_vp8_map_init(struct rtc_vp8_map *m);

/** A stream begins with this packet, the start of a key frame. */
void rtc_vp8_map_switch(struct rtc_vp8_map *m, const struct rtc_vp8 *in);

/** The frame of this packet is left out. Every packet of it may be told, or one. */
void rtc_vp8_map_drop(struct rtc_vp8_map *m, const struct rtc_vp8 *in);

/** What this packet's descriptor must say; false when its frame was left out, or is older than the
 * switch: then the packet must not go out. */
bool rtc_vp8_map_ids(struct rtc_vp8_map *m, const struct rtc_vp8 *in, struct rtc_vp8_ids *ret);
/** The same of a late packet of the stream before the switch. */
bool rtc_vp8_map_ids_past(
    const struct rtc_vp8_map *m, const struct rtc_vp8 *in, struct rtc_vp8_ids *ret);

#endif
