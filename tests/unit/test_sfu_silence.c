/* When made-up packets are due, and their numbers. */
#include "sfu/silence.h"
#include "test.h"

#define MS 1000

TEST(sfu_silence, keeps_its_times) {
    static const struct {
        const char *name;
        bool video;
        uint32_t clock_rate;
        int64_t step_ms; /* how often it is asked */
        unsigned packets;
        uint16_t last_seq;
        uint32_t last_ts;
    } rows[] = {
        { "audio", false, 48000, 1, 245, (uint16_t)(65530 + 244), 245 * 960 },
        { "video", true, 90000, 1, 49, (uint16_t)(65530 + 48), 49 * 9000 },
        { "asked rarely: skipped, not sent at once", false, 48000, 100, 49, (uint16_t)(65530 + 48),
            241 * 960 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_silence s;
        unsigned n = 0;
        sfu_silence_begin(&s, r->video, 65530);
        for (int64_t ms = 3000; ms < 10000; ms += r->step_ms) {
            bool due = sfu_silence_due(&s, r->clock_rate, ms * MS);
            CHECK(!due || (ms >= 3100 && ms < 8000));
            n += due;
        }
        CHECK_INT(r->packets, n);
        CHECK_INT(r->last_seq, s.seq);
        CHECK_INT(r->last_ts, s.ts);
        CHECK(!s.on);
    }
}

TEST(sfu_silence, ends_when_something_real_comes) {
    struct sfu_silence s;
    sfu_silence_begin(&s, false, 1);
    CHECK(!sfu_silence_due(&s, 48000, 1000 * MS));
    CHECK(sfu_silence_due(&s, 48000, 1100 * MS));
    sfu_silence_end(&s);
    CHECK(!sfu_silence_due(&s, 48000, 1200 * MS));
}
