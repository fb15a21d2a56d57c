/* A row an event: what LiveKit calls it, and how much it says. Main. */
#include "livekit/room_news.h"

#include "core/log.h"
#include "core/mem.h"
#include "livekit/messages.h"
#include "livekit/notify.h"
#include "livekit/proto/room_service.pb-c.h"
#include "rooms/watcher.h"

struct lk_room_news {
    struct room_directory *rooms;
    struct lk_notify *notify;
    struct room_watcher watcher;
};

static const char *const events[ROOM_NEWS_TYPES] = {
    [ROOM_NEWS_STARTED] = "room_started",
    [ROOM_NEWS_FINISHED] = "room_finished",
    [ROOM_NEWS_JOINED] = "participant_joined",
    [ROOM_NEWS_LEFT] = "participant_left",
    [ROOM_NEWS_ABORTED] = "participant_connection_aborted",
    [ROOM_NEWS_PUBLISHED] = "track_published",
    [ROOM_NEWS_UNPUBLISHED] = "track_unpublished",
};

static void tell(struct lk_room_news *n, const struct room_told *news, Lk__Room *room,
    Lk__ParticipantInfo *participant, Lk__TrackInfo *track, const struct arena *a) {
    Lk__WebhookEvent e = LK__WEBHOOK_EVENT__INIT;
    e.event = (char *)events[news->type];
    e.room = room;
    e.participant = participant;
    e.track = track;
    if (a->failed) {
        LOG_ERROR(&news->room->log, "room_webhook_dropped", "event=%s reason=memory", e.event);
        return;
    }
    lk_notify_tell(n->notify, news->room->sid, &e);
}

/* Of room and participant only which they are; the track is what it is about. */
static void tell_track(struct lk_room_news *n, const struct room_told *news, struct arena *a) {
    Lk__Room room = LK__ROOM__INIT;
    Lk__ParticipantInfo who = LK__PARTICIPANT_INFO__INIT;
    room.sid = (char *)news->room->sid;
    room.name = news->room->name;
    who.sid = (char *)news->member->sid;
    who.identity = news->member->identity;
    tell(n, news, &room, &who, lk_message_track(news->publication, a), a);
}

static void told(void *arg, const struct room_told *news) {
    struct lk_room_news *n = arg;
    struct arena a;
    if (events[news->type] == NULL) {
        return;
    }
    arena_init(&a);
    if (news->publication != NULL) {
        tell_track(n, news, &a);
    } else {
        tell(n, news, lk_message_room(news->room, &a),
            news->member == NULL ? NULL : lk_message_participant_whole(news->member, &a), NULL, &a);
    }
    arena_finish(&a);
}

enum err lk_room_news_create(
    struct room_directory *rooms, struct lk_notify *notify, struct lk_room_news **ret) {
    struct lk_room_news *n = mem_zalloc(sizeof(*n));
    if (n == NULL) {
        return err_set(ERR_NOMEM, "no memory for webhooks");
    }
    *n = (struct lk_room_news){ .rooms = rooms, .notify = notify, .watcher = { told, n, 0, 0 } };
    room_directory_watch(rooms, &n->watcher);
    *ret = n;
    return OK;
}

void lk_room_news_destroy(struct lk_room_news *n) {
    if (n != NULL) {
        room_directory_unwatch(n->rooms, &n->watcher);
        mem_free(n);
    }
}
