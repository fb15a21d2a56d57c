/*
 * What happens in the live rooms, as LiveKit's webhooks: rooms/watcher tells it, livekit/notify
 * carries it out.
 *
 * Mutes are nobody's news in LiveKit.  Thread: main.  See: livekit-protocol 7.2, A.6.
 */
#ifndef LIVEKIT_ROOM_NEWS_H
#define LIVEKIT_ROOM_NEWS_H

#include "core/err.h"

struct lk_notify;
struct lk_room_news;
struct room_directory;

/** From now on. Borrows both for its life. ERR_NOMEM. */
MUST_CHECK enum err lk_room_news_create(
    struct room_directory *rooms, struct lk_notify *notify, struct lk_room_news **ret);
/** Takes NULL. */
void lk_room_news_destroy(struct lk_room_news *n);

#endif
