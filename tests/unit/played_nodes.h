/*
 * The other nodes, played: where a room is, and what they answer, the test says. Included once by a
 * test program, in place of livekit/nodes and http/client.
 */
#ifndef TESTS_UNIT_PLAYED_NODES_H
#define TESTS_UNIT_PLAYED_NODES_H

#include "http/client.h"
#include "livekit/forward.h"
#include "livekit/nodes.h"

#include <stdio.h>
#include <string.h>

#define NODES        ((struct lk_nodes *)&nodes)
#define NODES_OTHERS 2
#define NODES_ASKS   4

static struct {
    enum lk_node_entry entry;
    size_t others; /* at most NODES_OTHERS */
    struct lk_forwards *forwards;
    lk_nodes_placed *placed; /* NULL: nobody has asked, or who did wants it no more */
    void *arg;
    char how; /* 'p'lace, 'f'ind, 'e'nter */
    char alias[16];
    enum err fails; /* at once */
} nodes;

/* Where a room may be; `hidden` is on a node that cannot be asked. */
static const struct lk_place here = { .node = "one", .url = "wss://one", .inner_url = "" },
                             there = { .node = "two",
                                 .url = "wss://two",
                                 .inner_url = "http://two:8090",
                                 .elsewhere = (struct lk_rooms *)&nodes },
                             hidden = { .node = "two", .url = "wss://two", .inner_url = "" };

/* What another node was asked. */
static struct {
    char said[256];         /* "POST http://… bearer=yes from=one type=… body" */
    http_client_done *done; /* NULL: nothing, or it was answered */
    void *arg;
} asks[NODES_ASKS];

static inline enum err nodes_open(void) {
    memset(&nodes, 0, sizeof(nodes));
    memset(asks, 0, sizeof(asks));
    return lk_forwards_create(NULL, "one", &nodes.forwards);
}

static inline void nodes_close(void) {
    lk_forwards_destroy(nodes.forwards);
}

static inline enum err nodes_ask(char how, const char *alias, lk_nodes_placed *placed, void *arg) {
    if (nodes.fails != OK) {
        return err_set(nodes.fails, "no");
    }
    nodes.placed = placed;
    nodes.arg = arg;
    nodes.how = how;
    snprintf(nodes.alias, sizeof(nodes.alias), "%s", alias);
    return OK;
}

enum err lk_nodes_find(struct lk_nodes *n, const char *alias, lk_nodes_placed *placed, void *arg) {
    CHECK(n == NODES);
    return nodes_ask('f', alias, placed, arg);
}

enum err lk_nodes_place(struct lk_nodes *n, const char *alias, lk_nodes_placed *placed, void *arg) {
    CHECK(n == NODES);
    return nodes_ask('p', alias, placed, arg);
}

enum err lk_nodes_enter(struct lk_nodes *n, const char *alias, lk_nodes_placed *placed, void *arg) {
    CHECK(n == NODES);
    return nodes_ask('e', alias, placed, arg);
}

void lk_nodes_forget(struct lk_nodes *n, const void *arg) {
    CHECK(n == NODES && arg == nodes.arg);
    nodes.placed = NULL;
}

enum lk_node_entry lk_nodes_admit(const struct lk_nodes *n, const char *alias) {
    CHECK(n == NODES);
    snprintf(nodes.alias, sizeof(nodes.alias), "%s", alias);
    return nodes.entry;
}

const char *lk_nodes_name(const struct lk_nodes *n) {
    CHECK(n == NODES);
    return "one";
}

struct lk_forwards *lk_nodes_forwards(struct lk_nodes *n) {
    CHECK(n == NODES);
    return nodes.forwards;
}

size_t lk_nodes_others(const struct lk_nodes *n) {
    CHECK(n == NODES);
    return nodes.others;
}

void lk_nodes_each_other(const struct lk_nodes *n,
    void (*each)(void *arg, const char *name, const char *inner_url), void *arg) {
    static const char *const others[NODES_OTHERS][2] = { { "two", "http://two:8090" },
        { "three", "http://three:8090/" } };
    CHECK(n == NODES);
    for (size_t i = 0; i < nodes.others; i++) {
        each(arg, others[i][0], others[i][1]);
    }
}

static inline void nodes_say(enum err e, const struct lk_place *place) {
    lk_nodes_placed *placed = STEAL(nodes.placed);
    placed(nodes.arg, e, place);
}

/* --- their answers --- */

enum err http_client_send(struct http_client *c, const struct http_client_spec *spec,
    http_client_done *done, void *arg, struct http_client_call **ret_call) {
    size_t i = 0;
    CHECK(c == NULL);
    while (asks[i].done != NULL) {
        i++;
        CHECK(i < NODES_ASKS);
    }
    asks[i].done = done;
    asks[i].arg = arg;
    *ret_call = (struct http_client_call *)&asks[i];
    snprintf(asks[i].said, sizeof(asks[i].said), "%s %s bearer=%s %s=%s %s %.*s", spec->method,
        spec->url, spec->bearer == NULL ? "no" : "yes", spec->fields[0].name, spec->fields[0].value,
        spec->type_line == NULL ? "none" : spec->type_line,
        (int)(spec->body == NULL ? 0 : spec->body_len), spec->body == NULL ? "" : spec->body);
    return OK;
}

void http_client_cancel(struct http_client_call *call) {
    for (size_t i = 0; i < NODES_ASKS; i++) {
        if (call == (struct http_client_call *)&asks[i]) {
            asks[i].done = NULL;
        }
    }
}

/* `head` NULL: no answer comes. */
static inline void node_answers(
    size_t i, int status, const char *head, const char *body, size_t len) {
    const struct http_client_answer a = { .err = head == NULL ? ERR_TIMEOUT : OK,
        .text = "secret",
        .status = status,
        .head = head == NULL ? "" : head,
        .body = body,
        .len = len };
    http_client_done *done = STEAL(asks[i].done);
    done(asks[i].arg, &a);
}

#endif
