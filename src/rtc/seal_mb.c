/* The kind, and GCM by the library's direct calls. */
#include "rtc/seal_mb.h"

#include "core/crypto.h"
#include "core/cur.h"
#include "core/mem.h"
#include "rtc/seal_iv.h"
#include "rtc/seal_mb_keys.h"

#include <assert.h>
#include <string.h>

#define GCM_TAG    16
#define RTCP_HEAD  8
#define CACHE_LINE 64
#define NEEDED     (IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ)

static_assert(sizeof(struct gcm_key_data) <= 1024, "srtp.h says how much memory a session takes");

/* Without these the library would emulate AES in plain C, slower than OpenSSL. */
static bool usable(void) {
    if (imb_get_version() < IMB_VERSION(1, 3, 0)) {
        return false;
    }
    IMB_MGR *m = alloc_mb_mgr(0);
    bool ok = m != NULL && (m->features & NEEDED) == NEEDED;
    free_mb_mgr(m);
    return ok;
}

static void destroy(void *engine) {
    struct mb_engine *e = engine;
    if (e == NULL) {
        return;
    }
    rtc_seal_cm_release(e);
    if (e->wide != NULL) {
        free_mb_mgr(e->wide);
    }
    if (e->slots != NULL) {
        explicit_bzero(e->slots, MB_SLOTS * sizeof(*e->slots));
    }
    mem_free(e->slots_memory);
    mem_free(e);
}

static enum err create(void **ret) {
    struct mb_engine *e = mem_zalloc(sizeof(*e));
    if (e == NULL) {
        return err_set(ERR_NOMEM, "no memory for SRTP");
    }
    e->slots_memory = mem_zalloc(MB_SLOTS * sizeof(*e->slots) + RTC_SEAL_ALIGN - 1);
    e->wide = alloc_mb_mgr(0);
    if (e->slots_memory == NULL || e->wide == NULL) {
        destroy(e);
        return err_set(ERR_NOMEM, "no memory for SRTP");
    }
    e->slots = rtc_seal_align(e->slots_memory);
    init_mb_mgr_auto(e->wide, NULL);
    *ret = e;
    return OK;
}

/* --- keys --- */

static size_t key_size(enum rtc_srtp_suite suite, enum rtc_srtp_way way) {
    if (!rtc_srtp_sizes(suite)->gcm) {
        return sizeof(struct mb_cm);
    }
    size_t n = (sizeof(struct mb_gcm) + RTC_SEAL_ALIGN - 1) / RTC_SEAL_ALIGN * RTC_SEAL_ALIGN;
    return way == RTC_SRTP_OUT ? n + sizeof(struct gcm_key_data) : sizeof(struct mb_gcm);
}

static struct gcm_key_data *sending_key(struct mb_gcm *k) {
    return (struct gcm_key_data *)rtc_seal_align(k + 1);
}

static void expand(
    struct mb_engine *e, const struct mb_gcm *k, const uint8_t *key, struct gcm_key_data *ret) {
    if (k->base.sizes->key == 32) {
        IMB_AES256_GCM_PRE(e->wide, key, ret);
    } else {
        IMB_AES128_GCM_PRE(e->wide, key, ret);
    }
}

static struct gcm_key_data *expanded(
    struct mb_engine *e, const struct mb_gcm *k, const struct mb_raw *raw) {
    struct mb_slot *slot = &e->slots[raw->slot];
    if (slot->owner != raw) {
        expand(e, k, raw->key, &slot->data);
        slot->owner = raw;
    }
    return &slot->data;
}

static void raw_init(struct mb_engine *e, struct mb_raw *raw, const uint8_t *key) {
    memcpy(raw->key, key, sizeof(raw->key));
    raw->slot = e->next_slot;
    e->next_slot = (uint8_t)((e->next_slot + 1) % MB_SLOTS);
}

/* The next key may lie at the same address. */
static void raw_finish(struct mb_engine *e, const struct mb_raw *raw) {
    struct mb_slot *slot = &e->slots[raw->slot];
    if (slot->owner == raw) {
        explicit_bzero(slot, sizeof(*slot));
    }
}

static void gcm_key_init(struct mb_engine *e, struct mb_gcm *k, const struct rtc_srtp_derived *d,
    enum rtc_srtp_way way) {
    k->sends = way == RTC_SRTP_OUT;
    raw_init(e, &k->rtcp, d->rtcp.key);
    if (k->sends) {
        expand(e, k, d->rtp.key, sending_key(k));
    } else {
        raw_init(e, &k->rtp, d->rtp.key);
    }
}

static enum err key_init(void *engine, void *key, const struct rtc_srtp_master *master,
    const struct rtc_srtp_derived *derived, enum rtc_srtp_way way) {
    struct mb_key *k = key;
    k->sizes = rtc_srtp_sizes(master->suite);
    memcpy(k->rtp_salt, derived->rtp.salt, sizeof(k->rtp_salt));
    memcpy(k->rtcp_salt, derived->rtcp.salt, sizeof(k->rtcp_salt));
    if (k->sizes->gcm) {
        gcm_key_init(engine, key, derived, way);
        return OK;
    }
    TRY(rtc_seal_cm_prepare(engine));
    rtc_seal_cm_key_init(engine, key, derived);
    return OK;
}

static void key_finish(void *engine, void *key) {
    struct mb_gcm *k = key;
    if (!k->base.sizes->gcm) {
        explicit_bzero(key, sizeof(struct mb_cm));
        return;
    }
    if (k->sends) {
        explicit_bzero(sending_key(k), sizeof(struct gcm_key_data));
    } else {
        raw_finish(engine, &k->rtp);
    }
    raw_finish(engine, &k->rtcp);
    explicit_bzero(k, sizeof(*k));
}

/* --- GCM --- */

static void gcm_seal(struct mb_engine *e, const struct mb_gcm *k, const struct gcm_key_data *data,
    const uint8_t *iv, const uint8_t *aad, size_t aad_len, const uint8_t *in, uint8_t *out,
    size_t len) {
    struct gcm_context_data ctx;
    if (k->base.sizes->key == 32) {
        IMB_AES256_GCM_ENC(e->wide, data, &ctx, out, in, len, iv, aad, aad_len, out + len, GCM_TAG);
    } else {
        IMB_AES128_GCM_ENC(e->wide, data, &ctx, out, in, len, iv, aad, aad_len, out + len, GCM_TAG);
    }
}

static bool gcm_open(struct mb_engine *e, const struct mb_gcm *k, const struct gcm_key_data *data,
    const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *body, size_t len) {
    struct gcm_context_data ctx;
    uint8_t tag[GCM_TAG];
    if (k->base.sizes->key == 32) {
        IMB_AES256_GCM_DEC(e->wide, data, &ctx, body, body, len, iv, aad, aad_len, tag, GCM_TAG);
    } else {
        IMB_AES128_GCM_DEC(e->wide, data, &ctx, body, body, len, iv, aad, aad_len, tag, GCM_TAG);
    }
    return crypto_equal_bytes(tag, body + len, GCM_TAG);
}

static void gcm_rtp_iv(
    const struct mb_key *k, const struct rtc_seal_op *op, uint8_t ret[RTC_SEAL_IV_GCM]) {
    rtc_seal_iv_gcm(
        ret, k->rtp_salt, be32_get(op->packet + 8), rtc_seal_index(op->roc, op->packet));
}

/* A key has 18 cache lines, and those of many listeners do not fit the first cache: asked for while
 * the packet before is sealed, they are there in time (10 % at 64 listeners, measured). Past the
 * end of a shorter key of CM's this asks for what lies there, which is harmless. */
static void fetch_key(const struct rtc_seal_op *op) {
    const uint8_t *key = op->key;
    for (size_t at = 0; at < sizeof(struct mb_gcm) + sizeof(struct gcm_key_data);
         at += CACHE_LINE) {
        __builtin_prefetch(key + at);
    }
}

/* Those of `ops` that are CM's are gathered for their lanes. */
static void seal(void *engine, struct rtc_seal_op *ops, size_t n) {
    struct mb_engine *e = engine;
    struct rtc_seal_op *cm[RTC_SEAL_BATCH];
    size_t n_cm = 0;
    for (size_t i = 0; i < n; i++) {
        struct rtc_seal_op *op = &ops[i];
        struct mb_gcm *k = op->key;
        if (!k->base.sizes->gcm) {
            cm[n_cm++] = op;
            continue;
        }
        uint8_t iv[RTC_SEAL_IV_GCM];
        gcm_rtp_iv(&k->base, op, iv);
        if (i + 1 < n) {
            fetch_key(&ops[i + 1]);
        }
        gcm_seal(e, k, sending_key(k), iv, op->packet, op->head_len, op->in,
            op->packet + op->head_len, op->body_len);
        op->ok = true;
    }
    rtc_seal_cm_seal(e, cm, n_cm);
}

static void open_all(void *engine, struct rtc_seal_op *ops, size_t n) {
    struct mb_engine *e = engine;
    struct rtc_seal_op *cm[RTC_SEAL_BATCH];
    size_t n_cm = 0;
    for (size_t i = 0; i < n; i++) {
        struct rtc_seal_op *op = &ops[i];
        struct mb_gcm *k = op->key;
        if (!k->base.sizes->gcm) {
            cm[n_cm++] = op;
            continue;
        }
        uint8_t iv[RTC_SEAL_IV_GCM];
        gcm_rtp_iv(&k->base, op, iv);
        op->ok = gcm_open(e, k, expanded(e, k, &k->rtp), iv, op->packet, op->head_len,
            op->packet + op->head_len, op->body_len);
    }
    rtc_seal_cm_open(e, cm, n_cm);
}

/* Head and trailer, as GCM's associated data. */
static void rtcp_aad(
    uint8_t ret[RTCP_HEAD + RTC_SRTCP_INDEX], const uint8_t *packet, uint32_t trailer) {
    memcpy(ret, packet, RTCP_HEAD);
    be32_put(ret + RTCP_HEAD, trailer);
}

static void rtcp_iv(
    const struct mb_key *k, const uint8_t *packet, uint32_t trailer, uint8_t ret[RTC_SEAL_IV_GCM]) {
    rtc_seal_iv_gcm(ret, k->rtcp_salt, be32_get(packet + 4), rtc_seal_rtcp_index(trailer));
}

static bool seal_rtcp(void *engine, void *key, uint8_t *packet, size_t len, uint32_t trailer) {
    struct mb_engine *e = engine;
    struct mb_gcm *k = key;
    uint8_t iv[RTC_SEAL_IV_GCM], aad[RTCP_HEAD + RTC_SRTCP_INDEX];
    if (!k->base.sizes->gcm) {
        rtc_seal_cm_seal_rtcp(e, key, packet, len, trailer);
        return true;
    }
    rtcp_iv(&k->base, packet, trailer, iv);
    rtcp_aad(aad, packet, trailer);
    gcm_seal(e, k, expanded(e, k, &k->rtcp), iv, aad, sizeof(aad), packet + RTCP_HEAD,
        packet + RTCP_HEAD, len - RTCP_HEAD);
    be32_put(packet + len + GCM_TAG, trailer);
    return true;
}

static bool open_rtcp(void *engine, void *key, uint8_t *packet, size_t len, uint32_t trailer) {
    struct mb_engine *e = engine;
    struct mb_gcm *k = key;
    uint8_t iv[RTC_SEAL_IV_GCM], aad[RTCP_HEAD + RTC_SRTCP_INDEX];
    if (!k->base.sizes->gcm) {
        return rtc_seal_cm_open_rtcp(e, key, packet, len, trailer);
    }
    rtcp_iv(&k->base, packet, trailer, iv);
    rtcp_aad(aad, packet, trailer);
    return gcm_open(
        e, k, expanded(e, k, &k->rtcp), iv, aad, sizeof(aad), packet + RTCP_HEAD, len - RTCP_HEAD);
}

const struct rtc_seal_kind rtc_seal_mb = {
    .name = "mb",
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
