/* The offer is a text with holes; the answer is the offer turned around. */
#include "describe.h"

#include "rtc/candidate.h"

#include <inttypes.h>
#include <string.h>

static void write_candidate(const struct load_local *local, struct buf *out) {
    struct rtc_candidate c;
    char text[RTC_CANDIDATE_TEXT_SIZE];
    if (rtc_candidate_offer(&local->addr, 1, &c, 1) == 1) {
        rtc_candidate_write(&c, text);
        buf_printf(out, "a=%s\r\na=end-of-candidates\r\n", text);
    }
}

static void write_transport(const struct load_local *local, const char *role, struct buf *out) {
    buf_printf(out,
        "c=IN IP4 0.0.0.0\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\n"
        "a=setup:%s\r\n",
        local->ice->ufrag, local->ice->pwd, local->fingerprint_text, role);
}

static void write_track(
    const struct load_local *local, const struct load_offered *t, size_t mid, struct buf *out) {
    static const char audio[] =
        "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n"
        "a=rtcp-fb:111 nack\r\n"
        "a=extmap:6 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n";
    static const char video[] =
        "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 ccm fir\r\n"
        "a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 "
        "apt=96\r\n"
        "a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n";
    buf_printf(out, "m=%s 9 UDP/TLS/RTP/SAVPF %s\r\n", t->video ? "video" : "audio",
        t->video ? "96 97" : "111");
    write_transport(local, "actpass", out);
    buf_printf(out,
        "a=mid:%zu\r\na=sendonly\r\na=rtcp-mux\r\na=rtcp-rsize\r\n"
        "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n%sa=msid:load %s\r\n",
        mid, t->video ? video : audio, t->cid);
    if (t->video) {
        buf_printf(out,
            "a=ssrc-group:FID %" PRIu32 " %" PRIu32 "\r\na=ssrc:%" PRIu32 " cname:load\r\n"
            "a=ssrc:%" PRIu32 " msid:load %s\r\n",
            t->ssrc, t->rtx_ssrc, t->rtx_ssrc, t->rtx_ssrc, t->cid);
    }
    buf_printf(out, "a=ssrc:%" PRIu32 " cname:load\r\na=ssrc:%" PRIu32 " msid:load %s\r\n", t->ssrc,
        t->ssrc, t->cid);
}

static void write_data(const struct load_local *local, struct buf *out) {
    buf_puts(out, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n");
    write_transport(local, "actpass", out);
    buf_puts(out, "a=mid:0\r\na=sctp-port:5000\r\na=max-message-size:65535\r\n");
}

void load_describe_offer(const struct load_local *local, const struct load_offered *tracks,
    size_t n, bool data, struct buf *out) {
    buf_puts(out, "v=0\r\no=- 4611686018427387905 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
                  "a=group:BUNDLE");
    for (size_t i = 0; i < n + data; i++) {
        buf_printf(out, " %zu", i);
    }
    buf_puts(out, "\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS *\r\n");
    if (data) {
        write_data(local, out);
        write_candidate(local, out);
    }
    for (size_t i = 0; i < n; i++) {
        write_track(local, &tracks[i], i + data, out);
        if (i == 0 && !data) {
            write_candidate(local, out);
        }
    }
}

static void turn_around(struct rtc_sdp_section *s) {
    bool sends = (s->direction & RTC_SDP_SENDONLY) != 0;
    bool media = s->kind == RTC_SDP_AUDIO || s->kind == RTC_SDP_VIDEO;
    s->direction = !media ? RTC_SDP_SENDRECV : sends ? RTC_SDP_RECVONLY : RTC_SDP_INACTIVE;
    s->stream = s->track = NULL;
    s->n_sources = s->n_groups = s->n_candidates = s->n_rids = 0;
    s->end_of_candidates = false;
}

enum err load_describe_answer(
    const struct load_local *local, const struct rtc_sdp *offer, struct arena *a, struct buf *out) {
    struct rtc_sdp answer = *offer;
    answer.sections = arena_array(a, offer->n_sections, sizeof(*answer.sections));
    struct rtc_candidate c;
    char text[RTC_CANDIDATE_TEXT_SIZE];
    const char *candidate = text;
    struct rtc_fingerprint *fingerprint = arena_alloc(a, sizeof(*fingerprint));
    if (answer.sections == NULL || fingerprint == NULL) {
        return err_set(ERR_NOMEM, "no memory for an answer");
    }
    *fingerprint = *local->fingerprint;
    struct rtc_sdp_transport transport = { .ufrag = local->ice->ufrag,
        .pwd = local->ice->pwd,
        .has_role = true,
        .role = RTC_DTLS_CLIENT,
        .n_fingerprints = 1,
        .fingerprints = fingerprint };
    answer.transport = (struct rtc_sdp_transport){ 0 };
    answer.session_id = 4611686018427387906;
    answer.ice_lite = !offer->ice_lite;
    (void)rtc_candidate_offer(&local->addr, 1, &c, 1);
    rtc_candidate_write(&c, text);
    for (size_t i = 0; i < answer.n_sections; i++) {
        answer.sections[i] = offer->sections[i];
        turn_around(&answer.sections[i]);
        answer.sections[i].transport = transport;
        if (i == 0) {
            answer.sections[i].candidates = &candidate;
            answer.sections[i].n_candidates = 1;
            answer.sections[i].end_of_candidates = true;
        }
    }
    rtc_sdp_write(&answer, out);
    return OK;
}
