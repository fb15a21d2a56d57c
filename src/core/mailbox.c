/* A stack that many push and one takes whole; turned round by who takes it. */
#include "core/mailbox.h"

#include <stddef.h>

void mailbox_init(struct mailbox *box, mailbox_wake_fn *wake, void *arg) {
    atomic_init(&box->latest, NULL);
    box->wake = wake;
    box->arg = arg;
}

void mailbox_post(struct mailbox *box, struct mail *m) {
    struct mail *latest = atomic_load_explicit(&box->latest, memory_order_relaxed);
    do {
        m->next = latest;
    } while (!atomic_compare_exchange_weak_explicit(
        &box->latest, &latest, m, memory_order_release, memory_order_relaxed));
    if (latest == NULL && box->wake != NULL) {
        box->wake(box->arg);
    }
}

struct mail *mailbox_collect(struct mailbox *box) {
    /* Mostly there is none, and an exchange would lock the line. Who posts just now wakes us. */
    if (atomic_load_explicit(&box->latest, memory_order_relaxed) == NULL) {
        return NULL;
    }
    struct mail *m = atomic_exchange_explicit(&box->latest, NULL, memory_order_acquire);
    struct mail *oldest = NULL;
    while (m != NULL) {
        struct mail *next = m->next;
        m->next = oldest;
        oldest = m;
        m = next;
    }
    return oldest;
}
