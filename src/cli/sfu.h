/*
 * The embedded SFU of `serve`: its workers, the live rooms, and the doors of LiveKit's clients and
 * SDKs. Thread: main; the workers have their own.
 */
#ifndef CLI_SFU_H
#define CLI_SFU_H

#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct config;
struct http_router;
struct http_sockets;
struct lk_keys;
struct lk_nodes;
struct room_directory;

#define CLI_SFU_NEWS_US (5 * INT64_C(1000000))

struct cli_sfu;
/** Binds the ports of media, starts the workers, adds the routes: clients' to `public`, RoomService
 * to `private`. Borrows all of it. Gives *ret also when it fails, since routes may lead to it
 * already. Errors: of the addresses and ports in the settings, with what to change. */
MUST_CHECK enum err cli_sfu_create(uv_loop_t *loop, const struct config *c,
    const struct lk_keys *keys, struct http_router *public, struct http_router *private,
    struct cli_sfu **ret);
/** RoomService on `router`, too: with --dev it is where clients are, since SDKs know one URL. */
MUST_CHECK enum err cli_sfu_add_service(struct cli_sfu *s, struct http_router *router);
struct http_sockets *cli_sfu_sockets(struct cli_sfu *s);
struct room_directory *cli_sfu_rooms(struct cli_sfu *s);
/** Clients are let in, and RoomService answers, where the room is; NULL = all is here. Before the
 * nodes go. Takes NULL. */
void cli_sfu_set_nodes(struct cli_sfu *s, struct lk_nodes *nodes);
/** Lets no new rooms begin; done(arg) once nobody is in any, at the latest after `limit_us`, or
 * when it is hurried. Once. */
void cli_sfu_wind_down(struct cli_sfu *s, int64_t limit_us, void (*done)(void *arg), void *arg);
void cli_sfu_hurry(struct cli_sfu *s);
/** Is it winding down? NULL: no. */
bool cli_sfu_is_winding_down(const struct cli_sfu *s);
/** Tells everybody to leave, lets nobody in, ends the rooms once they are gone, at the latest after
 * `limit_us`; done(arg) when those who are told of rooms (rtc.webhooks) know that, at the latest
 * CLI_SFU_NEWS_US later. */
void cli_sfu_drain(struct cli_sfu *s, int64_t limit_us, void (*done)(void *arg), void *arg);
/** Everybody has left, and no room is there any more: while somebody listens who writes that down.
 * Takes NULL. */
void cli_sfu_end_rooms(struct cli_sfu *s);
/** After the listeners. The loop must turn until it has nothing left. Takes NULL. */
void cli_sfu_close(struct cli_sfu *s);
/** When the loop has turned. Takes NULL. */
void cli_sfu_destroy(struct cli_sfu *s);

#endif
