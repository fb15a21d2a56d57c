/*
 * A bounded file of records, for what must wait until somebody else can take it. It survives a
 * process that is killed: what was added is found again, in order; what was only half written is
 * cut off.
 *
 *     16 bytes  "parley spool 1\n\0"
 *     16 bytes  random: a name of what is in the file, new whenever it was emptied
 *     records:   4 bytes  length of the bytes; the highest bit marks the last one, see spool_seal
 *                8 bytes  check: of the name, the place in the file, the length and the bytes
 *                the bytes
 *
 * One process has it at a time (flock).  Thread: one owner at a time, any; blocks.
 */
#ifndef CORE_SPOOL_H
#define CORE_SPOOL_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPOOL_NAME_SIZE  16
#define SPOOL_HEAD_SIZE  32 /* of the file; as many bytes are before the first record */
#define SPOOL_MARK_SIZE  12 /* before the bytes of a record */
#define SPOOL_RECORD_MAX 65536

struct buf;
struct spool;

/** Opens it, or makes it with mode 0600. `max_bytes` of the file are never passed but by a seal.
 * ERR_CONFLICT: another process has it; ERR_INVALID: it is no spool; ERR_FORBIDDEN: strangers may
 * read or write it; ERR_NOT_FOUND: no such folder; ERR_IO, ERR_NOMEM. */
MUST_CHECK enum err spool_open(const char *path, int64_t max_bytes, struct spool **ret);
/** What is in it stays. Takes NULL. */
void spool_close(struct spool *s);
/** Is there nothing in it? */
bool spool_empty(const struct spool *s);
bool spool_sealed(const struct spool *s);
/** Of what is in it, in hex: the same after a restart, another one when it was emptied. */
void spool_name(const struct spool *s, char ret[2 * SPOOL_NAME_SIZE + 1]);

/** Adds a record. ERR_LIMIT: it does not fit any more, or the spool is sealed; ERR_TOO_LARGE;
 * ERR_IO: it is not in it. */
MUST_CHECK enum err spool_add(struct spool *s, const void *bytes, size_t n);
/** Adds a last record, which may pass the limit; nothing fits behind it. A second seal of the same
 * length takes the place of the first; of another length: ERR_CONFLICT. */
MUST_CHECK enum err spool_seal(struct spool *s, const void *bytes, size_t n);
/** What was added is on the disk. ERR_IO. */
MUST_CHECK enum err spool_sync(struct spool *s);

/** The next record, in `ret` (cleared first), and whether it is the seal. ERR_NOT_FOUND: there is
 * none; ERR_IO, ERR_NOMEM. */
MUST_CHECK enum err spool_next(struct spool *s, struct buf *ret, bool *ret_seal);
/** The seal, in `ret` (cleared first). ERR_NOT_FOUND: there is none; ERR_IO, ERR_NOMEM. */
MUST_CHECK enum err spool_read_seal(struct spool *s, struct buf *ret);
/** A place to go back to: spool_next gives what came after it again. */
int64_t spool_place(const struct spool *s);
void spool_go(struct spool *s, int64_t place);
/** Takes everything out. ERR_IO. */
MUST_CHECK enum err spool_clear(struct spool *s);

/* --- the form, without a file --- */

struct spool_record {
    const uint8_t *bytes;
    size_t n;
    bool seal;
};
/** Reads the record that begins at `place` of the file, of which the next `n` bytes are `data`.
 * false: it is not whole, or no record. */
bool spool_parse(const uint8_t name[SPOOL_NAME_SIZE], int64_t place, const uint8_t *data, size_t n,
    struct spool_record *ret);
/** Fills in the mark of a record. */
void spool_mark(const uint8_t name[SPOOL_NAME_SIZE], int64_t place, const struct spool_record *r,
    uint8_t ret[SPOOL_MARK_SIZE]);

#endif
