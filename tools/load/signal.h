/*
 * A client's signalling WebSocket: LiveKit's binary messages, both ways. Landlord of libwebsockets
 * in tools/load.  Thread: one owner, who calls load_signals_turn.
 */
#ifndef TOOLS_LOAD_SIGNAL_H
#define TOOLS_LOAD_SIGNAL_H

#include "core/err.h"

#include <stddef.h>
#include <stdint.h>

struct Lk__SignalRequest;
struct Lk__SignalResponse;

/* Where the server listens. */
struct load_url {
    char host[256];
    char path[256]; /* in front of "/rtc", without a slash at its end */
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
    const char *token; /* borrowed for the call */
    void (*message)(void *arg, const struct Lk__SignalResponse *m);
    /** Closed, or never open: `why` says so. */
    void (*lost)(void *arg, const char *why);
    void *arg;
};
/** Joins the token's room in classic mode, without automatic subscriptions. Gives *ret. */
MUST_CHECK enum err load_signal_open(
    struct load_signals *all, const struct load_signal_config *cfg, struct load_signal **ret);
/** Queued until the socket takes it. */
void load_signal_send(struct load_signal *s, const struct Lk__SignalRequest *m);
/** Forgets it: nothing comes from it any more. Takes NULL. */
void load_signal_close(struct load_signal *s);

#endif
