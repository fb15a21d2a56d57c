/*
 * An HTTP client that is only a note of what was asked, and answers when the test says. Included
 * once by a test program, in place of http/client.
 */
#ifndef TESTS_UNIT_FAKE_HTTP_H
#define TESTS_UNIT_FAKE_HTTP_H

#include "http/client.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

struct http_client {
    size_t sent;
    char asked[4096];  /* the latest: "GET url [bearer] [body]" */
    char fields[2048]; /* … and its headers, a line each: "Name: value" */
    struct http_client_call *call;
};
struct http_client_call {
    struct http_client *http;
    http_client_done *done;
    void *arg;
};

enum err http_client_send(struct http_client *c, const struct http_client_spec *spec,
    http_client_done *done, void *arg, struct http_client_call **ret_call) {
    struct http_client_call *call = mem_zalloc(sizeof *call);
    if (call == NULL) {
        return err_set(ERR_NOMEM, "no memory");
    }
    *call = (struct http_client_call){ c, done, arg };
    c->sent++;
    c->call = call;
    snprintf(c->asked, sizeof c->asked, "%s %s%s%s%s%s", spec->method, spec->url,
        spec->bearer != NULL ? " " : "", spec->bearer != NULL ? spec->bearer : "",
        spec->body != NULL ? " " : "", spec->body != NULL ? spec->body : "");
    snprintf(c->fields, sizeof c->fields, "%s\n", spec->type_line != NULL ? spec->type_line : "");
    for (size_t i = 0; i < spec->n_fields; i++) {
        size_t len = strlen(c->fields);
        snprintf(c->fields + len, sizeof c->fields - len, "%s: %s\n", spec->fields[i].name,
            spec->fields[i].value);
    }
    *ret_call = call;
    return OK;
}

void http_client_cancel(struct http_client_call *call) {
    call->http->call = NULL;
    mem_free(call);
}

static inline void answer(struct http_client *c, const struct http_client_answer *a) {
    struct http_client_call *call = STEAL(c->call);
    CHECK(call != NULL);
    if (call != NULL) {
        call->done(call->arg, a);
        mem_free(call);
    }
}

static inline void answer_text(struct http_client *c, int status, const char *body) {
    answer(c, &(struct http_client_answer){
                  .status = status, .body = body, .len = strlen(body), .text = "" });
}

#endif
