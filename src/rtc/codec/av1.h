/*
 * AV1's layers (AV1 RTP, 4.4 and appendix A): the dependency descriptor is a header extension, so
 * the payload is never read beyond its aggregation header. Chromium sends the descriptor with VP8
 * and VP9 too, where it means the same.
 *
 * The descriptor of a key frame carries a structure: a list of templates (layer, what refers to
 * what) and of decode targets (what a receiver could show). Those behind it name a template. So a
 * reader keeps the structure of each SSRC: struct rtc_av1_structure.  Thread: any; pure.
 *
 *     |S|E| template  |         frame number          |      S/E: the frame begins, ends here
 *     |s|a|d|f|c|  structure, active targets, what this frame does otherwise than its template …
 */
#ifndef RTC_CODEC_AV1_H
#define RTC_CODEC_AV1_H

#include "core/cur.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the format can say: AV1 RTP, A.8.2. */
#define RTC_AV1_TEMPLATES_MAX 64
#define RTC_AV1_TARGETS_MAX   32
#define RTC_AV1_SPATIAL_MAX   4   /* layers: A.4, spatial ids 0 to 3 */
#define RTC_AV1_TEMPORAL_MAX  8   /* layers: A.4, temporal ids 0 to 7 */
#define RTC_AV1_LEN_MAX       255 /* bytes of a descriptor: what an extension element holds */

/* What a frame is to a decode target: A.4. */
enum rtc_av1_dti {
    RTC_AV1_NOT_PRESENT, /* the target goes without it */
    RTC_AV1_DISCARDABLE, /* shown, and no other frame of the target refers to it */
    RTC_AV1_SWITCH,      /* from here on the target can be taken up */
    RTC_AV1_REQUIRED
};

/** 768 bytes an SSRC. Zero it to begin; n_templates is 0 until a structure came. */
struct rtc_av1_structure {
    uint64_t dtis[RTC_AV1_TEMPLATES_MAX]; /* two bits a target, that of target 0 lowest */
    uint64_t refers;                      /* templates whose frames refer to others */
    uint32_t active;                      /* targets that are sent now */
    uint8_t spatial[RTC_AV1_TEMPLATES_MAX];
    uint8_t target_spatial[RTC_AV1_TARGETS_MAX];
    uint8_t target_temporal[RTC_AV1_TARGETS_MAX];
    uint8_t n_templates, n_targets, n_chains, n_spatial;
    uint8_t id_offset; /* the template id of the first */
    uint8_t temporal[RTC_AV1_TEMPLATES_MAX];
    uint16_t width[RTC_AV1_SPATIAL_MAX], height[RTC_AV1_SPATIAL_MAX]; /* 0 where not said */
};

struct rtc_av1 {
    uint64_t dtis;          /* this frame's, as in the structure */
    uint16_t frame_number;  /* the same in all packets of the frame */
    uint16_t structure_end; /* in bits: behind the structure, where the active targets are */
    uint16_t active_end;    /* in bits: behind these */
    uint8_t spatial, temporal;
    bool start, end;
    bool has_structure;
    bool has_active;
    bool key_frame; /* a key frame begins here, with its lowest layer */
};

/**
 * Reads a descriptor. One that carries a structure replaces `s`; one that does not needs it. False,
 * and `s` is as it was, when the descriptor is cut, malformed, or names a template that `s` does
 * not have.
 */
bool rtc_av1_parse(struct cur descriptor, struct rtc_av1_structure *s, struct rtc_av1 *ret);

/** What this frame is to a target. */
static inline enum rtc_av1_dti rtc_av1_dti(const struct rtc_av1 *d, unsigned target) {
    return (enum rtc_av1_dti)(d->dtis >> (2 * target) & 3);
}

/** The targets (a bit each) that need no layer above these. */
uint32_t rtc_av1_targets_within(
    const struct rtc_av1_structure *s, uint8_t spatial, uint8_t temporal);
/** The best of these targets: the highest spatial layer, then the highest temporal; -1 for none. */
int rtc_av1_best_target(const struct rtc_av1_structure *s, uint32_t targets);

/**
 * Writes the descriptor for a listener: another frame number, and, when `active` is not 0, the
 * targets that it still gets; a decoder waits for those above otherwise. Gives the bytes written;
 * 0 when they do not fit into `cap`. `descriptor` is what `d` was read from.
 */
size_t rtc_av1_rewrite(struct cur descriptor, const struct rtc_av1 *d,
    const struct rtc_av1_structure *s, uint16_t frame_number, uint32_t active, uint8_t *ret,
    size_t cap);

/** Without a descriptor: does the payload's aggregation header say that a coded video sequence (a
 * key frame) begins? */
bool rtc_av1_begins_sequence(struct cur payload);

#endif
