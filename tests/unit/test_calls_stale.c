/* Who is held to be gone, in the audit: only as long as they are in by the event that is known. */
#include "calls/stale.h"

#include "calls/session.h"
#include "store/calls.h"
#include "test.h"

#include <string.h>

#define NOW INT64_C(1700000000000)

static const struct call_policy policy = { .max_duration_ms = 86400000, .server_name = "hs" };

static struct call_input member(enum call_input_type type, const char *event_id, int64_t at_ms) {
    return (struct call_input){ .type = type,
        .room_id = "!r:hs",
        .event_id = event_id,
        .sender = "@alice:hs",
        .origin_ms = at_ms,
        .sent_ms = at_ms,
        .received_ms = at_ms,
        .member = { .application = "m.call",
            .slot = "m.call#ROOM",
            .entry_key = "_@alice:hs_DEVICE_m.call",
            .state_key = "_@alice:hs_DEVICE_m.call",
            .generation = "state",
            .user_id = "@alice:hs",
            .key_user = "@alice:hs",
            .device_id = "DEVICE",
            .start_ms = at_ms,
            .expires_at = at_ms + 3600000 } };
}

static struct call_input about(enum call_input_type type, const char *session_id, bool *stands) {
    return (struct call_input){ .type = type,
        .room_id = "!r:hs",
        .origin_ms = NOW,
        .sent_ms = NOW,
        .received_ms = NOW,
        .stale = { .session_id = session_id,
            .n = 1,
            .user_id = "@alice:hs",
            .device_id = "DEVICE",
            .stands = stands } };
}

static const char *detail(const struct store_event *e, const char *key) {
    for (const struct store_detail *d = e->details; d != NULL; d = d->next) {
        if (strcmp(d->key, key) == 0) {
            return d->type == STORE_DETAIL_TEXT ? d->text : "number";
        }
    }
    return NULL;
}

static const struct store_event *last(const struct call_session *s) {
    return s->events[s->n_events - 1];
}

TEST(calls_stale, is_written_down_while_they_are_in) {
    static const struct {
        const char *name, *last_event_id;
        const char *session_id; /* NULL = the call's */
        int n;
        bool left, again, stands;
    } rows[] = {
        { "in, by the event that is known", "$1", NULL, 1, false, false, true },
        { "in, the event is not known", NULL, NULL, 1, false, false, true },
        { "said before: no second row", "$1", NULL, 1, false, true, true },
        { "wrote again meanwhile", "$0", NULL, 1, false, false, false },
        { "has left", "$1", NULL, 1, true, false, false },
        { "another stay", "$1", NULL, 2, false, false, false },
        { "another call", "$1", "018f0000-0000-7000-8000-000000000000", 1, false, false, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(arena_finish) struct arena a;
        arena_init(&a);
        struct call_batch b;
        call_batch_init(&b, &a, &policy, NOW);
        struct call_input in = member(IN_MEMBER, "$1", NOW - 90000);
        CHECK_ERR(OK, call_batch_apply(&b, &in));
        struct call_session *s = b.sessions;
        struct call_input left = member(IN_MEMBER_LEFT, "$2", NOW - 1000);
        if (r->left) {
            CHECK_ERR(OK, call_batch_apply(&b, &left));
        }
        size_t before = s->n_events;
        bool stands = false;
        struct call_input stale =
            about(IN_MEMBERSHIP_STALE, r->session_id == NULL ? s->row.id : r->session_id, &stands);
        stale.stale.n = r->n;
        stale.stale.last_event_id = r->last_event_id;
        stale.stale.again = r->again;
        stale.stale.reason = "left_sfu";
        stale.stale.cleanup = "masquerade";
        stale.stale.silent_ms = 60000;
        CHECK_ERR(OK, call_batch_apply(&b, &stale));
        CHECK_INT(r->stands, stands);
        CHECK_INT(r->stands && !r->again, s->n_events - before);
        if (s->n_events > before) {
            CHECK_STR("membership_stale", last(s)->type);
            CHECK_STR("@alice:hs/DEVICE", last(s)->subject);
            CHECK_STR("left_sfu", detail(last(s), "reason"));
            CHECK_STR("masquerade", detail(last(s), "cleanup"));
            CHECK_STR("number", detail(last(s), "silent_ms"));
        }
    }
}

/* The leave may have come before we wrote that we made it. */
TEST(calls_stale, says_what_became_of_it_though_the_call_be_over) {
    static const struct {
        enum call_input_type type;
        const char *name, *by, *problem;
    } rows[] = {
        { IN_MEMBERSHIP_ENDED, "membership_ended", "user", NULL },
        { IN_MEMBERSHIP_NOT_ENDED, "membership_not_ended", NULL, "403 M_FORBIDDEN" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(arena_finish) struct arena a;
        arena_init(&a);
        struct call_batch b;
        call_batch_init(&b, &a, &policy, NOW);
        struct call_input in = member(IN_MEMBER, "$1", NOW - 90000);
        struct call_input left = member(IN_MEMBER_LEFT, "$2", NOW - 1000);
        CHECK_ERR(OK, call_batch_apply(&b, &in));
        CHECK_ERR(OK, call_batch_apply(&b, &left));
        struct call_session *s = b.sessions;
        CHECK(call_session_final(s));
        bool stands = false;
        struct call_input ended = about(r->type, s->row.id, &stands);
        ended.stale.by = r->by;
        ended.stale.problem = r->problem;
        ended.stale.device_id = NULL;
        CHECK_ERR(OK, call_batch_apply(&b, &ended));
        CHECK_STR(r->name, last(s)->type);
        CHECK_STR("@alice:hs", last(s)->subject);
        CHECK_STR(r->by, detail(last(s), "by"));
        CHECK_STR(r->problem, detail(last(s), "problem"));
        CHECK(call_session_final(s));
    }
}

TEST_ALLOC(calls_stale, survives_lack_of_memory) {
    CLEANUP(arena_finish) struct arena a;
    arena_init(&a);
    struct call_batch b;
    call_batch_init(&b, &a, &policy, NOW);
    struct call_input in = member(IN_MEMBER, "$1", NOW - 90000);
    TRY(call_batch_apply(&b, &in));
    bool stands = false;
    struct call_input stale = about(IN_MEMBERSHIP_STALE, b.sessions->row.id, &stands);
    stale.stale.reason = "never_came";
    return call_batch_apply(&b, &stale);
}
