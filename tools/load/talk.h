/* What a client says and hears over its WebSocket: the steps of joining, publishing, subscribing.
 */
#ifndef TOOLS_LOAD_TALK_H
#define TOOLS_LOAD_TALK_H

struct Lk__SignalResponse;

/* `arg` is the struct load_client. */
void load_talk_message(void *arg, const struct Lk__SignalResponse *m);
void load_talk_lost(void *arg, const char *why);

#endif
