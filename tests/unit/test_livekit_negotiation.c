/* Descriptions that cross: an offer that comes before its client has set it as its own (LiveKit's
 * Go SDK), and which section a listener finds a track in while others come and go faster than it
 * answers. */
#include "livekit/negotiation.h"
#include "signal_offers.h"
#include "signal_world.h"

#define CANDIDATE "{\"trickle\":{\"candidateInit\":\"{}\"}}"

static void join_early(const struct signal_world *w, struct client *c) {
    Lk__JoinRequest j = LK__JOIN_REQUEST__INIT;
    Lk__ClientInfo info = LK__CLIENT_INFO__INIT;
    Lk__SessionDescription offer = LK__SESSION_DESCRIPTION__INIT;
    info.sdk = LK__CLIENT_INFO__SDK__GO;
    offer.sdp = (char *)RECEIVING;
    offer.id = 1;
    j.client_info = &info;
    j.publisher_offer = &offer;
    call_in_by(w, c, "gopher", &j);
    CHECK_STR("join refreshToken update", heard(c));
}

static int answers(const struct client *c) {
    int n = 0;
    for (size_t i = 0; i < c->socket.n; i++) {
        n += strncmp(c->socket.heard[i], "{\"answer\"", 9) == 0;
    }
    return n;
}

TEST(livekit_negotiation, holds_an_offer_until_its_answer_can_be_taken) {
    static const struct {
        const char *name;
        const char *says; /* NULL = nothing */
        bool offers;
        const char *answered;
    } rows[] = {
        { "a candidate", CANDIDATE, false, "1" },
        { "nothing for a second", NULL, false, "1" },
        { "another offer", NULL, true, "2" },
    };
    FOR_ROWS (rows, r) {
        struct signal_world w;
        struct client gopher;
        ROW(r->name);
        CHECK_ERR(OK, signal_open(&w, NULL));
        join_early(&w, &gopher);
        signal_wait(&w, LK_OFFER_HOLD_US / 2);
        CHECK_INT(0, answers(&gopher));
        if (r->says != NULL) {
            say(&gopher, r->says);
        } else if (r->offers) {
            say_sdp(&gopher, "offer", RECEIVING, 2);
        } else {
            signal_wait(&w, LK_OFFER_HOLD_US);
        }
        CHECK_INT(1, answers(&gopher));
        check_latest(&gopher, "answer", "id", r->answered);
        say(&gopher, CANDIDATE);
        signal_wait(&w, 2 * LK_OFFER_HOLD_US);
        CHECK_INT(1, answers(&gopher));
        hang_up(&gopher);
        signal_close(&w);
    }
}

TEST(livekit_negotiation, forgets_a_held_offer_with_its_client) {
    struct signal_world w;
    struct client gopher;
    const uint64_t before = mem_live();
    CHECK_ERR(OK, signal_open(&w, NULL));
    join_early(&w, &gopher);
    hang_up(&gopher);
    signal_wait(&w, 2 * LK_OFFER_HOLD_US);
    signal_close(&w);
    CHECK_INT(before, mem_live());
}

/* --- offers of ours --- */

TEST(livekit_negotiation, waits_for_the_answer_of_a_client_that_has_no_time) {
    static const struct {
        const char *name;
        int64_t ping_s; /* that often; 0 = never */
        int64_t gone_s; /* from the offer */
    } rows[] = {
        { "one that says other things", 5, 15 },
        { "one that says other things at last", 31, 35 },
        { "one that says nothing", 0, 65 },
    };
    FOR_ROWS (rows, r) {
        struct signal_world w;
        struct client bob;
        int64_t s = 0;
        ROW(r->name);
        CHECK_ERR(OK, signal_open(&w, NULL));
        call_in(&w, &bob, "bob", "", "");
        connect_media(&w, "bob");
        for (; s < 100 && bob.socket.closed == 0; s++) {
            signal_wait(&w, SEC_US);
            if (r->ping_s != 0 && s % r->ping_s == r->ping_s - 1) {
                say(&bob, "{\"ping\":\"1\"}");
            }
        }
        CHECK_INT(r->gone_s, s);
        check_latest(&bob, "leave", "reason", "STATE_MISMATCH");
        hang_up(&bob);
        signal_close(&w);
    }
}

/* --- sections --- */

#define RECEIVING_TWO                                                                              \
    BEGIN("0 1 2 3")                                                                               \
    AUDIO("0", "recvonly")                                                                         \
    VIDEO("1", "recvonly")                                                                         \
    DATA("2")                                                                                      \
    AUDIO("3", "recvonly")

/* alice's microphone goes, carol's comes, and bob has not been told of either yet. */
struct call {
    struct signal_world w;
    struct client alice, bob, carol;
};

static void speak(struct call *c, struct client *who, const char *name, const char *offer) {
    call_in(&c->w, who, name, "", "");
    say(who, MICROPHONE);
    say_sdp(who, "offer", offer, 1);
}

static void end(struct call *c) {
    hang_up(&c->alice);
    hang_up(&c->bob);
    hang_up(&c->carol);
    signal_close(&c->w);
}

/* The section that the latest description of this name has a track in; of several the last. */
static void check_section(const struct client *c, const char *name, const char *mid) {
    const char *key = NULL, *last = "none";
    json_t *sid = NULL;
    json_t *m = latest(c, name);
    json_object_foreach(json_object_get(m, "midToTrackId"), key, sid) {
        last = key;
    }
    CHECK_STR(mid, last);
    json_decref(m);
}

TEST(livekit_negotiation, offers_a_section_that_no_other_track_is_seen_in) {
    struct call c;
    CHECK_ERR(OK, signal_open(&c.w, NULL));
    call_in(&c.w, &c.bob, "bob", "", "");
    answer_offer(&c.bob);
    speak(&c, &c.alice, "alice", CLASSIC("sendonly"));
    signal_wait(&c.w, SEC_US);
    answer_offer(&c.bob);
    check_section(&c.bob, "offer", "1");
    say_sdp(&c.alice, "offer", CLASSIC("inactive"), 2);
    speak(&c, &c.carol, "carol", CLASSIC("sendonly"));
    signal_wait(&c.w, SEC_US);
    answer_offer(&c.bob);
    check_section(&c.bob, "offer", "2");
    /* The next one finds the first section free. */
    say(&c.alice, "{\"addTrack\":{\"cid\":\"mic\",\"source\":\"MICROPHONE\"}}");
    say_sdp(&c.alice, "offer", CLASSIC("sendonly"), 3);
    signal_wait(&c.w, SEC_US);
    json_t *offer = latest(&c.bob, "offer");
    CHECK_INT(2, json_object_size(json_object_get(offer, "midToTrackId")));
    CHECK(json_object_get(json_object_get(offer, "midToTrackId"), "1") != NULL);
    json_decref(offer);
    end(&c);
}

TEST(livekit_negotiation, answers_in_a_section_that_no_other_track_is_seen_in) {
    struct call c;
    CHECK_ERR(OK, signal_open(&c.w, NULL));
    speak(&c, &c.alice, "alice", CLASSIC("sendonly"));
    call_in_v1(&c.w, &c.bob, "bob", RECEIVING);
    check_section(&c.bob, "answer", "0");
    say_sdp(&c.alice, "offer", CLASSIC("inactive"), 2);
    speak(&c, &c.carol, "carol", CLASSIC("sendonly"));
    heard(&c.bob);
    say_sdp(&c.bob, "offer", RECEIVING, 2);
    CHECK_STR("answer mediaSectionsRequirement", heard(&c.bob));
    check_section(&c.bob, "answer", "none");
    check_latest(&c.bob, "mediaSectionsRequirement", "numAudios", "1");
    say_sdp(&c.bob, "offer", RECEIVING_TWO, 3);
    CHECK_STR("answer", heard(&c.bob));
    check_section(&c.bob, "answer", "0");
    end(&c);
}

TEST(livekit_negotiation, asks_again_who_added_a_section_while_another_track_came) {
    struct call c;
    CHECK_ERR(OK, signal_open(&c.w, NULL));
    call_in_v1(&c.w, &c.bob, "bob", BEGIN("2") DATA("2"));
    speak(&c, &c.alice, "alice", CLASSIC("sendonly"));
    check_latest(&c.bob, "mediaSectionsRequirement", "numAudios", "1");
    speak(&c, &c.carol, "carol", CLASSIC("sendonly"));
    heard(&c.bob);
    say_sdp(&c.bob, "offer", RECEIVING, 2);
    CHECK_STR("answer mediaSectionsRequirement", heard(&c.bob));
    say_sdp(&c.bob, "offer", RECEIVING_TWO, 3);
    CHECK_STR("answer", heard(&c.bob));
    check_section(&c.bob, "answer", "3");
    CHECK_INT(2, fake_count("subscription"));
    end(&c);
}
