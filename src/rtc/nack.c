/* Gaps, and asking again: by the clock that the caller hands in. */
#include "rtc/nack.h"

#include "rtc/seq.h"

#include <string.h>

_Static_assert(sizeof(struct rtc_nack) <= 1648, "the header says so");

/* Forgets the first `k`. */
static void drop_first(struct rtc_nack *n, size_t k) {
    n->n = (uint16_t)(n->n - k);
    memmove(n->missing, n->missing + k, n->n * sizeof(n->missing[0]));
}

static void restart(struct rtc_nack *n, uint16_t seq) {
    n->n = 0;
    n->any = true;
    n->any_key = false;
    n->highest = seq;
}

/* Does the newest key frame heal it? */
static bool is_healed(const struct rtc_nack *n, uint16_t seq) {
    return n->any_key && rtc_seq_newer(n->key, seq);
}

/* Notes all between the newest and `seq`. The oldest give way: they are closest to being of no use
 * any more. */
static void note_gap(struct rtc_nack *n, uint16_t seq, size_t gap, int64_t now_us) {
    size_t kept = gap < RTC_NACK_MAX ? gap : RTC_NACK_MAX;
    size_t over = n->n + kept > RTC_NACK_MAX ? n->n + kept - RTC_NACK_MAX : 0;
    bool healed = over > 0 && is_healed(n, n->missing[over - 1].seq);
    n->key_needed |= (over > 0 && !healed) || kept < gap;
    drop_first(n, over);
    for (size_t i = kept; i > 0; i--) {
        n->missing[n->n++] = (struct rtc_nack_missing){ .due_us = now_us + RTC_NACK_FIRST_US,
            .seq = (uint16_t)(seq - i) };
    }
}

static bool remove_missing(struct rtc_nack *n, uint16_t seq) {
    for (size_t i = 0; i < n->n; i++) {
        if (n->missing[i].seq == seq) {
            n->n--;
            memmove(n->missing + i, n->missing + i + 1, (n->n - i) * sizeof(n->missing[0]));
            return true;
        }
    }
    return false;
}

enum rtc_nack_verdict rtc_nack_received(struct rtc_nack *n, uint16_t seq, int64_t now_us) {
    if (!n->any) {
        restart(n, seq);
        return RTC_NACK_NEW;
    }
    int32_t ahead = rtc_seq_diff(seq, n->highest);
    if (ahead > RTC_NACK_JUMP_MAX || ahead < -RTC_NACK_JUMP_MAX) {
        restart(n, seq);
        n->key_needed = true;
        return RTC_NACK_RESTARTED;
    }
    if (ahead <= 0) {
        return remove_missing(n, seq) ? RTC_NACK_RECOVERED : RTC_NACK_OLD;
    }
    if (ahead > 1) {
        note_gap(n, seq, (size_t)ahead - 1, now_us);
    }
    n->highest = seq;
    n->any_key = n->any_key && rtc_seq_diff(seq, n->key) <= RTC_NACK_JUMP_MAX;
    return RTC_NACK_NEW;
}

/* An RTT after the first try, a quarter more after each further one. */
static int64_t wait_after(const struct rtc_nack *n, uint8_t tries) {
    int64_t wait = n->rtt_us > 0 ? n->rtt_us : RTC_NACK_RTT_US;
    for (uint8_t i = 1; i < tries; i++) {
        wait += wait / 4;
    }
    return wait < RTC_NACK_LEAST_US ? RTC_NACK_LEAST_US
                                    : (wait > RTC_NACK_MOST_US ? RTC_NACK_MOST_US : wait);
}

size_t rtc_nack_due(struct rtc_nack *n, int64_t now_us, uint16_t ret[RTC_NACK_MAX]) {
    size_t asked = 0, kept = 0;
    for (size_t i = 0; i < n->n; i++) {
        struct rtc_nack_missing m = n->missing[i];
        if (m.due_us <= now_us && m.tries == RTC_NACK_TRIES_MAX) {
            n->key_needed |= !is_healed(n, m.seq);
            continue;
        }
        if (m.due_us <= now_us) {
            m.tries++;
            m.due_us = now_us + wait_after(n, m.tries);
            ret[asked++] = m.seq;
        }
        n->missing[kept++] = m;
    }
    n->n = (uint16_t)kept;
    return asked;
}

int64_t rtc_nack_next_us(const struct rtc_nack *n) {
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < n->n; i++) {
        next = n->missing[i].due_us < next ? n->missing[i].due_us : next;
    }
    return next;
}

void rtc_nack_key_frame(struct rtc_nack *n, uint16_t seq) {
    n->key = !n->any_key || rtc_seq_newer(seq, n->key) ? seq : n->key;
    n->any_key = true;
}

bool rtc_nack_take_key_needed(struct rtc_nack *n) {
    bool needed = n->key_needed;
    n->key_needed = false;
    return needed;
}
