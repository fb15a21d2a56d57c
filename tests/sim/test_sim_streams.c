/* One listener's stream stays one stream, whatever happens to the publisher's, the layers and the
 * ways between. */
#include "rtc/rtcpfb.h"
#include "sfu/subscription.h"
#include "unit/test.h"
#include "world.h"

#define SECOND 1000000

static const struct world_kind microphone = { .layers = 1 };
static const struct world_kind camera = { .video = true, .layers = 1 };
static const struct world_kind simulcast = { .video = true, .layers = 3 };

/* The listener's first subscription, which has sent nothing yet, begins at high numbers. */
static void near_the_wrap(const struct world_client *c) {
    struct sfu_worker *worker = c->world->sfu->seats[0].worker;
    struct sfu_subscription *s =
        sfu_registry_find(&worker->registry, SFU_SUBSCRIPTION, c->sinks[0].id);
    CHECK(s != NULL && s->packets == 0);
    if (s != NULL) {
        rtc_renumber_init(&s->rewriter.seq, 65400);
        s->rtx_seq = 65530;
    }
}

TEST(sim_streams, switch_layers_in_the_middle_of_everything) {
    static const struct {
        const char *name;
        struct world_kind kind;
        struct net_way way; /* both ways */
        bool no_reports, out_wraps;
    } rows[] = {
        { "plain", { .video = true, .layers = 3 }, { 10000, 0, 0 }, false, false },
        { "without sender reports", { .video = true, .layers = 3 }, { 10000, 0, 0 }, true, false },
        { "by SSRC", { .video = true, .layers = 3, .by_ssrc = true }, { 10000, 0, 0 }, false,
            false },
        { "two layers", { .video = true, .layers = 2 }, { 10000, 0, 0 }, false, false },
        { "with loss", { .video = true, .layers = 3 }, { 20000, 20000, 50 }, false, false },
        { "with loss, without reports", { .video = true, .layers = 3 }, { 20000, 20000, 50 }, true,
            false },
        { "numbers and timestamps wrap",
            { .video = true, .layers = 3, .first_seq = 65500, .first_ts = UINT32_MAX - 5 * 90000 },
            { 10000, 0, 0 }, false, false },
        { "they wrap, with loss",
            { .video = true, .layers = 3, .first_seq = 65100, .first_ts = UINT32_MAX - 5 * 90000 },
            { 20000, 30000, 50 }, false, false },
        { "the listener's numbers wrap", { .video = true, .layers = 3 }, { 10000, 0, 0 }, false,
            true },
        { "the listener's numbers wrap, with loss", { .video = true, .layers = 3 },
            { 20000, 30000, 50 }, false, true },
        { "H264", { .video = true, .layers = 3, .codec = WORLD_H264, .no_temporal = true },
            { 10000, 0, 0 }, false, false },
        { "encrypted end to end", { .video = true, .layers = 3, .encrypted = true },
            { 10000, 0, 0 }, false, false },
        { "no temporal layers", { .video = true, .layers = 3, .no_temporal = true },
            { 10000, 0, 0 }, false, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world *w = world_create(100 + (uint64_t)(r - rows));
        struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
        a->mute_reports = r->no_reports;
        world_run(w, SECOND);
        struct peer_sink *sees = world_subscribe(b, world_publish(a, 0, &r->kind), NULL);
        w->net.up = w->net.down = r->way;
        if (r->out_wraps) {
            world_run(w, 10);
            near_the_wrap(b);
        }
        for (unsigned i = 0; i < 24; i++) {
            struct sfu_wanted wanted = { .spatial = (uint8_t)(net_random(&w->net, 3)),
                .fps = (uint8_t)(r->way.loss_permil > 0 ? 0 : net_random(&w->net, 3) * 10) };
            world_want(b, sees, &wanted);
            world_run(w, 100000 + (int64_t)net_random(&w->net, 1500000));
        }
        w->net.up = w->net.down = (struct net_way){ 20000, 0, 0 };
        world_run(w, 3 * SECOND);
        CHECK(sees->stats.switches >= 5);
        CHECK(sees->stats.frames > 100);
        CHECK_INT(0, peer_sink_faults(sees));
        CHECK_INT(0, b->unknown);
        if (r->way.loss_permil == 0) {
            CHECK_INT(0, peer_sink_missing(sees));
            CHECK_INT(0, sees->stats.picture_jumps);
            CHECK_INT(0, sees->stats.duplicates);
        }
        /* Also what was lost just before a switch comes again; a packet may stay away whose
         * resends were all lost. */
        CHECK(peer_sink_missing(sees) <= 4);
        world_destroy(w);
    }
}

TEST(sim_streams, loss_is_recovered_on_each_way) {
    static const struct {
        const char *name;
        struct net_way up, down;
        struct world_listener listener;
        bool publisher_no_rtx;
    } rows[] = {
        { "on the publisher's", { 20000, 50000, 100 }, { 20000, 0, 0 }, { .wanted.spatial = 2 },
            false },
        { "on the publisher's, without RTX", { 20000, 50000, 100 }, { 20000, 0, 0 },
            { .wanted.spatial = 2 }, true },
        { "on the listener's", { 20000, 0, 0 }, { 20000, 50000, 100 }, { .wanted.spatial = 2 },
            false },
        { "on the listener's, without RTX", { 20000, 0, 0 }, { 20000, 50000, 100 },
            { .wanted.spatial = 2, .no_rtx = true }, false },
        { "on the listener's, other payload types", { 20000, 0, 0 }, { 20000, 50000, 100 },
            { .wanted.spatial = 2, .pt = 120, .rtx_pt = 121 }, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world *w = world_create(200 + (uint64_t)(r - rows));
        struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
        struct world_kind kind = camera;
        kind.no_rtx = r->publisher_no_rtx;
        world_run(w, SECOND);
        struct peer_sink *sees = world_subscribe_as(b, world_publish(a, 0, &kind), &r->listener);
        world_run(w, SECOND);
        w->net.up = r->up;
        w->net.down = r->down;
        world_run(w, 20 * SECOND);
        w->net.up = w->net.down = (struct net_way){ 20000, 0, 0 };
        world_run(w, 3 * SECOND);
        CHECK(sees->stats.packets > 600);
        CHECK_INT(0, peer_sink_faults(sees));
        CHECK(peer_sink_missing(sees) * 1000 < sees->stats.packets * 5);
        CHECK(r->up.loss_permil > 0 || r->listener.no_rtx || sees->stats.recovered > 30);
        world_destroy(w);
    }
}

TEST(sim_streams, resends_and_late_originals_are_one_packet) {
    struct world *w = world_create(21);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    struct peer_sink *sees = world_subscribe(b, world_publish(a, 0, &simulcast), NULL);
    w->net.up = (struct net_way){ 10000, 150000, 0 }; /* overtaking, but nothing lost */
    world_run(w, 10 * SECOND);
    struct sfu_worker *worker = w->sfu->seats[0].worker;
    CHECK(worker->stats.drops[SFU_DROP_REPEATED] > 10);
    CHECK_INT(0, w->reused);
    CHECK_INT(0, peer_sink_faults(sees));
    world_destroy(w);
}

TEST(sim_streams, what_begins_as_silence_goes_on) {
    static const struct {
        const char *name;
        struct world_kind kind;
        unsigned padding; /* packets in two seconds, at least */
    } rows[] = {
        { "a microphone", { .layers = 1, .muted = true, .first_ts = 3000000000U }, 90 },
        { "a microphone near the wrap", { .layers = 1, .muted = true, .first_ts = UINT32_MAX },
            90 },
        { "a camera", { .video = true, .layers = 1, .muted = true, .first_ts = 3000000000U }, 15 },
        { "simulcast", { .video = true, .layers = 3, .muted = true, .first_ts = 5 }, 15 },
        { "an encrypted microphone: no silence of ours",
            { .layers = 1, .muted = true, .encrypted = true, .first_ts = 3000000000U }, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world *w = world_create(300 + (uint64_t)(r - rows));
        struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
        world_run(w, SECOND);
        struct world_track *track = world_publish(a, 0, &r->kind);
        struct peer_sink *sink = world_subscribe(b, track, NULL);
        world_run(w, 2 * SECOND);
        CHECK(sink->stats.padding >= r->padding && sink->stats.padding <= r->padding + 20);
        uint64_t before = sink->stats.packets;
        uint32_t ts = sink->ts;
        CHECK_INT(0, sink->stats.frames);
        peer_source_set_layers(track->source, 7);
        sfu_track_mute(w->sfu, track->id, false);
        world_run(w, 2 * SECOND);
        CHECK(sink->stats.packets > before + 50);
        CHECK(sink->stats.frames > 50);
        CHECK_INT(0, peer_sink_faults(sink));
        CHECK_INT(0, peer_sink_missing(sink));
        uint32_t rate = r->kind.video ? 90000 : 48000;
        CHECK(before == 0 || sink->ts - ts < 3 * rate); /* no jump */
        CHECK_INT(1, b->started_subscriptions);
        world_destroy(w);
    }
}

TEST(sim_streams, what_a_muted_one_sends_goes_nowhere) {
    static const struct {
        const char *name;
        struct world_kind kind;
    } rows[] = {
        { "a microphone", { .layers = 1 } },
        { "a camera", { .video = true, .layers = 1 } },
        { "simulcast", { .video = true, .layers = 3 } },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world *w = world_create(450 + (uint64_t)(r - rows));
        struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
        world_run(w, SECOND);
        struct world_track *track = world_publish(a, 0, &r->kind);
        struct peer_sink *sink = world_subscribe(b, track, NULL);
        for (unsigned i = 0; i < 3; i++) {
            world_run(w, 2 * SECOND);
            sfu_track_mute(w->sfu, track->id, true);
            world_run(w, SECOND / 10); /* what was under way */
            uint64_t before = sink->stats.packets;
            world_run(w, 3 * SECOND);
            CHECK_INT(before, sink->stats.packets);
            sfu_track_mute(w->sfu, track->id, false);
            world_run(w, 2 * SECOND);
            CHECK(sink->stats.packets > before + 40);
        }
        CHECK_INT(0, peer_sink_faults(sink));
        CHECK_INT(0, peer_sink_missing(sink));
        world_destroy(w);
    }
}

TEST(sim_streams, mute_and_unmute) {
    static const struct world_kind kinds[] = { { .layers = 1 }, { .video = true, .layers = 1 },
        { .video = true, .layers = 3 } };
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        ROW(k == 0 ? "microphone" : k == 1 ? "camera" : "simulcast");
        struct world *w = world_create(400 + k);
        struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
        world_run(w, SECOND);
        struct world_track *track = world_publish(a, 0, &kinds[k]);
        struct peer_sink *sink = world_subscribe(b, track, NULL);
        for (unsigned i = 0; i < 3; i++) {
            world_run(w, 2 * SECOND);
            uint64_t before = sink->stats.packets;
            sfu_track_mute(w->sfu, track->id, true);
            peer_source_set_layers(track->source, 0);
            world_run(w, 3 * SECOND);
            CHECK(sink->stats.packets < before + 10);
            before = sink->stats.packets;
            sfu_track_mute(w->sfu, track->id, false);
            peer_source_set_layers(track->source, 7);
            world_run(w, 2 * SECOND);
            CHECK(sink->stats.packets > before + 40);
        }
        CHECK_INT(0, peer_sink_faults(sink));
        CHECK_INT(0, peer_sink_missing(sink));
        world_destroy(w);
    }
}

TEST(sim_streams, go_on_when_wishes_change_while_they_are_off) {
    struct world *w = world_create(22);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    struct peer_sink *sees = world_subscribe(b, world_publish(a, 0, &simulcast), NULL);
    world_run(w, 2 * SECOND);
    for (unsigned i = 0; i < 6; i++) {
        struct sfu_wanted off = { .disabled = true }, on = { .spatial = (uint8_t)(i % 3) };
        world_want(b, sees, &off);
        world_run(w, SECOND);
        world_want(b, sees, &on);
        world_run(w, 2 * SECOND);
        CHECK_INT(i % 3, sees->stats.layer);
    }
    CHECK_INT(0, peer_sink_faults(sees));
    CHECK_INT(0, peer_sink_missing(sees));
    world_destroy(w);
}

TEST(sim_streams, a_source_that_begins_anew_is_heard_again) {
    static const struct {
        const char *name;
        bool video;
        uint16_t first, second;
    } rows[] = {
        { "far ahead", false, 5, 30000 },
        { "ahead, round the wrap", false, 60000, 5 },
        { "a camera, round the wrap", true, 60000, 5 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world *w = world_create(500 + (uint64_t)(r - rows));
        struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
        world_run(w, SECOND);
        struct world_kind kind = r->video ? camera : microphone;
        kind.first_seq = r->first;
        struct world_track *track = world_publish(a, 0, &kind);
        struct peer_sink *sink = world_subscribe(b, track, NULL);
        world_run(w, 2 * SECOND);
        uint64_t before = sink->stats.packets;
        world_resource(track, r->second, 2000000000U);
        world_run(w, 3 * SECOND);
        CHECK(sink->stats.packets > before + 60);
        CHECK_INT(0, peer_sink_faults(sink));
        CHECK(peer_sink_missing(sink) <= 2);
        world_destroy(w);
    }
}

/* Clients ask for it again and again, and show nothing for three seconds. */
TEST(sim_streams, what_is_kept_no_more_is_made_up_for_by_a_key_frame) {
    static const struct {
        const char *name;
        uint16_t ago; /* packets */
        bool video;
        unsigned asked;
    } rows[] = {
        { "still kept", 5, true, 0 },
        { "kept no more", 150, true, 1 },
        { "of sound", 250, false, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world *w = world_create(60 + (uint64_t)(r - rows));
        struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
        world_run(w, SECOND);
        struct peer_sink *gets =
            world_subscribe(b, world_publish(a, 0, r->video ? &camera : &microphone), NULL);
        world_run(w, 10 * SECOND);
        const uint64_t before = w->sfu->seats[0].worker->stats.keyframes_asked;
        uint8_t bytes[64];
        struct wr nack = wr_make(bytes, sizeof(bytes));
        const uint16_t seq = (uint16_t)(gets->highest - r->ago);
        CHECK(rtc_rtcpfb_write_nack(&nack, 7, gets->cfg.ssrc, &seq, 1) == 1);
        CHECK(peer_connection_rtcp(b->peer, bytes, wr_len(&nack)));
        world_run(w, SECOND);
        CHECK_INT(r->asked, w->sfu->seats[0].worker->stats.keyframes_asked - before);
        CHECK_INT(0, peer_sink_faults(gets));
        world_destroy(w);
    }
}
