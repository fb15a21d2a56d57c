/*
 * A client that comes back (reconnect=1) within the time in which its media may be silent, or while
 * it flows: the new session takes over what the lost one left behind.
 *
 *     the same identity, participant and kind of connection?   no: leave, and join anew
 *     → the SFU says which data message came last
 *     → `reconnect`, everybody who is there and who has left, the room, a token, its own tracks
 *     → with two connections: our offer, with new credentials of ICE; the other way the client's
 *     ← sync_state: what it publishes and wants
 *
 * Data messages are not sent again, whatever sync_state says of them: the SCTP association lives on
 * and brings them all, in order. Sent twice they would be read twice by clients that do not compare
 * their numbers (rtc-node 1.1.0).
 *
 * What was said to the lost socket may not have arrived, so that nothing is made up for from a
 * list of messages: all that matters is said anew as it is now.
 *
 * Thread: main.  See: livekit-protocol 6.5.
 */
#ifndef LIVEKIT_RESUME_H
#define LIVEKIT_RESUME_H

#include "core/clock.h"
#include "livekit/proto/signal.pb-c.h"

struct lk_session;

#define LK_RESUME_WAIT_US (2 * SEC_US) /* for the SFU; clients wait 5 s for the first message */
/* What was said so long before a client was last heard of may not have arrived. */
#define LK_RESUME_UNHEARD_US (10 * SEC_US)

/** The new session's socket stands. */
void lk_resume_begin(struct lk_session *s);
/** The SFU has told the number of the last data message; 0 = none. */
void lk_resume_answer(struct lk_session *s, uint32_t last);
/** What the client knows; counts once after each return. The member may be gone then. */
void lk_resume_take_state(struct lk_session *s, const Lk__SyncState *state);

#endif
