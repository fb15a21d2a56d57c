/* Descriptions are read as browsers write them, refused where they are wrong, bounded. */
#include "rtc_sdp_texts.h"

#define ONE "v=0\r\n" AUDIO("0", "sendrecv")

TEST(rtc_sdp_read, reads_what_chromium_writes) {
    struct arena a;
    const struct rtc_sdp *sdp = NULL;
    arena_init(&a);
    CHECK_ERR(OK,
        read_text(BEGIN("0 1 2") AUDIO("0", "recvonly") VIDEO("1", "sendonly") SIMULCAST DATA("2"),
            &a, &sdp));
    CHECK(sdp != NULL);
    if (sdp == NULL) {
        arena_finish(&a);
        return;
    }
    CHECK_INT(3576239677582458989, sdp->session_id);
    CHECK_INT(2, sdp->version);
    CHECK_INT(3, sdp->n_sections);
    CHECK(sdp->extmap_allow_mixed && !sdp->ice_lite);
    const struct rtc_sdp_section *audio = &sdp->sections[0];
    CHECK_INT(RTC_SDP_AUDIO, audio->kind);
    CHECK_INT(RTC_SDP_RECVONLY, audio->direction);
    CHECK(audio->bundled && audio->rtcp_mux && audio->rtcp_rsize);
    CHECK_INT(7, audio->n_codecs);
    CHECK_STR("opus", audio->codecs[0].name);
    CHECK_INT(2, audio->codecs[0].channels);
    CHECK_STR("minptime=10;useinbandfec=1", audio->codecs[0].fmtp);
    CHECK_INT(RTC_FB_NACK | RTC_FB_TRANSPORT_CC, audio->codecs[0].feedback);
    CHECK_INT(3, audio->n_exts);
    CHECK_STR("Qgtc", audio->transport.ufrag);
    CHECK_INT(RTC_DTLS_AUTO, audio->transport.role);
    CHECK_INT(1, audio->transport.n_fingerprints);
    CHECK_INT(0xf5, audio->transport.fingerprints[0].bytes[31]);
    const struct rtc_sdp_section *video = rtc_sdp_find(sdp, "1");
    CHECK_STR("stream", video->stream);
    CHECK_STR("track", video->track);
    CHECK_INT(3, video->n_rids);
    CHECK_STR("h", video->rids[1].id);
    CHECK(video->rids[1].paused && video->rids[1].send && video->rids[1].simulcast);
    CHECK_INT(RTC_SDP_DATA, sdp->sections[2].kind);
    CHECK_INT(5000, sdp->sections[2].sctp_port);
    CHECK_INT(262144, sdp->sections[2].max_message_size);
    CHECK(rtc_sdp_find(sdp, "3") == NULL);
    arena_finish(&a);
}

TEST(rtc_sdp_read, takes_defaults_from_the_session) {
    struct arena a;
    const struct rtc_sdp *sdp = NULL;
    arena_init(&a);
    CHECK_ERR(OK, read_text("v=0\na=recvonly\na=ice-ufrag:abcd\na=setup:active\n"
                            "a=ice-pwd:0123456789012345678901\na=fingerprint:SHA-256 " FP256 "\n"
                            "a=extmap:5 urn:x\n"
                            "m=audio 9 UDP/TLS/RTP/SAVPF 0 8\na=extmap:6 urn:y\n"
                            "m=video 9 UDP/TLS/RTP/SAVPF 96\na=sendonly\na=ice-ufrag:efgh\n",
                      &a, &sdp));
    if (sdp != NULL) {
        CHECK_INT(RTC_SDP_RECVONLY, sdp->sections[0].direction);
        CHECK_INT(RTC_SDP_SENDONLY, sdp->sections[1].direction);
        CHECK_STR("abcd", sdp->sections[0].transport.ufrag);
        CHECK_STR("efgh", sdp->sections[1].transport.ufrag);
        CHECK_INT(RTC_DTLS_CLIENT, sdp->sections[1].transport.role);
        CHECK(sdp->sections[1].transport.fingerprints == sdp->transport.fingerprints);
        CHECK_STR("PCMA", sdp->sections[0].codecs[1].name);
        CHECK_INT(2, sdp->sections[0].n_exts);
        CHECK_INT(1, sdp->sections[1].n_exts);
    }
    arena_finish(&a);
}

TEST(rtc_sdp_read, refuses_what_is_wrong) {
    static const struct {
        const char *name, *text;
        enum err want;
    } rows[] = {
        { "empty", "", ERR_INVALID },
        { "no version", "o=- 1 1 IN IP4 0\r\n", ERR_INVALID },
        { "not x=", "v=0\r\nhello\r\n", ERR_INVALID },
        { "a carriage return inside", "v=0\r\na=mid:a\rb\r\n", ERR_INVALID },
        { "origin without numbers", "v=0\r\no=- a b\r\n", ERR_INVALID },
        { "no protocol", "v=0\r\nm=audio 9\r\n", ERR_INVALID },
        { "port too large", "v=0\r\nm=audio 65536 RTP/SAVPF 0\r\n", ERR_INVALID },
        { "payload type too large", "v=0\r\nm=audio 9 RTP/SAVPF 128\r\n", ERR_INVALID },
        { "payload type twice", "v=0\r\nm=audio 9 RTP/SAVPF 96 96\r\n", ERR_INVALID },
        { "rtpmap without rate", ONE "a=rtpmap:111 opus\r\n", ERR_INVALID },
        { "rtpmap of a payload type that is not there", ONE "a=rtpmap:5 x/1\r\n", OK },
        { "ufrag too short", ONE "a=ice-ufrag:abc\r\n", ERR_INVALID },
        { "password too short", ONE "a=ice-pwd:short\r\n", ERR_INVALID },
        { "fingerprint too short", ONE "a=fingerprint:sha-256 AA:BB\r\n", ERR_INVALID },
        { "fingerprint too long", ONE "a=fingerprint:sha-256 " FP256 ":00\r\n", ERR_INVALID },
        { "fingerprint of no digits", ONE "a=fingerprint:sha-256 G0:BB\r\n", ERR_INVALID },
        { "a weak hash is passed over", ONE "a=fingerprint:sha-1 AA:BB\r\n", OK },
        { "setup of another kind", ONE "a=setup:holdconn\r\n", ERR_INVALID },
        { "extension 0", ONE "a=extmap:0 urn:x\r\n", ERR_INVALID },
        { "an extension's number for later", ONE "a=extmap:4096 urn:x\r\n", OK },
        { "ssrc too large", ONE "a=ssrc:4294967296 cname:x\r\n", ERR_INVALID },
        { "five in a group", ONE "a=ssrc-group:SIM 1 2 3 4 5\r\n", ERR_TOO_LARGE },
        { "rid of no direction", ONE "a=rid:q both\r\n", ERR_INVALID },
        { "rid too long", ONE "a=rid:12345678901234567 send\r\n", ERR_INVALID },
        { "simulcast of no direction", ONE "a=simulcast:q;h\r\n", ERR_INVALID },
        { "mid too long", ONE "a=mid:123456789012345678901234567890123\r\n", ERR_INVALID },
        { "one mid twice", ONE AUDIO("0", "sendrecv"), ERR_INVALID },
        { "a bundle of nothing", BEGIN("x") AUDIO("0", "sendrecv"), ERR_INVALID },
        { "an attribute that nobody knows", ONE "a=x-google-something:1\r\n", OK },
        { "lines of other letters", "v=0\r\ni=a\r\nz=0 0\r\n", OK },
    };
    FOR_ROWS (rows, r) {
        struct arena a;
        const struct rtc_sdp *sdp = NULL;
        ROW(r->name);
        arena_init(&a);
        CHECK_ERR(r->want, read_text(r->text, &a, &sdp));
        CHECK((r->want == OK) == (sdp != NULL));
        arena_finish(&a);
    }
}

static void repeat(struct buf *out, const char *first, const char *line, int n) {
    buf_puts(out, first);
    for (int i = 0; i < n; i++) {
        buf_puts(out, line);
    }
}

TEST(rtc_sdp_read, keeps_its_limits) {
    static const struct {
        const char *name, *first, *line;
        int fits; /* one more does not */
    } rows[] = {
        { "sections", "v=0\r\n", "m=x 9 y z\r\n", RTC_SDP_SECTIONS_MAX },
        { "extensions", ONE, "a=extmap:1 urn:x\r\n", RTC_SDP_EXTS_MAX - 3 },
        { "groups", ONE, "a=ssrc-group:FID 1 2\r\n", RTC_SDP_GROUPS_MAX },
        { "rids", ONE, "a=rid:a send\r\n", RTC_SDP_RIDS_MAX },
        { "candidates", ONE, "a=candidate:1\r\n", RTC_SDP_CANDIDATES_MAX },
        { "fingerprints", ONE, "a=fingerprint:sha-256 " FP256 "\r\n", RTC_FINGERPRINTS_MAX - 1 },
    };
    FOR_ROWS (rows, r) {
        for (int more = 0; more < 2; more++) {
            struct arena a;
            struct buf text;
            const struct rtc_sdp *sdp = NULL;
            ROW(r->name);
            arena_init(&a);
            buf_init(&text, 0);
            repeat(&text, r->first, r->line, r->fits + more);
            CHECK_ERR(more == 0 ? OK : ERR_TOO_LARGE, read_text(buf_str(&text), &a, &sdp));
            CHECK(a.used < RTC_SDP_MEMORY_MAX);
            buf_finish(&text);
            arena_finish(&a);
        }
    }
}

/* The greediest text of the greatest length: each section has all payload types. */
TEST(rtc_sdp_read, bounds_its_memory) {
    struct arena a;
    struct buf line;
    struct buf text;
    const struct rtc_sdp *sdp = NULL;
    arena_init(&a);
    buf_init(&line, 0);
    buf_init(&text, 0);
    buf_puts(&line, "m=audio 9 RTP/SAVPF");
    for (int pt = 0; pt < 128; pt++) {
        buf_printf(&line, " %d", pt);
    }
    buf_puts(&line, "\n");
    repeat(&text, "v=0\na=extmap:1 urn:x\n", buf_str(&line), RTC_SDP_SECTIONS_MAX);
    CHECK(text.len < RTC_SDP_MAX_BYTES);
    CHECK_ERR(OK, read_text(buf_str(&text), &a, &sdp));
    CHECK(a.used < RTC_SDP_MEMORY_MAX);
    while (text.len <= RTC_SDP_MAX_BYTES) {
        buf_puts(&text, buf_str(&line));
    }
    CHECK_ERR(ERR_TOO_LARGE, read_text(buf_str(&text), &a, &sdp));
    buf_finish(&line);
    buf_finish(&text);
    arena_finish(&a);
}

TEST(rtc_sdp_read, is_written_as_it_was_read) {
    static const struct {
        const char *name, *text;
    } rows[] = {
        { "everything", BEGIN("0 1 2") AUDIO("0", "recvonly") VIDEO("1", "sendonly") SIMULCAST
            "a=ssrc-group:FID 1 2\r\na=ssrc:1 cname:c\r\na=ssrc:1 msid:s t\r\na=ssrc:2 cname:c\r\n"
            "b=AS:100\r\na=candidate:1 1 udp 1 192.0.2.1 1 typ "
            "host\r\na=end-of-candidates\r\n" DATA("2") },
        { "data channels of old", "v=0\r\nm=application 9 DTLS/SCTP 5001\r\na=mid:x\r\n"
                                  "a=sctpmap:5001 webrtc-datachannel 256\r\n" },
        { "refused and bundle-only", "v=0\r\nm=video 0 RTP/SAVPF 96\r\n"
                                     "m=audio 0 RTP/SAVPF 0\r\na=bundle-only\r\na=inactive\r\n" },
        { "layers both ways, the list first",
            ONE "a=simulcast:recv 1,2;~3 send x\r\na=rid:x send\r\n"
                "a=rid:3 recv\r\na=rid:1 recv\r\n" },
        { "one word of msid", ONE "a=msid:track\r\n" },
        { "extensions one way",
            ONE "a=extmap:9/sendonly urn:x\r\na=extmap:200/inactive urn:y\r\n" },
    };
    FOR_ROWS (rows, r) {
        struct arena a;
        const struct rtc_sdp *sdp = NULL;
        const struct rtc_sdp *again = NULL;
        ROW(r->name);
        arena_init(&a);
        CHECK_ERR(OK, read_text(r->text, &a, &sdp));
        const char *first = sdp == NULL ? "" : text_of(sdp, &a);
        CHECK_ERR(OK, read_text(first, &a, &again));
        CHECK_STR(first, again == NULL ? NULL : text_of(again, &a));
        arena_finish(&a);
    }
}

TEST(rtc_sdp_read, writes_these_lines) {
    struct arena a;
    const struct rtc_sdp *sdp = NULL;
    arena_init(&a);
    CHECK_ERR(OK, read_text("v=0\r\no=- 5 6 IN IP4 0.0.0.0\r\na=group:BUNDLE 0\r\n"
                            "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=rtpmap:96 VP8/90000\r\n"
                            "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtcp-fb:* nack pli\r\n"
                            "a=mid:0\r\na=rid:h send\r\na=rid:q send\r\na=simulcast:send q;~h\r\n"
                            "a=fingerprint:sha-256 " FP256 "\r\na=setup:active\r\n",
                      &a, &sdp));
    CHECK_STR("v=0\r\no=- 5 6 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
              "a=msid-semantic: WMS *\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\n"
              "a=fingerprint:sha-256 " FP256 "\r\na=setup:active\r\na=mid:0\r\na=sendrecv\r\n"
              "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\n"
              "a=fmtp:97 apt=96\r\na=rtcp-fb:97 nack pli\r\na=rid:q send\r\na=rid:h send\r\n"
              "a=simulcast:send q;~h\r\n",
        sdp == NULL ? NULL : text_of(sdp, &a));
    arena_finish(&a);
}

TEST_ALLOC(rtc_sdp_read, survives_no_memory) {
    CLEANUP(arena_finish) struct arena a;
    const struct rtc_sdp *sdp = NULL;
    arena_init(&a);
    return read_text(BEGIN("0 1 2") AUDIO("0", "recvonly") VIDEO("1", "sendonly") SIMULCAST
        "a=candidate:1\r\na=ssrc:1 cname:c\r\na=ssrc-group:FID 1 2\r\n" DATA("2"),
        &a, &sdp);
}
