/* Names of codecs, hashes and extensions; which codec of a receiver takes a stream. */
#include "rtc/params.h"

#include "tests/unit/test.h"

#include <string.h>

TEST(rtc_params, finds_codecs_by_both_names) {
    static const struct {
        const char *name, *text;
        bool found;
        enum rtc_codec_type want;
    } rows[] = {
        { "as the web client says it", "vp8", true, RTC_VP8 },
        { "as the Go SDK says it", "video/H264", true, RTC_H264 },
        { "of any case", "AUDIO/OPUS", true, RTC_OPUS },
        { "RED", "audio/red", true, RTC_RED },
        { "of the other kind", "audio/VP8", false, RTC_VP8 },
        { "a codec that we do not forward", "video/H265", false, RTC_VP8 },
        { "nothing", "", false, RTC_VP8 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        enum rtc_codec_type got = RTC_VP8;
        CHECK_INT(r->found, rtc_codec_find(r->text, &got));
        CHECK_INT(r->want, got);
    }
    for (int t = 0; t < RTC_CODEC_COUNT; t++) {
        enum rtc_codec_type got = RTC_CODEC_COUNT;
        ROW(rtc_codec_mime((enum rtc_codec_type)t));
        CHECK(rtc_codec_find(rtc_codec_name((enum rtc_codec_type)t), &got) && (int)got == t);
        CHECK((rtc_codec_media((enum rtc_codec_type)t) == RTC_VIDEO) ==
              (strncmp(rtc_codec_mime((enum rtc_codec_type)t), "video/", 6) == 0));
    }
}

TEST(rtc_params, finds_hashes_and_extensions) {
    enum rtc_hash hash;
    enum rtc_ext ext;
    CHECK(rtc_hash_find("SHA-384", &hash) && hash == RTC_HASH_SHA384);
    CHECK_INT(48, rtc_hash_size(RTC_HASH_SHA384));
    CHECK_STR("sha-512", rtc_hash_name(RTC_HASH_SHA512));
    CHECK(!rtc_hash_find("sha-1", &hash));
    CHECK(rtc_ext_find("urn:ietf:params:rtp-hdrext:sdes:mid", &ext) && ext == RTC_EXT_MID);
    CHECK(!rtc_ext_find("urn:3gpp:video-orientation", &ext));
    for (int i = 0; i < RTC_EXT_COUNT; i++) {
        CHECK(rtc_ext_find(rtc_ext_uri((enum rtc_ext)i), &ext) && (int)ext == i);
    }
}

#define VIDEO(t, n, p, l)                                                                          \
    {                                                                                              \
        .type = (t), .pt = (n), .rtx_pt = RTC_NO_PT, .clock_rate = 90000, .profile = (p),          \
        .h264_level = (l)                                                                          \
    }

TEST(rtc_params, picks_what_a_receiver_can_decode) {
    static const struct rtc_rtp_params firefox = { .n_codecs = 3,
        .codecs = { VIDEO(RTC_VP8, 120, 0, 0), VIDEO(RTC_H264, 126, 1, 0x42e01f),
            VIDEO(RTC_H264, 97, 0, 0x42e01f) } };
    static const struct rtc_rtp_params phone = { .n_codecs = 2,
        .codecs = { VIDEO(RTC_H264, 99, 1, 0x640c1f), VIDEO(RTC_VP9, 98, 0, 0) } };
    static const struct rtc_rtp_params chromium = { .n_codecs = 1,
        .codecs = { { .type = RTC_RED, .pt = 63, .profile = 111 } } };
    static const struct {
        const char *name;
        const struct rtc_rtp_params *receiver;
        struct rtc_codec sent;
        int want; /* payload type, -1 = none */
    } rows[] = {
        { "the same, other number", &firefox, VIDEO(RTC_VP8, 96, 0, 0), 120 },
        { "packetization decides", &firefox, VIDEO(RTC_H264, 96, 0, 0x42e01f), 97 },
        { "another level", &firefox, VIDEO(RTC_H264, 96, 1, 0x42e034), 126 },
        { "plain Baseline as browsers mean it", &firefox, VIDEO(RTC_H264, 96, 1, 0x42001f), 126 },
        { "Main is more than Baseline", &firefox, VIDEO(RTC_H264, 96, 1, 0x4d001f), -1 },
        { "High takes Main", &phone, VIDEO(RTC_H264, 96, 1, 0x4d001f), 99 },
        { "High 4:4:4 only itself", &phone, VIDEO(RTC_H264, 96, 1, 0xf4001f), -1 },
        { "another profile of VP9", &phone, VIDEO(RTC_VP9, 96, 2, 0), -1 },
        { "RED of the same Opus", &chromium, { .type = RTC_RED, .profile = 111 }, 63 },
        { "RED with another number inside", &chromium, { .type = RTC_RED, .profile = 96 }, -1 },
        { "not there", &phone, VIDEO(RTC_AV1, 96, 0, 0), -1 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        const struct rtc_codec *c = rtc_codec_pick(r->receiver, &r->sent);
        CHECK_INT(r->want, c == NULL ? -1 : c->pt);
    }
}

TEST(rtc_params, knows_payload_types) {
    static const struct rtc_rtp_params p = { .n_codecs = 2,
        .codecs = { { .type = RTC_VP8, .pt = 96, .rtx_pt = 97 },
            { .type = RTC_VP9, .pt = 98, .rtx_pt = RTC_NO_PT } } };
    CHECK(rtc_codec_of_pt(&p, 96) == &p.codecs[0]);
    CHECK(rtc_codec_of_pt(&p, 97) == &p.codecs[0]);
    CHECK(rtc_codec_of_pt(&p, 98) == &p.codecs[1]);
    CHECK(rtc_codec_of_pt(&p, 99) == NULL);
    CHECK(rtc_codec_of_pt(&p, RTC_NO_PT) == NULL);
}
