/*
 * Reading one room: who is joined, its state as one of them, and one unit of work that says what is
 * there and what is gone.
 *
 *     joined_members (as the sender) -> state (as a joined local user) -> call_work -> done
 *
 * Thread: main.
 */
#ifndef APPSERVICE_RECONCILE_ROOM_H
#define APPSERVICE_RECONCILE_ROOM_H

#include "core/err.h"

#include <stdbool.h>

struct as_observer_config;
struct as_room_read;
struct calls;
struct mx_client;

struct as_room_read_config {
    const struct as_observer_config *observer;
    struct mx_client *client;
    struct calls *calls;
    const char *sender;
    bool masquerade;
};

enum as_room_outcome {
    AS_ROOM_READ,    /* and committed */
    AS_ROOM_SKIPPED, /* nobody lets us read it: 403, 404 */
    AS_ROOM_SILENT,  /* the homeserver did not answer; trying again may help */
    AS_ROOM_FAILED,  /* the database or memory; trying again may help */
    AS_ROOM_OUTCOMES
};
typedef void as_room_read_done(void *arg, enum as_room_outcome outcome);

/** Begins. Borrows the configuration until the end, copies the id. `done` is called once, later;
 * *ret is valid until then. An error means that nothing was begun. */
MUST_CHECK enum err as_room_read_start(const struct as_room_read_config *cfg, const char *room_id,
    as_room_read_done *done, void *arg, struct as_room_read **ret);
/** Ends it without `done`; a unit of work that is under way still ends as it will. */
void as_room_read_abandon(struct as_room_read *r);

#endif
