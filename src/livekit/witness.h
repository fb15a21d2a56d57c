/*
 * Writes down what the token service did: audit rows, through calls/, some at a time.
 *
 * A client gets its token at once and the row follows. While the database is away notes wait, up to
 * a limit; how many did not fit is written down when it is back (decision 14).  Thread: main.
 */
#ifndef LIVEKIT_WITNESS_H
#define LIVEKIT_WITNESS_H

#include "calls/input.h"
#include "core/err.h"

#include <uv.h>

#define LK_NOTES_MAX         10000 /* waiting; about 1 KiB each */
#define LK_NOTES_A_UNIT      100   /* written in one transaction */
#define LK_REFUSALS_A_SECOND 50    /* more are counted only: nobody is to fill the disk by asking */
#define LK_NOTES_RETRY_MS    2000

struct calls;
struct lk_witness;

MUST_CHECK enum err lk_witness_create(uv_loop_t *loop, struct lk_witness **ret);
/** Notes that wait are lost, and said to be. The loop must turn once more before it is closed. */
void lk_witness_destroy(struct lk_witness *w);
/** Where they go; NULL (at first): they wait. Set NULL before `calls` is destroyed. */
void lk_witness_set_calls(struct lk_witness *w, struct calls *calls);

/** Copies an input of the token service or of the SFU: IN_TOKEN_ISSUED to
 * IN_MEDIA_WITHOUT_MEMBERSHIP. */
void lk_witness_note(struct lk_witness *w, const struct call_input *in);

#endif
