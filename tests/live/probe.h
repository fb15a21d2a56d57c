/*
 * What the programs share that ask one thing of store/ and print what came of it:
 *
 *     PROGRAM URL COMMAND ARGUMENT…
 *
 * It waits until the database at URL is there. The exit code is 0 when the command could be asked
 * (its own outcome is printed), nothing is left in memory, and the loop is empty.
 */
#ifndef TESTS_LIVE_PROBE_H
#define TESTS_LIVE_PROBE_H

#include "core/err.h"
#include "store/pool.h"

#include <stdint.h>

struct probe_command {
    const char *name;
    int n_args;
    enum err (*ask)(struct store *s); /* whoever is told of the answer ends with probe_over */
};

extern const char *const probe_name;
extern const struct probe_command probe_commands[]; /* the last has no name */

/** The command's argument, from 0 on. */
char *probe_arg(int i);
int64_t probe_number(int i);

/** The answer is printed. */
void probe_over(void);
/** An answer that is all of it: "done", or the error. */
void probe_done(void *arg, enum err e);

#endif
