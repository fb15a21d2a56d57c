/*
 * Those who are told of the embedded SFU's rooms, from the settings.  Thread: main.
 */
#ifndef CLI_ROOM_WEBHOOKS_H
#define CLI_ROOM_WEBHOOKS_H

#include "core/err.h"

#include <stddef.h>
#include <uv.h>

struct config;
struct lk_keys;
struct room_directory;

struct cli_room_webhooks;
/** *ret stays NULL where rtc.webhooks names nobody. Gives it also when it fails. Borrows keys and
 * rooms for its life. ERR_INVALID: nothing is there to sign with; ERR_NOMEM, ERR_IO. */
MUST_CHECK enum err cli_room_webhooks_create(uv_loop_t *loop, const struct config *c,
    const struct lk_keys *keys, struct room_directory *rooms, struct cli_room_webhooks **ret);
/** How much was not told yet. NULL: nothing. */
size_t cli_room_webhooks_waiting(const struct cli_room_webhooks *w);
/** What was not told yet is lost. Before the rooms; the loop must turn once more. Takes NULL. */
void cli_room_webhooks_destroy(struct cli_room_webhooks *w);

#endif
