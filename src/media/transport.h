/*
 * One peer connection, seen from here: ICE, DTLS and SRTP of one transport, and the way to it.
 *
 *     check with our fragment -> path -> DTLS from that path -> keys -> media from that path
 *
 * A packet counts only from a path that a good check came by, so a spoofed address reaches neither
 * DTLS nor SRTP.
 *
 * Thread: the worker's.  See: decisions 16 to 18; livekit-protocol 4.8, 4.9.
 */
#ifndef MEDIA_TRANSPORT_H
#define MEDIA_TRANSPORT_H

#include "media/path.h"
#include "media/worker.h"
#include "rtc/params.h"

#define MEDIA_RTCP_MAX 1200 /* bytes of one compound packet, plain */

/** Answers checks for `local` from now on. `owner` is handed to the worker's hooks. ERR_CONFLICT:
 * the fragment is another's; ERR_NOMEM. */
MUST_CHECK enum err media_transport_create(struct media_worker *w, const struct rtc_ice_cred *local,
    void *owner, struct media_transport **ret);
/** Says good-bye and flushes the worker. Takes NULL; calls no hook. */
void media_transport_destroy(struct media_transport *t);

/** The peer's side. ERR_INVALID: bad credentials, or no fingerprint of a hash that we know;
 * ERR_CONFLICT: other fingerprints than before. */
MUST_CHECK enum err media_transport_connect(struct media_transport *t,
    const struct rtc_ice_params *remote, const struct rtc_dtls_params *dtls);
/** Our new credentials hold at once; the old ones are answered until the first good check with the
 * new. `remote` NULL: the peer's are not known yet (media_transport_connect brings them).
 * ERR_INVALID: bad ones of the peer; ERR_CONFLICT: the fragment is another's. */
MUST_CHECK enum err media_transport_restart(struct media_transport *t,
    const struct rtc_ice_cred *local, const struct rtc_ice_params *remote);

/** Makes room for the replay windows of so many SSRCs of the peer, now or when there are keys. */
MUST_CHECK enum err media_transport_reserve(struct media_transport *t, size_t ssrcs);

/* Bytes of it that a packet out touches. */
#define MEDIA_TRANSPORT_HOT 128
/** Soon a packet goes out by this one: among hundreds it is in no cache any more. */
static inline void media_transport_expect(const struct media_transport *t) {
    __builtin_prefetch(t, 1);
    __builtin_prefetch((const char *)t + 64, 1);
    __builtin_prefetch((const char *)t + MEDIA_TRANSPORT_HOT - 1, 1);
}

/** Do we begin the handshake? Only where the peer has answered an offer of ours that it will not:
 * pion's clients do, when the other side is ICE-lite. */
bool media_transport_is_client(const struct media_transport *t);
/** Can media be sent? */
bool media_transport_is_connected(const struct media_transport *t);
/** How long nothing has come from the peer; exact to a tenth of a second. */
int64_t media_transport_silent_us(const struct media_transport *t);
/** The SRTP profile's name and the peer's address, once connected. */
const char *media_transport_profile(const struct media_transport *t);
void media_transport_remote(const struct media_transport *t, char ret[MEDIA_PATH_TEXT]);

/** What leaves with a transport-wide number is told to `bwe` from now on; borrowed as long as the
 * transport lives. */
void media_transport_count(struct media_transport *t, struct rtc_bwe *bwe);

/** What is counted leaves at this rate, and bursts of it wait; 0 = at once. */
void media_transport_pace(struct media_transport *t, uint64_t bps);
/** Drops what of this sender waits to leave: it is about to go. */
void media_transport_drop(struct media_transport *t, const struct rtc_srtp_sender *sender);

/** A job with `session` set, for the caller to fill in; NULL while not connected. */
struct media_job *media_transport_rtp(struct media_transport *t);
/** Seals and queues a compound packet; false while not connected, or without a packet. */
bool media_transport_rtcp(struct media_transport *t, const uint8_t *data, size_t len);

/** Encrypts and queues up to RTC_DTLS_APP_MOST bytes of the data channel; false while not
 * connected, or without a packet: then they are lost, as on the way. */
bool media_transport_data(struct media_transport *t, const uint8_t *data, size_t len);

/** An ICE-TCP connection has closed; nothing comes or goes by this path any more. */
void media_transport_path_closed(struct media_worker *w, const struct rtc_ice_path *path);

#endif
