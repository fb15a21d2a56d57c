/* A watcher of all rooms. */
#include "livekit/news_here.h"

#include "core/clock.h"
#include "livekit/messages.h"

static const struct {
    enum lk_webhook_kind kind;
    const char *event;
} kinds[ROOM_NEWS_TYPES] = {
    [ROOM_NEWS_JOINED] = { LK_WEBHOOK_JOINED, "participant_joined" },
    [ROOM_NEWS_LEFT] = { LK_WEBHOOK_LEFT, "participant_left" },
    [ROOM_NEWS_ABORTED] = { LK_WEBHOOK_ABORTED, "participant_connection_aborted" },
};

static void told(void *arg, const struct room_told *news) {
    const struct lk_news_here *n = arg;
    if (kinds[news->type].event == NULL) {
        return;
    }
    const struct room_member *m = news->member;
    const struct lk_webhook w = { .kind = kinds[news->type].kind,
        .event = kinds[news->type].event,
        .id = "",
        .alias = news->room->name,
        .identity = m->identity,
        .sid = m->sid,
        .reason = m->state == ROOM_GONE ? lk_message_reason_name(m->reason) : "",
        .created_s = clock_wall_ms() / SEC_MS };
    n->heard(n->arg, &w);
}

void lk_news_here_start(
    struct lk_news_here *n, struct room_directory *rooms, lk_webhook_heard *heard, void *arg) {
    *n = (struct lk_news_here){ .rooms = rooms, .heard = heard, .arg = arg };
    n->watcher = (struct room_watcher){ .told = told, .arg = n };
    room_directory_watch(rooms, &n->watcher);
}

void lk_news_here_stop(struct lk_news_here *n) {
    if (n->rooms != NULL) {
        room_directory_unwatch(STEAL(n->rooms), &n->watcher);
    }
}
