/*
 * Comparing what we believe with the state of the rooms, because a homeserver that crashes loses
 * what it had not pushed (1.5).
 *
 * Runs at start, after an outage of the homeserver, every appservice.reconcile_interval over rooms
 * with live calls, and for single rooms on request (an unknown room; an entry out of order). Reads
 * GET /rooms/{id}/state as a joined local user, feeds call member events through the observer, and
 * reports members that are gone. One node at a time for the interval run.  Thread: main.
 */
#ifndef APPSERVICE_RECONCILE_H
#define APPSERVICE_RECONCILE_H

#include "core/err.h"

#include <stdbool.h>
#include <uv.h>

struct as_observer_config;
struct calls;
struct mx_client;
struct store;
struct as_reconcile;

struct as_reconcile_config {
    const struct as_observer_config *observer; /* borrowed */
    struct mx_client *client;
    struct calls *calls;
    struct store *store;
    const char *appservice_id; /* for the ping */
    const char *sender;
    bool masquerade;
    int64_t interval_ms;
};
MUST_CHECK enum err as_reconcile_create(
    uv_loop_t *loop, const struct as_reconcile_config *cfg, struct as_reconcile **ret);
void as_reconcile_destroy(struct as_reconcile *r);
/** Starts with a run over all live rooms; `first_done` is called when it is over, also when the
 * homeserver cannot be reached. Then watches the homeserver (whoami every 30 s, 2 s while it is
 * away) and pings it when it or the database is back. */
void as_reconcile_start(struct as_reconcile *r, void (*first_done)(void *arg), void *arg);
/** Looks at one room soon (bounded queue, duplicates are one). */
void as_reconcile_room(struct as_reconcile *r, const char *room_id);
/** The database came back: asks the homeserver to deliver at once. */
void as_reconcile_database_back(struct as_reconcile *r);
/** Has the homeserver answered the latest whoami? For /readyz. */
bool as_reconcile_homeserver_up(const struct as_reconcile *r);
void as_reconcile_set_interval(struct as_reconcile *r, int64_t interval_ms);

#endif
