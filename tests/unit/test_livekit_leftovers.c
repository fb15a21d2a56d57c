/* What a killed process left in the audit: asked for once everything else is there, a page at a
 * time. */
#include "livekit/leftovers.h"

#include "calls/input.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "livekit/witness.h"
#include "store/stays.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

/* --- the world: it answers when the test says --- */

static struct {
    bool caught_up;
    int asked;
    char after[64];
    store_stays_found *found; /* NULL = nothing is asked */
    void *arg;
    enum err refuse;  /* what asking the database gives */
    const char *node; /* whose they are; NULL = "n" */
    int notes;
    char note[256]; /* the latest */
} w;

bool lk_witness_caught_up(const struct lk_witness *witness) {
    (void)witness;
    return w.caught_up;
}

void lk_witness_note(struct lk_witness *witness, const struct call_input *in) {
    const struct call_input_token *t = &in->token;
    (void)witness;
    CHECK(in->origin_ms > 0 && in->room_id == NULL);
    CHECK_STR(w.node == NULL ? "n" : w.node, t->node);
    CHECK_STR("earlier", t->run);
    snprintf(w.note, sizeof(w.note), "%s %s %s %s %s %s", call_input_name(in->type), in->event_id,
        t->alias, t->identity, t->connection, t->reason);
    w.notes++;
}

enum err store_stays_left(struct store *s, const char *node, const char *run, const char *after,
    store_stays_found *found, void *arg) {
    CHECK(s != NULL);
    CHECK_STR("n", node);
    CHECK_STR("now", run);
    w.asked++;
    snprintf(w.after, sizeof(w.after), "%s", after);
    if (w.refuse == OK) {
        w.found = found;
        w.arg = arg;
    }
    return w.refuse;
}

static void answer(enum err e, const struct store_stay *rows, size_t n) {
    store_stays_found *found = STEAL(w.found);
    CHECK(found != NULL);
    if (found != NULL) {
        found(w.arg, e, rows, n);
    }
}

/* --- with a loop of its own --- */

struct bench {
    uv_loop_t loop;
    struct lk_leftovers *l;
};

static enum err open_bench(struct bench *b) {
    const struct lk_leftovers_config cfg = { NULL, "n", "now", 1 };
    memset(&w, 0, sizeof(w));
    CHECK(uv_loop_init(&b->loop) == 0);
    return lk_leftovers_create(&b->loop, &cfg, &b->l);
}

static void close_bench(struct bench *b) {
    lk_leftovers_destroy(b->l);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&b->loop) == 0);
}

/* The clock has ticked once or twice more, or there is none any more. */
static void tick(struct bench *b) {
    uv_run(&b->loop, UV_RUN_ONCE);
}

static void until_asked(struct bench *b) {
    while (w.found == NULL && uv_loop_alive(&b->loop)) {
        tick(b);
    }
    CHECK(w.found != NULL);
}

static struct store *a_store(struct bench *b) {
    return (struct store *)(void *)b;
}

TEST(livekit_leftovers, ends_people_and_rooms_once_the_file_is_empty) {
    static const struct store_stay rows[] = {
        { "PA_1", "n", "earlier", "r", "alice", false, 1 },
        { "RM_1", "n", "earlier", "r", "alice", true, 1 },
    };
    struct bench b;
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    CHECK_ERR(OK, open_bench(&b));
    tick(&b);
    CHECK_INT(0, w.asked); /* without a database */
    lk_leftovers_set_store(b.l, a_store(&b));
    tick(&b);
    CHECK_INT(0, w.asked); /* the file may tell more */
    w.caught_up = true;
    tick(&b);
    CHECK_INT(1, w.asked);
    CHECK_STR("", w.after);
    tick(&b);
    CHECK_INT(1, w.asked); /* it has not answered */
    answer(OK, rows, 1);
    CHECK_STR("media_disconnected parley:left:PA_1 r alice PA_1 SERVER_RESTART", w.note);
    CHECK_INT(1, w.asked); /* that was all, for now */
    close_bench(&b);
    CHECK_ERR(OK, open_bench(&b));
    w.caught_up = true;
    lk_leftovers_set_store(b.l, a_store(&b));
    tick(&b);
    answer(OK, rows, 2);
    CHECK_STR("media_room_closed parley:left:RM_1 r alice RM_1 SERVER_RESTART", w.note);
    CHECK_INT(2, w.notes);
    close_bench(&b);
}

TEST(livekit_leftovers, goes_on_where_a_page_ended_and_asks_again) {
    static struct store_stay rows[STORE_STAYS_MOST];
    struct bench b;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rows[i] = (struct store_stay){ "PA_x", "n", "earlier", "r", "alice", false, 1 };
    }
    rows[COUNT_OF(rows) - 1].connection = "PA_y";
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    CHECK_ERR(OK, open_bench(&b));
    w.caught_up = true;
    w.refuse = ERR_DATABASE;
    lk_leftovers_set_store(b.l, a_store(&b));
    tick(&b);
    CHECK(w.asked > 0);
    w.refuse = OK;
    until_asked(&b);
    answer(ERR_DATABASE, NULL, 0);
    until_asked(&b);
    CHECK_STR("", w.after);
    answer(OK, rows, COUNT_OF(rows));
    until_asked(&b);
    CHECK_STR("PA_y", w.after);
    answer(OK, rows, 0);
    CHECK_INT(STORE_STAYS_MOST, w.notes);
    close_bench(&b);
}

/* One that has just stopped is still writing how its rooms end. */
TEST(livekit_leftovers, ends_what_a_forgotten_node_has_left_at_the_next_look) {
    static const struct store_stay row = { "PA_1", "gone", "earlier", "r", "alice", false, 1 };
    struct bench b;
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    CHECK_ERR(OK, open_bench(&b));
    w.caught_up = true;
    w.node = "gone";
    lk_leftovers_set_store(b.l, a_store(&b));
    until_asked(&b);
    answer(OK, &row, 1);
    CHECK_INT(0, w.notes);
    ROW("it has written it");
    until_asked(&b);
    CHECK_STR("", w.after);
    answer(OK, NULL, 0);
    ROW("the look before the last does not count");
    until_asked(&b);
    answer(OK, &row, 1);
    CHECK_INT(0, w.notes);
    ROW("it is still there");
    until_asked(&b);
    answer(OK, &row, 1);
    CHECK_INT(1, w.notes);
    CHECK_STR("media_disconnected parley:left:PA_1 r alice PA_1 SERVER_RESTART", w.note);
    close_bench(&b);
}

TEST(livekit_leftovers, may_go_while_it_asks) {
    static const struct store_stay row = { "PA_1", "n", "earlier", "r", "alice", false, 1 };
    struct bench b;
    CHECK_ERR(OK, open_bench(&b));
    w.caught_up = true;
    lk_leftovers_set_store(b.l, a_store(&b));
    tick(&b);
    lk_leftovers_set_store(b.l, NULL);
    close_bench(&b);
    answer(OK, &row, 1);
    CHECK_INT(0, w.notes);
}

TEST_ALLOC(livekit_leftovers, survives_no_memory) {
    struct bench b = { 0 };
    enum err e = open_bench(&b);
    close_bench(&b);
    return e;
}
