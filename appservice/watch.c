/*
 * Is the homeserver there? One question at a time:
 *
 *     versions -> register -> whoami -> verdict -> (30 s) whoami -> …
 *        ^--- until each was answered once ---'
 *
 * Thread: main.
 */
#include "appservice/watch.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "matrix/client.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>
#include <utlist.h>

#define UP_MS       (30 * SEC_MS)
#define AWAY_MS     (2 * SEC_MS) /* doubled up to … */
#define AWAY_MAX_MS (15 * SEC_MS)

METRIC_GAUGE(
    up_gauge, "parley_homeserver_up", "1 when the homeserver answers and accepts our token.");

enum verdict { UNKNOWN, UP, AWAY, REFUSED };

/* One ping under way. */
struct ping {
    struct ping *next;
    struct as_watch *watch;
    void (*done)(void *arg);
    void *arg;
};

struct as_watch {
    struct as_watch_config cfg;
    char *appservice_id;
    char *sender;
    char *localpart;
    uv_timer_t timer;
    bool asking;
    bool versions_known;
    bool registered;
    bool tried;      /* to register, in this round */
    bool complained; /* about registering, or about who we are: once is enough */
    enum verdict verdict;
    int64_t away_ms;
    struct ping *pings;
};

static void ask(struct as_watch *w);

static void on_timer(uv_timer_t *timer) {
    ask(timer->data);
}

static void wait(struct as_watch *w, int64_t ms) {
    int failed = uv_timer_start(&w->timer, on_timer, (uint64_t)ms, 0);
    assert(failed == 0);
    (void)failed;
}

/* --- the verdict --- */

static void say(const struct as_watch *w, enum verdict verdict, const char *text) {
    if (verdict == UP) {
        LOG_INFO(&log_root, "homeserver_reached", "sender=%s", LOG_Q(w->sender));
    } else if (verdict == AWAY) {
        LOG_WARN(&log_root, "homeserver_away", "reason=%s", LOG_Q(text));
    } else {
        LOG_ERROR(&log_root, "homeserver_refused_us",
            "reason=%s advice=\"list the registration file under app_service_config_files and "
            "restart the homeserver\"",
            LOG_Q(text));
    }
}

static void decide(struct as_watch *w, enum verdict verdict, const char *text) {
    enum verdict before = w->verdict;
    if (verdict == UP) {
        w->away_ms = AWAY_MS;
        wait(w, UP_MS);
    } else {
        wait(w, w->away_ms);
        w->away_ms = 2 * w->away_ms < AWAY_MAX_MS ? 2 * w->away_ms : AWAY_MAX_MS;
    }
    w->verdict = verdict;
    w->tried = false;
    metric_set(&up_gauge, verdict == UP ? 1 : 0);
    if (verdict != before) {
        say(w, verdict, text);
    }
    if (before == UNKNOWN || (verdict == UP) != (before == UP)) {
        w->cfg.changed(w->cfg.arg, verdict == UP);
    }
}

/* --- questions --- */

/* No answer at all: nothing further to ask now. */
static bool is_away(const struct mx_answer *a) {
    return a->status == 0 || a->status >= 500;
}

static const char *feature(const json_t *versions, const char *name) {
    return json_is_true(json_object_get(json_object_get(versions, "unstable_features"), name))
               ? "yes"
               : "no";
}

static void on_versions(void *arg, const struct mx_answer *a) {
    struct as_watch *w = arg;
    w->asking = false;
    if (a->err != OK) {
        decide(w, AWAY, a->text);
        return;
    }
    const json_t *list = json_object_get(a->json, "versions");
    size_t n = json_array_size(list);
    const char *latest = n > 0 ? json_string_value(json_array_get(list, n - 1)) : NULL;
    w->versions_known = true;
    LOG_INFO(&log_root, "homeserver_versions",
        "latest=%s delayed_events=%s rtc_transports=%s sticky_events=%s",
        LOG_Q(latest != NULL ? latest : "unknown"), feature(a->json, "org.matrix.msc4140"),
        feature(a->json, "org.matrix.msc4143"), feature(a->json, "org.matrix.msc4354"));
    ask(w);
}

/* A refusal is not the last word: whoami tells what is wrong, and the next round tries again. */
static void on_registered(void *arg, const struct mx_answer *a) {
    struct as_watch *w = arg;
    w->asking = false;
    w->registered = a->err == OK;
    if (a->err != OK && is_away(a)) {
        decide(w, AWAY, a->text);
        return;
    }
    if (a->err != OK && !w->complained) {
        w->complained = true;
        LOG_WARN(&log_root, "sender_not_registered", "sender=%s reason=%s", LOG_Q(w->sender),
            LOG_Q(a->text));
    }
    ask(w);
}

static void on_whoami(void *arg, const struct mx_answer *a) {
    struct as_watch *w = arg;
    w->asking = false;
    if (a->err != OK) {
        decide(w, is_away(a) || a->err == ERR_LIMIT ? AWAY : REFUSED, a->text);
        return;
    }
    const char *user_id = json_string_value(json_object_get(a->json, "user_id"));
    if ((user_id == NULL || strcmp(user_id, w->sender) != 0) && !w->complained) {
        w->complained = true;
        LOG_WARN(&log_root, "sender_differs",
            "want=%s got=%s advice=\"homeserver.name or sender_localpart is not what the "
            "homeserver has\"",
            LOG_Q(w->sender), LOG_Q(user_id != NULL ? user_id : "nobody"));
    }
    decide(w, UP, "");
}

static void ask(struct as_watch *w) {
    enum err e = OK;
    uv_timer_stop(&w->timer);
    w->asking = true;
    if (!w->versions_known) {
        e = mx_client_versions(w->cfg.client, on_versions, w);
    } else if (!w->registered && !w->tried) {
        w->tried = true;
        e = mx_client_register_sender(w->cfg.client, w->localpart, on_registered, w);
    } else {
        e = mx_client_whoami(w->cfg.client, on_whoami, w);
    }
    if (e != OK) {
        w->asking = false;
        decide(w, AWAY, err_text());
    }
}

/* --- the ping --- */

static void ping_destroy(struct ping *p) {
    LL_DELETE(p->watch->pings, p);
    mem_free(p);
}

static void on_ping(void *arg, const struct mx_answer *a) {
    struct ping *p = arg;
    void (*done)(void *arg) = p->done;
    void *done_arg = p->arg;
    ping_destroy(p);
    if (a->err == OK) {
        LOG_DEBUG(&log_root, "homeserver_pinged", "ms=%lld",
            (long long)json_integer_value(json_object_get(a->json, "duration_ms")));
    } else {
        /* The texts of 1.4 are for the admin: they say what is wrong with the way back to us. */
        LOG_WARN(&log_root, "ping_failed",
            "reason=%s advice=\"can the homeserver reach the url of the registration?\"",
            LOG_Q(a->text));
    }
    if (done != NULL) {
        done(done_arg);
    }
}

void as_watch_ping(struct as_watch *w, void (*done)(void *arg), void *arg) {
    struct ping *p = mem_zalloc(sizeof *p);
    if (p != NULL) {
        *p = (struct ping){ .watch = w, .done = done, .arg = arg };
        LL_PREPEND(w->pings, p);
        if (mx_client_ping(w->cfg.client, w->appservice_id, on_ping, p) == OK) {
            return;
        }
        ping_destroy(p);
    }
    LOG_WARN(&log_root, "ping_failed", "reason=%s", LOG_Q(p != NULL ? err_text() : "no memory"));
    if (done != NULL) {
        done(arg);
    }
}

/* --- life --- */

void as_watch_start(struct as_watch *w) {
    ask(w);
}

bool as_watch_up(const struct as_watch *w) {
    return w->verdict == UP;
}

void as_watch_look(struct as_watch *w) {
    if (!w->asking && w->verdict == UP) {
        ask(w); /* while it is away somebody looks every few seconds already */
    }
}

enum err as_watch_create(
    uv_loop_t *loop, const struct as_watch_config *cfg, struct as_watch **ret) {
    struct as_watch *w = mem_zalloc(sizeof *w);
    if (w == NULL) {
        return err_set(ERR_NOMEM, "no memory to watch the homeserver");
    }
    w->cfg = *cfg;
    w->away_ms = AWAY_MS;
    w->appservice_id = mem_strdup(cfg->appservice_id);
    w->sender = mem_strdup(cfg->sender);
    w->localpart = mem_strdup(cfg->sender + (cfg->sender[0] == '@' ? 1 : 0));
    int failed = uv_timer_init(loop, &w->timer);
    assert(failed == 0);
    (void)failed;
    w->timer.data = w;
    if (w->appservice_id == NULL || w->sender == NULL || w->localpart == NULL) {
        as_watch_destroy(w);
        return err_set(ERR_NOMEM, "no memory to watch the homeserver");
    }
    w->localpart[strcspn(w->localpart, ":")] = '\0';
    metrics_register(&up_gauge);
    *ret = w;
    return OK;
}

static void on_closed(uv_handle_t *h) {
    struct as_watch *w = h->data;
    mem_free(w->appservice_id);
    mem_free(w->sender);
    mem_free(w->localpart);
    mem_free(w);
}

void as_watch_destroy(struct as_watch *w) {
    if (w == NULL) {
        return;
    }
    mx_client_forget(w->cfg.client, w);
    while (w->pings != NULL) {
        struct ping *p = w->pings;
        mx_client_forget(w->cfg.client, p);
        ping_destroy(p);
    }
    uv_close((uv_handle_t *)&w->timer, on_closed);
}
