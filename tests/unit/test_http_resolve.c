/* The resolver against a name server on the same loop; and what it makes of SRV rows. */
#include "http/resolve.h"

#include "core/buf.h"
#include "core/clock.h"
#include "http/resolve_services.h"
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { TYPE_A = 1, TYPE_AAAA = 28, TYPE_SRV = 33 };

/* --- messages --- */

static void put16(uint8_t *m, size_t *n, unsigned v) {
    m[(*n)++] = (uint8_t)(v >> 8);
    m[(*n)++] = (uint8_t)v;
}

/* "a.b" as labels. */
static void put_name(uint8_t *m, size_t *n, const char *name) {
    while (*name != '\0') {
        size_t len = strcspn(name, ".");
        m[(*n)++] = (uint8_t)len;
        memcpy(m + *n, name, len);
        *n += len;
        name += len + (name[len] == '.');
    }
    m[(*n)++] = 0;
}

struct record {
    const char *name;
    int type;
    const char *data; /* an address, or the target of a service; NULL = say nothing at all */
    unsigned priority, weight, port;
};

static void put_record(uint8_t *m, size_t *n, const struct record *r) {
    put16(m, n, 0xc00c); /* the name of the question */
    put16(m, n, (unsigned)r->type);
    put16(m, n, 1);
    put16(m, n, 0);
    put16(m, n, 60);
    size_t at = *n;
    put16(m, n, 0);
    if (r->type == TYPE_SRV) {
        put16(m, n, r->priority);
        put16(m, n, r->weight);
        put16(m, n, r->port);
        put_name(m, n, r->data);
    } else {
        inet_pton(r->type == TYPE_A ? AF_INET : AF_INET6, r->data, m + *n);
        *n += r->type == TYPE_A ? 4 : 16;
    }
    put16(m, &at, (unsigned)(*n - at - 2));
}

static const struct record zone[] = {
    { "one.test", TYPE_A, "192.0.2.1", 0, 0, 0 },
    { "both.test", TYPE_A, "192.0.2.2", 0, 0, 0 },
    { "both.test", TYPE_AAAA, "2001:db8::2", 0, 0, 0 },
    { "silent.test", TYPE_A, NULL, 0, 0, 0 },
    { "_s._tcp.test", TYPE_SRV, "second.test", 20, 0, 2 },
    { "_s._tcp.test", TYPE_SRV, "first.test", 10, 0, 1 },
    { "_none._tcp.test", TYPE_SRV, "", 0, 0, 0 },
};

/* The answer to a question about `name`; 0 = silence. */
static size_t answer(uint8_t *m, size_t n, const char *name, int type) {
    unsigned count = 0;
    bool known = false;
    FOR_ROWS (zone, r) {
        if (strcmp(r->name, name) != 0) {
            continue;
        }
        if (r->data == NULL) {
            return 0;
        }
        known = true;
        if (r->type == type) {
            put_record(m, &n, r);
            count++;
        }
    }
    m[2] = 0x81;
    m[3] = known ? 0x80 : 0x83; /* or: no such name */
    m[6] = 0;
    m[7] = (uint8_t)count;
    m[8] = m[9] = m[10] = m[11] = 0;
    return n;
}

/* --- the name server --- */

struct world {
    uv_loop_t loop;
    uv_udp_t server;
    uint8_t bytes[1024];
    char servers[32];
    struct http_resolver *resolver;
    int answers;
    enum err err;
    char text[160];
    char found[256]; /* "address address " or "host:port host:port " */
};

static void give_room(uv_handle_t *h, size_t n, uv_buf_t *ret) {
    struct world *w = h->data;
    (void)n;
    *ret = uv_buf_init((char *)w->bytes, sizeof(w->bytes));
}

static void on_question(
    uv_udp_t *server, ssize_t n, const uv_buf_t *b, const struct sockaddr *from, unsigned flags) {
    struct world *w = server->data;
    char name[256] = "";
    size_t at = 12;
    (void)b;
    (void)flags;
    if (n < 17 || from == NULL) {
        return;
    }
    for (; w->bytes[at] != 0; at += w->bytes[at] + 1U) {
        size_t len = strlen(name);
        snprintf(name + len, sizeof(name) - len, "%s%.*s", len > 0 ? "." : "", w->bytes[at],
            (char *)w->bytes + at + 1);
    }
    int type = w->bytes[at + 1] << 8 | w->bytes[at + 2];
    size_t out = answer(w->bytes, at + 5, name, type);
    uv_buf_t buf = uv_buf_init((char *)w->bytes, (unsigned)out);
    if (out > 0) {
        CHECK_INT(out, uv_udp_try_send(server, &buf, 1, from));
    }
}

static void world_init(struct world *w, int64_t timeout_us) {
    struct sockaddr_in at;
    int n = sizeof(at);
    memset(w, 0, sizeof(*w));
    uv_loop_init(&w->loop);
    uv_udp_init(&w->loop, &w->server);
    w->server.data = w;
    uv_ip4_addr("127.0.0.1", 0, &at);
    CHECK_INT(0, uv_udp_bind(&w->server, (struct sockaddr *)&at, 0));
    uv_udp_getsockname(&w->server, (struct sockaddr *)&at, &n);
    uv_udp_recv_start(&w->server, give_room, on_question);
    snprintf(w->servers, sizeof(w->servers), "127.0.0.1:%d", ntohs(at.sin_port));
    const struct http_resolver_config cfg = { .servers = w->servers, .timeout_us = timeout_us };
    CHECK_ERR(OK, http_resolver_create(&w->loop, &cfg, &w->resolver));
}

static void world_finish(struct world *w) {
    http_resolver_destroy(w->resolver);
    uv_close((uv_handle_t *)&w->server, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&w->loop));
}

static void on_resolved(void *arg, const struct http_resolved *a) {
    struct world *w = arg;
    w->answers++;
    w->err = a->err;
    snprintf(w->text, sizeof(w->text), "%s", a->text);
    for (size_t i = 0; i < a->n_addresses; i++) {
        char text[HTTP_ADDRESS_TEXT_SIZE];
        http_address_write(&a->addresses[i], text);
        strcat(strcat(w->found, text), " ");
    }
    for (size_t i = 0; i < a->n_services; i++) {
        size_t n = strlen(w->found);
        snprintf(
            w->found + n, sizeof(w->found) - n, "%s:%u ", a->services[i].host, a->services[i].port);
    }
    uv_stop(&w->loop);
}

static void wait(struct world *w) {
    CHECK_INT(0, w->answers); /* never from inside */
    while (w->answers == 0) {
        uv_run(&w->loop, UV_RUN_DEFAULT);
    }
}

TEST(http_resolve, finds_addresses) {
    static const struct {
        const char *name, *host;
        enum err want;
        const char *found;
    } rows[] = {
        { "IPv4", "one.test", OK, "192.0.2.1 " },
        { "no such name", "gone.test", ERR_NOT_FOUND, "" },
        { "another kind", "_s._tcp.test", ERR_NOT_FOUND, "" },
        { "a literal", "192.0.2.9", OK, "192.0.2.9 " },
        { "no search list", "one", ERR_NOT_FOUND, "" },
    };
    FOR_ROWS (rows, r) {
        struct world w;
        struct http_lookup *l = NULL;
        ROW(r->name);
        world_init(&w, 0);
        CHECK_ERR(OK, http_resolve_addresses(w.resolver, r->host, on_resolved, &w, &l));
        wait(&w);
        CHECK_INT(r->want, w.err);
        CHECK_INT(r->want == OK, w.text[0] == '\0');
        CHECK_STR(r->found, w.found);
        world_finish(&w);
    }
}

TEST(http_resolve, finds_both_families) {
    struct world w;
    struct http_lookup *l = NULL;
    world_init(&w, 0);
    CHECK_ERR(OK, http_resolve_addresses(w.resolver, "both.test", on_resolved, &w, &l));
    wait(&w);
    CHECK(strstr(w.found, "192.0.2.2 ") != NULL);
    CHECK(strstr(w.found, "2001:db8::2 ") != NULL);
    world_finish(&w);
}

TEST(http_resolve, knows_this_machine_without_asking) {
    struct world w;
    struct http_lookup *l = NULL;
    world_init(&w, 0);
    CHECK_ERR(OK, http_resolve_addresses(w.resolver, "localhost", on_resolved, &w, &l));
    wait(&w);
    CHECK(strstr(w.found, "127.0.0.1 ") != NULL);
    world_finish(&w);
}

TEST(http_resolve, finds_services) {
    static const struct {
        const char *name, *host;
        enum err want;
        const char *found;
    } rows[] = {
        { "by priority", "_s._tcp.test", OK, "first.test:1 second.test:2 " },
        { "not offered", "_none._tcp.test", ERR_NOT_FOUND, "" },
        { "no such name", "_gone._tcp.test", ERR_NOT_FOUND, "" },
        { "another kind", "one.test", ERR_NOT_FOUND, "" },
    };
    FOR_ROWS (rows, r) {
        struct world w;
        struct http_lookup *l = NULL;
        ROW(r->name);
        world_init(&w, 0);
        CHECK_ERR(OK, http_resolve_services(w.resolver, r->host, on_resolved, &w, &l));
        wait(&w);
        CHECK_INT(r->want, w.err);
        CHECK_STR(r->found, w.found);
        world_finish(&w);
    }
}

TEST(http_resolve, waits_for_nobody_longer_than_its_time) {
    struct world w;
    struct http_lookup *l = NULL;
    int64_t begun_us = clock_mono_us();
    world_init(&w, 50 * 1000);
    CHECK_ERR(OK, http_resolve_addresses(w.resolver, "silent.test", on_resolved, &w, &l));
    wait(&w);
    CHECK_INT(ERR_TIMEOUT, w.err);
    CHECK_STR("the name servers did not answer in time", w.text);
    CHECK(clock_mono_us() - begun_us < SEC_US); /* c-ares alone would take 4.5 s */
    world_finish(&w);
}

TEST(http_resolve, tells_nothing_after_cancel_or_destroy) {
    struct world w;
    struct http_lookup *l = NULL;
    world_init(&w, 0);
    CHECK_ERR(OK, http_resolve_services(w.resolver, "silent.test", on_resolved, &w, &l));
    http_resolve_cancel(l);
    CHECK_ERR(OK, http_resolve_addresses(w.resolver, "localhost", on_resolved, &w, &l));
    http_resolve_cancel(l);
    CHECK_ERR(OK, http_resolve_addresses(w.resolver, "silent.test", on_resolved, &w, &l));
    world_finish(&w);
    CHECK_INT(0, w.answers);
}

TEST(http_resolve, refuses_servers_that_are_none) {
    const struct http_resolver_config cfg = { .servers = "name.test:53" };
    struct http_resolver *r = NULL;
    uv_loop_t loop;
    uv_loop_init(&loop);
    CHECK_ERR(ERR_INVALID, http_resolver_create(&loop, &cfg, &r));
    CHECK(r == NULL);
    CHECK_INT(0, uv_loop_close(&loop));
}

TEST_ALLOC(http_resolve, survives_no_memory) {
    const struct http_resolver_config cfg = { .servers = "127.0.0.1:9" };
    struct http_resolver *r = NULL;
    struct http_lookup *l = NULL;
    uv_loop_t loop;
    uv_loop_init(&loop);
    enum err e = http_resolver_create(&loop, &cfg, &r);
    e = e == OK ? http_resolve_addresses(r, "one.test", on_resolved, NULL, &l) : e;
    http_resolver_destroy(r);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop));
    return e;
}

/* --- services --- */

TEST(http_services, keeps_what_can_be_used) {
    static const struct {
        const char *name;
        struct record records[4];
        uint32_t random;
        enum err want;
        const char *found;
    } rows[] = {
        { "no rows", { { 0 } }, 0, ERR_NOT_FOUND, "" },
        { "no port", { { "", TYPE_SRV, "a.b", 0, 0, 0 } }, 0, ERR_NOT_FOUND, "" },
        { "a name nobody has", { { "", TYPE_SRV, "a/b", 0, 0, 1 } }, 0, ERR_NOT_FOUND, "" },
        { "a space", { { "", TYPE_SRV, "a b", 0, 0, 1 } }, 0, ERR_NOT_FOUND, "" },
        { "others beside", { { "", TYPE_A, "192.0.2.1", 0, 0, 0 }, { "", TYPE_SRV, "a", 0, 0, 1 } },
            0, OK, "a:1 " },
        { "chance 0",
            { { "", TYPE_SRV, "a", 1, 2, 1 }, { "", TYPE_SRV, "b", 1, 0, 2 },
                { "", TYPE_SRV, "c", 0, 0, 3 } },
            0, OK, "c:3 a:1 b:2 " },
        { "chance 3 of 4", { { "", TYPE_SRV, "a", 1, 2, 1 }, { "", TYPE_SRV, "b", 1, 0, 2 } }, 3,
            OK, "b:2 a:1 " },
        { "chance 4 of 4 begins again",
            { { "", TYPE_SRV, "a", 1, 2, 1 }, { "", TYPE_SRV, "b", 1, 0, 2 } }, 4, OK, "a:1 b:2 " },
    };
    FOR_ROWS (rows, r) {
        uint8_t m[512] = { 0, 0, 0x81, 0x80, 0, 1 };
        size_t n = 12;
        struct buf found;
        buf_init(&found, 0);
        struct http_service services[HTTP_RESOLVED_MAX];
        size_t n_services = 0;
        uint32_t random[HTTP_RESOLVED_MAX];
        ROW(r->name);
        put_name(m, &n, "_s._tcp.test");
        put16(m, &n, TYPE_SRV);
        put16(m, &n, 1);
        for (size_t i = 0; i < 4 && r->records[i].data != NULL; i++) {
            put_record(m, &n, &r->records[i]);
            m[7]++;
        }
        for (size_t i = 0; i < HTTP_RESOLVED_MAX; i++) {
            random[i] = r->random;
        }
        CHECK_ERR(r->want, http_services_read(m, n, random, services, &n_services));
        for (size_t i = 0; i < n_services; i++) {
            buf_printf(&found, "%s:%u ", services[i].host, services[i].port);
        }
        CHECK_STR(r->found, buf_str(&found));
        buf_finish(&found);
    }
}

TEST(http_services, takes_no_broken_message) {
    static const uint8_t noise[64] = { 0xff };
    uint32_t random[HTTP_RESOLVED_MAX] = { 0 };
    struct http_service services[HTTP_RESOLVED_MAX];
    size_t n = 7;
    CHECK_ERR(ERR_UNREACHABLE, http_services_read(noise, 0, random, services, &n));
    CHECK_ERR(ERR_UNREACHABLE, http_services_read(noise, sizeof(noise), random, services, &n));
    CHECK_INT(7, n);
}
