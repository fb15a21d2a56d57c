/* Who left a room is told once it is written, and not before. */
#include "calls/work.h"
#include "core/clock.h"
#include "core/mem.h"
#include "store/calls.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

/* --- a store that has seen nothing, and answers when the test says --- */

static struct {
    store_calls_opened *opened;
    store_calls_done *committed;
    void *arg;
} sand;
static char open_work; /* its address stands for a struct store_work */

enum err store_calls_open(struct store *s, struct arena *arena, const struct store_scope *scope,
    store_calls_opened *opened, void *arg) {
    (void)s;
    (void)arena;
    (void)scope;
    sand.opened = opened;
    sand.arg = arg;
    return OK;
}

enum err store_calls_open_due(struct store *s, struct arena *arena, int64_t now_ms, size_t limit,
    store_calls_opened *opened, void *arg) {
    (void)now_ms;
    (void)limit;
    return store_calls_open(s, arena, NULL, opened, arg);
}

void store_calls_commit(struct store_work *w, struct store_audit_key *key,
    const struct store_changes *changes, store_calls_done *done, void *arg) {
    (void)w;
    (void)key;
    (void)changes;
    sand.committed = done;
    sand.arg = arg;
}

void store_calls_abort(struct store_work *w) {
    (void)w;
}

enum err store_calls_look_ahead(struct store *s, store_calls_told *told, void *arg) {
    (void)s;
    (void)told;
    (void)arg;
    return OK;
}

static void answer_open(void) {
    static bool seen[16];
    const struct store_snapshot nothing = { .event_seen = seen };
    CHECK(sand.opened != NULL);
    sand.opened(sand.arg, OK, (struct store_work *)(void *)&open_work, &nothing);
}

/* --- inputs and what is told --- */

static void note_left(void *arg, const struct call_left *left) {
    char *told = arg;
    size_t n = strlen(told);
    snprintf(told + n, 256 - n, " %s %s %s %s", left->room_id, left->user_id, left->membership,
        left->actor == NULL ? "-" : left->actor);
    CHECK(left->at_ms > 0 && left->kicked == (left->actor != NULL));
}

static void note_done(void *arg, enum err e, const struct call_work_report *report) {
    (void)report;
    *(enum err *)arg = e;
}

static void add(struct call_work *w, const struct call_input *like) {
    struct call_input *in = arena_alloc(call_work_arena(w), sizeof(*in));
    *in = *like;
    in->origin_ms = in->sent_ms = in->received_ms = clock_wall_ms();
    CHECK_ERR(OK, call_work_add(w, in));
}

static void add_left(
    struct call_work *w, const char *user_id, const char *membership, bool kicked, bool ignored) {
    add(w, &(struct call_input){ .type = IN_USER_LEFT,
               .room_id = "!q",
               .event_id = user_id,
               .sender = kicked ? "@admin:hs" : user_id,
               .ignored = ignored,
               .room = { .user_id = user_id, .membership = membership, .kicked = kicked } });
}

TEST(calls_leaves, are_told_after_the_commit) {
    static const struct {
        const char *name;
        enum err commit;
        const char *told;
    } rows[] = {
        { "committed", OK, " !q @alice:hs leave - !q @bob:hs ban @admin:hs" },
        { "not committed", ERR_DATABASE, "" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        uv_loop_t loop;
        struct calls *calls = NULL;
        struct call_work *w = NULL;
        char told[256] = "";
        enum err outcome = ERR_GONE;
        const struct calls_config cfg = { .policy = {
                                              .max_duration_ms = DAY_MS, .server_name = "hs" } };
        uv_loop_init(&loop);
        CHECK_ERR(OK, calls_create(&loop, &cfg, &calls));
        calls_tell_leaves(calls, note_left, told);
        CHECK_ERR(OK, call_work_create(calls, clock_wall_ms(), &w));
        add(w, &(struct call_input){ .type = IN_MALFORMED,
                   .event_id = "$c",
                   .sender = "@alice:hs",
                   .room.problem = "or there would be nothing to write" });
        add_left(w, "@alice:hs", "leave", false, false);
        add_left(w, "@bob:hs", "ban", true, false);
        add_left(w, "@carol:hs", "leave", false, true);
        call_work_run(w, note_done, &outcome);
        for (int i = 0; i < 4; i++) {
            uv_run(&loop, UV_RUN_NOWAIT);
        }
        answer_open();
        CHECK_STR("", told);
        CHECK(sand.committed != NULL);
        sand.committed(sand.arg, r->commit);
        CHECK_INT(r->commit, outcome);
        CHECK_STR(r->told, told);
        calls_tell_leaves(calls, NULL, NULL);
        calls_destroy(calls);
        uv_run(&loop, UV_RUN_DEFAULT);
        CHECK_INT(0, uv_loop_close(&loop));
    }
}
