/* Who a client is, and when it does what. */
#include "client.h"

#include "core/clock.h"
#include "core/mem.h"
#include "door.h"
#include "rtc/rtcp.h"
#include "rtc/rtcpfb.h"

#include <stdio.h>
#include <string.h>

#define PING_US   (5 * SEC_US) /* ping_interval that LiveKit's give */
#define REPORT_US SEC_US
#define REMB_BPS  UINT64_C(1000000000)
#define OWN_SSRC  1

static void finish_link(struct load_link *l) {
    peer_connection_destroy(l->peer);
    l->peer = NULL;
}

static void init_link(struct load_client *c, struct load_link *l) {
    struct load_shared *shared = c->shared;
    l->client = c;
    l->end = shared->n_links++;
    shared->links[l->end] = l;
    rtc_ice_cred_make(&l->ours);
}

enum err load_client_init(
    struct load_client *c, struct load_shared *shared, unsigned number, bool audio, bool video) {
    *c = (struct load_client){ .shared = shared };
    snprintf(c->name, sizeof(c->name), "load-%u", number);
    init_link(c, &c->pub);
    init_link(c, &c->sub);
    for (int k = 0; k < 2; k++) {
        if (k == 0 ? audio : video) {
            struct load_offered *o = &c->tracks[c->n_tracks++].offered;
            o->video = k == 1;
            o->ssrc = shared->next_ssrc++;
            o->rtx_ssrc = shared->next_ssrc++;
            snprintf(o->cid, sizeof(o->cid), "%s-%s", c->name, k == 1 ? "camera" : "voice");
        }
    }
    c->sinks = mem_zalloc(LOAD_SINKS_MAX * sizeof(*c->sinks));
    return c->sinks == NULL ? err_set(ERR_NOMEM, "no memory for a client") : OK;
}

void load_client_finish(struct load_client *c) {
    load_signal_close(c->signal);
    c->signal = NULL;
    for (size_t i = 0; i < c->n_tracks; i++) {
        peer_source_destroy(c->tracks[i].source);
        c->tracks[i].source = NULL;
    }
    if (c->shared != NULL) {
        finish_link(&c->pub);
        finish_link(&c->sub);
    }
    mem_free(c->sinks);
    c->sinks = NULL;
}

void load_client_fail(struct load_client *c, const char *why) {
    if (c->state != LOAD_FAILED) {
        snprintf(c->why, sizeof(c->why), "%s", why);
        c->state = LOAD_FAILED;
    }
}

void load_client_lost(void *arg, const char *why) {
    struct load_client *c = arg;
    if (c->state != LOAD_AWAY) {
        load_client_fail(c, why);
    }
}

enum err load_client_join(struct load_client *c) {
    c->state = LOAD_JOINING;
    c->begun_us = clock_mono_us();
    c->ping_us = c->begun_us + PING_US;
    /* Reports of many clients are spread over the second. */
    c->report_us = c->begun_us + REPORT_US;
    return c->shared->door->join(c);
}

bool load_client_is_publishing(const struct load_client *c) {
    for (size_t i = 0; i < c->n_tracks; i++) {
        if (c->tracks[i].source == NULL) {
            return false;
        }
    }
    return c->n_tracks == 0 || (c->pub.peer != NULL && peer_connection_is_open(c->pub.peer));
}

static bool has_what_it_needs(const struct load_link *l) {
    return !l->needed || (l->peer != NULL && peer_connection_is_open(l->peer));
}

bool load_client_is_open(const struct load_client *c) {
    return c->state == LOAD_JOINED && has_what_it_needs(&c->pub) && has_what_it_needs(&c->sub);
}

size_t load_client_hears(const struct load_client *c) {
    size_t n = 0;
    for (size_t i = 0; i < c->n_sinks; i++) {
        n += c->sinks[i].sink.stats.first_us != 0;
    }
    return n;
}

void load_client_mute(struct load_client *c) {
    c->muted = true;
}

void load_client_leave(struct load_client *c) {
    if (c->state == LOAD_JOINED) {
        c->shared->door->leave(c);
        c->state = LOAD_AWAY;
    }
    if (c->pub.peer != NULL) {
        peer_connection_close(c->pub.peer);
    }
    if (c->sub.peer != NULL) {
        peer_connection_close(c->sub.peer);
    }
}

void load_client_send(struct load_client *c) {
    if (c->n_tracks == 0 || c->muted || c->pub.peer == NULL ||
        !peer_connection_is_open(c->pub.peer)) {
        return;
    }
    for (size_t i = 0; i < c->n_tracks; i++) {
        struct peer_source *s = c->tracks[i].source;
        if (s != NULL && peer_source_next_us(s) <= c->shared->now_us) {
            peer_source_tick(s, c->shared->now_us);
        }
    }
}

int64_t load_client_next_us(const struct load_client *c) {
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < c->n_tracks && !c->muted; i++) {
        const struct peer_source *s = c->tracks[i].source;
        int64_t at = s == NULL ? INT64_MAX : peer_source_next_us(s);
        next = at < next ? at : next;
    }
    return next;
}

/* --- feedback and reports --- */

static void send_sub(struct load_client *c, struct wr *w) {
    if (wr_len(w) > 0 && !w->bad) {
        (void)peer_connection_rtcp(c->sub.peer, w->start, wr_len(w));
    }
}

static void feed_back(struct load_client *c) {
    size_t n = c->asking ? c->n_sinks : 0;
    c->asking = false;
    for (size_t i = 0; i < n; i++) {
        struct peer_sink *s = &c->sinks[i].sink;
        if (s->nack.n > 0 || s->nack.key_needed) {
            uint8_t bytes[1200];
            struct wr w = wr_make(bytes, sizeof(bytes));
            peer_sink_feedback(s, &w, c->shared->now_us);
            send_sub(c, &w);
            c->asking = true;
        }
    }
}

static void write_remb(struct load_client *c, struct wr *w) {
    uint32_t ssrcs[LOAD_SINKS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < c->n_sinks; i++) {
        if (c->sinks[i].remb) {
            ssrcs[n++] = c->sinks[i].sink.cfg.ssrc;
        }
    }
    if (n > 0) {
        rtc_rtcpfb_write_remb(w, OWN_SSRC, REMB_BPS, ssrcs, n);
    }
}

static void report_sub(struct load_client *c) {
    for (size_t at = 0; at < c->n_sinks;) {
        uint8_t bytes[1200];
        struct wr w = wr_make(bytes, sizeof(bytes));
        struct rtc_rtcp_block blocks[RTC_RTCP_BLOCKS_MAX];
        size_t n = 0;
        for (; at < c->n_sinks && n < RTC_RTCP_BLOCKS_MAX; at++) {
            n += peer_sink_block(&c->sinks[at].sink, c->shared->now_us, &blocks[n]);
        }
        rtc_rtcp_write_rr(&w, OWN_SSRC, blocks, n);
        rtc_rtcp_write_sdes(&w, OWN_SSRC, c->name, NULL);
        if (at == c->n_sinks) {
            write_remb(c, &w);
        }
        send_sub(c, &w);
    }
}

static void report_pub(struct load_client *c) {
    uint8_t bytes[1200];
    struct wr w = wr_make(bytes, sizeof(bytes));
    for (size_t i = 0; i < c->n_tracks; i++) {
        if (c->tracks[i].source != NULL) {
            peer_source_report(c->tracks[i].source, &w, c->shared->now_us);
        }
    }
    if (wr_len(&w) > 0 && !w.bad) {
        (void)peer_connection_rtcp(c->pub.peer, bytes, wr_len(&w));
    }
}

static void tick_link(struct load_link *l, int64_t now_us) {
    if (l->peer != NULL && peer_connection_next_us(l->peer) <= now_us) {
        peer_connection_tick(l->peer, now_us);
    }
}

void load_client_tick(struct load_client *c) {
    if (c->state == LOAD_JOINED) {
        feed_back(c);
    }
}

void load_client_keep(struct load_client *c) {
    int64_t now = c->shared->now_us;
    if (c->state != LOAD_JOINED) {
        return;
    }
    tick_link(&c->pub, now);
    tick_link(&c->sub, now);
    if (now >= c->ping_us) {
        c->ping_us = now + PING_US;
        c->shared->door->ping(c);
    }
    if (now >= c->report_us) {
        c->report_us = now + REPORT_US;
        report_sub(c);
        report_pub(c);
    }
}
