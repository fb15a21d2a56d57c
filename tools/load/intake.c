/* Looks, opens, compares. */
#include "intake.h"

#include "rtc/demux.h"
#include "rtc/rtcp.h"

#include <string.h>

#define ALL_AT_FIRST 64 /* packets of a stream that are opened all: it begins with a key frame */

/* --- who listens to what --- */

static struct load_slot *slot_of(struct load_client *c, uint32_t ssrc) {
    uint32_t at = (ssrc * 2654435761U) >> 22;
    while (c->slots[at].ssrc != 0 && c->slots[at].ssrc != ssrc) {
        at = (at + 1) % LOAD_SSRCS;
    }
    return &c->slots[at];
}

bool load_intake_listen(struct load_client *c, const struct peer_sink_config *cfg, bool remb) {
    if (slot_of(c, cfg->ssrc)->ssrc != 0) {
        return true;
    }
    if (c->n_sinks == LOAD_SINKS_MAX) {
        return false;
    }
    struct load_sink *s = &c->sinks[c->n_sinks];
    peer_sink_init(&s->sink, cfg);
    s->remb = remb;
    *slot_of(c, cfg->ssrc) = (struct load_slot){ cfg->ssrc, (uint32_t)c->n_sinks };
    if (cfg->rtx_ssrc != 0) {
        *slot_of(c, cfg->rtx_ssrc) = (struct load_slot){ cfg->rtx_ssrc, (uint32_t)c->n_sinks };
    }
    c->n_sinks++;
    return true;
}

bool load_intake_is_new(struct load_client *c, const char *sid) {
    for (size_t i = 0; i < c->n_sids; i++) {
        if (strcmp(c->sids[i], sid) == 0) {
            return false;
        }
    }
    if (c->n_sids == LOAD_SINKS_MAX || strlen(sid) >= LOAD_SID_SIZE) {
        return false;
    }
    memcpy(c->sids[c->n_sids++], sid, strlen(sid) + 1);
    return true;
}

/* --- from the connections --- */

void load_intake_rtp(void *arg, uint8_t *packet, size_t len, int64_t now_us) {
    (void)arg, (void)packet, (void)len, (void)now_us; /* load_intake_take has them all */
}

void load_intake_rtcp(void *arg, const uint8_t *data, size_t len, int64_t now_us) {
    struct load_link *l = arg;
    struct load_client *c = l->client;
    l->client->shared->rtcp++;
    if (!rtc_rtcp_check(cur_make(data, len))) {
        c->shared->strangers++;
        return;
    }
    for (size_t i = 0; l == &c->pub && i < c->n_tracks; i++) {
        if (c->tracks[i].source != NULL) {
            peer_source_rtcp(c->tracks[i].source, cur_make(data, len));
        }
    }
    for (size_t i = 0; l == &c->sub && i < c->n_sinks; i++) {
        peer_sink_rtcp(&c->sinks[i].sink, cur_make(data, len), now_us);
    }
}

void load_intake_emit(
    void *arg, struct rtc_srtp_sender *sender, const uint8_t *packet, size_t head_len, size_t len) {
    struct load_client *c = arg;
    (void)peer_connection_rtp(c->pub.peer, sender, packet, head_len, len);
}

/* --- from the network --- */

struct item {
    struct load_client *client;
    struct load_sink *sink;
    const struct load_datagram *d;
    int opened; /* index into the batch; -1 = not opened */
};

struct batch {
    struct item items[LOAD_NET_BATCH];
    struct rtc_srtp_got got[LOAD_NET_BATCH];
    size_t n, n_got;
};

/* There is something to see or to hear: some servers begin in the middle of a group of pictures. */
static bool has_begun(const struct load_sink *s) {
    return s->sink.stats.keys > 0 || rtc_codec_media(s->sink.cfg.codec) == RTC_AUDIO;
}

/* RTX and padding say nothing in their heads. */
static bool must_open(const struct load_shared *shared, const struct load_sink *s,
    const uint8_t *packet, uint32_t ssrc) {
    return s->seen <= ALL_AT_FIRST || !has_begun(s) || s->seen % shared->sample == 0 ||
           ssrc != s->sink.cfg.ssrc || (packet[0] & 0x20) != 0;
}

static void note_rtp(struct load_shared *shared, struct load_link *l, const struct load_datagram *d,
    struct batch *b) {
    struct load_client *c = l->client;
    struct rtc_srtp_in *in = peer_connection_in(l->peer);
    uint32_t ssrc = be32_get(d->data + 8);
    const struct load_slot *slot = slot_of(c, ssrc);
    if (in == NULL || slot->ssrc == 0) {
        shared->strangers += in != NULL;
        return;
    }
    struct load_sink *s = &c->sinks[slot->sink];
    struct item item = { c, s, d, -1 };
    s->seen++;
    if (must_open(shared, s, d->data, ssrc)) {
        item.opened = (int)b->n_got;
        b->got[b->n_got++] =
            (struct rtc_srtp_got){ .session = in, .packet = d->data, .len = d->len };
    }
    b->items[b->n++] = item;
}

static void take_opened(
    struct load_shared *shared, const struct item *item, const struct rtc_srtp_got *got) {
    struct peer_sink *s = &item->sink->sink;
    if (got->verdict != RTC_SRTP_OK) {
        shared->forged += got->verdict != RTC_SRTP_REPLAYED;
        s->stats.duplicates += got->verdict == RTC_SRTP_REPLAYED;
        return;
    }
    uint64_t recovered = s->stats.recovered;
    int64_t latest = s->stats.latest_us;
    shared->opened++;
    peer_sink_take(s, item->d->data, got->len, item->d->arrived_us);
    if (s->stats.latest_us == latest || s->stats.recovered != recovered) {
        return;
    }
    if (item->client->first_us == 0 && has_begun(item->sink)) {
        item->client->first_us = s->stats.latest_us;
    }
    if (shared->measuring) {
        load_samples_add(&shared->late, (int32_t)((uint32_t)s->stats.latest_us - s->stats.sent_us));
    }
}

static void finish_batch(struct load_shared *shared, struct batch *b) {
    if (b->n_got > 0) {
        (void)rtc_srtp_open(shared->seal, b->got, b->n_got);
    }
    for (size_t i = 0; i < b->n; i++) {
        const struct item *item = &b->items[i];
        uint64_t before = item->sink->sink.stats.packets;
        if (item->opened >= 0) {
            take_opened(shared, item, &b->got[item->opened]);
        } else {
            peer_sink_skim(&item->sink->sink, item->d->data, item->d->len, item->d->arrived_us);
        }
        shared->received += item->sink->sink.stats.packets - before;
        item->client->asking |= item->sink->sink.nack.n > 0;
    }
}

void load_intake_take(void *arg, struct load_datagram *d, size_t n) {
    struct load_shared *shared = arg;
    struct batch b;
    b.n = b.n_got = 0;
    for (size_t i = 0; i < n; i++) {
        struct load_link *l = d[i].end < shared->n_links ? shared->links[d[i].end] : NULL;
        if (l == NULL || l->peer == NULL) {
            continue;
        }
        if (rtc_demux(d[i].data, d[i].len) == RTC_KIND_RTP) {
            note_rtp(shared, l, &d[i], &b);
        } else {
            peer_connection_take(l->peer, d[i].data, d[i].len, shared->now_us);
        }
    }
    finish_batch(shared, &b);
}
