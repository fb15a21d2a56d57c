/*
 * Cursors over bytes of the network, big-endian: `cur` reads, `wr` writes. Both stay inside what
 * they were made of. What does not fit sets `bad`, which sticks: reads give 0 from then on, writes
 * do nothing; so a parser reads field by field and checks once at the end. All length arithmetic
 * over peers' bytes lives here.
 *
 *     struct cur c = cur_make(data, len);
 *     uint16_t type = cur_u16(&c);           one read a statement: C promises no other order
 *     struct cur body = cur_sub(&c, cur_u16(&c));
 *     if (c.bad) { return false; }
 *
 * Loops end with the bytes of a cursor: while (cur_left(&body) > 0) { … }, where every turn reads
 * something or leaves.  Thread: any; nothing here allocates.
 */
#ifndef CORE_CUR_H
#define CORE_CUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* --- fixed places, where the caller has counted the bytes --- */

static inline uint16_t be16_get(const uint8_t *p) {
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t be24_get(const uint8_t *p) {
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t be32_get(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | be24_get(p + 1);
}

static inline uint64_t be64_get(const uint8_t *p) {
    return (uint64_t)be32_get(p) << 32 | be32_get(p + 4);
}

static inline void be16_put(uint8_t *p, uint16_t v) {
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void be24_put(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)(v >> 16);
    be16_put(p + 1, (uint16_t)v);
}

static inline void be32_put(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)(v >> 24);
    be24_put(p + 1, v);
}

static inline void be64_put(uint8_t *p, uint64_t v) {
    be32_put(p, (uint32_t)(v >> 32));
    be32_put(p + 4, (uint32_t)v);
}

/* --- reading --- */

struct cur {
    const uint8_t *p; /* the next byte; borrows as long as the cursor is used */
    const uint8_t *end;
    bool bad; /* something was read past the end */
};

/** `data` may be NULL when `len` is 0. */
static inline struct cur cur_make(const uint8_t *data, size_t len) {
    return (struct cur){ data, len == 0 ? data : data + len, false };
}

static inline size_t cur_left(const struct cur *c) {
    return (size_t)(c->end - c->p);
}

/** The next `n` bytes, borrowed; NULL and bad where there are fewer. `n` 0 may give NULL too. */
static inline const uint8_t *cur_take(struct cur *c, size_t n) {
    if (c->bad || n > cur_left(c)) {
        c->bad = true;
        c->p = c->end;
        return NULL;
    }
    const uint8_t *p = c->p;
    c->p = n == 0 ? p : p + n;
    return p;
}

static inline void cur_skip(struct cur *c, size_t n) {
    (void)cur_take(c, n);
}

static inline uint8_t cur_u8(struct cur *c) {
    const uint8_t *p = cur_take(c, 1);
    return p == NULL ? 0 : p[0];
}

static inline uint16_t cur_u16(struct cur *c) {
    const uint8_t *p = cur_take(c, 2);
    return p == NULL ? 0 : be16_get(p);
}

static inline uint32_t cur_u24(struct cur *c) {
    const uint8_t *p = cur_take(c, 3);
    return p == NULL ? 0 : be24_get(p);
}

static inline uint32_t cur_u32(struct cur *c) {
    const uint8_t *p = cur_take(c, 4);
    return p == NULL ? 0 : be32_get(p);
}

static inline uint64_t cur_u64(struct cur *c) {
    const uint8_t *p = cur_take(c, 8);
    return p == NULL ? 0 : be64_get(p);
}

/** Copies `n` bytes out; where there are fewer, `ret` is zeroed and the cursor bad. */
static inline void cur_bytes(struct cur *c, void *ret, size_t n) {
    const uint8_t *p = cur_take(c, n);
    if (n > 0 && p != NULL) {
        memcpy(ret, p, n);
    } else if (n > 0) {
        memset(ret, 0, n);
    }
}

/** A cursor over the next `n` bytes, which `c` steps over. Where there are fewer both are bad. */
static inline struct cur cur_sub(struct cur *c, size_t n) {
    const uint8_t *p = cur_take(c, n);
    struct cur sub = cur_make(p, p == NULL ? 0 : n);
    sub.bad = c->bad;
    return sub;
}

/* --- writing --- */

struct wr {
    uint8_t *start; /* borrowed from the caller */
    uint8_t *p;
    uint8_t *end;
    bool bad; /* something did not fit; what lies before it stands */
};

/** `data` may be NULL when `cap` is 0. */
static inline struct wr wr_make(uint8_t *data, size_t cap) {
    return (struct wr){ data, data, cap == 0 ? data : data + cap, false };
}

/** Bytes written so far. */
static inline size_t wr_len(const struct wr *w) {
    return (size_t)(w->p - w->start);
}

static inline size_t wr_left(const struct wr *w) {
    return (size_t)(w->end - w->p);
}

/** Room for `n` bytes that the caller fills in now or later; NULL and bad where it does not fit. */
static inline uint8_t *wr_take(struct wr *w, size_t n) {
    if (w->bad || n > wr_left(w)) {
        w->bad = true;
        return NULL;
    }
    uint8_t *p = w->p;
    w->p = n == 0 ? p : p + n;
    return p;
}

static inline void wr_u8(struct wr *w, uint8_t v) {
    uint8_t *p = wr_take(w, 1);
    if (p != NULL) {
        p[0] = v;
    }
}

static inline void wr_u16(struct wr *w, uint16_t v) {
    uint8_t *p = wr_take(w, 2);
    if (p != NULL) {
        be16_put(p, v);
    }
}

static inline void wr_u24(struct wr *w, uint32_t v) {
    uint8_t *p = wr_take(w, 3);
    if (p != NULL) {
        be24_put(p, v);
    }
}

static inline void wr_u32(struct wr *w, uint32_t v) {
    uint8_t *p = wr_take(w, 4);
    if (p != NULL) {
        be32_put(p, v);
    }
}

static inline void wr_u64(struct wr *w, uint64_t v) {
    uint8_t *p = wr_take(w, 8);
    if (p != NULL) {
        be64_put(p, v);
    }
}

static inline void wr_bytes(struct wr *w, const void *bytes, size_t n) {
    uint8_t *p = wr_take(w, n);
    if (p != NULL && n > 0) {
        memcpy(p, bytes, n);
    }
}

/** `n` bytes of zero, as padding is. */
static inline void wr_zero(struct wr *w, size_t n) {
    uint8_t *p = wr_take(w, n);
    if (p != NULL && n > 0) {
        memset(p, 0, n);
    }
}

#endif
