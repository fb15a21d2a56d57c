/* Clients of every kind, and what they change in the middle of a call. */
#include "unit/test.h"
#include "world.h"

#define SECOND 1000000

static const struct world_kind microphone = { .layers = 1 };
static const struct world_kind camera = { .video = true, .layers = 1 };
static const struct world_kind simulcast = { .video = true, .layers = 3 };

TEST(sim_peers, meet_with_every_srtp_profile) {
    static const struct {
        const char *name;
        uint16_t publisher, listener;
        const char *at_publisher, *at_listener;
    } rows[] = {
        { "both choose ours", 0, 0, "AEAD_AES_128_GCM", "AEAD_AES_128_GCM" },
        { "GCM 256", RTC_DTLS_GCM_256, RTC_DTLS_GCM_256, "AEAD_AES_256_GCM", "AEAD_AES_256_GCM" },
        { "CM", RTC_DTLS_CM_SHA1_80, RTC_DTLS_CM_SHA1_80, "AES_CM_128_HMAC_SHA1_80",
            "AES_CM_128_HMAC_SHA1_80" },
        { "CM to GCM 256", RTC_DTLS_CM_SHA1_80, RTC_DTLS_GCM_256, "AES_CM_128_HMAC_SHA1_80",
            "AEAD_AES_256_GCM" },
        { "GCM 128 to CM", RTC_DTLS_GCM_128, RTC_DTLS_CM_SHA1_80, "AEAD_AES_128_GCM",
            "AES_CM_128_HMAC_SHA1_80" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world *w = world_create(600 + (uint64_t)(r - rows));
        struct world_client *a = world_join_with(w, 0, r->publisher),
                            *b = world_join_with(w, 1, r->listener);
        world_run(w, SECOND);
        CHECK(a->connected && b->connected);
        CHECK_STR(r->at_publisher, a->profile);
        CHECK_STR(r->at_listener, b->profile);
        struct world_kind face = simulcast;
        face.first_seq = 65500; /* the roll-over counter, too */
        w->net.up = w->net.down = (struct net_way){ 20000, 10000, 30 };
        struct peer_sink *hears = world_subscribe(b, world_publish(a, 0, &microphone), NULL),
                         *sees = world_subscribe(b, world_publish(a, 1, &face), NULL);
        world_run(w, 5 * SECOND);
        CHECK(hears->stats.packets > 150 && sees->stats.frames > 80);
        CHECK(sees->stats.recovered > 0);
        CHECK_INT(0, peer_sink_faults(hears) + peer_sink_faults(sees));
        CHECK(b->times_right > 100);
        CHECK_INT(0, b->times_wrong);
        world_destroy(w);
    }
}

TEST(sim_peers, listeners_need_not_be_like_the_publisher) {
    static const struct {
        const char *name;
        struct world_kind kind;
        struct world_listener listener;
        enum rtc_codec_type gets;
    } rows[] = {
        { "another payload type", { .layers = 1 }, { .pt = 9 }, RTC_OPUS },
        { "of video, and of RTX", { .video = true, .layers = 1 }, { .pt = 120, .rtx_pt = 121 },
            RTC_VP8 },
        { "no RTX", { .video = true, .layers = 1 }, { .no_rtx = true }, RTC_VP8 },
        { "RED as it is", { .layers = 1, .codec = WORLD_RED }, { .pt = 64 }, RTC_RED },
        { "RED for who knows Opus", { .layers = 1, .codec = WORLD_RED }, { .only_opus = true },
            RTC_OPUS },
        { "H264", { .video = true, .layers = 1, .codec = WORLD_H264 }, { .pt = 102 }, RTC_H264 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world *w = world_create(700 + (uint64_t)(r - rows));
        struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
        world_run(w, SECOND);
        struct world_track *track = world_publish(a, 0, &r->kind);
        struct peer_sink *sink = world_subscribe_as(b, track, &r->listener);
        CHECK_INT(r->gets, sink->cfg.codec);
        world_run(w, 5 * SECOND);
        CHECK(sink->stats.packets > 100);
        CHECK_INT(0, peer_sink_faults(sink));
        CHECK_INT(0, peer_sink_missing(sink));
        CHECK_INT(0, sink->stats.duplicates);
        world_destroy(w);
    }
}

TEST(sim_peers, encrypted_red_is_not_unwrapped) {
    struct world *w = world_create(30);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    struct world_kind kind = { .layers = 1, .codec = WORLD_RED, .encrypted = true };
    struct world_listener opus = { .only_opus = true }, red = { .pt = 0 };
    struct world_track *track = world_publish(a, 0, &kind);
    struct peer_sink *without = world_subscribe_as(b, track, &opus),
                     *with = world_subscribe_as(b, track, &red);
    world_run(w, 2 * SECOND);
    CHECK_INT(0, without->stats.packets);
    CHECK(with->stats.packets > 80);
    CHECK_INT(0, peer_sink_faults(with));
    world_destroy(w);
}

TEST(sim_peers, an_unknown_codec_is_told) {
    struct world *w = world_create(31);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    struct world_kind kind = { .video = true, .layers = 1, .codec = WORLD_H264 };
    struct world_track *track = world_publish(a, 0, &kind);
    struct world_track other = *track;
    other.params.codecs[0].type = RTC_VP8;
    (void)world_subscribe(b, &other, NULL);
    world_run(w, SECOND);
    CHECK_INT(1, b->refused_subscriptions);
    CHECK_INT(0, b->started_subscriptions);
    world_destroy(w);
}

TEST(sim_peers, are_told_when_there_is_nothing_to_hear) {
    struct world *w = world_create(36);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    struct world_track gone = *world_publish(a, 0, &microphone);
    world_unpublish(a, 0);
    (void)world_subscribe(b, &gone, NULL); /* it was there a moment ago */
    world_run(w, SECOND);
    CHECK_INT(1, b->ended_subscriptions);
    CHECK_INT(0, b->started_subscriptions);
    sfu_participant_close(w->sfu, b->participant);
    struct world_client *late = world_join_beside(w, 2, b);
    world_run(w, SECOND);
    CHECK_INT(SFU_TRANSPORT_ENDED, late->state);
    world_destroy(w);
}

TEST(sim_peers, keep_their_streams_through_address_changes_and_restarts) {
    static const struct {
        const char *name;
        bool publisher, restart;
        unsigned times;
    } rows[] = {
        { "the publisher's address changes", true, false, 3 },
        { "the listener's address changes", false, false, 3 },
        { "the publisher restarts ICE", true, true, 3 },
        { "the listener restarts ICE", false, true, 3 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world *w = world_create(800 + (uint64_t)(r - rows));
        struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
        world_run(w, SECOND);
        struct peer_sink *hears = world_subscribe(b, world_publish(a, 0, &microphone), NULL),
                         *sees = world_subscribe(b, world_publish(a, 1, &simulcast), NULL);
        world_run(w, 2 * SECOND);
        for (unsigned i = 0; i < r->times; i++) {
            uint64_t heard = hears->stats.packets, seen = sees->stats.packets;
            (r->restart ? world_restart : world_move)(r->publisher ? a : b);
            world_run(w, 4 * SECOND);
            CHECK(hears->stats.packets > heard + 90);
            CHECK(sees->stats.packets > seen + 90);
            CHECK(a->connected && b->connected);
            if (r->restart) { /* the old pair serves until the new one is there */
                CHECK_INT(0, peer_sink_missing(hears) + peer_sink_missing(sees));
            }
        }
        CHECK_INT(0, peer_sink_faults(hears) + peer_sink_faults(sees));
        world_destroy(w);
    }
}

TEST(sim_peers, who_is_lost_comes_back) {
    struct world *w = world_create(32);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    struct peer_sink *sees = world_subscribe(b, world_publish(a, 0, &simulcast), NULL);
    world_run(w, 2 * SECOND);
    w->net.up.loss_permil = w->net.down.loss_permil = 1000;
    world_run(w, 17 * SECOND);
    CHECK_INT(SFU_TRANSPORT_LOST, a->state);
    CHECK_INT(SFU_TRANSPORT_LOST, b->state);
    w->net.up.loss_permil = w->net.down.loss_permil = 0;
    uint64_t before = sees->stats.packets;
    world_run(w, 3 * SECOND);
    CHECK(a->connected && b->connected);
    CHECK(sees->stats.packets > before + 100);
    CHECK_INT(0, peer_sink_faults(sees));
    world_destroy(w);
}

TEST(sim_peers, classic_clients_have_two_transports) {
    struct world *w = world_create(33);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    struct world_client *a_gets = world_join_beside(w, 2, a), *b_gets = world_join_beside(w, 3, b);
    world_run(w, SECOND);
    CHECK(a->connected && b->connected && a_gets->connected && b_gets->connected);
    struct world_kind screen = { .video = true, .layers = 2, .screen = true };
    struct world_track *voice = world_publish(a, 0, &microphone),
                       *face = world_publish(a, 1, &simulcast),
                       *window = world_publish(a, 2, &screen),
                       *answer = world_publish(b, 0, &microphone);
    struct peer_sink *sinks[] = { world_subscribe(b_gets, voice, NULL),
        world_subscribe(b_gets, face, NULL), world_subscribe(b_gets, window, NULL),
        world_subscribe(a_gets, answer, NULL) };
    world_run(w, 5 * SECOND);
    for (size_t i = 0; i < COUNT_OF(sinks); i++) {
        CHECK(sinks[i]->stats.packets > 100);
        CHECK_INT(0, peer_sink_faults(sinks[i]) + peer_sink_missing(sinks[i]));
    }
    CHECK_INT((uint16_t)face->id, sinks[1]->stats.track);
    CHECK_INT((uint16_t)window->id, sinks[2]->stats.track);
    CHECK_INT(0, b_gets->unknown + a_gets->unknown);
    world_leave(b_gets);
    world_run(w, SECOND);
    CHECK(b->connected);
    world_destroy(w);
}

TEST(sim_peers, publish_again) {
    struct world *w = world_create(34);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    for (unsigned i = 0; i < 5; i++) {
        struct world_track *face = world_publish(a, 0, i % 2 == 0 ? &simulcast : &camera);
        struct peer_sink *sees = world_subscribe(b, face, NULL);
        world_run(w, 2 * SECOND);
        CHECK(sees->stats.frames > 30);
        CHECK_INT((uint16_t)face->id, sees->stats.track);
        CHECK_INT(0, peer_sink_faults(sees) + peer_sink_missing(sees));
        world_unpublish(a, 0);
        world_run(w, (int64_t)i * 300000);
        CHECK_INT(i == 0 ? 0 : i + 1, i == 0 ? 0 : b->ended_subscriptions);
    }
    world_destroy(w);
}

TEST(sim_peers, renegotiate_in_the_middle) {
    struct world *w = world_create(35);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    struct world_track *face = world_publish(a, 0, &simulcast);
    struct peer_sink *sees = world_subscribe(b, face, NULL);
    world_run(w, 2 * SECOND);
    struct rtc_rtp_params same = world_described(face), worse = same, other = same;
    worse.n_encodings = 1;
    other.media = RTC_AUDIO;
    struct sfu_worker *worker = w->sfu->seats[0].worker;
    for (unsigned i = 0; i < 40; i++) { /* SSRCs are not counted twice */
        sfu_track_update(w->sfu, face->id, i % 2 == 0 ? &same : &face->params);
        world_run(w, 50000);
    }
    CHECK_INT(0, worker->stats.messages_failed);
    sfu_track_update(w->sfu, face->id, &worse);
    sfu_track_update(w->sfu, face->id, &other);
    world_run(w, 2 * SECOND);
    CHECK_INT(2, worker->stats.messages_failed);
    CHECK(sees->stats.frames > 120);
    CHECK_INT(0, peer_sink_faults(sees) + peer_sink_missing(sees));
    world_destroy(w);
}
