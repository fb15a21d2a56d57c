/* AES in counter mode and HMAC-SHA1, by the library's bursts: first all ciphers, then all hashes.
 */
#include "core/crypto.h"
#include "core/cur.h"
#include "core/mem.h"
#include "rtc/seal_iv.h"
#include "rtc/seal_mb_keys.h"

#include <string.h>

#define SHA1_BLOCK 64
#define RTCP_HEAD  8
#define FEW        5 /* packets: below, the SHA instructions are faster than many lanes (seal_mb.h) */

void rtc_seal_cm_release(struct mb_engine *e) {
    if (e->few != NULL) {
        free_mb_mgr(e->few);
    }
    mem_free(e->jobs);
    mem_free(e->ivs);
    mem_free(e->tags);
    e->few = NULL;
    e->jobs = NULL;
    e->ivs = NULL;
    e->tags = NULL;
}

/* What is the same in every job. Encrypting is decrypting in counter mode. */
static void jobs_init(struct mb_engine *e) {
    for (size_t i = 0; i < RTC_SEAL_BATCH; i++) {
        IMB_JOB *j = &e->jobs[i];
        j->cipher_mode = IMB_CIPHER_CNTR;
        j->cipher_direction = IMB_DIR_ENCRYPT;
        j->key_len_in_bytes = IMB_KEY_128_BYTES;
        j->iv = e->ivs[i];
        j->iv_len_in_bytes = sizeof(e->ivs[i]);
        j->hash_alg = IMB_AUTH_HMAC_SHA_1;
        j->auth_tag_output = e->tags[i];
        j->auth_tag_output_len_in_bytes = MB_SHA1_STATE;
    }
}

enum err rtc_seal_cm_prepare(struct mb_engine *e) {
    if (e->jobs != NULL) {
        return OK;
    }
    e->jobs = mem_zalloc(RTC_SEAL_BATCH * sizeof(*e->jobs));
    e->ivs = mem_zalloc(RTC_SEAL_BATCH * sizeof(*e->ivs));
    e->tags = mem_zalloc(RTC_SEAL_BATCH * sizeof(*e->tags));
    if (e->jobs == NULL || e->ivs == NULL || e->tags == NULL) {
        rtc_seal_cm_release(e);
        return err_set(ERR_NOMEM, "no memory for SRTP");
    }
    jobs_init(e);
    if ((e->wide->features & IMB_FEATURE_SHANI) != 0) {
        e->few = alloc_mb_mgr(0); /* without it, all goes by the wide one */
    }
    if (e->few != NULL) {
        init_mb_mgr_sse(e->few);
    }
    return OK;
}

/* --- keys --- */

static void padded_state(
    struct mb_engine *e, const uint8_t *auth, uint8_t pad, uint8_t ret[MB_SHA1_STATE]) {
    uint8_t block[SHA1_BLOCK];
    memset(block, pad, sizeof(block));
    for (size_t i = 0; i < RTC_SRTP_AUTH_KEY; i++) {
        block[i] ^= auth[i];
    }
    IMB_SHA1_ONE_BLOCK(e->wide, block, ret);
    explicit_bzero(block, sizeof(block));
}

static void hmac_init(struct mb_engine *e, struct mb_hmac *h, const uint8_t *auth) {
    padded_state(e, auth, 0x36, h->inner);
    padded_state(e, auth, 0x5c, h->outer);
}

static void schedule(struct mb_engine *e, const uint8_t *key, uint8_t *ret) {
    alignas(16) uint8_t backwards[MB_SCHEDULE]; /* which counter mode does not need */
    IMB_AES_KEYEXP_128(e->wide, key, ret, backwards);
    explicit_bzero(backwards, sizeof(backwards));
}

void rtc_seal_cm_key_init(struct mb_engine *e, struct mb_cm *k, const struct rtc_srtp_derived *d) {
    schedule(e, d->rtp.key, k->rtp);
    memcpy(k->rtcp, d->rtcp.key, sizeof(k->rtcp));
    hmac_init(e, &k->rtp_hmac, d->rtp.auth);
    hmac_init(e, &k->rtcp_hmac, d->rtcp.auth);
}

/* --- bursts --- */

static void set_cipher(
    IMB_JOB *j, const uint8_t *keys, const uint8_t *in, uint8_t *out, size_t len) {
    j->enc_keys = keys;
    j->dec_keys = keys;
    j->src = in;
    j->dst = out;
    j->cipher_start_src_offset_in_bytes = 0;
    j->msg_len_to_cipher_in_bytes = len;
}

static void set_hash(IMB_JOB *j, const struct mb_hmac *h, const uint8_t *bytes, size_t len) {
    j->src = bytes;
    j->hash_start_src_offset_in_bytes = 0;
    j->msg_len_to_hash_in_bytes = len;
    j->u.HMAC._hashed_auth_key_xor_ipad = h->inner;
    j->u.HMAC._hashed_auth_key_xor_opad = h->outer;
}

static void cipher_burst(struct mb_engine *e, size_t n) {
    if (n > 0) {
        IMB_SUBMIT_CIPHER_BURST_NOCHECK(
            e->wide, e->jobs, (uint32_t)n, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT, IMB_KEY_128_BYTES);
    }
}

static void hash_burst(struct mb_engine *e, size_t n) {
    IMB_MGR *m = n < FEW && e->few != NULL ? e->few : e->wide;
    IMB_SUBMIT_HASH_BURST_NOCHECK(m, e->jobs, (uint32_t)n, IMB_AUTH_HMAC_SHA_1);
}

/* Packets without a body have nothing to cipher: the library does not say what it does then. */
static void cipher_all(struct mb_engine *e, struct rtc_seal_op *const *ops, size_t n, bool seal) {
    size_t jobs = 0;
    for (size_t i = 0; i < n; i++) {
        const struct rtc_seal_op *op = ops[i];
        const struct mb_cm *k = op->key;
        if (op->body_len == 0 || (!seal && !op->ok)) {
            continue;
        }
        uint8_t *body = op->packet + op->head_len;
        rtc_seal_iv_cm(e->ivs[jobs], k->base.rtp_salt, be32_get(op->packet + 8),
            rtc_seal_index(op->roc, op->packet));
        set_cipher(&e->jobs[jobs], k->rtp, seal ? op->in : body, body, op->body_len);
        jobs++;
    }
    cipher_burst(e, jobs);
}

/* The roll-over counter is hashed behind the packet and does not travel: it stands where the tag
 * will. */
static void hash_all(struct mb_engine *e, struct rtc_seal_op *const *ops, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const struct rtc_seal_op *op = ops[i];
        const struct mb_cm *k = op->key;
        size_t len = (size_t)op->head_len + op->body_len;
        be32_put(op->packet + len, op->roc);
        set_hash(&e->jobs[i], &k->rtp_hmac, op->packet, len + 4);
    }
    hash_burst(e, n);
}

static uint8_t *tag_of(const struct rtc_seal_op *op) {
    return op->packet + op->head_len + op->body_len;
}

void rtc_seal_cm_seal(struct mb_engine *e, struct rtc_seal_op *const *ops, size_t n) {
    if (n == 0) {
        return;
    }
    cipher_all(e, ops, n, true);
    hash_all(e, ops, n);
    for (size_t i = 0; i < n; i++) {
        const struct mb_cm *k = ops[i]->key;
        memcpy(tag_of(ops[i]), e->tags[i], k->base.sizes->tag);
        ops[i]->ok = true;
    }
}

void rtc_seal_cm_open(struct mb_engine *e, struct rtc_seal_op *const *ops, size_t n) {
    uint8_t came[RTC_SEAL_BATCH][MB_SHA1_STATE];
    if (n == 0) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(came[i], tag_of(ops[i]), ((const struct mb_cm *)ops[i]->key)->base.sizes->tag);
    }
    hash_all(e, ops, n);
    for (size_t i = 0; i < n; i++) {
        const struct mb_cm *k = ops[i]->key;
        ops[i]->ok = crypto_equal_bytes(came[i], e->tags[i], k->base.sizes->tag);
    }
    cipher_all(e, ops, n, false);
}

/* --- RTCP --- */

static void rtcp_cipher(
    struct mb_engine *e, const struct mb_cm *k, uint8_t *packet, size_t len, uint32_t trailer) {
    alignas(16) uint8_t keys[MB_SCHEDULE];
    if (len > RTCP_HEAD) {
        schedule(e, k->rtcp, keys);
        rtc_seal_iv_cm(
            e->ivs[0], k->base.rtcp_salt, be32_get(packet + 4), rtc_seal_rtcp_index(trailer));
        set_cipher(&e->jobs[0], keys, packet + RTCP_HEAD, packet + RTCP_HEAD, len - RTCP_HEAD);
        cipher_burst(e, 1);
        explicit_bzero(keys, sizeof(keys));
    }
}

/* Over packet and trailer, which stands behind it. */
static const uint8_t *rtcp_tag(
    struct mb_engine *e, const struct mb_cm *k, const uint8_t *packet, size_t len) {
    set_hash(&e->jobs[0], &k->rtcp_hmac, packet, len + RTC_SRTCP_INDEX);
    hash_burst(e, 1);
    return e->tags[0];
}

void rtc_seal_cm_seal_rtcp(
    struct mb_engine *e, struct mb_cm *k, uint8_t *packet, size_t len, uint32_t trailer) {
    rtcp_cipher(e, k, packet, len, trailer);
    be32_put(packet + len, trailer);
    memcpy(packet + len + RTC_SRTCP_INDEX, rtcp_tag(e, k, packet, len), k->base.sizes->rtcp_tag);
}

bool rtc_seal_cm_open_rtcp(
    struct mb_engine *e, struct mb_cm *k, uint8_t *packet, size_t len, uint32_t trailer) {
    if (!crypto_equal_bytes(
            rtcp_tag(e, k, packet, len), packet + len + RTC_SRTCP_INDEX, k->base.sizes->rtcp_tag)) {
        return false;
    }
    rtcp_cipher(e, k, packet, len, trailer);
    return true;
}
