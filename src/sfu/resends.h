/*
 * What a listener asked for again, lately: so that a repeated or hostile NACK does not multiply
 * packets. There is a place for as many numbers as a layer's history has packets (sfu/track), so
 * nothing that can be sent again is ever forgotten here, and whoever asks for everything over and
 * over gets SFU_RESENDS_TIMES of each packet.
 *
 * Thread: the room's worker; pure.  See: livekit-protocol.md, 5.3.
 */
#ifndef SFU_RESENDS_H
#define SFU_RESENDS_H

#include <stdbool.h>
#include <stdint.h>

#define SFU_RESENDS_KEPT 256 /* numbers remembered, the latest */
#define SFU_RESENDS_FORGET_MS                                                                      \
    2000                         /* longer than a history keeps a packet                           \
                                  */
#define SFU_RESENDS_TIMES 3      /* of one packet */
#define SFU_RESEND_US     100000 /* between two of one packet, or an RTT where that is longer */

struct sfu_resend {
    uint32_t sent_ms;
    uint16_t seq;
    uint8_t times; /* 0 = free */
};

/** 2 KiB. Zero it to begin. */
struct sfu_resends {
    struct sfu_resend kept[SFU_RESENDS_KEPT];
};

/** May the packet of this number be sent again now? Then it is taken as sent. `rtt_us` 0 = not
 * known. */
bool sfu_resends_allow(struct sfu_resends *r, uint16_t seq, int64_t rtt_us, int64_t now_us);

#endif
