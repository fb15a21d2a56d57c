/*
 * What http/client reads of an answer's head.  Thread: any; pure.
 */
#ifndef HTTP_CLIENT_HEAD_H
#define HTTP_CLIENT_HEAD_H

#include "core/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_CLIENT_HEAD_MAX     (64 * 1024) /* bytes of all lines; libcurl would keep any amount */
#define HTTP_CACHE_CONTROL_BYTES 256

struct http_client_head { /* the fields mean what http_client_answer says */
    bool keep;            /* all of its lines */
    struct buf lines;     /* of the last head: an interim answer (1xx) has one of its own */
    size_t bytes;
    int64_t date_ms;
    int64_t expires_ms;
    char cache_control[HTTP_CACHE_CONTROL_BYTES];
};

void http_client_head_init(struct http_client_head *h, bool keep);
void http_client_head_finish(struct http_client_head *h);
/** Takes one line, with or without its end; false when the head is too large. Borrows it. */
bool http_client_head_take(struct http_client_head *h, const char *line, size_t len);

#endif
