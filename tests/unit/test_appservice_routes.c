/* Which paths, who may, and the answers that need nobody else. */
#include "appservice/routes.h"

#include "appservice/transactions.h"
#include "appservice_http.h"
#include "core/buf.h"
#include "core/metrics.h"
#include "http/router.h"

static const struct http_route *table;
static size_t n_routes;
static http_guard *guard;
static void *guard_arg;
static enum err add_result;
static int transactions_taken;
static http_too_large *too_large;

enum err http_router_add(struct http_router *t, const struct http_route *routes, size_t n,
    http_guard *given, void *arg) {
    (void)t;
    table = routes;
    n_routes = n;
    guard = given;
    guard_arg = arg;
    return add_result;
}

void http_router_watch_size(
    struct http_router *t, const struct http_route *routes, size_t n, http_too_large *told) {
    (void)t;
    CHECK(routes == table && n == n_routes);
    too_large = told;
}

void as_transactions_take(struct as_transactions *t, struct http_request *r) {
    CHECK_STR("transactions", (const char *)t);
    transactions_taken++;
    http_reply_json(r, 200, "{}");
}

static const struct as_routes_config cfg = {
    .hs_token = "new", .hs_token_old = "old", .body_max = 77
};

TEST(appservice_routes, lets_in_who_has_the_token) {
    static const struct {
        const char *name;
        const char *bearer;
        const char *access_token;
        enum err want;
    } rows[] = {
        { "header", "new", NULL, OK },
        { "header, old token", "old", NULL, OK },
        { "query", NULL, "new", OK },
        { "query, old token", NULL, "old", OK },
        { "both", "new", "new", OK },
        { "both while rotating", "new", "old", OK },
        { "none", NULL, NULL, ERR_UNAUTHORIZED },
        { "wrong header", "nex", NULL, ERR_FORBIDDEN },
        { "wrong query", NULL, "nex", ERR_FORBIDDEN },
        { "header right, query wrong", "new", "x", ERR_FORBIDDEN },
        { "header right, query empty", "new", "", ERR_FORBIDDEN },
        { "header wrong, query right", "x", "new", ERR_FORBIDDEN },
        { "longer", "newer", NULL, ERR_FORBIDDEN },
        { "shorter", "ne", NULL, ERR_FORBIDDEN },
        { "empty", "", NULL, ERR_FORBIDDEN },
    };
    struct as_routes *routes = NULL;
    CHECK_ERR(OK, as_routes_create(NULL, &cfg, NULL, &routes));
    FOR_ROWS (rows, r) {
        struct http_request request = { .bearer = r->bearer, .access_token = r->access_token };
        ROW(r->name);
        CHECK_ERR(r->want, guard(&request, guard_arg));
    }
    as_routes_destroy(routes);
}

TEST(appservice_routes, knows_one_token_when_there_is_no_old_one) {
    struct as_routes_config one = cfg;
    struct as_routes *routes = NULL;
    one.hs_token_old = NULL;
    CHECK_ERR(OK, as_routes_create(NULL, &one, NULL, &routes));
    CHECK_ERR(OK, guard(&(struct http_request){ .bearer = "new" }, guard_arg));
    CHECK_ERR(ERR_FORBIDDEN, guard(&(struct http_request){ .bearer = "old" }, guard_arg));
    CHECK_ERR(ERR_FORBIDDEN, guard(&(struct http_request){ .bearer = "" }, guard_arg));
    as_routes_destroy(routes);
}

TEST(appservice_routes, answers_every_path) {
    static const struct {
        const char *method;
        const char *path;
        size_t body_max;
        int status;
        const char *answer;
    } rows[] = {
        { "PUT", "/_matrix/app/v1/transactions/{txnId}", 77, 503, "M_DATABASE_UNAVAILABLE" },
        { "PUT", "/transactions/{txnId}", 77, 503, "M_DATABASE_UNAVAILABLE" },
        { "POST", "/_matrix/app/v1/ping", 0, 200, "{}" },
        { "GET", "/_matrix/app/v1/users/{userId...}", 0, 404, "M_NOT_FOUND" },
        { "GET", "/users/{userId...}", 0, 404, "M_NOT_FOUND" },
        { "GET", "/_matrix/app/v1/rooms/{alias...}", 0, 404, "M_NOT_FOUND" },
        { "GET", "/rooms/{alias...}", 0, 404, "M_NOT_FOUND" },
        { "GET", "/_matrix/app/v1/thirdparty/{what...}", 0, 404, "M_NOT_FOUND" },
    };
    struct as_routes *routes = NULL;
    CHECK_ERR(OK, as_routes_create(NULL, &cfg, NULL, &routes));
    CHECK_INT(COUNT_OF(rows), n_routes);
    FOR_ROWS (rows, r) {
        const struct http_route *route = &table[r - rows];
        struct http_request request = { 0 };
        ROW(r->path);
        CHECK_STR(r->method, route->method);
        CHECK_STR(r->path, route->path);
        CHECK_INT(r->body_max, route->body_max);
        route->handle(&request, guard_arg);
        CHECK_INT(1, request.answers);
        CHECK_INT(r->status, request.status);
        CHECK_STR(r->answer, request.answer);
        CHECK_STR(r->status == 503 ? "2" : "", request.retry_after);
    }
    as_routes_destroy(routes);
}

TEST(appservice_routes, hands_transactions_on_once_it_is_ready) {
    struct as_routes *routes = NULL;
    struct http_request request = { 0 };
    CHECK_ERR(OK, as_routes_create(NULL, &cfg, NULL, &routes));
    as_routes_set_transactions(routes, (struct as_transactions *)(uintptr_t) "transactions");
    table[0].handle(&request, guard_arg);
    CHECK_INT(1, transactions_taken);
    CHECK_INT(200, request.status);
    as_routes_set_transactions(routes, NULL);
    table[0].handle(&request, guard_arg);
    CHECK_INT(1, transactions_taken);
    CHECK_INT(503, request.status);
    as_routes_destroy(routes);
}

TEST(appservice_routes, counts_transactions_that_are_too_large) {
    CLEANUP(buf_finish) struct buf b;
    struct as_routes *routes = NULL;
    buf_init(&b, 0);
    CHECK_ERR(OK, as_routes_create(NULL, &cfg, NULL, &routes));
    too_large(guard_arg, 78);
    too_large(guard_arg, 79);
    metrics_print(&b);
    CHECK(strstr(buf_str(&b), "\nparley_appservice_oversized_total 2\n") != NULL);
    as_routes_destroy(routes);
}

TEST(appservice_routes, passes_on_why_the_router_refuses) {
    struct as_routes *routes = NULL;
    add_result = ERR_INVALID;
    CHECK_ERR(ERR_INVALID, as_routes_create(NULL, &cfg, NULL, &routes));
    CHECK(routes == NULL);
    add_result = OK;
}

TEST(appservice_routes, takes_other_tokens) {
    struct as_routes *routes = NULL;
    struct http_request request = { .bearer = "newest" };
    CHECK_ERR(OK, as_routes_create(NULL, &cfg, NULL, &routes));
    CHECK_ERR(ERR_FORBIDDEN, guard(&request, guard_arg));
    CHECK_ERR(OK, as_routes_set_tokens(routes, "newest", "new"));
    CHECK_ERR(OK, guard(&request, guard_arg));
    request.bearer = "new";
    CHECK_ERR(OK, guard(&request, guard_arg));
    request.bearer = "old";
    CHECK_ERR(ERR_FORBIDDEN, guard(&request, guard_arg));
    CHECK_ERR(OK, as_routes_set_tokens(routes, "newest", NULL));
    request.bearer = "new";
    CHECK_ERR(ERR_FORBIDDEN, guard(&request, guard_arg));
    as_routes_destroy(routes);
}

static enum err create_and_change(struct as_routes **routes) {
    TRY(as_routes_create(NULL, &cfg, NULL, routes));
    return as_routes_set_tokens(*routes, "newest", "new");
}

TEST_ALLOC(appservice_routes, survives_no_memory) {
    struct as_routes *routes = NULL;
    enum err e = create_and_change(&routes);
    as_routes_destroy(routes);
    return e;
}
