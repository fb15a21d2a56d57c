/* The cache of members against a homeserver that is only a list of what was asked. */
#include "matrix/membership.h"

#include "core/buf.h"
#include "core/clock.h"
#include "matrix/client.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

/* --- the homeserver --- */

#define ASKED_MAX 400
struct mx_client {
    size_t sent;
    size_t n; /* open questions, oldest first */
    struct {
        char text[400]; /* "members !r:hs", "rules !r:hs as @a:hs" */
        mx_done *done;
        void *arg;
    } open[ASKED_MAX];
};

static enum err ask(struct mx_client *c, mx_done *done, void *arg, const char *kind,
    const char *room_id, const char *as_user) {
    void *probe = mem_alloc(1); /* so that the call itself can fail for lack of memory */
    if (probe == NULL) {
        return err_set(ERR_NOMEM, "no memory");
    }
    mem_free(probe);
    CHECK(c->n < ASKED_MAX);
    snprintf(c->open[c->n].text, sizeof c->open[c->n].text, "%s %s%s%s", kind, room_id,
        as_user != NULL ? " as " : "", as_user != NULL ? as_user : "");
    c->open[c->n].done = done;
    c->open[c->n].arg = arg;
    c->n++;
    c->sent++;
    return OK;
}

enum err mx_client_joined_members(
    struct mx_client *c, const char *room_id, mx_done *done, void *arg) {
    return ask(c, done, arg, "members", room_id, NULL);
}

enum err mx_client_room_state_event(struct mx_client *c, const char *room_id, const char *type,
    const char *state_key, const char *as_user, mx_done *done, void *arg) {
    CHECK_STR("m.room.join_rules", type);
    CHECK_STR("", state_key);
    return ask(c, done, arg, "rules", room_id, as_user);
}

static void drop(struct mx_client *c, size_t at) {
    memmove(&c->open[at], &c->open[at + 1], (c->n - at - 1) * sizeof c->open[0]);
    c->n--;
}

void mx_client_forget(struct mx_client *c, const void *arg) {
    for (size_t i = c->n; i-- > 0;) {
        if (c->open[i].arg == arg) {
            drop(c, i);
        }
    }
}

/* Answers the oldest question, which must be `want`. */
static void answer(struct mx_client *c, const char *want, enum err e, const char *body) {
    CHECK(c->n > 0);
    if (c->n == 0) {
        return;
    }
    CHECK_STR(want, c->open[0].text);
    mx_done *done = c->open[0].done;
    void *arg = c->open[0].arg;
    drop(c, 0);
    json_t *json = body != NULL ? json_loads(body, 0, NULL) : NULL;
    done(arg, &(struct mx_answer){ .err = e, .text = "", .errcode = "", .json = json });
    json_decref(json);
}

/* --- the asker --- */

struct told {
    int times;
    char text[1024]; /* "!r:hs known public @a:hs @b:hs; " a room */
    size_t first_n;
};

static void on_people(void *arg, const struct mx_room_people *people, size_t n) {
    struct told *t = arg;
    t->times++;
    t->text[0] = '\0';
    t->first_n = n > 0 ? people[0].n_joined : 0;
    for (size_t i = 0; i < n; i++) {
        size_t used = strlen(t->text);
        used += (size_t)snprintf(t->text + used, sizeof t->text - used, "%s%s%s%s",
            i > 0 ? "; " : "", people[i].room_id, people[i].known ? " known" : "",
            people[i].joinable ? " public" : "");
        for (size_t k = 0; k < people[i].n_joined && k < 4; k++) {
            used +=
                (size_t)snprintf(t->text + used, sizeof t->text - used, " %s", people[i].joined[k]);
        }
    }
}

struct world {
    uv_loop_t loop;
    struct mx_client hs;
    struct mx_membership *m;
    struct told told;
};

static enum err world_init(struct world *w, bool masquerade) {
    memset(w, 0, sizeof *w);
    uv_loop_init(&w->loop);
    return mx_membership_create(&w->loop, &w->hs, "hs", masquerade, &w->m);
}

static void world_finish(struct world *w) {
    mx_membership_destroy(w->m);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&w->loop));
    CHECK_INT(0, w->hs.n);
}

static enum err ask_one(struct world *w, const char *room_id) {
    return mx_membership_ask(w->m, &room_id, 1, on_people, &w->told);
}

#define TWO  "{\"joined\":{\"@z:else\":{},\"@b:hs\":{},\"@a:else\":{}}}"
#define RULE "rules !r:hs as @b:hs"

static void fill(struct world *w) {
    CHECK_ERR(OK, ask_one(w, "!r:hs"));
    answer(&w->hs, "members !r:hs", OK, TWO);
    answer(&w->hs, RULE, OK, "{\"join_rule\":\"invite\"}");
    CHECK_INT(1, w->told.times);
}

TEST(matrix_membership, reads_members_and_join_rule) {
    static const struct {
        const char *name;
        bool masquerade;
        enum err members_err;
        const char *members;
        enum err rule_err; /* with rule NULL: not asked */
        const char *rule;
        const char *want;
    } rows[] = {
        { "private", true, OK, TWO, OK, "{\"join_rule\":\"invite\"}",
            "!r:hs known @a:else @b:hs @z:else" },
        { "public", true, OK, TWO, OK, "{\"join_rule\":\"public\"}",
            "!r:hs known public @a:else @b:hs @z:else" },
        { "no rule", true, OK, TWO, ERR_NOT_FOUND, "{}", "!r:hs known @a:else @b:hs @z:else" },
        { "rule of another kind", true, OK, TWO, OK, "{\"join_rule\":1}",
            "!r:hs known @a:else @b:hs @z:else" },
        { "no masquerade", false, OK, TWO, OK, NULL, "!r:hs known @a:else @b:hs @z:else" },
        { "nobody local", true, OK, "{\"joined\":{\"@a:else\":{}}}", OK, NULL,
            "!r:hs known @a:else" },
        { "nobody", true, OK, "{\"joined\":{}}", OK, NULL, "!r:hs known" },
        { "no user ids", true, OK, "{\"joined\":{\"x\":{}, \"@a\":{}}}", OK, NULL, "!r:hs known" },
        { "refused", true, ERR_FORBIDDEN, "{}", OK, NULL, "!r:hs" },
        { "no connection", true, ERR_UNREACHABLE, NULL, OK, NULL, "!r:hs" },
        { "nonsense", true, OK, "[]", OK, NULL, "!r:hs" },
        { "nonsense inside", true, OK, "{\"joined\":[]}", OK, NULL, "!r:hs" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world w;
        CHECK_ERR(OK, world_init(&w, r->masquerade));
        CHECK_ERR(OK, ask_one(&w, "!r:hs"));
        answer(&w.hs, "members !r:hs", r->members_err, r->members);
        if (r->rule != NULL) {
            answer(&w.hs, RULE, r->rule_err, r->rule);
        }
        CHECK_INT(1, w.told.times);
        CHECK_STR(r->want, w.told.text);
        /* Known or not, it is kept. */
        CHECK_ERR(OK, ask_one(&w, "!r:hs"));
        CHECK_INT(1, w.told.times);
        uv_run(&w.loop, UV_RUN_DEFAULT);
        CHECK_INT(2, w.told.times);
        CHECK_STR(r->want, w.told.text);
        CHECK_INT(r->rule != NULL ? 2 : 1, w.hs.sent);
        world_finish(&w);
    }
}

TEST(matrix_membership, answers_in_the_order_asked) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, false));
    CHECK_ERR(OK, ask_one(&w, "!b:hs"));
    answer(&w.hs, "members !b:hs", OK, TWO);
    const char *rooms[] = { "!a:hs", "!b:hs", "!c:hs", "!a:hs" };
    CHECK_ERR(OK, mx_membership_ask(w.m, rooms, COUNT_OF(rooms), on_people, &w.told));
    answer(&w.hs, "members !a:hs", OK, "{\"joined\":{\"@a:hs\":{}}}");
    CHECK_INT(1, w.told.times);
    answer(&w.hs, "members !c:hs", ERR_TIMEOUT, NULL);
    CHECK_INT(2, w.told.times);
    CHECK_STR("!a:hs known @a:hs; !b:hs known @a:else @b:hs @z:else; !c:hs; !a:hs known @a:hs",
        w.told.text);
    CHECK_INT(3, w.hs.sent);
    world_finish(&w);
}

TEST(matrix_membership, asks_once_for_all_who_wait) {
    struct world w;
    struct told other = { .times = 0 };
    CHECK_ERR(OK, world_init(&w, true));
    CHECK_ERR(OK, ask_one(&w, "!r:hs"));
    const char *room = "!r:hs";
    CHECK_ERR(OK, mx_membership_ask(w.m, &room, 1, on_people, &other));
    answer(&w.hs, "members !r:hs", OK, TWO);
    answer(&w.hs, RULE, OK, "{}");
    CHECK_INT(1, w.told.times);
    CHECK_INT(1, other.times);
    CHECK_INT(2, w.hs.sent);
    world_finish(&w);
}

TEST(matrix_membership, forgets_what_is_kept) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, true));
    fill(&w);
    mx_membership_forget(w.m, "!other:hs");
    mx_membership_forget(w.m, "!r:hs");
    CHECK_ERR(OK, ask_one(&w, "!r:hs"));
    answer(&w.hs, "members !r:hs", OK, "{\"joined\":{\"@n:else\":{}}}");
    CHECK_STR("!r:hs known @n:else", w.told.text);
    world_finish(&w);
}

TEST(matrix_membership, forgets_what_is_under_way) {
    struct world w;
    struct told later = { .times = 0 };
    CHECK_ERR(OK, world_init(&w, false));
    CHECK_ERR(OK, ask_one(&w, "!r:hs"));
    mx_membership_forget(w.m, "!r:hs");
    const char *room = "!r:hs";
    CHECK_ERR(OK, mx_membership_ask(w.m, &room, 1, on_people, &later));
    answer(&w.hs, "members !r:hs", OK, TWO);
    CHECK_STR("!r:hs known @a:else @b:hs @z:else", w.told.text);
    CHECK_INT(0, later.times);
    answer(&w.hs, "members !r:hs", OK, "{\"joined\":{\"@n:hs\":{}}}");
    CHECK_STR("!r:hs known @n:hs", later.text);
    /* And what is kept is the later one. */
    CHECK_ERR(OK, ask_one(&w, "!r:hs"));
    uv_run(&w.loop, UV_RUN_DEFAULT);
    CHECK_STR("!r:hs known @n:hs", w.told.text);
    world_finish(&w);
}

TEST(matrix_membership, lets_an_asker_go) {
    struct world w;
    struct told other = { 0 };
    const char *room = "!r:hs";
    CHECK_ERR(OK, world_init(&w, false));
    CHECK_ERR(OK, ask_one(&w, room));
    CHECK_ERR(OK, mx_membership_ask(w.m, &room, 1, on_people, &other));
    mx_membership_leave(w.m, &w.told);
    mx_membership_leave(w.m, NULL);
    answer(&w.hs, "members !r:hs", OK, TWO);
    CHECK_INT(0, w.told.times);
    CHECK_INT(1, other.times);
    mx_membership_leave(w.m, &other);
    world_finish(&w);
}

TEST(matrix_membership, answers_unknown_within_two_seconds) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, false));
    int64_t begin_us = clock_mono_us();
    CHECK_ERR(OK, ask_one(&w, "!r:hs"));
    uv_run(&w.loop, UV_RUN_DEFAULT);
    CHECK_INT(1, w.told.times);
    CHECK_STR("!r:hs", w.told.text);
    CHECK(clock_mono_us() - begin_us < 20 * SEC_US);
    /* The answer that comes at last fills the cache. */
    answer(&w.hs, "members !r:hs", OK, TWO);
    CHECK_INT(1, w.told.times);
    CHECK_ERR(OK, ask_one(&w, "!r:hs"));
    uv_run(&w.loop, UV_RUN_DEFAULT);
    CHECK_STR("!r:hs known @a:else @b:hs @z:else", w.told.text);
    world_finish(&w);
}

TEST(matrix_membership, cuts_large_rooms) {
    struct world w;
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    buf_puts(&b, "{\"joined\":{");
    for (int i = 0; i < MX_MEMBERSHIP_MAX + 500; i++) {
        buf_printf(&b, "%s\"@%d:else\":{}", i > 0 ? "," : "", i);
    }
    buf_puts(&b, "}}");
    CHECK_ERR(OK, world_init(&w, true));
    CHECK_ERR(OK, ask_one(&w, "!r:hs"));
    answer(&w.hs, "members !r:hs", OK, buf_str(&b));
    CHECK_INT(MX_MEMBERSHIP_MAX, w.told.first_n);
    world_finish(&w);
}

TEST(matrix_membership, throws_out_the_least_used) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, false));
    for (int i = 0; i < 10001; i++) {
        char room[32];
        char want[48];
        snprintf(room, sizeof room, "!r%d:hs", i);
        snprintf(want, sizeof want, "members %s", room);
        CHECK_ERR(OK, ask_one(&w, room));
        answer(&w.hs, want, OK, "{\"joined\":{}}");
        if (i == 5000) {
            CHECK_ERR(OK, ask_one(&w, "!r0:hs")); /* in use again */
        }
    }
    size_t sent = w.hs.sent;
    CHECK_ERR(OK, ask_one(&w, "!r0:hs"));
    CHECK_ERR(OK, ask_one(&w, "!r2:hs"));
    CHECK_INT(sent, w.hs.sent);
    CHECK_ERR(OK, ask_one(&w, "!r1:hs"));
    CHECK_INT(sent + 1, w.hs.sent);
    world_finish(&w);
}

TEST(matrix_membership, bounds_what_is_under_way) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, false));
    for (int i = 0; i < 201; i++) {
        char room[32];
        snprintf(room, sizeof room, "!r%d:hs", i);
        CHECK_ERR(OK, ask_one(&w, room));
    }
    CHECK_INT(200, w.hs.sent);
    uv_run(&w.loop, UV_RUN_NOWAIT);
    CHECK_INT(1, w.told.times);
    CHECK_STR("!r200:hs", w.told.text);
    world_finish(&w);
}

TEST_ALLOC(matrix_membership, survives_no_memory) {
    struct world w;
    enum err e = world_init(&w, true);
    const char *rooms[] = { "!r:hs", "!q:hs" };
    if (e == OK) {
        e = mx_membership_ask(w.m, rooms, COUNT_OF(rooms), on_people, &w.told);
    }
    if (e == OK) {
        while (w.hs.n > 0) {
            answer(&w.hs, w.hs.open[0].text, OK,
                strncmp(w.hs.open[0].text, "rules", 5) == 0 ? "{\"join_rule\":\"public\"}" : TWO);
        }
        uv_run(&w.loop, UV_RUN_DEFAULT);
        CHECK_INT(1, w.told.times);
    }
    world_finish(&w);
    return e;
}
