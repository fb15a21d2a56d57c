/*
 * Which news of a call its receivers are told: webhooks of the admin's, and the room itself of a
 * missed call. They follow from what the call was before the batch and what it is now, as the
 * numbers of calls/census do, and are written in the transaction of the batch.  Thread: main; pure.
 */
#ifndef CALLS_NEWS_H
#define CALLS_NEWS_H

#include "core/clock.h"
#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>

struct call_batch;
struct store_changes;

/* In the order in which they are told. */
enum call_news_type {
    CALL_NEWS_STARTED,  /* it began to be shown: invited, or joined by the first */
    CALL_NEWS_ANSWERED, /* answered, or a second user is in */
    CALL_NEWS_MISSED,   /* it rang in vain, or the caller gave up */
    CALL_NEWS_DECLINED,
    CALL_NEWS_ENDED, /* it is over, whatever became of it */
    CALL_NEWS_TYPES
};
/** The bit of a type that settings know as "started" …; 0 = none of them. */
unsigned call_news_bit(const char *setting);

struct call_news_policy {
    const char *const *receivers; /* the webhooks, as store/news.h names them; borrowed */
    size_t n_receivers;
    unsigned types;     /* bits of those that webhooks are told */
    bool missed_notice; /* tell the room of a missed call */
};

#define CALL_NEWS_PEOPLE_MAX                                                                       \
    100 /* users listed with news; how many more there were is a number                            \
         */
/* A call that began and never rang here is told when it is no older: an outage is shorter. */
#define CALL_NEWS_HISTORY_MS DAY_MS
/* A room is not told of a call that was missed longer ago: after an outage it is no news. */
#define CALL_NOTICE_LATE_MS (10 * MIN_MS)

/** Adds the news to what is to be written. ERR_NOMEM. */
MUST_CHECK enum err call_news_collect(struct call_batch *b, struct store_changes *ret);

#endif
