/* Windows are rings of bits: the bit of an index is index modulo the window, and what the highest
 * index passes over is cleared. */
#include "rtc/srtp_streams.h"

#include "core/mem.h"

#include <string.h>

struct rtc_srtp_stream {
    uint64_t next; /* highest index taken, plus one */
    uint32_t ssrc;
    uint32_t used; /* the tick of its latest packet */
};

struct rtc_srtcp_stream {
    uint64_t window; /* bit i: `top - i` was taken */
    uint32_t ssrc;
    uint32_t top;
    uint32_t used;
};

#define WORDS (RTC_SRTP_WINDOW / 64)
#define STREAM_BYTES                                                                               \
    (2 * sizeof(struct rtc_srtp_stream) + WORDS * 8 + 2 * sizeof(struct rtc_srtcp_stream))

void rtc_srtp_streams_init(struct rtc_srtp_streams *s) {
    *s = (struct rtc_srtp_streams){ 0 };
}

void rtc_srtp_streams_finish(struct rtc_srtp_streams *s) {
    mem_free(s->streams);
    mem_free(s->windows);
    mem_free(s->rtcp);
    rtc_srtp_streams_init(s);
}

size_t rtc_srtp_streams_bytes(const struct rtc_srtp_streams *s) {
    return s->room * STREAM_BYTES;
}

enum err rtc_srtp_streams_reserve(struct rtc_srtp_streams *s, size_t n) {
    if (n <= s->room) {
        return OK;
    }
    if (n > RTC_SRTP_STREAMS_MAX) {
        return err_set(ERR_LIMIT, "%zu SSRCs, at most %d a transport", n, RTC_SRTP_STREAMS_MAX);
    }
    struct rtc_srtp_streams bigger = *s;
    bigger.room = (uint16_t)n;
    bigger.streams = mem_zalloc(2 * n * sizeof(*bigger.streams));
    bigger.windows = mem_zalloc(n * sizeof(*bigger.windows));
    bigger.rtcp = mem_zalloc(2 * n * sizeof(*bigger.rtcp));
    if (bigger.streams == NULL || bigger.windows == NULL || bigger.rtcp == NULL) {
        rtc_srtp_streams_finish(&bigger);
        return err_set(ERR_NOMEM, "no memory for %zu SSRCs", n);
    }
    if (s->room > 0) {
        memcpy(bigger.streams, s->streams, s->heard * sizeof(*s->streams));
        memcpy(bigger.streams + n, s->streams + s->room, s->gone * sizeof(*s->streams));
        memcpy(bigger.windows, s->windows, s->heard * sizeof(*s->windows));
        memcpy(bigger.rtcp, s->rtcp, s->rtcp_heard * sizeof(*s->rtcp));
    }
    bigger.gone_at = s->gone;
    rtc_srtp_streams_finish(s);
    *s = bigger;
    return OK;
}

/* --- RTP --- */

static struct rtc_srtp_stream *find(struct rtc_srtp_stream *of, size_t n, uint32_t ssrc) {
    for (size_t i = 0; i < n; i++) {
        if (of[i].ssrc == ssrc) {
            return &of[i];
        }
    }
    return NULL;
}

bool rtc_srtp_streams_knows(const struct rtc_srtp_streams *s, uint32_t ssrc) {
    return find(s->streams, s->heard, ssrc) != NULL;
}

static uint64_t bit_of(uint64_t index) {
    return UINT64_C(1) << (index % 64);
}

static enum rtc_srtp_verdict window_ask(const uint64_t *window, uint64_t next, uint64_t index) {
    if (index >= RTC_SRTP_INDEX_END) {
        return RTC_SRTP_OLD;
    }
    if (index >= next) {
        return RTC_SRTP_OK;
    }
    if (next - 1 - index >= RTC_SRTP_WINDOW) {
        return RTC_SRTP_OLD;
    }
    return (window[index / 64 % WORDS] & bit_of(index)) != 0 ? RTC_SRTP_REPLAYED : RTC_SRTP_OK;
}

static void window_clear(uint64_t *window, uint64_t next, uint64_t index) {
    if (index - next >= RTC_SRTP_WINDOW) {
        memset(window, 0, WORDS * sizeof(*window));
        return;
    }
    for (uint64_t i = next; i < index; i++) {
        window[i / 64 % WORDS] &= ~bit_of(i);
    }
}

static enum rtc_srtp_verdict ask_index(
    const struct rtc_srtp_streams *s, uint32_t ssrc, uint64_t index) {
    const struct rtc_srtp_stream *st = find(s->streams, s->heard, ssrc);
    if (st != NULL) {
        return window_ask(s->windows[st - s->streams], st->next, index);
    }
    st = find(s->streams + s->room, s->gone, ssrc);
    return st != NULL && index < st->next ? RTC_SRTP_OLD : RTC_SRTP_OK;
}

enum rtc_srtp_verdict rtc_srtp_streams_ask(
    const struct rtc_srtp_streams *s, uint32_t ssrc, uint16_t seq, uint64_t *ret_index) {
    const struct rtc_srtp_stream *st = find(s->streams, s->heard, ssrc);
    if (st == NULL) {
        st = find(s->streams + s->room, s->gone, ssrc);
    }
    *ret_index = rtc_srtp_index_guess(st == NULL ? 0 : st->next, seq);
    return ask_index(s, ssrc, *ret_index);
}

/* A record of one that made way, in a ring of `room`. */
static void keep_gone(struct rtc_srtp_streams *s, const struct rtc_srtp_stream *st) {
    struct rtc_srtp_stream *gone = s->streams + s->room;
    struct rtc_srtp_stream *same = find(gone, s->gone, st->ssrc);
    if (same != NULL) {
        *same = *st;
        return;
    }
    if (s->gone_at >= s->room) {
        s->gone_at = 0;
    }
    gone[s->gone_at++] = *st;
    if (s->gone < s->gone_at) {
        s->gone = s->gone_at;
    }
}

static struct rtc_srtp_stream *silent_longest(struct rtc_srtp_streams *s) {
    struct rtc_srtp_stream *oldest = s->streams;
    for (size_t i = 1; i < s->heard; i++) {
        if (s->tick - s->streams[i].used > s->tick - oldest->used) {
            oldest = &s->streams[i];
        }
    }
    return oldest;
}

/* A stream that comes back after it had made way begins where it was, with all of its past taken.
 */
static struct rtc_srtp_stream *begin(struct rtc_srtp_streams *s, uint32_t ssrc, uint64_t index,
    bool *ret_evicted, uint32_t *ret_gone) {
    const struct rtc_srtp_stream *back = find(s->streams + s->room, s->gone, ssrc);
    uint64_t next = back != NULL ? back->next : index;
    int past = back != NULL ? 0xff : 0;
    struct rtc_srtp_stream *st = s->streams + s->heard;
    if (s->heard < s->room) {
        s->heard++;
    } else {
        st = silent_longest(s);
        *ret_evicted = true;
        *ret_gone = st->ssrc;
        keep_gone(s, st);
    }
    *st = (struct rtc_srtp_stream){ .ssrc = ssrc, .next = next };
    memset(s->windows[st - s->streams], past, sizeof(s->windows[0]));
    return st;
}

enum rtc_srtp_verdict rtc_srtp_streams_note(struct rtc_srtp_streams *s, uint32_t ssrc,
    uint64_t index, bool *ret_evicted, uint32_t *ret_gone) {
    *ret_evicted = false;
    enum rtc_srtp_verdict v = ask_index(s, ssrc, index);
    if (v != RTC_SRTP_OK) {
        return v;
    }
    struct rtc_srtp_stream *st = find(s->streams, s->heard, ssrc);
    if (st == NULL) {
        st = begin(s, ssrc, index, ret_evicted, ret_gone);
    }
    uint64_t *window = s->windows[st - s->streams];
    if (index >= st->next) {
        window_clear(window, st->next, index);
        st->next = index + 1;
    }
    window[index / 64 % WORDS] |= bit_of(index);
    st->used = ++s->tick;
    return RTC_SRTP_OK;
}

/* --- RTCP --- */

static struct rtc_srtcp_stream *find_rtcp(const struct rtc_srtp_streams *s, uint32_t ssrc) {
    for (size_t i = 0; i < s->rtcp_heard; i++) {
        if (s->rtcp[i].ssrc == ssrc) {
            return &s->rtcp[i];
        }
    }
    return NULL;
}

enum rtc_srtp_verdict rtc_srtp_streams_ask_rtcp(
    const struct rtc_srtp_streams *s, uint32_t ssrc, uint32_t index) {
    const struct rtc_srtcp_stream *st = find_rtcp(s, ssrc);
    if (st == NULL || index > st->top) {
        return RTC_SRTP_OK;
    }
    uint32_t behind = st->top - index;
    if (behind >= RTC_SRTCP_WINDOW) {
        return RTC_SRTP_OLD;
    }
    return (st->window >> behind & 1) != 0 ? RTC_SRTP_REPLAYED : RTC_SRTP_OK;
}

static struct rtc_srtcp_stream *begin_rtcp(
    struct rtc_srtp_streams *s, uint32_t ssrc, uint32_t index) {
    struct rtc_srtcp_stream *st = s->rtcp;
    if (s->rtcp_heard < 2 * s->room) {
        st = s->rtcp + s->rtcp_heard++;
    } else {
        for (size_t i = 1; i < s->rtcp_heard; i++) {
            if (s->tick - s->rtcp[i].used > s->tick - st->used) {
                st = &s->rtcp[i];
            }
        }
    }
    *st = (struct rtc_srtcp_stream){ .ssrc = ssrc, .top = index };
    return st;
}

void rtc_srtp_streams_note_rtcp(struct rtc_srtp_streams *s, uint32_t ssrc, uint32_t index) {
    struct rtc_srtcp_stream *st = find_rtcp(s, ssrc);
    if (st == NULL) {
        st = begin_rtcp(s, ssrc, index);
    }
    if (index > st->top) {
        uint32_t ahead = index - st->top;
        st->window = ahead >= RTC_SRTCP_WINDOW ? 0 : st->window << ahead;
        st->top = index;
    }
    st->window |= UINT64_C(1) << (st->top - index);
    st->used = ++s->tick;
}
