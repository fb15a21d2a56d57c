/*
 * Calls that go on, as JSON: the names are those of the call API.  Thread: any; pure.
 */
#ifndef API_LIVE_CALLS_H
#define API_LIVE_CALLS_H

struct buf;
struct store_live_calls;

/** One object; see api/admin_calls.h. Failures stick in `b`. */
void api_live_calls_print(struct buf *b, const struct store_live_calls *calls);

#endif
