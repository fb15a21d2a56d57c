/*
 * How many calls, as an admin counts them: begun, answered, ended how, how long; and how many go
 * on.
 *
 * What happened is counted by the process that committed it, so over several nodes it is added up.
 * What goes on is read from the database, so each node tells the same. Calls of replayed history
 * are left out of both.  Thread: main.
 */
#ifndef CALLS_CENSUS_H
#define CALLS_CENSUS_H

#include <stdint.h>

struct call_batch;
struct store_calls_outlook;

void call_census_register_metrics(void);
/** Counts what became of each call of a batch that was committed. */
void call_census_count(const struct call_batch *b);
/** The database has told what goes on. */
void call_census_tell(const struct store_calls_outlook *o);
/** When the earliest deadline is, Unix milliseconds; 0 = there is none. */
void call_census_next_deadline(int64_t at);

#endif
