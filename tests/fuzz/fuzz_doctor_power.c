/* Levels and lists that strangers wrote: lines of JSON (levels, create event, members, call
 * services). Nobody is counted twice, and the call service that clients take is in the list. */
#include "fuzz.h"

#include "core/mem.h"
#include "doctor/foci.h"
#include "doctor/power.h"

#include <assert.h>
#include <string.h>

static json_t *next_line(const char **at, const char *end) {
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    const char *stop = newline == NULL ? end : newline;
    json_t *v = json_loadb(*at, (size_t)(stop - *at), JSON_DECODE_ANY, NULL);
    *at = newline == NULL ? end : newline + 1;
    return v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    const char *at = (const char *)data, *end = at + n, *first;
    json_t *levels = next_line(&at, end), *create = next_line(&at, end);
    json_t *joined = next_line(&at, end), *list = next_line(&at, end);
    struct doctor_room room = {
        .levels = levels, .create = create, .joined = joined, .encrypted = n % 2 == 1
    };
    struct doctor_power p = doctor_power_of(&room);
    assert(p.people == json_object_size(joined));
    assert(p.no_group_calls <= p.people && p.no_legacy <= p.people);
    enum doctor_focus f = doctor_foci_judge(list, "https://calls.example.com", &first);
    assert(f != DOCTOR_FOCUS_RIGHT || strcmp(first, "https://calls.example.com") == 0);
    assert((first[0] == '\0') == (f >= DOCTOR_FOCUS_NONE));
    json_decref(levels);
    json_decref(create);
    json_decref(joined);
    json_decref(list);
    return 0;
}
