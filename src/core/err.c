/* The sentence behind an error code, one a thread. */
#include "core/err.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char sentence[512];

enum err err_set(enum err e, const char *fmt, ...) {
    /* The arguments may point into the old sentence ("cannot start: <why>"), so write aside first.
     */
    char next[sizeof(sentence)];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(next, sizeof(next), fmt, ap);
    va_end(ap);
    if (n < 0) {
        next[0] = '\0';
    }
    snprintf(sentence, sizeof(sentence), "%s", next);
    return e;
}

const char *err_text(void) {
    return sentence;
}

const char *err_name(enum err e) {
    static const char *const names[ERR_COUNT] = {
        [OK] = "ok",
        [ERR_NOMEM] = "no_memory",
        [ERR_INVALID] = "invalid",
        [ERR_NOT_FOUND] = "not_found",
        [ERR_CONFLICT] = "conflict",
        [ERR_GONE] = "gone",
        [ERR_UNAUTHORIZED] = "unauthorized",
        [ERR_FORBIDDEN] = "forbidden",
        [ERR_TOO_LARGE] = "too_large",
        [ERR_LIMIT] = "limit",
        [ERR_TIMEOUT] = "timeout",
        [ERR_UNREACHABLE] = "unreachable",
        [ERR_DATABASE] = "database",
        [ERR_IO] = "io",
    };
    return (unsigned)e < ERR_COUNT ? names[e] : "unknown";
}
