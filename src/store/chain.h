/*
 * The keyed audit chain (decision 13).
 *
 * Each row of call_events carries mac = HMAC-SHA256(key, mac before it in its chain ‖ canonical
 * row); the mac before the first row is 32 zero bytes. A chain is a call, or the events of no call
 * of one UTC day (audit_strays). Each call that ends, and each unit of work that wrote events of no
 * call, adds the chain's head to call_heads, itself such a chain in the order of seq. The key is in
 * a 0600 file, never in the database; the database keeps its fingerprint, so that a wrong or lost
 * key is told before a row is written with it.
 *
 * Canonical form: fields one behind the other, each as its length in 4 bytes (big-endian) and its
 * bytes; SQL NULL is the length FFFFFFFF and no bytes. Numbers are decimal text; times are Unix
 * milliseconds as decimal text; a UUID is its 36 characters in lower case; digests and macs are 32
 * bytes as they are.
 *
 * A row of call_events is these fields:
 *   - "parley/event/1", session_id, n, type, room_id, call_id, source_event_id
 *   - at, recorded_at, flags, erasable_sha256
 *   - flags being four characters 0 or 1 for late, inferred, ignored, partial
 *
 * What can name a person is covered by a digest, so that a person can be erased and the MACs stay
 * true: erasable_sha256 = SHA-256 over these fields:
 *   - salt, user_id, subject, payload
 *   - salt being 16 random bytes, drawn for this row and erased with it, so that nobody can tell by
 *     the digest whom it spoke of
 *
 * A row of call_heads is these:
 *   - "parley/head/1", seq, kind, session_id, rows, last_mac, at, what, reason, actor
 *   - kind "head": session_id is a chain, which had `rows` rows, last_mac being the MAC of the last
 *   - kind "tombstone": `rows` rows were purged or erased; last_mac is the digest of the list of
 *     them, which is in audit_removed (store/tombstone.h)
 *   - kind "key": the next key takes over
 *
 * tests/live/store_chain.py computes a chain again from these words alone.  Thread: main.
 */
#ifndef STORE_CHAIN_H
#define STORE_CHAIN_H

#include "core/buf.h"
#include "core/crypto.h"
#include "store/call_rows.h"
#include "store/column.h"

struct store_audit_key;

/** A row of call_heads. Texts NULL = SQL NULL; last_mac NULL likewise. */
struct store_chain_head {
    int64_t seq;
    const char *kind; /* "head", "tombstone" or "key" */
    const char *session_id;
    int64_t rows;
    const uint8_t *last_mac;
    int64_t at;
    const char *what; /* not of a head, likewise the next two */
    const char *reason;
    const char *actor;
};

/** Reads the key file: 64 hex digits, owner only (mode & 077 must be 0). ERR_NOT_FOUND when there
 * is none, ERR_INVALID when it is not as it must be. */
MUST_CHECK enum err store_audit_key_load(const char *path, struct store_audit_key **ret);
/** Makes a new key file, mode 0600, written and synced before it is visible. ERR_CONFLICT when
 * there is one. */
MUST_CHECK enum err store_audit_key_generate(const char *path, struct store_audit_key **ret);
/** Makes k the key with this fingerprint, which the database says is written with now: reads its
 * file again, and the one that is about to become it (store/key_rotation.h). ERR_NOT_FOUND when it
 * is in neither. Reads small local files, and only when k is another key. */
MUST_CHECK enum err store_audit_key_follow(struct store_audit_key *k, const char *fingerprint);
void store_audit_key_destroy(struct store_audit_key *k);
void store_audit_key_destroyp(struct store_audit_key **k);
/** First 16 hex digits of SHA-256 over the key: tells keys apart, says nothing about them. */
const char *store_audit_key_fingerprint(const struct store_audit_key *k);

/** A field of a canonical form: a text as it is stored (NULL = SQL NULL), and a number. */
void store_chain_put_text(struct buf *b, const char *s);
void store_chain_put_number(struct buf *b, int64_t v);

/** The payload column: the details as a JSON object in their order. */
void store_chain_payload(struct buf *b, const struct store_detail *details);
/** The bytes erasable_sha256 is the digest of. */
void store_chain_erasable(struct buf *b, const uint8_t salt[STORE_SALT_SIZE],
    const struct store_event *e, const char *payload);
/** The bytes a row's MAC covers: every column that is evidence. */
void store_chain_canonical(struct buf *b, const char *session_id, int n,
    const struct store_event *e, const uint8_t erasable_sha256[SHA256_SIZE]);
/** The same of a row of call_heads. */
void store_chain_head_canonical(struct buf *b, const struct store_chain_head *h);
/** ret = HMAC(key, previous ‖ row). `previous` is all zero for the first row of a chain. */
MUST_CHECK enum err store_chain_next(const struct store_audit_key *k,
    const uint8_t previous[SHA256_SIZE], const struct buf *row, uint8_t ret[SHA256_SIZE]);

#endif
