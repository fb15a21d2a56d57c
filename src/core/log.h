/*
 * Logs: one event a line, past tense, lower case, key=value; as text or as JSON, on standard error.
 *
 *     LOG_INFO(&ctx, "track_published", "kind=%s layers=%u", kind, n);
 *     -> level=info room=!r:hs call=0195… event=track_published kind=video layers=3
 *
 * `error` = we are at fault, `warn` = a peer is, `info` = a call's life, `debug` = anything.
 * Tokens, keys, passwords and query strings never get here. Values that may hold spaces or foreign
 * bytes are quoted by passing them through LOG_Q.  Thread: any; a line is written with one write().
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/** Ids that every line of an object carries: "room=!r:hs call=0195…". Built from the parent's. */
#define LOG_CTX_SIZE 384
struct log_ctx {
    char text[LOG_CTX_SIZE];
};

/** The context with no ids. */
extern const struct log_ctx log_root;

void log_setup(enum log_level least, enum log_format format);
/** For tests: lines go to `fd` instead of standard error. */
void log_redirect(int fd);

/** Starts from `parent` (NULL = root) and adds one id; the value is quoted where needed and cut to
 * what fits. */
void log_ctx_add(
    struct log_ctx *ctx, const struct log_ctx *parent, const char *key, const char *value);

/** A value as one log word: bare when it is plain, else in quotes with escapes. Points into one of
 *  eight rotating buffers of this thread of 160 bytes each: use it in the same statement. */
const char *log_quote(const char *value);
#define LOG_Q(value) log_quote(value)

__attribute__((format(printf, 4, 5))) void log_write(
    enum log_level level, const struct log_ctx *ctx, const char *event, const char *fmt, ...);
bool log_enabled(enum log_level level);

#define LOG_AT(level, ctx, event, ...)                                                             \
    do {                                                                                           \
        if (log_enabled(level)) {                                                                  \
            log_write(level, ctx, event, __VA_ARGS__);                                             \
        }                                                                                          \
    } while (0)
#define LOG_DEBUG(ctx, event, ...) LOG_AT(LOG_LEVEL_DEBUG, ctx, event, __VA_ARGS__)
#define LOG_INFO(ctx, event, ...)  LOG_AT(LOG_LEVEL_INFO, ctx, event, __VA_ARGS__)
#define LOG_WARN(ctx, event, ...)  LOG_AT(LOG_LEVEL_WARN, ctx, event, __VA_ARGS__)
#define LOG_ERROR(ctx, event, ...) LOG_AT(LOG_LEVEL_ERROR, ctx, event, __VA_ARGS__)

#endif
