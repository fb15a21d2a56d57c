/*
 * Packets that carry nothing, to see whether more would fit: on the RTX stream of one of the
 * transport's videos, whose numbers are nobody's loss (livekit-protocol.md, 5.3). They are counted
 * (rtc/bwe_probe) or, for a listener who estimates by himself, say when they left (rtc/bwe_remb).
 *
 * Where a listener has no RTX there are none, and room is found by what is sent alone. Behind a
 * picture's last packet they could go out under the video's own numbers, but each lost one would be
 * asked for again, and counted as the video's loss; each row of them would take one of the few
 * places by which late packets find their number (rtc/renumber); and what such a listener gets
 * bears no time of sending, since it must be repeatable to the bit (sfu/subscription), so his
 * estimate would take them for a delay.
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

/** Queues so many bytes and the rest of a packet. Gives how many; 0 = there is no such video. */
size_t sfu_padding_send(struct sfu_transport *t, size_t bytes);

#endif
