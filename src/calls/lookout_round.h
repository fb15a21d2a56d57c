/*
 * One round of calls/lookout: what was claimed, whom the SFU shows, what follows.  Thread: main.
 */
#ifndef CALLS_LOOKOUT_ROUND_H
#define CALLS_LOOKOUT_ROUND_H

#include "calls/lookout.h"
#include "store/watches.h"

struct call_lookout_round;
/** All that was claimed is looked up, decided and written down; the round is gone afterwards.
 * `full`: there may be more. */
typedef void call_lookout_over(void *arg, enum err e, bool full);
/** Copies `due`, borrows the rest until `over`, which may be called from inside; *ret is set
 * before. An error means that nothing was begun. */
MUST_CHECK enum err call_lookout_round_run(const struct call_lookout_config *cfg,
    struct call_cleanup *cleanup, const struct store_due *due, call_lookout_over *over, void *arg,
    struct call_lookout_round **ret);
/** Without `over`; what the store has is given up when it comes back. Takes NULL. */
void call_lookout_round_destroy(struct call_lookout_round *r);

/** Puts the counters on the metrics page. */
void call_lookout_round_register_metrics(void);

#endif
