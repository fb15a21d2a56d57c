/*
 * Requests to strangers, one hop after the other:
 *
 *     send -> hop -> resolve -> judge the addresses -> request, pinned to them -> answer
 *              ^---------------------- redirect ---------------------------------'
 *
 * The HTTP client judges once more, the very address it connects to.
 */
#include "matrix/outside.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "http/address.h"
#include "http/inner.h"
#include "http/resolve.h"
#include "matrix/server_name.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define TIMEOUT_US   (10 * SEC_US)
#define ANSWER_MAX   (64 * KIB)
#define REQUESTS_MAX 1024 /* under way */
#define HTTPS_PORT   443
#define TEXT_SIZE    (MX_SERVER_NAME_SIZE + 128)

struct mx_outside {
    struct http_client *http;
    struct http_resolver *resolver;
    struct http_block *allow;
    size_t n_allow;
    uint16_t https_port;
    struct mx_outside_request *requests;
    size_t n;
};

struct mx_outside_request {
    struct mx_outside_request *prev, *next;
    struct mx_outside *outside;
    const char *method; /* a literal, or at least as lasting */
    char *url;          /* of this hop; may hold a token */
    char *bearer;
    char *body;
    struct mx_server_name at;                  /* of this hop */
    char connect_host[HTTP_SERVICE_HOST_SIZE]; /* "" = the URL's */
    uint16_t connect_port;                     /* 0 = the URL's */
    int64_t deadline_us;
    size_t answer_max;
    unsigned redirects; /* left */
    struct http_lookup *lookup;
    struct http_client_call *call;
    http_client_done *done;
    void *arg;
};

/* --- what is allowed --- */

static bool allows(void *arg, const struct http_address *a) {
    const struct mx_outside *o = arg;
    if (!http_address_inner(a)) {
        return true;
    }
    for (size_t i = 0; i < o->n_allow; i++) {
        if (http_block_has(&o->allow[i], a)) {
            return true;
        }
    }
    return false;
}

enum err mx_outside_check_name(const struct mx_outside *o, const struct mx_server_name *name) {
    if (!name->literal && o->n_allow == 0 && !mx_server_name_dotted(name)) {
        return err_set(ERR_INVALID, "a server name without a dot belongs to an inner network");
    }
    return OK;
}

struct http_resolver *mx_outside_resolver(struct mx_outside *o) {
    return o->resolver;
}

/* --- the end of a request --- */

static void request_destroy(struct mx_outside_request *r) {
    if (r->lookup != NULL) {
        http_resolve_cancel(r->lookup);
    }
    if (r->call != NULL) {
        http_client_cancel(r->call);
    }
    mem_free_secret(r->url);
    mem_free_secret(r->bearer);
    mem_free_secret(r->body);
    mem_free(r);
}

void mx_outside_cancel(struct mx_outside_request *r) {
    DL_DELETE(r->outside->requests, r);
    r->outside->n--;
    request_destroy(r);
}

static void finish(struct mx_outside_request *r, const struct http_client_answer *a) {
    DL_DELETE(r->outside->requests, r);
    r->outside->n--;
    r->done(r->arg, a);
    request_destroy(r);
}

static void fail(struct mx_outside_request *r, enum err e, const char *why) {
    char text[TEXT_SIZE];
    snprintf(text, sizeof(text), "%s: %s", r->at.text, why);
    finish(r,
        &(struct http_client_answer){
            .err = e, .text = text, .head = "", .body = "", .cache_control = "", .location = "" });
}

static void fail_inner(struct mx_outside_request *r) {
    fail(r, ERR_FORBIDDEN,
        "lies in an inner network; federation.allow_networks can open it to strangers");
}

/* --- hops --- */

static enum err hop(struct mx_outside_request *r);

static bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Rebuilt from what was read, so that libcurl cannot read it in another way. */
static enum err set_url(struct mx_outside_request *r, const char *text) {
    struct mx_https_url u;
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    TRY(mx_https_url_read(text, &u));
    TRY(mx_outside_check_name(r->outside, &u.at));
    buf_printf(&b, "https://%s%s", u.at.text, u.path_len == 0 ? "/" : "");
    buf_put(&b, u.path, u.path_len);
    TRY(buf_check(&b));
    mem_free_secret(r->url);
    r->url = buf_take(&b);
    r->at = u.at;
    return OK;
}

static void follow(struct mx_outside_request *r, const char *location) {
    r->redirects--;
    r->connect_host[0] = '\0';
    r->connect_port = 0;
    enum err e = set_url(r, location);
    e = e == OK ? hop(r) : e;
    if (e != OK) {
        fail(r, e == ERR_INVALID ? ERR_UNREACHABLE : e, err_text());
    }
}

static void on_answer(void *arg, const struct http_client_answer *a) {
    struct mx_outside_request *r = arg;
    r->call = NULL;
    if (a->err == ERR_FORBIDDEN) {
        fail_inner(r);
    } else if (a->err != OK) {
        fail(r, a->err, a->text);
    } else if (is_redirect(a->status) && r->redirects > 0 && a->location[0] != '\0') {
        follow(r, a->location);
    } else {
        finish(r, a);
    }
}

static enum err send_request(
    struct mx_outside_request *r, const struct http_address *addresses, size_t n) {
    uint16_t port = r->connect_port != 0 ? r->connect_port : r->at.port;
    const struct http_client_pin pin = { .host = r->at.host,
        .port = port != 0 ? port : r->outside->https_port,
        .addresses = addresses,
        .n = n };
    int64_t left_us = r->deadline_us - clock_mono_us();
    if (left_us <= 0) {
        return err_set(ERR_TIMEOUT, "the time is up");
    }
    const struct http_client_spec spec = { .method = r->method,
        .url = r->url,
        .bearer = r->bearer,
        .body = r->body,
        .timeout_us = left_us,
        .answer_max = r->answer_max,
        .pin = &pin };
    return http_client_send(r->outside->http, &spec, on_answer, r, &r->call);
}

static void on_resolved(void *arg, const struct http_resolved *a) {
    struct mx_outside_request *r = arg;
    struct http_address allowed[HTTP_RESOLVED_MAX];
    size_t n = 0;
    r->lookup = NULL;
    if (a->err != OK) {
        fail(r, a->err == ERR_NOT_FOUND ? ERR_UNREACHABLE : a->err, a->text);
        return;
    }
    for (size_t i = 0; i < a->n_addresses; i++) {
        if (allows(r->outside, &a->addresses[i])) {
            allowed[n] = a->addresses[i];
            n++;
        }
    }
    if (n == 0) {
        fail_inner(r);
        return;
    }
    enum err e = send_request(r, allowed, n);
    if (e != OK) {
        fail(r, e, err_text());
    }
}

/* An address in the URL is connected to as it is; names, and what stands for them, are looked up.
 */
static enum err hop(struct mx_outside_request *r) {
    const char *host = r->connect_host[0] != '\0' ? r->connect_host : r->at.host;
    if (r->at.literal) {
        return send_request(r, NULL, 0);
    }
    return http_resolve_addresses(r->outside->resolver, host, on_resolved, r, &r->lookup);
}

static enum err request_fill(struct mx_outside_request *r, const struct mx_outside_spec *spec) {
    TRY(set_url(r, spec->url));
    assert(!r->at.literal || spec->connect_host == NULL);
    if (spec->connect_host != NULL) {
        if (strlen(spec->connect_host) >= sizeof(r->connect_host)) {
            return err_set(ERR_INVALID, "a name to connect to is too long");
        }
        snprintf(r->connect_host, sizeof(r->connect_host), "%s", spec->connect_host);
    }
    r->connect_port = spec->connect_port;
    r->bearer = spec->bearer == NULL ? NULL : mem_strdup(spec->bearer);
    r->body = spec->body == NULL ? NULL : mem_strdup(spec->body);
    if ((spec->bearer != NULL && r->bearer == NULL) || (spec->body != NULL && r->body == NULL)) {
        return err_set(ERR_NOMEM, "no memory for a request");
    }
    return hop(r);
}

enum err mx_outside_send(struct mx_outside *o, const struct mx_outside_spec *spec,
    http_client_done *done, void *arg, struct mx_outside_request **ret) {
    assert(spec->redirects == 0 || (spec->bearer == NULL && spec->body == NULL));
    if (o->n >= REQUESTS_MAX) {
        return err_set(ERR_LIMIT, "%d requests to other servers are under way", REQUESTS_MAX);
    }
    struct mx_outside_request *r = mem_zalloc(sizeof(*r));
    if (r == NULL) {
        return err_set(ERR_NOMEM, "no memory for a request");
    }
    *r = (struct mx_outside_request){ .outside = o,
        .method = spec->method,
        .deadline_us = clock_mono_us() + (spec->timeout_us > 0 ? spec->timeout_us : TIMEOUT_US),
        .answer_max = spec->answer_max > 0 ? spec->answer_max : ANSWER_MAX,
        .redirects = spec->redirects,
        .done = done,
        .arg = arg };
    enum err e = request_fill(r, spec);
    if (e != OK) {
        request_destroy(r);
        return e;
    }
    DL_APPEND(o->requests, r);
    o->n++;
    *ret = r;
    return OK;
}

/* --- life --- */

static enum err read_allow(struct mx_outside *o, const struct mx_outside_config *cfg) {
    o->allow = mem_alloc(cfg->n_allow * sizeof(*o->allow) + 1);
    if (o->allow == NULL) {
        return err_set(ERR_NOMEM, "no memory for allowed networks");
    }
    for (size_t i = 0; i < cfg->n_allow; i++) {
        TRY(http_block_read(cfg->allow[i], &o->allow[i]));
        o->n_allow++;
    }
    return OK;
}

static enum err build(uv_loop_t *loop, struct mx_outside *o, const struct mx_outside_config *cfg) {
    const struct http_client_guard guard = {
        .allows = allows, .arg = o, .ca_file = cfg->ca_file, .insecure_tls = cfg->insecure_tls
    };
    const struct http_resolver_config resolver = { .servers = cfg->name_servers,
        .timeout_us = cfg->step_timeout_us };
    o->https_port = cfg->https_port != 0 ? cfg->https_port : HTTPS_PORT;
    TRY(read_allow(o, cfg));
    TRY(http_resolver_create(loop, &resolver, &o->resolver));
    return http_client_create_guarded(loop, &guard, &o->http);
}

enum err mx_outside_create(
    uv_loop_t *loop, const struct mx_outside_config *cfg, struct mx_outside **ret) {
    struct mx_outside *o = mem_zalloc(sizeof(*o));
    if (o == NULL) {
        return err_set(ERR_NOMEM, "no memory for requests to other servers");
    }
    enum err e = build(loop, o, cfg);
    if (e != OK) {
        mx_outside_destroy(o);
        return e;
    }
    if (cfg->insecure_tls) {
        LOG_ERROR(&log_root, "certificates_not_checked",
            "setting=%s meaning=\"whoever sits in between can be any homeserver's any user\"",
            "federation.verify_tls");
    }
    *ret = o;
    return OK;
}

void mx_outside_destroy(struct mx_outside *o) {
    if (o == NULL) {
        return;
    }
    while (o->requests != NULL) {
        mx_outside_cancel(o->requests);
    }
    http_client_destroy(o->http);
    http_resolver_destroy(o->resolver);
    mem_free(o->allow);
    mem_free(o);
}
