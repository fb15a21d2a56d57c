/*
 * Who is in the SFU, in the audit: a webhook says that somebody came or went, whom it is about is
 * looked up, and media_connected or media_disconnected is written down (of our own SFU
 * livekit/chronicle does that). Who came and may not be
 * there any more is ended at once (livekit/removals). calls/lookout is told, which compares that
 * with who is in the call.
 *
 * Thread: main.  See: matrix-calls 3.5, 4.7.
 */
#ifndef LIVEKIT_PRESENCE_H
#define LIVEKIT_PRESENCE_H

#include "core/err.h"

struct call_lookout;
struct lk_participants;
struct lk_removals;
struct lk_webhook;
struct lk_witness;

#define LK_PRESENCE_NEWS_MAX 10000 /* of the SFU, each a question to the database */

struct lk_presence_config {
    struct lk_participants *participants;
    struct lk_removals *removals;
    struct lk_witness *witness; /* NULL: it is written down by another */
};

struct lk_presence;
/** Borrows everything for its life. */
MUST_CHECK enum err lk_presence_create(
    const struct lk_presence_config *cfg, struct lk_presence **ret);
/** Before what it borrows; what is under way is left. */
void lk_presence_destroy(struct lk_presence *p);

/** The SFU says who came or went. Copies. */
void lk_presence_heard(struct lk_presence *p, const struct lk_webhook *w);

/** Who is told whenever somebody came or went; NULL (at first): nobody. Set NULL before it goes. */
void lk_presence_set_lookout(struct lk_presence *p, struct call_lookout *l);

#endif
