/*
 * Is the homeserver there, and does it know us? Asks whoami every 30 s, every 2 to 15 s while it is
 * away; the first time it also asks for its versions and registers the sender. And the ping, which
 * makes it deliver at once (1.4).  Thread: main.
 */
#ifndef APPSERVICE_WATCH_H
#define APPSERVICE_WATCH_H

#include "core/err.h"

#include <stdbool.h>
#include <uv.h>

struct as_watch;
struct mx_client;

struct as_watch_config {
    struct mx_client *client;
    const char *appservice_id;
    const char *sender;
    void (*changed)(void *arg, bool up); /* the first verdict, and whenever it changes */
    void *arg;
};
/** Copies texts, borrows the rest. */
MUST_CHECK enum err as_watch_create(
    uv_loop_t *loop, const struct as_watch_config *cfg, struct as_watch **ret);
/** The loop must turn once more before it is closed. */
void as_watch_destroy(struct as_watch *w);
void as_watch_start(struct as_watch *w);
/** Did it answer the latest whoami, with our token accepted? */
bool as_watch_up(const struct as_watch *w);
/** Somebody got no answer: look now. */
void as_watch_look(struct as_watch *w);
/** `done` (may be NULL) is called when it is over, whatever came of it; at once where nothing could
 * be begun. */
void as_watch_ping(struct as_watch *w, void (*done)(void *arg), void *arg);

#endif
