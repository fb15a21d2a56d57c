/*
 * Whom notes of the SFU are about: livekit/participants is asked for each that says alias and
 * identity alone, and room, slot, user and device are filled in, as far as they are known.
 *
 * Thread: main.  See: matrix-calls 4.3.
 */
#ifndef LIVEKIT_NAMING_H
#define LIVEKIT_NAMING_H

#include "livekit/note.h"

#include <stddef.h>

struct lk_naming;
struct lk_participants;

/** All that can be said of the notes is said; the naming is gone. */
typedef void lk_naming_done(void *arg);
/** Begins with these `n` notes, which are borrowed till `done` (called later or from inside).
 * `p` NULL: nobody is known. An error: nothing was begun. ERR_NOMEM, ERR_LIMIT. */
MUST_CHECK enum err lk_naming_begin(struct lk_participants *p, struct lk_note *notes, size_t n,
    lk_naming_done *done, void *arg, struct lk_naming **ret);
/** Ends it without `done`. Takes NULL. */
void lk_naming_end(struct lk_naming *x);

#endif
