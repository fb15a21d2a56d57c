/*
 * What one listener's packets say instead of what the publisher's said: numbers without gaps of our
 * making, timestamps that go on across layers, VP8's picture ids likewise.
 *
 * Thread: the room's worker; only init allocates.  See: livekit-protocol.md, 5.1.
 */
#ifndef SFU_REWRITER_H
#define SFU_REWRITER_H

#include "core/err.h"
#include "rtc/codec/vp8_map.h"
#include "rtc/receiver.h"
#include "rtc/renumber.h"
#include "sfu/packet.h"

/* A new layer whose first picture is older than what was sent by more than this must wait. */
#define SFU_BEHIND_MAX_US 50000

/* One of so many ticks stays between frames that are caught up with: a millisecond of 33. */
#define SFU_SQUEEZE_BY 32

/* Which stream a timestamp is of. */
struct sfu_source {
    const struct rtc_receiver *receiver; /* its layer's books; NULL = none */
    int64_t base;                        /* where they begin: they begin anew when numbers jump */
    uint32_t ssrc;
};

struct sfu_rewriter {
    struct rtc_vp8_map *vp8; /* NULL for other codecs */
    uint32_t clock_rate;
    uint32_t ts_offset;         /* out - in, of the current layer */
    uint32_t last_in, last_out; /* timestamps of the newest frame */
    int64_t last_us;            /* when its first packet left; 0 = none has */
    struct sfu_source last_of;  /* the stream that it was of; none: it was made up */
    struct sfu_source source;   /* of the current layer */
    uint32_t squeeze_to; /* of the current layer: timestamps before this one lie closer together */
    enum { SFU_SQUEEZE_NOT, SFU_SQUEEZE_NEXT, SFU_SQUEEZE } squeeze;
    struct {
        uint32_t ts_offset, squeeze_to;
        bool squeeze;
    } past;                  /* before the last switch */
    struct rtc_renumber seq; /* last: most of it is rarely looked at */
};

struct sfu_rewritten {
    uint16_t seq;
    uint32_t ts;
    struct rtc_vp8_ids vp8;
};

/** `first`: the first number out. `vp8`: may the track send it? ERR_NOMEM. */
MUST_CHECK enum err sfu_rewriter_init(
    struct sfu_rewriter *r, uint32_t clock_rate, bool vp8, uint16_t first);
void sfu_rewriter_finish(struct sfu_rewriter *r);

/** Made-up packets (silence) went out before the first real one: number and timestamp of the
 * newest. */
void sfu_rewriter_follow(struct sfu_rewriter *r, uint16_t seq, uint32_t ts, int64_t now_us);

/**
 * A layer begins with this packet: the first, another one, or the same after a pause.
 * @to  the books of the layer, which stay in place for the rewriter's life. Its sender reports and
 *      those of the layer before translate the timestamps; without them the time that went by does
 * False when the packet's picture lies too far behind what was sent: nothing has changed.
 */
bool sfu_rewriter_switch(
    struct sfu_rewriter *r, const struct sfu_packet *p, const struct rtc_receiver *to);

/** The layer that begins next will catch up: what it has before the timestamp `to` went by already,
 * and gets timestamps close before that, in the same order. */
void sfu_rewriter_squeeze(struct sfu_rewriter *r, uint32_t to);

/** The packet is left out. False when it comes too late for that, and those behind it have gone
 * out: then `ret_seq` and `ret_ts` stay empty unless they are filled. True also for what is older
 * than the switch. */
bool sfu_rewriter_drop(
    struct sfu_rewriter *r, const struct sfu_packet *p, uint16_t *ret_seq, uint32_t *ret_ts);

/** What the packet says for this listener; false when it must not go out: it was left out, or is
 * older than the switch. */
bool sfu_rewriter_map(
    struct sfu_rewriter *r, const struct sfu_packet *p, struct sfu_rewritten *ret);

/** The same for a packet of what was sent before the last switch, which comes late or again. */
bool sfu_rewriter_map_past(
    const struct sfu_rewriter *r, const struct sfu_packet *p, struct sfu_rewritten *ret);

/** Which packet (its number, extended) went out by this number: of the current layer or,
 * `ret_past`, of what was sent before the last switch? */
bool sfu_rewriter_back(const struct sfu_rewriter *r, uint16_t out, int64_t *ret_in, bool *ret_past);

#endif
