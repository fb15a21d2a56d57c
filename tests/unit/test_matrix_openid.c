/* Questions about tokens against an HTTP client and a name server that are only lists of what was
 * asked. */
#include "matrix/openid.h"

#include "core/clock.h"
#include "http/client.h"
#include "http/resolve.h"
#include "matrix/outside.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

/* --- what is asked --- */

struct http_client {
    bool guarded;
};

/* A request or a look-up, until the test answers it. */
struct asked {
    struct asked *prev, *next;
    char what[8192]; /* "GET url", "A name", "SRV name" */
    unsigned port;   /* of the pin */
    http_client_done *done;
    http_resolved_done *resolved;
    void *arg;
};
struct http_client_call {
    struct asked asked;
};
struct http_lookup {
    struct asked asked;
};

static struct http_client direct;
static struct http_client guarded;
static struct asked *all; /* not yet answered */
static size_t n_asked;

static enum err note(const char *kind, const char *what, void *arg, struct asked **ret) {
    struct asked *a = mem_zalloc(sizeof(*a));
    if (a == NULL) {
        return err_set(ERR_NOMEM, "no memory");
    }
    snprintf(a->what, sizeof(a->what), "%s %s", kind, what);
    a->arg = arg;
    DL_APPEND(all, a);
    n_asked++;
    *ret = a;
    return OK;
}

static void drop(struct asked *a) {
    DL_DELETE(all, a);
    mem_free(a);
}

enum err http_client_send(struct http_client *c, const struct http_client_spec *spec,
    http_client_done *done, void *arg, struct http_client_call **ret_call) {
    struct asked *a = NULL;
    TRY(note(c == &direct ? "direct" : "GET", spec->url, arg, &a));
    a->done = done;
    a->port = spec->pin == NULL ? 0 : spec->pin->port;
    *ret_call = (struct http_client_call *)a;
    return OK;
}

void http_client_cancel(struct http_client_call *call) {
    drop(&call->asked);
}

enum err http_client_create_guarded(
    uv_loop_t *loop, const struct http_client_guard *guard, struct http_client **ret) {
    (void)loop;
    (void)guard;
    *ret = &guarded;
    return OK;
}

void http_client_destroy(struct http_client *c) {
    (void)c;
}

enum err http_resolver_create(
    uv_loop_t *loop, const struct http_resolver_config *cfg, struct http_resolver **ret) {
    (void)loop;
    (void)cfg;
    (void)ret;
    return OK;
}

void http_resolver_destroy(struct http_resolver *r) {
    (void)r;
}

enum err http_resolve_addresses(struct http_resolver *r, const char *name, http_resolved_done *done,
    void *arg, struct http_lookup **ret) {
    struct asked *a = NULL;
    (void)r;
    TRY(note("A", name, arg, &a));
    a->resolved = done;
    *ret = (struct http_lookup *)a;
    return OK;
}

enum err http_resolve_services(struct http_resolver *r, const char *name, http_resolved_done *done,
    void *arg, struct http_lookup **ret) {
    struct asked *a = NULL;
    (void)r;
    TRY(note("SRV", name, arg, &a));
    a->resolved = done;
    *ret = (struct http_lookup *)a;
    return OK;
}

void http_resolve_cancel(struct http_lookup *l) {
    drop(&l->asked);
}

/* --- answers --- */

static struct asked *take(const char *what) {
    struct asked *a = NULL;
    DL_FOREACH(all, a) {
        if (strcmp(a->what, what) == 0) {
            DL_DELETE(all, a);
            return a;
        }
    }
    test_fail(__FILE__, __LINE__, "nobody asked \"%s\", but \"%s\"", what,
        all == NULL ? "nothing" : all->what);
    return NULL;
}

static void answer_http(const char *what, enum err e, int status, const char *body) {
    struct asked *a = take(what);
    if (a != NULL) {
        a->done(a->arg, &(struct http_client_answer){ .err = e,
                            .text = e == OK ? "" : "why",
                            .status = status,
                            .body = body,
                            .len = strlen(body),
                            .cache_control = "",
                            .location = "" });
        mem_free(a);
    }
}

static void answer_address(const char *what, const char *address) {
    struct asked *a = take(what);
    struct http_address at;
    if (a != NULL) {
        bool found = http_address_read(address, strlen(address), &at);
        a->resolved(a->arg, &(struct http_resolved){ .err = found ? OK : ERR_NOT_FOUND,
                                .text = found ? "" : "no such name",
                                .addresses = &at,
                                .n_addresses = found ? 1 : 0 });
        mem_free(a);
    }
}

static void answer_service(const char *what, const char *host, uint16_t port) {
    struct asked *a = take(what);
    struct http_service s = { .port = port };
    snprintf(s.host, sizeof(s.host), "%s", host == NULL ? "" : host);
    if (a != NULL) {
        a->resolved(a->arg, &(struct http_resolved){ .err = host == NULL ? ERR_NOT_FOUND : OK,
                                .text = "",
                                .services = &s,
                                .n_services = host == NULL ? 0 : 1 });
        mem_free(a);
    }
}

/* --- who asks --- */

struct world {
    uv_loop_t loop;
    struct mx_outside *outside;
    struct mx_openid *openid;
    int answers;
    enum mx_openid_outcome outcome;
    char user[256];
    char text[256];
};

static void on_answer(void *arg, const struct mx_openid_answer *a) {
    struct world *w = arg;
    w->answers++;
    w->outcome = a->outcome;
    snprintf(w->user, sizeof(w->user), "%s", a->user_id);
    snprintf(w->text, sizeof(w->text), "%s", a->text);
    uv_stop(&w->loop);
}

static enum err world_init(struct world *w, int64_t timeout_us) {
    static const char *const overrides[] = { "known.test=https://hs.lan:1/base/" };
    const struct mx_outside_config outside = { .n_allow = 0 };
    memset(w, 0, sizeof(*w));
    n_asked = 0;
    uv_loop_init(&w->loop);
    TRY(mx_outside_create(&w->loop, &outside, &w->outside));
    const struct mx_openid_config cfg = { .outside = w->outside,
        .direct = &direct,
        .own_name = "own.test",
        .own_url = "http://127.0.0.1:8008",
        .overrides = overrides,
        .n_overrides = COUNT_OF(overrides),
        .timeout_us = timeout_us };
    return mx_openid_create(&w->loop, &cfg, &w->openid);
}

static void world_finish(struct world *w) {
    mx_openid_destroy(w->openid);
    mx_outside_destroy(w->outside);
    CHECK(all == NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&w->loop));
}

static enum err ask(struct world *w, const char *server, const char *token) {
    const struct mx_openid_token t = { .access_token = token, .matrix_server_name = server };
    int before = w->answers;
    enum err e = mx_openid_verify(w->openid, &t, on_answer, w);
    CHECK_INT(before, w->answers); /* never from inside */
    return e;
}

static void wait(struct world *w, int answers) {
    while (w->answers < answers) {
        uv_run(&w->loop, UV_RUN_DEFAULT);
    }
}

#define USERINFO "/_matrix/federation/v1/openid/userinfo?access_token="
#define PUBLIC   "198.51.101.1"

TEST(matrix_openid, asks_the_servers_of_the_settings_where_they_say) {
    static const struct {
        const char *server, *asked, *body, *user;
    } rows[] = {
        { "own.test", "direct http://127.0.0.1:8008" USERINFO "t%2Fo", "{\"sub\":\"@u:own.test\"}",
            "@u:own.test" },
        { "KNOWN.test", "direct https://hs.lan:1/base" USERINFO "t%2Fo",
            "{\"sub\":\"@u:known.test\"}", "@u:known.test" },
    };
    FOR_ROWS (rows, r) {
        struct world w;
        ROW(r->server);
        CHECK_ERR(OK, world_init(&w, 0));
        CHECK_ERR(OK, ask(&w, r->server, "t/o"));
        answer_http(r->asked, OK, 200, r->body);
        wait(&w, 1);
        CHECK_INT(MX_OPENID_VALID, w.outcome);
        CHECK_STR(r->user, w.user);
        CHECK_STR("", w.text);
        CHECK_ERR(OK, ask(&w, r->server, "t/o"));
        wait(&w, 2);
        CHECK_STR(r->user, w.user);
        CHECK_INT(1, n_asked);
        world_finish(&w);
    }
}

TEST(matrix_openid, walks_from_name_to_server) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, 0));
    CHECK_ERR(OK, ask(&w, "a.test", "t"));
    answer_address("A a.test", PUBLIC);
    answer_http(
        "GET https://a.test/.well-known/matrix/server", OK, 200, "{\"m.server\":\"d.test\"}");
    answer_service("SRV _matrix-fed._tcp.d.test", NULL, 0);
    answer_service("SRV _matrix._tcp.d.test", "s.test", 77);
    answer_address("A s.test", PUBLIC);
    CHECK_INT(77, all->port);
    answer_http("GET https://d.test" USERINFO "t", OK, 200, "{\"sub\":\"@u:a.test\"}");
    wait(&w, 1);
    CHECK_STR("@u:a.test", w.user);
    /* Who speaks for it is known now; where that one is, the DNS knows. */
    CHECK_ERR(OK, ask(&w, "a.test", "other"));
    answer_service("SRV _matrix-fed._tcp.d.test", NULL, 0);
    answer_service("SRV _matrix._tcp.d.test", NULL, 0);
    answer_address("A d.test", PUBLIC);
    CHECK_INT(8448, all->port);
    answer_http("GET https://d.test" USERINFO "other", OK, 401, "{}");
    wait(&w, 2);
    CHECK_INT(MX_OPENID_REFUSED, w.outcome);
    world_finish(&w);
}

TEST(matrix_openid, sends_nothing_inside) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, 0));
    CHECK_ERR(OK, ask(&w, "a.test:1", "t"));
    answer_address("A a.test", "10.0.0.1");
    wait(&w, 1);
    CHECK_INT(MX_OPENID_INNER_ADDRESS, w.outcome);
    CHECK_STR(
        "a.test:1: lies in an inner network; federation.allow_networks can open it to strangers",
        w.text);
    CHECK_INT(1, n_asked);
    world_finish(&w);
}

TEST(matrix_openid, says_at_once_what_is_no_question) {
    static char long_token[4098];
    static const struct {
        const char *name, *server, *token;
    } rows[] = {
        { "no server", "", "t" },
        { "no dot", "localhost", "t" },
        { "a path", "a.test/x", "t" },
        { "no token", "a.test", "" },
        { "a space", "a.test", "t t" },
        { "a line end", "own.test", "t\n" },
        { "not ASCII", "own.test", "t\xc3\xbc" },
        { "too long", "own.test", long_token },
    };
    memset(long_token, 't', sizeof(long_token) - 1);
    FOR_ROWS (rows, r) {
        struct world w;
        ROW(r->name);
        CHECK_ERR(OK, world_init(&w, 0));
        CHECK_ERR(OK, ask(&w, r->server, r->token));
        wait(&w, 1);
        CHECK_INT(MX_OPENID_BAD_NAME, w.outcome);
        CHECK_INT(0, n_asked);
        world_finish(&w);
    }
}

TEST(matrix_openid, joins_questions_about_one_token) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, 0));
    for (int i = 0; i < 10; i++) {
        CHECK_ERR(OK, ask(&w, i % 2 == 0 ? "own.test" : "OWN.test", "t"));
    }
    CHECK_ERR(OK, ask(&w, "own.test", "u"));
    CHECK_INT(2, n_asked);
    answer_http("direct http://127.0.0.1:8008" USERINFO "t", OK, 200, "{\"sub\":\"@t:own.test\"}");
    wait(&w, 10);
    answer_http("direct http://127.0.0.1:8008" USERINFO "u", OK, 403, "{}");
    wait(&w, 11);
    CHECK_INT(MX_OPENID_REFUSED, w.outcome);
    world_finish(&w);
}

TEST(matrix_openid, waits_no_longer_than_its_time) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, 20 * 1000));
    CHECK_ERR(OK, ask(&w, "a.test:1", "t"));
    wait(&w, 1);
    CHECK_INT(MX_OPENID_TIMEOUT, w.outcome);
    CHECK(all == NULL);
    CHECK_ERR(OK, ask(&w, "a.test:1", "u")); /* it is left alone for a while */
    wait(&w, 2);
    CHECK_INT(MX_OPENID_TIMEOUT, w.outcome);
    CHECK_INT(1, n_asked);
    CHECK_ERR(OK, ask(&w, "own.test", "t"));
    wait(&w, 3);
    CHECK_ERR(OK, ask(&w, "own.test", "t")); /* our own is asked again */
    CHECK_INT(3, n_asked);
    world_finish(&w);
}

TEST(matrix_openid, failures_of_one_token_do_not_close_a_server) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, 0));
    for (int i = 0; i < 3; i++) {
        char token[8];
        char url[128];
        snprintf(token, sizeof(token), "t%d", i);
        snprintf(url, sizeof(url), "GET https://a.test:1" USERINFO "%s", token);
        CHECK_ERR(OK, ask(&w, "a.test:1", token));
        answer_address("A a.test", PUBLIC);
        answer_http(url, OK, 500, "");
        wait(&w, i + 1);
        CHECK_INT(MX_OPENID_UNREACHABLE, w.outcome);
    }
    world_finish(&w);
}

TEST(matrix_openid, keeps_places_for_its_own_users) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, 0));
    for (int i = 0; i < 600; i++) {
        char name[32];
        snprintf(name, sizeof(name), "s%d.test:1", i);
        CHECK_ERR(OK, ask(&w, name, "t"));
    }
    wait(&w, 600 - 512);
    CHECK_INT(MX_OPENID_BUSY, w.outcome);
    CHECK_INT(512, n_asked);
    CHECK_ERR(OK, ask(&w, "own.test", "t"));
    CHECK_INT(513, n_asked);
    world_finish(&w);
}

TEST(matrix_openid, forgets_who_goes_away) {
    struct world w;
    struct world other = { .answers = 0 };
    const struct mx_openid_token t = { .access_token = "t", .matrix_server_name = "own.test" };
    CHECK_ERR(OK, world_init(&w, 0));
    CHECK_ERR(OK, ask(&w, "own.test", "t"));
    CHECK_ERR(OK, mx_openid_verify(w.openid, &t, on_answer, &other));
    mx_openid_forget(w.openid, &other);
    answer_http("direct http://127.0.0.1:8008" USERINFO "t", OK, 200, "{\"sub\":\"@t:own.test\"}");
    wait(&w, 1);
    CHECK_INT(0, other.answers);
    /* And all at once, in the middle of everything. */
    CHECK_ERR(OK, ask(&w, "own.test", "u"));
    CHECK_ERR(OK, ask(&w, "a.test", "u"));
    CHECK_ERR(OK, ask(&w, "b.test:1", "u"));
    for (int i = 0; i < 20; i++) {
        char token[8];
        snprintf(token, sizeof(token), "t%d", i);
        CHECK_ERR(OK, ask(&w, "c.test:1", token));
    }
    world_finish(&w);
    CHECK_INT(1, w.answers);
}

TEST(matrix_openid, refuses_overrides_that_are_none) {
    static const char *const rows[] = { "a.test", "a.test=", "a.test=ftp://x", "a b=http://x" };
    struct world w;
    CHECK_ERR(OK, world_init(&w, 0));
    FOR_ROWS (rows, r) {
        struct mx_openid *o = NULL;
        const struct mx_openid_config cfg = { .outside = w.outside,
            .direct = &direct,
            .own_name = "",
            .own_url = "",
            .overrides = r,
            .n_overrides = 1 };
        ROW(*r);
        CHECK_ERR(ERR_INVALID, mx_openid_create(&w.loop, &cfg, &o));
    }
    world_finish(&w);
}

/* Answers whatever is asked until nothing is. */
static void answer_all(void) {
    while (all != NULL) {
        char what[sizeof(all->what)];
        snprintf(what, sizeof(what), "%s", all->what);
        if (what[0] == 'A') {
            answer_address(what, PUBLIC);
        } else if (what[0] == 'S') {
            answer_service(what, "s.test", 1);
        } else {
            answer_http(what, OK, 200,
                strstr(what, "well-known") != NULL ? "{\"m.server\":\"d.test\"}"
                                                   : "{\"sub\":\"@u:a.test\"}");
        }
    }
}

TEST_ALLOC(matrix_openid, survives_no_memory) {
    struct world w;
    enum err e = world_init(&w, 0);
    e = e == OK ? ask(&w, "a.test", "t") : e;
    if (e == OK) {
        answer_all();
        wait(&w, 1);
        CHECK(w.outcome == MX_OPENID_VALID || mem_failed());
    }
    world_finish(&w);
    return e;
}
