/* Joining, states, leaving, and what the others hear of it. */
#include "rooms_world.h"

TEST(rooms_member, is_seen_joining_connecting_and_leaving) {
    struct world w;
    struct guest alice, bob;
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    CHECK_HEARD("member alice joined v1; member alice active v2", &alice);
    enter(&w, &bob, "bob");
    CHECK_HEARD("member bob joined v1; member bob active v2", &bob);
    CHECK_HEARD("member bob joined v1; member bob active v2", &alice);
    CHECK_INT(2, fake_count("participant"));
    room_leave(bob.m, ROOM_LEFT);
    CHECK_HEARD("leave 0", &bob);
    CHECK_HEARD("member bob gone v3", &alice);
    CHECK_INT(1, fake_count("participant"));
    CHECK_INT(1, fake_count("transport"));
    world_close(&w);
    CHECK_INT(ROOM_SHUTDOWN, alice.gone);
    CHECK_INT(0, fake_count("room") + fake_count("participant") + fake_count("transport"));
    guest_finish(&alice);
    guest_finish(&bob);
}

TEST(rooms_member, replaces_who_had_its_identity) {
    struct world w;
    struct guest alice, again, bob;
    char old[ROOM_SID_SIZE];
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &bob, "bob");
    enter(&w, &alice, "alice");
    memcpy(old, alice.m->sid, sizeof(old));
    forget_heard(&alice);
    forget_heard(&bob);
    enter(&w, &again, "alice");
    CHECK_HEARD("leave 1", &alice);
    CHECK_HEARD("member alice gone v3; member alice joined v1; member alice active v2", &bob);
    CHECK(strcmp(old, again.m->sid) != 0);
    CHECK_INT(2, room_directory_find(w.rooms, "r")->n_members);
    world_close(&w);
    guest_finish(&alice);
    guest_finish(&again);
    guest_finish(&bob);
}

TEST(rooms_member, is_hidden_when_its_token_says_so) {
    struct world w;
    struct guest bob, ghost;
    struct room_member_config cfg = { .identity = "ghost", .grant = all_rights };
    cfg.grant.hidden = true;
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &bob, "bob");
    forget_heard(&bob);
    CHECK_ERR(OK, try_join(&w, &ghost, &cfg));
    CHECK_HEARD("", &bob);
    CHECK_HEARD("member ghost joined v1", &ghost);
    CHECK_INT(1, bob.m->room->n_counted);
    const struct rtc_ice_cred cred = { "ufrag", "pwd" };
    CHECK_ERR(OK, room_transport_open(ghost.m, ROOM_UP, &cred));
    publish(&ghost, "mic", RTC_AUDIO); /* of somebody whom bob does not know */
    CHECK_HEARD("", &bob);
    CHECK(!room_sees(bob.m, ghost.m) && room_sees(ghost.m, ghost.m) && room_sees(ghost.m, bob.m));
    world_close(&w);
    guest_finish(&bob);
    guest_finish(&ghost);
}

TEST(rooms_member, ends_with_its_connection) {
    static const struct {
        const char *name;
        enum sfu_end end;
        enum room_reason reason;
    } rows[] = {
        { "silence", SFU_END_SILENCE, ROOM_MEDIA_LOST },
        { "another certificate", SFU_END_FINGERPRINT, ROOM_MEDIA_FAILED },
        { "no handshake", SFU_END_HANDSHAKE, ROOM_MEDIA_FAILED },
        { "it said so", SFU_END_CLOSED, ROOM_LEFT },
        { "it took no messages", SFU_END_STALLED, ROOM_MEDIA_LOST },
    };
    FOR_ROWS (rows, r) {
        struct world w;
        struct guest alice;
        ROW(r->name);
        CHECK_ERR(OK, world_open(&w, NULL));
        enter(&w, &alice, "alice");
        const sfu_id id = alice.m->transports[ROOM_ONLY].part.id;
        struct sfu_event e = fake_transport_event(id, SFU_TRANSPORT_LOST, SFU_END_NONE);
        room_directory_told(w.rooms, &e);
        CHECK_INT(-1, alice.gone);
        e = fake_transport_event(id, SFU_TRANSPORT_ENDED, r->end);
        room_directory_told(w.rooms, &e);
        CHECK_INT(r->reason, alice.gone);
        room_directory_told(w.rooms, &e); /* late news of what is gone */
        world_close(&w);
        guest_finish(&alice);
    }
}

TEST(rooms_member, must_connect_in_time) {
    struct world w;
    struct guest alice;
    const struct room_member_config cfg = { .identity = "alice", .grant = all_rights };
    CHECK_ERR(OK, world_open(&w, NULL));
    CHECK_ERR(OK, try_join(&w, &alice, &cfg));
    world_wait(&w, ROOM_ACTIVE_US - SEC_US);
    CHECK_INT(-1, alice.gone);
    world_wait(&w, 2 * SEC_US);
    CHECK_INT(ROOM_NEVER_ACTIVE, alice.gone);
    world_close(&w);
    guest_finish(&alice);
}

TEST(rooms_member, changes_what_is_known_of_it) {
    struct world w;
    struct guest alice, bob;
    struct room_attribute first[] = { ATTRIBUTE("a", "1"), ATTRIBUTE("b", "2") };
    struct room_attribute second[] = { ATTRIBUTE("a", ""), ATTRIBUTE("c", "3"),
        ATTRIBUTE("b", "4") };
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    enter(&w, &bob, "bob");
    forget_heard(&alice);
    forget_heard(&bob);
    CHECK_ERR(OK, room_member_set(alice.m, "Alice", NULL, first, 2));
    CHECK_HEARD("member alice active v3; self 1", &alice);
    CHECK_HEARD("member alice active v3", &bob);
    CHECK_ERR(OK, room_member_set(alice.m, NULL, "meta", second, 3));
    CHECK_STR("Alice", alice.m->name);
    CHECK_STR("meta", alice.m->metadata);
    CHECK_INT(2, alice.m->n_attributes);
    for (size_t i = 0; i < alice.m->n_attributes; i++) {
        const bool b = strcmp(alice.m->attributes[i].key, "b") == 0;
        CHECK_STR(b ? "4" : "3", alice.m->attributes[i].value);
    }
    char *large = mem_alloc(ROOM_ATTRIBUTES_MAX_BYTES + 1);
    memset(large, 'x', ROOM_ATTRIBUTES_MAX_BYTES);
    large[ROOM_ATTRIBUTES_MAX_BYTES] = '\0';
    struct room_attribute third[] = { ATTRIBUTE("d", large) };
    CHECK_ERR(ERR_TOO_LARGE, room_member_set(alice.m, "x", NULL, third, 1));
    CHECK_STR("Alice", alice.m->name);
    mem_free(large);
    world_close(&w);
    guest_finish(&alice);
    guest_finish(&bob);
}

/* Attributes k0, k1 …, of which the first `n_gone` go. */
static size_t number_attributes(
    struct room_attribute *list, char (*keys)[8], size_t from, size_t n, size_t n_gone) {
    for (size_t i = 0; i < n; i++) {
        snprintf(keys[i], sizeof(keys[i]), "k%zu", from + i);
        list[i] = (struct room_attribute)ATTRIBUTE(keys[i], i < n_gone ? "" : "v");
    }
    return n;
}

TEST(rooms_member, keeps_the_limit_of_attributes) {
    static const struct {
        const char *name;
        size_t from, n, n_gone;
        enum err e;
        size_t after;
    } rows[] = {
        { "one more", ROOM_ATTRIBUTES_MAX, 1, 0, ERR_TOO_LARGE, ROOM_ATTRIBUTES_MAX },
        { "all again", 0, ROOM_ATTRIBUTES_MAX, 0, OK, ROOM_ATTRIBUTES_MAX },
        { "one for another", ROOM_ATTRIBUTES_MAX - 1, 2, 1, OK, ROOM_ATTRIBUTES_MAX },
        { "one for two", ROOM_ATTRIBUTES_MAX - 1, 3, 1, ERR_TOO_LARGE, ROOM_ATTRIBUTES_MAX },
        { "some go", 1, 3, 3, OK, ROOM_ATTRIBUTES_MAX - 3 },
        { "who is not there goes", ROOM_ATTRIBUTES_MAX, 5, 5, OK, ROOM_ATTRIBUTES_MAX },
        { "all for as many", 0, ROOM_ATTRIBUTES_MAX * 2, ROOM_ATTRIBUTES_MAX, OK,
            ROOM_ATTRIBUTES_MAX },
        { "too long a list, though most of it goes", 0, ROOM_ATTRIBUTES_MAX * 2 + 1,
            ROOM_ATTRIBUTES_MAX * 2, ERR_TOO_LARGE, ROOM_ATTRIBUTES_MAX },
    };
    static struct room_attribute list[ROOM_ATTRIBUTES_MAX * 2 + 1];
    static char keys[ROOM_ATTRIBUTES_MAX * 2 + 1][8];
    FOR_ROWS (rows, r) {
        struct world w;
        struct guest alice;
        ROW(r->name);
        CHECK_ERR(OK, world_open(&w, NULL));
        enter(&w, &alice, "alice");
        size_t n = number_attributes(list, keys, 0, ROOM_ATTRIBUTES_MAX, 0);
        CHECK_ERR(OK, room_member_set(alice.m, NULL, NULL, list, n));
        n = number_attributes(list, keys, r->from, r->n, r->n_gone);
        CHECK_ERR(r->e, room_member_set(alice.m, NULL, NULL, list, n));
        CHECK_INT(r->after, alice.m->n_attributes);
        world_close(&w);
        guest_finish(&alice);
    }
}

TEST(rooms_member, loses_with_a_right_what_it_did_by_it) {
    struct world w;
    struct guest alice, bob;
    struct room_grant none = all_rights;
    none.publish = none.subscribe = false;
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    enter(&w, &bob, "bob");
    publish(&alice, "mic", RTC_AUDIO);
    publish(&bob, "cam", RTC_VIDEO);
    forget_heard(&alice);
    forget_heard(&bob);
    room_member_permit(alice.m, &none);
    CHECK_HEARD(
        "unpublished mic 1; member alice active v4; member alice active v5; unsubscribe cam "
        "#1; self 1",
        &alice);
    CHECK_HEARD("unsubscribe mic #1; member alice active v4; member alice active v5", &bob);
    struct room_publication *p = NULL;
    CHECK_ERR(ERR_FORBIDDEN, try_publish(&alice, "again", RTC_AUDIO, &p));
    world_close(&w);
    guest_finish(&alice);
    guest_finish(&bob);
}

TEST(rooms_member, has_its_messages_carried) {
    static const struct {
        const char *name;
        bool single;
        enum room_way way;
        bool ours, down;
    } rows[] = {
        { "classic, up", false, ROOM_UP, false, false },
        { "classic, down: channels of ours", false, ROOM_DOWN, true, true },
        { "a single one", true, ROOM_ONLY, false, true },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        struct guest alice;
        const struct rtc_ice_cred cred = { "ufrag", "pwd" };
        struct room_member_config cfg = {
            .identity = "alice", .grant = all_rights, .single = r->single
        };
        cfg.grant.hidden = r->single;
        CHECK_ERR(OK, world_open(&w, NULL));
        CHECK_ERR(OK, try_join(&w, &alice, &cfg));
        const struct sfu_data_config *data = &fake_object(alice.m->id)->data;
        CHECK_STR("alice", data->identity);
        CHECK_STR(alice.m->sid, data->sid);
        CHECK(data->may_publish == all_rights.publish_data && data->may_subscribe);
        CHECK(data->hidden == r->single && !data->agent);
        CHECK_ERR(OK, room_transport_open(alice.m, r->way, &cred));
        const struct fake_object *t = fake_object(alice.m->transports[r->way].part.id);
        CHECK_INT(r->ours, t->opens_channels);
        CHECK_INT(r->down, t->takes_messages);
        cfg.grant.publish_data = !all_rights.publish_data;
        room_member_permit(alice.m, &cfg.grant);
        CHECK_INT(cfg.grant.publish_data, data->may_publish);
        world_close(&w);
        guest_finish(&alice);
    }
}

TEST_ALLOC(rooms_member, survives_no_memory) {
    struct world w;
    struct guest alice = { .gone = -1 };
    enum err e = world_open(&w, NULL);
    struct room_attribute list[] = { ATTRIBUTE("k", "v") };
    const struct room_member_config cfg = { .identity = "alice",
        .name = "Alice",
        .attributes = list,
        .n_attributes = 1,
        .grant = all_rights };
    if (e == OK) {
        e = try_join(&w, &alice, &cfg);
    }
    if (e == OK) {
        e = room_member_set(alice.m, "B", "m", list, 1);
    }
    world_close(&w);
    guest_finish(&alice);
    return e;
}
