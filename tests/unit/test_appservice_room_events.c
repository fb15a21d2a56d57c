/* Room membership, redactions, join rules. */
#include "appservice/room_events.h"

#include "appservice_say.h"

#define ALICE "@alice:example.com"
#define BOB   "@bob:example.com"

TEST(appservice_room_events, reads_who_left_and_who_came) {
    static const struct {
        const char *name;
        const char *state_key;
        const char *more;
        const char *content;
        const char *want;
    } rows[] = {
        { "leaves", ALICE, NULL, "{'membership':'leave'}",
            "user_left user=" ALICE " membership=leave !changed" },
        { "kicked", BOB, NULL, "{'membership':'leave'}",
            "user_left user=" BOB " membership=leave kicked !changed" },
        { "banned", BOB, NULL, "{'membership':'ban'}",
            "user_left user=" BOB " membership=ban kicked !changed" },
        { "invited", BOB, NULL, "{'membership':'invite'}", " !changed" },
        { "knocks", ALICE, NULL, "{'membership':'knock'}", " !changed" },
        { "a local join", ALICE, NULL, "{'membership':'join'}", " !changed !look" },
        { "a local join of an invited one", ALICE,
            "'unsigned':{'prev_content':{'membership':'invite'}},", "{'membership':'join'}",
            " !changed !look" },
        { "a new name", ALICE, "'unsigned':{'prev_content':{'membership':'join'}},",
            "{'membership':'join'}", " !changed" },
        { "a remote join", "@eve:example.org", NULL, "{'membership':'join'}", " !changed" },
        { "a server that begins like ours", "@eve:example.com.org", NULL, "{'membership':'join'}",
            " !changed" },
        { "an hour ago", ALICE, "'unsigned':{'age':3600000},", "{'membership':'join'}",
            " !changed !look" },
        { "history", ALICE, "'unsigned':{'age':3600001},", "{'membership':'join'}", " !changed" },
        { "soft-failed", ALICE, "'unsigned':{'io.element.synapse.soft_failed':true},",
            "{'membership':'leave'}",
            "user_left user=" ALICE " membership=leave ignored !changed" },
        { "no membership", ALICE, NULL, "{}",
            "malformed content.membership: want a string, got nothing !changed" },
        { "of nobody", "alice", NULL, "{'membership':'leave'}",
            "malformed state_key: want a user id, got a string !changed" },
        { "no state event", NULL, NULL, "{'membership':'leave'}",
            "malformed state_key: want a user id, got nothing !changed" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        check_content("m.room.member", r->state_key, r->more, r->content, r->want);
    }
}

TEST(appservice_room_events, reads_redactions_at_both_places) {
    static const struct {
        const char *name;
        const char *more;
        const char *content;
        const char *want;
    } rows[] = {
        { "before room version 11", "'redacts':'$x',", "{}", "redacted target=$x" },
        { "since", NULL, "{'redacts':'$x','reason':'spam'}", "redacted target=$x" },
        { "both", "'redacts':'$x',", "{'redacts':'$x'}", "redacted target=$x" },
        { "nothing", NULL, "{}", "malformed content.redacts: want a string, got nothing" },
        { "a number", "'redacts':1,", "{}", "malformed redacts: want a string, got a number" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        check_content("m.room.redaction", NULL, r->more, r->content, r->want);
    }
}

TEST(appservice_room_events, forgets_people_when_the_join_rules_change) {
    check_content("m.room.join_rules", "", NULL, "{'join_rule':'public'}", " !changed");
}
