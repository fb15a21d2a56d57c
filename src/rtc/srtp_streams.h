/*
 * Who has sent what: the receiver's books of one direction. For each SSRC the highest index and a
 * window of what came before it, so that no packet is taken twice.
 *
 * The tables have room for a named number of SSRCs. When all are taken, the one that was silent the
 * longest makes way; a shorter record stays, so that its old packets are still refused. There are
 * as many of these records as there is room; a stream of which none is left counts as new and
 * begins at ROC 0. Only packets whose tag was right get into the books: a forger fills nothing.
 *
 * Memory: 208 bytes a stream (128 of them the window).
 * Thread: the owner's; pure.  See: RFC 3711, 3.3.1, 3.3.2 and 3.4; decision 18.
 */
#ifndef RTC_SRTP_STREAMS_H
#define RTC_SRTP_STREAMS_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_SRTP_WINDOW  1024 /* packets; decision 18: a burst of resent video comes this late */
#define RTC_SRTCP_WINDOW 64   /* packets; RFC 3711, 3.3.2: the least */
#define RTC_SRTP_STREAMS_MAX                                                                       \
    128 /* SSRCs of a participant: 16 tracks of 3 layers, each with RTX, and air */
#define RTC_SRTP_INDEX_END  (UINT64_C(1) << 48) /* packets; RFC 3711, 9.2: then the key is spent */
#define RTC_SRTCP_INDEX_END (UINT32_C(1) << 31)

enum rtc_srtp_verdict {
    RTC_SRTP_OK,
    RTC_SRTP_MALFORMED, /* no RTP or RTCP, or shorter than its head and tag */
    RTC_SRTP_FORGED,    /* the tag is wrong: not from this peer, damaged, or another key */
    RTC_SRTP_REPLAYED,  /* came already */
    RTC_SRTP_OLD,       /* behind the window */
    RTC_SRTP_CLEAR,     /* SRTCP that is not encrypted: nobody agreed to that */
    RTC_SRTP_SPENT,     /* sealing: the key has sealed as many packets as it may */
    RTC_SRTP_NO_ROOM,   /* sealing: the output is too short */
    RTC_SRTP_FAILED,    /* sealing: the library reports a failure */
    RTC_SRTP_VERDICTS
};

struct rtc_srtp_stream;
struct rtc_srtcp_stream;
struct rtc_srtp_streams {
    struct rtc_srtp_stream *streams; /* `room` that are heard, then as many that made way */
    uint64_t (*windows)[RTC_SRTP_WINDOW / 64];
    struct rtc_srtcp_stream *rtcp; /* 2 * room */
    uint32_t tick;                 /* counts packets, to know who was silent the longest */
    uint16_t room;
    uint16_t heard, gone, gone_at, rtcp_heard;
};

/** Starts with no room at all: reserve before anything is noted. */
void rtc_srtp_streams_init(struct rtc_srtp_streams *s);
void rtc_srtp_streams_finish(struct rtc_srtp_streams *s);
/** Makes room for `n` SSRCs and keeps what is known; never less room than before.
 * ERR_LIMIT: more than RTC_SRTP_STREAMS_MAX. */
MUST_CHECK enum err rtc_srtp_streams_reserve(struct rtc_srtp_streams *s, size_t n);
/** Bytes that the tables take now. */
size_t rtc_srtp_streams_bytes(const struct rtc_srtp_streams *s);

/** The index (ROC and sequence number) that a packet most likely has, from `next`: the highest
 * seen, plus one; 0 = none seen. At ROC 0 nothing is taken to be before the beginning. */
static inline uint64_t rtc_srtp_index_guess(uint64_t next, uint16_t seq) {
    if (next == 0) {
        return seq;
    }
    uint64_t roc = (next - 1) >> 16;
    uint16_t top = (uint16_t)(next - 1);
    if (top < 0x8000 && seq > top + 0x8000 && roc > 0) {
        roc--;
    } else if (top >= 0x8000 && seq < top - 0x8000) {
        roc++;
    }
    return roc << 16 | seq;
}

/** Is anything known of this SSRC? While it is not, only one packet of it may be under way. */
bool rtc_srtp_streams_knows(const struct rtc_srtp_streams *s, uint32_t ssrc);
/** Before the tag is checked: what index the packet has, and whether it could be new. */
enum rtc_srtp_verdict rtc_srtp_streams_ask(
    const struct rtc_srtp_streams *s, uint32_t ssrc, uint16_t seq, uint64_t *ret_index);
/** After: notes it. Gives again what `ask` says by now: its twin may have come in between.
 * `ret_gone` is the SSRC that made way; false in `ret_evicted` when none did. */
enum rtc_srtp_verdict rtc_srtp_streams_note(struct rtc_srtp_streams *s, uint32_t ssrc,
    uint64_t index, bool *ret_evicted, uint32_t *ret_gone);

/** The same two for SRTCP. A sender of reports that makes way leaves nothing behind. */
enum rtc_srtp_verdict rtc_srtp_streams_ask_rtcp(
    const struct rtc_srtp_streams *s, uint32_t ssrc, uint32_t index);
void rtc_srtp_streams_note_rtcp(struct rtc_srtp_streams *s, uint32_t ssrc, uint32_t index);

#endif
