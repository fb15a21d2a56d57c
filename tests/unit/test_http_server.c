/* The objects of the door, as they come and go; what they do is the tests test_door_… in
 * tests/live. */
#include "http/client.h"
#include "http/router.h"
#include "http/server.h"
#include "http/socket.h"

#include "core/clock.h"
#include "core/log.h"

#include "test.h"

#include <fcntl.h>

__attribute__((constructor)) static void silence(void) {
    log_redirect(open("/dev/null", O_WRONLY | O_CLOEXEC));
}

static struct http_server_config config(void) {
    static const char *const trusted[] = { "127.0.0.0/8", "::1" };
    return (struct http_server_config){ .listen = "127.0.0.1:0",
        .trusted_proxies = trusted,
        .n_trusted = 2,
        .connections_max = 10,
        .head_timeout_us = SEC_US,
        .body_timeout_us = SEC_US,
        .idle_timeout_us = SEC_US,
        .rate_per_s = 10 };
}

TEST(http_server, refuses_bad_settings) {
    static const char *const bad_trust[] = { "127.0.0.0/8", "everybody" };
    static const struct {
        const char *name, *listen;
        unsigned connections;
        size_t n_trusted;
        enum err want;
    } rows[] = {
        { "no port", "127.0.0.1", 1, 0, ERR_INVALID },
        { "a name", "localhost:80", 1, 0, ERR_INVALID },
        { "port too high", "127.0.0.1:65536", 1, 0, ERR_INVALID },
        { "port that is no number", "127.0.0.1:x", 1, 0, ERR_INVALID },
        { "open bracket", "[::1:80", 1, 0, ERR_INVALID },
        { "empty path", "unix:", 1, 0, ERR_INVALID },
        { "no connections", "127.0.0.1:0", 0, 0, ERR_INVALID },
        { "bad proxy", "127.0.0.1:0", 1, 2, ERR_INVALID },
        { "somebody else's address", "192.0.2.1:0", 1, 0, ERR_IO },
        { "no such folder", "unix:/nonexistent/x.sock", 1, 0, ERR_IO },
    };
    uv_loop_t loop;
    CHECK_INT(0, uv_loop_init(&loop));
    uint64_t before = mem_live();
    FOR_ROWS (rows, r) {
        struct http_server_config cfg = config();
        struct http_server *s = NULL;
        ROW(r->name);
        cfg.listen = r->listen;
        cfg.connections_max = r->connections;
        cfg.trusted_proxies = bad_trust;
        cfg.n_trusted = r->n_trusted;
        CHECK_ERR(r->want, http_server_create(&loop, &cfg, NULL, NULL, &s));
        CHECK(s == NULL);
        uv_run(&loop, UV_RUN_DEFAULT);
        CHECK_INT(before, mem_live());
    }
    CHECK_INT(0, uv_loop_close(&loop));
}

static enum err come_and_go(uv_loop_t *loop) {
    struct http_server_config cfg = config();
    struct http_server *s = NULL;
    TRY(http_server_create(loop, &cfg, NULL, NULL, &s));
    CHECK(http_server_port(s) > 0);
    http_server_destroy(s);
    return OK;
}

TEST_ALLOC(http_server, survives_no_memory) {
    uv_loop_t loop;
    CHECK_INT(0, uv_loop_init(&loop));
    enum err e = come_and_go(&loop);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop));
    return e;
}

static enum err let_in(struct http_request *r, void *arg, void **ret_state) {
    (void)r;
    (void)arg;
    (void)ret_state;
    return OK;
}

static enum err sockets_come_and_go(uv_loop_t *loop) {
    static const struct http_socket_path paths[] = {
        { .path = "/a", .protocol = "p", .accept = let_in },
        { .path = "/b", .protocol = "p", .accept = let_in }
    };
    const struct http_sockets_config cfg = { .paths = paths, .n_paths = COUNT_OF(paths) };
    struct http_sockets *t = NULL;
    TRY(http_sockets_create(loop, &cfg, &t));
    CHECK(http_sockets_know(t, "/b"));
    CHECK(!http_sockets_know(t, "/b/"));
    CHECK_INT(0, http_sockets_count(t));
    http_sockets_destroy(t);
    return OK;
}

TEST_ALLOC(http_socket, survives_no_memory) {
    uv_loop_t loop;
    CHECK_INT(0, uv_loop_init(&loop));
    enum err e = sockets_come_and_go(&loop);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop));
    return e;
}

static int done_calls;
static enum err done_with;

static void done(void *arg, const struct http_client_answer *a) {
    (void)arg;
    done_calls++;
    done_with = a->err;
}

static enum err ask_and_leave(uv_loop_t *loop) {
    static const struct http_client_field fields[] = { { "X-One", "1" } };
    static const struct http_client_spec spec = { .method = "PUT",
        .url = "http://127.0.0.1:9/",
        .bearer = "t",
        .body = "{}",
        .fields = fields,
        .n_fields = 1,
        .wants_head = true };
    struct http_client *c = NULL;
    struct http_client_call *call = NULL;
    TRY(http_client_create(loop, &c));
    enum err e = http_client_send(c, &spec, done, NULL, NULL);
    if (e == OK) {
        CHECK_INT(0, done_calls); /* never from inside */
        e = http_client_send(c, &spec, done, NULL, &call);
    }
    if (e == OK) {
        http_client_cancel(call);
    }
    http_client_destroy(c);
    return e;
}

TEST_ALLOC(http_client, survives_no_memory) {
    uv_loop_t loop;
    CHECK_INT(0, uv_loop_init(&loop));
    done_calls = 0;
    enum err e = ask_and_leave(&loop);
    CHECK(e != OK || (done_calls == 1 && done_with == ERR_GONE)); /* the other one was cancelled */
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop));
    return e;
}

TEST(http_client, refuses_what_is_no_request) {
    static const struct {
        const char *url, *bearer, *field;
    } rows[] = { { "file:///etc/passwd", NULL, "" }, { "", NULL, "" }, { "//x/", NULL, "" },
        { "http://x/", "a\r\nX: b", "" }, { "http://x/1", NULL, "a\r\nX: b" } };
    uv_loop_t loop;
    struct http_client *c = NULL;
    CHECK_INT(0, uv_loop_init(&loop));
    CHECK_ERR(OK, http_client_create(&loop, &c));
    FOR_ROWS (rows, r) {
        const struct http_client_field field = { "X-One", r->field };
        const struct http_client_spec spec = {
            .method = "GET", .url = r->url, .bearer = r->bearer, .fields = &field, .n_fields = 1
        };
        ROW(r->url);
        CHECK_ERR(ERR_INVALID, http_client_send(c, &spec, done, NULL, NULL));
    }
    http_client_destroy(c);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop));
}
