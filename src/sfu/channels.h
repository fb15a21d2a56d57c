/*
 * The data channels of one transport: LiveKit's three by their labels, SCTP below, messages
 * (sfu/data) and packets of data tracks (sfu/data_track) above. Labels that nobody knows are let
 * be.
 *
 * Thread: the room's worker.  See: livekit-protocol.md, 3.9.
 */
#ifndef SFU_CHANNELS_H
#define SFU_CHANNELS_H

#include "core/err.h"
#include "rtc/datachannel.h"

struct sfu_transport;

struct sfu_channels {
    struct sfu_transport *transport;
    struct rtc_channels *channels;                  /* from the first packet or message on */
    struct rtc_channel *reliable, *lossy, *packets; /* to send on; NULL while not open */
    bool ours; /* we open them: the subscriber's transport of classic clients */
    bool down; /* messages to the participant go here */
};

/** `ours` and `down` as in sfu_transport_data; once a transport, later ones change `down` alone. */
MUST_CHECK enum err sfu_channels_set(struct sfu_transport *t, bool ours, bool down);
/** There is something to send, or something has come: SCTP begins, once, if the transport is
 * connected. Not earlier, since an association takes 13 KiB and a part of every tick: who uses data
 * channels begins by himself, as every browser does, and others never need one. */
void sfu_channels_begin(struct sfu_channels *c);
/** Takes NULL. */
void sfu_channels_destroy(struct sfu_channels *c);

/** The hook of media/worker; `owner` is an sfu_transport. */
void sfu_channels_data(void *owner, const uint8_t *data, size_t len, int64_t now_us);
/** Reads, or not, whatever the participant may send now. */
void sfu_channels_follow(struct sfu_channels *c);

#endif
