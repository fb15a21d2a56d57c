/* Codecs, extensions and layers out of a section; ICE and DTLS out of a description. Pure. */
#include "rtc/sdp_params.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --- the transport --- */

enum err rtc_sdp_transport_params(
    const struct rtc_sdp *sdp, struct rtc_ice_params *ice, struct rtc_dtls_params *dtls) {
    const struct rtc_sdp_transport *t = NULL;
    for (size_t i = 0; i < sdp->n_sections && t == NULL; i++) {
        const struct rtc_sdp_section *s = &sdp->sections[i];
        if (rtc_sdp_open(s) && s->transport.ufrag != NULL) {
            t = &s->transport;
        }
    }
    if (t == NULL || t->pwd == NULL) {
        return err_set(ERR_INVALID, "session description without ICE credentials");
    }
    if (t->n_fingerprints == 0) {
        return err_set(ERR_INVALID, "session description without a fingerprint of SHA-256 or more");
    }
    snprintf(ice->ufrag, sizeof(ice->ufrag), "%s", t->ufrag);
    snprintf(ice->pwd, sizeof(ice->pwd), "%s", t->pwd);
    ice->lite = sdp->ice_lite;
    *dtls = (struct rtc_dtls_params){ .role = t->has_role ? t->role : RTC_DTLS_AUTO,
        .n_fingerprints = t->n_fingerprints };
    memcpy(dtls->fingerprints, t->fingerprints, t->n_fingerprints * sizeof(*t->fingerprints));
    return OK;
}

/* --- codecs --- */

const char *rtc_sdp_fmtp(const char *fmtp, const char *name, size_t *n) {
    const size_t name_len = strlen(name);
    while (fmtp != NULL && *fmtp != '\0') {
        fmtp += strspn(fmtp, "; ");
        const size_t len = strcspn(fmtp, ";");
        if (len > name_len && strncasecmp(fmtp, name, name_len) == 0 && fmtp[name_len] == '=') {
            *n = len - name_len - 1;
            return fmtp + name_len + 1;
        }
        fmtp += len;
    }
    return NULL;
}

/* A parameter in digits of this base; `otherwise` when it is missing or no number. */
static uint32_t parameter(const char *fmtp, const char *name, uint32_t base, uint32_t otherwise) {
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    uint32_t value = 0;
    const char *text = rtc_sdp_fmtp(fmtp, name, &n);
    while (n > 0 && text[n - 1] == ' ') {
        n--;
    }
    if (text == NULL || n == 0 || n > 6) {
        return otherwise;
    }
    for (size_t i = 0; i < n; i++) {
        const char c = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] + ('a' - 'A')) : text[i];
        const char *at = strchr(digits, c);
        if (at == NULL || (uint32_t)(at - digits) >= base) {
            return otherwise;
        }
        value = value * base + (uint32_t)(at - digits);
    }
    return value;
}

static bool read_opus(const struct rtc_sdp_codec *c, struct rtc_codec *ret) {
    ret->opus |= parameter(c->fmtp, "useinbandfec", 10, 0) == 1 ? RTC_OPUS_FEC : 0;
    ret->opus |= parameter(c->fmtp, "usedtx", 10, 0) == 1 ? RTC_OPUS_DTX : 0;
    ret->opus |= parameter(c->fmtp, "stereo", 10, 0) == 1 ? RTC_OPUS_STEREO : 0;
    return c->clock_rate == 48000 && c->channels == 2;
}

/* "111/111": each block inside says its payload type again, which nobody rewrites. So a receiver
 * that has another number for Opus cannot take the stream as it is. */
static bool read_red(const struct rtc_sdp_codec *c, struct rtc_codec *ret) {
    unsigned inside = RTC_NO_PT;
    ret->profile = c->fmtp != NULL && sscanf(c->fmtp, "%3u", &inside) == 1 && inside < RTC_NO_PT
                       ? (uint8_t)inside
                       : RTC_NO_PT;
    return c->clock_rate == 48000 && c->channels == 2;
}

static bool read_g711(const struct rtc_sdp_codec *c, struct rtc_codec *ret) {
    ret->channels = 1;
    return c->clock_rate == 8000 && c->channels <= 1;
}

static bool read_vp8(const struct rtc_sdp_codec *c, struct rtc_codec *ret) {
    (void)ret;
    return c->clock_rate == 90000;
}

/* Without a parameter it is packetization mode 0 of plain Baseline (RFC 6184, 8.1). */
static bool read_h264(const struct rtc_sdp_codec *c, struct rtc_codec *ret) {
    const uint32_t mode = parameter(c->fmtp, "packetization-mode", 10, 0);
    ret->profile = (uint8_t)mode;
    ret->h264_level = parameter(c->fmtp, "profile-level-id", 16, 0x42000a);
    return c->clock_rate == 90000 && mode <= 1;
}

static bool read_vp9(const struct rtc_sdp_codec *c, struct rtc_codec *ret) {
    const uint32_t profile = parameter(c->fmtp, "profile-id", 10, 0);
    ret->profile = (uint8_t)profile;
    return c->clock_rate == 90000 && profile <= 3;
}

static bool read_av1(const struct rtc_sdp_codec *c, struct rtc_codec *ret) {
    const uint32_t profile = parameter(c->fmtp, "profile", 10, 0);
    ret->profile = (uint8_t)profile;
    return c->clock_rate == 90000 && profile <= 2;
}

bool rtc_sdp_codec_read(const struct rtc_sdp_codec *c, struct rtc_codec *ret) {
    static bool (*const readers[RTC_CODEC_COUNT])(
        const struct rtc_sdp_codec *, struct rtc_codec *) = {
        [RTC_OPUS] = read_opus,
        [RTC_RED] = read_red,
        [RTC_PCMU] = read_g711,
        [RTC_PCMA] = read_g711,
        [RTC_VP8] = read_vp8,
        [RTC_H264] = read_h264,
        [RTC_VP9] = read_vp9,
        [RTC_AV1] = read_av1,
    };
    enum rtc_codec_type type = RTC_OPUS;
    if (!rtc_codec_find(c->name, &type)) {
        return false;
    }
    *ret = (struct rtc_codec){ .type = (uint8_t)type,
        .pt = c->pt,
        .rtx_pt = RTC_NO_PT,
        .feedback = c->feedback,
        .channels = c->channels,
        .clock_rate = c->clock_rate };
    return readers[type](c, ret);
}

bool rtc_sdp_codec_rtx(const struct rtc_sdp_codec *c, uint8_t *ret) {
    const uint32_t apt = parameter(c->fmtp, "apt", 10, RTC_NO_PT);
    if (strcasecmp(c->name, "rtx") != 0 || apt > 127) {
        return false;
    }
    *ret = (uint8_t)apt;
    return true;
}

static void read_codecs(const struct rtc_sdp_section *s, struct rtc_rtp_params *ret) {
    const enum rtc_media media = ret->media;
    for (size_t i = 0; i < s->n_codecs && ret->n_codecs < RTC_CODECS_MAX; i++) {
        struct rtc_codec *c = &ret->codecs[ret->n_codecs];
        if (rtc_sdp_codec_read(&s->codecs[i], c) && rtc_codec_media(c->type) == media) {
            ret->n_codecs++;
        }
    }
    for (size_t i = 0; i < s->n_codecs; i++) {
        uint8_t apt = RTC_NO_PT;
        for (size_t k = 0; k < ret->n_codecs && rtc_sdp_codec_rtx(&s->codecs[i], &apt); k++) {
            if (ret->codecs[k].pt == apt) {
                ret->codecs[k].rtx_pt = s->codecs[i].pt;
            }
        }
    }
}

/* --- layers --- */

/* "q", "h", "f", or "2", "1", "0": where the layer belongs. Other names stay in the order of the
 * text, which RFC 8853 leaves to the sender; browsers name the lowest first. */
static int layer_rank(const char *rid, int otherwise) {
    const char *at = rid[0] != '\0' && rid[1] == '\0' ? strchr("q2h1f0", rid[0]) : NULL;
    return at == NULL ? otherwise : (int)(at - "q2h1f0") / 2;
}

static void read_rids(const struct rtc_sdp_section *s, struct rtc_rtp_params *ret) {
    int ranks[RTC_ENCODINGS_MAX] = { 0 };
    for (size_t i = 0; i < s->n_rids && ret->n_encodings < RTC_ENCODINGS_MAX; i++) {
        struct rtc_encoding e = { 0 };
        if (!s->rids[i].send) {
            continue;
        }
        snprintf(e.rid, sizeof(e.rid), "%s", s->rids[i].id);
        const int rank = layer_rank(e.rid, ret->n_encodings);
        size_t to = ret->n_encodings++;
        for (; to > 0 && ranks[to - 1] > rank; to--) {
            ranks[to] = ranks[to - 1];
            ret->encodings[to] = ret->encodings[to - 1];
        }
        ranks[to] = rank;
        ret->encodings[to] = e;
    }
}

/* The other SSRC of its FID group (RFC 5576, 4.2); 0 = none. */
static uint32_t rtx_of(const struct rtc_sdp_section *s, uint32_t ssrc) {
    for (size_t i = 0; i < s->n_groups; i++) {
        const struct rtc_sdp_group *g = &s->groups[i];
        if (strcmp(g->semantics, "FID") == 0 && g->n == 2 && g->ssrcs[0] == ssrc) {
            return g->ssrcs[1];
        }
    }
    return 0;
}

static bool is_rtx(const struct rtc_sdp_section *s, uint32_t ssrc) {
    for (size_t i = 0; i < s->n_sources; i++) {
        if (rtx_of(s, s->sources[i].ssrc) == ssrc) {
            return true;
        }
    }
    return false;
}

static void add_source(const struct rtc_sdp_section *s, uint32_t ssrc, struct rtc_rtp_params *ret) {
    ret->encodings[ret->n_encodings++] =
        (struct rtc_encoding){ .ssrc = ssrc, .rtx_ssrc = rtx_of(s, ssrc) };
}

/* The layers of the SIM group, lowest first; without one, the first SSRC that is no RTX, wherever
 * its line stands. */
static void read_sources(const struct rtc_sdp_section *s, struct rtc_rtp_params *ret) {
    for (size_t i = 0; i < s->n_groups && ret->n_encodings == 0; i++) {
        const struct rtc_sdp_group *g = &s->groups[i];
        for (size_t k = 0; k < g->n && strcmp(g->semantics, "SIM") == 0; k++) {
            if (ret->n_encodings < RTC_ENCODINGS_MAX) {
                add_source(s, g->ssrcs[k], ret);
            }
        }
    }
    for (size_t i = 0; i < s->n_sources && ret->n_encodings == 0; i++) {
        if (!is_rtx(s, s->sources[i].ssrc)) {
            add_source(s, s->sources[i].ssrc, ret);
        }
    }
}

/* --- the whole --- */

void rtc_sdp_rtp_params(const struct rtc_sdp_section *agreed, const struct rtc_sdp_section *sender,
    struct rtc_rtp_params *ret) {
    *ret = (struct rtc_rtp_params){ .media = agreed->kind == RTC_SDP_AUDIO ? RTC_AUDIO : RTC_VIDEO,
        .reduced_rtcp = agreed->rtcp_rsize };
    if (agreed->mid != NULL) {
        snprintf(ret->mid, sizeof(ret->mid), "%s", agreed->mid);
    }
    read_codecs(agreed, ret);
    for (size_t i = 0; i < agreed->n_exts; i++) {
        enum rtc_ext ext = RTC_EXT_COUNT;
        if (rtc_ext_find(agreed->exts[i].uri, &ext)) {
            ret->ext[ext] = agreed->exts[i].id;
        }
    }
    if (sender == NULL || (sender->direction & RTC_SDP_SENDONLY) == 0) {
        return;
    }
    if (sender->n_sources > 0 && sender->sources[0].cname != NULL) {
        snprintf(ret->cname, sizeof(ret->cname), "%s", sender->sources[0].cname);
    }
    read_rids(sender, ret);
    if (ret->n_encodings == 0) {
        read_sources(sender, ret);
    }
}

const char *rtc_sdp_track(const struct rtc_sdp_section *s) {
    if (s->track != NULL) {
        return s->track;
    }
    for (size_t i = 0; i < s->n_sources; i++) {
        if (s->sources[i].track != NULL && s->sources[i].track[0] != '\0') {
            return s->sources[i].track;
        }
    }
    return NULL;
}
