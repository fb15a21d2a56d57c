/*
 * Several nodes, each with an embedded SFU, on one database: who they are, and on which of them
 * each room lives.
 *
 *     lk_nodes_place    the token service: the node that has the room, else the least busy one,
 *                       which has it from then on
 *     lk_nodes_admit,   the signalling: is the room here? Who comes to the wrong node is led to the
 *     lk_nodes_enter    right one, and never learns of it
 *     lk_nodes_find     livekit/rooms, RoomService: whom to ask about a room
 *
 * A node registers, and says every few seconds that it lives. Its rooms are claimed in the database
 * when they are made, and released when they end. The claims of a node that dies are good for
 * LK_NODES_LEASE_MS; then its rooms begin anew wherever somebody asks for them. A node that was cut
 * off from the database for longer claims its rooms again, and ends those that began elsewhere
 * meanwhile: two halves of a room go on beside each other for as long as it is cut off, not longer.
 *
 * While the database is away, rooms go on where they are, and tokens for them are given there. A
 * room that is not here is then not looked for, and no new one begins, unless no other node was
 * alive when the database was last heard.
 *
 * Without a database, and until it has been reached, a node is alone, and all rooms are its own.
 * Thread: main.
 */
#ifndef LIVEKIT_NODES_H
#define LIVEKIT_NODES_H

#include "core/err.h"
#include "livekit/node_choice.h"

#include <uv.h>

struct http_client;
struct lk_forwards;
struct lk_keys;
struct lk_nodes;
struct lk_rooms;
struct room_directory;
struct store;

#define LK_NODES_BEAT_MS     4000
#define LK_NODES_LEASE_MS    15000 /* three beats may be lost */
#define LK_NODES_SETTLE_MS   10000 /* after an outage of the database: the others come back, too */
#define LK_NODES_KNOWN_MS    10000 /* what was heard of a room is believed so long */
#define LK_NODES_KNOWN_MAX   4096  /* rooms */
#define LK_NODES_ASKED_MAX   4096  /* questions under way */
#define LK_NODES_TOUCHED_MAX 20000 /* rooms that began or ended and were not told yet */
/* Now and then all rooms are claimed again, and claims go whose room never came to be … */
#define LK_NODES_TIDY_BEATS 15
/* … but for young ones: whoever claimed them makes the room yet. */
#define LK_NODES_FRESH_MS 60000

struct lk_nodes_config {
    const char *name;      /* node.name */
    const char *url;       /* where clients are sent */
    const char *inner_url; /* our private listener, for the other nodes; "" = none */
    const char *version;
    int workers;
    struct room_directory *rooms;
    struct http_client *http;
    const struct lk_keys *keys;
};
/** Borrows everything for its life. ERR_NOMEM, ERR_RANDOM. */
MUST_CHECK enum err lk_nodes_create(
    uv_loop_t *loop, const struct lk_nodes_config *cfg, struct lk_nodes **ret);
/** Registers there, and stays registered; NULL: the store is about to go. */
void lk_nodes_set_store(struct lk_nodes *n, struct store *store);
/** We are about to stop: no new rooms for us, and the claims without a room go. */
void lk_nodes_drain(struct lk_nodes *n);
/** Ends the registration; done(arg) when the database knows, or after five seconds; from inside
 * where there is none to tell. Once. */
void lk_nodes_leave(struct lk_nodes *n, void (*done)(void *arg), void *arg);
/** Before the directory. What was asked is not answered any more. The loop must turn once more. */
void lk_nodes_destroy(struct lk_nodes *n);

/* Where a room is. */
struct lk_place {
    const char *node;
    const char *url;            /* for clients */
    const char *inner_url;      /* its private listener; "" = not known to the others */
    struct lk_rooms *elsewhere; /* the way to its node; NULL = it is here */
};
/** Called once, never from inside the asking; `place` (NULL on an error) is borrowed for the call.
 * ERR_UNREACHABLE: no node takes rooms now, or the one that has it cannot be asked (`place` says
 * then where clients find it all the same). */
typedef void lk_nodes_placed(void *arg, enum err e, const struct lk_place *place);
/** ERR_LIMIT, ERR_NOMEM: nothing was begun. */
MUST_CHECK enum err lk_nodes_place(
    struct lk_nodes *n, const char *alias, lk_nodes_placed *placed, void *arg);
/** The same without claiming it: a room that is nowhere counts as ours. */
MUST_CHECK enum err lk_nodes_find(
    struct lk_nodes *n, const char *alias, lk_nodes_placed *placed, void *arg);
/** What was asked with this `arg` is not answered. */
void lk_nodes_forget(struct lk_nodes *n, const void *arg);

/** May somebody come into the room here, as far as is known? */
enum lk_node_entry lk_nodes_admit(const struct lk_nodes *n, const char *alias);
/** As lk_nodes_place, for who stands at our door: a room that is nowhere becomes ours, if we take
 * rooms. */
MUST_CHECK enum err lk_nodes_enter(
    struct lk_nodes *n, const char *alias, lk_nodes_placed *placed, void *arg);

const char *lk_nodes_name(const struct lk_nodes *n);
/** For requests that others answer. */
struct lk_forwards *lk_nodes_forwards(struct lk_nodes *n);
/** Nodes that live and are not we. */
size_t lk_nodes_others(const struct lk_nodes *n);
void lk_nodes_each_other(const struct lk_nodes *n,
    void (*each)(void *arg, const char *name, const char *inner_url), void *arg);

#endif
