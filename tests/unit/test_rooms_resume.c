/* A member whose client comes back, and what is remembered for it. */
#include "rooms/resume.h"

#include "rooms_world.h"

TEST(rooms_resume, tells_the_new_client_from_then_on) {
    struct world w;
    struct guest alice, again = { .gone = -1 }, bob;
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    again.m = alice.m;
    room_hand_over(alice.m, &again);
    forget_heard(&alice);
    enter(&w, &bob, "bob");
    CHECK_HEARD("", &alice);
    CHECK_HEARD("member bob joined v1; member bob active v2", &again);
    forget_heard(&bob);
    room_leave(again.m, ROOM_LEFT);
    CHECK_HEARD("leave 0", &again);
    CHECK_HEARD("member alice gone v3", &bob);
    world_close(&w);
    guest_finish(&alice);
    guest_finish(&again);
    guest_finish(&bob);
}

TEST(rooms_resume, carries_questions_about_data) {
    struct world w;
    struct guest alice;
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    forget_heard(&alice);
    room_ask_sequence(alice.m);
    CHECK_INT(1, fake_object(alice.m->id)->asked);
    struct sfu_event e = { .type = SFU_EVENT_SEQUENCE, .id = alice.m->id, .sequence = 41 };
    room_directory_told(w.rooms, &e);
    CHECK_HEARD("sequence 41", &alice);
    e.type = SFU_EVENT_SUBSCRIPTION; /* nothing of a member's */
    room_directory_told(w.rooms, &e);
    CHECK_HEARD("", &alice);
    room_leave(alice.m, ROOM_LEFT);
    room_directory_told(w.rooms, &e); /* it was on its way */
    world_close(&w);
    guest_finish(&alice);
}

TEST(rooms_resume, silence_is_told_to_the_member_alone) {
    struct world w;
    struct guest alice, bob;
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    enter(&w, &bob, "bob");
    forget_heard(&alice);
    forget_heard(&bob);
    struct sfu_event e =
        fake_transport_event(alice.m->transports[ROOM_ONLY].part.id, SFU_TRANSPORT_LOST, 0);
    room_directory_told(w.rooms, &e);
    e.transport.state = SFU_TRANSPORT_CONNECTED;
    room_directory_told(w.rooms, &e);
    CHECK_HEARD("silent 1", &alice);
    CHECK_HEARD("", &bob);
    CHECK_INT(ROOM_ACTIVE, alice.m->state);
    world_close(&w);
    guest_finish(&alice);
    guest_finish(&bob);
}

static unsigned count_departed(const struct room *room) {
    unsigned n = 0;
    for (const struct room_departed *d = room->departed; d != NULL; d = d->next) {
        n++;
    }
    return n;
}

TEST(rooms_resume, remembers_who_has_left) {
    struct world w;
    struct guest alice, one;
    const struct room_member_config hidden = { .identity = "h",
        .grant = { .subscribe = true, .hidden = true } };
    char name[16];
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    struct room *room = alice.m->room;
    CHECK_ERR(OK, try_join(&w, &one, &hidden));
    room_leave(one.m, ROOM_LEFT);
    guest_finish(&one);
    CHECK_INT(0, count_departed(room)); /* whom nobody saw */
    world_wait(&w, SEC_US);
    for (int i = 0; i < ROOM_DEPARTED_MAX; i++) {
        snprintf(name, sizeof(name), "g%d", i);
        enter(&w, &one, name);
        room_leave(one.m, ROOM_REMOVED);
        guest_finish(&one);
    }
    CHECK_INT(ROOM_DEPARTED_MAX, count_departed(room));
    CHECK_STR("g0", room->departed->identity);
    CHECK_INT(ROOM_REMOVED, room->departed->reason);
    CHECK(room_remembers(room, 0));
    world_wait(&w, SEC_US);
    enter(&w, &one, "more");
    room_leave(one.m, ROOM_LEFT);
    guest_finish(&one);
    CHECK_INT(ROOM_DEPARTED_MAX, count_departed(room));
    CHECK(!room_remembers(room, SEC_US) && room_remembers(room, SEC_US + 1));
    world_wait(&w, ROOM_DEPARTED_US);
    enter(&w, &one, "last");
    room_leave(one.m, ROOM_LEFT);
    guest_finish(&one);
    CHECK_INT(2, count_departed(room));
    world_close(&w);
    guest_finish(&alice);
}

TEST_ALLOC(rooms_resume, forgets_without_memory) {
    struct world w;
    struct guest alice = { 0 }, bob = { 0 };
    enum err e = world_open(&w, NULL);
    if (e == OK) {
        e = try_enter(&w, &alice, "alice");
    }
    if (e == OK) {
        e = try_enter(&w, &bob, "bob");
    }
    if (e == OK) {
        const struct room *room = alice.m->room;
        room_leave(bob.m, ROOM_LEFT);
        e = room->n_departed == 1 ? OK : ERR_NOMEM;
        CHECK_INT(e == OK, room_remembers(room, 0));
    }
    if (w.rooms != NULL) {
        world_close(&w);
    }
    guest_finish(&alice);
    guest_finish(&bob);
    return e;
}
