/* Frames and gaps. */
#include "sfu/freezes.h"
#include "test.h"

#define MS 1000

static void frames(struct sfu_freezes *f, int64_t *now_us, int n, int64_t gap_us) {
    for (int i = 0; i < n; i++) {
        *now_us += gap_us;
        sfu_freezes_frame(f, *now_us);
    }
}

TEST(sfu_freezes, counts_gaps_that_are_seen) {
    static const struct {
        const char *name;
        int64_t usual_ms, gap_ms;
        uint32_t count;
    } rows[] = {
        { "one frame missing", 33, 67, 0 },
        { "just bearable", 33, 180, 0 },
        { "stands still", 33, 190, 1 },
        { "a second", 33, 1000, 1 },
        { "slides, five a second", 200, 590, 0 },
        { "slides that stand still", 200, 610, 1 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_freezes f = { 0 };
        int64_t now = 1000 * MS;
        frames(&f, &now, 40, r->usual_ms * MS);
        frames(&f, &now, 1, r->gap_ms * MS);
        frames(&f, &now, 40, r->usual_ms * MS);
        CHECK_INT(r->count, f.count);
        CHECK_INT(r->count > 0 ? r->gap_ms * MS : 0, f.total_us);
    }
}

TEST(sfu_freezes, takes_a_pause_for_none) {
    struct sfu_freezes f = { 0 };
    int64_t now = 1000 * MS;
    frames(&f, &now, 40, 33 * MS);
    sfu_freezes_pause(&f);
    frames(&f, &now, 1, 60000 * MS);
    frames(&f, &now, 40, 100 * MS); /* another layer, slower */
    CHECK_INT(0, f.count);
}

TEST(sfu_freezes, learns_another_rate) {
    struct sfu_freezes f = { 0 };
    int64_t now = 1000 * MS;
    frames(&f, &now, 40, 33 * MS);
    frames(&f, &now, 100, 150 * MS);
    frames(&f, &now, 1, 400 * MS);
    CHECK_INT(0, f.count);
    frames(&f, &now, 1, 500 * MS);
    CHECK_INT(1, f.count);
}
