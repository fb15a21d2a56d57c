/* A request that waits, on a loop of its own; then its JSON, as rows. */
#include "api/admin_client.h"

#include "api/order.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/secret_file.h"
#include "http/client.h"
#include "matrix/path.h"
#include "store/live_calls.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define CALLS        "/_parley/admin/v1/calls"
#define TOKEN_MAX    1024
#define ANSWER_MAX   (32 * MIB)
#define TIMEOUT_US   (120 * SEC_US) /* a large call is ended member by member */
#define PROBLEM_SIZE 512
#define NUMBER_SIZE  24

struct exchange {
    bool over;
    enum err err;
    int status;
    json_t *json; /* NULL = the answer was none */
    char text[PROBLEM_SIZE];
};

static void free_secretp(char **s) {
    mem_free_secret(*s);
}

static void json_freep(json_t **j) {
    json_decref(*j);
}

/* --- the request --- */

static enum err read_token(const char *path, char **ret) {
    size_t len = 0;
    enum err e = secret_file_read(path, TOKEN_MAX, ret, &len);
    if (e == ERR_NOT_FOUND) {
        return err_set(e,
            "there is no %s: make it with parley admin-token, then systemctl reload parley", path);
    }
    TRY(e);
    (*ret)[strcspn(*ret, "\n")] = '\0';
    return OK;
}

static void answered(void *arg, const struct http_client_answer *a) {
    struct exchange *x = arg;
    x->over = true;
    x->err = a->err;
    x->status = a->status;
    x->json = a->err == OK ? json_loadb(a->body, a->len, 0, NULL) : NULL;
    snprintf(x->text, sizeof(x->text), "%s", a->text == NULL ? "" : a->text);
}

/* Nothing is guarded against, but no proxy of the environment gets to see the token. */
static const struct http_client_guard no_proxies = { .allows = NULL };

static enum err turn(uv_loop_t *loop, const struct http_client_spec *spec, struct exchange *x) {
    struct http_client *http = NULL;
    TRY(http_client_create_guarded(loop, &no_proxies, &http));
    enum err e = http_client_send(http, spec, answered, x, NULL);
    while (e == OK && !x->over && uv_run(loop, UV_RUN_ONCE) != 0) {
    }
    http_client_destroy(http);
    uv_run(loop, UV_RUN_DEFAULT); /* until its handles are closed */
    return e;
}

static const char *text_of(const json_t *o, const char *key) {
    return json_string_value(json_object_get(o, key));
}

/* What Parley refused with, as an error of ours. */
static enum err read_refusal(const struct api_admin_client *c, const struct exchange *x) {
    static const struct {
        int status;
        enum err err;
    } rows[] = {
        { 400, ERR_INVALID },
        { 404, ERR_NOT_FOUND },
        { 409, ERR_CONFLICT },
        { 429, ERR_LIMIT },
        { 503, ERR_DATABASE },
    };
    const char *errcode = text_of(x->json, "errcode");
    const char *said = text_of(x->json, "error");
    if (x->status == 401 || x->status == 403) {
        return err_set(ERR_FORBIDDEN,
            "Parley does not know the token in %s: systemctl reload parley makes it read the file",
            c->token_file);
    }
    if (errcode == NULL || strcmp(errcode, "M_UNRECOGNIZED") == 0) {
        return err_set(ERR_UNREACHABLE,
            "what answers at %s is no Parley of this version (http.private): status %d", c->url,
            x->status);
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].status == x->status) {
            return err_set(rows[i].err, "Parley says: %s", said == NULL ? errcode : said);
        }
    }
    return err_set(ERR_IO, "Parley answered %d %s", x->status, said == NULL ? errcode : said);
}

static enum err check(const struct api_admin_client *c, const struct exchange *x) {
    if (!x->over || x->err != OK) {
        return err_set(x->err == ERR_NOMEM ? ERR_NOMEM : ERR_UNREACHABLE,
            "no Parley answers at %s (http.private), does it run? %s",
            c->unix_socket == NULL ? c->url : c->unix_socket, x->text);
    }
    if (x->status == 200 && json_is_object(x->json)) {
        return OK;
    }
    return read_refusal(c, x);
}

/* Gives *ret the answer's object. */
static enum err ask(const struct api_admin_client *c, const char *method, const char *target,
    const char *body, json_t **ret) {
    CLEANUP(free_secretp) char *token = NULL;
    CLEANUP(buf_finish) struct buf url;
    buf_init(&url, 0);
    TRY(read_token(c->token_file, &token));
    buf_puts(&url, c->url);
    buf_puts(&url, target);
    TRY(buf_check(&url));
    const struct http_client_spec spec = { .method = method,
        .url = buf_str(&url),
        .bearer = token,
        .body = body,
        .unix_socket = c->unix_socket,
        .timeout_us = TIMEOUT_US,
        .answer_max = ANSWER_MAX };
    struct exchange x = { .err = ERR_NOMEM };
    uv_loop_t loop;
    if (uv_loop_init(&loop) != 0) {
        return err_set(ERR_IO, "cannot make an event loop");
    }
    enum err e = turn(&loop, &spec, &x);
    uv_loop_close(&loop);
    CLEANUP(json_freep) json_t *json = x.json;
    TRY(e);
    TRY(check(c, &x));
    *ret = STEAL(json);
    return OK;
}

/* --- look --- */

/* First what is of the call, then what is of the person. */
#define OF_CALL 9
const char *const api_admin_call_columns[API_ADMIN_CALL_COLUMNS] = { "session_id", "kind", "status",
    "type", "room_id", "call_id", "created_at", "caller", "callee", "user_id", "device_id",
    "joined_at", "expires_at", "focus_url" };

static enum err give_call(const json_t *call, api_admin_client_row *row, void *arg) {
    const char *values[API_ADMIN_CALL_COLUMNS] = { NULL };
    const json_t *people = json_object_get(call, "participants");
    size_t n = json_array_size(people);
    for (size_t i = 0; i < OF_CALL; i++) {
        values[i] = text_of(call, api_admin_call_columns[i]);
    }
    for (size_t p = 0; p < n; p++) {
        for (size_t i = OF_CALL; i < API_ADMIN_CALL_COLUMNS; i++) {
            values[i] = text_of(json_array_get(people, p), api_admin_call_columns[i]);
        }
        TRY(row(arg, values));
    }
    return n > 0 ? OK : row(arg, values);
}

enum err api_admin_client_list(const struct api_admin_client *c,
    const struct store_live_filter *filter, api_admin_client_row *row, void *arg, bool *ret_more) {
    CLEANUP(buf_finish) struct buf target;
    CLEANUP(json_freep) json_t *answer = NULL;
    char most[NUMBER_SIZE];
    snprintf(most, sizeof(most), "%zu", filter->most);
    buf_init(&target, 0);
    buf_puts(&target, CALLS);
    mx_path_query(&target, "limit", most);
    mx_path_query(&target, "session_id", filter->session_id);
    mx_path_query(&target, "room_id", filter->room_id);
    mx_path_query(&target, "user_id", filter->user_id);
    mx_path_query(&target, "kind", filter->kind);
    TRY(buf_check(&target));
    TRY(ask(c, "GET", buf_str(&target), NULL, &answer));
    const json_t *calls = json_object_get(answer, "calls");
    for (size_t i = 0; i < json_array_size(calls); i++) {
        TRY(give_call(json_array_get(calls, i), row, arg));
    }
    *ret_more = json_is_true(json_object_get(answer, "more"));
    return OK;
}

/* --- order --- */

/* @by: of those who do not say how it was done */
static enum err give_members(
    const json_t *list, const char *by, api_admin_client_row *row, void *arg) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *m = json_array_get(list, i);
        const char *values[API_ADMIN_OUTCOME_COLUMNS] = { text_of(m, "user_id"),
            text_of(m, "device_id"), by == NULL ? text_of(m, "by") : by, text_of(m, "problem") };
        TRY(row(arg, values));
    }
    return OK;
}

enum err api_admin_client_order(const struct api_admin_client *c, const struct api_order *order,
    api_admin_client_row *row, void *arg, bool *ret_marked) {
    static const char *const acts[] = {
        [API_ORDER_END] = "end", [API_ORDER_KICK] = "kick", [API_ORDER_MUTE] = "mute"
    };
    CLEANUP(buf_finish) struct buf target;
    CLEANUP(buf_finish) struct buf body;
    CLEANUP(json_freep) json_t *answer = NULL;
    buf_init(&target, 0);
    buf_init(&body, 0);
    TRY(mx_path_append(&target, CALLS "/$/", &order->session_id, 1));
    buf_puts(&target, acts[order->act]);
    TRY(buf_check(&target));
    buf_puts(&body, "{");
    buf_json_field(&body, "user_id", order->user_id);
    buf_json_field(&body, "device_id", order->device_id);
    buf_json_field(&body, "track", order->track);
    buf_json_field(&body, "reason", order->reason);
    buf_puts(&body, "}");
    TRY(buf_check(&body));
    TRY(ask(c, "POST", buf_str(&target), buf_str(&body), &answer));
    TRY(give_members(json_object_get(answer, "ended"), NULL, row, arg));
    TRY(give_members(json_object_get(answer, "not_ended"), NULL, row, arg));
    TRY(give_members(json_object_get(answer, "muted"), "muted", row, arg));
    TRY(give_members(json_object_get(answer, "not_muted"), NULL, row, arg));
    *ret_marked = json_is_false(json_object_get(answer, "clients_told"));
    return OK;
}
