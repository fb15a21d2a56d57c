/* Who may, by file and by the homeserver's word; the doors are notes of what was answered. */
#include "api/admin_auth.h"

#include "core/config.h"
#include "core/secret_file.h"
#include "http/reply.h"
#include "http/request.h"
#include "matrix/whoami.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKEN     "0123456789abcdef0123456789abcdef"
#define TOKEN_OLD "fedcba9876543210fedcba9876543210"

struct http_request {
    const char *bearer;
    struct arena arena;
    int status; /* 0 = none; -1 = by cause */
};

const char *http_request_bearer(const struct http_request *r) {
    return r->bearer;
}
const char *http_request_peer(const struct http_request *r) {
    (void)r;
    return "192.0.2.1";
}
const char *http_request_path(const struct http_request *r) {
    (void)r;
    return "/x";
}
const char *http_request_method(const struct http_request *r) {
    (void)r;
    return "GET";
}
struct arena *http_request_arena(struct http_request *r) {
    return &r->arena;
}
void http_reply_error(struct http_request *r, int status, const char *errcode, const char *text) {
    (void)errcode;
    (void)text;
    r->status = status;
}
static enum err replied;
void http_reply_err(struct http_request *r, enum err e) {
    r->status = -1;
    replied = e;
}

/* The homeserver's word: by token. */
enum err mx_whoami_ask(struct mx_whoami *w, const char *token, mx_whoami_done *done, void *arg) {
    (void)w;
    if (strcmp(token, "bad token") == 0) {
        return err_set(ERR_INVALID, "no token");
    }
    if (strcmp(token, "too many") == 0) {
        return err_set(ERR_LIMIT, "too many");
    }
    if (strcmp(token, "silence") == 0) {
        done(arg, err_set(ERR_TIMEOUT, "silence"), NULL);
    } else if (strcmp(token, "admins") == 0) {
        done(arg, OK, "@admin:hs");
    } else if (strcmp(token, "users") == 0) {
        done(arg, OK, "@user:hs");
    } else {
        done(arg, err_set(ERR_UNAUTHORIZED, "401"), NULL);
    }
    return OK;
}

static char allowed_who[64];

static void then(struct http_request *r, void *arg, const char *who) {
    CHECK_STR("arg", arg);
    r->status = 200;
    snprintf(allowed_who, sizeof(allowed_who), "%s", who);
}

struct place {
    char folder[64];
    char path[80];
    char old[88];
};

static void place_init(struct place *p) {
    snprintf(p->folder, sizeof(p->folder), "/tmp/parley-admin-XXXXXX");
    CHECK(mkdtemp(p->folder) != NULL);
    snprintf(p->path, sizeof(p->path), "%s/token", p->folder);
    snprintf(p->old, sizeof(p->old), "%s.old", p->path);
}

static void place_finish(struct place *p) {
    unlink(p->path);
    unlink(p->old);
    CHECK_INT(0, rmdir(p->folder));
}

static const char *const admins[] = { "@root:hs", "@admin:hs" };
static const struct config_list nobody = { 0, NULL };
static const struct config_list somebody = { 2, admins };

TEST(api_admin_auth, lets_admins_in) {
    static const struct {
        const char *name;
        const struct config_list *users;
        bool homeserver;
        const char *token;
        enum err guard;
        int status;
        const char *who;
    } rows[] = {
        { "the token", &nobody, false, TOKEN, OK, 200, "admin token" },
        { "the earlier token", &nobody, false, TOKEN_OLD, OK, 200, "admin token" },
        { "the token, with users", &somebody, true, TOKEN, OK, 200, "admin token" },
        { "none", &somebody, true, NULL, ERR_UNAUTHORIZED, 503, "" },
        { "a wrong one", &nobody, true, "admins", ERR_FORBIDDEN, 200, "" },
        { "an admin", &somebody, true, "admins", OK, 200, "@admin:hs" },
        { "a user", &somebody, true, "users", OK, 403, "" },
        { "a stranger", &somebody, true, "x", OK, 403, "" },
        { "no token at all", &somebody, true, "bad token", OK, 403, "" },
        { "a silent homeserver", &somebody, true, "silence", OK, 503, "" },
        { "too many questions", &somebody, true, "too many", OK, -1, "" },
        { "before the engine is there", &somebody, false, "admins", OK, 503, "" },
    };
    CLEANUP(place_finish) struct place p;
    place_init(&p);
    CHECK_ERR(OK, secret_file_write(p.path, TOKEN_OLD "\n", sizeof(TOKEN_OLD)));
    CHECK_ERR(OK, secret_file_replace(p.path, TOKEN "\n", sizeof(TOKEN)));
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct api_admin_auth *a = NULL;
        struct http_request request = { .bearer = r->token };
        allowed_who[0] = '\0';
        CHECK_ERR(OK, api_admin_auth_create(r->users, &a));
        CHECK_ERR(OK, api_admin_auth_load(a, p.path));
        api_admin_auth_set_whoami(a, r->homeserver ? (struct mx_whoami *)(uintptr_t)1 : NULL);
        enum err e = api_admin_guard(&request, a);
        CHECK_INT(r->guard, e);
        if (e != ERR_FORBIDDEN) { /* else no handler is asked */
            api_admin_allow(a, &request, then, (void *)(uintptr_t) "arg");
            CHECK_INT(r->status, request.status);
            CHECK_STR(r->who, allowed_who);
        }
        arena_finish(&request.arena);
        api_admin_auth_destroy(a);
    }
}

TEST(api_admin_auth, reads_one_line) {
    static const struct {
        const char *name;
        const char *text; /* NULL = no file */
        enum err want;
    } rows[] = {
        { "as it is made", TOKEN "\n", OK },
        { "without a newline", TOKEN, OK },
        { "no file", NULL, OK },
        { "empty", "", ERR_INVALID },
        { "short", "0123456789abcdef0123456789abcde\n", ERR_INVALID },
        { "two lines", TOKEN "\n" TOKEN_OLD "\n", ERR_INVALID },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(place_finish) struct place p;
        struct api_admin_auth *a = NULL;
        place_init(&p);
        if (r->text != NULL) {
            CHECK_ERR(OK, secret_file_write(p.path, r->text, strlen(r->text)));
        }
        CHECK_ERR(OK, api_admin_auth_create(&nobody, &a));
        CHECK_ERR(r->want, api_admin_auth_load(a, p.path));
        struct http_request request = { .bearer = TOKEN };
        bool good = r->want == OK && r->text != NULL;
        CHECK_ERR(good ? OK : ERR_FORBIDDEN, api_admin_guard(&request, a));
        api_admin_auth_destroy(a);
    }
}

static enum err load_and_allow(const char *path) {
    struct api_admin_auth *a = NULL;
    struct http_request request = { .bearer = "admins" };
    TRY(api_admin_auth_create(&somebody, &a));
    api_admin_auth_set_whoami(a, (struct mx_whoami *)(uintptr_t)1);
    enum err e = api_admin_auth_load(a, path);
    if (e == OK) {
        api_admin_allow(a, &request, then, (void *)(uintptr_t) "arg");
        e = request.status == -1 ? replied : OK;
    }
    arena_finish(&request.arena);
    api_admin_auth_destroy(a);
    return e;
}

TEST_ALLOC(api_admin_auth, survives_no_memory) {
    CLEANUP(place_finish) struct place p;
    place_init(&p);
    TRY(secret_file_write(p.path, TOKEN, strlen(TOKEN)));
    return load_and_allow(p.path);
}
