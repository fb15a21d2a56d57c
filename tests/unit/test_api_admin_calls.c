/* Orders while everything around is a note of what was asked: above all, going away in the middle.
 */
#include "api/admin_calls.h"

#include "api/admin_auth.h"
#include "calls/work.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/router.h"
#include "store/live_calls.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define ID "018f0000-0000-7000-8000-00000000000a"

struct http_request {
    struct arena arena;
    int answers;
    int status; /* -1: by cause */
    enum err cause;
    char body[400];
};
static struct http_request request;
static const char *body;

const char *http_request_param(const struct http_request *r, const char *name) {
    (void)r, (void)name;
    return ID;
}
const char *http_request_query(const struct http_request *r, const char *name) {
    (void)r, (void)name;
    return NULL;
}
const char *http_request_body(const struct http_request *r, size_t *len) {
    (void)r;
    *len = strlen(body);
    return body;
}
struct arena *http_request_arena(struct http_request *r) {
    return &r->arena;
}
/* The request's memory goes with the answer. */
static void note(struct http_request *r, int status, enum err cause, const char *text) {
    r->answers++;
    r->status = status;
    r->cause = cause;
    snprintf(r->body, sizeof(r->body), "%s", text);
    arena_finish(&r->arena);
}
void http_reply_json(struct http_request *r, int status, const char *json) {
    note(r, status, OK, json);
}
void http_reply_error(struct http_request *r, int status, const char *errcode, const char *text) {
    (void)text;
    note(r, status, OK, errcode);
}
void http_reply_err(struct http_request *r, enum err e) {
    note(r, -1, e, err_text());
}

static const struct http_route *routes;
static void *routes_arg;
enum err http_router_add(
    struct http_router *t, const struct http_route *list, size_t n, http_guard *guard, void *arg) {
    (void)t, (void)guard;
    CHECK_INT(4, (int64_t)n);
    routes = list;
    routes_arg = arg;
    return OK;
}
enum err api_admin_guard(struct http_request *r, const struct api_admin_auth *a) {
    (void)r, (void)a;
    return OK;
}
void api_admin_allow(
    struct api_admin_auth *a, struct http_request *r, api_admin_then *then, void *arg) {
    (void)a;
    then(r, arg, "@admin:hs");
}

/* --- what the order goes through --- */

static store_live_calls_told *told;
static void *told_arg;
enum err store_live_calls_ask(
    struct store *s, const struct store_live_filter *f, store_live_calls_told *fn, void *arg) {
    (void)s, (void)f;
    told = fn;
    told_arg = arg;
    return OK;
}

struct call_work {
    struct arena arena;
};
static call_work_done *committed;
static void *committed_arg;
static char written[200];
enum err call_work_create(struct calls *c, int64_t now_ms, struct call_work **ret) {
    (void)c, (void)now_ms;
    *ret = mem_zalloc(sizeof(**ret));
    return *ret == NULL ? err_set(ERR_NOMEM, "out of memory") : OK;
}
struct arena *call_work_arena(struct call_work *w) {
    return &w->arena;
}
enum err call_work_add(struct call_work *w, const struct call_input *in) {
    (void)w;
    snprintf(written, sizeof(written), "%s %s %s by %s: %s", call_input_name(in->type),
        in->admin.session_id, in->admin.user_id == NULL ? "-" : in->admin.user_id, in->sender,
        in->admin.reason == NULL ? "-" : in->admin.reason);
    return OK;
}
void call_work_destroy(struct call_work *w) {
    arena_finish(&w->arena);
    mem_free(w);
}
void call_work_run(struct call_work *w, call_work_done *done, void *arg) {
    call_work_destroy(w);
    committed = done;
    committed_arg = arg;
}

struct call_ending {
    int unused;
};
static struct call_ending ending;
static call_ending_done *ended;
static void *ended_arg;
static struct call_ending_member *members;
static size_t n_members;
static int given_up;
enum err call_ending_run(const struct call_ending_config *cfg, struct call_ending_member *list,
    size_t n, call_ending_done *done, void *arg, struct call_ending **ret) {
    (void)cfg;
    members = list;
    n_members = n;
    ended = done;
    ended_arg = arg;
    *ret = &ending;
    return OK;
}
void call_ending_destroy(struct call_ending *c) {
    CHECK(c == NULL || c == &ending);
    given_up += c != NULL;
}

static int removed;
static void remove_media(void *arg, const char *room, const char *user, const char *device,
    const char *reason, const char *actor) {
    (void)arg;
    CHECK_STR("!r:hs", room);
    CHECK(user[0] == '@' && device[0] != '\0');
    CHECK_STR("@admin:hs", actor);
    CHECK(strstr(written, reason) == written); /* in the words of the row before it */
    removed++;
}

/* The SFU: of the second device it says that it sends no sound. */
static struct {
    api_admin_muted *done;
    void *arg;
} muting[2];
static int n_muting, forgotten;
static enum err mute(void *arg, const struct call_ending_member *who, const char *track,
    api_admin_muted *done, void *done_arg) {
    (void)arg;
    CHECK_STR("@b:hs", who->user_id);
    CHECK_STR("TR_1", track);
    muting[n_muting].done = done;
    muting[n_muting++].arg = done_arg;
    return OK;
}
static void mute_forget(void *arg, const void *done_arg) {
    (void)arg, (void)done_arg;
    forgotten++;
}

/* --- the tests --- */

enum { LIST, END, KICK, MUTE };

static enum err begin(struct api_admin_calls **ret, int route, const char *text) {
    const struct api_admin_calls_engine engine = {
        .store = (struct store *)(uintptr_t)1,
        .calls = (struct calls *)(uintptr_t)1,
        .remove = remove_media,
        .mute = { mute, mute_forget, NULL },
    };
    request = (struct http_request){ 0 };
    body = text;
    told = NULL;
    committed = NULL;
    ended = NULL;
    given_up = removed = n_muting = forgotten = 0;
    TRY(api_admin_calls_create(NULL, NULL, ret));
    api_admin_calls_attach(*ret, &engine);
    routes[route].handle(&request, routes_arg);
    return request.status == -1 ? request.cause : OK;
}

static void find(const char *kind) {
    static struct store_participant people[] = {
        { .user_id = "@a:hs", .party = "A", .generation = "state", .entry_key = "_@a:hs_A_m.call" },
        { .user_id = "@b:hs", .party = "B", .generation = "state", .entry_key = "_@b:hs_B_m.call" },
        { .user_id = "@b:hs", .party = "C", .generation = "state", .entry_key = "_@b:hs_C_m.call" },
    };
    struct store_live_call call = {
        .row = { .id = ID, .kind = kind, .room_id = "!r:hs" }, .people = people, .n_people = 3
    };
    told(told_arg, OK, &(struct store_live_calls){ &call, 1, false, false });
}

TEST(api_admin_calls, ends_and_kicks) {
    static const struct {
        const char *name;
        int route;
        const char *body, *kind, *written, *answer;
        int ended;
    } rows[] = {
        { "end", END, "{\"reason\":\"x\"}", "rtc", "ended_by_admin " ID " - by @admin:hs: x",
            "{\"session_id\":\"" ID "\",\"ended\":[{\"user_id\":\"@a:hs\",\"device_id\":\"A\","
            "\"by\":\"user\"},{\"user_id\":\"@b:hs\",\"device_id\":\"B\",\"by\":\"sender\"}],"
            "\"not_ended\":[{\"user_id\":\"@b:hs\",\"device_id\":\"C\",\"problem\":\"no\"}]}",
            3 },
        { "kick a device", KICK, "{\"user_id\":\"@b:hs\",\"device_id\":\"C\"}", "rtc",
            "kicked_by_admin " ID " @b:hs by @admin:hs: -",
            "{\"session_id\":\"" ID "\",\"ended\":[{\"user_id\":\"@b:hs\",\"device_id\":\"C\","
            "\"by\":\"user\"}],\"not_ended\":[]}",
            1 },
        { "end a legacy call", END, "", "legacy", "ended_by_admin " ID " - by @admin:hs: -",
            "{\"session_id\":\"" ID "\",\"clients_told\":false,\"ended\":[],\"not_ended\":[]}", 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct api_admin_calls *a = NULL;
        CHECK_ERR(OK, begin(&a, r->route, r->body));
        find(r->kind);
        CHECK_STR(r->written, written);
        CHECK_INT(0, removed); /* nothing before the audit has it */
        committed(committed_arg, OK, NULL);
        CHECK_INT(r->ended, removed);
        if (r->ended > 0) {
            CHECK_INT(r->ended, (int64_t)n_members);
            for (size_t i = 0; i < n_members; i++) {
                static const enum call_ending_by by[] = { CALL_ENDING_BY_USER,
                    CALL_ENDING_BY_SENDER, CALL_ENDING_FAILED };
                members[i].by = by[i];
                snprintf(members[i].problem, sizeof(members[i].problem), "no");
            }
            ended(ended_arg);
        }
        CHECK_INT(1, request.answers);
        CHECK_INT(200, request.status);
        CHECK_STR(r->answer, request.body);
        api_admin_calls_destroy(a);
        CHECK_INT(0, given_up);
    }
}

#define MUTE_BODY "{\"user_id\":\"@b:hs\",\"track\":\"TR_1\"}"

TEST(api_admin_calls, mutes) {
    struct api_admin_calls *a = NULL;
    CHECK_ERR(OK, begin(&a, MUTE, MUTE_BODY));
    find("rtc");
    CHECK_STR("muted_by_admin " ID " @b:hs by @admin:hs: -", written);
    CHECK_INT(0, n_muting); /* nothing before the audit has it */
    committed(committed_arg, OK, NULL);
    CHECK_INT(2, n_muting);
    muting[0].done(muting[0].arg, 2, NULL);
    CHECK_INT(0, request.answers);
    muting[1].done(muting[1].arg, 0, "sends no sound");
    CHECK_STR("{\"session_id\":\"" ID "\",\"muted\":[{\"user_id\":\"@b:hs\",\"device_id\":\"B\","
              "\"tracks\":2}],\"not_muted\":[{\"user_id\":\"@b:hs\",\"device_id\":\"C\","
              "\"problem\":\"sends no sound\"}]}",
        request.body);
    CHECK_INT(0, removed);
    api_admin_calls_destroy(a);
    CHECK_INT(1, request.answers);

    ROW("we stop meanwhile");
    CHECK_ERR(OK, begin(&a, MUTE, MUTE_BODY));
    find("rtc");
    committed(committed_arg, OK, NULL);
    muting[0].done(muting[0].arg, 1, NULL);
    api_admin_calls_destroy(a);
    CHECK_INT(1, forgotten);
    CHECK_INT(503, request.status);

    ROW("no SFU");
    CHECK_ERR(OK, begin(&a, MUTE, MUTE_BODY));
    struct api_admin_calls_engine engine = { .store = (struct store *)(uintptr_t)1,
        .calls = (struct calls *)(uintptr_t)1 };
    api_admin_calls_attach(a, &engine);
    find("rtc");
    committed(committed_arg, OK, NULL);
    CHECK(strstr(request.body, "\"muted\":[],") != NULL);
    CHECK(strstr(request.body, "there is no SFU to tell") != NULL);
    api_admin_calls_destroy(a);
}

TEST(api_admin_calls, refuses) {
    static const struct {
        const char *name;
        const char *body, *kind;
        enum err want;
    } rows[] = {
        { "nobody of that name", "{\"user_id\":\"@c:hs\"}", "rtc", ERR_NOT_FOUND },
        { "no device of that name", "{\"user_id\":\"@b:hs\",\"device_id\":\"A\"}", "rtc",
            ERR_NOT_FOUND },
        { "a call of two", "{\"user_id\":\"@b:hs\"}", "legacy", ERR_CONFLICT },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct api_admin_calls *a = NULL;
        CHECK_ERR(OK, begin(&a, KICK, r->body));
        find(r->kind);
        CHECK_INT(1, request.answers);
        CHECK_INT(r->want, request.cause);
        CHECK(committed == NULL);
        api_admin_calls_destroy(a);
    }
}

TEST(api_admin_calls, goes_away_in_the_middle) {
    struct api_admin_calls *a = NULL;
    ROW("before anything is there");
    CHECK_ERR(OK, begin(&a, END, ""));
    api_admin_calls_detach(a);
    find("rtc");
    CHECK_INT(503, request.status);
    CHECK(committed == NULL);
    api_admin_calls_destroy(a);

    ROW("while the audit is written");
    CHECK_ERR(OK, begin(&a, END, ""));
    find("rtc");
    api_admin_calls_detach(a);
    committed(committed_arg, err_set(ERR_GONE, "stopping"), NULL);
    CHECK_INT(1, request.answers);
    CHECK_INT(ERR_GONE, request.cause);
    api_admin_calls_destroy(a);

    ROW("while members are ended");
    CHECK_ERR(OK, begin(&a, END, ""));
    find("rtc");
    committed(committed_arg, OK, NULL);
    api_admin_calls_detach(a);
    CHECK_INT(1, given_up);
    CHECK_INT(1, request.answers);
    CHECK_INT(503, request.status);
    api_admin_calls_destroy(a);
    CHECK_INT(1, request.answers);

    ROW("no engine");
    CHECK_ERR(OK, begin(&a, LIST, ""));
    told(told_arg, OK, &(struct store_live_calls){ 0 });
    CHECK_STR("{\"calls\":[],\"more\":false}", request.body);
    api_admin_calls_detach(a);
    request = (struct http_request){ 0 };
    routes[LIST].handle(&request, routes_arg);
    CHECK_INT(503, request.status);
    api_admin_calls_destroy(a);
}

TEST_ALLOC(api_admin_calls, survives_no_memory) {
    struct api_admin_calls *a = NULL;
    enum err e = begin(&a, END, "{\"reason\":\"x\"}");
    if (e == OK) {
        find("rtc");
        e = request.status == -1 ? request.cause : OK;
    }
    if (e == OK) {
        committed(committed_arg, OK, NULL);
        ended(ended_arg);
        e = request.status == -1 ? request.cause : OK;
    }
    api_admin_calls_destroy(a);
    return e;
}
