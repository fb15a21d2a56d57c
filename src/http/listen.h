/*
 * Listening sockets by their name in the configuration.  Thread: main.
 */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include "core/err.h"

#include <sys/types.h>
#include <sys/un.h>

struct http_listen {
    int fd;                                                 /* non-blocking */
    int port;                                               /* 0 for a unix socket */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* unix socket, else "" */
    dev_t device; /* of the unix socket's file, to unlink only our own */
    ino_t inode;
};

/**
 * Opens "127.0.0.1:8090", "[::1]:8090" (port 0 = any) or "unix:/run/parley/private.sock". A unix
 * socket gets mode 0660; a file left behind is replaced only if it is a socket and nobody listens
 * on it. Errors: ERR_INVALID (the name), ERR_IO (the system's reason in the text).
 */
MUST_CHECK enum err http_listen_open(const char *name, struct http_listen *ret);
/** Closes it and takes a unix socket's file away. Harmless when closed already (fd -1). */
void http_listen_close(struct http_listen *l);

#endif
