/*
 * Errors: a small set of causes and one sentence that says what happened.
 *
 * The function that knows the cause calls err_set; everybody above forwards with TRY; only the door
 * that ends the chain logs err_text() and maps the cause to what its caller understands.
 * Thread: the sentence belongs to the calling thread.
 */
#ifndef CORE_ERR_H
#define CORE_ERR_H

enum err {
    OK = 0,
    ERR_NOMEM,        /* an allocation failed */
    ERR_INVALID,      /* input that breaks a rule; the sentence names the field */
    ERR_NOT_FOUND,    /* no such thing */
    ERR_CONFLICT,     /* the thing exists, but its state does not allow this */
    ERR_GONE,         /* it was there and has ended */
    ERR_UNAUTHORIZED, /* no or an unknown credential */
    ERR_FORBIDDEN,    /* a known one that may not do this */
    ERR_TOO_LARGE,    /* over a named limit of size */
    ERR_LIMIT,        /* over a named limit of rate or number; trying later may help */
    ERR_TIMEOUT,      /* the other side did not answer in time */
    ERR_UNREACHABLE,  /* the other side (homeserver, peer) cannot be reached or answers nonsense */
    ERR_DATABASE,     /* PostgreSQL did not commit */
    ERR_IO,           /* a system call failed */
    ERR_COUNT
};

/** Keeps the sentence (at most 511 bytes, cut after) for this thread and gives back `e`. */
__attribute__((format(printf, 2, 3))) enum err err_set(enum err e, const char *fmt, ...);

/** The sentence of this thread's latest err_set; never NULL. Borrowed until the next err_set. */
const char *err_text(void);

/** The name of a cause, as logs and tests show it: "not_found". */
const char *err_name(enum err e);

#define MUST_CHECK __attribute__((warn_unused_result))

/** Forwards an error to the caller. */
#define TRY(expr)                                                                                  \
    do {                                                                                           \
        enum err try_err_ = (expr);                                                                \
        if (try_err_ != OK) {                                                                      \
            return try_err_;                                                                       \
        }                                                                                          \
    } while (0)

#endif
