/* Choosing among nodes. */
#include "livekit/node_choice.h"

#include <stdint.h>
#include <string.h>

static bool is(const struct store_node *n, const char *name) {
    return strcmp(n->name, name) == 0;
}

static int64_t load(const struct store_node *n) {
    return n->members + INT64_C(1) * LK_NODE_ROOM_WORTH * n->rooms;
}

/* Less for each worker: a / b < c / d without dividing. */
static bool is_lighter(const struct store_node *a, const struct store_node *b) {
    return load(a) * b->workers < load(b) * a->workers;
}

const struct store_node *lk_node_choose(
    const struct store_node *nodes, size_t n, const char *self) {
    const struct store_node *best = NULL;
    for (size_t i = 0; i < n; i++) {
        const struct store_node *x = &nodes[i];
        const bool ours = is(x, self);
        if (!x->alive || x->draining || (!ours && x->inner_url[0] == '\0')) {
            continue;
        }
        if (best == NULL || is_lighter(x, best) || (ours && !is_lighter(best, x))) {
            best = x;
        }
    }
    return best;
}

enum lk_node_standing lk_node_standing_of(
    const struct store_node *nodes, size_t n, const char *name, const char *run) {
    for (size_t i = 0; i < n; i++) {
        if (is(&nodes[i], name) && nodes[i].alive) {
            return strcmp(nodes[i].run, run) == 0 ? LK_NODE_HELD : LK_NODE_REPLACED;
        }
    }
    return LK_NODE_ABSENT;
}

size_t lk_node_others(const struct store_node *nodes, size_t n, const char *name) {
    size_t others = 0;
    for (size_t i = 0; i < n; i++) {
        others += nodes[i].alive && !is(&nodes[i], name) ? 1 : 0;
    }
    return others;
}

enum lk_node_entry lk_node_admit(const struct lk_node_case *c) {
    static const enum lk_node_entry rows[] = { [LK_ROOM_UNKNOWN] = LK_NODE_UNSURE,
        [LK_ROOM_HERE] = LK_NODE_LET_IN,
        [LK_ROOM_ELSEWHERE] = LK_NODE_ELSEWHERE };
    if (c->is_open) {
        return LK_NODE_LET_IN; /* where it is not ours any more, it is ended: not here */
    }
    if (c->replaced) {
        return LK_NODE_NOT_HERE; /* the claims of our name are the other's */
    }
    return c->alone ? LK_NODE_LET_IN : rows[c->where];
}
