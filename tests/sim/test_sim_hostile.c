/* Strangers that mean harm: what they do is counted and bounded, and the others' call goes on as if
 * nothing was. */
#include "scene.h"
#include "unit/test.h"

#include "core/crypto.h"
#include "rtc/stun.h"

#include <string.h>

static struct rtc_ice_path stranger(unsigned port) {
    static const uint8_t ip[4] = { 192, 0, 2, 66 };
    return (struct rtc_ice_path){ .peer = rtc_addr_v4(ip, (uint16_t)port, false) };
}

static void inject(
    struct scene *s, const struct rtc_ice_path *from, const uint8_t *data, size_t len) {
    net_send(&s->w->net, from, true, data, len, s->w->now_us);
}

/* What a client says first in DTLS. */
static size_t client_hello(struct scene *s, uint8_t *ret, size_t cap) {
    struct rtc_dtls *d = NULL;
    struct rtc_dtls_config cfg = { .role = RTC_DTLS_CLIENT };
    size_t len = 0;
    CHECK_ERR(OK, rtc_dtls_create(s->w->dtls, &cfg, s->w->now_us, &d));
    const uint8_t *data = rtc_dtls_out(d, &len);
    CHECK(data != NULL && len <= cap);
    memcpy(ret, data, len);
    rtc_dtls_destroy(d);
    return len;
}

static size_t write_check(
    const struct rtc_ice_cred *theirs, const char *ours, const char *password, uint8_t ret[512]) {
    struct rtc_stun_ask ask = { .remote = theirs->ufrag,
        .local = ours,
        .password = password,
        .role = RTC_STUN_CONTROLLING,
        .priority = 1,
        .use_candidate = true };
    crypto_random(ask.id, sizeof(ask.id));
    return rtc_stun_write_request(&ask, ret, 512);
}

TEST(sim_hostile, a_wrong_certificate_ends_its_transport) {
    struct scene s;
    scene_begin(&s, 1, false);
    struct rtc_dtls_ctx *honest = s.w->dtls, *other = NULL;
    CHECK_ERR(OK, rtc_dtls_ctx_create(&other));
    s.w->promised = honest; /* what signalling said */
    s.w->dtls = other;
    s.bad = world_join(s.w, 2);
    s.w->promised = NULL;
    s.w->dtls = honest;
    world_run(s.w, 3 * SECOND);
    CHECK_INT(SFU_TRANSPORT_ENDED, s.bad->state);
    CHECK_INT(SFU_END_FINGERPRINT, s.bad->end);
    CHECK_INT(0, s.media->n_handshakes);
    CHECK_INT(2, s.media->n_transports);
    scene_end(&s);
    rtc_dtls_ctx_destroy(other);
}

TEST(sim_hostile, garbage_from_strangers_is_dropped) {
    static const struct {
        const char *name;
        uint8_t first;
        enum media_drop why;
    } rows[] = {
        { "STUN", 0, MEDIA_DROP_CHECK },
        { "nothing known", 5, MEDIA_DROP_KIND },
        { "DTLS", 22, MEDIA_DROP_NO_TRANSPORT },
        { "TURN channels", 70, MEDIA_DROP_KIND },
        { "RTP", 0x80, MEDIA_DROP_NO_TRANSPORT },
        { "nothing known, above", 200, MEDIA_DROP_KIND },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct scene s;
        scene_begin(&s, 10 + (uint64_t)(r - rows), false);
        uint64_t before = s.media->stats.drops[r->why], out = 0;
        for (unsigned i = 0; i < 2000; i++) {
            uint8_t bytes[1400];
            struct rtc_ice_path from = stranger(1000 + i % 50);
            crypto_random(bytes, sizeof(bytes));
            bytes[0] = r->first;
            bytes[1] &= 0x3f; /* RTP, not RTCP */
            inject(&s, &from, bytes, 60 + i % 1300);
            if (i % 100 == 99) {
                out = s.w->out;
                world_run(s.w, 20000);
                out = s.w->out - out;
            }
        }
        CHECK(s.media->stats.drops[r->why] >= before + 1900);
        CHECK(out < 100); /* nobody is answered */
        scene_end(&s);
    }
}

/* What SRTP did not let through. */
static uint64_t refused(const struct scene *s) {
    const uint64_t *drops = s->media->stats.drops;
    return drops[MEDIA_DROP_FORGED] + drops[MEDIA_DROP_REPLAYED] + drops[MEDIA_DROP_MALFORMED];
}

TEST(sim_hostile, media_and_handshakes_from_paths_without_a_check_reach_nobody) {
    struct scene s;
    scene_begin(&s, 20, true);
    uint8_t hello[1500];
    size_t len = client_hello(&s, hello, sizeof(hello));
    /* The bad one's own, well sealed, by another address. */
    struct rtc_ice_path real = s.bad->path;
    world_run(s.w, SECOND);
    uint64_t before = s.media->stats.drops[MEDIA_DROP_NO_TRANSPORT];
    s.bad->path.peer.port ^= 0x2000;
    uint8_t packet[] = { 0x80, 111, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 0x78, 1, 2, 3 };
    struct rtc_srtp_sender sender = { 0 };
    for (unsigned i = 0; i < 100; i++) {
        packet[3]++;
        CHECK(peer_connection_rtp(s.bad->peer, &sender, packet, 12, sizeof(packet)));
        inject(&s, &s.bad->path, hello, len);
    }
    s.bad->path = real;
    world_run(s.w, SECOND);
    CHECK_INT(before + 200, s.media->stats.drops[MEDIA_DROP_NO_TRANSPORT]);
    /* And packets of a's, forged: from a's address, without a's keys. */
    before = refused(&s);
    for (unsigned i = 0; i < 100; i++) {
        packet[3]++;
        inject(&s, &s.a->path, packet, sizeof(packet));
        uint8_t sealed[100] = { 0x80, 111, 0, (uint8_t)i, 0, 0, 0, 1, 0, 0, 3, 232 };
        inject(&s, &s.a->path, sealed, sizeof(sealed));
    }
    world_run(s.w, SECOND);
    CHECK_INT(before + 200, refused(&s));
    /* DTLS garbage, and a second hello, from a's address. */
    for (unsigned i = 0; i < 100; i++) {
        uint8_t junk[200];
        crypto_random(junk, sizeof(junk));
        junk[0] = 20 + i % 44;
        inject(&s, &s.a->path, junk, sizeof(junk));
        inject(&s, &s.a->path, hello, len);
    }
    world_run(s.w, SECOND);
    scene_end(&s);
}

TEST(sim_hostile, floods_of_checks_move_nothing) {
    static const struct {
        const char *name;
        bool fragment, password; /* known */
        enum media_drop why;
    } rows[] = {
        { "without a fragment of ours", false, false, MEDIA_DROP_NO_TRANSPORT },
        { "with a fragment, without its password", true, false, MEDIA_DROP_CHECK },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct scene s;
        scene_begin(&s, 30 + (uint64_t)(r - rows), false);
        struct rtc_ice_cred wrong;
        uint64_t in = 0, out = s.w->out_bytes, before = s.media->stats.drops[r->why];
        for (unsigned i = 0; i < 3000; i++) {
            uint8_t bytes[512];
            struct rtc_ice_path from = stranger(1000 + i);
            rtc_ice_cred_make(&wrong);
            size_t len = write_check(r->fragment ? &s.a->servers : &wrong, s.a->ours.ufrag,
                r->password ? s.a->servers.pwd : wrong.pwd, bytes);
            in += len;
            inject(&s, &from, bytes, len);
        }
        out = s.w->out_bytes;
        world_run(s.w, 15000);
        out = s.w->out_bytes - out;
        CHECK(out < in + 20000); /* no more comes back than was sent, but for the call */
        CHECK(s.media->stats.drops[r->why] >= before + 2900);
        CHECK(HASH_COUNT(s.media->table.routes) <= 3);
        scene_end(&s);
    }
}

TEST(sim_hostile, a_replayed_check_moves_a_path_for_a_moment_only) {
    struct scene s;
    scene_begin(&s, 40, false);
    /* Who sees b's packets sends one of its checks again, from many addresses. (Who does not see
     * them cannot: the fragments are secret.) */
    uint8_t check[512];
    size_t len = write_check(&s.b->servers, s.b->ours.ufrag, s.b->servers.pwd, check);
    for (unsigned i = 0; i < 500; i++) {
        struct rtc_ice_path from = stranger(2000 + i);
        inject(&s, &from, check, len);
    }
    world_run(s.w, 4 * SECOND); /* b's next check comes after two seconds at most */
    CHECK(HASH_COUNT(s.media->table.routes) <= RTC_ICE_PATHS_MAX + 2);
    CHECK(s.a->connected && s.b->connected);
    uint64_t before = s.hears->stats.packets;
    world_run(s.w, 2 * SECOND);
    CHECK(s.hears->stats.packets >= before + 95);
    CHECK_INT(0, peer_sink_faults(s.hears) + peer_sink_faults(s.sees));
    world_destroy(s.w);
}

TEST(sim_hostile, half_open_joins_are_bounded_and_end) {
    enum { JOINS = MEDIA_HANDSHAKES_MAX + 50 };
    struct scene s;
    scene_begin(&s, 50, false);
    uint8_t hello[1500], check[512];
    size_t hello_len = client_hello(&s, hello, sizeof(hello));
    sfu_id participant, transport;
    CHECK_ERR(OK, sfu_participant_open(s.w->sfu, s.w->room, &participant));
    for (unsigned i = 0; i < JOINS; i++) {
        struct rtc_ice_cred cred;
        struct rtc_ice_path from = stranger(1000 + i);
        rtc_ice_cred_make(&cred);
        CHECK_ERR(OK, sfu_transport_open(s.w->sfu, participant, &cred, &transport));
        world_run(s.w, 100);
        inject(&s, &from, check, write_check(&cred, "abcd", cred.pwd, check));
        inject(&s, &from, hello, hello_len);
    }
    world_run(s.w, SECOND);
    CHECK_INT(MEDIA_HANDSHAKES_MAX, s.media->n_handshakes);
    CHECK_INT(JOINS + 2, s.media->n_transports);
    CHECK(s.media->stats.drops[MEDIA_DROP_EARLY] >= 50);
    world_run(s.w, 31 * SECOND);
    CHECK_INT(0, s.media->n_handshakes);
    CHECK_INT(2, s.media->n_transports);
    scene_end(&s);
}
