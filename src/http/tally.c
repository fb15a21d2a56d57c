/* The door's metrics. */
#include "http/tally.h"

#include "core/mem.h"
#include "core/metrics.h"

#define REFUSED(label)                                                                             \
    METRIC_INIT(METRIC_KIND_COUNTER, "parley_http_refused_total", "reason=\"" label "\"",          \
        "Connections and requests turned away at the door.")
#define REQUESTS(label)                                                                            \
    METRIC_INIT(METRIC_KIND_COUNTER, "parley_http_requests_total", "status=\"" label "\"",         \
        "Requests answered, by class of status.")

static struct metric refused[HTTP_REFUSALS] = {
    [HTTP_REFUSED_CONNECTIONS] = REFUSED("connections"),
    [HTTP_REFUSED_RATE] = REFUSED("rate"),
    [HTTP_REFUSED_HEAD] = REFUSED("head"),
    [HTTP_REFUSED_ALIEN] = REFUSED("not_http"),
    [HTTP_REFUSED_SLOW] = REFUSED("slow"),
    [HTTP_REFUSED_BODY] = REFUSED("body"),
    [HTTP_REFUSED_UPGRADE] = REFUSED("upgrade"),
    [HTTP_REFUSED_DESCRIPTORS] = REFUSED("descriptors"),
};
static struct metric requests[] = { REQUESTS("1xx"), REQUESTS("2xx"), REQUESTS("3xx"),
    REQUESTS("4xx"), REQUESTS("5xx") };
METRIC_HISTOGRAM(seconds, "parley_http_request_seconds", "From the head's arrival to the answer.");
METRIC_GAUGE(connections, "parley_http_connections", "HTTP connections open.");
METRIC_GAUGE(sockets, "parley_http_websockets", "WebSockets open.");

void http_tally_register(void) {
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        metrics_register(&requests[i]);
    }
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        metrics_register(&refused[i]);
    }
    metrics_register(&seconds);
    metrics_register(&connections);
    metrics_register(&sockets);
}

void http_tally_refused(enum http_refusal why) {
    metric_add(&refused[why], 1);
}

void http_tally_answered(int status, int64_t took_us) {
    size_t i = (size_t)status / 100 - 1;
    metric_add(&requests[i < COUNT_OF(requests) ? i : COUNT_OF(requests) - 1], 1);
    metric_observe_us(&seconds, took_us);
}

void http_tally_connections(int change) {
    metric_add(&connections, change);
}

void http_tally_sockets(int change) {
    metric_add(&sockets, change);
}
