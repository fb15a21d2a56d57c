/*
 * Everything that needs a prepared database: the store, the domain, and the readers of
 * transactions. Built and taken down in one order, which is in engine.c.  Thread:
 * main.
 */
#ifndef CLI_ENGINE_H
#define CLI_ENGINE_H

#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct as_registration;
struct as_transactions;
struct calls;
struct cli_homeserver;
struct config;
struct mx_client;
struct store;
struct store_audit_key;

struct cli_engine;
/** Borrows config, registration and homeserver for its life; takes the key, also when it fails. */
MUST_CHECK enum err cli_engine_create(uv_loop_t *loop, const struct config *c,
    const struct as_registration *registration, struct cli_homeserver *homeserver,
    struct store_audit_key *key, struct cli_engine **ret);
/** Compares what the database believes with the rooms, then starts the deadlines. */
void cli_engine_start(struct cli_engine *e);
/** Units not yet committed fail, and the requests that wait for them are answered. The loop must
 * turn until it has nothing left. */
void cli_engine_destroy(struct cli_engine *e);

/* Borrowed. */
struct store *cli_engine_store(struct cli_engine *e);
struct calls *cli_engine_calls(struct cli_engine *e);
struct mx_client *cli_engine_client(struct cli_engine *e);

/** Where transactions go. Borrowed. */
struct as_transactions *cli_engine_transactions(struct cli_engine *e);
void cli_engine_set_reconcile_interval(struct cli_engine *e, int64_t interval_us);
/** After the settings of retention have changed. */
void cli_engine_retention_changed(struct cli_engine *e);
/** Reads the secret of the webhooks again; NULL does nothing. On an error the one before stays. */
MUST_CHECK enum err cli_engine_reload_secret(struct cli_engine *e);
/* Both are false for NULL. */
bool cli_engine_database_up(const struct cli_engine *e);
bool cli_engine_homeserver_up(const struct cli_engine *e);

#endif
