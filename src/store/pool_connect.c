/*
 * Making and losing connections.
 *
 * libpq connects without blocking except for one thing: looking a name up. So names are resolved on
 * libuv's thread pool and libpq is given addresses (decision 11); the name stays with it for
 * checking certificates.  Thread: main.
 */
#include "core/crypto.h"
#include "core/log.h"
#include "store/connection.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOSTS_MAX        8 /* in one connection string */
#define ADDRESSES_MAX    4 /* tried of one name */
#define BACKOFF_FIRST_US (SEC_US / 10)
#define BACKOFF_MOST_US  (5 * SEC_US)
#define KEYWORDS_MAX     64 /* libpq 15 knows 43 */

/* --- the connection string --- */

struct host {
    char *name;    /* "" = libpq's default socket */
    char *address; /* "" = to be looked up */
    char *port;    /* "" = default */
};

struct store_conninfo {
    PQconninfoOption *options;
    struct host hosts[HOSTS_MAX];
    size_t n_hosts;
    char *server_options; /* settings of each session */
};

/*
 * Our statements are few and each is made for an index, so their plans are fixed: a generic plan
 * made while the tables were empty must not scan them when they have grown. JIT would take a
 * forbidden scan's penalty for a real cost.
 */
static char *session_settings(int64_t statement_timeout_us, const char *more) {
    struct buf b;
    buf_init(&b, 0);
    long long ms = (long long)(statement_timeout_us / 1000);
    buf_printf(&b, "-c statement_timeout=%lld -c idle_in_transaction_session_timeout=%lld", ms, ms);
    buf_puts(&b,
        " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off"
        " -c enable_mergejoin=off -c jit=off ");
    buf_puts(&b, more == NULL ? "" : more);
    return buf_take(&b);
}

static const char *option(
    const struct store_conninfo *i, const char *keyword, const char *variable) {
    for (const PQconninfoOption *o = i->options; o->keyword != NULL; o++) {
        if (strcmp(o->keyword, keyword) == 0 && o->val != NULL && o->val[0] != '\0') {
            return o->val;
        }
    }
    const char *value = getenv(variable);
    return value == NULL ? "" : value;
}

/* The n-th of a list with commas; the only one stands for all when `shared`. Gives it, NULL on no
 * memory. */
static char *item(const char *list, size_t n, bool shared) {
    if (shared && strchr(list, ',') == NULL) {
        return mem_strdup(list);
    }
    for (; n > 0 && list != NULL; n--) {
        list = strchr(list, ',');
        list = list == NULL ? NULL : list + 1;
    }
    char *copy = mem_strdup(list == NULL ? "" : list);
    if (copy != NULL) {
        copy[strcspn(copy, ",")] = '\0';
    }
    return copy;
}

static size_t count_items(const char *list) {
    size_t n = 1;
    for (; *list != '\0'; list++) {
        n += *list == ',';
    }
    return n;
}

static enum err read_hosts(struct store_conninfo *i) {
    const char *names = option(i, "host", "PGHOST");
    const char *addresses = option(i, "hostaddr", "PGHOSTADDR");
    const char *ports = option(i, "port", "PGPORT");
    size_t n = count_items(names[0] != '\0' ? names : addresses);
    if (n > HOSTS_MAX) {
        return err_set(ERR_INVALID, "database.url: more than %d hosts", HOSTS_MAX);
    }
    for (i->n_hosts = 0; i->n_hosts < n; i->n_hosts++) {
        struct host *h = &i->hosts[i->n_hosts];
        h->name = item(names, i->n_hosts, false);
        h->address = item(addresses, i->n_hosts, false);
        h->port = item(ports, i->n_hosts, true);
        if (h->name == NULL || h->address == NULL || h->port == NULL) {
            i->n_hosts++;
            return err_set(ERR_NOMEM, "out of memory");
        }
    }
    return OK;
}

enum err store_conninfo_create(
    const char *url, int64_t statement_timeout_us, struct store_conninfo **ret) {
    struct store_conninfo *i = mem_zalloc(sizeof(*i));
    if (i == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    i->options = PQconninfoParse(url, NULL);
    if (i->options == NULL) {
        store_conninfo_destroy(i);
        /* libpq's own sentence may quote the password. */
        return err_set(ERR_INVALID, "database.url is no PostgreSQL connection string");
    }
    i->server_options = session_settings(statement_timeout_us, option(i, "options", "PGOPTIONS"));
    enum err e = i->server_options == NULL ? err_set(ERR_NOMEM, "out of memory") : read_hosts(i);
    if (e != OK) {
        store_conninfo_destroy(i);
        return e;
    }
    *ret = i;
    return OK;
}

void store_conninfo_destroy(struct store_conninfo *i) {
    if (i == NULL) {
        return;
    }
    for (size_t n = 0; n < i->n_hosts; n++) {
        mem_free(i->hosts[n].name);
        mem_free(i->hosts[n].address);
        mem_free(i->hosts[n].port);
    }
    PQconninfoFree(i->options);
    mem_free(i->server_options);
    mem_free(i);
}

/* --- the socket --- */

struct store_socket {
    uv_poll_t poll;
    int fd;
};

static void free_handle(uv_handle_t *h) {
    mem_free(h->data);
}

static void unwatch(struct store_connection *c) {
    if (c->socket != NULL) {
        uv_poll_stop(&c->socket->poll);
        c->socket->poll.data = c->socket;
        uv_close((uv_handle_t *)&c->socket->poll, free_handle);
        c->socket = NULL;
    }
}

static void step_connect(struct store_connection *c);

static void on_socket(uv_poll_t *poll, int status, int events) {
    struct store_connection *c = poll->data;
    /* An error of the socket shows itself to libpq, which has the words for it. */
    int got = status < 0 ? UV_READABLE | UV_WRITABLE : events;
    if (c->state == STORE_CONNECTING) {
        step_connect(c);
    } else {
        store_query_socket(c, got);
    }
}

static bool open_socket(struct store_connection *c, int fd) {
    struct store_socket *s = mem_zalloc(sizeof(*s));
    if (s == NULL || uv_poll_init(c->store->loop, &s->poll, fd) != 0) {
        mem_free(s);
        return false;
    }
    s->fd = fd;
    s->poll.data = c;
    c->socket = s;
    return true;
}

bool store_connection_watch(struct store_connection *c, int events) {
    int fd = PQsocket(c->pg);
    if (c->socket != NULL && c->socket->fd != fd) {
        unwatch(c);
    }
    if (c->socket == NULL && !open_socket(c, fd)) {
        return false;
    }
    return uv_poll_start(&c->socket->poll, events, on_socket) == 0;
}

/* --- name look-up --- */

/* Collects what libpq gets: a host, an address and a port for each address of each host. */
struct store_lookup {
    uv_getaddrinfo_t request;
    struct store_connection *connection; /* NULL: nobody wants the answer any more */
    struct buf names;
    struct buf addresses;
    struct buf ports;
    size_t next; /* host to be looked at */
    size_t found;
};

static void free_lookup(struct store_lookup *l) {
    buf_finish(&l->names);
    buf_finish(&l->addresses);
    buf_finish(&l->ports);
    mem_free(l);
}

static void add_address(struct store_lookup *l, const struct host *h, const char *address) {
    const char *comma = l->found == 0 ? "" : ",";
    buf_printf(&l->names, "%s%s", comma, h->name);
    buf_printf(&l->addresses, "%s%s", comma, address);
    buf_printf(&l->ports, "%s%s", comma, h->port);
    l->found++;
}

static void begin_connect(struct store_connection *c, const struct store_lookup *l);
static void look_up(struct store_connection *c);

static void on_address(uv_getaddrinfo_t *request, int status, struct addrinfo *list) {
    struct store_lookup *l = request->data;
    struct store_connection *c = l->connection;
    if (c == NULL) {
        uv_freeaddrinfo(list);
        free_lookup(l);
        return;
    }
    const struct host *h = &c->store->info->hosts[l->next];
    size_t n = 0;
    for (const struct addrinfo *a = list; status == 0 && a != NULL && n < ADDRESSES_MAX;
         a = a->ai_next, n++) {
        char text[INET6_ADDRSTRLEN];
        if (a->ai_family == AF_INET6) {
            uv_ip6_name((const struct sockaddr_in6 *)a->ai_addr, text, sizeof(text));
        } else {
            uv_ip4_name((const struct sockaddr_in *)a->ai_addr, text, sizeof(text));
        }
        add_address(l, h, text);
    }
    uv_freeaddrinfo(list);
    l->next++;
    look_up(c);
}

static bool needs_look_up(const struct host *h) {
    return h->address[0] == '\0' && h->name[0] != '\0' && h->name[0] != '/' && h->name[0] != '@';
}

/* Goes through the hosts; goes on in on_address where one must be asked for. */
static void look_up(struct store_connection *c) {
    static const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct store_lookup *l = c->lookup;
    const struct store_conninfo *info = c->store->info;
    for (; l->next < info->n_hosts; l->next++) {
        const struct host *h = &info->hosts[l->next];
        if (!needs_look_up(h)) {
            add_address(l, h, h->address);
            continue;
        }
        if (uv_getaddrinfo(c->store->loop, &l->request, on_address, h->name, NULL, &hints) == 0) {
            return;
        }
    }
    c->lookup = NULL;
    if (l->found == 0) {
        store_connection_lost(
            c, STORE_FAILED_CONNECT, "the database's host name cannot be resolved");
    } else if (l->names.bad || l->addresses.bad || l->ports.bad) {
        store_connection_lost(c, STORE_FAILED_CONNECT, "out of memory");
    } else {
        begin_connect(c, l);
    }
    free_lookup(l);
}

static void resolve(struct store_connection *c) {
    struct store_lookup *l = mem_zalloc(sizeof(*l));
    if (l == NULL) {
        store_connection_lost(c, STORE_FAILED_CONNECT, "out of memory");
        return;
    }
    l->request.data = l;
    l->connection = c;
    c->lookup = l;
    c->state = STORE_RESOLVING;
    store_connection_expect(c, c->store->connect_timeout_us);
    look_up(c);
}

static void forget_lookup(struct store_connection *c) {
    if (c->lookup != NULL) {
        c->lookup->connection = NULL;
        uv_cancel((uv_req_t *)&c->lookup->request);
        c->lookup = NULL;
    }
}

/* --- connecting --- */

static void established(struct store_connection *c) {
    if (PQsetnonblocking(c->pg, 1) != 0 || PQenterPipelineMode(c->pg) != 1 ||
        !store_connection_watch(c, UV_READABLE)) {
        store_connection_lost(c, STORE_FAILED_CONNECT, "the connection cannot be set up");
        return;
    }
    c->backoff_us = BACKOFF_FIRST_US;
    memset(c->prepared, 0, sizeof(c->prepared));
    c->told = false;
    c->state = STORE_IDLE;
    store_connection_expect(c, 0);
    store_count_up(c->store, true);
    store_serve_waiters(c->store);
}

static void step_connect(struct store_connection *c) {
    if (c->socket != NULL) {
        /* libpq may close this descriptor and open another of the same number. */
        uv_poll_stop(&c->socket->poll);
    }
    PostgresPollingStatusType next = PQconnectPoll(c->pg);
    if (next == PGRES_POLLING_OK) {
        established(c);
    } else if (next == PGRES_POLLING_FAILED) {
        store_connection_lost(c, STORE_FAILED_CONNECT, PQerrorMessage(c->pg));
    } else if (!store_connection_watch(
                   c, next == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE)) {
        store_connection_lost(c, STORE_FAILED_CONNECT, "the socket cannot be watched");
    }
}

/* Keywords and values for libpq: the connection string's own, and ours over them. */
static void begin_connect(struct store_connection *c, const struct store_lookup *l) {
    const struct store_conninfo *info = c->store->info;
    const char *keys[KEYWORDS_MAX + 8];
    const char *values[KEYWORDS_MAX + 8];
    size_t n = 0;
    keys[n] = "application_name";
    values[n++] = "parley";
    keys[n] = "gssencmode"; /* its look-up of credentials may block */
    values[n++] = "disable";
    for (const PQconninfoOption *o = info->options; o->keyword != NULL && n < KEYWORDS_MAX; o++) {
        if (o->val != NULL) {
            keys[n] = o->keyword;
            values[n++] = o->val;
        }
    }
    const char *const ours[][2] = { { "host", buf_str(&l->names) },
        { "hostaddr", buf_str(&l->addresses) }, { "port", buf_str(&l->ports) },
        { "options", info->server_options }, { "client_encoding", "UTF8" } };
    for (size_t i = 0; i < COUNT_OF(ours); i++) {
        keys[n] = ours[i][0];
        values[n++] = ours[i][1];
    }
    keys[n] = NULL;
    values[n] = NULL;
    c->state = STORE_CONNECTING;
    c->pg = PQconnectStartParams(keys, values, 0);
    if (c->pg == NULL || PQstatus(c->pg) == CONNECTION_BAD) {
        store_connection_lost(
            c, STORE_FAILED_CONNECT, c->pg == NULL ? "out of memory" : PQerrorMessage(c->pg));
    } else if (!store_connection_watch(c, UV_WRITABLE)) {
        store_connection_lost(c, STORE_FAILED_CONNECT, "the socket cannot be watched");
    }
}

/* --- losing, trying again --- */

static void on_timer(uv_timer_t *timer) {
    struct store_connection *c = timer->data;
    if (c->state == STORE_DOWN) {
        resolve(c);
    } else if (c->state == STORE_LEASED) {
        store_connection_lost(c, STORE_FAILED_LOST, "the server was silent for too long");
    } else {
        store_connection_lost(c, STORE_FAILED_CONNECT, "no connection within the time-out");
    }
}

void store_connection_expect(struct store_connection *c, int64_t us) {
    if (us == 0) {
        uv_timer_stop(&c->timer);
    } else {
        uv_timer_start(&c->timer, on_timer, (uint64_t)(us / 1000), 0);
    }
}

void store_connection_retry(struct store_connection *c) {
    /* Jitter, so that the connections of all nodes do not come in step after an outage. */
    uint16_t random;
    crypto_random(&random, sizeof(random));
    int64_t wait = c->backoff_us / 2 + c->backoff_us / 2 * random / UINT16_MAX;
    c->backoff_us = c->backoff_us * 2 > BACKOFF_MOST_US ? BACKOFF_MOST_US : c->backoff_us * 2;
    c->state = STORE_DOWN;
    store_connection_expect(c, wait);
}

/* libpq's messages end in a newline and may have several lines. */
static void tell(struct store_connection *c, const char *why, char *ret, size_t size) {
    snprintf(ret, size, "%s", why);
    for (size_t n = strlen(ret); n > 0 && ret[n - 1] == '\n'; n--) {
        ret[n - 1] = '\0';
    }
    if (!c->told) {
        c->told = true;
        LOG_WARN(&log_root, "database_connection_failed", "reason=%s", LOG_Q(ret));
    }
}

void store_connection_lost(struct store_connection *c, enum store_failure kind, const char *why) {
    char sentence[STORE_SENTENCE_SIZE];
    tell(c, why, sentence, sizeof(sentence));
    store_count_failure(kind);
    forget_lookup(c);
    unwatch(c);
    PQfinish(c->pg);
    c->pg = NULL;
    store_connection_expect(c, 0);
    bool leased = c->state == STORE_LEASED;
    if (leased || c->state == STORE_IDLE) {
        store_count_up(c->store, false);
    }
    if (leased) {
        store_query_abort(c, sentence);
    } else {
        store_connection_retry(c);
    }
}

/* --- life --- */

void store_connection_unref(struct store_connection *c) {
    if (!c->timer_open && c->state != STORE_LEASED) {
        store_args_finish(&c->args);
        mem_free(c);
    }
}

static void timer_closed(uv_handle_t *h) {
    struct store_connection *c = h->data;
    c->timer_open = false;
    store_connection_unref(c);
}

enum err store_connection_create(struct store *s, struct store_connection **ret) {
    struct store_connection *c = mem_zalloc(sizeof(*c));
    if (c == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    c->store = s;
    c->backoff_us = BACKOFF_FIRST_US;
    store_args_init(&c->args);
    uv_timer_init(s->loop, &c->timer);
    c->timer.data = c;
    c->timer_open = true;
    /* The first attempt begins with the first turn of the loop. */
    c->state = STORE_DOWN;
    uv_timer_start(&c->timer, on_timer, 0, 0);
    *ret = c;
    return OK;
}

void store_connection_destroy(struct store_connection *c) {
    forget_lookup(c);
    unwatch(c);
    PQfinish(c->pg);
    c->pg = NULL;
    c->store = NULL;
    uv_close((uv_handle_t *)&c->timer, timer_closed);
    store_query_abort(c, "the service is going down");
}
