/*
 * The search for a server, in steps; each leads to the next or to the end:
 *
 *     address or port given? ---------------------------------------------------.
 *     well-known (kept, or asked) -> delegate with address or port? -------------|
 *     SRV _matrix-fed._tcp -> SRV _matrix._tcp (the older name) -> port 8448 ----'-> `done`
 *
 * Nothing here fails for good: where a step has no answer the next one is the answer.
 */
#include "matrix/discovery.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "http/client.h"
#include "matrix/known_servers.h"
#include "matrix/outside.h"
#include "matrix/well_known.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define STEP_TIMEOUT_US (5 * SEC_US)
#define REDIRECTS_MAX   5
#define SEARCHES_MAX    512 /* under way */

struct mx_find { /* somebody waiting */
    struct mx_find *prev, *next;
    struct search *search;
    mx_discovered *done;
    void *arg;
};

struct search {
    struct search *prev, *next;
    struct mx_discovery *discovery;
    struct mx_server_name name;
    struct mx_destination to;
    struct mx_find *finds;
    struct mx_outside_request *request;
    struct http_lookup *lookup;
    bool older; /* the second name of the service */
};

struct mx_discovery {
    struct mx_outside *outside;
    struct mx_known_servers *known;
    struct search *searches;
    size_t n;
    int64_t step_timeout_us;
};

/* --- ends --- */

static void search_destroy(struct search *s) {
    struct mx_find *f = NULL;
    struct mx_find *next = NULL;
    DL_DELETE(s->discovery->searches, s);
    s->discovery->n--;
    DL_FOREACH_SAFE(s->finds, f, next) {
        mem_free(f);
    }
    if (s->request != NULL) {
        mx_outside_cancel(s->request);
    }
    if (s->lookup != NULL) {
        http_resolve_cancel(s->lookup);
    }
    mem_free(s);
}

/* One at a time: what they do may cancel another one. */
static void finish(struct search *s) {
    while (s->finds != NULL) {
        struct mx_find *f = s->finds;
        mx_discovered *done = f->done;
        void *arg = f->arg;
        mx_discovery_cancel(f);
        done(arg, &s->to);
    }
    search_destroy(s);
}

void mx_discovery_cancel(struct mx_find *f) {
    DL_DELETE(f->search->finds, f);
    mem_free(f);
}

static void to_port(struct mx_destination *to, uint16_t port) {
    to->targets[0].host[0] = '\0';
    to->targets[0].port = port;
    to->n = 1;
}

/* Is the answer in the name itself? */
static bool to_name(struct mx_destination *to, const struct mx_server_name *name) {
    to->at = *name;
    if (name->literal || name->port != 0) {
        to_port(to, name->port != 0 ? name->port : MX_FEDERATION_PORT);
        return true;
    }
    return false;
}

/* --- services --- */

static void ask_services(struct search *s);

static void on_services(void *arg, const struct http_resolved *a) {
    struct search *s = arg;
    s->lookup = NULL;
    if (a->err != OK && !s->older) {
        s->older = true;
        ask_services(s);
        return;
    }
    if (a->err != OK) {
        to_port(&s->to, MX_FEDERATION_PORT);
    }
    for (size_t i = 0; i < a->n_services && i < MX_TARGETS_MAX; i++) {
        memcpy(s->to.targets[i].host, a->services[i].host, sizeof(s->to.targets[i].host));
        s->to.targets[i].port = a->services[i].port;
        s->to.n = i + 1;
    }
    finish(s);
}

static void ask_services(struct search *s) {
    char name[MX_SERVER_NAME_SIZE + 32];
    snprintf(name, sizeof(name), "%s._tcp.%s", s->older ? "_matrix" : "_matrix-fed", s->to.at.host);
    struct http_resolver *r = mx_outside_resolver(s->discovery->outside);
    if (http_resolve_services(r, name, on_services, s, &s->lookup) != OK) {
        to_port(&s->to, MX_FEDERATION_PORT);
        finish(s);
    }
}

/* --- well-known --- */

/* Goes on with who speaks for the server; `delegate` NULL: itself. */
static void go_on(struct search *s, const struct mx_server_name *delegate) {
    if (to_name(&s->to, delegate == NULL ? &s->name : delegate)) {
        finish(s);
    } else {
        ask_services(s);
    }
}

static void on_well_known(void *arg, const struct http_client_answer *a) {
    struct search *s = arg;
    struct mx_server_name delegate;
    s->request = NULL;
    s->to.stopped = a->err == ERR_FORBIDDEN;
    bool good = a->err == OK && a->status == 200 &&
                mx_well_known_read(a->body, a->len, &delegate) == OK &&
                mx_outside_check_name(s->discovery->outside, &delegate) == OK;
    int64_t for_ms =
        good ? mx_well_known_lifetime_ms(a, clock_wall_ms()) : mx_well_known_failure_ms(a);
    mx_known_servers_keep(
        s->discovery->known, s->name.text, good ? &delegate : NULL, clock_mono_us(), for_ms * 1000);
    LOG_DEBUG(&log_root, "well_known_read", "server=%s status=%d delegate=%s keep_s=%lld why=%s",
        s->name.text, a->status, good ? delegate.text : "-", (long long)(for_ms / SEC_MS),
        LOG_Q(a->text));
    go_on(s, good ? &delegate : NULL);
}

static void ask_well_known(struct search *s) {
    char url[MX_SERVER_NAME_SIZE + 64];
    snprintf(url, sizeof(url), "https://%s/.well-known/matrix/server", s->name.host);
    const struct mx_outside_spec spec = { .method = "GET",
        .url = url,
        .timeout_us = s->discovery->step_timeout_us,
        .answer_max = MX_WELL_KNOWN_MAX_BYTES,
        .redirects = REDIRECTS_MAX };
    if (mx_outside_send(s->discovery->outside, &spec, on_well_known, s, &s->request) != OK) {
        go_on(s, NULL);
    }
}

/* --- the door --- */

static struct search *search_of(struct mx_discovery *d, const struct mx_server_name *name) {
    struct search *s = NULL;
    DL_FOREACH(d->searches, s) {
        if (strcmp(s->name.text, name->text) == 0) {
            return s;
        }
    }
    return NULL;
}

static enum err search_begin(
    struct mx_discovery *d, const struct mx_server_name *name, struct search **ret) {
    if (d->n >= SEARCHES_MAX) {
        return err_set(ERR_LIMIT, "%d servers are searched for already", SEARCHES_MAX);
    }
    struct search *s = mem_zalloc(sizeof(*s));
    if (s == NULL) {
        return err_set(ERR_NOMEM, "no memory to search for a server");
    }
    s->discovery = d;
    s->name = *name;
    DL_APPEND(d->searches, s);
    d->n++;
    *ret = s;
    return OK;
}

/* The first step of a new search; may be its last. */
static void search_start(struct search *s) {
    struct mx_server_name delegate;
    bool delegates = false;
    if (mx_known_servers_find(
            s->discovery->known, s->name.text, clock_mono_us(), &delegates, &delegate)) {
        go_on(s, delegates ? &delegate : NULL);
    } else {
        ask_well_known(s);
    }
}

enum err mx_discovery_find(struct mx_discovery *d, const struct mx_server_name *name,
    mx_discovered *done, void *arg, struct mx_find **ret) {
    struct mx_destination at_once = { .n = 0 };
    *ret = NULL;
    if (to_name(&at_once, name)) {
        done(arg, &at_once);
        return OK;
    }
    struct mx_find *f = mem_zalloc(sizeof(*f));
    struct search *s = search_of(d, name);
    bool new = s == NULL;
    enum err e = f == NULL ? err_set(ERR_NOMEM, "no memory to search for a server")
                 : new     ? search_begin(d, name, &s)
                           : OK;
    if (e != OK) {
        mem_free(f);
        return e;
    }
    *f = (struct mx_find){ .search = s, .done = done, .arg = arg };
    DL_APPEND(s->finds, f);
    *ret = f;
    if (new) {
        search_start(s);
    }
    return OK;
}

enum err mx_discovery_create(
    struct mx_outside *o, int64_t step_timeout_us, struct mx_discovery **ret) {
    struct mx_discovery *d = mem_zalloc(sizeof(*d));
    if (d == NULL) {
        return err_set(ERR_NOMEM, "no memory to search for servers");
    }
    enum err e = mx_known_servers_create(&d->known);
    if (e != OK) {
        mem_free(d);
        return e;
    }
    d->outside = o;
    d->step_timeout_us = step_timeout_us > 0 ? step_timeout_us : STEP_TIMEOUT_US;
    *ret = d;
    return OK;
}

void mx_discovery_destroy(struct mx_discovery *d) {
    if (d == NULL) {
        return;
    }
    while (d->searches != NULL) {
        search_destroy(d->searches);
    }
    mx_known_servers_destroy(d->known);
    mem_free(d);
}
