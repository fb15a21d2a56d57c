/* Clients that another server answers: what they say gets there, what it says comes back. */
#include "http/relay.h"

#include "core/buf.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD                                                                                       \
    "GET /rtc HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                \
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
#define LINES "X-Forwarded-For: 192.0.2.1\r\nX-A: b\r\n"
#define FLOOD (8 * (size_t)MIB) /* more than a socket and our queue take */

struct world {
    uv_loop_t loop;
    uv_tcp_t listener, peer;
    struct http_relays *relays;
    int client; /* our end of the client's connection */
    struct buf came;
    bool accepted, ended;
    char url[64];
};

static void give_room(uv_handle_t *h, size_t size, uv_buf_t *ret) {
    static char room[65536];
    (void)h;
    (void)size;
    *ret = uv_buf_init(room, sizeof(room));
}

static void on_bytes(uv_stream_t *s, ssize_t n, const uv_buf_t *b) {
    struct world *w = s->data;
    if (n > 0) {
        buf_put(&w->came, b->base, (size_t)n);
    }
    w->ended = w->ended || n < 0;
}

static void on_peer(uv_stream_t *s, int status) {
    struct world *w = s->data;
    CHECK_INT(0, status);
    uv_tcp_init(&w->loop, &w->peer);
    w->peer.data = w;
    w->accepted = true;
    CHECK_INT(0, uv_accept(s, (uv_stream_t *)&w->peer));
}

static enum err world_open(struct world *w) {
    struct sockaddr_in at;
    int n = sizeof(at);
    *w = (struct world){ .client = -1 };
    buf_init(&w->came, 0);
    uv_loop_init(&w->loop);
    uv_tcp_init(&w->loop, &w->listener);
    w->listener.data = w;
    uv_ip4_addr("127.0.0.1", 0, &at);
    CHECK_INT(0, uv_tcp_bind(&w->listener, (struct sockaddr *)&at, 0));
    CHECK_INT(0, uv_listen((uv_stream_t *)&w->listener, 4, on_peer));
    uv_tcp_getsockname(&w->listener, (struct sockaddr *)&at, &n);
    snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%d", ntohs(at.sin_port));
    return http_relays_create(&w->loop, &w->relays);
}

static void world_close(struct world *w) {
    http_relays_destroy(w->relays);
    uv_close((uv_handle_t *)&w->listener, NULL);
    if (w->accepted) {
        uv_close((uv_handle_t *)&w->peer, NULL);
    }
    if (w->client >= 0) {
        close(w->client);
    }
    buf_finish(&w->came);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&w->loop));
}

/* A client who has said that much. */
static enum err knock(struct world *w, const char *url, const char *said) {
    int ends[2];
    CHECK_INT(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
    CHECK_INT((int)strlen(said), (int)write(ends[1], said, strlen(said)));
    w->client = ends[1];
    const struct http_relay_from from = { ends[0], "192.0.2.1", false };
    const struct http_relay_to to = { "the node two", url, "X-A: b" };
    const enum err e = http_relay_begin(w->relays, &from, &to);
    if (e != OK) {
        close(ends[0]);
    }
    return e;
}

static void read_peer(struct world *w) {
    while (!w->accepted) {
        uv_run(&w->loop, UV_RUN_ONCE);
    }
    uv_read_start((uv_stream_t *)&w->peer, give_room, on_bytes);
}

static void wait_came(struct world *w, size_t n) {
    while (w->came.len < n) {
        uv_run(&w->loop, UV_RUN_ONCE);
    }
}

/* What the client reads, to its end. */
static void read_client(struct world *w, char *ret, size_t size) {
    size_t len = 0;
    ssize_t n = -1;
    while (n != 0 && len + 1 < size) {
        uv_run(&w->loop, UV_RUN_NOWAIT);
        n = read(w->client, ret + len, size - len - 1);
        len += n > 0 ? (size_t)n : 0;
    }
    ret[len] = '\0';
}

TEST(http_relay, passes_on_every_byte) {
    struct world w;
    char said[64];
    CHECK_ERR(OK, world_open(&w));
    CHECK_ERR(OK, knock(&w, w.url, HEAD "\r\nmore"));
    CHECK_INT(1, (int)http_relays_count(w.relays));
    ROW("there");
    read_peer(&w);
    wait_came(&w, strlen(HEAD LINES "\r\nmore"));
    CHECK_STR(HEAD LINES "\r\nmore", buf_str(&w.came));
    CHECK_INT(2, (int)write(w.client, "on", 2));
    wait_came(&w, strlen(HEAD LINES "\r\nmoreon"));
    ROW("back, to the end");
    char answer[] = "answer";
    uv_buf_t out = uv_buf_init(answer, 6);
    CHECK_INT(6, uv_try_write((uv_stream_t *)&w.peer, &out, 1));
    uv_close((uv_handle_t *)&w.peer, NULL);
    w.accepted = false;
    read_client(&w, said, sizeof(said));
    CHECK_STR("answer", said);
    CHECK_INT(0, (int)http_relays_count(w.relays));
    world_close(&w);
}

TEST(http_relay, ends_with_the_client) {
    struct world w;
    CHECK_ERR(OK, world_open(&w));
    CHECK_ERR(OK, knock(&w, w.url, HEAD "\r\n"));
    read_peer(&w);
    wait_came(&w, strlen(HEAD LINES "\r\n"));
    close(w.client);
    w.client = -1;
    while (!w.ended) {
        uv_run(&w.loop, UV_RUN_ONCE);
    }
    world_close(&w);
}

/* The client is not read while the other side does not read either. */
TEST(http_relay, lets_the_sender_wait) {
    static char piece[65536];
    struct world w;
    size_t sent = 0;
    CHECK_ERR(OK, world_open(&w));
    CHECK_ERR(OK, knock(&w, w.url, HEAD "\r\n"));
    while (!w.accepted) {
        uv_run(&w.loop, UV_RUN_ONCE);
    }
    int idle = 0;
    while (idle < 50 && sent < FLOOD) {
        const ssize_t n = write(w.client, piece, sizeof(piece));
        sent += n > 0 ? (size_t)n : 0;
        idle = n > 0 ? 0 : idle + 1;
        uv_run(&w.loop, UV_RUN_NOWAIT);
    }
    CHECK(sent < FLOOD);
    read_peer(&w);
    wait_came(&w, strlen(HEAD LINES "\r\n") + sent);
    CHECK_INT((long long)(strlen(HEAD LINES "\r\n") + sent), (long long)w.came.len);
    world_close(&w);
}

TEST(http_relay, tells_the_client_that_nobody_answers) {
    struct world w;
    char said[1000];
    CHECK_ERR(OK, world_open(&w));
    CHECK_ERR(OK, knock(&w, "http://127.0.0.1:1", HEAD "\r\n"));
    read_client(&w, said, sizeof(said));
    CHECK(strncmp(said, "HTTP/1.1 503 ", 13) == 0);
    CHECK(strstr(said, "the node two does not answer") != NULL);
    world_close(&w);
}

TEST(http_relay, takes_plain_addresses_and_whole_heads) {
    static const struct {
        const char *name, *url, *said;
        enum err want;
    } rows[] = {
        { "TLS", "https://a:1", HEAD "\r\n", ERR_INVALID },
        { "a path", "http://a:1/b", HEAD "\r\n", ERR_INVALID },
        { "no host", "http://:1", HEAD "\r\n", ERR_INVALID },
        { "brackets that stay open", "http://[::1", HEAD "\r\n", ERR_INVALID },
        { "no URL", "a", HEAD "\r\n", ERR_INVALID },
        { "half a head", "http://127.0.0.1:1", HEAD, ERR_IO },
        { "a name", "http://localhost:1/", HEAD "\r\n", OK },
        { "IPv6", "http://[::1]:1", HEAD "\r\n", OK },
        { "no port", "http://127.0.0.1", HEAD "\r\n", OK },
    };
    FOR_ROWS (rows, r) {
        struct world w;
        ROW(r->name);
        CHECK_ERR(OK, world_open(&w));
        CHECK_ERR(r->want, knock(&w, r->url, r->said));
        CHECK_INT(r->want == OK ? 1 : 0, (int)http_relays_count(w.relays));
        world_close(&w); /* also while its name is looked up */
    }
}

TEST_ALLOC(http_relay, survives_no_memory) {
    char said[1000];
    CLEANUP(world_close) struct world w = { .client = -1 };
    TRY(world_open(&w));
    TRY(knock(&w, w.url, HEAD "\r\n"));
    while (!w.accepted) {
        uv_run(&w.loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&w.peer, NULL);
    w.accepted = false;
    read_client(&w, said, sizeof(said));
    return said[0] == '\0' ? OK : err_set(ERR_NOMEM, "not connected");
}
