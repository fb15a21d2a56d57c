/* Places where the offset changed, oldest first, in a small ring. */
#include "rtc/renumber.h"

#include <assert.h>
#include <string.h>

_Static_assert(sizeof(struct rtc_renumber) <= 792, "the header says so");

static struct rtc_renumber_mark *mark_at(struct rtc_renumber *r, unsigned i) {
    return &r->marks[(r->first + i) % RTC_RENUMBER_MARKS];
}

static const struct rtc_renumber_mark *mark_of(const struct rtc_renumber *r, unsigned i) {
    return &r->marks[(r->first + i) % RTC_RENUMBER_MARKS];
}

static void push(struct rtc_renumber *r, struct rtc_renumber_mark m) {
    if (r->n == RTC_RENUMBER_MARKS) {
        r->first = (uint8_t)((r->first + 1) % RTC_RENUMBER_MARKS);
        r->n--;
    }
    *mark_at(r, r->n) = m;
    r->n++;
}

void rtc_renumber_init(struct rtc_renumber *r, int64_t first_out) {
    memset(r, 0, sizeof(*r));
    r->out = first_out - 1;
}

void rtc_renumber_switch(struct rtc_renumber *r, int64_t in) {
    r->stream++;
    push(r,
        (struct rtc_renumber_mark){ .from = in, .offset = r->out + 1 - in, .stream = r->stream });
    r->highest = in - 1;
}

bool rtc_renumber_drop(struct rtc_renumber *r, int64_t in) {
    assert(r->n > 0);
    if (in <= r->highest) {
        return false;
    }
    struct rtc_renumber_mark *last = mark_at(r, r->n - 1U);
    struct rtc_renumber_mark m = {
        .from = in + 1, .offset = last->offset - 1, .dropped = 1, .stream = r->stream
    };
    if (last->from == in) { /* the run goes on, or nothing went out since the last change */
        m.dropped += last->dropped;
        *last = m;
    } else {
        push(r, m);
    }
    r->highest = in;
    return true;
}

/* By the `n` oldest marks, of which the newest are this stream's. */
static bool map(
    const struct rtc_renumber *r, unsigned n, uint32_t stream, int64_t in, int64_t *ret_out) {
    for (unsigned i = n; i > 0; i--) {
        const struct rtc_renumber_mark *m = mark_of(r, i - 1);
        if (m->stream != stream) {
            return false;
        }
        if (in >= m->from) {
            *ret_out = in + m->offset;
            return true;
        }
        if (in >= m->from - (int64_t)m->dropped) {
            return false;
        }
    }
    return false;
}

bool rtc_renumber_map(struct rtc_renumber *r, int64_t in, int64_t *ret_out) {
    if (!map(r, r->n, r->stream, in, ret_out)) {
        return false;
    }
    r->highest = in > r->highest ? in : r->highest;
    r->out = *ret_out > r->out ? *ret_out : r->out;
    return true;
}

bool rtc_renumber_map_past(const struct rtc_renumber *r, int64_t in, int64_t *ret_out) {
    int64_t first_out = 0; /* of the stream that goes out now */
    unsigned n = r->n;
    while (n > 0 && mark_of(r, n - 1)->stream == r->stream) {
        n--;
        first_out = mark_of(r, n)->from + mark_of(r, n)->offset;
    }
    int64_t out;
    if (!map(r, n, r->stream - 1, in, &out) || out >= first_out) {
        return false;
    }
    *ret_out = out;
    return true;
}

bool rtc_renumber_back(const struct rtc_renumber *r, int64_t out, int64_t *ret_in, bool *ret_past) {
    for (unsigned i = r->n; i > 0 && out <= r->out; i--) {
        const struct rtc_renumber_mark *m = mark_of(r, i - 1);
        if (out - m->offset >= m->from) {
            *ret_in = out - m->offset;
            *ret_past = m->stream != r->stream;
            return m->stream + 1 >= r->stream;
        }
    }
    return false;
}
