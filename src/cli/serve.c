/*
 * `parley serve`: the order of start and stop.
 *
 *   settings, registration        wrong: one sentence, exit code 1
 *   listeners                     answer from here on: /livez 200, /readyz 503, transactions 503
 *   READY=1                       a database that is away must not make the service manager kill us
 *   preparation                   migrations and audit key, until the database is there
 *   engine                        /readyz 200 once database and homeserver answer
 *
 * Without a homeserver of our own (a token service, an SFU, or both) there is neither registration
 * nor preparation nor engine, and it is ready at once.
 *
 *   SIGTERM                       let rooms end (rtc.drain_timeout), drain the listeners, take the
 *                                 engine down, close, exit code 0
 */
#include "api/health.h"
#include "api/metrics_page.h"
#include "appservice/registration.h"
#include "appservice/routes.h"
#include "cli/admin.h"
#include "cli/command.h"
#include "cli/dev.h"
#include "cli/engine.h"
#include "cli/focus.h"
#include "cli/homeserver.h"
#include "cli/keys.h"
#include "cli/listeners.h"
#include "cli/notify.h"
#include "cli/options.h"
#include "cli/preparation.h"
#include "cli/screen.h"
#include "cli/settings.h"
#include "cli/sfu.h"
#include "cli/signals.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/log.h"
#include "core/mem.h"
#include "http/router.h"
#include "livekit/keys.h"
#include "livekit/nodes.h"
#include "store/chain.h"

#include <stdio.h>
#include <unistd.h>

#define CLOSE_LIMIT_MS                                                                             \
    UINT64_C(5000) /* what is left of the loop after the drain; all of it is local */
#define STOP_SPARE_US (20 * SEC_US) /* for the service manager, beside what the settings say */

struct serve {
    const struct cli_args *args;
    uv_loop_t loop;
    struct config *config;
    struct as_registration *registration; /* NULL: no homeserver of our own; likewise below */
    struct cli_notify *notify;
    struct cli_signals *signals;
    struct http_router *public;
    struct http_router *private;
    struct cli_homeserver *homeserver;
    struct as_routes *routes;
    struct cli_admin *admin;
    struct lk_keys *keys;    /* NULL: neither SFU nor tokens */
    struct cli_sfu *sfu;     /* NULL: not embedded */
    struct cli_focus *focus; /* NULL: no tokens */
    struct cli_listeners *listeners;
    struct cli_preparation *preparation;
    struct cli_engine *engine;
    struct api_health health;
    bool prepared;
    bool stopping;
    unsigned draining; /* how many still have somebody to see off */
    enum err result;   /* why it ended by itself */
    char why[512];
};

/* --- health --- */

static bool migrated(const void *arg) {
    return ((const struct serve *)arg)->prepared;
}

static bool database_up(const void *arg) {
    return cli_engine_database_up(((const struct serve *)arg)->engine);
}

static bool homeserver_up(const void *arg) {
    return cli_engine_homeserver_up(((const struct serve *)arg)->engine);
}

static bool takes_rooms(const void *arg) {
    return !cli_sfu_is_winding_down(((const struct serve *)arg)->sfu);
}

static const struct api_health_part parts[] = {
    { "rooms", takes_rooms, "no new ones: about to stop" }, /* the first: of the embedded SFU */
    { "database", database_up, "not reachable" },
    { "migrated", migrated, "not yet" },
    { "homeserver", homeserver_up, "does not answer" },
};

/* --- starting --- */

static void waiting(void *arg, const char *text) {
    struct serve *s = arg;
    LOG_ERROR(&log_root, "database_unreachable", "text=%s", LOG_Q(text));
    cli_notify_status(s->notify, "Waiting for the database; transactions are answered 503.");
}

/* Ends the loop with an error that `serve` passes on. */
static void give_up(struct serve *s, enum err e, const char *text) {
    s->result = err_set(e, "%s", text);
    snprintf(s->why, sizeof(s->why), "%s", err_text());
    uv_stop(&s->loop);
}

static void prepared(void *arg, enum err e, const char *text, struct store_audit_key *key) {
    struct serve *s = arg;
    if (s->stopping) {
        store_audit_key_destroy(key);
        return;
    }
    if (e != OK) {
        give_up(s, e, text);
        return;
    }
    s->prepared = true;
    e = cli_engine_create(&s->loop, s->config, s->registration, s->homeserver, key, &s->engine);
    e = e == OK ? cli_admin_attach(s->admin, s->engine, s->focus) : e;
    if (e != OK) {
        give_up(s, e, err_text());
        return;
    }
    as_routes_set_transactions(s->routes, cli_engine_transactions(s->engine));
    cli_focus_attach(s->focus, s->engine);
    cli_engine_start(s->engine);
    cli_notify_status(s->notify, "Recording calls.");
}

/* What the homeserver and the admin ask; tells what we ask of the homeserver. */
static enum err add_homeserver(struct serve *s) {
    const struct as_routes_config cfg = {
        .hs_token = s->registration->hs_token,
        .hs_token_old = s->registration->hs_token_old,
        .body_max = s->config->appservice.body_max,
    };
    TRY(cli_homeserver_create(&s->loop, s->config, s->registration, &s->homeserver));
    TRY(cli_admin_create(s->private, s->config, &s->health, &s->admin));
    return as_routes_create(s->private, &cfg, NULL, &s->routes);
}

static enum err add_focus(struct serve *s) {
    const struct cli_focus_config cfg = {
        .config = s->config,
        .homeserver = s->homeserver,
        .registration = s->registration,
        .public = s->public,
        .private = s->private,
        .keys = s->keys,
        .rooms = s->sfu == NULL ? NULL : cli_sfu_rooms(s->sfu),
    };
    return cli_focus_create(&s->loop, &cfg, &s->focus);
}

/* What carries media, and the tokens for it. */
static enum err add_media(struct serve *s) {
    bool embedded = s->config->rtc.sfu == RTC_SFU_EMBEDDED;
    bool tokens = config_gives_tokens(s->config);
    if (embedded || tokens) {
        TRY(cli_keys_load(s->config, &s->keys));
    }
    if (embedded) {
        TRY(cli_sfu_create(&s->loop, s->config, s->keys, s->public, s->private, &s->sfu));
        TRY(cli_args_has(s->args, "dev") ? cli_sfu_add_service(s->sfu, s->public) : OK);
    }
    if (embedded && s->admin != NULL) {
        cli_admin_set_rooms(s->admin, cli_sfu_rooms(s->sfu));
    }
    if (tokens) {
        TRY(add_focus(s));
        cli_sfu_set_nodes(s->sfu, cli_focus_nodes(s->focus));
    }
    return OK;
}

/* Public: what everybody may ask. Private: the homeserver and the admin (decision 1). */
static enum err add_routes(struct serve *s) {
    bool alone = s->registration == NULL;
    const size_t first = s->config->rtc.sfu == RTC_SFU_EMBEDDED ? 0 : 1;
    s->health = (struct api_health){ parts + first, (alone ? 1 : COUNT_OF(parts)) - first, s };
    TRY(http_router_create(&s->public));
    TRY(http_router_create(&s->private));
    TRY(api_health_add(&s->health, s->public));
    TRY(api_health_add(&s->health, s->private));
    TRY(api_metrics_page_add(&s->health, s->private));
    if (!alone) {
        TRY(add_homeserver(s));
    }
    return add_media(s);
}

static enum err load(struct serve *s) {
    TRY(cli_dev_settings(s->args, &s->config));
    TRY(config_check_serve(s->config));
    log_setup(s->config->log.level, s->config->log.format);
    if (!cli_args_has(s->args, "dev")) {
        cli_settings_warn_open(s->args);
    }
    if (config_alone(s->config)) {
        const char *what = config_gives_tokens(s->config) ? "token_service_alone" : "sfu_alone";
        LOG_WARN(&log_root, what, "lacks=%s next=%s", LOG_Q("membership checks, audit, database"),
            "homeserver.name");
        return OK;
    }
    const char *path = s->config->appservice.registration;
    enum err e = as_registration_load(path, s->config->homeserver.name, &s->registration);
    if (e == ERR_NOT_FOUND) {
        return err_set(e, "there is no registration file %s: make it with parley register", path);
    }
    return e;
}

/* --- stopping and reloading --- */

static void drained(void *arg) {
    struct serve *s = arg;
    s->draining--;
    if (s->draining == 0) {
        uv_stop(&s->loop);
    }
}

static void end(void *arg) {
    struct serve *s = arg;
    s->stopping = true;
    cli_notify_stopping(s->notify);
    cli_notify_status(s->notify, "Letting requests under way end.");
    struct lk_nodes *nodes = cli_focus_nodes(s->focus);
    s->draining = 1 + (s->sfu == NULL ? 0 : 1) + (nodes == NULL ? 0 : 1);
    if (nodes != NULL) {
        lk_nodes_leave(nodes, drained, s);
    }
    if (s->sfu != NULL) {
        cli_sfu_drain(s->sfu, s->config->http.drain_timeout_us, drained, s);
    }
    cli_listeners_drain(s->listeners, s->config->http.drain_timeout_us, drained, s);
}

/* Rooms may go on for a while; all else does its work meanwhile. */
static void stop(void *arg) {
    struct serve *s = arg;
    const int64_t limit_us = s->config->rtc.drain_timeout_us;
    if (s->sfu == NULL || limit_us == 0) {
        end(s);
        return;
    }
    cli_notify_stopping(s->notify);
    cli_notify_extend(s->notify, limit_us + s->config->http.drain_timeout_us + STOP_SPARE_US);
    cli_notify_status(s->notify, "Waiting for rooms to end; new ones are refused.");
    cli_sfu_wind_down(s->sfu, limit_us, end, s);
    if (cli_focus_nodes(s->focus) != NULL) {
        lk_nodes_drain(cli_focus_nodes(s->focus));
    }
}

static bool hurry(void *arg) {
    struct serve *s = arg;
    const bool waits = !s->stopping && cli_sfu_is_winding_down(s->sfu);
    if (waits) {
        cli_sfu_hurry(s->sfu);
    }
    return waits;
}

static enum err reload_settings(struct serve *s, struct buf *applied, struct buf *restart) {
    CLEANUP(config_destroyp) struct config *next = NULL;
    TRY(cli_dev_settings(s->args, &next));
    TRY(config_check_serve(next));
    TRY(config_apply_reloadable(s->config, next, applied, restart));
    log_setup(s->config->log.level, s->config->log.format);
    if (s->engine != NULL) {
        cli_engine_set_reconcile_interval(s->engine, s->config->appservice.reconcile_interval_us);
        cli_engine_retention_changed(s->engine);
    }
    return OK;
}

/* The tokens, which change while both sides know two of each; the rest of the file cannot. */
static enum err reload_tokens(struct serve *s) {
    CLEANUP(as_registration_destroyp) struct as_registration *next = NULL;
    TRY(as_registration_load(
        s->config->appservice.registration, s->config->homeserver.name, &next));
    if (!as_registration_alike(s->registration, next)) {
        return err_set(ERR_CONFLICT, "%s has another id, url or sender: restart to use it",
            s->config->appservice.registration);
    }
    TRY(as_routes_set_tokens(s->routes, next->hs_token, next->hs_token_old));
    TRY(cli_listeners_set_probe_secret(s->listeners, next->hs_token));
    as_registration_swap_tokens(s->registration, next);
    return cli_homeserver_set_tokens(s->homeserver);
}

static void reload_registration(struct serve *s) {
    if (reload_tokens(s) == OK) {
        LOG_INFO(&log_root, "registration_reloaded", "earlier_tokens=%s",
            s->registration->hs_token_old != NULL ? "accepted" : "refused");
    } else {
        LOG_ERROR(&log_root, "reload_refused", "kept=old text=%s", LOG_Q(err_text()));
    }
}

static void reload_hooks(struct serve *s) {
    if (cli_engine_reload_secret(s->engine) != OK) {
        LOG_ERROR(&log_root, "reload_refused", "kept=old text=%s", LOG_Q(err_text()));
    }
}

/* Reads small local files on main; nothing else of it waits. */
static void reload(void *arg) {
    struct serve *s = arg;
    CLEANUP(buf_finish) struct buf applied;
    CLEANUP(buf_finish) struct buf restart;
    buf_init(&applied, 0);
    buf_init(&restart, 0);
    cli_notify_reloading(s->notify, clock_mono_us());
    if (reload_settings(s, &applied, &restart) == OK) {
        LOG_INFO(&log_root, "settings_reloaded", "applied=%s needs_restart=%s",
            LOG_Q(buf_str(&applied)), LOG_Q(buf_str(&restart)));
    } else {
        LOG_ERROR(&log_root, "reload_refused", "kept=old text=%s", LOG_Q(err_text()));
    }
    if (s->registration != NULL) {
        reload_registration(s);
        cli_admin_reload(s->admin);
        reload_hooks(s);
    }
    cli_notify_ready(s->notify);
}

/* --- life --- */

static enum err prepare(struct serve *s) {
    const struct cli_preparation_config preparation = { s->config, waiting, prepared, s };
    if (s->registration == NULL) {
        cli_notify_status(s->notify, s->sfu == NULL ? "Giving tokens." : "Carrying media.");
        return OK;
    }
    TRY(cli_preparation_create(&s->loop, &preparation, &s->preparation));
    cli_notify_status(s->notify, "Reaching the database.");
    return OK;
}

static enum err start(struct serve *s) {
    const struct cli_signals_config signals = { stop, hurry, reload, s };
    const char *hs_token = s->registration == NULL ? NULL : s->registration->hs_token;
    TRY(cli_notify_create(&s->notify));
    TRY(add_routes(s));
    const struct cli_doors doors = { s->public, s->private,
        s->sfu == NULL ? NULL : cli_sfu_sockets(s->sfu) };
    TRY(cli_listeners_create(&s->loop, s->config, hs_token, &doors, &s->listeners));
    TRY(cli_signals_create(&s->loop, &signals, &s->signals));
    TRY(prepare(s));
    cli_notify_ready(s->notify);
    cli_notify_watch(s->notify, &s->loop);
    if (cli_args_has(s->args, "dev")) {
        TRY(cli_dev_banner(s->config, s->keys, cli_listeners_port(s->listeners)));
        TRY(cli_screen_flush());
    }
    LOG_INFO(&log_root, "started", "version=" PARLEY_VERSION " pid=%d", (int)getpid());
    return OK;
}

static void close_took_too_long(uv_timer_t *t) {
    LOG_ERROR(&log_root, "close_took_too_long", "limit_ms=%d", (int)CLOSE_LIMIT_MS);
    uv_stop(t->loop);
}

/* Turns the loop until every handle is closed. */
static void close_loop(struct serve *s) {
    uv_timer_t limit;
    uv_timer_init(&s->loop, &limit);
    uv_timer_start(&limit, close_took_too_long, CLOSE_LIMIT_MS, 0);
    uv_unref((uv_handle_t *)&limit);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&limit, NULL);
    uv_run(&s->loop, UV_RUN_NOWAIT);
    uv_loop_close(&s->loop);
}

/* The engine before the listeners: it still answers requests that the drain gave up on. */
static void finish(struct serve *s) {
    bool busy = cli_preparation_busy(s->preparation);
    cli_preparation_destroy(s->preparation);
    if (s->routes != NULL) {
        as_routes_set_transactions(s->routes, NULL);
    }
    cli_focus_stop(s->focus);
    cli_admin_detach(s->admin);
    cli_engine_destroy(s->engine);
    s->engine = NULL;
    cli_sfu_end_rooms(s->sfu);
    cli_sfu_set_nodes(s->sfu, NULL);
    cli_focus_close(s->focus);
    cli_homeserver_destroy(s->homeserver);
    cli_listeners_destroy(s->listeners);
    cli_sfu_close(s->sfu);
    cli_signals_destroy(s->signals);
    cli_notify_destroy(s->notify);
    if (busy) {
        /* libpq waits for a database on the thread pool, for minutes when packets get lost, and
         * libuv would wait for it. Nothing of ours is open any more; PostgreSQL rolls back a
         * migration under way. */
        LOG_INFO(&log_root, "stopped", "database=%s", "never reached");
        _exit(s->result == OK ? CLI_DONE : CLI_FAILED);
    }
    close_loop(s);
    cli_admin_destroy(s->admin);
    as_routes_destroy(s->routes);
    cli_focus_destroy(s->focus);
    cli_sfu_destroy(s->sfu);
    lk_keys_destroy(s->keys);
    http_router_destroy(s->private);
    http_router_destroy(s->public);
    as_registration_destroy(s->registration);
    config_destroy(s->config);
}

enum err cli_serve(const struct cli_args *args) {
    struct serve s = { .args = args };
    if (uv_loop_init(&s.loop) != 0) {
        return err_set(ERR_IO, "cannot make an event loop");
    }
    enum err e = load(&s);
    if (e == OK) {
        e = start(&s);
    }
    if (e == OK) {
        uv_run(&s.loop, UV_RUN_DEFAULT);
        e = s.result;
    } else {
        snprintf(s.why, sizeof(s.why), "%s", err_text());
    }
    finish(&s);
    if (e == OK) {
        LOG_INFO(&log_root, "stopped", "pid=%d", (int)getpid());
        return OK;
    }
    return err_set(e, "%s", s.why);
}
