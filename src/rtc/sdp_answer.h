/*
 * What we answer to a client's offer: to its publisher's peer connection, or to the only one where
 * it has one (livekit-protocol 4.3 and 4.5).
 *
 * Who publishes what, and which track goes to which section, is signalling's business: it reads the
 * offer, fills in one choice a section, and gets the answer. What the packets will look like,
 * rtc_sdp_rtp_params reads off the answer.  Thread: any; pure.
 */
#ifndef RTC_SDP_ANSWER_H
#define RTC_SDP_ANSWER_H

#include "rtc/sdp.h"

/* What is ours in every description of one peer connection. Borrowed for the call. */
struct rtc_sdp_local {
    const struct rtc_ice_params *ice;
    const struct rtc_dtls_params *dtls; /* its fingerprints */
    const char *const *candidates; /* "candidate:…": all of them, in the first description too */
    size_t n_candidates;
    uint64_t session_id; /* the same in all descriptions of the connection, never 0 */
    uint64_t version;    /* one more in each */
};

/* A track that we send in one section. Borrowed as long as the description is used. */
struct rtc_sdp_sent {
    const char *stream; /* "PA_…|TR_…": clients find participant and track by it */
    const char *track;  /* "TR_…" */
    uint32_t ssrc;
    uint32_t rtx_ssrc; /* 0 = none; not said where the client has no RTX */
};

/* What becomes of one offered section. All zero: it stays open, and nothing flows. */
struct rtc_sdp_choice {
    bool refuse;                     /* closed; clients do not expect it */
    bool take;                       /* let the client send, where it wants to */
    const struct rtc_sdp_sent *send; /* where the client wants to receive; NULL = nothing */
    /* Of what is taken: */
    bool has_wanted;
    enum rtc_codec_type wanted; /* goes first, and so the client sends it */
    bool only_wanted;           /* for clients that ignore the order; RED keeps its Opus */
    bool no_red;
    uint8_t
        opus; /* RTC_OPUS_DTX, RTC_OPUS_STEREO: asked for in its fmtp, besides what was offered */
};

/* Whether the client has another connection for what we send. */
enum rtc_sdp_mode { RTC_SDP_PUBLISHER, RTC_SDP_SINGLE };

/**
 * `choices` has one for each section of the offer. Gives *ret in `a`, with texts of the offer,
 * which must live as long.
 * Refused, whatever was chosen: sections outside the bundle, without rtcp-mux, without a codec that
 * we forward, of no kind that we know.
 * Errors: ERR_INVALID when the client wants to be the DTLS server (decision 16); ERR_NOMEM.
 */
MUST_CHECK enum err rtc_sdp_answer(const struct rtc_sdp *offer, enum rtc_sdp_mode mode,
    const struct rtc_sdp_local *local, const struct rtc_sdp_choice *choices, struct arena *a,
    const struct rtc_sdp **ret);

#endif
