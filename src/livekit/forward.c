/* One way for all that is forwarded. Main. */
#include "livekit/forward.h"

#include "core/buf.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "http/client.h"
#include "http/reply.h"
#include "http/request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <utlist.h>

#define TEXT_SIZE 200
#define TYPE      "Content-Type"

METRIC_COUNTER(
    forwarded_total, "parley_node_forwarded_total", "Requests that another node was asked.");
METRIC_COUNTER(failed_total, "parley_node_forwards_failed_total",
    "Requests that another node was asked, and did not answer.");

struct forward {
    struct forward *prev, *next;
    struct lk_forwards *owner;
    struct http_client_call *call;
    char *node;
    lk_forward_done *done;
    void *arg;
};

struct lk_forwards {
    struct http_client *http;
    char *name;
    struct forward *under_way;
    size_t n;
};

bool lk_forward_came(const struct http_request *r) {
    return http_request_header(r, LK_FORWARD_FIELD) != NULL;
}

/* --- answers --- */

static void forward_free(struct forward *f) {
    DL_DELETE(f->owner->under_way, f);
    f->owner->n--;
    mem_free(f->node);
    mem_free(f);
}

static void finish(struct forward *f, const struct http_client_answer *a) {
    struct http_client_answer named = *a;
    char text[TEXT_SIZE];
    lk_forward_done *done = f->done;
    void *arg = f->arg;
    if (a->err != OK) {
        metric_add(&failed_total, 1);
        LOG_WARN(&log_root, "node_not_answering", "node=%s cause=%s text=%s", LOG_Q(f->node),
            err_name(a->err), LOG_Q(a->text));
        snprintf(text, sizeof(text), "the node %s does not answer (%s)", f->node, err_name(a->err));
        named.text = text;
    }
    forward_free(f);
    done(arg, &named);
}

static void on_answer(void *arg, const struct http_client_answer *a) {
    struct forward *f = arg;
    f->call = NULL;
    finish(f, a);
}

/* --- questions --- */

static enum err send_forward(struct forward *f, struct http_request *r,
    const struct lk_forward_to *to, const struct lk_forward_body *body) {
    CLEANUP(buf_finish) struct buf url;
    buf_init(&url, 0);
    const char *query = http_request_query_text(r);
    const size_t n = strlen(to->inner_url);
    const int base = (int)(n > 0 && to->inner_url[n - 1] == '/' ? n - 1 : n);
    buf_printf(&url, "%.*s%s%s%s", base, to->inner_url, http_request_path(r),
        query == NULL ? "" : "?", query == NULL ? "" : query);
    TRY(buf_check(&url));
    const struct http_client_field from = { LK_FORWARD_FIELD, f->owner->name };
    const struct http_client_spec spec = {
        .method = http_request_method(r),
        .url = buf_str(&url),
        .bearer = http_request_bearer(r),
        .body = body == NULL ? NULL : body->bytes,
        .body_len = body == NULL ? 0 : body->len,
        .type_line = body == NULL ? NULL : body->type_line,
        .timeout_us = to->timeout_us > 0 ? to->timeout_us : LK_FORWARD_TIMEOUT_US,
        .answer_max = LK_FORWARD_ANSWER_BYTES,
        .fields = &from,
        .n_fields = 1,
        .wants_head = true,
    };
    TRY(http_client_send(f->owner->http, &spec, on_answer, f, &f->call));
    metric_add(&forwarded_total, 1);
    return OK;
}

enum err lk_forward_ask(struct lk_forwards *fs, struct http_request *r,
    const struct lk_forward_to *to, const struct lk_forward_body *body, lk_forward_done *done,
    void *arg) {
    if (to->inner_url[0] == '\0') {
        return err_set(ERR_UNREACHABLE, "the node %s has no node.url", to->node);
    }
    if (fs->n >= LK_FORWARDS_MAX) {
        return err_set(ERR_LIMIT, "%d requests to other nodes are under way", LK_FORWARDS_MAX);
    }
    struct forward *f = mem_zalloc(sizeof(*f));
    char *node = f == NULL ? NULL : mem_strdup(to->node);
    if (node == NULL) {
        mem_free(f);
        return err_set(ERR_NOMEM, "no memory for a request to another node");
    }
    *f = (struct forward){ .owner = fs, .node = node, .done = done, .arg = arg };
    DL_APPEND(fs->under_way, f);
    fs->n++;
    enum err e = send_forward(f, r, to, body);
    if (e != OK) {
        forward_free(f);
    }
    return e;
}

/* --- whole requests --- */

struct whole {
    struct http_request *r; /* whose arena this is in */
    lk_forward_failed *failed;
};

/* The answer's media type, in the arena of the request. */
static const char *type_of(struct http_request *r, const char *head) {
    const size_t n = strlen(TYPE ":");
    const char *line = head;
    while (line != NULL && strncasecmp(line, TYPE ":", n) != 0) {
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    if (line == NULL) {
        return NULL;
    }
    line += n + strspn(line + n, " \t");
    return arena_printf(http_request_arena(r), "%.*s", (int)strcspn(line, "\r\n"), line);
}

static void on_whole(void *arg, const struct http_client_answer *a) {
    const struct whole w = *(const struct whole *)arg;
    if (a->err != OK) {
        w.failed(w.r, a->text);
        return;
    }
    const char *type = type_of(w.r, a->head);
    http_reply_bytes(w.r, a->status, type == NULL ? "text/plain" : type, a->body, a->len);
}

enum err lk_forward(struct lk_forwards *f, struct http_request *r, const struct lk_forward_to *to,
    lk_forward_failed *failed) {
    struct lk_forward_body body = { .type_line = NULL };
    body.bytes = http_request_body(r, &body.len);
    const char *type = http_request_header(r, TYPE);
    struct whole *w = arena_alloc(http_request_arena(r), sizeof(*w));
    body.type_line = type == NULL ? NULL : arena_printf(http_request_arena(r), TYPE ": %s", type);
    if (w == NULL || (type != NULL && body.type_line == NULL)) {
        return err_set(ERR_NOMEM, "no memory for a request to another node");
    }
    *w = (struct whole){ r, failed };
    const bool has_body = strcmp(http_request_method(r), "POST") == 0;
    return lk_forward_ask(f, r, to, has_body ? &body : NULL, on_whole, w);
}

/* --- life --- */

enum err lk_forwards_create(struct http_client *http, const char *name, struct lk_forwards **ret) {
    struct lk_forwards *f = mem_zalloc(sizeof(*f));
    char *copy = f == NULL ? NULL : mem_strdup(name);
    if (copy == NULL) {
        mem_free(f);
        return err_set(ERR_NOMEM, "no memory for requests to other nodes");
    }
    f->http = http;
    f->name = copy;
    metrics_register(&forwarded_total);
    metrics_register(&failed_total);
    *ret = f;
    return OK;
}

void lk_forwards_end(struct lk_forwards *fs) {
    static const struct http_client_answer gone = { .err = ERR_GONE,
        .text = "we stop",
        .head = "",
        .body = "",
        .cache_control = "",
        .location = "" };
    while (fs->under_way != NULL) {
        struct forward *f = fs->under_way;
        http_client_cancel(f->call);
        finish(f, &gone);
    }
}

void lk_forwards_destroy(struct lk_forwards *f) {
    if (f != NULL) {
        lk_forwards_end(f);
        mem_free(f->name);
        mem_free(f);
    }
}
