/*
 * An open unit of work, from its lease to its end. Shared by store/calls (opening, ending),
 * store/calls_commit (writing) and the files of rows. Only src/store includes this.  Thread: main.
 */
#ifndef STORE_WORK_H
#define STORE_WORK_H

#include "store/calls.h"
#include "store/query.h"
#include "store/tables.h"

/* What is to become of one new event. */
struct store_fresh {
    struct store_event *event;
    size_t owner; /* index into changes->calls; n_calls = an event of no call */
    bool foreign; /* caused by an event that this unit did not look up: may be a repeat */
    bool repeat;  /* is there already: not written again */
};

/* The chain of today's events of no call. */
struct store_strays {
    const char *id;
    int rows;
    uint8_t mac[SHA256_SIZE];
};

struct store_work {
    struct store_connection *c;
    struct arena *arena;
    struct store_scope scope; /* borrowed until `opened` is called */
    size_t limit;             /* of rooms, for due ones */
    int64_t now_ms;
    store_calls_opened *opened;
    void *opened_arg;
    const char **unseen; /* event ids that were looked up and are new, sorted */
    size_t n_unseen;

    const char *newest_key; /* fingerprint of the one to write with; NULL = the audit has none */
    struct store_audit_key *key;
    const struct store_changes *changes;
    store_calls_done *done;
    void *done_arg;
    int64_t commit_us; /* when the commit began, monotonic */
    struct store_fresh *fresh;
    size_t n_fresh;
    struct store_event_row *rows; /* what is left of them */
    size_t n_rows;
    struct store_strays strays;
    struct store_head_row *heads;
    size_t n_heads;
    int64_t last_seq; /* of call_heads */
    uint8_t last_mac[SHA256_SIZE];
};

/* calls.c */
/** Ends the transaction without effect and the unit with it. Takes w. */
void store_work_rollback(struct store_work *w);
/** The transaction is over: gives the connection back. Takes w. */
void store_work_free(struct store_work *w);

/* call_rows.c */
/** From the same results: which audit key is written with now. ERR_NOMEM. */
MUST_CHECK enum err store_call_rows_read_key(
    struct store_work *w, const struct store_answer *a, size_t result);
/** The calls of a snapshot, from the results of what `load` adds, `result` the first. ERR_NOMEM. */
MUST_CHECK enum err store_call_rows_read(
    const struct store_answer *a, size_t result, struct arena *arena, struct store_snapshot *ret);
/** Adds the statements that load them. */
void store_call_rows_load(struct store_work *w, const char *const *rooms, size_t n_rooms);
/** Adds the statements that save changed calls, participants and kept inputs. ERR_NOMEM. */
MUST_CHECK enum err store_call_rows_save(struct store_work *w);

/* event_rows.c */
/** Lists the new events, leaves out repeats within them. ERR_NOMEM. */
MUST_CHECK enum err store_event_rows_collect(struct store_work *w);
/** Must the database be asked before they can be written? */
bool store_event_rows_need_answers(const struct store_work *w);
/** Adds the questions; reads the answers, results 0 to 3. ERR_NOMEM. */
MUST_CHECK enum err store_event_rows_ask(struct store_work *w);
MUST_CHECK enum err store_event_rows_read(struct store_work *w, const struct store_answer *a);
/** Numbers and signs the rows, and the heads of chains that end; updates the calls' chain_rows and
 * chain_mac. ERR_NOMEM. */
MUST_CHECK enum err store_event_rows_chain(struct store_work *w);
/** Adds the statements that save them. ERR_NOMEM. */
MUST_CHECK enum err store_event_rows_save(struct store_work *w);

/* txn_rows.c */
/** Adds the look-ups of transaction and events; reads the answers, two results. ERR_NOMEM. */
void store_txn_rows_find(struct store_work *w);
MUST_CHECK enum err store_txn_rows_read(
    struct store_work *w, const struct store_answer *a, size_t result, struct store_snapshot *ret);
/** Was this event looked up when the unit was opened, and new? */
bool store_txn_rows_unseen(const struct store_work *w, const char *event_id);
/** Adds the statements that remember them. */
void store_txn_rows_save(struct store_work *w);

/* removals.c */
/** Adds the statement that writes them down. ERR_NOMEM. */
MUST_CHECK enum err store_removals_save(struct store_work *w);

/* stays.c */
/** Adds the statements that write and end them. ERR_NOMEM. */
MUST_CHECK enum err store_stays_save(struct store_work *w);

/* news_rows.c */
/** Adds the statement that leaves the news for whoever tells them. ERR_NOMEM. */
MUST_CHECK enum err store_news_rows_save(struct store_work *w);

#endif
