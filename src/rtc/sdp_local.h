/* What answers and offers of ours have in common. For sdp_answer and sdp_offer. */
#ifndef RTC_SDP_LOCAL_H
#define RTC_SDP_LOCAL_H

#include "rtc/sdp_answer.h"

/** A description with `n` empty sections. */
MUST_CHECK enum err rtc_sdp_begin(
    const struct rtc_sdp_local *local, size_t n, struct arena *a, struct rtc_sdp **ret);
/** Our credentials, in this role; the first section that gets them names the candidates too. */
MUST_CHECK enum err rtc_sdp_give_transport(const struct rtc_sdp_local *local,
    enum rtc_dtls_role role, struct arena *a, struct rtc_sdp *sdp, struct rtc_sdp_section *s);
/** The track's msid and SSRCs. */
MUST_CHECK enum err rtc_sdp_give_track(
    const struct rtc_sdp_sent *sent, struct arena *a, struct rtc_sdp_section *s);
enum err rtc_sdp_no_memory(void);

#endif
