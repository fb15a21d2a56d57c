/*
 * Our offers on the connection by which a client with two of them receives: one at a time, the next
 * when something has changed (livekit-protocol 4.2). Below them, what both directions share; for
 * negotiation only.  Thread: main.
 */
#ifndef LIVEKIT_OFFERING_H
#define LIVEKIT_OFFERING_H

#include "livekit/negotiation.h"
#include "rtc/sdp_answer.h"

/** Something has changed: an offer goes out soon, or after the answer that is waited for. */
void lk_offering_due(struct lk_session *s);

/** The client came back: ICE begins anew, with an offer in place of one under way. */
void lk_offering_restart(struct lk_session *s);

/* --- negotiation.c --- */

/** The connection stands, opened now if it was not yet. */
MUST_CHECK enum err lk_peer_open(struct lk_session *s, enum room_way way);
/** Our side of the next description. */
MUST_CHECK enum err lk_peer_local(
    struct lk_session *s, enum room_way way, struct arena *a, struct rtc_sdp_local *ret);
/** The client's side. */
MUST_CHECK enum err lk_peer_connect(
    struct lk_session *s, enum room_way way, const struct rtc_sdp *description);
/** Sends the description, with the tracks by mid where we send any. */
MUST_CHECK enum err lk_peer_say(
    struct lk_session *s, bool offer, uint32_t id, const struct rtc_sdp *sdp, struct arena *a);
/** Sends our candidates, once for each pair of credentials. */
void lk_peer_trickle(
    struct lk_session *s, enum room_way way, const struct rtc_sdp_local *local, const char *mid);
/** What a section says of the track in it; NULL without memory. */
const struct rtc_sdp_sent *lk_peer_sent(const struct room_subscription *sub, struct arena *a);
void lk_peer_bind(
    struct lk_session *s, struct room_subscription *sub, const struct rtc_rtp_params *params);

#endif
