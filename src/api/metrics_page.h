/*
 * /metrics: every registered metric, what /readyz says, and the process itself, in the Prometheus
 * text format 0.0.4. Private listener only. Thread: main.
 */
#ifndef API_METRICS_PAGE_H
#define API_METRICS_PAGE_H

#include "core/err.h"

struct api_health;
struct http_router;
struct buf;

/** Adds GET and HEAD /metrics. Borrows both for the router's life. */
MUST_CHECK enum err api_metrics_page_add(const struct api_health *h, struct http_router *router);

/** Prints resident bytes, open descriptors, CPU time, start time and build, each left out when the
 * system does not tell. Reads /proc, which does not wait. */
void api_metrics_page_process(struct buf *b);

#endif
