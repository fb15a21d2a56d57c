/*
 * One run of store/verify, shared by its parts: store/verify_heads (call_heads and the tombstones),
 * store/verify_chains (call_events against everything that counts its rows) and store/verify_event
 * (one row). Nobody else includes this.  Thread: one.
 */
#ifndef STORE_VERIFY_RUN_H
#define STORE_VERIFY_RUN_H

#include "core/mem.h"
#include "store/chain.h"
#include "store/query_copy.h"
#include "store/verify.h"

struct store_session;

struct store_epoch {
    char fingerprint[20];
    const struct store_audit_key *key; /* NULL = there is no file of it */
    bool introduced;                   /* by a row of call_heads; the first one needs none */
};

struct store_verify_run {
    const struct store_verify_config *cfg;
    struct store_verify_report report;
    struct store_session *one; /* two views of one snapshot */
    struct store_session *two;
    struct store_epoch *epochs; /* number e at e - 1 */
    int n_epochs;
    int newest;        /* epoch at the end of call_heads */
    int missing_epoch; /* a row could not be checked for want of its key; 0 = none */
    struct buf canonical;
    struct sha256 *sha;
    struct arena arena;
};

/** Counts a problem. `session_id` NULL = the row has none. */
__attribute__((format(printf, 6, 7))) void store_verify_found(struct store_verify_run *r,
    enum store_problem_kind kind, const char *table, const char *session_id, int64_t n,
    const char *fmt, ...);

enum store_mac_check { STORE_MAC_FITS, STORE_MAC_WRONG, STORE_MAC_NO_KEY, STORE_MAC_NO_EPOCH };
/** Is `mac` the MAC of r->canonical behind `previous`? Another answer than FITS is no problem yet.
 * ERR_NOMEM. */
MUST_CHECK enum err store_verify_mac(struct store_verify_run *r, int64_t epoch,
    const uint8_t previous[SHA256_SIZE], const uint8_t mac[SHA256_SIZE], enum store_mac_check *ret);

/** The bytes of a field of SHA256_SIZE, all zero for another. */
const uint8_t *store_verify_mac_of(const struct store_copy_field *f);
/** A field of type uuid as text; NULL for another, or SQL NULL. */
const char *store_verify_uuid_of(const struct store_copy_field *f, char ret[UUID_TEXT_SIZE]);

MUST_CHECK enum err store_verify_heads(struct store_verify_run *r);
MUST_CHECK enum err store_verify_chains(struct store_verify_run *r);

/* --- one row of call_events --- */

/** The columns that store_verify_event reads, in its order. */
#define STORE_VERIFY_EVENT_COLUMNS                                                                 \
    "session_id, n, type, room_id, call_id, source_event_id, at, recorded_at, late, inferred,"     \
    " ignored, partial, salt, user_id, subject, payload, erasable_sha256, mac, key_epoch"

struct store_verify_event {
    int64_t n;
    int64_t epoch;
    const uint8_t *session; /* UUID_SIZE bytes */
    const uint8_t *mac;
    bool erased;
};
/** The parts that tell where the row belongs. False when it is none. */
bool store_verify_event_place(const struct store_copy *c, struct store_verify_event *ret);
/** Checks content, digest and MAC of the row that is in c; what is wrong goes to `why`, NULL =
 * nothing. ERR_NOMEM. */
MUST_CHECK enum err store_verify_event(struct store_verify_run *r, const struct store_copy *c,
    const struct store_verify_event *e, const char *session_id, const uint8_t previous[SHA256_SIZE],
    enum store_problem_kind *kind, const char **why);

#endif
