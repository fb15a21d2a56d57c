/* Opening: the books say which index a packet has and whether it may come, the engine whether it is
 * genuine, and only then the books take it. */
#include "core/cur.h"
#include "core/mem.h"
#include "rtc/srtp.h"

#include <assert.h>
#include <string.h>

#define RTP_HEAD  12
#define RTCP_HEAD 8
#define E_BIT     UINT32_C(0x80000000)

struct rtc_srtp_in {
    struct rtc_seal *seal;
    void *key;
    uint32_t bytes;
    uint8_t tag, rtcp_tag;
    bool gcm;
    struct rtc_srtp_streams streams;
};

/*  0                   1                   2                   3
 *  |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *  |                           timestamp                           |
 *  |                             SSRC                              |
 *  |                        CC times a CSRC                        |
 *  |    X: what kind of extension  |     length in 32-bit words    |  */
size_t rtc_srtp_head_len(const uint8_t *packet, size_t len) {
    if (len < RTP_HEAD || packet[0] >> 6 != 2) {
        return 0;
    }
    size_t head = RTP_HEAD + 4 * (size_t)(packet[0] & 0x0f);
    if ((packet[0] & 0x10) != 0) {
        head += 4;
        if (head > len) {
            return 0;
        }
        head += 4 * (size_t)be16_get(packet + head - 2);
    }
    return head <= len ? head : 0;
}

enum err rtc_srtp_in_create(struct rtc_seal *seal, const struct rtc_srtp_master *master,
    size_t streams, struct rtc_srtp_in **ret) {
    const struct rtc_srtp_sizes *sizes = rtc_srtp_sizes(master->suite);
    size_t bytes = sizeof(struct rtc_srtp_in) + RTC_SEAL_ALIGN - 1 +
                   seal->kind->key_size(master->suite, RTC_SRTP_IN);
    struct rtc_srtp_in *s = mem_zalloc(bytes);
    if (s == NULL) {
        return err_set(ERR_NOMEM, "no memory for an SRTP session");
    }
    s->seal = seal;
    s->key = rtc_seal_align(s + 1);
    s->bytes = (uint32_t)bytes;
    s->tag = sizes->tag;
    s->rtcp_tag = sizes->rtcp_tag;
    s->gcm = sizes->gcm;
    rtc_srtp_streams_init(&s->streams);
    enum err e = rtc_srtp_streams_reserve(&s->streams, streams > 0 ? streams : 1);
    if (e == OK) {
        e = rtc_seal_key_init(seal, s->key, master, RTC_SRTP_IN);
    }
    if (e != OK) {
        rtc_srtp_streams_finish(&s->streams);
        mem_free(s);
        return e;
    }
    *ret = s;
    return OK;
}

void rtc_srtp_in_destroy(struct rtc_srtp_in *s) {
    if (s != NULL) {
        s->seal->kind->key_finish(s->seal->engine, s->key);
        rtc_srtp_streams_finish(&s->streams);
        mem_free(s);
    }
}

enum err rtc_srtp_in_reserve(struct rtc_srtp_in *s, size_t streams) {
    return rtc_srtp_streams_reserve(&s->streams, streams);
}

size_t rtc_srtp_in_bytes(const struct rtc_srtp_in *s) {
    return s->bytes + rtc_srtp_streams_bytes(&s->streams);
}

static uint32_t ssrc_of(const struct rtc_srtp_got *g) {
    return be32_get(g->packet + 8);
}

static enum rtc_srtp_verdict admit(struct rtc_srtp_got *g) {
    size_t head = rtc_srtp_head_len(g->packet, g->len);
    if (head == 0 || head + g->session->tag > g->len) {
        return RTC_SRTP_MALFORMED;
    }
    g->head_len = (uint16_t)head;
    uint16_t seq = be16_get(g->packet + 2);
    return rtc_srtp_streams_ask(&g->session->streams, ssrc_of(g), seq, &g->index);
}

/* The books, and libsrtp2's own, about a packet that was genuine. */
static enum rtc_srtp_verdict take(struct rtc_srtp_got *g) {
    struct rtc_srtp_in *s = g->session;
    bool evicted;
    uint32_t gone = 0;
    enum rtc_srtp_verdict v =
        rtc_srtp_streams_note(&s->streams, ssrc_of(g), g->index, &evicted, &gone);
    if (evicted && s->seal->kind->forget != NULL) {
        s->seal->kind->forget(s->key, gone);
    }
    if (v == RTC_SRTP_OK) {
        g->len -= s->tag;
    }
    return v;
}

/* A genuine packet's twin in the same batch is genuine too, or refused by libsrtp2 itself: in both
 * cases the books know why. */
static enum rtc_srtp_verdict judge(struct rtc_srtp_got *g, bool genuine) {
    uint64_t index;
    uint16_t seq = be16_get(g->packet + 2);
    if (genuine) {
        return take(g);
    }
    enum rtc_srtp_verdict v = rtc_srtp_streams_ask(&g->session->streams, ssrc_of(g), seq, &index);
    return v == RTC_SRTP_OK ? RTC_SRTP_FORGED : v;
}

static size_t run(
    struct rtc_seal *seal, struct rtc_seal_op *ops, struct rtc_srtp_got **queued, size_t n) {
    size_t ok = 0;
    if (n > 0) {
        seal->kind->open(seal->engine, ops, n);
    }
    for (size_t i = 0; i < n; i++) {
        queued[i]->verdict = (uint8_t)judge(queued[i], ops[i].ok);
        ok += queued[i]->verdict == RTC_SRTP_OK;
    }
    return ok;
}

size_t rtc_srtp_open(struct rtc_seal *seal, struct rtc_srtp_got *got, size_t n) {
    struct rtc_seal_op ops[RTC_SEAL_BATCH];
    struct rtc_srtp_got *queued[RTC_SEAL_BATCH];
    size_t waiting = 0, ok = 0;
    for (size_t i = 0; i < n; i++) {
        struct rtc_srtp_got *g = &got[i];
        assert(g->session->seal == seal);
        g->verdict = (uint8_t)admit(g);
        if (g->verdict == RTC_SRTP_MALFORMED) {
            continue;
        }
        /* What is known of the SSRC decides the index, so a first packet goes through alone. */
        bool first = !rtc_srtp_streams_knows(&g->session->streams, ssrc_of(g));
        if (first || waiting == RTC_SEAL_BATCH) {
            ok += run(seal, ops, queued, waiting);
            waiting = 0;
            g->verdict = (uint8_t)admit(g);
        }
        if (g->verdict != RTC_SRTP_OK) {
            continue;
        }
        ops[waiting] = (struct rtc_seal_op){ g->session->key, NULL, g->packet, g->head_len,
            (uint16_t)(g->len - g->head_len - g->session->tag), (uint32_t)(g->index >> 16), false };
        queued[waiting++] = g;
        if (first) {
            ok += run(seal, ops, queued, waiting);
            waiting = 0;
        }
    }
    return ok + run(seal, ops, queued, waiting);
}

enum rtc_srtp_verdict rtc_srtp_open_rtcp(struct rtc_srtp_in *s, uint8_t *packet, size_t *len) {
    size_t growth = (size_t)s->rtcp_tag + RTC_SRTCP_INDEX;
    if (*len < RTCP_HEAD + growth || packet[0] >> 6 != 2) {
        return RTC_SRTP_MALFORMED;
    }
    size_t plain = *len - growth;
    uint32_t trailer = be32_get(packet + plain + (s->gcm ? s->rtcp_tag : 0));
    uint32_t ssrc = be32_get(packet + 4), index = trailer & ~E_BIT;
    if ((trailer & E_BIT) == 0) {
        return RTC_SRTP_CLEAR;
    }
    enum rtc_srtp_verdict v = rtc_srtp_streams_ask_rtcp(&s->streams, ssrc, index);
    if (v != RTC_SRTP_OK) {
        return v;
    }
    if (!s->seal->kind->open_rtcp(s->seal->engine, s->key, packet, plain, trailer)) {
        return RTC_SRTP_FORGED;
    }
    rtc_srtp_streams_note_rtcp(&s->streams, ssrc, index);
    *len = plain;
    return RTC_SRTP_OK;
}
