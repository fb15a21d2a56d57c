/*
 * Who comes to the rooms of our own process and who goes, told as a LiveKit server's webhooks would
 * tell it: what listens to those (delegated leaves, presence, the lookout) needs not know where the
 * SFU is.  Thread: main.  See: livekit-protocol 7.2; matrix-calls 4.2.
 */
#ifndef LIVEKIT_NEWS_HERE_H
#define LIVEKIT_NEWS_HERE_H

#include "livekit/webhook.h"
#include "rooms/watcher.h"

struct lk_news_here {
    struct room_directory *rooms;
    struct room_watcher watcher;
    lk_webhook_heard *heard;
    void *arg;
};
/** Tells `heard` from now on. Borrows all until lk_news_here_stop. */
void lk_news_here_start(
    struct lk_news_here *n, struct room_directory *rooms, lk_webhook_heard *heard, void *arg);
/** Takes one that was never started (zeroed), too. */
void lk_news_here_stop(struct lk_news_here *n);

#endif
