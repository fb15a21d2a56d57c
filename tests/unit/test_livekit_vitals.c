/* speakers_changed and connection_quality, as clients read them. */
#include "livekit/vitals.h"

#include "livekit/session.h"
#include "rooms/vitals.h"
#include "signal_offers.h"
#include "signal_world.h"

static struct room_member *member(const struct signal_world *w, const char *identity) {
    return room_find_member(room_directory_find(w->rooms, "r"), identity);
}

/* Alice publishes, bob listens; what they are told from now on is of voices and qualities. */
static void begin(struct signal_world *w, struct client *alice, struct client *bob) {
    CHECK_ERR(OK, signal_open(w, NULL));
    call_in_v1(w, alice, "alice", RECEIVING);
    say(alice, MICROPHONE);
    say_sdp(alice, "offer", SENDING("sendonly"), 2);
    connect_media(w, "alice");
    call_in(w, bob, "bob", "", "");
    answer_offer(bob);
    connect_media(w, "bob");
    signal_wait(w, 6 * SEC_US);
    heard(alice);
    heard(bob);
}

static void end(struct signal_world *w, struct client *alice, struct client *bob) {
    hang_up(alice);
    hang_up(bob);
    signal_close(w);
}

static void speak(const struct signal_world *w, uint8_t eighths) {
    struct sfu_event e = { .type = SFU_EVENT_SPEAKERS, .id = member(w, "alice")->room->id };
    e.speakers.n = 1;
    e.speakers.voices[0] = (struct sfu_voice){ member(w, "alice")->id, eighths };
    room_directory_told(w->rooms, &e);
}

static void serve(struct signal_world *w, enum sfu_quality quality, float mos) {
    struct sfu_event e = { .type = SFU_EVENT_QUALITY, .id = member(w, "alice")->id };
    e.quality.quality = quality;
    e.quality.mos = mos;
    room_directory_told(w->rooms, &e);
    signal_wait(w, ROOM_VITALS_US);
}

/* The latest message of this name: its first entry, as compact JSON without the sid. */
static void check_entry(
    const struct client *c, const char *name, const char *list, const char *sid, const char *want) {
    json_t *m = latest(c, name);
    json_t *entry = json_array_get(json_object_get(m, list), 0);
    const char *of = json_string_value(json_object_get(entry, sid));
    char text[100] = "none";
    CHECK(of != NULL && strncmp(of, "PA_", 3) == 0);
    CHECK_INT(1, json_array_size(json_object_get(m, list)));
    json_object_del(entry, sid);
    const size_t n = json_dumpb(
        entry, text, sizeof(text) - 1, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(4));
    text[n] = '\0';
    CHECK_STR(want, text);
    json_decref(m);
}

TEST(livekit_vitals, who_speaks_is_told_in_steps_of_an_eighth) {
    static const struct {
        const char *name;
        uint8_t eighths;
        const char *want;
    } rows[] = {
        { "softly", 1, "{\"active\":true,\"level\":0.125}" },
        { "loud", 8, "{\"active\":true,\"level\":1}" },
        { "no more", 0, "{}" },
    };
    struct signal_world w;
    struct client alice, bob;
    begin(&w, &alice, &bob);
    FOR_ROWS (rows, r) {
        ROW(r->name);
        speak(&w, r->eighths);
        CHECK_STR("speakersChanged", heard(&alice));
        CHECK_STR("speakersChanged", heard(&bob));
        check_entry(&alice, "speakersChanged", "speakers", "sid", r->want);
        check_entry(&bob, "speakersChanged", "speakers", "sid", r->want);
    }
    end(&w, &alice, &bob);
}

TEST(livekit_vitals, nobody_is_told_that_it_is_lost_itself) {
    static const struct {
        const char *name;
        int32_t protocol; /* of bob's client */
        enum sfu_quality quality;
        float mos;
        const char *own, *others;
    } rows[] = {
        { "excellent", 17, SFU_QUALITY_EXCELLENT, 4.5F, "{\"quality\":\"EXCELLENT\",\"score\":4.5}",
            "{\"quality\":\"EXCELLENT\",\"score\":4.5}" },
        { "good", 17, SFU_QUALITY_GOOD, 3.5F, "{\"quality\":\"GOOD\",\"score\":3.5}",
            "{\"quality\":\"GOOD\",\"score\":3.5}" },
        { "poor", 17, SFU_QUALITY_POOR, 2, "{\"score\":2}", "{\"score\":2}" },
        { "lost", 17, SFU_QUALITY_LOST, 1, "{\"score\":1}", "{\"quality\":\"LOST\",\"score\":1}" },
        { "lost, for an old client", 9, SFU_QUALITY_LOST, 1, "{\"score\":1}", "{\"score\":1}" },
    };
    FOR_ROWS (rows, r) {
        struct signal_world w;
        struct client alice, bob;
        ROW(r->name);
        begin(&w, &alice, &bob);
        lk_session_of(member(&w, "bob"))->entry->protocol = r->protocol;
        serve(&w, r->quality, r->mos);
        CHECK_STR("connectionQuality", heard(&alice));
        CHECK_STR("connectionQuality", heard(&bob));
        check_entry(&alice, "connectionQuality", "updates", "participantSid", r->own);
        check_entry(&bob, "connectionQuality", "updates", "participantSid", r->others);
        end(&w, &alice, &bob);
    }
}
