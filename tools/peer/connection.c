/* Checks, a handshake, keys. */
#include "connection.h"

#include "core/crypto.h"
#include "core/mem.h"
#include "rtc/demux.h"
#include "rtc/stun.h"

#include <string.h>

#define PRIORITY 2130706431U /* of a host candidate: RFC 8445, 5.1.2 */

struct peer_connection {
    struct peer_connection_config cfg;
    struct rtc_dtls *dtls;
    struct rtc_srtp_in *in;
    struct rtc_srtp_out *out;
    int64_t now_us;   /* that was told last */
    int64_t check_us; /* when the next check is due */
    uint64_t tie_breaker;
    uint8_t check_id[RTC_STUN_ID_SIZE];
    struct rtc_sctp_door *sctp; /* NULL: no data channels */
    struct rtc_channels *channels;
    bool answered; /* there is a path */
};

static void send_dtls(struct peer_connection *c) {
    size_t len = 0;
    const uint8_t *data;
    while ((data = rtc_dtls_out(c->dtls, &len)) != NULL) {
        c->cfg.send(c->cfg.arg, data, len);
    }
}

static bool is_server(const struct peer_connection *c) {
    return c->cfg.their_dtls.role == RTC_DTLS_CLIENT;
}

static bool make_keys(struct peer_connection *c) {
    struct rtc_dtls_keys keys;
    enum rtc_srtp_suite suite;
    struct rtc_srtp_master client, server;
    if (rtc_dtls_keys(c->dtls, &keys) != OK || !rtc_srtp_suite_of(keys.profile, &suite)) {
        return false;
    }
    rtc_srtp_material_cut(suite, keys.material, &client, &server);
    const struct rtc_srtp_master *ours = is_server(c) ? &server : &client;
    const struct rtc_srtp_master *theirs = is_server(c) ? &client : &server;
    return rtc_srtp_in_create(c->cfg.seal, theirs, c->cfg.streams, &c->in) == OK &&
           rtc_srtp_out_create(c->cfg.seal, ours, &c->out) == OK;
}

/* --- data channels --- */

static void got_app(void *arg, const uint8_t *data, size_t len) {
    struct peer_connection *c = arg;
    const bool taken = c->cfg.app != NULL && c->cfg.app(c->cfg.arg, data, len);
    if (!taken && c->channels != NULL) {
        rtc_channels_feed(c->channels, data, len, c->now_us);
    }
}

bool peer_connection_app(struct peer_connection *c, const uint8_t *data, size_t len) {
    if (c->dtls == NULL || !rtc_dtls_send(c->dtls, data, len)) {
        return false;
    }
    send_dtls(c);
    return true;
}

static void on_packet(void *arg, const uint8_t *data, size_t len) {
    (void)peer_connection_app(arg, data, len);
}

static void on_channel(void *arg, struct rtc_channel *channel) {
    struct peer_connection *c = arg;
    if (c->cfg.channel != NULL) {
        c->cfg.channel(c->cfg.arg, channel);
    }
}

static void on_message(
    void *arg, struct rtc_channel *channel, bool text, const uint8_t *bytes, size_t len) {
    struct peer_connection *c = arg;
    (void)text;
    c->cfg.data(c->cfg.arg, channel, bytes, len);
}

static void on_state(void *arg, enum rtc_sctp_state state) {
    (void)arg;
    (void)state;
}

static void on_writable(void *arg) {
    (void)arg;
}

static const struct rtc_channels_hooks channels_hooks = { on_packet, on_state, on_channel,
    on_message, on_channel, on_writable };

struct rtc_channels *peer_connection_channels(const struct peer_connection *c) {
    return c->channels;
}

/* Without memory there are none. */
static void begin_channels(struct peer_connection *c) {
    struct rtc_channels_config cfg = {
        .role = is_server(c) ? RTC_DTLS_SERVER : RTC_DTLS_CLIENT, .hooks = &channels_hooks, .arg = c
    };
    if (c->sctp != NULL && c->channels == NULL && c->out != NULL &&
        rtc_channels_create(c->sctp, &cfg, c->now_us, &c->channels) != OK) {
        c->channels = NULL;
    }
}

void peer_connection_carry(struct peer_connection *c, struct rtc_sctp_door *door) {
    c->sctp = door;
    begin_channels(c);
}

static void follow_dtls(struct peer_connection *c) {
    send_dtls(c);
    if (rtc_dtls_state(c->dtls) == RTC_DTLS_OPEN && c->out == NULL && c->in == NULL) {
        (void)make_keys(c); /* without memory it never opens */
        begin_channels(c);
    }
}

static void check(struct peer_connection *c, int64_t now_us) {
    uint8_t bytes[512];
    struct rtc_stun_ask ask = { .remote = c->cfg.theirs.ufrag,
        .local = c->cfg.ours.ufrag,
        .password = c->cfg.theirs.pwd,
        .role = RTC_STUN_CONTROLLING,
        .tie_breaker = c->tie_breaker,
        .priority = PRIORITY,
        .use_candidate = c->answered };
    crypto_random(c->check_id, sizeof(c->check_id));
    memcpy(ask.id, c->check_id, sizeof(ask.id));
    size_t len = rtc_stun_write_request(&ask, bytes, sizeof(bytes));
    c->cfg.send(c->cfg.arg, bytes, len);
    c->check_us = now_us + (c->answered ? PEER_ALIVE_US : PEER_CHECK_US);
}

static void begin_dtls(struct peer_connection *c, int64_t now_us) {
    struct rtc_dtls_config dtls = { .role = is_server(c) ? RTC_DTLS_SERVER : RTC_DTLS_CLIENT,
        .only_profile = c->cfg.only_profile,
        .app = got_app,
        .arg = c };
    if (c->dtls == NULL && rtc_dtls_create(c->cfg.dtls, &dtls, now_us, &c->dtls) == OK) {
        rtc_dtls_set_peer(c->dtls, &c->cfg.their_dtls);
        follow_dtls(c);
    }
}

static void take_answer(
    struct peer_connection *c, const uint8_t *data, size_t len, int64_t now_us) {
    struct rtc_stun_response r;
    if (!rtc_stun_read_response(data, len, c->check_id, c->cfg.theirs.pwd, &r) || !r.success ||
        c->answered) {
        return;
    }
    c->answered = true;
    check(c, now_us); /* nominates */
    begin_dtls(c, now_us);
}

/* A server that is no lite agent checks the path too; it is told how we see it. */
static void take_check(struct peer_connection *c, const uint8_t *data, size_t len, int64_t now_us) {
    struct rtc_stun_request r;
    struct rtc_stun_cred cred = {
        .local = c->cfg.ours.ufrag, .remote = c->cfg.theirs.ufrag, .password = c->cfg.ours.pwd
    };
    if (rtc_stun_check(data, len, &cred, &r) != RTC_STUN_OK) {
        return;
    }
    uint8_t answer[RTC_STUN_ANSWER_MOST];
    size_t n = rtc_stun_write_success(&r, &c->cfg.server, c->cfg.ours.pwd, answer, sizeof(answer));
    c->cfg.send(c->cfg.arg, answer, n);
    if (c->cfg.lite && !c->answered) {
        c->answered = true;
        begin_dtls(c, now_us);
    }
}

static void take_stun(struct peer_connection *c, const uint8_t *data, size_t len, int64_t now_us) {
    struct rtc_stun_head head;
    if (!rtc_stun_peek(data, len, &head)) {
        return;
    }
    if (head.class == RTC_STUN_REQUEST) {
        take_check(c, data, len, now_us);
    } else {
        take_answer(c, data, len, now_us);
    }
}

void peer_connection_take(struct peer_connection *c, uint8_t *data, size_t len, int64_t now_us) {
    c->now_us = now_us;
    switch (rtc_demux(data, len)) {
    case RTC_KIND_STUN:
        take_stun(c, data, len, now_us);
        break;
    case RTC_KIND_DTLS:
        if (is_server(c)) {
            begin_dtls(c, now_us); /* its first flight may overtake the answer to our check */
        }
        if (c->dtls != NULL) {
            (void)rtc_dtls_feed(c->dtls, data, len, now_us);
            follow_dtls(c);
        }
        break;
    case RTC_KIND_RTP:
        if (c->in != NULL) {
            struct rtc_srtp_got got = { .session = c->in, .packet = data, .len = (uint16_t)len };
            if (rtc_srtp_open(c->cfg.seal, &got, 1) == 1) {
                c->cfg.rtp(c->cfg.arg, data, got.len, now_us);
            }
        }
        break;
    case RTC_KIND_RTCP:
        if (c->in != NULL && rtc_srtp_open_rtcp(c->in, data, &len) == RTC_SRTP_OK) {
            c->cfg.rtcp(c->cfg.arg, data, len, now_us);
        }
        break;
    default:
        break;
    }
}

void peer_connection_tick(struct peer_connection *c, int64_t now_us) {
    c->now_us = now_us;
    if (now_us >= c->check_us) {
        check(c, now_us);
    }
    if (c->dtls != NULL) {
        rtc_dtls_tick(c->dtls, now_us);
        follow_dtls(c);
    }
}

int64_t peer_connection_next_us(const struct peer_connection *c) {
    int64_t dtls = c->dtls == NULL ? INT64_MAX : rtc_dtls_next_us(c->dtls);
    return dtls < c->check_us ? dtls : c->check_us;
}

struct rtc_srtp_in *peer_connection_in(const struct peer_connection *c) {
    return c->out == NULL ? NULL : c->in;
}

bool peer_connection_is_open(const struct peer_connection *c) {
    return c->out != NULL;
}

bool peer_connection_has_failed(const struct peer_connection *c) {
    return c->dtls != NULL && (rtc_dtls_state(c->dtls) == RTC_DTLS_FAILED ||
                                  rtc_dtls_state(c->dtls) == RTC_DTLS_CLOSED);
}

void peer_connection_restart(struct peer_connection *c, const struct rtc_ice_cred *ours,
    const struct rtc_ice_params *theirs, int64_t now_us) {
    c->cfg.ours = *ours;
    c->cfg.theirs = *theirs;
    c->answered = false;
    c->check_us = c->cfg.lite ? INT64_MAX : now_us;
}

void peer_connection_close(struct peer_connection *c) {
    if (c->dtls != NULL) {
        rtc_dtls_close(c->dtls);
        send_dtls(c);
    }
}

bool peer_connection_rtp(struct peer_connection *c, struct rtc_srtp_sender *sender,
    const uint8_t *packet, size_t head_len, size_t len) {
    uint8_t sealed[PEER_DATAGRAM];
    if (c->out == NULL) {
        return false;
    }
    memcpy(sealed, packet, head_len);
    struct rtc_srtp_job job = { .session = c->out,
        .sender = sender,
        .body = packet + head_len,
        .packet = sealed,
        .head_len = (uint16_t)head_len,
        .body_len = (uint16_t)(len - head_len),
        .room = sizeof(sealed) };
    if (rtc_srtp_seal(c->cfg.seal, &job, 1) != 1) {
        return false;
    }
    c->cfg.send(c->cfg.arg, sealed, job.len);
    return true;
}

bool peer_connection_rtcp(struct peer_connection *c, const uint8_t *data, size_t len) {
    uint8_t sealed[PEER_DATAGRAM];
    if (c->out == NULL || len > sizeof(sealed) - RTC_SRTCP_GROWTH) {
        return false;
    }
    memcpy(sealed, data, len);
    if (rtc_srtp_seal_rtcp(c->out, sealed, &len, sizeof(sealed)) != RTC_SRTP_OK) {
        return false;
    }
    c->cfg.send(c->cfg.arg, sealed, len);
    return true;
}

enum err peer_connection_create(
    const struct peer_connection_config *cfg, struct peer_connection **ret) {
    struct peer_connection *c = mem_zalloc(sizeof(*c));
    if (c == NULL) {
        return err_set(ERR_NOMEM, "no memory for a peer connection");
    }
    c->cfg = *cfg;
    c->check_us = cfg->lite ? INT64_MAX : cfg->now_us;
    crypto_random(&c->tie_breaker, sizeof(c->tie_breaker));
    *ret = c;
    return OK;
}

void peer_connection_destroy(struct peer_connection *c) {
    if (c == NULL) {
        return;
    }
    rtc_channels_destroy(c->channels);
    rtc_srtp_in_destroy(c->in);
    rtc_srtp_out_destroy(c->out);
    rtc_dtls_destroy(c->dtls);
    mem_free(c);
}
