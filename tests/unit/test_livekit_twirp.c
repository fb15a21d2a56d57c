/* RoomService as server SDKs meet it: exact errors, every method, both languages; and what the
 * people in the room are told. */
#include "livekit/twirp.h"

#include "livekit/proto/room_service.pb-c.h"
#include "rtc_sdp_texts.h"
#include "twirp_world.h"

#define OFFER                                                                                      \
    BEGIN("0 1 2 3")                                                                               \
    AUDIO("0", "recvonly")                                                                         \
    VIDEO("1", "recvonly")                                                                         \
    DATA("2")                                                                                      \
    AUDIO("3", "sendonly")                                                                         \
    "a=msid:- mic\r\na=ssrc:1234 cname:x\r\n"
#define RECEIVING BEGIN("0 1 2") AUDIO("0", "recvonly") VIDEO("1", "recvonly") DATA("2")
#define NOBODY    "{\"code\":\"not_found\",\"msg\":\"participant does not exist\"}"

static const char *text_in(const json_t *in, const char *key) {
    const char *text = json_string_value(json_object_get(in, key));
    return text == NULL ? "" : text;
}

TEST(livekit_twirp, refuses_in_twirps_words) {
    static const struct {
        const char *name, *method, *path, *authorization, *type, *body;
        int status;
        const char *want;
    } rows[] = {
        { "no token", "POST", "/twirp/livekit.RoomService/ListRooms", NULL, JSON, "{}", 401,
            DENIED },
        { "no bearer's header", "POST", "/twirp/livekit.RoomService/ListRooms", "Basic eA==", JSON,
            "{}", 401, "invalid authorization header. Must start with Bearer " },
        { "no token at all", "POST", "/twirp/livekit.RoomService/ListRooms", "Bearer x", JSON, "{}",
            401, "invalid authorization token" },
        { "another method", "POST", "/twirp/livekit.RoomService/Dance", NULL, JSON, "{}", 404,
            "{\"code\":\"bad_route\",\"msg\":\"no handler for path "
            "\\\"/twirp/livekit.RoomService/Dance\\\"\",\"meta\":{\"twirp_invalid_route\":\"POST "
            "/twirp/livekit.RoomService/Dance\"}}" },
        { "another service", "POST", "/twirp/livekit.Egress/ListEgress", NULL, JSON, "{}", 404,
            "{\"code\":\"bad_route\",\"msg\":\"no handler for path "
            "\\\"/twirp/livekit.Egress/ListEgress\\\"\",\"meta\":{\"twirp_invalid_route\":\"POST "
            "/twirp/livekit.Egress/ListEgress\"}}" },
        { "GET", "GET", "/twirp/livekit.RoomService/ListRooms", NULL, JSON, "", 404,
            "{\"code\":\"bad_route\",\"msg\":\"unsupported method \\\"GET\\\" (only POST is "
            "allowed)\",\"meta\":{\"twirp_invalid_route\":\"GET "
            "/twirp/livekit.RoomService/ListRooms\"}}" },
        { "another type", "POST", "/twirp/livekit.RoomService/ListRooms", NULL, "text/plain", "{}",
            404,
            "{\"code\":\"bad_route\",\"msg\":\"unexpected Content-Type: it is application/json or "
            "application/protobuf\",\"meta\":{\"twirp_invalid_route\":\"POST "
            "/twirp/livekit.RoomService/ListRooms\"}}" },
        { "no JSON", "POST", "/twirp/livekit.RoomService/ListRooms", NULL, JSON, "{", 400,
            "{\"code\":\"malformed\",\"msg\":\"the json request could not be decoded\"}" },
        { "a field of another type", "POST", "/twirp/livekit.RoomService/ListRooms", NULL,
            JSON "; charset=utf-8", "{\"names\":7}", 400,
            "{\"code\":\"malformed\",\"msg\":\"the json request could not be decoded\"}" },
        { "no protobuf", "POST", "/twirp/livekit.RoomService/ListRooms", NULL,
            "application/protobuf", "\x0a\x7f", 400,
            "{\"code\":\"malformed\",\"msg\":\"the protobuf request could not be decoded\"}" },
        { "not here", "POST", "/twirp/livekit.RoomService/MoveParticipant", NULL, JSON, "{}", 501,
            "{\"code\":\"unimplemented\",\"msg\":\"this server has no such method\"}" },
    };
    struct desk d;
    CHECK_ERR(OK, desk_open(&d));
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK(send_to(r->method, r->path, r->authorization, r->type, r->body, strlen(r->body)));
        CHECK_INT(r->status, d.status);
        CHECK_STR(r->want, d.body);
    }
    desk_close(&d);
}

TEST(livekit_twirp, lets_nobody_do_what_the_token_does_not_say) {
    static const struct {
        const char *method, *enough; /* the right, in a token for the room "r" */
        const char *wrong[4];
    } rows[] = {
        { "CreateRoom", CREATE, { "{}", LIST, ADMIN, "{\"roomJoin\":true,\"room\":\"r\"}" } },
        { "DeleteRoom", CREATE, { "{}", LIST, ADMIN, "{\"roomCreate\":false}" } },
        { "ListRooms", LIST, { "{}", CREATE, ADMIN, "{\"roomList\":false}" } },
        { "ListParticipants", ADMIN, { "{}", CREATE, LIST, "{\"roomAdmin\":true}" } },
        { "GetParticipant", ADMIN,
            { "{}", CREATE, LIST, "{\"roomAdmin\":true,\"room\":\"other\"}" } },
        { "RemoveParticipant", ADMIN, { "{}", CREATE, LIST, "{\"room\":\"r\"}" } },
        { "MutePublishedTrack", ADMIN, { "{}", CREATE, LIST, "{\"room\":\"r\"}" } },
        { "UpdateParticipant", ADMIN, { "{}", CREATE, LIST, "{\"room\":\"r\"}" } },
        { "UpdateSubscriptions", ADMIN, { "{}", CREATE, LIST, "{\"room\":\"r\"}" } },
        { "UpdateRoomMetadata", ADMIN, { "{}", CREATE, LIST, "{\"room\":\"r\"}" } },
        { "SendData", ADMIN, { "{}", CREATE, LIST, "{\"room\":\"r\"}" } },
    };
    static const char body[] = "{\"room\":\"r\",\"name\":\"r\",\"identity\":\"x\",\"muted\":true}";
    struct desk d;
    CHECK_ERR(OK, desk_open(&d));
    FOR_ROWS (rows, r) {
        ROW(r->method);
        for (int i = 0; i < 4; i++) {
            check_answer(r->method, r->wrong[i], body, 401, DENIED);
        }
        check_answer(r->method, NULL, body, 401, DENIED);
        CHECK_INT(0, room_directory_count(d.w.rooms));
        CHECK(ask(r->method, r->enough, JSON, body, strlen(body)));
        CHECK(d.status == 200 || d.status == 404);
        struct room *left = room_directory_find(d.w.rooms, "r");
        if (left != NULL) {
            room_end(left, ROOM_DELETED);
        }
    }
    ROW("an empty room's name is nobody's");
    check_answer("ListParticipants", "{\"roomAdmin\":true,\"room\":\"\"}", "{}", 401, DENIED);
    desk_close(&d);
}

TEST(livekit_twirp, makes_lists_and_ends_rooms) {
    struct desk d;
    CHECK_ERR(OK, desk_open(&d));
    json_t *room = answer_of("CreateRoom", CREATE,
        "{\"name\":\"r\",\"emptyTimeout\":60,\"departure_timeout\":7,\"max_participants\":3,"
        "\"metadata\":\"md\",\"unknown\":[1]}");
    char sid[ROOM_SID_SIZE];
    snprintf(sid, sizeof(sid), "%s", text_in(room, "sid"));
    CHECK(strncmp(sid, "RM_", 3) == 0);
    CHECK_STR("r", text_in(room, "name"));
    CHECK_STR("md", text_in(room, "metadata"));
    CHECK_INT(60, json_integer_value(json_object_get(room, "empty_timeout")));
    CHECK_INT(7, json_integer_value(json_object_get(room, "departure_timeout")));
    CHECK_INT(3, json_integer_value(json_object_get(room, "max_participants")));
    CHECK(json_is_integer(json_object_get(room, "num_participants"))); /* defaults are written */
    CHECK(json_is_string(json_object_get(room, "creation_time")));
    json_decref(room);
    ROW("again: the same one");
    room = answer_of("CreateRoom", CREATE, "{\"name\":\"r\",\"metadata\":\"other\"}");
    CHECK_STR(sid, text_in(room, "sid"));
    CHECK_STR("md", text_in(room, "metadata"));
    json_decref(room);
    json_decref(answer_of("CreateRoom", CREATE, "{\"name\":\"s\"}"));
    ROW("all, and some");
    json_t *rooms = answer_of("ListRooms", LIST, "{}");
    CHECK_INT(2, json_array_size(json_object_get(rooms, "rooms")));
    json_decref(rooms);
    rooms = answer_of("ListRooms", LIST, "{\"names\":[\"s\",\"t\"]}");
    CHECK_INT(1, json_array_size(json_object_get(rooms, "rooms")));
    json_decref(rooms);
    check_answer("ListRooms", LIST, "{\"names\":[\"t\"]}", 200, "{\"rooms\":[]}");
    ROW("metadata");
    room = answer_of("UpdateRoomMetadata", ADMIN, "{\"room\":\"r\",\"metadata\":\"new\"}");
    CHECK_STR("new", text_in(room, "metadata"));
    json_decref(room);
    ROW("ended");
    check_answer("DeleteRoom", CREATE, "{\"room\":\"r\"}", 200, "{}");
    check_answer("DeleteRoom", CREATE, "{\"room\":\"r\"}", 404, NO_ROOM);
    check_answer("UpdateRoomMetadata", ADMIN, "{\"room\":\"r\"}", 404, NO_ROOM);
    check_answer("ListParticipants", ADMIN, "{\"room\":\"r\"}", 200, "{\"participants\":[]}");
    ROW("no name");
    CHECK(ask("CreateRoom", CREATE, JSON, "{}", 2));
    CHECK_INT(400, d.status);
    CHECK(strstr(d.body, "\"invalid_argument\"") != NULL);
    desk_close(&d);
}

TEST(livekit_twirp, sends_data_to_a_room) {
    static const struct {
        const char *name, *body;
        bool reliable;
        const char *want; /* as a client reads it */
    } rows[] = {
        { "to all", "{\"room\":\"r\",\"data\":\"aGk=\"}", true,
            "{\"user\":{\"payload\":\"aGk=\"}}" },
        { "to one, with a topic",
            "{\"room\":\"r\",\"data\":\"aGk=\",\"topic\":\"t\",\"destination_identities\":[\"bob\"]"
            ","
            "\"kind\":\"LOSSY\",\"nonce\":\"AQ==\"}",
            false,
            "{\"kind\":\"LOSSY\",\"user\":{\"payload\":\"aGk=\",\"topic\":\"t\","
            "\"destinationIdentities\":[\"bob\"],\"nonce\":\"AQ==\"},"
            "\"destinationIdentities\":[\"bob\"]}" },
        { "to a connection", "{\"room\":\"r\",\"data\":\"aGk=\",\"destination_sids\":[\"PA_x\"]}",
            true, "{\"user\":{\"payload\":\"aGk=\",\"destinationSids\":[\"PA_x\"]}}" },
    };
    struct desk d;
    struct client alice;
    CHECK_ERR(OK, desk_open(&d));
    check_answer("SendData", ADMIN, "{\"room\":\"r\",\"data\":\"aGk=\"}", 404, NO_ROOM);
    json_decref(answer_of("CreateRoom", CREATE, "{\"name\":\"r\"}"));
    check_answer("SendData", ADMIN, "{\"room\":\"r\",\"data\":\"aGk=\"}", 200, "{}");
    CHECK_INT(0, fake_sfu.sent.len); /* nobody is there to hear it */
    call_in_v1(&d.w, &alice, "alice", RECEIVING);
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct arena a;
        struct buf json;
        ProtobufCMessage *m = NULL;
        arena_init(&a);
        buf_init(&json, 0);
        check_answer("SendData", ADMIN, r->body, 200, "{}");
        CHECK_INT(r->reliable, fake_sfu.sent.reliable);
        CHECK(fake_sfu.sent.room == room_directory_find(d.w.rooms, "r")->id);
        CHECK_ERR(OK, lk_convert_read(&lk__data_packet__descriptor, fake_sfu.sent.bytes,
                          fake_sfu.sent.len, &a, &m));
        lk_convert_write_json(m, LK_CONVERT_PLAIN, &json);
        json_t *got = json_loads(buf_str(&json), 0, NULL);
        json_t *want = json_loads(r->want, 0, NULL);
        CHECK(json_equal(want, got));
        json_decref(got);
        json_decref(want);
        buf_finish(&json);
        arena_finish(&a);
    }
    ROW("too much");
    char *large = mem_alloc(SFU_DATA_MOST * 2);
    snprintf(large, SFU_DATA_MOST * 2, "{\"room\":\"r\",\"data\":\"%0*d\"}", 90000, 0);
    CHECK(ask("SendData", ADMIN, JSON, large, strlen(large)));
    CHECK_INT(400, d.status);
    CHECK(strstr(d.body, "\"invalid_argument\"") != NULL);
    mem_free(large);
    hang_up(&alice);
    desk_close(&d);
}

TEST(livekit_twirp, knows_and_changes_who_is_there) {
    struct desk d;
    struct client alice, bob;
    char body[256], sid[ROOM_SID_SIZE];
    CHECK_ERR(OK, desk_open(&d));
    call_in_v1(&d.w, &alice, "alice", RECEIVING);
    say(&alice, "{\"addTrack\":{\"cid\":\"mic\",\"source\":\"MICROPHONE\"}}");
    say_sdp(&alice, "offer", OFFER, 2);
    say(&alice, "{\"publishDataTrackRequest\":{\"pubHandle\":7,\"name\":\"pose\"}}");
    call_in_v1(&d.w, &bob, "bob", RECEIVING);
    (void)heard(&alice);
    (void)heard(&bob);
    ROW("list");
    json_t *list = answer_of("ListParticipants", ADMIN, "{\"room\":\"r\"}");
    const json_t *first = json_array_get(json_object_get(list, "participants"), 0);
    const json_t *track = json_array_get(json_object_get(first, "tracks"), 0);
    CHECK_INT(2, json_array_size(json_object_get(list, "participants")));
    CHECK_STR("alice", text_in(first, "identity"));
    CHECK_STR("MICROPHONE", text_in(track, "source"));
    const json_t *data = json_array_get(json_object_get(first, "data_tracks"), 0);
    CHECK_STR("pose", text_in(data, "name"));
    CHECK_STR("NONE", text_in(data, "encryption"));
    CHECK_INT(7, json_integer_value(json_object_get(data, "pub_handle")));
    snprintf(sid, sizeof(sid), "%s", text_in(track, "sid"));
    json_decref(list);
    ROW("get");
    json_t *one = answer_of("GetParticipant", ADMIN, "{\"room\":\"r\",\"identity\":\"bob\"}");
    CHECK_STR("N bob", text_in(one, "name"));
    json_decref(one);
    check_answer("GetParticipant", ADMIN, "{\"room\":\"r\",\"identity\":\"eve\"}", 404, NOBODY);
    ROW("mute: the publisher is told to");
    snprintf(body, sizeof(body),
        "{\"room\":\"r\",\"identity\":\"alice\",\"track_sid\":\"%s\",\"muted\":true}", sid);
    json_t *muted = answer_of("MutePublishedTrack", ADMIN, body);
    CHECK(json_is_true(json_object_get(json_object_get(muted, "track"), "muted")));
    json_decref(muted);
    CHECK(strstr(heard(&alice), "mute") != NULL);
    check_latest(&alice, "mute", "sid", sid);
    CHECK_STR("update", heard(&bob));
    ROW("unmute: nobody can");
    snprintf(
        body, sizeof(body), "{\"room\":\"r\",\"identity\":\"alice\",\"track_sid\":\"%s\"}", sid);
    check_answer("MutePublishedTrack", ADMIN, body, 412,
        "{\"code\":\"failed_precondition\",\"msg\":\"remote unmute not enabled\"}");
    check_answer("MutePublishedTrack", ADMIN,
        "{\"room\":\"r\",\"identity\":\"alice\",\"track_sid\":\"TR_x\",\"muted\":true}", 200,
        "{\"track\":null}");
    ROW("update");
    one = answer_of("UpdateParticipant", ADMIN,
        "{\"room\":\"r\",\"identity\":\"bob\",\"name\":\"Bobby\",\"metadata\":\"md\","
        "\"attributes\":{\"k\":\"v\"}}");
    CHECK_STR("Bobby", text_in(one, "name"));
    CHECK_STR("md", text_in(one, "metadata"));
    CHECK_STR("v", text_in(json_object_get(one, "attributes"), "k"));
    json_decref(one);
    ROW("a right is taken: what it had let is gone");
    one = answer_of("UpdateParticipant", ADMIN,
        "{\"room\":\"r\",\"identity\":\"alice\",\"permission\":{\"canSubscribe\":true,"
        "\"canPublishData\":true,\"hidden\":true}}");
    CHECK_INT(0, json_array_size(json_object_get(one, "tracks")));
    CHECK(json_is_false(json_object_get(json_object_get(one, "permission"), "can_publish")));
    CHECK(json_is_false(json_object_get(json_object_get(one, "permission"), "hidden")));
    json_decref(one);
    CHECK(strstr(heard(&alice), "trackUnpublished") != NULL);
    ROW("subscriptions");
    check_answer("UpdateSubscriptions", ADMIN,
        "{\"room\":\"r\",\"identity\":\"bob\",\"track_sids\":[\"TR_later\"],\"subscribe\":true,"
        "\"participant_tracks\":[{\"track_sids\":[\"TR_too\"]}]}",
        200, "{}");
    check_answer(
        "UpdateSubscriptions", ADMIN, "{\"room\":\"r\",\"identity\":\"eve\"}", 404, NOBODY);
    ROW("out");
    (void)heard(&bob);
    check_answer("RemoveParticipant", ADMIN, "{\"room\":\"r\",\"identity\":\"bob\"}", 200, "{}");
    check_latest(&bob, "leave", "reason", "PARTICIPANT_REMOVED");
    check_answer("RemoveParticipant", ADMIN, "{\"room\":\"r\",\"identity\":\"bob\"}", 404, NOBODY);
    ROW("the room with everybody");
    check_answer("DeleteRoom", CREATE, "{\"room\":\"r\"}", 200, "{}");
    check_latest(&alice, "leave", "reason", "ROOM_DELETED");
    hang_up(&alice);
    hang_up(&bob);
    desk_close(&d);
}

/* 401, and whoever is in the room stays as it was; or in. */
static void check_entry(const char *name, const char *token, const char *query, bool in) {
    struct client c;
    char text[200] = "";
    struct buf target;
    ROW(name);
    buf_init(&target, 0);
    buf_printf(&target, "/rtc?protocol=17&access_token=%s%s", token, query);
    CHECK_INT(in ? 101 : 401, knock(&desk->w, &c, buf_str(&target), NULL, text, sizeof(text)));
    CHECK_STR(in ? "" : "invalid token: token is revoked", text);
    hang_up(&c);
    buf_finish(&target);
}

TEST(livekit_twirp, takes_back_the_tokens_of_who_is_removed) {
    struct desk d;
    struct client alice;
    char body[200];
    CHECK_ERR(OK, desk_open(&d));
    char *old = token_for(&d.w, "alice", "");
    call_in(&d.w, &alice, "alice", "", "");
    json_t *refreshed = latest(&alice, "refreshToken");
    check_answer("RemoveParticipant", ADMIN, "{\"room\":\"r\",\"identity\":\"alice\"}", 200, "{}");
    hang_up(&alice);
    check_entry("removed, and no more", old, "", true);
    snprintf(body, sizeof(body),
        "{\"room\":\"r\",\"identity\":\"alice\",\"revoke_token_ts\":\"%lld\"}",
        (long long)SIGNAL_NOW_S + 1);
    check_answer("RemoveParticipant", ADMIN, body, 404, NOBODY); /* it holds all the same */
    check_entry("made before", old, "", false);
    check_entry("coming back with it", old, "&reconnect=1", false);
    check_entry("that we made ourselves", json_string_value(refreshed), "", false);
    char *bob = token_for(&d.w, "bob", "");
    check_entry("somebody else", bob, "", true);
    char *young = NULL;
    snprintf(body, sizeof(body),
        "{\"sub\":\"alice\",\"nbf\":%lld,\"exp\":%lld,\"video\":{\"roomJoin\":true,"
        "\"room\":\"r\"}}",
        (long long)SIGNAL_NOW_S + 1, (long long)SIGNAL_NOW_S + 3600);
    CHECK_ERR(OK, token_of(&d.w, body, &young));
    check_entry("made since then", young, "", true);
    mem_free(young);
    mem_free(bob);
    mem_free(old);
    json_decref(refreshed);
    desk_close(&d);
}

TEST(livekit_twirp, speaks_protobuf_too) {
    struct desk d;
    struct buf bytes;
    struct arena a;
    ProtobufCMessage *m = NULL;
    Lk__CreateRoomRequest q = LK__CREATE_ROOM_REQUEST__INIT;
    CHECK_ERR(OK, desk_open(&d));
    buf_init(&bytes, 0);
    arena_init(&a);
    q.name = (char *)"r";
    q.metadata = (char *)"md";
    CHECK_ERR(OK, lk_convert_write(&q.base, &bytes));
    CHECK(ask("CreateRoom", CREATE, "application/protobuf", buf_str(&bytes), bytes.len));
    CHECK_INT(200, d.status);
    CHECK_STR("application/protobuf", d.type);
    CHECK_ERR(OK, lk_convert_read(&lk__room__descriptor, (const uint8_t *)d.body, d.len, &a, &m));
    CHECK_STR("md", ((const Lk__Room *)(const void *)m)->metadata);
    ROW("nothing asks for everything");
    CHECK(ask("ListRooms", LIST, "application/protobuf", "", 0));
    CHECK_INT(200, d.status);
    CHECK(d.len > 10);
    ROW("errors are JSON");
    CHECK(ask("ListRooms", CREATE, "application/protobuf", "", 0));
    CHECK_STR(DENIED, d.body);
    CHECK_STR(JSON, d.type);
    arena_finish(&a);
    buf_finish(&bytes);
    desk_close(&d);
}

TEST_ALLOC(livekit_twirp, survives_no_memory) {
    CLEANUP(desk_closep) struct desk d = { 0 };
    TRY(desk_open(&d));
    TRY(step("CreateRoom", CREATE, "{\"name\":\"r\",\"metadata\":\"md\"}"));
    TRY(step("ListRooms", LIST, "{}"));
    TRY(step("UpdateRoomMetadata", ADMIN, "{\"room\":\"r\",\"metadata\":\"other\"}"));
    return step("DeleteRoom", CREATE, "{\"room\":\"r\"}");
}
