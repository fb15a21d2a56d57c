/* What a subscription should get: wishes, room, and the key frames that changes of layer need. */
#include "sfu/subscription.h"

#include "sfu/share.h"
#include "sfu/track.h"
#include "sfu/transport.h"
#include "sfu/worker.h"

static void ask_for_key(struct sfu_subscription *s) {
    int layer = sfu_selector_waits(&s->selector) ? s->selector.target : s->selector.current;
    if (layer >= 0) {
        sfu_track_want_key(s->track, (unsigned)layer);
    }
}

static void begin_picture(struct sfu_subscription *s) {
    if (!sfu_replay_begin(s)) {
        ask_for_key(s);
    }
}

void sfu_subscription_want_key(struct sfu_subscription *s) {
    ask_for_key(s);
}

unsigned sfu_subscription_wish(const struct sfu_subscription *s) {
    return sfu_selector_wish(&s->wanted, s->track->config.layers, sfu_track_tiers(s->track));
}

int sfu_subscription_layer(const struct sfu_subscription *s) {
    int most = (int)sfu_track_tiers(s->track) - 1;
    if (s->track->svc == NULL || s->selector.current < 0) {
        return s->selector.current;
    }
    return s->layers.now.spatial < most ? s->layers.now.spatial : most;
}

/* Of layers within the stream: which are sent now does not matter, since a picture has all there
 * are. Who wants the highest wants those above it too, should they come. */
static bool aim_within(struct sfu_subscription *s) {
    const struct sfu_track *t = s->track;
    unsigned n = sfu_track_tiers(t);
    struct sfu_cut *want = &s->layers.want;
    int tier = sfu_selector_choose(&s->wanted, s->allowed, t->config.layers, n, 0, &want->temporal);
    want->spatial = (unsigned)tier + 1 < n ? (uint8_t)tier : SFU_SPATIAL_ALL;
    bool needs = sfu_selector_set(&s->selector, 0, SFU_TEMPORAL_ALL);
    return needs || sfu_layers_wait(&s->layers, t->svc);
}

static void aim(struct sfu_subscription *s) {
    const struct sfu_track *t = s->track;
    bool needs = t->svc != NULL ? aim_within(s)
                                : sfu_selector_aim(&s->selector, &s->wanted, s->allowed,
                                      t->config.layers, t->n_layers, t->live);
    if (needs && !s->wanted.disabled && !s->paused && sfu_track_is_video(t)) {
        begin_picture(s);
    }
}

void sfu_subscription_aim(struct sfu_subscription *s) {
    sfu_share_touch(s->transport);
    aim(s);
}

void sfu_subscription_allow(struct sfu_subscription *s, struct sfu_allowance allowed) {
    bool same = s->allowed.tier == allowed.tier && s->allowed.temporal == allowed.temporal;
    bool resumes = s->paused;
    s->paused = s->fresh = false;
    s->allowed = allowed;
    if (!same) {
        aim(s);
    }
    if (resumes) {
        sfu_subscription_restart(s);
        sfu_subscription_tell(s, SFU_SUBSCRIPTION_RESUMED);
    }
}

void sfu_subscription_pause(struct sfu_subscription *s) {
    s->fresh = false;
    if (!s->paused) {
        s->paused = true;
        sfu_replay_end(s);
        sfu_freezes_pause(&s->freezes);
        sfu_subscription_tell(s, SFU_SUBSCRIPTION_PAUSED);
    }
}

void sfu_subscription_set(struct sfu_subscription *s, const struct sfu_wanted *wanted) {
    bool back = s->wanted.disabled && !wanted->disabled;
    s->wanted = *wanted;
    sfu_subscription_aim(s);
    if (back) {
        sfu_subscription_restart(s);
    }
}

void sfu_subscription_restart(struct sfu_subscription *s) {
    sfu_selector_restart(&s->selector);
    s->past_layer = -1;
    sfu_replay_end(s);
    sfu_freezes_pause(&s->freezes);
    if (sfu_track_is_video(s->track)) {
        begin_picture(s);
    }
    sfu_transport_wake(s->transport);
}

void sfu_subscription_lost(struct sfu_subscription *s, unsigned layer) {
    if (s->selector.current == (int)layer) {
        sfu_subscription_restart(s);
    } else if (s->past_layer == (int)layer) {
        s->past_layer = -1;
    }
}
