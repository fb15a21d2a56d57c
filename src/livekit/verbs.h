/* What a client may ask: a row and a function for each member of SignalRequest.  Thread: main. */
#ifndef LIVEKIT_VERBS_H
#define LIVEKIT_VERBS_H

#include "livekit/proto/signal.pb-c.h"

struct lk_session;

/** Does what is asked; what is not in the table is passed over. The member may be gone then. */
void lk_verbs_take(struct lk_session *s, const Lk__SignalRequest *r);

/** `subscription`, as clients say it by itself and in sync_state. */
void lk_verbs_subscribe(struct lk_session *s, const Lk__UpdateSubscription *u);

#endif
