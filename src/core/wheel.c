/* Rings of timers by the tick they are due in; far ones wait in their slot for their round. */
#include "core/wheel.h"

/* A head's `due_us`: nothing in its ring is due before that. */
static void ring_init(struct wheel_timer *head) {
    head->prev = head->next = head;
    head->due_us = INT64_MAX;
}

static void ring_add(struct wheel_timer *head, struct wheel_timer *t) {
    t->prev = head->prev;
    t->next = head;
    head->prev->next = t;
    head->prev = t;
}

static void ring_remove(struct wheel_timer *t) {
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->prev = t->next = NULL;
}

void wheel_init(struct wheel *w, int64_t now_us) {
    for (size_t i = 0; i < WHEEL_SLOTS; i++) {
        ring_init(&w->slots[i]);
    }
    ring_init(&w->firing);
    w->tick = now_us / WHEEL_TICK_US;
    w->armed = 0;
}

void wheel_arm(struct wheel *w, struct wheel_timer *t, int64_t due_us, wheel_fn *fire) {
    wheel_disarm(w, t);
    t->due_us = due_us;
    t->fire = fire;
    /* Rounded up: when its slot is looked at, the time has come. What is overdue is due next. */
    int64_t tick = (due_us + WHEEL_TICK_US - 1) / WHEEL_TICK_US;
    if (tick < w->tick) {
        tick = w->tick;
    }
    struct wheel_timer *head = &w->slots[tick % WHEEL_SLOTS];
    ring_add(head, t);
    head->due_us = due_us < head->due_us ? due_us : head->due_us;
    w->armed++;
}

void wheel_disarm(struct wheel *w, struct wheel_timer *t) {
    if (wheel_is_armed(t)) {
        ring_remove(t);
        w->armed--;
    }
}

bool wheel_is_armed(const struct wheel_timer *t) {
    return t->next != NULL;
}

static void collect(struct wheel *w, struct wheel_timer *head, int64_t now_us) {
    if (head->due_us > now_us) {
        return;
    }
    head->due_us = INT64_MAX;
    for (struct wheel_timer *t = head->next, *next; t != head; t = next) {
        next = t->next;
        if (t->due_us <= now_us) {
            ring_remove(t);
            ring_add(&w->firing, t);
        } else if (t->due_us < head->due_us) {
            head->due_us = t->due_us;
        }
    }
}

void wheel_turn(struct wheel *w, int64_t now_us) {
    int64_t last = now_us / WHEEL_TICK_US;
    if (last < w->tick || w->armed == 0) {
        w->tick = last < w->tick ? w->tick : last + 1;
        return;
    }
    int64_t slots = last - w->tick + 1;
    for (int64_t i = 0; i < slots && i < WHEEL_SLOTS; i++) {
        collect(w, &w->slots[(w->tick + i) % WHEEL_SLOTS], now_us);
    }
    w->tick = last + 1;
    while (w->firing.next != &w->firing) {
        struct wheel_timer *t = w->firing.next;
        ring_remove(t);
        w->armed--;
        t->fire(t, now_us);
    }
}

int64_t wheel_next(const struct wheel *w) {
    if (w->armed == 0) {
        return INT64_MAX;
    }
    for (int64_t i = 0; i < WHEEL_SLOTS; i++) {
        const struct wheel_timer *head = &w->slots[(w->tick + i) % WHEEL_SLOTS];
        if (head->due_us <= (w->tick + i) * WHEEL_TICK_US) { /* else in a later round */
            return (w->tick + i) * WHEEL_TICK_US;
        }
    }
    return (w->tick + WHEEL_SLOTS) * WHEEL_TICK_US;
}
