/* Who may call in a room, by levels as rooms really have them. */
#include "doctor/power.h"

#include "test.h"

#define PEOPLE     "{\"@a:x\":{},\"@b:x\":{},\"@c:x\":{}}"
#define NEW_LEVELS "{\"users\":{\"@a:x\":100},\"events\":{\"org.matrix.msc3401.call.member\":0}}"

static json_t *read(const char *text) {
    return text == NULL ? NULL : json_loads(text, 0, NULL);
}

TEST(doctor_power, counts_who_may_write_but_not_call) {
    static const struct {
        const char *name, *levels, *create;
        bool encrypted;
        size_t no_group_calls, no_legacy;
        int64_t need_group;
    } rows[] = {
        { "a room as Element makes it", NEW_LEVELS, NULL, false, 0, 0, 0 },
        { "an old room", "{\"users\":{\"@a:x\":100}}", NULL, false, 2, 0, 50 },
        { "an old room for people of some power", "{\"users_default\":50}", NULL, false, 0, 0, 50 },
        { "level of its own",
            "{\"events\":{\"org.matrix.msc3401.call.member\":25},"
            "\"users\":{\"@a:x\":25,\"@b:x\":24}}",
            NULL, false, 2, 0, 25 },
        { "no levels at all", NULL, "{\"sender\":\"@a:x\",\"content\":{}}", false, 0, 0, 0 },
        { "levels without a word", "{}", NULL, false, 3, 0, 50 },
        { "state for everybody", "{\"state_default\":0}", NULL, false, 0, 0, 0 },
        { "announcements only", "{\"users\":{\"@a:x\":100},\"events_default\":50}", NULL, false, 0,
            0, 50 },
        { "no invites", "{\"state_default\":0,\"events\":{\"m.call.invite\":50}}", NULL, false, 0,
            3, 0 },
        { "no invites, but they travel encrypted",
            "{\"state_default\":0,\"events\":{\"m.call.invite\":50}}", NULL, true, 0, 0, 0 },
        { "levels as texts, as old rooms allow",
            "{\"users\":{\"@a:x\":\"100\"},"
            "\"events\":{\"org.matrix.msc3401.call.member\":"
            "\"75\"}}",
            NULL, false, 2, 0, 75 },
        { "levels that are none", "{\"state_default\":\"much\",\"users\":[],\"events\":7}", NULL,
            false, 3, 0, 50 },
        { "creators of version 12 stand above", "{\"users_default\":0}",
            "{\"sender\":\"@a:x\",\"content\":{\"room_version\":\"12\","
            "\"additional_creators\":[\"@b:x\"]}}",
            false, 1, 0, 50 },
        { "its first name", "{\"users_default\":0}",
            "{\"sender\":\"@a:x\",\"content\":{\"room_version\":\"org.matrix.hydra.11\"}}", false,
            2, 0, 50 },
        { "creators of version 11 do not", "{\"users_default\":0}",
            "{\"sender\":\"@a:x\",\"content\":{\"room_version\":\"11\"}}", false, 3, 0, 50 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        json_t *levels = read(r->levels), *create = read(r->create), *joined = read(PEOPLE);
        struct doctor_power p = doctor_power_of(&(struct doctor_room){
            .levels = levels, .create = create, .joined = joined, .encrypted = r->encrypted });
        CHECK_INT(3, p.people);
        CHECK_INT(r->no_group_calls, p.no_group_calls);
        CHECK_INT(r->no_legacy, p.no_legacy);
        CHECK_INT(r->need_group, p.need_group);
        json_decref(levels);
        json_decref(create);
        json_decref(joined);
    }
}

TEST(doctor_power, an_empty_room_hinders_nobody) {
    struct doctor_power p = doctor_power_of(&(struct doctor_room){ .encrypted = false });
    CHECK_INT(0, p.people);
    CHECK_INT(0, p.no_group_calls);
}

/* Anybody with the power may clear somebody else's entry. */
TEST(doctor_power, tells_who_may_end_memberships) {
    static const struct {
        const char *name, *levels, *create, *user;
        bool may;
    } rows[] = {
        { "everybody in a room as Element makes it", NEW_LEVELS, NULL, "@c:x", true },
        { "nobody else in an older one", "{\"users\":{\"@a:x\":100}}", NULL, "@c:x", false },
        { "an admin in an older one", "{\"users\":{\"@a:x\":100}}", NULL, "@a:x", true },
        { "the creator of a new version", "{\"users\":{}}",
            "{\"sender\":\"@c:x\",\"content\":{\"room_version\":\"12\"}}", "@c:x", true },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        json_t *levels = read(r->levels), *create = read(r->create);
        CHECK_INT(
            r->may, doctor_power_may_end(
                        &(struct doctor_room){ .levels = levels, .create = create }, r->user));
        json_decref(levels);
        json_decref(create);
    }
}
