/* What the token service and the lookout learn of our own rooms, and what they do in them. */
#include "livekit/rooms_here.h"

#include "livekit/rooms.h"
#include "rooms_world.h"

static json_t *ask(struct world *w, const char *method, const char *identity) {
    const struct lk_rooms_question q = { .method = method, .alias = "r", .identity = identity };
    json_t *answer = NULL;
    CHECK_ERR(OK, lk_rooms_here(w->rooms, &q, &answer));
    return answer;
}

static const char *text_of(const json_t *o, const char *key) {
    const char *text = json_string_value(json_object_get(o, key));
    return text == NULL ? "" : text;
}

TEST(livekit_rooms_here, makes_rooms_and_tells_of_them) {
    struct world w;
    CHECK_ERR(OK, world_open(&w, NULL));
    json_t *none = ask(&w, "ListRooms", NULL);
    CHECK_INT(0, json_array_size(json_object_get(none, "rooms")));
    json_decref(none);
    json_t *nobody = ask(&w, "ListParticipants", NULL); /* nobody is where no room is */
    CHECK_INT(0, json_array_size(json_object_get(nobody, "participants")));
    json_decref(nobody);
    CHECK_INT(0, room_directory_count(w.rooms));
    json_t *made = ask(&w, "CreateRoom", NULL);
    json_t *again = ask(&w, "CreateRoom", NULL);
    CHECK_STR("r", text_of(made, "name"));
    CHECK_STR(text_of(made, "sid"), text_of(again, "sid"));
    CHECK(json_integer_value(json_object_get(made, "creation_time")) > 1700000000);
    json_decref(made);
    json_decref(again);
    json_t *one = ask(&w, "ListRooms", NULL);
    CHECK_STR("r", text_of(json_array_get(json_object_get(one, "rooms"), 0), "name"));
    json_decref(one);
    world_close(&w);
}

TEST(livekit_rooms_here, tells_who_is_there_and_takes_them_out) {
    static const struct {
        const char *name;
        struct lk_rooms_question q;
    } rows[] = {
        { "nobody of that name", { "GetParticipant", "r", "carol", NULL } },
        { "nobody to take out", { "RemoveParticipant", "r", "carol", NULL } },
        { "no such room", { "GetParticipant", "s", "alice", NULL } },
        { "no such track", { "MutePublishedTrack", "r", "alice", "TR_x" } },
    };
    struct world w;
    struct guest alice, bob;
    json_t *answer = NULL;
    const struct room_member_config cfg = { .identity = "bob", .grant = all_rights };
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    CHECK_ERR(OK, try_join(&w, &bob, &cfg));
    json_t *all = ask(&w, "ListParticipants", NULL);
    const json_t *list = json_object_get(all, "participants");
    CHECK_INT(2, json_array_size(list));
    CHECK_STR("ACTIVE", text_of(json_array_get(list, 0), "state"));
    CHECK_STR("JOINED", text_of(json_array_get(list, 1), "state"));
    json_decref(all);
    json_t *one = ask(&w, "GetParticipant", "alice");
    CHECK_STR(alice.m->sid, text_of(one, "sid"));
    CHECK_STR("alice", text_of(one, "identity"));
    CHECK_INT(alice.m->joined_ms, json_integer_value(json_object_get(one, "joined_at_ms")));
    json_decref(one);
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_ERR(ERR_NOT_FOUND, lk_rooms_here(w.rooms, &r->q, &answer));
        CHECK(answer == NULL);
    }
    ROW("muted");
    struct room_publication *p = publish(&alice, "mic", RTC_AUDIO);
    const struct lk_rooms_question mute = { "MutePublishedTrack", "r", "alice", p->track.sid };
    CHECK_ERR(OK, lk_rooms_here(w.rooms, &mute, &answer));
    CHECK(p->track.muted);
    json_decref(STEAL(answer));
    ROW("taken out");
    json_decref(ask(&w, "RemoveParticipant", "alice"));
    CHECK_INT(ROOM_REMOVED, alice.gone);
    CHECK_INT(-1, bob.gone);
    world_close(&w);
    guest_finish(&alice);
    guest_finish(&bob);
}

static void world_closep(struct world *w) {
    world_close(w);
}

TEST_ALLOC(livekit_rooms_here, survives_no_memory) {
    CLEANUP(world_closep) struct world w = { 0 };
    json_t *answer = NULL;
    TRY(world_open(&w, NULL));
    TRY(lk_rooms_here(
        w.rooms, &(struct lk_rooms_question){ .method = "CreateRoom", .alias = "r" }, &answer));
    json_decref(answer);
    return OK;
}
