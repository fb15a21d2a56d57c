/* The figures of streams, and what they come to for a participant. */
#include "rtc/ntp.h"
#include "sfu/room.h"
#include "sfu/rounds.h"
#include "sfu/subscription.h"
#include "sfu/track.h"
#include "sfu/transport.h"
#include "sfu/worker.h"

#include <utlist.h>

#define US_PER_MS 1000
#define MS_PER_S  1000
#define TENTHS    10

/* A participant's worst stream decides. */
struct sum {
    double worst;
    uint32_t rtt_ms;
    bool heard, lost; /* some transport of it is; both, where one of two is lost */
};

static enum rtc_emodel_codec guard_of(const struct sfu_track *t) {
    bool fec = (t->codec->opus & RTC_OPUS_FEC) != 0;
    if (t->codec->type == RTC_RED) {
        return fec ? RTC_EMODEL_RED_FEC : RTC_EMODEL_RED;
    }
    return fec ? RTC_EMODEL_OPUS_FEC : RTC_EMODEL_OPUS;
}

static void tell(struct sfu_worker *w, sfu_id id, struct sum *sum, const struct sfu_window *window,
    struct sfu_score *score, struct sfu_stats *stats) {
    double now = sfu_score_add(score, window);
    sum->worst = now < sum->worst ? now : sum->worst;
    struct sfu_event *e = sfu_worker_event(w, SFU_EVENT_STATS, id);
    if (e == NULL) {
        return;
    }
    stats->video = window->video;
    stats->score = (uint8_t)now;
    stats->mos = (float)sfu_quality_mos(window, now);
    stats->expected = window->expected;
    stats->lost = window->lost;
    stats->jitter_ms = window->jitter_ms;
    stats->rtt_ms = window->rtt_ms;
    e->stats = *stats;
    sfu_worker_tell(w, e);
}

/* --- what a participant sends --- */

static int highest_live(const struct sfu_track *t) {
    int layer = (int)sfu_track_tiers(t) - 1;
    while (layer >= 0 && (t->live >> layer & 1) == 0) {
        layer--;
    }
    return layer;
}

/* Layers that somebody wants and that do not come; none where nothing should. */
static unsigned missing_from(const struct sfu_track *t) {
    int want = -1, live = highest_live(t);
    for (uint32_t i = 0; i < t->n_listeners && sfu_track_tiers(t) > 1; i++) {
        int wish =
            t->listeners[i]->wanted.disabled ? -1 : (int)sfu_subscription_wish(t->listeners[i]);
        want = wish > want ? wish : want;
    }
    return t->config.muted || live < 0 || want <= live ? 0 : (unsigned)(want - live);
}

static void tell_track(struct sfu_track *t, struct sum *sum, int64_t now_us) {
    struct sfu_window w = { .video = sfu_track_is_video(t),
        .guard = guard_of(t),
        .rtt_ms = sum->rtt_ms,
        .missing_layers = missing_from(t) };
    int64_t expected = 0, received = 0;
    for (unsigned i = 0; i < t->n_layers; i++) {
        const struct rtc_receiver *r = &t->layers[i].receiver;
        uint32_t jitter_ms = (uint32_t)rtc_receiver_jitter_ms(r);
        expected += r->any ? r->highest - r->base + 1 : 0;
        received += (int64_t)r->received;
        w.jitter_ms = jitter_ms > w.jitter_ms ? jitter_ms : w.jitter_ms;
    }
    sfu_tally_packets(&t->tally, expected, expected - received, &w);
    const struct sfu_speaker_sum voice = sfu_speaker_take(&t->speaker);
    struct sfu_stats stats = { .participant = t->transport->participant->object.id,
        .published = true,
        .layer = (int8_t)highest_live(t),
        .bps = sfu_tally_bps(&t->tally, now_us),
        .spoken_ms = voice.spoken_ms,
        .loudest_dbov = voice.loudest_dbov };
    tell(t->worker, t->object.id, sum, &w, &t->tally.score, &stats);
}

/* --- what it receives --- */

static unsigned missing_for(const struct sfu_subscription *s) {
    int live = highest_live(s->track), wish = (int)sfu_subscription_wish(s);
    int could = wish < live ? wish : live; /* what does not come is the publisher's trouble */
    bool idle =
        s->wanted.disabled || s->paused || s->selector.current < 0 || s->track->config.muted;
    int now = sfu_subscription_layer(s);
    return idle || could <= now ? 0 : (unsigned)(could - now);
}

static void tell_subscription(struct sfu_subscription *s, struct sum *sum, int64_t now_us) {
    uint32_t rate = s->rewriter.clock_rate;
    struct sfu_window w = { .video = sfu_track_is_video(s->track),
        .guard = guard_of(s->track),
        .rtt_ms = (uint32_t)(s->rtt.smooth_us / US_PER_MS),
        .jitter_ms = rate == 0 ? 0 : (uint32_t)((uint64_t)s->reported_jitter * MS_PER_S / rate),
        .missing_layers = missing_for(s) };
    if (s->reported) {
        sfu_tally_packets(&s->tally, s->reported_seq, s->reported_lost, &w);
    }
    struct sfu_stats stats = { .participant = s->transport->participant->object.id,
        .layer = (int8_t)(s->wanted.disabled ? -1 : sfu_subscription_layer(s)),
        .bps = sfu_tally_bps(&s->tally, now_us),
        .freezes = s->freezes.count,
        .freeze_ms = (uint32_t)(s->freezes.total_us / US_PER_MS) };
    s->freezes.count = 0;
    s->freezes.total_us = 0;
    tell(s->worker, s->object.id, sum, &w, &s->tally.score, &stats);
}

/* --- all of it --- */

static uint32_t longer(uint32_t ms, const struct rtc_rtt *rtt) {
    uint32_t other = (uint32_t)(rtt->smooth_us / US_PER_MS);
    return other > ms ? other : ms;
}

/* A transport's RTT is the same both ways: its listeners' reports measure it, or who only publishes
 * echoes our time. */
static void look(const struct sfu_participant *p, struct sum *sum) {
    struct sfu_transport *t = NULL;
    DL_FOREACH(p->transports, t) {
        const bool connected = media_transport_is_connected(t->media);
        const bool lost =
            t->lost || (connected && media_transport_silent_us(t->media) >= SFU_QUALITY_LOST_US);
        sum->heard = sum->heard || (connected && !lost);
        sum->lost = sum->lost || lost;
        sum->rtt_ms = longer(sum->rtt_ms, &t->rtt);
        struct sfu_subscription *s = NULL;
        DL_FOREACH(t->subscriptions, s) {
            sum->rtt_ms = longer(sum->rtt_ms, &s->rtt);
        }
    }
}

static void tell_quality(struct sfu_participant *p, const struct sum *sum) {
    double score = sum->lost ? 0 : sum->worst;
    double mos = rtc_emodel_mos(score);
    uint8_t quality = (uint8_t)(sum->heard ? sfu_quality_of(score) : SFU_QUALITY_LOST);
    uint8_t tenths = (uint8_t)(mos * TENTHS);
    if (p->tenths == tenths && p->quality == quality) {
        return;
    }
    struct sfu_event *e = sfu_worker_event(p->room->worker, SFU_EVENT_QUALITY, p->object.id);
    if (e == NULL) {
        return;
    }
    p->tenths = tenths;
    p->quality = quality;
    e->quality.quality = quality;
    e->quality.mos = (float)mos;
    sfu_worker_tell(p->room->worker, e);
}

void sfu_stats_tell(struct sfu_participant *p, int64_t now_us) {
    struct sum sum = { .worst = 100 };
    look(p, &sum);
    if (!sum.heard && !sum.lost) {
        return; /* not here yet */
    }
    struct sfu_transport *t = NULL;
    DL_FOREACH(p->transports, t) {
        struct sfu_track *track = NULL;
        DL_FOREACH(t->tracks, track) {
            if (track->heard) {
                tell_track(track, &sum, now_us);
            }
        }
        struct sfu_subscription *s = NULL;
        DL_FOREACH(t->subscriptions, s) {
            if (s->started) {
                tell_subscription(s, &sum, now_us);
            }
        }
    }
    tell_quality(p, &sum);
}
