/* Two ends of DTLS, over good paths and bad ones, in a time that is told. */
#include "test.h"

#include "core/cur.h"
#include "dtls_path.h"

#include <stdio.h>

static struct rtc_dtls_ctx *theirs; /* the client's certificate */
static struct rtc_dtls_ctx *ours;   /* the server's */

static void make_certificates(void) {
    if (ours == NULL) {
        CHECK_ERR(OK, rtc_dtls_ctx_create(&theirs));
        CHECK_ERR(OK, rtc_dtls_ctx_create(&ours));
    }
}

__attribute__((destructor)) static void free_certificates(void) {
    rtc_dtls_ctx_destroy(theirs);
    rtc_dtls_ctx_destroy(ours);
}

/* What came to each end. */
struct heard {
    size_t n;
    size_t bytes;
    uint8_t last[2048];
};

static void on_app(void *arg, const uint8_t *data, size_t len) {
    struct heard *h = arg;
    h->n++;
    h->bytes += len;
    memcpy(h->last, data, len);
}

struct set_up {
    uint16_t client_profile, server_profile, mtu;
    bool keep_peers_secret; /* nobody is told a fingerprint */
    struct heard *heard;    /* two, or NULL */
};

static void begin(struct path *p, struct set_up s) {
    make_certificates();
    path_open(p);
    for (int i = 0; i < 2; i++) {
        struct rtc_dtls_config cfg = { .role = i == 0 ? RTC_DTLS_CLIENT : RTC_DTLS_SERVER,
            .only_profile = i == 0 ? s.client_profile : s.server_profile,
            .mtu = s.mtu,
            .app = s.heard == NULL ? NULL : on_app,
            .arg = s.heard == NULL ? NULL : &s.heard[i] };
        CHECK_ERR(OK, rtc_dtls_create(i == 0 ? theirs : ours, &cfg, p->now_us, &p->ends[i]));
        struct rtc_dtls_params peer = path_params(i == 0 ? ours : theirs);
        if (!s.keep_peers_secret) {
            rtc_dtls_set_peer(p->ends[i], &peer);
        }
    }
}

static void check_states(
    const struct path *p, enum rtc_dtls_state client, enum rtc_dtls_state server) {
    CHECK_INT(client, rtc_dtls_state(p->ends[0]));
    CHECK_INT(server, rtc_dtls_state(p->ends[1]));
}

/* Gives how many bytes they are. */
static size_t check_same_keys(struct path *p, uint16_t profile) {
    struct rtc_dtls_keys keys[3] = { { .profile = 0 } };
    for (int i = 0; i < 2; i++) {
        CHECK_ERR(OK, rtc_dtls_keys(p->ends[i], &keys[i]));
        CHECK_INT(profile, keys[i].profile);
        CHECK_ERR(ERR_CONFLICT, rtc_dtls_keys(p->ends[i], &keys[2])); /* they were wiped */
    }
    CHECK_INT(keys[0].len, keys[1].len);
    CHECK(memcmp(keys[0].material, keys[1].material, keys[0].len) == 0);
    return keys[0].len;
}

TEST(rtc_dtls, negotiates_what_the_server_prefers) {
    static const struct {
        const char *name;
        uint16_t client, server, want; /* want 0 = nothing in common */
        uint16_t material;
    } rows[] = {
        { "all: the first of ours", 0, 0, RTC_DTLS_GCM_128, 56 },
        { "AES-256 only, by the client", RTC_DTLS_GCM_256, 0, RTC_DTLS_GCM_256, 88 },
        { "AES-CM only, by the client", RTC_DTLS_CM_SHA1_80, 0, RTC_DTLS_CM_SHA1_80, 60 },
        { "AES-256 only, by the server", 0, RTC_DTLS_GCM_256, RTC_DTLS_GCM_256, 88 },
        { "nothing in common", RTC_DTLS_GCM_128, RTC_DTLS_CM_SHA1_80, 0, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct path p = { .delay_us = 10000, .seed = 1 };
        begin(&p, (struct set_up){ .client_profile = r->client, .server_profile = r->server });
        path_settle(&p);
        struct rtc_dtls_keys keys = { .profile = 0 };
        if (r->want == 0) {
            check_states(&p, RTC_DTLS_FAILED, RTC_DTLS_FAILED);
            CHECK_INT(RTC_DTLS_NO_SRTP, rtc_dtls_why(p.ends[1]));
            CHECK_ERR(ERR_CONFLICT, rtc_dtls_keys(p.ends[1], &keys));
        } else {
            check_states(&p, RTC_DTLS_OPEN, RTC_DTLS_OPEN);
            CHECK_INT(r->material, check_same_keys(&p, r->want));
            CHECK_INT(40000, p.now_us); /* two round trips, nothing repeated */
            CHECK_INT(0, rtc_dtls_stats(p.ends[0]).repeats + rtc_dtls_stats(p.ends[1]).repeats);
        }
        path_close(&p);
    }
}

TEST(rtc_dtls, gets_through_bad_paths) {
    static const struct {
        const char *name;
        unsigned loss, twice;
        int64_t jitter_us;
        uint16_t mtu;
    } rows[] = {
        { "everything in order", 0, 0, 0, 0 },
        { "everything twice", 0, 100, 0, 0 },
        { "out of order", 0, 0, 200000, RTC_DTLS_MTU_LEAST },
        { "small datagrams", 0, 0, 0, RTC_DTLS_MTU_LEAST },
        { "a tenth lost", 10, 0, 0, 0 },
        { "a third lost, out of order", 33, 10, 100000, 0 },
        { "a third lost of small ones, out of order", 33, 10, 100000, RTC_DTLS_MTU_LEAST },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        for (uint64_t seed = 1; seed <= 12; seed++) {
            struct heard heard[2] = { { .n = 0 }, { .n = 0 } };
            struct path p = { .delay_us = 20000,
                .seed = seed,
                .loss_percent = r->loss,
                .double_percent = r->twice,
                .jitter_us = r->jitter_us };
            begin(&p, (struct set_up){ .mtu = r->mtu, .heard = heard });
            path_settle(&p);
            check_states(&p, RTC_DTLS_OPEN, RTC_DTLS_OPEN);
            check_same_keys(&p, RTC_DTLS_GCM_128);
            CHECK(p.largest <= (r->mtu == 0 ? RTC_DTLS_MTU : r->mtu));
            p.loss_percent = 0;
            CHECK(rtc_dtls_send(p.ends[0], (const uint8_t *)"ping", 4));
            CHECK(rtc_dtls_send(p.ends[1], (const uint8_t *)"pong!", 5));
            path_run(&p, p.now_us + 1000000);
            CHECK(heard[1].bytes == 4 && memcmp(heard[1].last, "ping", 4) == 0);
            CHECK(heard[0].bytes == 5 && memcmp(heard[0].last, "pong!", 5) == 0);
            path_close(&p);
        }
    }
}

TEST(rtc_dtls, refuses_another_certificate) {
    static const struct {
        const char *name;
        int liar;   /* whose fingerprint is told wrongly: 0 the client's, 1 the server's */
        bool late;  /* told when the handshake is over */
        int change; /* 0 a byte, 1 the length, 2 no fingerprint of a hash we know */
    } rows[] = {
        { "the client's", 0, false, 0 },
        { "the server's", 1, false, 0 },
        { "the client's, told late", 0, true, 0 },
        { "the server's, told late", 1, true, 0 },
        { "too short", 0, false, 1 },
        { "of another hash", 0, false, 2 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct heard heard[2] = { { .n = 0 }, { .n = 0 } };
        struct path p = { .delay_us = 1000, .seed = 1 };
        begin(&p, (struct set_up){ .keep_peers_secret = true, .heard = heard });
        int judge = !r->liar;
        struct rtc_dtls_params good = path_params(r->liar == 0 ? ours : theirs);
        struct rtc_dtls_params bad = path_params(r->liar == 0 ? theirs : ours);
        bad.fingerprints[0].bytes[31] ^= r->change == 0;
        bad.fingerprints[0].len -= r->change == 1;
        bad.fingerprints[0].hash = r->change == 2 ? RTC_HASH_SHA384 : bad.fingerprints[0].hash;
        rtc_dtls_set_peer(p.ends[r->liar], &good);
        if (r->late) {
            path_run(&p, 100000);
            CHECK_INT(RTC_DTLS_UNVERIFIED, rtc_dtls_state(p.ends[judge]));
            CHECK(!rtc_dtls_send(p.ends[judge], (const uint8_t *)"x", 1));
            (void)rtc_dtls_send(p.ends[r->liar], (const uint8_t *)"evil", 4);
            path_run(&p, 200000);
            CHECK_INT(0, heard[judge].n);
        }
        rtc_dtls_set_peer(p.ends[judge], &bad);
        path_run(&p, 300000);
        CHECK_INT(RTC_DTLS_FAILED, rtc_dtls_state(p.ends[judge]));
        CHECK_INT(RTC_DTLS_FINGERPRINT, rtc_dtls_why(p.ends[judge]));
        struct rtc_dtls_keys keys;
        CHECK_ERR(ERR_CONFLICT, rtc_dtls_keys(p.ends[judge], &keys));
        CHECK(rtc_dtls_state(p.ends[r->liar]) > RTC_DTLS_OPEN); /* it was told */
        path_close(&p);
    }
}

TEST(rtc_dtls, any_of_several_fingerprints_will_do) {
    struct path p = { .delay_us = 1000, .seed = 1 };
    begin(&p, (struct set_up){ .keep_peers_secret = true });
    struct rtc_dtls_params several = path_params(ours); /* wrong for the client's */
    several.n_fingerprints = 2;
    several.fingerprints[1] = *rtc_dtls_ctx_fingerprint(theirs);
    rtc_dtls_set_peer(p.ends[1], &several);
    struct rtc_dtls_params server = path_params(ours);
    path_run(&p, 100000);
    check_states(&p, RTC_DTLS_UNVERIFIED, RTC_DTLS_OPEN);
    rtc_dtls_set_peer(p.ends[0], &server);
    rtc_dtls_set_peer(p.ends[0], &several); /* only the first word counts */
    check_states(&p, RTC_DTLS_OPEN, RTC_DTLS_OPEN);
    path_close(&p);
}

TEST(rtc_dtls, a_lost_last_flight_is_repeated) {
    struct path p = { .delay_us = 1000, .seed = 1 };
    begin(&p, (struct set_up){ .mtu = 0 });
    while (rtc_dtls_state(p.ends[1]) != RTC_DTLS_OPEN && path_step(&p, 1000000)) {
    }
    size_t len;
    while (rtc_dtls_out(p.ends[1], &len) != NULL) { /* and nobody hears it */
    }
    check_states(&p, RTC_DTLS_HANDSHAKE, RTC_DTLS_OPEN);
    path_run(&p, 2 * RTC_DTLS_RTO_US);
    check_states(&p, RTC_DTLS_OPEN, RTC_DTLS_OPEN);
    CHECK_INT(1, rtc_dtls_stats(p.ends[1]).repeats);
    path_run(&p, p.now_us + 2 * RTC_DTLS_LINGER_US);
    CHECK(rtc_dtls_next_us(p.ends[0]) == INT64_MAX && rtc_dtls_next_us(p.ends[1]) == INT64_MAX);
    path_close(&p);
}

TEST(rtc_dtls, nobody_there_is_a_timeout) {
    for (int there = 0; there < 2; there++) {
        struct path p = { .delay_us = 1000, .seed = 1 };
        begin(&p, (struct set_up){ .mtu = 0 });
        rtc_dtls_destroy(p.ends[!there]);
        p.ends[!there] = NULL;
        path_run(&p, RTC_DTLS_LIMIT_US - 1);
        CHECK_INT(RTC_DTLS_HANDSHAKE, rtc_dtls_state(p.ends[there]));
        path_run(&p, RTC_DTLS_LIMIT_US);
        CHECK_INT(RTC_DTLS_FAILED, rtc_dtls_state(p.ends[there]));
        CHECK_INT(RTC_DTLS_TIMEOUT, rtc_dtls_why(p.ends[there]));
        CHECK(rtc_dtls_next_us(p.ends[there]) == INT64_MAX);
        CHECK(p.sent < 20); /* the pauses double */
        path_close(&p);
    }
}

TEST(rtc_dtls, garbage_is_counted_and_changes_nothing) {
    static const struct {
        const char *name;
        uint8_t head[13];
        size_t len;
    } rows[] = {
        { "one byte", { 22 }, 1 },
        { "another type", { 99, 0xFE, 0xFD }, 13 },
        { "TLS", { 22, 3, 3 }, 13 },
        { "a record longer than the datagram", { 22, 0xFE, 0xFD, [12] = 1 }, 13 },
        { "encrypted with no key we have", { 23, 0xFE, 0xFD, 0, 1, [10] = 9, [12] = 40 }, 53 },
        { "a datagram beyond the limit", { 23, 0xFE, 0xFD, 0, 1, [10] = 9, [12] = 40 },
            RTC_DTLS_RECORD_MOST + 1 },
    };
    struct heard heard[2] = { { .n = 0 }, { .n = 0 } };
    struct path p = { .delay_us = 1000, .seed = 1 };
    begin(&p, (struct set_up){ .heard = heard });
    path_settle(&p);
    uint32_t before = rtc_dtls_stats(p.ends[1]).garbage;
    FOR_ROWS (rows, r) {
        ROW(r->name);
        uint8_t data[RTC_DTLS_RECORD_MOST + 1] = { 0 };
        memcpy(data, r->head, sizeof(r->head));
        CHECK(!rtc_dtls_feed(p.ends[1], data, r->len, p.now_us));
        CHECK_INT(++before, rtc_dtls_stats(p.ends[1]).garbage);
    }
    CHECK(rtc_dtls_send(p.ends[0], (const uint8_t *)"ping", 4));
    path_run(&p, p.now_us + 100000);
    CHECK_INT(1, heard[1].n);
    CHECK_INT(RTC_DTLS_OPEN, rtc_dtls_state(p.ends[1]));
    path_close(&p);
}

TEST(rtc_dtls, a_replayed_record_is_heard_once) {
    struct heard heard[2] = { { .n = 0 }, { .n = 0 } };
    struct path p = { .delay_us = 1000, .seed = 1, .double_percent = 100 };
    begin(&p, (struct set_up){ .heard = heard });
    path_settle(&p);
    CHECK(rtc_dtls_send(p.ends[0], (const uint8_t *)"ping", 4));
    path_run(&p, p.now_us + 100000);
    CHECK_INT(1, heard[1].n);
    path_close(&p);
}

/* A peer that never finishes costs a bounded number of datagrams; the rest is not looked at. */
TEST(rtc_dtls, a_handshake_has_a_bound) {
    static const struct {
        const char *name;
        uint16_t epoch;
        size_t len, looked_at;
    } rows[] = {
        { "many datagrams", 0, 13 + 30, RTC_DTLS_PACKETS_MOST },
        { "many bytes", 0, 1500, RTC_DTLS_BYTES_MOST / 1500 },
        { "many encrypted ones", 1, 13 + 40, RTC_DTLS_EARLY_MOST },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct path p = { .delay_us = 1000, .seed = 1 };
        begin(&p, (struct set_up){ .mtu = 0 });
        uint8_t data[1500] = { 22, 0xFE, 0xFD, 0, (uint8_t)r->epoch };
        be16_put(data + 11, (uint16_t)(r->len - 13));
        data[13] =
            11; /* a certificate, the fifth message: kept for later or dropped, not answered */
        be24_put(data + 14, (uint32_t)(r->len - 25));
        be16_put(data + 17, 5);
        be24_put(data + 22, (uint32_t)(r->len - 25));
        for (unsigned i = 0; i < 1000; i++) {
            be16_put(data + 9, (uint16_t)i);
            (void)rtc_dtls_feed(p.ends[1], data, r->len, 0);
        }
        CHECK_INT(1000 - r->looked_at, rtc_dtls_stats(p.ends[1]).garbage);
        CHECK_INT(RTC_DTLS_HANDSHAKE, rtc_dtls_state(p.ends[1]));
        path_close(&p);
    }
}

TEST(rtc_dtls, carries_datagrams_up_to_its_limit) {
    struct heard heard[2] = { { .n = 0 }, { .n = 0 } };
    struct path p = { .delay_us = 1000, .seed = 1 };
    begin(&p, (struct set_up){ .heard = heard });
    uint8_t data[RTC_DTLS_APP_MOST + 1];
    memset(data, 7, sizeof(data));
    CHECK(!rtc_dtls_send(p.ends[0], data, 1)); /* not open yet */
    path_settle(&p);
    p.largest = 0;
    static const struct {
        const char *name;
        size_t len;
        bool want;
    } rows[] = {
        { "nothing", 0, false },
        { "a byte", 1, true },
        { "the most", RTC_DTLS_APP_MOST, true },
        { "one more", RTC_DTLS_APP_MOST + 1, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        size_t before = heard[1].n;
        CHECK_INT(r->want, rtc_dtls_send(p.ends[0], data, r->len));
        path_run(&p, p.now_us + 10000);
        CHECK_INT(before + r->want, heard[1].n);
    }
    CHECK(p.largest == RTC_DTLS_MTU);
    path_close(&p);
}

TEST(rtc_dtls, says_good_bye) {
    for (int closer = 0; closer < 2; closer++) {
        struct path p = { .delay_us = 1000, .seed = 1 };
        begin(&p, (struct set_up){ .mtu = 0 });
        path_settle(&p);
        rtc_dtls_close(p.ends[closer]);
        path_run(&p, p.now_us + 100000);
        check_states(&p, RTC_DTLS_CLOSED, RTC_DTLS_CLOSED);
        CHECK(!rtc_dtls_send(p.ends[!closer], (const uint8_t *)"x", 1));
        rtc_dtls_close(p.ends[closer]);
        path_close(&p);
    }
}

TEST(rtc_dtls, each_certificate_is_new_and_its_text_is_its_hash) {
    make_certificates();
    const struct rtc_fingerprint *a = rtc_dtls_ctx_fingerprint(ours);
    CHECK_INT(RTC_HASH_SHA256, a->hash);
    CHECK_INT(32, a->len);
    CHECK(memcmp(a->bytes, rtc_dtls_ctx_fingerprint(theirs)->bytes, 32) != 0);
    char text[3 * 32];
    for (size_t i = 0; i < 32; i++) {
        snprintf(text + 3 * i, 4, "%02X%s", a->bytes[i], i < 31 ? ":" : "");
    }
    CHECK_STR(text, rtc_dtls_ctx_text(ours));
}

TEST_ALLOC(rtc_dtls, survives_no_memory) {
    struct rtc_dtls_ctx *ctx = NULL;
    TRY(rtc_dtls_ctx_create(&ctx));
    struct rtc_dtls_config cfg = { .role = RTC_DTLS_CLIENT };
    struct rtc_dtls *d = NULL;
    enum err e = rtc_dtls_create(ctx, &cfg, 0, &d);
    if (e == OK) {
        size_t len;
        rtc_dtls_tick(d, RTC_DTLS_RTO_US); /* a flight that could not be kept is just not sent */
        while (rtc_dtls_out(d, &len) != NULL) {
        }
        rtc_dtls_destroy(d);
    }
    rtc_dtls_ctx_destroy(ctx);
    rtc_dtls_destroy(NULL);
    rtc_dtls_ctx_destroy(NULL);
    return e;
}
