/* Pre-keyed contexts for RTP, one a suite shared by the RTCP of all. */
#include "rtc/seal_evp.h"

#include "core/crypto.h"
#include "core/cur.h"
#include "core/mem.h"
#include "rtc/seal_iv.h"

/* EVP allocates anew for each digest it begins (3.0), and on the packet path nothing may. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <string.h>

#define SHA1_BLOCK 64
#define SHA1_SIZE  20
#define GCM_TAG    16
#define RTCP_HEAD  8

struct evp_engine {
    EVP_CIPHER *gcm_128, *gcm_256, *cm_128;
    EVP_CIPHER_CTX *rtcp[RTC_SRTP_SUITES]; /* for one packet; each knows its cipher, so that only
                                              the key changes */
};

/* HMAC's two states of SHA-1 behind the padded key. */
struct evp_hmac {
    SHA_LONG inner[5], outer[5];
};

struct evp_half {
    uint8_t salt[RTC_SRTP_SALT_MAX];
    struct evp_hmac hmac;
};

struct evp_key {
    EVP_CIPHER_CTX *rtp;
    const struct rtc_srtp_sizes *sizes;
    enum rtc_srtp_suite suite;
    struct evp_half rtp_half, rtcp_half;
    uint8_t rtcp_key[RTC_SRTP_KEY_MAX];
};

static enum err libcrypto_failed(void) {
    return err_set(ERR_NOMEM, "libcrypto gives no AES or SHA-1 for SRTP");
}

enum err rtc_seal_evp_stream(
    const uint8_t *key, size_t key_len, const uint8_t counter[16], uint8_t *ret, size_t n) {
    static const uint8_t zeros[64];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0;
    bool ok = ctx != NULL && n <= sizeof(zeros) &&
              EVP_EncryptInit_ex(ctx, key_len == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr(), NULL,
                  key, counter) == 1 &&
              EVP_EncryptUpdate(ctx, ret, &len, zeros, (int)n) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok ? OK : libcrypto_failed();
}

static bool usable(void) {
    return true;
}

static void destroy(void *engine) {
    struct evp_engine *e = engine;
    if (e == NULL) {
        return;
    }
    for (size_t i = 0; i < COUNT_OF(e->rtcp); i++) {
        EVP_CIPHER_CTX_free(e->rtcp[i]);
    }
    EVP_CIPHER_free(e->cm_128);
    EVP_CIPHER_free(e->gcm_256);
    EVP_CIPHER_free(e->gcm_128);
    mem_free(e);
}

static const EVP_CIPHER *cipher_of(const struct evp_engine *e, const struct rtc_srtp_sizes *sizes) {
    return !sizes->gcm ? e->cm_128 : sizes->key == 32 ? e->gcm_256 : e->gcm_128;
}

static bool rtcp_contexts(struct evp_engine *e) {
    for (size_t i = 0; i < COUNT_OF(e->rtcp); i++) {
        const EVP_CIPHER *cipher = cipher_of(e, rtc_srtp_sizes((enum rtc_srtp_suite)i));
        e->rtcp[i] = EVP_CIPHER_CTX_new();
        if (e->rtcp[i] == NULL || EVP_CipherInit_ex(e->rtcp[i], cipher, NULL, NULL, NULL, 1) != 1) {
            return false;
        }
    }
    return true;
}

/* Fetched once: each init by name would look the algorithm up anew. */
static enum err create(void **ret) {
    struct evp_engine *e = mem_zalloc(sizeof(*e));
    if (e == NULL) {
        return err_set(ERR_NOMEM, "no memory for SRTP");
    }
    e->gcm_128 = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    e->gcm_256 = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    e->cm_128 = EVP_CIPHER_fetch(NULL, "AES-128-CTR", NULL);
    if (e->gcm_128 == NULL || e->gcm_256 == NULL || e->cm_128 == NULL || !rtcp_contexts(e)) {
        destroy(e);
        return libcrypto_failed();
    }
    *ret = e;
    return OK;
}

static size_t key_size(enum rtc_srtp_suite suite, enum rtc_srtp_way way) {
    (void)suite;
    (void)way;
    return sizeof(struct evp_key);
}

static void padded_state(const uint8_t *auth, uint8_t pad, SHA_LONG ret[5]) {
    uint8_t block[SHA1_BLOCK];
    SHA_CTX c;
    memset(block, pad, sizeof(block));
    for (size_t i = 0; i < RTC_SRTP_AUTH_KEY; i++) {
        block[i] ^= auth[i];
    }
    SHA1_Init(&c);
    SHA1_Update(&c, block, sizeof(block));
    const SHA_LONG state[5] = { c.h0, c.h1, c.h2, c.h3, c.h4 };
    memcpy(ret, state, sizeof(state));
    explicit_bzero(block, sizeof(block));
}

static void half_init(struct evp_half *h, const struct rtc_srtp_session_keys *keys) {
    memcpy(h->salt, keys->salt, sizeof(h->salt));
    padded_state(keys->auth, 0x36, h->hmac.inner);
    padded_state(keys->auth, 0x5c, h->hmac.outer);
}

static void key_finish(void *engine, void *key) {
    (void)engine;
    struct evp_key *k = key;
    EVP_CIPHER_CTX_free(k->rtp);
    explicit_bzero(k, sizeof(*k));
}

static enum err key_init(void *engine, void *key, const struct rtc_srtp_master *master,
    const struct rtc_srtp_derived *derived, enum rtc_srtp_way way) {
    const struct evp_engine *e = engine;
    struct evp_key *k = key;
    k->suite = master->suite;
    k->sizes = rtc_srtp_sizes(master->suite);
    half_init(&k->rtp_half, &derived->rtp);
    half_init(&k->rtcp_half, &derived->rtcp);
    memcpy(k->rtcp_key, derived->rtcp.key, sizeof(k->rtcp_key));
    k->rtp = EVP_CIPHER_CTX_new();
    bool ok = k->rtp != NULL && EVP_CipherInit_ex(k->rtp, cipher_of(e, k->sizes), NULL,
                                    derived->rtp.key, NULL, way == RTC_SRTP_OUT) == 1;
    if (!ok) {
        key_finish(engine, k);
        return libcrypto_failed();
    }
    return OK;
}

/* --- AEAD --- */

/* What RTP and RTCP have in common once their context has its key. */
struct gcm_call {
    const uint8_t *aad[2];
    int aad_len[2];
    const uint8_t *in;
    uint8_t *out;
    int len;
};

static bool gcm_run(EVP_CIPHER_CTX *ctx, const uint8_t *iv, const struct gcm_call *c) {
    int len;
    if (EVP_CipherInit_ex(ctx, NULL, NULL, NULL, iv, -1) != 1) {
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(c->aad); i++) {
        if (c->aad_len[i] > 0 && EVP_CipherUpdate(ctx, NULL, &len, c->aad[i], c->aad_len[i]) != 1) {
            return false;
        }
    }
    return c->len == 0 || EVP_CipherUpdate(ctx, c->out, &len, c->in, c->len) == 1;
}

static bool gcm_seal(EVP_CIPHER_CTX *ctx, const uint8_t *iv, const struct gcm_call *c) {
    int len;
    uint8_t none[16];
    return gcm_run(ctx, iv, c) && EVP_CipherFinal_ex(ctx, none, &len) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG, c->out + c->len) == 1;
}

/* The tag is given last: setting the vector would forget it. */
static bool gcm_open(EVP_CIPHER_CTX *ctx, const uint8_t *iv, const struct gcm_call *c) {
    int len;
    uint8_t none[16], tag[GCM_TAG];
    memcpy(tag, c->out + c->len, sizeof(tag));
    return gcm_run(ctx, iv, c) &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG, tag) == 1 &&
           EVP_CipherFinal_ex(ctx, none, &len) == 1;
}

static bool gcm_rtp(struct evp_key *k, const struct rtc_seal_op *op, bool seal) {
    uint8_t iv[RTC_SEAL_IV_GCM];
    rtc_seal_iv_gcm(
        iv, k->rtp_half.salt, be32_get(op->packet + 8), rtc_seal_index(op->roc, op->packet));
    uint8_t *body = op->packet + op->head_len;
    struct gcm_call c = { { op->packet, NULL }, { op->head_len, 0 }, seal ? op->in : body, body,
        op->body_len };
    return seal ? gcm_seal(k->rtp, iv, &c) : gcm_open(k->rtp, iv, &c);
}

static bool gcm_rtcp(struct evp_engine *e, struct evp_key *k, uint8_t *packet, size_t len,
    uint32_t trailer, bool seal) {
    uint8_t iv[RTC_SEAL_IV_GCM], word[RTC_SRTCP_INDEX];
    rtc_seal_iv_gcm(iv, k->rtcp_half.salt, be32_get(packet + 4), rtc_seal_rtcp_index(trailer));
    be32_put(word, trailer);
    uint8_t *body = packet + RTCP_HEAD;
    EVP_CIPHER_CTX *ctx = e->rtcp[k->suite];
    struct gcm_call c = { { packet, word }, { RTCP_HEAD, sizeof(word) }, body, body,
        (int)(len - RTCP_HEAD) };
    if (EVP_CipherInit_ex(ctx, NULL, NULL, k->rtcp_key, NULL, seal) != 1) {
        return false;
    }
    if (!seal) {
        return gcm_open(ctx, iv, &c);
    }
    be32_put(packet + len + GCM_TAG, trailer);
    return gcm_seal(ctx, iv, &c);
}

/* --- counter mode and HMAC --- */

static void hash_on(
    const SHA_LONG state[5], const uint8_t *bytes, size_t n, uint8_t ret[SHA1_SIZE]) {
    SHA_CTX c;
    SHA1_Init(&c);
    c.h0 = state[0];
    c.h1 = state[1];
    c.h2 = state[2];
    c.h3 = state[3];
    c.h4 = state[4];
    c.Nl = 8 * SHA1_BLOCK; /* bits so far */
    SHA1_Update(&c, bytes, n);
    SHA1_Final(ret, &c);
}

/* HMAC (RFC 2104) of the packet and `word` behind it: RTCP's trailer, or the roll-over counter,
 * which does not travel and is written where the tag will be. */
static void cm_tag(
    const struct evp_half *h, uint8_t *packet, size_t len, uint32_t word, uint8_t ret[SHA1_SIZE]) {
    be32_put(packet + len, word);
    hash_on(h->hmac.inner, packet, len + 4, ret);
    hash_on(h->hmac.outer, ret, SHA1_SIZE, ret);
}

static bool cm_crypt(
    EVP_CIPHER_CTX *ctx, const uint8_t *iv, const uint8_t *in, uint8_t *out, size_t n) {
    int len;
    return EVP_CipherInit_ex(ctx, NULL, NULL, NULL, iv, -1) == 1 &&
           (n == 0 || EVP_CipherUpdate(ctx, out, &len, in, (int)n) == 1);
}

static bool cm_check(const struct evp_half *h, uint8_t *packet, size_t len, uint32_t word,
    const uint8_t *tag_at, size_t tag_len) {
    uint8_t tag[SHA1_SIZE], want[SHA1_SIZE];
    memcpy(want, tag_at, tag_len);
    cm_tag(h, packet, len, word, tag);
    return crypto_equal_bytes(tag, want, tag_len);
}

static bool cm_rtp(struct evp_key *k, const struct rtc_seal_op *op, bool seal) {
    uint8_t iv[RTC_SEAL_IV_CM], tag[SHA1_SIZE];
    rtc_seal_iv_cm(
        iv, k->rtp_half.salt, be32_get(op->packet + 8), rtc_seal_index(op->roc, op->packet));
    uint8_t *body = op->packet + op->head_len;
    size_t len = (size_t)op->head_len + op->body_len;
    if (!seal) {
        return cm_check(&k->rtp_half, op->packet, len, op->roc, op->packet + len, k->sizes->tag) &&
               cm_crypt(k->rtp, iv, body, body, op->body_len);
    }
    if (!cm_crypt(k->rtp, iv, op->in, body, op->body_len)) {
        return false;
    }
    cm_tag(&k->rtp_half, op->packet, len, op->roc, tag);
    memcpy(op->packet + len, tag, k->sizes->tag);
    return true;
}

static bool cm_rtcp(struct evp_engine *e, struct evp_key *k, uint8_t *packet, size_t len,
    uint32_t trailer, bool seal) {
    uint8_t iv[RTC_SEAL_IV_CM], tag[SHA1_SIZE];
    rtc_seal_iv_cm(iv, k->rtcp_half.salt, be32_get(packet + 4), rtc_seal_rtcp_index(trailer));
    if (EVP_CipherInit_ex(e->rtcp[k->suite], NULL, NULL, k->rtcp_key, NULL, 1) != 1) {
        return false;
    }
    uint8_t *body = packet + RTCP_HEAD;
    if (!seal) {
        return cm_check(&k->rtcp_half, packet, len, trailer, packet + len + RTC_SRTCP_INDEX,
                   k->sizes->rtcp_tag) &&
               cm_crypt(e->rtcp[k->suite], iv, body, body, len - RTCP_HEAD);
    }
    if (!cm_crypt(e->rtcp[k->suite], iv, body, body, len - RTCP_HEAD)) {
        return false;
    }
    cm_tag(&k->rtcp_half, packet, len, trailer, tag);
    memcpy(packet + len + RTC_SRTCP_INDEX, tag, k->sizes->rtcp_tag);
    return true;
}

/* --- the kind --- */

static void run(struct rtc_seal_op *ops, size_t n, bool seal_it) {
    for (size_t i = 0; i < n; i++) {
        struct evp_key *k = ops[i].key;
        ops[i].ok = k->sizes->gcm ? gcm_rtp(k, &ops[i], seal_it) : cm_rtp(k, &ops[i], seal_it);
    }
}

static void seal(void *engine, struct rtc_seal_op *ops, size_t n) {
    (void)engine;
    run(ops, n, true);
}

static void open_all(void *engine, struct rtc_seal_op *ops, size_t n) {
    (void)engine;
    run(ops, n, false);
}

static bool seal_rtcp(void *engine, void *key, uint8_t *packet, size_t len, uint32_t trailer) {
    struct evp_key *k = key;
    return k->sizes->gcm ? gcm_rtcp(engine, k, packet, len, trailer, true)
                         : cm_rtcp(engine, k, packet, len, trailer, true);
}

static bool open_rtcp(void *engine, void *key, uint8_t *packet, size_t len, uint32_t trailer) {
    struct evp_key *k = key;
    return k->sizes->gcm ? gcm_rtcp(engine, k, packet, len, trailer, false)
                         : cm_rtcp(engine, k, packet, len, trailer, false);
}

const struct rtc_seal_kind rtc_seal_evp = {
    .name = "evp",
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
};
