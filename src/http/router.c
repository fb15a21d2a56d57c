/* Finds the route of a raw path. A literal part beats a {name}, a {name} beats a {rest...}. */
#include "http/router.h"

#include "core/buf.h"
#include "core/mem.h"
#include "http/exchange.h"
#include "http/percent.h"
#include "http/reply.h"

#include <assert.h>
#include <string.h>

#define PARTS_MAX  16   /* of one route */
#define ROUTES_MAX 1024 /* of one router */

enum part_kind { PART_LITERAL = 'a', PART_ONE = 'b', PART_REST = 'c' }; /* in order of precedence */

struct part {
    char kind;
    const char *text; /* the literal, or the name; points into the route */
    size_t len;
};

struct entry {
    const struct http_route *route;
    http_guard *guard;
    http_too_large *too_large;
    void *arg;
    struct part parts[PARTS_MAX];
    size_t n_parts;
    char rank[PARTS_MAX + 1]; /* the kinds in order: the lesser one wins */
};

struct http_router {
    struct entry *entries;
    size_t n, room;
};

enum err http_router_create(struct http_router **ret) {
    struct http_router *t = mem_zalloc(sizeof(*t));
    if (t == NULL) {
        return err_set(ERR_NOMEM, "no memory for a router");
    }
    *ret = t;
    return OK;
}

void http_router_destroy(struct http_router *t) {
    if (t != NULL) {
        mem_free(t->entries);
        mem_free(t);
    }
}

/* --- adding --- */

static enum err read_part(const char *path, const char *s, size_t n, struct part *ret) {
    *ret = (struct part){ PART_LITERAL, s, n };
    if (n == 0 || s[0] != '{') {
        return OK;
    }
    if (n < 3 || s[n - 1] != '}') {
        return err_set(ERR_INVALID, "route %s: a name must fill its part: {name}", path);
    }
    *ret = (struct part){ PART_ONE, s + 1, n - 2 };
    if (ret->len > 3 && memcmp(ret->text + ret->len - 3, "...", 3) == 0) {
        ret->kind = PART_REST;
        ret->len -= 3;
    }
    return OK;
}

static enum err read_parts(const struct http_route *route, struct entry *e) {
    const char *s = route->path;
    size_t names = 0;
    if (*s != '/') {
        return err_set(ERR_INVALID, "route %s: a path begins with a slash", route->path);
    }
    while (*s == '/') {
        s++;
        size_t n = strcspn(s, "/");
        if (e->n_parts == PARTS_MAX) {
            return err_set(ERR_INVALID, "route %s: more than %d parts", route->path, PARTS_MAX);
        }
        struct part *p = &e->parts[e->n_parts];
        TRY(read_part(route->path, s, n, p));
        names += p->kind != PART_LITERAL;
        e->rank[e->n_parts++] = p->kind;
        s += n;
        if (p->kind == PART_REST && *s != '\0') {
            return err_set(ERR_INVALID, "route %s: {name...} must be the last part", route->path);
        }
    }
    if (names > HTTP_PARAMS_MAX) {
        return err_set(ERR_INVALID, "route %s: more than %d names", route->path, HTTP_PARAMS_MAX);
    }
    return OK;
}

static bool same_shape(const struct entry *a, const struct entry *b) {
    if (strcmp(a->route->method, b->route->method) != 0 || strcmp(a->rank, b->rank) != 0) {
        return false;
    }
    for (size_t i = 0; i < a->n_parts; i++) {
        const struct part *p = &a->parts[i];
        const struct part *q = &b->parts[i];
        if (p->kind == PART_LITERAL &&
            (p->len != q->len || memcmp(p->text, q->text, p->len) != 0)) {
            return false;
        }
    }
    return true;
}

static enum err reserve(struct http_router *t, size_t n) {
    if (n > ROUTES_MAX - t->n) {
        return err_set(ERR_LIMIT, "more than %d routes", ROUTES_MAX);
    }
    if (t->room - t->n >= n) {
        return OK;
    }
    struct entry *entries = mem_realloc(t->entries, (t->n + n) * sizeof(*entries));
    if (entries == NULL) {
        return err_set(ERR_NOMEM, "no memory for %zu routes", t->n + n);
    }
    t->entries = entries;
    t->room = t->n + n;
    return OK;
}

enum err http_router_add(struct http_router *t, const struct http_route *routes, size_t n,
    http_guard *guard, void *arg) {
    TRY(reserve(t, n));
    size_t had = t->n;
    for (size_t i = 0; i < n; i++) {
        struct entry *e = &t->entries[t->n];
        *e = (struct entry){ .route = &routes[i], .guard = guard, .arg = arg };
        enum err err = read_parts(&routes[i], e);
        for (size_t k = 0; k < t->n && err == OK; k++) {
            if (same_shape(&t->entries[k], e)) {
                err = err_set(
                    ERR_INVALID, "two routes are equal: %s %s", routes[i].method, routes[i].path);
            }
        }
        if (err != OK) {
            t->n = had; /* a table counts as a whole or not at all */
            return err;
        }
        t->n++;
    }
    return OK;
}

static struct entry *entry_of(const struct http_router *t, const struct http_route *route) {
    for (size_t i = 0; i < t->n; i++) {
        if (t->entries[i].route == route) {
            return &t->entries[i];
        }
    }
    return NULL;
}

void http_router_watch_size(
    struct http_router *t, const struct http_route *routes, size_t n, http_too_large *told) {
    for (size_t i = 0; i < n; i++) {
        struct entry *e = entry_of(t, &routes[i]);
        assert(e != NULL); /* the table was added */
        e->too_large = told;
    }
}

void http_router_each(const struct http_router *t, http_router_visitor *each, void *arg) {
    for (size_t i = 0; i < t->n; i++) {
        each(arg, t->entries[i].route);
    }
}

/* --- finding --- */

/* Fills `ret` (room for HTTP_PARAMS_MAX) with the names' raw values when the path fits. */
static bool fits(const struct entry *e, const char *path, struct part *ret) {
    const char *s = path;
    for (size_t i = 0; i < e->n_parts; i++) {
        const struct part *p = &e->parts[i];
        if (*s++ != '/') {
            return false;
        }
        size_t n = p->kind == PART_REST ? strlen(s) : strcspn(s, "/");
        bool same = n == p->len && memcmp(s, p->text, n) == 0;
        if (p->kind == PART_LITERAL ? !same : n == 0) {
            return false;
        }
        if (p->kind != PART_LITERAL) {
            *ret++ = (struct part){ p->kind, s, n };
        }
        s += n;
    }
    return *s == '\0';
}

static bool serves(const struct http_route *route, const char *method) {
    return strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

static const struct entry *best(const struct http_router *t, const char *method, const char *path) {
    const struct entry *found = NULL;
    struct part values[HTTP_PARAMS_MAX];
    for (size_t i = 0; i < t->n; i++) {
        const struct entry *e = &t->entries[i];
        if (serves(e->route, method) && fits(e, path, values) &&
            (found == NULL || strcmp(e->rank, found->rank) < 0)) {
            found = e;
        }
    }
    return found;
}

static bool take(struct http_request *r, const struct entry *e) {
    struct part values[HTTP_PARAMS_MAX];
    if (!fits(e, r->path, values)) {
        return false;
    }
    for (size_t i = 0, k = 0; i < e->n_parts; i++) {
        const struct part *p = &e->parts[i];
        if (p->kind == PART_LITERAL) {
            continue;
        }
        r->params[r->n_params++] = (struct http_pair){ arena_strndup(&r->arena, p->text, p->len),
            http_percent_text(&r->arena, values[k].text, values[k].len) };
        k++;
    }
    r->route = e->route;
    r->guard = e->guard;
    r->too_large = e->too_large;
    r->arg = e->arg;
    return !r->arena.failed;
}

/* "GET, PUT": the methods that the path does have; false when it has none. */
static bool list_methods(const struct http_router *t, const char *path, struct buf *b) {
    struct part values[HTTP_PARAMS_MAX];
    for (size_t i = 0; i < t->n; i++) {
        const char *method = t->entries[i].route->method;
        if (fits(&t->entries[i], path, values) && strstr(buf_str(b), method) == NULL) {
            buf_printf(b, "%s%s", b->len == 0 ? "" : ", ", method);
        }
    }
    return b->len > 0;
}

static void reply_without_route(const struct http_router *t, struct http_request *r) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    bool known = list_methods(t, r->path, &b);
    if (b.bad) {
        http_reply_err(r, buf_check(&b));
    } else if (known) {
        http_reply_header(r, "Allow", buf_str(&b));
        http_reply_error(r, 405, http_reply_errcode(405), "This path does not have that method");
    } else {
        http_reply_error(r, 404, http_reply_errcode(404), "Unrecognized request");
    }
}

bool http_router_find(const struct http_router *t, struct http_request *r) {
    const char *query = r->query_text == NULL ? "" : r->query_text;
    if (!http_percent_sound(r->path, strlen(r->path)) ||
        !http_percent_sound(query, strlen(query))) {
        http_reply_error(
            r, 400, "M_INVALID_PARAM", "The request target has a broken percent-encoding");
        return false;
    }
    const struct entry *e = best(t, r->method, r->path);
    if (e == NULL && r->cors && strcmp(r->method, "OPTIONS") == 0) {
        http_reply_header(r, "Access-Control-Max-Age", "86400");
        http_reply_bytes(r, 204, NULL, "", 0);
        return false;
    }
    if (e == NULL) {
        reply_without_route(t, r);
        return false;
    }
    if (!take(r, e)) {
        http_reply_err(r, err_set(ERR_NOMEM, "no memory for the parameters of %s", e->route->path));
        return false;
    }
    return true;
}
