/* What a description means: codecs, extensions, layers, the transport. */
#include "rtc/sdp_params.h"

#include "rtc_sdp_texts.h"

#define V "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\na=sendonly\r\n"

TEST(rtc_sdp_params, reads_codecs) {
    static const struct {
        const char *name;
        struct rtc_sdp_codec codec;
        bool known;
        struct rtc_codec want; /* type, profile, h264_level, opus */
    } rows[] = {
        { "Opus",
            { .clock_rate = 48000,
                .channels = 2,
                .name = "opus",
                .fmtp = "minptime=10;useinbandfec=1;usedtx=1" },
            true, { .type = RTC_OPUS, .opus = RTC_OPUS_FEC | RTC_OPUS_DTX } },
        { "Opus in stereo, spaced",
            { .clock_rate = 48000,
                .channels = 2,
                .name = "OPUS",
                .fmtp = "sprop-stereo=1; stereo=1 ; useinbandfec=0" },
            true, { .type = RTC_OPUS, .opus = RTC_OPUS_STEREO } },
        { "Opus of another rate", { .clock_rate = 16000, .channels = 2, .name = "opus" }, false,
            { 0 } },
        { "RED around Opus",
            { .clock_rate = 48000, .channels = 2, .name = "red", .fmtp = "111/111" }, true,
            { .type = RTC_RED, .profile = 111 } },
        { "RED around who knows what", { .clock_rate = 48000, .channels = 2, .name = "red" }, true,
            { .type = RTC_RED, .profile = RTC_NO_PT } },
        { "RED of videos", { .clock_rate = 90000, .name = "red" }, false, { 0 } },
        { "G.711", { .clock_rate = 8000, .name = "PCMU" }, true, { .type = RTC_PCMU } },
        { "VP8", { .clock_rate = 90000, .name = "VP8" }, true, { .type = RTC_VP8 } },
        { "VP9 without a profile", { .clock_rate = 90000, .name = "VP9" }, true,
            { .type = RTC_VP9 } },
        { "VP9 of 10 bits", { .clock_rate = 90000, .name = "VP9", .fmtp = "profile-id=2" }, true,
            { .type = RTC_VP9, .profile = 2 } },
        { "AV1", { .clock_rate = 90000, .name = "AV1", .fmtp = "level-idx=5;profile=1;tier=0" },
            true, { .type = RTC_AV1, .profile = 1 } },
        { "H264",
            { .clock_rate = 90000,
                .name = "H264",
                .fmtp = "level-asymmetry-allowed=1;packetization-mode=1;"
                        "profile-level-id=42E01f" },
            true, { .type = RTC_H264, .profile = 1, .h264_level = 0x42e01f } },
        { "H264 that says nothing", { .clock_rate = 90000, .name = "H264" }, true,
            { .type = RTC_H264, .h264_level = 0x42000a } },
        { "H264 interleaved",
            { .clock_rate = 90000, .name = "H264", .fmtp = "packetization-mode=2" }, false, { 0 } },
        { "H265", { .clock_rate = 90000, .name = "H265" }, false, { 0 } },
        { "no name", { .clock_rate = 90000, .name = "" }, false, { 0 } },
    };
    FOR_ROWS (rows, r) {
        struct rtc_codec got = { 0 };
        ROW(r->name);
        CHECK_INT(r->known, rtc_sdp_codec_read(&r->codec, &got));
        if (r->known) {
            CHECK_INT(r->want.type, got.type);
            CHECK_INT(r->want.profile, got.profile);
            CHECK_INT(r->want.h264_level, got.h264_level);
            CHECK_INT(r->want.opus, got.opus);
            CHECK_INT(RTC_NO_PT, got.rtx_pt);
        }
    }
}

TEST(rtc_sdp_params, reads_a_camera) {
    struct arena a;
    struct rtc_rtp_params p;
    const struct rtc_sdp *sdp = NULL;
    arena_init(&a);
    CHECK_ERR(OK, read_text(BEGIN("7") VIDEO("7", "sendonly") SIMULCAST, &a, &sdp));
    if (sdp != NULL) {
        rtc_sdp_rtp_params(&sdp->sections[0], &sdp->sections[0], &p);
        CHECK_INT(RTC_VIDEO, p.media);
        CHECK_STR("7", p.mid);
        CHECK_INT(6, p.n_codecs);
        CHECK_INT(96, p.codecs[0].pt);
        CHECK_INT(97, p.codecs[0].rtx_pt);
        CHECK_INT(RTC_FB_NACK | RTC_FB_PLI | RTC_FB_FIR | RTC_FB_REMB | RTC_FB_TRANSPORT_CC,
            p.codecs[0].feedback);
        CHECK_INT(RTC_NO_PT, p.codecs[2].rtx_pt);
        CHECK_INT(2, p.ext[RTC_EXT_ABS_SEND_TIME]);
        CHECK_INT(10, p.ext[RTC_EXT_RID]);
        CHECK_INT(0, p.ext[RTC_EXT_DEPENDENCY]);
        CHECK_INT(3, p.n_encodings);
        CHECK_STR("q", p.encodings[0].rid);
        CHECK_STR("f", p.encodings[2].rid);
        CHECK(p.reduced_rtcp);
        CHECK_STR("track", rtc_sdp_track(&sdp->sections[0]));
    }
    arena_finish(&a);
}

TEST(rtc_sdp_params, finds_the_layers) {
    static const struct {
        const char *name, *text;
        const char *rids[3];
        uint32_t ssrc[3], rtx[3];
        uint8_t n;
    } rows[] = {
        { "one SSRC", V "a=ssrc:5 cname:c\r\n", { "" }, { 5 }, { 0 }, 1 },
        { "with RTX, its line first",
            V "a=ssrc:6 cname:c\r\na=ssrc:5 cname:c\r\n"
              "a=ssrc-group:FID 5 6\r\n",
            { "" }, { 5 }, { 6 }, 1 },
        { "three SSRCs of a group",
            V "a=ssrc:1 cname:c\r\na=ssrc-group:SIM 1 2 3\r\n"
              "a=ssrc-group:FID 2 8\r\n",
            { "", "", "" }, { 1, 2, 3 }, { 0, 8, 0 }, 3 },
        { "highest first",
            V "a=rid:f send\r\na=rid:h send\r\na=rid:q send\r\n"
              "a=simulcast:send f;h;q\r\n",
            { "q", "h", "f" }, { 0 }, { 0 }, 3 },
        { "numbered from the highest",
            V "a=rid:0 send\r\na=rid:1 send\r\n"
              "a=simulcast:send 0;1\r\n",
            { "1", "0" }, { 0 }, { 0 }, 2 },
        { "names of its own",
            V "a=rid:lo send\r\na=rid:mid send\r\na=rid:hi send\r\n"
              "a=rid:xx send\r\na=simulcast:send lo;mid;hi;xx\r\n",
            { "lo", "mid", "hi" }, { 0 }, { 0 }, 3 },
        { "rids before SSRCs", V "a=rid:q send\r\na=simulcast:send q\r\na=ssrc:5 cname:c\r\n",
            { "q" }, { 0 }, { 0 }, 1 },
        { "what it would receive is none", V "a=rid:q recv\r\n", { "" }, { 0 }, { 0 }, 0 },
        { "it sends nothing", V "a=inactive\r\na=ssrc:5 cname:c\r\n", { "" }, { 0 }, { 0 }, 0 },
    };
    FOR_ROWS (rows, r) {
        struct arena a;
        struct rtc_rtp_params p;
        const struct rtc_sdp *sdp = NULL;
        ROW(r->name);
        arena_init(&a);
        CHECK_ERR(OK, read_text(r->text, &a, &sdp));
        if (sdp != NULL) {
            rtc_sdp_rtp_params(&sdp->sections[0], &sdp->sections[0], &p);
            CHECK_INT(r->n, p.n_encodings);
            for (size_t i = 0; i < r->n && i < p.n_encodings; i++) {
                CHECK_STR(r->rids[i], p.encodings[i].rid);
                CHECK_INT(r->ssrc[i], p.encodings[i].ssrc);
                CHECK_INT(r->rtx[i], p.encodings[i].rtx_ssrc);
            }
        }
        arena_finish(&a);
    }
}

#define ICE   "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
#define PRINT "a=fingerprint:sha-256 " FP256 "\r\n"

TEST(rtc_sdp_params, reads_the_transport) {
    static const struct {
        const char *name, *text;
        enum err want;
        enum rtc_dtls_role role;
    } rows[] = {
        { "in the section", "v=0\r\nm=audio 9 RTP/SAVPF 0\r\n" ICE PRINT "a=setup:active\r\n", OK,
            RTC_DTLS_CLIENT },
        { "in the session, no role", "v=0\r\n" ICE PRINT "m=audio 9 RTP/SAVPF 0\r\n", OK,
            RTC_DTLS_AUTO },
        { "in the second section: the first is refused",
            "v=0\r\nm=audio 0 RTP/SAVPF 0\r\n" ICE "m=audio 9 RTP/SAVPF 0\r\n" ICE PRINT, OK,
            RTC_DTLS_AUTO },
        { "no fingerprint", "v=0\r\nm=audio 9 RTP/SAVPF 0\r\n" ICE, ERR_INVALID, 0 },
        { "no credentials", "v=0\r\nm=audio 9 RTP/SAVPF 0\r\n" PRINT, ERR_INVALID, 0 },
        { "no section", "v=0\r\n" ICE PRINT, ERR_INVALID, 0 },
    };
    FOR_ROWS (rows, r) {
        struct arena a;
        struct rtc_ice_params ice = { .ufrag = "" };
        struct rtc_dtls_params dtls = { .n_fingerprints = 0 };
        const struct rtc_sdp *sdp = NULL;
        ROW(r->name);
        arena_init(&a);
        CHECK_ERR(OK, read_text(r->text, &a, &sdp));
        CHECK_ERR(r->want, rtc_sdp_transport_params(sdp, &ice, &dtls));
        if (r->want == OK) {
            CHECK_STR("abcd", ice.ufrag);
            CHECK_STR("0123456789012345678901", ice.pwd);
            CHECK_INT(r->role, dtls.role);
            CHECK_INT(1, dtls.n_fingerprints);
            CHECK_INT(0xa2, dtls.fingerprints[0].bytes[0]);
        }
        arena_finish(&a);
    }
}
