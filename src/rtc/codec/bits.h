/*
 * Single bits of a descriptor, most significant first; over the bytes of a cursor. What does not
 * fit sets `bad`, which sticks: reads give 0, writes do nothing.  Thread: any; pure.
 */
#ifndef RTC_CODEC_BITS_H
#define RTC_CODEC_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rtc_bits {
    const uint8_t *data; /* borrowed */
    size_t at, end;      /* in bits */
    bool bad;
};

static inline struct rtc_bits rtc_bits_make(const uint8_t *data, size_t len) {
    return (struct rtc_bits){ data, 0, 8 * len, false };
}

/** The next `n` bits, at most 32. */
static inline uint32_t rtc_bits_get(struct rtc_bits *b, unsigned n) {
    uint32_t v = 0;
    if (b->bad || n > b->end - b->at) {
        b->bad = true;
        b->at = b->end;
        return 0;
    }
    while (n > 0) { /* as many bits of a byte at once as there are */
        unsigned left = 8 - (unsigned)(b->at % 8);
        unsigned k = n < left ? n : left;
        v = v << k | (b->data[b->at / 8] >> (left - k) & ((1U << k) - 1));
        b->at += k;
        n -= k;
    }
    return v;
}

static inline bool rtc_bits_flag(struct rtc_bits *b) {
    return rtc_bits_get(b, 1) != 0;
}

/** A number below `n` (1 or more) in as few bits as its size needs: AV1 RTP, A.8.2, ns(n). */
static inline uint32_t rtc_bits_below(struct rtc_bits *b, uint32_t n) {
    unsigned width = 0;
    for (uint32_t x = n; x != 0; x >>= 1) {
        width++;
    }
    uint32_t short_ones = (UINT32_C(1) << width) - n;
    uint32_t v = rtc_bits_get(b, width - 1);
    return v < short_ones ? v : (v << 1) - short_ones + rtc_bits_get(b, 1);
}

struct rtc_bits_wr {
    uint8_t *data; /* borrowed */
    size_t at, end;
    bool bad;
};

static inline struct rtc_bits_wr rtc_bits_wr_make(uint8_t *data, size_t cap) {
    return (struct rtc_bits_wr){ data, 0, 8 * cap, false };
}

/** The low `n` bits of `v`, at most 32. */
static inline void rtc_bits_put(struct rtc_bits_wr *w, uint32_t v, unsigned n) {
    if (w->bad || n > w->end - w->at) {
        w->bad = true;
        return;
    }
    for (; n > 0; n--, w->at++) {
        uint8_t bit = (uint8_t)(0x80 >> w->at % 8);
        uint8_t *byte = &w->data[w->at / 8];
        *byte = (uint8_t)((v >> (n - 1) & 1) ? *byte | bit : *byte & ~bit);
    }
}

/** Zeros up to the next whole byte; gives the bytes written. */
static inline size_t rtc_bits_finish(struct rtc_bits_wr *w) {
    rtc_bits_put(w, 0, (unsigned)(-w->at % 8));
    return w->at / 8;
}

#endif
