/*
 * What a listener asked for again, lately: so that a repeated or hostile NACK does not multiply
 * packets. There is a place for as many numbers as a layer's history has packets (sfu/track), so
 * nothing that can be sent again is ever forgotten here, and whoever asks for everything over and
 * over gets SFU_RESENDS_TIMES of each packet.
 *
 * A resend is lost as often as its packet was: where a tenth is, three of a packet leave one of a
 * thousand lost for good, and the picture stands until the next key frame.
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
#define SFU_RESENDS_TIMES 5      /* of one packet: as often as we ask for one (rtc/nack) */
#define SFU_RESEND_US     100000 /* between two of one packet, until an RTT is known */
/* Then so much of an RTT: who asks again after one of his may be heard so much sooner, since ways
 * jitter; refused, he would wait for another round. */
#define SFU_RESEND_RTT_PERCENT 75
#define SFU_RESEND_LEAST_US    60000 /* but not less: an RTT is measured now and then only */

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
