/* Suites as a table, and the derivation of RFC 3711, 4.3.3 over a counter-mode key stream. */
#include "rtc/srtp_keys.h"

#include "core/mem.h"
#include "rtc/seal_evp.h"

#include <assert.h>
#include <string.h>

/* Profiles: RFC 5764, 4.1.2 and RFC 7714, 14.2. */
static const struct rtc_srtp_sizes sizes[RTC_SRTP_SUITES] = {
    [RTC_SRTP_GCM_128] = { "AEAD_AES_128_GCM", 0x0007, 16, 12, 16, 16, true },
    [RTC_SRTP_GCM_256] = { "AEAD_AES_256_GCM", 0x0008, 32, 12, 16, 16, true },
    [RTC_SRTP_CM_SHA1_80] = { "AES_CM_128_HMAC_SHA1_80", 0x0001, 16, 14, 10, 10, false },
    [RTC_SRTP_CM_SHA1_32] = { "AES_CM_128_HMAC_SHA1_32", 0x0002, 16, 14, 4, 10, false },
};

const struct rtc_srtp_sizes *rtc_srtp_sizes(enum rtc_srtp_suite suite) {
    assert(suite < RTC_SRTP_SUITES);
    return &sizes[suite];
}

bool rtc_srtp_suite_of(uint16_t profile, enum rtc_srtp_suite *ret) {
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        if (sizes[i].profile == profile) {
            *ret = (enum rtc_srtp_suite)i;
            return true;
        }
    }
    return false;
}

void rtc_srtp_material_cut(enum rtc_srtp_suite suite, const uint8_t *material,
    struct rtc_srtp_master *ret_client, struct rtc_srtp_master *ret_server) {
    const struct rtc_srtp_sizes *s = rtc_srtp_sizes(suite);
    struct rtc_srtp_master *ends[] = { ret_client, ret_server };
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        *ends[i] = (struct rtc_srtp_master){ .suite = suite };
        memcpy(ends[i]->key, material + i * s->key, s->key);
        memcpy(ends[i]->salt, material + 2 * s->key + i * s->salt, s->salt);
    }
}

/* The label goes to the byte before the 48 bits of index, which are 0 (RFC 3711, 4.3.1). GCM's
 * salt of 12 bytes has two zeros behind it (RFC 7714, 11). */
static enum err derive(const struct rtc_srtp_master *m, uint8_t label, uint8_t *ret, size_t n) {
    uint8_t counter[16] = { 0 };
    memcpy(counter, m->salt, sizes[m->suite].salt);
    counter[7] ^= label;
    return rtc_seal_evp_stream(m->key, sizes[m->suite].key, counter, ret, n);
}

enum err rtc_srtp_derive(const struct rtc_srtp_master *master, struct rtc_srtp_derived *ret) {
    const struct rtc_srtp_sizes *s = rtc_srtp_sizes(master->suite);
    struct rtc_srtp_session_keys *halves[] = { &ret->rtp, &ret->rtcp };
    memset(ret, 0, sizeof(*ret));
    ret->suite = master->suite;
    for (uint8_t i = 0; i < COUNT_OF(halves); i++) {
        uint8_t first = (uint8_t)(3 * i); /* labels 0 to 2 are SRTP's, 3 to 5 SRTCP's */
        TRY(derive(master, first, halves[i]->key, s->key));
        TRY(derive(master, first + 1, halves[i]->auth, RTC_SRTP_AUTH_KEY));
        TRY(derive(master, first + 2, halves[i]->salt, s->salt));
    }
    return OK;
}
