/*
 * What the door counts: requests, connections, refusals. One set for all listeners of the process.
 * Thread: main.
 */
#ifndef HTTP_TALLY_H
#define HTTP_TALLY_H

#include <stdint.h>

enum http_refusal {
    HTTP_REFUSED_CONNECTIONS, /* connections_max reached */
    HTTP_REFUSED_RATE,
    HTTP_REFUSED_HEAD,        /* malformed, too long, or fit for smuggling */
    HTTP_REFUSED_ALIEN,       /* not HTTP */
    HTTP_REFUSED_SLOW,        /* a deadline ended it */
    HTTP_REFUSED_BODY,        /* over the route's limit */
    HTTP_REFUSED_UPGRADE,     /* a WebSocket that was not let in */
    HTTP_REFUSED_DESCRIPTORS, /* the process has no file descriptor left */
    HTTP_REFUSALS
};

void http_tally_register(void);
void http_tally_refused(enum http_refusal why);
void http_tally_answered(int status, int64_t took_us);
/** +1 or -1. */
void http_tally_connections(int change);
void http_tally_sockets(int change);

#endif
