/*
 * A worker of the SFU with two people in a room, whose packets are the fuzzer's: sealed with their
 * keys, so that they reach what lies behind SRTP, or as they are.
 *
 * Input: steps of | what (8) | length (8) | bytes |. Whatever they are, at the end everything is
 * given back, and no number of a listener's stream carried two different packets.
 */
#include "fuzz.h"
#include "sim/world.h"
#include "unit/test.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 64
#define SETUP_US  300000
#define SSRCS     8  /* of the publisher's, and one of nobody's */
#define FEW       20 /* RTP packets by which a listener's numbers cannot have gone once round */

/* The world speaks by the unit tests' harness; here whatever it finds ends the program. */
void test_fail(const char *file, int line, const char *fmt, ...) {
    (void)fprintf(stderr, "%s:%d: %s\n", file, line, fmt);
    abort();
}

void test_check_int(const char *file, int line, int64_t want, int64_t got) {
    if (want != got) {
        test_fail(file, line, "another number");
    }
}

struct call {
    struct world *w;
    struct world_client *a, *b;
    struct world_track *voice, *face;
    struct peer_sink *hears, *sees;
    struct rtc_srtp_sender senders[SSRCS];
    uint32_t ssrcs[SSRCS];
    unsigned rtp;
};

static const struct world_kind microphone = { .layers = 1, .muted = true };
static const struct world_kind simulcast = { .video = true, .layers = 3, .muted = true };

static void begin(struct call *c, struct world *w) {
    *c = (struct call){ .w = w, .a = world_join(w, 0), .b = world_join(w, 1) };
    world_run(w, SETUP_US);
    c->voice = world_publish(c->a, 0, &microphone);
    c->face = world_publish(c->a, 1, &simulcast);
    c->hears = world_subscribe(c->b, c->voice, NULL);
    c->sees = world_subscribe(c->b, c->face, NULL);
    world_run(w, 1000);
    c->ssrcs[0] = c->voice->params.encodings[0].ssrc;
    for (unsigned i = 0; i < 3; i++) {
        c->ssrcs[1 + i] = c->face->params.encodings[i].ssrc;
        c->ssrcs[4 + i] = c->face->params.encodings[i].rtx_ssrc;
    }
    c->ssrcs[7] = 0x7777;
}

/* --- steps: each borrows its bytes, which it may change --- */

static void say_rtp(struct call *c, uint8_t *data, size_t len) {
    if (len < 12) {
        return;
    }
    unsigned who = data[8] % SSRCS;
    data[0] = (uint8_t)(0x80 | (data[0] & 0x3f));
    be32_put(data + 8, c->ssrcs[who]);
    size_t head = rtc_srtp_head_len(data, len);
    if (head > 0) {
        c->rtp++;
        (void)peer_connection_rtp(c->a->peer, &c->senders[who], data, head, len);
    }
}

static void say_rtcp(struct world_client *who, uint32_t about, uint8_t *data, size_t len) {
    if (len < 8) {
        return;
    }
    data[0] = (uint8_t)(0x80 | (data[0] & 0x1f));
    data[1] = (uint8_t)(200 + data[1] % 8);
    be16_put(data + 2, (uint16_t)(len / 4 - 1));
    if (len >= 12) {
        be32_put(data + (data[1] < 202 ? 4 : 8), about);
    }
    (void)peer_connection_rtcp(who->peer, data, len / 4 * 4);
}

static void report(struct call *c, uint8_t *data, size_t len) {
    say_rtcp(c->a, c->ssrcs[len % SSRCS], data, len);
}

static void feed_back(struct call *c, uint8_t *data, size_t len) {
    say_rtcp(c->b, (len % 2 ? c->hears : c->sees)->cfg.ssrc, data, len);
}

static void inject(struct call *c, const struct rtc_ice_path *from, uint8_t *data, size_t len) {
    net_send(&c->w->net, from, true, data, len, c->w->now_us);
}

static void say_raw(struct call *c, uint8_t *data, size_t len) {
    inject(c, &c->a->path, data, len);
}

static void stranger(struct call *c, uint8_t *data, size_t len) {
    struct rtc_ice_path from = c->a->path;
    from.peer.port = (uint16_t)(from.peer.port + len + 1);
    inject(c, &from, data, len);
}

static void want(struct call *c, uint8_t *data, size_t len) {
    struct sfu_wanted wanted = { .spatial = 2 };
    if (len >= 3) {
        wanted = (struct sfu_wanted){ .disabled = data[0] & 1,
            .spatial = data[0] >> 6,
            .fps = data[1],
            .width = data[2] * 8,
            .height = data[2] * 4 };
    }
    world_want(c->b, len % 2 ? c->hears : c->sees, &wanted);
    sfu_track_mute(c->w->sfu, c->face->id, len > 0 && data[0] & 2);
}

static void renegotiate(struct call *c, uint8_t *data, size_t len) {
    struct rtc_rtp_params p = len % 2 ? c->face->params : world_described(c->face);
    for (size_t i = 0; i < len; i++) {
        if (i < RTC_EXT_COUNT) {
            p.ext[i] = data[i];
        } else if (i < RTC_EXT_COUNT + 3) {
            p.encodings[i - RTC_EXT_COUNT].ssrc = c->ssrcs[data[i] % SSRCS];
        } else if (i < RTC_EXT_COUNT + 5) {
            *(i % 2 ? &p.codecs[0].pt : &p.codecs[0].rtx_pt) = data[i] & 0x7f;
        }
    }
    sfu_track_update(c->w->sfu, c->face->id, &p);
}

static void wait(struct call *c, uint8_t *data, size_t len) {
    (void)data;
    world_run(c->w, (int64_t)len * 5000);
}

static void listen_again(struct call *c, uint8_t *data, size_t len) {
    (void)data;
    struct world_listener listener = { .wanted.spatial = (uint8_t)(len % 3), .no_rtx = len % 2 };
    world_unsubscribe(c->b, c->sees);
    c->sees = world_subscribe_as(c->b, c->face, &listener);
}

static void (*const steps[])(struct call *, uint8_t *, size_t) = { say_rtp, say_rtp, report,
    feed_back, say_raw, stranger, want, renegotiate, wait, listen_again };

/* --- */

static struct world *the_world(void) {
    static struct world *w; /* one for all inputs: its certificates take longer than they do */
    if (w == NULL) {
        w = world_create(1);
    }
    return w;
}

static void check_empty(struct world *w) {
    const struct sfu_worker *worker = w->sfu->seats[0].worker;
    struct pkt_stats packets;
    pkt_pool_stats(w->media->pool, &packets);
    for (unsigned i = 0; i < SFU_TYPES; i++) {
        assert(worker->registry.counts[i] == (i == SFU_ROOM));
    }
    assert(packets.in_use == 0 && w->media->n_transports == 0 && w->media->n_handshakes == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct world *w = the_world();
    struct cur in = cur_make(data, len);
    struct call c;
    begin(&c, w);
    for (unsigned i = 0; i < STEPS_MAX && cur_left(&in) >= 2; i++) {
        uint8_t bytes[UINT8_MAX] = { 0 };
        uint8_t what = cur_u8(&in);
        size_t n = cur_u8(&in);
        n = n < cur_left(&in) ? n : cur_left(&in);
        if (n > 0) {
            memcpy(bytes, cur_take(&in, n), n);
        }
        steps[what % COUNT_OF(steps)](&c, bytes, n);
        world_run(w, 1000);
    }
    world_run(w, 50000);
    assert(c.rtp > FEW || w->reused == 0);
    w->reused = 0;
    world_leave(c.a);
    world_leave(c.b);
    world_run(w, 20000);
    check_empty(w);
    return 0;
}
