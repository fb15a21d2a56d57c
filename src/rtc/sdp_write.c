/* A description as text: the lines in the order that browsers write them in. Pure. */
#include "rtc/sdp.h"

#include "core/buf.h"

#include <inttypes.h>

static const char *direction_name(uint8_t direction) {
    static const char *const names[] = { "inactive", "sendonly", "recvonly", "sendrecv" };
    return names[direction & RTC_SDP_SENDRECV];
}

static void write_fingerprint(const struct rtc_fingerprint *f, struct buf *out) {
    buf_printf(out, "a=fingerprint:%s ", rtc_hash_name(f->hash));
    for (size_t i = 0; i < f->len; i++) {
        buf_printf(out, "%s%02X", i == 0 ? "" : ":", f->bytes[i]);
    }
    buf_puts(out, "\r\n");
}

/* `said` is what stands at the session already: it is not repeated. */
static void write_transport(
    const struct rtc_sdp_transport *t, const struct rtc_sdp_transport *said, struct buf *out) {
    static const char *const roles[] = {
        [RTC_DTLS_AUTO] = "actpass", [RTC_DTLS_CLIENT] = "active", [RTC_DTLS_SERVER] = "passive"
    };
    if (t->ufrag != NULL && (said == NULL || t->ufrag != said->ufrag)) {
        buf_printf(out, "a=ice-ufrag:%s\r\n", t->ufrag);
    }
    if (t->pwd != NULL && (said == NULL || t->pwd != said->pwd)) {
        buf_printf(out, "a=ice-pwd:%s\r\n", t->pwd);
    }
    if (said == NULL || t->fingerprints != said->fingerprints) {
        for (size_t i = 0; i < t->n_fingerprints; i++) {
            write_fingerprint(&t->fingerprints[i], out);
        }
    }
    if (t->has_role && (said == NULL || !said->has_role || t->role != said->role)) {
        buf_printf(out, "a=setup:%s\r\n", roles[t->role]);
    }
}

static void write_codec(const struct rtc_sdp_codec *c, struct buf *out) {
    static const struct {
        uint8_t bit;
        const char *text;
    } rows[] = {
        { RTC_FB_REMB, "goog-remb" },
        { RTC_FB_TRANSPORT_CC, "transport-cc" },
        { RTC_FB_FIR, "ccm fir" },
        { RTC_FB_NACK, "nack" },
        { RTC_FB_PLI, "nack pli" },
    };
    if (c->name[0] != '\0') {
        buf_printf(out, "a=rtpmap:%u %s/%" PRIu32, c->pt, c->name, c->clock_rate);
        if (c->channels > 0) {
            buf_printf(out, "/%u", c->channels);
        }
        buf_puts(out, "\r\n");
    }
    if (c->fmtp != NULL) {
        buf_printf(out, "a=fmtp:%u %s\r\n", c->pt, c->fmtp);
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if ((c->feedback & rows[i].bit) != 0) {
            buf_printf(out, "a=rtcp-fb:%u %s\r\n", c->pt, rows[i].text);
        }
    }
}

static void write_ext(const struct rtc_sdp_ext *x, struct buf *out) {
    buf_printf(out, "a=extmap:%u", x->id);
    if (x->direction != RTC_SDP_SENDRECV) {
        buf_printf(out, "/%s", direction_name(x->direction));
    }
    buf_printf(out, " %s\r\n", x->uri);
}

/* One line for both directions, the one of the first rid in front: so it is read back as it is. */
static void write_simulcast(const struct rtc_sdp_section *s, struct buf *out) {
    const bool any = s->n_rids > 0 && s->rids[0].simulcast;
    buf_puts(out, any ? "a=simulcast:" : "");
    for (size_t i = 0; i < s->n_rids && s->rids[i].simulcast; i++) {
        const struct rtc_sdp_rid *rid = &s->rids[i];
        if (i == 0 || rid->send != s->rids[i - 1].send) {
            buf_printf(out, "%s%s", i == 0 ? "" : " ", rid->send ? "send " : "recv ");
        } else {
            buf_putc(out, ';');
        }
        buf_printf(out, "%s%s", rid->paused ? "~" : "", rid->id);
    }
    buf_puts(out, any ? "\r\n" : "");
}

static void write_streams(const struct rtc_sdp_section *s, struct buf *out) {
    for (size_t i = 0; i < s->n_rids; i++) {
        buf_printf(out, "a=rid:%s %s\r\n", s->rids[i].id, s->rids[i].send ? "send" : "recv");
    }
    write_simulcast(s, out);
    if (s->track != NULL) {
        buf_printf(out, "a=msid:%s %s\r\n", s->stream, s->track);
    }
    for (size_t i = 0; i < s->n_groups; i++) {
        buf_printf(out, "a=ssrc-group:%s", s->groups[i].semantics);
        for (size_t k = 0; k < s->groups[i].n; k++) {
            buf_printf(out, " %" PRIu32, s->groups[i].ssrcs[k]);
        }
        buf_puts(out, "\r\n");
    }
    for (size_t i = 0; i < s->n_sources; i++) {
        const struct rtc_sdp_source *source = &s->sources[i];
        if (source->cname != NULL) {
            buf_printf(out, "a=ssrc:%" PRIu32 " cname:%s\r\n", source->ssrc, source->cname);
        }
        if (source->stream != NULL) {
            buf_printf(out, "a=ssrc:%" PRIu32 " msid:%s %s\r\n", source->ssrc, source->stream,
                source->track);
        }
    }
}

static void write_data(const struct rtc_sdp_section *s, struct buf *out) {
    if (s->sctpmap) {
        buf_printf(out, "a=sctpmap:%u webrtc-datachannel %u\r\n", s->sctp_port, 1024U);
    } else if (s->sctp_port != 0) {
        buf_printf(out, "a=sctp-port:%u\r\n", s->sctp_port);
    }
    if (s->max_message_size != 0) {
        buf_printf(out, "a=max-message-size:%" PRIu32 "\r\n", s->max_message_size);
    }
}

static void write_section(
    const struct rtc_sdp *sdp, const struct rtc_sdp_section *s, struct buf *out) {
    buf_printf(out, "m=%s %u %s", s->media, s->port, s->protocol);
    for (size_t i = 0; i < s->n_codecs; i++) {
        buf_printf(out, " %u", s->codecs[i].pt);
    }
    if (s->n_codecs == 0) {
        buf_printf(out, " %s", s->formats);
    }
    buf_puts(out, "\r\nc=IN IP4 0.0.0.0\r\n");
    if (s->bandwidth_bps != 0) {
        buf_printf(out, "b=TIAS:%" PRIu64 "\r\n", s->bandwidth_bps);
    }
    write_transport(&s->transport, &sdp->transport, out);
    if (s->mid != NULL) {
        buf_printf(out, "a=mid:%s\r\n", s->mid);
    }
    buf_puts(out, s->bundle_only ? "a=bundle-only\r\n" : "");
    buf_printf(out, "a=%s\r\n", direction_name(s->direction));
    buf_puts(out, s->rtcp_mux ? "a=rtcp-mux\r\n" : "");
    buf_puts(out, s->rtcp_rsize ? "a=rtcp-rsize\r\n" : "");
    for (size_t i = 0; i < s->n_codecs; i++) {
        write_codec(&s->codecs[i], out);
    }
    for (size_t i = 0; i < s->n_exts; i++) {
        write_ext(&s->exts[i], out);
    }
    write_streams(s, out);
    write_data(s, out);
    for (size_t i = 0; i < s->n_candidates; i++) {
        buf_printf(out, "a=%s\r\n", s->candidates[i]);
    }
    buf_puts(out, s->end_of_candidates ? "a=end-of-candidates\r\n" : "");
}

static void write_bundle(const struct rtc_sdp *sdp, struct buf *out) {
    bool any = false;
    for (size_t i = 0; i < sdp->n_sections; i++) {
        if (sdp->sections[i].bundled) {
            buf_printf(out, "%s %s", any ? "" : "a=group:BUNDLE", sdp->sections[i].mid);
            any = true;
        }
    }
    buf_puts(out, any ? "\r\n" : "");
}

void rtc_sdp_write(const struct rtc_sdp *sdp, struct buf *out) {
    buf_printf(out, "v=0\r\no=- %" PRIu64 " %" PRIu64 " IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n",
        sdp->session_id, sdp->version);
    write_bundle(sdp, out);
    buf_puts(out, sdp->ice_lite ? "a=ice-lite\r\n" : "");
    buf_puts(out, sdp->extmap_allow_mixed ? "a=extmap-allow-mixed\r\n" : "");
    buf_puts(out, "a=msid-semantic: WMS *\r\n");
    write_transport(&sdp->transport, NULL, out);
    for (size_t i = 0; i < sdp->n_sections; i++) {
        write_section(sdp, &sdp->sections[i], out);
    }
}
