/* The answer: the offered sections in their order, each with what both of us can do. Pure. */
#include "rtc/sdp_answer.h"

#include "rtc/sdp_local.h"
#include "rtc/sdp_params.h"

#include <string.h>

/* --- what we can do (livekit-protocol 4.7) --- */

#define BIT(ext) RTC_EXT_BIT(RTC_EXT_##ext)

/* Of what the client sends: mid and rid say which stream a packet belongs to. Capture time goes
 * through to the receivers. The orientation of the camera is not there on purpose: senders that
 * cannot say it turn the picture themselves. */
static const uint32_t taken_exts[] = {
    [RTC_AUDIO] = BIT(MID) | BIT(RID) | BIT(AUDIO_LEVEL) | BIT(CAPTURE_TIME),
    [RTC_VIDEO] = BIT(MID) | BIT(RID) | BIT(REPAIRED_RID) | BIT(TRANSPORT_CC) | BIT(DEPENDENCY) |
                  BIT(CAPTURE_TIME),
};
/* Of what we send besides: the send time is for the receiver's estimate. */
static const uint32_t sent_exts[] = {
    [RTC_AUDIO] = 0,
    [RTC_VIDEO] = BIT(ABS_SEND_TIME),
};

/* On the only connection every section gets all: Chromium offers simulcast in a new section only
 * with the extensions that the sections before it agreed upon, whichever way those go. */
static uint32_t exts_of(enum rtc_sdp_mode mode, enum rtc_sdp_kind kind) {
    const enum rtc_media media = kind == RTC_SDP_AUDIO ? RTC_AUDIO : RTC_VIDEO;
    return mode == RTC_SDP_SINGLE ? taken_exts[media] | sent_exts[media] : taken_exts[media];
}

/* In a bundle one payload type means one thing, so on the only connection both directions have the
 * same feedback. A sender must hear of its bandwidth in one way or the other, or it stays where it
 * began (livekit-protocol 5.5). */
static uint8_t feedback_of(enum rtc_sdp_mode mode, enum rtc_sdp_kind kind, uint8_t offered) {
    const uint8_t video = RTC_FB_NACK | RTC_FB_PLI | RTC_FB_FIR | RTC_FB_TRANSPORT_CC;
    const bool estimate = mode == RTC_SDP_SINGLE || (offered & RTC_FB_TRANSPORT_CC) == 0;
    return offered & (kind == RTC_SDP_AUDIO ? RTC_FB_NACK : estimate ? video | RTC_FB_REMB : video);
}

/* Profiles that every client can decode; a stream in another one would be a black tile for some. */
static bool forwarded(const struct rtc_codec *c) {
    switch (c->type) {
    case RTC_H264:
        return c->h264_level >> 16 == 0x42;
    case RTC_VP9:
    case RTC_AV1:
        return c->profile == 0;
    default:
        return true;
    }
}

/* --- codecs --- */

struct answering {
    enum rtc_sdp_mode mode;
    const struct rtc_sdp_local *local;
    struct arena *arena;
    struct rtc_sdp *sdp;
};

static bool wanted(const struct rtc_sdp_choice *choice, enum rtc_codec_type type) {
    return choice->has_wanted && choice->wanted == type;
}

static bool keep(const struct rtc_sdp_section *offered, const struct rtc_sdp_codec *codec,
    const struct rtc_sdp_choice *choice, enum rtc_codec_type *type) {
    struct rtc_codec c;
    const enum rtc_media media = offered->kind == RTC_SDP_AUDIO ? RTC_AUDIO : RTC_VIDEO;
    if (!rtc_sdp_codec_read(codec, &c) || !forwarded(&c) || rtc_codec_media(c.type) != media) {
        return false;
    }
    *type = (enum rtc_codec_type)c.type;
    if (c.type == RTC_RED && choice->no_red) {
        return false;
    }
    const bool inner = c.type == RTC_OPUS && wanted(choice, RTC_RED);
    return !choice->only_wanted || wanted(choice, *type) || inner;
}

/* The offered parameters go back as they are; in one bundle they must not differ between sections,
 * except for what a published track asks for (livekit-protocol 4.5). */
static enum err answer_fmtp(
    const struct answering *w, const struct rtc_sdp_choice *choice, struct rtc_sdp_codec *codec) {
    static const struct {
        uint8_t bit;
        const char *name, *text;
    } rows[] = {
        { RTC_OPUS_DTX, "usedtx", "usedtx=1" },
        { RTC_OPUS_STEREO, "stereo", "stereo=1" },
        { RTC_OPUS_STEREO, "maxaveragebitrate", "maxaveragebitrate=510000" },
    };
    size_t n = 0;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *had = codec->fmtp;
        if ((choice->opus & rows[i].bit) == 0 || rtc_sdp_fmtp(had, rows[i].name, &n) != NULL) {
            continue;
        }
        codec->fmtp =
            had == NULL ? rows[i].text : arena_printf(w->arena, "%s;%s", had, rows[i].text);
        if (codec->fmtp == NULL) {
            return rtc_sdp_no_memory();
        }
    }
    return OK;
}

static bool has_pt(const struct rtc_sdp_section *s, uint8_t pt) {
    for (size_t i = 0; i < s->n_codecs; i++) {
        if (s->codecs[i].pt == pt) {
            return true;
        }
    }
    return false;
}

/* First what is wanted, then the others, then the RTX of both; each in the order offered. */
static enum err answer_codecs(const struct answering *w, const struct rtc_sdp_section *offered,
    const struct rtc_sdp_choice *choice, struct rtc_sdp_section *s) {
    s->codecs = arena_array(w->arena, offered->n_codecs + 1, sizeof(*s->codecs));
    if (s->codecs == NULL) {
        return rtc_sdp_no_memory();
    }
    for (int others = 0; others < 2; others++) {
        for (size_t i = 0; i < offered->n_codecs; i++) {
            enum rtc_codec_type type = RTC_OPUS;
            if (!keep(offered, &offered->codecs[i], choice, &type) ||
                wanted(choice, type) == (others == 1)) {
                continue;
            }
            struct rtc_sdp_codec *c = &s->codecs[s->n_codecs++];
            *c = offered->codecs[i];
            c->feedback = feedback_of(w->mode, offered->kind, c->feedback);
            if (type == RTC_OPUS) {
                TRY(answer_fmtp(w, choice, c));
            }
        }
    }
    const size_t real = s->n_codecs;
    for (size_t i = 0; i < offered->n_codecs; i++) {
        uint8_t apt = 0;
        if (real > 0 && rtc_sdp_codec_rtx(&offered->codecs[i], &apt) && has_pt(s, apt)) {
            s->codecs[s->n_codecs++] = offered->codecs[i];
        }
    }
    return OK;
}

/* --- extensions, layers --- */

static uint8_t reversed(uint8_t direction) {
    return (uint8_t)((direction & 1) << 1 | direction >> 1);
}

static enum err answer_exts(const struct answering *w, bool mixed,
    const struct rtc_sdp_section *offered, struct rtc_sdp_section *s) {
    uint32_t left = exts_of(w->mode, offered->kind);
    s->exts = arena_array(w->arena, offered->n_exts + 1, sizeof(*s->exts));
    if (s->exts == NULL) {
        return rtc_sdp_no_memory();
    }
    for (size_t i = 0; i < offered->n_exts; i++) {
        const struct rtc_sdp_ext *x = &offered->exts[i];
        enum rtc_ext ext = RTC_EXT_COUNT;
        if (!rtc_ext_find(x->uri, &ext) || (left & RTC_EXT_BIT(ext)) == 0 ||
            x->direction == RTC_SDP_INACTIVE || (x->id > 14 && !mixed)) {
            continue;
        }
        left &= ~RTC_EXT_BIT(ext);
        s->exts[s->n_exts] = *x;
        s->exts[s->n_exts++].direction = reversed(x->direction);
    }
    return OK;
}

/* We take every layer, paused (~) or not; those beyond our number of layers are not named, so that
 * the client does not send them. */
static enum err answer_rids(
    const struct answering *w, const struct rtc_sdp_section *offered, struct rtc_sdp_section *s) {
    s->rids = arena_array(w->arena, RTC_ENCODINGS_MAX, sizeof(*s->rids));
    if (s->rids == NULL) {
        return rtc_sdp_no_memory();
    }
    for (size_t i = 0; i < offered->n_rids && s->n_rids < RTC_ENCODINGS_MAX; i++) {
        if (offered->rids[i].send) {
            s->rids[s->n_rids++] = (struct rtc_sdp_rid){ .id = offered->rids[i].id,
                .simulcast = offered->rids[i].simulcast };
        }
    }
    return OK;
}

/* --- sections --- */

static enum err answer_rtp(const struct answering *w, const struct rtc_sdp *offer,
    const struct rtc_sdp_section *offered, const struct rtc_sdp_choice *choice,
    struct rtc_sdp_section *s) {
    const bool take = choice->take && (offered->direction & RTC_SDP_SENDONLY) != 0;
    const bool send = choice->send != NULL && (offered->direction & RTC_SDP_RECVONLY) != 0;
    s->direction = (uint8_t)((take ? RTC_SDP_RECVONLY : 0) | (send ? RTC_SDP_SENDONLY : 0));
    s->rtcp_mux = true;
    s->rtcp_rsize = offered->rtcp_rsize;
    TRY(answer_codecs(w, offered, choice, s));
    TRY(answer_exts(w, offer->extmap_allow_mixed, offered, s));
    if (take) {
        TRY(answer_rids(w, offered, s));
    }
    return send ? rtc_sdp_give_track(choice->send, w->arena, s) : OK;
}

static void answer_data(const struct rtc_sdp_section *offered, struct rtc_sdp_section *s) {
    s->direction = RTC_SDP_SENDRECV;
    s->sctpmap = offered->sctpmap;
    s->sctp_port = offered->sctpmap ? offered->sctp_port : RTC_SDP_SCTP_PORT;
    s->max_message_size = RTC_SDP_MESSAGE_MAX;
}

/* RFC 8829, 5.3.1: port 0, the same formats, nothing else. */
static void refuse(const struct rtc_sdp_section *offered, struct rtc_sdp_section *s) {
    *s = (struct rtc_sdp_section){ .kind = offered->kind,
        .media = offered->media,
        .protocol = offered->protocol,
        .formats = offered->formats,
        .mid = offered->mid };
}

/* Is there anything to answer but no? `first`: no other section stands before it; it may be outside
 * the bundle, since its transport is the only one. */
static bool answerable(const struct rtc_sdp_section *offered, bool first) {
    const bool rtp = offered->kind == RTC_SDP_AUDIO || offered->kind == RTC_SDP_VIDEO;
    return rtc_sdp_open(offered) && offered->mid != NULL && (offered->bundled || first) &&
           (rtp ? offered->rtcp_mux : offered->kind == RTC_SDP_DATA);
}

static enum err answer_section(const struct answering *w, const struct rtc_sdp *offer,
    const struct rtc_sdp_section *offered, const struct rtc_sdp_choice *choice, bool first,
    struct rtc_sdp_section *s) {
    refuse(offered, s);
    if (choice->refuse || !answerable(offered, first)) {
        return OK;
    }
    if (offered->kind == RTC_SDP_DATA) {
        answer_data(offered, s);
    } else {
        TRY(answer_rtp(w, offer, offered, choice, s));
        if (s->n_codecs == 0) {
            refuse(offered, s);
            return OK;
        }
    }
    s->port = 9;
    s->bundled = offered->bundled;
    return rtc_sdp_give_transport(w->local, RTC_DTLS_SERVER, w->arena, w->sdp, s);
}

enum err rtc_sdp_answer(const struct rtc_sdp *offer, enum rtc_sdp_mode mode,
    const struct rtc_sdp_local *local, const struct rtc_sdp_choice *choices, struct arena *a,
    const struct rtc_sdp **ret) {
    struct answering w = { .mode = mode, .local = local, .arena = a };
    bool first = true;
    TRY(rtc_sdp_begin(local, offer->n_sections, a, &w.sdp));
    w.sdp->extmap_allow_mixed = offer->extmap_allow_mixed;
    for (size_t i = 0; i < offer->n_sections; i++) {
        const struct rtc_sdp_section *offered = &offer->sections[i];
        struct rtc_sdp_section *s = &w.sdp->sections[i];
        if (rtc_sdp_open(offered) && offered->transport.has_role &&
            offered->transport.role == RTC_DTLS_SERVER) {
            return err_set(ERR_INVALID, "session description: setup:passive, but so are we");
        }
        TRY(answer_section(&w, offer, offered, &choices[i], first, s));
        first = first && !rtc_sdp_open(s);
    }
    *ret = w.sdp;
    return OK;
}
