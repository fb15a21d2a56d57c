/*
 * Which of several nodes gets a room, and what a node makes of what it reads of itself and of a
 * client's room.  Thread: any; pure.
 */
#ifndef LIVEKIT_NODE_CHOICE_H
#define LIVEKIT_NODE_CHOICE_H

#include "store/nodes.h"

#include <stdbool.h>
#include <stddef.h>

#define LK_NODE_ROOM_WORTH 2 /* people: a room that was just claimed will have as many soon */

/** The node that gets the next room: the least people and rooms for each of its workers, of equal
 * ones `self`, then the first. Others count only where they can be reached to make the room. NULL =
 * none. */
const struct store_node *lk_node_choose(const struct store_node *nodes, size_t n, const char *self);

enum lk_node_standing {
    LK_NODE_ABSENT,  /* not registered, or not in time */
    LK_NODE_HELD,    /* the row is ours and good */
    LK_NODE_REPLACED /* another living process has our name */
};
/** What the list says of us. */
enum lk_node_standing lk_node_standing_of(
    const struct store_node *nodes, size_t n, const char *name, const char *run);
/** How many nodes that live are not we. */
size_t lk_node_others(const struct store_node *nodes, size_t n, const char *name);

/* Where a room is, as far as we know. */
enum lk_room_where { LK_ROOM_UNKNOWN, LK_ROOM_HERE, LK_ROOM_ELSEWHERE };

/* What becomes of a client that asks for a room at our signalling. */
enum lk_node_entry {
    LK_NODE_LET_IN,
    LK_NODE_UNSURE,    /* nobody has heard of it: the database knows */
    LK_NODE_ELSEWHERE, /* another node answers in our place */
    LK_NODE_NOT_HERE   /* 404, on which clients end and ask for a new token */
};
struct lk_node_case {
    bool is_open; /* the room is in our process */
    bool alone;   /* no other node lives, as far as we know */
    bool replaced;
    enum lk_room_where where;
};
enum lk_node_entry lk_node_admit(const struct lk_node_case *c);

#endif
