/* Protobuf's wire format, stepped over. */
#include "sfu/datapacket.h"

#include "sfu/control.h"

#include <string.h>

enum wire { WIRE_VARINT, WIRE_8_BYTES, WIRE_BYTES, WIRE_4_BYTES = 5 };

#define VARINT_MOST 10 /* bytes */

/* Of DataPacket and UserPacket. */
enum {
    KIND = 1,
    IDENTITY = 4,
    TO = 5,
    SEQUENCE = 16,
    SID = 17,
    USER_SID = 1,
    USER_TO_SIDS = 3,
    USER_IDENTITY = 5,
    USER_TO = 6
};

struct field {
    uint32_t number;
    enum wire wire;
    struct cur whole; /* with its tag */
    struct cur body;  /* of WIRE_BYTES */
    uint64_t value;   /* of WIRE_VARINT */
};

/* --- reading --- */

static uint64_t varint(struct cur *c) {
    uint64_t v = 0;
    for (unsigned i = 0; i < VARINT_MOST; i++) {
        uint8_t b = cur_u8(c);
        v |= (uint64_t)(b & 0x7f) << (7 * i);
        if (b < 0x80) {
            return v;
        }
    }
    c->bad = true;
    return 0;
}

/* False at the end, and where `c` is bad. */
static bool next_field(struct cur *c, struct field *f) {
    const uint8_t *start = c->p;
    if (c->bad || cur_left(c) == 0) {
        return false;
    }
    uint64_t tag = varint(c);
    f->number = (uint32_t)(tag >> 3);
    f->wire = (enum wire)(tag & 7);
    c->bad = c->bad || tag >> 32 != 0 || f->number == 0;
    switch (f->wire) {
    case WIRE_VARINT:
        f->value = varint(c);
        break;
    case WIRE_8_BYTES:
        cur_skip(c, 8);
        break;
    case WIRE_4_BYTES:
        cur_skip(c, 4);
        break;
    case WIRE_BYTES: {
        uint64_t n = varint(c);
        f->body = cur_sub(c, n > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)n);
        break;
    }
    default: /* groups: nobody has sent any for ten years */
        c->bad = true;
    }
    if (c->bad) {
        return false;
    }
    f->whole = cur_make(start, (size_t)(c->p - start));
    return true;
}

static bool is_text(const struct field *f, uint32_t number) {
    return f->number == number && f->wire == WIRE_BYTES;
}

static bool read_user(struct cur body, struct sfu_datapacket *p) {
    struct field f;
    unsigned n = 0;
    while (next_field(&body, &f)) {
        p->n_user_to += is_text(&f, USER_TO);
        p->n_sids += is_text(&f, USER_TO_SIDS);
        if (++n > SFU_DATAPACKET_FIELDS_MOST) {
            return false;
        }
    }
    return !body.bad;
}

bool sfu_datapacket_read(const uint8_t *data, size_t len, struct sfu_datapacket *ret) {
    struct sfu_datapacket p = { .data = data, .len = len };
    struct cur c = cur_make(data, len);
    struct field f;
    unsigned n = 0, users = 0;
    while (next_field(&c, &f)) {
        if (f.number == SEQUENCE && f.wire == WIRE_VARINT) {
            p.sequence = (uint32_t)f.value;
        }
        p.n_to += is_text(&f, TO);
        p.for_nobody = p.for_nobody || f.number == SFU_DATAPACKET_SPEAKER ||
                       f.number == SFU_DATAPACKET_METRICS;
        p.transcription = p.transcription || f.number == SFU_DATAPACKET_TRANSCRIPTION;
        if (is_text(&f, SFU_DATAPACKET_USER) && (++users > 1 || !read_user(f.body, &p))) {
            return false; /* two of them would be merged by who reads them: nobody sends that */
        }
        if (++n > SFU_DATAPACKET_FIELDS_MOST) {
            return false;
        }
    }
    if (c.bad) {
        return false;
    }
    *ret = p;
    return true;
}

static bool says(const struct field *f, const char *name) {
    size_t n = strlen(name);
    return cur_left(&f->body) == n && n > 0 && memcmp(f->body.p, name, n) == 0;
}

/* Does the message name `name` in a field of that number? */
static bool names(struct cur c, uint32_t number, const char *name) {
    struct field f;
    while (next_field(&c, &f)) {
        if (is_text(&f, number) && says(&f, name)) {
            return true;
        }
    }
    return false;
}

static struct cur user_of(const struct sfu_datapacket *p) {
    struct cur c = cur_make(p->data, p->len);
    struct field f;
    while (next_field(&c, &f)) {
        if (is_text(&f, SFU_DATAPACKET_USER)) {
            return f.body;
        }
    }
    return cur_make(NULL, 0);
}

bool sfu_datapacket_is_for(const struct sfu_datapacket *p, const char *identity, const char *sid) {
    if (p->n_to == 0 && p->n_user_to == 0 && p->n_sids == 0) {
        return true;
    }
    return (p->n_to > 0 && names(cur_make(p->data, p->len), TO, identity)) ||
           (p->n_to == 0 && p->n_user_to > 0 && names(user_of(p), USER_TO, identity)) ||
           (p->n_sids > 0 && names(user_of(p), USER_TO_SIDS, sid));
}

bool sfu_datapacket_is_for_server(const struct sfu_datapacket *p) {
    const size_t n = sizeof(SFU_SERVER_PREFIX) - 1;
    struct cur c = cur_make(p->data, p->len);
    struct field f;
    while (p->n_to > 0 && next_field(&c, &f)) {
        if (is_text(&f, TO) && cur_left(&f.body) >= n &&
            memcmp(f.body.p, SFU_SERVER_PREFIX, n) == 0) {
            return true;
        }
    }
    return false;
}

/* --- writing --- */

static size_t varint_len(uint64_t v) {
    size_t n = 1;
    while (v >= 0x80) {
        v >>= 7;
        n++;
    }
    return n;
}

static void put_varint(struct wr *w, uint64_t v) {
    while (v >= 0x80) {
        wr_u8(w, (uint8_t)(v | 0x80));
        v >>= 7;
    }
    wr_u8(w, (uint8_t)v);
}

static void put_bytes(struct wr *w, uint32_t number, const void *bytes, size_t n) {
    put_varint(w, (uint64_t)number << 3 | WIRE_BYTES);
    put_varint(w, n);
    wr_bytes(w, bytes, n);
}

/* An empty text is left out, as proto3 has it. */
static void put_text(struct wr *w, uint32_t number, const char *text) {
    if (text[0] != 0) {
        put_bytes(w, number, text, strlen(text));
    }
}

/* The fields `from` of a message, as fields `to`. */
static void put_again(struct wr *w, struct cur c, uint32_t from, uint32_t to) {
    struct field f = { 0 }; /* gcc -O3 does not see that next_field fills it */
    while (next_field(&c, &f)) {
        if (is_text(&f, from)) {
            put_bytes(w, to, f.body.p, cur_left(&f.body));
        }
    }
}

static void put_user_body(struct wr *w, const struct sfu_datapacket *p, struct cur body,
    const struct sfu_datapacket_sender *sender) {
    struct field f;
    while (next_field(&body, &f)) {
        if (f.number != USER_SID && f.number != USER_IDENTITY) {
            wr_bytes(w, f.whole.p, cur_left(&f.whole));
        }
    }
    put_text(w, USER_SID, sender->sid);
    put_text(w, USER_IDENTITY, sender->identity);
    if (p->n_user_to == 0) {
        put_again(w, cur_make(p->data, p->len), TO, USER_TO);
    }
}

/* Its length stands before it: the body is written first, behind the longest length there is, and
 * moved to where it belongs. */
static void put_user(struct wr *w, const struct sfu_datapacket *p, struct cur body,
    const struct sfu_datapacket_sender *sender) {
    put_varint(w, SFU_DATAPACKET_USER << 3 | WIRE_BYTES);
    struct wr later = *w;
    size_t most = varint_len(wr_left(w));
    (void)wr_take(&later, most);
    uint8_t *start = later.p;
    put_user_body(&later, p, body, sender);
    size_t n = (size_t)(later.p - start);
    if (w->bad || later.bad) {
        w->bad = true;
        return;
    }
    put_varint(w, n);
    memmove(w->p, start, n);
    (void)wr_take(w, n);
}

size_t sfu_datapacket_write(const struct sfu_datapacket *p,
    const struct sfu_datapacket_sender *sender, uint8_t *out, size_t cap) {
    struct wr w = wr_make(out, cap);
    struct cur c = cur_make(p->data, p->len);
    struct field f;
    if (sender->lossy) {
        wr_u8(&w, KIND << 3 | WIRE_VARINT);
        wr_u8(&w, 1);
    }
    while (next_field(&c, &f)) {
        if (is_text(&f, SFU_DATAPACKET_USER)) {
            put_user(&w, p, f.body, sender);
        } else if (f.number != KIND && f.number != IDENTITY && f.number != SID) {
            wr_bytes(&w, f.whole.p, cur_left(&f.whole));
        }
    }
    if (p->n_to == 0 && p->n_user_to > 0) {
        put_again(&w, user_of(p), USER_TO, TO);
    }
    put_text(&w, IDENTITY, sender->identity);
    put_text(&w, SID, sender->sid);
    return w.bad ? 0 : wr_len(&w);
}
