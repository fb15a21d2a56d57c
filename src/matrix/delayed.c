/* A request is in one of two steps: the well-known file, then the delayed event. */
#include "matrix/delayed.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "http/client.h"
#include "matrix/ids.h"
#include "matrix/openid_homes.h"
#include "matrix/outside.h"
#include "matrix/path.h"
#include "matrix/server_name.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define TIMEOUT_US       (5 * SEC_US)     /* matrix-calls 4.9 */
#define KNOWN_FOR_US     (14400 * SEC_US) /* 4 h, matrix-calls 4.9 */
#define ANSWER_MAX_BYTES (64 * KIB)
#define REDIRECTS_MAX    5
#define BASE_SIZE        512 /* bytes of a base address: real ones have 30 */

struct known {
    char name[MX_SERVER_NAME_SIZE];
    char base[BASE_SIZE];
    int64_t until_us; /* 0 = free */
};

struct mx_delayed {
    struct mx_delayed_config cfg;
    char *own_name;
    struct mx_openid_homes *homes; /* addresses that the settings name */
    struct known known[MX_DELAYED_KNOWN_MAX];
    size_t next_known; /* which is overwritten when all are in use */
    struct ask *asks;
    size_t n_asks;
};

struct ask {
    struct ask *prev, *next;
    struct mx_delayed *owner;
    struct mx_server_name server;
    char *delay_id; /* NULL: only resolve */
    enum mx_delayed_action action;
    struct mx_outside_request *outside; /* under way; likewise the next */
    struct http_client_call *direct;
    bool ours; /* the client was asked */
    mx_delayed_done *done;
    mx_delayed_found *found;
    void *arg;
};

static void ask_destroy(struct ask *x) {
    struct mx_delayed *d = x->owner;
    if (x->outside != NULL) {
        mx_outside_cancel(x->outside);
    }
    if (x->direct != NULL) {
        http_client_cancel(x->direct);
    }
    if (x->ours) {
        mx_client_forget(d->cfg.client, x);
    }
    DL_DELETE(d->asks, x);
    d->n_asks--;
    mem_free_secret(x->delay_id);
    mem_free(x);
}

static void answer(struct ask *x, enum mx_delayed_outcome o, int64_t after_ms) {
    mx_delayed_done *done = x->done;
    mx_delayed_found *found = x->found;
    void *arg = x->arg;
    ask_destroy(x);
    if (found != NULL) {
        found(arg, o == MX_DELAYED_DONE);
    } else {
        done(arg, o, after_ms);
    }
}

/* --- where --- */

static const struct known *find_known(const struct mx_delayed *d, const char *name) {
    for (size_t i = 0; i < MX_DELAYED_KNOWN_MAX; i++) {
        if (d->known[i].until_us > clock_mono_us() && strcmp(d->known[i].name, name) == 0) {
            return &d->known[i];
        }
    }
    return NULL;
}

static void keep(struct mx_delayed *d, const char *name, const char *base) {
    struct known *k = &d->known[d->next_known];
    d->next_known = (d->next_known + 1) % MX_DELAYED_KNOWN_MAX;
    snprintf(k->name, sizeof(k->name), "%s", name);
    snprintf(k->base, sizeof(k->base), "%s", base);
    k->until_us = clock_mono_us() + KNOWN_FOR_US;
}

/* --- the delayed event --- */

static enum mx_delayed_outcome outcome_of(int status) {
    if (status >= 200 && status < 300) {
        return MX_DELAYED_DONE;
    }
    return status == 404 || status == 409 ? MX_DELAYED_GONE : MX_DELAYED_LATER;
}

static void on_acted(void *arg, const struct http_client_answer *h) {
    struct ask *x = arg;
    x->outside = NULL;
    x->direct = NULL;
    enum mx_delayed_outcome o = h->err == OK ? outcome_of(h->status) : MX_DELAYED_LATER;
    int64_t after_ms = o == MX_DELAYED_LATER && h->err == OK ? h->retry_after_ms : 0;
    if (o == MX_DELAYED_LATER) {
        LOG_INFO(&log_root, "delayed_event_waits", "server=%s status=%d text=%s", x->server.text,
            h->status, LOG_Q(h->err == OK ? "" : h->text));
    }
    answer(x, o, after_ms);
}

static enum err write_url(const struct ask *x, const char *base, struct buf *url) {
    const char *const parts[] = { x->delay_id, x->action == MX_DELAYED_SEND ? "send" : "restart" };
    buf_puts(url, base);
    TRY(mx_path_append(
        url, "/_matrix/client/unstable/org.matrix.msc4140/delayed_events/$/$", parts, 2));
    return buf_check(url);
}

static enum err act_direct(struct ask *x, const char *base) {
    CLEANUP(buf_finish) struct buf url;
    buf_init(&url, 0);
    TRY(write_url(x, base, &url));
    const struct http_client_spec spec = { .method = "POST",
        .url = buf_str(&url),
        .body = "{}",
        .timeout_us = TIMEOUT_US,
        .answer_max = ANSWER_MAX_BYTES };
    return http_client_send(x->owner->cfg.direct, &spec, on_acted, x, &x->direct);
}

static enum err act_outside(struct ask *x, const char *base) {
    CLEANUP(buf_finish) struct buf url;
    buf_init(&url, 0);
    TRY(write_url(x, base, &url));
    const struct mx_outside_spec spec = { .method = "POST",
        .url = buf_str(&url),
        .body = "{}",
        .timeout_us = TIMEOUT_US,
        .answer_max = ANSWER_MAX_BYTES };
    return mx_outside_send(x->owner->cfg.outside, &spec, on_acted, x, &x->outside);
}

/* --- the well-known file --- */

static bool read_base(const struct http_client_answer *h, char ret[BASE_SIZE]) {
    struct mx_https_url url;
    json_t *json = h->err == OK && h->status == 200 ? json_loadb(h->body, h->len, 0, NULL) : NULL;
    const char *base =
        json_string_value(json_object_get(json_object_get(json, "m.homeserver"), "base_url"));
    size_t n = base == NULL ? 0 : strlen(base);
    while (n > 0 && base[n - 1] == '/') {
        n--;
    }
    bool fine = n > 0 && n < BASE_SIZE && memchr(base, '?', n) == NULL &&
                memchr(base, '#', n) == NULL && mx_https_url_read(base, &url) == OK;
    if (fine) {
        memcpy(ret, base, n);
        ret[n] = '\0';
    }
    json_decref(json);
    return fine;
}

static void on_well_known(void *arg, const struct http_client_answer *h) {
    struct ask *x = arg;
    char base[BASE_SIZE];
    x->outside = NULL;
    if (!read_base(h, base)) {
        LOG_INFO(&log_root, "client_api_not_found", "server=%s status=%d text=%s", x->server.text,
            h->status, LOG_Q(h->err == OK ? "" : h->text));
        answer(x, MX_DELAYED_LATER, 0);
        return;
    }
    keep(x->owner, x->server.text, base);
    if (x->delay_id == NULL) {
        answer(x, MX_DELAYED_DONE, 0);
    } else if (act_outside(x, base) != OK) {
        answer(x, MX_DELAYED_LATER, 0);
    }
}

static enum err search(struct ask *x) {
    CLEANUP(buf_finish) struct buf url;
    buf_init(&url, 0);
    TRY(mx_outside_check_name(x->owner->cfg.outside, &x->server));
    buf_printf(&url, "https://%s/.well-known/matrix/client", x->server.text);
    TRY(buf_check(&url));
    const struct mx_outside_spec spec = { .method = "GET",
        .url = buf_str(&url),
        .timeout_us = TIMEOUT_US,
        .answer_max = ANSWER_MAX_BYTES,
        .redirects = REDIRECTS_MAX };
    return mx_outside_send(x->owner->cfg.outside, &spec, on_well_known, x, &x->outside);
}

/* --- the door --- */

static enum err ask_create(struct mx_delayed *d, const char *user_id, const char *delay_id,
    enum mx_delayed_action action, struct ask **ret) {
    const char *colon = strchr(user_id, ':');
    struct mx_server_name server;
    if (colon == NULL || mx_server_name_read(colon + 1, strlen(colon + 1), &server) != OK) {
        return err_set(ERR_INVALID, "%s has no server", LOG_Q(user_id));
    }
    if (d->n_asks >= MX_DELAYED_CALLS_MAX) {
        return err_set(ERR_LIMIT, "%d delayed events are being asked for", MX_DELAYED_CALLS_MAX);
    }
    struct ask *x = mem_zalloc(sizeof(*x));
    char *copy = x == NULL || delay_id == NULL ? NULL : mem_strdup(delay_id);
    if (x == NULL || (delay_id != NULL && copy == NULL)) {
        mem_free(x);
        return err_set(ERR_NOMEM, "no memory for a delayed event");
    }
    *x = (struct ask){ .owner = d, .server = server, .delay_id = copy, .action = action };
    DL_APPEND(d->asks, x);
    d->n_asks++;
    *ret = x;
    return OK;
}

static bool is_ours(const struct mx_delayed *d, const char *user_id) {
    return d->cfg.client != NULL && d->own_name[0] != '\0' &&
           mx_user_is_local(user_id, d->own_name);
}

static void on_ours(void *arg, const struct mx_answer *a) {
    struct ask *x = arg;
    x->ours = false;
    answer(x, outcome_of(a->status), 0);
}

static enum err begin(struct ask *x, const char *user_id) {
    struct mx_delayed *d = x->owner;
    if (is_ours(d, user_id)) {
        TRY(mx_client_delayed_event(d->cfg.client, user_id, x->delay_id, x->action, on_ours, x));
        x->ours = true;
        return OK;
    }
    const char *base = mx_openid_homes_find(d->homes, &x->server);
    if (base != NULL) {
        return act_direct(x, base);
    }
    const struct known *k = find_known(d, x->server.text);
    return k != NULL ? act_outside(x, k->base) : search(x);
}

enum err mx_delayed_act(struct mx_delayed *d, const char *user_id, const char *delay_id,
    enum mx_delayed_action action, mx_delayed_done *done, void *arg) {
    struct ask *x = NULL;
    TRY(ask_create(d, user_id, delay_id, action, &x));
    x->done = done;
    x->arg = arg;
    enum err e = begin(x, user_id);
    if (e != OK) {
        ask_destroy(x);
    }
    return e;
}

enum err mx_delayed_resolve(
    struct mx_delayed *d, const char *user_id, mx_delayed_found *found, void *arg) {
    struct ask *x = NULL;
    TRY(ask_create(d, user_id, NULL, MX_DELAYED_RESTART, &x));
    x->found = found;
    x->arg = arg;
    if (is_ours(d, user_id) || mx_openid_homes_find(d->homes, &x->server) != NULL ||
        find_known(d, x->server.text) != NULL) {
        answer(x, MX_DELAYED_DONE, 0);
        return OK;
    }
    enum err e = search(x);
    if (e != OK) {
        ask_destroy(x);
    }
    return e;
}

/* --- life --- */

enum err mx_delayed_create(const struct mx_delayed_config *cfg, struct mx_delayed **ret) {
    struct mx_openid_homes *homes = NULL;
    TRY(mx_openid_homes_create(cfg->own_name, cfg->own_url, cfg->urls, cfg->n_urls, &homes));
    struct mx_delayed *d = mem_zalloc(sizeof(*d));
    char *own_name = mem_strdup(cfg->own_name);
    if (d == NULL || own_name == NULL) {
        mem_free(d);
        mem_free(own_name);
        mx_openid_homes_destroy(homes);
        return err_set(ERR_NOMEM, "no memory for delayed events");
    }
    d->cfg = *cfg;
    d->own_name = own_name;
    d->homes = homes;
    *ret = d;
    return OK;
}

void mx_delayed_forget(struct mx_delayed *d, const void *arg) {
    struct ask *x = NULL;
    struct ask *next = NULL;
    DL_FOREACH_SAFE(d->asks, x, next) {
        if (x->arg == arg) {
            ask_destroy(x);
        }
    }
}

void mx_delayed_destroy(struct mx_delayed *d) {
    if (d == NULL) {
        return;
    }
    while (d->asks != NULL) {
        ask_destroy(d->asks);
    }
    mx_openid_homes_destroy(d->homes);
    mem_free(d->own_name);
    mem_free(d);
}
