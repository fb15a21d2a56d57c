/*
 * Mutes members of a call, one after the other told to the SFU at once, and says what came of it:
 * the second half of an order of api/admin_calls.  Thread: main.
 */
#ifndef API_ADMIN_MUTE_H
#define API_ADMIN_MUTE_H

#include "core/err.h"

#include <stddef.h>

struct arena;
struct buf;
struct call_ending_member;

/** So many tracks are silent, or `problem` says why none is. */
typedef void api_admin_muted(void *arg, size_t tracks, const char *problem);
/* The SFU, brought by whoever runs it. */
struct api_admin_mute_port {
    /* Mutes a track of the member's, NULL = all sound. `done` comes later, once; an error: nothing
     * was begun. NULL = there is no SFU to tell. */
    enum err (*mute)(void *arg, const struct call_ending_member *who, const char *track,
        api_admin_muted *done, void *done_arg);
    void (*forget)(void *arg, const void *done_arg);
    void *arg;
};

struct api_admin_mute;
/** Everything lies in the arena; borrows members and port until `done`, which is called once, maybe
 * from inside. ERR_NOMEM: nothing was begun. */
typedef void api_admin_mute_done(void *arg);
MUST_CHECK enum err api_admin_mute_run(struct arena *a, const struct api_admin_mute_port *port,
    const struct call_ending_member *members, size_t n, const char *track,
    api_admin_mute_done *done, void *arg, struct api_admin_mute **ret);
/** Ends it without `done`. Takes NULL. */
void api_admin_mute_end(struct api_admin_mute *m);
/** Appends `"muted":[…],"not_muted":[…]`, with a comma before it. */
void api_admin_mute_print(const struct api_admin_mute *m, struct buf *b);

#endif
