/*
 * One HTTP connection as we see it: who is at the other end, what is under way, and until when we
 * wait.
 *
 * A deadline ends by shutting the socket down, which libmicrohttpd reads as the end of the
 * connection; its own time-outs start anew with every byte, so that a drip would hold a connection
 * for ever.  Thread: main.
 */
#ifndef HTTP_CARRIER_H
#define HTTP_CARRIER_H

#include "http/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_request;
struct http_watch;
struct sockaddr;

struct http_carriers {
    struct http_carrier *first;
    unsigned n;
};

struct http_carrier {
    struct http_carrier *prev, *next;
    struct http_carriers *list;
    void *owner;                  /* the server */
    void *library;                /* libmicrohttpd's connection */
    struct http_request *request; /* under way */
    struct http_watch *watch;     /* made at the first suspension */
    int fd;                       /* libmicrohttpd's */
    bool suspended;
    bool lingers; /* ends with input unread */
    int64_t deadline_us;
    struct http_address peer;
};

/** NULL without memory. Does not take fd. */
struct http_carrier *http_carrier_create(
    struct http_carriers *list, void *owner, int fd, const struct sockaddr *from);
/** Its request, if any, is not touched. Must come before fd is closed. */
void http_carrier_destroy(struct http_carrier *c);

/** What is under way must be done within that time. */
void http_carrier_expect(struct http_carrier *c, int64_t within_us);
/** We have our turn, and take as long as we take. */
void http_carrier_expect_nothing(struct http_carrier *c);
/** The answer must have been read by then, which leaves time for slow readers of long answers. */
void http_carrier_expect_reading(struct http_carrier *c, size_t answer_len);

/** Ends connections over their deadline: with 408 where a request is on its way in, else without a
 * word. */
void http_carriers_sweep(struct http_carriers *list, int64_t now_us, bool cors);
/** Ends connections that have no request. */
void http_carriers_end_idle(struct http_carriers *list);

#endif
