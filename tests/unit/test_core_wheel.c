/* Timers in virtual time: never early, at most a tick late, whatever fires what. */
#include "core/wheel.h"

#include "test.h"

#include <stdlib.h>

struct bell {
    struct wheel_timer timer; /* first: a timer's address is its bell's */
    struct wheel *wheel;
    int rung;
    int64_t at_us;
    struct wheel_timer *silences; /* disarmed when this one rings */
    int64_t again_us;             /* armed again so much later */
};

static void ring(struct wheel_timer *t, int64_t now_us) {
    struct bell *b = (struct bell *)t;
    b->rung++;
    b->at_us = now_us;
    if (b->silences != NULL) {
        wheel_disarm(b->wheel, b->silences);
    }
    if (b->again_us > 0) {
        wheel_arm(b->wheel, t, now_us + b->again_us, ring);
    }
}

enum { START = 1000000007 };

TEST(core_wheel, fires_in_time) {
    static const struct {
        const char *name;
        int64_t in_us;
    } rows[] = {
        { "overdue", -5000 },
        { "now", 0 },
        { "in a microsecond", 1 },
        { "in a tick", WHEEL_TICK_US },
        { "just under a round", WHEEL_SLOTS * WHEEL_TICK_US - 1 },
        { "a round", WHEEL_SLOTS * WHEEL_TICK_US },
        { "three rounds and a half", WHEEL_SLOTS * WHEEL_TICK_US * 7 / 2 },
        { "a minute", 60000000 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct wheel w;
        struct bell b = { .wheel = &w };
        wheel_init(&w, START);
        wheel_arm(&w, &b.timer, START + r->in_us, ring);
        int64_t now = START;
        for (int turns = 0; b.rung == 0 && turns < 100000; turns++) {
            int64_t next = wheel_next(&w);
            CHECK(next != INT64_MAX);
            now = next > now ? next : now;
            wheel_turn(&w, now);
            now = b.rung ? now : now + 100;
        }
        CHECK_INT(1, b.rung);
        CHECK(b.at_us >= START + r->in_us);
        CHECK(b.at_us <= START + (r->in_us > 0 ? r->in_us : 0) + 2 * WHEEL_TICK_US);
        CHECK_INT(INT64_MAX, wheel_next(&w));
    }
}

TEST(core_wheel, a_bell_may_silence_another_and_ring_again) {
    struct wheel w;
    wheel_init(&w, START);
    struct bell second = { .wheel = &w };
    struct bell first = { .wheel = &w, .silences = &second.timer, .again_us = 10000 };
    wheel_arm(&w, &first.timer, START + 4000, ring);
    wheel_arm(&w, &second.timer, START + 4000, ring);
    wheel_turn(&w, START + 50000);
    CHECK_INT(1, first.rung);
    CHECK_INT(0, second.rung);
    CHECK(wheel_is_armed(&first.timer) && !wheel_is_armed(&second.timer));
    wheel_turn(&w, START + 70000);
    CHECK_INT(2, first.rung);
    wheel_disarm(&w, &first.timer);
    wheel_disarm(&w, &first.timer);
    CHECK_INT(0, w.armed);
}

TEST(core_wheel, sleeps_over_many_rounds) {
    struct wheel w;
    wheel_init(&w, START);
    struct bell b = { .wheel = &w };
    wheel_turn(&w, START + 3600000000LL);
    wheel_arm(&w, &b.timer, START + 3600000000LL + 30000, ring);
    wheel_turn(&w, START + 7200000000LL);
    CHECK_INT(1, b.rung);
}

/* A slot is shared by timers of many rounds: those of later ones are no reason to wake. */
TEST(core_wheel, wakes_nobody_for_later_rounds) {
    enum {
        BELLS = 100,
        FIRST_US = 10000000,
        APART_US = 7000,
        ROUND_US = WHEEL_SLOTS * WHEEL_TICK_US
    };
    struct wheel w;
    struct bell bells[BELLS] = { 0 };
    wheel_init(&w, START);
    for (int i = 0; i < BELLS; i++) {
        wheel_arm(&w, &bells[i].timer, START + FIRST_US + i * APART_US, ring);
    }
    unsigned turns = 0;
    for (int64_t now = START; w.armed > 0; turns++) {
        int64_t next = wheel_next(&w);
        now = next > now ? next : now + 1;
        wheel_turn(&w, now);
    }
    CHECK(turns <= 2 * BELLS + FIRST_US / ROUND_US + 2);
    for (int i = 0; i < BELLS; i++) {
        CHECK_INT(1, bells[i].rung);
        CHECK(bells[i].at_us - START - FIRST_US - i * APART_US <= WHEEL_TICK_US);
    }
}

TEST(core_wheel, keeps_a_thousand_random_bells) {
    enum { BELLS = 1000 };
    static struct bell bells[BELLS];
    struct wheel w;
    wheel_init(&w, START);
    srand(7);
    for (int i = 0; i < BELLS; i++) {
        bells[i] = (struct bell){ .wheel = &w };
        wheel_arm(&w, &bells[i].timer, START + rand() % 5000000, ring);
    }
    for (int64_t now = START; now <= START + 5010000; now += rand() % 7000) {
        wheel_turn(&w, now);
    }
    wheel_turn(&w, START + 5020000);
    for (int i = 0; i < BELLS; i++) {
        CHECK_INT(1, bells[i].rung);
        CHECK(bells[i].at_us >= bells[i].timer.due_us);
        CHECK(bells[i].at_us <= bells[i].timer.due_us + 7000 + WHEEL_TICK_US);
    }
}
