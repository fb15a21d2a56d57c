/*
 * What the worker's turn hands to transports: the half of media/transport that only media/worker
 * calls.  Thread: the worker's.
 */
#ifndef MEDIA_TRANSPORT_INPUT_H
#define MEDIA_TRANSPORT_INPUT_H

#include "media/worker.h"

/** A STUN message: finds its transport by the fragment it names. */
void media_transport_take_check(struct media_worker *w, const struct media_datagram *d);
void media_transport_take_dtls(struct media_transport *t, const struct media_datagram *d);
/** Still sealed. */
void media_transport_take_rtcp(struct media_transport *t, const struct media_datagram *d);
/** What opens its packets; NULL before there are keys. */
struct rtc_srtp_in *media_transport_opens(const struct media_transport *t);
/** An opened packet that came by `path`. */
void media_transport_got_rtp(struct media_transport *t, struct pkt *p,
    const struct rtc_srtp_got *got, const struct rtc_ice_path *path);

#endif
