/*
 * What SSRCs of a transport have used up. A track that is unsubscribed from and subscribed to again
 * is sent from the same SSRC, and goes on there where it ended: a number that is sent twice with
 * other bytes would use a key stream twice, and its receiver takes it for a replay.
 *
 * What ends with its track is never sent from again: main makes another SSRC for another track.
 * Thread: the room's worker.  See: rtc/srtp.h, struct rtc_srtp_sender; RFC 3711, 9.1.
 */
#ifndef SFU_SPENT_H
#define SFU_SPENT_H

#include "core/err.h"
#include "rtc/srtp.h"
#include "sfu/events.h"

#include <stddef.h>
#include <stdint.h>

#define SFU_SPENT_MAX 4096 /* of one transport: a subscription and its RTX are two */

struct sfu_spent {
    uint32_t ssrc;
    sfu_id track;
    struct rtc_srtp_sender sender;
};
/* All zero at first. */
struct sfu_spents {
    struct sfu_spent *all;
    uint32_t n, cap;
};

/** Room for so many more, so that keeping cannot fail. ERR_LIMIT over SFU_SPENT_MAX; ERR_NOMEM. */
MUST_CHECK enum err sfu_spents_reserve(struct sfu_spents *s, size_t more);
/** The SSRC ends, its track does not. */
void sfu_spents_keep(
    struct sfu_spents *s, uint32_t ssrc, sfu_id track, const struct rtc_srtp_sender *sender);
/** The SSRC is sent from (again): its books; zeros where it never was. They are not here any more.
 */
struct rtc_srtp_sender sfu_spents_take(struct sfu_spents *s, uint32_t ssrc);
/** The track has ended. */
void sfu_spents_forget(struct sfu_spents *s, sfu_id track);
void sfu_spents_finish(struct sfu_spents *s);

#endif
