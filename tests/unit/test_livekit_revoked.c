/* Which tokens are not good any more, for how long, and of how many that is known. */
#include "livekit/revoked.h"

#include "core/mem.h"
#include "rooms/model.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define NOW INT64_C(1700000000)

TEST(livekit_revoked, refuses_what_was_made_before) {
    static const struct {
        const char *name, *room, *identity;
        int64_t made_s, now_s;
        bool revoked;
    } rows[] = {
        { "made before", "r", "alice", NOW - 1, NOW, true },
        { "made then", "r", "alice", NOW, NOW, false },
        { "nobody knows when", "r", "alice", 0, NOW, true },
        { "of somebody else", "r", "bob", NOW - 1, NOW, false },
        { "for another room", "q", "alice", NOW - 1, NOW, false },
        { "the same letters, otherwise", "ra", "lice", NOW - 1, NOW, false },
        { "nearly forgotten", "r", "alice", NOW - 1, NOW + LK_REVOKED_KEPT_S - 1, true },
        { "forgotten", "r", "alice", NOW - 1, NOW + LK_REVOKED_KEPT_S, false },
        { "of the one with a clock of the future", "r", "eve", NOW + LK_REVOKED_AHEAD_S - 1, NOW,
            true },
        { "… who is not shut out for good", "r", "eve", NOW + LK_REVOKED_AHEAD_S, NOW, false },
    };
    struct lk_revoked *r = NULL;
    CHECK(!lk_revoked_has(NULL, "r", "alice", 0, NOW));
    CHECK_ERR(OK, lk_revoked_create(&r));
    CHECK_ERR(OK, lk_revoked_add(r, "r", "alice", NOW - 100, NOW));
    CHECK_ERR(OK, lk_revoked_add(r, "r", "alice", NOW, NOW));
    CHECK_ERR(OK, lk_revoked_add(r, "r", "alice", NOW - 50, NOW)); /* takes nothing back */
    CHECK_ERR(OK, lk_revoked_add(r, "r", "eve", INT64_MAX, NOW));
    FOR_ROWS (rows, row) {
        ROW(row->name);
        CHECK_INT(
            row->revoked, lk_revoked_has(r, row->room, row->identity, row->made_s, row->now_s));
    }
    lk_revoked_destroy(r);
}

TEST(livekit_revoked, forgets_the_oldest_of_too_many) {
    struct lk_revoked *r = NULL;
    char name[32];
    CHECK_ERR(OK, lk_revoked_create(&r));
    for (int i = 0; i <= LK_REVOKED_MAX; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        CHECK_ERR(OK, lk_revoked_add(r, "r", name, NOW, NOW));
        if (i == LK_REVOKED_MAX - 1) {
            CHECK_ERR(OK, lk_revoked_add(r, "r", "n0", NOW, NOW)); /* said again: the youngest */
        }
    }
    CHECK(lk_revoked_has(r, "r", "n0", 0, NOW));
    CHECK(!lk_revoked_has(r, "r", "n1", 0, NOW));
    CHECK(lk_revoked_has(r, "r", "n2", 0, NOW));
    CHECK(lk_revoked_has(r, "r", name, 0, NOW));
    lk_revoked_destroy(r);
}

TEST(livekit_revoked, takes_names_of_every_length) {
    struct lk_revoked *r = NULL;
    char longest[ROOM_IDENTITY_MAX_BYTES + 2];
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    CHECK_ERR(OK, lk_revoked_create(&r));
    CHECK_ERR(OK, lk_revoked_add(r, longest, "a", NOW, NOW));
    CHECK_ERR(OK, lk_revoked_add(r, "r", longest, NOW, NOW));
    CHECK(!lk_revoked_has(r, longest, "a", 0, NOW) && !lk_revoked_has(r, "r", longest, 0, NOW));
    longest[ROOM_IDENTITY_MAX_BYTES] = '\0';
    CHECK_ERR(OK, lk_revoked_add(r, longest, longest, NOW, NOW));
    CHECK(lk_revoked_has(r, longest, longest, 0, NOW));
    lk_revoked_destroy(r);
}

TEST_ALLOC(livekit_revoked, survives_no_memory) {
    struct lk_revoked *r = NULL;
    enum err e = lk_revoked_create(&r);
    for (int i = 0; i < 3 && e == OK; i++) {
        e = lk_revoked_add(r, i == 1 ? "q" : "r", "alice", NOW, NOW);
    }
    lk_revoked_destroy(r);
    return e;
}
