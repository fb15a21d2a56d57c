/* Whose token, asked of a client that is only a note of what was asked. */
#include "matrix/whoami.h"

#include "matrix/client.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define ASKS_MAX 16 /* as in matrix/whoami.c */

static struct {
    int asked;
    int forgotten;
    mx_done *done[ASKS_MAX + 1];
    void *arg[ASKS_MAX + 1];
} client;

enum err mx_client_whoami_of(struct mx_client *c, const char *token, mx_done *done, void *arg) {
    (void)c;
    if (strchr(token, ' ') != NULL) {
        return err_set(ERR_INVALID, "no token");
    }
    client.done[client.asked % (ASKS_MAX + 1)] = done;
    client.arg[client.asked % (ASKS_MAX + 1)] = arg;
    client.asked++;
    return OK;
}

void mx_client_forget(struct mx_client *c, const void *arg) {
    (void)c;
    (void)arg;
    client.forgotten++;
}

static void answer(int n, enum err e, const char *user_id) {
    json_t *json = user_id == NULL ? NULL : json_pack("{ss}", "user_id", user_id);
    const struct mx_answer a = { .err = e, .text = "words", .errcode = "", .json = json };
    client.done[n](client.arg[n], &a);
    json_decref(json);
}

struct asker {
    int answers;
    enum err err;
    char user_id[64];
};

static void on_done(void *arg, enum err e, const char *user_id) {
    struct asker *asker = arg;
    asker->answers++;
    asker->err = e;
    snprintf(asker->user_id, sizeof(asker->user_id), "%s", user_id == NULL ? "-" : user_id);
}

TEST(matrix_whoami, remembers_a_yes_and_no_no) {
    static const struct {
        const char *name;
        enum err answer;
        const char *user_id;
        enum err want;
        const char *want_user;
        int asked; /* for two questions */
    } rows[] = {
        { "a user", OK, "@a:hs", OK, "@a:hs", 1 },
        { "nobody's", ERR_UNAUTHORIZED, NULL, ERR_UNAUTHORIZED, "-", 2 },
        { "no answer", ERR_TIMEOUT, NULL, ERR_TIMEOUT, "-", 2 },
        { "an answer without a user", OK, NULL, ERR_UNREACHABLE, "-", 2 },
        { "an answer with no user id", OK, "a", ERR_UNREACHABLE, "-", 2 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct mx_whoami *w = NULL;
        struct asker asker = { 0 };
        memset(&client, 0, sizeof(client));
        CHECK_ERR(OK, mx_whoami_create(NULL, &w));
        for (int i = 0; i < 2; i++) {
            CHECK_ERR(OK, mx_whoami_ask(w, "token", on_done, &asker));
            if (client.asked > i) {
                answer(i, r->answer, r->user_id);
            }
            CHECK_INT(i + 1, asker.answers);
            CHECK_INT(r->want, asker.err);
            CHECK_STR(r->want_user, asker.user_id);
        }
        CHECK_INT(r->asked, client.asked);
        CHECK_ERR(OK, mx_whoami_ask(w, "another", on_done, &asker));
        CHECK_INT(r->asked + 1, client.asked);
        mx_whoami_destroy(w);
    }
}

TEST(matrix_whoami, asks_so_many_at_once_and_answers_all_when_it_goes) {
    struct mx_whoami *w = NULL;
    struct asker asker = { 0 };
    memset(&client, 0, sizeof(client));
    CHECK_ERR(OK, mx_whoami_create(NULL, &w));
    CHECK_ERR(ERR_INVALID, mx_whoami_ask(w, "no token", on_done, &asker));
    for (int i = 0; i < ASKS_MAX; i++) {
        CHECK_ERR(OK, mx_whoami_ask(w, "token", on_done, &asker));
    }
    CHECK_ERR(ERR_LIMIT, mx_whoami_ask(w, "token", on_done, &asker));
    answer(0, OK, "@a:hs");
    CHECK_ERR(OK, mx_whoami_ask(w, "another", on_done, &asker));
    mx_whoami_destroy(w);
    CHECK_INT(ASKS_MAX + 1, asker.answers);
    CHECK_INT(ERR_GONE, asker.err);
    CHECK_INT(ASKS_MAX, client.forgotten);
}

TEST(matrix_whoami, has_room_for_ever_new_tokens) {
    struct mx_whoami *w = NULL;
    struct asker asker = { 0 };
    memset(&client, 0, sizeof(client));
    CHECK_ERR(OK, mx_whoami_create(NULL, &w));
    for (int i = 0; i < 500; i++) {
        char token[16];
        snprintf(token, sizeof(token), "t%d", i);
        CHECK_ERR(OK, mx_whoami_ask(w, token, on_done, &asker));
        answer(i % (ASKS_MAX + 1), OK, "@a:hs");
    }
    CHECK_INT(500, asker.answers);
    CHECK_ERR(OK, mx_whoami_ask(w, "t499", on_done, &asker));
    CHECK_INT(500, client.asked);
    mx_whoami_destroy(w);
}

TEST_ALLOC(matrix_whoami, survives_no_memory) {
    struct mx_whoami *w = NULL;
    struct asker asker = { 0 };
    memset(&client, 0, sizeof(client));
    TRY(mx_whoami_create(NULL, &w));
    enum err e = mx_whoami_ask(w, "token", on_done, &asker);
    mx_whoami_destroy(w);
    return e;
}
