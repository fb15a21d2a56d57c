/* What the homeserver calls: a table, a guard, and answers that say no. */
#include "appservice/routes.h"

#include "appservice/transactions.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/router.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define RETRY_AFTER_S "2"
#define LAMENT_US     (60 * SEC_US) /* between two log lines that say the same */

METRIC_COUNTER(too_large_total, "parley_appservice_oversized_total",
    "Transactions refused because they are over appservice.body_max; they come again for ever.");

struct as_routes {
    struct as_transactions *transactions; /* NULL: not ready */
    char *hs_token;                       /* secret */
    char *hs_token_old;                   /* secret; may be NULL */
    struct http_route *table;
    size_t body_max;
    int64_t lamented_us; /* when we last complained of a transaction too large; 0 = never */
};

/* --- who may --- */

/* Both tokens are compared always, so that the time says nothing. */
static bool matches(const struct as_routes *routes, const char *token) {
    bool now = crypto_equal(token, routes->hs_token);
    bool before = crypto_equal(token, routes->hs_token_old);
    return now || before;
}

/* The header, the old query parameter, or (Conduit family) both, and then both must be right (1.3).
 */
static enum err guard(struct http_request *r, void *arg) {
    const char *header = http_request_bearer(r);
    const char *query = http_request_query(r, "access_token");
    if (header == NULL && query == NULL) {
        return err_set(ERR_UNAUTHORIZED, "Missing token");
    }
    if ((header != NULL && !matches(arg, header)) || (query != NULL && !matches(arg, query))) {
        return err_set(ERR_FORBIDDEN, "Unknown token");
    }
    return OK;
}

/* The homeserver never gives a transaction up, and sends nothing else before it (1.4): until the
 * limit is raised we are deaf. */
static void lament_size(void *arg, int64_t bytes) {
    struct as_routes *routes = arg;
    int64_t now_us = clock_mono_us();
    metric_add(&too_large_total, 1);
    if (routes->lamented_us != 0 && now_us - routes->lamented_us < LAMENT_US) {
        return;
    }
    routes->lamented_us = now_us;
    LOG_ERROR(NULL, "transaction_too_large", "bytes=%" PRId64 " limit=%zu text=%s", bytes,
        routes->body_max,
        LOG_Q("the homeserver sends it again for ever, and nothing behind it: set "
              "appservice.body_max above its size and restart"));
}

/* --- answers --- */

static void take_transaction(struct http_request *r, void *arg) {
    const struct as_routes *routes = arg;
    if (routes->transactions == NULL) {
        http_reply_header(r, "Retry-After", RETRY_AFTER_S);
        http_reply_error(r, 503, "M_DATABASE_UNAVAILABLE", "Not ready yet; try again");
        return;
    }
    as_transactions_take(routes->transactions, r);
}

static void answer_ping(struct http_request *r, void *arg) {
    (void)arg;
    http_reply_json(r, 200, "{}");
}

/* We create no users and no aliases on demand; 200 would promise that they exist. */
static void answer_no_user(struct http_request *r, void *arg) {
    (void)arg;
    http_reply_error(r, 404, "M_NOT_FOUND", "No such user");
}

static void answer_no_room(struct http_request *r, void *arg) {
    (void)arg;
    http_reply_error(r, 404, "M_NOT_FOUND", "No such room");
}

static void answer_no_network(struct http_request *r, void *arg) {
    (void)arg;
    http_reply_error(r, 404, "M_NOT_FOUND", "No third-party networks");
}

#define APP "/_matrix/app/v1"

/* The paths without prefix are Dendrite's by option, and everybody's before 2019. */
static const struct http_route table[] = {
    { "PUT", APP "/transactions/{txnId}", take_transaction, 0 },
    { "PUT", "/transactions/{txnId}", take_transaction, 0 },
    { "POST", APP "/ping", answer_ping, 0 },
    { "GET", APP "/users/{userId...}", answer_no_user, 0 },
    { "GET", "/users/{userId...}", answer_no_user, 0 },
    { "GET", APP "/rooms/{alias...}", answer_no_room, 0 },
    { "GET", "/rooms/{alias...}", answer_no_room, 0 },
    { "GET", APP "/thirdparty/{what...}", answer_no_network, 0 },
};

/* --- life --- */

enum err as_routes_set_tokens(struct as_routes *r, const char *hs_token, const char *hs_token_old) {
    char *now = mem_strdup(hs_token);
    char *before = hs_token_old == NULL ? NULL : mem_strdup(hs_token_old);
    if (now == NULL || (hs_token_old != NULL && before == NULL)) {
        mem_free_secret(now);
        mem_free_secret(before);
        return err_set(ERR_NOMEM, "no memory for the tokens of the homeserver");
    }
    mem_free_secret(r->hs_token);
    mem_free_secret(r->hs_token_old);
    r->hs_token = now;
    r->hs_token_old = before;
    return OK;
}

/* The table, with the size of a transaction that the settings allow. */
static enum err fill(struct as_routes *r, const struct as_routes_config *cfg) {
    TRY(as_routes_set_tokens(r, cfg->hs_token, cfg->hs_token_old));
    r->table = mem_alloc(sizeof(table));
    if (r->table == NULL) {
        return err_set(ERR_NOMEM, "no memory for the routes of the homeserver");
    }
    memcpy(r->table, table, sizeof(table));
    r->body_max = cfg->body_max;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        r->table[i].body_max = table[i].handle == take_transaction ? cfg->body_max : 0;
    }
    return OK;
}

static void as_routes_destroyp(struct as_routes **r) {
    as_routes_destroy(*r);
}

enum err as_routes_create(struct http_router *router, const struct as_routes_config *cfg,
    struct as_transactions *transactions, struct as_routes **ret) {
    CLEANUP(as_routes_destroyp) struct as_routes *r = mem_zalloc(sizeof(*r));
    if (r == NULL) {
        return err_set(ERR_NOMEM, "no memory for the routes of the homeserver");
    }
    TRY(fill(r, cfg));
    r->transactions = transactions;
    TRY(http_router_add(router, r->table, COUNT_OF(table), guard, r));
    http_router_watch_size(router, r->table, COUNT_OF(table), lament_size);
    metrics_register(&too_large_total);
    *ret = STEAL(r);
    return OK;
}

void as_routes_set_transactions(struct as_routes *r, struct as_transactions *transactions) {
    r->transactions = transactions;
}

void as_routes_destroy(struct as_routes *r) {
    if (r != NULL) {
        mem_free_secret(r->hs_token);
        mem_free_secret(r->hs_token_old);
        mem_free(r->table);
        mem_free(r);
    }
}
