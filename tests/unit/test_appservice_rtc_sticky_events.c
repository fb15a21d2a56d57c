/* MatrixRTC members as sticky events, slots, and hints from encrypted rooms. */
#include "appservice/rtc_sticky_events.h"

#include "appservice_say.h"

#define TYPE   "org.matrix.msc4143.rtc.member"
#define STICK  "'msc4354_sticky':{'duration_ms':3600000},"
#define WHO    " key=@alice:example.com/k1 user=@alice:example.com"
#define JOIN   "'slot_id':'m.call#ROOM','application':{'type':'m.call'},'msc4354_sticky_key':'k1'"
#define MINE   "'member':{'id':'k1','user_id':'@alice:example.com','device_id':'DEV'}"
#define MEMBER "member gen=sticky app=m.call slot=m.call#ROOM" WHO " device=DEV id=k1"
#define TIMES  " start=-2000 end=+3598000 until=+3598000"
#define LEFT   "member_left gen=sticky"

struct row {
    const char *name;
    const char *more;
    const char *content;
    const char *want;
};

static void check_rows(const char *type, const char *state_key, const struct row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        ROW(rows[i].name);
        check_content(type, state_key, rows[i].more, rows[i].content, rows[i].want);
    }
}

TEST(appservice_rtc_sticky_events, reads_what_clients_send) {
    static const struct row rows[] = {
        { "js-sdk 43", STICK,
            "{'application':{'type':'m.call','m.call.intent':'video'},'slot_id':'m.call#ROOM',"
            "'transports':{'published':[{'type':'livekit','livekit_service_url':"
            "'https://sfu.example.com'}],'can_subscribe':['livekit']}," MINE ",'versions':[],"
            "'msc4354_sticky_key':'k1'}",
            MEMBER " intent=video our_focus=https://sfu.example.com" TIMES },
        { "js-sdk 43, refreshed", STICK,
            "{" JOIN "," MINE ",'m.relation':{'rel_type':'m.reference','event_id':'$first'}}",
            MEMBER TIMES },
        { "js-sdk 42", STICK,
            "{" JOIN "," MINE ",'rtc_transports':[{'type':'livekit','livekit_service_url':'https://"
            "f'}]}",
            MEMBER " focus=https://f" TIMES },
        { "older drafts", STICK,
            "{" JOIN ",'member':{'id':'k1','claimed_user_id':'@alice:example.com',"
            "'claimed_device_id':'DEV'}}",
            MEMBER TIMES },
        { "latest text", "'sticky':{'duration_ms':60000},",
            "{'slot_id':'m.call#room','application':{'type':'m.call'},'member':{'id':'k1',"
            "'membership':'join'},'sticky_key':'k1','transports':{'published':[{'type':'m.livekit',"
            "'livekit_service_url':'https://f'}]}}",
            "member gen=sticky app=m.call slot=m.call#room" WHO
            " device= id=k1 focus=https://f start=-2000 end=+58000 until=+58000" },
        { "another application", STICK,
            "{'slot_id':'org.game#1','application':{'type':'org.game'}," MINE ",'sticky_key':'k1'}",
            "member gen=sticky app=org.game slot=org.game#1" WHO " device=DEV id=k1" TIMES },
    };
    check_rows(TYPE, NULL, rows, COUNT_OF(rows));
    check_rows("m.rtc.member", NULL, rows, COUNT_OF(rows));
}

TEST(appservice_rtc_sticky_events, reads_leaving) {
    static const struct row rows[] = {
        { "deployed", STICK, "{'msc4354_sticky_key':'k1'}",
            LEFT WHO " id=k1" TIMES " reason=left" },
        { "deployed, with its slot", STICK, "{'slot_id':'m.call#ROOM','msc4354_sticky_key':'k1'}",
            LEFT " slot=m.call#ROOM" WHO " id=k1" TIMES " reason=left" },
        { "latest text", STICK,
            "{'slot_id':'m.call#room','application':{'type':'m.call'},'member':{'id':'k1',"
            "'membership':'leave'},'leave_reason':{'code':'delayed_leave'},'sticky_key':'k1'}",
            LEFT " slot=m.call#room" WHO " id=k1" TIMES " reason=delayed_leave" },
        { "latest text, by choice", STICK,
            "{'member':{'id':'k1','membership':'leave'},'leave_reason':{'code':'leave',"
            "'reason':'bye'}}",
            LEFT WHO " id=k1" TIMES " reason=left" },
        { "no key at all", STICK, "{}",
            "malformed content.msc4354_sticky_key: want a string, got nothing" },
    };
    check_rows(TYPE, NULL, rows, COUNT_OF(rows));
}

TEST(appservice_rtc_sticky_events, believes_nobody_about_others) {
    static const struct row rows[] = {
        { "user is another", STICK, "{" JOIN ",'member':{'id':'k1','user_id':'@bob:example.com'}}",
            "malformed content.member.user_id: want the sender" },
        { "claimed user is another", STICK,
            "{" JOIN ",'member':{'id':'k1','claimed_user_id':'@bob:example.com'}}",
            "malformed content.member.claimed_user_id: want the sender" },
        { "somebody else's leave", STICK,
            "{'msc4354_sticky_key':'k1','member':{'id':'k1','user_id':'@bob:example.com',"
            "'membership':'leave'}}",
            "malformed content.member.user_id: want the sender" },
        { "user is a number", STICK, "{" JOIN ",'member':{'id':'k1','user_id':1}}",
            "malformed content.member.user_id: want a string, got a number" },
        { "keys differ", STICK, "{" JOIN "," MINE ",'sticky_key':'k2'}",
            "malformed content: sticky_key and msc4354_sticky_key differ" },
    };
    check_rows(TYPE, NULL, rows, COUNT_OF(rows));
}

TEST(appservice_rtc_sticky_events, refuses_what_clients_refuse) {
    static const struct row rows[] = {
        { "no member", STICK, "{" JOIN "}",
            "malformed content.member: want an object, got nothing" },
        { "member is a list", STICK, "{" JOIN ",'member':[]}",
            "malformed content.member: want an object, got a list" },
        { "no slot", STICK, "{'application':{'type':'m.call'}," MINE "}",
            "malformed content.slot_id: want a string, got nothing" },
        { "no application", STICK, "{'slot_id':'m.call#ROOM'," MINE "}",
            "malformed content.application: want an object, got nothing" },
        { "application is a text", STICK, "{'slot_id':'s','application':'m.call'," MINE "}",
            "malformed content.application: want an object, got a string" },
        { "application without type", STICK, "{'slot_id':'s','application':{}," MINE "}",
            "malformed content.application.type: want a string, got nothing" },
        { "transports are a text", STICK, "{" JOIN "," MINE ",'transports':'x'}",
            "malformed content.transports: want an object, got a string" },
        { "member id is a number", STICK, "{" JOIN ",'member':{'id':1}}",
            "malformed content.member.id: want a string, got a number" },
    };
    check_rows(TYPE, NULL, rows, COUNT_OF(rows));
}

TEST(appservice_rtc_sticky_events, reads_how_long_it_sticks) {
    static const struct row rows[] = {
        { "an hour is the most", "'msc4354_sticky':{'duration_ms':3600001},", "{" JOIN "," MINE "}",
            MEMBER TIMES },
        { "negative", "'msc4354_sticky':{'duration_ms':-1},", "{" JOIN "," MINE "}",
            MEMBER " start=-2000 end=-2000 until=-2000" },
        { "both names", "'msc4354_sticky':{'duration_ms':1000},'sticky':{'duration_ms':2000},",
            "{" JOIN "," MINE "}", MEMBER " start=-2000 end=-1000 until=-1000" },
        { "not sticky", NULL, "{" JOIN "," MINE "}",
            "malformed sticky: want an object, got nothing" },
        { "no duration", "'sticky':{},", "{" JOIN "," MINE "}",
            "malformed sticky.duration_ms: want a number, got nothing" },
        { "duration is a text", "'msc4354_sticky':{'duration_ms':'1'},", "{" JOIN "," MINE "}",
            "malformed msc4354_sticky.duration_ms: want a number, got a string" },
    };
    check_rows(TYPE, NULL, rows, COUNT_OF(rows));
}

#define CLOSED                                                                                     \
    "slot_closed gen=sticky slot=m.call#ROOM state_key=m.call#ROOM user=@alice:example.com"

TEST(appservice_rtc_sticky_events, reads_slots) {
    static const struct row rows[] = {
        { "open", NULL, "{'status':'open','application':{'type':'m.call'}}", "" },
        { "closed", NULL, "{'status':'closed'}", CLOSED },
        { "emptied", NULL, "{}", CLOSED },
        { "another word", NULL, "{'status':'ajar'}", CLOSED },
        { "a number", NULL, "{'status':1}",
            "malformed content.status: want a string, got a number" },
    };
    check_rows("org.matrix.msc4143.rtc.slot", "m.call#ROOM", rows, COUNT_OF(rows));
    check_rows("m.rtc.slot", "m.call#ROOM", rows, COUNT_OF(rows));
    ROW("no state event");
    check_content("m.rtc.slot", NULL, NULL, "{'status':'closed'}",
        "malformed state_key: want a string, got nothing");
}

#define CIPHER "'algorithm':'m.megolm.v1.aes-sha2','ciphertext':'AwgA','session_id':'s'"
#define RELATE "'m.relates_to':{'rel_type':'m.reference','event_id':'$x'}"
#define OPAQUE "member_opaque gen=sticky user=@alice:example.com"

TEST(appservice_rtc_sticky_events, takes_hints_from_encrypted_events) {
    static const struct row rows[] = {
        { "a message", NULL, "{" CIPHER "}", "" },
        { "related", NULL, "{" CIPHER "," RELATE "}", "related_opaque target=$x !people" },
        { "sticky", STICK, "{" CIPHER "}", OPAQUE TIMES },
        { "sticky, stable name", "'sticky':{'duration_ms':1000},", "{" CIPHER "}",
            OPAQUE " start=-2000 end=-1000 until=-1000" },
        { "both", STICK, "{" CIPHER "," RELATE "}",
            "related_opaque target=$x; " OPAQUE TIMES " !people" },
        { "a thread", NULL, "{" CIPHER ",'m.relates_to':{'rel_type':'m.thread','event_id':'$x'}}",
            "" },
        { "an edit", NULL, "{" CIPHER ",'m.relates_to':{'rel_type':'m.replace','event_id':'$x'}}",
            "" },
        { "a broken mark", "'msc4354_sticky':7,", "{" CIPHER "}", "" },
        { "a broken relation", NULL, "{" CIPHER ",'m.relates_to':[]}", "" },
    };
    check_rows("m.room.encrypted", NULL, rows, COUNT_OF(rows));
}
