/*
 * The connections that nobody has yet, and those that are being let go.
 *
 * A new connection waits here until its head has been peeked at as a whole; then it is handed to
 * HTTP or to WebSocket with every byte still in the socket. A connection that was refused before
 * all it sent was read lingers here: closing it at once would make the kernel send a reset, which
 * can overtake the answer.
 *
 * Both are watched by one edge-triggered epoll set: with a level-triggered poll a head that is
 * peeked at but not read would spin, and the way around it, SO_RCVLOWAT, does nothing on unix
 * sockets.  Thread: main.
 */
#ifndef HTTP_ACCEPT_H
#define HTTP_ACCEPT_H

#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

struct http_head;
struct http_hold;
struct http_accept;
struct http_visitor;

/* What became of an upgrade. */
enum http_upgraded {
    HTTP_UPGRADE_NONE, /* a request for HTTP like others */
    HTTP_UPGRADE_TAKEN,
    HTTP_UPGRADE_ANSWERED, /* refused, on fd */
    HTTP_UPGRADE_HELD      /* it waits: *ret_hold */
};

struct http_accept_door {
    void *arg;
    /** May one more connection come in? Called for each; what it refuses is closed without a word.
     */
    bool (*room)(void *arg);
    /** Takes fd: a request for HTTP. */
    void (*plain)(void *arg, int fd, const struct sockaddr_storage *from, socklen_t from_len);
    /** A correct upgrade. `again`: it was held back before. */
    enum http_upgraded (*upgrade)(void *arg, int fd, const struct http_head *head,
        const struct sockaddr_storage *from, bool again, struct http_hold **ret_hold);
    bool cors;               /* of refusals */
    int64_t head_timeout_us; /* from accept to the end of the head */
};

/** Listens on `name` (see http/listen.h); copies the door. */
MUST_CHECK enum err http_accept_create(uv_loop_t *loop, const char *name,
    const struct http_accept_door *door, struct http_accept **ret);
int http_accept_port(const struct http_accept *a);
/** Takes fd, whose answer has been sent: reads on and forgets until the peer closes, for a while.
 */
void http_accept_linger(struct http_accept *a, int fd);
/** Of one that is held back: it is looked at again. */
void http_accept_again(struct http_accept *a, struct http_visitor *v);
/** … or given up here: gives its descriptor. */
int http_accept_release(struct http_accept *a, struct http_visitor *v);
/** Ends what is over its deadline. To be called a few times a second while http_accept_count is not
 * 0. */
void http_accept_sweep(struct http_accept *a, int64_t now_us);
/** Connections held here; an exhausted process (no descriptors left) counts as one, until it
 * listens again. */
unsigned http_accept_count(const struct http_accept *a);
/** Stops listening and drops the connections whose head has not come. */
void http_accept_close(struct http_accept *a);
/** Closes everything. The loop must run once more. */
void http_accept_destroy(struct http_accept *a);

#endif
