/*
 * The token service of MatrixRTC (MSC4195): who is who by OpenID or by the word of our homeserver,
 * who may enter by the room's members, then a LiveKit token.
 *
 *     POST /sfu/get, /get_token                   for everybody
 *     POST /_matrix/…/rtc/livekit/get_token       for our homeserver alone (MSC4512)
 *     POST /delegate_delayed_leave                and …/rtc/livekit/… of it: a delayed leave alone
 *
 * Each token and each refusal is noted for the audit.  Thread: main.  See: matrix-calls 4.
 */
#ifndef LIVEKIT_FOCUS_H
#define LIVEKIT_FOCUS_H

#include "core/err.h"
#include "matrix/openid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_router;
struct lk_admission;
struct lk_delegate;
struct lk_keys;
struct lk_nodes;
struct lk_participants;
struct lk_rooms;
struct lk_witness;
struct mx_client;

#define LK_JOBS_MAX 4096 /* requests under way: each waits for others' servers, 10 s at most */
#define LK_BURST_S  10   /* seconds' worth of a rate that may come at once */

struct lk_focus_config {
    const char *sfu_url; /* where clients are sent, byte for byte */
    const struct lk_keys *keys;
    const char *server_name;        /* ours; "" = we have no homeserver */
    const char *const *full_access; /* server names, or "*" alone; none = ours */
    size_t n_full_access;
    int64_t token_lifetime_us;
    bool own_metadata;     /* canUpdateOwnMetadata */
    unsigned address_rate; /* a second */
    unsigned user_rate;
    /* mx_openid_verify and mx_openid_forget, or what a test puts in their place */
    struct mx_openid *openid;
    enum err (*verify)(
        struct mx_openid *o, const struct mx_openid_token *token, mx_openid_done *done, void *arg);
    void (*forget)(struct mx_openid *o, const void *arg);
    struct lk_admission *admission; /* NULL: nobody can say who is in a room; all are let in */
    struct mx_client *client;       /* NULL: no proxied dialect */
    bool masquerade;                /* may the client ask in the name of local users? */
    struct lk_witness *witness;     /* NULL: no audit */
    struct lk_rooms *rooms;         /* NULL: nobody makes rooms in the SFU, clients do */
    struct lk_nodes *nodes;         /* NULL: all rooms are at sfu_url */
    struct lk_participants *participants; /* NULL: nobody asks who is who */
    struct lk_delegate *delegate;         /* NULL: no delayed leaves are taken */
    /* Is this our homeserver's token? For the proxied dialect. */
    bool (*is_homeserver)(void *arg, const char *hs_token);
    void *arg;
};

struct lk_focus;
/** Borrows everything for its life. ERR_NOMEM. */
MUST_CHECK enum err lk_focus_create(const struct lk_focus_config *cfg, struct lk_focus **ret);
/** Adds what everybody may call. The router borrows the focus for its life. */
MUST_CHECK enum err lk_focus_add(struct lk_focus *f, struct http_router *public);
/** Adds what our homeserver calls; never to a public router: its headers would be believed. */
MUST_CHECK enum err lk_focus_add_proxied(struct lk_focus *f, struct http_router *private);
/** Answers what is under way, and all that comes, with 503. */
void lk_focus_stop(struct lk_focus *f);
/** After the listeners. */
void lk_focus_destroy(struct lk_focus *f);

#endif
