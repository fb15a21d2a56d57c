/*
 * News of calls on their way to their receivers: the rows of call_news (schema/0009_news.sql).
 *
 * They are written by the unit of work that changed the call (store/calls.h), so they exist exactly
 * when it was committed. Here they are claimed, and told of what became of them. A claim is a
 * lease: a row whose node died comes due again at its end. So each is told at least once, with the
 * same id. Texts are copied. Times are Unix milliseconds.  Thread: main.
 */
#ifndef STORE_NEWS_H
#define STORE_NEWS_H

#include "core/crypto.h"
#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct store;
struct store_news;

#define STORE_NEWS_ROOM     "room" /* the receiver that is the room itself */
#define STORE_RECEIVER_SIZE 17     /* with its NUL */
/** The name of a webhook in call_news: 16 hex digits of SHA-256 over its URL, which may hold a
 * secret. */
void store_news_receiver(const char *url, char ret[STORE_RECEIVER_SIZE]);

#define STORE_NEWS_VERSION 1 /* of the JSON, docs/webhooks.md */
/** Writes the JSON of news; check `b`. */
void store_news_write(struct buf *b, const char *id, const struct store_news *n);

struct store_claimed_news {
    int64_t seq;
    char id[UUID_TEXT_SIZE];
    const char *receiver;
    char session_id[UUID_TEXT_SIZE];
    const char *room_id;
    const char *type;
    int64_t at;   /* when it was written */
    int attempts; /* this one included */
    const char *body;
};

/* What is wanted of one receiver. */
struct store_claim {
    const char *receiver;
    int64_t most;
};
#define STORE_CLAIMS_MAX 16 /* receivers of one question */

#define STORE_NEWS_COUNTED 10000 /* that many = there may be more */
/** What is there to be told over all nodes. */
struct store_news_count {
    int64_t waiting;
    int64_t dead;
    int64_t oldest_at; /* of those waiting; 0 = none */
};

/** Rows and count (NULL unless asked for) are borrowed for the call. */
typedef void store_news_claimed(void *arg, enum err e, const struct store_claimed_news *rows,
    size_t n, const struct store_news_count *count);
/* What is wanted of all receivers: each is named, with `most` 0 where nothing is wanted. */
struct store_claiming {
    const struct store_claim *claims;
    size_t n;
    int64_t now_ms;   /* what is due now is taken ... */
    int64_t until_ms; /* ... for nobody else until then */
    bool count;       /* count, and give up what waits for any other receiver since before: */
    int64_t abandon_ms;
};
/** Takes of what is due; of each call the first alone, so that the order is kept. */
MUST_CHECK enum err store_news_claim(
    struct store *s, const struct store_claiming *c, store_news_claimed *claimed, void *arg);

enum store_news_fate { STORE_NEWS_TOLD_IT, STORE_NEWS_OVER, STORE_NEWS_RETRY, STORE_NEWS_DEAD };
/* What became of a row. */
struct store_news_outcome {
    int64_t seq;
    enum store_news_fate fate;
    int attempts;        /* RETRY, DEAD: of the claim, which must still be the latest */
    int64_t due_at;      /* RETRY */
    const char *problem; /* why; never a secret. NULL = none */
};
typedef void store_news_done(void *arg, enum err e);
/** TOLD_IT: the row goes. OVER: a notice that was sent or is not to be, the row stays so that there
 * is no second one. */
MUST_CHECK enum err store_news_end(
    struct store *s, const struct store_news_outcome *o, store_news_done *done, void *arg);

#endif
