/* Whose token a homeserver says it is, and whether it may say so. */
#include "matrix/userinfo.h"

#include "http/client.h"
#include "matrix/server_name.h"
#include "tests/unit/test.h"

#include <string.h>

static enum mx_openid_outcome judge(
    const struct http_client_answer *a, const char *server, struct mx_userinfo *ret) {
    struct mx_server_name n;
    CHECK_ERR(OK, mx_server_name_read(server, strlen(server), &n));
    mx_userinfo_read(a, &n, ret);
    CHECK_INT(ret->outcome == MX_OPENID_VALID, ret->text[0] == '\0');
    CHECK_INT(ret->outcome == MX_OPENID_VALID, ret->user_id[0] != '\0');
    return ret->outcome;
}

TEST(matrix_userinfo, believes_a_server_about_its_own_users_only) {
    static const struct {
        const char *name, *server, *body;
        enum mx_openid_outcome want;
        const char *user;
    } rows[] = {
        { "its own", "a.org", "{\"sub\": \"@u:a.org\"}", MX_OPENID_VALID, "@u:a.org" },
        { "with a port", "a.org:8448", "{\"sub\": \"@u:a.org:8448\"}", MX_OPENID_VALID,
            "@u:a.org:8448" },
        { "more members", "a.org", "{\"sub\": \"@u:a.org\", \"name\": {}}", MX_OPENID_VALID,
            "@u:a.org" },
        { "upper case", "A.ORG", "{\"sub\": \"@u:a.org\"}", MX_OPENID_VALID, "@u:a.org" },
        { "upper case there", "a.org", "{\"sub\": \"@u:A.org\"}", MX_OPENID_VALID, "@u:A.org" },
        { "an address", "[::1]:1", "{\"sub\": \"@u:[::1]:1\"}", MX_OPENID_VALID, "@u:[::1]:1" },
        { "another server's", "a.org", "{\"sub\": \"@u:b.org\"}", MX_OPENID_FOREIGN, "" },
        { "another port", "a.org", "{\"sub\": \"@u:a.org:8448\"}", MX_OPENID_FOREIGN, "" },
        { "no port", "a.org:8448", "{\"sub\": \"@u:a.org\"}", MX_OPENID_FOREIGN, "" },
        { "below it", "a.org", "{\"sub\": \"@u:x.a.org\"}", MX_OPENID_FOREIGN, "" },
        { "its end", "a.org", "{\"sub\": \"@u:b.org:a.org\"}", MX_OPENID_FOREIGN, "" },
        { "its beginning", "a.org", "{\"sub\": \"@u:a.org.b.org\"}", MX_OPENID_FOREIGN, "" },
        { "no user", "a.org", "{\"sub\": \"a.org\"}", MX_OPENID_NONSENSE, "" },
        { "a room", "a.org", "{\"sub\": \"!u:a.org\"}", MX_OPENID_NONSENSE, "" },
        { "no server", "a.org", "{\"sub\": \"@u\"}", MX_OPENID_NONSENSE, "" },
        { "empty", "a.org", "{\"sub\": \"\"}", MX_OPENID_NONSENSE, "" },
        { "a line end", "a.org", "{\"sub\": \"@u\\n:a.org\"}", MX_OPENID_NONSENSE, "" },
        { "a NUL", "a.org", "{\"sub\": \"@u:a.org\\u0000\"}", MX_OPENID_NONSENSE, "" },
        { "a number", "a.org", "{\"sub\": 1}", MX_OPENID_NONSENSE, "" },
        { "nothing", "a.org", "{}", MX_OPENID_NONSENSE, "" },
        { "a list", "a.org", "[\"@u:a.org\"]", MX_OPENID_NONSENSE, "" },
        { "no JSON", "a.org", "<html>", MX_OPENID_NONSENSE, "" },
        { "no body", "a.org", "", MX_OPENID_NONSENSE, "" },
        { "more behind", "a.org", "{\"sub\": \"@u:a.org\"}x", MX_OPENID_NONSENSE, "" },
    };
    FOR_ROWS (rows, r) {
        const struct http_client_answer a = {
            .status = 200, .body = r->body, .len = strlen(r->body), .text = ""
        };
        struct mx_userinfo u;
        ROW(r->name);
        CHECK_INT(r->want, judge(&a, r->server, &u));
        CHECK_STR(r->user, u.user_id);
    }
}

TEST(matrix_userinfo, tells_refusals_from_failures) {
    static const struct {
        const char *name;
        enum err err;
        int status;
        enum mx_openid_outcome want;
    } rows[] = {
        { "unknown or expired", OK, 401, MX_OPENID_REFUSED },
        { "forbidden", OK, 403, MX_OPENID_REFUSED },
        { "no such resource", OK, 404, MX_OPENID_NONSENSE },
        { "bad request", OK, 400, MX_OPENID_NONSENSE },
        { "a redirect", OK, 302, MX_OPENID_NONSENSE },
        { "created", OK, 201, MX_OPENID_NONSENSE },
        { "too often", OK, 429, MX_OPENID_UNREACHABLE },
        { "trouble", OK, 502, MX_OPENID_UNREACHABLE },
        { "inner network", ERR_FORBIDDEN, 0, MX_OPENID_INNER_ADDRESS },
        { "no connection", ERR_UNREACHABLE, 0, MX_OPENID_UNREACHABLE },
        { "silence", ERR_TIMEOUT, 0, MX_OPENID_TIMEOUT },
        { "a flood", ERR_TOO_LARGE, 0, MX_OPENID_NONSENSE },
        { "our limits", ERR_LIMIT, 0, MX_OPENID_BUSY },
        { "our memory", ERR_NOMEM, 0, MX_OPENID_FAILED },
        { "our end", ERR_GONE, 0, MX_OPENID_FAILED },
        { "no such address", ERR_INVALID, 0, MX_OPENID_BAD_NAME },
    };
    FOR_ROWS (rows, r) {
        const struct http_client_answer a = {
            .err = r->err, .status = r->status, .body = "{\"sub\": \"@u:a.org\"}", .text = "why"
        };
        struct mx_userinfo u;
        ROW(r->name);
        CHECK_INT(r->want, judge(&a, "a.org", &u));
    }
}

TEST(matrix_openid, has_a_name_for_each_outcome) {
    for (int i = 0; i < MX_OPENID_OUTCOMES; i++) {
        CHECK(mx_openid_outcome_name((enum mx_openid_outcome)i) != NULL);
    }
    CHECK_STR("inner_address", mx_openid_outcome_name(MX_OPENID_INNER_ADDRESS));
}
