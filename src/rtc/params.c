/* The names of codecs, hashes and header extensions, and which codecs are the same. Pure. */
#include "rtc/params.h"

#include "core/mem.h"

#include <string.h>
#include <strings.h>

/* --- hashes --- */

static const struct {
    const char *name;
    size_t size;
} hashes[RTC_HASH_COUNT] = {
    [RTC_HASH_SHA256] = { "sha-256", 32 },
    [RTC_HASH_SHA384] = { "sha-384", 48 },
    [RTC_HASH_SHA512] = { "sha-512", 64 },
};

const char *rtc_hash_name(enum rtc_hash hash) {
    return hashes[hash].name;
}

size_t rtc_hash_size(enum rtc_hash hash) {
    return hashes[hash].size;
}

bool rtc_hash_find(const char *name, enum rtc_hash *ret) {
    for (size_t i = 0; i < COUNT_OF(hashes); i++) {
        if (strcasecmp(name, hashes[i].name) == 0) {
            *ret = (enum rtc_hash)i;
            return true;
        }
    }
    return false;
}

/* --- codecs --- */

#define AUDIO_PREFIX "audio/"
#define VIDEO_PREFIX "video/"
#define PREFIX_LEN   (sizeof(AUDIO_PREFIX) - 1)

static const struct {
    const char *mime; /* its last part is the name of the rtpmap line */
    enum rtc_media media;
} codecs[RTC_CODEC_COUNT] = {
    [RTC_OPUS] = { AUDIO_PREFIX "opus", RTC_AUDIO },
    [RTC_RED] = { AUDIO_PREFIX "red", RTC_AUDIO },
    [RTC_PCMU] = { AUDIO_PREFIX "PCMU", RTC_AUDIO },
    [RTC_PCMA] = { AUDIO_PREFIX "PCMA", RTC_AUDIO },
    [RTC_VP8] = { VIDEO_PREFIX "VP8", RTC_VIDEO },
    [RTC_H264] = { VIDEO_PREFIX "H264", RTC_VIDEO },
    [RTC_VP9] = { VIDEO_PREFIX "VP9", RTC_VIDEO },
    [RTC_AV1] = { VIDEO_PREFIX "AV1", RTC_VIDEO },
};
_Static_assert(sizeof(AUDIO_PREFIX) == sizeof(VIDEO_PREFIX), "one length of both prefixes");

const char *rtc_codec_name(enum rtc_codec_type type) {
    return codecs[type].mime + PREFIX_LEN;
}

const char *rtc_codec_mime(enum rtc_codec_type type) {
    return codecs[type].mime;
}

enum rtc_media rtc_codec_media(enum rtc_codec_type type) {
    return codecs[type].media;
}

bool rtc_codec_find(const char *name, enum rtc_codec_type *ret) {
    for (size_t i = 0; i < COUNT_OF(codecs); i++) {
        if (strcasecmp(name, codecs[i].mime) == 0 ||
            strcasecmp(name, codecs[i].mime + PREFIX_LEN) == 0) {
            *ret = (enum rtc_codec_type)i;
            return true;
        }
    }
    return false;
}

/* The profiles of RFC 6184, 8.1, in the order of what a decoder must be able to do. */
enum h264_profile { H264_OTHER, H264_BASELINE, H264_MAIN, H264_HIGH };

/* Browsers write 42001f (Baseline) and mean what they can decode, which is Constrained Baseline: so
 * both are one here. */
static enum h264_profile h264_profile(uint32_t level) {
    switch (level >> 16) {
    case 0x42:
        return H264_BASELINE;
    case 0x4d:
        return (level & 0x8000) != 0 ? H264_BASELINE : H264_MAIN;
    case 0x64:
        return H264_HIGH;
    default:
        return H264_OTHER;
    }
}

bool rtc_codec_same(const struct rtc_codec *a, const struct rtc_codec *b) {
    return a->type == b->type && a->clock_rate == b->clock_rate && a->channels == b->channels &&
           a->profile == b->profile && a->h264_level >> 8 == b->h264_level >> 8;
}

const struct rtc_codec *rtc_codec_pick(
    const struct rtc_rtp_params *receiver, const struct rtc_codec *sent) {
    const enum h264_profile want = h264_profile(sent->h264_level);
    const struct rtc_codec *able = NULL;
    for (size_t i = 0; i < receiver->n_codecs; i++) {
        const struct rtc_codec *c = &receiver->codecs[i];
        if (rtc_codec_same(c, sent)) {
            return c;
        }
        if (able == NULL && sent->type == RTC_H264 && c->type == RTC_H264 &&
            c->profile == sent->profile && want != H264_OTHER &&
            h264_profile(c->h264_level) >= want) {
            able = c;
        }
    }
    return able;
}

const struct rtc_codec *rtc_codec_of_pt(const struct rtc_rtp_params *p, uint8_t pt) {
    for (size_t i = 0; i < p->n_codecs && pt != RTC_NO_PT; i++) {
        if (p->codecs[i].pt == pt || p->codecs[i].rtx_pt == pt) {
            return &p->codecs[i];
        }
    }
    return NULL;
}

/* --- header extensions --- */

static const char *const exts[RTC_EXT_COUNT] = {
    [RTC_EXT_MID] = "urn:ietf:params:rtp-hdrext:sdes:mid",
    [RTC_EXT_RID] = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    [RTC_EXT_REPAIRED_RID] = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    [RTC_EXT_AUDIO_LEVEL] = "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    [RTC_EXT_ABS_SEND_TIME] = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    [RTC_EXT_TRANSPORT_CC] =
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    [RTC_EXT_DEPENDENCY] =
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    [RTC_EXT_CAPTURE_TIME] = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    [RTC_EXT_PLAYOUT_DELAY] = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
};

const char *rtc_ext_uri(enum rtc_ext ext) {
    return exts[ext];
}

bool rtc_ext_find(const char *uri, enum rtc_ext *ret) {
    for (size_t i = 0; i < COUNT_OF(exts); i++) {
        if (strcmp(uri, exts[i]) == 0) {
            *ret = (enum rtc_ext)i;
            return true;
        }
    }
    return false;
}
