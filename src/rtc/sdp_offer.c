/* The offer: one list of codecs and extensions for everybody. Pure. */
#include "rtc/sdp_offer.h"

#include "rtc/sdp_local.h"

#include <string.h>

/* --- what everybody is offered (livekit-protocol 4.6, 4.7) --- */

#define AUDIO_FB RTC_FB_NACK
#define VIDEO_FB (RTC_FB_NACK | RTC_FB_PLI | RTC_FB_FIR | RTC_FB_REMB | RTC_FB_TRANSPORT_CC)
#define VIDEO(type, number, parameters)                                                            \
    {                                                                                              \
        .pt = (number), .clock_rate = 90000, .name = (type), .fmtp = (parameters),                 \
        .feedback = VIDEO_FB                                                                       \
    }
#define RTX(number, parameters)                                                                    \
    { .pt = (number), .clock_rate = 90000, .name = "rtx", .fmtp = (parameters) }
#define H264(mode, level)                                                                          \
    "level-asymmetry-allowed=1;packetization-mode=" mode ";profile-level-id=" level

static const struct rtc_sdp_codec audio[] = {
    { .pt = 111,
        .clock_rate = 48000,
        .channels = 2,
        .name = "opus",
        .feedback = AUDIO_FB,
        .fmtp = "minptime=10;useinbandfec=1" },
    { .pt = 63, .clock_rate = 48000, .channels = 2, .name = "red", .fmtp = "111/111" },
    { .pt = 0, .clock_rate = 8000, .name = "PCMU" },
    { .pt = 8, .clock_rate = 8000, .name = "PCMA" },
};

static const struct rtc_sdp_codec video[] = {
    VIDEO("VP8", 96, NULL),
    RTX(97, "apt=96"),
    VIDEO("VP9", 98, "profile-id=0"),
    RTX(99, "apt=98"),
    VIDEO("H264", 125, H264("0", "42e01f")),
    RTX(126, "apt=125"),
    VIDEO("H264", 108, H264("1", "42e01f")),
    RTX(109, "apt=108"),
    VIDEO("H264", 104, H264("0", "42001f")),
    RTX(105, "apt=104"),
    VIDEO("H264", 102, H264("1", "42001f")),
    RTX(103, "apt=102"),
    VIDEO("AV1", 35, "level-idx=5;profile=0;tier=0"),
    RTX(36, "apt=35"),
};

/* The ids that LiveKit uses, and one more: a client that knows transport-wide numbers reports on
 * them, one that does not estimates by the time of sending. */
static const struct {
    uint8_t id;
    enum rtc_ext ext;
    bool video_only;
} exts[] = {
    { 2, RTC_EXT_CAPTURE_TIME, false },
    { 1, RTC_EXT_DEPENDENCY, true },
    { 3, RTC_EXT_ABS_SEND_TIME, true },
    { 4, RTC_EXT_TRANSPORT_CC, true },
};

/* --- sections --- */

static enum err offer_track(
    const struct rtc_sdp_offered *from, struct arena *a, struct rtc_sdp_section *s) {
    const bool is_video = from->media == RTC_VIDEO;
    const struct rtc_sdp_codec *codecs = is_video ? video : audio;
    s->kind = is_video ? RTC_SDP_VIDEO : RTC_SDP_AUDIO;
    s->media = is_video ? "video" : "audio";
    s->protocol = "UDP/TLS/RTP/SAVPF";
    s->direction = from->send != NULL ? RTC_SDP_SENDONLY : RTC_SDP_INACTIVE;
    s->rtcp_mux = true;
    s->rtcp_rsize = true;
    s->n_codecs = is_video ? COUNT_OF(video) : COUNT_OF(audio);
    s->codecs = arena_array(a, s->n_codecs, sizeof(*s->codecs));
    s->exts = arena_array(a, COUNT_OF(exts), sizeof(*s->exts));
    if (s->codecs == NULL || s->exts == NULL) {
        return rtc_sdp_no_memory();
    }
    memcpy(s->codecs, codecs, s->n_codecs * sizeof(*codecs));
    for (size_t i = 0; i < COUNT_OF(exts); i++) {
        if (is_video || !exts[i].video_only) {
            s->exts[s->n_exts++] = (struct rtc_sdp_ext){
                .id = exts[i].id, .direction = RTC_SDP_SENDRECV, .uri = rtc_ext_uri(exts[i].ext)
            };
        }
    }
    return from->send != NULL ? rtc_sdp_give_track(from->send, a, s) : OK;
}

static void offer_data(struct rtc_sdp_section *s) {
    s->kind = RTC_SDP_DATA;
    s->media = "application";
    s->protocol = "UDP/DTLS/SCTP";
    s->formats = "webrtc-datachannel";
    s->direction = RTC_SDP_SENDRECV;
    s->sctp_port = RTC_SDP_SCTP_PORT;
    s->max_message_size = RTC_SDP_MESSAGE_MAX;
}

enum err rtc_sdp_offer(const struct rtc_sdp_local *local, const struct rtc_sdp_offered *sections,
    size_t n, struct arena *a, const struct rtc_sdp **ret) {
    struct rtc_sdp *sdp = NULL;
    if (n >= RTC_SDP_SECTIONS_MAX) {
        return err_set(ERR_TOO_LARGE, "a session description of %zu sections", n + 1);
    }
    TRY(rtc_sdp_begin(local, n + 1, a, &sdp));
    for (size_t i = 0; i <= n; i++) {
        struct rtc_sdp_section *s = &sdp->sections[i];
        if (i == 0) {
            offer_data(s);
        } else {
            TRY(offer_track(&sections[i - 1], a, s));
        }
        s->mid = arena_printf(a, "%zu", i);
        if (s->mid == NULL) {
            return rtc_sdp_no_memory();
        }
        s->port = 9;
        s->bundled = true;
        TRY(rtc_sdp_give_transport(local, RTC_DTLS_AUTO, a, sdp, s));
    }
    *ret = sdp;
    return OK;
}

enum err rtc_sdp_check_answer(const struct rtc_sdp *offer, const struct rtc_sdp *answer) {
    if (answer->n_sections != offer->n_sections) {
        return err_set(ERR_INVALID, "an answer of %zu sections to an offer of %zu",
            answer->n_sections, offer->n_sections);
    }
    for (size_t i = 0; i < offer->n_sections; i++) {
        const struct rtc_sdp_section *ours = &offer->sections[i];
        const struct rtc_sdp_section *theirs = &answer->sections[i];
        if (!rtc_sdp_open(theirs)) {
            continue;
        }
        if (theirs->kind != ours->kind || theirs->mid == NULL ||
            strcmp(theirs->mid, ours->mid) != 0) {
            return err_set(ERR_INVALID, "section %zu of the answer is another one", i);
        }
        if (!theirs->transport.has_role || theirs->transport.role == RTC_DTLS_AUTO) {
            return err_set(ERR_INVALID, "an answer without setup:active or setup:passive");
        }
    }
    return OK;
}
