/* Voices, packet by packet. */
#include "sfu/speaker.h"
#include "test.h"

#define RATE   48000
#define PACKET 20000 /* microseconds */
#define SECOND 1000000

struct voice {
    struct sfu_speaker s;
    uint32_t ts;
    int64_t now_us;
};

static void say(struct voice *v, uint8_t level, int64_t for_us) {
    for (int64_t t = 0; t < for_us; t += PACKET) {
        v->now_us += PACKET;
        v->ts += RATE / (SECOND / PACKET);
        sfu_speaker_heard(&v->s, level, v->ts, RATE, v->now_us);
    }
}

static uint8_t level_of(const struct voice *v) {
    return sfu_speaker_eighths(&v->s, v->now_us);
}

TEST(sfu_speaker, hears_how_loud_a_voice_is) {
    static const struct {
        const char *name;
        uint8_t level, eighths;
    } rows[] = {
        { "the loudest", 0, 8 },
        { "a shout", 3, 6 },
        { "speech", 12, 3 },
        { "low speech", 20, 1 },
        { "a whisper", 34, 1 },
        { "breath", 36, 0 },
        { "silence", 127, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct voice v = { .now_us = SECOND, .ts = UINT32_MAX - 5000 }; /* wraps on the way */
        say(&v, r->level, 4 * SECOND);
        CHECK_INT(r->eighths, level_of(&v));
    }
}

TEST(sfu_speaker, wants_a_good_part_of_the_window) {
    static const struct {
        const char *name;
        int64_t loud_us;
        bool speaks;
    } rows[] = {
        { "a click", 20000, false },
        { "a cough", 140000, false },
        { "a syllable", 180000, true },
        { "all of it", 400000, true },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct voice v = { .now_us = SECOND };
        say(&v, 127, PACKET);
        for (int i = 0; i < 5; i++) {
            say(&v, 10, r->loud_us);
            say(&v, 127, SFU_SPEAKER_WINDOW_US - r->loud_us);
        }
        CHECK_INT(r->speaks, level_of(&v) > 0);
    }
}

TEST(sfu_speaker, falls_silent) {
    struct voice v = { .now_us = SECOND };
    say(&v, 10, 2 * SECOND);
    CHECK(level_of(&v) > 0);
    ROW("silence is said");
    struct voice muted = v;
    say(&muted, 127, 2 * SECOND);
    CHECK_INT(0, level_of(&muted));
    ROW("packets cease");
    CHECK(sfu_speaker_eighths(&v.s, v.now_us + SFU_SPEAKER_RESET_US) > 0);
    CHECK_INT(0, sfu_speaker_eighths(&v.s, v.now_us + SFU_SPEAKER_RESET_US + 1));
    CHECK(!sfu_speaker_lingers(&v.s, v.now_us + SFU_SPEAKER_RESET_US + 1));
    ROW("and come again: nothing of before is left");
    v.now_us += 2 * SECOND;
    v.ts += 2 * RATE;
    say(&v, 127, PACKET);
    CHECK_INT(0, level_of(&v));
}

TEST(sfu_speaker, keeps_how_long_and_how_loud_it_was) {
    static const struct {
        const char *name;
        uint8_t level;
        int64_t for_us;
        uint32_t spoken_ms;
        int8_t loudest;
    } rows[] = {
        { "silence", 127, 4 * SECOND, 0, -127 },
        { "a faint noise", 60, 4 * SECOND, 0, -60 },
        { "speech", 12, 4 * SECOND, 4000, -12 },
        { "the loudest", 0, 2 * SECOND, 2000, 0 },
        { "a cough", 10, 100000, 0, -10 },
        { "nothing at all", 0, 0, 0, -127 },
    };
    struct voice v = { .now_us = SECOND };
    say(&v, 127, PACKET);
    FOR_ROWS (rows, r) {
        ROW(r->name);
        say(&v, r->level, r->for_us);
        struct sfu_speaker_sum sum = sfu_speaker_take(&v.s);
        CHECK_INT(r->spoken_ms, sum.spoken_ms);
        CHECK_INT(r->loudest, sum.loudest_dbov);
        v.now_us += 2 * SECOND; /* silence without packets; the next begins anew */
        v.ts += 2 * RATE;
        say(&v, 127, PACKET);
        (void)sfu_speaker_take(&v.s);
    }
    ROW("a break does not forget what was before it");
    say(&v, 20, SECOND);
    v.now_us += 2 * SECOND;
    v.ts += 2 * RATE;
    say(&v, 127, SECOND);
    struct sfu_speaker_sum sum = sfu_speaker_take(&v.s);
    CHECK_INT(800, sum.spoken_ms);
    CHECK_INT(-20, sum.loudest_dbov);
}

/* One packet each 400 ms says that there is nothing to hear; loud ones of that kind (a broken
 * client) are 120 ms each at most, too little. */
TEST(sfu_speaker, takes_gaps_for_silence) {
    struct voice v = { .now_us = SECOND };
    say(&v, 10, 2 * SECOND);
    for (int i = 0; i < 8; i++) {
        v.now_us += SFU_SPEAKER_WINDOW_US;
        v.ts += RATE / 10 * 4;
        sfu_speaker_heard(&v.s, 10, v.ts, RATE, v.now_us);
    }
    CHECK_INT(0, level_of(&v));
}

TEST(sfu_speaker, is_not_led_astray) {
    struct voice v = { .now_us = SECOND, .ts = 100000 };
    CHECK_INT(0, level_of(&v));
    CHECK(!sfu_speaker_lingers(&v.s, v.now_us));
    say(&v, 10, 2 * SECOND);
    uint8_t before = level_of(&v);
    ROW("late and repeated packets");
    for (int i = 0; i < 1000; i++) {
        sfu_speaker_heard(&v.s, 127, v.ts - 960, RATE, v.now_us);
        sfu_speaker_heard(&v.s, 127, v.ts, RATE, v.now_us);
    }
    CHECK_INT(before, level_of(&v));
    ROW("a jump of half the circle");
    sfu_speaker_heard(&v.s, 0, v.ts + INT32_MAX, 1, v.now_us);
    CHECK(level_of(&v) <= SFU_SPEAKER_STEPS);
    ROW("no clock");
    sfu_speaker_heard(&v.s, 0, v.ts + INT32_MAX + 960U, 0, v.now_us);
    CHECK(level_of(&v) <= SFU_SPEAKER_STEPS);
}
