/* The rows of sfu_nodes and sfu_rooms: renewing, claiming, releasing. */
#include "store/nodes.h"

#include "core/mem.h"
#include "store/question.h"
#include "store/tables.h"

struct question {
    struct store_question q;
    struct store_node own;
    bool takes;
    int64_t ms; /* how long a row is good, or how young a claim is that stays */
    const char **aliases;
    size_t n;
    store_nodes_listed *listed;
    store_nodes_placed *placed;
    store_nodes_done *done;
    void *arg;
};

static struct question *question_of(struct store_question *q) {
    return (struct question *)q;
}

/* NULL when there is no memory for it. Texts that a question does not need are NULL. */
static struct question *question(const struct store_node *own, void *arg) {
    struct question *q = store_question_make(sizeof(*q));
    if (q != NULL) {
        q->own = *own;
        q->arg = arg;
        const char **const texts[] = { &q->own.name, &q->own.run, &q->own.url, &q->own.inner_url,
            &q->own.version };
        store_question_keep(&q->q, texts, COUNT_OF(texts));
    }
    return q;
}

/* A question of rooms of one node. */
static struct question *question_of_rooms(
    const char *node, const char *const *aliases, size_t n, void *arg) {
    struct question *q = question(&(struct store_node){ .name = node }, arg);
    if (q == NULL) {
        return NULL;
    }
    q->aliases = arena_array(&q->q.arena, n == 0 ? 1 : n, sizeof(*q->aliases));
    q->n = n;
    for (size_t i = 0; q->aliases != NULL && i < n; i++) {
        q->aliases[i] = arena_strdup(&q->q.arena, aliases[i]);
    }
    return q;
}

static enum err check_n(size_t n) {
    return n <= STORE_NODES_ROOMS_MOST
               ? OK
               : err_set(ERR_LIMIT, "more than %d rooms at once", STORE_NODES_ROOMS_MOST);
}

static void tell_done(
    const struct store_question *asked, enum err e, const struct store_answer *a) {
    const struct question *q = (const struct question *)asked;
    (void)a;
    q->done(q->arg, e);
}

/* --- nodes --- */

enum { BEAT_WRITTEN, BEAT_SWEPT, BEAT_LISTED };

static void put_beat(struct store_question *asked) {
    const struct question *q = question_of(asked);
    struct store_args *args = &asked->c->args;
    const void *row = &q->own;
    store_args_columns(args, store_node_columns, STORE_NODE_OWN_COLUMNS, &row, 1);
    store_args_int(args, q->ms);
    store_args_int(args, q->takes);
    store_query_put(asked->c, STORE_BEAT_NODE, args);
    store_args_clear(args);
    store_args_int(args, STORE_NODES_KEPT_MS);
    store_query_put(asked->c, STORE_SWEEP_NODES, args);
    store_args_clear(args);
    store_args_int(args, STORE_NODES_MOST);
    store_query_put(asked->c, STORE_LIST_NODES, args);
}

static void tell_beat(
    const struct store_question *asked, enum err e, const struct store_answer *a) {
    const struct question *q = (const struct question *)asked;
    struct arena arena;
    arena_init(&arena);
    size_t n = 0;
    struct store_node *rows = NULL;
    if (e == OK) {
        rows = store_question_rows(
            a, BEAT_LISTED, store_node_columns, STORE_NODE_COLUMNS, sizeof(*rows), &arena, &n);
    }
    if (e == OK && arena.failed) {
        e = err_set(ERR_NOMEM, "out of memory");
    }
    q->listed(q->arg, e, e == OK ? rows : NULL, e == OK ? n : 0);
    arena_finish(&arena);
}

enum err store_nodes_beat(struct store *s, const struct store_node *own, int64_t lease_ms,
    bool takes, store_nodes_listed *listed, void *arg) {
    struct question *q = question(own, arg);
    if (q != NULL) {
        q->q.put = put_beat;
        q->q.told = tell_beat;
        q->ms = lease_ms;
        q->takes = takes;
        q->listed = listed;
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}

static void put_leave(struct store_question *asked) {
    const struct question *q = question_of(asked);
    struct store_args *args = &asked->c->args;
    store_args_text(args, q->own.name);
    store_args_text(args, q->own.run);
    store_query_put(asked->c, STORE_DROP_NODE, args);
}

enum err store_nodes_leave(
    struct store *s, const char *name, const char *run, store_nodes_done *done, void *arg) {
    struct question *q = question(&(struct store_node){ .name = name, .run = run }, arg);
    if (q != NULL) {
        q->q.put = put_leave;
        q->q.told = tell_done;
        q->done = done;
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}

/* --- rooms --- */

/* The second statement sees what others have committed while the first one waited for them. */
static void put_claim(struct store_question *asked) {
    const struct question *q = question_of(asked);
    struct store_args *args = &asked->c->args;
    if (q->own.name != NULL) {
        store_args_text(args, q->own.name);
        store_args_texts(args, q->aliases, q->n);
        store_query_put(asked->c, STORE_CLAIM_ROOMS, args);
        store_args_clear(args);
    }
    store_args_texts(args, q->aliases, q->n);
    store_query_put(asked->c, STORE_FIND_ROOMS, args);
}

static void tell_places(
    const struct store_question *asked, enum err e, const struct store_answer *a) {
    const struct question *q = (const struct question *)asked;
    struct arena arena;
    arena_init(&arena);
    size_t n = 0;
    struct store_place *rows = NULL;
    if (e == OK) {
        rows = store_question_rows(a, q->own.name == NULL ? 0 : 1, store_place_columns,
            STORE_PLACE_COLUMNS, sizeof(*rows), &arena, &n);
    }
    if (e == OK && arena.failed) {
        e = err_set(ERR_NOMEM, "out of memory");
    }
    q->placed(q->arg, e, e == OK ? rows : NULL, e == OK ? n : 0);
    arena_finish(&arena);
}

enum err store_nodes_claim(struct store *s, const char *node, const char *const *aliases, size_t n,
    store_nodes_placed *placed, void *arg) {
    TRY(check_n(n));
    struct question *q = question_of_rooms(node, aliases, n, arg);
    if (q != NULL) {
        q->q.put = put_claim;
        q->q.told = tell_places;
        q->placed = placed;
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}

static void put_release(struct store_question *asked) {
    const struct question *q = question_of(asked);
    struct store_args *args = &asked->c->args;
    store_args_text(args, q->own.name);
    store_args_texts(args, q->aliases, q->n);
    store_query_put(asked->c, STORE_RELEASE_ROOMS, args);
}

enum err store_nodes_release(struct store *s, const char *node, const char *const *aliases,
    size_t n, store_nodes_done *done, void *arg) {
    TRY(check_n(n));
    struct question *q = question_of_rooms(node, aliases, n, arg);
    if (q != NULL) {
        q->q.put = put_release;
        q->q.told = tell_done;
        q->done = done;
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}

static void put_release_others(struct store_question *asked) {
    const struct question *q = question_of(asked);
    struct store_args *args = &asked->c->args;
    store_args_text(args, q->own.name);
    store_args_texts(args, q->aliases, q->n);
    store_args_int(args, q->ms);
    store_query_put(asked->c, STORE_RELEASE_OTHER_ROOMS, args);
}

enum err store_nodes_release_others(struct store *s, const char *node, const char *const *aliases,
    size_t n, int64_t fresh_ms, store_nodes_done *done, void *arg) {
    struct question *q = question_of_rooms(node, aliases, n, arg);
    if (q != NULL) {
        q->q.put = put_release_others;
        q->q.told = tell_done;
        q->ms = fresh_ms;
        q->done = done;
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}
