/* Who publishes which data track, who receives it, by which handle. */
#include "rooms/data_track.h"

#include "rooms_world.h"

static struct room_data_track *put(struct guest *g, const char *name, uint16_t handle) {
    const struct room_data_said said = { .handle = handle, .name = name };
    struct room_data_track *t = NULL;
    CHECK_ERR(OK, room_data_publish(g->m, &said, &t));
    return t;
}

static void wish(struct guest *g, const char *sid, bool wanted) {
    CHECK_ERR(OK, room_data_subscribe(g->m, sid, wanted));
}

static void meet(struct world *w, struct guest *alice, struct guest *bob) {
    CHECK_ERR(OK, world_open(w, NULL));
    enter(w, alice, "alice");
    enter(w, bob, "bob");
    forget_heard(alice);
    forget_heard(bob);
}

static void part(struct world *w, struct guest *alice, struct guest *bob) {
    CHECK_INT((alice->m != NULL) + (bob->m != NULL), fake_count("participant"));
    world_close(w);
    CHECK_INT(0, fake_count("data track"));
    CHECK_INT(0, fake_count("data subscription"));
    guest_finish(alice);
    guest_finish(bob);
}

TEST(rooms_data_track, is_received_by_who_asks_for_it) {
    struct world w;
    struct guest alice, bob;
    meet(&w, &alice, &bob);
    struct room_data_track *pose = put(&alice, "pose", 9);
    CHECK(strncmp(pose->sid, "DTR_", 4) == 0);
    CHECK_INT(9, fake_object(pose->id)->handle);
    CHECK_HEARD("member alice active v3", &bob);
    CHECK_HEARD("member alice active v3", &alice);
    CHECK(room_data_find(alice.m, 9) == pose && room_data_find(alice.m, 8) == NULL);
    CHECK(room_data_find_name(alice.m, "pose") == pose);
    CHECK(room_data_find_name(alice.m, "pos") == NULL);
    CHECK(room_data_find_sid(bob.m, pose->sid) == NULL);
    wish(&bob, pose->sid, true);
    CHECK_HEARD("handles pose=1", &bob);
    CHECK_INT(1, fake_object(bob.m->data_subscriptions->id)->handle);
    wish(&bob, pose->sid, true);
    CHECK_HEARD("", &bob);
    struct room_data_track *lidar = put(&alice, "lidar", 4);
    wish(&bob, lidar->sid, true);
    CHECK_HEARD("member alice active v4; handles pose=1 lidar=2", &bob);
    wish(&bob, pose->sid, false);
    CHECK_HEARD("handles lidar=2", &bob);
    CHECK_INT(1, fake_count("data subscription"));
    wish(&bob, pose->sid, true); /* packets with the first handle may still be on their way */
    CHECK_HEARD("handles pose=3 lidar=2", &bob);
    room_data_unpublish(lidar);
    CHECK_HEARD("handles pose=3; member alice active v5", &bob);
    wish(&alice, pose->sid, true); /* nobody gets his own */
    CHECK_INT(1, fake_count("data subscription"));
    room_leave(bob.m, ROOM_LEFT);
    CHECK_INT(0, fake_count("data subscription"));
    CHECK_INT(1, fake_count("data track"));
    part(&w, &alice, &bob);
}

TEST(rooms_data_track, is_remembered_before_it_is_there) {
    struct world w;
    struct guest alice, bob;
    char sid[ROOM_SID_SIZE];
    meet(&w, &alice, &bob);
    struct room_data_track *pose = put(&alice, "pose", 9);
    memcpy(sid, pose->sid, sizeof(sid));
    wish(&bob, sid, true);
    wish(&bob, "DTR_unknown", true);
    CHECK_INT(2, HASH_COUNT(bob.m->data_subscriptions));
    CHECK_ERR(ERR_INVALID, room_data_subscribe(bob.m, "DTR_that_is_far_too_long", true));
    world_wait(&w, ROOM_UNKNOWN_US / 2);
    CHECK_INT(2, HASH_COUNT(bob.m->data_subscriptions));
    world_wait(&w, ROOM_UNKNOWN_US);
    CHECK_INT(1, HASH_COUNT(bob.m->data_subscriptions));
    forget_heard(&bob);
    room_data_unpublish(pose);
    CHECK_HEARD("handles; member alice active v4", &bob);
    CHECK_INT(0, HASH_COUNT(bob.m->data_subscriptions));
    part(&w, &alice, &bob);
}

TEST(rooms_data_track, comes_by_itself_to_who_said_so) {
    struct world w;
    struct guest alice, bob;
    const struct room_member_config cfg = {
        .identity = "bob", .grant = all_rights, .auto_subscribe_data = true, .single = true
    };
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    struct room_data_track *pose = put(&alice, "pose", 9);
    put(&alice, "lidar", 4);
    CHECK_ERR(OK, try_join(&w, &bob, &cfg));
    CHECK_HEARD("member bob joined v1; handles pose=1 lidar=2", &bob);
    put(&alice, "map", 5);
    CHECK_HEARD("member alice active v5; handles pose=1 lidar=2 map=3", &bob);
    wish(&bob, pose->sid, false);
    CHECK_HEARD("handles lidar=2 map=3", &bob);
    room_leave(alice.m, ROOM_LEFT);
    CHECK_HEARD("member alice gone v6; handles map=3; handles", &bob);
    part(&w, &alice, &bob);
}

TEST(rooms_data_track, needs_the_right_and_the_permission) {
    struct world w;
    struct guest alice, bob;
    struct room_data_track *t = NULL;
    struct room_grant deaf = all_rights, dumb = all_rights;
    const struct room_data_said again = { .handle = 3, .name = "again" };
    deaf.subscribe = false;
    dumb.publish_data = false;
    meet(&w, &alice, &bob);
    struct room_data_track *pose = put(&alice, "pose", 9);
    wish(&bob, pose->sid, true);
    forget_heard(&bob);
    CHECK_ERR(OK, room_set_audience(alice.m, false, NULL, 0));
    CHECK_HEARD("handles", &bob);
    const struct room_listener one = { .identity = "bob", .all = true };
    CHECK_ERR(OK, room_set_audience(alice.m, false, &one, 1));
    CHECK_HEARD("handles pose=2", &bob);
    room_member_permit(bob.m, &deaf);
    CHECK_HEARD("member bob active v3; handles; self 1", &bob);
    room_member_permit(bob.m, &all_rights);
    CHECK_HEARD("member bob active v4; handles pose=3; self 1", &bob);
    forget_heard(&alice);
    room_member_permit(alice.m, &dumb);
    CHECK_HEARD("data unpublished pose 9; member alice active v4; self 1", &alice);
    CHECK_HEARD("handles; member alice active v4", &bob);
    CHECK_ERR(ERR_FORBIDDEN, room_data_publish(alice.m, &again, &t));
    CHECK_INT(0, alice.m->n_data_tracks);
    part(&w, &alice, &bob);
}

TEST(rooms_data_track, is_one_of_so_many) {
    struct world w;
    struct guest alice, bob;
    struct room_data_track *t = NULL;
    const struct room_data_said more = { .handle = 60000, .name = "more" };
    char name[ROOM_DATA_NAME_MAX + 1];
    meet(&w, &alice, &bob);
    for (uint16_t i = 1; i <= ROOM_DATA_TRACKS_MAX; i++) {
        snprintf(name, sizeof(name), "%*d", ROOM_DATA_NAME_MAX, i);
        put(&alice, name, i);
    }
    CHECK_ERR(ERR_LIMIT, room_data_publish(alice.m, &more, &t));
    room_data_unpublish(room_data_find(alice.m, 1));
    CHECK_ERR(OK, room_data_publish(alice.m, &more, &t));
    CHECK_INT(1, alice.m->room->n_publishers);
    for (unsigned i = 0; i < ROOM_SUBSCRIPTIONS_MAX; i++) {
        snprintf(name, sizeof(name), "DTR_%u", i);
        wish(&bob, name, true);
    }
    CHECK_ERR(ERR_LIMIT, room_data_subscribe(bob.m, "DTR_one_more", true));
    part(&w, &alice, &bob);
}

/* A handle that is in use is not given twice, however often others have come and gone. */
TEST(rooms_data_track, has_a_handle_of_its_own) {
    struct world w;
    struct guest alice, bob;
    meet(&w, &alice, &bob);
    struct room_data_track *stays = put(&alice, "stays", 1);
    struct room_data_track *goes = put(&alice, "goes", 2);
    wish(&bob, stays->sid, true);
    bob.m->last_data_handle = UINT16_MAX;
    forget_heard(&bob);
    wish(&bob, goes->sid, true); /* 0 is no handle, and 1 is taken */
    CHECK_HEARD("handles stays=1 goes=2", &bob);
    part(&w, &alice, &bob);
}

TEST_ALLOC(rooms_data_track, survives_no_memory) {
    struct world w;
    struct guest alice = { .gone = -1 }, bob = { .gone = -1 };
    struct room_data_track *t = NULL;
    const struct room_data_said said = { .handle = 9, .name = "pose" };
    enum err e = world_open(&w, NULL);
    e = e == OK ? try_enter(&w, &alice, "alice") : e;
    e = e == OK ? try_enter(&w, &bob, "bob") : e;
    e = e == OK ? room_data_publish(alice.m, &said, &t) : e;
    e = e == OK ? room_data_subscribe(bob.m, t->sid, true) : e;
    world_close(&w);
    guest_finish(&alice);
    guest_finish(&bob);
    return e;
}
