/* What we offer on a subscriber's connection, and which answers fit it. */
#include "rtc/sdp_offer.h"
#include "rtc/sdp_params.h"

#include "rtc_sdp_texts.h"

static const struct rtc_sdp_sent sent = {
    .stream = "PA_x|TR_y", .track = "TR_y", .ssrc = 11, .rtx_ssrc = 12
};

TEST(rtc_sdp_offer, has_data_channels_first) {
    struct arena a;
    const struct rtc_sdp *offer = NULL;
    arena_init(&a);
    CHECK_ERR(OK, rtc_sdp_offer(&ours, NULL, 0, &a, &offer));
    CHECK_STR("v=0\r\no=- 77 3 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
              "a=ice-lite\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS *\r\n"
              "a=fingerprint:sha-256 AB:01:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00"
              ":00:00:00:00:00:00:00:00:00:00:00\r\n"
              "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n"
              "a=ice-ufrag:ourfrag0\r\na=ice-pwd:ourpassword0123456789ab\r\na=setup:actpass\r\n"
              "a=mid:0\r\na=sendrecv\r\na=sctp-port:5000\r\na=max-message-size:65535\r\n"
              "a=candidate:1 1 udp 2130706431 192.0.2.1 7882 typ host\r\n"
              "a=candidate:2 1 tcp 1671430143 192.0.2.1 7881 typ host tcptype passive\r\n"
              "a=end-of-candidates\r\n",
        offer == NULL ? NULL : text_of(offer, &a));
    arena_finish(&a);
}

TEST(rtc_sdp_offer, has_a_section_for_each_track) {
    struct arena a;
    struct rtc_rtp_params p;
    const struct rtc_sdp_offered sections[] = { { RTC_AUDIO, &sent }, { RTC_VIDEO, NULL },
        { RTC_VIDEO, &sent } };
    const struct rtc_sdp *offer = NULL;
    const struct rtc_sdp *read = NULL;
    arena_init(&a);
    CHECK_ERR(OK, rtc_sdp_offer(&ours, sections, COUNT_OF(sections), &a, &offer));
    CHECK_ERR(OK, read_text(offer == NULL ? "" : text_of(offer, &a), &a, &read));
    if (read != NULL) {
        CHECK_INT(4, read->n_sections);
        CHECK_INT(RTC_SDP_SENDONLY, rtc_sdp_find(read, "1")->direction);
        CHECK_INT(RTC_SDP_INACTIVE, rtc_sdp_find(read, "2")->direction);
        CHECK_STR("PA_x|TR_y", rtc_sdp_find(read, "3")->stream);
        rtc_sdp_rtp_params(&read->sections[1], &read->sections[1], &p);
        CHECK_INT(4, p.n_codecs);
        CHECK_INT(111, p.codecs[0].pt);
        CHECK_INT(11, p.encodings[0].ssrc);
        CHECK_INT(0, p.encodings[0].rtx_ssrc);
        rtc_sdp_rtp_params(&read->sections[3], &read->sections[3], &p);
        CHECK_INT(7, p.n_codecs);
        CHECK_INT(12, p.encodings[0].rtx_ssrc);
        CHECK_INT(3, p.ext[RTC_EXT_ABS_SEND_TIME]);
        for (size_t i = 0; i < p.n_codecs; i++) {
            CHECK(p.codecs[i].rtx_pt != RTC_NO_PT && (p.codecs[i].feedback & RTC_FB_REMB) != 0);
        }
    }
    CHECK_ERR(ERR_TOO_LARGE, rtc_sdp_offer(&ours, sections, RTC_SDP_SECTIONS_MAX, &a, &offer));
    arena_finish(&a);
}

#define ANSWER                                                                                     \
    "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\na=setup:active\r\n"
#define TRACK(mid, setup)                                                                          \
    "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:" mid "\r\na=recvonly\r\na=setup:" setup "\r\n"

TEST(rtc_sdp_offer, checks_the_answer) {
    static const struct {
        const char *name, *text;
        enum err want;
    } rows[] = {
        { "as it should be", ANSWER TRACK("1", "active"), OK },
        { "a section refused", ANSWER "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n", OK },
        { "a section missing", ANSWER, ERR_INVALID },
        { "a section too many", ANSWER TRACK("1", "active") TRACK("2", "active"), ERR_INVALID },
        { "another mid", ANSWER TRACK("2", "active"), ERR_INVALID },
        { "no mid", ANSWER "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=setup:active\r\n", ERR_INVALID },
        { "another kind", ANSWER "m=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:1\r\na=setup:active\r\n",
            ERR_INVALID },
        { "it waits for our handshake", ANSWER TRACK("1", "passive"), OK },
        { "it does not say who begins", ANSWER TRACK("1", "actpass"), ERR_INVALID },
    };
    const struct rtc_sdp_offered section = { RTC_AUDIO, &sent };
    FOR_ROWS (rows, r) {
        struct arena a;
        const struct rtc_sdp *offer = NULL;
        const struct rtc_sdp *answer = NULL;
        ROW(r->name);
        arena_init(&a);
        CHECK_ERR(OK, rtc_sdp_offer(&ours, &section, 1, &a, &offer));
        CHECK_ERR(OK, read_text(r->text, &a, &answer));
        CHECK_ERR(r->want, rtc_sdp_check_answer(offer, answer));
        arena_finish(&a);
    }
}

TEST_ALLOC(rtc_sdp_offer, survives_no_memory) {
    CLEANUP(arena_finish) struct arena a;
    const struct rtc_sdp_offered sections[] = { { RTC_AUDIO, &sent }, { RTC_VIDEO, &sent } };
    const struct rtc_sdp *offer = NULL;
    arena_init(&a);
    return rtc_sdp_offer(&ours, sections, COUNT_OF(sections), &a, &offer);
}
