/* Asking one homeserver about one token.  Thread: main. */
#include "matrix/openid_ask.h"

#include "core/buf.h"
#include "core/mem.h"
#include "http/client.h"
#include "matrix/outside.h"

#include <string.h>

static bool nobody_there(enum err e) {
    return e == ERR_UNREACHABLE || e == ERR_TIMEOUT || e == ERR_FORBIDDEN;
}

static void take_answer(struct mx_openid_ask *a, const struct http_client_answer *h) {
    struct mx_userinfo result;
    mx_userinfo_read(h, a->server, &result);
    if (nobody_there(h->err) && a->stopped) {
        result.outcome = MX_OPENID_INNER_ADDRESS;
    }
    a->done(a->arg, &result, nobody_there(h->err));
}

/* What could not even be begun ends like a request that failed. */
static void fail(struct mx_openid_ask *a, enum err e) {
    take_answer(a, &(struct http_client_answer){ .err = e, .text = err_text(), .body = "" });
}

/* The address of the question; it holds the token, so wipe it. */
static enum err write_url(struct buf *b, const char *scheme, const char *server, const char *path) {
    buf_init(b, 0);
    buf_puts(b, scheme);
    buf_puts(b, server);
    buf_puts(b, path);
    return buf_check(b);
}

static void wipe(struct buf *b) {
    if (b->data != NULL) {
        explicit_bzero(b->data, b->len);
    }
    buf_finish(b);
}

/* --- where the settings say --- */

static void on_home_answer(void *arg, const struct http_client_answer *h) {
    struct mx_openid_ask *a = arg;
    a->call = NULL;
    take_answer(a, h);
}

static void ask_home(struct mx_openid_ask *a) {
    struct buf url;
    enum err e = write_url(&url, "", a->home, a->path);
    const struct http_client_spec spec = { .method = "GET",
        .url = buf_str(&url),
        .timeout_us = a->ways->timeout_us,
        .answer_max = MX_USERINFO_MAX_BYTES };
    e = e == OK ? http_client_send(a->ways->direct, &spec, on_home_answer, a, &a->call) : e;
    wipe(&url);
    if (e != OK) {
        fail(a, e);
    }
}

/* --- where the name leads --- */

static void ask_target(struct mx_openid_ask *a);

static void on_target_answer(void *arg, const struct http_client_answer *h) {
    struct mx_openid_ask *a = arg;
    a->request = NULL;
    a->stopped = a->stopped || h->err == ERR_FORBIDDEN;
    if (nobody_there(h->err) && a->target + 1 < a->to.n) {
        a->target++;
        ask_target(a);
        return;
    }
    take_answer(a, h);
}

static void ask_target(struct mx_openid_ask *a) {
    const char *host = a->to.targets[a->target].host;
    struct buf url;
    enum err e = write_url(&url, "https://", a->to.at.text, a->path);
    const struct mx_outside_spec spec = { .method = "GET",
        .url = buf_str(&url),
        .connect_host = host[0] == '\0' ? NULL : host,
        .connect_port = a->to.targets[a->target].port,
        .timeout_us = a->to.n > 1 ? a->ways->step_timeout_us : a->ways->timeout_us,
        .answer_max = MX_USERINFO_MAX_BYTES };
    e = e == OK ? mx_outside_send(a->ways->outside, &spec, on_target_answer, a, &a->request) : e;
    wipe(&url);
    if (e != OK) {
        fail(a, e);
    }
}

static void on_destination(void *arg, const struct mx_destination *to) {
    struct mx_openid_ask *a = arg;
    a->find = NULL;
    a->to = *to;
    a->stopped = to->stopped;
    ask_target(a);
}

/* --- the door --- */

void mx_openid_ask_begin(struct mx_openid_ask *a, const struct mx_openid_ways *ways,
    const struct mx_server_name *server, const char *home, const char *path, mx_openid_asked *done,
    void *arg) {
    *a = (struct mx_openid_ask){
        .ways = ways, .server = server, .home = home, .path = path, .done = done, .arg = arg
    };
    if (home != NULL) {
        ask_home(a);
        return;
    }
    enum err e = mx_discovery_find(ways->discovery, server, on_destination, a, &a->find);
    if (e != OK) {
        fail(a, e);
    }
}

void mx_openid_ask_cancel(struct mx_openid_ask *a) {
    if (a->find != NULL) {
        mx_discovery_cancel(STEAL(a->find));
    }
    if (a->request != NULL) {
        mx_outside_cancel(STEAL(a->request));
    }
    if (a->call != NULL) {
        http_client_cancel(STEAL(a->call));
    }
}
