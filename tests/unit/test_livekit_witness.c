/* Notes of the token service: written together, kept while nobody can write, counted beyond that.
 */
#include "livekit/witness.h"

#include "calls/work.h"
#include "core/clock.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

/* --- calls/work, of which only the inputs are kept --- */

struct call_work {
    struct arena arena;
    size_t n;
    char kinds[LK_NOTES_A_UNIT + 2]; /* i, r, u: a letter an input */
    int64_t lost;
    call_work_done *done;
    void *arg;
};

static struct {
    uv_loop_t loop;
    struct call_work *run; /* the unit under way */
    int units;
    size_t inputs;
    int64_t lost;
    char last_user[64];
} now;

enum err call_work_create(struct calls *c, int64_t now_ms, struct call_work **ret) {
    (void)c;
    (void)now_ms;
    struct call_work *w = mem_zalloc(sizeof(*w));
    if (w == NULL) {
        return err_set(ERR_NOMEM, "no memory");
    }
    arena_init(&w->arena);
    *ret = w;
    return OK;
}

struct arena *call_work_arena(struct call_work *w) {
    return &w->arena;
}

enum err call_work_add(struct call_work *w, const struct call_input *in) {
    w->kinds[w->n++] = in->type == IN_TOKEN_ISSUED ? 'i' : in->type == IN_TOKEN_REFUSED ? 'r' : 'u';
    w->lost += in->type == IN_TOKENS_UNRECORDED ? in->token.count : 0;
    snprintf(now.last_user, sizeof(now.last_user), "%s", in->sender == NULL ? "" : in->sender);
    return OK;
}

void call_work_destroy(struct call_work *w) {
    if (w != NULL) {
        arena_finish(&w->arena);
        mem_free(w);
    }
}

void call_work_run(struct call_work *w, call_work_done *done, void *arg) {
    CHECK(now.run == NULL);
    w->done = done;
    w->arg = arg;
    now.run = w;
}

static void commit(enum err e) {
    struct call_work *w = STEAL(now.run);
    CHECK(w != NULL);
    if (w == NULL) {
        return;
    }
    now.units += e == OK;
    now.inputs += e == OK ? w->n : 0;
    now.lost += e == OK ? w->lost : 0;
    const struct call_work_report report = { .inputs = w->n };
    call_work_done *done = w->done;
    void *arg = w->arg;
    call_work_destroy(w);
    done(arg, e, &report);
}

/* --- */

static int something;
#define CALLS ((struct calls *)&something)

static struct lk_witness *open_world(void) {
    struct lk_witness *w = NULL;
    memset(&now, 0, sizeof(now));
    uv_loop_init(&now.loop);
    CHECK_ERR(OK, lk_witness_create(&now.loop, &w));
    return w;
}

static void close_world(struct lk_witness *w) {
    lk_witness_destroy(w);
    if (now.run != NULL) {
        commit(ERR_GONE);
    }
    uv_run(&now.loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&now.loop));
}

static void note(struct lk_witness *w, enum call_input_type type) {
    char user[] = "@alice:hs"; /* gone when it is written */
    const struct call_input in = { .type = type, .sender = user, .token.dialect = "old" };
    lk_witness_note(w, &in);
    memset(user, 'x', sizeof(user) - 1);
}

static void turn(void) {
    uv_run(&now.loop, UV_RUN_NOWAIT);
}

TEST(livekit_witness, writes_what_comes_together_at_once) {
    struct lk_witness *w = open_world();
    lk_witness_set_calls(w, CALLS);
    note(w, IN_TOKEN_ISSUED);
    note(w, IN_TOKEN_REFUSED);
    note(w, IN_TOKEN_ISSUED);
    CHECK(now.run == NULL);
    turn();
    CHECK_STR("iri", now.run == NULL ? "" : now.run->kinds);
    CHECK_STR("@alice:hs", now.last_user);
    note(w, IN_TOKEN_ISSUED);
    turn();
    commit(OK);
    CHECK_STR("i", now.run == NULL ? "" : now.run->kinds);
    commit(OK);
    CHECK(now.run == NULL);
    CHECK_INT(4, now.inputs);
    close_world(w);
}

TEST(livekit_witness, writes_a_hundred_at_a_time) {
    struct lk_witness *w = open_world();
    for (int i = 0; i < 2 * LK_NOTES_A_UNIT + 1; i++) {
        note(w, IN_TOKEN_ISSUED);
    }
    turn();
    CHECK(now.run == NULL);
    lk_witness_set_calls(w, CALLS);
    CHECK_INT(LK_NOTES_A_UNIT, now.run->n);
    commit(OK);
    commit(OK);
    commit(OK);
    CHECK_INT(3, now.units);
    CHECK_INT(2 * LK_NOTES_A_UNIT + 1, now.inputs);
    close_world(w);
}

TEST(livekit_witness, tries_again_with_all_of_them) {
    struct lk_witness *w = open_world();
    lk_witness_set_calls(w, CALLS);
    note(w, IN_TOKEN_ISSUED);
    turn();
    commit(ERR_DATABASE);
    CHECK(now.run == NULL);
    note(w, IN_TOKEN_REFUSED);
    int64_t begin_us = clock_mono_us();
    while (now.run == NULL && clock_mono_us() - begin_us < 20 * SEC_US) {
        uv_run(&now.loop, UV_RUN_ONCE);
    }
    CHECK_STR("ir", now.run == NULL ? "" : now.run->kinds);
    commit(OK);
    CHECK_INT(2, now.inputs);
    close_world(w);
}

TEST(livekit_witness, counts_what_it_cannot_keep) {
    struct lk_witness *w = open_world();
    for (int i = 0; i < LK_NOTES_MAX + 7; i++) {
        note(w, IN_TOKEN_ISSUED);
    }
    lk_witness_set_calls(w, CALLS);
    CHECK_INT('u', now.run->kinds[0]);
    while (now.run != NULL) {
        commit(OK);
    }
    CHECK_INT(7, now.lost);
    CHECK_INT(LK_NOTES_MAX + 1, now.inputs);
    close_world(w);
}

TEST(livekit_witness, counts_refusals_that_come_too_fast) {
    struct lk_witness *w = open_world();
    enum { MANY = 10 * LK_REFUSALS_A_SECOND };
    for (int i = 0; i < MANY; i++) {
        note(w, IN_TOKEN_REFUSED);
    }
    note(w, IN_TOKEN_ISSUED);
    lk_witness_set_calls(w, CALLS);
    while (now.run != NULL) {
        commit(OK);
    }
    /* The second may have turned while they came. */
    CHECK(now.lost >= MANY - 5 * LK_REFUSALS_A_SECOND && now.lost <= MANY - LK_REFUSALS_A_SECOND);
    CHECK_INT(MANY, now.lost + (int64_t)now.inputs - 2);
    close_world(w);
}

TEST(livekit_witness, may_go_while_it_writes) {
    struct lk_witness *w = open_world();
    lk_witness_set_calls(w, CALLS);
    note(w, IN_TOKEN_ISSUED);
    turn();
    CHECK(now.run != NULL);
    note(w, IN_TOKEN_ISSUED);
    close_world(w);
}

TEST_ALLOC(livekit_witness, survives_no_memory) {
    struct lk_witness *w = NULL;
    memset(&now, 0, sizeof(now));
    uv_loop_init(&now.loop);
    enum err e = lk_witness_create(&now.loop, &w);
    if (e == OK) {
        note(w, IN_TOKEN_ISSUED);
        lk_witness_set_calls(w, CALLS);
        while (now.run != NULL) {
            commit(OK);
        }
        e = now.inputs == 1 && now.lost == 0 ? OK : err_set(ERR_NOMEM, "not written yet");
    }
    close_world(w);
    return e;
}
