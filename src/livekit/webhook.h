/*
 * What a LiveKit server tells us: a signed text for each participant that came or went.
 *
 * The signature is a token of one of our keys that names the digest of the body; so nobody else can
 * say that somebody left, and nobody can change what was said. Members that nobody needs are not
 * looked at, whatever they are: each version of LiveKit adds some.  Thread: main.
 *
 * See: livekit-protocol 7.2, A.6; matrix-calls 4.2.
 */
#ifndef LIVEKIT_WEBHOOK_H
#define LIVEKIT_WEBHOOK_H

#include "core/err.h"

#include <stddef.h>
#include <stdint.h>

struct arena;
struct http_router;
struct lk_keys;

#define LK_WEBHOOK_MAX_BYTES (8 * 1024 * 1024) /* matrix-calls 4.2 */
#define LK_WEBHOOK_TEXT_MAX  256               /* bytes of a name: LiveKit takes no longer ones */

enum lk_webhook_kind {
    LK_WEBHOOK_OTHER,   /* rooms, tracks, what newer versions have: nothing to us */
    LK_WEBHOOK_JOINED,  /* a participant's connection stands */
    LK_WEBHOOK_LEFT,    /* it ended */
    LK_WEBHOOK_ABORTED, /* it never came about */
};

/* Texts are never NULL, "" = not said; in the arena given. */
struct lk_webhook {
    enum lk_webhook_kind kind;
    const char *event;    /* "participant_left" … */
    const char *id;       /* "EV_…" */
    const char *alias;    /* the room */
    const char *identity; /* the participant */
    const char *sid;      /* of this one connection: "PA_…" */
    const char *reason;   /* why it ended: "CLIENT_INITIATED" … */
    int64_t created_s;    /* Unix seconds; 0 = not said */
};

/** Is this token one of a LiveKit server of ours? It may be asked before the body is there.
 * ERR_UNAUTHORIZED, ERR_NOMEM. */
MUST_CHECK enum err lk_webhook_check(const char *token, const struct lk_keys *keys, int64_t now_s);
/**
 * Verifies and reads. `token` is the whole Authorization header, NULL = there was none.
 * Errors: ERR_UNAUTHORIZED (no token, not ours, or of another body); ERR_INVALID: signed, but no
 * webhook; ERR_NOMEM.
 */
MUST_CHECK enum err lk_webhook_read(const char *token, const char *body, size_t len,
    const struct lk_keys *keys, int64_t now_s, struct arena *a, struct lk_webhook *ret);

/* What comes in by the door. The texts are borrowed for the call. */
typedef void lk_webhook_heard(void *arg, const struct lk_webhook *w);
struct lk_webhook_door {
    const struct lk_keys *keys;
    lk_webhook_heard *heard;
    void *arg;
};
/** Adds POST /sfu_webhook; borrows the door for the router's life. */
MUST_CHECK enum err lk_webhook_add(struct lk_webhook_door *d, struct http_router *public);

#endif
