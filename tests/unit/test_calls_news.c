/* What is told of a call, to whom and when; which news there are is played in
 * tests/scenarios/news.scn. */
#include "calls/news.h"

#include "calls/session.h"
#include "store/calls.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define NOW INT64_C(1764000000000)

static const char *const receivers[] = { "one", "two" };

/* A call that was missed just now. */
static struct call_session missed_call(void) {
    return (struct call_session){ .row = { .id = "c",
                                      .kind = "legacy",
                                      .room_id = "!r:hs",
                                      .status = "missed",
                                      .rings = true,
                                      .caller_user = "@a:hs",
                                      .callee_user = "@b:hs",
                                      .created_at = NOW - 60000,
                                      .ended_at = NOW,
                                      .duration_ms = -1 },
        .state = CALL_MISSED,
        .before = { "ringing", false, false } };
}

struct rig {
    struct arena arena;
    struct call_policy policy;
    struct call_batch batch;
    struct store_changes changes;
};

static enum err collect(struct rig *r, struct call_session *s, const struct call_news_policy *p) {
    arena_init(&r->arena);
    r->policy = (struct call_policy){ .server_name = "hs", .news = *p };
    call_batch_init(&r->batch, &r->arena, &r->policy, NOW);
    r->batch.sessions = s;
    r->changes = (struct store_changes){ 0 };
    return call_news_collect(&r->batch, &r->changes);
}

/* "call.missed:hooks,room call.ended:hooks" */
static const char *shown(const struct store_changes *ch, char *text, size_t size) {
    text[0] = '\0';
    for (size_t i = 0; i < ch->n_news; i++) {
        const struct store_news *n = &ch->news[i];
        size_t len = strlen(text);
        snprintf(text + len, size - len, "%s%s%s%s", i == 0 ? "" : " ", n->type,
            n->hooks ? "+hooks" : "", n->room ? "+room" : "");
    }
    return text;
}

TEST(calls_news, are_those_that_the_settings_ask_for) {
    static const struct {
        const char *name;
        size_t n_receivers;
        const char *types;
        bool notice;
        const char *want;
    } rows[] = {
        { "nothing asked for", 0, "missed ended", false, "" },
        { "all", 2, "started answered missed declined ended", false,
            "call.missed+hooks call.ended+hooks" },
        { "one", 2, "ended", false, "call.ended+hooks" },
        { "none that happened", 2, "started", false, "" },
        { "the room alone", 0, "missed ended", true, "call.missed+hooks+room" },
        { "the room, and webhooks of something else", 1, "ended", true,
            "call.missed+room call.ended+hooks" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rig rig;
        struct call_session s = missed_call();
        char types[64];
        char text[128];
        struct call_news_policy p = {
            .receivers = receivers, .n_receivers = r->n_receivers, .missed_notice = r->notice
        };
        snprintf(types, sizeof(types), "%s", r->types);
        for (char *word = strtok(types, " "); word != NULL; word = strtok(NULL, " ")) {
            p.types |= call_news_bit(word);
        }
        CHECK_ERR(OK, collect(&rig, &s, &p));
        CHECK_STR(r->want, shown(&rig.changes, text, sizeof(text)));
        arena_finish(&rig.arena);
    }
    CHECK_INT(0, call_news_bit("begun"));
}

TEST(calls_news, say_whose_call_it_is) {
    static const struct {
        const char *name, *caller, *callee, *member, *want;
    } rows[] = {
        { "ours", "@a:hs", "@b:hs", "@b:hs", "local" },
        { "nobody was called", "@a:hs", NULL, "@b:hs", "local" },
        { "outward", "@a:hs", "@b:other.org", "@a:hs", "outbound" },
        { "one of a group is elsewhere", "@a:hs", NULL, "@b:other.org", "outbound" },
        { "inward", "@a:other.org", "@b:hs", "@b:hs", "inbound" },
        { "another port is another server", "@a:hs:8448", "@b:hs", "@b:hs", "inbound" },
        { "nobody knows", NULL, "@b:hs", "@b:hs", NULL },
    };
    const struct call_news_policy p = { receivers, 1, ~0U, false };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct rig rig;
        struct call_session s = missed_call();
        struct call_member m = { .row = { .user_id = r->member } };
        s.members = &m;
        s.row.caller_user = r->caller;
        s.row.callee_user = r->callee;
        CHECK_ERR(OK, collect(&rig, &s, &p));
        CHECK_STR(r->want, rig.changes.news[0].direction);
        arena_finish(&rig.arena);
    }
}

TEST(calls_news, list_each_user_once_and_no_more_than_the_limit) {
    enum { MEMBERS = CALL_NEWS_PEOPLE_MAX + 10 };
    static struct call_member m[MEMBERS];
    static char names[MEMBERS][24];
    const struct call_news_policy p = { receivers, 1, ~0U, false };
    struct rig rig;
    struct call_session s = missed_call();
    for (int i = 0; i < MEMBERS; i++) {
        snprintf(names[i], sizeof(names[i]), "@u%d:hs", i < 3 ? 0 : i); /* the first has three */
        m[i] = (struct call_member){ .row = { .user_id = names[i],
                                         .role = "member",
                                         .joined_at = NOW + 100 - i,
                                         .left_at = i == 1 ? 0 : NOW + 200 + i },
            .next = i + 1 < MEMBERS ? &m[i + 1] : NULL };
    }
    s.members = &m[0];
    CHECK_ERR(OK, collect(&rig, &s, &p));
    const struct store_news *n = &rig.changes.news[0];
    CHECK_INT(CALL_NEWS_PEOPLE_MAX, n->n_people);
    CHECK_INT(MEMBERS - 2 - CALL_NEWS_PEOPLE_MAX, n->n_more);
    CHECK_STR("@u0:hs", n->people[0].user_id);
    CHECK_INT(NOW + 98, n->people[0].joined_at);
    CHECK_INT(0, n->people[0].left_at); /* with one device they are still in */
    CHECK_STR("@u3:hs", n->people[1].user_id);
    arena_finish(&rig.arena);
}

TEST_ALLOC(calls_news, survive_no_memory) {
    const struct call_news_policy p = { receivers, 2, ~0U, true };
    struct rig rig;
    struct call_session s = missed_call();
    enum err e = collect(&rig, &s, &p);
    arena_finish(&rig.arena);
    return e;
}
