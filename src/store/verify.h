/*
 * Is the audit as it was written? Every MAC is computed again, with the key of its epoch; every
 * number, digest and list is compared; nothing is changed. Two connections see one snapshot, so
 * units of work that are written meanwhile raise no false alarm. Memory does not grow with the
 * number of rows.
 *
 * Found is whatever somebody without the keys can do to the tables: a row altered, missing, added
 * or in another place; a call that vanished though call_heads tells of its end; a tail that was
 * cut; content erased or put back without a tombstone; a list of what was purged that is not the
 * one that was signed; a key that no key before it introduced.
 *
 * Two things the tables alone cannot tell. Whoever cuts the tail of call_heads and with it all the
 * calls that it tells of leaves a shorter audit that is whole: so note the head that each run
 * prints outside of the database, and give it to the next run. And a call that is not over has no
 * row in call_heads yet: until its end it can be taken away whole.
 *
 * Blocking.  Thread: one.
 */
#ifndef STORE_VERIFY_H
#define STORE_VERIFY_H

#include "core/crypto.h"
#include "core/err.h"

#include <stddef.h>
#include <stdint.h>

struct store_keyring;

enum store_problem_kind {
    STORE_ALTERED,   /* MAC or digest do not fit */
    STORE_MISSING,   /* a number is left out: rows are gone from the middle */
    STORE_CUT,       /* rows are gone from the end */
    STORE_VANISHED,  /* all rows of a chain are gone */
    STORE_ADDED,     /* rows that nobody counts, or that belong to nothing */
    STORE_UNENDED,   /* the call is over, but call_heads does not tell of its end */
    STORE_ERASED,    /* erased or purged, but no tombstone says so */
    STORE_RESTORED,  /* a tombstone says that it is gone, but it is there */
    STORE_TOMBSTONE, /* the list of a tombstone is not the one it was made for */
    STORE_WRONG_KEY, /* signed with a key that was not in force */
    STORE_ANCHOR,    /* not the head that was noted outside */
    STORE_PROBLEM_KINDS
};
/** "altered": for programs. */
const char *store_problem_name(enum store_problem_kind k);

struct store_problem {
    enum store_problem_kind kind;
    const char *table;               /* "call_events", "call_heads", … */
    char session_id[UUID_TEXT_SIZE]; /* "" where rows have none */
    int64_t n;                       /* the row: n of call_events, seq of call_heads; 0 = none */
    char text[256];                  /* what is wrong, in plain words */
};

/** A head of call_heads as it was noted. */
struct store_anchor {
    int64_t seq;
    uint8_t mac[SHA256_SIZE];
};
/** "12:0a1b…" with 64 digits, as a run prints it. ERR_INVALID. */
MUST_CHECK enum err store_anchor_read(const char *text, struct store_anchor *ret);
#define STORE_ANCHOR_TEXT_SIZE (20 + 1 + 2 * SHA256_SIZE + 1)
void store_anchor_write(const struct store_anchor *a, char ret[STORE_ANCHOR_TEXT_SIZE]);

struct store_verify_report {
    int64_t rows;   /* of call_events that were read */
    int64_t chains; /* they are in */
    int64_t heads;  /* rows of call_heads */
    int64_t tombstones;
    int64_t purged; /* rows that tombstones account for */
    int64_t erased;
    int keys; /* in audit_keys */
    int64_t problems;
    int64_t by_kind[STORE_PROBLEM_KINDS];
    struct store_problem first;
    struct store_anchor head; /* seq 0 = call_heads is empty */
};

struct store_verify_config {
    const char *url;
    const struct store_keyring *keys;
    const struct store_anchor *anchor; /* NULL = nothing was noted */
    /** Every problem in the order in which they are found; NULL = only the report is wanted. */
    void (*found)(void *arg, const struct store_problem *p);
    void *arg;
};

/** Fills the report. OK also when problems were found: look at `problems`. ERR_NOT_FOUND when a key
 * is missing and nothing else is wrong; ERR_DATABASE. */
MUST_CHECK enum err store_verify(
    const struct store_verify_config *cfg, struct store_verify_report *ret);

#endif
