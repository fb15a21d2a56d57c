/*
 * A counter as a listener sees it: without the gaps that we made, with those that the publisher
 * had. For sequence numbers and for picture ids, where packets or frames are left out (layers,
 * padding) and streams follow each other (switches).
 *
 *     in     100 101 102 103 104 105 | 7 8 9          102 and 103 dropped, then a switch to 7
 *     out    100 101         102 103 | 104 105 106
 *
 * What comes late must be numbered as it would have been in time, so the last RTC_RENUMBER_MARKS
 * places where the offset changed are kept; what is older than these is refused. So late packets of
 * the stream before a switch have their numbers too. Numbers in are extended (rtc/seq.h), numbers
 * out are extended too: the caller cuts them to their width.
 *
 * Thread: any; the one that owns the listener's stream. Nothing allocates.
 */
#ifndef RTC_RENUMBER_H
#define RTC_RENUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* A run of drops takes one: a VP8 stream of 60 pictures a second without its highest temporal layer
 * makes 30 a second, and resends are asked for within that. */
#define RTC_RENUMBER_MARKS 32

struct rtc_renumber_mark {
    int64_t from;     /* the first number in for which the offset holds */
    int64_t offset;   /* out - in */
    uint32_t dropped; /* numbers just before `from` that were dropped */
    uint32_t stream;  /* since which switch */
};

/** 792 bytes a stream. rtc_renumber_init it. */
struct rtc_renumber {
    int64_t highest; /* in: the newest that was dropped or mapped */
    int64_t out;     /* the newest out */
    uint32_t stream; /* switches so far */
    uint8_t first, n;
    struct rtc_renumber_mark marks[RTC_RENUMBER_MARKS]; /* mostly the first alone */
};

/** The first number that goes out will be `first_out`. */
void rtc_renumber_init(struct rtc_renumber *r, int64_t first_out);

/** A stream (the first, or another one) begins at `in`, which gets the number behind the newest
 * out. What comes before `in` is the stream before's. */
void rtc_renumber_switch(struct rtc_renumber *r, int64_t in);

/** `in` will not go out. False for one that is not the newest: it cannot be taken out any more, and
 * has its number, if rtc_renumber_map knows it; there stays a gap, as if it had been lost. */
bool rtc_renumber_drop(struct rtc_renumber *r, int64_t in);

/** The number of `in`; false when it was dropped, or is too old to be known. */
bool rtc_renumber_map(struct rtc_renumber *r, int64_t in, int64_t *ret_out);
/** The same of the stream before the last switch: of what was sent, or is missing among that. */
bool rtc_renumber_map_past(const struct rtc_renumber *r, int64_t in, int64_t *ret_out);

/** The way back, for a resend that is asked for by its number out: which `in`, of the stream that
 * goes out now or (`ret_past`) of the one before. False when none is known. */
bool rtc_renumber_back(const struct rtc_renumber *r, int64_t out, int64_t *ret_in, bool *ret_past);

#endif
