/* The rooms of our own process, heard as webhooks are. */
#include "livekit/news_here.h"

#include "rooms_world.h"

#include <stdio.h>

static struct {
    char said[256];
    int n;
} heard;

static void hear_webhook(void *arg, const struct lk_webhook *w) {
    static const char *const kinds[] = { "other", "joined", "left", "aborted" };
    (void)arg;
    CHECK(w->created_s > 0 && strncmp(w->sid, "PA_", 3) == 0);
    heard.n++;
    snprintf(heard.said, sizeof(heard.said), "%s %s %s %s %s", kinds[w->kind], w->event, w->alias,
        w->identity, w->reason);
}

static const struct room_member_config eve = {
    .identity = "eve", .grant = { .subscribe = true, .publish = true }, .single = true
};

TEST(livekit_news_here, tells_who_came_and_who_went) {
    struct world w;
    struct guest alice, ghost;
    struct lk_news_here n;
    memset(&heard, 0, sizeof(heard));
    CHECK_ERR(OK, world_open(&w, NULL));
    lk_news_here_start(&n, w.rooms, hear_webhook, NULL);
    enter(&w, &alice, "alice");
    CHECK_STR("joined participant_joined r alice ", heard.said);
    publish(&alice, "mic", RTC_AUDIO);
    CHECK_INT(1, heard.n);
    CHECK_ERR(OK, try_join(&w, &ghost, &eve));
    CHECK_INT(1, heard.n);
    room_leave(ghost.m, ROOM_NEVER_ACTIVE);
    CHECK_STR("aborted participant_connection_aborted r eve JOIN_FAILURE", heard.said);
    room_leave(alice.m, ROOM_LEFT);
    CHECK_STR("left participant_left r alice CLIENT_INITIATED", heard.said);
    lk_news_here_stop(&n);
    guest_finish(&alice);
    enter(&w, &alice, "alice");
    CHECK_INT(3, heard.n);
    lk_news_here_stop(&n);
    world_close(&w);
    guest_finish(&alice);
    guest_finish(&ghost);
}

TEST(livekit_news_here, says_every_reason_in_livekits_words) {
    static const struct {
        const char *name;
        enum room_reason reason;
        const char *said;
    } rows[] = {
        { "left", ROOM_LEFT, "CLIENT_INITIATED" },
        { "replaced", ROOM_REPLACED, "DUPLICATE_IDENTITY" },
        { "shutdown", ROOM_SHUTDOWN, "SERVER_SHUTDOWN" },
        { "removed", ROOM_REMOVED, "PARTICIPANT_REMOVED" },
        { "deleted", ROOM_DELETED, "ROOM_DELETED" },
        { "mismatch", ROOM_MISMATCH, "STATE_MISMATCH" },
        { "never active", ROOM_NEVER_ACTIVE, "JOIN_FAILURE" },
        { "signal lost", ROOM_SIGNAL_LOST, "SIGNAL_CLOSE" },
        { "room closed", ROOM_CLOSED, "ROOM_CLOSED" },
        { "silence", ROOM_MEDIA_LOST, "CONNECTION_TIMEOUT" },
        { "no common media", ROOM_MEDIA_FAILED, "MEDIA_FAILURE" },
    };
    FOR_ROWS (rows, r) {
        struct world w;
        struct guest alice;
        struct lk_news_here n;
        CHECK_ERR(OK, world_open(&w, NULL));
        lk_news_here_start(&n, w.rooms, hear_webhook, NULL);
        enter(&w, &alice, "alice");
        room_leave(alice.m, r->reason);
        const char *last = strrchr(heard.said, ' ');
        CHECK_STR(r->said, last == NULL ? "" : last + 1);
        lk_news_here_stop(&n);
        world_close(&w);
        guest_finish(&alice);
    }
}
