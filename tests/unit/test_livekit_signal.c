/* Two clients in each mode: what they say, what they hear, and in which order. */
#include "signal_offers.h"
#include "signal_world.h"

TEST(livekit_signal, joins_with_one_connection_in_the_recorded_order) {
    struct signal_world w;
    struct client alice, bob;
    char sid[ROOM_SID_SIZE];
    CHECK_ERR(OK, signal_open(&w, NULL));
    call_in_v1(&w, &alice, "alice", RECEIVING);
    CHECK_STR("join refreshToken update answer trickle", heard(&alice));
    check_latest(&alice, "answer", "id", "1");
    json_t *join = latest(&alice, "join");
    CHECK_STR("1.13.5",
        json_string_value(json_object_get(json_object_get(join, "serverInfo"), "version")));
    CHECK(json_object_get(join, "subscriberPrimary") == NULL);
    CHECK(json_is_true(json_object_get(
        json_object_get(json_object_get(join, "participant"), "permission"), "canPublish")));
    CHECK_STR("video/VP8",
        json_string_value(json_object_get(
            json_array_get(json_object_get(join, "enabledPublishCodecs"), 0), "mime")));
    json_decref(join);
    connect_media(&w, "alice");
    CHECK_STR("update", heard(&alice));
    say(&alice, MICROPHONE);
    CHECK_STR("trackPublished", heard(&alice));
    check_latest(&alice, "trackPublished", "cid", "mic");
    track_sid(&alice, sid);
    CHECK(strncmp(sid, "TR_AM", 5) == 0);
    say_sdp(&alice, "offer", SENDING("sendonly"), 2);
    CHECK_STR("update answer", heard(&alice));
    CHECK_INT(1, fake_count("track"));
    call_in_v1(&w, &bob, "bob", RECEIVING);
    CHECK_STR("join refreshToken update subscriptionPermissionUpdate answer trickle", heard(&bob));
    CHECK(says(&bob, "answer", "a=msid:PA_"));
    json_t *answer = latest(&bob, "answer");
    CHECK_STR(
        sid, json_string_value(json_object_get(json_object_get(answer, "midToTrackId"), "0")));
    json_decref(answer);
    CHECK_STR("update trackSubscribed", heard(&alice));
    CHECK_INT(1, fake_count("subscription"));
    /* Unpublished: the section goes quiet, and bob is asked for an offer. */
    say_sdp(&alice, "offer", SENDING("inactive"), 3);
    CHECK_STR("update answer", heard(&alice));
    CHECK_STR("mediaSectionsRequirement update", heard(&bob));
    say_sdp(&bob, "offer", RECEIVING, 2);
    CHECK_STR("answer", heard(&bob));
    CHECK(!says(&bob, "answer", "a=msid:"));
    CHECK_INT(0, fake_count("track") + fake_count("subscription"));
    hang_up(&alice);
    hang_up(&bob);
    signal_close(&w);
}

TEST(livekit_signal, asks_for_sections_that_are_missing) {
    struct signal_world w;
    struct client alice, bob;
    static const char data_only[] = BEGIN("0") DATA("0");
    CHECK_ERR(OK, signal_open(&w, NULL));
    call_in_v1(&w, &alice, "alice", RECEIVING);
    say(&alice, MICROPHONE);
    say_sdp(&alice, "offer", SENDING("sendonly"), 2);
    call_in_v1(&w, &bob, "bob", NULL); /* Firefox offers later */
    CHECK_STR("join refreshToken update subscriptionPermissionUpdate", heard(&bob));
    say_sdp(&bob, "offer", data_only, 1);
    CHECK_STR("answer mediaSectionsRequirement trickle", heard(&bob));
    check_latest(&bob, "mediaSectionsRequirement", "numAudios", "1");
    say_sdp(&bob, "offer", data_only, 2); /* who adds nothing is not asked for ever */
    CHECK_STR("answer", heard(&bob));
    say_sdp(&bob, "offer", RECEIVING, 3);
    CHECK_STR("answer", heard(&bob));
    CHECK_INT(1, fake_count("subscription"));
    hang_up(&alice);
    hang_up(&bob);
    signal_close(&w);
}

TEST(livekit_signal, joins_with_two_connections) {
    struct signal_world w;
    struct client alice, bob;
    CHECK_ERR(OK, signal_open(&w, NULL));
    call_in(&w, &alice, "alice", "", "");
    CHECK_STR("join refreshToken update offer trickle", heard(&alice));
    json_t *join = latest(&alice, "join");
    CHECK(json_is_true(json_object_get(join, "subscriberPrimary")));
    CHECK(json_is_true(json_object_get(join, "fastPublish")));
    json_decref(join);
    CHECK(says(&alice, "offer", "m=application"));
    check_latest(&alice, "trickle", "target", "SUBSCRIBER");
    answer_offer(&alice);
    CHECK_INT(1, fake_count("transport"));
    say_sdp(&alice, "offer", CLASSIC("sendonly"), 1); /* before its announcement */
    CHECK_STR("answer trickle", heard(&alice));
    CHECK_INT(0, fake_count("track"));
    say(&alice, MICROPHONE);
    CHECK_STR("trackPublished update", heard(&alice));
    CHECK_INT(1, fake_count("track"));
    call_in(&w, &bob, "bob", "", "");
    CHECK_STR("join refreshToken update subscriptionPermissionUpdate offer trickle", heard(&bob));
    CHECK(says(&bob, "offer", "a=msid:PA_"));
    answer_offer(&bob);
    CHECK_INT(1, fake_count("subscription"));
    CHECK_STR("update trackSubscribed", heard(&alice));
    connect_media(&w, "bob");
    CHECK_STR("update", heard(&alice));
    CHECK_STR("update", heard(&bob));
    say_sdp(&alice, "offer", CLASSIC("inactive"), 0);
    check_latest(&alice, "answer", "id", ""); /* 0, as Rust and Go count */
    CHECK_STR("update", heard(&bob));
    signal_wait(&w, SEC_US); /* the offer waits a moment for more changes */
    CHECK_STR("offer roomUpdate", heard(&bob));
    signal_wait(&w, 9 * SEC_US);
    say(&bob, "{\"ping\":\"1\"}");
    CHECK_STR("pong", heard(&bob));
    signal_wait(&w, 6 * SEC_US);
    CHECK_STR("leave", heard(&bob)); /* it never answered */
    check_latest(&bob, "leave", "reason", "STATE_MISMATCH");
    check_latest(&bob, "leave", "action", "RECONNECT");
    CHECK_INT(HTTP_SOCKET_NORMAL, bob.socket.closed);
    hang_up(&alice);
    hang_up(&bob);
    signal_close(&w);
}

TEST(livekit_signal, offers_later_what_came_while_an_offer_was_out) {
    struct signal_world w;
    struct client alice, bob;
    CHECK_ERR(OK, signal_open(&w, NULL));
    call_in(&w, &bob, "bob", "", "");
    heard(&bob);
    call_in(&w, &alice, "alice", "", "");
    say(&alice, MICROPHONE);
    say_sdp(&alice, "offer", CLASSIC("sendonly"), 1);
    say_sdp(&bob, "offer", CLASSIC("sendonly"), 1); /* answered, which says nothing of alice */
    signal_wait(&w, SEC_US);
    heard(&bob);
    answer_offer(&bob);
    signal_wait(&w, SEC_US);
    CHECK_STR("offer", heard(&bob));
    CHECK(says(&bob, "offer", "a=msid:PA_"));
    hang_up(&alice);
    hang_up(&bob);
    signal_close(&w);
}

/* Does the latest message of this name say that, anywhere? */
static bool holds(const struct client *c, const char *name, const char *text) {
    json_t *m = latest(c, name);
    char all[1000];
    const size_t n = json_dumpb(m, all, sizeof(all), 0);
    const bool found = n < sizeof(all) && memmem(all, n, text, strlen(text)) != NULL;
    json_decref(m);
    return found;
}

TEST(livekit_signal, says_when_a_stream_pauses_and_goes_on) {
    static const struct {
        const char *name, *query;
        bool may_pause;
    } rows[] = {
        { "nothing said", "", false },
        { "allowed", "&subscriber_allow_pause=1", true },
        { "refused", "&subscriber_allow_pause=false", false },
    };
    FOR_ROWS (rows, r) {
        struct signal_world w;
        struct client alice, bob;
        ROW(r->name);
        CHECK_ERR(OK, signal_open(&w, NULL));
        call_in_v1(&w, &alice, "alice", RECEIVING);
        say(&alice, MICROPHONE);
        say_sdp(&alice, "offer", SENDING("sendonly"), 2);
        call_in(&w, &bob, "bob", "", r->query);
        answer_offer(&bob);
        (void)heard(&bob);
        const struct room_member *m = room_find_member(room_directory_find(w.rooms, "r"), "bob");
        struct sfu_event e = { .type = SFU_EVENT_SUBSCRIPTION,
            .id = m->subscriptions->part.id,
            .subscription = SFU_SUBSCRIPTION_PAUSED };
        CHECK(fake_object(e.id)->wanted.may_pause == r->may_pause);
        room_directory_told(w.rooms, &e);
        CHECK_STR("streamStateUpdate", heard(&bob));
        CHECK(holds(&bob, "streamStateUpdate", "PAUSED"));
        CHECK(holds(&bob, "streamStateUpdate", m->subscriptions->sid));
        e.subscription = SFU_SUBSCRIPTION_RESUMED;
        room_directory_told(w.rooms, &e);
        CHECK_STR("streamStateUpdate", heard(&bob));
        CHECK(!holds(&bob, "streamStateUpdate", "PAUSED"));
        hang_up(&alice);
        hang_up(&bob);
        signal_close(&w);
    }
}

TEST(livekit_signal, does_what_each_verb_says) {
    static const struct {
        const char *name, *say;
        const char *alice; /* who says it hears this */
        const char *bob;
        const char *message, *member, *want; /* of what alice heard last */
    } rows[] = {
        { "ping", "{\"ping\":\"5\"}", "pong", "", NULL, NULL, NULL },
        { "ping_req", "{\"pingReq\":{\"timestamp\":\"77\"}}", "pongResp", "", "pongResp",
            "lastPingTimestamp", "77" },
        { "mute", "{\"mute\":{\"sid\":\"$\",\"muted\":true}}", "update", "update", NULL, NULL,
            NULL },
        { "mute another", "{\"mute\":{\"sid\":\"TR_x\",\"muted\":true}}", "requestResponse", "",
            "requestResponse", "reason", "NOT_FOUND" },
        { "trickle", "{\"trickle\":{\"candidateInit\":\"{}\"}}", "", "", NULL, NULL, NULL },
        { "trickle nonsense", "{\"trickle\":{\"candidateInit\":\"x\"}}", "requestResponse", "",
            "requestResponse", "reason", "UNCLASSIFIED_ERROR" },
        { "everybody may", "{\"subscriptionPermission\":{\"allParticipants\":true}}", "", "", NULL,
            NULL, NULL },
        { "nobody may", "{\"subscriptionPermission\":{}}", "",
            "subscriptionPermissionUpdate mediaSectionsRequirement", NULL, NULL, NULL },
        { "metadata", "{\"updateMetadata\":{\"metadata\":\"m\",\"requestId\":9}}",
            "update refreshToken requestResponse", "update", "requestResponse", "requestId", "9" },
        { "features", "{\"updateAudioTrack\":{\"trackSid\":\"$\",\"features\":[\"TF_STEREO\"]}}",
            "update", "update", NULL, NULL, NULL },
        { "features of none", "{\"updateAudioTrack\":{\"trackSid\":\"TR_x\"}}", "requestResponse",
            "", "requestResponse", "reason", "NOT_FOUND" },
        { "size of none", "{\"updateVideoTrack\":{\"trackSid\":\"TR_x\"}}", "requestResponse", "",
            "requestResponse", "reason", "NOT_FOUND" },
        { "data track", "{\"publishDataTrackRequest\":{\"pubHandle\":1,\"name\":\"d\"}}",
            "update publishDataTrackResponse", "update", NULL, NULL, NULL },
        { "a data blob", "{\"storeDataBlobRequest\":{\"requestId\":4}}", "requestResponse", "",
            "requestResponse", "requestId", "4" },
        { "a data blob, why not", "{\"storeDataBlobRequest\":{\"requestId\":4}}", "requestResponse",
            "", "requestResponse", "reason", "NOT_ALLOWED" },
        { "whose data blob", "{\"getDataBlobRequest\":{\"requestId\":4}}", "requestResponse", "",
            "requestResponse", "reason", "INVALID_REQUEST" },
        { "a blob of bob's", "{\"getDataBlobRequest\":{\"key\":{\"generic\":\"k\"}}}",
            "requestResponse", "", "requestResponse", "reason", "NOT_FOUND" },
        { "a data track's type", "{\"addTrack\":{\"cid\":\"d\",\"type\":\"DATA\"}}",
            "requestResponse", "", "requestResponse", "reason", "UNSUPPORTED_TYPE" },
        { "no id", "{\"addTrack\":{\"cid\":\"\"}}", "requestResponse", "", "requestResponse",
            "reason", "INVALID_REQUEST" },
        { "a second codec", "{\"addTrack\":{\"cid\":\"d\",\"sid\":\"$\"}}", "requestResponse", "",
            "requestResponse", "reason", "UNSUPPORTED_TYPE" },
        { "the same id again", MICROPHONE, "requestResponse", "", "requestResponse", "reason",
            "QUEUED" },
        { "settings", "{\"trackSetting\":{\"trackSids\":[\"TR_x\"],\"disabled\":true}}", "", "",
            NULL, NULL, NULL },
        { "begin anew", "{\"simulate\":{\"leaveRequestFullReconnect\":true}}", "leave",
            "update mediaSectionsRequirement", "leave", "action", "RECONNECT" },
        { "leave", "{\"leave\":{\"reason\":\"CLIENT_INITIATED\"}}", "leave",
            "update mediaSectionsRequirement", "leave", "reason", "CLIENT_INITIATED" },
        { "a broken offer", "{\"offer\":{\"type\":\"offer\",\"sdp\":\"x\"}}", "leave",
            "update mediaSectionsRequirement", "leave", "reason", "STATE_MISMATCH" },
        { "an answer that nobody asked for", "{\"answer\":{\"type\":\"answer\",\"sdp\":\"x\"}}", "",
            "", NULL, NULL, NULL },
        { "nothing at all", "{}", "", "", NULL, NULL, NULL },
    };
    FOR_ROWS (rows, r) {
        struct signal_world w;
        struct client alice, bob;
        struct buf text;
        char sid[ROOM_SID_SIZE];
        ROW(r->name);
        CHECK_ERR(OK, signal_open(&w, NULL));
        call_in_v1(&w, &alice, "alice", RECEIVING);
        say(&alice, MICROPHONE);
        say_sdp(&alice, "offer", SENDING("sendonly"), 2);
        connect_media(&w, "alice");
        call_in_v1(&w, &bob, "bob", RECEIVING);
        track_sid(&alice, sid);
        heard(&alice);
        heard(&bob);
        buf_init(&text, 0);
        for (const char *at = r->say; *at != '\0'; at++) {
            buf_put(&text, *at == '$' ? sid : at, *at == '$' ? strlen(sid) : 1);
        }
        say(&alice, buf_str(&text));
        CHECK_STR(r->alice, heard(&alice));
        CHECK_STR(r->bob, heard(&bob));
        if (r->message != NULL) {
            check_latest(&alice, r->message, r->member, r->want);
        }
        buf_finish(&text);
        hang_up(&alice);
        hang_up(&bob);
        signal_close(&w);
    }
}

TEST(livekit_signal, publishes_by_turns_what_has_one_id) {
    struct signal_world w;
    struct client alice;
    CHECK_ERR(OK, signal_open(&w, NULL));
    call_in(&w, &alice, "alice", "", "");
    say(&alice, MICROPHONE);
    say_sdp(&alice, "offer", CLASSIC("sendonly"), 1);
    heard(&alice);
    for (int i = 0; i < 3; i++) {
        say(&alice, MICROPHONE);
        check_latest(&alice, "requestResponse", "reason", "QUEUED");
    }
    say(&alice, MICROPHONE);
    check_latest(&alice, "requestResponse", "reason", "LIMIT_EXCEEDED");
    heard(&alice);
    say_sdp(&alice, "offer", CLASSIC("inactive"), 2);
    CHECK_STR("update trackPublished answer", heard(&alice));
    CHECK_INT(0, fake_count("track"));
    say_sdp(&alice, "offer", CLASSIC("sendonly"), 3);
    CHECK_STR("update answer", heard(&alice));
    CHECK_INT(1, fake_count("track"));
    hang_up(&alice);
    signal_close(&w);
}

TEST(livekit_signal, announces_no_more_than_its_limit) {
    struct signal_world w;
    struct client alice;
    char text[100];
    CHECK_ERR(OK, signal_open(&w, NULL));
    call_in(&w, &alice, "alice", ",\"canPublishSources\":[\"camera\"]", "");
    say(&alice, MICROPHONE);
    check_latest(&alice, "requestResponse", "reason", "NOT_ALLOWED");
    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof(text),
            "{\"addTrack\":{\"cid\":\"c%d\",\"type\":\"VIDEO\",\"source\":\"CAMERA\"}}", i);
        say(&alice, text);
    }
    heard(&alice);
    say(&alice, "{\"addTrack\":{\"cid\":\"z\",\"type\":\"VIDEO\",\"source\":\"CAMERA\"}}");
    CHECK_STR("requestResponse", heard(&alice));
    check_latest(&alice, "requestResponse", "reason", "LIMIT_EXCEEDED");
    hang_up(&alice);
    signal_close(&w);
}

TEST(livekit_signal, ends_sessions_in_order) {
    struct signal_world w;
    struct client alice, again, back;
    CHECK_ERR(OK, signal_open(&w, NULL));
    call_in(&w, &alice, "alice", "", "");
    heard(&alice);
    call_in(&w, &again, "alice", "", "");
    CHECK_STR("leave", heard(&alice));
    check_latest(&alice, "leave", "reason", "DUPLICATE_IDENTITY");
    CHECK_INT(HTTP_SOCKET_NORMAL, alice.socket.closed);
    CHECK_STR("join refreshToken update offer trickle", heard(&again));
    call_in(&w, &back, "alice", "", "&reconnect=1&sid=PA_x");
    CHECK_STR("leave", heard(&back));
    check_latest(&back, "leave", "action", "RECONNECT");
    check_latest(&back, "leave", "reason", "STATE_MISMATCH");
    lk_signal_drain(w.signal);
    CHECK_STR("leave", heard(&again));
    check_latest(&again, "leave", "reason", "SERVER_SHUTDOWN");
    hang_up(&alice);
    hang_up(&again);
    hang_up(&back);
    signal_close(&w);
}

/* A lost socket ends who was not connected; who was goes on until its media ends. */
TEST(livekit_signal, outlives_its_socket_while_media_flows) {
    struct signal_world w;
    struct client alice, bob;
    CHECK_ERR(OK, signal_open(&w, NULL));
    call_in(&w, &bob, "bob", "", "");
    call_in(&w, &alice, "alice", "", "");
    hang_up(&alice);
    CHECK_INT(1, fake_count("participant"));
    call_in(&w, &alice, "alice", "", "");
    connect_media(&w, "alice");
    hang_up(&alice);
    signal_wait(&w, 60 * SEC_US);
    CHECK_INT(1, fake_count("participant")); /* bob was never connected, and never answered */
    const struct room_member *m = room_find_member(room_directory_find(w.rooms, "r"), "alice");
    CHECK(m != NULL);
    const struct sfu_event end = fake_transport_event(
        m->transports[ROOM_DOWN].part.id, SFU_TRANSPORT_ENDED, SFU_END_SILENCE);
    room_directory_told(w.rooms, &end);
    CHECK_INT(0, fake_count("participant"));
    hang_up(&bob);
    signal_close(&w);
}

TEST(livekit_signal, refreshes_the_token) {
    struct signal_world w;
    struct client alice;
    struct lk_grant *g = NULL;
    CHECK_ERR(OK, signal_open(&w, NULL));
    call_in(&w, &alice, "alice", "", "");
    answer_offer(&alice);
    connect_media(&w, "alice");
    heard(&alice);
    signal_wait(&w, 301 * SEC_US);
    CHECK_STR("roomUpdate refreshToken", heard(&alice));
    json_t *m = NULL;
    for (size_t i = 0; i < alice.socket.n; i++) {
        if (strncmp(alice.socket.heard[i], "{\"refreshToken", 14) == 0) {
            json_decref(m);
            m = json_loads(alice.socket.heard[i], 0, NULL);
        }
    }
    const char *token = json_string_value(json_object_get(m, "refreshToken"));
    CHECK(token != NULL);
    CHECK_ERR(OK, lk_grant_from_jwt(token == NULL ? "" : token, w.keys, SIGNAL_NOW_S + 301, &g));
    CHECK_STR("alice", g->identity);
    CHECK_STR("r", g->video.room);
    lk_grant_destroy(g);
    json_decref(m);
    hang_up(&alice);
    signal_close(&w);
}

TEST(livekit_signal, lets_go_of_a_client_that_does_not_read_or_speak) {
    struct signal_world w;
    struct client slow, mute;
    CHECK_ERR(OK, signal_open(&w, NULL));
    call_in(&w, &slow, "slow", "", "");
    slow.socket.full = true;
    say(&slow, "{\"ping\":\"1\"}");
    CHECK_INT(HTTP_SOCKET_SLOW, slow.socket.closed);
    call_in(&w, &mute, "mute", "", "");
    mute.path->message(&mute.socket, mute.state, "\xff\xff", 2, true);
    CHECK_INT(HTTP_SOCKET_POLICY, mute.socket.closed);
    hang_up(&slow);
    hang_up(&mute);
    signal_close(&w);
}

/* Firefox names its tracks as it likes. */
TEST(livekit_signal, takes_the_oldest_track_of_a_client_that_invents_ids) {
    struct signal_world w;
    struct client alice;
    CHECK_ERR(OK, signal_open(&w, NULL));
    call_in(&w, &alice, "alice", "", "&browser=Firefox");
    say(&alice, "{\"addTrack\":{\"cid\":\"{other}\",\"source\":\"MICROPHONE\"}}");
    check_latest(&alice, "trackPublished", "cid", "{other}");
    say_sdp(&alice, "offer", CLASSIC("sendonly"), 1);
    CHECK_INT(1, fake_count("track"));
    hang_up(&alice);
    signal_close(&w);
}

TEST_ALLOC(livekit_signal, survives_no_memory) {
    struct signal_world w;
    struct client alice = { 0 };
    char text[200] = "";
    char target[1000];
    enum err e = signal_open(&w, NULL);
    char *token = NULL;
    if (e == OK) {
        e = token_of(&w,
            "{\"exp\":1700003600,\"sub\":\"a\",\"video\":{\"roomJoin\":true,\"room\":\"r\"}}",
            &token);
    }
    if (e == OK) {
        snprintf(target, sizeof(target), "/rtc?access_token=%s", token);
        e = knock(&w, &alice, target, NULL, text, sizeof(text)) == 101 ? OK : ERR_NOMEM;
    }
    hang_up(&alice);
    mem_free(token);
    signal_close(&w);
    return e;
}

TEST(livekit_signal, remembers_the_relays_of_a_client) {
    static const struct {
        const char *name, *candidate;
        unsigned relays;
    } rows[] = {
        { "host", "candidate:1 1 udp 2122260223 192.0.2.9 5000 typ host", 0 },
        { "relay", "candidate:3 1 udp 41885439 192.0.2.7 4000 typ relay raddr 0.0.0.0 rport 0", 1 },
        { "the end", "", 0 },
        { "nonsense", "candidate:relay", 0 },
    };
    FOR_ROWS (rows, r) {
        struct signal_world w;
        struct client alice;
        char text[200];
        ROW(r->name);
        CHECK_ERR(OK, signal_open(&w, NULL));
        call_in_v1(&w, &alice, "alice", RECEIVING);
        snprintf(text, sizeof(text),
            "{\"trickle\":{\"candidateInit\":\"{\\\"candidate\\\":\\\"%s\\\"}\"}}", r->candidate);
        say(&alice, text);
        CHECK_INT(
            r->relays, room_find_member(room_directory_find(w.rooms, "r"), "alice")->n_relays);
        hang_up(&alice);
        signal_close(&w);
    }
}
