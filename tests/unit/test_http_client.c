/* The guard of requests to hosts that strangers name, against a server that says fixed bytes. */
#include "http/client.h"

#include "core/clock.h"
#include "http/address.h"
#include "http/client_head.h"
#include "http/inner.h"
#include "tests/unit/test.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* --- a server of one answer --- */

struct world {
    uv_loop_t loop;
    uv_tcp_t listener;
    uv_tcp_t peer;
    bool accepted;
    int port;
    const char *says;
    char heard[1024];
    char bytes[1024];
    uv_write_t write;
    struct http_client *client;
    /* what the guard was asked */
    int asked;
    char asked_about[HTTP_ADDRESS_TEXT_SIZE];
    bool allow;
    /* what came back */
    int answers;
    enum err err;
    int status;
    char text[256];
    char location[128];
    char cache_control[HTTP_CACHE_CONTROL_BYTES];
    int64_t expires_ms;
};

static void give_room(uv_handle_t *h, size_t n, uv_buf_t *ret) {
    struct world *w = h->data;
    (void)n;
    *ret = uv_buf_init(w->bytes, sizeof(w->bytes));
}

static void on_written(uv_write_t *write, int status) {
    struct world *w = write->data;
    (void)status;
    uv_close((uv_handle_t *)&w->peer, NULL);
}

static void on_bytes(uv_stream_t *s, ssize_t n, const uv_buf_t *b) {
    struct world *w = s->data;
    if (n <= 0) {
        return;
    }
    snprintf(w->heard, sizeof(w->heard), "%.*s", (int)n, b->base);
    uv_buf_t out = uv_buf_init((char *)(uintptr_t)w->says, (unsigned)strlen(w->says));
    uv_read_stop(s);
    w->write.data = w;
    uv_write(&w->write, s, &out, 1, on_written);
}

static void on_peer(uv_stream_t *s, int status) {
    struct world *w = s->data;
    CHECK_INT(0, status);
    CHECK(!w->accepted);
    uv_tcp_init(&w->loop, &w->peer);
    w->peer.data = w;
    w->accepted = true;
    uv_accept(s, (uv_stream_t *)&w->peer);
    uv_read_start((uv_stream_t *)&w->peer, give_room, on_bytes);
}

static void listen_at_loopback(struct world *w) {
    struct sockaddr_in at;
    int n = sizeof(at);
    uv_tcp_init(&w->loop, &w->listener);
    w->listener.data = w;
    uv_ip4_addr("127.0.0.1", 0, &at);
    CHECK_INT(0, uv_tcp_bind(&w->listener, (struct sockaddr *)&at, 0));
    CHECK_INT(0, uv_listen((uv_stream_t *)&w->listener, 4, on_peer));
    uv_tcp_getsockname(&w->listener, (struct sockaddr *)&at, &n);
    w->port = ntohs(at.sin_port);
}

static bool judge(void *arg, const struct http_address *a) {
    struct world *w = arg;
    w->asked++;
    http_address_write(a, w->asked_about);
    return w->allow;
}

static void on_answer(void *arg, const struct http_client_answer *a) {
    struct world *w = arg;
    w->answers++;
    uv_stop(&w->loop); /* the rest of this turn must not wait for more */
    w->err = a->err;
    w->status = a->status;
    w->expires_ms = a->expires_ms;
    snprintf(w->text, sizeof(w->text), "%s", a->text);
    snprintf(w->location, sizeof(w->location), "%s", a->location);
    snprintf(w->cache_control, sizeof(w->cache_control), "%s", a->cache_control);
}

static void world_init(struct world *w, const char *says) {
    const struct http_client_guard guard = { .allows = judge, .arg = w };
    memset(w, 0, sizeof(*w));
    w->says = says;
    uv_loop_init(&w->loop);
    listen_at_loopback(w);
    CHECK_ERR(OK, http_client_create_guarded(&w->loop, &guard, &w->client));
}

static void world_finish(struct world *w) {
    http_client_destroy(w->client);
    uv_close((uv_handle_t *)&w->listener, NULL);
    if (w->accepted && !uv_is_closing((uv_handle_t *)&w->peer)) {
        uv_close((uv_handle_t *)&w->peer, NULL);
    }
    uv_run(&w->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&w->loop));
}

/* Asks for `path` at `host`; a pin, where there is one, leads to the server. */
static void ask(struct world *w, const char *host, bool pinned) {
    char url[128];
    struct http_address here;
    http_address_read("127.0.0.1", 9, &here);
    const struct http_client_pin pin = { .host = host,
        .port = (uint16_t)w->port,
        .addresses = &here,
        .n = strcmp(host, "127.0.0.1") == 0 ? 0 : 1 };
    if (pinned) {
        snprintf(url, sizeof(url), "http://%s/a?b=c", host);
    } else {
        snprintf(url, sizeof(url), "http://%s:%d/a?b=c", host, w->port);
    }
    const struct http_client_spec spec = {
        .method = "GET", .url = url, .pin = pinned ? &pin : NULL, .timeout_us = 20 * SEC_US
    };
    CHECK_ERR(OK, http_client_send(w->client, &spec, on_answer, w, NULL));
    while (w->answers == 0) {
        uv_run(&w->loop, UV_RUN_ONCE);
    }
}

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"

TEST(http_client, asks_its_guard_about_the_address_it_connects_to) {
    static const struct {
        const char *name, *host;
        bool pinned, allow;
        enum err want;
    } rows[] = {
        { "a literal, allowed", "127.0.0.1", false, true, OK },
        { "a literal, not allowed", "127.0.0.1", false, false, ERR_FORBIDDEN },
        { "a literal in another dress", "0x7f.1", false, false, ERR_FORBIDDEN },
        { "a literal with another port", "127.0.0.1", true, true, OK },
        { "a pinned name, allowed", "example.invalid", true, true, OK },
        { "a pinned name, not allowed", "example.invalid", true, false, ERR_FORBIDDEN },
    };
    FOR_ROWS (rows, r) {
        struct world w;
        ROW(r->name);
        world_init(&w, HELLO);
        w.allow = r->allow;
        ask(&w, r->host, r->pinned);
        CHECK_INT(r->want, w.err);
        CHECK_INT(r->want == OK ? 200 : 0, w.status);
        CHECK_INT(1, w.asked);
        CHECK_STR("127.0.0.1", w.asked_about);
        CHECK_INT(r->allow, w.accepted);
        CHECK_STR(r->allow ? "" : "its address is not allowed", w.text);
        world_finish(&w);
    }
}

TEST(http_client, keeps_the_name_of_a_pinned_host) {
    struct world w;
    world_init(&w, HELLO);
    w.allow = true;
    ask(&w, "example.invalid", true);
    CHECK(strncmp(w.heard, "GET /a?b=c HTTP/1.1\r\nHost: example.invalid\r\n", 44) == 0);
    world_finish(&w);
}

TEST(http_client, tells_of_redirects_and_follows_none) {
    struct world w;
    world_init(&w, "HTTP/1.1 302 Found\r\nLocation: //other.invalid:1/x?y\r\n"
                   "cache-control: max-age=5\r\nCACHE-CONTROL: no-store\r\nExpires: 0\r\n"
                   "Content-Length: 0\r\nConnection: close\r\n\r\n");
    w.allow = true;
    ask(&w, "127.0.0.1", false);
    CHECK_INT(302, w.status);
    CHECK_STR("http://other.invalid:1/x?y", w.location);
    CHECK_STR(" max-age=5, no-store", w.cache_control);
    CHECK_INT(1, w.expires_ms);
    CHECK_INT(1, w.asked);
    world_finish(&w);
}

TEST(http_client, ends_an_endless_head) {
    static char head[200 * 1024];
    struct world w;
    size_t n = (size_t)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\n");
    while (n < sizeof(head) - 100) {
        n += (size_t)snprintf(head + n, sizeof(head) - n, "X-More: %060d\r\n", 0);
    }
    snprintf(head + n, sizeof(head) - n, "Content-Length: 0\r\n\r\n");
    world_init(&w, head);
    w.allow = true;
    ask(&w, "127.0.0.1", false);
    CHECK_INT(ERR_TOO_LARGE, w.err);
    world_finish(&w);
}

TEST_ALLOC(http_client, is_guarded_without_memory) {
    const struct http_client_guard guard = { .allows = judge, .ca_file = "/nowhere" };
    struct http_client *c = NULL;
    uv_loop_t loop;
    uv_loop_init(&loop);
    enum err e = http_client_create_guarded(&loop, &guard, &c);
    http_client_destroy(c);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop));
    return e;
}
