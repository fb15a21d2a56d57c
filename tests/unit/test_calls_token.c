/* Tokens in the audit: beside the call they concern, or beside none; never moving one. */
#include "calls/token.h"

#include "calls/session.h"
#include "store/calls.h"
#include "test.h"

#include <string.h>

#define NOW INT64_C(1700000000000)

static const struct call_policy policy = { .max_duration_ms = 86400000, .server_name = "hs" };

static const struct call_input issued = {
    .type = IN_TOKEN_ISSUED,
    .room_id = "!r:hs",
    .sender = "@alice:hs",
    .origin_ms = NOW,
    .sent_ms = NOW,
    .received_ms = NOW,
    .token = { .slot = "m.call#ROOM",
        .device_id = "DEVICE",
        .member_id = "",
        .dialect = "old",
        .server = "hs",
        .alias = "F4oO",
        .identity = "@alice:hs:DEVICE",
        .membership = "joined",
        .full_access = true },
};

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

static const struct store_detail *find_detail(const struct store_event *e, const char *key) {
    const struct store_detail *d = e->details;
    while (d != NULL && strcmp(d->key, key) != 0) {
        d = d->next;
    }
    return d;
}

static const char *detail(const struct store_event *e, const char *key) {
    const struct store_detail *d = find_detail(e, key);
    return d == NULL ? NULL : d->type == STORE_DETAIL_TEXT ? d->text : d->number ? "yes" : "no";
}

/* -1: there is none. */
static int64_t number(const struct store_event *e, const char *key) {
    const struct store_detail *d = find_detail(e, key);
    return d == NULL ? -1 : d->number;
}

/* A call from two seconds ago on; `over`: until one second ago. */
static void begin_call(struct call_batch *b, struct arena *a, bool over) {
    arena_init(a);
    call_batch_init(b, a, &policy, NOW);
    struct call_input in = member(IN_MEMBER, "$1", NOW - 2000);
    CHECK_ERR(OK, call_batch_apply(b, &in));
    if (over) {
        in = member(IN_MEMBER_LEFT, "$2", NOW - 1000);
        CHECK_ERR(OK, call_batch_apply(b, &in));
    }
}

TEST(calls_token, are_rows_of_the_live_call) {
    static const struct {
        const char *name, *slot;
        bool over;
        size_t of_call, strays;
    } rows[] = {
        { "the slot as it was written", "m.call#ROOM", false, 1, 0 },
        { "the slot in another case", "m.call#room", false, 1, 0 },
        { "another slot", "m.call#other", false, 0, 1 },
        { "no slot", "", false, 0, 1 },
        { "the call is over", "m.call#ROOM", true, 0, 1 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(arena_finish) struct arena a;
        struct call_batch b;
        begin_call(&b, &a, r->over);
        enum call_state before = b.sessions->state;
        size_t events = b.sessions->n_events;
        struct call_input in = issued;
        in.token.slot = r->slot;
        CHECK_ERR(OK, call_batch_apply(&b, &in));
        CHECK_INT(before, b.sessions->state);
        CHECK_INT(r->of_call, b.sessions->n_events - events);
        CHECK_INT(r->strays, b.n_strays);
        CHECK(b.sessions->next == NULL);
    }
}

TEST(calls_token, are_rows_of_a_call_that_is_over_where_they_end_something) {
    static const struct {
        const char *name;
        enum call_input_type type;
        int64_t after_ms, span_ms;
        size_t of_call;
    } rows[] = {
        { "media ended", IN_MEDIA_DISCONNECTED, 0, 0, 1 },
        { "a track ended", IN_TRACK_UNPUBLISHED, 0, 0, 1 },
        { "the room ended", IN_MEDIA_ROOM_CLOSED, 30000, 0, 1 },
        { "taken out", IN_MEDIA_REMOVED, 0, 0, 1 },
        { "figures of its last while", IN_MEDIA_QUALITY, 30000, 35000, 1 },
        { "what somebody got in all of it", IN_MEDIA_DELIVERY, 30000, 35000, 1 },
        { "figures that began with it", IN_MEDIA_QUALITY, 299000, 300000, 1 },
        { "figures of what came long after", IN_MEDIA_QUALITY, 299000, 5000, 0 },
        { "figures of what was long before", IN_MEDIA_QUALITY, 0, 300000, 0 },
        { "media ended long after", IN_MEDIA_DISCONNECTED, 120000, 0, 0 },
        { "media begins", IN_MEDIA_CONNECTED, 0, 0, 0 },
        { "a room begins", IN_MEDIA_ROOM_OPENED, 0, 0, 0 },
        { "a track begins", IN_TRACK_PUBLISHED, 0, 0, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(arena_finish) struct arena a;
        struct call_batch b;
        begin_call(&b, &a, true);
        struct store_call row = b.sessions->row;
        size_t events = b.sessions->n_events;
        struct call_input in = issued;
        in.type = r->type;
        in.sent_ms = in.origin_ms = in.received_ms = NOW + r->after_ms;
        in.token.figures.span_ms = r->span_ms;
        CHECK_ERR(OK, call_batch_apply(&b, &in));
        CHECK_INT(r->of_call, b.sessions->n_events - events);
        CHECK_INT(1 - r->of_call, b.n_strays);
        CHECK_STR("ended", b.sessions->row.state);
        CHECK_INT(row.ended_at, b.sessions->row.ended_at);
        CHECK_INT(row.last_event_at, b.sessions->row.last_event_at);
    }
}

/* A room is nobody's, though its first one came along. */
TEST(calls_token, do_not_say_who_a_room_is) {
    static const struct {
        const char *name;
        enum call_input_type type;
        const char *identity;
    } rows[] = {
        { "it begins", IN_MEDIA_ROOM_OPENED, NULL },
        { "it ends", IN_MEDIA_ROOM_CLOSED, NULL },
        { "rows of it are missing", IN_GAP, NULL },
        { "somebody comes", IN_MEDIA_CONNECTED, "@alice:hs:DEVICE" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(arena_finish) struct arena a;
        arena_init(&a);
        struct call_batch b;
        call_batch_init(&b, &a, &policy, NOW);
        struct call_input in = issued;
        in.type = r->type;
        CHECK_ERR(OK, call_batch_apply(&b, &in));
        CHECK_STR(r->identity, detail(b.strays[0], "identity"));
        CHECK_STR("F4oO", detail(b.strays[0], "alias"));
    }
}

TEST(calls_token, say_what_was_asked_and_what_came_of_it) {
    CLEANUP(arena_finish) struct arena a;
    arena_init(&a);
    struct call_batch b;
    call_batch_init(&b, &a, &policy, NOW);
    CHECK_ERR(OK, call_batch_apply(&b, &issued));
    const struct store_event *e = b.strays[0];
    CHECK_STR("token_issued", e->type);
    CHECK_STR("!r:hs", e->room_id);
    CHECK_STR("@alice:hs", e->user_id);
    CHECK_STR("DEVICE", e->subject);
    CHECK_STR("@alice:hs:DEVICE", detail(e, "identity"));
    CHECK_STR("F4oO", detail(e, "alias"));
    CHECK_STR("joined", detail(e, "membership"));
    CHECK_STR("yes", detail(e, "full_access"));
    CHECK_STR(NULL, detail(e, "member_id"));
    CHECK_STR(NULL, detail(e, "reason"));
    struct call_input in = { .type = IN_TOKEN_REFUSED,
        .sent_ms = NOW,
        .token = { .dialect = "hashed",
            .claimed_user = "@mallory:hs",
            .reason = "openid_refused",
            .problem = "401 M_UNKNOWN_TOKEN" } };
    CHECK_ERR(OK, call_batch_apply(&b, &in));
    e = b.strays[1];
    CHECK_STR("token_refused", e->type);
    CHECK_STR(NULL, e->room_id);
    CHECK_STR(NULL, e->user_id);
    CHECK_STR("", e->subject);
    CHECK_STR("openid_refused", detail(e, "reason"));
    CHECK_STR("401 M_UNKNOWN_TOKEN", detail(e, "problem"));
    CHECK_STR("@mallory:hs", detail(e, "claimed_user"));
    CHECK_STR(NULL, detail(e, "full_access"));
    in = (struct call_input){ .type = IN_TOKENS_UNRECORDED, .token.count = 7 };
    CHECK_ERR(OK, call_batch_apply(&b, &in));
    CHECK_STR("tokens_unrecorded", b.strays[2]->type);
    CHECK_INT(7, b.strays[2]->details->number);
    in = (struct call_input){ .type = IN_GAP, .token = { .alias = "a", .count = 8 } };
    CHECK_ERR(OK, call_batch_apply(&b, &in));
    CHECK_STR("gap", b.strays[3]->type);
    CHECK_INT(8, b.strays[3]->details->number);
}

TEST(calls_token, say_how_well_media_came) {
    CLEANUP(arena_finish) struct arena a;
    arena_init(&a);
    struct call_batch b;
    call_batch_init(&b, &a, &policy, NOW);
    struct call_input in = issued;
    in.type = IN_MEDIA_QUALITY;
    in.token.direction = "sent";
    in.token.path = "relay";
    in.token.media = "video";
    in.token.figures = (struct call_input_figures){ .span_ms = 5000,
        .expected = 250,
        .lost = 0,
        .mos = 425,
        .layer = 2,
        .freezes = 3,
        .spoken_ms = 800,
        .loudest_dbov = -20 };
    CHECK_ERR(OK, call_batch_apply(&b, &in));
    const struct store_event *e = b.strays[0];
    CHECK_STR("media_quality", e->type);
    CHECK_STR("@alice:hs", e->user_id);
    CHECK_STR("sent", detail(e, "direction"));
    CHECK_STR("relay", detail(e, "path"));
    CHECK_STR(NULL, detail(e, "full_access"));
    static const struct {
        const char *name;
        int64_t want;
    } rows[] = { { "span_ms", 5000 }, { "expected", 250 }, { "lost", 0 }, { "mos_hundredths", 425 },
        { "layer", 2 }, { "freezes", 3 } };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->want, number(e, r->name));
    }
    in.token.media = "audio";
    CHECK_ERR(OK, call_batch_apply(&b, &in));
    CHECK_INT(-1, number(b.strays[1], "freezes")); /* of what cannot freeze */
    CHECK_INT(800, number(b.strays[1], "spoken_ms"));
    CHECK_INT(-20, number(b.strays[1], "loudest_dbov"));
    in.token.media = NULL; /* received: of others */
    CHECK_ERR(OK, call_batch_apply(&b, &in));
    CHECK_INT(3, number(b.strays[2], "freezes"));
    CHECK_INT(-1, number(b.strays[2], "spoken_ms"));
}

TEST(calls_token, say_what_somebody_got_of_a_track) {
    CLEANUP(arena_finish) struct arena a;
    arena_init(&a);
    struct call_batch b;
    call_batch_init(&b, &a, &policy, NOW);
    struct call_input in = issued;
    in.type = IN_MEDIA_DELIVERY;
    in.token.path = "direct";
    in.token.track = "TR_1";
    in.token.media = "video";
    in.token.figures = (struct call_input_figures){ .span_ms = 9000,
        .mos = 300,
        .came_ms = 5000,
        .layer = 1,
        .layer_mean = 150,
        .layer_least = 1,
        .layer_most = 2,
        .freezes = 3,
        .freeze_ms = 1200,
        .paused_ms = 4000 };
    CHECK_ERR(OK, call_batch_apply(&b, &in));
    const struct store_event *e = b.strays[0];
    CHECK_STR("media_delivery", e->type);
    CHECK_STR("TR_1", detail(e, "track"));
    CHECK_STR(NULL, detail(e, "direction"));
    static const struct {
        const char *name;
        int64_t video, audio;
    } rows[] = { { "span_ms", 9000, 9000 }, { "mos_hundredths", 300, 300 },
        { "came_ms", 5000, 5000 }, { "layer", 1, -1 }, { "layer_hundredths", 150, -1 },
        { "least_layer", 1, -1 }, { "most_layer", 2, -1 }, { "freezes", 3, -1 },
        { "freeze_ms", 1200, -1 }, { "paused_ms", 4000, -1 }, { "spoken_ms", -1, -1 } };
    in.token.media = "audio";
    CHECK_ERR(OK, call_batch_apply(&b, &in));
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->video, number(e, r->name));
        CHECK_INT(r->audio, number(b.strays[1], r->name));
    }
}

TEST(calls_token, say_who_came_to_the_sfu_and_went) {
    static const struct {
        enum call_input_type type;
        const char *name, *reason, *actor;
    } rows[] = {
        { IN_MEDIA_CONNECTED, "media_connected", NULL, NULL },
        { IN_MEDIA_DISCONNECTED, "media_disconnected", "CLIENT_INITIATED", NULL },
        { IN_MEDIA_REMOVED, "media_removed", "kicked", "@bob:hs" },
        { IN_TRACK_PUBLISHED, "track_published", NULL, NULL },
        { IN_TRACK_MUTED, "track_muted", "by_moderator", NULL },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(arena_finish) struct arena a;
        arena_init(&a);
        struct call_batch b;
        call_batch_init(&b, &a, &policy, NOW);
        struct call_input in = issued;
        in.type = r->type;
        in.token.reason = r->reason;
        in.token.actor = r->actor;
        in.token.connection = "PA_1";
        in.token.track = "TR_1";
        in.token.media = "audio";
        in.token.source = "microphone";
        in.token.codec = "opus";
        CHECK_ERR(OK, call_batch_apply(&b, &in));
        const struct store_event *e = b.strays[0];
        CHECK_STR(r->name, e->type);
        CHECK_STR("@alice:hs", e->user_id);
        CHECK_STR("DEVICE", e->subject);
        CHECK_STR("PA_1", detail(e, "connection"));
        CHECK_STR("TR_1", detail(e, "track"));
        CHECK_STR("audio", detail(e, "media"));
        CHECK_STR("microphone", detail(e, "source"));
        CHECK_STR("opus", detail(e, "codec"));
        CHECK_STR(r->reason, detail(e, "reason"));
        CHECK_STR(r->actor, detail(e, "actor"));
        CHECK_STR(NULL, detail(e, "full_access"));
    }
}

TEST_ALLOC(calls_token, survive_no_memory) {
    CLEANUP(arena_finish) struct arena a;
    arena_init(&a);
    struct call_batch b;
    call_batch_init(&b, &a, &policy, NOW);
    struct call_input in = member(IN_MEMBER, "$1", NOW - 2000);
    TRY(call_batch_apply(&b, &in));
    TRY(call_batch_apply(&b, &issued));
    in = issued;
    in.room_id = NULL;
    return call_batch_apply(&b, &in);
}
