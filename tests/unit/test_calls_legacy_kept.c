/* What a stub keeps: nothing an input holds is lost on its way through the rows. */
#include "calls/legacy_kept.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

static struct call_input full(void) {
    return (struct call_input){
        .type = IN_REPLACES,
        .room_id = "!r:hs",
        .event_id = "$e",
        .sender = "@bob:hs",
        .origin_ms = 3,
        .sent_ms = 4,
        .received_ms = 5,
        .legacy = {
            .call_id = "c1",
            .party_id = "B",
            .version = 1,
            .lifetime_ms = INT64_C(9000000000),
            .invitee = "@c:hs",
            .video = true,
            .has_sdp = true,
            .sdp = "v=0\r\na=b\\c\n\n",
            .description_type = "offer",
            .selected_party_id = "X",
            .reason = "user_busy",
            .has_metadata = true,
            .audio_muted = true,
            .video_muted = true,
            .screen_shared = true,
            .candidates_host = 1,
            .candidates_srflx = 2,
            .candidates_prflx = 3,
            .candidates_relay = 4,
            .candidates_tcp = 5,
            .asserted_id = "=",
            .asserted_name = "",
            .replacement_id = "r\\n",
            .target_user = "@t:hs",
            .create_call = "cc",
            .await_call = "\\",
            .target_room = "!t:hs",
        },
    };
}

static void check_same(const struct call_input *a, const struct call_input *b) {
    const struct call_input_legacy *x = &a->legacy;
    const struct call_input_legacy *y = &b->legacy;
    CHECK_INT(a->type, b->type);
    CHECK_STR(a->room_id, b->room_id);
    CHECK_STR(a->event_id, b->event_id);
    CHECK_STR(a->sender, b->sender);
    CHECK_INT(a->origin_ms, b->origin_ms);
    CHECK_INT(a->sent_ms, b->sent_ms);
    CHECK_INT(a->received_ms, b->received_ms);
    CHECK_STR(x->call_id, y->call_id);
    CHECK_STR(x->party_id, y->party_id);
    CHECK_INT(x->version, y->version);
    CHECK_INT(x->lifetime_ms, y->lifetime_ms);
    CHECK_STR(x->invitee, y->invitee);
    CHECK_INT(x->video, y->video);
    CHECK_INT(x->has_sdp, y->has_sdp);
    CHECK_STR(x->sdp, y->sdp);
    CHECK_STR(x->description_type, y->description_type);
    CHECK_STR(x->selected_party_id, y->selected_party_id);
    CHECK_STR(x->reason, y->reason);
    CHECK_INT(x->has_metadata, y->has_metadata);
    CHECK_INT(x->audio_muted, y->audio_muted);
    CHECK_INT(x->video_muted, y->video_muted);
    CHECK_INT(x->screen_shared, y->screen_shared);
    CHECK_INT(x->candidates_host, y->candidates_host);
    CHECK_INT(x->candidates_srflx, y->candidates_srflx);
    CHECK_INT(x->candidates_prflx, y->candidates_prflx);
    CHECK_INT(x->candidates_relay, y->candidates_relay);
    CHECK_INT(x->candidates_tcp, y->candidates_tcp);
    CHECK_STR(x->asserted_id, y->asserted_id);
    CHECK_STR(x->asserted_name, y->asserted_name);
    CHECK_STR(x->replacement_id, y->replacement_id);
    CHECK_STR(x->target_user, y->target_user);
    CHECK_STR(x->create_call, y->create_call);
    CHECK_STR(x->await_call, y->await_call);
    CHECK_STR(x->target_room, y->target_room);
}

static enum err round_trip(const struct call_input *in, struct arena *a, struct call_input *ret) {
    struct store_kept k;
    TRY(call_kept_write(a, in, &k));
    return call_kept_read(a, in->room_id, in->legacy.call_id, &k, ret);
}

TEST_ALLOC(calls_legacy_kept, loses_nothing) {
    CLEANUP(arena_finish) struct arena a;
    arena_init(&a);
    const struct call_input in = full();
    struct call_input back;
    TRY(round_trip(&in, &a, &back));
    check_same(&in, &back);
    const struct call_input bare = {
        .type = IN_ANSWER, .room_id = "!r:hs", .legacy = { .call_id = "c", .party_id = "" }
    };
    TRY(round_trip(&bare, &a, &back));
    check_same(&bare, &back);
    return OK;
}

TEST(calls_legacy_kept, reads_what_it_did_not_write) {
    static const struct {
        const char *name;
        const char *text;
        int video, host;
        const char *invitee;
    } rows[] = {
        { "nothing", "", 0, 0, NULL },
        { "NULL", NULL, 0, 0, NULL },
        { "unknown names", "colour=red\nvideo=1\n", 1, 0, NULL },
        { "no line end", "candidates_host=7", 0, 7, NULL },
        { "no equals", "video\n\n=\ncandidates_host=2\n", 0, 2, NULL },
        { "no number", "candidates_host=many\nvideo=x\n", 0, 0, NULL },
        { "ends in an escape", "invitee=@a\\", 0, 0, "@a\\" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct arena a;
        arena_init(&a);
        struct call_input in;
        const struct store_kept k = { .input = IN_INVITE, .text = r->text };
        CHECK_ERR(OK, call_kept_read(&a, "!r", "c", &k, &in));
        CHECK_INT(r->video, in.legacy.video);
        CHECK_INT(r->host, in.legacy.candidates_host);
        CHECK_STR(r->invitee, in.legacy.invitee);
        CHECK_STR("", in.legacy.party_id);
        arena_finish(&a);
    }
}

struct stub {
    struct arena arena;
    struct call_policy policy;
    struct call_batch batch;
    struct call_session session;
};

static void stub_init(struct stub *s) {
    *s = (struct stub){ 0 };
    arena_init(&s->arena);
    call_batch_init(&s->batch, &s->arena, &s->policy, 1);
}

static void add(struct stub *s, enum call_input_type type, int n) {
    for (int i = 0; i < n; i++) {
        const struct call_input in = { .type = type, .legacy = { .party_id = "" } };
        CHECK_ERR(OK, call_kept_add(&s->batch, &s->session, &in));
    }
}

static int count(const struct stub *s, enum call_input_type type) {
    int n = 0;
    for (size_t i = 0; i < s->session.n_kept; i++) {
        n += s->session.kept[i].input == (int)type;
    }
    return n;
}

TEST(calls_legacy_kept, drops_candidates_first) {
    static const struct {
        const char *name;
        int candidates, negotiates, late_candidates, answers;
        int want_candidates, want_negotiates, want_answers;
    } rows[] = {
        { "at the limit", 60, 3, 0, 1, 60, 3, 1 },
        { "the 65th takes the place of the oldest candidates", 60, 4, 0, 1, 59, 4, 1 },
        { "the 65th is candidates: it is dropped", 0, 64, 1, 0, 0, 64, 0 },
        { "no candidates left to drop", 2, 62, 0, 3, 0, 62, 2 },
        { "candidates never push each other out", 64, 0, 10, 0, 64, 0, 0 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct stub s;
        stub_init(&s);
        add(&s, IN_CANDIDATES, r->candidates);
        add(&s, IN_NEGOTIATE, r->negotiates);
        add(&s, IN_CANDIDATES, r->late_candidates);
        add(&s, IN_ANSWER, r->answers);
        CHECK_INT(r->want_candidates, count(&s, IN_CANDIDATES));
        CHECK_INT(r->want_negotiates, count(&s, IN_NEGOTIATE));
        CHECK_INT(r->want_answers, count(&s, IN_ANSWER));
        CHECK(s.session.n_kept <= LEGACY_KEPT_MAX);
        for (size_t i = 1; i < s.session.n_kept; i++) {
            CHECK(s.session.kept[i].n > s.session.kept[i - 1].n);
        }
        arena_finish(&s.arena);
    }
}
