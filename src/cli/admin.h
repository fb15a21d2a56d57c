/*
 * The admin API of `serve`: who may, what there is to ask, and what it needs of the engine.
 * Thread: main.
 */
#ifndef CLI_ADMIN_H
#define CLI_ADMIN_H

#include "core/err.h"

struct api_health;
struct cli_admin;
struct cli_engine;
struct cli_focus;
struct config;
struct http_router;
struct room_directory;

/** Reads the admin's token and adds the routes. Borrows all; the router borrows from it until the
 * router's own end. */
MUST_CHECK enum err cli_admin_create(struct http_router *private, const struct config *c,
    const struct api_health *health, struct cli_admin **ret);
void cli_admin_destroy(struct cli_admin *a);
/** The rooms of the embedded SFU, borrowed. */
void cli_admin_set_rooms(struct cli_admin *a, struct room_directory *rooms);
/** The engine is there from now on, and the token service, NULL where there is none. ERR_NOMEM. */
MUST_CHECK enum err cli_admin_attach(
    struct cli_admin *a, struct cli_engine *e, struct cli_focus *f);
/** It goes: requests that wait for the homeserver are answered. Takes NULL. */
void cli_admin_detach(struct cli_admin *a);
/** Reads the token again; an error is logged, and the token before stays. */
void cli_admin_reload(struct cli_admin *a);

#endif
