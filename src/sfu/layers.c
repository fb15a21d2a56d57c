/* Between pictures. */
#include "sfu/layers.h"

#include "rtc/seq.h"

_Static_assert(sizeof(struct sfu_layers) == 32, "the header says so");

static const struct sfu_cut all = { SFU_SPATIAL_ALL, SFU_TEMPORAL_ALL };

void sfu_layers_init(struct sfu_layers *l) {
    *l = (struct sfu_layers){ .now = all, .want = all, .before = all };
}

static bool same(struct sfu_cut a, struct sfu_cut b) {
    return a.spatial == b.spatial && a.temporal == b.temporal;
}

static void change(struct sfu_layers *l, struct sfu_cut to, int64_t seq) {
    if (!same(to, l->now)) {
        l->before = l->now;
        l->before_since = l->since;
        l->now = to;
        l->since = seq;
    }
}

void sfu_layers_begin(struct sfu_layers *l, const struct sfu_packet *p) {
    l->now = l->before = l->want;
    l->since = l->before_since = p->seq;
    l->ts = p->rtp.ts;
    l->any = true;
}

/* A picture begins with this packet. */
static void next_picture(
    struct sfu_layers *l, const struct sfu_svc *s, const struct sfu_packet *p) {
    struct sfu_cut to = l->now;
    if (p->frame.key_frame) {
        to = l->want;
    } else if (l->want.spatial < l->now.spatial && !s->apart) {
        to.spatial = l->want.spatial;
    }
    if (l->want.temporal < l->now.temporal) {
        to.temporal = l->want.temporal;
    }
    change(l, to, p->seq);
}

bool sfu_layers_take(struct sfu_layers *l, const struct sfu_svc *s, const struct sfu_packet *p) {
    struct sfu_cut cut;
    if (!l->any || rtc_ts_newer(p->rtp.ts, l->ts)) {
        l->any = true;
        l->ts = p->rtp.ts;
        if (p->frame.start && !same(l->now, l->want)) {
            next_picture(l, s, p);
        }
    }
    if (!sfu_layers_at(l, p->seq, &cut) || !sfu_svc_has(s, p, cut)) {
        return false;
    }
    if (l->want.temporal > l->now.temporal) {
        struct sfu_cut to = { l->now.spatial, l->want.temporal };
        /* Behind a late packet, frames that those to come need may be left out already. */
        bool newest = p->seq >= l->since && p->rtp.ts == l->ts;
        if (newest && sfu_svc_may_rise(s, p, l->now, to)) {
            change(l, to, p->seq);
        }
    }
    return true;
}

bool sfu_layers_wait(const struct sfu_layers *l, const struct sfu_svc *s) {
    unsigned top = s->n_spatial == 0 ? 0 : s->n_spatial - 1U;
    unsigned now = l->now.spatial < top ? l->now.spatial : top;
    unsigned want = l->want.spatial < top ? l->want.spatial : top;
    return want > now || (want < now && s->apart);
}

bool sfu_layers_at(const struct sfu_layers *l, int64_t seq, struct sfu_cut *ret) {
    *ret = seq >= l->since ? l->now : l->before;
    return seq >= l->before_since;
}
