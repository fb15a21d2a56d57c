/*
 * The packets of one layer that may be asked for again: a ring of references, found by sequence
 * number, bounded by count and by age.
 *
 * Thread: the worker whose packets they are. Only rtc_history_create allocates.
 */
#ifndef RTC_HISTORY_H
#define RTC_HISTORY_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pkt;
struct rtc_history;

#define RTC_HISTORY_MAX     4096  /* packets */
#define RTC_HISTORY_LOOK_US 50000 /* between two looks for what is older than the age */

/** For `n` packets, a power of two up to RTC_HISTORY_MAX: 8 bytes each, and 40. Gives *ret. */
MUST_CHECK enum err rtc_history_create(size_t n, int64_t age_us, struct rtc_history **ret);
/** Gives all references back. Takes NULL. */
void rtc_history_destroy(struct rtc_history *h);

/** Keeps a reference of its own to `p`. What is older than the ring reaches, or has its number in
 * the ring already, is not kept. Every RTC_HISTORY_LOOK_US what is older than the age is let go. */
void rtc_history_put(struct rtc_history *h, uint16_t seq, struct pkt *p);

/** The packet of this number, borrowed; NULL when it is not here, or older than the age. */
struct pkt *rtc_history_get(struct rtc_history *h, uint16_t seq, int64_t now_us);

/** Is the number older than all that is here? Those in between may still come. Takes NULL. */
bool rtc_history_is_past(const struct rtc_history *h, uint16_t seq);

/** Gives references back to what is older than the age: call every second or so, else a stream that
 * stopped holds its packets. Takes NULL. */
void rtc_history_expire(struct rtc_history *h, int64_t now_us);

/** Gives all references back and begins again: the stream's numbers have jumped. */
void rtc_history_clear(struct rtc_history *h);

/** Packets held now. */
size_t rtc_history_count(const struct rtc_history *h);

#endif
