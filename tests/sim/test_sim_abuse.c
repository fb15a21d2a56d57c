/* Participants that mean harm, with keys of their own: what they do is counted and bounded, and the
 * others' call goes on as if nothing was. */
#include "scene.h"
#include "unit/test.h"

#include "core/crypto.h"
#include "rtc/rtcp.h"
#include "rtc/rtcpfb.h"
#include "sfu/resends.h"
#include "sfu/transport.h"

#include <string.h>

static const struct world_kind simulcast = { .video = true, .layers = 3 };

static void say_rtcp(struct scene *s, const struct wr *w) {
    CHECK(!w->bad);
    CHECK(peer_connection_rtcp(s->bad->peer, w->start, wr_len(w)));
}

TEST(sim_abuse, floods_of_feedback_do_not_multiply) {
    static const struct {
        const char *name;
        enum { ASK_NACK, ASK_PLI, ASK_FIR, SAY_BLOCKS } what;
    } rows[] = {
        { "NACK for everything", ASK_NACK },
        { "PLI", ASK_PLI },
        { "FIR", ASK_FIR },
        { "reports about everything", SAY_BLOCKS },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct scene s;
        scene_begin(&s, 60 + (uint64_t)(r - rows), true);
        struct peer_sink *own = world_subscribe(s.bad, &s.a->tracks[1], NULL);
        s.bad->deaf = true;
        world_run(s.w, 2 * SECOND);
        uint64_t resent = s.worker->stats.resent, forwarded = s.worker->stats.forwarded,
                 keys = s.worker->stats.keyframes_asked;
        for (unsigned round = 0; round < 300; round++) {
            uint8_t bytes[1200];
            struct wr w = wr_make(bytes, sizeof(bytes));
            struct rtc_rtcp_block blocks[31];
            uint16_t seqs[256];
            for (unsigned i = 0; i < 256; i++) {
                seqs[i] = (uint16_t)(own->highest - 255 + i);
            }
            memset(blocks, 0, sizeof(blocks));
            for (unsigned i = 0; i < COUNT_OF(blocks); i++) {
                blocks[i].ssrc = own->cfg.ssrc;
            }
            for (unsigned i = 0; i < 256 && r->what == ASK_NACK; i += 64) {
                (void)rtc_rtcpfb_write_nack(&w, 7, own->cfg.ssrc, seqs + i, 64);
            }
            for (unsigned i = 0; i < 60 && r->what == ASK_PLI; i++) {
                rtc_rtcpfb_write_pli(&w, 7, own->cfg.ssrc);
            }
            for (unsigned i = 0; i < 50 && r->what == ASK_FIR; i++) {
                rtc_rtcpfb_write_fir(&w, 7, own->cfg.ssrc, (uint8_t)(round + i));
            }
            if (r->what == SAY_BLOCKS) {
                rtc_rtcp_write_rr(&w, 7, blocks, COUNT_OF(blocks));
            }
            say_rtcp(&s, &w);
            world_run(s.w, 10000);
        }
        resent = s.worker->stats.resent - resent;
        forwarded = s.worker->stats.forwarded - forwarded;
        CHECK_INT(r->what == ASK_NACK, resent > 100);
        CHECK(resent <= SFU_RESENDS_TIMES * (forwarded + 256));
        CHECK(s.worker->stats.keyframes_asked - keys <= 5); /* three seconds */
        CHECK_INT(0, peer_sink_faults(own));
        scene_end(&s);
    }
}

/* A packet of the bad one's, sealed and sent. */
static void say_rtp(
    struct scene *s, struct rtc_srtp_sender *sender, uint8_t *packet, size_t len, uint32_t ssrc) {
    be32_put(packet + 8, ssrc);
    CHECK(peer_connection_rtp(s->bad->peer, sender, packet, 12, len));
}

TEST(sim_abuse, unknown_ssrcs_are_strangers) {
    struct scene s;
    scene_begin(&s, 70, true);
    struct peer_sink *own = world_subscribe(s.b, world_publish(s.bad, 0, &simulcast), NULL);
    world_run(s.w, SECOND);
    uint64_t before = s.worker->stats.drops[SFU_DROP_STRANGER];
    for (uint32_t i = 0; i < 5000; i++) {
        uint8_t packet[60] = { 0x80, 96, 0, 1 };
        struct rtc_srtp_sender sender = { 0 };
        say_rtp(&s, &sender, packet, sizeof(packet), 0x10000 + i);
        if (i % 20 == 0) {
            world_run(s.w, 10000);
        }
    }
    world_run(s.w, SECOND);
    CHECK(s.worker->stats.drops[SFU_DROP_STRANGER] >= before + 4990);
    CHECK_INT(0, peer_sink_faults(own));
    CHECK(own->stats.frames > 60);
    scene_end(&s);
}

TEST(sim_abuse, names_of_layers_are_given_once) {
    /* SSRCs without end that all claim to be a layer by MID and RID: the first one is. */
    struct scene s;
    scene_begin(&s, 71, true);
    struct world_track *track = world_publish(s.bad, 0, &simulcast);
    struct peer_sink *own = world_subscribe(s.b, track, NULL);
    world_run(s.w, 2 * SECOND);
    unsigned told = s.w->layers_told;
    for (uint32_t i = 0; i < 500; i++) {
        uint8_t packet[60] = { 0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 1, 0x10,
            track->params.mid[0], 0x20, 'f', 0x90, 0x80 };
        struct rtc_srtp_sender sender = { 0 };
        be32_put(packet + 8, 0x20000 + i);
        CHECK(peer_connection_rtp(s.bad->peer, &sender, packet, 20, sizeof(packet)));
        if (i % 20 == 0) {
            world_run(s.w, 10000);
        }
    }
    world_run(s.w, SECOND);
    CHECK_INT(told, s.w->layers_told);
    CHECK_INT(0, peer_sink_faults(own) + peer_sink_missing(own));
    scene_end(&s);
}

TEST(sim_abuse, whatever_stands_in_a_packet) {
    /* Of a track's own SSRC: heads, extensions and payloads of noise, of every length. */
    struct scene s;
    scene_begin(&s, 72, true);
    struct world_track *track = world_publish(s.bad, 0, &simulcast);
    struct peer_sink *own = world_subscribe(s.b, track, NULL);
    world_run(s.w, 2 * SECOND);
    uint32_t ssrc = track->params.encodings[2].ssrc;
    uint64_t before = s.worker->stats.packets_in;
    peer_source_set_layers(track->source, 0);
    struct rtc_srtp_sender sender = { .next = 60000 };
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t packet[1480];
        crypto_random(packet, sizeof(packet));
        packet[0] = (uint8_t)(0x80 | (packet[0] & 0x20) | (i % 2 ? 0x10 : 0));
        packet[1] = (uint8_t)(i % 7 == 0 ? packet[1] & 0x3f : i % 3 == 0 ? 97 : 96);
        be16_put(packet + 2, (uint16_t)(60000 + i));
        be32_put(packet + 8, i % 3 == 0 ? track->params.encodings[2].rtx_ssrc : ssrc);
        size_t head = 12, len = 20 + (size_t)net_random(&s.w->net, i % 5 == 0 ? 1460 : 100);
        if (i % 2) {
            be16_put(packet + 12, i % 4 == 1 ? 0xbede : 0x1000);
            be16_put(packet + 14, (uint16_t)((len - 16) / 8));
            head = 16 + (len - 16) / 8 * 4;
        }
        struct rtc_srtp_sender rtx = { .next = 60000 };
        (void)peer_connection_rtp(s.bad->peer, i % 3 == 0 ? &rtx : &sender, packet, head, len);
        if (i % 20 == 0) {
            world_run(s.w, 10000);
        }
    }
    world_run(s.w, SECOND);
    CHECK(s.worker->stats.packets_in > before + 1000);
    CHECK(s.worker->stats.drops[SFU_DROP_MALFORMED] > 0);
    CHECK(own->stats.packets > 0);
    scene_end(&s);
}

TEST(sim_abuse, transport_wide_numbers_may_jump) {
    struct scene s;
    scene_begin(&s, 73, true);
    struct world_track *track = world_publish(s.bad, 0, &simulcast);
    world_run(s.w, SECOND);
    uint64_t out = s.w->out;
    for (unsigned i = 0; i < 2000; i++) {
        uint8_t packet[60] = { 0x90, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 1, 0x41 };
        struct rtc_srtp_sender sender = { 0 };
        be16_put(packet + 17, (uint16_t)net_random(&s.w->net, 65536));
        be32_put(packet + 8, 0x30000 + i); /* of every packet, whoever's it is */
        CHECK(peer_connection_rtp(s.bad->peer, &sender, packet, 20, sizeof(packet)));
        if (i % 20 == 0) {
            world_run(s.w, 10000);
        }
    }
    CHECK(s.w->out - out < 5000);
    CHECK(track->id != 0);
    scene_end(&s);
}

static void count_failed(void *arg, const struct sfu_event *event) {
    *(unsigned *)arg += event->type == SFU_EVENT_TRACK_FAILED;
}

TEST(sim_abuse, publishers_beyond_their_limits_are_refused) {
    struct scene s;
    scene_begin(&s, 74, true);
    struct sfu_track_config audio = { .params = s.a->tracks[0].params },
                            video = { .params = world_described(&s.a->tracks[1]) };
    sfu_id id;
    unsigned failed = 0;
    s.w->also = count_failed;
    s.w->also_arg = &failed;
    uint64_t before = s.worker->stats.messages_failed;
    size_t tracks = s.worker->registry.counts[SFU_TRACK];
    for (unsigned i = 0; i < 100; i++) {
        audio.params.encodings[0].ssrc = 0x40000 + i;
        video.params.mid[0] = (char)('a' + i % 26);
        CHECK_ERR(OK, sfu_track_open(s.w->sfu, s.bad->transport, i < 50 ? &audio : &video, &id));
    }
    world_run(s.w, SECOND);
    CHECK_INT(tracks + SFU_TRACKS_MAX, s.worker->registry.counts[SFU_TRACK]);
    CHECK_INT(before + 100 - SFU_TRACKS_MAX, s.worker->stats.messages_failed);
    CHECK_INT(100 - SFU_TRACKS_MAX, failed); /* main knows */
    world_leave(s.bad);
    world_run(s.w, SECOND);
    s.bad = world_join(s.w, 2);
    world_run(s.w, SECOND);
    for (unsigned i = 0; i < 20; i++) { /* six SSRCs each */
        CHECK_ERR(OK, sfu_track_open(s.w->sfu, s.bad->transport, &video, &id));
    }
    world_run(s.w, SECOND);
    CHECK_INT(tracks + SFU_SSRCS_MAX / 6, s.worker->registry.counts[SFU_TRACK]);
    /* An SSRC of somebody else's track, and of none of the layers. */
    before = s.worker->stats.messages_failed;
    world_leave(s.bad);
    s.bad = world_join(s.w, 2);
    CHECK_ERR(OK, sfu_track_open(s.w->sfu, s.bad->transport, &audio, &id));
    CHECK_ERR(OK, sfu_track_open(s.w->sfu, s.bad->transport, &audio, &id));
    audio.params.n_encodings = 0;
    CHECK_ERR(OK, sfu_track_open(s.w->sfu, s.bad->transport, &audio, &id));
    world_run(s.w, SECOND);
    CHECK_INT(before + 2, s.worker->stats.messages_failed);
    scene_end(&s);
}

TEST(sim_abuse, a_pool_without_packets_fills_again) {
    struct scene s;
    scene_begin(&s, 75, false);
    struct pkt *held = NULL, *p;
    while ((p = pkt_take(s.media->pool)) != NULL) {
        p->next = held;
        held = p;
    }
    world_run(s.w, SECOND / 2);
    while (held != NULL) {
        p = held;
        held = p->next;
        pkt_unref(p);
    }
    world_run(s.w, 5 * SECOND);
    CHECK(s.a->connected && s.b->connected);
    uint64_t before = s.sees->stats.frames;
    world_run(s.w, 2 * SECOND);
    CHECK(s.sees->stats.frames > before + 50);
    CHECK_INT(0, peer_sink_faults(s.sees));
    world_destroy(s.w);
}

TEST(sim_abuse, streams_that_stopped_hold_no_packets) {
    struct scene s;
    scene_begin(&s, 76, false);
    struct pkt_stats held;
    pkt_pool_stats(s.media->pool, &held);
    CHECK(held.in_use > 50);
    peer_source_set_layers(s.a->tracks[0].source, 0);
    peer_source_set_layers(s.a->tracks[1].source, 0);
    world_run(s.w, 4 * SECOND);
    pkt_pool_stats(s.media->pool, &held);
    CHECK_INT(0, held.in_use);
    peer_source_set_layers(s.a->tracks[0].source, 7);
    peer_source_set_layers(s.a->tracks[1].source, 7);
    world_run(s.w, 2 * SECOND);
    scene_end(&s);
}
