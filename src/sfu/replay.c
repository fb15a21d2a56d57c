/* A cursor into a history. */
#include "sfu/replay.h"

#include "sfu/subscription.h"
#include "sfu/track.h"
#include "sfu/worker.h"

/* Parameter sets may have come in packets of their own, before it: of one picture the first counts.
 */
void sfu_replay_note_key(struct sfu_track *t, const struct sfu_packet *p) {
    struct sfu_track_layer *l = &t->layers[p->layer];
    bool again = l->key_us != 0 && (p->rtp.ts == l->key_ts || p->seq < l->key_seq);
    if (!again && !t->config.muted) {
        l->key_seq = p->seq;
        l->key_ts = p->rtp.ts;
        l->key_us = p->now_us;
    }
}

void sfu_replay_forget_keys(struct sfu_track *t) {
    for (unsigned i = 0; i < t->n_layers; i++) {
        t->layers[i].key_us = 0;
    }
}

/* Is there something to begin with that is not older than this, and whole? */
static bool could(const struct sfu_track *t, unsigned layer, int64_t age_us, int64_t now_us) {
    const struct sfu_track_layer *l = &t->layers[layer];
    if (l->key_us == 0 || now_us - l->key_us > age_us || l->history == NULL || t->config.muted) {
        return false;
    }
    for (int64_t seq = l->key_seq; seq <= l->receiver.highest; seq++) {
        if (rtc_history_get(l->history, (uint16_t)seq, now_us) == NULL) {
            return false;
        }
    }
    return true;
}

static bool begin(struct sfu_subscription *s, unsigned layer, int64_t now_us) {
    struct sfu_track *t = s->track;
    struct sfu_packet newest;
    if (!could(t, layer, SFU_REPLAY_AGE_US, now_us) ||
        !sfu_track_recall(t, layer, t->layers[layer].receiver.highest, now_us, &newest)) {
        return false;
    }
    s->replay = (struct sfu_replay){ t->layers[layer].key_seq, (uint8_t)layer };
    sfu_rewriter_squeeze(&s->rewriter, newest.rtp.ts);
    t->n_replays++;
    sfu_track_wake(t);
    return true;
}

bool sfu_replay_begin(struct sfu_subscription *s) {
    int64_t now = s->worker->media->now_us;
    int layer = s->selector.target;
    if (s->started || s->wanted.disabled || s->paused || layer < 0) {
        return false;
    }
    if (!media_transport_is_connected(s->media)) {
        return could(s->track, (unsigned)layer, SFU_REPLAY_AGE_US / 2, now);
    }
    return s->replay.next != 0 || begin(s, (unsigned)layer, now);
}

void sfu_replay_follow(struct sfu_subscription *s, const struct sfu_packet *p) {
    if (s->replay.next == 0 && p->seq < s->track->layers[p->layer].receiver.highest) {
        s->replay = (struct sfu_replay){ p->seq + 1, p->layer };
        s->track->n_replays++;
        sfu_track_wake(s->track);
    }
}

void sfu_replay_end(struct sfu_subscription *s) {
    if (s->replay.next != 0) {
        s->replay.next = 0;
        s->track->n_replays--;
        sfu_freezes_pause(&s->freezes);
    }
}

/* Does the listener still get this layer, or wait for it? */
static bool goes_on(const struct sfu_subscription *s) {
    int layer = s->replay.layer;
    bool waits = s->selector.current < 0 && s->selector.target == layer;
    return (waits || s->selector.current == layer) && !s->track->config.muted;
}

static void step(struct sfu_subscription *s, int64_t now_us) {
    unsigned layer = s->replay.layer;
    const struct sfu_track_layer *l = &s->track->layers[layer];
    for (unsigned sent = 0; sent < SFU_REPLAY_STEP && s->replay.next <= l->receiver.highest;) {
        struct sfu_packet p;
        if (sfu_track_recall(s->track, layer, s->replay.next, now_us, &p)) {
            sfu_subscription_pass(s, &p);
            sent++;
        } /* else it was lost on its way here; when it comes it is not held any more */
        s->replay.next++;
    }
    if (s->replay.next > l->receiver.highest) {
        sfu_replay_end(s);
    }
}

void sfu_replay_step(struct sfu_track *t, int64_t now_us) {
    for (uint32_t i = 0; i < t->n_listeners && t->n_replays > 0; i++) {
        struct sfu_subscription *s = t->listeners[i];
        if (s->replay.next == 0) {
            continue;
        }
        if (goes_on(s)) {
            step(s, now_us);
        } else {
            sfu_replay_end(s);
        }
        if (s->replay.next == 0 && s->selector.current < 0) {
            sfu_track_want_key(t, (unsigned)s->selector.target);
        }
    }
}
