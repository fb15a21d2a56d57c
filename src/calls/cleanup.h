/*
 * The dead-man switch (matrix-calls 3.7): ends the memberships of those who are gone, for clients
 * and homeservers without delayed events.
 *
 *     written down       membership_stale, unless they have left or written again by now
 *     looked up          is their entry in the room still the one that we know?
 *     ended              by calls/ending; what came of it is written down as well
 *
 * Who may be ended by whom is the setting rtc.cleanup. Never ended: an entry that lists other
 * devices as well, and in the mode "masquerade" users of other servers. calls/lookout decides who
 * is gone, and tries again what did not work.  Thread: main.
 */
#ifndef CALLS_CLEANUP_H
#define CALLS_CLEANUP_H

#include "calls/ending.h"
#include "core/config.h"
#include "core/err.h"

struct call_absence;
struct calls;
struct store_watch;

struct call_cleanup_config {
    struct calls *calls;
    struct call_ending_config ending;
    enum rtc_cleanup mode;
}; /* all borrowed */

struct call_cleanup;
MUST_CHECK enum err call_cleanup_create(
    const struct call_cleanup_config *cfg, struct call_cleanup **ret);
/** What is under way may still happen, but is not written down any more. Before the calls. Takes
 * NULL. */
void call_cleanup_destroy(struct call_cleanup *c);
/** `w` is gone, as `a` says. Copies. */
void call_cleanup_stale(
    struct call_cleanup *c, const struct store_watch *w, const struct call_absence *a);

/** Puts the counters on the metrics page. */
void call_cleanup_register_metrics(void);

#endif
