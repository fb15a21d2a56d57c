/*
 * Taking rows from the audit so that it can be proven what was taken, and that no more was.
 *
 *     store_tombstone_begin(s);              BEGIN, one purge at a time, call_events opens for it
 *       lock the rooms (STORE_ROOM_LOCK, in the order of their numbers), delete or erase rows,
 *       note each in a struct store_removed
 *     store_tombstone_commit(s, key, &t);    audit_removed, the tombstone in call_heads, COMMIT
 *
 * Purged is a whole chain or nothing: all rows of call_events of a session that is closed, or of a
 * past day of audit_strays, and with them its row in call_sessions or audit_strays. Its rows in
 * call_heads stay. Erased is a row of call_events: salt, user_id and payload NULL, subject
 * "erased:n". A row that was erased before is not noted again.
 *
 * The tombstone's `rows` is the sum of the rows of its items. Its last_mac is the SHA-256 over
 * fields in the form of store/chain.h: "parley/removed/1", then session_id, n, rows of each item,
 * in the order of (session_id, n). The tombstone's own MAC covers that digest, so audit_removed
 * cannot be added to or taken from unseen.
 *
 * Blocking.  Thread: that of the connection and of the key; neither is shared.
 */
#ifndef STORE_TOMBSTONE_H
#define STORE_TOMBSTONE_H

#include "store/chain.h"

struct store_session;

#define STORE_REMOVED_MAX        10000 /* items of a tombstone: a transaction of about a second */
#define STORE_TOMBSTONE_TEXT_MAX 500   /* bytes of what, reason and actor each */

/* n 0: the whole chain was purged, `rows` rows of it. Else row n was erased, and rows is 1. */
struct store_removed {
    char session_id[UUID_TEXT_SIZE]; /* lower case */
    int n;
    int rows;
};

struct store_tombstone {
    /* For programs: "purged retention before=2026-01-31T00:00:00.000Z", "purged room=!abc:x",
     * "erased user". Never the name of who was erased. */
    const char *what;
    const char *reason; /* for people: why */
    const char *actor;  /* by whom: "retention", or the admin's name */
    int64_t at;
    struct store_removed *items; /* borrowed; sorted in place */
    size_t n_items;              /* 1 … STORE_REMOVED_MAX */
};

/** Opens the transaction (READ COMMITTED) and lets it change call_events. Purges, erasures and the
 * rotation of the key wait for each other here. */
MUST_CHECK enum err store_tombstone_begin(struct store_session *s);
/** Writes the list and the tombstone, commits, and gives the tombstone's number. On an error the
 * transaction is still open: close the connection or run ROLLBACK. ERR_INVALID for a list that is
 * empty, too long or names an item twice; ERR_CONFLICT for a key that was rotated away. */
MUST_CHECK enum err store_tombstone_commit(struct store_session *s,
    const struct store_audit_key *key, const struct store_tombstone *t, int64_t *ret_seq);

/* The digest, piece by piece. */
/** The bytes before the first item, and those of an item. */
void store_removed_begin(struct buf *b);
void store_removed_canonical(struct buf *b, const struct store_removed *item);

#endif
