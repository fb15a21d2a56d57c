/* A window of numbers. */
#include "sfu/seen.h"
#include "test.h"

TEST(sfu_seen, tells_what_came_before) {
    static const struct {
        const char *name;
        int64_t seqs[6];
        bool fresh[6];
    } rows[] = {
        { "in order", { 70000, 70001, 70002, 70003, 70004, 70005 }, { 1, 1, 1, 1, 1, 1 } },
        { "repeats", { 70000, 70000, 70001, 70000, 70001, 70002 }, { 1, 0, 1, 0, 0, 1 } },
        { "late", { 70000, 70003, 70001, 70002, 70001, 69999 }, { 1, 1, 1, 1, 0, 1 } },
        { "the edge of the window", { 70511, 70000, 69999, 70000, 70512, 70000 },
            { 1, 1, 0, 0, 1, 0 } },
        { "a jump clears all", { 70000, 71024, 70513, 70512, 71024, 70513 }, { 1, 1, 1, 0, 0, 0 } },
        { "a jump by less keeps some", { 70000, 70300, 70000, 70001, 70300, 70299 },
            { 1, 1, 0, 1, 0, 1 } },
        { "the same bits a round later", { 70000, 70512, 70512, 70513, 70001, 70002 },
            { 1, 1, 0, 1, 0, 1 } },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct sfu_seen s = { 0 };
        for (int i = 0; i < 6; i++) {
            CHECK_INT(r->fresh[i], sfu_seen_note(&s, r->seqs[i]));
        }
    }
}
