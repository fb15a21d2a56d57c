/*
 * Notes that nobody can take now, in a file (core/spool) that survives a process that is killed.
 * When it is full, what comes is counted, and the count is the file's last note (IN_GAP).
 *
 * The thread pool reads and writes; one thing at a time, each with its callback. Where the file
 * cannot be had (no folder, another process has it) putting fails, and the log says why.
 *
 * Thread: main.  See: decision 14.
 */
#ifndef LIVEKIT_OVERFLOW_H
#define LIVEKIT_OVERFLOW_H

#include "livekit/note.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define LK_OVERFLOW_A_TIME 500 /* notes put at once */

struct lk_overflow;

/* How something ended. Notes are given. */
struct lk_overflow_told {
    enum err e;            /* not OK: nothing was put, taken or cleared; err_text says why */
    struct lk_note *notes; /* taken, in order */
    size_t n;
    size_t lost; /* of those put: only counted */
    bool end;    /* taken: there are no more behind them */
};
typedef void lk_overflow_done(void *arg, const struct lk_overflow_told *told);

/** Nothing is opened yet. Copies `path`. ERR_NOMEM. */
MUST_CHECK enum err lk_overflow_create(
    uv_loop_t *loop, const char *path, int64_t max_bytes, struct lk_overflow **ret);
/** Puts `last` (given, may be NULL), at once or behind what is under way, which ends without its
 * callback. The loop must turn once more. */
void lk_overflow_destroy(struct lk_overflow *o, struct lk_note *last);
bool lk_overflow_busy(const struct lk_overflow *o);

/* None of the three while one is under way; `done` never from inside. */

/** Writes the notes down, behind those that are there; borrows them until `done`. */
void lk_overflow_put(struct lk_overflow *o, const struct lk_note *notes, size_t n,
    lk_overflow_done *done, void *arg);
/** The next notes, at most so many: again after lk_overflow_back. */
void lk_overflow_take(struct lk_overflow *o, size_t most, lk_overflow_done *done, void *arg);
void lk_overflow_back(struct lk_overflow *o);
/** Forgets all of it: they were taken, and something better has them. */
void lk_overflow_clear(struct lk_overflow *o, lk_overflow_done *done, void *arg);

/** Puts its counters on the metrics page, also where nothing ever overflows. */
void lk_overflow_register_metrics(void);

#endif
