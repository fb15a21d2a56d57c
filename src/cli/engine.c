/* The wiring, from the database up to the door of the homeserver. */
#include "cli/engine.h"

#include "appservice/observer.h"
#include "appservice/reconcile.h"
#include "appservice/registration.h"
#include "appservice/transactions.h"
#include "calls/lookout.h"
#include "calls/work.h"
#include "cli/homeserver.h"
#include "cli/hooks.h"
#include "core/config.h"
#include "core/log.h"
#include "core/mem.h"
#include "hooks/sender.h"
#include "livekit/overflow.h"
#include "store/chain.h"
#include "store/pool.h"
#include "store/retention.h"

#define US_PER_MS 1000

struct cli_engine {
    uv_loop_t *loop;
    const struct config *config;
    const struct as_registration *registration;
    struct arena arena; /* sender, receivers of news */
    const char *sender;
    struct as_observer_config observer;
    struct store_audit_key *key;
    struct store *store;
    struct calls *calls;
    struct cli_homeserver *homeserver;
    struct hooks *hooks; /* NULL: nobody is told of calls */
    struct as_reconcile *reconcile;
    struct as_transactions *transactions;
    struct store_retention *retention;
    bool was_up; /* the database, at the latest news */
};

/* --- the database comes and goes --- */

static void database_changed(void *arg, bool up) {
    struct cli_engine *e = arg;
    if (up) {
        LOG_INFO(&log_root, "database_reached", "again=%s", e->was_up ? "true" : "false");
        e->was_up = true;
        as_reconcile_database_back(e->reconcile);
    } else {
        LOG_ERROR(&log_root, "database_lost", "next=%s",
            "transactions are answered 503 until it is back");
    }
}

/* --- building --- */

static enum err build_store(struct cli_engine *e) {
    struct store_config cfg = {
        .url = e->config->database.url,
        .pool_size = (unsigned)e->config->database.pool_size,
        .connect_timeout_us = e->config->database.connect_timeout_us,
        .statement_timeout_us = e->config->database.statement_timeout_us,
    };
    return store_create(e->loop, &cfg, database_changed, e, &e->store);
}

static struct store_retention_ages ages_of(const struct config *c) {
    return (struct store_retention_ages){
        .calls_ms = c->retention.calls_ms,
        .audit_ms = c->retention.audit_ms,
        .interval_ms = c->retention.interval_ms,
    };
}

static enum err build_retention(struct cli_engine *e) {
    const struct store_retention_ages ages = ages_of(e->config);
    return store_retention_create(
        e->loop, e->config->database.url, e->config->audit.key_file, &ages, &e->retention);
}

static enum err build_calls(struct cli_engine *e) {
    struct calls_config cfg = {
        .policy = { .max_duration_ms = e->config->calls.max_duration_ms,
            .ring_lifetime_max_ms = e->config->calls.ring_lifetime_max_ms,
            .server_name = e->config->homeserver.name,
            .keep_sdp = e->config->audit.sdp },
        .store = e->store,
        .key = e->key,
    };
    TRY(cli_hooks_policy(e->config, &e->arena, &cfg.policy.news));
    call_lookout_register_metrics();
    lk_overflow_register_metrics();
    return calls_create(e->loop, &cfg, &e->calls);
}

static void news_left(void *arg) {
    struct cli_engine *e = arg;
    hooks_wake(e->hooks);
}

static enum err build_hooks(struct cli_engine *e) {
    TRY(cli_hooks_create(
        e->loop, e->config, e->store, cli_homeserver_client(e->homeserver), &e->hooks));
    calls_tell_news(e->calls, news_left, e);
    return OK;
}

static enum err build_reconcile(struct cli_engine *e) {
    struct as_reconcile_config cfg = {
        .observer = &e->observer,
        .client = cli_homeserver_client(e->homeserver),
        .calls = e->calls,
        .store = e->store,
        .appservice_id = e->registration->id,
        .sender = e->sender,
        .masquerade = e->config->appservice.masquerade,
        .interval_ms = e->config->appservice.reconcile_interval_us / US_PER_MS,
    };
    return as_reconcile_create(e->loop, &cfg, &e->reconcile);
}

static enum err build_transactions(struct cli_engine *e) {
    struct as_transactions_config cfg = {
        .observer = &e->observer,
        .calls = e->calls,
        .membership = cli_homeserver_membership(e->homeserver),
        .reconcile = e->reconcile,
    };
    return as_transactions_create(&cfg, &e->transactions);
}

static enum err build(struct cli_engine *e) {
    e->observer = (struct as_observer_config){
        .server_name = e->config->homeserver.name,
        .focus_url = e->config->rtc.public_url,
        .keep_sdp = e->config->audit.sdp,
    };
    e->sender = arena_printf(
        &e->arena, "@%s:%s", e->registration->sender_localpart, e->config->homeserver.name);
    if (e->sender == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    TRY(build_store(e));
    TRY(build_retention(e));
    TRY(build_calls(e));
    TRY(build_hooks(e));
    TRY(build_reconcile(e));
    return build_transactions(e);
}

enum err cli_engine_create(uv_loop_t *loop, const struct config *c,
    const struct as_registration *registration, struct cli_homeserver *homeserver,
    struct store_audit_key *key, struct cli_engine **ret) {
    struct cli_engine *e = mem_zalloc(sizeof(*e));
    if (e == NULL) {
        store_audit_key_destroy(key);
        return err_set(ERR_NOMEM, "out of memory");
    }
    *e = (struct cli_engine){ .loop = loop,
        .config = c,
        .registration = registration,
        .homeserver = homeserver,
        .key = key };
    arena_init(&e->arena);
    enum err err = build(e);
    if (err != OK) {
        cli_engine_destroy(e);
        return err;
    }
    *ret = e;
    return OK;
}

/* Reconcile starts new work when a unit ends, so it goes before the calls; transactions answer
 * their requests when a unit ends, so they go after them. */
void cli_engine_destroy(struct cli_engine *e) {
    if (e == NULL) {
        return;
    }
    as_reconcile_destroy(e->reconcile);
    calls_destroy(e->calls);
    as_transactions_destroy(e->transactions);
    hooks_destroy(e->hooks);
    store_retention_destroy(e->retention);
    store_destroy(e->store);
    store_audit_key_destroy(e->key);
    arena_finish(&e->arena);
    mem_free(e);
}

/* --- running --- */

static void first_reconcile_done(void *arg) {
    struct cli_engine *e = arg;
    LOG_INFO(&log_root, "start_completed", "next=%s", "deadlines");
    calls_start_deadlines(e->calls);
}

void cli_engine_start(struct cli_engine *e) {
    as_reconcile_start(e->reconcile, first_reconcile_done, e);
    store_retention_start(e->retention);
    hooks_start(e->hooks);
}

struct store *cli_engine_store(struct cli_engine *e) {
    return e->store;
}

struct calls *cli_engine_calls(struct cli_engine *e) {
    return e->calls;
}

struct mx_client *cli_engine_client(struct cli_engine *e) {
    return cli_homeserver_client(e->homeserver);
}

struct as_transactions *cli_engine_transactions(struct cli_engine *e) {
    return e->transactions;
}

void cli_engine_set_reconcile_interval(struct cli_engine *e, int64_t interval_us) {
    as_reconcile_set_interval(e->reconcile, interval_us / US_PER_MS);
}

void cli_engine_retention_changed(struct cli_engine *e) {
    const struct store_retention_ages ages = ages_of(e->config);
    store_retention_set(e->retention, &ages);
}

enum err cli_engine_reload_secret(struct cli_engine *e) {
    return e == NULL ? OK : hooks_reload(e->hooks, e->config->webhooks.secret_file);
}

bool cli_engine_database_up(const struct cli_engine *e) {
    return e != NULL && store_up(e->store);
}

bool cli_engine_homeserver_up(const struct cli_engine *e) {
    return e != NULL && as_reconcile_homeserver_up(e->reconcile);
}
