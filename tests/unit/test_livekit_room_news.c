/* What a receiver of webhooks reads of a room's life: each event once, in order, as much as LiveKit
 * says in it. */
#include "livekit/room_news.h"

#include "fake_http.h"
#include "livekit/keys.h"
#include "livekit/notify.h"
#include "rooms_world.h"

#include <jansson.h>

struct gazette {
    struct world w;
    struct http_client http;
    struct lk_keys *keys;
    struct lk_notify *notify;
    struct lk_room_news *news;
    json_t *latest;
};

static enum err gazette_open(struct gazette *g) {
    static const char *const urls[] = { "https://a.example/", "https://a.example/" }; /* one */
    const struct lk_keys_source from = { "key1", "north", "", "", "" };
    *g = (struct gazette){ 0 };
    TRY(world_open(&g->w, NULL));
    TRY(lk_keys_create(&from, &g->keys));
    const struct lk_notify_config cfg = {
        .http = &g->http, .keys = g->keys, .urls = urls, .n_urls = COUNT_OF(urls)
    };
    TRY(lk_notify_create(NULL, &cfg, &g->notify));
    return lk_room_news_create(g->w.rooms, g->notify, &g->news);
}

static void gazette_close(struct gazette *g) {
    lk_room_news_destroy(g->news);
    lk_notify_destroy(g->notify);
    lk_keys_destroy(g->keys);
    world_close(&g->w);
    json_decref(g->latest);
}

/* The next event, and that it is taken; borrowed until the one after it. */
static const json_t *next(struct gazette *g) {
    const char *body = g->http.call == NULL ? NULL : strchr(g->http.asked, '{');
    json_decref(g->latest);
    g->latest = body == NULL ? NULL : json_loads(body, 0, NULL);
    if (g->http.call != NULL) {
        answer_text(&g->http, 200, "");
    }
    return g->latest;
}

/* "participant.identity" */
static const char *text_at(const json_t *in, const char *object, const char *key) {
    const char *text = json_string_value(json_object_get(json_object_get(in, object), key));
    return text == NULL ? "" : text;
}

static const json_t *check_next(struct gazette *g, const char *event) {
    const json_t *e = next(g);
    const char *got = json_string_value(json_object_get(e, "event"));
    CHECK_STR(event, got == NULL ? "" : got);
    return e;
}

TEST(livekit_room_news, tells_the_life_of_a_room) {
    struct gazette g;
    struct guest alice, bob;
    const struct room_member_config cfg = { .identity = "bob", .grant = all_rights };
    CHECK_ERR(OK, gazette_open(&g));
    enter(&g.w, &alice, "alice");
    const json_t *e = check_next(&g, "room_started");
    CHECK_STR("r", text_at(e, "room", "name"));
    CHECK(json_object_get(json_object_get(e, "room"), "enabledCodecs") != NULL);
    CHECK(json_object_get(e, "participant") == NULL);
    e = check_next(&g, "participant_joined");
    CHECK_STR("alice", text_at(e, "participant", "identity"));
    CHECK_STR("ACTIVE", text_at(e, "participant", "state"));
    CHECK(strncmp(text_at(e, "participant", "joinedAt"), "1", 1) == 0); /* 64 bits: a string */
    struct room_publication *p = publish(&alice, "mic", RTC_AUDIO);
    room_publication_mute(p, true); /* nobody's news */
    room_unpublish(p, false);
    e = check_next(&g, "track_published");
    CHECK_STR("mic", text_at(e, "track", "name"));
    CHECK_STR("MICROPHONE", text_at(e, "track", "source"));
    CHECK_STR("r", text_at(e, "room", "name"));
    CHECK(json_object_get(json_object_get(e, "room"), "creationTime") == NULL);
    CHECK_INT(2, json_object_size(json_object_get(e, "participant")));
    (void)check_next(&g, "track_unpublished");
    CHECK_ERR(OK, try_join(&g.w, &bob, &cfg));
    world_wait(&g.w, ROOM_ACTIVE_US + SEC_US);
    e = check_next(&g, "participant_connection_aborted");
    CHECK_STR("bob", text_at(e, "participant", "identity"));
    room_leave(alice.m, ROOM_LEFT);
    e = check_next(&g, "participant_left");
    CHECK_STR("DISCONNECTED", text_at(e, "participant", "state"));
    CHECK_STR("CLIENT_INITIATED", text_at(e, "participant", "disconnectReason"));
    CHECK(json_object_get(json_object_get(e, "participant"), "permission") != NULL);
    world_wait(&g.w, (ROOM_DEPARTURE_S + 1) * SEC_US);
    e = check_next(&g, "room_finished");
    CHECK_STR("r", text_at(e, "room", "name"));
    CHECK(next(&g) == NULL);
    gazette_close(&g);
    guest_finish(&alice);
    guest_finish(&bob);
}

static void gazette_closep(struct gazette *g) {
    gazette_close(g);
}

static void guest_finishp(struct guest *g) {
    guest_finish(g);
}

/* What cannot be told is lost, and nothing else. */
TEST_ALLOC(livekit_room_news, survives_no_memory) {
    CLEANUP(guest_finishp) struct guest alice = { .gone = -1 };
    CLEANUP(gazette_closep) struct gazette g = { 0 };
    struct room_publication *p = NULL;
    TRY(gazette_open(&g));
    TRY(try_enter(&g.w, &alice, "alice"));
    TRY(try_publish(&alice, "mic", RTC_AUDIO, &p));
    return OK;
}
