/* Whatever comes next: a datagram, a worker's timer, a client's. */
#include "world.h"

#include "core/mem.h"
#include "rtc/demux.h"
#include "rtc/rtcp.h"
#include "rtc/rtcpfb.h"
#include "rtc/rtp.h"
#include "unit/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#define START_US    5000000
#define REPORT_US   500000
#define FEEDBACK_US 10000

/* usrsctp asks how old its packets are: it is in the world, too. */
static int64_t clock_us;
int gettimeofday(struct timeval *restrict ret, void *restrict zone);
int gettimeofday(struct timeval *restrict ret, void *restrict zone) {
    (void)zone;
    *ret = (struct timeval){ clock_us / 1000000, clock_us % 1000000 };
    return 0;
}

/* --- the server's side of the network --- */

static uint64_t sum_of(const uint8_t *data, size_t len) {
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < len; i++) {
        h = (h ^ data[i]) * UINT64_C(0x100000001b3);
    }
    return h;
}

static void note_sent(
    struct world *w, const struct rtc_ice_path *to, const uint8_t *data, size_t len) {
    w->out++;
    w->out_bytes += len;
    if (rtc_demux(data, len) != RTC_KIND_RTP) {
        return;
    }
    struct world_sent s = {
        .to = *to, .ssrc = be32_get(data + 8), .seq = be16_get(data + 2), .sum = sum_of(data, len)
    };
    struct world_sent *at =
        &w->sent[(s.ssrc * 2654435761U + s.seq + to->peer.port * 40503U) % WORLD_SENT];
    bool same = at->ssrc == s.ssrc && at->seq == s.seq && memcmp(&at->to, to, sizeof(*to)) == 0;
    w->reused += same && at->sum != s.sum;
    *at = s;
}

static void server_sends(void *arg, const struct media_run *runs, size_t n) {
    struct world *w = arg;
    for (size_t i = 0; i < n; i++) {
        for (uint16_t k = 0; k < runs[i].n; k++) {
            note_sent(w, &runs[i].to, runs[i].iov[k].iov_base, runs[i].iov[k].iov_len);
            net_send(&w->net, &runs[i].to, false, runs[i].iov[k].iov_base, runs[i].iov[k].iov_len,
                w->now_us);
        }
    }
}

static void told(void *arg, const struct sfu_event *e) {
    struct world *w = arg;
    w->layers_told += e->type == SFU_EVENT_LAYER;
    w->live_told += e->type == SFU_EVENT_TRACK_LIVE;
    if (w->also != NULL) {
        w->also(w->also_arg, e);
    }
    w->sequence = e->type == SFU_EVENT_SEQUENCE ? e->sequence : w->sequence;
    for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
        struct world_client *c = &w->clients[i];
        if (e->type == SFU_EVENT_TRANSPORT && c->here && e->id == c->transport) {
            c->state = e->transport.state;
            c->end = e->transport.end;
            c->connected = e->transport.state == SFU_TRANSPORT_CONNECTED;
            c->profile = c->connected ? e->transport.profile : c->profile;
        }
        for (unsigned k = 0; e->type == SFU_EVENT_SUBSCRIPTION && k < WORLD_SINKS; k++) {
            if (c->sinks[k].id == e->id) {
                c->started_subscriptions += e->subscription == SFU_SUBSCRIPTION_STARTED;
                c->ended_subscriptions += e->subscription == SFU_SUBSCRIPTION_ENDED;
                c->paused_subscriptions += e->subscription == SFU_SUBSCRIPTION_PAUSED;
                c->resumed_subscriptions += e->subscription == SFU_SUBSCRIPTION_RESUMED;
                c->refused_subscriptions += e->subscription == SFU_SUBSCRIPTION_CODEC;
            }
        }
    }
}

static void turn(struct world *w, struct media_datagram *in, size_t n) {
    mem_fail_at(w->fail_nth);
    media_worker_turn(w->media, in, n, w->now_us);
    media_worker_flush(w->media);
    mem_fail_at(0);
    sfu_engine_collect(w->sfu);
}

/* --- the clients' --- */

static void client_sends(void *arg, const uint8_t *data, size_t len) {
    struct world_client *c = arg;
    if (!c->dead) {
        net_send(&c->world->net, &c->path, true, data, len, c->world->now_us);
    }
}

static struct world_sink *sink_of(struct world_client *c, uint32_t ssrc) {
    for (unsigned i = 0; i < WORLD_SINKS; i++) {
        struct world_sink *s = &c->sinks[i];
        if (s->id != 0 && (s->sink.cfg.ssrc == ssrc || s->sink.cfg.rtx_ssrc == ssrc)) {
            return s;
        }
    }
    return NULL;
}

static void client_rtp(void *arg, uint8_t *packet, size_t len, int64_t now_us) {
    struct world_client *c = arg;
    if (c->raw != NULL) {
        c->raw(c->raw_arg, false, packet, len);
        return;
    }
    struct world_sink *s = len < 12 ? NULL : sink_of(c, be32_get(packet + 8));
    world_note_arrival(c, packet, len, now_us);
    c->unknown += s == NULL;
    struct rtc_rtp rtp;
    int64_t seq;
    if (s != NULL && rtc_rtp_parse(cur_make(packet, len), &rtp) && rtp.ssrc == s->books.ssrc) {
        (void)rtc_receiver_packet(&s->books, rtp.seq, rtp.ts, now_us, &seq);
    }
    if (s != NULL) {
        peer_sink_take(&s->sink, packet, len, now_us);
    }
}

static void client_rtcp(void *arg, const uint8_t *data, size_t len, int64_t now_us) {
    struct world_client *c = arg;
    if (c->raw != NULL) {
        c->raw(c->raw_arg, true, data, len);
    }
    for (unsigned i = 0; i < WORLD_TRACKS; i++) {
        if (c->tracks[i].source != NULL) {
            peer_source_rtcp(c->tracks[i].source, cur_make(data, len));
        }
    }
    for (unsigned i = 0; i < WORLD_SINKS; i++) {
        if (c->sinks[i].id != 0) {
            peer_sink_rtcp(&c->sinks[i].sink, cur_make(data, len), now_us);
        }
    }
}

static void client_channel(void *arg, struct rtc_channel *channel) {
    struct world_client *c = arg;
    struct rtc_channel **at = strcmp(channel->label, "_reliable") == 0 ? &c->reliable
                              : strcmp(channel->label, "_lossy") == 0  ? &c->lossy
                                                                       : NULL;
    if (at != NULL) {
        *at = channel->open ? channel : NULL;
    }
}

static void client_data(void *arg, struct rtc_channel *channel, const uint8_t *bytes, size_t len) {
    struct world_client *c = arg;
    if (c->got != NULL) {
        c->got(c, strcmp(channel->label, "_reliable") == 0, bytes, len);
    }
}

static bool client_app(void *arg, const uint8_t *data, size_t len) {
    struct world_client *c = arg;
    if (c->app != NULL) {
        c->app(c->app_arg, data, len);
    }
    return c->app != NULL;
}

static void open_channels(struct world_client *c) {
    static const struct rtc_channel_kind kinds[] = { { "_reliable", false, false, 0 },
        { "_lossy", true, true, 0 } };
    struct rtc_channels *channels = peer_connection_channels(c->peer);
    struct rtc_channel *channel;
    if (c->opens_channels && channels != NULL) {
        c->opens_channels = false;
        for (size_t i = 0; i < COUNT_OF(kinds); i++) {
            CHECK_ERR(OK, rtc_channel_open(channels, &kinds[i], c->world->now_us, &channel));
        }
    }
}

void world_data(struct world_client *c, const char *name, bool ours, bool down) {
    struct sfu_data_config cfg = { .may_publish = true, .may_subscribe = true };
    snprintf(cfg.identity, sizeof(cfg.identity), "%s", name);
    snprintf(cfg.sid, sizeof(cfg.sid), "PA_%s", name);
    c->opens_channels = !ours;
    peer_connection_carry(c->peer, c->world->sctp);
    sfu_participant_data(c->world->sfu, c->participant, &cfg);
    sfu_transport_data(c->world->sfu, c->transport, ours, down);
}

void world_emit(
    void *arg, struct rtc_srtp_sender *sender, const uint8_t *packet, size_t head_len, size_t len) {
    struct world_client *c = arg;
    (void)peer_connection_rtp(c->peer, sender, packet, head_len, len);
}

static void send_written(struct world_client *c, const struct wr *w) {
    if (wr_len(w) > 0) {
        CHECK(!w->bad);
        (void)peer_connection_rtcp(c->peer, w->start, wr_len(w));
    }
}

/* As browsers report: what came again by RTX was lost all the same. */
static void report_sink(struct world_sink *s, struct wr *w, int64_t now_us) {
    struct rtc_rtcp_block block, books;
    if (peer_sink_block(&s->sink, now_us, &block) &&
        rtc_receiver_report(&s->books, now_us, &books)) {
        books.lsr = block.lsr;
        books.dlsr = block.dlsr;
        rtc_rtcp_write_rr(w, s->sink.cfg.own_ssrc, &books, 1);
    }
}

static void report_room(const struct world_client *c, struct wr *w) {
    uint32_t ssrcs[WORLD_SINKS];
    size_t n = 0;
    for (unsigned i = 0; i < WORLD_SINKS; i++) {
        if (c->sinks[i].id != 0) {
            ssrcs[n++] = c->sinks[i].sink.cfg.ssrc;
        }
    }
    if (c->remb_bps != 0 && n > 0) {
        rtc_rtcpfb_write_remb(w, c->sinks[0].sink.cfg.own_ssrc, c->remb_bps, ssrcs, n);
    }
}

static void client_reports(struct world_client *c) {
    uint8_t bytes[1200];
    struct wr w = wr_make(bytes, sizeof(bytes));
    for (unsigned i = 0; i < WORLD_TRACKS; i++) {
        if (c->tracks[i].source != NULL && !c->mute_reports) {
            peer_source_report(c->tracks[i].source, &w, c->world->now_us);
        }
    }
    for (unsigned i = 0; i < WORLD_SINKS; i++) {
        if (c->sinks[i].id != 0 && !c->deaf) {
            report_sink(&c->sinks[i], &w, c->world->now_us);
        }
    }
    world_estimate(c);
    report_room(c, &w);
    send_written(c, &w);
}

static void client_feedback(struct world_client *c) {
    for (unsigned i = 0; i < WORLD_SINKS; i++) {
        uint8_t bytes[1200];
        struct wr w = wr_make(bytes, sizeof(bytes));
        if (c->sinks[i].id != 0 && !c->deaf) {
            peer_sink_feedback(&c->sinks[i].sink, &w, c->world->now_us);
        }
        send_written(c, &w);
    }
}

static void client_tick(struct world_client *c) {
    if (!c->here || c->dead) {
        return;
    }
    int64_t now = c->world->now_us;
    peer_connection_tick(c->peer, now);
    open_channels(c);
    for (unsigned i = 0; i < WORLD_TRACKS; i++) {
        if (c->tracks[i].source != NULL && peer_connection_is_open(c->peer)) {
            peer_source_tick(c->tracks[i].source, now);
        }
    }
    if (peer_connection_is_open(c->peer)) {
        client_feedback(c);
        world_report_arrivals(c);
        if (now >= c->report_us) {
            c->report_us = now + REPORT_US;
            client_reports(c);
        }
    }
}

/* --- time --- */

static void deliver(struct world *w) {
    struct media_datagram in[MEDIA_UDP_BATCH];
    size_t n = 0;
    struct net_datagram *d;
    while (n < MEDIA_UDP_BATCH && (d = net_arrived(&w->net, w->now_us)) != NULL) {
        if (d->to_server) {
            struct pkt *p = pkt_take(w->media->pool);
            if (p != NULL) {
                p->len = d->len;
                p->arrived_us = w->now_us;
                memcpy(pkt_bytes(p), d->bytes, d->len);
                in[n++] = (struct media_datagram){ p, d->path };
            }
        } else {
            for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
                struct world_client *c = &w->clients[i];
                if (c->here && !c->dead && memcmp(&c->path, &d->path, sizeof(d->path)) == 0) {
                    peer_connection_take(c->peer, d->bytes, d->len, w->now_us);
                }
            }
        }
        net_give_back(&w->net, d);
    }
    turn(w, in, n);
}

void world_run(struct world *w, int64_t for_us) {
    int64_t end = w->now_us + for_us;
    turn(w, NULL, 0); /* what was asked of the SFU */
    while (w->now_us < end) {
        int64_t next = w->now_us + FEEDBACK_US / 5;
        int64_t flying = net_next_us(&w->net), worker = media_worker_next_us(w->media);
        next = flying < next ? flying : next;
        next = worker < next ? worker : next;
        next = next <= w->now_us ? w->now_us + 50 : next;
        w->now_us = next < end ? next : end;
        clock_us = w->now_us;
        rtc_sctp_tick(w->sctp, w->now_us);
        for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
            client_tick(&w->clients[i]);
        }
        deliver(w);
    }
}

/* --- who is there --- */

struct world *world_create(uint64_t seed) {
    struct world *w = mem_zalloc(sizeof(*w));
    net_init(&w->net, seed);
    clock_us = w->now_us = START_US;
    w->next_ssrc = 1000;
    CHECK_ERR(OK, rtc_dtls_ctx_create(&w->dtls));
    CHECK_ERR(OK, rtc_seal_create("evp", &w->seal));
    CHECK_ERR(OK, rtc_sctp_door_create(NULL, NULL, &w->sctp));
    CHECK_ERR(OK, sfu_engine_create(1, told, w, NULL, NULL, &w->sfu));
    struct sfu_worker *worker = w->sfu->seats[0].worker;
    struct media_worker_config cfg = { .packets_bytes = 64 * MIB,
        .dtls = w->sfu->dtls,
        .send = server_sends,
        .send_arg = w,
        .hooks = sfu_worker_hooks,
        .hooks_arg = worker,
        .now_us = START_US };
    CHECK_ERR(OK, rtc_seal_create(NULL, &cfg.seal));
    CHECK_ERR(OK, media_worker_create(&cfg, &w->media));
    worker->media = w->media;
    CHECK_ERR(OK, sfu_room_open(w->sfu, &w->room));
    return w;
}

void world_destroy(struct world *w) {
    for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
        if (w->clients[i].here && w->clients[i].second) {
            world_leave(&w->clients[i]);
        }
    }
    for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
        if (w->clients[i].here) {
            world_leave(&w->clients[i]);
        }
    }
    sfu_room_close(w->sfu, w->room);
    turn(w, NULL, 0);
    struct sfu_worker *worker = w->sfu->seats[0].worker;
    for (unsigned i = 0; i < SFU_TYPES; i++) {
        CHECK_INT(0, worker->registry.counts[i]);
    }
    struct pkt_stats packets;
    pkt_pool_stats(w->media->pool, &packets);
    CHECK_INT(0, packets.in_use);
    CHECK_INT(0, w->media->n_transports);
    CHECK_INT(0, w->media->wheel.armed);
    CHECK_INT(0, w->reused);
    media_worker_destroy(w->media);
    worker->media = NULL;
    sfu_engine_destroy(w->sfu);
    rtc_sctp_door_destroy(w->sctp);
    rtc_seal_destroy(w->seal);
    rtc_dtls_ctx_destroy(w->dtls);
    net_finish(&w->net);
    mem_free(w);
}

static struct rtc_ice_params as_params(const struct rtc_ice_cred *cred) {
    struct rtc_ice_params p = { .lite = true };
    memcpy(p.ufrag, cred->ufrag, sizeof(cred->ufrag));
    memcpy(p.pwd, cred->pwd, sizeof(cred->pwd));
    return p;
}

static struct world_client *join(
    struct world *w, unsigned i, uint16_t only_profile, const struct world_client *first) {
    struct world_client *c = &w->clients[i];
    uint8_t ip[4] = { 10, 0, 0, (uint8_t)(i + 1) };
    *c = (struct world_client){ .world = w, .here = true, .second = first != NULL };
    c->path.peer = rtc_addr_v4(ip, (uint16_t)(40000 + net_random(&w->net, 20000)), false);
    rtc_ice_cred_make(&c->ours);
    rtc_ice_cred_make(&c->servers);
    if (first != NULL) {
        c->participant = first->participant;
    } else {
        CHECK_ERR(OK, sfu_participant_open(w->sfu, w->room, &c->participant));
    }
    CHECK_ERR(OK, sfu_transport_open(w->sfu, c->participant, &c->servers, &c->transport));
    struct rtc_ice_params ours = as_params(&c->ours);
    struct rtc_dtls_params dtls = { .role = w->passive ? RTC_DTLS_SERVER : RTC_DTLS_CLIENT,
        .n_fingerprints = 1,
        .fingerprints = {
            *rtc_dtls_ctx_fingerprint(w->promised == NULL ? w->dtls : w->promised) } };
    sfu_transport_connect(w->sfu, c->transport, &ours, &dtls);
    struct peer_connection_config cfg = { .dtls = w->dtls,
        .seal = w->seal,
        .ours = c->ours,
        .theirs = as_params(&c->servers),
        .their_dtls = *sfu_dtls(w->sfu),
        .only_profile = only_profile,
        .streams = 128,
        .send = client_sends,
        .rtp = client_rtp,
        .rtcp = client_rtcp,
        .channel = client_channel,
        .app = client_app,
        .data = client_data,
        .arg = c,
        .now_us = w->now_us };
    cfg.their_dtls.role = w->passive ? RTC_DTLS_CLIENT : RTC_DTLS_SERVER;
    CHECK_ERR(OK, peer_connection_create(&cfg, &c->peer));
    return c;
}

struct world_client *world_join(struct world *w, unsigned i) {
    return join(w, i, 0, NULL);
}

struct world_client *world_join_with(struct world *w, unsigned i, uint16_t only_profile) {
    return join(w, i, only_profile, NULL);
}

struct world_client *world_join_beside(struct world *w, unsigned i, struct world_client *first) {
    return join(w, i, 0, first);
}

void world_leave(struct world_client *c) {
    if (c->second) {
        sfu_transport_close(c->world->sfu, c->transport);
    } else {
        sfu_participant_close(c->world->sfu, c->participant);
    }
    for (unsigned i = 0; i < WORLD_TRACKS; i++) {
        peer_source_destroy(c->tracks[i].source);
        c->tracks[i].source = NULL;
    }
    for (unsigned i = 0; i < WORLD_SINKS; i++) {
        c->sinks[i].id = 0;
    }
    peer_connection_destroy(c->peer);
    c->peer = NULL;
    c->here = false;
}

void world_move(struct world_client *c) {
    c->path.peer.port ^= 0x2000;
}

void world_restart(struct world_client *c) {
    struct world *w = c->world;
    rtc_ice_cred_make(&c->ours);
    rtc_ice_cred_make(&c->servers);
    struct rtc_ice_params ours = as_params(&c->ours), theirs = as_params(&c->servers);
    sfu_transport_restart(w->sfu, c->transport, &c->servers, &ours);
    peer_connection_restart(c->peer, &c->ours, &theirs, w->now_us);
}
