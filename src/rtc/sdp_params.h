/*
 * What a description means for transports and packets: the text forms of rtc/sdp on one side, the
 * values of rtc/params on the other.  Thread: any; pure.
 */
#ifndef RTC_SDP_PARAMS_H
#define RTC_SDP_PARAMS_H

#include "rtc/sdp.h"

/**
 * How to reach the other side and whom to trust: from the first open section that says it, since
 * all sections of a peer connection share one transport. Errors: ERR_INVALID when credentials or a
 * fingerprint that proves something are missing.
 */
MUST_CHECK enum err rtc_sdp_transport_params(
    const struct rtc_sdp *sdp, struct rtc_ice_params *ice, struct rtc_dtls_params *dtls);

/**
 * What a section's packets look like. `agreed` has the codecs and extensions that both took: of a
 * section that the client offered, our answer; of one that we offered, the client's answer.
 * `sender` is the description of whoever sends: it names the layers (none when it sends nothing, or
 * nothing that says how to tell the layers apart). Codecs and extensions that we do not know are
 * left out; so are layers beyond RTC_ENCODINGS_MAX.
 */
void rtc_sdp_rtp_params(const struct rtc_sdp_section *agreed, const struct rtc_sdp_section *sender,
    struct rtc_rtp_params *ret);

/** False for a codec, or a form of one, that we do not forward. RTX is none by itself. */
bool rtc_sdp_codec_read(const struct rtc_sdp_codec *c, struct rtc_codec *ret);
/** The payload type whose retransmissions this one carries; false when it is no RTX. */
bool rtc_sdp_codec_rtx(const struct rtc_sdp_codec *c, uint8_t *ret);
/** The value of a parameter of an fmtp line: `n` characters; NULL = it is not there. */
const char *rtc_sdp_fmtp(const char *fmtp, const char *name, size_t *n);

/** The track's identity: of its a=msid, else of its sources. NULL = not said. */
const char *rtc_sdp_track(const struct rtc_sdp_section *s);

#endif
