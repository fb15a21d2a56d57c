/* Rooms come with the first one and go some time after the last; numbers are told now and then. */
#include "rooms_world.h"

TEST(rooms_directory, ends_a_room_that_is_empty) {
    static const struct room_config short_ones = { .empty_s = 5, .departure_s = 3 };
    struct world w;
    struct guest alice;
    struct room *room = NULL;
    CHECK_ERR(OK, world_open(&w, NULL));
    CHECK_ERR(OK, room_directory_ensure(w.rooms, "r", &short_ones, &room));
    world_wait(&w, 4 * SEC_US);
    CHECK(room_directory_find(w.rooms, "r") == room);
    world_wait(&w, 2 * SEC_US);
    CHECK(room_directory_find(w.rooms, "r") == NULL);
    CHECK_INT(0, fake_count("room")); /* it had none of the SFU's */
    CHECK_ERR(OK, room_directory_ensure(w.rooms, "r", &short_ones, &room));
    enter(&w, &alice, "alice");
    CHECK_INT(1, fake_count("room"));
    world_wait(&w, 60 * SEC_US);
    room_leave(alice.m, ROOM_LEFT);
    world_wait(&w, 2 * SEC_US);
    guest_finish(&alice);
    enter(&w, &alice, "alice"); /* as after a reconnect: the same room */
    CHECK(alice.m->room == room);
    room_leave(alice.m, ROOM_LEFT);
    world_wait(&w, 4 * SEC_US);
    CHECK_INT(0, room_directory_count(w.rooms));
    CHECK_INT(0, fake_count("room"));
    world_close(&w);
    guest_finish(&alice);
}

TEST(rooms_directory, is_not_kept_open_by_a_recorder) {
    struct world w;
    struct guest alice, recorder;
    const struct room_member_config cfg = {
        .identity = "egress", .kind = ROOM_EGRESS, .grant = all_rights
    };
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    CHECK_ERR(OK, try_join(&w, &recorder, &cfg));
    room_leave(alice.m, ROOM_LEFT);
    world_wait(&w, (ROOM_DEPARTURE_S + 1) * SEC_US);
    CHECK_INT(ROOM_CLOSED, recorder.gone);
    CHECK_INT(0, room_directory_count(w.rooms));
    world_close(&w);
    guest_finish(&alice);
    guest_finish(&recorder);
}

TEST(rooms_directory, keeps_its_limits) {
    static const struct room_directory_config two = { .rooms_max = 2 };
    static const struct room_directory_config closed = { .no_create = true };
    static const struct room_config pair = { .max_members = 2 };
    struct world w;
    struct guest alice, bob, carol;
    struct room *room = NULL;
    const struct room_member_config cfg = { .identity = "carol", .grant = all_rights };
    CHECK_ERR(OK, world_open(&w, &two));
    CHECK_ERR(OK, room_directory_ensure(w.rooms, "r", &pair, &room));
    CHECK_ERR(OK, room_directory_ensure(w.rooms, "other", NULL, &room));
    CHECK_ERR(ERR_LIMIT, room_directory_ensure(w.rooms, "third", NULL, &room));
    CHECK_ERR(ERR_LIMIT, room_directory_check(w.rooms, "third", "x"));
    enter(&w, &alice, "alice");
    enter(&w, &bob, "bob");
    CHECK_ERR(ERR_LIMIT, room_directory_check(w.rooms, "r", "carol"));
    CHECK_ERR(ERR_LIMIT, try_join(&w, &carol, &cfg));
    CHECK_ERR(OK, room_directory_check(w.rooms, "r", "bob")); /* whom it replaces */
    world_close(&w);
    guest_finish(&alice);
    guest_finish(&bob);
    CHECK_ERR(OK, world_open(&w, &closed));
    CHECK_ERR(ERR_NOT_FOUND, room_directory_check(w.rooms, "r", "carol"));
    CHECK_STR("requested room does not exist", err_text());
    CHECK_ERR(OK, room_directory_ensure(w.rooms, "r", NULL, &room));
    CHECK_ERR(OK, room_directory_check(w.rooms, "r", "carol"));
    CHECK_ERR(ERR_INVALID, room_directory_ensure(w.rooms, "", NULL, &room));
    room_directory_stop(w.rooms);
    CHECK_ERR(ERR_GONE, room_directory_check(w.rooms, "r", "carol"));
    world_close(&w);
}

TEST(rooms_directory, winds_down) {
    static const struct room_directory_config closed = { .no_create = true };
    struct world w;
    struct guest alice, bob;
    struct room *room = NULL;
    CHECK_ERR(OK, world_open(&w, &closed));
    CHECK(room_directory_is_idle(w.rooms));
    CHECK_ERR(OK, room_directory_ensure(w.rooms, "r", NULL, &room));
    CHECK(room_directory_is_idle(w.rooms));
    enter(&w, &alice, "alice");
    room_directory_wind_down(w.rooms);
    CHECK(!room_directory_is_idle(w.rooms));
    CHECK_ERR(ERR_GONE, room_directory_check(w.rooms, "other", "x"));
    CHECK_ERR(ERR_GONE, room_directory_ensure(w.rooms, "other", NULL, &room));
    CHECK_ERR(OK, room_directory_ensure(w.rooms, "r", NULL, &room));
    enter(&w, &bob, "bob"); /* those that are there go on */
    room_leave(alice.m, ROOM_LEFT);
    CHECK(!room_directory_is_idle(w.rooms));
    room_leave(bob.m, ROOM_LEFT);
    CHECK(room_directory_is_idle(w.rooms));
    world_close(&w);
    guest_finish(&alice);
    guest_finish(&bob);
}

static void no_leave(void *arg, enum room_reason reason) {
    (void)reason;
    ++*(unsigned *)arg;
}

TEST(rooms_directory, has_places_for_so_many_and_texts_of_such_a_size) {
    static const struct room_observer silent = { .leave = no_leave };
    struct world w;
    struct room *room = NULL;
    struct room_member *m = NULL;
    unsigned left = 0;
    char name[24];
    struct room_member_config cfg = {
        .identity = name, .grant = all_rights, .observer = &silent, .arg = &left
    };
    CHECK_ERR(OK, world_open(&w, NULL));
    CHECK_ERR(OK, room_directory_ensure(w.rooms, "r", NULL, &room));
    for (unsigned i = 0; i < ROOM_MEMBERS_MAX; i++) {
        snprintf(name, sizeof(name), "p%u", i);
        CHECK_ERR(OK, room_join(w.rooms, "r", NULL, &cfg, &m));
    }
    snprintf(name, sizeof(name), "one more");
    CHECK_ERR(ERR_LIMIT, room_join(w.rooms, "r", NULL, &cfg, &m));
    snprintf(name, sizeof(name), "p7"); /* takes the place of who had the name */
    CHECK_ERR(OK, room_join(w.rooms, "r", NULL, &cfg, &m));
    CHECK_INT(1, left);
    char *large = mem_zalloc(ROOM_METADATA_MAX_BYTES + 2);
    memset(large, 'x', ROOM_METADATA_MAX_BYTES + 1);
    CHECK_ERR(ERR_TOO_LARGE, room_set_metadata(room, large));
    CHECK_STR("", room->metadata);
    CHECK_ERR(ERR_TOO_LARGE, room_member_set(m, NULL, large, NULL, 0));
    const struct room_config too_much = { .metadata = large };
    CHECK_ERR(ERR_TOO_LARGE, room_directory_ensure(w.rooms, "s", &too_much, &room));
    large[ROOM_METADATA_MAX_BYTES] = '\0';
    CHECK_ERR(OK, room_set_metadata(room, large));
    mem_free(large);
    world_close(&w);
    CHECK_INT(ROOM_MEMBERS_MAX + 1, left);
}

TEST(rooms_directory, tells_the_numbers_now_and_then) {
    struct world w;
    struct guest alice, bob;
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    forget_heard(&alice);
    world_wait(&w, 2 * SEC_US);
    CHECK_HEARD("room r 1", &alice);
    enter(&w, &bob, "bob");
    forget_heard(&alice);
    world_wait(&w, 2 * SEC_US);
    CHECK_HEARD("", &alice);
    world_wait(&w, ROOM_NEWS_US);
    CHECK_HEARD("room r 2", &alice);
    world_wait(&w, 3 * ROOM_NEWS_US);
    CHECK_HEARD("", &alice);
    CHECK_ERR(OK, room_set_metadata(alice.m->room, "news"));
    CHECK_HEARD("room r 2", &alice);
    world_close(&w);
    guest_finish(&alice);
    guest_finish(&bob);
}

TEST(rooms_directory, names_nothing_twice) {
    char first[ROOM_SID_SIZE], second[ROOM_SID_SIZE];
    room_id_make("TR_VC", first);
    room_id_make("TR_VC", second);
    CHECK_INT(17, strlen(first));
    CHECK(strncmp(first, "TR_VC", 5) == 0 && strcmp(first, second) != 0);
    CHECK_INT(12, strspn(first + 5, "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"));
}
