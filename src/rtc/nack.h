/*
 * What is missing from one stream that comes in, and when to ask for it again (RFC 4585, 6.2.1).
 *
 * A number that was jumped over is asked for after RTC_NACK_FIRST_US (packets overtake each other),
 * then after an RTT each, growing, and RTC_NACK_TRIES_MAX times at most. What stays away, and what
 * no longer fits into the list, can only be healed by a key frame; rtc_nack_take_key_needed tells
 * once. For audio that means nothing and nobody asks. What is missing before a key frame is asked
 * for all the same, as long as there is room: it may still come in time to be shown.
 *
 * Thread: any; the one that owns the stream. Nothing allocates.
 */
#ifndef RTC_NACK_H
#define RTC_NACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_NACK_MAX       100    /* outstanding numbers: livekit-protocol.md, 5.3 */
#define RTC_NACK_TRIES_MAX 5      /* livekit-protocol.md, 5.3 */
#define RTC_NACK_FIRST_US  10000  /* overtaking within a frame's burst is not loss */
#define RTC_NACK_LEAST_US  20000  /* between two tries: livekit-protocol.md, 5.3 */
#define RTC_NACK_MOST_US   400000 /* livekit-protocol.md, 5.3 */
/* Until an RTT is known. */
#define RTC_NACK_RTT_US 70000
/* A jump this far, either way, is a source that started anew and no loss: RFC 3550, A.1. */
#define RTC_NACK_JUMP_MAX 3000

struct rtc_nack_missing {
    int64_t due_us; /* when to ask next */
    uint16_t seq;
    uint8_t tries;
};

/** 1,648 bytes a stream. Zero it to begin. */
struct rtc_nack {
    struct rtc_nack_missing missing[RTC_NACK_MAX]; /* in the order of sending */
    int64_t rtt_us;                                /* set by the owner; 0 = not known */
    uint16_t n;
    uint16_t highest;
    uint16_t key; /* where the newest key frame begins, once there was one */
    bool any, any_key;
    bool key_needed;
};

enum rtc_nack_verdict {
    RTC_NACK_NEW,       /* the newest so far */
    RTC_NACK_RECOVERED, /* one that was missing */
    RTC_NACK_OLD,       /* neither: a repeat, or it was given up */
    RTC_NACK_RESTARTED  /* a jump: the books begin again at this packet */
};

/** A packet came, resent ones (unwrapped from RTX) too. */
enum rtc_nack_verdict rtc_nack_received(struct rtc_nack *n, uint16_t seq, int64_t now_us);

/** Numbers to ask for now, in the order of sending; how many of `ret`'s RTC_NACK_MAX. Each is taken
 * as asked for. Those without tries left are given up. */
size_t rtc_nack_due(struct rtc_nack *n, int64_t now_us, uint16_t ret[RTC_NACK_MAX]);

/** When rtc_nack_due would next give something; INT64_MAX when nothing is missing. */
int64_t rtc_nack_next_us(const struct rtc_nack *n);

/** A key frame begins at `seq`: what is missing before it can be done without. */
void rtc_nack_key_frame(struct rtc_nack *n, uint16_t seq);

/** Was something given up since the last call? */
bool rtc_nack_take_key_needed(struct rtc_nack *n);

#endif
