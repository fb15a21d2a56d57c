/* A client comes back, in each mode: what it is told, what it may say, and who else hears of it. */
#include "livekit/resume.h"

#include "rooms/publication.h"
#include "signal_offers.h"
#include "signal_world.h"

static struct room_member *member(const struct signal_world *w, const char *identity) {
    struct room *room = room_directory_find(w->rooms, "r");
    return room == NULL ? NULL : room_find_member(room, identity);
}

/* The SFU has heard `last` data messages of it. */
static void tell_sequence(const struct signal_world *w, const char *identity, uint32_t last) {
    const struct sfu_event e = {
        .type = SFU_EVENT_SEQUENCE, .id = member(w, identity)->id, .sequence = last
    };
    room_directory_told(w->rooms, &e);
}

static void come_back(const struct signal_world *w, struct client *c, const char *identity,
    bool single, const char *sid) {
    if (single) {
        Lk__JoinRequest j = LK__JOIN_REQUEST__INIT;
        j.reconnect = true;
        j.participant_sid = (char *)sid;
        call_in_by(w, c, identity, &j);
    } else {
        char query[100];
        snprintf(query, sizeof(query), "&reconnect=1&sid=%s", sid);
        call_in(w, c, identity, "", query);
    }
}

/* Alice publishes, bob listens and publishes nothing; both are connected. */
struct call {
    struct signal_world w;
    struct client alice, bob;
    char sid[ROOM_SID_SIZE];   /* alice's */
    char track[ROOM_SID_SIZE]; /* … and her microphone's */
};

static void begin(struct call *c, bool single) {
    CHECK_ERR(OK, signal_open(&c->w, NULL));
    if (single) {
        call_in_v1(&c->w, &c->alice, "alice", RECEIVING);
    } else {
        call_in(&c->w, &c->alice, "alice", "", "");
        answer_offer(&c->alice);
    }
    say(&c->alice, MICROPHONE);
    track_sid(&c->alice, c->track);
    say_sdp(&c->alice, "offer", single ? SENDING("sendonly") : CLASSIC("sendonly"), 2);
    connect_media(&c->w, "alice");
    call_in_v1(&c->w, &c->bob, "bob", RECEIVING);
    connect_media(&c->w, "bob");
    memcpy(c->sid, member(&c->w, "alice")->sid, sizeof(c->sid));
    signal_wait(&c->w, 6 * SEC_US); /* the numbers of the room were told */
    heard(&c->alice);
    heard(&c->bob);
}

static void end(struct call *c) {
    hang_up(&c->alice);
    hang_up(&c->bob);
    signal_close(&c->w);
}

TEST(livekit_resume, is_told_all_in_the_recorded_order) {
    static const struct {
        const char *name;
        bool single;
        const char *want;
    } rows[] = {
        { "one connection", true, "reconnect update roomUpdate refreshToken trackSubscribed" },
        { "two", false, "reconnect update roomUpdate refreshToken trackSubscribed offer trickle" },
    };
    FOR_ROWS (rows, r) {
        struct call c;
        ROW(r->name);
        begin(&c, r->single);
        const struct room_member *m = member(&c.w, "alice");
        const sfu_id down = m->transports[ROOM_DOWN].part.id;
        hang_up(&c.alice);
        come_back(&c.w, &c.alice, "alice", r->single, c.sid);
        say(&c.alice, "{\"ping\":\"5\"}"); /* too early */
        CHECK_STR("", heard(&c.alice));
        CHECK_INT(1, fake_object(m->id)->asked);
        tell_sequence(&c.w, "alice", 41);
        CHECK_STR(r->want, heard(&c.alice));
        check_latest(&c.alice, "reconnect", "lastMessageSeq", "41");
        json_t *json = latest(&c.alice, "reconnect");
        CHECK(json_object_get(json, "serverInfo") != NULL);
        json_decref(json);
        json = latest(&c.alice, "update");
        CHECK_INT(2, json_array_size(json_object_get(json, "participants")));
        json_decref(json);
        CHECK_STR("", heard(&c.bob));
        CHECK(m == member(&c.w, "alice") && m->state == ROOM_ACTIVE);
        CHECK_STR(c.sid, m->sid);
        CHECK_INT(1, fake_count("track"));
        CHECK_INT(1, fake_count("subscription"));
        CHECK(r->single || fake_object(down)->restarted);
        say(&c.alice, "{\"ping\":\"5\"}");
        CHECK_STR("pong", heard(&c.alice));
        end(&c);
    }
}

/* As it was read from an answer or an offer of ours. */
static void ufrag(const struct client *c, const char *name, char *ret, size_t size) {
    json_t *m = latest(c, name);
    const char *sdp = json_string_value(json_object_get(m, "sdp"));
    const char *at = sdp == NULL ? NULL : strstr(sdp, "a=ice-ufrag:");
    snprintf(ret, size, "%.*s", at == NULL ? 0 : (int)strcspn(at, "\r"), at == NULL ? "" : at);
    json_decref(m);
}

/* The same description by a client that restarts ICE. */
static void say_restarted(struct client *c, const char *sdp, unsigned id) {
    static const char before[] = "ice-ufrag:Qgtc", after[] = "ice-ufrag:Anew";
    struct buf text;
    buf_init(&text, 0);
    for (const char *at = sdp; *at != '\0';) {
        const bool found = strncmp(at, before, sizeof(before) - 1) == 0;
        buf_put(&text, found ? after : at, found ? sizeof(after) - 1 : 1);
        at += found ? sizeof(before) - 1 : 1;
    }
    say_sdp(c, "offer", buf_str(&text), id);
    buf_finish(&text);
}

/* Each way gets new credentials of ours, once, and the client hears where to find us again. */
TEST(livekit_resume, restarts_ice) {
    struct call c;
    char before[100], after[100];
    for (int single = 0; single < 2; single++) {
        ROW(single ? "one connection" : "two");
        begin(&c, single != 0);
        const struct room_member *m = member(&c.w, "alice");
        ufrag(&c.alice, single ? "answer" : "offer", before, sizeof(before));
        hang_up(&c.alice);
        come_back(&c.w, &c.alice, "alice", single != 0, c.sid);
        tell_sequence(&c.w, "alice", 0);
        heard(&c.alice);
        if (!single) {
            ufrag(&c.alice, "offer", after, sizeof(after));
            CHECK(before[0] != '\0' && after[0] != '\0' && strcmp(before, after) != 0);
            fake_object(m->transports[ROOM_DOWN].part.id)->connected = false;
            answer_offer(&c.alice);
            CHECK(fake_object(m->transports[ROOM_DOWN].part.id)->connected);
        }
        CHECK(!fake_object(m->transports[ROOM_UP].part.id)->restarted);
        say_restarted(&c.alice, single ? SENDING("sendonly") : CLASSIC("sendonly"), 7);
        CHECK_STR("answer trickle", heard(&c.alice));
        check_latest(&c.alice, "answer", "id", "7");
        ufrag(&c.alice, "answer", after, sizeof(after));
        CHECK(before[0] != '\0' && strcmp(before, after) != 0);
        CHECK(fake_object(m->transports[ROOM_UP].part.id)->restarted);
        CHECK_INT(1, fake_count("track"));
        CHECK_STR("", heard(&c.bob));
        signal_wait(&c.w, 20 * SEC_US); /* no answer is waited for any more */
        CHECK(member(&c.w, "alice") == m);
        end(&c);
    }
}

/* An HTTP error would end some clients for good, so it is a message that sends them away. */
TEST(livekit_resume, is_refused_to_who_is_not_the_same) {
    static const struct {
        const char *name, *identity;
        bool single, others_sid, blind;
        bool stays; /* the one that is there */
    } rows[] = {
        { "the same", "alice", true, false, false, true },
        { "unknown", "carl", true, false, false, true },
        { "one who was replaced", "alice", true, true, false, true },
        { "another number of connections", "alice", false, false, false, true },
        { "nobody remembers who has left", "alice", true, false, true, true },
    };
    FOR_ROWS (rows, r) {
        struct call c;
        struct client back;
        const bool same = r == rows;
        ROW(r->name);
        begin(&c, true);
        if (r->blind) {
            member(&c.w, "alice")->room->departed_from_us = INT64_MAX;
        }
        come_back(&c.w, &back, r->identity, r->single, r->others_sid ? "PA_other" : c.sid);
        CHECK_STR(same ? "" : "leave", heard(&back));
        if (!same) {
            check_latest(&back, "leave", "action", "RECONNECT");
            check_latest(&back, "leave", "reason", "STATE_MISMATCH");
            CHECK_INT(HTTP_SOCKET_NORMAL, back.socket.closed);
        }
        CHECK_INT(same ? HTTP_SOCKET_NORMAL : 0, c.alice.socket.closed);
        CHECK_INT(r->stays, member(&c.w, "alice") != NULL);
        CHECK_STR("", heard(&c.bob));
        hang_up(&back);
        end(&c);
    }
}

/* The old socket may still stand, and closes whenever it likes. */
TEST(livekit_resume, replaces_a_socket_that_nobody_knew_to_be_lost) {
    struct call c;
    struct client back;
    begin(&c, true);
    come_back(&c.w, &back, "alice", true, "");
    CHECK_INT(HTTP_SOCKET_NORMAL, c.alice.socket.closed);
    say(&c.alice, "{\"leave\":{}}");
    CHECK_STR("", heard(&c.alice));
    tell_sequence(&c.w, "alice", 3);
    CHECK_STR("reconnect update roomUpdate refreshToken trackSubscribed", heard(&back));
    hang_up(&c.alice);
    say(&back, "{\"ping\":\"5\"}");
    CHECK_STR("pong", heard(&back));
    CHECK_STR("", heard(&c.bob));
    tell_sequence(&c.w, "alice", 4); /* nobody asked */
    CHECK_STR("", heard(&back));
    hang_up(&back);
    come_back(&c.w, &back, "alice", true, c.sid); /* and once more, lost before it was answered */
    hang_up(&back);
    tell_sequence(&c.w, "alice", 5);
    come_back(&c.w, &back, "alice", true, c.sid);
    signal_wait(&c.w, LK_RESUME_WAIT_US - SEC_US / 2);
    CHECK_STR("", heard(&back));
    signal_wait(&c.w, SEC_US); /* the SFU says nothing: then without its number */
    CHECK_STR("reconnect update roomUpdate refreshToken trackSubscribed", heard(&back));
    check_latest(&back, "reconnect", "lastMessageSeq", "");
    hang_up(&back);
    end(&c);
}

TEST(livekit_resume, hears_who_came_and_went) {
    struct call c;
    struct client carl, bob2;
    begin(&c, true);
    call_in_v1(&c.w, &carl, "carl", RECEIVING);
    heard(&c.alice);
    hang_up(&c.alice);
    say(&carl, "{\"leave\":{}}");
    call_in_v1(&c.w, &bob2, "bob", RECEIVING); /* in place of the first */
    come_back(&c.w, &c.alice, "alice", true, c.sid);
    tell_sequence(&c.w, "alice", 0);
    json_t *update = latest(&c.alice, "update");
    const json_t *list = json_object_get(update, "participants");
    char said[200] = "";
    size_t i;
    const json_t *one;
    json_array_foreach(list, i, one) {
        const char *state = json_string_value(json_object_get(one, "state"));
        snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s %s; ",
            json_string_value(json_object_get(one, "identity")), state == NULL ? "-" : state);
    }
    CHECK_STR("carl DISCONNECTED; alice ACTIVE; bob JOINED; ", said);
    json_decref(update);
    hang_up(&carl);
    hang_up(&bob2);
    end(&c);
}

/* What was told to a lost socket may not have come. */
TEST(livekit_resume, hears_again_of_its_tracks) {
    struct call c;
    begin(&c, true);
    struct room_publication *p = member(&c.w, "alice")->publications;
    room_publication_silence(p);
    CHECK_STR("update mute", heard(&c.alice));
    hang_up(&c.alice);
    come_back(&c.w, &c.alice, "alice", true, c.sid);
    tell_sequence(&c.w, "alice", 0);
    CHECK_STR("reconnect update roomUpdate refreshToken trackSubscribed mute", heard(&c.alice));
    char text[100];
    snprintf(text, sizeof(text), "{\"mute\":{\"sid\":\"%s\",\"muted\":true}}", c.track);
    say(&c.alice, text);
    hang_up(&c.alice);
    come_back(&c.w, &c.alice, "alice", true, c.sid);
    tell_sequence(&c.w, "alice", 0);
    CHECK_STR("reconnect update roomUpdate refreshToken trackSubscribed", heard(&c.alice));
    const struct room_member *bob = member(&c.w, "bob");
    char sid[ROOM_SID_SIZE];
    memcpy(sid, bob->sid, sizeof(sid));
    hang_up(&c.bob);
    come_back(&c.w, &c.bob, "bob", true, sid);
    tell_sequence(&c.w, "bob", 0);
    CHECK_STR(
        "reconnect update roomUpdate refreshToken subscriptionPermissionUpdate", heard(&c.bob));
    end(&c);
}

/* `$`: the sid of alice's track. */
TEST(livekit_resume, compares_what_the_client_knows) {
    static const struct {
        const char *name, *who, *state, *want;
        bool subscribed, disabled;
    } rows[] = {
        { "all as it was", "alice",
            "{\"publishTracks\":[{\"cid\":\"mic\",\"track\":{\"sid\":\"$\"}}]}", "", true, false },
        { "a track it has not heard of", "alice", "{}", "trackPublished", true, false },
        { "a track that is gone", "alice",
            "{\"publishTracks\":[{\"cid\":\"mic\",\"track\":{\"sid\":\"$\"}},{\"cid\":\"x\","
            "\"track\":"
            "{\"sid\":\"TR_VCx\"}}]}",
            "leave", false, false },
        { "a data track that is gone", "alice",
            "{\"publishTracks\":[{\"cid\":\"mic\",\"track\":{\"sid\":\"$\"}}],"
            "\"publishDataTracks\":[{\"info\":{\"sid\":\"DTR_x\"}}]}",
            "leave", false, false },
        { "a data track without a word of it", "alice",
            "{\"publishTracks\":[{\"cid\":\"mic\",\"track\":{\"sid\":\"$\"}}],"
            "\"publishDataTracks\":[{}]}",
            "leave", false, false },
        { "a listener", "bob", "{\"subscription\":{}}", "", true, false },
        { "wants no track", "bob", "{\"subscription\":{\"trackSids\":[\"$\"]}}",
            "mediaSectionsRequirement", false, false },
        { "hides a track", "bob", "{\"trackSidsDisabled\":[\"$\",\"TR_VCx\"]}", "", true, true },
        { "has seen messages", "bob",
            "{\"datachannelReceiveStates\":[{\"publisherSid\":\"PA_a\",\"lastSeq\":7},"
            "{\"publisherSid\":\"PA_far_longer_than_any_name_of_a_participant_is\",\"lastSeq\":7}]"
            "}",
            "", true, false },
    };
    FOR_ROWS (rows, r) {
        struct call c;
        struct buf text;
        char sid[ROOM_SID_SIZE];
        ROW(r->name);
        begin(&c, true);
        struct client *who = strcmp(r->who, "bob") == 0 ? &c.bob : &c.alice;
        memcpy(sid, member(&c.w, r->who)->sid, sizeof(sid));
        hang_up(who);
        come_back(&c.w, who, r->who, true, sid);
        tell_sequence(&c.w, r->who, 0);
        if (who == &c.bob) {
            say_restarted(who, RECEIVING, 2);
        }
        heard(who);
        buf_init(&text, 0);
        buf_puts(&text, "{\"syncState\":");
        for (const char *at = r->state; *at != '\0'; at++) {
            buf_put(&text, *at == '$' ? c.track : at, *at == '$' ? strlen(c.track) : 1);
        }
        buf_puts(&text, "}");
        say(who, buf_str(&text));
        CHECK_STR(r->want, heard(who));
        CHECK_INT(r->subscribed, fake_count("subscription"));
        for (sfu_id i = 1; i <= fake_sfu.last; i++) {
            const struct fake_object *o = fake_object(i);
            CHECK(!o->open || strcmp(o->type, "subscription") != 0 ||
                  o->wanted.disabled == r->disabled);
        }
        if (strcmp(r->want, "leave") == 0) {
            check_latest(who, "leave", "action", "RECONNECT");
            CHECK(member(&c.w, "alice") == NULL);
        } else {
            say(who, buf_str(&text)); /* counts once */
            CHECK_STR("", heard(who));
        }
        buf_finish(&text);
        end(&c);
    }
}

/* Its media may come by another way, so it is made to look for one; the others hear of nothing. */
/* Data tracks and handles stay; what was said to the lost socket is said again. */
TEST(livekit_resume, keeps_data_tracks) {
    static const struct {
        const char *name;
        bool listed; /* the client knows that it publishes it */
        const char *want;
    } rows[] = {
        { "as it was", true, "" },
        { "the answer was lost", false, "publishDataTrackResponse" },
    };
    FOR_ROWS (rows, r) {
        struct call c;
        char sid[ROOM_SID_SIZE], text[300];
        ROW(r->name);
        begin(&c, true);
        say(&c.alice, "{\"publishDataTrackRequest\":{\"pubHandle\":7,\"name\":\"pose\"}}");
        memcpy(sid, member(&c.w, "alice")->data_tracks->sid, sizeof(sid));
        snprintf(text, sizeof(text),
            "{\"updateDataSubscription\":{\"updates\":[{\"trackSid\":\"%s\",\"subscribe\":true}]}}",
            sid);
        say(&c.bob, text);
        CHECK_STR("update dataTrackSubscriberHandles", heard(&c.bob));
        hang_up(&c.alice);
        come_back(&c.w, &c.alice, "alice", true, c.sid);
        tell_sequence(&c.w, "alice", 0);
        CHECK_STR("reconnect update roomUpdate refreshToken trackSubscribed", heard(&c.alice));
        snprintf(text, sizeof(text),
            "{\"syncState\":{\"publishTracks\":[{\"track\":{\"sid\":\"%s\"}}],"
            "\"publishDataTracks\":[%s%s%s]}}",
            c.track, r->listed ? "{\"info\":{\"sid\":\"" : "", r->listed ? sid : "",
            r->listed ? "\"}}" : "");
        say(&c.alice, text);
        CHECK_STR(r->want, heard(&c.alice));
        memcpy(text, member(&c.w, "bob")->sid, ROOM_SID_SIZE);
        hang_up(&c.bob);
        come_back(&c.w, &c.bob, "bob", true, text);
        tell_sequence(&c.w, "bob", 0);
        CHECK_STR("reconnect update roomUpdate refreshToken subscriptionPermissionUpdate "
                  "dataTrackSubscriberHandles",
            heard(&c.bob));
        CHECK_INT(1, fake_count("data track"));
        CHECK_INT(1, fake_count("data subscription"));
        end(&c);
    }
}

TEST(livekit_resume, is_brought_about_when_media_is_silent) {
    struct call c;
    begin(&c, true);
    const struct room_member *m = member(&c.w, "alice");
    struct sfu_event e =
        fake_transport_event(m->transports[ROOM_ONLY].part.id, SFU_TRANSPORT_LOST, SFU_END_NONE);
    room_directory_told(c.w.rooms, &e);
    CHECK_STR("", heard(&c.alice));
    CHECK_INT(HTTP_SOCKET_GOING_AWAY, c.alice.socket.closed);
    hang_up(&c.alice);
    room_directory_told(c.w.rooms, &e); /* nobody hears it */
    come_back(&c.w, &c.alice, "alice", true, c.sid);
    tell_sequence(&c.w, "alice", 0);
    CHECK_STR("reconnect update roomUpdate refreshToken trackSubscribed", heard(&c.alice));
    CHECK_STR("", heard(&c.bob));
    CHECK(member(&c.w, "alice") == m);
    hang_up(&c.alice);
    e.transport.state = SFU_TRANSPORT_ENDED; /* it does not come back this time */
    e.transport.end = SFU_END_SILENCE;
    room_directory_told(c.w.rooms, &e);
    CHECK_STR("update mediaSectionsRequirement", heard(&c.bob));
    CHECK_INT(1, fake_count("participant"));
    end(&c);
}

/* The next return is with the newest token, and rights are those of the membership. */
TEST(livekit_resume, keeps_rights_and_renews_the_token) {
    struct call c;
    struct lk_grant *g = NULL;
    begin(&c, true);
    struct room_grant rights = member(&c.w, "alice")->grant;
    rights.publish_data = false;
    room_member_permit(member(&c.w, "alice"), &rights);
    hang_up(&c.alice);
    come_back(&c.w, &c.alice, "alice", true, c.sid);
    tell_sequence(&c.w, "alice", 0);
    CHECK(!member(&c.w, "alice")->grant.publish_data);
    json_t *m = NULL;
    for (size_t i = 0; i < c.alice.socket.n; i++) {
        if (strncmp(c.alice.socket.heard[i], "{\"refreshToken", 14) == 0) {
            json_decref(m);
            m = json_loads(c.alice.socket.heard[i], 0, NULL);
        }
    }
    const char *token = json_string_value(json_object_get(m, "refreshToken"));
    CHECK_ERR(OK, lk_grant_from_jwt(token == NULL ? "" : token, c.w.keys, SIGNAL_NOW_S, &g));
    CHECK_STR("alice", g->identity);
    CHECK_STR("r", g->video.room);
    CHECK_INT(LK_NO, g->video.can_publish_data);
    lk_grant_destroy(g);
    json_decref(m);
    end(&c);
}
