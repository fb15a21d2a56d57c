/*
 * A client's signalling WebSocket: messages of either kind, both ways. Landlord of libwebsockets in
 * tools/load.  Thread: one owner, who calls load_signals_turn.
 */
#ifndef TOOLS_LOAD_SIGNAL_H
#define TOOLS_LOAD_SIGNAL_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Where the server listens. */
struct load_url {
    char host[256];
    char path[256]; /* in front of a door's own, without a slash at its end */
    int port;
    int tls; /* 1: wss or https */
};
/** "ws://host:port", with http, https and wss too. ERR_INVALID. */
MUST_CHECK enum err load_url_read(const char *text, struct load_url *ret);

struct load_signals;
MUST_CHECK enum err load_signals_create(const struct load_url *url, struct load_signals **ret);
/** Closes them all; every load_signal must be forgotten. */
void load_signals_destroy(struct load_signals *s);
/** Does what is due and does not wait. */
void load_signals_turn(struct load_signals *s);

struct load_signal;
struct load_signal_config {
    const char *path;     /* behind the URL's, with its query; borrowed for the call */
    const char *protocol; /* of Sec-WebSocket-Protocol; NULL = none */
    bool text;            /* our messages are texts */
    /** Borrowed for the call; with a zero behind it. */
    void (*message)(void *arg, const void *bytes, size_t len);
    /** Closed, or never open: `why` says so. */
    void (*lost)(void *arg, const char *why);
    void *arg;
};
/** Gives *ret. */
MUST_CHECK enum err load_signal_open(
    struct load_signals *all, const struct load_signal_config *cfg, struct load_signal **ret);
/** Queued until the socket takes it. */
void load_signal_send(struct load_signal *s, const void *bytes, size_t len);
/** Forgets it: nothing comes from it any more. Takes NULL. */
void load_signal_close(struct load_signal *s);

#endif
