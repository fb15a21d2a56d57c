/*
 * The client's end of a peer connection, for tests and load: ICE, DTLS in the role that the server
 * leaves, SRTP. Bytes and time come in as arguments and datagrams go out by a callback, so it works
 * over a fake network in virtual time and over sockets alike.
 *
 * It is a plain client: one path, regular nomination. What a path changes is the network's doing.
 * A server that is no lite agent checks too: its checks are answered. Where it has offered it also
 * nominates; then this end is the lite one.
 * Thread: one owner.
 */
#ifndef TOOLS_PEER_CONNECTION_H
#define TOOLS_PEER_CONNECTION_H

#include "rtc/datachannel.h"
#include "rtc/dtls.h"
#include "rtc/icelite.h"
#include "rtc/srtp.h"

#define PEER_DATAGRAM 1500
#define PEER_CHECK_US ((int64_t)50000)   /* between checks until one is answered */
#define PEER_ALIVE_US ((int64_t)2000000) /* between checks afterwards */

struct peer_connection;

struct peer_connection_config {
    struct rtc_dtls_ctx *dtls; /* borrowed */
    struct rtc_seal *seal;     /* borrowed */
    struct rtc_ice_cred ours;
    struct rtc_ice_params theirs;
    struct rtc_dtls_params their_dtls; /* a client (active): then this end is the server */
    bool lite; /* sends no checks and answers theirs, as its description must say too */
    struct rtc_addr server; /* where it is, for answers to its checks; not needed of a lite one */
    uint16_t only_profile;  /* of SRTP; 0 = all */
    size_t streams;         /* SSRCs that will be received */
    void (*send)(void *arg, const uint8_t *data, size_t len);
    /** Opened packets, borrowed for the call. */
    void (*rtp)(void *arg, uint8_t *packet, size_t len, int64_t now_us);
    void (*rtcp)(void *arg, const uint8_t *data, size_t len, int64_t now_us);
    /** What came by DTLS, borrowed for the call; true takes it from the data channels. May be NULL.
     */
    bool (*app)(void *arg, const uint8_t *data, size_t len);
    /** A channel has been opened, by either side, or closed; may be NULL. */
    void (*channel)(void *arg, struct rtc_channel *channel);
    /** A message, borrowed for the call. */
    void (*data)(void *arg, struct rtc_channel *channel, const uint8_t *bytes, size_t len);
    void *arg;
    int64_t now_us;
};

/** Begins to check at once. Gives *ret. */
MUST_CHECK enum err peer_connection_create(
    const struct peer_connection_config *cfg, struct peer_connection **ret);
void peer_connection_destroy(struct peer_connection *c);

void peer_connection_take(struct peer_connection *c, uint8_t *data, size_t len, int64_t now_us);
void peer_connection_tick(struct peer_connection *c, int64_t now_us);
int64_t peer_connection_next_us(const struct peer_connection *c);

/** What opens its packets, for who opens many connections' packets in one batch; NULL before there
 * are keys. */
struct rtc_srtp_in *peer_connection_in(const struct peer_connection *c);

/** It has data channels, now or as soon as there are keys. Borrows `door`, which the caller ticks.
 */
void peer_connection_carry(struct peer_connection *c, struct rtc_sctp_door *door);
/** To open and to send on; NULL before there are keys. */
struct rtc_channels *peer_connection_channels(const struct peer_connection *c);

/** Sends bytes by DTLS past the data channels. False before there are keys, and where they are too
 * many (RTC_DTLS_APP_MOST). */
bool peer_connection_app(struct peer_connection *c, const uint8_t *data, size_t len);

/** Are keys there? */
bool peer_connection_is_open(const struct peer_connection *c);
bool peer_connection_has_failed(const struct peer_connection *c);
/** ICE begins again with new credentials of both sides (RFC 8445, 9). */
void peer_connection_restart(struct peer_connection *c, const struct rtc_ice_cred *ours,
    const struct rtc_ice_params *theirs, int64_t now_us);
/** Says good-bye. */
void peer_connection_close(struct peer_connection *c);

/** Seals and sends a packet: `head_len` bytes of RTP head, then the body. False before there are
 * keys. `sender` is the books of its SSRC. */
bool peer_connection_rtp(struct peer_connection *c, struct rtc_srtp_sender *sender,
    const uint8_t *packet, size_t head_len, size_t len);
bool peer_connection_rtcp(struct peer_connection *c, const uint8_t *data, size_t len);

#endif
