/*
 * What we offer on a subscriber's peer connection, where clients have two (livekit-protocol 4.2):
 * first the data channels, mid 0, then the tracks that we send. Sections are never removed and
 * never change their order; one whose track has ended is inactive until another of its kind takes
 * it. Thread: any; pure.
 */
#ifndef RTC_SDP_OFFER_H
#define RTC_SDP_OFFER_H

#include "rtc/sdp_answer.h"

/* A section behind that of the data channels: the first one has mid 1. */
struct rtc_sdp_offered {
    enum rtc_media media;
    const struct rtc_sdp_sent *send; /* NULL = nothing for now */
};

/**
 * Payload types and extension ids are always the same, so that they stay so on one connection.
 * Gives *ret in `a`. Errors: ERR_TOO_LARGE for more sections than clients are asked to read;
 * ERR_NOMEM.
 */
MUST_CHECK enum err rtc_sdp_offer(const struct rtc_sdp_local *local,
    const struct rtc_sdp_offered *sections, size_t n, struct arena *a, const struct rtc_sdp **ret);

/**
 * Does `answer` fit: the same sections in the same order, and the client begins the handshake
 * (decision 16), or wait for ours? What it takes of each section, rtc_sdp_rtp_params(section of the
 * answer, section of the offer) says. Errors: ERR_INVALID.
 */
MUST_CHECK enum err rtc_sdp_check_answer(const struct rtc_sdp *offer, const struct rtc_sdp *answer);

#endif
