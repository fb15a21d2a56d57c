/* Rounds: what is due is looked up in an SFU that is a function, and what follows is written down
 * and done. The pace is the loop's. */
#include "calls/lookout.h"

#include "calls/absence.h"
#include "calls/lookout_round.h"
#include "calls/work.h"
#include "core/clock.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

/* --- the world --- */

struct call_work {
    struct arena arena;
};

static struct {
    bool started;
    /* the store */
    int claims;
    store_watches_due *due;
    void *due_arg;
    struct store_watch_found watch;
    struct store_visit_found visit;
    size_t n_watches, n_visits;
    store_watches_settled *settled;
    void *settled_arg;
    char news[128]; /* "heard room user alias", "left room user" */
    int64_t visit_at;
    store_watches_done *told;
    void *told_arg;
    /* the SFU */
    int asked; /* lists */
    char asked_for[8][32];
    call_lookout_seen *seen[8];
    void *seen_arg[8];
    enum err list_error;
    int forgotten;
    char removed[64]; /* "identity reason" */
    /* what follows */
    int stale;
    char note[128];
} w;

bool calls_started(const struct calls *c) {
    (void)c;
    return w.started;
}

enum err store_watches_claim(
    struct store *s, const struct store_lease *lease, store_watches_due *due, void *arg) {
    (void)s;
    CHECK_INT(CALL_LOOKOUT_LEASE_MS, lease->until_ms - lease->now_ms);
    w.claims++;
    w.due = due;
    w.due_arg = arg;
    return OK;
}

enum err store_watches_settle(struct store *s, const struct store_watch_found *watches,
    size_t n_watches, const struct store_visit_found *visits, size_t n_visits,
    store_watches_settled *settled, void *arg) {
    (void)s;
    w.n_watches = n_watches;
    w.n_visits = n_visits;
    if (n_watches > 0) {
        w.watch = watches[0];
    }
    if (n_visits > 0) {
        w.visit = visits[0];
    }
    w.settled = settled;
    w.settled_arg = arg;
    return OK;
}

enum err store_watches_heard(struct store *s, const struct store_identity *who, int64_t now_ms,
    int64_t visit_at, store_watches_done *done, void *arg) {
    (void)s;
    snprintf(w.news, sizeof(w.news), "heard %s %s %s", who->room_id, who->user_id, who->alias);
    w.visit_at = visit_at == 0 ? 0 : visit_at - now_ms;
    w.told = done;
    w.told_arg = arg;
    return OK;
}

enum err store_watches_left(struct store *s, const char *room_id, const char *user_id,
    int64_t visit_at, store_watches_done *done, void *arg) {
    (void)s;
    (void)visit_at;
    snprintf(w.news, sizeof(w.news), "left %s %s", room_id, user_id);
    w.told = done;
    w.told_arg = arg;
    return OK;
}

static size_t places(void *arg, const struct store_watch *x, struct arena *a,
    struct call_place ret[CALL_LOOKOUT_PLACES]) {
    (void)arg;
    (void)a;
    (void)x;
    ret[0] = (struct call_place){ "room", "computed" };
    return 1;
}

static enum err list(void *arg, const char *alias, call_lookout_seen *seen, void *seen_arg) {
    (void)arg;
    if (w.list_error != OK) {
        w.asked++;
        return err_set(w.list_error, "not now");
    }
    CHECK(w.asked < 8);
    snprintf(w.asked_for[w.asked], sizeof(w.asked_for[0]), "%s", alias);
    w.seen[w.asked] = seen;
    w.seen_arg[w.asked++] = seen_arg;
    return OK;
}

static void forget(void *arg, const void *seen_arg) {
    (void)arg;
    (void)seen_arg;
    w.forgotten++;
}

static void take_out(void *arg, const struct store_identity *who, const char *reason) {
    (void)arg;
    snprintf(w.removed, sizeof(w.removed), "%s %s", who->identity, reason);
}

enum err call_cleanup_create(const struct call_cleanup_config *cfg, struct call_cleanup **ret) {
    (void)cfg;
    *ret = NULL;
    return OK;
}

void call_cleanup_register_metrics(void) {
}

void call_cleanup_destroy(struct call_cleanup *c) {
    (void)c;
}

void call_cleanup_stale(
    struct call_cleanup *c, const struct store_watch *x, const struct call_absence *a) {
    (void)c;
    CHECK(a->stale);
    CHECK_STR("@a:x", x->user_id);
    w.stale++;
}

enum err call_work_create(struct calls *c, int64_t now_ms, struct call_work **ret) {
    (void)c;
    (void)now_ms;
    struct call_work *x = mem_zalloc(sizeof(*x));
    if (x == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    arena_init(&x->arena);
    *ret = x;
    return OK;
}

struct arena *call_work_arena(struct call_work *x) {
    return &x->arena;
}

enum err call_work_add(struct call_work *x, const struct call_input *in) {
    (void)x;
    snprintf(w.note, sizeof(w.note), "%s %s %s %s", call_input_name(in->type), in->sender,
        in->token.identity, in->token.reason);
    return OK;
}

void call_work_destroy(struct call_work *x) {
    if (x != NULL) {
        arena_finish(&x->arena);
        mem_free(x);
    }
}

void call_work_run(struct call_work *x, call_work_done *done, void *arg) {
    CHECK(done == NULL && arg == NULL);
    call_work_destroy(x);
}

/* --- rounds --- */

static struct call_lookout_config config(bool require) {
    return (struct call_lookout_config){ .require_membership = require,
        .ports = { places, list, forget, take_out, NULL } };
}

static int overs;
static enum err over_err;
static void on_over(void *arg, enum err e, bool full) {
    (void)arg;
    CHECK(!full);
    overs++;
    over_err = e;
}

/* Alice, who is in the call; since long missed in the SFU. */
static struct store_watch member(const char *at) {
    int64_t now_ms = clock_wall_ms();
    return (struct store_watch){ .session_id = "s",
        .n = 1,
        .room_id = "!r:x",
        .user_id = "@a:x",
        .places = at,
        .heard_at = now_ms - 900000,
        .due_at = now_ms,
        .absent_at = now_ms - 90000,
        .in_use = true };
}

static struct store_visit visit(void) {
    return (struct store_visit){ .who = { "room", "@b:x:D", "!r:x", "m.call#ROOM", "@b:x", "D", "",
                                     "old", 1000, 0 } };
}

static struct call_lookout_round *run_round(
    const struct call_lookout_config *cfg, const struct store_due *due) {
    struct call_lookout_round *r = NULL;
    memset(&w, 0, sizeof(w));
    overs = 0;
    CHECK_ERR(OK, call_lookout_round_run(cfg, NULL, due, on_over, NULL, &r));
    return r;
}

static void sfu_says(int i, enum err e, const struct call_occupant *all, size_t n) {
    CHECK(i < w.asked);
    w.seen[i](w.seen_arg[i], e, all, n, "text");
}

static void settled(enum err e, bool written) {
    CHECK(w.settled != NULL);
    w.settled(w.settled_arg, e, &written, &written);
}

TEST(calls_lookout, finds_a_member_under_each_of_their_names) {
    static const struct {
        const char *name, *places;
        struct call_occupant there[2]; /* in "room" */
        size_t n;
        enum err answer;
        bool stale, in;
    } rows[] = {
        { "nobody is there", NULL, { { 0 } }, 0, OK, true, false },
        { "no such room", NULL, { { 0 } }, 0, ERR_NOT_FOUND, true, false },
        { "others are", NULL, { { "zoe", 0 }, { "bob", 0 } }, 2, OK, true, false },
        { "by the name that we compute", NULL, { { "zoe", 0 }, { "computed", 0 } }, 2, OK, false,
            true },
        { "by a name that they got", "room\nx\nroom\ngiven", { { "given", 0 } }, 1, OK, false,
            true },
        { "half a name tells nothing", "room", { { "zoe", 0 } }, 1, OK, true, false },
        { "nobody can say", NULL, { { 0 } }, 0, ERR_TIMEOUT, false, false },
        { "the key is wrong", NULL, { { 0 } }, 0, ERR_UNAUTHORIZED, false, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        const struct call_lookout_config cfg = config(false);
        const struct store_watch alice = member(r->places);
        (void)run_round(&cfg, &(struct store_due){ .watches = &alice, .n_watches = 1 });
        CHECK_INT(1, w.asked);
        CHECK_STR("room", w.asked_for[0]);
        sfu_says(0, r->answer, r->there, r->n);
        CHECK_INT(1, w.n_watches);
        CHECK_INT(r->in, w.watch.seen_at != 0);
        settled(OK, true);
        CHECK_INT(r->stale, w.stale);
        CHECK_INT(1, overs);
        CHECK_ERR(OK, over_err);
    }
}

TEST(calls_lookout, asks_for_each_room_once_and_needs_all_of_them) {
    const struct call_lookout_config cfg = config(false);
    const struct store_watch alice = member("other\nx\nroom\ny\nother\nz");
    (void)run_round(&cfg, &(struct store_due){ .watches = &alice, .n_watches = 1 });
    CHECK_INT(2, w.asked);
    sfu_says(0, OK, NULL, 0);
    CHECK(w.settled == NULL);
    sfu_says(1, ERR_TIMEOUT, NULL, 0);
    settled(OK, true);
    CHECK_INT(0, w.stale);
}

TEST(calls_lookout, does_nothing_where_news_came_meanwhile) {
    const struct call_lookout_config cfg = config(true);
    const struct store_watch alice = member(NULL);
    const struct store_visit bob = visit();
    const struct call_occupant there = { "@b:x:D", 1000 };
    for (int written = 0; written < 3; written++) {
        (void)run_round(
            &cfg, &(struct store_due){
                      .watches = &alice, .n_watches = 1, .visits = &bob, .n_visits = 1 });
        sfu_says(0, OK, &there, 1);
        settled(written == 2 ? ERR_DATABASE : OK, written == 1);
        CHECK_INT(written == 1, w.stale);
        CHECK_INT(written == 1, w.removed[0] != '\0');
        CHECK_ERR(written == 2 ? ERR_DATABASE : OK, over_err);
    }
}

TEST(calls_lookout, says_who_is_in_no_call_and_ends_it_where_that_is_asked_for) {
    static const struct {
        const char *name;
        bool require;
        int64_t left_ago; /* 0 = never was in */
        const char *note, *removed;
        bool again;
    } rows[] = {
        { "tolerated", false, 0, "media_without_membership @b:x @b:x:D tolerated", "", false },
        { "not tolerated", true, 0, "media_without_membership @b:x @b:x:D removed",
            "@b:x:D no_membership", true },
        { "left the call", false, 20000, "", "@b:x:D left_call", true },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        const struct call_lookout_config cfg = config(r->require);
        struct store_visit bob = visit();
        const struct call_occupant there = { "@b:x:D", 1000 };
        bob.left_at = r->left_ago == 0 ? 0 : clock_wall_ms() - r->left_ago;
        (void)run_round(&cfg, &(struct store_due){ .visits = &bob, .n_visits = 1 });
        sfu_says(0, OK, &there, 1);
        CHECK_INT(r->again, w.visit.look_at != 0);
        settled(OK, true);
        CHECK_STR(r->note, w.note);
        CHECK_STR(r->removed, w.removed);
    }
}

TEST(calls_lookout, stops_asking_an_sfu_that_is_away) {
    const struct call_lookout_config cfg = config(false);
    const struct store_watch alice = member("a\n1\nb\n1\nc\n1\nd\n1\ne\n1\nf\n1");
    struct call_lookout_round *r = NULL;
    memset(&w, 0, sizeof(w));
    w.list_error = ERR_LIMIT;
    const struct store_due due = { .watches = &alice, .n_watches = 1 };
    CHECK_ERR(OK, call_lookout_round_run(&cfg, NULL, &due, on_over, NULL, &r));
    CHECK_INT(CALL_LOOKOUT_FAILURES, w.asked);
    settled(OK, true);
    CHECK_INT(0, w.stale);
}

TEST(calls_lookout, a_round_may_end_at_any_time) {
    const struct call_lookout_config cfg = config(false);
    const struct store_watch alice = member(NULL);
    const struct store_due due = { .watches = &alice, .n_watches = 1 };
    call_lookout_round_destroy(run_round(&cfg, &due));
    CHECK_INT(1, w.forgotten);
    struct call_lookout_round *r = run_round(&cfg, &due);
    sfu_says(0, OK, NULL, 0);
    call_lookout_round_destroy(r);
    settled(OK, true);
    CHECK_INT(0, w.stale);
    CHECK_INT(0, overs);
}

/* --- the clock, and news --- */

static void turn(uv_loop_t *loop) {
    int64_t end_us = clock_mono_us() + 20 * SEC_US;
    int claims = w.claims;
    while (w.claims == claims && clock_mono_us() < end_us) {
        uv_run(loop, UV_RUN_ONCE);
    }
    CHECK_INT(claims + 1, w.claims);
}

static void nothing_is_due(void) {
    w.due(w.due_arg, OK, &(struct store_due){ 0 });
}

TEST(calls_lookout, looks_at_once_when_the_sfu_has_told_something) {
    uv_loop_t loop;
    struct call_lookout *l = NULL;
    const struct call_lookout_config cfg = config(false);
    const struct store_identity who = visit().who;
    memset(&w, 0, sizeof(w));
    w.started = true;
    uv_loop_init(&loop);
    CHECK_ERR(OK, call_lookout_create(&loop, &cfg, &l));
    call_lookout_heard(l, &who, true);
    CHECK_STR("heard !r:x @b:x room", w.news);
    CHECK_INT(CALL_ABSENT_MS, w.visit_at);
    call_lookout_heard(l, &who, false);
    call_lookout_left(l, "!r:x", "@c:x");
    CHECK_STR("heard !r:x @b:x room", w.news);
    w.told(w.told_arg, OK);
    CHECK_INT(0, w.visit_at);
    w.told(w.told_arg, ERR_DATABASE);
    CHECK_STR("left !r:x @c:x", w.news);
    CHECK_INT(0, w.claims);
    w.told(w.told_arg, OK);
    turn(&loop);
    nothing_is_due();
    turn(&loop); /* by its own pace */
    call_lookout_destroy(l);
    nothing_is_due();
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop));
}

TEST_ALLOC(calls_lookout, survives_lack_of_memory) {
    uv_loop_t loop;
    struct call_lookout *l = NULL;
    const struct call_lookout_config cfg = config(false);
    const struct store_watch alice = member("room\nx");
    const struct store_visit bob = visit();
    memset(&w, 0, sizeof(w));
    w.started = true;
    uv_loop_init(&loop);
    enum err e = call_lookout_create(&loop, &cfg, &l);
    if (e == OK) {
        call_lookout_heard(l, &bob.who, true);
        struct call_lookout_round *r = NULL;
        e = w.told == NULL ? err_set(ERR_NOMEM, "out of memory") : OK;
        if (e == OK) {
            w.told(w.told_arg, OK);
            const struct store_due due = { &alice, 1, &bob, 1 };
            e = call_lookout_round_run(&cfg, NULL, &due, on_over, NULL, &r);
        }
        if (e == OK) {
            call_lookout_round_destroy(r);
        }
        call_lookout_destroy(l);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop));
    return e;
}
