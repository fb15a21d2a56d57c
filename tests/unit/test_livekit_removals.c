/* Who is taken out of the SFU: written down, barred, removed, told to the audit; and what an
 * earlier process or another node left. */
#include "livekit/removals.h"

#include "calls/work.h"
#include "core/clock.h"
#include "core/mem.h"
#include "livekit/participants.h"
#include "livekit/rooms.h"
#include "livekit/witness.h"
#include "store/removals.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

/* --- the world: it answers when the test says --- */

static struct {
    char seen[512]; /* "put(@a:x) bar(@a:x D) remove(@a:x:D) drop(@a:x)" */
    store_removals_done *put;
    void *put_arg;
    store_removals_found *taken;
    void *taken_arg;
    lk_participants_found *barred;
    void *bar_arg;
    lk_rooms_done *removed[4];
    void *removed_args[4];
    int removals;
    enum err refuse; /* what asking the database gives */
    char note[512];
    int notes;
} w;

static void see(const char *what, const char *whom, const char *more) {
    size_t n = strlen(w.seen);
    snprintf(w.seen + n, sizeof(w.seen) - n, "%s%s(%s%s%s)", n == 0 ? "" : " ", what, whom,
        more[0] == '\0' ? "" : " ", more);
}

static void saw(const char *want) {
    CHECK_STR(want, w.seen);
    w.seen[0] = '\0';
}

enum err store_removals_put(struct store *s, const struct store_removal *r, int64_t now_ms,
    store_removals_done *done, void *arg) {
    (void)s;
    CHECK(now_ms > 0);
    see("put", r->user_id, r->device_id);
    w.put = done;
    w.put_arg = arg;
    return w.refuse;
}

enum err store_removals_drop(
    struct store *s, const struct store_removal *r, store_removals_done *done, void *arg) {
    (void)s;
    see("drop", r->user_id, r->device_id);
    done(arg, w.refuse);
    return OK;
}

enum err store_removals_take(
    struct store *s, int64_t now_ms, int64_t until_ms, store_removals_found *found, void *arg) {
    (void)s;
    CHECK_INT(LK_REMOVAL_HELD_MS, until_ms - now_ms);
    w.taken = found;
    w.taken_arg = arg;
    return w.refuse;
}

enum err lk_participants_bar(struct lk_participants *p, const char *room_id, const char *user_id,
    const char *device_id, int64_t at_ms, lk_participants_found *found, void *arg) {
    (void)p;
    CHECK_STR("!r:x", room_id);
    CHECK(at_ms > 0);
    see("bar", user_id, device_id);
    w.barred = found;
    w.bar_arg = arg;
    return OK;
}

void lk_participants_forget(struct lk_participants *p, const void *arg) {
    (void)p;
    if (w.bar_arg == arg) {
        w.barred = NULL;
    }
}

enum err lk_rooms_remove(
    struct lk_rooms *r, const char *alias, const char *identity, lk_rooms_done *done, void *arg) {
    (void)r;
    CHECK_STR("alias", alias);
    see("remove", identity, "");
    w.removed[w.removals % 4] = done;
    w.removed_args[w.removals++ % 4] = arg;
    return OK;
}

void lk_rooms_forget(struct lk_rooms *r, const void *arg) {
    (void)r;
    for (int i = 0; i < 4; i++) {
        if (w.removed_args[i] == arg) {
            w.removed[i] = NULL;
        }
    }
}

void lk_witness_note(struct lk_witness *x, const struct call_input *in) {
    (void)x;
    w.notes++;
    snprintf(w.note, sizeof(w.note), "%s %s %s %s %s %s %s", call_input_name(in->type), in->room_id,
        in->sender, in->token.device_id, in->token.identity, in->token.reason,
        in->token.actor == NULL ? "-" : in->token.actor);
}

/* --- the room under test --- */

struct world {
    uv_loop_t loop;
    struct lk_removals *removals;
};

static int something; /* rooms that nobody looks into */

static enum err world_init(struct world *t) {
    memset(&w, 0, sizeof(w));
    memset(t, 0, sizeof(*t));
    uv_loop_init(&t->loop);
    const struct lk_removals_config cfg = { .participants = (struct lk_participants *)&something,
        .rooms = (struct lk_rooms *)&something,
        .witness = (struct lk_witness *)&something };
    TRY(lk_removals_create(&t->loop, &cfg, &t->removals));
    lk_removals_set_store(t->removals, (struct store *)&something);
    return OK;
}

static void taken(const struct store_removal *rows, size_t n) {
    store_removals_found *found = w.taken;
    w.taken = NULL;
    CHECK(found != NULL);
    if (found != NULL) {
        found(w.taken_arg, OK, rows, n);
    }
}

static void world_finish(struct world *t) {
    lk_removals_destroy(t->removals);
    if (w.taken != NULL) {
        taken(NULL, 0);
    }
    uv_run(&t->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&t->loop));
}

static const struct store_identity people[] = {
    { "alias", "@a:x:D", "!r:x", "m.call#ROOM", "@a:x", "D", "", "old", 1000, 0 },
    { "alias", "hash", "!r:x", "m.call#ROOM", "@a:x", "E", "m", "hashed", 1000, 0 },
};

static void barred(size_t n) {
    lk_participants_found *found = w.barred;
    w.barred = NULL;
    CHECK(found != NULL);
    if (found != NULL) {
        found(w.bar_arg, people, n);
    }
}

static void removed(int i, enum err e) {
    lk_rooms_done *done = w.removed[i];
    w.removed[i] = NULL;
    CHECK(done != NULL);
    if (done != NULL) {
        done(w.removed_args[i], e, NULL, "");
    }
}

static void leave(struct world *t, int64_t at_ms) {
    lk_removals_left(
        t->removals, &(struct call_left){ "!r:x", "@a:x", "leave", NULL, false, at_ms });
}

TEST(livekit_removals, take_out_who_left_the_room) {
    static const struct {
        const char *name, *membership;
        bool kicked;
        const char *actor, *note;
    } rows[] = {
        { "left", "leave", false, NULL, "media_removed !r:x @a:x D @a:x:D left_room -" },
        { "kicked", "leave", true, "@b:x", "media_removed !r:x @a:x D @a:x:D kicked @b:x" },
        { "banned", "ban", true, "@b:x", "media_removed !r:x @a:x D @a:x:D banned @b:x" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world t;
        CHECK_ERR(OK, world_init(&t));
        lk_removals_left(t.removals, &(struct call_left){ "!r:x", "@a:x", r->membership, r->actor,
                                         r->kicked, clock_wall_ms() });
        saw("bar(@a:x)");
        barred(1);
        saw("remove(@a:x:D)");
        CHECK_INT(0, w.notes);
        removed(0, OK);
        CHECK_STR(r->note, w.note);
        saw("drop(@a:x)");
        world_finish(&t);
    }
}

TEST(livekit_removals, are_done_when_the_last_connection_is_ended) {
    struct world t;
    CHECK_ERR(OK, world_init(&t));
    leave(&t, clock_wall_ms());
    barred(2);
    saw("bar(@a:x) remove(@a:x:D) remove(hash)");
    removed(1, OK);
    saw("");
    removed(0, ERR_NOT_FOUND);
    saw("drop(@a:x)");
    CHECK_INT(1, w.notes);
    world_finish(&t);
}

TEST(livekit_removals, are_done_where_nobody_is) {
    struct world t;
    CHECK_ERR(OK, world_init(&t));
    leave(&t, clock_wall_ms());
    barred(0);
    saw("bar(@a:x) drop(@a:x)");
    CHECK_INT(0, w.notes);
    world_finish(&t);
}

TEST(livekit_removals, pass_over_history) {
    struct world t;
    CHECK_ERR(OK, world_init(&t));
    leave(&t, clock_wall_ms() - STORE_IDENTITIES_KEPT_MS - 1000);
    saw("");
    world_finish(&t);
}

/* An admin's word counts once it is on disk, and all the same when it cannot be written. */
TEST(livekit_removals, write_an_order_down_first) {
    static const struct {
        const char *name;
        enum err asked, written;
    } rows[] = {
        { "written", OK, OK },
        { "not written", OK, ERR_DATABASE },
        { "not asked", ERR_DATABASE, OK },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world t;
        CHECK_ERR(OK, world_init(&t));
        w.refuse = r->asked;
        lk_removals_order(t.removals, &(struct store_removal){ "!r:x", "@a:x", "D",
                                          "kicked_by_admin", "admin token", clock_wall_ms() });
        if (r->asked == OK) {
            saw("put(@a:x D)");
            w.put(w.put_arg, r->written);
            saw("bar(@a:x D)");
        } else {
            saw("put(@a:x D) bar(@a:x D)");
        }
        barred(1);
        removed(0, OK);
        CHECK_STR("media_removed !r:x @a:x D @a:x:D kicked_by_admin admin token", w.note);
        world_finish(&t);
    }
}

TEST(livekit_removals, outlive_their_question) {
    struct world t;
    CHECK_ERR(OK, world_init(&t));
    lk_removals_order(t.removals, &(struct store_removal){ "!r:x", "@a:x", "", "x", NULL, 1 });
    world_finish(&t);
    w.put(w.put_arg, OK);
    saw("put(@a:x)");
}

TEST(livekit_removals, go_on_with_what_another_left) {
    struct world t;
    int64_t now_ms = clock_wall_ms();
    const struct store_removal rows[] = { { "!r:x", "@a:x", "", "kicked", "@b:x", now_ms } };
    CHECK_ERR(OK, world_init(&t));
    taken(rows, 1);
    saw("bar(@a:x)");
    barred(1);
    saw("remove(@a:x:D)");
    /* The same again while it goes on: by the homeserver, and by the database. */
    leave(&t, now_ms);
    lk_removals_set_store(t.removals, (struct store *)&something);
    taken(rows, 1);
    saw("");
    removed(0, OK);
    saw("drop(@a:x)");
    CHECK_STR("media_removed !r:x @a:x D @a:x:D kicked @b:x", w.note);
    world_finish(&t);
}

/* What is not done when the process ends stays written down. */
TEST(livekit_removals, leave_the_rest_to_others) {
    for (int steps = 0; steps < 3; steps++) {
        struct world t;
        CHECK_ERR(OK, world_init(&t));
        leave(&t, clock_wall_ms());
        if (steps > 0) {
            barred(2);
        }
        if (steps > 1) {
            removed(0, ERR_TIMEOUT);
        }
        w.seen[0] = '\0';
        world_finish(&t);
        saw("");
    }
}

TEST(livekit_removals, end_one_connection) {
    struct world t;
    CHECK_ERR(OK, world_init(&t));
    lk_removals_end(t.removals, &people[1], "left_room");
    saw("remove(hash)");
    removed(0, OK);
    saw("");
    CHECK_STR("media_removed !r:x @a:x E hash left_room -", w.note);
    world_finish(&t);
}

TEST_ALLOC(livekit_removals, survive_no_memory) {
    struct world t;
    enum err e = world_init(&t);
    if (e == OK) {
        leave(&t, clock_wall_ms());
        if (w.barred != NULL) {
            barred(1);
        }
        if (w.removed[0] != NULL) {
            removed(0, OK);
        }
        e = w.notes == 1 ? OK : err_set(ERR_NOMEM, "it was not removed");
        CHECK(e == OK || strstr(w.seen, "drop") == NULL);
    }
    world_finish(&t);
    return e;
}
