/*
 * What comes to clients, and what their sources give: the path of every packet. Heads of RTP lie
 * open, so most packets are only looked at; a sample is opened, all clients' in one batch, and
 * compared with what was sent.  Thread: one owner.
 */
#ifndef TOOLS_LOAD_INTAKE_H
#define TOOLS_LOAD_INTAKE_H

#include "client.h"

/** A stream that the server will send; one that is known already changes nothing. False when there
 * are too many. */
bool load_intake_listen(struct load_client *c, const struct peer_sink_config *cfg, bool remb);
/** Has the client never heard of this track before? Now it has. */
bool load_intake_is_new(struct load_client *c, const char *sid);

/* For connections: `arg` is the struct load_link. */
void load_intake_rtp(void *arg, uint8_t *packet, size_t len, int64_t now_us);
void load_intake_rtcp(void *arg, const uint8_t *data, size_t len, int64_t now_us);
/** For sources: `arg` is the struct load_client. */
void load_intake_emit(
    void *arg, struct rtc_srtp_sender *sender, const uint8_t *packet, size_t head_len, size_t len);

/** Gives datagrams to whom they are for; `arg` is the struct load_shared. */
void load_intake_take(void *arg, struct load_datagram *d, size_t n);

#endif
