/* The jobs of a node, with a database, a homeserver and an SFU that do as the test says. */
#include "calls/delegations.h"

#include "calls/delegation_job.h"
#include "core/clock.h"
#include "store/delegations.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

/* --- the database: notes what is asked, and answers when the test says --- */

struct store {
    char seen[512]; /* "put(alice waiting) remove(alice) hold" */
    enum err refuse;
    store_delegations_done *done;
    store_delegations_found *found;
    void *arg;
};

static void note_row(struct store *s, const char *what, const char *identity, const char *state) {
    size_t n = strlen(s->seen);
    snprintf(s->seen + n, sizeof(s->seen) - n, "%s%s(%s%s%s)", n == 0 ? "" : " ", what, identity,
        state[0] == '\0' ? "" : " ", state);
}

enum err store_delegations_put(struct store *s, const struct store_delegation *d,
    const struct store_holder *h, store_delegations_done *done, void *arg) {
    (void)h;
    note_row(s, "put", d->identity, d->state);
    s->done = done;
    s->arg = arg;
    return s->refuse;
}

enum err store_delegations_remove(struct store *s, const char *alias, const char *identity,
    const char *delay_id, store_delegations_done *done, void *arg) {
    (void)alias;
    (void)delay_id;
    note_row(s, "remove", identity, "");
    s->done = done;
    s->arg = arg;
    return s->refuse;
}

enum err store_delegations_hold(struct store *s, const struct store_holder *h, int all,
    store_delegations_found *found, void *arg) {
    note_row(s, "hold", h->node, all ? "all" : "");
    s->found = found;
    s->arg = arg;
    return s->refuse;
}

enum err store_delegations_take(struct store *s, const char *alias, const char *identity,
    const struct store_holder *h, store_delegations_found *found, void *arg) {
    (void)alias;
    (void)h;
    note_row(s, "take", identity, "");
    s->found = found;
    s->arg = arg;
    return s->refuse;
}

static void written(struct store *s, enum err e) {
    store_delegations_done *done = s->done;
    s->done = NULL;
    CHECK(done != NULL);
    if (done != NULL) {
        done(s->arg, e);
    }
}

static struct store_delegation row(const char *identity, const char *state) {
    int64_t now = clock_wall_ms();
    return (struct store_delegation){ "room", identity, "syd_1", 60000, "@a:x", "!r:x", state, now,
        now };
}

/* --- the rest of the world --- */

struct world {
    uv_loop_t loop;
    struct call_delegations *jobs;
    char seen[512]; /* "look(alice) restart(alice) …" */
    uint64_t ticket;
    uint64_t lists[8]; /* tickets of questions who is in a room */
    int n_lists;
    enum err refuse; /* what acting gives */
    int done;
    enum err done_with;
};

static void note(struct world *w, const char *what, const struct call_delegated *of) {
    size_t n = strlen(w->seen);
    snprintf(w->seen + n, sizeof(w->seen) - n, "%s%s(%s)", n == 0 ? "" : " ", what, of->identity);
}

static enum err act(void *arg, uint64_t ticket, enum call_delegation_action action,
    const struct call_delegated *what) {
    struct world *w = arg;
    note(w, action == CALL_DELEGATION_SEND ? "send" : "restart", what);
    w->ticket = ticket;
    return w->refuse;
}

static enum err look(void *arg, uint64_t ticket, const struct call_delegated *what) {
    struct world *w = arg;
    note(w, "look", what);
    w->ticket = ticket;
    return OK;
}

static enum err list(void *arg, uint64_t ticket, const char *alias) {
    struct world *w = arg;
    note(w, "list", &(struct call_delegated){ .identity = alias });
    w->lists[w->n_lists++ % 8] = ticket;
    return w->refuse;
}

static void done(void *arg, enum err e) {
    struct world *w = arg;
    w->done++;
    w->done_with = e;
}

static enum err world_init(struct world *w, struct store *s) {
    *w = (struct world){ .refuse = OK };
    uv_loop_init(&w->loop);
    const struct call_delegations_config cfg = { s, "one", 0, { act, look, list, w } };
    return call_delegations_create(&w->loop, &cfg, &w->jobs);
}

static void world_finish(struct world *w) {
    call_delegations_destroy(w->jobs);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&w->loop));
}

static enum err add(struct world *w, const char *identity, int64_t delay_ms) {
    const struct call_delegated what = { "room", identity, "@a:x", "!r:x", "syd_1", delay_ms };
    return call_delegations_add(w->jobs, &what, done, w);
}

static void answer(struct world *w, enum call_delegation_input in) {
    call_delegations_answer(w->jobs, w->ticket, in, 0);
}

static void tell(struct world *w, enum call_delegation_input in) {
    call_delegations_tell(w->jobs, "room", "alice", in);
}

/* Turns the loop until `want` was seen; at most 10 s. */
static void wait_seen(struct world *w, const char *want) {
    int64_t end_us = clock_mono_us() + 10 * SEC_US;
    while (strcmp(w->seen, want) != 0 && clock_mono_us() < end_us) {
        uv_run(&w->loop, UV_RUN_ONCE);
    }
    CHECK_STR(want, w->seen);
}

TEST(calls_delegations, looks_restarts_and_sends) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, NULL));
    CHECK_ERR(OK, add(&w, "alice", 60000));
    CHECK_INT(1, w.done);
    CHECK_ERR(OK, w.done_with);
    CHECK_INT(1, (int64_t)call_delegations_count(w.jobs));
    answer(&w, CALL_DELEGATION_FOUND);
    answer(&w, CALL_DELEGATION_DONE);
    tell(&w, CALL_DELEGATION_LEFT);
    CHECK_STR("look(alice) restart(alice) send(alice)", w.seen);
    answer(&w, CALL_DELEGATION_DONE);
    CHECK_INT(0, (int64_t)call_delegations_count(w.jobs));
    world_finish(&w);
}

TEST(calls_delegations, restarts_in_time) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, NULL));
    CHECK_ERR(OK, add(&w, "alice", 100));
    answer(&w, CALL_DELEGATION_FOUND);
    answer(&w, CALL_DELEGATION_DONE);
    wait_seen(&w, "look(alice) restart(alice) restart(alice)");
    world_finish(&w);
}

TEST(calls_delegations, drops_answers_that_were_overtaken) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, NULL));
    CHECK_ERR(OK, add(&w, "alice", 60000));
    answer(&w, CALL_DELEGATION_FOUND);
    uint64_t restart = w.ticket;
    tell(&w, CALL_DELEGATION_LEFT);
    call_delegations_answer(w.jobs, restart, CALL_DELEGATION_DONE, 0);
    CHECK_INT(1, (int64_t)call_delegations_count(w.jobs)); /* the leave is not sent yet */
    answer(&w, CALL_DELEGATION_GONE);
    CHECK_INT(0, (int64_t)call_delegations_count(w.jobs));
    world_finish(&w);
}

TEST(calls_delegations, lets_a_newer_one_take_the_place) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, NULL));
    CHECK_ERR(OK, add(&w, "alice", 60000));
    uint64_t first = w.ticket;
    CHECK_ERR(OK, add(&w, "alice", 60000));
    CHECK_INT(1, (int64_t)call_delegations_count(w.jobs));
    call_delegations_answer(w.jobs, first, CALL_DELEGATION_FOUND, 0);
    CHECK_STR("look(alice) look(alice)", w.seen); /* nothing came of the first */
    world_finish(&w);
}

TEST(calls_delegations, tries_again_what_could_not_begin) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, NULL));
    CHECK_ERR(OK, add(&w, "alice", 60000));
    answer(&w, CALL_DELEGATION_FOUND);
    w.refuse = ERR_UNREACHABLE;
    tell(&w, CALL_DELEGATION_LEFT);
    wait_seen(&w, "look(alice) restart(alice) send(alice) send(alice)");
    world_finish(&w);
}

TEST(calls_delegations, has_limits) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, NULL));
    for (int i = 0; i < CALL_DELEGATIONS_USER_MOST; i++) {
        char identity[16];
        snprintf(identity, sizeof(identity), "device%d", i);
        CHECK_ERR(OK, add(&w, identity, 60000));
    }
    CHECK_ERR(ERR_LIMIT, add(&w, "one more", 60000));
    char longest[2048];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    const struct call_delegated what = { "room", longest, "@b:x", "!r:x", "syd_1", 1 };
    CHECK_ERR(ERR_TOO_LARGE, call_delegations_add(w.jobs, &what, done, &w));
    CHECK_INT(CALL_DELEGATIONS_USER_MOST, w.done);
    world_finish(&w);
}

TEST(calls_delegations, are_kept_before_the_client_is_told) {
    struct world w;
    struct store s = { .refuse = OK };
    CHECK_ERR(OK, world_init(&w, &s));
    CHECK_ERR(OK, add(&w, "alice", 60000));
    CHECK_INT(0, w.done);
    CHECK_STR("", w.seen);
    written(&s, OK);
    CHECK_INT(1, w.done);
    CHECK_STR("look(alice)", w.seen);
    CHECK_ERR(OK, add(&w, "bob", 60000));
    written(&s, ERR_DATABASE);
    CHECK_INT(2, w.done);
    CHECK_ERR(ERR_DATABASE, w.done_with);
    CHECK_INT(1, (int64_t)call_delegations_count(w.jobs));
    world_finish(&w);
}

TEST(calls_delegations, write_one_change_after_another) {
    struct world w;
    struct store s = { .refuse = OK };
    CHECK_ERR(OK, world_init(&w, &s));
    CHECK_ERR(OK, add(&w, "alice", 60000));
    written(&s, OK);
    s.seen[0] = '\0';
    s.done = NULL;
    answer(&w, CALL_DELEGATION_FOUND);
    tell(&w, CALL_DELEGATION_LEFT);
    answer(&w, CALL_DELEGATION_DONE); /* over, while the first write is under way */
    CHECK_STR("put(alice connected)", s.seen);
    written(&s, OK);
    CHECK_STR("put(alice connected) remove(alice)", s.seen);
    written(&s, OK);
    world_finish(&w);
}

TEST(calls_delegations, go_on_where_an_earlier_process_was) {
    struct world w;
    struct store s = { .refuse = OK };
    CHECK_ERR(OK, world_init(&w, &s));
    call_delegations_start(w.jobs);
    int64_t end_us = clock_mono_us() + 10 * SEC_US;
    while (s.found == NULL && clock_mono_us() < end_us) {
        uv_run(&w.loop, UV_RUN_NOWAIT);
    }
    CHECK_STR("hold(one all)", s.seen);
    const struct store_delegation rows[] = { row("alice", "connected"),
        row("bob", "disconnected") };
    s.found(s.arg, OK, rows, 2, 2);
    CHECK_STR("restart(alice) send(bob)", w.seen);
    CHECK_INT(2, (int64_t)call_delegations_count(w.jobs));
    call_delegations_destroy(w.jobs);
    w.jobs = NULL;
    written(&s, OK); /* of alice, who waits now */
    world_finish(&w);
}

TEST(calls_delegations, are_taken_from_another_node_by_what_the_sfu_says) {
    struct world w;
    struct store s = { .refuse = OK };
    CHECK_ERR(OK, world_init(&w, &s));
    tell(&w, CALL_DELEGATION_LEFT);
    CHECK_STR("take(alice)", s.seen);
    const struct store_delegation rows[] = { row("alice", "connected") };
    s.found(s.arg, OK, rows, 1, 1);
    CHECK_STR("restart(alice) send(alice)", w.seen);
    answer(&w, CALL_DELEGATION_GONE);
    written(&s, OK);
    written(&s, OK);
    CHECK_STR("take(alice) put(alice departing) remove(alice)", s.seen);
    world_finish(&w);
}

/* --- looking for them in the SFU --- */

static enum err add_in(struct world *w, const char *alias, const char *identity) {
    const struct call_delegated what = { alias, identity, "@a:x", "!r:x", "syd_1", 600000 };
    return call_delegations_add(w->jobs, &what, done, w);
}

/* Some are in the SFU already, and as time goes by all are due. */
static void walk(struct world *w) {
    w->seen[0] = '\0';
    w->jobs->round.ticked_us -= 60 * SEC_US;
    call_delegation_round_walk(w->jobs);
}

static void listed(struct world *w, int i, const char *who) {
    const struct call_delegations_people people = { &who, who != NULL };
    call_delegations_listed(w->jobs, w->lists[i], &people);
}

static enum call_delegation_state state(struct world *w, const char *alias, const char *identity) {
    return call_delegations_find(w->jobs, alias, identity)->machine.state;
}

TEST(calls_delegations, are_looked_for_room_by_room) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, NULL));
    w.jobs->check_every_us = 30 * SEC_US;
    CHECK_ERR(OK, add_in(&w, "q", "alice"));
    answer(&w, CALL_DELEGATION_FOUND);
    answer(&w, CALL_DELEGATION_DONE);
    CHECK_ERR(OK, add_in(&w, "p", "bob"));
    CHECK_ERR(OK, add_in(&w, "q", "carol"));
    walk(&w);
    CHECK_STR("list(p) list(q)", w.seen);
    walk(&w);
    CHECK_STR("", w.seen); /* one walk at a time */
    listed(&w, 1, "carol");
    listed(&w, 0, NULL);
    CHECK_STR("restart(carol)", w.seen);
    CHECK_INT(CALL_DELEGATION_DEPARTING, state(&w, "q", "alice"));
    CHECK_INT(CALL_DELEGATION_CONNECTED, state(&w, "q", "carol"));
    CHECK_INT(CALL_DELEGATION_WAITING, state(&w, "p", "bob"));
    walk(&w);
    CHECK_STR("list(p) list(q)", w.seen);
    listed(&w, 3, "alice");
    CHECK_INT(CALL_DELEGATION_CONNECTED, state(&w, "q", "alice"));
    world_finish(&w);
}

TEST(calls_delegations, are_looked_for_a_few_rooms_at_a_time) {
    static const char *const rooms[] = { "a", "b", "c", "d", "e", "f" };
    struct world w;
    CHECK_ERR(OK, world_init(&w, NULL));
    for (int i = 0; i < 6; i++) {
        CHECK_ERR(OK, add_in(&w, rooms[i], "alice"));
    }
    walk(&w);
    CHECK_STR("list(a) list(b) list(c) list(d)", w.seen);
    call_delegations_listed(w.jobs, w.lists[2], NULL); /* nobody knows */
    CHECK_STR("list(a) list(b) list(c) list(d) list(e)", w.seen);
    CHECK_INT(CALL_DELEGATION_WAITING, state(&w, "c", "alice"));
    call_delegations_listed(w.jobs, w.lists[2], NULL); /* again: it is not asked any more */
    listed(&w, 0, NULL);
    CHECK_STR("list(a) list(b) list(c) list(d) list(e) list(f)", w.seen);
    world_finish(&w);
}

TEST(calls_delegations, are_asked_for_again_after_the_sfu_was_away) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, NULL));
    CHECK_ERR(OK, add_in(&w, "a", "alice"));
    w.refuse = ERR_LIMIT;
    walk(&w);
    CHECK_STR("list(a)", w.seen);
    w.refuse = OK;
    walk(&w);
    CHECK_STR("list(a)", w.seen);
    world_finish(&w);
}

/* Who was heard of meanwhile is not the one whom the answer does not list. */
TEST(calls_delegations, believe_news_over_an_older_question) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, NULL));
    w.jobs->check_every_us = 30 * SEC_US;
    CHECK_ERR(OK, add_in(&w, "room", "alice"));
    answer(&w, CALL_DELEGATION_FOUND);
    walk(&w);
    uv_sleep(2);
    tell(&w, CALL_DELEGATION_FOUND);
    listed(&w, 0, NULL);
    CHECK_INT(CALL_DELEGATION_CONNECTED, state(&w, "room", "alice"));
    world_finish(&w);
}

TEST(calls_delegations, who_are_in_the_sfu_are_left_to_webhooks_where_wanted) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, NULL));
    CHECK_ERR(OK, add_in(&w, "a", "alice"));
    answer(&w, CALL_DELEGATION_FOUND);
    CHECK_ERR(OK, add_in(&w, "b", "bob"));
    walk(&w);
    CHECK_STR("list(b)", w.seen);
    world_finish(&w);
}

/* Known to have been there, missing after a restart: gone after the grace, not after an hour. */
TEST(calls_delegations, know_who_was_seen_before_the_restart) {
    struct world w;
    struct store s = { .refuse = OK };
    CHECK_ERR(OK, world_init(&w, &s));
    call_delegations_start(w.jobs);
    int64_t end_us = clock_mono_us() + 10 * SEC_US;
    while (s.found == NULL && clock_mono_us() < end_us) {
        uv_run(&w.loop, UV_RUN_NOWAIT);
    }
    const struct store_delegation rows[] = { row("alice", "connected"), row("bob", "waiting") };
    s.found(s.arg, OK, rows, 2, 2);
    CHECK_STR("hold(one all) put(alice departing)", s.seen);
    walk(&w);
    CHECK_STR("list(room)", w.seen);
    uv_sleep(2);
    listed(&w, 0, NULL);
    CHECK_INT(CALL_DELEGATION_DEPARTING, state(&w, "room", "alice"));
    CHECK_INT(CALL_DELEGATION_WAITING, state(&w, "room", "bob"));
    written(&s, OK);
    world_finish(&w);
    if (s.done != NULL) {
        written(&s, OK);
    }
}

TEST_ALLOC(calls_delegations, survive_no_memory_in_a_walk) {
    struct world w;
    enum err e = world_init(&w, NULL);
    if (e == OK) {
        e = add_in(&w, "a", "alice");
        e = e == OK ? w.done_with : e;
    }
    if (e == OK) {
        walk(&w);
        if (w.n_lists == 0) {
            e = err_set(ERR_NOMEM, "nobody was asked");
        } else {
            listed(&w, 0, "alice");
            e = state(&w, "a", "alice") == CALL_DELEGATION_CONNECTED
                    ? OK
                    : err_set(ERR_NOMEM, "nobody was found");
        }
    }
    world_finish(&w);
    return e;
}

TEST_ALLOC(calls_delegations, survive_no_memory) {
    struct world w;
    enum err e = world_init(&w, NULL);
    if (e == OK) {
        e = add(&w, "alice", 60000);
        e = e == OK ? w.done_with : e;
        answer(&w, CALL_DELEGATION_FOUND);
    }
    world_finish(&w);
    return e;
}
