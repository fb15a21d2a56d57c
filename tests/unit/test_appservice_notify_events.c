/* Rings, notifications, declines, raised hands. */
#include "appservice/notify_events.h"

#include "appservice_say.h"

#define TYPE  "org.matrix.msc4075.rtc.notification"
#define RING  "'notification_type':'ring','lifetime':30000,'sender_ts':1764000007500"
#define TIMES " start=-2500 end=+27500"
#define TO    "'m.relates_to':{'rel_type':'m.reference','event_id':'$m'}"

struct row {
    const char *name;
    const char *content;
    const char *want;
};

static void check_rows(const char *type, const struct row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        ROW(rows[i].name);
        check_content(type, NULL, NULL, rows[i].content, rows[i].want);
    }
}

TEST(appservice_notify_events, reads_what_clients_send) {
    static const struct row rows[] = {
        { "js-sdk 43",
            "{'slot_id':'m.call#ROOM','m.mentions':{'user_ids':[],'room':true},"
            "'notification_type':'ring'," TO ",'sender_ts':1764000007500,'lifetime':90000,"
            "'msc4354_sticky_key':'m.call#ROOM','m.call.intent':'audio'}",
            "ring target=$m slot=m.call#ROOM everybody start=-2500 end=+87500 intent=audio "
            "!people" },
        { "js-sdk 42",
            "{'m.mentions':{'user_ids':[],'room':true},'notification_type':'notification'," TO
            ",'sender_ts':1764000007500,'lifetime':90000}",
            "notify target=$m everybody start=-2500 end=+87500" },
        { "FluffyChat in a direct chat",
            "{" RING ",'m.call.intent':'video','m.mentions':{'user_ids':['@bob:example.com']}}",
            "ring mentions=[@bob:example.com]" TIMES " intent=video !people" },
        { "FluffyChat's call page",
            "{'lifetime':30000,'m.call.intent':'video','m.mentions':{'room':true,'user_ids':[]},"
            "'m.relates.to':{'event_id':'$m','rel_type':'m.reference'},'notification_type':"
            "'notification','sender_ts':1764000007500}",
            "notify target=$m everybody" TIMES " intent=video" },
        { "latest text",
            "{'slot_id':'m.call#room','lifetime':30000,'sender_ts':1764000007500,'application':"
            "{'type':'m.call','m.call.intent':'voice'},'m.mentions':{'room':true}}",
            "ring slot=m.call#room everybody" TIMES " intent=audio !people" },
        { "withdrawn", "{'msc4354_sticky_key':'m.call#ROOM'}", "" },
        { "withdrawn, stable", "{'sticky_key':'m.call#ROOM'}", "" },
    };
    check_rows(TYPE, rows, COUNT_OF(rows));
    check_rows("m.rtc.notification", rows, COUNT_OF(rows));
}

TEST(appservice_notify_events, clamps_when_it_rings) {
    static const struct row rows[] = {
        { "no lifetime", "{'notification_type':'ring'}", "ring start=-2000 end=+28000 !people" },
        { "two minutes are the most", "{'notification_type':'ring','lifetime':120001}",
            "ring start=-2000 end=+118000 !people" },
        { "lifetime negative", "{'notification_type':'ring','lifetime':-1}",
            "ring start=-2000 end=-2000" },
        { "lifetime is a text", "{'notification_type':'ring','lifetime':'1'}",
            "malformed content.lifetime: want a number, got a string" },
        { "sender 20 s behind", "{" RING ",'sender_ts':1763999988000}",
            "ring start=-22000 end=+8000 !people" },
        { "sender further behind", "{" RING ",'sender_ts':1763999987999}",
            "ring start=-2000 end=+28000 !people" },
        { "sender ahead of us", "{" RING ",'sender_ts':1764000020000}",
            "ring start=+0 end=+30000 !people" },
        { "sender far ahead", "{" RING ",'sender_ts':9007199254740993}",
            "ring start=-2000 end=+28000 !people" },
        { "sender_ts is an object", "{'sender_ts':{}}",
            "malformed content.sender_ts: want a number, got an object" },
    };
    check_rows(TYPE, rows, COUNT_OF(rows));
}

TEST(appservice_notify_events, asks_for_people_only_while_it_may_ring) {
    static const struct {
        const char *name;
        const char *more;
        bool reconciled;
        const char *want;
    } rows[] = {
        { "age at the lifetime", "'unsigned':{'age':30000},", false, "ring" TIMES " !people" },
        { "older", "'unsigned':{'age':30001},", false, "ring" TIMES },
        { "soft-failed", "'unsigned':{'io.element.synapse.soft_failed':true},", false,
            "ring" TIMES " ignored" },
        { "reconciled", "", true, "ring" TIMES " reconciled" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        json_t *event = say_event(TYPE, NULL, r->more, "{" RING "}");
        check_event(&say_config, event, r->reconciled, r->want);
        json_decref(event);
    }
}

TEST(appservice_notify_events, reads_mentions) {
    static const struct row rows[] = {
        { "the room beats names",
            "{" RING ",'m.mentions':{'room':true,'user_ids':['@bob:example.com']}}",
            "ring everybody" TIMES " !people" },
        { "no users are left out",
            "{" RING ",'m.mentions':{'user_ids':['bob','@bob:example.com','@a\\u0000:b','']}}",
            "ring mentions=[@bob:example.com]" TIMES " !people" },
        { "a user that is a number", "{" RING ",'m.mentions':{'user_ids':['@b:c',5]}}",
            "malformed content.m.mentions.user_ids[1]: want a string" },
        { "users are a text", "{" RING ",'m.mentions':{'user_ids':'@b:c'}}",
            "malformed content.m.mentions.user_ids: want a list, got a string" },
        { "room is a text", "{" RING ",'m.mentions':{'room':'yes'}}",
            "malformed content.m.mentions.room: want a boolean, got a string" },
        { "mentions are a list", "{" RING ",'m.mentions':[]}",
            "malformed content.m.mentions: want an object, got a list" },
    };
    check_rows(TYPE, rows, COUNT_OF(rows));
}

TEST(appservice_notify_events, mentions_a_bounded_crowd) {
    struct arena arena;
    struct as_reading reading;
    json_t *event = say_event(TYPE, NULL, NULL, "{" RING ",'m.mentions':{'user_ids':[]}}");
    json_t *mentions = json_object_get(json_object_get(event, "content"), "m.mentions");
    for (int i = 0; i < AS_MENTIONS_MAX + 10; i++) {
        json_array_append_new(json_object_get(mentions, "user_ids"), json_string("@b:c"));
    }
    arena_init(&arena);
    CHECK_ERR(OK, as_observer_read(&say_config, event, RECEIVED_MS, false, &arena, &reading));
    CHECK_INT(IN_RING, reading.inputs[0].type);
    CHECK_INT(AS_MENTIONS_MAX, reading.inputs[0].ring.n_mentions);
    arena_finish(&arena);
    json_decref(event);
}

TEST(appservice_notify_events, reads_the_older_ring) {
    static const struct row rows[] = {
        { "ring",
            "{'application':'m.call','notify_type':'ring','call_id':'','m.mentions':"
            "{'user_ids':['@bob:example.com'],'room':false}}",
            "ring slot=m.call#ROOM mentions=[@bob:example.com] start=-2000 end=+28000 older "
            "!people" },
        { "notify",
            "{'application':'m.call','notify_type':'notify','call_id':'x','m.mentions':"
            "{'room':true}}",
            "notify slot=m.call#x everybody start=-2000 end=+28000 older" },
        { "no type", "{}", "notify start=-2000 end=+28000 older" },
        { "call id is a number", "{'notify_type':'ring','call_id':1}",
            "malformed content.call_id: want a string, got a number" },
    };
    check_rows("org.matrix.msc4075.call.notify", rows, COUNT_OF(rows));
    check_rows("m.call.notify", rows, COUNT_OF(rows));
}

TEST(appservice_notify_events, reads_declines) {
    static const struct row rows[] = {
        { "a decline", "{" TO "}", "decline target=$m" },
        { "sticky, js-sdk 43", "{" TO ",'msc4354_sticky_key':'$m'}", "decline target=$m" },
        { "withdrawn", "{'msc4354_sticky_key':'$m'}", "" },
        { "of nothing", "{'reason':'busy'}",
            "malformed content.m.relates_to: want an m.reference to an event" },
    };
    check_rows("org.matrix.msc4310.rtc.decline", rows, COUNT_OF(rows));
    check_rows("m.rtc.decline", rows, COUNT_OF(rows));
}

#define HAND "\xF0\x9F\x96\x90\xEF\xB8\x8F"

TEST(appservice_notify_events, reads_raised_hands_and_no_other_reaction) {
    static const struct row rows[] = {
        { "a hand", "{'m.relates_to':{'rel_type':'m.annotation','event_id':'$m','key':'" HAND "'}}",
            "hand target=$m" },
        { "a thumb",
            "{'m.relates_to':{'rel_type':'m.annotation','event_id':'$m','key':'\xF0\x9F\x91\x8D'}}",
            "" },
        { "a hand without its second half",
            "{'m.relates_to':{'rel_type':'m.annotation','event_id':'$m','key':"
            "'\xF0\x9F\x96\x90'}}",
            "" },
        { "a hand that relates otherwise",
            "{'m.relates_to':{'rel_type':'m.reference','event_id':'$m','key':'" HAND "'}}", "" },
        { "a hand at nothing", "{'m.relates_to':{'rel_type':'m.annotation','key':'" HAND "'}}",
            "malformed content.m.relates_to.event_id: want a string, got nothing" },
        { "nothing", "{}", "" },
        { "a broken relation", "{'m.relates_to':7}", "" },
    };
    check_rows("m.reaction", rows, COUNT_OF(rows));
}
