/* The client of the admin API, against answers that are a table. */
#include "api/admin_client.h"

#include "api/order.h"
#include "core/buf.h"
#include "core/secret_file.h"
#include "http/client.h"
#include "store/live_calls.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKEN "0123456789abcdef0123456789abcdef"
#define ID    "018f0000-0000-7000-8000-00000000000a"

static struct http_client_answer next;
static char sent[2000]; /* "METHOD url body bearer socket" */

static int some_client;
enum err http_client_create_guarded(
    uv_loop_t *loop, const struct http_client_guard *guard, struct http_client **ret) {
    (void)loop;
    CHECK(guard->allows == NULL);
    *ret = (struct http_client *)&some_client;
    return OK;
}
void http_client_destroy(struct http_client *c) {
    CHECK(c == (struct http_client *)&some_client);
}
enum err http_client_send(struct http_client *c, const struct http_client_spec *spec,
    http_client_done *done, void *arg, struct http_client_call **ret_call) {
    (void)c, (void)ret_call;
    snprintf(sent, sizeof(sent), "%s %s %s %s %s", spec->method, spec->url,
        spec->body == NULL ? "-" : spec->body, spec->bearer,
        spec->unix_socket == NULL ? "-" : spec->unix_socket);
    next.len = next.body == NULL ? 0 : strlen(next.body);
    done(arg, &next);
    return OK;
}

static char path[64];
static void unlinkp(const int *unused) {
    (void)unused;
    unlink(path);
}

static enum err write_token(void) {
    snprintf(path, sizeof(path), "/tmp/parley-admin-client-%d", (int)getpid());
    unlink(path);
    return secret_file_write(path, TOKEN "\n", sizeof(TOKEN));
}

static struct api_admin_client door(void) {
    return (struct api_admin_client){ .url = "http://127.0.0.1:1", .token_file = path };
}

/* Rows as lines, values with | between them. */
static enum err note(struct buf *b, const char *const *values, size_t n) {
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, "%s%s", i == 0 ? "" : "|", values[i] == NULL ? "" : values[i]);
    }
    buf_puts(b, "\n");
    return buf_check(b);
}
static enum err note_call(void *arg, const char *const *values) {
    return note(arg, values, API_ADMIN_CALL_COLUMNS);
}
static enum err note_outcome(void *arg, const char *const *values) {
    return note(arg, values, API_ADMIN_OUTCOME_COLUMNS);
}

TEST(api_admin_client, lists) {
    static const char answer[] =
        "{\"calls\":[{\"session_id\":\"s\",\"kind\":\"rtc\",\"status\":\"active\",\"type\":"
        "\"video\","
        "\"room_id\":\"!r\",\"call_id\":\"c\",\"created_at\":\"t\",\"participants\":["
        "{\"user_id\":\"@a:x\",\"device_id\":\"A\",\"joined_at\":\"j\"},{\"user_id\":\"@b:x\","
        "\"type\":1}]},{\"session_id\":\"e\"},7],\"more\":true}";
    CLEANUP(unlinkp) int unlink_later = 0;
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    (void)unlink_later;
    CHECK_ERR(OK, write_token());
    struct api_admin_client c = door();
    c.unix_socket = "/run/x.sock";
    bool more = false;
    next = (struct http_client_answer){ .status = 200, .body = answer };
    CHECK_ERR(
        OK, api_admin_client_list(&c,
                &(struct store_live_filter){ .room_id = "!r:x", .user_id = "@a:x", .most = 7 },
                note_call, &b, &more));
    CHECK(more);
    CHECK_STR("GET http://127.0.0.1:1/_parley/admin/v1/calls?limit=7&room_id=%21r%3Ax"
              "&user_id=%40a%3Ax - " TOKEN " /run/x.sock",
        sent);
    CHECK_STR("s|rtc|active|video|!r|c|t|||@a:x|A|j||\n"
              "s|rtc|active|video|!r|c|t|||@b:x||||\n"
              "e|||||||||||||\n"
              "|||||||||||||\n",
        buf_str(&b));
}

TEST(api_admin_client, orders) {
    CLEANUP(unlinkp) int unlink_later = 0;
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    (void)unlink_later;
    CHECK_ERR(OK, write_token());
    const struct api_admin_client c = door();
    bool marked = true;
    next = (struct http_client_answer){ .status = 200,
        .body = "{\"ended\":[{\"user_id\":\"@a:x\",\"device_id\":\"A\",\"by\":\"user\"}],"
                "\"not_ended\":[{\"user_id\":\"@b:x\",\"problem\":\"no\"}]}" };
    const struct api_order kick = {
        .act = API_ORDER_KICK, .session_id = ID, .user_id = "@a:x", .device_id = "A", .reason = "\""
    };
    CHECK_ERR(OK, api_admin_client_order(&c, &kick, note_outcome, &b, &marked));
    CHECK(!marked);
    CHECK_STR("POST http://127.0.0.1:1/_parley/admin/v1/calls/" ID "/kick "
              "{\"user_id\":\"@a:x\",\"device_id\":\"A\",\"reason\":\"\\\"\"} " TOKEN " -",
        sent);
    CHECK_STR("@a:x|A|user|\n@b:x|||no\n", buf_str(&b));
    next.body = "{\"clients_told\":false}";
    const struct api_order end = { .act = API_ORDER_END, .session_id = ID };
    CHECK_ERR(OK, api_admin_client_order(&c, &end, note_outcome, &b, &marked));
    CHECK(marked);
    next.body = "{\"muted\":[{\"user_id\":\"@a:x\",\"device_id\":\"A\",\"tracks\":2}],"
                "\"not_muted\":[{\"user_id\":\"@a:x\",\"device_id\":\"B\",\"problem\":\"no\"}]}";
    const struct api_order mute = {
        .act = API_ORDER_MUTE, .session_id = ID, .user_id = "@a:x", .track = "TR_1"
    };
    buf_clear(&b);
    CHECK_ERR(OK, api_admin_client_order(&c, &mute, note_outcome, &b, &marked));
    CHECK_STR("POST http://127.0.0.1:1/_parley/admin/v1/calls/" ID "/mute "
              "{\"user_id\":\"@a:x\",\"track\":\"TR_1\"} " TOKEN " -",
        sent);
    CHECK_STR("@a:x|A|muted|\n@a:x|B||no\n", buf_str(&b));
}

TEST(api_admin_client, says_what_is_wrong) {
    static const struct {
        const char *name;
        enum err sending;
        int status;
        const char *body;
        enum err want;
        const char *sentence; /* a part of it */
    } rows[] = {
        { "nobody there", ERR_UNREACHABLE, 0, NULL, ERR_UNREACHABLE, "does it run? refused" },
        { "silence", ERR_TIMEOUT, 0, NULL, ERR_UNREACHABLE, "does it run? refused" },
        { "another token", OK, 403, "{\"errcode\":\"M_FORBIDDEN\"}", ERR_FORBIDDEN,
            "systemctl reload parley" },
        { "another program", OK, 200, "<html>", ERR_UNREACHABLE, "no Parley of this version" },
        { "another program refuses", OK, 404, "", ERR_UNREACHABLE, "no Parley of this version" },
        { "an older Parley", OK, 404, "{\"errcode\":\"M_UNRECOGNIZED\"}", ERR_UNREACHABLE,
            "no Parley of this version" },
        { "a list", OK, 200, "[]", ERR_UNREACHABLE, "no Parley of this version" },
        { "no such call", OK, 404, "{\"errcode\":\"M_NOT_FOUND\",\"error\":\"gone\"}",
            ERR_NOT_FOUND, "Parley says: gone" },
        { "not for such a call", OK, 409, "{\"errcode\":\"M_CALL_STATE\",\"error\":\"no\"}",
            ERR_CONFLICT, "Parley says: no" },
        { "no database", OK, 503, "{\"errcode\":\"M_DATABASE_UNAVAILABLE\"}", ERR_DATABASE,
            "Parley says: M_DATABASE_UNAVAILABLE" },
        { "something new", OK, 500, "{\"errcode\":\"M_UNKNOWN\",\"error\":\"oh\"}", ERR_IO,
            "Parley answered 500 oh" },
    };
    CLEANUP(unlinkp) int unlink_later = 0;
    (void)unlink_later;
    CHECK_ERR(OK, write_token());
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(buf_finish) struct buf b;
        buf_init(&b, 0);
        const struct api_admin_client c = door();
        bool more = false;
        next = (struct http_client_answer){
            .err = r->sending, .text = "refused", .status = r->status, .body = r->body
        };
        const struct store_live_filter all = { .most = 1 };
        CHECK_ERR(r->want, api_admin_client_list(&c, &all, note_call, &b, &more));
        CHECK(strstr(err_text(), r->sentence) != NULL);
        CHECK(strstr(err_text(), TOKEN) == NULL);
    }
    ROW("no token");
    const struct api_admin_client none = { .url = "http://x",
        .token_file = "/nowhere/admin.token" };
    const struct store_live_filter all = { .most = 1 };
    bool more = false;
    CHECK_ERR(ERR_NOT_FOUND, api_admin_client_list(&none, &all, note_call, NULL, &more));
    CHECK(strstr(err_text(), "parley admin-token") != NULL);
}

TEST_ALLOC(api_admin_client, survives_no_memory) {
    CLEANUP(unlinkp) int unlink_later = 0;
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    (void)unlink_later;
    TRY(write_token());
    const struct api_admin_client c = door();
    bool marked = false;
    next = (struct http_client_answer){ .status = 200,
        .body = "{\"ended\":[{\"user_id\":\"@a:x\"}]}" };
    const struct api_order end = { .session_id = ID, .reason = "x" };
    return api_admin_client_order(&c, &end, note_outcome, &b, &marked);
}
