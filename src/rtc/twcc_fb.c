/* Transport-wide feedback: chunks and differences of arrival, read and written. */
#include "rtc/twcc_fb.h"

#include "rtc/rtcp.h"
#include "rtc/seq.h"

#define FMT_TWCC        15
#define REFERENCE_TICKS 256 /* 64 ms */
#define REFERENCE_BITS  24
#define HEAD_LEN        20 /* bytes of the part in front of the chunks */
#define SYMBOL_MISSING  0
#define SYMBOL_SMALL    1 /* a difference of 0..255 ticks, one byte */
#define SYMBOL_LARGE    2 /* two bytes with sign */
#define VECTOR          0x8000
#define VECTOR_TWO_BITS 0x4000
#define RUN_MAX         0x1FFF
#define ONE_BITS        14 /* statuses in a vector of one bit each */
#define TWO_BITS        7

/* --- reading --- */

static uint16_t chunk_statuses(uint16_t chunk) {
    if (!(chunk & VECTOR)) {
        return chunk & RUN_MAX;
    }
    return chunk & VECTOR_TWO_BITS ? TWO_BITS : ONE_BITS;
}

/* The symbol of a chunk when `left` of its statuses, this one included, are not given yet. */
static uint8_t chunk_symbol(uint16_t chunk, uint16_t left) {
    if (!(chunk & VECTOR)) {
        return chunk >> 13 & 3;
    }
    return chunk & VECTOR_TWO_BITS ? chunk >> (2 * (left - 1)) & 3 : chunk >> (left - 1) & 1;
}

/* Bytes of differences that the first `n` statuses of a chunk have; false for the symbol that
 * means nothing (3). */
static bool chunk_deltas(uint16_t chunk, uint32_t n, size_t *bytes) {
    uint16_t all = chunk_statuses(chunk);
    if (!(chunk & VECTOR)) {
        *bytes += (size_t)n * chunk_symbol(chunk, 1);
        return chunk_symbol(chunk, 1) <= SYMBOL_LARGE;
    }
    for (uint16_t i = 0; i < n; i++) {
        uint8_t symbol = chunk_symbol(chunk, (uint16_t)(all - i));
        if (symbol > SYMBOL_LARGE) {
            return false;
        }
        *bytes += symbol; /* a symbol is the bytes of its difference */
    }
    return true;
}

/* Walks over the chunks, so that what lies behind them is known. */
static bool find_deltas(struct rtc_twcc_fb *fb) {
    struct cur c = fb->chunks;
    size_t bytes = 0;
    for (uint32_t left = fb->left; left > 0;) {
        uint16_t chunk = cur_u16(&c);
        uint32_t n = chunk_statuses(chunk);
        n = n < left ? n : left;
        if (c.bad || n == 0 || !chunk_deltas(chunk, n, &bytes)) {
            return false;
        }
        left -= n;
    }
    fb->deltas = c;
    fb->chunks.end = c.p;
    return bytes <= cur_left(&c);
}

bool rtc_twcc_fb_read(struct cur fci, struct rtc_twcc_fb *ret) {
    struct rtc_twcc_fb fb = { 0 };
    fb.seq = cur_u16(&fci);
    fb.left = cur_u16(&fci);
    fb.ticks = (int64_t)cur_u24(&fci) * REFERENCE_TICKS;
    fb.count = cur_u8(&fci);
    fb.chunks = fci;
    if (fci.bad || fb.left == 0 || fb.left > RTC_TWCC_STATUS_MAX || !find_deltas(&fb)) {
        return false;
    }
    *ret = fb;
    return true;
}

bool rtc_twcc_fb_next(struct rtc_twcc_fb *fb, struct rtc_twcc_status *ret) {
    if (fb->left == 0) {
        return false;
    }
    if (fb->chunk_left == 0) {
        fb->chunk = cur_u16(&fb->chunks);
        fb->chunk_left = chunk_statuses(fb->chunk);
    }
    uint8_t symbol = chunk_symbol(fb->chunk, fb->chunk_left);
    if (symbol == SYMBOL_SMALL) {
        fb->ticks += cur_u8(&fb->deltas);
    } else if (symbol == SYMBOL_LARGE) {
        fb->ticks += rtc_wrap_diff(cur_u16(&fb->deltas), 0, 16);
    }
    *ret = (struct rtc_twcc_status){
        .seq = fb->seq, .received = symbol != SYMBOL_MISSING, .ticks = fb->ticks
    };
    fb->seq++;
    fb->chunk_left--;
    fb->left--;
    return true;
}

/* --- writing --- */

void rtc_twcc_fb_begin(
    struct rtc_twcc_fb_wr *x, struct wr *w, uint32_t sender, uint32_t media, uint16_t base) {
    x->w = w;
    x->at = rtc_rtcp_part_begin(w, RTC_RTCP_RTPFB, FMT_TWCC);
    x->ticks = 0;
    x->begun = false;
    x->reference = 0;
    x->n = 0;
    x->pending = 0;
    x->pending_same = true;
    x->pending_large = false;
    x->n_deltas = 0;
    wr_u32(w, sender);
    wr_u32(w, media);
    wr_u16(w, base);
    wr_zero(w, 6); /* statuses, reference, number: known at the end */
}

/* May the pending statuses and one more become one chunk? */
static bool joins(const struct rtc_twcc_fb_wr *x, uint8_t symbol) {
    if (x->pending < TWO_BITS) {
        return true;
    }
    if (x->pending < ONE_BITS && !x->pending_large && symbol != SYMBOL_LARGE) {
        return true;
    }
    return x->pending < RUN_MAX && x->pending_same && symbol == x->symbols[0];
}

static void remember(struct rtc_twcc_fb_wr *x, uint8_t symbol) {
    if (x->pending < ONE_BITS) {
        x->symbols[x->pending] = symbol;
    }
    x->pending_same = x->pending == 0 || (x->pending_same && symbol == x->symbols[0]);
    x->pending_large =
        x->pending == 0 ? symbol == SYMBOL_LARGE : x->pending_large || symbol == SYMBOL_LARGE;
    x->pending++;
}

static uint16_t vector(const uint8_t *symbols, unsigned n, bool two_bits) {
    unsigned room = two_bits ? TWO_BITS : ONE_BITS;
    uint16_t chunk = two_bits ? VECTOR | VECTOR_TWO_BITS : VECTOR;
    for (unsigned i = 0; i < n; i++) {
        unsigned place = room - 1 - i;
        chunk |= (uint16_t)(symbols[i] << (two_bits ? 2 * place : place));
    }
    return chunk;
}

/* Writes one chunk of what is pending. A vector of two bits may leave some behind. */
static void write_chunk(struct rtc_twcc_fb_wr *x, bool last) {
    uint8_t kept[ONE_BITS];
    unsigned n = x->pending, done = n;
    if (x->pending_same) {
        wr_u16(x->w, (uint16_t)(x->symbols[0] << 13 | n));
    } else if (!x->pending_large && (last || n == ONE_BITS)) {
        wr_u16(x->w, vector(x->symbols, n, false));
    } else {
        done = n < TWO_BITS ? n : TWO_BITS;
        wr_u16(x->w, vector(x->symbols, done, true));
    }
    memcpy(kept, x->symbols, sizeof(kept));
    x->pending = 0;
    for (unsigned i = done; i < n; i++) {
        remember(x, kept[i]);
    }
}

/* Would the part still fit with one more status, whose difference has `bytes`? */
static bool fits(const struct rtc_twcc_fb_wr *x, size_t bytes) {
    size_t deltas = x->n_deltas + bytes;
    size_t chunks = 2 * 3; /* what is pending takes two at most, and this one may begin a third */
    return !x->w->bad && deltas <= sizeof(x->deltas) && chunks + deltas + 3 <= wr_left(x->w);
}

static bool put(struct rtc_twcc_fb_wr *x, uint8_t symbol) {
    if (x->n == RTC_TWCC_STATUS_MAX || !fits(x, symbol)) {
        return false;
    }
    while (!joins(x, symbol)) {
        write_chunk(x, false);
    }
    remember(x, symbol);
    x->n++;
    return true;
}

bool rtc_twcc_fb_missing(struct rtc_twcc_fb_wr *x) {
    return put(x, SYMBOL_MISSING);
}

bool rtc_twcc_fb_came(struct rtc_twcc_fb_wr *x, int64_t ticks) {
    int64_t reference = x->begun ? x->ticks : ticks & ~(int64_t)(REFERENCE_TICKS - 1);
    int64_t delta = ticks - reference;
    uint8_t symbol = delta >= 0 && delta <= UINT8_MAX ? SYMBOL_SMALL : SYMBOL_LARGE;
    if (delta < INT16_MIN || delta > INT16_MAX || !put(x, symbol)) {
        return false;
    }
    if (!x->begun) {
        x->begun = true;
        x->reference = (uint32_t)((uint64_t)reference / REFERENCE_TICKS);
    }
    x->ticks = ticks;
    if (symbol == SYMBOL_LARGE) {
        x->deltas[x->n_deltas++] = (uint8_t)((uint16_t)delta >> 8);
    }
    x->deltas[x->n_deltas++] = (uint8_t)delta;
    return true;
}

void rtc_twcc_fb_end(struct rtc_twcc_fb_wr *x, uint8_t count) {
    while (x->pending > 0) {
        write_chunk(x, true);
    }
    wr_bytes(x->w, x->deltas, x->n_deltas);
    wr_zero(x->w, (4 - (wr_len(x->w) - x->at) % 4) % 4);
    if (x->n == 0) {
        x->w->bad = true;
    }
    if (!x->w->bad) {
        uint8_t *head = x->w->start + x->at + HEAD_LEN - 6;
        be16_put(head, x->n);
        be24_put(head + 2, x->reference & ((1U << REFERENCE_BITS) - 1));
        head[5] = count;
    }
    rtc_rtcp_part_end(x->w, x->at);
}
