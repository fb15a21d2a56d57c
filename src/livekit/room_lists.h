/*
 * The rooms of the other nodes, for ListRooms: each is asked in the caller's words, and with his
 * token.  Thread: main.
 */
#ifndef LIVEKIT_ROOM_LISTS_H
#define LIVEKIT_ROOM_LISTS_H

#include "core/err.h"

struct ProtobufCMessage;
struct arena;
struct http_request;
struct lk_nodes;
struct lk_room_list;

/** On an error, `others` is NULL: half a list would look like a whole one. ERR_UNREACHABLE: a node
 * does not answer, and the sentence names it. The list is in the request's arena. */
typedef void lk_room_list_done(void *arg, enum err e, const struct lk_room_list *others);
/** `ask` is a ListRoomsRequest. `done` is called once, maybe from inside. ERR_NOMEM: it is not. */
MUST_CHECK enum err lk_room_list_ask(struct lk_nodes *nodes, struct http_request *r,
    const struct ProtobufCMessage *ask, lk_room_list_done *done, void *arg);
/** The same ListRoomsResponse with those behind it, in the arena. ERR_NOMEM. */
MUST_CHECK enum err lk_room_list_add(
    const struct lk_room_list *others, struct arena *a, const struct ProtobufCMessage **answer);

#endif
