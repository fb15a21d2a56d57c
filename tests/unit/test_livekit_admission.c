/* Who may enter: every walk from the list of members to an answer. */
#include "livekit/admission.h"

#include "livekit/rooms.h"
#include "matrix/client.h"
#include "matrix/membership.h"
#include "store/calls.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

/* What the homeserver and the database say, and how often each was asked. */
struct script {
    const char *first[3];  /* joined, at the first look; NULL first = the room is unknown */
    const char *second[3]; /* and after it was forgotten */
    bool cut;              /* the list has as many as it can */
    const char *is_joined; /* JSON, or NULL: 404 */
    const char *server_joined;
    const char *event; /* of the user's own m.room.member; NULL: event_err */
    enum err event_err;
    int live_after; /* the room is live from the n-th question on; 0 = never */
    enum err live_err;
};

static struct {
    const struct script *s;
    uv_loop_t loop;
    bool forgotten;
    int lists, users, servers, events, lives;
    char reader[64];
    uv_timer_t turn; /* answers come later */
    mx_membership_done *listed;
    void *listed_arg;
    mx_done *done;
    const char *json;
    enum err err;
    void *done_arg;
    store_calls_is_live *live;
    void *live_arg;
    /* the outcome */
    int answers;
    enum lk_refusal refusal;
    char membership[16];
} now;

static void on_turn(uv_timer_t *t);

static void soon(void) {
    uv_timer_start(&now.turn, on_turn, 0, 0);
}

static void tell_list(void) {
    static const char *many[MX_MEMBERSHIP_MAX];
    const char *const *list = now.forgotten ? now.s->second : now.s->first;
    struct mx_room_people people = { .room_id = "!r:hs", .joined = list, .known = list[0] != NULL };
    while (people.n_joined < 3 && list[people.n_joined] != NULL) {
        people.n_joined++;
    }
    if (now.s->cut) {
        for (size_t i = 0; i < MX_MEMBERSHIP_MAX; i++) {
            many[i] = list[0];
        }
        people.joined = many;
        people.n_joined = MX_MEMBERSHIP_MAX;
    }
    mx_membership_done *listed = now.listed;
    now.listed = NULL;
    listed(now.listed_arg, &people, 1);
}

static void tell_answer(void) {
    json_t *json = now.json == NULL ? NULL : json_loads(now.json, 0, NULL);
    const struct mx_answer a = { .err = now.err, .text = "", .errcode = "", .json = json };
    mx_done *done = now.done;
    now.done = NULL;
    done(now.done_arg, &a);
    json_decref(json);
}

static void tell_live(void) {
    store_calls_is_live *live = now.live;
    now.live = NULL;
    live(now.live_arg, now.s->live_err, now.s->live_after > 0 && now.lives >= now.s->live_after);
}

static void on_turn(uv_timer_t *t) {
    (void)t;
    if (now.listed != NULL) {
        tell_list();
    } else if (now.done != NULL) {
        tell_answer();
    } else if (now.live != NULL) {
        tell_live();
    }
}

enum err mx_membership_ask(struct mx_membership *m, const char *const *rooms, size_t n,
    mx_membership_done *done, void *arg) {
    (void)m;
    CHECK(n == 1 && strcmp(rooms[0], "!r:hs") == 0);
    now.lists++;
    now.listed = done;
    now.listed_arg = arg;
    soon();
    return OK;
}

void mx_membership_leave(struct mx_membership *m, const void *arg) {
    (void)m;
    if (now.listed_arg == arg) {
        now.listed = NULL;
    }
}

void mx_membership_forget(struct mx_membership *m, const char *room) {
    (void)m;
    CHECK_STR("!r:hs", room);
    now.forgotten = true;
}

static enum err ask(const char *json, enum err otherwise, mx_done *done, void *arg) {
    now.json = json;
    now.err = json == NULL ? otherwise : OK;
    now.done = done;
    now.done_arg = arg;
    soon();
    return OK;
}

enum err mx_client_user_is_joined(
    struct mx_client *c, const char *room, const char *user, mx_done *done, void *arg) {
    (void)c;
    (void)room;
    (void)user;
    now.users++;
    return ask(now.s->is_joined, ERR_NOT_FOUND, done, arg);
}

enum err mx_client_server_is_joined(
    struct mx_client *c, const char *room, const char *server, mx_done *done, void *arg) {
    (void)c;
    (void)room;
    CHECK_STR("other.org", server);
    now.servers++;
    return ask(now.s->server_joined, ERR_NOT_FOUND, done, arg);
}

enum err mx_client_room_state_event(struct mx_client *c, const char *room, const char *type,
    const char *key, const char *as_user, mx_done *done, void *arg) {
    (void)c;
    (void)room;
    (void)key;
    CHECK_STR("m.room.member", type);
    now.events++;
    snprintf(now.reader, sizeof(now.reader), "%s", as_user);
    return ask(now.s->event, now.s->event_err, done, arg);
}

void mx_client_forget(struct mx_client *c, const void *arg) {
    (void)c;
    if (now.done_arg == arg) {
        now.done = NULL;
    }
}

enum err store_calls_room_is_live(
    struct store *s, const char *room, const char *server, store_calls_is_live *told, void *arg) {
    (void)s;
    CHECK(strcmp(room, "!r:hs") == 0 && strcmp(server, "hs") == 0);
    now.lives++;
    now.live = told;
    now.live_arg = arg;
    soon();
    return OK;
}

static void on_done(void *arg, enum lk_refusal r, const char *membership) {
    (void)arg;
    now.answers++;
    now.refusal = r;
    snprintf(now.membership, sizeof(now.membership), "%s", membership == NULL ? "" : membership);
}

/* --- a world for one question --- */

static int something; /* the address of rooms that nobody looks into */
#define SOME(type) ((struct type *)&something)

static void open_world(const struct script *s) {
    memset(&now, 0, sizeof(now));
    now.s = s;
    uv_loop_init(&now.loop);
    uv_timer_init(&now.loop, &now.turn);
}

static void close_world(struct lk_admission *a) {
    lk_admission_destroy(a);
    uv_close((uv_handle_t *)&now.turn, NULL);
    uv_run(&now.loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&now.loop));
}

static struct lk_admission *make(enum rtc_membership policy, bool masquerade, bool store) {
    struct lk_admission *a = NULL;
    const struct lk_admission_config cfg = { SOME(mx_client), SOME(mx_membership), "hs", masquerade,
        policy, NULL };
    CHECK_ERR(OK, lk_admission_create(&now.loop, &cfg, &a));
    lk_admission_set_store(a, store ? SOME(store) : NULL);
    return a;
}

#define YES "{\"joined\":true}"
#define NO  "{\"joined\":false}"

static const struct {
    const char *name;
    struct script script;
    struct lk_admission_question q;
    enum rtc_membership policy;
    bool no_masquerade, store;
    enum lk_refusal want;
    const char *membership;
    int lists, users, events, lives;
} walks[] = {
    { "off", { .first = { NULL } }, { "!r:hs", "@a:hs", NULL, true, false, NULL },
        RTC_MEMBERSHIP_OFF, false, false, LK_FINE, "unchecked", 0, 0, 0, 0 },
    { "off, but strict", { .first = { "@b:hs" }, .second = { "@b:hs" } },
        { "!r:hs", "@a:hs", NULL, true, true, NULL }, RTC_MEMBERSHIP_OFF, false, false,
        LK_NOT_JOINED, "", 2, 0, 0, 0 },
    { "on the list", { .first = { "@a:hs" } }, { "!r:hs", "@a:hs", NULL, true, false, NULL },
        RTC_MEMBERSHIP_AUTO, false, true, LK_FINE, "joined", 1, 0, 0, 0 },
    { "joined a moment ago", { .first = { "@b:hs" }, .second = { "@a:hs", "@b:hs" } },
        { "!r:hs", "@a:hs", NULL, true, false, NULL }, RTC_MEMBERSHIP_AUTO, false, false, LK_FINE,
        "joined", 2, 0, 0, 0 },
    { "not on the list", { .first = { "@b:hs" }, .second = { "@b:hs" } },
        { "!r:hs", "@a:hs", NULL, true, false, NULL }, RTC_MEMBERSHIP_AUTO, false, false,
        LK_NOT_JOINED, "", 2, 0, 0, 0 },
    { "not on the list, where it is only preferred",
        { .first = { "@b:hs" }, .second = { "@b:hs" } },
        { "!r:hs", "@a:hs", NULL, true, false, NULL }, RTC_MEMBERSHIP_PREFER, false, false,
        LK_NOT_JOINED, "", 2, 0, 0, 0 },
    { "a list that was cut, asked for the one",
        { .first = { "@b:hs" }, .cut = true, .is_joined = YES },
        { "!r:hs", "@z:hs", NULL, true, false, NULL }, RTC_MEMBERSHIP_AUTO, false, false, LK_FINE,
        "joined", 1, 1, 0, 0 },
    { "a list that was cut, not in it", { .first = { "@b:hs" }, .cut = true, .is_joined = NO },
        { "!r:hs", "@z:hs", NULL, true, false, NULL }, RTC_MEMBERSHIP_AUTO, false, false,
        LK_NOT_JOINED, "", 1, 1, 0, 0 },
    { "a list that was cut, a stranger's own event",
        { .first = { "@b:hs" },
            .cut = true,
            .event = "{\"membership\":\"join\"}",
            .live_after = 1 },
        { "!r:hs", "@z:o", NULL, false, false, NULL }, RTC_MEMBERSHIP_AUTO, false, true, LK_FINE,
        "joined", 1, 1, 1, 1 },
    { "unknown room, own event says joined", { .event = "{\"membership\":\"join\"}" },
        { "!r:hs", "@a:hs", NULL, true, false, NULL }, RTC_MEMBERSHIP_AUTO, false, false, LK_FINE,
        "joined", 1, 1, 1, 0 },
    { "unknown room, own event says left", { .event = "{\"membership\":\"leave\"}" },
        { "!r:hs", "@a:hs", NULL, true, false, NULL }, RTC_MEMBERSHIP_AUTO, false, false,
        LK_NOT_JOINED, "", 1, 1, 1, 0 },
    { "unknown room, never been there", { .event_err = ERR_FORBIDDEN },
        { "!r:hs", "@a:hs", NULL, true, false, NULL }, RTC_MEMBERSHIP_AUTO, false, false,
        LK_NOT_JOINED, "", 1, 1, 1, 0 },
    { "unknown room, homeserver away", { .event_err = ERR_TIMEOUT },
        { "!r:hs", "@a:hs", NULL, true, false, NULL }, RTC_MEMBERSHIP_AUTO, false, false,
        LK_MEMBERSHIP_UNKNOWN, "", 1, 1, 1, 0 },
    { "unknown, but only preferred", { .event_err = ERR_TIMEOUT },
        { "!r:hs", "@a:hs", NULL, true, false, NULL }, RTC_MEMBERSHIP_PREFER, false, false, LK_FINE,
        "unknown", 1, 1, 1, 0 },
    { "unknown, preferred, but strict", { .event_err = ERR_TIMEOUT },
        { "!r:hs", "@a:hs", NULL, true, true, NULL }, RTC_MEMBERSHIP_PREFER, false, false,
        LK_MEMBERSHIP_UNKNOWN, "", 1, 1, 1, 0 },
    { "unknown, and no masquerading", { .event = "{\"membership\":\"join\"}" },
        { "!r:hs", "@a:hs", NULL, true, false, NULL }, RTC_MEMBERSHIP_REQUIRE, true, false,
        LK_MEMBERSHIP_UNKNOWN, "", 1, 1, 0, 0 },
    { "a stranger of an unknown room", { .live_after = 1 },
        { "!r:hs", "@z:o", NULL, false, false, NULL }, RTC_MEMBERSHIP_AUTO, false, true, LK_FINE,
        "unknown", 1, 1, 0, 1 },
    { "a stranger of an unknown room, no database", { .live_after = 1 },
        { "!r:hs", "@z:o", NULL, false, false, NULL }, RTC_MEMBERSHIP_AUTO, false, false,
        LK_MEMBERSHIP_UNKNOWN, "", 1, 1, 0, 0 },
    { "a stranger, required", { .live_after = 1 }, { "!r:hs", "@z:o", NULL, false, false, NULL },
        RTC_MEMBERSHIP_REQUIRE, false, true, LK_MEMBERSHIP_UNKNOWN, "", 1, 1, 0, 0 },
    { "a stranger in the room, no call", { .first = { "@b:hs", "@z:o" } },
        { "!r:hs", "@z:o", NULL, false, false, NULL }, RTC_MEMBERSHIP_AUTO, false, true, LK_NO_CALL,
        "", 1, 0, 0, 5 },
    { "a stranger a moment before our user", { .first = { "@b:hs", "@z:o" }, .live_after = 2 },
        { "!r:hs", "@z:o", NULL, false, false, NULL }, RTC_MEMBERSHIP_AUTO, false, true, LK_FINE,
        "joined", 1, 0, 0, 2 },
    { "a stranger in the room, database away",
        { .first = { "@b:hs", "@z:o" }, .live_err = ERR_DATABASE },
        { "!r:hs", "@z:o", NULL, false, false, NULL }, RTC_MEMBERSHIP_AUTO, false, true, LK_FINE,
        "joined", 1, 0, 0, 1 },
    { "a stranger of an unknown room, database away", { .live_err = ERR_DATABASE },
        { "!r:hs", "@z:o", NULL, false, false, NULL }, RTC_MEMBERSHIP_AUTO, false, true,
        LK_MEMBERSHIP_UNKNOWN, "", 1, 1, 0, 1 },
    { "with another server", { .first = { "@a:hs", "@z:other.org" } },
        { "!r:hs", "@a:hs", "other.org", true, true, NULL }, RTC_MEMBERSHIP_AUTO, false, false,
        LK_FINE, "joined", 1, 0, 0, 0 },
    { "without the other server", { .first = { "@a:hs" }, .second = { "@a:hs" } },
        { "!r:hs", "@a:hs", "other.org", true, true, NULL }, RTC_MEMBERSHIP_AUTO, false, false,
        LK_SERVER_NOT_JOINED, "", 2, 0, 0, 0 },
    { "the other server, asked for", { .is_joined = YES, .server_joined = YES },
        { "!r:hs", "@a:hs", "other.org", true, true, NULL }, RTC_MEMBERSHIP_AUTO, false, false,
        LK_FINE, "joined", 1, 1, 0, 0 },
    { "the other server, asked for in vain", { .is_joined = YES, .server_joined = NO },
        { "!r:hs", "@a:hs", "other.org", true, true, NULL }, RTC_MEMBERSHIP_AUTO, false, false,
        LK_SERVER_NOT_JOINED, "", 1, 1, 0, 0 },
    { "the other server, nobody knows", { .is_joined = YES },
        { "!r:hs", "@a:hs", "other.org", true, true, NULL }, RTC_MEMBERSHIP_AUTO, false, false,
        LK_MEMBERSHIP_UNKNOWN, "", 1, 1, 0, 0 },
};

TEST(livekit_admission, walks_to_an_answer) {
    FOR_ROWS (walks, r) {
        ROW(r->name);
        open_world(&r->script);
        struct lk_admission *a = make(r->policy, !r->no_masquerade, r->store);
        CHECK_ERR(OK, lk_admission_ask(a, &r->q, on_done, &now));
        CHECK_INT(0, now.answers);
        while (now.answers == 0 && uv_run(&now.loop, UV_RUN_ONCE) != 0) {
        }
        CHECK_INT(1, now.answers);
        CHECK_INT(r->want, now.refusal);
        CHECK_STR(r->membership, now.membership);
        CHECK_INT(r->lists, now.lists);
        CHECK_INT(r->users, now.users);
        CHECK_INT(r->events, now.events);
        CHECK_INT(r->lives, now.lives);
        close_world(a);
    }
}

/* --- the SFU --- */

static struct {
    const char *answer; /* NULL: it is away */
    int asked;
    lk_rooms_done *done;
    void *arg;
    uv_timer_t turn;
} sfu;

static void on_sfu_turn(uv_timer_t *t) {
    (void)t;
    json_t *json = sfu.answer == NULL ? NULL : json_loads(sfu.answer, 0, NULL);
    if (sfu.done != NULL) {
        sfu.done(sfu.arg, json == NULL ? ERR_UNREACHABLE : OK, json, "");
    }
    json_decref(json);
}

enum err lk_rooms_look(struct lk_rooms *r, const char *alias, lk_rooms_done *done, void *arg) {
    (void)r;
    CHECK_STR("alias", alias);
    sfu.asked++;
    sfu.done = done;
    sfu.arg = arg;
    uv_timer_start(&sfu.turn, on_sfu_turn, 0, 0);
    return OK;
}

void lk_rooms_forget(struct lk_rooms *r, const void *arg) {
    (void)r;
    if (sfu.arg == arg) {
        sfu.done = NULL;
    }
}

/* A stranger whose call nobody of ours is in by what the database says. */
TEST(livekit_admission, looks_for_the_call_in_the_sfu) {
    static const struct {
        const char *name;
        const char *answer;
        enum lk_refusal want;
        int asked;
    } rows[] = {
        { "it is there", "{\"rooms\":[{\"name\":\"alias\"}]}", LK_FINE, 1 },
        { "it is not", "{\"rooms\":[]}", LK_NO_CALL, 5 },
        { "nobody knows", NULL, LK_NO_CALL, 5 },
    };
    static const struct script s = { .first = { "@b:hs", "@z:o" } };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct lk_admission *a = NULL;
        open_world(&s);
        memset(&sfu, 0, sizeof(sfu));
        sfu.answer = r->answer;
        uv_timer_init(&now.loop, &sfu.turn);
        const struct lk_admission_config cfg = { SOME(mx_client), SOME(mx_membership), "hs", true,
            RTC_MEMBERSHIP_AUTO, SOME(lk_rooms) };
        CHECK_ERR(OK, lk_admission_create(&now.loop, &cfg, &a));
        lk_admission_set_store(a, SOME(store));
        const struct lk_admission_question q = { "!r:hs", "@z:o", NULL, false, false, "alias" };
        CHECK_ERR(OK, lk_admission_ask(a, &q, on_done, &now));
        while (now.answers == 0 && uv_run(&now.loop, UV_RUN_ONCE) != 0) {
        }
        CHECK_INT(r->want, now.refusal);
        CHECK_INT(r->asked, sfu.asked);
        CHECK_INT(r->asked, now.lives);
        uv_close((uv_handle_t *)&sfu.turn, NULL);
        close_world(a);
    }
}

TEST(livekit_admission, reads_a_strangers_event_as_one_who_may) {
    static const struct script s = {
        .first = { "@b:hs" }, .cut = true, .event = "{\"membership\":\"join\"}"
    };
    open_world(&s);
    struct lk_admission *a = make(RTC_MEMBERSHIP_AUTO, true, false);
    const struct lk_admission_question q = { "!r:hs", "@z:o", NULL, false, false, NULL };
    CHECK_ERR(OK, lk_admission_ask(a, &q, on_done, &now));
    while (now.answers == 0 && uv_run(&now.loop, UV_RUN_ONCE) != 0) {
    }
    CHECK_STR("@b:hs", now.reader);
    close_world(a);
}

/* Forgotten or destroyed at each of its steps, a question calls nobody and leaves nothing. */
TEST(livekit_admission, may_be_forgotten_at_any_time) {
    static const struct script s = { .first = { "@b:hs", "@z:o" } };
    for (int steps = 0; steps < 6; steps++) {
        for (int how = 0; how < 2; how++) {
            open_world(&s);
            struct lk_admission *a = make(RTC_MEMBERSHIP_AUTO, true, true);
            const struct lk_admission_question q = { "!r:hs", "@z:o", NULL, false, false, NULL };
            CHECK_ERR(OK, lk_admission_ask(a, &q, on_done, &now));
            for (int i = 0; i < steps; i++) {
                uv_run(&now.loop, UV_RUN_NOWAIT);
            }
            if (how == 0) {
                lk_admission_forget(a, &now);
            }
            lk_admission_destroy(a);
            while (now.listed != NULL || now.live != NULL) {
                uv_run(&now.loop, UV_RUN_ONCE);
            }
            CHECK_INT(0, now.answers);
            close_world(NULL);
        }
    }
}

TEST_ALLOC(livekit_admission, survives_no_memory) {
    static const struct script s = { .first = { "@a:hs" } };
    struct lk_admission *a = NULL;
    open_world(&s);
    const struct lk_admission_config cfg = { SOME(mx_client), SOME(mx_membership), "hs", true,
        RTC_MEMBERSHIP_AUTO, NULL };
    const struct lk_admission_question q = { "!r:hs", "@a:hs", NULL, true, false, NULL };
    enum err e = lk_admission_create(&now.loop, &cfg, &a);
    e = e == OK ? lk_admission_ask(a, &q, on_done, &now) : e;
    while (e == OK && now.answers == 0 && uv_run(&now.loop, UV_RUN_ONCE) != 0) {
    }
    close_world(a);
    return e;
}
