/*
 * Which of a layer's packets have come already. SRTP knows repeats of one SSRC; but a packet and
 * its resend by RTX are two SSRCs, and what goes out to a listener twice under one number would
 * use a key stream twice (rtc/srtp).
 *
 * Thread: the room's worker; pure.
 */
#ifndef SFU_SEEN_H
#define SFU_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#define SFU_SEEN_WINDOW 512 /* numbers behind the newest; what is older counts as seen */

/** Zero it to begin, also when the numbers begin anew. */
struct sfu_seen {
    int64_t newest;
    uint64_t bits[SFU_SEEN_WINDOW / 64];
    bool any;
};

/** Notes an extended number (not negative). False when it was noted before, or is too old to tell.
 */
bool sfu_seen_note(struct sfu_seen *s, int64_t seq);

#endif
