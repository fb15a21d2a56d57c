/* Delayed events of others: which server is asked, where, and what its answer means. */
#include "matrix/delayed.h"

#include "core/mem.h"
#include "fake_http.h"
#include "matrix/outside.h"
#include "matrix/server_name.h"

/* --- the way outside: notes what is asked, and answers when the test says --- */

struct mx_outside_request {
    http_client_done *done;
    void *arg;
};

static struct {
    int sent;
    char asked[256]; /* "GET url [body]" */
    struct mx_outside_request request, *under_way;
    enum err refuse; /* names */
    int asked_ours;
    mx_done *ours;
    void *ours_arg;
    /* what came of it */
    int answers;
    enum mx_delayed_outcome outcome;
    int64_t after_ms;
    int founds;
    bool found;
} w;

enum err mx_outside_check_name(const struct mx_outside *o, const struct mx_server_name *name) {
    (void)o;
    (void)name;
    return w.refuse == OK ? OK : err_set(w.refuse, "a name of an inner network");
}

enum err mx_outside_send(struct mx_outside *o, const struct mx_outside_spec *spec,
    http_client_done *done, void *arg, struct mx_outside_request **ret) {
    (void)o;
    w.sent++;
    snprintf(w.asked, sizeof(w.asked), "%s %s%s%s", spec->method, spec->url,
        spec->body == NULL ? "" : " ", spec->body == NULL ? "" : spec->body);
    CHECK(spec->bearer == NULL);
    CHECK(spec->timeout_us == 5000000);
    w.request = (struct mx_outside_request){ done, arg };
    *ret = w.under_way = &w.request;
    return OK;
}

void mx_outside_cancel(struct mx_outside_request *r) {
    (void)r;
    w.under_way = NULL;
}

enum err mx_client_delayed_event(struct mx_client *c, const char *user_id, const char *delay_id,
    enum mx_delayed_action action, mx_done *done, void *arg) {
    (void)c;
    (void)action;
    CHECK_STR("@a:ours.org", user_id);
    CHECK_STR("syd/1", delay_id);
    w.asked_ours++;
    w.ours = done;
    w.ours_arg = arg;
    return OK;
}

void mx_client_forget(struct mx_client *c, const void *arg) {
    (void)c;
    if (w.ours_arg == arg) {
        w.ours = NULL;
    }
}

static void outside_says(enum err e, int status, const char *body, int64_t retry_after_ms) {
    struct mx_outside_request *r = STEAL(w.under_way);
    CHECK(r != NULL);
    if (r != NULL) {
        r->done(r->arg, &(struct http_client_answer){ .err = e,
                            .text = "",
                            .status = status,
                            .body = body,
                            .len = strlen(body),
                            .retry_after_ms = retry_after_ms });
    }
}

static void on_done(void *arg, enum mx_delayed_outcome o, int64_t after_ms) {
    (void)arg;
    w.answers++;
    w.outcome = o;
    w.after_ms = after_ms;
}

static void on_found(void *arg, bool found) {
    (void)arg;
    w.founds++;
    w.found = found;
}

static struct http_client direct;

static enum err make(bool client, struct mx_delayed **ret) {
    static int something; /* a room that nobody looks into */
    static const char *const urls[] = { "near.org=http://10.0.0.1:8008/" };
    memset(&w, 0, sizeof(w));
    memset(&direct, 0, sizeof(direct));
    const struct mx_delayed_config cfg = { .outside = (struct mx_outside *)&something,
        .direct = &direct,
        .client = client ? (struct mx_client *)&something : NULL,
        .own_name = "ours.org",
        .own_url = "http://127.0.0.1:8008",
        .urls = urls,
        .n_urls = 1 };
    return mx_delayed_create(&cfg, ret);
}

#define PLACE      "/_matrix/client/unstable/org.matrix.msc4140/delayed_events/syd%2F1/"
#define SAYS(base) "{\"m.homeserver\":{\"base_url\":\"" base "\"}}"

TEST(matrix_delayed, asks_where_the_settings_say) {
    static const struct {
        const char *name, *user;
        enum mx_delayed_action action;
        const char *want;
    } rows[] = {
        { "another's, sent", "@b:near.org", MX_DELAYED_SEND,
            "POST http://10.0.0.1:8008" PLACE "send {}" },
        { "another's, restarted", "@b:NEAR.org", MX_DELAYED_RESTART,
            "POST http://10.0.0.1:8008" PLACE "restart {}" },
        { "ours without our token", "@a:ours.org", MX_DELAYED_SEND,
            "POST http://127.0.0.1:8008" PLACE "send {}" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct mx_delayed *d = NULL;
        CHECK_ERR(OK, make(false, &d));
        CHECK_ERR(OK, mx_delayed_act(d, r->user, "syd/1", r->action, on_done, NULL));
        CHECK_STR(r->want, direct.asked);
        answer_text(&direct, 200, "{}");
        CHECK_INT(1, w.answers);
        CHECK_INT(MX_DELAYED_DONE, w.outcome);
        CHECK_INT(0, w.sent);
        mx_delayed_destroy(d);
    }
}

TEST(matrix_delayed, acts_for_our_users_with_our_token) {
    struct mx_delayed *d = NULL;
    CHECK_ERR(OK, make(true, &d));
    CHECK_ERR(OK, mx_delayed_resolve(d, "@a:ours.org", on_found, NULL));
    CHECK(w.found);
    CHECK_ERR(OK, mx_delayed_act(d, "@a:ours.org", "syd/1", MX_DELAYED_SEND, on_done, NULL));
    CHECK_INT(1, w.asked_ours);
    w.ours(w.ours_arg, &(struct mx_answer){ .err = ERR_NOT_FOUND, .status = 404, .text = "" });
    CHECK_INT(1, w.answers);
    CHECK_INT(MX_DELAYED_GONE, w.outcome);
    CHECK_INT(0, w.sent + (int)direct.sent);
    mx_delayed_destroy(d);
}

TEST(matrix_delayed, reads_answers) {
    static const struct {
        const char *name;
        enum err err;
        int status;
        int64_t retry_after_ms;
        enum mx_delayed_outcome want;
        int64_t after_ms;
    } rows[] = {
        { "done", OK, 200, 0, MX_DELAYED_DONE, 0 },
        { "unknown", OK, 404, 0, MX_DELAYED_GONE, 0 },
        { "sent already", OK, 409, 0, MX_DELAYED_GONE, 0 },
        { "too many", OK, 429, 1500, MX_DELAYED_LATER, 1500 },
        { "broken", OK, 502, 0, MX_DELAYED_LATER, 0 },
        { "forbidden", OK, 403, 0, MX_DELAYED_LATER, 0 },
        { "no answer", ERR_TIMEOUT, 0, 0, MX_DELAYED_LATER, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct mx_delayed *d = NULL;
        CHECK_ERR(OK, make(true, &d));
        CHECK_ERR(OK, mx_delayed_act(d, "@b:far.org", "syd/1", MX_DELAYED_SEND, on_done, NULL));
        CHECK_STR("GET https://far.org/.well-known/matrix/client", w.asked);
        outside_says(OK, 200, SAYS("https://hs.far.org/"), 0);
        CHECK_STR("POST https://hs.far.org" PLACE "send {}", w.asked);
        CHECK_INT(0, w.answers);
        outside_says(r->err, r->status, "{}", r->retry_after_ms);
        CHECK_INT(1, w.answers);
        CHECK_INT(r->want, w.outcome);
        CHECK_INT(r->after_ms, w.after_ms);
        mx_delayed_destroy(d);
    }
}

TEST(matrix_delayed, remembers_where_a_server_is) {
    struct mx_delayed *d = NULL;
    CHECK_ERR(OK, make(true, &d));
    CHECK_ERR(OK, mx_delayed_resolve(d, "@b:far.org", on_found, NULL));
    outside_says(OK, 200, SAYS("https://hs.far.org"), 0);
    CHECK_INT(1, w.founds);
    CHECK(w.found);
    CHECK_ERR(OK, mx_delayed_resolve(d, "@c:far.org", on_found, NULL));
    CHECK_INT(2, w.founds);
    CHECK_ERR(OK, mx_delayed_act(d, "@b:far.org", "syd/1", MX_DELAYED_RESTART, on_done, NULL));
    CHECK_STR("POST https://hs.far.org" PLACE "restart {}", w.asked);
    CHECK_INT(2, w.sent);
    outside_says(OK, 200, "{}", 0);
    mx_delayed_destroy(d);
}

TEST(matrix_delayed, believes_no_address_that_is_none) {
    static const struct {
        const char *name;
        int status;
        const char *body;
    } rows[] = {
        { "none", 404, "{}" },
        { "no JSON", 200, "<html>" },
        { "a list", 200, "[]" },
        { "no server", 200, "{}" },
        { "a number", 200, "{\"m.homeserver\":{\"base_url\":1}}" },
        { "nothing", 200, SAYS("") },
        { "in the clear", 200, SAYS("http://hs.far.org") },
        { "with a password", 200, SAYS("https://a@hs.far.org") },
        { "with a query", 200, SAYS("https://hs.far.org/?a=") },
        { "with a fragment", 200, SAYS("https://hs.far.org/#") },
        { "a file", 200, SAYS("file:///etc/passwd") },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct mx_delayed *d = NULL;
        CHECK_ERR(OK, make(true, &d));
        CHECK_ERR(OK, mx_delayed_resolve(d, "@b:far.org", on_found, NULL));
        outside_says(OK, r->status, r->body, 0);
        CHECK_INT(1, w.founds);
        CHECK(!w.found);
        CHECK_ERR(OK, mx_delayed_act(d, "@b:far.org", "syd/1", MX_DELAYED_SEND, on_done, NULL));
        outside_says(OK, r->status, r->body, 0);
        CHECK_INT(MX_DELAYED_LATER, w.outcome);
        mx_delayed_destroy(d);
    }
}

TEST(matrix_delayed, refuses_users_that_lead_inside_or_nowhere) {
    struct mx_delayed *d = NULL;
    CHECK_ERR(OK, make(true, &d));
    CHECK_ERR(ERR_INVALID, mx_delayed_resolve(d, "alice", on_found, NULL));
    CHECK_ERR(ERR_INVALID, mx_delayed_resolve(d, "@b:far.org/x", on_found, NULL));
    w.refuse = ERR_INVALID;
    CHECK_ERR(ERR_INVALID, mx_delayed_resolve(d, "@b:localhost", on_found, NULL));
    CHECK_INT(0, w.founds + w.sent);
    mx_delayed_destroy(d);
}

TEST(matrix_delayed, ends_without_a_word) {
    struct mx_delayed *d = NULL;
    CHECK_ERR(OK, make(true, &d));
    CHECK_ERR(OK, mx_delayed_act(d, "@b:far.org", "x", MX_DELAYED_SEND, on_done, d));
    mx_delayed_forget(d, d);
    CHECK(w.under_way == NULL);
    CHECK_ERR(OK, mx_delayed_act(d, "@b:near.org", "x", MX_DELAYED_SEND, on_done, d));
    CHECK_ERR(OK, mx_delayed_act(d, "@a:ours.org", "syd/1", MX_DELAYED_SEND, on_done, d));
    mx_delayed_destroy(d);
    CHECK(w.ours == NULL && direct.call == NULL);
    CHECK_INT(0, w.answers);
}

TEST_ALLOC(matrix_delayed, survives_no_memory) {
    struct mx_delayed *d = NULL;
    TRY(make(true, &d));
    enum err e = mx_delayed_act(d, "@b:near.org", "x", MX_DELAYED_SEND, on_done, NULL);
    if (e == OK) {
        answer_text(&direct, 200, "{}");
    }
    mx_delayed_destroy(d);
    return e;
}
