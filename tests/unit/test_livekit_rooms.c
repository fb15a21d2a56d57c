/* RoomService of a LiveKit server: what is asked of it, and what its answers say. */
#include "livekit/rooms.h"

#include "core/clock.h"
#include "fake_http.h"
#include "livekit/grant.h"
#include "livekit/keys.h"

#define ALIAS "F4oO+rpF/6J"

struct world {
    struct http_client http;
    struct lk_keys *keys;
    struct lk_rooms *rooms;
    int answers;
    enum err err;
    bool json;
    char text[128];
};

static void on_done(void *arg, enum err e, const json_t *json, const char *text) {
    struct world *w = arg;
    w->answers++;
    w->err = e;
    w->json = json != NULL;
    snprintf(w->text, sizeof(w->text), "%s", text);
}

static enum err world_init(struct world *w, const char *url) {
    static const struct lk_keys_source source = { .key = "key1",
        .secret = "a secret of at least 32 characters",
        .key_from_file = "",
        .secret_from_file = "",
        .key_file = "" };
    memset(w, 0, sizeof(*w));
    TRY(lk_keys_create(&source, &w->keys));
    return lk_rooms_create(&w->http, w->keys, url, &w->rooms);
}

static void world_finish(struct world *w) {
    lk_rooms_destroy(w->rooms);
    lk_keys_destroy(w->keys);
}

static enum err ask_ensure(struct world *w) {
    return lk_rooms_ensure(w->rooms, ALIAS, on_done, w);
}
static enum err ask_look(struct world *w) {
    return lk_rooms_look(w->rooms, ALIAS, on_done, w);
}
static enum err ask_find(struct world *w) {
    return lk_rooms_find(w->rooms, ALIAS, "@a:x:DEV", on_done, w);
}
static enum err ask_list(struct world *w) {
    return lk_rooms_list(w->rooms, ALIAS, on_done, w);
}
static enum err ask_remove(struct world *w) {
    return lk_rooms_remove(w->rooms, ALIAS, "@a:x:DEV", on_done, w);
}

static enum err ask_mute(struct world *w) {
    return lk_rooms_mute(w->rooms, ALIAS, "@a:x:DEV", "TR_1", on_done, w);
}

TEST(livekit_rooms, asks_with_the_right_it_needs) {
    static const struct {
        const char *name;
        enum err (*ask)(struct world *w);
        const char *url, *body;
        bool create, admin;
    } rows[] = {
        { "make a room", ask_ensure, "https://sfu:7880/twirp/livekit.RoomService/CreateRoom",
            "{\"name\":\"" ALIAS "\",\"empty_timeout\":300,\"departure_timeout\":20}", true,
            false },
        { "look for a room", ask_look, "https://sfu:7880/twirp/livekit.RoomService/ListRooms",
            "{\"names\":[\"" ALIAS "\"]}", false, false },
        { "find somebody", ask_find, "https://sfu:7880/twirp/livekit.RoomService/GetParticipant",
            "{\"room\":\"" ALIAS "\",\"identity\":\"@a:x:DEV\"}", false, true },
        { "list everybody", ask_list, "https://sfu:7880/twirp/livekit.RoomService/ListParticipants",
            "{\"room\":\"" ALIAS "\"}", false, true },
        { "remove somebody", ask_remove,
            "https://sfu:7880/twirp/livekit.RoomService/RemoveParticipant",
            "{\"room\":\"" ALIAS "\",\"identity\":\"@a:x:DEV\"}", false, true },
        { "mute somebody", ask_mute,
            "https://sfu:7880/twirp/livekit.RoomService/MutePublishedTrack",
            "{\"room\":\"" ALIAS "\",\"identity\":\"@a:x:DEV\",\"track_sid\":\"TR_1\","
            "\"muted\":true}",
            false, true },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        CHECK_ERR(OK, world_init(&w, "wss://sfu:7880/"));
        CHECK_ERR(OK, r->ask(&w));
        char method[8], url[256], token[2048], body[256];
        CHECK_INT(4, sscanf(w.http.asked, "%7s %255s %2047s %255[^\n]", method, url, token, body));
        CHECK_STR("POST", method);
        CHECK_STR(r->url, url);
        CHECK_STR(r->body, body);
        struct lk_grant *g = NULL;
        CHECK_ERR(OK, lk_grant_from_jwt(token, w.keys, clock_wall_ms() / SEC_MS, &g));
        if (g != NULL) {
            CHECK_STR(ALIAS, g->video.room);
            CHECK_INT(r->create ? LK_YES : LK_UNSAID, g->video.room_create);
            CHECK_INT(r->admin ? LK_YES : LK_UNSAID, g->video.room_admin);
            CHECK(g->expires_s - clock_wall_ms() / SEC_MS <= 60);
        }
        lk_grant_destroy(g);
        answer_text(&w.http, 200, "{}");
        CHECK_INT(1, w.answers);
        CHECK_ERR(OK, w.err);
        CHECK(w.json);
        world_finish(&w);
    }
}

TEST(livekit_rooms, reads_answers) {
    static const struct {
        const char *name;
        int status;
        const char *body;
        enum err want;
        const char *text;
    } rows[] = {
        { "there", 200, "{\"identity\":\"a\"}", OK, "" },
        { "not there", 404, "{\"code\":\"not_found\",\"msg\":\"participant does not exist\"}",
            ERR_NOT_FOUND, "participant does not exist" },
        { "another secret", 401, "{\"code\":\"unauthenticated\",\"msg\":\"invalid token\"}",
            ERR_UNAUTHORIZED, "invalid token" },
        { "too many", 429, "", ERR_LIMIT, "" },
        { "a proxy's page", 200, "<html>", ERR_UNREACHABLE, "" },
        { "a list", 200, "[]", ERR_UNREACHABLE, "" },
        { "broken", 503, "{}", ERR_UNREACHABLE, "" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        CHECK_ERR(OK, world_init(&w, "ws://sfu"));
        CHECK_ERR(OK, ask_find(&w));
        answer_text(&w.http, r->status, r->body);
        CHECK_ERR(r->want, w.err);
        CHECK_INT(r->want == OK, w.json);
        CHECK_STR(r->text, w.text);
        world_finish(&w);
    }
}

TEST(livekit_rooms, ends_without_a_word) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, "http://sfu"));
    CHECK_ERR(OK, ask_find(&w));
    lk_rooms_forget(w.rooms, &w);
    CHECK(w.http.call == NULL);
    CHECK_ERR(OK, ask_find(&w));
    world_finish(&w);
    CHECK_INT(0, w.answers);
}

TEST(livekit_rooms, takes_the_addresses_of_sfus_only) {
    static const char *const rows[] = { "", "sfu", "ftp://sfu", "//sfu" };
    FOR_ROWS (rows, r) {
        ROW(*r);
        struct world w;
        CHECK_ERR(ERR_INVALID, world_init(&w, *r));
        lk_keys_destroy(w.keys);
    }
}

TEST_ALLOC(livekit_rooms, ask_without_memory) {
    struct world w;
    enum err e = world_init(&w, "wss://sfu");
    e = e == OK ? ask_find(&w) : e;
    world_finish(&w);
    return e;
}

/* --- the rooms of our own process --- */

/* Says what it was asked; of "lost" it knows nothing. */
static enum err answer_here(void *arg, const struct lk_rooms_question *q, json_t **ret) {
    char *asked = arg;
    snprintf(asked, 64, "%s %s %s%s", q->method, q->alias, q->identity == NULL ? "-" : q->identity,
        q->track == NULL ? "" : " TR_1");
    *ret = json_object();
    return OK;
}

static enum err lost_here(void *arg, const struct lk_rooms_question *q, json_t **ret) {
    (void)arg, (void)q, (void)ret;
    return err_set(ERR_NOT_FOUND, "participant does not exist");
}

TEST(livekit_rooms, of_our_own_answer_in_the_next_turn) {
    static const struct {
        const char *name, *asked;
        enum err (*ask)(struct world *w);
    } rows[] = {
        { "make", "CreateRoom " ALIAS " -", ask_ensure },
        { "look", "ListRooms " ALIAS " -", ask_look },
        { "find", "GetParticipant " ALIAS " @a:x:DEV", ask_find },
        { "list", "ListParticipants " ALIAS " -", ask_list },
        { "remove", "RemoveParticipant " ALIAS " @a:x:DEV", ask_remove },
        { "mute", "MutePublishedTrack " ALIAS " @a:x:DEV TR_1", ask_mute },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        char asked[64] = "";
        uv_loop_t loop;
        struct world w = { 0 };
        CHECK_INT(0, uv_loop_init(&loop));
        CHECK_ERR(OK, lk_rooms_create_here(&loop, answer_here, asked, &w.rooms));
        CHECK_ERR(OK, r->ask(&w));
        CHECK_INT(0, w.answers); /* not from inside */
        uv_run(&loop, UV_RUN_DEFAULT);
        CHECK_INT(1, w.answers);
        CHECK_ERR(OK, w.err);
        CHECK(w.json);
        CHECK_STR(r->asked, asked);
        CHECK_ERR(OK, r->ask(&w));
        lk_rooms_forget(w.rooms, &w); /* gone before the turn */
        uv_run(&loop, UV_RUN_DEFAULT);
        CHECK_INT(1, w.answers);
        CHECK_ERR(OK, r->ask(&w));
        lk_rooms_destroy(w.rooms);
        uv_run(&loop, UV_RUN_DEFAULT);
        CHECK_INT(1, w.answers);
        CHECK_INT(0, uv_loop_close(&loop));
    }
}

TEST(livekit_rooms, of_our_own_say_what_is_not_there) {
    uv_loop_t loop;
    struct world w = { 0 };
    CHECK_INT(0, uv_loop_init(&loop));
    CHECK_ERR(OK, lk_rooms_create_here(&loop, lost_here, NULL, &w.rooms));
    CHECK_ERR(OK, ask_find(&w));
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_ERR(ERR_NOT_FOUND, w.err);
    CHECK(!w.json);
    CHECK_STR("participant does not exist", w.text);
    lk_rooms_destroy(w.rooms);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop));
}
