/*
 * Inside rtc/seal_mb: what an engine and a key are made of. Only seal_mb*.c include this.
 */
#ifndef RTC_SEAL_MB_KEYS_H
#define RTC_SEAL_MB_KEYS_H

#include "rtc/seal.h"

#include <intel-ipsec-mb.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#define MB_SLOTS      32  /* expanded GCM keys of an engine; publishers of a worker's busy rooms */
#define MB_SCHEDULE   176 /* bytes: AES-128, eleven round keys */
#define MB_SHA1_STATE 20  /* bytes; HMAC-SHA1's state behind its padded key */

/* A GCM key that is expanded when it is needed. */
struct mb_raw {
    uint8_t key[RTC_SRTP_KEY_MAX];
    uint8_t slot;
};

struct mb_hmac {
    uint8_t inner[MB_SHA1_STATE], outer[MB_SHA1_STATE];
};

/* What every key begins with. */
struct mb_key {
    const struct rtc_srtp_sizes *sizes;
    uint8_t rtp_salt[RTC_SRTP_SALT_MAX], rtcp_salt[RTC_SRTP_SALT_MAX];
};

/* Of what we send, the expanded key lies behind it, aligned. */
struct mb_gcm {
    struct mb_key base;
    bool sends;
    struct mb_raw rtp; /* of what we get */
    struct mb_raw rtcp;
};

struct mb_cm {
    struct mb_key base;
    alignas(16) uint8_t rtp[MB_SCHEDULE];
    uint8_t rtcp[16]; /* not expanded: 47 ns, once a report */
    struct mb_hmac rtp_hmac, rtcp_hmac;
};

/* The library's header aligns its struct only for those who define LINUX; its code relies on it. */
struct mb_slot {
    alignas(RTC_SEAL_ALIGN) struct gcm_key_data data;
    const struct mb_raw *owner;
};

struct mb_engine {
    IMB_MGR *wide; /* the best of this CPU: GCM, and many hashes at once */
    IMB_MGR *few;  /* CM: SHA instructions, when the CPU has them; else NULL */
    IMB_JOB *jobs; /* CM: RTC_SEAL_BATCH; NULL before the first CM key */
    uint8_t (*ivs)[16];
    uint8_t (*tags)[MB_SHA1_STATE];
    uint8_t next_slot;
    struct mb_slot *slots; /* MB_SLOTS, aligned */
    void *slots_memory;
};

/** Sets up what only CM needs; once. */
MUST_CHECK enum err rtc_seal_cm_prepare(struct mb_engine *e);
void rtc_seal_cm_release(struct mb_engine *e);
void rtc_seal_cm_key_init(struct mb_engine *e, struct mb_cm *k, const struct rtc_srtp_derived *d);
/** All of `ops` have a struct mb_cm as their key. */
void rtc_seal_cm_seal(struct mb_engine *e, struct rtc_seal_op *const *ops, size_t n);
void rtc_seal_cm_open(struct mb_engine *e, struct rtc_seal_op *const *ops, size_t n);
void rtc_seal_cm_seal_rtcp(
    struct mb_engine *e, struct mb_cm *k, uint8_t *packet, size_t len, uint32_t trailer);
bool rtc_seal_cm_open_rtcp(
    struct mb_engine *e, struct mb_cm *k, uint8_t *packet, size_t len, uint32_t trailer);

#endif
