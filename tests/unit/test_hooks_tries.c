/* Exponential, with jitter, within bounds. */
#include "hooks/tries.h"

#include "test.h"

TEST(hooks_tries, double_up_to_a_bound_and_stray_by_half) {
    static const struct {
        const char *name;
        int attempts;
        int64_t retry_after_ms, least, most;
    } rows[] = {
        { "the first", 1, 0, 500, 1000 },
        { "the second", 2, 0, 1000, 2000 },
        { "the tenth", 10, 0, 256000, 512000 },
        { "the bound", 11, 0, 300000, 600000 },
        { "ever", 1000000, 0, 300000, 600000 },
        { "the receiver asks for more", 1, 30000, 30000, 30000 },
        { "the receiver asks for less", 3, 1, 2000, 4000 },
        { "the receiver asks for a day", 1, 86400000, 600000, 600000 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        int64_t least = INT64_MAX;
        int64_t most = 0;
        for (uint32_t random = 0; random < 4000000; random += 997) {
            int64_t ms = hooks_try_after(r->attempts, random, r->retry_after_ms);
            least = ms < least ? ms : least;
            most = ms > most ? ms : most;
        }
        CHECK(least >= r->least && least <= r->least + r->least / 10);
        CHECK(most <= r->most && most >= r->most - r->most / 10);
    }
}
