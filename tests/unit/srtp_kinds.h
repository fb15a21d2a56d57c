/*
 * Every way to do SRTP that this machine has, for tests that hold one against the other: those of
 * this build, and libsrtp2 in any case. And packets to try them on.
 */
#ifndef TESTS_UNIT_SRTP_KINDS_H
#define TESTS_UNIT_SRTP_KINDS_H

#include "rtc/seal_srtp2.h"
#include "rtc/srtp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SRTP_KINDS_MAX 4
#define PACKET_ROOM    2048

struct srtp_kinds {
    struct rtc_seal *of[SRTP_KINDS_MAX];
    size_t n;
};

/* `ret` is as far as it came when this fails. */
static inline enum err srtp_kinds_open(struct srtp_kinds *ret) {
    *ret = (struct srtp_kinds){ .n = 0 };
    bool oracle = false;
    for (size_t i = 0; rtc_seal_kind_at(i) != NULL; i++) {
        oracle = oracle || rtc_seal_kind_at(i) == &rtc_seal_srtp2;
        if (rtc_seal_kind_at(i)->usable()) {
            TRY(rtc_seal_create_kind(rtc_seal_kind_at(i), &ret->of[ret->n]));
            ret->n++;
        }
    }
    if (!oracle) {
        TRY(rtc_seal_create_kind(&rtc_seal_srtp2, &ret->of[ret->n]));
        ret->n++;
    }
    return OK;
}

static inline void srtp_kinds_close(struct srtp_kinds *k) {
    for (size_t i = 0; i < k->n; i++) {
        rtc_seal_destroy(k->of[i]);
    }
    k->n = 0;
}

/* Keys of no pattern, other ones for each `seed`. */
static inline struct rtc_srtp_master master_of(enum rtc_srtp_suite suite, uint32_t seed) {
    struct rtc_srtp_master m = { .suite = suite };
    for (size_t i = 0; i < rtc_srtp_sizes(suite)->key; i++) {
        seed = seed * 1664525 + 1013904223;
        m.key[i] = (uint8_t)(seed >> 24);
    }
    for (size_t i = 0; i < rtc_srtp_sizes(suite)->salt; i++) {
        seed = seed * 1664525 + 1013904223;
        m.salt[i] = (uint8_t)(seed >> 24);
    }
    return m;
}

/* What heads can look like. `ext_words`: behind the extension's own four bytes. */
struct head_form {
    const char *name;
    uint8_t csrcs;
    bool ext;
    uint16_t ext_profile;
    uint8_t ext_words;
    bool padding;
};

static const struct head_form head_forms[] = {
    { "bare", 0, false, 0, 0, false },
    { "one-byte extension", 0, true, 0xbede, 3, false },
    { "two-byte extension", 0, true, 0x1000, 5, false },
    { "empty extension", 0, true, 0xbede, 0, false },
    { "CSRCs", 15, false, 0, 0, false },
    { "CSRCs, extension and padding", 2, true, 0xbede, 1, true },
    { "padding", 0, false, 0, 0, true },
};

/* Writes a head; gives its length. */
static inline uint16_t write_head(
    uint8_t *packet, const struct head_form *f, uint32_t ssrc, uint16_t seq) {
    size_t n = 12;
    packet[0] = (uint8_t)(0x80 | (f->padding ? 0x20 : 0) | (f->ext ? 0x10 : 0) | f->csrcs);
    packet[1] = 96;
    packet[2] = (uint8_t)(seq >> 8);
    packet[3] = (uint8_t)seq;
    memset(packet + 4, 0x11, 4);
    packet[8] = (uint8_t)(ssrc >> 24);
    packet[9] = (uint8_t)(ssrc >> 16);
    packet[10] = (uint8_t)(ssrc >> 8);
    packet[11] = (uint8_t)ssrc;
    memset(packet + n, 0x22, 4U * f->csrcs);
    n += 4U * f->csrcs;
    if (f->ext) {
        packet[n++] = (uint8_t)(f->ext_profile >> 8);
        packet[n++] = (uint8_t)f->ext_profile;
        packet[n++] = 0;
        packet[n++] = f->ext_words;
        memset(packet + n, 0x33, 4U * f->ext_words);
        n += 4U * f->ext_words;
    }
    return (uint16_t)n;
}

/* A body with padding has its length in the last byte (RFC 3550, 5.1). */
static inline void write_body(uint8_t *body, size_t n, const struct head_form *f, uint32_t seed) {
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525 + 1013904223;
        body[i] = (uint8_t)(seed >> 24);
    }
    if (f->padding && n > 0) {
        body[n - 1] = 1;
    }
}

#endif
