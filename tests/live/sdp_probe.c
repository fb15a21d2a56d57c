/*
 * One description for a browser, or one of the browser's checked.
 *
 *     sdp_probe single|publisher VERSION TRACKS CODEC   reads an offer, writes our answer: we send
 * TRACKS tracks and want CODEC sdp_probe offer VERSION TRACKS                    writes our offer;
 * the second section is idle sdp_probe check VERSION TRACKS                    reads the answer to
 * that; writes what it means, a section a line
 */
#include "core/buf.h"
#include "rtc/sdp_answer.h"
#include "rtc/sdp_offer.h"
#include "rtc/sdp_params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRACKS_MAX 8

static const struct rtc_ice_params ice = {
    .ufrag = "ourfrag0", .pwd = "ourpassword0123456789ab", .lite = true
};
static const struct rtc_dtls_params dtls = { .role = RTC_DTLS_SERVER,
    .n_fingerprints = 1,
    .fingerprints = { { .hash = RTC_HASH_SHA256, .len = 32, .bytes = { 1, 2, 3 } } } };
static const char *const candidates[] = {
    "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host",
};

struct probe {
    struct arena arena;
    struct rtc_sdp_local local;
    struct rtc_sdp_sent sent[TRACKS_MAX];
    int tracks;
};

static enum err read_stdin(struct probe *p, const struct rtc_sdp **ret) {
    CLEANUP(buf_finish) struct buf text;
    char chunk[4096];
    size_t n = 0;
    buf_init(&text, RTC_SDP_MAX_BYTES);
    while ((n = fread(chunk, 1, sizeof(chunk), stdin)) > 0) {
        buf_put(&text, chunk, n);
    }
    TRY(buf_check(&text));
    return rtc_sdp_read(buf_str(&text), text.len, &p->arena, ret);
}

static void print(const struct rtc_sdp *sdp) {
    struct buf out;
    buf_init(&out, 0);
    rtc_sdp_write(sdp, &out);
    fputs(buf_str(&out), stdout);
    buf_finish(&out);
}

/* Whatever the client sends is taken; tracks go to the first sections that want to receive. */
static enum err answer(struct probe *p, enum rtc_sdp_mode mode, const char *codec) {
    const struct rtc_sdp *offer = NULL;
    const struct rtc_sdp *sdp = NULL;
    enum rtc_codec_type wanted = RTC_VP8;
    int next = 0;
    TRY(read_stdin(p, &offer));
    const bool has_wanted = rtc_codec_find(codec, &wanted);
    struct rtc_sdp_choice *choices =
        arena_array(&p->arena, offer->n_sections + 1, sizeof(*choices));
    if (choices == NULL) {
        return err_set(ERR_NOMEM, "no memory");
    }
    for (size_t i = 0; i < offer->n_sections; i++) {
        const struct rtc_sdp_section *s = &offer->sections[i];
        const bool audio = s->kind == RTC_SDP_AUDIO;
        choices[i] = (struct rtc_sdp_choice){ .take = true,
            .has_wanted = audio || has_wanted,
            .wanted = audio ? RTC_RED : wanted,
            .opus = audio && s->direction == RTC_SDP_SENDONLY ? RTC_OPUS_DTX : 0 };
        if (s->direction == RTC_SDP_RECVONLY && next < p->tracks) {
            choices[i].send = &p->sent[next++];
        }
    }
    TRY(rtc_sdp_answer(offer, mode, &p->local, choices, &p->arena, &sdp));
    print(sdp);
    return OK;
}

static enum err offer(struct probe *p, const struct rtc_sdp **ret) {
    struct rtc_sdp_offered sections[TRACKS_MAX];
    for (int i = 0; i < p->tracks; i++) {
        sections[i] = (struct rtc_sdp_offered){ .media = i == 0 ? RTC_AUDIO : RTC_VIDEO,
            .send = i == 1 ? NULL : &p->sent[i] };
    }
    return rtc_sdp_offer(&p->local, sections, (size_t)p->tracks, &p->arena, ret);
}

static enum err check(struct probe *p) {
    const struct rtc_sdp *ours = NULL;
    const struct rtc_sdp *theirs = NULL;
    TRY(offer(p, &ours));
    TRY(read_stdin(p, &theirs));
    TRY(rtc_sdp_check_answer(ours, theirs));
    for (size_t i = 1; i < ours->n_sections; i++) {
        struct rtc_rtp_params r;
        rtc_sdp_rtp_params(&theirs->sections[i], &ours->sections[i], &r);
        printf("%s %s %u %u %u\n", r.mid,
            r.n_codecs == 0 ? "none" : rtc_codec_name(r.codecs[0].type),
            r.n_codecs == 0 ? 0U : r.codecs[0].pt, r.encodings[0].ssrc, r.encodings[0].rtx_ssrc);
    }
    return OK;
}

static enum err run(struct probe *p, const char *what, const char *codec) {
    const struct rtc_sdp *sdp = NULL;
    if (strcmp(what, "single") == 0 || strcmp(what, "publisher") == 0) {
        return answer(p, what[0] == 's' ? RTC_SDP_SINGLE : RTC_SDP_PUBLISHER, codec);
    }
    if (strcmp(what, "check") == 0) {
        return check(p);
    }
    TRY(offer(p, &sdp));
    print(sdp);
    return OK;
}

int main(int argc, char **argv) {
    struct probe p = { .local = { .ice = &ice,
                           .dtls = &dtls,
                           .candidates = candidates,
                           .n_candidates = 1,
                           .session_id = 77 } };
    if (argc < 4) {
        fprintf(stderr, "usage: sdp_probe single|publisher|offer|check VERSION TRACKS [CODEC]\n");
        return 2;
    }
    arena_init(&p.arena);
    p.local.version = strtoull(argv[2], NULL, 10);
    p.tracks = atoi(argv[3]) > TRACKS_MAX ? TRACKS_MAX : atoi(argv[3]);
    for (int i = 0; i < TRACKS_MAX; i++) {
        p.sent[i] = (struct rtc_sdp_sent){ .stream = arena_printf(&p.arena, "PA_a|TR_%d", i),
            .track = arena_printf(&p.arena, "TR_%d", i),
            .ssrc = 1000 + 2 * (uint32_t)i,
            .rtx_ssrc = 1001 + 2 * (uint32_t)i };
    }
    const enum err e = run(&p, argv[1], argc > 4 ? argv[4] : "");
    if (e != OK) {
        fprintf(stderr, "sdp_probe: %s\n", err_text());
    }
    arena_finish(&p.arena);
    return e == OK ? 0 : 1;
}
