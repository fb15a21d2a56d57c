/* A question under way.  Thread: main. */
#include "store/question.h"

#include "core/mem.h"

static void end(struct store_question *q) {
    if (q->finish != NULL) {
        q->finish(q);
    }
    mem_free(q);
}

static void answered(void *arg, enum err e, const struct store_answer *a) {
    struct store_question *q = arg;
    store_release(q->c);
    q->told(q, e, a);
    end(q);
}

static void leased(void *arg, enum err e, struct store_connection *c) {
    struct store_question *q = arg;
    if (e != OK) {
        q->told(q, e, NULL);
        end(q);
        return;
    }
    q->c = c;
    store_args_clear(&c->args);
    q->put(q);
    store_query_send(c, answered, q);
}

enum err store_ask(struct store *s, struct store_question *q) {
    enum err e = store_lease(s, leased, q);
    if (e != OK) {
        end(q);
    }
    return e;
}
