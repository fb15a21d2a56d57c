/* A turn: what came in is told apart, opened by the batch, and handed up. */
#include "media/worker.h"

#include "core/mem.h"
#include "media/transport_input.h"

#include <assert.h>

const char *media_drop_name(enum media_drop why) {
    static const char *const names[MEDIA_DROPS] = {
        [MEDIA_DROP_KIND] = "kind",
        [MEDIA_DROP_NO_TRANSPORT] = "no_transport",
        [MEDIA_DROP_CHECK] = "check",
        [MEDIA_DROP_EARLY] = "early",
        [MEDIA_DROP_DTLS] = "dtls",
        [MEDIA_DROP_MALFORMED] = "malformed",
        [MEDIA_DROP_FORGED] = "forged",
        [MEDIA_DROP_REPLAYED] = "replayed",
        [MEDIA_DROP_NO_PACKET] = "no_packet",
        [MEDIA_DROP_TOO_LONG] = "too_long",
    };
    return names[why];
}

enum err media_worker_create(const struct media_worker_config *cfg, struct media_worker **ret) {
    struct media_worker *w = mem_zalloc(sizeof(*w));
    if (w == NULL) {
        return err_set(ERR_NOMEM, "no memory for a media worker");
    }
    w->dtls = cfg->dtls;
    w->hooks = cfg->hooks;
    w->hooks_arg = cfg->hooks_arg;
    w->now_us = cfg->now_us;
    wheel_init(&w->wheel, cfg->now_us);
    enum err e = pkt_pool_create(cfg->packets_bytes, &w->pool);
    if (e == OK) {
        e = media_outbox_create(cfg->seal, cfg->send, cfg->send_arg, &w->outbox);
    }
    if (e != OK) {
        media_worker_destroy(w);
        return e;
    }
    w->seal = cfg->seal;
    *ret = w;
    return OK;
}

void media_worker_destroy(struct media_worker *w) {
    if (w == NULL) {
        return;
    }
    assert(w->n_transports == 0);
    media_outbox_destroy(w->outbox);
    pkt_pool_destroy(w->pool);
    rtc_seal_destroy(w->seal);
    mem_free(w);
}

/* RTP packets of a turn that are still sealed, and whose they are. */
struct sealed {
    struct rtc_srtp_got got[MEDIA_UDP_BATCH];
    const struct media_datagram *from[MEDIA_UDP_BATCH];
    struct media_transport *transport[MEDIA_UDP_BATCH];
    size_t n;
};

enum media_drop media_drop_of(enum rtc_srtp_verdict verdict) {
    switch (verdict) {
    case RTC_SRTP_FORGED:
        return MEDIA_DROP_FORGED;
    case RTC_SRTP_REPLAYED:
    case RTC_SRTP_OLD:
        return MEDIA_DROP_REPLAYED;
    default:
        return MEDIA_DROP_MALFORMED;
    }
}

/* Opens what has been gathered and hands it up, in the order of arrival. */
static void open_all(struct media_worker *w, struct sealed *s) {
    if (s->n == 0) {
        return;
    }
    (void)rtc_srtp_open(w->seal, s->got, s->n);
    for (size_t i = 0; i < s->n; i++) {
        if (s->got[i].verdict != RTC_SRTP_OK) {
            w->stats.drops[media_drop_of(s->got[i].verdict)]++;
            continue;
        }
        struct pkt *p = s->from[i]->pkt;
        p->len = s->got[i].len;
        media_transport_got_rtp(s->transport[i], p, &s->got[i], &s->from[i]->path);
    }
    s->n = 0;
}

static void take_rtp(struct media_worker *w, struct sealed *s, const struct media_datagram *d) {
    struct media_transport *t = media_address_find(&w->table, &d->path);
    struct rtc_srtp_in *session = t == NULL ? NULL : media_transport_opens(t);
    if (session == NULL) {
        w->stats.drops[t == NULL ? MEDIA_DROP_NO_TRANSPORT : MEDIA_DROP_EARLY]++;
        return;
    }
    s->from[s->n] = d;
    s->transport[s->n] = t;
    s->got[s->n] = (struct rtc_srtp_got){
        .session = session, .packet = pkt_bytes(d->pkt), .len = d->pkt->len
    };
    s->n++;
}

/* Everything but RTP, one by one; it may change what later packets of the turn mean. */
static void take_other(struct media_worker *w, enum rtc_kind kind, const struct media_datagram *d) {
    if (kind == RTC_KIND_STUN) {
        media_transport_take_check(w, d);
        return;
    }
    struct media_transport *t = media_address_find(&w->table, &d->path);
    if (t == NULL) {
        w->stats.drops[MEDIA_DROP_NO_TRANSPORT]++;
    } else if (kind == RTC_KIND_DTLS) {
        media_transport_take_dtls(t, d);
    } else {
        media_transport_take_rtcp(t, d);
    }
}

static void take_all(struct media_worker *w, const struct media_datagram *in, size_t n) {
    struct sealed sealed;
    sealed.n = 0;
    for (size_t i = 0; i < n; i++) {
        w->stats.packets++;
        w->stats.bytes += in[i].pkt->len;
        enum rtc_kind kind = rtc_demux(pkt_bytes(in[i].pkt), in[i].pkt->len);
        if (kind == RTC_KIND_RTP) {
            take_rtp(w, &sealed, &in[i]);
        } else if (kind == RTC_KIND_RTCP || kind == RTC_KIND_STUN || kind == RTC_KIND_DTLS) {
            open_all(w, &sealed);
            take_other(w, kind, &in[i]);
        } else {
            w->stats.drops[MEDIA_DROP_KIND]++;
        }
    }
    open_all(w, &sealed);
}

void media_worker_turn(
    struct media_worker *w, const struct media_datagram *in, size_t n, int64_t now_us) {
    assert(n <= MEDIA_UDP_BATCH);
    w->now_us = now_us;
    w->stats.turns++;
    w->hooks.messages(w->hooks_arg, now_us);
    take_all(w, in, n);
    wheel_turn(&w->wheel, now_us);
    w->hooks.end_of_turn(w->hooks_arg, now_us);
    for (size_t i = 0; i < n; i++) {
        pkt_unref(in[i].pkt);
    }
}

void media_worker_flush(struct media_worker *w) {
    media_outbox_flush(w->outbox, w->now_us);
}

int64_t media_worker_next_us(const struct media_worker *w) {
    int64_t paced_us = media_outbox_next_us(w->outbox), timer_us = wheel_next(&w->wheel);
    return paced_us < timer_us ? paced_us : timer_us;
}
