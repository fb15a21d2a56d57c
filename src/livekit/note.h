/*
 * A note: what becomes an audit row, with all its texts; in memory, and as the JSON that waits in
 * the spool (core/spool). It holds no token and no secret.
 *
 *     {"type":"media_connected","id":"parley:…","at":1700000000000,"alias":"…","identity":"…"}
 *
 * Thread: any; pure.
 */
#ifndef LIVEKIT_NOTE_H
#define LIVEKIT_NOTE_H

#include "calls/input.h"
#include "core/err.h"
#include "core/mem.h"

struct buf;

#define LK_NOTE_MAX_BYTES 16384 /* of the JSON; a text of a client's has at most some hundreds */

struct lk_note {
    struct lk_note *prev, *next;
    struct arena arena;
    struct call_input input; /* the part of a token */
};

/** Copies. ERR_NOMEM. */
MUST_CHECK enum err lk_note_create(const struct call_input *in, struct lk_note **ret);
/** Takes NULL. */
void lk_note_destroy(struct lk_note *n);
/** A copy in an arena that others read it from. ERR_NOMEM. */
MUST_CHECK enum err lk_note_copy(
    struct arena *a, const struct call_input *in, struct call_input **ret);
/** Is it about somebody in the SFU of whom nobody has looked up who that is? */
bool lk_note_unnamed(const struct lk_note *n);

/** Appends the JSON; buf_check says whether it fitted. */
void lk_note_write(const struct lk_note *n, struct buf *out);
/** ERR_INVALID: no note, or of a kind that this version does not know; ERR_NOMEM. */
MUST_CHECK enum err lk_note_read(const char *json, size_t n, struct lk_note **ret);

#endif
