/*
 * The door of a server: the language that its clients speak with it until media flow. There is
 * LiveKit's (livekit.c), which Parley and livekit-server have, and that of Janus' plugin videoroom
 * (janus.c). Connections and media behind it are the same (negotiate.h, intake.h).
 */
#ifndef TOOLS_LOAD_DOOR_H
#define TOOLS_LOAD_DOOR_H

#include "core/err.h"

#include <stdbool.h>

struct load_client;

struct load_door {
    const char *name; /* as in --door */
    bool keyed;       /* needs key and secret */
    bool data;        /* who publishes offers data channels too */
    /** Opens the WebSocket; all else follows from what the server says. */
    enum err (*join)(struct load_client *c);
    /** So that the server does not take the client for gone: every five seconds. */
    void (*ping)(struct load_client *c);
    void (*leave)(struct load_client *c);
};
extern const struct load_door load_livekit, load_janus;

/** NULL when there is none of that name. */
const struct load_door *load_door_find(const char *name);

#endif
