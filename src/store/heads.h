/*
 * Adding to call_heads from a command or from the thread pool, over a connection that waits; units
 * of work add theirs in store/event_rows. Only src/store includes this.  Thread: that of the
 * connection and of the key.
 */
#ifndef STORE_HEADS_H
#define STORE_HEADS_H

#include "store/chain.h"

struct store_session;

/** Inside a transaction: takes the lock of call_heads, which is held until it ends, and gives the
 * number that the next row will have and the MAC before it. ERR_CONFLICT when `key` is not the one
 * that is written with now. */
MUST_CHECK enum err store_heads_lock(struct store_session *s, const struct store_audit_key *key,
    int64_t *seq, uint8_t previous[SHA256_SIZE]);

/** Signs and writes `h`, whose seq is what store_heads_lock gave. */
MUST_CHECK enum err store_heads_add(struct store_session *s, const struct store_audit_key *key,
    const struct store_chain_head *h, const uint8_t previous[SHA256_SIZE]);

#endif
