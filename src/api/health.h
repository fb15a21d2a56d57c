/*
 * Health (decision 4): /livez says that the process turns, which is what a supervisor may restart
 * on; /readyz says whether it can do its work, part by part; /healthz is /readyz under the name
 * token-service clients use.  Thread: main.
 */
#ifndef API_HEALTH_H
#define API_HEALTH_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>

struct http_router;
struct buf;

/* One part. Texts are for everybody on the public listener: fixed sentences, nothing of the inside.
 */
struct api_health_part {
    const char *name; /* "database" */
    bool (*ok)(const void *arg);
    const char *why; /* shown when it is not */
};

struct api_health {
    const struct api_health_part *parts;
    size_t n_parts;
    const void *arg; /* for each `ok` */
};

/** Adds /livez, /readyz and /healthz, GET and HEAD. Borrows both for the router's life. */
MUST_CHECK enum err api_health_add(const struct api_health *h, struct http_router *router);

/** Writes each part as a gauge, parley_ready{part="database"} 1, to `b` (check it). */
void api_health_print_metrics(const struct api_health *h, struct buf *b);

/** Are all parts well? Writes the members of /readyz's object: "status", then each part (check
 * `b`). */
bool api_health_print_fields(const struct api_health *h, struct buf *b);
/** Are all parts well? Writes the JSON of /readyz to `b` (check it). */
bool api_health_print(const struct api_health *h, struct buf *b);

#endif
