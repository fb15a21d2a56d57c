/*
 * What follows from a look into the SFU: is a member of a call gone though their membership stays,
 * is somebody in the media who is in no call?
 *
 * Pure: facts in, what to do and when to look again out. Whoever cannot be looked for is neither
 * here nor gone: nothing is concluded from an SFU that does not answer. Times are Unix
 * milliseconds.  Thread: any.  See: matrix-calls 3.5 (the last rows of the table), 3.7.
 */
#ifndef CALLS_ABSENCE_H
#define CALLS_ABSENCE_H

#include "store/watches.h"

#include <stdbool.h>
#include <stdint.h>

#define CALL_ABSENT_MS    INT64_C(60000) /* 3.5, 3.7: so long without media, and one is gone */
#define CALL_LOOK_MS      INT64_C(60000) /* between two looks at who is there, should nobody tell */
#define CALL_UNKNOWN_MS   INT64_C(30000) /* until the next one when the SFU did not answer */
#define CALL_LATE_MS      INT64_C(120000) /* nobody looked for so long: it counts from anew */
#define CALL_STALE_MS     INT64_C(60000) /* between looks at whom we may not or could not end … */
#define CALL_STALE_MAX_MS INT64_C(3600000) /* … up to this, twice as long each time */
#define CALL_LEFT_MS      INT64_C(10000)   /* 3.5: so long after leaving the call media may go on */

enum call_sight { CALL_UNSEEN /* the SFU did not answer */, CALL_IN_SFU, CALL_NOT_IN_SFU };

/* A member: what to write down, and whether their membership is to be ended now. */
struct call_absence {
    struct store_watch_found next;
    bool stale; /* they are gone */
    bool first; /* … and it was not said yet */
    int64_t since;
    const char *reason; /* "never_came", "left_sfu" */
};
struct call_absence call_absence_of(
    const struct store_watch *w, enum call_sight sight, int64_t now_ms);

/* A participant. */
struct call_visit {
    struct store_visit_found next;
    bool left;          /* they left the call and not the media: remove them; looked at again */
    bool no_membership; /* they never were in the call */
};
/** `since_ms`: when they came to the SFU, by its clock. */
struct call_visit call_visit_of(
    const struct store_visit *v, enum call_sight sight, int64_t since_ms, int64_t now_ms);

#endif
