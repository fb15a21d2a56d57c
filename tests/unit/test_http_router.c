/* Routes: which one, with which parameters, and what is said when there is none. */
#include "core/buf.h"
#include "http/exchange.h"
#include "http/request.h"
#include "http/router.h"

#include "test.h"

#include <string.h>

static void nothing(struct http_request *r, void *arg) {
    (void)r;
    (void)arg;
}

static void keep(struct http_request *r) {
    (void)r; /* the test looks at the answer */
}

static const struct http_route routes[] = {
    { "GET", "/", nothing, 0 },
    { "GET", "/a", nothing, 0 },
    { "PUT", "/a", nothing, 0 },
    { "GET", "/a/{x}", nothing, 0 },
    { "PUT", "/a/{x}", nothing, 0 },
    { "GET", "/a/fixed", nothing, 0 },
    { "GET", "/a/{x}/b/{y}", nothing, 0 },
    { "GET", "/a/{x...}", nothing, 0 },
    { "GET", "/users/{user...}", nothing, 0 },
    { "GET", "/slash/", nothing, 0 },
};

static struct http_request *ask(
    struct http_router *t, const char *method, const char *target, bool cors) {
    struct http_request *r = http_request_create(method, target, strlen(target));
    if (r != NULL) {
        r->deliver = keep;
        r->cors = cors;
        http_router_find(t, r);
    }
    return r;
}

static struct http_router *make(void) {
    struct http_router *t = NULL;
    CHECK_ERR(OK, http_router_create(&t));
    CHECK_ERR(OK, http_router_add(t, routes, COUNT_OF(routes), NULL, NULL));
    return t;
}

TEST(http_router, finds_the_closest_route) {
    static const struct {
        const char *method, *target, *route, *name, *value;
    } rows[] = {
        { "GET", "/", "/", NULL, NULL },
        { "GET", "/a", "/a", NULL, NULL },
        { "GET", "/a?x=1", "/a", NULL, NULL },
        { "HEAD", "/a", "/a", NULL, NULL },
        { "GET", "/a/1", "/a/{x}", "x", "1" },
        { "GET", "/a/fixed", "/a/fixed", NULL, NULL },
        { "PUT", "/a/fixed", "/a/{x}", "x", "fixed" },
        { "GET", "/a/1/b/2", "/a/{x}/b/{y}", "y", "2" },
        { "GET", "/a/1/c/2", "/a/{x...}", "x", "1/c/2" },
        { "GET", "/a/a%2Fb", "/a/{x}", "x", "a/b" },
        { "GET", "/a/%2540", "/a/{x}", "x", "%40" },
        { "GET", "/a/a+b", "/a/{x}", "x", "a+b" },
        { "GET", "/a/b/", "/a/{x...}", "x", "b/" },
        { "GET", "/a//", "/a/{x...}", "x", "/" },
        { "GET", "/users/@a%3Ab/c", "/users/{user...}", "user", "@a:b/c" },
        { "GET", "/slash/", "/slash/", NULL, NULL },
    };
    struct http_router *t = make();
    FOR_ROWS (rows, r) {
        ROW(r->target);
        struct http_request *q = ask(t, r->method, r->target, false);
        CHECK(q->route != NULL);
        CHECK_STR(r->route, q->route == NULL ? NULL : q->route->path);
        if (r->name != NULL) {
            CHECK_STR(r->value, http_request_param(q, r->name));
        }
        CHECK(http_request_param(q, "other") == NULL);
        http_request_destroy(q);
    }
    http_router_destroy(t);
}

TEST(http_router, says_why_there_is_none) {
    static const struct {
        const char *method, *target;
        bool cors;
        int status;
        const char *allow;
    } rows[] = {
        { "GET", "/b", false, 404, NULL },
        { "GET", "/A", false, 404, NULL },
        { "GET", "/%61", false, 404, NULL },
        { "GET", "/slash", false, 404, NULL },
        { "GET", "/users/", false, 404, NULL },
        { "GET", "//a", false, 404, NULL },
        { "POST", "/a", false, 405, "GET, PUT" },
        { "POST", "/a/1", false, 405, "GET, PUT" },
        { "OPTIONS", "/a", false, 405, "GET, PUT" },
        { "OPTIONS", "/a", true, 204, NULL },
        { "OPTIONS", "/b", true, 204, NULL },
        { "GET", "/a/%00", false, 400, NULL },
        { "GET", "/a/%zz", false, 400, NULL },
        { "GET", "/a/%2", false, 400, NULL },
        { "GET", "/a/%", false, 400, NULL },
        { "GET", "/a?%zz", false, 400, NULL },
        { "GET", "/b/%zz", false, 400, NULL },
    };
    struct http_router *t = make();
    FOR_ROWS (rows, r) {
        ROW(r->target);
        struct http_request *q = ask(t, r->method, r->target, r->cors);
        CHECK(q->stage == HTTP_STAGE_ANSWERED);
        CHECK_INT(r->status, q->status);
        if (r->allow != NULL) {
            CHECK_STR(r->allow, q->answer_fields[0].value);
        }
        http_request_destroy(q);
    }
    http_router_destroy(t);
}

TEST(http_router, refuses_bad_tables) {
    static const struct {
        const char *name;
        struct http_route rows[2];
    } rows[] = {
        { "equal", { { "GET", "/x", nothing, 0 }, { "GET", "/x", nothing, 0 } } },
        { "equal but for the name",
            { { "GET", "/x/{a}", nothing, 0 }, { "GET", "/x/{b}", nothing, 0 } } },
        { "no slash", { { "GET", "/x", nothing, 0 }, { "GET", "y", nothing, 0 } } },
        { "rest not last", { { "GET", "/x", nothing, 0 }, { "GET", "/{a...}/b", nothing, 0 } } },
        { "name in a part", { { "GET", "/x", nothing, 0 }, { "GET", "/{a}b", nothing, 0 } } },
        { "empty name", { { "GET", "/x", nothing, 0 }, { "GET", "/{}", nothing, 0 } } },
        { "too many parts", { { "GET", "/x", nothing, 0 },
                                { "GET", "/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7", nothing, 0 } } },
        { "too many names", { { "GET", "/x", nothing, 0 },
                                { "GET", "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}", nothing, 0 } } },
    };
    FOR_ROWS (rows, r) {
        struct http_router *t = NULL;
        ROW(r->name);
        CHECK_ERR(OK, http_router_create(&t));
        CHECK_ERR(ERR_INVALID, http_router_add(t, r->rows, 2, NULL, NULL));
        struct http_request *q = ask(t, "GET", "/x", false);
        CHECK_INT(404, q->status); /* nothing of a refused table counts */
        http_request_destroy(q);
        http_router_destroy(t);
    }
}

TEST(http_router, differs_by_method_and_table) {
    static const struct http_route more[] = { { "DELETE", "/a", nothing, 0 } };
    static int arg;
    struct http_router *t = make();
    CHECK_ERR(OK, http_router_add(t, more, 1, NULL, &arg));
    CHECK_ERR(ERR_INVALID, http_router_add(t, more, 1, NULL, NULL));
    struct http_request *q = ask(t, "DELETE", "/a", false);
    CHECK(q->arg == &arg);
    http_request_destroy(q);
    http_router_destroy(t);
}

static void note_path(void *arg, const struct http_route *route) {
    buf_printf(arg, "%s %s\n", route->method, route->path);
}

TEST(http_router, lists_its_routes) {
    static const struct http_route first[] = { { "GET", "/a", nothing, 0 } };
    static const struct http_route second[] = { { "PUT", "/b/{x}", nothing, 0 },
        { "GET", "/c", nothing, 0 } };
    CLEANUP(buf_finish) struct buf b;
    struct http_router *t = NULL;
    buf_init(&b, 0);
    CHECK_ERR(OK, http_router_create(&t));
    CHECK_ERR(OK, http_router_add(t, first, 1, NULL, NULL));
    CHECK_ERR(OK, http_router_add(t, second, 2, NULL, NULL));
    http_router_each(t, note_path, &b);
    CHECK_STR("GET /a\nPUT /b/{x}\nGET /c\n", buf_str(&b));
    http_router_destroy(t);
}

static void note_bytes(void *arg, int64_t bytes) {
    *(int64_t *)arg += bytes;
}

TEST(http_router, tells_of_bodies_too_large) {
    static const struct http_route watched[] = { { "PUT", "/w", nothing, 4 } };
    static const struct http_route other[] = { { "PUT", "/o", nothing, 4 } };
    int64_t told = 0;
    struct http_router *t = NULL;
    CHECK_ERR(OK, http_router_create(&t));
    CHECK_ERR(OK, http_router_add(t, watched, 1, NULL, &told));
    CHECK_ERR(OK, http_router_add(t, other, 1, NULL, &told));
    http_router_watch_size(t, watched, 1, note_bytes);
    static const struct {
        const char *path;
        int64_t want;
    } rows[] = { { "/w", 8 }, { "/o", 0 } };
    FOR_ROWS (rows, r) {
        ROW(r->path);
        told = 0;
        struct http_request *q = ask(t, "PUT", r->path, false);
        q->body_max = q->route->body_max;
        CHECK_ERR(OK, http_request_put_body(q, "abc", 3));
        CHECK_ERR(ERR_TOO_LARGE, http_request_put_body(q, "defgh", 5));
        CHECK_INT(r->want, told);
        http_request_destroy(q);
    }
    http_router_destroy(t);
}

TEST_ALLOC(http_router, survives_no_memory) {
    struct http_router *t = NULL;
    TRY(http_router_create(&t));
    enum err e = http_router_add(t, routes, COUNT_OF(routes), NULL, NULL);
    struct http_request *r = e == OK ? ask(t, "GET", "/users/@a%3Ab/c?q=1&r=2", false) : NULL;
    if (e == OK && (r == NULL || r->route == NULL || r->arena.failed)) {
        e = ERR_NOMEM;
    }
    if (e == OK && http_request_query(r, "r") == NULL) {
        e = ERR_NOMEM;
    }
    http_request_destroy(r);
    http_router_destroy(t);
    return e;
}
