/* Who is told who speaks, and how well whom is served. */
#include "rooms/vitals.h"

#include "rooms_world.h"

struct call {
    struct world w;
    struct guest alice, bob, carol; /* carol receives nothing by herself */
    struct room_publication *voice; /* alice's */
};

static void begin(struct call *c) {
    const struct room_member_config carol = { .identity = "carol", .grant = all_rights };
    CHECK_ERR(OK, world_open(&c->w, NULL));
    enter(&c->w, &c->alice, "alice");
    enter(&c->w, &c->bob, "bob");
    CHECK_ERR(OK, try_join(&c->w, &c->carol, &carol));
    c->voice = publish(&c->alice, "voice", RTC_AUDIO);
    world_wait(&c->w, 2 * ROOM_NEWS_US); /* the numbers of the room were told */
    forget_heard(&c->alice);
    forget_heard(&c->bob);
    forget_heard(&c->carol);
}

static void end(struct call *c) {
    world_close(&c->w);
    CHECK_INT(0, fake_count("room"));
    guest_finish(&c->alice);
    guest_finish(&c->bob);
    guest_finish(&c->carol);
}

static void speak(const struct call *c, const struct room *room, sfu_id who, uint8_t eighths) {
    struct sfu_event e = { .type = SFU_EVENT_SPEAKERS, .id = room->id };
    e.speakers.n = 1;
    e.speakers.voices[0] = (struct sfu_voice){ who, eighths };
    room_directory_told(c->w.rooms, &e);
}

static void serve(
    const struct call *c, const struct guest *g, enum sfu_quality quality, float mos) {
    struct sfu_event e = { .type = SFU_EVENT_QUALITY, .id = g->m->id };
    e.quality.quality = quality;
    e.quality.mos = mos;
    room_directory_told(c->w.rooms, &e);
}

TEST(rooms_vitals, a_voice_is_told_to_who_receives_it_and_to_itself) {
    struct call c;
    begin(&c);
    const struct room *room = c.alice.m->room;
    const sfu_id alice = c.alice.m->id;
    speak(&c, room, alice, 3);
    CHECK_HEARD("voice alice 3", &c.alice);
    CHECK_HEARD("voice alice 3", &c.bob);
    CHECK_HEARD("", &c.carol);
    speak(&c, room, alice, 0);
    CHECK_HEARD("voice alice 0", &c.alice);
    CHECK_HEARD("voice alice 0", &c.bob);
    speak(&c, room, alice + 1000, 3); /* who has left meanwhile */
    speak(&c, room, c.voice->part.id, 3);
    CHECK_HEARD("", &c.bob);
    end(&c);
}

TEST(rooms_vitals, who_begins_to_receive_is_told_and_who_ends_too) {
    struct call c;
    begin(&c);
    speak(&c, c.alice.m->room, c.alice.m->id, 5);
    serve(&c, &c.alice, SFU_QUALITY_GOOD, 3.5F);
    world_wait(&c.w, SEC_US);
    CHECK_HEARD("", &c.carol);
    CHECK_ERR(OK, room_subscribe(c.carol.m, c.voice->track.sid, true));
    CHECK_HEARD("permission voice 1; subscribe voice #1; voice alice 5; is alice 1", &c.carol);
    CHECK_ERR(OK, room_subscribe(c.carol.m, c.voice->track.sid, false));
    CHECK_HEARD("unsubscribe voice #1; voice alice 0", &c.carol);
    /* The second track of the same says nothing new, and the end of one of two neither. */
    forget_heard(&c.bob);
    struct room_publication *camera = publish(&c.alice, "camera", RTC_VIDEO);
    CHECK_HEARD("member alice active v4; permission camera 1; subscribe camera #2", &c.bob);
    room_unpublish(camera, false);
    CHECK_HEARD("unsubscribe camera #2; member alice active v5", &c.bob);
    room_unpublish(c.voice, false);
    CHECK_HEARD("unsubscribe voice #1; voice alice 0; member alice active v6", &c.bob);
    end(&c);
}

TEST(rooms_vitals, qualities_of_a_round_are_told_together) {
    struct call c;
    begin(&c);
    serve(&c, &c.alice, SFU_QUALITY_EXCELLENT, 4.5F);
    serve(&c, &c.bob, SFU_QUALITY_POOR, 2);
    serve(&c, &c.carol, SFU_QUALITY_LOST, 1);
    CHECK_HEARD("", &c.bob);
    world_wait(&c.w, ROOM_VITALS_US);
    CHECK_HEARD("is alice 2", &c.alice); /* of bob she receives nothing */
    CHECK_HEARD("is alice 2; is bob 0", &c.bob);
    CHECK_HEARD("is carol 3", &c.carol);
    world_wait(&c.w, SFU_STATS_US);
    CHECK_HEARD("", &c.bob);
    serve(&c, &c.alice, SFU_QUALITY_GOOD, 3);
    world_wait(&c.w, ROOM_VITALS_US);
    CHECK_HEARD("is alice 1", &c.bob);
    CHECK_HEARD("", &c.carol);
    serve(&c, &c.bob, SFU_QUALITY_GOOD, 3); /* the timer of a room that ends */
    end(&c);
}

TEST(rooms_vitals, everything_is_told_again) {
    struct call c;
    begin(&c);
    speak(&c, c.alice.m->room, c.alice.m->id, 8);
    serve(&c, &c.alice, SFU_QUALITY_GOOD, 3);
    world_wait(&c.w, SEC_US);
    forget_heard(&c.bob);
    room_vitals_tell(c.bob.m);
    CHECK_HEARD("voice alice 8; is alice 1", &c.bob);
    speak(&c, c.alice.m->room, c.alice.m->id, 0);
    forget_heard(&c.bob);
    room_vitals_tell(c.bob.m); /* it may not know that she is silent by now */
    CHECK_HEARD("voice alice 0; is alice 1", &c.bob);
    end(&c);
}

TEST(rooms_vitals, more_than_fit_are_told_in_turns) {
    static struct guest guests[ROOM_VITALS_TOLD + 2];
    struct world w;
    char name[16];
    const size_t n = sizeof(guests) / sizeof(guests[0]);
    CHECK_ERR(OK, world_open(&w, NULL));
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "g%zu", i);
        enter(&w, &guests[i], name);
        if (i + 1 < n) {
            publish(&guests[i], name, RTC_AUDIO);
        }
    }
    struct guest *last = &guests[n - 1];
    const struct call c = { .w = w };
    for (size_t i = 0; i < n; i++) {
        serve(&c, &guests[i], SFU_QUALITY_GOOD, 3);
    }
    forget_heard(last);
    room_vitals_tell(last->m);
    size_t told = 0;
    for (const char *at = buf_str(&last->heard); (at = strstr(at, "is g")) != NULL; at++) {
        told++;
    }
    CHECK_INT(n, told);
    world_close(&w);
    for (size_t i = 0; i < n; i++) {
        guest_finish(&guests[i]);
    }
}
