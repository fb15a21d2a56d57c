/*
 * Asks a homeserver one thing with matrix/client and prints the answer as a line of JSON.
 *
 *     MATRIX_PROBE_TOKEN=… matrix_probe URL SERVER COMMAND [ARGUMENT…]
 *
 * The token comes from the environment, where other users do not see it.
 */
#include "core/mem.h"
#include "http/client.h"
#include "matrix/client.h"
#include "matrix/membership.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct probe {
    struct mx_client *client;
    struct mx_membership *people;
    char **args;
    bool answered;
};

static void print(struct probe *p, json_t *line) {
    (void)json_dumpf(line, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(line);
    p->answered = true;
}

static void on_answer(void *arg, const struct mx_answer *a) {
    json_t *body = a->json != NULL ? json_deep_copy(a->json) : json_null();
    print(arg,
        json_pack("{s:s, s:s, s:i, s:s, s:b, s:o}", "err", err_name(a->err), "text", a->text,
            "status", a->status, "errcode", a->errcode, "dated", a->date_ms > 0, "json", body));
}

static void on_people(void *arg, const struct mx_room_people *people, size_t n) {
    json_t *rooms = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *joined = json_array();
        for (size_t k = 0; k < people[i].n_joined; k++) {
            json_array_append_new(joined, json_string(people[i].joined[k]));
        }
        json_array_append_new(
            rooms, json_pack("{s:s, s:b, s:b, s:o}", "room", people[i].room_id, "known",
                       people[i].known, "joinable", people[i].joinable, "joined", joined));
    }
    print(arg, rooms);
}

static enum err ask_versions(struct probe *p) {
    return mx_client_versions(p->client, on_answer, p);
}
static enum err ask_whoami(struct probe *p) {
    return mx_client_whoami(p->client, on_answer, p);
}
static enum err ask_ping(struct probe *p) {
    return mx_client_ping(p->client, p->args[0], on_answer, p);
}
static enum err ask_register(struct probe *p) {
    return mx_client_register_sender(p->client, p->args[0], on_answer, p);
}
static enum err ask_members(struct probe *p) {
    return mx_client_joined_members(p->client, p->args[0], on_answer, p);
}
static enum err ask_state(struct probe *p) {
    return mx_client_room_state(p->client, p->args[0], NULL, on_answer, p);
}
static enum err ask_state_as(struct probe *p) {
    return mx_client_room_state(p->client, p->args[0], p->args[1], on_answer, p);
}
static enum err ask_event(struct probe *p) {
    return mx_client_room_state_event(
        p->client, p->args[0], p->args[1], p->args[2], p->args[3], on_answer, p);
}
static enum err ask_delayed(struct probe *p) {
    return mx_client_delayed_event_get(p->client, p->args[0], p->args[1], on_answer, p);
}
static enum err ask_delayed_restart(struct probe *p) {
    return mx_client_delayed_event(
        p->client, p->args[0], p->args[1], MX_DELAYED_RESTART, on_answer, p);
}
static enum err ask_delayed_send(struct probe *p) {
    return mx_client_delayed_event(
        p->client, p->args[0], p->args[1], MX_DELAYED_SEND, on_answer, p);
}
static enum err put_state(struct probe *p) {
    const struct mx_state s = { p->args[1], p->args[2], p->args[3], p->args[4] };
    return mx_client_put_state(p->client, &s, p->args[0], on_answer, p);
}
static enum err send_sticky(struct probe *p) {
    const struct mx_message m = { p->args[1], p->args[2], p->args[4], p->args[3], 60000 };
    return mx_client_send(p->client, &m, p->args[0], on_answer, p);
}
static enum err ask_people(struct probe *p) {
    const char *room = p->args[0];
    return mx_membership_ask(p->people, &room, 1, on_people, p);
}

static const struct {
    const char *name;
    int n_args;
    enum err (*ask)(struct probe *p);
} commands[] = {
    { "versions", 0, ask_versions },
    { "whoami", 0, ask_whoami },
    { "ping", 1, ask_ping },
    { "register", 1, ask_register },
    { "members", 1, ask_members },
    { "state", 1, ask_state },
    { "state-as", 2, ask_state_as },
    { "event", 4, ask_event },
    { "delayed", 2, ask_delayed },
    { "delayed-restart", 2, ask_delayed_restart },
    { "delayed-send", 2, ask_delayed_send },
    { "put-state", 5, put_state },
    { "send-sticky", 5, send_sticky },
    { "people", 1, ask_people },
};

static int usage(void) {
    fputs("usage: MATRIX_PROBE_TOKEN=… matrix_probe URL SERVER COMMAND [ARGUMENT…]\n", stderr);
    return 2;
}

static enum err run(uv_loop_t *loop, const char *url, const char *server,
    enum err (*ask)(struct probe *p), char **args) {
    struct http_client *http = NULL;
    struct probe p = { .args = args };
    const struct mx_client_config cfg = {
        .url = url, .as_token = getenv("MATRIX_PROBE_TOKEN"), .timeout_us = 20000000
    };
    TRY(http_client_create(loop, &http));
    enum err e = mx_client_create(loop, http, &cfg, &p.client);
    e = e == OK ? mx_membership_create(loop, p.client, server, true, &p.people) : e;
    e = e == OK ? ask(&p) : e;
    while (e == OK && !p.answered) {
        uv_run(loop, UV_RUN_ONCE);
    }
    mx_membership_destroy(p.people);
    mx_client_destroy(p.client);
    http_client_destroy(http);
    uv_run(loop, UV_RUN_DEFAULT);
    return e;
}

int main(int argc, char **argv) {
    if (argc < 4 || getenv("MATRIX_PROBE_TOKEN") == NULL) {
        return usage();
    }
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (strcmp(commands[i].name, argv[3]) != 0 || commands[i].n_args != argc - 4) {
            continue;
        }
        uv_loop_t loop;
        uv_loop_init(&loop);
        enum err e = run(&loop, argv[1], argv[2], commands[i].ask, argv + 4);
        if (e != OK) {
            fprintf(stderr, "%s: %s\n", err_name(e), err_text());
        }
        bool leaked = uv_loop_close(&loop) != 0 || mem_live() != 0;
        if (leaked) {
            fprintf(stderr, "%llu blocks of memory were left\n", (unsigned long long)mem_live());
        }
        return e != OK || leaked ? 1 : 0;
    }
    return usage();
}
