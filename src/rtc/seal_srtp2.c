/* Packets are put together first and go through the library in place. */
#include "rtc/seal_srtp2.h"

#include "core/cur.h"
#include "core/mem.h"
#include "rtc/srtp_streams.h"

#include <srtp2/srtp.h>
#include <stdbool.h>
#include <string.h>

struct srtp2_key {
    srtp_t session;
    const struct rtc_srtp_sizes *sizes;
};

static bool usable(void) {
    static bool begun;
    if (!begun) {
        begun = srtp_init() == srtp_err_status_ok;
    }
    return begun;
}

/* The library's state is global. */
static enum err create(void **ret) {
    *ret = NULL;
    return OK;
}

static void destroy(void *engine) {
    (void)engine;
}

static size_t key_size(enum rtc_srtp_suite suite, enum rtc_srtp_way way) {
    (void)suite;
    (void)way;
    return sizeof(struct srtp2_key);
}

static void set_policy(srtp_policy_t *p, enum rtc_srtp_suite suite) {
    static const struct {
        void (*rtp)(srtp_crypto_policy_t *);
        void (*rtcp)(srtp_crypto_policy_t *);
    } policies[RTC_SRTP_SUITES] = {
        [RTC_SRTP_GCM_128] = { srtp_crypto_policy_set_aes_gcm_128_16_auth,
            srtp_crypto_policy_set_aes_gcm_128_16_auth },
        [RTC_SRTP_GCM_256] = { srtp_crypto_policy_set_aes_gcm_256_16_auth,
            srtp_crypto_policy_set_aes_gcm_256_16_auth },
        [RTC_SRTP_CM_SHA1_80] = { srtp_crypto_policy_set_rtp_default,
            srtp_crypto_policy_set_rtcp_default },
        [RTC_SRTP_CM_SHA1_32] = { srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32,
            srtp_crypto_policy_set_rtcp_default },
    };
    policies[suite].rtp(&p->rtp);
    policies[suite].rtcp(&p->rtcp);
}

static enum err key_init(void *engine, void *key, const struct rtc_srtp_master *master,
    const struct rtc_srtp_derived *derived, enum rtc_srtp_way way) {
    (void)engine;
    (void)derived;
    struct srtp2_key *k = key;
    const struct rtc_srtp_sizes *sizes = rtc_srtp_sizes(master->suite);
    k->sizes = sizes;
    uint8_t joined[RTC_SRTP_KEY_MAX + RTC_SRTP_SALT_MAX];
    memcpy(joined, master->key, sizes->key);
    memcpy(joined + sizes->key, master->salt, sizes->salt);
    srtp_policy_t p = {
        .ssrc = { .type = way == RTC_SRTP_OUT ? ssrc_any_outbound : ssrc_any_inbound },
        .key = joined,
        .window_size = RTC_SRTP_WINDOW,
        .allow_repeat_tx = 1,
    };
    set_policy(&p, master->suite);
    srtp_err_status_t status = srtp_create(&k->session, &p);
    explicit_bzero(joined, sizeof(joined));
    return status == srtp_err_status_ok
               ? OK
               : err_set(ERR_NOMEM, "libsrtp2 makes no session: status %d", status);
}

static void key_finish(void *engine, void *key) {
    (void)engine;
    struct srtp2_key *k = key;
    srtp_dealloc(k->session);
    k->session = NULL;
}

static void seal(void *engine, struct rtc_seal_op *ops, size_t n) {
    (void)engine;
    for (size_t i = 0; i < n; i++) {
        struct srtp2_key *k = ops[i].key;
        int len = ops[i].head_len + ops[i].body_len;
        if (ops[i].body_len > 0) {
            memcpy(ops[i].packet + ops[i].head_len, ops[i].in, ops[i].body_len);
        }
        ops[i].ok = srtp_protect(k->session, ops[i].packet, &len) == srtp_err_status_ok;
    }
}

/* The library takes the tag for a part of the packet. */
static void open_all(void *engine, struct rtc_seal_op *ops, size_t n) {
    (void)engine;
    for (size_t i = 0; i < n; i++) {
        struct srtp2_key *k = ops[i].key;
        int len = ops[i].head_len + ops[i].body_len + k->sizes->tag;
        ops[i].ok = srtp_unprotect(k->session, ops[i].packet, &len) == srtp_err_status_ok;
    }
}

/* Its own count of SRTCP packets, begun at 1 for each SSRC, stands in `trailer`'s place. */
static bool seal_rtcp(void *engine, void *key, uint8_t *packet, size_t len, uint32_t trailer) {
    (void)engine;
    (void)trailer;
    struct srtp2_key *k = key;
    int n = (int)len;
    return srtp_protect_rtcp(k->session, packet, &n) == srtp_err_status_ok;
}

static bool open_rtcp(void *engine, void *key, uint8_t *packet, size_t len, uint32_t trailer) {
    (void)engine;
    (void)trailer;
    struct srtp2_key *k = key;
    int n = (int)len + k->sizes->rtcp_tag + RTC_SRTCP_INDEX;
    return srtp_unprotect_rtcp(k->session, packet, &n) == srtp_err_status_ok;
}

/* The library wants the SSRC as it stands in the packet, whatever that is as a number here. */
static void forget(void *key, uint32_t ssrc) {
    struct srtp2_key *k = key;
    uint8_t wire[4];
    unsigned as_in_packet;
    be32_put(wire, ssrc);
    memcpy(&as_in_packet, wire, sizeof(wire));
    srtp_remove_stream(k->session, as_in_packet);
}

const struct rtc_seal_kind rtc_seal_srtp2 = {
    .name = "srtp2",
    .usable = usable,
    .create = create,
    .destroy = destroy,
    .key_size = key_size,
    .key_init = key_init,
    .key_finish = key_finish,
    .seal = seal,
    .open = open_all,
    .seal_rtcp = seal_rtcp,
    .open_rtcp = open_rtcp,
    .forget = forget,
};
