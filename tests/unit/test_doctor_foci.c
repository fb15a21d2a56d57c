/* Which call service clients take from a list. */
#include "doctor/foci.h"

#include "test.h"

#define OURS       "https://calls.example.com"
#define ENTRY(url) "{\"type\":\"livekit\",\"livekit_service_url\":\"" url "\"}"

TEST(doctor_foci, judges_as_clients_choose) {
    static const struct {
        const char *name, *list;
        enum doctor_focus want;
        const char *first;
    } rows[] = {
        { "missing", NULL, DOCTOR_FOCUS_MISSING, "" },
        { "ours", "[" ENTRY(OURS) "]", DOCTOR_FOCUS_RIGHT, OURS },
        { "ours twice", "[" ENTRY(OURS) "," ENTRY(OURS) "]", DOCTOR_FOCUS_RIGHT, OURS },
        { "ours behind another kind", "[{\"type\":\"nextgen\"}," ENTRY(OURS) "]",
            DOCTOR_FOCUS_RIGHT, OURS },
        { "ours second", "[" ENTRY("https://o.test") "," ENTRY(OURS) "]", DOCTOR_FOCUS_NOT_FIRST,
            "https://o.test" },
        { "another", "[" ENTRY("https://o.test") "]", DOCTOR_FOCUS_OTHER, "https://o.test" },
        { "a slash more", "[" ENTRY(OURS "/") "]", DOCTOR_FOCUS_ALMOST, OURS "/" },
        { "capitals", "[" ENTRY("https://Calls.example.com") "]", DOCTOR_FOCUS_ALMOST,
            "https://Calls.example.com" },
        { "a path more", "[" ENTRY(OURS "/jwt") "]", DOCTOR_FOCUS_OTHER, OURS "/jwt" },
        { "empty", "[]", DOCTOR_FOCUS_NONE, "" },
        { "without an address", "[{\"type\":\"livekit\"}]", DOCTOR_FOCUS_NONE, "" },
        { "an empty address", "[" ENTRY("") "]", DOCTOR_FOCUS_NONE, "" },
        { "not objects", "[1,\"livekit\",null,[]]", DOCTOR_FOCUS_NONE, "" },
        { "an object", ENTRY(OURS), DOCTOR_FOCUS_NO_LIST, "" },
        { "null", "[null]", DOCTOR_FOCUS_NONE, "" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        const char *first;
        json_t *list = r->list == NULL ? NULL : json_loads(r->list, 0, NULL);
        CHECK_INT(r->want, doctor_foci_judge(list, OURS, &first));
        CHECK_STR(r->first, first);
        json_decref(list);
    }
}
