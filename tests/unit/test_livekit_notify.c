/* Webhooks out: what is signed, in which order they leave, and what a receiver that is away costs.
 */
#include "livekit/notify.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "fake_http.h"
#include "livekit/keys.h"
#include "livekit/proto/room_service.pb-c.h"
#include "livekit/webhook.h"

#define NOW_MS INT64_C(1700000000000)

struct post_office {
    struct http_client http;
    struct lk_keys *keys;
    struct lk_notify *notify;
    int64_t now_ms;
};

static int64_t office_ms(void *arg) {
    return ((const struct post_office *)arg)->now_ms;
}

static enum err office_open(struct post_office *o) {
    static const char *const urls[] = { "https://hook.example.com/a" };
    const struct lk_keys_source from = { "key1", "north", "", "", "" };
    *o = (struct post_office){ .now_ms = NOW_MS };
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    TRY(lk_keys_create(&from, &o->keys));
    const struct lk_notify_config cfg = {
        .http = &o->http, .keys = o->keys, .urls = urls, .n_urls = 1, .wall_ms = office_ms, .arg = o
    };
    return lk_notify_create(NULL, &cfg, &o->notify);
}

static void office_close(struct post_office *o) {
    lk_notify_destroy(o->notify);
    lk_keys_destroy(o->keys);
}

static void tell(struct post_office *o, const char *room, const char *what) {
    Lk__WebhookEvent e = LK__WEBHOOK_EVENT__INIT;
    Lk__Room r = LK__ROOM__INIT;
    r.sid = (char *)room;
    r.name = (char *)"alias";
    e.event = (char *)what;
    e.room = &r;
    lk_notify_tell(o->notify, room, &e);
}

/* The body that is under way; "" = none. */
static const char *body_of(const struct post_office *o) {
    const char *body = o->http.call == NULL ? NULL : strchr(o->http.asked, '{');
    return body == NULL ? "" : body;
}

static bool is_told(const struct post_office *o, const char *what) {
    char text[64];
    snprintf(text, sizeof(text), "\"event\":\"%s\"", what);
    return strstr(body_of(o), text) != NULL;
}

TEST(livekit_notify, signs_what_our_own_reader_believes) {
    struct post_office o;
    struct lk_webhook w;
    struct arena a;
    char token[1024] = "";
    CHECK_ERR(OK, office_open(&o));
    tell(&o, "RM_1", "room_started");
    CHECK(strncmp(o.http.asked, "POST https://hook.example.com/a {", 33) == 0);
    CHECK(strstr(o.http.fields, "Content-Type: application/webhook+json\n") != NULL);
    const char *at = strstr(o.http.fields, "Authorization: ey"); /* no "Bearer " */
    CHECK(at != NULL);
    sscanf(at == NULL ? "" : at, "Authorization: %1000s", token);
    arena_init(&a);
    const char *body = body_of(&o);
    CHECK_ERR(OK, lk_webhook_read(token, body, strlen(body), o.keys, NOW_MS / 1000, &a, &w));
    CHECK_STR("room_started", w.event);
    CHECK_STR("alias", w.alias);
    CHECK(strncmp(w.id, "EV_", 3) == 0);
    CHECK_INT(NOW_MS / 1000, w.created_s);
    ROW("not for ever");
    CHECK_ERR(ERR_UNAUTHORIZED,
        lk_webhook_read(token, body, strlen(body), o.keys, NOW_MS / 1000 + 600, &a, &w));
    ROW("not for another body");
    CHECK_ERR(ERR_UNAUTHORIZED, lk_webhook_read(token, "{}", 2, o.keys, NOW_MS / 1000, &a, &w));
    arena_finish(&a);
    answer_text(&o.http, 200, "");
    CHECK_INT(1, o.http.sent);
    office_close(&o);
}

TEST(livekit_notify, keeps_the_order_of_a_room) {
    struct post_office o;
    CHECK_ERR(OK, office_open(&o));
    tell(&o, "RM_1", "room_started");
    tell(&o, "RM_1", "participant_joined");
    tell(&o, "RM_1", "participant_left");
    CHECK_INT(1, o.http.sent);
    CHECK_INT(3, lk_notify_waiting(o.notify));
    answer_text(&o.http, 204, "");
    CHECK(is_told(&o, "participant_joined"));
    ROW("what was not taken is tried again, before all that follows");
    answer_text(&o.http, 500, "");
    CHECK_STR("", body_of(&o));
    lk_notify_turn(o.notify);
    CHECK_STR("", body_of(&o));
    o.now_ms += LK_NOTIFY_PAUSE_MS;
    lk_notify_turn(o.notify);
    CHECK(is_told(&o, "participant_joined"));
    answer(&o.http, &(struct http_client_answer){ .err = ERR_TIMEOUT, .text = "slow" });
    o.now_ms += LK_NOTIFY_PAUSE_MS;
    lk_notify_turn(o.notify);
    CHECK_STR("", body_of(&o)); /* twice as long now */
    ROW("another room does not wait for it");
    tell(&o, "RM_2", "room_started");
    CHECK(is_told(&o, "room_started"));
    answer_text(&o.http, 200, "");
    o.now_ms += LK_NOTIFY_PAUSE_MS;
    lk_notify_turn(o.notify);
    CHECK(is_told(&o, "participant_joined"));
    answer_text(&o.http, 200, "");
    CHECK(is_told(&o, "participant_left"));
    answer_text(&o.http, 200, "");
    CHECK_STR("", body_of(&o));
    CHECK_INT(0, lk_notify_waiting(o.notify));
    office_close(&o);
}

TEST(livekit_notify, gives_up_in_the_end) {
    struct post_office o;
    CHECK_ERR(OK, office_open(&o));
    tell(&o, "RM_1", "room_started");
    tell(&o, "RM_1", "room_finished");
    for (int i = 0; i < LK_NOTIFY_TRIES; i++) {
        CHECK(is_told(&o, "room_started"));
        answer_text(&o.http, 404, "");
        o.now_ms += (int64_t)LK_NOTIFY_PAUSE_MS << i;
        lk_notify_turn(o.notify);
    }
    CHECK(is_told(&o, "room_finished"));
    office_close(&o); /* ends what is under way */
    CHECK(o.http.call == NULL);
}

TEST(livekit_notify, says_how_much_had_no_room) {
    struct post_office o;
    CHECK_ERR(OK, office_open(&o));
    for (int i = 0; i < LK_NOTIFY_ROOM_MAX + 7; i++) {
        tell(&o, "RM_1", "track_published");
    }
    answer_text(&o.http, 200, "");
    tell(&o, "RM_1", "room_finished");
    while (is_told(&o, "track_published")) {
        answer_text(&o.http, 200, "");
    }
    CHECK(is_told(&o, "room_finished"));
    CHECK(strstr(body_of(&o), "\"numDropped\":7") != NULL);
    CHECK_INT(LK_NOTIFY_ROOM_MAX + 1, o.http.sent);
    office_close(&o);
}

static void office_closep(struct post_office *o) {
    office_close(o);
}

TEST_ALLOC(livekit_notify, survives_no_memory) {
    CLEANUP(office_closep) struct post_office o = { 0 };
    TRY(office_open(&o));
    tell(&o, "RM_1", "room_started");
    tell(&o, "RM_2", "room_started");
    return OK;
}
