/* One DTLS association: the handshake and its timers, the verdict on the peer, data. */
#include "rtc/dtls.h"

#include "core/crypto.h"
#include "core/cur.h"
#include "core/mem.h"
#include "rtc/dtls_bio.h"
#include "rtc/dtls_ctx.h"
#include "rtc/dtls_record.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#define NEVER INT64_MAX

/* Where things lie in a record's head (RFC 6347, 4.1). */
#define RECORD_EPOCH  3
#define RECORD_SEQ    5
#define RECORD_LENGTH 11

/* Alerts (RFC 5246, 7.2). */
#define ALERT_WARNING           1
#define ALERT_FATAL             2
#define ALERT_CLOSE_NOTIFY      0
#define ALERT_HANDSHAKE_FAILURE 40
#define ALERT_BAD_CERTIFICATE   42

/* What only a handshake needs; given back when the peer is verified. */
struct handshake {
    SSL *ssl; /* NULL as soon as it is finished */
    struct rtc_dtls_wire wire;
    struct rtc_fingerprint want[RTC_FINGERPRINTS_MAX];
    uint8_t n_want; /* 0 = not told yet */
    bool refused;   /* the certificate is not the one that was announced */
    uint8_t seen[RTC_HASH_COUNT][RTC_HASH_MAX_BYTES];
    uint32_t bytes, packets, early;
    int64_t rto_us, repeat_us, limit_us;
};

struct rtc_dtls {
    struct handshake *hs;          /* NULL when it is over */
    struct rtc_dtls_record record; /* once the handshake is finished */
    struct rtc_dtls_keys keys;     /* len 0 = none yet, or fetched */
    struct rtc_dtls_queue flight;  /* kept to be sent again */
    struct rtc_dtls_queue out;     /* sent once */
    rtc_dtls_app_fn *app;
    void *arg;
    int64_t linger_us;   /* until then a server's last flight is kept */
    int64_t repeated_us; /* when it was last sent */
    uint32_t next_seq;   /* of our next plain record */
    struct rtc_dtls_stats stats;
    uint8_t state, why;
    bool client;
};
_Static_assert(sizeof(struct rtc_dtls) <= RTC_DTLS_IDLE_BYTES, "the header says what it weighs");

/* --- the end of it --- */

static void wipe_keys(struct rtc_dtls *d) {
    d->keys.len = 0;
    explicit_bzero(d->keys.material, sizeof(d->keys.material));
}

static void end_handshake(struct rtc_dtls *d) {
    if (d->hs != NULL) {
        SSL_free(d->hs->ssl);
        mem_free(d->hs);
        d->hs = NULL;
    }
    ERR_clear_error(); /* OpenSSL's queue belongs to the thread, not to the association */
}

static void fail(struct rtc_dtls *d, enum rtc_dtls_why why) {
    d->state = RTC_DTLS_FAILED;
    d->why = (uint8_t)why;
    wipe_keys(d);
    end_handshake(d);
}

static bool put_record(struct rtc_dtls *d, uint8_t type, const uint8_t *data, size_t len) {
    uint8_t record[RTC_DTLS_APP_MOST + RTC_DTLS_RECORD_GROWTH];
    size_t n = rtc_dtls_record_seal(&d->record, type, data, len, record);
    return n > 0 && rtc_dtls_queue_push(&d->out, record, n);
}

/* For what is found when the handshake is finished; before, OpenSSL tells the peer. */
static void put_alert(struct rtc_dtls *d, uint8_t level, uint8_t what) {
    (void)put_record(d, RTC_DTLS_TYPE_ALERT, (const uint8_t[]){ level, what }, 2);
}

/* --- the peer's certificate --- */

static bool is_wanted(const struct handshake *hs) {
    bool found = false;
    for (size_t i = 0; i < hs->n_want; i++) {
        const struct rtc_fingerprint *f = &hs->want[i];
        found |= f->hash < RTC_HASH_COUNT && f->len == rtc_hash_size(f->hash) &&
                 crypto_equal_bytes(f->bytes, hs->seen[f->hash], f->len);
    }
    return found;
}

int rtc_dtls_on_certificate(X509_STORE_CTX *store, void *arg) {
    (void)arg;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct rtc_dtls *d = SSL_get_app_data(ssl);
    const X509 *cert = X509_STORE_CTX_get0_cert(store);
    bool sound = cert != NULL && d->hs != NULL;
    for (int hash = 0; sound && hash < RTC_HASH_COUNT; hash++) {
        sound = rtc_dtls_hash(cert, (enum rtc_hash)hash, d->hs->seen[hash]);
    }
    if (!sound || (d->hs->n_want > 0 && !is_wanted(d->hs))) {
        d->hs->refused = true;
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
        return 0;
    }
    return 1;
}

/* --- creation --- */

/* OpenSSL's timer would read the clock; an hour from now it is never due. */
static unsigned one_hour(SSL *ssl, unsigned us) {
    (void)ssl;
    (void)us;
    return 3600U * 1000000;
}

static bool set_up(struct rtc_dtls *d, struct rtc_dtls_ctx *ctx, uint16_t only_profile) {
    SSL *ssl = SSL_new(ctx->ssl);
    BIO *bio = ssl == NULL ? NULL : rtc_dtls_bio_create(ctx->bio, &d->hs->wire);
    d->hs->ssl = ssl;
    if (bio == NULL) {
        return false;
    }
    SSL_set_bio(ssl, bio, bio); /* takes it */
    SSL_set_app_data(ssl, d);
    DTLS_set_timer_cb(ssl, one_hour);
    if (SSL_set_mtu(ssl, d->hs->wire.mtu) == 0) {
        return false;
    }
    if (d->client) {
        SSL_set_connect_state(ssl);
    } else {
        SSL_set_accept_state(ssl);
    }
    const struct rtc_dtls_profile *only = rtc_dtls_profile_find(only_profile);
    assert(only_profile == 0 || only != NULL);
    return only == NULL || SSL_set_tlsext_use_srtp(ssl, only->name) == 0;
}

static void advance(struct rtc_dtls *d, int64_t now_us);

enum err rtc_dtls_create(struct rtc_dtls_ctx *ctx, const struct rtc_dtls_config *cfg,
    int64_t now_us, struct rtc_dtls **ret) {
    assert(cfg->role == RTC_DTLS_CLIENT || cfg->role == RTC_DTLS_SERVER);
    struct rtc_dtls *d = mem_zalloc(sizeof(*d));
    struct handshake *hs = mem_zalloc(sizeof(*hs));
    if (d == NULL || hs == NULL) {
        mem_free(d);
        mem_free(hs);
        return err_set(ERR_NOMEM, "out of memory");
    }
    *hs = (struct handshake){
        .rto_us = RTC_DTLS_RTO_US, .repeat_us = NEVER, .limit_us = now_us + RTC_DTLS_LIMIT_US
    };
    hs->wire.mtu = cfg->mtu == 0 ? RTC_DTLS_MTU : cfg->mtu;
    hs->wire.to = &d->flight;
    d->hs = hs;
    d->app = cfg->app;
    d->arg = cfg->arg;
    d->client = cfg->role == RTC_DTLS_CLIENT;
    d->linger_us = NEVER;
    if (!set_up(d, ctx, cfg->only_profile)) {
        ERR_clear_error();
        rtc_dtls_destroy(d);
        return err_set(ERR_NOMEM, "a DTLS association cannot be set up");
    }
    if (d->client) {
        advance(d, now_us);
    }
    *ret = d;
    return OK;
}

void rtc_dtls_destroy(struct rtc_dtls *d) {
    if (d != NULL) {
        end_handshake(d);
        rtc_dtls_queue_finish(&d->flight);
        rtc_dtls_queue_finish(&d->out);
        explicit_bzero(d, sizeof(*d));
        mem_free(d);
    }
}

/* --- the handshake --- */

static void open_if_verified(struct rtc_dtls *d) {
    if (d->hs->n_want == 0) {
        return;
    }
    if (!is_wanted(d->hs)) {
        put_alert(d, ALERT_FATAL, ALERT_BAD_CERTIFICATE);
        fail(d, RTC_DTLS_FINGERPRINT);
        return;
    }
    d->state = RTC_DTLS_OPEN;
    end_handshake(d);
}

/* RFC 5764, 4.2. */
static bool export_keys(struct rtc_dtls *d, const struct rtc_dtls_profile *p) {
    static const char label[] = "EXTRACTOR-dtls_srtp";
    d->keys.profile = p->id;
    d->keys.len = p->material;
    return SSL_export_keying_material(d->hs->ssl, d->keys.material, d->keys.len, label,
               sizeof(label) - 1, NULL, 0, 0) == 1;
}

/* OpenSSL has done its part: take what it knows, and let it go. */
static void on_finished(struct rtc_dtls *d, int64_t now_us) {
    const SRTP_PROTECTION_PROFILE *chosen = SSL_get_selected_srtp_profile(d->hs->ssl);
    if (rtc_dtls_record_init(d->hs->ssl, d->client, &d->record) != OK) {
        fail(d, RTC_DTLS_MEMORY);
        return;
    }
    if (chosen == NULL) {
        put_alert(d, ALERT_FATAL, ALERT_HANDSHAKE_FAILURE);
        fail(d, RTC_DTLS_NO_SRTP);
        return;
    }
    if (!export_keys(d, rtc_dtls_profile_find((uint16_t)chosen->id))) {
        fail(d, RTC_DTLS_MEMORY);
        return;
    }
    SSL_free(d->hs->ssl);
    d->hs->ssl = NULL;
    d->hs->repeat_us = NEVER;
    if (d->client) {
        rtc_dtls_queue_finish(&d->flight);
    } else {
        d->linger_us = now_us + RTC_DTLS_LINGER_US;
        d->repeated_us = now_us;
    }
    d->state = RTC_DTLS_UNVERIFIED;
    open_if_verified(d);
}

/* Goes as far as what has come allows. */
static void advance(struct rtc_dtls *d, int64_t now_us) {
    struct handshake *hs = d->hs;
    hs->wire.fresh = d->flight.next == d->flight.len;
    hs->wire.wrote = false;
    ERR_clear_error();
    int done = SSL_do_handshake(hs->ssl);
    hs->wire.in = NULL;
    if (hs->wire.wrote) {
        hs->rto_us = RTC_DTLS_RTO_US;
        hs->repeat_us = now_us + hs->rto_us;
    }
    if (done == 1) {
        on_finished(d, now_us);
    } else if (SSL_get_error(hs->ssl, done) != SSL_ERROR_WANT_READ) {
        fail(d, hs->refused ? RTC_DTLS_FINGERPRINT : RTC_DTLS_REFUSED);
    }
}

void rtc_dtls_set_peer(struct rtc_dtls *d, const struct rtc_dtls_params *peer) {
    struct handshake *hs = d->hs;
    if (hs == NULL || hs->n_want > 0) {
        return;
    }
    hs->n_want =
        peer->n_fingerprints < RTC_FINGERPRINTS_MAX ? peer->n_fingerprints : RTC_FINGERPRINTS_MAX;
    memcpy(hs->want, peer->fingerprints, hs->n_want * sizeof(hs->want[0]));
    if (d->state == RTC_DTLS_UNVERIFIED) {
        open_if_verified(d);
    } else if (SSL_get0_peer_certificate(hs->ssl) != NULL && !is_wanted(hs)) {
        fail(d, RTC_DTLS_FINGERPRINT);
    }
}

/* --- datagrams that come --- */

/* The first record's head, with what RFC 6347, 4.1 says of it. */
static bool looks_sound(const uint8_t *data, size_t len, uint16_t *ret_epoch) {
    struct cur c = cur_make(data, len);
    uint8_t type = cur_u8(&c);
    uint16_t version = cur_u16(&c);
    *ret_epoch = cur_u16(&c);
    cur_skip(&c, 6); /* the sequence number */
    size_t body = cur_u16(&c);
    cur_skip(&c, body);
    return !c.bad && len <= RTC_DTLS_RECORD_MOST && type >= RTC_DTLS_TYPE_CIPHER_SPEC &&
           type <= RTC_DTLS_TYPE_APP && (version == DTLS1_2_VERSION || version == DTLS1_VERSION);
}

static bool within_limits(struct handshake *hs, size_t len, uint16_t epoch) {
    hs->early += epoch > 0;
    hs->packets++;
    hs->bytes += (uint32_t)len;
    return hs->packets <= RTC_DTLS_PACKETS_MOST && hs->bytes <= RTC_DTLS_BYTES_MOST &&
           (epoch == 0 || hs->early <= RTC_DTLS_EARLY_MOST);
}

/* The peer has not heard our last flight, or not yet when it spoke. */
static void repeat_last_flight(struct rtc_dtls *d, int64_t now_us) {
    if (d->flight.len > 0 && now_us - d->repeated_us >= RTC_DTLS_REPEAT_US) {
        d->repeated_us = now_us;
        d->flight.next = 0;
        d->stats.repeats++;
    }
}

static void take_alert(struct rtc_dtls *d, const uint8_t *plain, size_t len) {
    if (len == 2 && plain[1] == ALERT_CLOSE_NOTIFY) {
        rtc_dtls_close(d);
    } else if (len == 2 && plain[0] == ALERT_FATAL) {
        fail(d, RTC_DTLS_REFUSED);
    }
}

/* One record of a datagram. True when it was the peer's. */
static bool take_record(struct rtc_dtls *d, const uint8_t *record, size_t len) {
    uint8_t plain[RTC_DTLS_RECORD_MOST];
    size_t n = 0;
    if (!rtc_dtls_record_open(&d->record, record, len, plain, &n)) {
        ERR_clear_error();
        return false;
    }
    if (record[0] == RTC_DTLS_TYPE_ALERT) {
        take_alert(d, plain, n);
    } else if (record[0] == RTC_DTLS_TYPE_APP && d->app != NULL && n > 0) {
        d->app(d->arg, plain, n);
    }
    return true;
}

static bool take_records(struct rtc_dtls *d, const uint8_t *data, size_t len) {
    bool proved = false;
    struct cur c = cur_make(data, len);
    while (cur_left(&c) >= RTC_DTLS_RECORD_HEAD && d->state == RTC_DTLS_OPEN) {
        const uint8_t *record = c.p;
        size_t size = RTC_DTLS_RECORD_HEAD + (size_t)be16_get(record + RECORD_LENGTH);
        cur_skip(&c, size);
        proved = (!c.bad && take_record(d, record, size)) || proved;
    }
    d->stats.garbage += !proved;
    return proved;
}

bool rtc_dtls_feed(struct rtc_dtls *d, const uint8_t *data, size_t len, int64_t now_us) {
    uint16_t epoch = 0;
    if (d->state == RTC_DTLS_CLOSED || d->state == RTC_DTLS_FAILED) {
        return false;
    }
    if (!looks_sound(data, len, &epoch)) {
        d->stats.garbage++;
        return false;
    }
    if (d->state == RTC_DTLS_HANDSHAKE) {
        if (!within_limits(d->hs, len, epoch)) {
            d->stats.garbage++;
            return false;
        }
        d->hs->wire.in = data;
        d->hs->wire.in_len = len;
        advance(d, now_us);
        return d->state == RTC_DTLS_OPEN || d->state == RTC_DTLS_UNVERIFIED;
    }
    if (data[0] == RTC_DTLS_TYPE_HANDSHAKE || data[0] == RTC_DTLS_TYPE_CIPHER_SPEC) {
        repeat_last_flight(d, now_us);
        return false;
    }
    if (d->state != RTC_DTLS_OPEN) {
        return false; /* who sent it is not known yet; the data channel will send it again */
    }
    return take_records(d, data, len);
}

/* --- datagrams that go --- */

/* Gives the plain records of a datagram the next sequence numbers. What is repeated would otherwise
 * be dropped as a replay, even where the peer took the record but could not use it yet (a
 * ChangeCipherSpec that came too early). What is encrypted keeps its number, which is part of the
 * cipher: that is a Finished, and nobody takes that before it can be used. */
static void number_records(struct rtc_dtls *d, uint8_t *data, size_t len) {
    size_t at = 0;
    while (at + RTC_DTLS_RECORD_HEAD <= len) {
        uint8_t *record = data + at;
        if (be16_get(record + RECORD_EPOCH) == 0) {
            be16_put(record + RECORD_SEQ, 0); /* 32 of its 48 bits will do for a handshake */
            be32_put(record + RECORD_SEQ + 2, d->next_seq++);
        }
        at += RTC_DTLS_RECORD_HEAD + be16_get(record + RECORD_LENGTH);
    }
}

const uint8_t *rtc_dtls_out(struct rtc_dtls *d, size_t *ret_len) {
    uint8_t *next = rtc_dtls_queue_next(&d->flight, ret_len);
    if (next != NULL) {
        number_records(d, next, *ret_len);
        return next;
    }
    next = rtc_dtls_queue_next(&d->out, ret_len);
    if (next == NULL && d->out.len > 0) {
        rtc_dtls_queue_finish(&d->out);
    }
    return next;
}

bool rtc_dtls_send(struct rtc_dtls *d, const uint8_t *data, size_t len) {
    return d->state == RTC_DTLS_OPEN && len > 0 && len <= RTC_DTLS_APP_MOST &&
           put_record(d, RTC_DTLS_TYPE_APP, data, len);
}

void rtc_dtls_close(struct rtc_dtls *d) {
    if (d->state == RTC_DTLS_OPEN || d->state == RTC_DTLS_UNVERIFIED) {
        put_alert(d, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
    }
    if (d->state != RTC_DTLS_FAILED) {
        d->state = RTC_DTLS_CLOSED;
    }
    wipe_keys(d);
    end_handshake(d);
}

/* --- time --- */

void rtc_dtls_tick(struct rtc_dtls *d, int64_t now_us) {
    if (now_us >= d->linger_us) {
        d->linger_us = NEVER;
        rtc_dtls_queue_finish(&d->flight);
    }
    if (d->hs == NULL) {
        return;
    }
    if (now_us >= d->hs->limit_us) {
        fail(d, RTC_DTLS_TIMEOUT);
    } else if (now_us >= d->hs->repeat_us) {
        d->hs->rto_us =
            2 * d->hs->rto_us < RTC_DTLS_RTO_MOST_US ? 2 * d->hs->rto_us : RTC_DTLS_RTO_MOST_US;
        d->hs->repeat_us = now_us + d->hs->rto_us;
        d->flight.next = 0;
        d->stats.repeats++;
    }
}

int64_t rtc_dtls_next_us(const struct rtc_dtls *d) {
    int64_t next = d->linger_us;
    if (d->hs != NULL && d->hs->limit_us < next) {
        next = d->hs->limit_us;
    }
    return d->hs != NULL && d->hs->repeat_us < next ? d->hs->repeat_us : next;
}

/* --- what came of it --- */

enum rtc_dtls_state rtc_dtls_state(const struct rtc_dtls *d) {
    return (enum rtc_dtls_state)d->state;
}

enum rtc_dtls_why rtc_dtls_why(const struct rtc_dtls *d) {
    return (enum rtc_dtls_why)d->why;
}

struct rtc_dtls_stats rtc_dtls_stats(const struct rtc_dtls *d) {
    return d->stats;
}

enum err rtc_dtls_keys(struct rtc_dtls *d, struct rtc_dtls_keys *ret) {
    if (d->state != RTC_DTLS_OPEN || d->keys.len == 0) {
        return err_set(
            ERR_CONFLICT, "the DTLS peer is not verified, or its keys were taken before");
    }
    *ret = d->keys;
    wipe_keys(d);
    return OK;
}
