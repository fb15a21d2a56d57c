/*
 * The rooms of the SFU: they are made, and their participants looked up and removed. Of a LiveKit
 * server somewhere else by requests to its RoomService (Twirp, in its JSON form) signed with our
 * key; of our own without.  Thread: main.
 *
 * See: livekit-protocol 7.1, matrix-calls 4.5.
 */
#ifndef LIVEKIT_ROOMS_H
#define LIVEKIT_ROOMS_H

#include "core/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

struct http_client;
struct lk_keys;
struct lk_rooms;

#define LK_ROOMS_CALLS_MAX 4096 /* requests under way */

/** `url` as clients have it, ws:// or wss://, or http(s)://. Borrows client and keys for its life.
 * ERR_INVALID for any other address; ERR_NOMEM. */
MUST_CHECK enum err lk_rooms_create(
    struct http_client *http, const struct lk_keys *keys, const char *url, struct lk_rooms **ret);
/* A question; `method` as RoomService calls it. */
struct lk_rooms_question {
    const char *method;
    const char *alias;
    const char *identity; /* NULL where the method takes none; likewise the track */
    const char *track;
};
/** Answers one at once: lk_rooms_here (livekit/rooms_here.h). */
typedef enum err lk_rooms_answerer(void *arg, const struct lk_rooms_question *q, json_t **ret);
/** The rooms of the SFU in our own process: the same questions, answered in the loop's next turn.
 * Borrows `loop` and `arg` for its life. ERR_NOMEM. */
MUST_CHECK enum err lk_rooms_create_here(
    uv_loop_t *loop, lk_rooms_answerer *here, void *arg, struct lk_rooms **ret);
struct lk_nodes;
/** There are other nodes: what is asked of a room goes to the one that it is on. Before the first
 * question; borrows it for its life. Only with lk_rooms_create_here. */
void lk_rooms_set_nodes(struct lk_rooms *r, struct lk_nodes *nodes);
/** What is under way ends without its callback. Before the HTTP client; the loop must turn once
 * more. */
void lk_rooms_destroy(struct lk_rooms *r);
/** The same for what was asked with this `arg`. */
void lk_rooms_forget(struct lk_rooms *r, const void *arg);
/** Nothing is under way. */
bool lk_rooms_is_idle(const struct lk_rooms *r);

/** OK with the answer's object (borrowed for the call); ERR_NOT_FOUND: no such room or participant;
 * ERR_UNAUTHORIZED: the server does not know our key or secret; ERR_LIMIT, ERR_TIMEOUT,
 * ERR_UNREACHABLE, ERR_NOMEM. `text` says which, for people. Never from inside the asking. */
typedef void lk_rooms_done(void *arg, enum err e, const json_t *json, const char *text);

/* All of them copy their texts; an error means that nothing was begun. */
/** Makes the room where there is none, so that people without the right to make one find it. */
MUST_CHECK enum err lk_rooms_ensure(
    struct lk_rooms *r, const char *alias, lk_rooms_done *done, void *arg);
MUST_CHECK enum err lk_rooms_find(
    struct lk_rooms *r, const char *alias, const char *identity, lk_rooms_done *done, void *arg);
/** {"rooms": [{"name", …}]}: one where it is there, else none. */
MUST_CHECK enum err lk_rooms_look(
    struct lk_rooms *r, const char *alias, lk_rooms_done *done, void *arg);
/** {"participants": [{"identity", "state", "joined_at", "tracks": [{"sid", "type", "source",
 * "muted"}], …}]} */
MUST_CHECK enum err lk_rooms_list(
    struct lk_rooms *r, const char *alias, lk_rooms_done *done, void *arg);
/** Ends the participant's connection. Its token stays valid: whoever must stay out is refused where
 * they ask. */
MUST_CHECK enum err lk_rooms_remove(
    struct lk_rooms *r, const char *alias, const char *identity, lk_rooms_done *done, void *arg);
/** Silences a track; only who publishes it lets it sound again. ERR_NOT_FOUND: also no such track.
 */
MUST_CHECK enum err lk_rooms_mute(struct lk_rooms *r, const char *alias, const char *identity,
    const char *track, lk_rooms_done *done, void *arg);

/* A request for whoever sends it by another way, to see whether the server answers and knows our
 * key: gives its parts. */
enum lk_rooms_trial {
    LK_ROOMS_TRIAL_LOOK, /* for a room: changes nothing */
    LK_ROOMS_TRIAL_MAKE  /* makes a room that closes itself after a second; webhooks tell of it */
};
struct lk_rooms_request {
    char *url, *bearer, *body;
};
/** ERR_INVALID: `url`, as for lk_rooms_create; ERR_NOMEM. */
MUST_CHECK enum err lk_rooms_try(const struct lk_keys *keys, const char *url, const char *alias,
    enum lk_rooms_trial what, struct lk_rooms_request *ret);
void lk_rooms_request_finish(struct lk_rooms_request *q);

#endif
