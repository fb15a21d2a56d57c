/*
 * Transactions, exactly once: read the events, one unit of work, 200 only after the database has
 * committed (1.4, 1.5). A malformed event is an audit row and never an error; a body that is no
 * JSON object with `events` is 400; database away is 503 with Retry-After.  Transactions that hold
 * nothing for us are acknowledged without the database.  Thread: main.
 */
#ifndef APPSERVICE_TRANSACTIONS_H
#define APPSERVICE_TRANSACTIONS_H

#include "core/err.h"

#include <stddef.h>

struct as_observer_config;
struct as_reconcile;
struct as_transactions;
struct calls;
struct http_request;
struct mx_membership;

struct as_transactions_config {
    const struct as_observer_config *observer; /* borrowed */
    struct calls *calls;
    struct mx_membership *membership; /* NULL: rooms stay unknown */
    struct as_reconcile *reconcile;   /* NULL: no single-room looks */
};
#define AS_TXN_ID_MAX                                                                              \
    255 /* bytes; Synapse sends decimal numbers, others hashes and time stamps                     \
         */
#define AS_ASK_ROOMS_MAX                                                                           \
    100 /* rooms of one transaction whose people are asked for; Synapse sends at most 100 events   \
         */

/** Copies the configuration, borrows what it points to. */
MUST_CHECK enum err as_transactions_create(
    const struct as_transactions_config *cfg, struct as_transactions **ret);
/** Answers with 503 whatever still waits. Call it in the turn of the loop that destroys
 * `membership`, whose answer may not come afterwards. Units that still run, whether `calls` is
 * destroyed before or after, end without us. */
void as_transactions_destroy(struct as_transactions *t);
/** Takes the request (PUT …/transactions/{txnId}) and answers it: units are started in the order in
 * which the requests came, also when one of them waits for people. A client that goes away changes
 * nothing: what was read is committed. */
void as_transactions_take(struct as_transactions *t, struct http_request *r);

#endif
