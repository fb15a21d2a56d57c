/* Decode targets, or plain layers. */
#include "sfu/svc.h"

#include "rtc/codec/vp9.h"

#include <string.h>

_Static_assert(sizeof(struct sfu_svc) == 936, "the header says so");

/* --- what is known of the stream --- */

static unsigned dti(uint64_t dtis, unsigned target) {
    return (unsigned)(dtis >> (2 * target) & 3);
}

/* Is there a frame that the lower target has and the upper one has not? */
static bool goes_without(const struct rtc_av1_structure *st, unsigned lower, unsigned upper) {
    for (unsigned i = 0; i < st->n_templates; i++) {
        if (dti(st->dtis[i], lower) != RTC_AV1_NOT_PRESENT &&
            dti(st->dtis[i], upper) == RTC_AV1_NOT_PRESENT) {
            return true;
        }
    }
    return false;
}

static bool are_apart(const struct rtc_av1_structure *st) {
    for (unsigned a = 0; a < st->n_targets; a++) {
        for (unsigned b = 0; b < st->n_targets; b++) {
            if (st->target_spatial[a] < st->target_spatial[b] &&
                st->target_temporal[a] <= st->target_temporal[b] && goes_without(st, a, b)) {
                return true;
            }
        }
    }
    return false;
}

static void set_targets(struct sfu_svc *s) {
    for (uint8_t i = 0; i < RTC_AV1_SPATIAL_MAX; i++) {
        for (uint8_t t = 0; t < RTC_AV1_TEMPORAL_MAX; t++) {
            uint32_t within = rtc_av1_targets_within(&s->structure, i, t) & s->structure.active;
            s->targets[i][t] = within;
            s->best[i][t] = (int8_t)rtc_av1_best_target(&s->structure, within);
        }
    }
}

static void note_sizes(
    struct sfu_svc *s, const uint16_t *width, const uint16_t *height, unsigned n) {
    for (unsigned i = 0; i < SFU_TIERS_MAX && i < n; i++) {
        s->width[i] = width[i];
        s->height[i] = height[i];
    }
}

/* A late packet must not bring an old structure back. */
static void note_structure(
    struct sfu_svc *s, const struct rtc_av1_structure *st, const struct sfu_packet *p) {
    bool fresh = false;
    if (p->dd.has_structure && p->seq >= s->since) {
        /* Each key frame repeats it; what came before one is then still what it was. */
        fresh = memcmp(&s->structure, st, sizeof(*st)) != 0;
        s->structure = *st;
        s->since = p->seq;
        s->n_spatial = st->n_spatial;
        s->apart = are_apart(st);
        note_sizes(s, st->width, st->height, st->n_spatial);
    }
    if (p->dd.has_active && !p->dd.has_structure && p->seq >= s->active_at) {
        fresh = fresh || s->structure.active != st->active;
        s->structure.active = st->active;
    }
    if (fresh) {
        s->active_at = p->seq;
        set_targets(s);
    }
}

/* --- a packet --- */

static void read_descriptor(
    struct sfu_svc *s, struct sfu_packet *p, struct cur bytes, bool newest) {
    struct rtc_av1_structure st;
    bool changes = cur_left(&bytes) > 3; /* bytes: else it names a template, and nothing more */
    if (changes) {
        st = s->structure;
    }
    p->has_dd = rtc_av1_parse(bytes, changes ? &st : &s->structure, &p->dd);
    if (!p->has_dd) {
        return;
    }
    p->frame.spatial = p->dd.spatial;
    p->frame.temporal = p->dd.temporal;
    p->frame.start = p->dd.start;
    p->frame.end = p->dd.end;
    p->frame.key_frame = p->dd.key_frame;
    p->frame.rises = false;
    if (newest && changes && (p->dd.has_structure || p->dd.has_active)) {
        note_structure(s, &st, p);
    }
}

static void read_vp9(struct sfu_svc *s, const struct sfu_packet *p) {
    struct rtc_vp9 v;
    struct cur payload = cur_make(pkt_bytes(p->pkt) + p->rtp.payload_off, p->rtp.payload_len);
    if (!rtc_vp9_parse(payload, &v)) {
        return;
    }
    if (v.n_spatial > 0) {
        s->n_spatial = v.n_spatial;
        note_sizes(s, v.width, v.height, v.n_spatial);
    } else if (v.sid >= s->n_spatial) {
        s->n_spatial = (uint8_t)(v.sid + 1);
    }
}

void sfu_svc_read(struct sfu_svc *s, struct sfu_packet *p, bool newest) {
    p->has_dd = false;
    p->frame.layered = true;
    if (rtc_rtpext_has(&p->ext, RTC_EXT_DEPENDENCY)) {
        read_descriptor(
            s, p, rtc_rtpext_bytes(pkt_bytes(p->pkt), &p->ext, RTC_EXT_DEPENDENCY), newest);
    }
    if (!p->has_dd && newest && p->codec->type == RTC_VP9 && p->rtp.payload_len > 0) {
        read_vp9(s, p);
    }
}

/* --- for a listener --- */

static int target_of(const struct sfu_svc *s, struct sfu_cut cut) {
    unsigned i = cut.spatial < RTC_AV1_SPATIAL_MAX ? cut.spatial : RTC_AV1_SPATIAL_MAX - 1;
    unsigned t = cut.temporal < RTC_AV1_TEMPORAL_MAX ? cut.temporal : RTC_AV1_TEMPORAL_MAX - 1;
    return s->structure.n_templates == 0 ? -1 : s->best[i][t];
}

bool sfu_svc_has(const struct sfu_svc *s, const struct sfu_packet *p, struct sfu_cut cut) {
    int target = p->has_dd ? target_of(s, cut) : -1;
    if (target >= 0) {
        return rtc_av1_dti(&p->dd, (unsigned)target) != RTC_AV1_NOT_PRESENT;
    }
    return p->frame.spatial <= cut.spatial && p->frame.temporal <= cut.temporal;
}

bool sfu_svc_may_rise(
    const struct sfu_svc *s, const struct sfu_packet *p, struct sfu_cut from, struct sfu_cut to) {
    int target = p->has_dd ? target_of(s, to) : -1;
    if (p->frame.temporal > from.temporal || !p->frame.start) {
        return false;
    }
    return target >= 0 ? rtc_av1_dti(&p->dd, (unsigned)target) == RTC_AV1_SWITCH : p->frame.rises;
}

bool sfu_svc_ends(const struct sfu_packet *p, struct sfu_cut cut) {
    return p->rtp.marker || (p->frame.end && p->frame.spatial == cut.spatial);
}

size_t sfu_svc_descriptor(const struct sfu_svc *s, const struct sfu_packet *p, struct sfu_cut cut,
    uint8_t ret[RTC_AV1_LEN_MAX]) {
    unsigned i = cut.spatial < RTC_AV1_SPATIAL_MAX ? cut.spatial : RTC_AV1_SPATIAL_MAX - 1;
    unsigned t = cut.temporal < RTC_AV1_TEMPORAL_MAX ? cut.temporal : RTC_AV1_TEMPORAL_MAX - 1;
    if (!p->has_dd || !p->frame.start || target_of(s, cut) < 0 ||
        s->targets[i][t] == s->structure.active) {
        return 0;
    }
    struct cur bytes = rtc_rtpext_bytes(pkt_bytes(p->pkt), &p->ext, RTC_EXT_DEPENDENCY);
    return rtc_av1_rewrite(
        bytes, &p->dd, &s->structure, p->dd.frame_number, s->targets[i][t], ret, RTC_AV1_LEN_MAX);
}
