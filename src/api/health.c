/* Three routes over a table of parts. */
#include "api/health.h"

#include "core/buf.h"
#include "core/mem.h"
#include "http/reply.h"
#include "http/router.h"

enum { STATUS_OK = 200, STATUS_UNAVAILABLE = 503 };

static void get_livez(struct http_request *r, void *arg) {
    (void)arg;
    http_reply_json(r, STATUS_OK, "{\"status\":\"ok\"}");
}

bool api_health_print_fields(const struct api_health *h, struct buf *b) {
    bool all = true;
    for (size_t i = 0; i < h->n_parts; i++) {
        all = h->parts[i].ok(h->arg) && all;
    }
    buf_json_field(b, "status", all ? "ok" : "unavailable");
    for (size_t i = 0; i < h->n_parts; i++) {
        bool ok = h->parts[i].ok(h->arg);
        buf_json_field(b, h->parts[i].name, ok ? "ok" : h->parts[i].why);
    }
    return all;
}

bool api_health_print(const struct api_health *h, struct buf *b) {
    buf_puts(b, "{");
    bool all = api_health_print_fields(h, b);
    buf_puts(b, "}");
    return all;
}

void api_health_print_metrics(const struct api_health *h, struct buf *b) {
    buf_puts(b, "# HELP parley_ready What /readyz says of each part: 1 = well.\n"
                "# TYPE parley_ready gauge\n");
    for (size_t i = 0; i < h->n_parts; i++) {
        buf_printf(b, "parley_ready{part=\"%s\"} %d\n", h->parts[i].name, h->parts[i].ok(h->arg));
    }
}

static void get_readyz(struct http_request *r, void *arg) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    bool ready = api_health_print(arg, &b);
    enum err e = buf_check(&b);
    if (e != OK) {
        http_reply_err(r, e);
        return;
    }
    http_reply_json(r, ready ? STATUS_OK : STATUS_UNAVAILABLE, buf_str(&b));
}

static const struct http_route routes[] = {
    { "GET", "/livez", get_livez, 0 },
    { "HEAD", "/livez", get_livez, 0 },
    { "GET", "/readyz", get_readyz, 0 },
    { "HEAD", "/readyz", get_readyz, 0 },
    { "GET", "/healthz", get_readyz, 0 },
    { "HEAD", "/healthz", get_readyz, 0 },
};

enum err api_health_add(const struct api_health *h, struct http_router *router) {
    return http_router_add(router, routes, COUNT_OF(routes), NULL, (void *)(uintptr_t)h);
}
