/*
 * A whole answer in raw bytes, for the places where libmicrohttpd cannot speak: before it has the
 * connection, and in the middle of a body.  Thread: main.
 */
#ifndef HTTP_REFUSAL_H
#define HTTP_REFUSAL_H

#include <stdbool.h>

/** Writes the answer with `Connection: close` to a non-blocking socket. What does not fit into its
 * send buffer (these are some 400 bytes) is lost with the connection. The caller closes or lingers.
 */
void http_refusal_send(int fd, int status, const char *errcode, const char *text, bool cors);
/** The same with the text alone, as text/plain. */
void http_refusal_send_text(int fd, int status, const char *text, bool cors);

#endif
