/*
 * From a handshake that has ended well to the SRTP sessions of its transport.
 * Thread: the worker's.  See: RFC 5764, 4.2.
 */
#ifndef MEDIA_SESSIONS_H
#define MEDIA_SESSIONS_H

#include "rtc/dtls.h"
#include "rtc/srtp.h"

/* Where they go. */
struct media_sessions {
    struct rtc_srtp_in **in;
    struct rtc_srtp_out **out;
    const char **profile; /* its name */
};

/** `client`: we began the handshake. `ssrcs`: of the peer's, to have room for. What has been made
 * when it fails is the caller's, too. ERR_INVALID: a profile that is none of ours; ERR_NOMEM. */
MUST_CHECK enum err media_sessions_make(struct rtc_dtls *dtls, bool client, struct rtc_seal *seal,
    size_t ssrcs, const struct media_sessions *into);

#endif
