/* MatrixRTC members in room state: every form, every field. */
#include "appservice/rtc_events.h"

#include "appservice_say.h"

#define TYPE   "org.matrix.msc3401.call.member"
#define KEY    "_@alice:example.com_DEV_m.call"
#define WHO    " key=" KEY " state_key=" KEY " user=@alice:example.com key_user=@alice:example.com"
#define SHORT  "'application':'m.call','call_id':'','device_id':'DEV'"
#define MEMBER "member gen=state app=m.call slot=m.call#ROOM" WHO " device=DEV"
#define TIMES  " start=-2000 end=+14398000"

struct row {
    const char *name;
    const char *state_key;
    const char *content;
    const char *want;
};

static void check_rows(const char *type, const struct row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        ROW(rows[i].name);
        check_content(type, rows[i].state_key, NULL, rows[i].content, rows[i].want);
    }
}

TEST(appservice_rtc_events, reads_what_clients_send) {
    static const struct row rows[] = {
        { "Element Call, first event", KEY,
            "{'application':'m.call','call_id':'','scope':'m.room','device_id':'DEV',"
            "'membershipID':'@alice:example.com:DEV','expires':14400000,'m.call.intent':'video',"
            "'focus_active':{'type':'livekit','focus_selection':'multi_sfu'},'foci_preferred':"
            "[{'type':'livekit','livekit_service_url':'https://sfu.example.com/',"
            "'livekit_alias':'!r:example.com'}]}",
            MEMBER " id=@alice:example.com:DEV intent=video our_focus=https://sfu.example.com/ "
                   "selection=multi_sfu" TIMES },
        { "Element Call, refreshed after 4 h", KEY,
            "{" SHORT ",'expires':28800000,'created_ts':1763985610000}",
            MEMBER " start_given=-14400000 end=+14400000" },
        { "FluffyChat", KEY,
            "{'application':'m.call','call_id':'','device_id':'DEV','expires':14400000,"
            "'created_at':1764000005000,'foci_preferred':[{'type':'livekit','livekit_service_url':"
            "'https://other.example.org/livekit/jwt','livekit_alias':'!r:example.com'}],"
            "'focus_active':{'type':'livekit','focus_selection':'oldest_membership'},"
            "'m.call.intent':'video','membershipID':'@alice:example.com:DEV','scope':'m.room'}",
            MEMBER " id=@alice:example.com:DEV intent=video "
                   "focus=https://other.example.org/livekit/jwt selection=oldest_membership "
                   "start=-5000 end=+14395000" },
        { "the least", KEY, "{" SHORT "}", MEMBER TIMES },
        { "a rare call id", "_@alice:example.com_DEV_m.callX",
            "{'application':'m.call','call_id':'X','device_id':'DEV'}",
            "member gen=state app=m.call slot=m.call#X key=_@alice:example.com_DEV_m.callX "
            "state_key=_@alice:example.com_DEV_m.callX user=@alice:example.com "
            "key_user=@alice:example.com device=DEV" TIMES },
        { "another application", KEY, "{'application':'org.game','call_id':'','device_id':'DEV'}",
            "member gen=state app=org.game slot=org.game#" WHO " device=DEV" TIMES },
        { "written over somebody else", "_@bob:example.com_DEV_m.call", "{" SHORT "}",
            "member gen=state app=m.call slot=m.call#ROOM key=_@bob:example.com_DEV_m.call "
            "state_key=_@bob:example.com_DEV_m.call user=@alice:example.com "
            "key_user=@bob:example.com device=DEV" TIMES },
        { "a key that names nobody", "x", "{" SHORT "}",
            "member gen=state app=m.call slot=m.call#ROOM key=x state_key=x "
            "user=@alice:example.com device=DEV" TIMES },
    };
    check_rows(TYPE, rows, COUNT_OF(rows));
    check_rows("m.call.member", rows, COUNT_OF(rows));
}

TEST(appservice_rtc_events, counts_time_as_clients_do) {
    static const struct row rows[] = {
        { "created_ts before created_at", KEY,
            "{" SHORT ",'expires':1000,'created_ts':1764000000000,'created_at':1}",
            MEMBER " start_given=-10000 end=-9000" },
        { "created in the future", KEY, "{" SHORT ",'created_ts':1764000099999,'expires':1000}",
            MEMBER " start_given=+0 end=+1000" },
        { "created before time began", KEY, "{" SHORT ",'created_ts':-5,'expires':1}",
            MEMBER " start_given=-1764000009999 end=-1764000009998" },
        { "expires now", KEY, "{" SHORT ",'expires':0}", MEMBER " start=-2000 end=-2000" },
        { "expires negative", KEY, "{" SHORT ",'expires':-1}", MEMBER " start=-2000 end=-2000" },
        { "a day is the most", KEY, "{" SHORT ",'expires':9007199254740993}",
            MEMBER " start=-2000 end=+86400000" },
        { "fractions", KEY, "{" SHORT ",'expires':1000.5}", MEMBER " start=-2000 end=-1000" },
        { "null is nothing", KEY, "{" SHORT ",'expires':null,'created_ts':null}", MEMBER TIMES },
        { "expires is a text", KEY, "{" SHORT ",'expires':'1'}",
            "malformed content.expires: want a number, got a string" },
        { "created_ts is a boolean", KEY, "{" SHORT ",'created_ts':false}",
            "malformed content.created_ts: want a number, got a boolean" },
    };
    check_rows(TYPE, rows, COUNT_OF(rows));
}

TEST(appservice_rtc_events, reads_intents) {
    static const struct row rows[] = {
        { "audio", KEY, "{" SHORT ",'m.call.intent':'audio'}", MEMBER " intent=audio" TIMES },
        { "voice", KEY, "{" SHORT ",'m.call.intent':'voice'}", MEMBER " intent=audio" TIMES },
        { "something new", KEY, "{" SHORT ",'m.call.intent':'hologram'}", MEMBER TIMES },
        { "a number", KEY, "{" SHORT ",'m.call.intent':1}",
            "malformed content.m.call.intent: want a string, got a number" },
    };
    check_rows(TYPE, rows, COUNT_OF(rows));
}

#define FOCI(list) "{" SHORT ",'foci_preferred':" list "}"

TEST(appservice_rtc_events, finds_the_first_focus_it_understands) {
    static const struct row rows[] = {
        { "ours", KEY, FOCI("[{'type':'livekit','livekit_service_url':'https://sfu.example.com'}]"),
            MEMBER " our_focus=https://sfu.example.com" TIMES },
        { "ours by its latest name", KEY,
            FOCI("[{'type':'m.livekit','livekit_service_url':'https://sfu.example.com//'}]"),
            MEMBER " our_focus=https://sfu.example.com//" TIMES },
        { "begins like ours", KEY,
            FOCI("[{'type':'livekit','livekit_service_url':'https://sfu.example.com.evil'}]"),
            MEMBER " focus=https://sfu.example.com.evil" TIMES },
        { "odd ones before it", KEY,
            FOCI("[null,7,[],{'type':'mesh'},{'type':'livekit'},{'type':'livekit',"
                 "'livekit_service_url':''},{'type':'livekit','livekit_service_url':3},"
                 "{'livekit_service_url':'https://a'},{'type':'livekit','livekit_service_url':"
                 "'https://b\\u0000'},{'type':'livekit','livekit_service_url':'https://c'}]"),
            MEMBER " focus=https://c" TIMES },
        { "none", KEY, FOCI("[]"), MEMBER TIMES },
        { "no list", KEY, FOCI("{}"),
            "malformed content.foci_preferred: want a list, got an object" },
        { "selection is a number", KEY, "{" SHORT ",'focus_active':{'focus_selection':1}}",
            "malformed content.focus_active.focus_selection: want a string, got a number" },
        { "active focus is a text", KEY, "{" SHORT ",'focus_active':'x'}",
            "malformed content.focus_active: want an object, got a string" },
    };
    check_rows(TYPE, rows, COUNT_OF(rows));
    struct as_observer_config nobody = say_config;
    nobody.focus_url = "";
    json_t *event = say_event(TYPE, KEY, NULL,
        FOCI("[{'type':'livekit','livekit_service_url':'https://sfu.example.com'}]"));
    check_event(&nobody, event, false, MEMBER " focus=https://sfu.example.com" TIMES);
    json_decref(event);
}

TEST(appservice_rtc_events, refuses_what_clients_refuse) {
    static const struct row rows[] = {
        { "no call id", KEY, "{'application':'m.call','device_id':'DEV'}",
            "malformed content.call_id: want a string, got nothing" },
        { "no device", KEY, "{'application':'m.call','call_id':''}",
            "malformed content.device_id: want a string, got nothing" },
        { "empty device", KEY, "{'application':'m.call','call_id':'','device_id':''}",
            "malformed content.device_id: want a string of 1 to 255 bytes, got 0" },
        { "application is an object", KEY, "{'application':{},'call_id':'','device_id':'DEV'}",
            "malformed content.application: want a string, got an object" },
        { "membership id is a number", KEY, "{" SHORT ",'membershipID':1}",
            "malformed content.membershipID: want a string, got a number" },
        { "no state event", NULL, "{" SHORT "}",
            "malformed state_key: want a string, got nothing" },
    };
    check_rows(TYPE, rows, COUNT_OF(rows));
}

#define LEFT(key) "member_left gen=state key=" key " state_key=" key " user=@alice:example.com"

TEST(appservice_rtc_events, reads_leaving) {
    static const struct row rows[] = {
        { "empty", KEY, "{}",
            "member_left gen=state slot=m.call#ROOM" WHO " device=DEV reason=left" },
        { "without application", KEY, "{'device_id':'DEV'}",
            "member_left gen=state slot=m.call#ROOM" WHO " device=DEV reason=left" },
        { "application null", KEY, "{'application':null}",
            "member_left gen=state slot=m.call#ROOM" WHO " device=DEV reason=left" },
        { "somebody else's", "_@bob:example.com_DEV_m.call", "{}",
            "member_left gen=state slot=m.call#ROOM key=_@bob:example.com_DEV_m.call "
            "state_key=_@bob:example.com_DEV_m.call user=@bob:example.com "
            "key_user=@bob:example.com device=DEV reason=left" },
        { "2024's key", "_@alice:example.com_DEV", "{}",
            LEFT("_@alice:example.com_DEV") " key_user=@alice:example.com device=DEV reason=left" },
        { "a list's key", "@alice:example.com", "{}",
            LEFT("@alice:example.com") " key_user=@alice:example.com reason=left; "
                                       "member_list gen=array state_key=@alice:example.com "
                                       "user=@alice:example.com "
                                       "key_user=@alice:example.com remaining=[]" },
        { "a key that names nobody", "x", "{}",
            LEFT("x") " reason=left; member_list gen=array state_key=x user=@alice:example.com "
                      "remaining=[]" },
    };
    check_rows(TYPE, rows, COUNT_OF(rows));
}

#define LIST_KEY "@alice:example.com"
#define ENTRY(generation, id)                                                                      \
    "member gen=" generation " app=m.call slot=m.call#ROOM key=" LIST_KEY "/" id                   \
    " state_key=" LIST_KEY " user=" LIST_KEY " key_user=" LIST_KEY
#define REMAIN(generation, keys)                                                                   \
    "; member_list gen=" generation " state_key=" LIST_KEY " user=" LIST_KEY " key_user=" LIST_KEY \
    " remaining=[" keys "]"

TEST(appservice_rtc_events, reads_the_list_form) {
    static const struct row rows[] = {
        { "two devices", LIST_KEY,
            "{'memberships':[{'application':'m.call','call_id':'','scope':'m.room','device_id':"
            "'D2','expires':3600000,'membershipID':'m2','foci_active':[{'type':'livekit',"
            "'livekit_service_url':'https://sfu.example.com'}]},{'application':'m.call',"
            "'call_id':'','device_id':'D1','created_ts':1764000000000,'expires':3600000,"
            "'membershipID':'m1'}]}",
            ENTRY("array", "m2") " device=D2 id=m2 our_focus=https://sfu.example.com start=-2000 "
                                 "end=+3598000; " ENTRY("array",
                                     "m1") " device=D1 id=m1 start_given=-10000 "
                                           "end=+3590000" REMAIN("array",
                                               "@alice:example.com/m1,@alice:example.com/m2") },
        { "expires beats expires_ts", LIST_KEY,
            "{'memberships':[{'call_id':'','device_id':'D','expires':1000,'expires_ts':1}]}",
            ENTRY("array", "D") " device=D start=-2000 end=-1000" REMAIN(
                "array", "@alice:example.com/D") },
        { "expires_ts alone", LIST_KEY,
            "{'memberships':[{'call_id':'','device_id':'D','expires_ts':1764000015000}]}",
            ENTRY("array", "D") " device=D start=-2000 end=+5000" REMAIN(
                "array", "@alice:example.com/D") },
        { "nobody any more", LIST_KEY, "{'memberships':[]}",
            "member_list gen=array state_key=@alice:example.com user=@alice:example.com "
            "key_user=@alice:example.com remaining=[]" },
        { "no list", LIST_KEY, "{'memberships':{}}",
            "malformed content.memberships: want a list, got an object" },
        { "an entry that is none", LIST_KEY, "{'memberships':[{'call_id':'','device_id':'D'},7]}",
            "malformed content.memberships[1]: want an object" },
        { "an entry without device", LIST_KEY, "{'memberships':[{'call_id':''}]}",
            "malformed content.memberships[0].device_id: want a string, got nothing" },
    };
    check_rows(TYPE, rows, COUNT_OF(rows));
}

TEST(appservice_rtc_events, reads_famedlys_form) {
    static const struct row rows[] = {
        { "as the SDK writes it", LIST_KEY,
            "{'memberships':[{'call_id':'','application':'m.call','scope':'m.room','foci_active':"
            "[{'type':'livekit','livekit_service_url':'https://f','livekit_alias':'a'}],"
            "'device_id':'D','expires_ts':1764000130000,'expires':720000}]}",
            ENTRY("famedly", "D") " device=D focus=https://f start=-2000 end=+120000" REMAIN(
                "famedly", "@alice:example.com/D") },
        { "feeds are not ours", LIST_KEY,
            "{'memberships':[{'call_id':'','device_id':'D','expires_ts':-1,'feeds':[{}]}]}",
            ENTRY("famedly", "D") " device=D start=-2000 end=-1764000009999" REMAIN(
                "famedly", "@alice:example.com/D") },
        { "empty", LIST_KEY, "{}",
            "member_list gen=famedly state_key=@alice:example.com user=@alice:example.com "
            "key_user=@alice:example.com remaining=[]" },
    };
    check_rows("com.famedly.call.member", rows, COUNT_OF(rows));
}

TEST(appservice_rtc_events, refuses_endless_lists) {
    for (size_t n = AS_MEMBERSHIPS_MAX; n <= AS_MEMBERSHIPS_MAX + 1; n++) {
        struct arena arena;
        struct as_reading reading;
        json_t *event = say_event(TYPE, LIST_KEY, NULL, "{'memberships':[]}");
        json_t *list = json_object_get(json_object_get(event, "content"), "memberships");
        for (size_t i = 0; i < n; i++) {
            json_array_append_new(list, say_parse("{'call_id':'','device_id':'D'}"));
        }
        arena_init(&arena);
        CHECK_ERR(OK, as_observer_read(&say_config, event, RECEIVED_MS, false, &arena, &reading));
        bool over = n > AS_MEMBERSHIPS_MAX;
        CHECK_INT(over ? 1 : AS_MEMBERSHIPS_MAX + 1, reading.n_inputs);
        CHECK_INT(over ? IN_MALFORMED : IN_MEMBER, reading.inputs[0].type);
        arena_finish(&arena);
        json_decref(event);
    }
}
