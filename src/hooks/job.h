/*
 * One row of news on its way to one receiver. Shared by hooks/sender (which claims them and writes
 * down what became of them), hooks/webhook and hooks/notice (which tell them). Only src/hooks
 * includes this.  Thread: main.
 */
#ifndef HOOKS_JOB_H
#define HOOKS_JOB_H

#include "core/mem.h"
#include "store/news.h"

struct hooks;
struct http_client;
struct hooks_secret;
struct mx_client;

struct hooks_receiver {
    const char *url; /* NULL: the rooms */
    char name[STORE_RECEIVER_SIZE];
    const char *host; /* scheme, host and port, for logs: the rest may be a secret */
    int under_way;
};

struct hooks_job {
    struct hooks *hooks;
    struct hooks_receiver *receiver;
    struct store_claimed_news news; /* texts in the arena */
    struct arena arena;
    bool writing; /* it was told, or not: that is being written down */
    struct hooks_job *prev, *next;
};

/* What a job needs of its surroundings; borrowed. */
struct hooks_means {
    struct http_client *http;
    struct mx_client *client;
    struct hooks_secret *secret;
    int64_t timeout_us;
};
const struct hooks_means *hooks_job_means(const struct hooks_job *j);

/* What came of telling it; each takes j. */
/** A webhook was taken. */
void hooks_job_told(struct hooks_job *j);
/** A notice was sent (`why` NULL), or is not to be. */
void hooks_job_over(struct hooks_job *j, const char *why);
/** It failed, and may be tried again. `why` is written down: no secret. */
void hooks_job_failed(struct hooks_job *j, const char *why, int64_t retry_after_ms);
/** We are going away: it comes due again when its lease ends. */
void hooks_job_drop(struct hooks_job *j);

/* hooks/webhook.c: POSTs it. */
void hooks_webhook_begin(struct hooks_job *j);

/* hooks/notice.c: says it in the room, where that may be. */
void hooks_notice_begin(struct hooks_job *j);
/** Its callbacks are not called any more; j stays the caller's. */
void hooks_notice_forget(struct hooks_job *j);

#endif
