/* Heads of a listener's packets: header extensions, and what layers within a stream change. */
#include "sfu/subscription.h"

#include "sfu/track.h"

#include <string.h>

/* Of a stream with layers in it: what this listener should know of those that he gets. */
static size_t cut_descriptor(
    const struct sfu_subscription *s, const struct sfu_packet *p, uint8_t ret[RTC_AV1_LEN_MAX]) {
    struct sfu_cut cut;
    if ((s->plan.pass >> RTC_EXT_DEPENDENCY & 1) == 0 || !sfu_layers_at(&s->layers, p->seq, &cut)) {
        return 0;
    }
    return sfu_svc_descriptor(s->track->svc, p, cut, ret);
}

bool sfu_subscription_marker(const struct sfu_subscription *s, const struct sfu_packet *p) {
    struct sfu_cut cut;
    return p->frame.layered && sfu_layers_at(&s->layers, p->seq, &cut) ? sfu_svc_ends(p, cut)
                                                                       : p->rtp.marker;
}

void sfu_subscription_head(const struct sfu_subscription *s, struct media_job *job,
    const struct rtc_rtp_head *head, const struct sfu_packet *from) {
    static const struct rtc_rtpext none;
    uint8_t *own[RTC_EXT_COUNT], descriptor[RTC_AV1_LEN_MAX];
    const struct rtc_rtpext_plan *plan = &s->plan;
    struct rtc_rtpext_plan other;
    struct wr w = wr_make(job->head, sizeof(job->head));
    size_t cut = from != NULL && from->frame.layered ? cut_descriptor(s, from, descriptor) : 0;
    if (cut > 0) {
        other = s->plan;
        other.own |= RTC_EXT_BIT(RTC_EXT_DEPENDENCY);
        other.own_len[RTC_EXT_DEPENDENCY] = (uint8_t)cut;
        plan = &other;
    }
    rtc_rtp_write(&w, head);
    rtc_rtpext_map(&w, from == NULL ? NULL : pkt_bytes(from->pkt),
        from == NULL ? &none : &from->ext, plan, own);
    if (cut > 0 && own[RTC_EXT_DEPENDENCY] != NULL) {
        memcpy(own[RTC_EXT_DEPENDENCY], descriptor, cut);
    }
    if (own[RTC_EXT_MID] != NULL) {
        memcpy(own[RTC_EXT_MID], s->mid, s->plan.own_len[RTC_EXT_MID]);
    }
    const uint8_t *sent_time = own[RTC_EXT_ABS_SEND_TIME];
    job->sent_time_at = sent_time == NULL ? 0 : (uint16_t)(sent_time - job->head);
    const uint8_t *wide = own[RTC_EXT_TRANSPORT_CC];
    job->wide_at = wide == NULL ? 0 : (uint16_t)(wide - job->head);
    job->head_len = (uint16_t)wr_len(&w);
}

bool sfu_subscription_is_as_it_was(const struct sfu_subscription *s, const struct sfu_packet *p) {
    struct sfu_cut cut;
    if (!p->frame.layered) {
        return true;
    }
    bool whole = sfu_layers_at(&s->layers, p->seq, &cut) && cut.spatial == SFU_SPATIAL_ALL &&
                 cut.temporal == SFU_TEMPORAL_ALL;
    return whole ||
           (!s->repeats && p->seq >= s->layers.before_since && p->seq >= s->track->svc->active_at);
}
