/*
 * Messages between threads: the only thing that crosses.
 *
 * Any thread posts, one thread (the owner) collects. What is posted belongs to the receiver; the
 * order of one sender's messages is kept. Posting never waits and takes no lock, so that a worker
 * may post in the middle of a turn; a wake-up is asked for only when the box was empty.
 */
#ifndef CORE_MAILBOX_H
#define CORE_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>

/** The head of every message: put it first in the struct that is posted. */
struct mail {
    struct mail *next;
};

/** Called by the posting thread, must be safe from any (uv_async_send is). */
typedef void mailbox_wake_fn(void *arg);

struct mailbox {
    _Atomic(struct mail *) latest; /* newest first */
    mailbox_wake_fn *wake;         /* NULL: the owner looks by itself */
    void *arg;
};

void mailbox_init(struct mailbox *box, mailbox_wake_fn *wake, void *arg);

/** Takes `m`. Thread: any. */
void mailbox_post(struct mailbox *box, struct mail *m);

/** Gives all messages there are, oldest first, linked by `next`; NULL when there are none.
 * Thread: the owner's. */
struct mail *mailbox_collect(struct mailbox *box);

#endif
