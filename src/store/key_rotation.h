/*
 * The next key of the audit chain takes over.
 *
 * Files: `audit.key_file` is the key that is written with. Those before it are beside it, with
 * their epoch behind the name (audit.key.1, audit.key.2), for verify; the next one is
 * audit.key.next until it is in force. Rotation makes the next one, keeps the present one under its
 * number, commits, and renames: whatever moment it is cut off at, the next run ends it, and `serve`
 * finds the key that the database names.
 *
 * In the chain: a row of call_heads of kind "key" ends the old epoch. It is signed with the old
 * key; its `what` is "key epoch=2 fingerprint=<16 digits>" and its last_mac is made with the new
 * key, HMAC(new key, MAC of the row before ‖ "parley/key/1", epoch, fingerprint). So the old key
 * names its successor and the successor proves itself. Its transaction lets all units under way
 * end and keeps new ones waiting: no row of an old epoch is written after it.
 */
#ifndef STORE_KEY_ROTATION_H
#define STORE_KEY_ROTATION_H

#include "core/buf.h"
#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_rotation {
    int epoch;            /* of the key that is in force now */
    char fingerprint[20]; /* its */
    int64_t seq;          /* its row of call_heads; 0 when it was there before */
    bool finished; /* an earlier rotation, of this node or of another, is now in the files here;
                      nothing was rotated anew */
};

/**
 * The key at `path` gives way to `path`.next, which is made when it is not there. Where the
 * database names `path`.next already, only the files are set right: so an interrupted rotation is
 * ended, and a second node takes over the key that was brought to it.
 * @reason, @actor  for the chain: why, by whom; 1 to 500 bytes
 * Errors: ERR_CONFLICT: the database names a key that is neither; ERR_DATABASE, also when units did
 * not let the change through for 5 s: nothing was changed; ERR_IO.
 */
MUST_CHECK enum err store_rotate_key(const char *url, const char *path, const char *reason,
    const char *actor, int64_t now_ms, struct store_rotation *ret);
/** Only makes `path`.next, to be brought to other nodes; gives its fingerprint. */
MUST_CHECK enum err store_rotate_prepare(const char *path, char ret_fingerprint[20]);

/* The form of the row, which verify computes again. */

/** The column `what` of a key's row. */
#define STORE_KEY_WHAT_SIZE 80
void store_key_what(int epoch, const char *fingerprint, char ret[STORE_KEY_WHAT_SIZE]);
/** What the new key signs, behind the MAC of the row before. */
void store_key_introduction(struct buf *b, int epoch, const char *fingerprint);

#endif
