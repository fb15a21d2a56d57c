/* ICE lets packets in, DTLS gives the keys, SRTP opens and seals. */
#include "media/transport.h"

#include "core/mem.h"
#include "media/routes.h"
#include "media/sessions.h"
#include "media/transport_input.h"
#include "rtc/stun.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#define HEARD_EVERY_US 100000 /* how often ICE is told that media proved the peer to be alive */
#define SSRCS_AT_FIRST 1      /* whoever publishes has more reserved (208 bytes each) */

struct media_transport {
    struct wheel_timer timer; /* first: a timer's address is its transport's */
    /* What each packet out touches, in a row: media_transport_expect. */
    struct media_worker *worker;
    struct rtc_srtp_out *out;
    struct media_outlet outlet;
    enum { NEW, CONNECTED, LOST, ENDED } state;
    bool shaking_hands; /* counted by the worker */
    void *owner;
    struct rtc_srtp_in *in;
    int64_t heard_us;
    struct rtc_icelite *ice;
    struct rtc_dtls *dtls; /* from the first datagram of a handshake */
    struct media_routes routes;
    struct media_pace pace;
    struct rtc_dtls_params peer; /* without fingerprints: not known yet */
    const char *profile;
    size_t ssrcs; /* to have room for */
};

static_assert(offsetof(struct media_transport, owner) <= MEDIA_TRANSPORT_HOT, "is it fetched?");

/* --- state --- */

static void due(struct wheel_timer *timer, int64_t now_us);

/* A deadline that moved away is not followed: the timer finds nothing to do and is armed again. */
static void set_timer(struct media_transport *t) {
    int64_t next = rtc_icelite_next_us(t->ice);
    int64_t dtls = t->dtls == NULL ? INT64_MAX : rtc_dtls_next_us(t->dtls);
    next = dtls < next ? dtls : next;
    if (next == INT64_MAX || t->state == ENDED) {
        wheel_disarm(&t->worker->wheel, &t->timer);
    } else if (!wheel_is_armed(&t->timer) || t->timer.due_us > next) {
        wheel_arm(&t->worker->wheel, &t->timer, next, due);
    }
}

static void tell(struct media_transport *t, enum media_state state, enum media_end end) {
    t->worker->hooks.state(t->owner, state, end);
}

static void end(struct media_transport *t, enum media_end why) {
    if (t->state == ENDED) {
        return;
    }
    t->state = ENDED;
    t->outlet.open = false;
    tell(t, MEDIA_ENDED, why);
}

/* Follows what ICE says: where to send, and whether anybody is there. */
static void follow_ice(struct media_transport *t) {
    const struct rtc_ice_path *selected = rtc_icelite_selected(t->ice);
    t->outlet.open = selected != NULL && t->state != ENDED;
    if (selected != NULL) {
        t->outlet.to = *selected;
    }
    enum rtc_ice_state ice = rtc_icelite_tick(t->ice, t->worker->now_us);
    if (ice == RTC_ICE_ENDED) {
        end(t, MEDIA_END_SILENCE);
    } else if (ice == RTC_ICE_LOST && t->state == CONNECTED) {
        t->state = LOST;
        tell(t, MEDIA_LOST, MEDIA_END_NONE);
    } else if (ice == RTC_ICE_CONNECTED && t->out != NULL && t->state < ENDED &&
               t->state != CONNECTED) {
        t->state = CONNECTED;
        tell(t, MEDIA_CONNECTED, MEDIA_END_NONE);
    }
}

/* --- DTLS --- */

static struct pkt *copy_of(struct media_worker *w, const uint8_t *data, size_t len) {
    struct pkt *p = pkt_take(w->pool);
    if (p == NULL) {
        w->stats.drops[MEDIA_DROP_NO_PACKET]++;
        return NULL;
    }
    memcpy(pkt_bytes(p), data, len);
    p->len = (uint16_t)len;
    return p;
}

static void send_dtls(struct media_transport *t) {
    size_t len = 0;
    for (const uint8_t *data; (data = rtc_dtls_out(t->dtls, &len)) != NULL;) {
        struct pkt *p = copy_of(t->worker, data, len);
        if (p != NULL) {
            media_outbox_add_plain(t->worker->outbox, &t->outlet, p, t->worker->now_us);
        }
    }
}

static enum err make_sessions(struct media_transport *t) {
    const struct media_sessions into = { &t->in, &t->out, &t->profile };
    return media_sessions_make(
        t->dtls, media_transport_is_client(t), t->worker->seal, t->ssrcs, &into);
}

static void end_handshake(struct media_transport *t) {
    t->worker->n_handshakes -= t->shaking_hands;
    t->shaking_hands = false;
}

static void follow_dtls(struct media_transport *t) {
    send_dtls(t);
    if (rtc_dtls_state(t->dtls) != RTC_DTLS_HANDSHAKE) {
        end_handshake(t);
    }
    switch (rtc_dtls_state(t->dtls)) {
    case RTC_DTLS_OPEN:
        if (t->out == NULL && make_sessions(t) != OK) {
            end(t, MEDIA_END_HANDSHAKE);
        }
        break;
    case RTC_DTLS_CLOSED:
        end(t, MEDIA_END_CLOSED);
        break;
    case RTC_DTLS_FAILED:
        end(t, rtc_dtls_why(t->dtls) == RTC_DTLS_FINGERPRINT ? MEDIA_END_FINGERPRINT
                                                             : MEDIA_END_HANDSHAKE);
        break;
    default:
        break;
    }
    follow_ice(t);
    set_timer(t);
}

static void got_data(void *arg, const uint8_t *data, size_t len) {
    struct media_transport *t = arg;
    if (t->state != ENDED && t->out != NULL) {
        t->worker->hooks.data(t->owner, data, len, t->worker->now_us);
    }
}

/* Only now, since an idle handshake would hold OpenSSL's 74 kB for who may never come. */
static bool begin_handshake(struct media_transport *t) {
    const bool client = media_transport_is_client(t);
    struct rtc_dtls_config cfg = { client ? RTC_DTLS_CLIENT : RTC_DTLS_SERVER, .app = got_data };
    cfg.arg = t;
    if (t->worker->n_handshakes >= MEDIA_HANDSHAKES_MAX ||
        rtc_dtls_create(t->worker->dtls, &cfg, t->worker->now_us, &t->dtls) != OK) {
        return false; /* the peer repeats its flight */
    }
    t->shaking_hands = true;
    t->worker->n_handshakes++;
    if (t->peer.n_fingerprints > 0) {
        rtc_dtls_set_peer(t->dtls, &t->peer);
    }
    return true;
}

/* A peer that waits for us to begin: once there is a way to it. What it does not get is repeated.
 */
static void begin_as_client(struct media_transport *t) {
    if (t->dtls == NULL && t->outlet.open && media_transport_is_client(t) && begin_handshake(t)) {
        follow_dtls(t);
    }
}

void media_transport_take_dtls(struct media_transport *t, const struct media_datagram *d) {
    if (t->state == ENDED || (t->dtls == NULL && !begin_handshake(t))) {
        t->worker->stats.drops[MEDIA_DROP_EARLY]++;
        return;
    }
    uint32_t garbage = rtc_dtls_stats(t->dtls).garbage;
    if (rtc_dtls_feed(t->dtls, pkt_bytes(d->pkt), d->pkt->len, t->worker->now_us)) {
        rtc_icelite_heard(t->ice, &d->path, t->worker->now_us);
    }
    t->worker->stats.drops[MEDIA_DROP_DTLS] += rtc_dtls_stats(t->dtls).garbage - garbage;
    follow_dtls(t);
}

static void due(struct wheel_timer *timer, int64_t now_us) {
    struct media_transport *t = (struct media_transport *)timer;
    if (t->dtls != NULL) {
        rtc_dtls_tick(t->dtls, now_us);
        follow_dtls(t);
    } else {
        follow_ice(t);
        set_timer(t);
    }
}

/* --- checks --- */

static void take_check(struct media_transport *t, const struct media_datagram *d) {
    struct media_worker *w = t->worker;
    struct rtc_ice_outcome outcome;
    uint8_t answer[RTC_STUN_ANSWER_MOST];
    rtc_icelite_take(t->ice, pkt_bytes(d->pkt), d->pkt->len, &d->path, w->now_us, answer,
        sizeof(answer), &outcome);
    w->stats.drops[MEDIA_DROP_CHECK] += outcome.result != RTC_ICE_ANSWERED;
    struct pkt *p = outcome.answer_len > 0 ? copy_of(w, answer, outcome.answer_len) : NULL;
    if (p != NULL) {
        media_outbox_add_loose(w->outbox, &d->path, p, w->now_us);
    }
    if (outcome.forgot) {
        media_routes_drop(&t->routes, &outcome.forgotten);
    }
    if (outcome.result == RTC_ICE_ANSWERED) {
        media_routes_keep(&t->routes, &d->path);
    }
    if (outcome.renewed) {
        media_routes_renamed(&t->routes);
    }
    follow_ice(t);
    begin_as_client(t);
    set_timer(t);
}

void media_transport_take_check(struct media_worker *w, const struct media_datagram *d) {
    struct rtc_stun_head head;
    struct media_transport *t = NULL;
    if (!rtc_stun_peek(pkt_bytes(d->pkt), d->pkt->len, &head) || head.class != RTC_STUN_REQUEST) {
        w->stats.drops[MEDIA_DROP_CHECK]++;
        return;
    }
    if (head.ufrag != NULL) {
        t = media_address_find_ufrag(&w->table, (const uint8_t *)head.ufrag, head.ufrag_len);
    }
    if (t == NULL || t->state == ENDED) {
        w->stats.drops[MEDIA_DROP_NO_TRANSPORT]++;
        return;
    }
    take_check(t, d);
}

void media_transport_path_closed(struct media_worker *w, const struct rtc_ice_path *path) {
    struct media_transport *t = media_address_find(&w->table, path);
    if (t == NULL) {
        return;
    }
    media_routes_drop(&t->routes, path);
    (void)rtc_icelite_close_path(t->ice, path);
    follow_ice(t);
    set_timer(t);
}

/* --- media --- */

static void heard(struct media_transport *t, const struct rtc_ice_path *path) {
    if (t->worker->now_us - t->heard_us >= HEARD_EVERY_US) {
        t->heard_us = t->worker->now_us;
        rtc_icelite_heard(t->ice, path, t->heard_us);
        if (t->state == LOST) {
            follow_ice(t); /* it is back */
            set_timer(t);
        }
    }
}

struct rtc_srtp_in *media_transport_opens(const struct media_transport *t) {
    return t->state == ENDED ? NULL : t->in;
}

void media_transport_got_rtp(struct media_transport *t, struct pkt *p,
    const struct rtc_srtp_got *got, const struct rtc_ice_path *path) {
    heard(t, path);
    t->worker->hooks.rtp(t->owner, p, got);
}

void media_transport_take_rtcp(struct media_transport *t, const struct media_datagram *d) {
    struct media_worker *w = t->worker;
    if (media_transport_opens(t) == NULL) {
        w->stats.drops[MEDIA_DROP_EARLY]++;
        return;
    }
    size_t len = d->pkt->len;
    enum rtc_srtp_verdict verdict = rtc_srtp_open_rtcp(t->in, pkt_bytes(d->pkt), &len);
    if (verdict != RTC_SRTP_OK) {
        w->stats.drops[media_drop_of(verdict)]++;
        return;
    }
    heard(t, &d->path);
    w->hooks.rtcp(t->owner, pkt_bytes(d->pkt), len, w->now_us);
}

bool media_transport_is_client(const struct media_transport *t) {
    return t->peer.n_fingerprints > 0 && t->peer.role == RTC_DTLS_SERVER;
}

bool media_transport_is_connected(const struct media_transport *t) {
    return t->state == CONNECTED;
}

struct media_job *media_transport_rtp(struct media_transport *t) {
    if (t->state != CONNECTED) {
        return NULL;
    }
    struct media_job *job = media_outbox_add(t->worker->outbox, &t->outlet, t->worker->now_us);
    job->session = t->out;
    return job;
}

void media_transport_count(struct media_transport *t, struct rtc_bwe *bwe) {
    t->outlet.bwe = bwe;
}

void media_transport_pace(struct media_transport *t, uint64_t bps) {
    t->pace.pacer.bps = bps;
    t->outlet.pace = bps != 0 || t->pace.first != 0 ? &t->pace : NULL;
}

void media_transport_drop(struct media_transport *t, const struct rtc_srtp_sender *sender) {
    media_outbox_drop(t->worker->outbox, &t->outlet, sender);
}

bool media_transport_rtcp(struct media_transport *t, const uint8_t *data, size_t len) {
    assert(len <= MEDIA_RTCP_MAX);
    struct pkt *p = t->state == CONNECTED ? copy_of(t->worker, data, len) : NULL;
    if (p == NULL) {
        return false;
    }
    size_t room = p->cap - p->off;
    if (rtc_srtp_seal_rtcp(t->out, pkt_bytes(p), &len, room) != RTC_SRTP_OK) {
        pkt_unref(p);
        return false;
    }
    p->len = (uint16_t)len;
    media_outbox_add_plain(t->worker->outbox, &t->outlet, p, t->worker->now_us);
    return true;
}

bool media_transport_data(struct media_transport *t, const uint8_t *data, size_t len) {
    if (t->state != CONNECTED || !rtc_dtls_send(t->dtls, data, len)) {
        return false;
    }
    send_dtls(t);
    return true;
}

/* --- life --- */

enum err media_transport_create(struct media_worker *w, const struct rtc_ice_cred *local,
    void *owner, struct media_transport **ret) {
    struct media_transport *t = mem_zalloc(sizeof(*t));
    if (t == NULL) {
        return err_set(ERR_NOMEM, "no memory for a transport");
    }
    t->worker = w;
    t->owner = owner;
    t->pace.outlet = &t->outlet;
    t->ssrcs = SSRCS_AT_FIRST;
    w->n_transports++;
    enum err e = media_routes_init(&t->routes, &w->table, t, local->ufrag);
    if (e == OK) {
        e = rtc_icelite_create(local, w->now_us, &t->ice);
    }
    if (e != OK) {
        media_transport_destroy(t);
        return e;
    }
    set_timer(t);
    *ret = t;
    return OK;
}

void media_transport_destroy(struct media_transport *t) {
    if (t == NULL) {
        return;
    }
    struct media_worker *w = t->worker;
    if (t->dtls != NULL && t->state != ENDED) {
        rtc_dtls_close(t->dtls);
        send_dtls(t);
    }
    media_worker_flush(w);
    media_outbox_drop(w->outbox, &t->outlet, NULL);
    end_handshake(t);
    wheel_disarm(&w->wheel, &t->timer);
    media_routes_finish(&t->routes);
    rtc_srtp_in_destroy(t->in);
    rtc_srtp_out_destroy(t->out);
    rtc_dtls_destroy(t->dtls);
    rtc_icelite_destroy(t->ice);
    w->n_transports--;
    mem_free(t);
}

static bool same_fingerprints(const struct rtc_dtls_params *a, const struct rtc_dtls_params *b) {
    bool same = a->n_fingerprints == b->n_fingerprints;
    for (size_t i = 0; same && i < a->n_fingerprints; i++) {
        const struct rtc_fingerprint *x = &a->fingerprints[i], *y = &b->fingerprints[i];
        same = x->hash == y->hash && x->len == y->len && memcmp(x->bytes, y->bytes, x->len) == 0;
    }
    return same;
}

enum err media_transport_connect(struct media_transport *t, const struct rtc_ice_params *remote,
    const struct rtc_dtls_params *dtls) {
    if (dtls->n_fingerprints == 0) {
        return err_set(ERR_INVALID, "no fingerprint of a hash that we know");
    }
    bool known = t->peer.n_fingerprints > 0;
    if (known && !same_fingerprints(&t->peer, dtls)) {
        return err_set(ERR_CONFLICT, "another fingerprint than before");
    }
    TRY(rtc_icelite_set_remote(t->ice, remote->ufrag, t->worker->now_us));
    t->peer = *dtls;
    if (t->dtls != NULL && !known) {
        rtc_dtls_set_peer(t->dtls, &t->peer);
        follow_dtls(t);
    }
    begin_as_client(t);
    set_timer(t);
    return OK;
}

enum err media_transport_restart(struct media_transport *t, const struct rtc_ice_cred *local,
    const struct rtc_ice_params *remote) {
    struct media_worker *w = t->worker;
    TRY(media_routes_rename(&t->routes, local->ufrag));
    rtc_icelite_restart(t->ice, local, w->now_us);
    set_timer(t);
    return remote == NULL ? OK : rtc_icelite_set_remote(t->ice, remote->ufrag, w->now_us);
}

enum err media_transport_reserve(struct media_transport *t, size_t ssrcs) {
    if (t->in != NULL) {
        TRY(rtc_srtp_in_reserve(t->in, ssrcs));
    }
    t->ssrcs = ssrcs > t->ssrcs ? ssrcs : t->ssrcs;
    return OK;
}

int64_t media_transport_silent_us(const struct media_transport *t) {
    return rtc_icelite_silent_us(t->ice, t->worker->now_us);
}

const char *media_transport_profile(const struct media_transport *t) {
    return t->profile;
}

void media_transport_remote(const struct media_transport *t, char ret[MEDIA_PATH_TEXT]) {
    media_path_write(&t->outlet.to, ret);
}
