/*
 * The token service of `serve`: the way to other homeservers, the API keys, and the doors. It works
 * without an engine, and beside one it knows the calls and writes its audit.  Thread: main.
 */
#ifndef CLI_FOCUS_H
#define CLI_FOCUS_H

#include "api/admin_mute.h"
#include "core/err.h"

#include <uv.h>

struct as_registration;
struct call_ending_member;
struct cli_engine;
struct cli_homeserver;
struct config;
struct http_router;
struct lk_keys;
struct lk_nodes;
struct room_directory;

struct cli_focus;
/* All borrowed. `homeserver` and `registration` are NULL where we have none; then nothing goes to
 * `private`. */
struct cli_focus_config {
    const struct config *config;
    struct cli_homeserver *homeserver;
    const struct as_registration *registration;
    struct http_router *public, *private;
    const struct lk_keys *keys;
    struct room_directory *rooms; /* of the embedded SFU; NULL: a LiveKit server somewhere else */
};
/** Adds the routes. Gives *ret also when it fails, since routes may lead to
 * it already. Errors: of the settings and files. Blocks: files. */
MUST_CHECK enum err cli_focus_create(
    uv_loop_t *loop, const struct cli_focus_config *cfg, struct cli_focus **ret);
/** Takes somebody out of the SFU: an api_admin_calls_remove of the focus, which may be NULL. */
void cli_focus_remove(void *focus, const char *room_id, const char *user_id, const char *device_id,
    const char *reason, const char *actor);
/** Silences a member of a call in the SFU: the parts of an api_admin_mute_port; the focus may be
 * NULL, then there is no SFU to tell. */
MUST_CHECK enum err cli_focus_mute(void *focus, const struct call_ending_member *who,
    const char *track, api_admin_muted *done, void *done_arg);
void cli_focus_mute_forget(void *focus, const void *done_arg);
/** The engine is there from now on. */
void cli_focus_attach(struct cli_focus *f, struct cli_engine *e);
/** The other nodes of an embedded SFU; NULL where there cannot be any. Takes NULL. */
struct lk_nodes *cli_focus_nodes(struct cli_focus *f);
/** Before the engine goes: requests under way, and all that come, are answered 503. Takes NULL. */
void cli_focus_stop(struct cli_focus *f);
/** After the engine, before the homeserver. The loop must turn until it has nothing left. Takes
 * NULL. */
void cli_focus_close(struct cli_focus *f);
/** After the listeners. Takes NULL. */
void cli_focus_destroy(struct cli_focus *f);

#endif
