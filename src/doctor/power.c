/* Levels by name, levels of people, and who is under which. */
#include "doctor/power.h"

#include "core/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STATE_DEFAULT   50
#define CREATOR_LEVEL   100 /* of a room that has no levels */
#define CREATORS_STRONG 12  /* from this room version on creators stand above all levels */
#define HYDRA           "org.matrix.hydra.11" /* version 12 before it had its number */

/* Room versions before 10 allow levels that are texts. */
static int64_t number(const json_t *v, int64_t otherwise) {
    if (json_is_integer(v)) {
        return json_integer_value(v);
    }
    if (json_is_string(v)) {
        char *end = NULL;
        errno = 0;
        long long n = strtoll(json_string_value(v), &end, 10);
        return errno == 0 && end != json_string_value(v) && *end == '\0' ? n : otherwise;
    }
    return otherwise;
}

static const json_t *of_create(const struct doctor_room *r, const char *key) {
    return json_object_get(json_object_get(r->create, "content"), key);
}

static bool is_creator(const struct doctor_room *r, const char *user_id) {
    const char *sender = json_string_value(json_object_get(r->create, "sender"));
    if (sender != NULL && strcmp(sender, user_id) == 0) {
        return true;
    }
    const json_t *more = of_create(r, "additional_creators");
    for (size_t i = 0; i < json_array_size(more); i++) {
        const char *one = json_string_value(json_array_get(more, i));
        if (one != NULL && strcmp(one, user_id) == 0) {
            return true;
        }
    }
    return false;
}

static bool creators_are_strong(const struct doctor_room *r) {
    const char *version = json_string_value(of_create(r, "room_version"));
    return version != NULL &&
           (strtol(version, NULL, 10) >= CREATORS_STRONG || strcmp(version, HYDRA) == 0);
}

static int64_t level_of(const struct doctor_room *r, bool strong, const char *user_id) {
    if ((strong || r->levels == NULL) && is_creator(r, user_id)) {
        return strong ? INT64_MAX : CREATOR_LEVEL;
    }
    int64_t usual = number(json_object_get(r->levels, "users_default"), 0);
    return number(json_object_get(json_object_get(r->levels, "users"), user_id), usual);
}

static int64_t need_of(const struct doctor_room *r, const char *type, bool state) {
    int64_t usual = number(json_object_get(r->levels, "events_default"), 0);
    if (state) {
        usual = r->levels == NULL
                    ? 0
                    : number(json_object_get(r->levels, "state_default"), STATE_DEFAULT);
    }
    return number(json_object_get(json_object_get(r->levels, "events"), type), usual);
}

struct doctor_power doctor_power_of(const struct doctor_room *r) {
    struct doctor_power p = {
        .need_group = need_of(r, "org.matrix.msc3401.call.member", true),
        .need_legacy = need_of(r, r->encrypted ? "m.room.encrypted" : "m.call.invite", false),
    };
    int64_t need_words = need_of(r, r->encrypted ? "m.room.encrypted" : "m.room.message", false);
    bool strong = creators_are_strong(r);
    json_t *joined = (json_t *)(uintptr_t)r->joined; /* jansson's iterators are not const */
    const char *user_id;
    json_t *profile;
    json_object_foreach(joined, user_id, profile) {
        int64_t level = level_of(r, strong, user_id);
        p.people++;
        p.no_group_calls += level >= need_words && level < p.need_group;
        p.no_legacy += level >= need_words && level < p.need_legacy;
    }
    return p;
}

bool doctor_power_may_end(const struct doctor_room *r, const char *user_id) {
    return level_of(r, creators_are_strong(r), user_id) >=
           need_of(r, "org.matrix.msc3401.call.member", true);
}
