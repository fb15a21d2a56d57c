/* Who speaks and how it goes, as main is told, over good and bad ways. */
#include "core/metrics.h"
#include "ears.h"
#include "rtc/ntp.h"
#include "sfu/room.h"
#include "sfu/track.h"
#include "sfu/transport.h"
#include "unit/test.h"

#define SECOND 1000000

static const struct world_kind microphone = { .layers = 1 };
static const struct world_kind camera = { .video = true, .layers = 1 };
static const struct world_kind simulcast = { .video = true, .layers = 3 };

/* What main hears of the one world of the running test. */
static struct ears ears;

static struct world *new_world(uint64_t seed) {
    struct world *w = world_create(seed);
    ears_init(&ears, w);
    return w;
}

static const struct ears_client *heard(const struct world_client *c) {
    return ears_of(&ears, c);
}

TEST(sim_quality, speakers_are_told_when_they_change) {
    struct world *w = new_world(11);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    struct world_track *loud = world_publish(a, 0, &microphone);
    struct world_track *quiet = world_publish(b, 0, &microphone);
    peer_source_set_level(loud->source, 3);
    peer_source_set_level(quiet->source, 60);
    world_run(w, 5 * SECOND);
    CHECK_INT(6, heard(a)->eighths);
    CHECK_INT(0, heard(b)->eighths);
    CHECK_INT(0, heard(b)->voices_told);
    CHECK_INT(-3, ears_track(&ears, loud)->loudest_dbov);
    CHECK_INT(-60, ears_track(&ears, quiet)->loudest_dbov);
    CHECK(ears_track(&ears, loud)->spoken_ms > 1000);
    CHECK_INT(0, ears_track(&ears, quiet)->spoken_ms);
    CHECK(heard(a)->voices_told <= 4); /* on its way up, not every 400 ms */
    ROW("the other speaks now");
    peer_source_set_level(loud->source, 127);
    peer_source_set_level(quiet->source, 15);
    world_run(w, 4 * SECOND);
    CHECK_INT(0, heard(a)->eighths);
    CHECK_INT(2, heard(b)->eighths);
    ROW("who is muted does not, whatever comes");
    sfu_track_mute(w->sfu, quiet->id, true);
    world_run(w, 2 * SECOND);
    CHECK_INT(0, heard(b)->eighths);
    sfu_track_mute(w->sfu, quiet->id, false);
    world_run(w, 2 * SECOND);
    CHECK_INT(2, heard(b)->eighths);
    ROW("who vanishes speaks no more");
    b->dead = true;
    world_run(w, 2 * SECOND);
    CHECK_INT(0, heard(b)->eighths);
    ROW("and nothing is looked at while all are silent");
    unsigned told = heard(a)->voices_told + heard(b)->voices_told;
    world_run(w, 3 * SECOND);
    CHECK_INT(told, heard(a)->voices_told + heard(b)->voices_told);
    world_destroy(w);
}

TEST(sim_quality, many_speak_at_once) {
    enum { PEOPLE = 20 };
    struct world *w = new_world(12);
    for (unsigned i = 0; i < PEOPLE; i++) {
        (void)world_join(w, i);
    }
    world_run(w, 2 * SECOND);
    for (unsigned i = 0; i < PEOPLE; i++) {
        peer_source_set_level(world_publish(&w->clients[i], 0, &microphone)->source, (uint8_t)i);
    }
    world_run(w, 4 * SECOND);
    for (unsigned i = 0; i < PEOPLE; i++) {
        CHECK(heard(&w->clients[i])->eighths > 0);
        CHECK(i == 0 || heard(&w->clients[i])->eighths <= heard(&w->clients[i - 1])->eighths);
    }
    CHECK_INT(8, heard(&w->clients[0])->eighths);
    world_destroy(w);
}

TEST(sim_quality, figures_are_those_of_the_network) {
    struct world *w = new_world(13);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    w->net.up = w->net.down = (struct net_way){ 30000, 0, 0 };
    struct world_track *voice = world_publish(a, 0, &microphone);
    struct world_track *face = world_publish(a, 1, &simulcast);
    struct peer_sink *hears = world_subscribe(b, voice, NULL),
                     *sees = world_subscribe(b, face, NULL);
    world_run(w, 21 * SECOND);
    const struct sfu_stats *of_voice = ears_sink(&ears, hears), *of_face = ears_sink(&ears, sees);
    CHECK_INT(0, ears_track(&ears, voice)->lost + ears_track(&ears, face)->lost + of_voice->lost +
                     of_face->lost);
    CHECK(ears_track(&ears, voice)->expected > 200 && ears_track(&ears, voice)->expected < 300);
    CHECK(of_voice->expected > 200 && of_voice->expected < 300);
    CHECK(ears_track(&ears, voice)->bps > 30000 && ears_track(&ears, voice)->bps < 60000);
    CHECK(of_face->bps > 100000 && of_face->bps < ears_track(&ears, face)->bps);
    CHECK_INT(2, ears_track(&ears, face)->layer);
    CHECK_INT(2, of_face->layer);
    CHECK(of_voice->rtt_ms >= 55 && of_voice->rtt_ms <= 90);
    CHECK(of_voice->mos > 4.2F && of_voice->score > 90);
    CHECK_INT(0, of_face->freezes);
    CHECK_INT(SFU_QUALITY_EXCELLENT, heard(a)->quality);
    CHECK_INT(SFU_QUALITY_EXCELLENT, heard(b)->quality);
    CHECK(heard(a)->qualities_told <= 3 && heard(b)->qualities_told <= 3); /* changes alone */
    world_destroy(w);
}

TEST(sim_quality, a_bad_way_is_told_to_be_one_and_a_good_one_again) {
    struct world *w = new_world(14);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    struct peer_sink *sees = world_subscribe(b, world_publish(a, 0, &camera), NULL);
    world_run(w, 11 * SECOND);
    CHECK_INT(SFU_QUALITY_EXCELLENT, heard(b)->quality);
    w->net.down = (struct net_way){ 20000, 30000, 200 }; /* a fifth is lost */
    world_run(w, 16 * SECOND);
    CHECK_INT(SFU_QUALITY_POOR, heard(b)->quality);
    CHECK(heard(b)->mos < 2.0F);
    CHECK_INT(SFU_QUALITY_EXCELLENT, heard(a)->quality); /* what goes up is fine */
    const struct sfu_stats *s = ears_sink(&ears, sees);
    CHECK(s->lost * 100 > s->expected * 10 && s->lost * 100 < s->expected * 30);
    CHECK(s->jitter_ms > 2);
    CHECK(s->mos < 3.5F);
    w->net.down = (struct net_way){ 20000, 0, 0 };
    world_run(w, 31 * SECOND);
    CHECK_INT(SFU_QUALITY_EXCELLENT, heard(b)->quality);
    world_destroy(w);
}

TEST(sim_quality, only_who_is_not_heard_of_is_lost) {
    struct world *w = new_world(15);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    struct world_track *voice = world_publish(a, 0, &microphone);
    (void)world_subscribe(b, voice, NULL);
    world_run(w, 6 * SECOND);
    ROW("nothing is sent");
    peer_source_set_layers(voice->source, 0);
    world_run(w, 20 * SECOND);
    CHECK_INT(SFU_QUALITY_EXCELLENT, heard(a)->quality);
    CHECK_INT(SFU_QUALITY_EXCELLENT, heard(b)->quality);
    ROW("not even a check");
    a->dead = true;
    world_run(w, 14 * SECOND);
    CHECK_INT(SFU_QUALITY_LOST, heard(a)->quality);
    CHECK_INT(SFU_QUALITY_EXCELLENT, heard(b)->quality);
    a->dead = false;
    world_destroy(w);
}

/* Clients of the classic mode have a connection for each direction. */
TEST(sim_quality, who_is_heard_of_on_one_of_two_connections_is_not_lost) {
    struct world *w = new_world(19);
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    struct world_client *b_gets = world_join_beside(w, 2, b);
    world_run(w, SECOND);
    (void)world_subscribe(b_gets, world_publish(a, 0, &microphone), NULL);
    world_run(w, 6 * SECOND);
    CHECK_INT(SFU_QUALITY_EXCELLENT, heard(b)->quality);
    ROW("one of two");
    b_gets->dead = true;
    world_run(w, 14 * SECOND);
    CHECK_INT(SFU_QUALITY_POOR, heard(b)->quality);
    ROW("it ends: the other goes on");
    world_run(w, 11 * SECOND);
    CHECK_INT(SFU_QUALITY_EXCELLENT, heard(b)->quality);
    ROW("that one, too");
    b->dead = true;
    world_run(w, 14 * SECOND);
    CHECK_INT(SFU_QUALITY_LOST, heard(b)->quality);
    b->dead = b_gets->dead = false;
    world_destroy(w);
}

/* What a client reports, and whether, says how good its connection is; never that there is none. */
TEST(sim_quality, no_kind_of_client_is_lost_by_what_it_reports) {
    static const struct {
        const char *name;
        uint64_t remb_bps;
        bool wide, deaf, mute_reports;
    } rows[] = {
        { "transport-wide feedback", 0, true, false, false },
        { "REMB", 50000000, false, false, false },
        { "REMB, with room for no video", 40000, false, false, false },
        { "neither", 0, false, false, false },
        { "no feedback at all", 0, false, true, false },
        { "no reports of what it sends", 0, false, false, true },
        { "no RTCP", 0, false, true, true },
    };
    static const struct net_way ways[] = { { 20000, 0, 0 }, { 60000, 30000, 300 } };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world *w = new_world(20);
        struct world_client *both[] = { world_join(w, 0), world_join(w, 1) };
        struct world_track *voices[2], *faces[2];
        world_run(w, SECOND);
        for (size_t i = 0; i < 2; i++) {
            both[i]->wide = r->wide;
            both[i]->remb_bps = r->remb_bps;
            both[i]->deaf = r->deaf;
            both[i]->mute_reports = r->mute_reports;
            voices[i] = world_publish(both[i], 0, &microphone);
            faces[i] = world_publish(both[i], 1, &simulcast);
        }
        for (size_t i = 0; i < 2; i++) {
            (void)world_subscribe(both[i], voices[1 - i], NULL);
            (void)world_subscribe(both[i], faces[1 - i], NULL);
        }
        for (int s = 0; s < 30; s++) {
            w->net.up = w->net.down = ways[s >= 10];
            world_run(w, SECOND);
            CHECK(heard(both[0])->quality != SFU_QUALITY_LOST);
            CHECK(heard(both[1])->quality != SFU_QUALITY_LOST);
        }
        CHECK(heard(both[0])->qualities_told > 0 && heard(both[1])->qualities_told > 0);
        w->net.up = w->net.down = ways[0];
        world_destroy(w);
    }
}

TEST(sim_quality, pictures_that_stand_still_are_counted) {
    static const struct {
        const char *name;
        bool muted;
        uint32_t freezes;
    } rows[] = { { "the publisher's way breaks", false, 1 }, { "the camera is off", true, 0 } };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world *w = new_world(16);
        struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
        world_run(w, SECOND);
        struct world_track *face = world_publish(a, 0, &camera);
        struct peer_sink *sees = world_subscribe(b, face, NULL);
        world_run(w, 6 * SECOND);
        if (r->muted) {
            sfu_track_mute(w->sfu, face->id, true);
        }
        peer_source_set_layers(face->source, 0);
        world_run(w, SECOND);
        if (r->muted) {
            sfu_track_mute(w->sfu, face->id, false);
        }
        peer_source_set_layers(face->source, UINT32_MAX);
        world_run(w, 6 * SECOND);
        CHECK_INT(r->freezes, ears_sink(&ears, sees)->freezes);
        CHECK(r->freezes == 0 || ears_sink(&ears, sees)->freeze_ms >= 900);
        world_destroy(w);
    }
}

/* The way of who only publishes is measured by his answer to our RRTR, and tells when to ask again
 * for what is missing. */
TEST(sim_quality, the_way_of_a_publisher_is_known) {
    struct world *w = new_world(17);
    struct world_client *a = world_join(w, 0);
    world_run(w, SECOND);
    struct world_track *face = world_publish(a, 0, &camera);
    world_run(w, 2 * SECOND);
    struct sfu_worker *worker = w->sfu->seats[0].worker;
    const struct sfu_transport *t =
        sfu_registry_find(&worker->registry, SFU_TRANSPORT, a->transport);
    CHECK(t != NULL && t->participant->rtt_us == 0);
    const struct sfu_track *track = sfu_registry_find(&worker->registry, SFU_TRACK, face->id);
    CHECK(track != NULL && track->layers[0].nack->rtt_us == 0);
    uint8_t bytes[200];
    struct wr out = wr_make(bytes, sizeof(bytes));
    unsigned newest = (t->rtt.next + RTC_RTT_SENT - 1U) % RTC_RTT_SENT;
    int64_t since_us = w->now_us - t->rtt.sent_us[newest];
    rtc_rtcp_write_rr(&out, 7, NULL, 0);
    rtc_rtcp_write_sdes(&out, 7, "a", NULL);
    rtc_rtcp_write_dlrr(&out, 7, t->ssrc + 1, t->rtt.echo[newest], 0); /* somebody else's */
    rtc_rtcp_write_dlrr(&out, 7, t->ssrc, t->rtt.echo[newest], rtc_us_to_short(since_us));
    CHECK(peer_connection_rtcp(a->peer, bytes, wr_len(&out)));
    w->net.up.loss_permil = 50;
    world_run(w, 2 * SECOND);
    CHECK(t->participant->rtt_us > 5000 && t->participant->rtt_us < 30000); /* 10 ms there */
    CHECK_INT(t->participant->rtt_us, track->layers[0].nack->rtt_us);
    w->net.up.loss_permil = 0;
    world_destroy(w);
}

static int64_t on_page(struct buf *page, const char *metric) {
    char line[100];
    snprintf(line, sizeof(line), "\n%s ", metric);
    const char *found = strstr(buf_str(page), line);
    CHECK(found != NULL);
    return found == NULL ? -1 : atoll(found + strlen(line));
}

/* What workers count is on the page, a second later at most. */
TEST(sim_quality, counters_are_metrics) {
    static const struct {
        const char *name;
        bool moves;
    } rows[] = {
        { "parley_media_forwarded_packets_total", true },
        { "parley_media_received_bytes_total", true },
        { "parley_media_sent_packets_total", true },
        { "parley_media_data_lost_total", false },
        { "parley_media_dropped_total{reason=\"stranger\"}", false },
        { "parley_media_dropped_total{reason=\"data_forbidden\"}", false },
    };
    struct world *w = new_world(18);
    sfu_counters_register();
    struct world_client *a = world_join(w, 0), *b = world_join(w, 1);
    world_run(w, SECOND);
    (void)world_subscribe(b, world_publish(a, 0, &microphone), NULL);
    struct buf before, after;
    buf_init(&before, MIB);
    buf_init(&after, MIB);
    metrics_print(&before);
    world_run(w, 3 * SECOND);
    metrics_print(&after);
    FOR_ROWS (rows, r) {
        ROW(r->name);
        int64_t more = on_page(&after, r->name) - on_page(&before, r->name);
        CHECK_INT(r->moves, more > 0);
    }
    buf_finish(&before);
    buf_finish(&after);
    world_destroy(w);
}
