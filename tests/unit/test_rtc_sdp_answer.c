/* What we answer: codecs, extensions and layers that both can do, section by section. */
#include "rtc/sdp_answer.h"
#include "rtc/sdp_params.h"

#include "rtc_sdp_texts.h"

#include <stdio.h>

static const struct rtc_sdp_sent sent = {
    .stream = "PA_x|TR_y", .track = "TR_y", .ssrc = 11, .rtx_ssrc = 12
};

/* "96 97 …": the payload types of a section. */
static const char *pts_of(const struct rtc_sdp_section *s, char text[256]) {
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < s->n_codecs && n < 250; i++) {
        n += (size_t)snprintf(text + n, 256 - n, "%s%u", i == 0 ? "" : " ", s->codecs[i].pt);
    }
    return text;
}

static const char *exts_of(const struct rtc_sdp_section *s, char text[256]) {
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < s->n_exts && n < 250; i++) {
        n += (size_t)snprintf(text + n, 256 - n, "%s%u", i == 0 ? "" : " ", s->exts[i].id);
    }
    return text;
}

TEST(rtc_sdp_answer, chooses_codecs_and_extensions) {
    static const struct {
        const char *name, *section;
        enum rtc_sdp_mode mode;
        struct rtc_sdp_choice choice;
        const char *pts, *exts;
        enum rtc_sdp_direction direction;
    } rows[] = {
        { "a camera", VIDEO("0", "sendonly"), RTC_SDP_PUBLISHER, { .take = true },
            "96 98 102 45 97 99 103", "3 4 10 11", RTC_SDP_RECVONLY },
        { "a camera in VP9", VIDEO("0", "sendonly"), RTC_SDP_PUBLISHER,
            { .take = true, .has_wanted = true, .wanted = RTC_VP9 }, "98 96 102 45 97 99 103",
            "3 4 10 11", RTC_SDP_RECVONLY },
        { "and nothing else", VIDEO("0", "sendonly"), RTC_SDP_PUBLISHER,
            { .take = true, .has_wanted = true, .wanted = RTC_H264, .only_wanted = true },
            "102 103", "3 4 10 11", RTC_SDP_RECVONLY },
        { "a microphone", AUDIO("0", "sendrecv"), RTC_SDP_PUBLISHER, { .take = true }, "111 63 0 8",
            "1 4", RTC_SDP_RECVONLY },
        { "a microphone with RED", AUDIO("0", "sendonly"), RTC_SDP_PUBLISHER,
            { .take = true, .has_wanted = true, .wanted = RTC_RED }, "63 111 0 8", "1 4",
            RTC_SDP_RECVONLY },
        { "RED keeps its Opus", AUDIO("0", "sendonly"), RTC_SDP_PUBLISHER,
            { .take = true, .has_wanted = true, .wanted = RTC_RED, .only_wanted = true }, "63 111",
            "1 4", RTC_SDP_RECVONLY },
        { "a microphone without RED", AUDIO("0", "sendonly"), RTC_SDP_PUBLISHER,
            { .take = true, .no_red = true }, "111 0 8", "1 4", RTC_SDP_RECVONLY },
        { "nothing for an idle section", VIDEO("0", "recvonly"), RTC_SDP_SINGLE, { .take = true },
            "96 98 102 45 97 99 103", "2 3 4 10 11", RTC_SDP_INACTIVE },
        { "a track for it", VIDEO("0", "recvonly"), RTC_SDP_SINGLE, { .send = &sent },
            "96 98 102 45 97 99 103", "2 3 4 10 11", RTC_SDP_SENDONLY },
        { "no track where it would not receive", VIDEO("0", "sendonly"), RTC_SDP_SINGLE,
            { .send = &sent }, "96 98 102 45 97 99 103", "2 3 4 10 11", RTC_SDP_INACTIVE },
        { "both ways", AUDIO("0", "sendrecv"), RTC_SDP_SINGLE, { .take = true, .send = &sent },
            "111 63 0 8", "1 4", RTC_SDP_SENDRECV },
    };
    FOR_ROWS (rows, r) {
        struct arena a;
        char text[256];
        const struct rtc_sdp *offer = NULL;
        const struct rtc_sdp *answer = NULL;
        ROW(r->name);
        arena_init(&a);
        const char *begin = arena_printf(&a, "%s%s", BEGIN("0"), r->section);
        CHECK_ERR(OK, read_text(begin, &a, &offer));
        CHECK_ERR(OK, rtc_sdp_answer(offer, r->mode, &ours, &r->choice, &a, &answer));
        if (answer != NULL) {
            const struct rtc_sdp_section *s = &answer->sections[0];
            CHECK_STR(r->pts, pts_of(s, text));
            CHECK_STR(r->exts, exts_of(s, text));
            CHECK_INT(r->direction, s->direction);
            CHECK_INT(9, s->port);
            CHECK_INT((r->direction & RTC_SDP_SENDONLY) != 0, s->track != NULL);
        }
        arena_finish(&a);
    }
}

TEST(rtc_sdp_answer, refuses_sections_but_keeps_their_place) {
    static const struct {
        const char *name, *text;
        struct rtc_sdp_choice choice;
        bool open[2];
    } rows[] = {
        { "both are taken", BEGIN("0 1") VIDEO("0", "sendonly") DATA("1"), { .take = true },
            { true, true } },
        { "as chosen", BEGIN("0 1") VIDEO("0", "sendonly") DATA("1"), { .refuse = true },
            { false, true } },
        { "outside the bundle", BEGIN("1") VIDEO("0", "sendonly") VIDEO("1", "sendonly"), { 0 },
            { true, true } },
        { "outside the bundle, and not the first", BEGIN("0") VIDEO("0", "sendonly") DATA("1"),
            { 0 }, { true, false } },
        { "closed already",
            BEGIN("0 1") "m=audio 0 RTP/SAVPF 0\r\na=mid:0\r\na=rtcp-mux\r\n" DATA("1"), { 0 },
            { false, true } },
        { "without rtcp-mux", BEGIN("0 1") "m=audio 9 RTP/SAVPF 0\r\na=mid:0\r\n" DATA("1"), { 0 },
            { false, true } },
        { "no codec of ours",
            BEGIN("0 1") "m=audio 9 RTP/SAVPF 9\r\na=rtpmap:9 G722/8000\r\n"
                         "a=mid:0\r\na=rtcp-mux\r\n" DATA("1"),
            { 0 }, { false, true } },
        { "of no kind of ours",
            BEGIN("0 1") "m=text 9 RTP/SAVPF 9\r\na=mid:0\r\na=rtcp-mux\r\n" DATA("1"), { 0 },
            { false, true } },
    };
    FOR_ROWS (rows, r) {
        struct arena a;
        const struct rtc_sdp_choice choices[2] = { r->choice, { 0 } };
        const struct rtc_sdp *offer = NULL;
        const struct rtc_sdp *answer = NULL;
        ROW(r->name);
        arena_init(&a);
        CHECK_ERR(OK, read_text(r->text, &a, &offer));
        CHECK_ERR(OK, rtc_sdp_answer(offer, RTC_SDP_SINGLE, &ours, choices, &a, &answer));
        for (size_t i = 0; answer != NULL && i < 2; i++) {
            const struct rtc_sdp_section *s = &answer->sections[i];
            CHECK_INT(r->open[i], rtc_sdp_open(s));
            CHECK_STR(offer->sections[i].mid, s->mid);
            CHECK(r->open[i] || (!s->bundled && s->transport.ufrag == NULL));
        }
        arena_finish(&a);
    }
}

TEST(rtc_sdp_answer, is_this_text) {
    struct arena a;
    const struct rtc_sdp_choice choices[3] = { { .take = true, .opus = RTC_OPUS_DTX },
        { .take = true }, { 0 } };
    const struct rtc_sdp *offer = NULL;
    const struct rtc_sdp *answer = NULL;
    arena_init(&a);
    CHECK_ERR(
        OK, read_text(
                BEGIN("a v d") "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n"
                               "a=fmtp:111 "
                               "minptime=10;useinbandfec=1\r\na=mid:a\r\na=sendonly\r\n" TRANSPORT
                               "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n"
                               "a=fmtp:96 "
                               "x-google-start-bitrate=1000\r\na=mid:v\r\na=sendonly\r\n" TRANSPORT
                                   SIMULCAST DATA("d"),
                &a, &offer));
    CHECK_ERR(OK, rtc_sdp_answer(offer, RTC_SDP_PUBLISHER, &ours, choices, &a, &answer));
    CHECK_STR("v=0\r\no=- 77 3 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE a v d\r\n"
              "a=ice-lite\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS *\r\n"
              "a=fingerprint:sha-256 AB:01:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00"
              ":00:00:00:00:00:00:00:00:00:00:00\r\n"
              "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:ourfrag0\r\n"
              "a=ice-pwd:ourpassword0123456789ab\r\na=setup:passive\r\na=mid:a\r\na=recvonly\r\n"
              "a=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:111 opus/48000/2\r\n"
              "a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1\r\n"
              "a=candidate:1 1 udp 2130706431 192.0.2.1 7882 typ host\r\n"
              "a=candidate:2 1 tcp 1671430143 192.0.2.1 7881 typ host tcptype passive\r\n"
              "a=end-of-candidates\r\n"
              "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:ourfrag0\r\n"
              "a=ice-pwd:ourpassword0123456789ab\r\na=setup:passive\r\na=mid:v\r\na=recvonly\r\n"
              "a=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:96 VP8/90000\r\n"
              "a=fmtp:96 x-google-start-bitrate=1000\r\na=rid:q recv\r\na=rid:h recv\r\n"
              "a=rid:f recv\r\na=simulcast:recv q;h;f\r\n"
              "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n"
              "a=ice-ufrag:ourfrag0\r\na=ice-pwd:ourpassword0123456789ab\r\na=setup:passive\r\n"
              "a=mid:d\r\na=sendrecv\r\na=sctp-port:5000\r\na=max-message-size:65535\r\n",
        answer == NULL ? NULL : text_of(answer, &a));
    arena_finish(&a);
}

TEST(rtc_sdp_answer, names_the_track_that_is_sent) {
    struct arena a;
    const struct rtc_sdp_choice choices[2] = { { .send = &sent }, { .send = &sent } };
    const struct rtc_sdp *offer = NULL;
    const struct rtc_sdp *answer = NULL;
    struct rtc_rtp_params p;
    arena_init(&a);
    CHECK_ERR(OK,
        read_text(
            BEGIN("0 1") VIDEO("0",
                "recvonly") "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n" TRANSPORT
                            "a=mid:1\r\na=recvonly\r\n",
            &a, &offer));
    CHECK_ERR(OK, rtc_sdp_answer(offer, RTC_SDP_SINGLE, &ours, choices, &a, &answer));
    if (answer != NULL) {
        CHECK(strstr(text_of(answer, &a),
                  "a=msid:PA_x|TR_y TR_y\r\na=ssrc-group:FID 11 12\r\n"
                  "a=ssrc:11 cname:PA_x|TR_y\r\na=ssrc:11 msid:PA_x|TR_y TR_y\r\n"
                  "a=ssrc:12 cname:PA_x|TR_y\r\na=ssrc:12 msid:PA_x|TR_y TR_y\r\n") != NULL);
        rtc_sdp_rtp_params(&answer->sections[0], &answer->sections[0], &p);
        CHECK_INT(11, p.encodings[0].ssrc);
        CHECK_INT(12, p.encodings[0].rtx_ssrc);
        CHECK_INT(97, p.codecs[0].rtx_pt);
        CHECK_INT(2, p.ext[RTC_EXT_ABS_SEND_TIME]);
        CHECK_STR("PA_x|TR_y", p.cname);
        /* The second one has no RTX, so there is no SSRC for it either. */
        CHECK_INT(1, answer->sections[1].n_sources);
        CHECK_INT(0, answer->sections[1].n_groups);
    }
    arena_finish(&a);
}

TEST(rtc_sdp_answer, takes_extensions_the_way_they_go) {
    static const struct {
        const char *name, *head, *line;
        int id; /* 0 = not taken */
        enum rtc_sdp_direction direction;
    } rows[] = {
        { "one way", "", "a=extmap:8/sendonly urn:ietf:params:rtp-hdrext:sdes:mid\r\n", 8,
            RTC_SDP_RECVONLY },
        { "no way", "", "a=extmap:8/inactive urn:ietf:params:rtp-hdrext:sdes:mid\r\n", 0, 0 },
        { "two-byte form", "a=extmap-allow-mixed\r\n",
            "a=extmap:20 urn:ietf:params:rtp-hdrext:sdes:mid\r\n", 20, RTC_SDP_SENDRECV },
        { "two-byte form, not allowed", "", "a=extmap:20 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
            0, 0 },
        { "twice, the first", "",
            "a=extmap:5 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
            "a=extmap:6 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
            5, RTC_SDP_SENDRECV },
    };
    FOR_ROWS (rows, r) {
        struct arena a;
        const struct rtc_sdp_choice choice = { .take = true };
        const struct rtc_sdp *offer = NULL;
        const struct rtc_sdp *answer = NULL;
        ROW(r->name);
        arena_init(&a);
        const char *text = arena_printf(&a,
            "v=0\r\n%sm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=rtcp-mux\r\n%s", r->head,
            r->line);
        CHECK_ERR(OK, read_text(text, &a, &offer));
        CHECK_ERR(OK, rtc_sdp_answer(offer, RTC_SDP_PUBLISHER, &ours, &choice, &a, &answer));
        if (answer != NULL) {
            CHECK_INT(r->id != 0, answer->sections[0].n_exts);
            CHECK_INT(r->id, r->id == 0 ? 0 : answer->sections[0].exts[0].id);
            CHECK_INT(r->direction, r->id == 0 ? 0 : answer->sections[0].exts[0].direction);
        }
        arena_finish(&a);
    }
}

TEST(rtc_sdp_answer, tells_senders_of_their_bandwidth) {
    static const struct {
        const char *name, *lines;
        enum rtc_sdp_mode mode;
        int want;
    } rows[] = {
        { "by each packet's arrival", "a=rtcp-fb:* transport-cc\r\na=rtcp-fb:* goog-remb\r\n",
            RTC_SDP_PUBLISHER, RTC_FB_TRANSPORT_CC },
        { "by an estimate, where it knows no other", "a=rtcp-fb:* goog-remb\r\n", RTC_SDP_PUBLISHER,
            RTC_FB_REMB },
        { "in both ways, for both directions",
            "a=rtcp-fb:* transport-cc\r\na=rtcp-fb:* goog-remb\r\n", RTC_SDP_SINGLE,
            RTC_FB_TRANSPORT_CC | RTC_FB_REMB },
    };
    FOR_ROWS (rows, r) {
        struct arena a;
        const struct rtc_sdp_choice choice = { .take = true };
        const struct rtc_sdp *offer = NULL;
        const struct rtc_sdp *answer = NULL;
        ROW(r->name);
        arena_init(&a);
        const char *text = arena_printf(&a,
            "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\na=mid:0\r\n"
            "a=rtcp-mux\r\n%s",
            r->lines);
        CHECK_ERR(OK, read_text(text, &a, &offer));
        CHECK_ERR(OK, rtc_sdp_answer(offer, r->mode, &ours, &choice, &a, &answer));
        if (answer != NULL) {
            CHECK_INT(r->want, answer->sections[0].codecs[0].feedback);
            CHECK(!answer->extmap_allow_mixed); /* RFC 8285, 6: only if it was offered */
        }
        arena_finish(&a);
    }
}

TEST(rtc_sdp_answer, is_never_the_client_of_dtls) {
    struct arena a;
    const struct rtc_sdp_choice choice = { .take = true };
    const struct rtc_sdp *offer = NULL;
    const struct rtc_sdp *answer = NULL;
    arena_init(&a);
    CHECK_ERR(OK, read_text("v=0\r\nm=audio 9 RTP/SAVPF 0\r\na=mid:0\r\na=rtcp-mux\r\n"
                            "a=setup:passive\r\n",
                      &a, &offer));
    CHECK_ERR(ERR_INVALID, rtc_sdp_answer(offer, RTC_SDP_PUBLISHER, &ours, &choice, &a, &answer));
    arena_finish(&a);
}

TEST_ALLOC(rtc_sdp_answer, survives_no_memory) {
    CLEANUP(arena_finish) struct arena a;
    const struct rtc_sdp_choice choices[3] = { { .take = true, .opus = RTC_OPUS_STEREO },
        { .take = true, .send = &sent }, { 0 } };
    const struct rtc_sdp *offer = NULL;
    const struct rtc_sdp *answer = NULL;
    arena_init(&a);
    TRY(read_text(BEGIN("0 1 2") AUDIO("0", "sendonly") VIDEO("1", "sendrecv") SIMULCAST DATA("2"),
        &a, &offer));
    return rtc_sdp_answer(offer, RTC_SDP_SINGLE, &ours, choices, &a, &answer);
}
