/*
 * The chains of call_events, against everything that counts their rows.
 *
 * Two streams in the order of (session, n) are read side by side: the rows, and the claims about
 * them. A claim says that row n of a chain is there and has a certain MAC (from call_heads,
 * call_sessions, audit_strays), that row n was erased, or that the whole chain was purged (as row
 * 0; both from audit_removed).
 */
#include "store/verify_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TABLE "call_events"

/* What a claim is, in the order in which those of one row are read. The first two come before the
 * row itself. */
enum claim_kind { CLAIM_PURGED, CLAIM_ERASED, CLAIM_HEAD, CLAIM_STRAYS, CLAIM_CALL };

/* The server sorts these, about two a call and 100 bytes each: 200 MB of its disk for a million
 * calls. */
static const char claims_sql[] =
    "SELECT * FROM ("
    "SELECT session_id, (CASE n WHEN 0 THEN 0 ELSE 1 END)::smallint AS kind, n::bigint AS n,"
    " NULL::bytea AS mac, tombstone AS number, rows::bigint AS rows FROM audit_removed"
    " UNION ALL SELECT session_id, 2::smallint, rows, last_mac, seq, key_epoch::bigint"
    " FROM call_heads WHERE kind = 'head'"
    " UNION ALL SELECT id, 3::smallint, chain_rows::bigint, chain_mac, 0::bigint, 0::bigint"
    " FROM audit_strays"
    " UNION ALL SELECT id, 4::smallint, chain_rows::bigint, chain_mac,"
    " (closed_at IS NOT NULL)::integer::bigint, 0::bigint FROM call_sessions"
    ") AS claims ORDER BY session_id, n, kind";
enum { C_SESSION, C_KIND, C_N, C_MAC, C_NUMBER, C_ROWS, C_FIELDS };

static const char events_sql[] =
    "SELECT " STORE_VERIFY_EVENT_COLUMNS " FROM call_events ORDER BY session_id, n";

struct claim {
    const uint8_t *session; /* UUID_SIZE bytes */
    enum claim_kind kind;
    int64_t n;
    const uint8_t *mac;
    int64_t number; /* call_heads.seq; CLAIM_CALL: 1 = it is over */
    int64_t rows;   /* CLAIM_PURGED: how many; CLAIM_HEAD: its key's epoch */
};

/* The chain that is being read. */
struct chain {
    bool open;
    uint8_t session[UUID_SIZE];
    char id[UUID_TEXT_SIZE];
    int64_t rows;             /* so far, the missing ones that were told included */
    uint8_t mac[SHA256_SIZE]; /* of the last of them, as it stands there */
    bool mac_known;
    bool sound; /* the last row was right */
    int64_t epoch;
    bool seen;          /* there is a row at all */
    bool told;          /* something is wrong at its end already */
    int64_t purged;     /* rows; 0 = it was not purged */
    int64_t erased;     /* the latest row that a tombstone says was erased */
    int64_t head_rows;  /* by the last of its rows in call_heads; 0 = none */
    int64_t owner_rows; /* by call_sessions or audit_strays; -1 = it is in neither */
    const char *owner;
    bool over;
};

struct chains {
    struct store_verify_run *r;
    struct store_copy rows;
    struct store_copy claims;
    bool more_rows;
    bool more_claims;
    struct store_verify_event row;
    struct claim claim;
    struct chain chain;
};

/* --- reading --- */

static enum err next_row(struct chains *c) {
    TRY(store_copy_next(&c->rows, &c->more_rows));
    bool good = !c->more_rows || store_verify_event_place(&c->rows, &c->row);
    return good ? OK : err_set(ERR_DATABASE, "a row of call_events cannot be read");
}

static enum err next_claim(struct chains *c) {
    TRY(store_copy_next(&c->claims, &c->more_claims));
    if (!c->more_claims) {
        return OK;
    }
    const struct store_copy_field *f = c->claims.fields;
    struct claim *to = &c->claim;
    int64_t kind = 0;
    if (c->claims.n != C_FIELDS || f[C_SESSION].len != UUID_SIZE ||
        !store_copy_int(&f[C_KIND], &kind) || !store_copy_int(&f[C_N], &to->n) ||
        !store_copy_int(&f[C_NUMBER], &to->number) || !store_copy_int(&f[C_ROWS], &to->rows)) {
        return err_set(ERR_DATABASE, "a row that counts rows of call_events cannot be read");
    }
    to->session = (const uint8_t *)f[C_SESSION].bytes;
    to->kind = (enum claim_kind)kind;
    to->mac = store_verify_mac_of(&f[C_MAC]);
    return OK;
}

/* --- the end of a chain --- */

static void found_missing(struct chains *c, enum store_problem_kind kind, int64_t from, int64_t to,
    const char *why, int64_t number) {
    char by[64] = "";
    if (number > 0) {
        snprintf(by, sizeof(by), ", says call_heads row %" PRId64, number);
    }
    store_verify_found(c->r, kind, TABLE, c->chain.id, from,
        "rows %" PRId64 " to %" PRId64 " are missing: %s%s", from, to, why, by);
}

static void close_purged(struct chains *c) {
    struct chain *k = &c->chain;
    if (k->owner_rows >= 0) {
        store_verify_found(c->r, STORE_RESTORED, k->owner, k->id, 0,
            "a tombstone says that this call was purged, but it is there");
    } else if (k->head_rows != 0 && k->head_rows != k->purged) {
        store_verify_found(c->r, STORE_TOMBSTONE, "audit_removed", k->id, 0,
            "%" PRId64 " rows were purged, but the call had %" PRId64, k->purged, k->head_rows);
    }
}

static void close_chain(struct chains *c) {
    struct chain *k = &c->chain;
    if (!k->open) {
        return;
    }
    k->open = false;
    c->r->report.chains += k->seen;
    if (k->purged > 0) {
        close_purged(c);
        return;
    }
    if (k->told || (k->rows == 0 && k->owner_rows <= 0)) {
        return;
    }
    if (k->owner_rows >= 0 && k->rows > k->owner_rows) {
        store_verify_found(c->r, STORE_ADDED, TABLE, k->id, k->owner_rows + 1,
            "it was added: %s counts %" PRId64 " rows", k->owner, k->owner_rows);
    } else if (k->owner_rows < 0 && k->head_rows < k->rows) {
        store_verify_found(c->r, STORE_ADDED, TABLE, k->id, k->head_rows + 1,
            "it belongs to no call: none in call_sessions, and call_heads counts %" PRId64 " rows",
            k->head_rows);
    } else if (k->over && k->head_rows < k->rows) {
        store_verify_found(c->r, STORE_UNENDED, k->owner, k->id, 0,
            "the call is over after %" PRId64 " rows, but the last row of call_heads for it counts "
            "%" PRId64,
            k->rows, k->head_rows);
    }
}

static void open_chain(struct chains *c, const uint8_t *session) {
    struct chain *k = &c->chain;
    if (k->open && memcmp(k->session, session, UUID_SIZE) == 0) {
        return;
    }
    close_chain(c);
    *k = (struct chain){ .open = true, .mac_known = true, .sound = true, .owner_rows = -1 };
    memcpy(k->session, session, UUID_SIZE);
    crypto_uuid_write(session, k->id);
}

/* --- claims --- */

static void claim_rows(struct chains *c, const struct claim *m) {
    struct chain *k = &c->chain;
    const char *by = m->kind == CLAIM_HEAD   ? "call_heads"
                     : m->kind == CLAIM_CALL ? "call_sessions"
                                             : "audit_strays";
    if (m->n > k->rows) {
        /* All that is behind is gone, unless more rows follow: then the gap is told here. */
        bool follows = c->more_rows && memcmp(c->row.session, k->session, UUID_SIZE) == 0;
        enum store_problem_kind kind = follows   ? STORE_MISSING
                                       : k->seen ? STORE_CUT
                                                 : STORE_VANISHED;
        char why[80];
        snprintf(why, sizeof(why), "%s counts %" PRId64 " rows", by, m->n);
        found_missing(c, kind, k->rows + 1, m->n, why, m->kind == CLAIM_HEAD ? m->number : 0);
        k->rows = m->n;
        memcpy(k->mac, m->mac, SHA256_SIZE);
        k->mac_known = true;
        k->sound = false;
        k->told = !follows;
        return;
    }
    if (m->n == k->rows && k->sound && memcmp(m->mac, k->mac, SHA256_SIZE) != 0) {
        store_verify_found(c->r, STORE_ALTERED, m->kind == CLAIM_HEAD ? "call_heads" : by, k->id,
            m->kind == CLAIM_HEAD ? m->number : 0,
            "it does not tell of row %" PRId64 " of the chain as that row is: one of them was "
            "altered",
            m->n);
        k->sound = false;
    }
    if (m->n == k->rows && m->kind == CLAIM_HEAD && k->seen && k->sound && m->rows != k->epoch) {
        store_verify_found(c->r, STORE_WRONG_KEY, TABLE, k->id, m->n,
            "it is signed with the key of epoch %" PRId64 ", its row %" PRId64
            " of call_heads with that of epoch %" PRId64,
            k->epoch, m->number, m->rows);
    }
}

static void take_claim(struct chains *c) {
    struct chain *k = &c->chain;
    const struct claim *m = &c->claim;
    switch (m->kind) {
    case CLAIM_PURGED:
        k->purged = m->rows;
        return;
    case CLAIM_ERASED:
        k->erased = m->n;
        return;
    case CLAIM_HEAD:
        k->head_rows = m->n > k->head_rows ? m->n : k->head_rows;
        break;
    case CLAIM_STRAYS:
    case CLAIM_CALL:
        k->owner = m->kind == CLAIM_CALL ? "call_sessions" : "audit_strays";
        k->owner_rows = m->n;
        k->over = m->kind == CLAIM_STRAYS || m->number == 1;
        break;
    }
    if (k->purged == 0) {
        claim_rows(c, m);
    }
}

/* --- rows --- */

/* What is wrong with a row beside its content; false = nothing. */
static bool is_out_of_place(struct chains *c, const struct store_verify_event *e) {
    struct chain *k = &c->chain;
    if (k->purged > 0) {
        store_verify_found(c->r, STORE_RESTORED, TABLE, k->id, e->n,
            "a tombstone says that this chain was purged, but the row is there");
    } else if (e->n <= k->rows) {
        store_verify_found(c->r, STORE_ADDED, TABLE, k->id, e->n, "its number was there before");
    } else if (e->erased && k->erased != e->n) {
        store_verify_found(
            c->r, STORE_ERASED, TABLE, k->id, e->n, "it is erased, but no tombstone says so");
    } else if (!e->erased && k->erased == e->n) {
        store_verify_found(c->r, STORE_RESTORED, TABLE, k->id, e->n,
            "a tombstone says that it was erased, but it has its content");
    } else if (e->epoch < k->epoch || e->epoch > c->r->newest) {
        store_verify_found(c->r, STORE_WRONG_KEY, TABLE, k->id, e->n,
            "it is signed with the key of epoch %" PRId64 ", which was not in force", e->epoch);
    } else {
        return false;
    }
    return true;
}

static enum err take_row(struct chains *c) {
    struct chain *k = &c->chain;
    const struct store_verify_event *e = &c->row;
    c->r->report.rows++;
    k->seen = true;
    if (e->n > k->rows + 1) {
        char why[48];
        snprintf(why, sizeof(why), "after them comes row %" PRId64, e->n);
        found_missing(c, STORE_MISSING, k->rows + 1, e->n - 1, why, 0);
        k->mac_known = false;
    }
    k->sound = !is_out_of_place(c, e);
    if (k->sound) {
        enum store_problem_kind kind;
        const char *why;
        TRY(store_verify_event(
            c->r, &c->rows, e, k->id, k->mac_known ? k->mac : NULL, &kind, &why));
        if (why != NULL) {
            store_verify_found(c->r, kind, TABLE, k->id, e->n, "%s", why);
            k->sound = false;
        }
    }
    k->rows = e->n;
    k->epoch = e->epoch > k->epoch ? e->epoch : k->epoch;
    memcpy(k->mac, e->mac, SHA256_SIZE);
    k->mac_known = true;
    return OK;
}

/* --- side by side --- */

/* Is the next thing to look at a claim, not a row? */
static bool claim_is_first(const struct chains *c) {
    if (!c->more_rows || !c->more_claims) {
        return c->more_claims;
    }
    int order = memcmp(c->claim.session, c->row.session, UUID_SIZE);
    if (order != 0) {
        return order < 0;
    }
    return c->claim.n < c->row.n || (c->claim.n == c->row.n && c->claim.kind < CLAIM_HEAD);
}

static enum err take_all(struct chains *c) {
    TRY(store_copy_begin(&c->rows, c->r->one, events_sql));
    TRY(store_copy_begin(&c->claims, c->r->two, claims_sql));
    TRY(next_row(c));
    TRY(next_claim(c));
    while (c->more_rows || c->more_claims) {
        if (claim_is_first(c)) {
            open_chain(c, c->claim.session);
            take_claim(c);
            TRY(next_claim(c));
        } else {
            open_chain(c, c->row.session);
            TRY(take_row(c));
            TRY(next_row(c));
        }
    }
    close_chain(c);
    return OK;
}

enum err store_verify_chains(struct store_verify_run *r) {
    struct chains c = { .r = r };
    enum err e = take_all(&c);
    store_copy_finish(&c.rows);
    store_copy_finish(&c.claims);
    return e;
}
