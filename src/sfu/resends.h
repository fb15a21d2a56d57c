/*
 * What a listener asked for again, lately: so that a repeated or hostile NACK does not multiply
 * packets.  Thread: the room's worker; pure.  See: livekit-protocol.md, 5.3.
 */
#ifndef SFU_RESENDS_H
#define SFU_RESENDS_H

#include <stdbool.h>
#include <stdint.h>

#define SFU_RESENDS_KEPT  64     /* numbers remembered; what is older may be asked for anew */
#define SFU_RESENDS_TIMES 3      /* of one packet */
#define SFU_RESEND_US     100000 /* between two of one packet, or an RTT where that is longer */

struct sfu_resend {
    int64_t sent_us;
    uint16_t seq;
    uint8_t times; /* 0 = free */
};

/** Zero it to begin. */
struct sfu_resends {
    struct sfu_resend kept[SFU_RESENDS_KEPT];
    uint8_t next;
};

/** May the packet of this number be sent again now? Then it is taken as sent. */
bool sfu_resends_allow(struct sfu_resends *r, uint16_t seq, int64_t rtt_us, int64_t now_us);

#endif
