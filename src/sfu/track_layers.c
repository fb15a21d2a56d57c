/* A track's layers within one stream, and what all of its layers come to. */
#include "core/mem.h"
#include "sfu/track.h"

/* What the stream itself says of its sizes stands above what was announced. */
static void note_sizes(struct sfu_track *t) {
    for (unsigned i = 0; i < SFU_TIERS_MAX && i < t->svc->n_spatial; i++) {
        if (t->svc->width[i] != 0) {
            t->config.layers[i].width = t->svc->width[i];
            t->config.layers[i].height = t->svc->height[i];
        }
    }
}

bool sfu_track_layered(struct sfu_track *t, struct sfu_packet *p, bool newest) {
    bool may = p->codec->type == RTC_VP9 || p->codec->type == RTC_AV1;
    if (!may || t->n_layers != 1) {
        return false;
    }
    if (t->svc == NULL && (t->svc = mem_zalloc(sizeof(*t->svc))) == NULL) {
        return false; /* then everybody gets all of it */
    }
    unsigned before = t->svc->n_spatial;
    sfu_svc_read(t->svc, p, newest);
    if (before == t->svc->n_spatial) {
        return false;
    }
    note_sizes(t);
    return true;
}

void sfu_track_supply(const struct sfu_track *t, struct sfu_supply *ret) {
    uint32_t announced[SFU_TIERS_MAX];
    for (unsigned i = 0; i < SFU_TIERS_MAX; i++) {
        announced[i] = t->config.layers[i].bps;
    }
    sfu_rates_supply(&t->rates, announced, ret);
    ret->live = t->live;
    ret->stacked = sfu_track_tiers(t) > t->n_layers && !t->svc->apart;
}
