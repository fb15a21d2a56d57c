/* The rows of call_news on their way out: claiming, and what became of them.  Thread: main. */
#include "store/news.h"

#include "core/mem.h"
#include "store/question.h"
#include "store/tables.h"

#include <assert.h>

struct question {
    struct store_question q;
    struct store_claim claims[STORE_CLAIMS_MAX];
    struct store_claiming claiming;
    struct store_news_outcome outcome;
    store_news_claimed *claimed;
    store_news_done *done;
    void *arg;
};

static struct question *question_of(struct store_question *q) {
    return (struct question *)q;
}

/* NULL when there is no memory for it. */
static struct question *question(void *arg) {
    struct question *q = store_question_make(sizeof(*q));
    if (q != NULL) {
        q->arg = arg;
    }
    return q;
}

/* --- claiming --- */

static void put_claim(const struct question *q, const struct store_claim *claim) {
    struct store_args *args = &q->q.c->args;
    store_args_clear(args);
    store_args_text(args, claim->receiver);
    store_args_time(args, q->claiming.now_ms);
    store_args_time(args, q->claiming.until_ms);
    store_args_int(args, claim->most);
    store_query_put(q->q.c, STORE_CLAIM_NEWS, args);
}

/* The results, in this order: abandoned, counted (if asked for), then a claim each. */
enum { RESULT_COUNT = 1, RESULTS_COUNTING };

static size_t first_claim(const struct question *q) {
    return q->claiming.count ? RESULTS_COUNTING : 0;
}

static void put_count(struct question *q) {
    struct store_args *args = &q->q.c->args;
    const char *known[STORE_CLAIMS_MAX];
    for (size_t i = 0; i < q->claiming.n; i++) {
        known[i] = q->claims[i].receiver;
    }
    store_args_texts(args, known, q->claiming.n);
    store_args_time(args, q->claiming.abandon_ms);
    store_query_put(q->q.c, STORE_ABANDON_NEWS, args);
    store_query_put(q->q.c, STORE_COUNT_NEWS, NULL);
}

static bool claims_any(const struct store_claiming *c) {
    bool any = false;
    for (size_t i = 0; i < c->n; i++) {
        any = any || c->claims[i].most > 0;
    }
    return any;
}

static void put_claims(struct store_question *asked) {
    struct question *q = question_of(asked);
    if (q->claiming.count) {
        put_count(q);
    }
    for (size_t i = 0; i < q->claiming.n; i++) {
        if (q->claims[i].most > 0) {
            put_claim(q, &q->claims[i]);
        }
    }
}

static struct store_claimed_news *read_rows(
    const struct question *q, const struct store_answer *a, struct arena *arena, size_t *ret_n) {
    size_t end = store_answer_count(a);
    size_t n = 0;
    for (size_t r = first_claim(q); r < end; r++) {
        n += store_answer_rows(a, r);
    }
    struct store_claimed_news *rows = arena_array(arena, n, sizeof(*rows));
    size_t at = 0;
    for (size_t r = first_claim(q); rows != NULL && r < end; r++) {
        for (size_t i = 0; i < store_answer_rows(a, r); i++) {
            store_columns_read(
                a, r, i, 0, store_claim_columns, STORE_CLAIM_COLUMNS, &rows[at++], arena);
        }
    }
    *ret_n = n;
    return rows;
}

static void tell_claimed(
    const struct store_question *asked, enum err e, const struct store_answer *a) {
    const struct question *q = (const struct question *)asked;
    bool counted = e == OK && q->claiming.count;
    struct store_news_count count = { 0 };
    struct store_claimed_news *rows = NULL;
    struct arena arena;
    size_t n = 0;
    arena_init(&arena);
    if (counted) {
        count.waiting = store_read_int(a, RESULT_COUNT, 0, 0);
        count.oldest_at = store_read_time(a, RESULT_COUNT, 0, 1);
        count.dead = store_read_int(a, RESULT_COUNT, 0, 2);
    }
    if (e == OK) {
        rows = read_rows(q, a, &arena, &n);
    }
    if (arena.failed) {
        e = err_set(ERR_NOMEM, "out of memory"); /* the lease ends, and they come due again */
    }
    q->claimed(q->arg, e, rows, e == OK ? n : 0, counted ? &count : NULL);
    arena_finish(&arena);
}

enum err store_news_claim(
    struct store *s, const struct store_claiming *c, store_news_claimed *claimed, void *arg) {
    assert(c->n <= STORE_CLAIMS_MAX && (c->count || claims_any(c)));
    struct question *q = question(arg);
    if (q != NULL) {
        q->q.put = put_claims;
        q->q.told = tell_claimed;
        q->claimed = claimed;
        q->claiming = *c;
        for (size_t i = 0; i < c->n; i++) {
            q->claims[i] =
                (struct store_claim){ .receiver = arena_strdup(&q->q.arena, c->claims[i].receiver),
                    .most = c->claims[i].most };
        }
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}

/* --- what became of it --- */

static void put_over(struct store_question *asked) {
    const struct store_news_outcome *o = &question_of(asked)->outcome;
    struct store_args *args = &asked->c->args;
    store_args_int(args, o->seq);
    switch (o->fate) {
    case STORE_NEWS_TOLD_IT:
        store_query_put(asked->c, STORE_NEWS_TOLD, args);
        return;
    case STORE_NEWS_OVER:
        store_args_text(args, o->problem);
        store_query_put(asked->c, STORE_NOTICE_OVER, args);
        return;
    case STORE_NEWS_RETRY:
    case STORE_NEWS_DEAD:
        break;
    }
    store_args_int(args, o->attempts);
    store_args_text(args, o->fate == STORE_NEWS_DEAD ? "dead" : "waiting");
    store_args_time(args, o->due_at);
    store_args_text(args, o->problem);
    store_query_put(asked->c, STORE_NEWS_FAILED, args);
}

static void tell_done(
    const struct store_question *asked, enum err e, const struct store_answer *a) {
    const struct question *q = (const struct question *)asked;
    (void)a;
    q->done(q->arg, e);
}

enum err store_news_end(
    struct store *s, const struct store_news_outcome *o, store_news_done *done, void *arg) {
    struct question *q = question(arg);
    if (q != NULL) {
        q->q.put = put_over;
        q->q.told = tell_done;
        q->outcome = *o;
        q->outcome.problem = arena_strdup(&q->q.arena, o->problem);
        q->done = done;
    }
    return store_ask(s, q == NULL ? NULL : &q->q);
}
