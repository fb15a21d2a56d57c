/* What a packet of a track says of itself. */
#include "sfu/packet.h"

#include "sfu/track.h"
#include "sfu/worker.h"

static const struct rtc_codec *codec_of(struct sfu_track *t, uint8_t pt) {
    if (t->codec->pt != pt) {
        const struct rtc_codec *c = rtc_codec_of_pt(&t->config.params, pt);
        if (c == NULL || c->pt != pt) {
            return NULL;
        }
        t->codec = c;
    }
    return t->codec;
}

bool sfu_track_read(
    struct sfu_track *t, struct pkt *pkt, const struct rtc_rtp *rtp, struct sfu_packet *ret) {
    const uint8_t *bytes = pkt_bytes(pkt);
    struct cur payload = cur_make(bytes + rtp->payload_off, rtp->payload_len);
    ret->codec = codec_of(t, rtp->pt);
    if (ret->codec == NULL) {
        t->worker->stats.drops[SFU_DROP_PAYLOAD_TYPE]++;
        return false;
    }
    ret->pkt = pkt;
    ret->rtp = *rtp;
    ret->frame = (struct rtc_frame){ 0 };
    ret->vp8 = (struct rtc_vp8){ 0 };
    rtc_rtpext_read(bytes, rtp, t->config.params.ext, &ret->ext);
    bool good = rtp->payload_len == 0 || rtc_frame_read(ret->codec->type, payload, &ret->frame);
    if (good && ret->codec->type == RTC_VP8 && rtp->payload_len > 0) {
        good = rtc_vp8_parse(payload, &ret->vp8);
    }
    t->worker->stats.drops[SFU_DROP_MALFORMED] += !good;
    return good;
}
