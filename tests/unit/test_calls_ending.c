/* Members are ended one by one at a homeserver that is a list of what it was asked. */
#include "calls/ending.h"

#include "matrix/client.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define ASKED_MAX 64

struct asked {
    char line[600]; /* "PUT type key content as user" */
    mx_done *done;
    void *arg; /* NULL = answered or forgotten */
};
static struct asked asked[ASKED_MAX];
static size_t n_asked;

static enum err take(const char *line, mx_done *done, void *arg) {
    void *mem = mem_alloc(1); /* so that memory can run out here too */
    if (mem == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    mem_free(mem);
    CHECK(n_asked < ASKED_MAX);
    snprintf(asked[n_asked].line, sizeof(asked[n_asked].line), "%s", line);
    asked[n_asked].done = done;
    asked[n_asked++].arg = arg;
    return OK;
}

enum err mx_client_put_state(
    struct mx_client *c, const struct mx_state *s, const char *as_user, mx_done *done, void *arg) {
    char line[600];
    (void)c;
    snprintf(line, sizeof(line), "state %s %s %s as %s", s->type, s->state_key, s->content,
        as_user == NULL ? "sender" : as_user);
    return take(line, done, arg);
}

enum err mx_client_send(struct mx_client *c, const struct mx_message *m, const char *as_user,
    mx_done *done, void *arg) {
    char line[600];
    (void)c;
    CHECK_INT(3600000, m->sticky_ms);
    CHECK_INT(36, (int64_t)strlen(m->txn_id));
    snprintf(line, sizeof(line), "send %s %s as %s", m->type, m->content,
        as_user == NULL ? "sender" : as_user);
    return take(line, done, arg);
}

void mx_client_forget(struct mx_client *c, const void *arg) {
    (void)c;
    for (size_t i = 0; i < n_asked; i++) {
        asked[i].arg = asked[i].arg == arg ? NULL : asked[i].arg;
    }
}

static void answer(size_t i, enum err e) {
    void *arg = asked[i].arg;
    CHECK(arg != NULL);
    asked[i].arg = NULL;
    asked[i].done(
        arg, &(struct mx_answer){ .err = e, .text = e == OK ? "" : "403 M_FORBIDDEN: no" });
}

static int done;
static void on_done(void *arg) {
    CHECK_STR("arg", arg);
    done++;
}

static enum err run(
    struct call_ending_member *members, size_t n, bool masquerade, struct call_ending **ret) {
    const struct call_ending_config cfg = { NULL, "hs", masquerade };
    n_asked = 0;
    done = 0;
    return call_ending_run(&cfg, members, n, on_done, (void *)(uintptr_t) "arg", ret);
}

#define STATE(user, key)                                                                           \
    { "!r:hs", user, "D", "state", key, NULL, NULL, CALL_ENDING_FAILED, "" }

TEST(calls_ending, ends_each_as_it_can) {
    static const struct {
        const char *name;
        bool masquerade;
        struct call_ending_member member;
        enum err first, second; /* answers */
        const char *lines[2];
        enum call_ending_by by;
        const char *problem;
    } rows[] = {
        { "a local user", true, STATE("@a:hs", "_@a:hs_D_m.call"), OK, OK,
            { "state org.matrix.msc3401.call.member _@a:hs_D_m.call {} as @a:hs", NULL },
            CALL_ENDING_BY_USER, "" },
        { "a local user who is gone, by our power", true, STATE("@a:hs", "_@a:hs_D_m.call"),
            ERR_FORBIDDEN, OK,
            { "state org.matrix.msc3401.call.member _@a:hs_D_m.call {} as @a:hs",
                "state org.matrix.msc3401.call.member _@a:hs_D_m.call {} as sender" },
            CALL_ENDING_BY_SENDER, "" },
        { "a local user, by nobody", true, STATE("@a:hs", "_@a:hs_D_m.call"), ERR_FORBIDDEN,
            ERR_FORBIDDEN,
            { "state org.matrix.msc3401.call.member _@a:hs_D_m.call {} as @a:hs",
                "state org.matrix.msc3401.call.member _@a:hs_D_m.call {} as sender" },
            CALL_ENDING_FAILED, "our own user may not do it: 403 M_FORBIDDEN: no" },
        { "the homeserver is away", true, STATE("@a:hs", "_@a:hs_D_m.call"), ERR_UNREACHABLE, OK,
            { "state org.matrix.msc3401.call.member _@a:hs_D_m.call {} as @a:hs", NULL },
            CALL_ENDING_FAILED, "the homeserver refused it: 403 M_FORBIDDEN: no" },
        { "no masquerading", false, STATE("@a:hs", "_@a:hs_D_m.call"), OK, OK,
            { "state org.matrix.msc3401.call.member _@a:hs_D_m.call {} as sender", NULL },
            CALL_ENDING_BY_SENDER, "" },
        { "a remote user", true, STATE("@a:other", "_@a:other_D_m.call"), OK, OK,
            { "state org.matrix.msc3401.call.member _@a:other_D_m.call {} as sender", NULL },
            CALL_ENDING_BY_SENDER, "" },
        { "a remote user's own key", true, STATE("@a:other", "@a:other_D_m.call"), OK, OK,
            { NULL, NULL }, CALL_ENDING_FAILED, "only the user can write at this state key" },
        { "a local user's own key, refused", true, STATE("@a:hs", "@a:hs_D_m.call"), ERR_FORBIDDEN,
            OK, { "state org.matrix.msc3401.call.member @a:hs_D_m.call {} as @a:hs", NULL },
            CALL_ENDING_FAILED, "the homeserver refused it: 403 M_FORBIDDEN: no" },
        { "a list", true,
            { "!r:hs", "@a:hs", "D", "array", "@a:hs/m1", "m1", NULL, CALL_ENDING_FAILED, "" }, OK,
            OK, { "state org.matrix.msc3401.call.member @a:hs {} as @a:hs", NULL },
            CALL_ENDING_BY_USER, "" },
        { "Famedly's list", true,
            { "!r:hs", "@a:hs", "D", "famedly", "@a:hs/m1", "m1", NULL, CALL_ENDING_FAILED, "" },
            OK, OK, { "state com.famedly.call.member @a:hs {} as @a:hs", NULL },
            CALL_ENDING_BY_USER, "" },
        { "sticky", true,
            { "!r:hs", "@a:hs", "D", "sticky", "@a:hs/k\"1", NULL, "m.call#ROOM",
                CALL_ENDING_FAILED, "" },
            OK, OK,
            { "send org.matrix.msc4143.rtc.member "
              "{\"msc4354_sticky_key\":\"k\\\"1\",\"slot_id\":\"m.call#ROOM\"} as @a:hs",
                NULL },
            CALL_ENDING_BY_USER, "" },
        { "sticky, remote", true,
            { "!r:hs", "@a:other", "D", "sticky", "@a:other/k", NULL, NULL, CALL_ENDING_FAILED,
                "" },
            OK, OK, { NULL, NULL }, CALL_ENDING_FAILED,
            "only their own client can end such a membership" },
        { "sticky, refused", true,
            { "!r:hs", "@a:hs", "D", "sticky", "@a:hs/k", NULL, NULL, CALL_ENDING_FAILED, "" },
            ERR_FORBIDDEN, OK,
            { "send org.matrix.msc4143.rtc.member {\"msc4354_sticky_key\":\"k\"} as @a:hs", NULL },
            CALL_ENDING_FAILED, "the homeserver refused it: 403 M_FORBIDDEN: no" },
        { "an entry of nobody knows what", true,
            { "!r:hs", "@a:hs", "D", NULL, NULL, NULL, NULL, CALL_ENDING_FAILED, "" }, OK, OK,
            { NULL, NULL }, CALL_ENDING_FAILED, "what their client wrote is not known" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct call_ending_member m = r->member;
        struct call_ending *c = NULL;
        CHECK_ERR(OK, run(&m, 1, r->masquerade, &c));
        for (size_t i = 0; i < 2 && r->lines[i] != NULL; i++) {
            CHECK_INT((int64_t)i + 1, (int64_t)n_asked);
            CHECK_STR(r->lines[i], asked[i].line);
            CHECK_INT(0, done);
            answer(i, i == 0 ? r->first : r->second);
        }
        CHECK_INT(1, done);
        CHECK_INT(r->by, m.by);
        CHECK_STR(r->problem, m.problem);
    }
}

#define MANY 20

static void fill(struct call_ending_member *members) {
    for (size_t i = 0; i < MANY; i++) {
        members[i] = (struct call_ending_member)STATE("@a:hs", "_@a:hs_D_m.call");
    }
}

TEST(calls_ending, asks_a_few_at_a_time) {
    struct call_ending_member members[MANY];
    struct call_ending *c = NULL;
    fill(members);
    CHECK_ERR(OK, run(members, MANY, true, &c));
    for (size_t i = 0; i < MANY; i++) {
        size_t most = i + CALL_ENDING_PARALLEL;
        CHECK_INT((int64_t)(most < MANY ? most : MANY), (int64_t)n_asked);
        CHECK_INT(0, done);
        answer(i, OK);
    }
    CHECK_INT(1, done);
    CHECK_INT(CALL_ENDING_BY_USER, members[MANY - 1].by);
}

TEST(calls_ending, can_be_given_up) {
    struct call_ending_member members[MANY];
    struct call_ending *c = NULL;
    fill(members);
    CHECK_ERR(OK, run(members, MANY, true, &c));
    answer(0, OK);
    call_ending_destroy(c);
    CHECK_INT(0, done);
    for (size_t i = 0; i < n_asked; i++) {
        CHECK(asked[i].arg == NULL);
    }
    call_ending_destroy(NULL);
}

TEST_ALLOC(calls_ending, survives_no_memory) {
    struct call_ending_member m = STATE("@a:hs", "_@a:hs_D_m.call");
    struct call_ending *c = NULL;
    TRY(run(&m, 1, true, &c));
    if (n_asked == 1) {
        answer(0, OK);
    }
    return done == 1 ? OK : err_set(ERR_INVALID, "not done");
}
