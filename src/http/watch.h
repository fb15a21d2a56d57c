/*
 * Has the client of a suspended connection left? libmicrohttpd does not look while it waits for us.
 * A client that only shuts down its sending side counts as gone too: the kernel shows no difference
 * until something is sent.  Thread: main.
 */
#ifndef HTTP_WATCH_H
#define HTTP_WATCH_H

#include <uv.h>

struct http_watch;

/** Calls left(arg) at most once. Makes *w at the first call, uses it again later. Without memory
 * nothing is watched, and the client's leaving shows when the answer is sent. */
void http_watch_start(
    struct http_watch **w, uv_loop_t *loop, int fd, void (*left)(void *arg), void *arg);
/** NULL is fine, here and below. */
void http_watch_stop(struct http_watch *w);
/** Must come before fd is closed. */
void http_watch_destroy(struct http_watch *w);

#endif
