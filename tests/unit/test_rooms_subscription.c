/* Wishes, permission, and the negotiated result. */
#include "rooms_world.h"

TEST(rooms_subscription, follows_the_wish_of_its_member) {
    struct world w;
    struct guest alice, bob;
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    enter(&w, &bob, "bob");
    struct room_publication *p = publish(&alice, "cam", RTC_VIDEO);
    agree(&bob, "1");
    const uint32_t ssrc = bob.latest->ssrc;
    forget_heard(&bob);
    CHECK_ERR(OK, room_subscribe(bob.m, p->track.sid, false));
    CHECK_HEARD("unsubscribe cam #1", &bob);
    CHECK_INT(0, fake_count("subscription"));
    CHECK_ERR(OK, room_subscribe(bob.m, p->track.sid, false));
    CHECK_HEARD("", &bob);
    CHECK_ERR(OK, room_subscribe(bob.m, p->track.sid, true));
    CHECK_HEARD("permission cam 1; subscribe cam #1", &bob);
    CHECK(ssrc != bob.latest->ssrc); /* nothing is sent twice from one */
    CHECK(room_subscription_find(bob.m, 1) == bob.latest);
    agree(&bob, "1");
    agree(&bob, "1"); /* said again in each description */
    CHECK_INT(1, fake_count("subscription"));
    const struct rtc_rtp_params elsewhere = { .media = RTC_VIDEO, .mid = "7" };
    CHECK_ERR(ERR_CONFLICT, room_subscription_bind(bob.latest, &elsewhere));
    CHECK_STR("1", bob.latest->mid);
    const uint32_t before = bob.latest->ssrc;
    room_subscription_unbind(bob.latest);
    CHECK_INT(0, fake_count("subscription"));
    CHECK(before != bob.latest->ssrc);
    agree(&bob, "7");
    CHECK_STR("7", bob.latest->mid);
    world_close(&w);
    guest_finish(&alice);
    guest_finish(&bob);
}

TEST(rooms_subscription, remembers_a_wish_for_what_is_not_there_yet) {
    struct world w;
    struct guest alice, bob;
    const struct room_member_config cfg = {
        .identity = "bob", .grant = all_rights, .auto_subscribe = false, .single = true
    };
    const struct room_wanted off = { .disabled = true };
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    CHECK_ERR(OK, try_join(&w, &bob, &cfg));
    struct room_publication *p = publish(&alice, "mic", RTC_AUDIO);
    CHECK_HEARD("member bob joined v1; member alice active v3", &bob);
    CHECK_ERR(OK, room_want(bob.m, p->track.sid, &off)); /* settings before the subscription */
    CHECK_HEARD("", &bob);
    CHECK_ERR(OK, room_subscribe(bob.m, p->track.sid, true));
    CHECK_HEARD("permission mic 1; subscribe mic #1", &bob);
    CHECK(bob.latest->wanted.disabled);
    CHECK_ERR(OK, room_subscribe(bob.m, "TR_unknown", true));
    CHECK_INT(2, HASH_COUNT(bob.m->subscriptions));
    world_wait(&w, ROOM_ACTIVE_US / 2);
    CHECK_INT(2, HASH_COUNT(bob.m->subscriptions));
    const struct rtc_ice_cred cred = { "ufrag", "pwd" };
    CHECK_ERR(OK, room_transport_open(bob.m, ROOM_ONLY, &cred));
    const struct sfu_event up =
        fake_transport_event(bob.m->transports[ROOM_ONLY].part.id, SFU_TRANSPORT_CONNECTED, 0);
    room_directory_told(w.rooms, &up);
    world_wait(&w, ROOM_UNKNOWN_US);
    CHECK_INT(1, HASH_COUNT(bob.m->subscriptions));
    CHECK_ERR(ERR_INVALID, room_subscribe(bob.m, "TR_that_is_far_too_long", true));
    world_close(&w);
    guest_finish(&alice);
    guest_finish(&bob);
}

TEST(rooms_subscription, needs_the_publishers_permission) {
    struct world w;
    struct guest alice, bob, carol;
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    enter(&w, &bob, "bob");
    enter(&w, &carol, "carol");
    struct room_publication *mic = publish(&alice, "mic", RTC_AUDIO);
    publish(&alice, "cam", RTC_VIDEO);
    const char *const tracks[] = { mic->track.sid };
    const struct room_listener listeners[] = {
        { .identity = "bob", .tracks = tracks, .n_tracks = 1 },
        { .sid = carol.m->sid, .all = true },
    };
    forget_heard(&bob);
    forget_heard(&carol);
    CHECK_ERR(OK, room_set_audience(alice.m, true, NULL, 0)); /* as all clients say at first */
    CHECK_HEARD("", &bob);
    CHECK_ERR(OK, room_set_audience(alice.m, false, listeners, 2));
    CHECK_HEARD("permission cam 0; unsubscribe cam #2", &bob);
    CHECK_HEARD("", &carol);
    CHECK_ERR(OK, room_set_audience(alice.m, false, NULL, 0));
    CHECK_HEARD("permission mic 0; unsubscribe mic #1", &bob);
    CHECK_HEARD(
        "permission mic 0; unsubscribe mic #1; permission cam 0; unsubscribe cam #2", &carol);
    CHECK_ERR(OK, room_set_audience(alice.m, true, NULL, 0));
    CHECK_HEARD("permission mic 1; subscribe mic #1; permission cam 1; subscribe cam #2", &bob);
    world_close(&w);
    guest_finish(&alice);
    guest_finish(&bob);
    guest_finish(&carol);
}

TEST(rooms_subscription, keeps_the_limits_of_a_permission) {
    static const struct {
        const char *name;
        size_t listeners, tracks; /* of each */
        enum err e;
        const char *heard; /* by bob, who is none of them */
    } rows[] = {
        { "as many listeners as may be", ROOM_AUDIENCE_MAX, 0, OK,
            "permission mic 0; unsubscribe mic #1" },
        { "one more", ROOM_AUDIENCE_MAX + 1, 0, ERR_LIMIT, "" },
        { "as many tracks as may be", 2, ROOM_AUDIENCE_TRACKS_MAX / 2, OK,
            "permission mic 0; unsubscribe mic #1" },
        { "more", 3, ROOM_AUDIENCE_TRACKS_MAX / 2, ERR_LIMIT, "" },
        { "more, of one", 1, ROOM_AUDIENCE_TRACKS_MAX + 1, ERR_LIMIT, "" },
    };
    static const char *tracks[ROOM_AUDIENCE_TRACKS_MAX + 1];
    static struct room_listener listeners[ROOM_AUDIENCE_MAX + 1];
    FOR_ROWS (rows, r) {
        struct world w;
        struct guest alice, bob;
        ROW(r->name);
        CHECK_ERR(OK, world_open(&w, NULL));
        enter(&w, &alice, "alice");
        enter(&w, &bob, "bob");
        publish(&alice, "mic", RTC_AUDIO);
        forget_heard(&bob);
        for (size_t i = 0; i < r->tracks; i++) {
            tracks[i] = "TR_of_nobody";
        }
        for (size_t i = 0; i < r->listeners; i++) {
            listeners[i] = (struct room_listener){
                .identity = "carol", .tracks = tracks, .n_tracks = r->tracks
            };
        }
        CHECK_ERR(r->e, room_set_audience(alice.m, false, listeners, r->listeners));
        CHECK_HEARD(r->heard, &bob);
        world_close(&w);
        guest_finish(&alice);
        guest_finish(&bob);
    }
}

TEST(rooms_subscription, keeps_its_limit) {
    struct world w;
    struct guest alice;
    char sid[ROOM_SID_SIZE];
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    for (int i = 0; i < ROOM_SUBSCRIPTIONS_MAX; i++) {
        snprintf(sid, sizeof(sid), "TR_%d", i);
        CHECK_ERR(OK, room_subscribe(alice.m, sid, true));
    }
    CHECK_ERR(ERR_LIMIT, room_subscribe(alice.m, "TR_one_more", true));
    CHECK_ERR(OK, room_subscribe(alice.m, "TR_0", false));
    world_close(&w);
    guest_finish(&alice);
}

TEST(rooms_subscription, says_when_a_codec_does_not_fit) {
    struct world w;
    struct guest alice, bob;
    CHECK_ERR(OK, world_open(&w, NULL));
    enter(&w, &alice, "alice");
    enter(&w, &bob, "bob");
    publish(&alice, "cam", RTC_VIDEO);
    agree(&bob, "1");
    forget_heard(&bob);
    const struct sfu_event unfit = { .type = SFU_EVENT_SUBSCRIPTION,
        .id = bob.latest->part.id,
        .subscription = SFU_SUBSCRIPTION_CODEC };
    room_directory_told(w.rooms, &unfit);
    CHECK_HEARD("unfit cam #1", &bob);
    world_close(&w);
    guest_finish(&alice);
    guest_finish(&bob);
}

TEST(rooms_subscription, says_when_videos_flow) {
    static const struct {
        const char *name;
        enum sfu_subscription_state state;
        bool audio;
        const char *heard;
    } rows[] = {
        { "first", SFU_SUBSCRIPTION_STARTED, false, "flows it #1" },
        { "paused", SFU_SUBSCRIPTION_PAUSED, false, "pauses it #1" },
        { "resumed", SFU_SUBSCRIPTION_RESUMED, false, "flows it #1" },
        { "sound: nobody shows that", SFU_SUBSCRIPTION_STARTED, true, "" },
    };
    FOR_ROWS (rows, r) {
        struct world w;
        struct guest alice, bob;
        ROW(r->name);
        CHECK_ERR(OK, world_open(&w, NULL));
        enter(&w, &alice, "alice");
        enter(&w, &bob, "bob");
        publish(&alice, "it", r->audio ? RTC_AUDIO : RTC_VIDEO);
        agree(&bob, "1");
        forget_heard(&bob);
        const struct sfu_event event = {
            .type = SFU_EVENT_SUBSCRIPTION, .id = bob.latest->part.id, .subscription = r->state
        };
        room_directory_told(w.rooms, &event);
        CHECK_HEARD(r->heard, &bob);
        world_close(&w);
        guest_finish(&alice);
        guest_finish(&bob);
    }
}

/* Whatever happens in which order, the SFU has nothing left when all are gone. */
TEST(rooms_subscription, leaves_nothing_behind) {
    struct world w;
    struct guest guests[6];
    uint32_t seed = 7;
    CHECK_ERR(OK, world_open(&w, NULL));
    memset(guests, 0, sizeof(guests));
    for (int step = 0; step < 600 && fake_sfu.last + 40 < FAKE_OBJECTS; step++) {
        static const char *const names[] = { "a", "b", "c", "d", "e", "f" };
        seed = seed * 1103515245 + 12345;
        const unsigned who = seed >> 16 & 7;
        struct guest *g = &guests[who % COUNT_OF(guests)];
        const unsigned what = seed >> 20 & 7;
        if (g->m == NULL) {
            guest_finish(g);
            enter(&w, g, names[who % COUNT_OF(guests)]);
        } else if (what == 0) {
            room_leave(g->m, ROOM_LEFT);
        } else if (what < 4 && g->m->n_publications < 4) {
            publish(g, "t", what == 1 ? RTC_AUDIO : RTC_VIDEO);
        } else if (what == 4 && g->m->publications != NULL) {
            room_unpublish(g->m->publications, false);
        } else {
            for (struct room_subscription *s = g->m->subscriptions; s != NULL; s = s->hh.next) {
                const struct rtc_rtp_params params = some_params(RTC_VIDEO, "m");
                if (s->live) {
                    CHECK_ERR(OK, room_subscription_bind(s, &params));
                }
            }
        }
        world_wait(&w, SEC_US / 2);
    }
    for (size_t i = 0; i < COUNT_OF(guests); i++) {
        if (guests[i].m != NULL) {
            room_leave(guests[i].m, ROOM_LEFT);
        }
        guest_finish(&guests[i]);
    }
    CHECK_INT(0, fake_count("subscription") + fake_count("track") + fake_count("transport") +
                     fake_count("participant"));
    world_close(&w);
    CHECK_INT(0, fake_count("room"));
}
