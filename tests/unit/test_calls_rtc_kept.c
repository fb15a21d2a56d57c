/* Rings and hands that a session remembers, and which member a waiting ring belongs to. */
#include "calls/rtc.h"
#include "calls/rtc_callees.h"
#include "calls/rtc_kept.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

/* One session in a batch, on the stack. */
struct kept_case {
    struct arena arena;
    struct call_batch b;
    struct call_session s;
};

static void open_case(struct kept_case *c) {
    *c = (struct kept_case){ 0 };
    arena_init(&c->arena);
    call_batch_init(&c->b, &c->arena, NULL, 1000);
}

static struct call_input ring_input(const char *event, const char *sender) {
    return (struct call_input){ .type = IN_RING, .event_id = event, .sender = sender };
}

TEST(calls_rtc_kept, a_ring_ties_to_the_member_it_points_to_or_to_a_near_join) {
    static const struct {
        const char *name;
        bool points;
        int64_t start, joined;
        bool ties;
    } rows[] = {
        { "points to it, long ago", true, 0, 900000, true },
        { "points to nothing, at once", false, 1000, 1000, true },
        { "joined a minute after", false, 0, 60000, true },
        { "joined later than that", false, 0, 60001, false },
        { "joined a minute before", false, 60000, 0, true },
        { "joined earlier than that", false, 60001, 0, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->ties, call_rtc_ring_ties(r->points, r->start, r->joined));
    }
}

TEST(calls_rtc_kept, a_ring_comes_back_as_it_was) {
    static const char *const callees[] = { "@b:hs", "@c d:hs", "@two\nlines:hs" };
    static const struct {
        const char *name, *target, *intent;
        size_t n, want_n;
    } rows[] = {
        { "all of it", "$member", "audio", 2, 2 },
        { "no target, no intent, nobody", NULL, NULL, 0, 0 },
        { "no intent", "$member", NULL, 1, 1 },
        { "a name that is two lines is left out", NULL, "video", 3, 2 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct kept_case c;
        open_case(&c);
        const struct call_rtc_ring ring = { .event_id = "$ring",
            .sender = "@a:hs",
            .target = r->target,
            .intent = r->intent,
            .start_ms = 1790000000123,
            .end_ms = 1790000030123,
            .callees = callees,
            .n_callees = r->n };
        const struct call_input in = ring_input("$ring", "@a:hs");
        struct call_rtc_ring got = { 0 };
        bool found = false;
        CHECK_ERR(OK, call_rtc_keep_ring(&c.b, &c.s, &ring, &in));
        CHECK_ERR(OK, call_rtc_kept_ring(&c.b, &c.s, "@a:hs", &got, &found));
        CHECK(found);
        CHECK_STR("$ring", got.event_id);
        CHECK_STR("@a:hs", got.sender);
        CHECK_STR(r->target, got.target);
        CHECK_STR(r->intent, got.intent);
        CHECK_INT(ring.start_ms, got.start_ms);
        CHECK_INT(ring.end_ms, got.end_ms);
        CHECK_INT(r->want_n, got.n_callees);
        for (size_t i = 0; i < r->want_n && i < got.n_callees; i++) {
            CHECK_STR(callees[i], got.callees[i]);
        }
        CHECK_INT(ring.end_ms, call_rtc_kept_end(&c.s));
        CHECK_INT(r->target != NULL, call_rtc_kept_ties(&c.s, "@a:hs", "$member", 0));
        CHECK(!call_rtc_kept_ties(&c.s, "@a:hs", "$memb", 0));
        CHECK(!call_rtc_kept_ties(&c.s, "@other:hs", "$member", ring.start_ms));
        CHECK_ERR(OK, call_rtc_kept_ring(&c.b, &c.s, "@other:hs", &got, &found));
        CHECK(!found);
        arena_finish(&c.arena);
    }
}

TEST(calls_rtc_kept, hands_are_lowered_one_by_one_and_leave_rings_alone) {
    struct kept_case c;
    open_case(&c);
    const struct call_rtc_ring ring = { .event_id = "$ring", .sender = "@a:hs", .end_ms = 7 };
    const struct call_input in = ring_input("$ring", "@a:hs");
    struct call_input hand = { .type = IN_HAND_RAISED, .event_id = "$h1", .sender = "@a:hs" };
    CHECK_ERR(OK, call_rtc_keep_ring(&c.b, &c.s, &ring, &in));
    CHECK_ERR(OK, call_rtc_keep_hand(&c.b, &c.s, &hand));
    hand.event_id = "$h2";
    hand.sender = "@b:hs";
    CHECK_ERR(OK, call_rtc_keep_hand(&c.b, &c.s, &hand));
    CHECK_STR("@a:hs", call_rtc_kept_hand(&c.s, "$h1"));
    CHECK_STR("@b:hs", call_rtc_kept_hand(&c.s, "$h2"));
    CHECK_STR(NULL, call_rtc_kept_hand(&c.s, "$ring"));
    call_rtc_forget_hand(&c.s, "$h1");
    call_rtc_forget_hand(&c.s, "$ring");
    CHECK_INT(2, c.s.n_kept);
    CHECK_INT(7, call_rtc_kept_end(&c.s));
    call_rtc_forget_rings(&c.s);
    CHECK_INT(1, c.s.n_kept);
    CHECK_INT(0, call_rtc_kept_end(&c.s));
    c.s.kept_changed = false;
    call_rtc_forget_rings(&c.s);
    CHECK(!c.s.kept_changed);
    call_rtc_forget_all(&c.s);
    CHECK_INT(0, c.s.n_kept);
    CHECK(c.s.kept_changed);
    arena_finish(&c.arena);
}

TEST(calls_rtc_kept, remembers_so_many_and_no_more) {
    struct kept_case c;
    open_case(&c);
    char ids[RTC_KEPT_MAX + 1][16];
    for (int i = 0; i <= RTC_KEPT_MAX; i++) {
        snprintf(ids[i], sizeof(ids[i]), "$%d", i);
        const struct call_input hand = {
            .type = IN_HAND_RAISED, .event_id = ids[i], .sender = "@a:hs"
        };
        CHECK_ERR(OK, call_rtc_keep_hand(&c.b, &c.s, &hand));
    }
    CHECK_INT(RTC_KEPT_MAX, c.s.n_kept);
    CHECK_STR(NULL, call_rtc_kept_hand(&c.s, ids[RTC_KEPT_MAX]));
    arena_finish(&c.arena);
}

TEST(calls_rtc_kept, a_row_that_was_cut_short_is_read_as_far_as_it_goes) {
    static const char *const rows[] = { "", "12", "12\n", "12\n34", "x\ny\n\n\n\n", "\n\n$t" };
    FOR_ROWS (rows, r) {
        ROW(*r);
        struct kept_case c;
        open_case(&c);
        struct store_kept kept = { .n = 1, .input = IN_RING, .sender = "@a:hs", .text = *r };
        c.s.kept = &kept;
        c.s.n_kept = c.s.cap_kept = 1;
        struct call_rtc_ring got;
        bool found = false;
        CHECK_ERR(OK, call_rtc_kept_ring(&c.b, &c.s, NULL, &got, &found));
        CHECK(found);
        CHECK_INT(0, got.n_callees);
        CHECK_INT(strncmp(*r, "12\n34", 5) == 0 ? 34 : 0, call_rtc_kept_end(&c.s));
        CHECK(!call_rtc_kept_ties(&c.s, "@a:hs", "$t", 900000));
        arena_finish(&c.arena);
    }
}

/* --- whom a ring calls --- */

TEST(calls_rtc_kept, at_most_so_many_callees) {
    static char names[CALL_MENTIONS_MAX + 50][16];
    static const char *list[CALL_MENTIONS_MAX + 50];
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        snprintf(names[i], sizeof(names[i]), "@u%04zu:hs", i);
        list[i] = names[i];
    }
    static const struct {
        const char *name;
        bool room, known, mentions;
        const char *sender;
        size_t want;
    } rows[] = {
        { "mentions, room unknown", false, false, true, "@a:hs", CALL_MENTIONS_MAX },
        { "everybody in a large room", true, true, false, "@u0003:hs", CALL_MENTIONS_MAX },
        { "everybody, room unknown", true, false, false, "@a:hs", 0 },
        { "mentions, all in the room", true, true, true, "@a:hs", CALL_MENTIONS_MAX },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct kept_case c;
        open_case(&c);
        const struct call_room_view view = { .room_id = "!r:hs",
            .joined = list,
            .n_joined = r->known ? COUNT_OF(list) : 0,
            .known = r->known };
        c.b.rooms = &view;
        c.b.n_rooms = r->room;
        struct call_input in = ring_input("$ring", r->sender);
        in.room_id = "!r:hs";
        in.ring.mentions = list;
        in.ring.n_mentions = r->mentions ? COUNT_OF(list) : 0;
        struct call_rtc_ring ring;
        CHECK_ERR(OK, call_rtc_callees(&c.b, &in, &ring));
        CHECK_INT(r->want, ring.n_callees);
        for (size_t i = 0; i < ring.n_callees; i++) {
            CHECK(strcmp(ring.callees[i], r->sender) != 0);
        }
        arena_finish(&c.arena);
    }
}
