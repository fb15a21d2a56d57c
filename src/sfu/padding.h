/*
 * Packets that carry nothing, to see whether more would fit: on the RTX stream of one of the
 * transport's videos, whose numbers are nobody's loss (livekit-protocol.md, 5.3). Where a listener
 * has no RTX there are none, and room is found by what is sent alone.
 *
 * Thread: the room's worker.  See: RFC 3550, 5.1; RFC 4588.
 */
#ifndef SFU_PADDING_H
#define SFU_PADDING_H

#include "media/loop.h"

#include <stddef.h>

struct sfu_transport;

/* Between two rows of them: a busy worker holds packets back for as long. */
#define SFU_PADDING_EVERY_US (MEDIA_GATHER_MAX_US + 1000)
#define SFU_PADDING_BURST    64 /* packets in a row at most */

/** Queues so many bytes and the rest of a packet. */
void sfu_padding_send(struct sfu_transport *t, size_t bytes);

#endif
