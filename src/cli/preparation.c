/* One try on the thread pool, then either the end or a timer to the next. */
#include "cli/preparation.h"

#include "cli/database.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "store/chain.h"
#include "store/migrate.h"

#include <stdio.h>

#define WAIT_FIRST_MS UINT64_C(250)   /* a database that starts with us is up in a second or two */
#define WAIT_MOST_MS  UINT64_C(10000) /* and the longest nobody notices that it is back */

struct cli_preparation {
    struct cli_preparation_config cfg;
    uv_loop_t *loop;
    uv_timer_t timer;
    uv_work_t work;
    uint64_t wait_ms;
    bool busy;
    bool ended;  /* destroyed: free when nothing is under way */
    bool closed; /* the timer is gone */
    /* What the try found; the thread pool writes it, main reads it afterwards. */
    enum err result;
    char text[512];
    struct store_audit_key *key;
};

/* --- on the thread pool --- */

static void tell_applied(void *arg, const struct store_migration *m) {
    (void)arg;
    LOG_INFO(&log_root, "migration_applied", "name=%s", m->name);
}

static void tell_key_made(void *arg, const char *path) {
    (void)arg;
    LOG_INFO(&log_root, "audit_key_made", "path=%s", LOG_Q(path));
}

static void try_once(uv_work_t *w) {
    struct cli_preparation *p = w->data;
    const struct cli_database_news news = { tell_applied, tell_key_made, NULL };
    p->result = cli_database_prepare(p->cfg.config, &news, &p->key);
    /* The sentence belongs to this thread. */
    snprintf(p->text, sizeof(p->text), "%s", p->result == OK ? "" : err_text());
}

/* --- on main --- */

static void free_when_over(struct cli_preparation *p) {
    if (p->ended && !p->busy && p->closed) {
        store_audit_key_destroy(p->key);
        mem_free(p);
    }
}

static void start_try(struct cli_preparation *p);

static void on_timer(uv_timer_t *t) {
    start_try(t->data);
}

/* Will the same question have another answer later? */
static bool may_pass(enum err e) {
    return e == ERR_DATABASE || e == ERR_TIMEOUT || e == ERR_UNREACHABLE || e == ERR_NOMEM;
}

static void try_over(uv_work_t *w, int status) {
    (void)status; /* we never cancel */
    struct cli_preparation *p = w->data;
    p->busy = false;
    if (p->ended) {
        free_when_over(p);
        return;
    }
    if (!may_pass(p->result)) {
        p->cfg.done(p->cfg.arg, p->result, p->text, STEAL(p->key));
        return;
    }
    p->cfg.waiting(p->cfg.arg, p->text);
    uv_timer_start(&p->timer, on_timer, p->wait_ms, 0);
    p->wait_ms = p->wait_ms * 2 > WAIT_MOST_MS ? WAIT_MOST_MS : p->wait_ms * 2;
}

static void start_try(struct cli_preparation *p) {
    p->busy = uv_queue_work(p->loop, &p->work, try_once, try_over) == 0;
}

enum err cli_preparation_create(
    uv_loop_t *loop, const struct cli_preparation_config *cfg, struct cli_preparation **ret) {
    struct cli_preparation *p = mem_zalloc(sizeof(*p));
    if (p == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    p->cfg = *cfg;
    p->loop = loop;
    p->work.data = p;
    p->wait_ms = WAIT_FIRST_MS;
    uv_timer_init(loop, &p->timer);
    p->timer.data = p;
    start_try(p);
    *ret = p;
    return OK;
}

bool cli_preparation_busy(const struct cli_preparation *p) {
    return p != NULL && p->busy;
}

static void timer_closed(uv_handle_t *h) {
    struct cli_preparation *p = h->data;
    p->closed = true;
    free_when_over(p);
}

void cli_preparation_destroy(struct cli_preparation *p) {
    if (p != NULL) {
        p->ended = true;
        uv_close((uv_handle_t *)&p->timer, timer_closed);
    }
}
