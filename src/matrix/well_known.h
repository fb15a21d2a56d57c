/*
 * What a server says at /.well-known/matrix/server: who speaks for it, and for how long to
 * remember. Thread: any; pure.  See: Matrix specification v1.19, server-server API, "Resolving
 * server names".
 */
#ifndef MATRIX_WELL_KNOWN_H
#define MATRIX_WELL_KNOWN_H

#include "core/err.h"
#include "matrix/server_name.h"

#include <stddef.h>
#include <stdint.h>

struct http_client_answer;

#define MX_WELL_KNOWN_MAX_BYTES (50 * 1024) /* as other servers bound it */

/** Reads {"m.server": "delegate[:port]"}; other members are nobody's business. ERR_INVALID. */
MUST_CHECK enum err mx_well_known_read(const char *body, size_t len, struct mx_server_name *ret);

/**
 * How long to keep a good answer: Cache-Control's max-age, else Expires, else a day; from five
 * minutes to two days. no-store and no-cache count as the least.
 * @now_ms  our clock, where the answer has no Date
 */
int64_t mx_well_known_lifetime_ms(const struct http_client_answer *a, int64_t now_ms);

/** How long to remember that there is none: an hour when the server said so, two minutes when it
 * did not answer: then it may have one all the same. */
int64_t mx_well_known_failure_ms(const struct http_client_answer *a);

#endif
