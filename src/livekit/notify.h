/*
 * Webhooks out: receivers of LiveKit's kind are told what happens in the live rooms.
 *
 *     POST <url>   Content-Type: application/webhook+json, Authorization: <token that names the
 *                  body's digest>, the body a WebhookEvent
 *
 * The order of a room is kept: each receiver has one request of a room under way, the next leaves
 * when it was taken or given up. What was not taken is tried again; a receiver that is away costs
 * a bounded queue, beyond which news is dropped and the next one says how many were.
 *
 * Nothing outlives the process: what must never be lost is in the audit.  Thread: main.
 * See: livekit-protocol 7.2, A.6.
 */
#ifndef LIVEKIT_NOTIFY_H
#define LIVEKIT_NOTIFY_H

#include "core/err.h"

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct Lk__WebhookEvent;
struct http_client;
struct lk_keys;

#define LK_NOTIFY_TYPE      "Content-Type: application/webhook+json"
#define LK_NOTIFY_URLS_MAX  8
#define LK_NOTIFY_ROOM_MAX  100   /* waiting for one receiver, of one room */
#define LK_NOTIFY_MAX       10000 /* waiting, all together */
#define LK_NOTIFY_TRIES     7     /* of one; with the pauses between them two minutes */
#define LK_NOTIFY_PAUSE_MS  1000  /* before the second try, then twice as long each time */
#define LK_NOTIFY_TIMEOUT_S 10    /* of one try */

struct lk_notify;
struct lk_notify_config {
    struct http_client *http;
    const struct lk_keys *keys; /* the first pair signs */
    const char *const *urls;    /* copied */
    size_t n_urls;
    /* So that tests live in virtual time; NULL = core/clock. Unix milliseconds. */
    int64_t (*wall_ms)(void *arg);
    void *arg;
};
/** Borrows client and keys for its life. With `loop` NULL nothing is tried again by itself: tests
 * call lk_notify_turn. ERR_LIMIT over LK_NOTIFY_URLS_MAX; ERR_NOMEM, ERR_IO. */
MUST_CHECK enum err lk_notify_create(
    uv_loop_t *loop, const struct lk_notify_config *cfg, struct lk_notify **ret);
/** What waits is lost, what is under way ends. Before the client; the loop must turn once more.
 * Takes NULL. */
void lk_notify_destroy(struct lk_notify *n);

/**
 * Tells all receivers. `event` says what and of whom; id, time and the count of dropped ones are
 * set here, in a copy. Whoever finds no room in the queue is dropped, which is counted.
 * @room  its sid: the order is kept among those of one room
 */
void lk_notify_tell(struct lk_notify *n, const char *room, const struct Lk__WebhookEvent *event);
/** One that tells nothing, for whoever sends it by another way, to see whether a receiver is there
 * and takes what `keys` sign: gives body (JSON, of the type LK_NOTIFY_TYPE) and Authorization.
 * ERR_NOMEM. */
MUST_CHECK enum err lk_notify_try(const struct lk_keys *keys, char **ret_body, char **ret_token);
/** How many wait, or are under way. */
size_t lk_notify_waiting(const struct lk_notify *n);
/** Sends what is due. */
void lk_notify_turn(struct lk_notify *n);

#endif
