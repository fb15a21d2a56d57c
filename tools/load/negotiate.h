/*
 * What a client does with descriptions, whichever door they come through: connections begin,
 * sources and sinks are made of what was agreed upon.  Thread: the client's.
 */
#ifndef TOOLS_LOAD_NEGOTIATE_H
#define TOOLS_LOAD_NEGOTIATE_H

#include "client.h"
#include "core/buf.h"

/** What the client offers to publish. ERR_NOMEM. */
MUST_CHECK enum err load_negotiate_offer(struct load_client *c, struct buf *out);
/** The server's answer to it: begins the connection and the sources. */
MUST_CHECK enum err load_negotiate_answered(struct load_client *c, const char *sdp);
/** The server offers what the client listens to; `out` gets the answer. An offer that follows may
 * say more than the one before. */
MUST_CHECK enum err load_negotiate_offered(struct load_client *c, const char *sdp, struct buf *out);
/** "candidate:…", which came by itself. The first that will do is taken, one on the loopback
 * interface rather than another. */
void load_negotiate_candidate(struct load_link *l, const char *text);

#endif
