/* Which node gets a room, and who may come in at the wrong one. */
#include "livekit/node_choice.h"

#include "test.h"

#define DOWN       .alive = false
#define UP         .alive = true
#define THERE      .url = "wss://n", .inner_url = "http://n:8090", .run = "1", .version = "0"
#define NODES_MOST 4

TEST(livekit_node_choice, gives_a_room_to_the_least_busy) {
    static const struct {
        const char *name;
        const char *chosen; /* NULL = none */
        struct store_node nodes[NODES_MOST];
    } rows[] = {
        { "nobody", NULL, { { 0 } } },
        { "alone", "a", { { .name = "a", THERE, UP, .workers = 1, .members = 9 } } },
        { "alone, and not to be reached by others", "a",
            { { .name = "a", .url = "u", .inner_url = "", .run = "1", UP, .workers = 1 } } },
        { "equal: we ourselves", "a",
            { { .name = "0", THERE, UP, .workers = 1 }, { .name = "a", THERE, UP, .workers = 1 },
                { .name = "z", THERE, UP, .workers = 1 } } },
        { "equal, and we are not there: the first", "b",
            { { .name = "b", THERE, UP, .workers = 1 },
                { .name = "c", THERE, UP, .workers = 1 } } },
        { "fewer people", "b",
            { { .name = "a", THERE, UP, .workers = 1, .members = 3 },
                { .name = "b", THERE, UP, .workers = 1, .members = 2 } } },
        { "a room counts as two people", "a",
            { { .name = "a", THERE, UP, .workers = 1, .members = 3 },
                { .name = "b", THERE, UP, .workers = 1, .members = 2, .rooms = 1 } } },
        { "more workers", "b",
            { { .name = "a", THERE, UP, .workers = 2, .members = 10 },
                { .name = "b", THERE, UP, .workers = 8, .members = 20 } } },
        { "the least busy is dead", "a",
            { { .name = "a", THERE, UP, .workers = 1, .members = 90 },
                { .name = "b", THERE, DOWN, .workers = 1 } } },
        { "the least busy drains", "a",
            { { .name = "a", THERE, UP, .workers = 1, .members = 90 },
                { .name = "b", THERE, UP, .workers = 1, .draining = true } } },
        { "we drain", "b",
            { { .name = "a", THERE, UP, .workers = 1, .draining = true },
                { .name = "b", THERE, UP, .workers = 1, .members = 90 } } },
        { "the least busy cannot be reached", "a",
            { { .name = "a", THERE, UP, .workers = 1, .members = 90 },
                { .name = "b", .url = "u", .inner_url = "", .run = "1", UP, .workers = 1 } } },
        { "all drain", NULL,
            { { .name = "a", THERE, UP, .workers = 1, .draining = true },
                { .name = "b", THERE, UP, .workers = 1, .draining = true } } },
        { "numbers that a product of ints would not hold", "b",
            { { .name = "a", THERE, UP, .workers = 64, .members = 2000000000 },
                { .name = "b", THERE, UP, .workers = 64, .members = 1999999999 } } },
    };
    FOR_ROWS (rows, r) {
        size_t n = 0;
        while (n < NODES_MOST && r->nodes[n].name != NULL) {
            n++;
        }
        const struct store_node *chosen = lk_node_choose(r->nodes, n, "a");
        CHECK_STR(r->chosen == NULL ? "none" : r->chosen, chosen == NULL ? "none" : chosen->name);
    }
}

TEST(livekit_node_choice, reads_its_own_standing) {
    static const struct {
        const char *name;
        enum lk_node_standing standing;
        size_t others;
        size_t n;
        struct store_node nodes[NODES_MOST];
    } rows[] = {
        { "an empty list", LK_NODE_ABSENT, 0, 0, { { 0 } } },
        { "only others", LK_NODE_ABSENT, 1, 1, { { .name = "b", .run = "1", UP } } },
        { "ours", LK_NODE_HELD, 0, 1, { { .name = "a", .run = "1", UP } } },
        { "ours, over", LK_NODE_ABSENT, 0, 1, { { .name = "a", .run = "1", DOWN } } },
        { "another run", LK_NODE_REPLACED, 0, 1, { { .name = "a", .run = "2", UP } } },
        { "another run, over", LK_NODE_ABSENT, 0, 1, { { .name = "a", .run = "2", DOWN } } },
        { "among others, of whom one is dead", LK_NODE_HELD, 1, 3,
            { { .name = "0", .run = "1", DOWN }, { .name = "a", .run = "1", UP },
                { .name = "b", .run = "1", UP } } },
    };
    FOR_ROWS (rows, r) {
        CHECK_INT(r->standing, lk_node_standing_of(r->nodes, r->n, "a", "1"));
        CHECK_INT(r->others, lk_node_others(r->nodes, r->n, "a"));
    }
}

TEST(livekit_node_choice, lets_in_who_is_at_the_right_node) {
    static const struct {
        const char *name;
        struct lk_node_case c;
        enum lk_node_entry entry;
    } rows[] = {
        { "the room is here", { .is_open = true, .where = LK_ROOM_UNKNOWN }, LK_NODE_LET_IN },
        { "here, and another process has our name", { .is_open = true, .replaced = true },
            LK_NODE_LET_IN },
        { "no other node", { .alone = true }, LK_NODE_LET_IN },
        { "another process has our name", { .alone = true, .replaced = true }, LK_NODE_NOT_HERE },
        { "the claim is ours, after a restart", { .where = LK_ROOM_HERE }, LK_NODE_LET_IN },
        { "the claim is another's", { .where = LK_ROOM_ELSEWHERE }, LK_NODE_ELSEWHERE },
        { "nobody has looked yet", { .where = LK_ROOM_UNKNOWN }, LK_NODE_UNSURE },
    };
    FOR_ROWS (rows, r) {
        CHECK_INT(r->entry, lk_node_admit(&r->c));
    }
}
