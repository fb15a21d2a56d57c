/* Reconciling against a homeserver, a database and a domain that only note what is asked of them.
 */
#include "appservice/reconcile.h"

#include "appservice/observer.h"
#include "calls/work.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "matrix/client.h"
#include "store/calls.h"
#include "tests/unit/reconcile_world.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- one room --- */

#define EVENT(type, key, sender, content)                                                          \
    "{\"type\":\"" type "\",\"state_key\":\"" key "\",\"sender\":\"" sender                        \
    "\",\"event_id\":\"$" key "\",\"origin_server_ts\":1700000000000,\"content\":" content "}"
#define MEMBER_TYPE "org.matrix.msc3401.call.member"
#define JOINED(expires)                                                                            \
    "{\"application\":\"m.call\",\"call_id\":\"\",\"device_id\":\"D\",\"created_ts\":"             \
    "99999999999999,\"expires\":" expires "}"
#define ANNA   EVENT(MEMBER_TYPE, "_@anna:hs_D_m.call", "@anna:hs", JOINED("14400000"))
#define PEOPLE "{\"joined\":{\"@anna:hs\":{},\"@bob:else\":{}}}"

TEST(appservice_reconcile, reads_a_room) {
    static const struct {
        const char *name;
        const char *state;
        const char *want;
    } rows[] = {
        { "nothing", "[]", "all:; !r:hs: known @anna:hs @bob:else" },
        { "a member", "[" ANNA "]",
            "member _@anna:hs_D_m.call; all: _@anna:hs_D_m.call; !r:hs: known @anna:hs @bob:else" },
        { "two, sorted",
            "[" EVENT(MEMBER_TYPE, "_@bob:else_E_m.call", "@bob:else", JOINED("1000")) "," ANNA "]",
            "member _@bob:else_E_m.call; member _@anna:hs_D_m.call; all: _@anna:hs_D_m.call "
            "_@bob:else_E_m.call; "
            "!r:hs: known @anna:hs @bob:else" },
        { "one who left the room",
            "[" EVENT(MEMBER_TYPE, "_@gone:hs_D_m.call", "@gone:hs", JOINED("1000")) "]",
            "all:; !r:hs: known @anna:hs @bob:else" },
        { "one that is over",
            "[" EVENT(MEMBER_TYPE, "_@anna:hs_D_m.call", "@anna:hs", JOINED("0")) "]",
            "all: _@anna:hs_D_m.call; !r:hs: known @anna:hs @bob:else" },
        { "one who left the call",
            "[" EVENT(MEMBER_TYPE, "_@anna:hs_D_m.call", "@anna:hs", "{}") "]",
            "left _@anna:hs_D_m.call; all:; !r:hs: known @anna:hs @bob:else" },
        { "one that cannot be read",
            "[" EVENT(MEMBER_TYPE, "_@anna:hs_D_m.call", "@anna:hs", "{\"application\":1}") "]",
            "all:; !r:hs: known @anna:hs @bob:else" },
        { "a list",
            "[" EVENT("com.famedly.call.member", "@anna:hs", "@anna:hs",
                "{\"memberships\":[{\"call_id\":\"\",\"device_id\":\"D\",\"expires_ts\":"
                "99999999999999}]}") "]",
            "member @anna:hs/D; list of @anna:hs; all: @anna:hs/D; !r:hs: known @anna:hs "
            "@bob:else" },
        { "other state is none of ours",
            "[" EVENT("m.room.member", "@gone:hs", "@gone:hs",
                "{\"membership\":\"leave\"}") ",7,{\"type\":7}]",
            "all:; !r:hs: known @anna:hs @bob:else" },
        { "a public room",
            "[" EVENT("m.room.join_rules", "", "@anna:hs", "{\"join_rule\":\"public\"}") "]",
            "all:; !r:hs: known public @anna:hs @bob:else" },
    };
    FOR_ROWS (rows, row) {
        ROW(row->name);
        struct world w;
        world_settle(&w, true);
        as_reconcile_room(w.r, "!r:hs");
        answer_ok(&w.hs, "members !r:hs", PEOPLE);
        answer_ok(&w.hs, "state !r:hs as @anna:hs", row->state);
        CHECK_STR(row->want, w.calls.text);
        commit(&w.calls, OK);
        CHECK_INT(1, w.calls.units);
        CHECK_INT(0, w.hs.n);
        world_finish(&w);
    }
}

TEST(appservice_reconcile, chooses_who_reads) {
    static const struct {
        const char *name;
        bool masquerade;
        const char *people;
        const char *want; /* NULL = nobody */
    } rows[] = {
        { "a local user", true, "{\"joined\":{\"@a:else\":{},\"@x:hs\":{}}}",
            "state !r:hs as @x:hs" },
        { "the sender, when it is joined", true, "{\"joined\":{\"@_calls:hs\":{},\"@a:hs\":{}}}",
            "state !r:hs" },
        { "the sender, when it may be nobody else", false, "{\"joined\":{\"@a:hs\":{}}}",
            "state !r:hs" },
        { "nobody", true, "{\"joined\":{\"@a:else\":{}}}", NULL },
        { "nonsense", true, "{\"joined\":7}", NULL },
    };
    FOR_ROWS (rows, row) {
        ROW(row->name);
        struct world w;
        world_settle(&w, row->masquerade);
        as_reconcile_room(w.r, "!r:hs");
        answer_ok(&w.hs, "members !r:hs", row->people);
        if (row->want != NULL) {
            answer(&w.hs, row->want, ERR_FORBIDDEN, 403, "{}");
        } else if (strcmp(row->name, "nonsense") == 0) {
            answer_ok(&w.hs, "whoami", WHO);
        }
        CHECK_INT(0, w.hs.n);
        CHECK_INT(0, w.calls.units);
        world_finish(&w);
    }
}

TEST(appservice_reconcile, tries_three_readers) {
    struct world w;
    world_settle(&w, true);
    as_reconcile_room(w.r, "!r:hs");
    answer_ok(&w.hs, "members !r:hs",
        "{\"joined\":{\"@d:hs\":{},\"@c:hs\":{},\"@b:hs\":{},\"@a:hs\":{}}}");
    answer(&w.hs, "state !r:hs as @a:hs", ERR_FORBIDDEN, 403, "{}");
    answer(&w.hs, "state !r:hs as @b:hs", ERR_FORBIDDEN, 403, "{}");
    answer(&w.hs, "state !r:hs as @c:hs", ERR_FORBIDDEN, 403, "{}");
    CHECK_INT(0, w.hs.n);
    world_finish(&w);
}

TEST(appservice_reconcile, asks_once_and_again_when_asked_meanwhile) {
    struct world w;
    world_settle(&w, true);
    as_reconcile_room(w.r, "!r:hs");
    as_reconcile_room(w.r, "!r:hs");
    as_reconcile_room(w.r, "no room");
    CHECK_INT(1, w.hs.n);
    answer(&w.hs, "members !r:hs", ERR_NOT_FOUND, 404, "{}");
    answer(&w.hs, "members !r:hs", ERR_NOT_FOUND, 404, "{}");
    CHECK_INT(0, w.hs.n);
    world_finish(&w);
}

TEST(appservice_reconcile, looks_for_the_homeserver_when_a_room_got_no_answer) {
    struct world w;
    world_settle(&w, true);
    as_reconcile_room(w.r, "!r:hs");
    answer(&w.hs, "members !r:hs", ERR_UNREACHABLE, 0, "{}");
    answer(&w.hs, "whoami", ERR_UNREACHABLE, 0, "{}");
    CHECK(!as_reconcile_homeserver_up(w.r));
    as_reconcile_room(w.r, "!q:hs");
    CHECK_INT(0, w.hs.n);
    world_finish(&w);
}

TEST(appservice_reconcile, bounds_the_queue_and_runs_when_it_overflowed) {
    struct world w;
    world_settle(&w, true);
    for (int i = 0; i < 10001; i++) {
        char room[32];
        snprintf(room, sizeof room, "!r%d:hs", i);
        as_reconcile_room(w.r, room);
    }
    CHECK_INT(4, w.hs.n);
    int answers = 0;
    for (; w.hs.n > 0 && answers < 20000; answers++) {
        answer(&w.hs, w.hs.open[0].text, ERR_NOT_FOUND, 404, "{}");
        CHECK(w.hs.n <= 4);
    }
    CHECK_INT(10000, answers);
    CHECK_INT(2, w.store.asked);
    live(&w.store, OK, NULL, 0);
    answer_ok(&w.hs, "ping calls", "{}");
    world_finish(&w);
}

/* --- runs --- */

TEST(appservice_reconcile, runs_over_all_live_rooms_first) {
    struct world w;
    const char *rooms[] = { "!a:hs", "!b:hs", "!c:hs", "!d:hs", "!e:hs", "!a:hs" };
    CHECK_ERR(OK, world_init(&w, true));
    as_reconcile_start(w.r, on_first, &w);
    answer_ok(&w.hs, "versions", "{}");
    answer(&w.hs, "register _calls", ERR_FORBIDDEN, 403, "{}");
    answer_ok(&w.hs, "whoami", "{\"user_id\":\"@other:hs\"}");
    live(&w.store, OK, rooms, COUNT_OF(rooms));
    CHECK_INT(4, w.hs.n);
    answer(&w.hs, "members !a:hs", ERR_FORBIDDEN, 403, "{}");
    answer(&w.hs, "members !b:hs", ERR_FORBIDDEN, 403, "{}");
    CHECK_INT(4, w.hs.n); /* c, d, e, and a once more: it had been done */
    answer(&w.hs, "members !c:hs", ERR_FORBIDDEN, 403, "{}");
    answer(&w.hs, "members !d:hs", ERR_FORBIDDEN, 403, "{}");
    answer(&w.hs, "members !e:hs", ERR_FORBIDDEN, 403, "{}");
    CHECK_INT(0, w.first_done);
    answer(&w.hs, "members !a:hs", ERR_FORBIDDEN, 403, "{}");
    answer(&w.hs, "ping calls", ERR_UNREACHABLE, 502, "{}");
    CHECK_INT(1, w.first_done);
    CHECK_INT(1, w.store.asked);
    world_finish(&w);
}

TEST(appservice_reconcile, is_done_at_once_without_a_homeserver) {
    static const struct {
        const char *name;
        enum err err;
        int status;
    } rows[] = {
        { "no connection", ERR_UNREACHABLE, 0 },
        { "too slow", ERR_TIMEOUT, 0 },
        { "broken", ERR_UNREACHABLE, 502 },
    };
    FOR_ROWS (rows, row) {
        ROW(row->name);
        struct world w;
        CHECK_ERR(OK, world_init(&w, true));
        as_reconcile_start(w.r, on_first, &w);
        answer(&w.hs, "versions", row->err, row->status, "{}");
        CHECK_INT(1, w.first_done);
        CHECK(!as_reconcile_homeserver_up(w.r));
        CHECK_INT(0, w.store.asked);
        world_finish(&w);
    }
}

TEST(appservice_reconcile, knows_a_refusal) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, true));
    log_setup(LOG_LEVEL_ERROR + 1, LOG_FORMAT_TEXT);
    as_reconcile_start(w.r, on_first, &w);
    answer_ok(&w.hs, "versions", "{}");
    answer(&w.hs, "register _calls", ERR_UNAUTHORIZED, 401, "{}");
    answer(&w.hs, "whoami", ERR_UNAUTHORIZED, 401, "{}");
    CHECK(!as_reconcile_homeserver_up(w.r));
    CHECK_INT(1, w.first_done);
    world_finish(&w);
}

TEST(appservice_reconcile, runs_when_the_homeserver_is_back) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, true));
    as_reconcile_start(w.r, on_first, &w);
    answer(&w.hs, "versions", ERR_UNREACHABLE, 0, "{}");
    int64_t end_us = clock_mono_us() + 20 * SEC_US;
    while (w.hs.n == 0 && clock_mono_us() < end_us) {
        uv_run(&w.loop, UV_RUN_ONCE);
    }
    answer_ok(&w.hs, "versions", "{}");
    answer_ok(&w.hs, "register _calls", "{}");
    answer_ok(&w.hs, "whoami", WHO);
    live(&w.store, OK, NULL, 0);
    answer_ok(&w.hs, "ping calls", "{}");
    CHECK_INT(1, w.first_done);
    world_finish(&w);
}

TEST(appservice_reconcile, waits_for_the_database) {
    struct world w;
    CHECK_ERR(OK, world_init(&w, true));
    as_reconcile_start(w.r, on_first, &w);
    answer_ok(&w.hs, "versions", "{}");
    answer_ok(&w.hs, "register _calls", "{}");
    answer_ok(&w.hs, "whoami", WHO);
    live(&w.store, err_set(ERR_DATABASE, "away"), NULL, 0);
    CHECK_INT(0, w.first_done);
    as_reconcile_database_back(w.r);
    live(&w.store, OK, NULL, 0);
    answer_ok(&w.hs, "ping calls", "{}");
    CHECK_INT(1, w.first_done);
    as_reconcile_database_back(w.r);
    answer_ok(&w.hs, "ping calls", "{}");
    CHECK_INT(2, w.store.asked);
    world_finish(&w);
}

TEST(appservice_reconcile, one_node_runs_at_each_interval) {
    static const struct {
        const char *name;
        bool claimed;
    } rows[] = { { "this one", true }, { "another", false } };
    FOR_ROWS (rows, row) {
        ROW(row->name);
        struct world w;
        world_settle(&w, true);
        as_reconcile_set_interval(w.r, 10);
        int64_t end_us = clock_mono_us() + 10 * SEC_US;
        while (w.store.claims == 0 && clock_mono_us() < end_us) {
            uv_run(&w.loop, UV_RUN_ONCE);
        }
        as_reconcile_set_interval(w.r, 0);
        CHECK_INT(1, w.store.claims);
        w.store.claimed(w.store.arg, OK, row->claimed);
        CHECK_INT(row->claimed ? 2 : 1, w.store.asked);
        if (row->claimed) {
            live(&w.store, OK, NULL, 0);
            answer_ok(&w.hs, "ping calls", "{}");
        }
        world_finish(&w);
    }
}

/* --- going away --- */

TEST(appservice_reconcile, may_go_while_others_work) {
    struct world w;
    world_settle(&w, true);
    as_reconcile_database_back(w.r);
    as_reconcile_room(w.r, "!q:hs");
    as_reconcile_room(w.r, "!r:hs");
    answer_ok(&w.hs, "ping calls", "{}");
    as_reconcile_database_back(w.r);
    answer(&w.hs, "members !q:hs", ERR_NOT_FOUND, 404, "{}");
    answer_ok(&w.hs, "members !r:hs", PEOPLE);
    answer_ok(&w.hs, "ping calls", "{}");
    answer_ok(&w.hs, "state !r:hs as @anna:hs", "[]");
    as_reconcile_room(w.r, "!x:hs");
    world_finish(&w);
    commit(&w.calls, ERR_GONE);

    CHECK_ERR(OK, world_init(&w, true));
    as_reconcile_start(w.r, on_first, &w);
    answer_ok(&w.hs, "versions", "{}");
    answer_ok(&w.hs, "register _calls", "{}");
    answer_ok(&w.hs, "whoami", WHO);
    world_finish(&w);
    live(&w.store, ERR_DATABASE, NULL, 0);
}

TEST_ALLOC(appservice_reconcile, survives_no_memory) {
    struct world w;
    const char *room = "!r:hs";
    enum err e = world_init(&w, true);
    if (e != OK) {
        world_finish(&w);
        return e;
    }
    as_reconcile_start(w.r, on_first, &w);
    log_setup(LOG_LEVEL_ERROR + 1, LOG_FORMAT_TEXT);
    for (int turns = 0; turns < 20 && (w.hs.n > 0 || w.store.found != NULL || w.calls.work != NULL);
         turns++) {
        if (w.calls.work != NULL) {
            commit(&w.calls, OK);
        } else if (w.store.found != NULL) {
            live(&w.store, OK, &room, 1);
        } else if (strncmp(w.hs.open[0].text, "members", 7) == 0) {
            answer_ok(&w.hs, "members !r:hs", PEOPLE);
        } else if (strncmp(w.hs.open[0].text, "state", 5) == 0) {
            answer_ok(&w.hs, "state !r:hs as @anna:hs", "[" ANNA "]");
        } else {
            answer_ok(&w.hs, w.hs.open[0].text, WHO);
        }
    }
    world_finish(&w);
    return mem_failed() || w.first_done == 1 ? OK : ERR_GONE;
}
