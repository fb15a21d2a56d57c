/*
 * The ciphers under rtc/srtp: one set of functions, several libraries behind it. A worker makes one
 * `rtc_seal`, whose scratch memory all its sessions share.
 *
 *     mb     libipsec-mb: many packets side by side in wide registers. The fastest where the CPU
 * has AES-NI. evp    OpenSSL: everywhere. srtp2  libsrtp2: portable and slow; built in by
 * -Dsrtp2=true. The tests' oracle in any case.
 *
 * A kind knows ciphers and nothing else: indexes, replays and who may send are rtc/srtp's.
 * (libsrtp2 keeps books of its own all the same; they agree, or its packets are refused.)
 *
 * Thread: rtc_seal_create on main, before the workers begin (libsrtp2 sets up its globals); then
 * one thread. No locks.
 */
#ifndef RTC_SEAL_H
#define RTC_SEAL_H

#include "core/err.h"
#include "rtc/srtp_keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_SEAL_BATCH 64 /* operations that a kind gets at once, at most */
#define RTC_SEAL_ALIGN 64 /* bytes: what keys are aligned to; libipsec-mb's are */

enum rtc_srtp_way { RTC_SRTP_OUT, RTC_SRTP_IN };

struct rtc_seal;
/** Derives the keys of `master` and gives them to the engine's kind: `key` has the kind's key_size,
 * is zeroed and aligned. For rtc/srtp. */
MUST_CHECK enum err rtc_seal_key_init(
    struct rtc_seal *s, void *key, const struct rtc_srtp_master *master, enum rtc_srtp_way way);

/** The first address at or behind `p` that a key may have. */
static inline void *rtc_seal_align(void *p) {
    return (void *)(((uintptr_t)p + RTC_SEAL_ALIGN - 1) / RTC_SEAL_ALIGN * RTC_SEAL_ALIGN);
}

/* One RTP packet. Sealing reads `in` and writes body and tag behind the head; opening works in
 * place. `packet` has the head and room for body and tag. */
struct rtc_seal_op {
    void *key;         /* of the engine's kind and the right way */
    const uint8_t *in; /* sealing: the plain body, which may lie anywhere but in `packet` */
    uint8_t *packet;
    uint16_t head_len, body_len; /* without the tag */
    uint32_t roc;
    bool ok; /* result; when false, what is in `packet` is worth nothing */
};

/* All functions of a kind but usable, create and key_init are for the packet path. */
struct rtc_seal_kind {
    const char *name;
    /** Have library and CPU what it takes? */
    bool (*usable)(void);
    enum err (*create)(void **ret);
    void (*destroy)(void *engine);
    /** Bytes of a key for one direction, SRTP and SRTCP together. */
    size_t (*key_size)(enum rtc_srtp_suite suite, enum rtc_srtp_way way);
    /** `key` is zeroed and aligned. `derived` comes from `master`; libsrtp2 derives them itself.
     * On failure nothing is left to finish. */
    enum err (*key_init)(void *engine, void *key, const struct rtc_srtp_master *master,
        const struct rtc_srtp_derived *derived, enum rtc_srtp_way way);
    void (*key_finish)(void *engine, void *key);
    /** Both set `ok` in each; at most RTC_SEAL_BATCH, of any keys and suites. */
    void (*seal)(void *engine, struct rtc_seal_op *ops, size_t n);
    void (*open)(void *engine, struct rtc_seal_op *ops, size_t n);
    /** `len`: the plain packet; `trailer`: the E bit and the index. Behind the packet come trailer
     * and tag, with GCM tag and trailer; sealing writes both. */
    bool (*seal_rtcp)(void *engine, void *key, uint8_t *packet, size_t len, uint32_t trailer);
    bool (*open_rtcp)(void *engine, void *key, uint8_t *packet, size_t len, uint32_t trailer);
    /** A stream made way for another: forget what is kept about it. NULL where nothing is. */
    void (*forget)(void *key, uint32_t ssrc);
};

struct rtc_seal {
    const struct rtc_seal_kind *kind;
    void *engine;
};

/**
 * Makes the engine of the named kind; NULL takes the best that is usable here.
 * Errors: ERR_NOT_FOUND no such kind in this build; ERR_CONFLICT library or CPU lack what it needs.
 */
MUST_CHECK enum err rtc_seal_create(const char *name, struct rtc_seal **ret);
/** The same for a kind that need not be built in. */
MUST_CHECK enum err rtc_seal_create_kind(const struct rtc_seal_kind *kind, struct rtc_seal **ret);
/** After all sessions that were made with it. */
void rtc_seal_destroy(struct rtc_seal *s);
const char *rtc_seal_name(const struct rtc_seal *s);
/** The kinds of this build, best first; NULL ends them. */
const struct rtc_seal_kind *rtc_seal_kind_at(size_t i);

#endif
