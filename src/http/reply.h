/*
 * Answers. Exactly one of these is called for each request, once, on main; the request is gone
 * afterwards. Public routes get CORS headers by the router; no handler writes them.
 */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "core/err.h"

#include <stddef.h>

struct http_request;

/** `json` is copied. */
void http_reply_json(struct http_request *r, int status, const char *json);
void http_reply_bytes(
    struct http_request *r, int status, const char *content_type, const void *bytes, size_t len);
/** A Matrix-shaped error: {"errcode": …, "error": …}. */
void http_reply_error(struct http_request *r, int status, const char *errcode, const char *text);
/** Logs the error (the door does it, once) and answers with the status and errcode of the one table
 * in reply.c, and err_text() as text; for ERR_NOMEM, ERR_IO and ERR_DATABASE a text that tells
 * nothing inner. */
void http_reply_err(struct http_request *r, enum err e);
/** For `accept` of a WebSocket path (http/socket.h): the upgrade is answered with this status and
 * text, as text/plain, instead of what the error would mean. Gives the error to return. */
MUST_CHECK enum err http_reply_upgrade(struct http_request *r, int status, const char *text);
/** Adds a header to the answer that will follow. */
void http_reply_header(struct http_request *r, const char *name, const char *value);

#endif
