/*
 * Owns c-ares: it says which sockets to watch, the loop does so, and a timer drives its repeats.
 *
 * c-ares may answer from inside of the question (from /etc/hosts, or for lack of a name server),
 * and cannot end a single look-up. So each look-up has a timer of its own, which is its time limit
 * and also brings early answers; one that ended early stays until c-ares lets go of it.
 *
 *     ask -> c-ares -> on_addresses | on_services -> keep -> (timer 0) -> tell -> `done`
 *      '---- timer (time limit) --------------------------------^
 */
#include "http/resolve.h"

#include "core/clock.h"
#include "core/crypto.h"
#include "core/mem.h"
#include "http/resolve_services.h"

#include <ares.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <utlist.h>

#define TIMEOUT_US     (5 * SEC_US)
#define TRY_TIMEOUT_MS 1500 /* of one name server, once; c-ares doubles it for the second round */
#define TRIES          2
#define FRESH_US       (60 * SEC_US) /* how long we believe what /etc/resolv.conf said */
#define LOOKUPS_MAX    1024          /* under way */
#define TEXT_SIZE      160

struct http_lookup {
    struct http_lookup *prev, *next;
    struct http_resolver *resolver;
    uv_timer_t timer;
    bool asking; /* c-ares still holds it */
    bool told;   /* `done` was called, or never will be */
    bool closed; /* the timer */
    http_resolved_done *done;
    void *arg;
    enum err err;
    char text[TEXT_SIZE];
    struct http_address addresses[HTTP_RESOLVED_MAX];
    size_t n_addresses;
    struct http_service services[HTTP_RESOLVED_MAX];
    size_t n_services;
};

struct http_resolver {
    uv_loop_t *loop;
    uv_timer_t timer; /* c-ares' own */
    ares_channel channel;
    int64_t born_us; /* of the channel */
    char *servers;   /* NULL = the system's */
    int64_t timeout_us;
    struct watch *watches;
    struct http_lookup *lookups; /* not yet told */
    size_t n;
};

struct watch { /* one of c-ares' sockets */
    uv_poll_t poll;
    struct watch *next;
    struct http_resolver *resolver;
    ares_socket_t fd;
};

/* --- sockets --- */

static void start_timer(struct http_resolver *r);

static void on_ready(uv_poll_t *poll, int status, int events) {
    struct watch *w = poll->data;
    struct http_resolver *r = w->resolver;
    bool read = status < 0 || (events & UV_READABLE) != 0;
    bool write = status < 0 || (events & UV_WRITABLE) != 0;
    ares_process_fd(r->channel, read ? w->fd : ARES_SOCKET_BAD, write ? w->fd : ARES_SOCKET_BAD);
    start_timer(r);
}

static void on_timer(uv_timer_t *timer) {
    struct http_resolver *r = timer->data;
    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    start_timer(r);
}

/* Whenever c-ares wants to look at its queries next. */
static void start_timer(struct http_resolver *r) {
    struct timeval tv;
    if (ares_timeout(r->channel, NULL, &tv) == NULL) {
        uv_timer_stop(&r->timer);
        return;
    }
    uint64_t ms = (uint64_t)tv.tv_sec * 1000 + (uint64_t)tv.tv_usec / 1000 + 1;
    uv_timer_start(&r->timer, on_timer, ms, 0);
}

static void on_watch_closed(uv_handle_t *h) {
    mem_free(h->data);
}

static struct watch *watch_add(struct http_resolver *r, ares_socket_t fd) {
    struct watch *w = mem_zalloc(sizeof(*w));
    if (w == NULL || uv_poll_init_socket(r->loop, &w->poll, fd) != 0) {
        mem_free(w);
        return NULL; /* the query will run into its time limit */
    }
    w->poll.data = w;
    w->resolver = r;
    w->fd = fd;
    w->next = r->watches;
    r->watches = w;
    return w;
}

static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable) {
    struct http_resolver *r = arg;
    struct watch **at = &r->watches;
    while (*at != NULL && (*at)->fd != fd) {
        at = &(*at)->next;
    }
    struct watch *w = *at;
    if (!readable && !writable) {
        if (w != NULL) {
            *at = w->next;
            uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, on_watch_closed);
        }
        return;
    }
    w = w == NULL ? watch_add(r, fd) : w;
    if (w != NULL) {
        uv_poll_start(
            &w->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0), on_ready);
    }
}

/* --- the channel --- */

static enum err open_channel(struct http_resolver *r) {
    /* A stranger's name is meant as it is: no search list, no $HOSTALIASES. */
    struct ares_options o = { .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
        .timeout = TRY_TIMEOUT_MS,
        .tries = TRIES,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = r };
    ares_channel channel = NULL;
    int status = ares_init_options(&channel, &o,
        ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (status != ARES_SUCCESS) {
        return err_set(status == ARES_ENOMEM ? ERR_NOMEM : ERR_IO, "the resolver did not start: %s",
            ares_strerror(status));
    }
    if (r->servers != NULL && ares_set_servers_ports_csv(channel, r->servers) != ARES_SUCCESS) {
        ares_destroy(channel);
        return err_set(ERR_INVALID, "\"%s\" are no name servers", r->servers);
    }
    r->channel = channel;
    r->born_us = clock_mono_us();
    return OK;
}

/* c-ares reads /etc/resolv.conf once; a network may come up, or change, later. */
static void renew_channel(struct http_resolver *r) {
    struct timeval tv;
    ares_channel old = r->channel;
    bool idle = ares_timeout(old, NULL, &tv) == NULL;
    if (idle && clock_mono_us() - r->born_us > FRESH_US && open_channel(r) == OK) {
        ares_destroy(old);
    }
}

/* --- look-ups --- */

static void let_go(struct http_lookup *l) {
    if (!l->asking && l->closed) {
        mem_free(l);
    }
}

static void on_lookup_closed(uv_handle_t *h) {
    struct http_lookup *l = h->data;
    l->closed = true;
    let_go(l);
}

void http_resolve_cancel(struct http_lookup *l) {
    DL_DELETE(l->resolver->lookups, l);
    l->resolver->n--;
    l->told = true;
    uv_close((uv_handle_t *)&l->timer, on_lookup_closed);
}

/* The time is up, or the answer is there. */
static void on_lookup_timer(uv_timer_t *timer) {
    struct http_lookup *l = timer->data;
    http_resolve_cancel(l);
    if (l->asking) {
        l->err = ERR_TIMEOUT;
        snprintf(l->text, sizeof(l->text), "the name servers did not answer in time");
    }
    const struct http_resolved a = { .err = l->err,
        .text = l->text,
        .addresses = l->addresses,
        .n_addresses = l->n_addresses,
        .services = l->services,
        .n_services = l->n_services };
    l->done(l->arg, &a); /* the look-up lives until its timer has closed */
}

static void keep(struct http_lookup *l, enum err e, const char *text) {
    l->asking = false;
    if (l->told) {
        let_go(l);
        return;
    }
    l->err = e;
    snprintf(l->text, sizeof(l->text), "%s", text);
    uv_timer_start(&l->timer, on_lookup_timer, 0, 0);
}

static enum err err_of(int status) {
    switch (status) {
    case ARES_SUCCESS:
        return OK;
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
    case ARES_EBADNAME:
        return ERR_NOT_FOUND;
    case ARES_ETIMEOUT:
        return ERR_TIMEOUT;
    case ARES_ENOMEM:
        return ERR_NOMEM;
    default:
        return ERR_UNREACHABLE;
    }
}

static void on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *info) {
    struct http_lookup *l = arg;
    (void)timeouts;
    const struct ares_addrinfo_node *node = info == NULL ? NULL : info->nodes;
    for (; node != NULL && l->n_addresses < HTTP_RESOLVED_MAX; node = node->ai_next) {
        http_address_of(node->ai_addr, &l->addresses[l->n_addresses]);
        l->n_addresses++;
    }
    ares_freeaddrinfo(info);
    if (status == ARES_SUCCESS && l->n_addresses == 0) {
        status = ARES_ENODATA;
    }
    keep(l, err_of(status), status == ARES_SUCCESS ? "" : ares_strerror(status));
}

static void on_services(void *arg, int status, int timeouts, unsigned char *message, int len) {
    struct http_lookup *l = arg;
    (void)timeouts;
    if (status != ARES_SUCCESS) {
        keep(l, err_of(status), ares_strerror(status));
        return;
    }
    uint32_t random[HTTP_RESOLVED_MAX];
    crypto_random(random, sizeof(random));
    enum err e = http_services_read(message, (size_t)len, random, l->services, &l->n_services);
    keep(l, e, e == OK ? "" : err_text());
}

static enum err begin(
    struct http_resolver *r, http_resolved_done *done, void *arg, struct http_lookup **ret) {
    if (r->n >= LOOKUPS_MAX) {
        return err_set(ERR_LIMIT, "%d look-ups of names are under way already", LOOKUPS_MAX);
    }
    struct http_lookup *l = mem_zalloc(sizeof(*l));
    if (l == NULL) {
        return err_set(ERR_NOMEM, "no memory to look a name up");
    }
    renew_channel(r);
    *l = (struct http_lookup){ .resolver = r, .asking = true, .done = done, .arg = arg };
    uv_timer_init(r->loop, &l->timer);
    l->timer.data = l;
    uv_timer_start(&l->timer, on_lookup_timer, (uint64_t)(r->timeout_us / 1000), 0);
    DL_APPEND(r->lookups, l);
    r->n++;
    *ret = l;
    return OK;
}

enum err http_resolve_addresses(struct http_resolver *r, const char *name, http_resolved_done *done,
    void *arg, struct http_lookup **ret) {
    const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    TRY(begin(r, done, arg, ret));
    ares_getaddrinfo(r->channel, name, NULL, &hints, on_addresses, *ret);
    start_timer(r);
    return OK;
}

enum err http_resolve_services(struct http_resolver *r, const char *name, http_resolved_done *done,
    void *arg, struct http_lookup **ret) {
    enum { CLASS_IN = 1, TYPE_SRV = 33 }; /* RFC 1035, RFC 2782 */
    TRY(begin(r, done, arg, ret));
    ares_query(r->channel, name, CLASS_IN, TYPE_SRV, on_services, *ret);
    start_timer(r);
    return OK;
}

/* --- life --- */

enum err http_resolver_create(
    uv_loop_t *loop, const struct http_resolver_config *cfg, struct http_resolver **ret) {
    bool named = cfg->servers != NULL && cfg->servers[0] != '\0';
    struct http_resolver *r = mem_zalloc(sizeof(*r));
    if (r == NULL || (named && (r->servers = mem_strdup(cfg->servers)) == NULL)) {
        mem_free(r);
        return err_set(ERR_NOMEM, "no memory for a resolver");
    }
    r->loop = loop;
    r->timeout_us = cfg->timeout_us > 0 ? cfg->timeout_us : TIMEOUT_US;
    ares_library_init(ARES_LIB_INIT_ALL);
    enum err e = open_channel(r);
    if (e != OK) {
        ares_library_cleanup();
        mem_free(r->servers);
        mem_free(r);
        return e;
    }
    uv_timer_init(loop, &r->timer);
    r->timer.data = r;
    *ret = r;
    return OK;
}

static void free_resolver(uv_handle_t *h) {
    struct http_resolver *r = h->data;
    mem_free(r->servers);
    mem_free(r);
}

void http_resolver_destroy(struct http_resolver *r) {
    if (r == NULL) {
        return;
    }
    while (r->lookups != NULL) {
        http_resolve_cancel(r->lookups);
    }
    ares_destroy(r->channel); /* lets go of every look-up and socket */
    ares_library_cleanup();
    uv_close((uv_handle_t *)&r->timer, free_resolver);
}
