/* One route: what this process knows, then what the database says. */
#include "api/status.h"

#include "api/admin_auth.h"
#include "api/health.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/router.h"
#include "store/calls.h"

struct api_status {
    struct api_status_config cfg;
    struct store *store; /* NULL = none */
    int64_t began_us;
};

/* A request that waits for the database; lives in the request's arena. */
struct asking {
    const struct api_status *status;
    struct http_request *request;
};

static void print_overview(struct buf *b, const struct store_overview *o) {
    buf_json_key(b, "live_calls");
    if (o == NULL) {
        buf_puts(b, "null");
    } else {
        buf_printf(b, "%lld", (long long)o->live_calls);
    }
    buf_json_key(b, "tasks");
    buf_puts(b, "{");
    for (size_t i = 0; o != NULL && i < o->n_tasks; i++) {
        char at[CLOCK_TEXT_SIZE];
        clock_format(o->tasks[i].at_ms, at);
        buf_json_field(b, o->tasks[i].name, at);
    }
    buf_puts(b, "}");
}

static void answer(
    const struct api_status *s, struct http_request *r, const struct store_overview *o) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    buf_puts(&b, "{");
    buf_json_field(&b, "version", PARLEY_VERSION);
    buf_json_field(&b, "node", s->cfg.node);
    buf_json_int_field(&b, "uptime_ms", (clock_mono_us() - s->began_us) / 1000);
    api_health_print_fields(s->cfg.health, &b);
    print_overview(&b, o);
    buf_puts(&b, "}");
    enum err e = buf_check(&b);
    if (e != OK) {
        http_reply_err(r, e);
        return;
    }
    http_reply_json(r, 200, buf_str(&b));
}

static void on_overview(void *arg, enum err e, const struct store_overview *o) {
    const struct asking *q = arg;
    answer(q->status, q->request, e == OK ? o : NULL);
}

static void allowed(struct http_request *r, void *arg, const char *who) {
    (void)who;
    const struct api_status *s = arg;
    struct asking *q = arena_alloc(http_request_arena(r), sizeof(*q));
    if (q == NULL) {
        http_reply_err(r, err_set(ERR_NOMEM, "out of memory"));
        return;
    }
    *q = (struct asking){ s, r };
    if (s->store == NULL || store_calls_overview(s->store, on_overview, q) != OK) {
        answer(s, r, NULL);
    }
}

static void get_status(struct http_request *r, void *arg) {
    struct api_status *s = arg;
    api_admin_allow(s->cfg.auth, r, allowed, s);
}

static enum err guard(struct http_request *r, void *arg) {
    return api_admin_guard(r, ((const struct api_status *)arg)->cfg.auth);
}

static const struct http_route routes[] = {
    { "GET", "/_parley/admin/v1/status", get_status, 0 },
};

enum err api_status_create(
    struct http_router *router, const struct api_status_config *cfg, struct api_status **ret) {
    struct api_status *s = mem_zalloc(sizeof(*s));
    if (s == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    s->cfg = *cfg;
    s->began_us = clock_mono_us();
    enum err e = http_router_add(router, routes, COUNT_OF(routes), guard, s);
    if (e != OK) {
        mem_free(s);
        return e;
    }
    *ret = s;
    return OK;
}

void api_status_destroy(struct api_status *s) {
    mem_free(s);
}

void api_status_set_store(struct api_status *s, struct store *store) {
    s->store = store;
}
