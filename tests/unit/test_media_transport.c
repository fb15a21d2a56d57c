/* A transport's life, from the first check to silence; the other end is tools/peer's, and what lies
 * between them is a function call. A whole SFU of them is tests/sim. */
#include "connection.h"
#include "media/transport.h"
#include "rtc/rtcp.h"
#include "test.h"

#include <string.h>

#define MS       1000
#define SECOND   1000000
#define START_US (INT64_C(5) * SECOND)

struct stage {
    struct media_worker *worker;
    struct media_transport *transport;
    struct rtc_dtls_ctx *ours, *theirs;
    struct rtc_seal *seal; /* the peer's */
    struct peer_connection *peer;
    struct rtc_ice_cred cred, peer_cred;
    struct rtc_ice_path path;
    int64_t now_us;
    struct pkt *in[64]; /* on their way to the worker */
    size_t n_in;
    bool mute; /* nothing of the peer's arrives */
    enum media_state state;
    enum media_end end;
    unsigned connected, lost, ended, rtcp, heard;
};

/* --- hooks --- */

static void to_peer(void *arg, const struct media_run *runs, size_t n) {
    struct stage *s = arg;
    for (size_t i = 0; i < n; i++) {
        for (uint16_t k = 0; k < runs[i].n; k++) {
            uint8_t bytes[2048];
            memcpy(bytes, runs[i].iov[k].iov_base, runs[i].iov[k].iov_len);
            if (s->peer != NULL) {
                peer_connection_take(s->peer, bytes, runs[i].iov[k].iov_len, s->now_us);
            }
        }
    }
}

static void from_peer(void *arg, const uint8_t *data, size_t len) {
    struct stage *s = arg;
    struct pkt *p = s->mute || s->n_in == COUNT_OF(s->in) ? NULL : pkt_take(s->worker->pool);
    if (p != NULL) {
        memcpy(pkt_bytes(p), data, len);
        p->len = (uint16_t)len;
        s->in[s->n_in++] = p;
    }
}

static void on_rtp(void *owner, struct pkt *pkt, const struct rtc_srtp_got *got) {
    (void)pkt;
    (void)got;
    ((struct stage *)owner)->heard++;
}

static void on_rtcp(void *owner, const uint8_t *data, size_t len, int64_t now_us) {
    struct stage *s = owner;
    s->rtcp += len > 0 && data[0] >> 6 == 2 && now_us == s->now_us;
}

static void on_data(void *owner, const uint8_t *data, size_t len, int64_t now_us) {
    (void)owner;
    (void)data;
    (void)len;
    (void)now_us;
}

static void on_state(void *owner, enum media_state state, enum media_end end) {
    struct stage *s = owner;
    s->state = state;
    s->end = end;
    s->connected += state == MEDIA_CONNECTED;
    s->lost += state == MEDIA_LOST;
    s->ended += state == MEDIA_ENDED;
}

static void on_turn(void *arg, int64_t now_us) {
    (void)arg;
    (void)now_us;
}

static void peer_rtp(void *arg, uint8_t *packet, size_t len, int64_t now_us) {
    (void)arg;
    (void)packet;
    (void)len;
    (void)now_us;
}

static void peer_rtcp(void *arg, const uint8_t *data, size_t len, int64_t now_us) {
    (void)arg;
    (void)data;
    (void)len;
    (void)now_us;
}

/* --- the stage --- */

static struct rtc_ice_params params_of(const struct rtc_ice_cred *cred) {
    struct rtc_ice_params p = { .lite = true };
    memcpy(p.ufrag, cred->ufrag, sizeof(cred->ufrag));
    memcpy(p.pwd, cred->pwd, sizeof(cred->pwd));
    return p;
}

static struct rtc_dtls_params fingerprint_of(struct rtc_dtls_ctx *ctx, enum rtc_dtls_role role) {
    return (struct rtc_dtls_params){
        .role = role, .n_fingerprints = 1, .fingerprints = { *rtc_dtls_ctx_fingerprint(ctx) }
    };
}

static enum err begin(struct stage *s) {
    static const uint8_t ip[4] = { 10, 0, 0, 7 };
    *s = (struct stage){ .now_us = START_US, .path.peer = rtc_addr_v4(ip, 4000, false) };
    TRY(rtc_dtls_ctx_create(&s->ours));
    TRY(rtc_dtls_ctx_create(&s->theirs));
    TRY(rtc_seal_create("evp", &s->seal));
    struct media_worker_config cfg = { .packets_bytes = 1 * MIB,
        .dtls = s->ours,
        .send = to_peer,
        .send_arg = s,
        .hooks = { on_turn, on_rtp, on_rtcp, on_data, on_state, on_turn },
        .hooks_arg = s,
        .now_us = START_US };
    TRY(rtc_seal_create("evp", &cfg.seal));
    TRY(media_worker_create(&cfg, &s->worker));
    rtc_ice_cred_make(&s->cred);
    rtc_ice_cred_make(&s->peer_cred);
    return media_transport_create(s->worker, &s->cred, s, &s->transport);
}

/* The peer comes: it is promised `their` certificate's fingerprint, and we are told `promised`'s.
 */
static void meet(struct stage *s, struct rtc_dtls_ctx *promised) {
    struct peer_connection_config cfg = { .dtls = s->theirs,
        .seal = s->seal,
        .ours = s->peer_cred,
        .theirs = params_of(&s->cred),
        .their_dtls = fingerprint_of(s->ours, RTC_DTLS_SERVER),
        .streams = 2,
        .send = from_peer,
        .rtp = peer_rtp,
        .rtcp = peer_rtcp,
        .arg = s,
        .now_us = s->now_us };
    struct rtc_ice_params remote = params_of(&s->peer_cred);
    struct rtc_dtls_params dtls = fingerprint_of(promised, RTC_DTLS_CLIENT);
    CHECK_ERR(OK, media_transport_connect(s->transport, &remote, &dtls));
    CHECK_ERR(OK, peer_connection_create(&cfg, &s->peer));
}

static void turn(struct stage *s) {
    struct media_datagram in[COUNT_OF(s->in)];
    size_t n = s->n_in;
    for (size_t i = 0; i < n; i++) {
        in[i] = (struct media_datagram){ s->in[i], s->path };
    }
    s->n_in = 0;
    media_worker_turn(s->worker, in, n, s->now_us);
    media_worker_flush(s->worker);
}

static void run(struct stage *s, int64_t for_us) {
    for (int64_t until = s->now_us + for_us; s->now_us < until; s->now_us += 10 * MS) {
        if (s->peer != NULL) {
            peer_connection_tick(s->peer, s->now_us);
        }
        turn(s);
    }
}

static void end(struct stage *s) {
    media_transport_destroy(s->transport);
    turn(s); /* what the peer still had to say is nobody's */
    peer_connection_destroy(s->peer);
    CHECK(s->worker == NULL || s->worker->n_transports == 0);
    CHECK(s->worker == NULL || s->worker->wheel.armed == 0);
    media_worker_destroy(s->worker);
    rtc_seal_destroy(s->seal);
    rtc_dtls_ctx_destroy(s->theirs);
    rtc_dtls_ctx_destroy(s->ours);
}

/* --- the tests --- */

TEST(media_transport, checks_then_keys_then_media) {
    struct stage s;
    uint8_t bytes[64];
    struct wr w = wr_make(bytes, sizeof(bytes));
    rtc_rtcp_write_rr(&w, 7, NULL, 0);
    CHECK_ERR(OK, begin(&s));
    CHECK(!media_transport_is_connected(s.transport));
    CHECK(media_transport_rtp(s.transport) == NULL);
    CHECK(!media_transport_rtcp(s.transport, bytes, wr_len(&w)));
    CHECK(!media_transport_data(s.transport, bytes, 1));
    meet(&s, s.theirs);
    run(&s, SECOND);
    CHECK_INT(1, s.connected);
    CHECK(media_transport_is_connected(s.transport) && peer_connection_is_open(s.peer));
    CHECK(!media_transport_is_client(s.transport));
    CHECK_INT(0, s.worker->n_handshakes);
    CHECK(media_transport_profile(s.transport) != NULL);
    char text[MEDIA_PATH_TEXT];
    media_transport_remote(s.transport, text);
    CHECK(strstr(text, "10.0.0.7") != NULL);
    CHECK(media_transport_rtcp(s.transport, bytes, wr_len(&w)));
    CHECK(peer_connection_rtcp(s.peer, bytes, wr_len(&w)));
    turn(&s);
    CHECK_INT(1, s.rtcp);
    end(&s);
}

TEST(media_transport, a_silent_peer_is_lost_comes_back_and_is_ended) {
    static const struct {
        const char *name;
        int64_t silent_us;
        unsigned lost, ended;
    } rows[] = {
        { "a moment", RTC_ICE_LOST_US - 3 * SECOND, 0, 0 },
        { "long enough to be lost", RTC_ICE_LOST_US + 2 * SECOND, 1, 0 },
        { "for good", RTC_ICE_ENDED_US + 2 * SECOND, 1, 1 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct stage s;
        CHECK_ERR(OK, begin(&s));
        meet(&s, s.theirs);
        run(&s, SECOND);
        s.mute = true;
        run(&s, r->silent_us);
        CHECK_INT(r->lost, s.lost);
        CHECK_INT(r->ended, s.ended);
        CHECK(r->ended == 0 || s.end == MEDIA_END_SILENCE);
        s.mute = false;
        run(&s, 3 * SECOND);
        CHECK_INT(r->ended == 0, media_transport_is_connected(s.transport));
        CHECK_INT(1 + (r->lost && !r->ended), s.connected);
        CHECK((media_transport_silent_us(s.transport) < 3 * SECOND) == (r->ended == 0));
        end(&s);
    }
}

TEST(media_transport, who_is_not_the_promised_one_gets_no_keys) {
    struct stage s;
    CHECK_ERR(OK, begin(&s));
    meet(&s, s.ours); /* another certificate than the peer has */
    run(&s, SECOND);
    CHECK_INT(1, s.ended);
    CHECK_INT(MEDIA_END_FINGERPRINT, s.end);
    CHECK_INT(0, s.connected);
    CHECK(media_transport_rtp(s.transport) == NULL);
    end(&s);
}

TEST(media_transport, a_description_is_refused_whole) {
    struct stage s;
    CHECK_ERR(OK, begin(&s));
    struct rtc_ice_params remote = params_of(&s.peer_cred), bad = { .ufrag = "" };
    struct rtc_dtls_params none = { .n_fingerprints = 0 };
    struct rtc_dtls_params right = fingerprint_of(s.theirs, RTC_DTLS_CLIENT);
    struct rtc_dtls_params other = fingerprint_of(s.ours, RTC_DTLS_CLIENT);
    CHECK_ERR(ERR_INVALID, media_transport_connect(s.transport, &remote, &none));
    CHECK_ERR(ERR_INVALID, media_transport_connect(s.transport, &bad, &right));
    CHECK_ERR(OK, media_transport_connect(s.transport, &remote, &right));
    CHECK_ERR(OK, media_transport_connect(s.transport, &remote, &right)); /* the same again */
    CHECK_ERR(ERR_CONFLICT, media_transport_connect(s.transport, &remote, &other));
    end(&s);
}

TEST(media_transport, two_have_not_one_fragment) {
    struct stage s;
    struct media_transport *second = NULL;
    struct rtc_ice_cred cred;
    CHECK_ERR(OK, begin(&s));
    CHECK_ERR(ERR_CONFLICT, media_transport_create(s.worker, &s.cred, &s, &second));
    CHECK_INT(1, s.worker->n_transports);
    rtc_ice_cred_make(&cred);
    CHECK_ERR(OK, media_transport_create(s.worker, &cred, &s, &second));
    CHECK_ERR(ERR_CONFLICT, media_transport_restart(second, &s.cred, NULL));
    media_transport_destroy(second);
    end(&s);
}

TEST(media_transport, goes_on_while_ice_begins_again) {
    struct stage s;
    CHECK_ERR(OK, begin(&s));
    meet(&s, s.theirs);
    run(&s, SECOND);
    struct rtc_ice_cred ours, theirs;
    rtc_ice_cred_make(&ours);
    rtc_ice_cred_make(&theirs);
    struct rtc_ice_params remote = params_of(&theirs), local = params_of(&ours);
    CHECK_ERR(OK, media_transport_restart(s.transport, &ours, &remote));
    CHECK(media_transport_is_connected(s.transport));
    run(&s, 4 * SECOND); /* the peer has not heard of it: its checks name the old fragment */
    CHECK(media_transport_is_connected(s.transport));
    s.path.peer.port++; /* and another way */
    peer_connection_restart(s.peer, &theirs, &local, s.now_us);
    run(&s, 4 * SECOND);
    CHECK(media_transport_is_connected(s.transport));
    CHECK_INT(1, s.connected);
    CHECK_INT(0, s.lost);
    CHECK(media_address_find_ufrag(
              &s.worker->table, (const uint8_t *)s.cred.ufrag, strlen(s.cred.ufrag)) == NULL);
    CHECK(media_address_find(&s.worker->table, &s.path) == s.transport);
    end(&s);
}

TEST(media_transport, a_closed_path_is_nobodys) {
    struct stage s;
    CHECK_ERR(OK, begin(&s));
    meet(&s, s.theirs);
    run(&s, SECOND);
    media_transport_path_closed(s.worker, &s.path);
    CHECK(media_address_find(&s.worker->table, &s.path) == NULL);
    media_transport_path_closed(s.worker, &s.path); /* told twice */
    run(&s, 3 * SECOND);                            /* the next check brings it back */
    CHECK(media_address_find(&s.worker->table, &s.path) == s.transport);
    CHECK_INT(0, s.ended);
    end(&s);
}

TEST(media_transport, a_peer_says_good_bye) {
    struct stage s;
    CHECK_ERR(OK, begin(&s));
    meet(&s, s.theirs);
    run(&s, SECOND);
    peer_connection_close(s.peer);
    turn(&s);
    CHECK_INT(1, s.ended);
    CHECK_INT(MEDIA_END_CLOSED, s.end);
    end(&s);
}

TEST_ALLOC(media_transport, survives_no_memory) {
    struct media_worker *w = NULL;
    struct media_transport *t = NULL;
    struct media_worker_config cfg = { .packets_bytes = 1 * MIB,
        .send = to_peer,
        .hooks = { on_turn, on_rtp, on_rtcp, on_data, on_state, on_turn },
        .now_us = START_US };
    struct rtc_ice_cred cred, next;
    rtc_ice_cred_make(&cred);
    rtc_ice_cred_make(&next);
    TRY(rtc_seal_create("evp", &cfg.seal));
    enum err e = media_worker_create(&cfg, &w);
    if (e != OK) {
        rtc_seal_destroy(cfg.seal); /* taken by a worker only */
    }
    e = e == OK ? media_transport_create(w, &cred, NULL, &t) : e;
    e = e == OK ? media_transport_reserve(t, 8) : e;
    e = e == OK ? media_transport_restart(t, &next, NULL) : e;
    media_transport_destroy(t);
    media_worker_destroy(w);
    return e;
}
