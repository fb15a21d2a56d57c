/* What came: target, headers, body, all in one arena but the body. */
#include "http/request.h"

#include "core/clock.h"
#include "http/exchange.h"
#include "http/percent.h"

#include <string.h>
#include <strings.h>

struct http_request *http_request_create(
    const char *method, const char *target, size_t target_len) {
    struct arena a;
    arena_init(&a);
    struct http_request *r = arena_alloc(&a, sizeof(*r));
    char *text = arena_strndup(&a, target, target_len);
    const char *verb = arena_strdup(&a, method);
    if (a.failed) {
        arena_finish(&a);
        return NULL;
    }
    r->arena = a;
    r->method = verb;
    r->path = text;
    r->arrived_us = clock_mono_us();
    r->length = -1;
    char *mark = strchr(text, '?');
    if (mark != NULL) {
        *mark = '\0';
        r->query_text = mark + 1;
    }
    return r;
}

void http_request_destroy(struct http_request *r) {
    if (r != NULL) {
        mem_free(r->body);
        struct arena a = r->arena; /* r itself lives in it */
        arena_finish(&a);
    }
}

bool http_request_expect_fields(struct http_request *r, size_t most) {
    r->fields = arena_array(&r->arena, most, sizeof(*r->fields));
    return r->fields != NULL;
}

void http_request_put_field(struct http_request *r, const char *name, size_t name_len,
    const char *value, size_t value_len) {
    struct http_pair f = { arena_strndup(&r->arena, name, name_len),
        arena_strndup(&r->arena, value, value_len) };
    if (f.name != NULL && f.value != NULL) {
        r->fields[r->n_fields++] = f;
    }
}

const char *http_request_forwarded(struct http_request *r) {
    const char *all = NULL;
    for (size_t i = 0; i < r->n_fields; i++) {
        if (strcasecmp(r->fields[i].name, "X-Forwarded-For") == 0) {
            const char *v = r->fields[i].value;
            all = all == NULL ? v : arena_printf(&r->arena, "%s,%s", all, v);
        }
    }
    return all;
}

void http_request_set_peer(struct http_request *r, const struct http_address *a) {
    http_address_write(a, r->peer);
}

/* One block, of the announced size where there is one: a body of 8 MiB is not copied again and
 * again. */
static enum err body_reserve(struct http_request *r, size_t need) {
    enum { FIRST = 4096 };
    size_t room = r->body_room * 2 > FIRST ? r->body_room * 2 : FIRST;
    if (r->length > 0) {
        room = (size_t)r->length;
    }
    if (room > r->body_max) {
        room = r->body_max;
    }
    if (room < need) {
        room = need;
    }
    char *body = mem_realloc(r->body, room + 1);
    if (body == NULL) {
        return err_set(ERR_NOMEM, "no memory for a body of %zu bytes", room);
    }
    r->body = body;
    r->body_room = room;
    return OK;
}

enum err http_request_too_large(const struct http_request *r, int64_t bytes) {
    if (r->too_large != NULL) {
        r->too_large(r->arg, bytes);
    }
    return err_set(ERR_TOO_LARGE, "The body is over the limit of %zu bytes", r->body_max);
}

enum err http_request_put_body(struct http_request *r, const char *bytes, size_t n) {
    if (n > r->body_max - r->body_len) {
        return http_request_too_large(r, (int64_t)(r->body_len + n));
    }
    if (r->body_room - r->body_len < n || r->body == NULL) {
        TRY(body_reserve(r, r->body_len + n));
    }
    memcpy(r->body + r->body_len, bytes, n);
    r->body_len += n;
    r->body[r->body_len] = '\0';
    return OK;
}

/* --- what handlers ask --- */

const char *http_request_method(const struct http_request *r) {
    return r->method;
}

const char *http_request_path(const struct http_request *r) {
    return r->path;
}

static const char *find(const struct http_pair *pairs, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(pairs[i].name, name) == 0) {
            return pairs[i].value;
        }
    }
    return NULL;
}

const char *http_request_param(const struct http_request *r, const char *name) {
    return find(r->params, r->n_params, name);
}

/* The target's escapes were found sound by the router; a peeked upgrade's may not be: such pairs
 * are skipped. */
static void read_query(struct http_request *r) {
    size_t most = 1;
    for (const char *s = r->query_text; *s != '\0'; s++) {
        most += *s == '&';
    }
    r->query = arena_array(&r->arena, most, sizeof(*r->query));
    for (const char *s = r->query_text; r->query != NULL;) {
        size_t n = strcspn(s, "&");
        const char *equals = memchr(s, '=', n);
        size_t name_len = equals == NULL ? n : (size_t)(equals - s);
        if (n > 0 && http_percent_sound(s, n)) {
            const char *value = equals == NULL ? s + n : equals + 1;
            struct http_pair p = { http_percent_text(&r->arena, s, name_len),
                http_percent_text(&r->arena, value, (size_t)(s + n - value)) };
            if (p.name != NULL && p.value != NULL) {
                r->query[r->n_query++] = p;
            }
        }
        if (s[n] == '\0') {
            return;
        }
        s += n + 1;
    }
}

const char *http_request_query_text(const struct http_request *r) {
    return r->query_text;
}

const char *http_request_query(const struct http_request *r, const char *name) {
    if (r->query == NULL && r->query_text != NULL) {
        read_query(
            (struct http_request *)r); /* reading late is no change that a caller could see */
    }
    return find(r->query, r->n_query, name);
}

const char *http_request_header(const struct http_request *r, const char *name) {
    for (size_t i = 0; i < r->n_fields; i++) {
        if (strcasecmp(r->fields[i].name, name) == 0) {
            return r->fields[i].value;
        }
    }
    return NULL;
}

const char *http_request_bearer(const struct http_request *r) {
    static const char scheme[] = "Bearer ";
    const char *v = http_request_header(r, "Authorization");
    if (v == NULL || strncasecmp(v, scheme, sizeof(scheme) - 1) != 0) {
        return NULL;
    }
    v += sizeof(scheme) - 1;
    return v + strspn(v, " ");
}

const char *http_request_body(const struct http_request *r, size_t *len) {
    *len = r->body_len;
    return r->body == NULL ? "" : r->body;
}

const char *http_request_peer(const struct http_request *r) {
    return r->peer;
}

struct arena *http_request_arena(struct http_request *r) {
    return &r->arena;
}

int64_t http_request_arrived_us(const struct http_request *r) {
    return r->arrived_us;
}

void http_request_on_gone(struct http_request *r, void (*gone)(void *arg), void *arg) {
    r->gone = gone;
    r->gone_arg = arg;
}
