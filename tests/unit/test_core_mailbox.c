/* Messages between threads: order, wake-ups, and that none is lost while two threads post. */
#include "core/mailbox.h"

#include "test.h"

#include <uv.h>

struct note {
    struct mail mail;
    int sender, number;
};

static void count(void *arg) {
    atomic_fetch_add((atomic_int *)arg, 1);
}

TEST(core_mailbox, gives_what_was_posted_in_order) {
    atomic_int woken = 0;
    struct mailbox box;
    mailbox_init(&box, count, &woken);
    CHECK(mailbox_collect(&box) == NULL);
    struct note notes[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };
    for (int i = 0; i < 3; i++) {
        mailbox_post(&box, &notes[i].mail);
    }
    CHECK_INT(1, woken);
    int n = 0;
    for (struct mail *m = mailbox_collect(&box); m != NULL; m = m->next) {
        CHECK_INT(n++, ((struct note *)m)->number);
    }
    CHECK_INT(3, n);
    mailbox_post(&box, &notes[0].mail);
    CHECK_INT(2, woken);
    CHECK(mailbox_collect(&box) == &notes[0].mail);
}

enum { SENDERS = 2, EACH = 20000 };

struct sender {
    struct mailbox *box;
    struct note *notes;
    int id;
};

static void send_all(void *arg) {
    struct sender *s = arg;
    for (int i = 0; i < EACH; i++) {
        s->notes[i] = (struct note){ .sender = s->id, .number = i };
        mailbox_post(s->box, &s->notes[i].mail);
    }
}

TEST(core_mailbox, loses_nothing_between_threads) {
    static struct note notes[SENDERS][EACH];
    struct mailbox box;
    mailbox_init(&box, NULL, NULL);
    uv_thread_t threads[SENDERS];
    struct sender senders[SENDERS];
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){ &box, notes[i], i };
        CHECK_INT(0, uv_thread_create(&threads[i], send_all, &senders[i]));
    }
    int next[SENDERS] = { 0 }, got = 0, out_of_order = 0;
    while (got < SENDERS * EACH) {
        for (struct mail *m = mailbox_collect(&box); m != NULL; got++) {
            const struct note *n = (const struct note *)m;
            m = m->next;
            out_of_order += n->number != next[n->sender]++;
        }
    }
    CHECK_INT(0, out_of_order);
    for (int i = 0; i < SENDERS; i++) {
        uv_thread_join(&threads[i]);
    }
    CHECK(mailbox_collect(&box) == NULL);
}
