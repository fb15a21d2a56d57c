/*
 * The homeserver as a client sees it: the calls of matrix-calls section 5 that we make with our
 * as_token.
 *
 * Every call: a time-out, one retry on 5xx or a broken connection for GETs, retry_after_ms honoured
 * once. Tokens are never logged. Answers come later, on main, never from inside the call. An answer
 * is at most 32 MiB.  Thread: main.
 */
#ifndef MATRIX_CLIENT_H
#define MATRIX_CLIENT_H

#include "core/err.h"

#include <jansson.h>
#include <stdint.h>
#include <uv.h>

struct http_client;
struct mx_client;

struct mx_client_config {
    const char *url; /* base, "http://127.0.0.1:8008"; a trailing / is taken off */
    const char *as_token;
    const char *as_token_old; /* tried where the homeserver does not know as_token; NULL = none */
    int64_t timeout_us;       /* of one attempt; 0 = 10 s */
};
/** Copies the configuration, borrows the loop (its timers wait between two attempts) and the HTTP
 * client. ERR_INVALID: a url or token that cannot be. */
MUST_CHECK enum err mx_client_create(uv_loop_t *loop, struct http_client *http,
    const struct mx_client_config *cfg, struct mx_client **ret);
/** Other tokens from now on; copies them. The first is tried first; whichever the homeserver does
 * not call unknown is then used, so that a change of tokens loses no call. On ERR_NOMEM the ones
 * before stay. */
MUST_CHECK enum err mx_client_set_tokens(
    struct mx_client *c, const char *as_token, const char *as_token_old);
/** Pending calls end without their callback. The loop must turn once more before it is closed. */
void mx_client_destroy(struct mx_client *c);
/** Ends all pending calls that were given `arg`, without their callback: for an asker that goes
 * away first. */
void mx_client_forget(struct mx_client *c, const void *arg);

struct mx_answer {
    enum err
        err; /* OK: a 2xx with JSON. ERR_UNAUTHORIZED 401, ERR_FORBIDDEN 403, ERR_NOT_FOUND 404,
                ERR_LIMIT 429, else ERR_UNREACHABLE (other statuses, no JSON, no connection),
                ERR_TIMEOUT, ERR_TOO_LARGE, ERR_NOMEM; ERR_GONE when the HTTP client goes away */
    const char *text;    /* what happened, for people: "502 M_BAD_STATUS: …"; "" on OK */
    int status;          /* HTTP status; 0 = no answer */
    const char *errcode; /* of a Matrix error; "" = none */
    const json_t *json;  /* the body on OK (borrowed for the call), else NULL or the error object */
    int64_t date_ms;     /* the homeserver's clock by its Date header; 0 = unknown */
};
typedef void mx_done(void *arg, const struct mx_answer *a);
/** A text of the answer's object, for those who do not read JSON; NULL = there is none. Borrowed.
 */
const char *mx_answer_text_of(const struct mx_answer *a, const char *key);

/* All of them: an error means that nothing was begun and `done` will not be called. ERR_INVALID: an
 * id that no path can hold ("..", or no room or user id); ERR_NOMEM. */
MUST_CHECK enum err mx_client_versions(struct mx_client *c, mx_done *done, void *arg);
MUST_CHECK enum err mx_client_whoami(struct mx_client *c, mx_done *done, void *arg);
/** Whose token is it? ERR_UNAUTHORIZED: nobody's. Copies the token. */
MUST_CHECK enum err mx_client_whoami_of(
    struct mx_client *c, const char *token, mx_done *done, void *arg);
/** POST /_matrix/client/v1/appservice/{id}/ping: makes Synapse deliver at once (1.4). */
MUST_CHECK enum err mx_client_ping(
    struct mx_client *c, const char *appservice_id, mx_done *done, void *arg);
/** Registers the sender; M_USER_IN_USE counts as OK. `localpart` of the registration. */
MUST_CHECK enum err mx_client_register_sender(
    struct mx_client *c, const char *localpart, mx_done *done, void *arg);
/** {"joined": {...}}; works without being in the room (1.6). */
MUST_CHECK enum err mx_client_joined_members(
    struct mx_client *c, const char *room_id, mx_done *done, void *arg);
/** The array of state events, read as `as_user` (NULL = the sender itself). */
MUST_CHECK enum err mx_client_room_state(
    struct mx_client *c, const char *room_id, const char *as_user, mx_done *done, void *arg);
/** One state event's content. */
MUST_CHECK enum err mx_client_room_state_event(struct mx_client *c, const char *room_id,
    const char *type, const char *state_key, const char *as_user, mx_done *done, void *arg);

/** The same as a whole event, with its event_id; other homeservers than Synapse may answer with the
 * content alone. */
MUST_CHECK enum err mx_client_room_state_whole(struct mx_client *c, const char *room_id,
    const char *type, const char *state_key, const char *as_user, mx_done *done, void *arg);

enum mx_delayed_action { MX_DELAYED_RESTART, MX_DELAYED_SEND };
/** MSC4140, as the user whose event it is. ERR_NOT_FOUND, or status 409: the event was sent or
 * cancelled. */
MUST_CHECK enum err mx_client_delayed_event(struct mx_client *c, const char *user_id,
    const char *delay_id, enum mx_delayed_action action, mx_done *done, void *arg);
/** {"delay_id", "room_id", "type", "state_key", "delay_ms", …}. */
MUST_CHECK enum err mx_client_delayed_event_get(
    struct mx_client *c, const char *user_id, const char *delay_id, mx_done *done, void *arg);

/* An event to write; texts are borrowed for the call. `content` is a JSON object. */
struct mx_state {
    const char *room_id, *type, *state_key, *content;
};
struct mx_message {
    const char *room_id, *type, *content;
    const char *txn_id; /* the same one again is the same event */
    int64_t sticky_ms;  /* MSC4354; 0 = no sticky event */
};
/** As `as_user`, NULL = the sender. {"event_id": …}. ERR_FORBIDDEN: it lacks the power, or is not
 * in the room. */
MUST_CHECK enum err mx_client_put_state(
    struct mx_client *c, const struct mx_state *s, const char *as_user, mx_done *done, void *arg);
MUST_CHECK enum err mx_client_send(
    struct mx_client *c, const struct mx_message *m, const char *as_user, mx_done *done, void *arg);

/* MSC4502 and MSC4512: for homeservers that have them switched on, and registrations with the scope
 * or the proxy prefix. Others answer ERR_NOT_FOUND or ERR_FORBIDDEN. */
/** {"joined": bool}, also of rooms that we could not see otherwise. */
MUST_CHECK enum err mx_client_user_is_joined(
    struct mx_client *c, const char *room_id, const char *user_id, mx_done *done, void *arg);
MUST_CHECK enum err mx_client_server_is_joined(
    struct mx_client *c, const char *room_id, const char *server, mx_done *done, void *arg);
/** POSTs `body` (JSON text) to another server in our homeserver's name: {"status", "content"}. */
MUST_CHECK enum err mx_client_fed_proxy(struct mx_client *c, const char *destination,
    const char *path, const char *body, mx_done *done, void *arg);

#endif
