/*
 * One connection of the pool, and the pool itself: shared by store/pool (leases),
 * store/pool_connect (making and losing connections) and store/query (statements). Nobody else
 * includes this.  Thread: main.
 */
#ifndef STORE_CONNECTION_H
#define STORE_CONNECTION_H

#include "core/clock.h"
#include "core/mem.h"
#include "store/column.h"
#include "store/pool.h"
#include "store/query.h"

/* libpq's, by their tags, so that only its landlords include its header. */
struct pg_conn;
struct pg_result;

#define STORE_POOL_MAX    32  /* connections; PostgreSQL's own default limit is 100 for everybody */
#define STORE_WAITERS_MAX 256 /* leases that wait; beyond, a unit fails at once */
#define STORE_BATCH_MAX                                                                            \
    64 /* results of one round trip: twice the statements, for their preparation */
#define STORE_ANSWER_US                                                                            \
    (10 * SEC_US) /* on top of the statement time-out: then the network is held to be dead */
#define STORE_SENTENCE_SIZE 256

enum store_connection_state {
    STORE_DOWN,      /* waits for the next attempt */
    STORE_RESOLVING, /* a name is being looked up */
    STORE_CONNECTING,
    STORE_IDLE,
    STORE_LEASED /* may be lost meanwhile: then pg is NULL */
};

/* What comes back, in order: a preparation or the result of a statement. */
struct store_expected {
    enum store_statement statement;
    bool preparation;
};

struct store_batch {
    struct store_expected expected[STORE_BATCH_MAX];
    size_t n_expected;
    size_t n_arrived;
    struct pg_result *results[STORE_BATCH_MAX]; /* of statements only */
    size_t n_results;
    enum err failed; /* the first failure; the sentence is in `sentence` */
    char sentence[STORE_SENTENCE_SIZE];
    bool unsent;              /* it could not be sent: reported with the next turn */
    store_answered *answered; /* NULL = no batch under way */
    void *arg;
};

struct store_socket; /* the watched descriptor; freed when libuv lets go of it */
struct store_lookup; /* a name look-up under way */

struct store_connection {
    struct store *store; /* NULL: the store is gone, the lease is all that is left */
    enum store_connection_state state;
    struct pg_conn *pg;
    struct store_socket *socket;
    struct store_lookup *lookup;
    uv_timer_t timer; /* DOWN: next attempt; connecting: time-out; a batch under way: the server's
                         silence */
    int64_t backoff_us;
    bool prepared[STORE_STATEMENTS];
    struct store_batch batch;
    struct store_args args; /* for whoever holds the lease to write parameters in */
    bool timer_open;        /* libuv holds the timer */
    bool told;              /* this outage's reason has been logged */
};

typedef void store_leased(void *arg, enum err e, struct store_connection *c);

struct store_waiter {
    struct store_waiter *next;
    store_leased *leased;
    void *arg;
    int64_t since_us;
};

struct store_conninfo; /* the parsed connection string */

struct store {
    uv_loop_t *loop;
    int64_t connect_timeout_us;
    int64_t statement_timeout_us;
    store_changed_fn *changed;
    void *changed_arg;
    struct store_conninfo *info;
    struct arena texts;
    const char *statements[STORE_STATEMENTS];
    struct store_connection *connections[STORE_POOL_MAX];
    unsigned n_connections;
    unsigned n_up;
    bool told_up; /* what `changed` was last told */
    struct store_waiter *waiters;
    struct store_waiter **waiters_end;
    size_t n_waiters;
    uv_timer_t turn; /* runs what must not happen inside a call, and gives up waiters */
};

/* pool.c */
/** Leases a connection. `leased` is called from inside when one is idle (it only begins a batch
 * there), else later; with ERR_DATABASE when none could be had within the connect time-out. On an
 * error returned it is never called. */
MUST_CHECK enum err store_lease(struct store *s, store_leased *leased, void *arg);
/** Gives the lease back. The connection must not be inside a transaction. */
void store_release(struct store_connection *c);
/** Is there still a server behind this lease? */
bool store_alive(const struct store_connection *c);
/** Runs the store's turn as soon as the loop turns. */
void store_turn(struct store *s);
/** A connection was made (true) or lost. */
void store_count_up(struct store *s, bool up);
/** Gives an idle connection to whoever waits. */
void store_serve_waiters(struct store *s);

enum store_failure {
    STORE_FAILED_CONNECT,
    STORE_FAILED_LOST,
    STORE_FAILED_STATEMENT,
    STORE_FAILED_LEASE
};
void store_count_failure(enum store_failure f);

/* pool_connect.c */
MUST_CHECK enum err store_conninfo_create(
    const char *url, int64_t statement_timeout_us, struct store_conninfo **ret);
void store_conninfo_destroy(struct store_conninfo *i);
MUST_CHECK enum err store_connection_create(struct store *s, struct store_connection **ret);
/** A batch under way fails; a lease stays valid until it is given back. */
void store_connection_destroy(struct store_connection *c);
/** The last to let go of the memory frees it: the timer's end, or the lease of a destroyed store.
 */
void store_connection_unref(struct store_connection *c);
/** The connection is gone or no good any more; `why` is logged once an outage. A batch under way
 * fails; a lease stays with its owner. */
void store_connection_lost(struct store_connection *c, enum store_failure kind, const char *why);
/** Tries again after the back-off. */
void store_connection_retry(struct store_connection *c);
/** Waits for the socket: UV_READABLE, UV_WRITABLE. False when libuv cannot. */
bool store_connection_watch(struct store_connection *c, int events);
/** The server has `us` from now to be heard of; 0 = for ever. */
void store_connection_expect(struct store_connection *c, int64_t us);

/* query.c */
/** The socket of an established connection can be read or written. */
void store_query_socket(struct store_connection *c, int events);
/** Ends the batch under way, if any, with ERR_DATABASE. The connection is closed already. */
void store_query_abort(struct store_connection *c, const char *why);
/** Reports a batch that could not be sent. */
void store_query_turn(struct store_connection *c);

#endif
