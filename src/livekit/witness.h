/*
 * Writes down what the token service did, and what happened in the SFU: audit rows, through calls/,
 * some at a time, each once and in order.
 *
 * Nobody waits for a row: not a client for its token, and no media. Notes are in memory until they
 * are committed. When that does not go on (the database is away, or hangs), they go to a file
 * (livekit/overflow), also those of a process that stops; once the database is back, or the next
 * process runs, they are written from there. Each note has an id that is kept with it, and that the
 * database knows when it has the row: so none is there twice, whatever was interrupted.  What did
 * not fit is counted, and the count is a row (decision 14).
 *
 * Thread: main.
 */
#ifndef LIVEKIT_WITNESS_H
#define LIVEKIT_WITNESS_H

#include "calls/input.h"
#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define LK_NOTES_MAX         10000 /* waiting in memory; about 1 KiB each */
#define LK_NOTES_A_UNIT      100   /* written in one transaction */
#define LK_REFUSALS_A_SECOND 50    /* more are counted only: nobody is to fill the disk by asking */
#define LK_REFUSALS_AWAY     1     /* likewise, while the database is away */
#define LK_NOTES_RETRY_MS    2000
#define LK_NOTES_PATIENCE_MS 1000 /* so long notes wait in memory, where there is a file */

struct calls;
struct lk_participants;
struct lk_witness;

struct lk_witness_config {
    const char *spool_file; /* copied; "" or NULL = none: memory only */
    int64_t spool_max;      /* bytes */
};
MUST_CHECK enum err lk_witness_create(
    uv_loop_t *loop, const struct lk_witness_config *cfg, struct lk_witness **ret);
/** Notes that wait go to the file; without one they are lost, and said to be. The loop must turn
 * once more before it is closed. */
void lk_witness_destroy(struct lk_witness *w);
/** Where they go; NULL (at first): they wait. Set NULL before `calls` is destroyed. */
void lk_witness_set_calls(struct lk_witness *w, struct calls *calls);
/** Who is asked whom the participants of the SFU stand for; NULL (at first): nobody, then those
 * rows belong to no call. Set NULL before it goes. */
void lk_witness_set_participants(struct lk_witness *w, struct lk_participants *p);

/** Does the database have all that an earlier process has left in the file? Not while it is away,
 * or while another process has the file. */
bool lk_witness_caught_up(const struct lk_witness *w);

/** Copies an input of the token service or of the SFU: IN_TOKEN_ISSUED to IN_GAP. It gets an id
 * unless it has one, by which it would be known if it came again. One of the SFU
 * that names alias and identity and no Matrix room gets room, slot, user and device when it is
 * written, as far as they are known. */
void lk_witness_note(struct lk_witness *w, const struct call_input *in);

#endif
