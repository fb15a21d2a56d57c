/* Two streams, each read only while the other one keeps up. */
#include "http/relay.h"

#include "core/buf.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "http/head.h"
#include "http/refusal.h"
#include "http/tally.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#define READ_BYTES (64 * KIB)
#define NAME_SIZE  128
#define US_PER_MS  1000

METRIC_COUNTER(relayed_total, "parley_relayed_total", "Clients that another node answers.");
METRIC_COUNTER(
    failed_total, "parley_relays_failed_total", "Clients for whom another node did not answer.");
METRIC_GAUGE(relays_now, "parley_relays", "Clients that another node answers, now.");

union stream {
    uv_stream_t any;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

/* One direction. */
struct way {
    struct relay *relay;
    uv_stream_t *from, *to;
    size_t queued;
    bool waits; /* does not read: too much is queued */
};

struct relay {
    struct relay *prev, *next;
    struct http_relays *all; /* NULL: it ends */
    union stream client, node;
    uv_timer_t patience; /* until it is connected */
    uv_getaddrinfo_t lookup;
    uv_connect_t connect;
    int fd; /* the client's: libuv's to close */
    int handles;
    bool looking, cors;
    struct way there, back;
    struct buf head; /* what is said first */
    char name[NAME_SIZE];
};

struct http_relays {
    uv_loop_t *loop;
    struct relay *relays;
    unsigned n;
};

struct chunk {
    uv_write_t write;
    struct way *way;
    size_t len;
    char bytes[];
};

/* --- the end --- */

static void relay_free(struct relay *r) {
    buf_finish(&r->head);
    mem_free(r);
}

static void on_closed(uv_handle_t *h) {
    struct relay *r = h->data;
    if (--r->handles == 0 && !r->looking) {
        relay_free(r);
    }
}

static void end(struct relay *r) {
    if (r->all == NULL) {
        return;
    }
    DL_DELETE(r->all->relays, r);
    r->all->n--;
    r->all = NULL;
    http_tally_sockets(-1);
    metric_add(&relays_now, -1);
    if (r->looking) {
        uv_cancel((uv_req_t *)&r->lookup);
    }
    uv_close((uv_handle_t *)&r->client, on_closed);
    uv_close((uv_handle_t *)&r->node, on_closed);
    uv_close((uv_handle_t *)&r->patience, on_closed);
}

static void fail(struct relay *r, const char *why) {
    char text[NAME_SIZE + 32];
    snprintf(text, sizeof(text), "%s does not answer", r->name);
    metric_add(&failed_total, 1);
    LOG_WARN(&log_root, "relay_failed", "to=%s text=%s", LOG_Q(r->name), LOG_Q(why));
    http_refusal_send_text(r->fd, 503, text, r->cors);
    end(r);
}

/* --- bytes --- */

static void give_room(uv_handle_t *h, size_t size, uv_buf_t *ret) {
    (void)h;
    (void)size;
    struct chunk *c = mem_alloc(sizeof(*c) + READ_BYTES);
    *ret = c == NULL ? uv_buf_init(NULL, 0) : uv_buf_init(c->bytes, READ_BYTES);
}

static struct chunk *chunk_of(const uv_buf_t *b) {
    return b->base == NULL ? NULL : (void *)(b->base - offsetof(struct chunk, bytes));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b);

static void on_written(uv_write_t *w, int status) {
    struct chunk *c = w->data;
    struct way *way = c->way;
    way->queued -= c->len;
    mem_free(c);
    if (way->relay->all == NULL) {
        return;
    }
    if (status != 0) {
        end(way->relay);
    } else if (way->waits && way->queued < HTTP_RELAY_QUEUE_BYTES) {
        way->waits = false;
        uv_read_start(way->from, give_room, on_read);
    }
}

/* What waits takes no more memory than it has bytes: small ones are cut to size. */
static struct chunk *fitting(struct chunk *c, size_t len) {
    struct chunk *smaller = mem_realloc(c, sizeof(*c) + len);
    return smaller == NULL ? c : smaller;
}

/* Takes the chunk. */
static void pass_on(struct way *way, struct chunk *chunk, size_t len) {
    struct chunk *c = fitting(chunk, len);
    const uv_buf_t out = uv_buf_init(c->bytes, (unsigned)len);
    c->way = way;
    c->len = sizeof(*c) + len;
    c->write.data = c;
    if (uv_write(&c->write, way->to, &out, 1, on_written) != 0) {
        mem_free(c);
        end(way->relay);
        return;
    }
    way->queued += c->len;
    if (way->queued >= HTTP_RELAY_QUEUE_BYTES) {
        way->waits = true;
        uv_read_stop(way->from);
    }
}

/* What was said before still arrives: a shutdown waits for what is queued. */
static void on_shut(uv_shutdown_t *s, int status) {
    (void)status;
    struct relay *r = s->data;
    mem_free(s);
    end(r);
}

static void end_behind(struct way *way) {
    struct relay *r = way->relay;
    uv_shutdown_t *s = mem_zalloc(sizeof(*s));
    uv_read_stop(way->from);
    if (s == NULL || uv_shutdown(s, way->to, on_shut) != 0) {
        mem_free(s);
        end(r);
        return;
    }
    s->data = r;
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b) {
    struct relay *r = s->data;
    struct way *way = s == r->there.from ? &r->there : &r->back;
    struct chunk *c = chunk_of(b);
    if (n > 0) {
        pass_on(way, c, (size_t)n);
        return;
    }
    mem_free(c);
    if (n < 0) {
        end_behind(way);
    }
}

/* --- the way there --- */

static void on_connected(uv_connect_t *c, int status) {
    struct relay *r = c->data;
    if (r->all == NULL) {
        return;
    }
    struct chunk *first = mem_alloc(sizeof(*first) + r->head.len);
    if (status != 0 || first == NULL) {
        mem_free(first);
        fail(r, status != 0 ? uv_strerror(status) : "no memory");
        return;
    }
    int fd = -1;
    uv_timer_stop(&r->patience);
    uv_tcp_nodelay(&r->node.tcp, 1);
    if (uv_fileno((uv_handle_t *)&r->node, &fd) == 0) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &(unsigned){ HTTP_RELAY_SILENT_MS },
            sizeof(unsigned));
    }
    memcpy(first->bytes, r->head.data, r->head.len);
    pass_on(&r->there, first, r->head.len);
    if (r->all != NULL && !r->there.waits) {
        uv_read_start(r->there.from, give_room, on_read);
    }
    if (r->all != NULL) {
        uv_read_start(r->back.from, give_room, on_read);
    }
}

static void on_found(uv_getaddrinfo_t *l, int status, struct addrinfo *found) {
    struct relay *r = l->data;
    r->looking = false;
    if (r->all == NULL) {
        if (r->handles == 0) {
            relay_free(r);
        }
    } else if (status != 0 ||
               uv_tcp_connect(&r->connect, &r->node.tcp, found->ai_addr, on_connected) != 0) {
        fail(r, status != 0 ? uv_strerror(status) : "no connection");
    }
    uv_freeaddrinfo(found);
}

static void on_late(uv_timer_t *t) {
    fail(t->data, "it took too long");
}

/* "http://host:port", "http://[::1]:80", "http://host/". */
static enum err read_url(const char *url, char host[NAME_SIZE], char port[8]) {
    static const char scheme[] = "http://";
    const bool web = strncmp(url, scheme, sizeof(scheme) - 1) == 0;
    const char *at = web ? url + sizeof(scheme) - 1 : "";
    const bool braced = *at == '[';
    at += braced ? 1 : 0;
    const size_t n = strcspn(at, braced ? "]" : ":/");
    const bool open = braced && at[n] != ']';
    const char *rest = at + n + (braced && !open ? 1 : 0);
    snprintf(port, 8, "80");
    if (*rest == ':') {
        const size_t digits = strspn(rest + 1, "0123456789");
        snprintf(port, 8, "%.*s", (int)(digits > 6 ? 6 : digits), rest + 1);
        rest += 1 + digits;
    }
    if (open || n == 0 || n >= NAME_SIZE || (*rest != '\0' && strcmp(rest, "/") != 0)) {
        return err_set(ERR_INVALID, "only plain http:// addresses can be relayed to");
    }
    snprintf(host, NAME_SIZE, "%.*s", (int)n, at);
    return OK;
}

/* The head with two lines more, and whatever came behind it. */
static enum err read_head(struct relay *r, const char *peer, const char *line) {
    char *bytes = mem_alloc(HTTP_PEEK_MAX);
    struct http_head *head = mem_alloc(sizeof(*head));
    ssize_t n = bytes == NULL || head == NULL ? 0 : recv(r->fd, bytes, HTTP_PEEK_MAX, MSG_DONTWAIT);
    enum err e = bytes == NULL || head == NULL ? err_set(ERR_NOMEM, "no memory for a client") : OK;
    if (e == OK) {
        http_head_read(bytes, n < 0 ? 0 : (size_t)n, head);
        e = head->kind == HTTP_HEAD_UPGRADE ? OK : err_set(ERR_IO, "the client is gone");
    }
    if (e == OK) {
        const size_t blank = bytes[head->len - 2] == '\r' ? 2 : 1;
        const size_t before = head->len - blank;
        buf_put(&r->head, bytes, before);
        buf_printf(&r->head, "X-Forwarded-For: %s\r\n%s\r\n", peer, line);
        buf_put(&r->head, bytes + before, (size_t)n - before);
        e = buf_check(&r->head);
    }
    mem_free(head);
    mem_free(bytes);
    return e;
}

static bool is_unix(int fd) {
    struct sockaddr_storage at = { .ss_family = AF_UNSPEC };
    socklen_t len = sizeof(at);
    return getsockname(fd, (struct sockaddr *)&at, &len) == 0 && at.ss_family == AF_UNIX;
}

/* From here on the descriptor is libuv's, unless it gives an error. */
static enum err open_client(uv_loop_t *loop, struct relay *r) {
    int e = 0;
    if (is_unix(r->fd)) {
        (void)uv_pipe_init(loop, &r->client.pipe, 0);
        e = uv_pipe_open(&r->client.pipe, r->fd);
    } else {
        (void)uv_tcp_init(loop, &r->client.tcp);
        e = uv_tcp_open(&r->client.tcp, r->fd);
        (void)uv_tcp_nodelay(&r->client.tcp, 1);
    }
    return e == 0 ? OK : err_set(ERR_IO, "a client cannot be relayed: %s", uv_strerror(e));
}

static void start(struct http_relays *all, struct relay *r, const char *host, const char *port) {
    static const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    (void)uv_tcp_init(all->loop, &r->node.tcp);
    (void)uv_timer_init(all->loop, &r->patience);
    r->handles = 3;
    r->client.any.data = r->node.any.data = r->patience.data = r;
    r->lookup.data = r->connect.data = r;
    r->there = (struct way){ .relay = r, .from = &r->client.any, .to = &r->node.any };
    r->back = (struct way){ .relay = r, .from = &r->node.any, .to = &r->client.any };
    r->all = all;
    DL_APPEND(all->relays, r);
    all->n++;
    http_tally_sockets(1);
    metric_add(&relays_now, 1);
    metric_add(&relayed_total, 1);
    uv_timer_start(&r->patience, on_late, HTTP_RELAY_CONNECT_US / US_PER_MS, 0);
    r->looking = uv_getaddrinfo(all->loop, &r->lookup, on_found, host, port, &hints) == 0;
    if (!r->looking) {
        fail(r, "no look-up");
    }
}

enum err http_relay_begin(
    struct http_relays *all, const struct http_relay_from *from, const struct http_relay_to *to) {
    char host[NAME_SIZE], port[8];
    TRY(read_url(to->url, host, port));
    struct relay *r = mem_zalloc(sizeof(*r));
    if (r == NULL) {
        return err_set(ERR_NOMEM, "no memory for a client that another node answers");
    }
    r->fd = from->fd;
    r->cors = from->cors;
    snprintf(r->name, sizeof(r->name), "%s", to->name);
    buf_init(&r->head, 0);
    enum err e = read_head(r, from->peer, to->line);
    if (e != OK) {
        relay_free(r);
        return e;
    }
    r->client.any.data = r;
    e = open_client(all->loop, r);
    if (e != OK) {
        r->handles = 1;
        uv_close((uv_handle_t *)&r->client, on_closed);
        return e;
    }
    start(all, r, host, port);
    return OK;
}

/* --- all of them --- */

enum err http_relays_create(uv_loop_t *loop, struct http_relays **ret) {
    struct http_relays *all = mem_zalloc(sizeof(*all));
    if (all == NULL) {
        return err_set(ERR_NOMEM, "no memory for relays");
    }
    all->loop = loop;
    metrics_register(&relayed_total);
    metrics_register(&failed_total);
    metrics_register(&relays_now);
    *ret = all;
    return OK;
}

unsigned http_relays_count(const struct http_relays *all) {
    return all == NULL ? 0 : all->n;
}

void http_relays_end(struct http_relays *all) {
    while (all->relays != NULL) {
        end(all->relays);
    }
}

void http_relays_destroy(struct http_relays *all) {
    if (all != NULL) {
        http_relays_end(all);
        mem_free(all);
    }
}
