/*
 * Asking one homeserver about one token: at the address that the settings have, or wherever the
 * server's name leads, target after target.  Thread: main.
 */
#ifndef MATRIX_OPENID_ASK_H
#define MATRIX_OPENID_ASK_H

#include "matrix/discovery.h"
#include "matrix/server_name.h"
#include "matrix/userinfo.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_client;
struct http_client_call;
struct mx_outside;
struct mx_outside_request;

struct mx_openid_ways { /* shared by all */
    struct mx_outside *outside;
    struct http_client *direct;
    struct mx_discovery *discovery;
    int64_t timeout_us;
    int64_t step_timeout_us; /* of one target, where there are several */
};

/** `no_answer`: no HTTP answer came, so it is not worth trying again at once. */
typedef void mx_openid_asked(void *arg, const struct mx_userinfo *result, bool no_answer);

struct mx_openid_ask { /* begins as zeroes; private */
    const struct mx_openid_ways *ways;
    const struct mx_server_name *server;
    const char *home;
    const char *path;
    mx_openid_asked *done;
    void *arg;
    struct mx_find *find;
    struct mx_outside_request *request;
    struct http_client_call *call;
    struct mx_destination to;
    size_t target; /* which of `to` */
    bool stopped;  /* something on the way lay in an inner network */
};

/** Borrows all of it until `done`, which is called once, perhaps from inside.
 * @home  the address from the settings, or NULL
 * @path  with the token in its query */
void mx_openid_ask_begin(struct mx_openid_ask *a, const struct mx_openid_ways *ways,
    const struct mx_server_name *server, const char *home, const char *path, mx_openid_asked *done,
    void *arg);
/** Ends it without calling `done`; harmless on one that never began, or has ended. */
void mx_openid_ask_cancel(struct mx_openid_ask *a);

#endif
