/* Who is in the SFU: names that a member must have there, lists, and taking somebody out. */
#include "livekit/occupants.h"

#include "livekit/rooms.h"
#include "livekit/witness.h"
#include "store/watches.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static struct {
    char asked[128]; /* "list alias", "remove alias identity" */
    lk_rooms_done *done;
    void *arg;
    enum err refuse;
    char note[128];
    int seen;
    enum err err;
    char list[256]; /* "identity@since " … */
} w;

enum err lk_rooms_list(struct lk_rooms *r, const char *alias, lk_rooms_done *done, void *arg) {
    (void)r;
    snprintf(w.asked, sizeof(w.asked), "list %s", alias);
    w.done = done;
    w.arg = arg;
    return w.refuse;
}

enum err lk_rooms_remove(
    struct lk_rooms *r, const char *alias, const char *identity, lk_rooms_done *done, void *arg) {
    (void)r;
    snprintf(w.asked, sizeof(w.asked), "remove %s %s", alias, identity);
    w.done = done;
    w.arg = arg;
    return w.refuse;
}

void lk_rooms_forget(struct lk_rooms *r, const void *arg) {
    (void)r;
    if (w.arg == arg) {
        w.done = NULL;
    }
}

void lk_witness_note(struct lk_witness *x, const struct call_input *in) {
    (void)x;
    snprintf(w.note, sizeof(w.note), "%s %s %s %s %s", call_input_name(in->type), in->room_id,
        in->sender, in->token.identity, in->token.reason);
}

static void on_seen(
    void *arg, enum err e, const struct call_occupant *list, size_t n, const char *text) {
    CHECK_STR("arg", arg);
    CHECK(text != NULL);
    w.seen++;
    w.err = e;
    for (size_t i = 0; i < n; i++) {
        size_t at = strlen(w.list);
        snprintf(w.list + at, sizeof(w.list) - at, "%s@%lld ", list[i].identity,
            (long long)list[i].since_ms);
    }
}

static void *arg_of(void) {
    static char arg[] = "arg";
    return arg;
}

static struct lk_occupants *make(void) {
    struct lk_occupants *o = NULL;
    memset(&w, 0, sizeof(w));
    CHECK_ERR(OK, lk_occupants_create(NULL, NULL, &o));
    return o;
}

/* The names of matrix-calls 4.3, and its vectors. */
TEST(livekit_occupants, knows_all_names_of_a_member) {
    static const struct {
        const char *name, *slot, *device, *membership;
        size_t n;
        struct call_place want[3];
    } rows[] = {
        { "the room call, an old client", "m.call#ROOM", "DEVICE123", NULL, 1,
            { { "F4oOprKFBq6JHqy2qYpq6UQQmR7hCvxkQQoUrd0+SbI", "@alice:example.com:DEVICE123" } } },
        { "by the membership as well", "m.call#ROOM", "DEVICE123", "memberABC", 3,
            { { "F4oOprKFBq6JHqy2qYpq6UQQmR7hCvxkQQoUrd0+SbI", "@alice:example.com:DEVICE123" },
                { "F4oOprKFBq6JHqy2qYpq6UQQmR7hCvxkQQoUrd0+SbI",
                    "J+T45tGruxc+HrUOqJJlyQSV33m728Cme4+vt8/SWrU" },
                { "F4oOprKFBq6JHqy2qYpq6UQQmR7hCvxkQQoUrd0+SbI",
                    "M3VnsLXrkbxIDINXO64u8PZzFyD9ZYFiQULR2dshWYs" } } },
        { "another slot: maybe in the old one", "slot1234", "DEVICE123", NULL, 2,
            { { "F4oOprKFBq6JHqy2qYpq6UQQmR7hCvxkQQoUrd0+SbI", "@alice:example.com:DEVICE123" },
                { "O8437W3+jmzMVjoIP3tNwbm+XxHQk2iKpOA7aqw3qSc",
                    "@alice:example.com:DEVICE123" } } },
        { "the slot in small letters", "m.call#room", "D", NULL, 2,
            { { "F4oOprKFBq6JHqy2qYpq6UQQmR7hCvxkQQoUrd0+SbI", "@alice:example.com:D" },
                { "2EPGhjulIGe4Sqyrrzv9fQuklBFly+CBIEYlCRUmJ5E", "@alice:example.com:D" } } },
        { "no device", "m.call#ROOM", NULL, NULL, 1,
            { { "F4oOprKFBq6JHqy2qYpq6UQQmR7hCvxkQQoUrd0+SbI", "@alice:example.com:" } } },
    };
    struct lk_occupants *o = make();
    struct call_lookout_ports ports = lk_occupants_ports(o);
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(arena_finish) struct arena a;
        arena_init(&a);
        const struct store_watch who = { .room_id = "!roomid:example.com",
            .slot = r->slot,
            .user_id = "@alice:example.com",
            .device_id = r->device,
            .membership_id = r->membership };
        struct call_place got[CALL_LOOKOUT_PLACES];
        CHECK_INT(r->n, ports.places(ports.arg, &who, &a, got));
        for (size_t i = 0; i < r->n; i++) {
            CHECK_STR(r->want[i].alias, got[i].alias);
            CHECK_STR(r->want[i].identity, got[i].identity);
        }
    }
    lk_occupants_destroy(o);
}

TEST(livekit_occupants, reads_who_is_there) {
    static const struct {
        const char *name, *json; /* NULL = none */
        enum err err;
        enum err want;
        const char *list;
    } rows[] = {
        { "empty", "{}", OK, OK, "" },
        { "one, numbers as texts",
            "{\"participants\":[{\"identity\":\"a\",\"state\":\"ACTIVE\",\"joined_at\":\"17\"}]}",
            OK, OK, "a@17000 " },
        { "milliseconds are better",
            "{\"participants\":[{\"identity\":\"a\",\"joined_at\":\"17\",\"joined_at_ms\":17123}]}",
            OK, OK, "a@17123 " },
        { "who is still joining is there, who is disconnected is not",
            "{\"participants\":[{\"identity\":\"a\",\"state\":\"JOINING\"},"
            "{\"identity\":\"b\",\"state\":\"DISCONNECTED\"},{\"state\":\"ACTIVE\"},7]}",
            OK, OK, "a@0 " },
        { "a time that is none",
            "{\"participants\":[{\"identity\":\"a\",\"joined_at\":\"9223372036854775807\"}]}", OK,
            OK, "a@0 " },
        { "no list", "{\"participants\":\"none\"}", OK, ERR_INVALID, "" },
        { "no such room", NULL, ERR_NOT_FOUND, ERR_NOT_FOUND, "" },
        { "no answer", NULL, ERR_TIMEOUT, ERR_TIMEOUT, "" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct lk_occupants *o = make();
        struct call_lookout_ports ports = lk_occupants_ports(o);
        CHECK_ERR(OK, ports.list(ports.arg, "alias", on_seen, arg_of()));
        CHECK_STR("list alias", w.asked);
        json_t *json = r->json == NULL ? NULL : json_loads(r->json, 0, NULL);
        w.done(w.arg, r->err, json, "text");
        json_decref(json);
        CHECK_INT(1, w.seen);
        CHECK_ERR(r->want, w.err);
        CHECK_STR(r->list, w.list);
        lk_occupants_destroy(o);
    }
}

TEST(livekit_occupants, forgets_who_asked) {
    struct lk_occupants *o = make();
    struct call_lookout_ports ports = lk_occupants_ports(o);
    CHECK_ERR(OK, ports.list(ports.arg, "alias", on_seen, arg_of()));
    ports.forget(ports.arg, arg_of());
    CHECK(w.done == NULL);
    CHECK_ERR(OK, ports.list(ports.arg, "alias", on_seen, arg_of()));
    lk_occupants_destroy(o);
    CHECK(w.done == NULL);
    CHECK_INT(0, w.seen);
}

TEST(livekit_occupants, takes_out_and_says_so) {
    static const struct {
        const char *name;
        enum err refuse, answer;
        const char *note;
    } rows[] = {
        { "was there", OK, OK, "media_removed !r:x @a:x @a:x:D left_call" },
        { "had gone", OK, ERR_NOT_FOUND, "" },
        { "the SFU is away: the next look decides", OK, ERR_TIMEOUT, "" },
        { "cannot be asked", ERR_LIMIT, OK, "" },
    };
    static const struct store_identity alice = { "alias", "@a:x:D", "!r:x", "m.call#ROOM", "@a:x",
        "D", "", "old", 1000, 0 };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct lk_occupants *o = make();
        struct call_lookout_ports ports = lk_occupants_ports(o);
        w.refuse = r->refuse;
        ports.remove(ports.arg, &alice, "left_call");
        CHECK_STR("remove alias @a:x:D", w.asked);
        if (r->refuse == OK) {
            w.done(w.arg, r->answer, NULL, "text");
        }
        CHECK_STR(r->note, w.note);
        lk_occupants_destroy(o);
    }
}

TEST_ALLOC(livekit_occupants, survives_lack_of_memory) {
    struct lk_occupants *o = NULL;
    CLEANUP(arena_finish) struct arena a;
    struct call_place got[CALL_LOOKOUT_PLACES];
    const struct store_watch who = { .room_id = "!r:x", .user_id = "@a:x", .membership_id = "m" };
    memset(&w, 0, sizeof(w));
    arena_init(&a);
    TRY(lk_occupants_create(NULL, NULL, &o));
    struct call_lookout_ports ports = lk_occupants_ports(o);
    size_t n = ports.places(ports.arg, &who, &a, got);
    enum err e = a.failed ? err_set(ERR_NOMEM, "out of memory") : OK;
    CHECK(n > 0 || a.failed);
    if (e == OK) {
        e = ports.list(ports.arg, "alias", on_seen, arg_of());
    }
    lk_occupants_destroy(o);
    return e;
}
