/* What is published is told, received, and asked for in the quality that somebody wants. */
#include "rooms_world.h"

TEST(rooms_publication, is_told_before_it_is_subscribed_to) {
    struct world w;
    struct guest alice, bob, carol;
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    enter(&w, &bob, "bob");
    forget_heard(&alice);
    forget_heard(&bob);
    struct room_publication *p = publish(&alice, "mic", RTC_AUDIO);
    CHECK_HEARD("member alice active v3", &alice);
    CHECK_HEARD("member alice active v3; permission mic 1; subscribe mic #1", &bob);
    agree(&bob, "3");
    CHECK_HEARD("subscribed mic 1", &alice);
    CHECK_INT(1, fake_count("subscription"));
    enter(&w, &carol, "carol"); /* what is there already */
    CHECK_HEARD(
        "member carol joined v1; permission mic 1; subscribe mic #1; member carol active v2",
        &carol);
    agree(&carol, "3");
    forget_heard(&alice);
    forget_heard(&bob);
    room_publication_mute(p, true);
    room_publication_mute(p, true); /* as clients say it for cameras */
    CHECK_HEARD("member alice active v4", &bob);
    CHECK(fake_object(p->part.id)->muted);
    room_unpublish(p, false);
    CHECK_HEARD("unsubscribe mic #1; member alice active v5", &bob);
    CHECK_INT(0, fake_count("subscription") + fake_count("track"));
    CHECK_INT(0, alice.m->room->n_publishers);
    world_close(&w);
    guest_finish(&alice);
    guest_finish(&bob);
    guest_finish(&carol);
}

TEST(rooms_publication, goes_with_its_publisher) {
    struct world w;
    struct guest alice, bob;
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    enter(&w, &bob, "bob");
    publish(&alice, "cam", RTC_VIDEO);
    agree(&bob, "1");
    forget_heard(&bob);
    room_leave(alice.m, ROOM_LEFT);
    CHECK_HEARD("member alice gone v4; unsubscribe cam #1", &bob);
    CHECK_INT(0, fake_count("subscription") + fake_count("track"));
    world_close(&w);
    guest_finish(&alice);
    guest_finish(&bob);
}

TEST(rooms_publication, is_asked_for_more_at_once_and_for_less_later) {
    struct world w;
    struct guest alice, bob;
    const struct room_wanted off = { .disabled = true };
    const struct room_wanted small = { .quality = 2, .width = 340, .height = 190 };
    const struct room_wanted large = { .quality = 0, .width = 1920, .height = 1080 };
    const struct room_wanted low = { .quality = 0 };
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    enter(&w, &bob, "bob");
    struct room_publication *p = publish(&alice, "cam", RTC_VIDEO);
    world_wait(&w, 20 * SEC_US);
    forget_heard(&alice);
    world_wait(&w, 20 * SEC_US);
    CHECK_HEARD("", &alice); /* nobody receives it, and nobody ever did: it goes on */
    agree(&bob, "1");
    CHECK_HEARD("subscribed cam 1; quality cam 2", &alice);
    CHECK_ERR(OK, room_want(bob.m, p->track.sid, &small));
    CHECK_INT(340, fake_object(bob.latest->part.id)->wanted.width);
    world_wait(&w, 4 * SEC_US);
    CHECK_HEARD("", &alice);
    world_wait(&w, 2 * SEC_US);
    CHECK_HEARD("quality cam 0", &alice); /* 320 is more than nine tenths of 340 */
    CHECK_ERR(OK, room_want(bob.m, p->track.sid, &large));
    CHECK_HEARD("quality cam 2", &alice);
    CHECK_ERR(OK, room_want(bob.m, p->track.sid, &off));
    CHECK_ERR(OK, room_want(bob.m, p->track.sid, &large)); /* before it was told */
    world_wait(&w, 10 * SEC_US);
    CHECK_HEARD("", &alice);
    CHECK_ERR(OK, room_want(bob.m, p->track.sid, &low));
    world_wait(&w, 6 * SEC_US);
    CHECK_HEARD("quality cam 0", &alice);
    CHECK_INT(0, fake_object(bob.latest->part.id)->wanted.spatial);
    room_leave(bob.m, ROOM_LEFT);
    forget_heard(&alice);
    world_wait(&w, 4 * SEC_US);
    forget_heard(&alice); /* the room's numbers */
    world_wait(&w, 2 * SEC_US);
    CHECK_HEARD("quality cam -1", &alice);
    world_close(&w);
    guest_finish(&alice);
    guest_finish(&bob);
}

TEST(rooms_publication, keeps_its_limit) {
    struct world w;
    struct guest alice;
    struct room_publication *p = NULL;
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    for (int i = 0; i < ROOM_PUBLICATIONS_MAX; i++) {
        publish(&alice, "x", RTC_AUDIO);
    }
    CHECK_ERR(ERR_LIMIT, try_publish(&alice, "x", RTC_AUDIO, &p));
    world_close(&w);
    guest_finish(&alice);
}

TEST(rooms_publication, fits_layers_to_what_is_sent) {
    struct world w;
    struct guest alice;
    struct room_publication *p = NULL;
    struct room_track t = { .media = RTC_VIDEO, .sid = "TR_x", .width = 640, .height = 480 };
    struct rtc_rtp_params params = some_params(RTC_VIDEO, "1");
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    params.n_encodings = 1;
    params.encodings[0].ssrc = 77;
    CHECK_ERR(OK, room_publish(alice.m, &t, &params, &p));
    CHECK_INT(1, p->track.n_layers);
    CHECK_INT(2, p->track.layers[0].quality);
    CHECK_INT(77, p->track.layers[0].encoding.ssrc);
    const struct sfu_event learned = { .type = SFU_EVENT_LAYER,
        .id = p->part.id,
        .layer = { .layer = 0, .encoding = { .ssrc = 77, .rtx_ssrc = 78 } } };
    room_directory_told(w.rooms, &learned);
    CHECK_INT(78, p->track.layers[0].encoding.rtx_ssrc);
    world_close(&w);
    guest_finish(&alice);
}

TEST_ALLOC(rooms_publication, survives_no_memory) {
    struct world w;
    struct guest alice = { .gone = -1 };
    struct room_publication *p = NULL;
    enum err e = world_open(&w, NULL);
    if (e == OK) {
        e = try_enter(&w, &alice, "alice");
    }
    if (e == OK) {
        e = try_publish(&alice, "cam", RTC_VIDEO, &p);
    }
    world_close(&w);
    guest_finish(&alice);
    return e;
}
