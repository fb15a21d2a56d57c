/* A unit of work: what it asks to see, and which of its inputs are news. */
#include "calls/unit.h"

#include "core/clock.h"
#include "test.h"

#include <string.h>

#define NOW INT64_C(1700000000000)

static const struct call_policy policy = { .max_duration_ms = DAY_MS, .server_name = "hs" };

static struct call_work *make(void) {
    struct call_work *w = mem_zalloc(sizeof(*w));
    CHECK(w != NULL);
    arena_init(&w->arena);
    call_batch_init(&w->batch, &w->arena, &policy, NOW);
    return w;
}

static enum err add(struct call_work *w, enum call_input_type type, const char *event_id,
    const char *room_id, const char *call_id) {
    struct call_input *in = arena_alloc(&w->arena, sizeof(*in));
    if (in == NULL) {
        return ERR_NOMEM;
    }
    *in = (struct call_input){ .type = type,
        .room_id = room_id,
        .event_id = event_id,
        .sender = "@alice:hs",
        .origin_ms = NOW,
        .sent_ms = NOW,
        .received_ms = NOW };
    if (type <= IN_REPLACES) {
        in->legacy = (struct call_input_legacy){ .call_id = call_id, .party_id = "A" };
    }
    return call_work_add(w, in);
}

TEST(calls_unit, asks_for_each_room_key_and_event_once) {
    struct call_work *w = make();
    CHECK_ERR(OK, add(w, IN_INVITE, "$b", "!q", "c2"));
    CHECK_ERR(OK, add(w, IN_CANDIDATES, "$a", "!q", "c2"));
    CHECK_ERR(OK, add(w, IN_INVITE, "$c", "!p", "c1"));
    CHECK_ERR(OK, add(w, IN_MALFORMED, "$c", NULL, NULL));
    CHECK_ERR(OK, add(w, IN_MALFORMED, NULL, NULL, NULL));
    CHECK_ERR(OK, call_unit_look(w));
    CHECK_INT(2, w->scope.n_rooms);
    CHECK_STR("!p", w->scope.rooms[0]);
    CHECK_STR("!q", w->scope.rooms[1]);
    CHECK_INT(2, w->scope.n_legacy);
    CHECK_STR("c1", w->scope.legacy[0].call_id);
    CHECK_STR("c2", w->scope.legacy[1].call_id);
    CHECK_INT(3, w->scope.n_event_ids);
    CHECK_STR("$a", w->scope.event_ids[0]);
    CHECK_STR("$c", w->scope.event_ids[2]);
    CHECK(w->scope.txn_id == NULL);
    call_work_destroy(w);
}

TEST(calls_unit, drops_inputs_of_events_that_were_taken_before) {
    static const struct {
        const char *name;
        const char *events[5];
        bool seen[3]; /* of $a, $b, $c */
        int inputs, duplicates, new_events;
    } rows[] = {
        { "all new", { "$a", "$b", "$c" }, { 0 }, 3, 0, 3 },
        { "one seen", { "$a", "$b", "$c" }, { 0, 1, 0 }, 2, 1, 2 },
        { "inputs of one event belong together", { "$a", "$a", "$b" }, { 0 }, 3, 0, 2 },
        { "all inputs of a seen event go", { "$a", "$a", "$b" }, { 1, 0 }, 1, 2, 1 },
        { "the same event again in the same unit", { "$a", "$b", "$a", "$a" }, { 0 }, 2, 2, 2 },
    };
    FOR_ROWS (rows, row) {
        ROW(row->name);
        struct call_work *w = make();
        for (size_t i = 0; row->events[i] != NULL; i++) {
            CHECK_ERR(OK, add(w, IN_MALFORMED, row->events[i], NULL, NULL));
        }
        CHECK_ERR(OK, call_unit_look(w));
        bool seen[3];
        memcpy(seen, row->seen, sizeof(seen));
        CHECK_ERR(OK, call_unit_apply(w, &(struct store_snapshot){ .event_seen = seen }));
        CHECK_INT(row->new_events, w->changes.n_event_ids);
        CHECK_INT(row->inputs, w->report.inputs);
        CHECK_INT(row->duplicates, w->report.duplicates);
        CHECK(call_unit_writes(w));
        call_work_destroy(w);
    }
}

TEST(calls_unit, knows_the_earliest_deadline_of_what_it_changes) {
    struct call_work *w = make();
    CHECK_INT(0, call_unit_due(w));
    CHECK(!call_unit_writes(w));
    struct store_call calls[3] = { { .due_at = 900 }, { .due_at = 0 }, { .due_at = 300 } };
    struct store_changed_call changed[3] = { { .row = &calls[0] }, { .row = &calls[1] },
        { .row = &calls[2] } };
    w->changes = (struct store_changes){ .calls = changed, .n_calls = 3 };
    CHECK_INT(300, call_unit_due(w));
    CHECK(call_unit_writes(w));
    call_work_destroy(w);
}

/* --- reconciling --- */

/* Alice is believed to be where $new put her. */
static struct store_loaded_call rtc_call(struct store_participant *alice, int64_t last_event_at) {
    *alice = (struct store_participant){ .n = 1,
        .user_id = "@alice:hs",
        .party = "A",
        .role = "member",
        .generation = "state",
        .entry_key = "_@alice:hs_A_m.call",
        .event_id = "$old",
        .last_event_id = "$new",
        .last_origin_at = last_event_at - 1000,
        .joined_at = last_event_at - 9000,
        .expires_at = last_event_at + HOUR_MS };
    return (struct store_loaded_call){ .row = { .id = "0190a000-0000-7000-8000-000000000002",
                                           .kind = "rtc",
                                           .room_id = "!r",
                                           .call_id = "m.call#ROOM",
                                           .slot = "m.call#room",
                                           .state = "active",
                                           .status = "active",
                                           .rings = true,
                                           .created_at = last_event_at - 9000,
                                           .last_event_at = last_event_at,
                                           .due_at = last_event_at + HOUR_MS },
        .participants = alice,
        .n_participants = 1,
        .last_n = 1 };
}

static enum err add_state(struct call_work *w, const char *event_id, int64_t snapshot_ms) {
    static const char *const remaining[] = { "_@alice:hs_A_m.call" };
    struct call_input *in = arena_array(&w->arena, 2, sizeof(*in));
    if (in == NULL) {
        return ERR_NOMEM;
    }
    in[0] = (struct call_input){ .type = IN_MEMBER,
        .room_id = "!r",
        .event_id = event_id,
        .sender = "@alice:hs",
        .origin_ms = NOW - 5000,
        .sent_ms = NOW - 5000,
        .received_ms = NOW,
        .reconciled = true,
        .member = { .slot = "m.call#ROOM",
            .entry_key = "_@alice:hs_A_m.call",
            .state_key = "_@alice:hs_A_m.call",
            .generation = "state",
            .user_id = "@alice:hs",
            .key_user = "@alice:hs",
            .device_id = "A",
            .application = "m.call",
            .start_ms = NOW - 9000,
            .expires_at = NOW + HOUR_MS } };
    in[1] = (struct call_input){ .type = IN_MEMBER_LIST,
        .room_id = "!r",
        .origin_ms = snapshot_ms,
        .sent_ms = snapshot_ms,
        .received_ms = NOW,
        .reconciled = true,
        .member = { .remaining = remaining, .n_remaining = 1, .snapshot_ms = snapshot_ms } };
    TRY(call_work_add(w, &in[0]));
    return call_work_add(w, &in[1]);
}

TEST(calls_unit, believes_the_state_of_a_room_over_what_came_out_of_order) {
    static const struct {
        const char *name;
        const char *event_id;
        int64_t read_after_ms; /* the reading began so long after the call's latest event */
        bool known;            /* the call is loaded */
        int duplicates;
    } rows[] = {
        { "the state says what is believed", "$new", 1000, true, 1 },
        { "the state says another event", "$old", 1000, true, 0 },
        { "something happened while it was read", "$old", -1000, true, 1 },
        { "the call is long over", "$old", 1000, false, 1 },
    };
    FOR_ROWS (rows, row) {
        ROW(row->name);
        int64_t last = NOW - 2000;
        struct call_work *w = make();
        CHECK_ERR(OK, add_state(w, row->event_id, last + row->read_after_ms));
        CHECK_ERR(OK, call_unit_look(w));
        struct store_participant alice;
        struct store_loaded_call call = rtc_call(&alice, last);
        bool seen = true;
        const struct store_snapshot snapshot = {
            .event_seen = &seen, .calls = &call, .n_calls = row->known
        };
        CHECK_ERR(OK, call_unit_apply(w, &snapshot));
        CHECK_INT(row->duplicates, w->report.duplicates);
        call_work_destroy(w);
    }
}

/* What is written beside the leaves: who must be taken out of the SFU. */
TEST(calls_unit, lists_who_left) {
    static const struct {
        const char *name, *membership;
        bool kicked, ignored;
        int64_t age_ms;
        const char *reason; /* NULL = not listed */
        const char *actor;
    } rows[] = {
        { "left", "leave", false, false, 0, "left_room", NULL },
        { "kicked", "leave", true, false, 1000, "kicked", "@admin:hs" },
        { "banned", "ban", true, false, 0, "banned", "@admin:hs" },
        { "seen by nobody", "leave", false, true, 0, NULL, NULL },
        { "history", "leave", false, false, 3 * DAY_MS, NULL, NULL },
    };
    FOR_ROWS (rows, row) {
        ROW(row->name);
        struct call_work *w = make();
        struct call_input *in = arena_alloc(&w->arena, sizeof(*in));
        *in = (struct call_input){ .type = IN_USER_LEFT,
            .room_id = "!q",
            .event_id = "$a",
            .sender = row->kicked ? "@admin:hs" : "@a:hs",
            .origin_ms = NOW,
            .sent_ms = NOW - row->age_ms,
            .received_ms = NOW,
            .ignored = row->ignored,
            .room = { .user_id = "@a:hs", .membership = row->membership, .kicked = row->kicked } };
        CHECK_ERR(OK, call_work_add(w, in));
        CHECK_ERR(OK, call_unit_look(w));
        bool seen = false;
        CHECK_ERR(OK, call_unit_apply(w, &(struct store_snapshot){ .event_seen = &seen }));
        CHECK_INT(row->reason != NULL, w->changes.n_removals);
        if (row->reason != NULL && w->changes.n_removals == 1) {
            const struct store_removal *r = &w->changes.removals[0];
            CHECK_STR(row->reason, r->reason);
            CHECK_STR(row->actor == NULL ? "-" : row->actor, r->actor == NULL ? "-" : r->actor);
            CHECK_STR("!q @a:hs ",
                arena_printf(&w->arena, "%s %s %s", r->room_id, r->user_id, r->device_id));
            CHECK_INT(in->sent_ms, r->left_at);
        }
        call_work_destroy(w);
    }
}

/* Which are written beside the audit rows: who is in our SFU now, and who is not any more. */
TEST(calls_unit, lists_who_came_and_went_in_our_sfu) {
    static const struct {
        const char *name;
        enum call_input_type type;
        const char *node, *connection;
        bool seen;
        const char *stay, *over; /* NULL = none */
    } rows[] = {
        { "comes", IN_MEDIA_CONNECTED, "n", "PA_1", false, "PA_1 n run r a:D 0", NULL },
        { "a room begins", IN_MEDIA_ROOM_OPENED, "n", "RM_1", false, "RM_1 n run r a:D 1", NULL },
        { "goes", IN_MEDIA_DISCONNECTED, "n", "PA_1", false, NULL, "PA_1" },
        { "a room ends", IN_MEDIA_ROOM_CLOSED, "n", "RM_1", false, NULL, "RM_1" },
        { "told again", IN_MEDIA_CONNECTED, "n", "PA_1", true, NULL, NULL },
        { "told again, of its end", IN_MEDIA_DISCONNECTED, "n", "PA_1", true, NULL, NULL },
        { "in another SFU", IN_MEDIA_CONNECTED, NULL, "PA_1", false, NULL, NULL },
        { "gone from another", IN_MEDIA_DISCONNECTED, NULL, "PA_1", false, NULL, NULL },
        { "nobody knows who", IN_MEDIA_DISCONNECTED, "n", NULL, false, NULL, NULL },
        { "something else", IN_TRACK_MUTED, "n", "PA_1", false, NULL, NULL },
    };
    FOR_ROWS (rows, row) {
        ROW(row->name);
        struct call_work *w = make();
        struct call_input *in = arena_alloc(&w->arena, sizeof(*in));
        *in = (struct call_input){ .type = row->type,
            .event_id = "parley:1",
            .origin_ms = NOW,
            .sent_ms = NOW,
            .received_ms = NOW,
            .token = { .alias = "r",
                .identity = "a:D",
                .connection = row->connection,
                .node = row->node,
                .run = "run" } };
        CHECK_ERR(OK, call_work_add(w, in));
        CHECK_ERR(OK, call_unit_look(w));
        bool seen = row->seen;
        CHECK_ERR(OK, call_unit_apply(w, &(struct store_snapshot){ .event_seen = &seen }));
        CHECK_INT(row->stay != NULL, w->changes.n_stays);
        if (row->stay != NULL && w->changes.n_stays == 1) {
            const struct store_stay *s = &w->changes.stays[0];
            CHECK_STR(row->stay, arena_printf(&w->arena, "%s %s %s %s %s %d", s->connection,
                                     s->node, s->run, s->alias, s->identity, s->is_room));
            CHECK_INT(NOW, s->since);
        }
        CHECK_INT(row->over != NULL, w->changes.n_stays_over);
        if (row->over != NULL && w->changes.n_stays_over == 1) {
            CHECK_STR(row->over, w->changes.stays_over[0]);
        }
        call_work_destroy(w);
    }
}

TEST_ALLOC(calls_unit, survives_no_memory_for_a_stay) {
    struct call_work *w = mem_zalloc(sizeof(*w));
    if (w == NULL) {
        return ERR_NOMEM;
    }
    arena_init(&w->arena);
    call_batch_init(&w->batch, &w->arena, &policy, NOW);
    const struct call_input in = { .type = IN_MEDIA_CONNECTED,
        .event_id = "parley:1",
        .origin_ms = NOW,
        .sent_ms = NOW,
        .received_ms = NOW,
        .token = { .alias = "r", .identity = "a:D", .connection = "PA_1", .node = "n" } };
    enum err e = call_work_add(w, &in);
    e = e == OK ? call_unit_look(w) : e;
    bool seen = false;
    e = e == OK ? call_unit_apply(w, &(struct store_snapshot){ .event_seen = &seen }) : e;
    call_work_destroy(w);
    return e;
}
