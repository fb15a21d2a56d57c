/* One second, doubled with each attempt.  Thread: any; pure. */
#include "hooks/tries.h"

int64_t hooks_try_after(int attempts, uint32_t random, int64_t retry_after_ms) {
    int64_t most = HOOKS_TRY_FIRST_MS;
    for (int i = 1; i < attempts && most < HOOKS_TRY_MOST_MS; i++) {
        most *= 2;
    }
    most = most > HOOKS_TRY_MOST_MS ? HOOKS_TRY_MOST_MS : most;
    int64_t wait = most / 2 + random % (most / 2 + 1);
    int64_t asked = retry_after_ms > HOOKS_TRY_MOST_MS ? HOOKS_TRY_MOST_MS : retry_after_ms;
    return wait > asked ? wait : asked;
}
