/* Walks the list as clients do. */
#include "doctor/foci.h"

#include <string.h>
#include <strings.h>

/* The address of an entry that clients would take; NULL for others. */
static const char *address_of(const json_t *entry) {
    const char *type = json_string_value(json_object_get(entry, "type"));
    const char *url = json_string_value(json_object_get(entry, "livekit_service_url"));
    return type != NULL && strcmp(type, "livekit") == 0 && url != NULL && url[0] != '\0' ? url
                                                                                         : NULL;
}

static size_t without_slashes(const char *s) {
    size_t n = strlen(s);
    while (n > 0 && s[n - 1] == '/') {
        n--;
    }
    return n;
}

static int almost(const char *a, const char *b) {
    size_t n = without_slashes(a);
    return n == without_slashes(b) && strncasecmp(a, b, n) == 0;
}

enum doctor_focus doctor_foci_judge(const json_t *list, const char *ours, const char **ret_first) {
    *ret_first = "";
    if (list == NULL) {
        return DOCTOR_FOCUS_MISSING;
    }
    if (!json_is_array(list)) {
        return DOCTOR_FOCUS_NO_LIST;
    }
    size_t place = 0, ours_at = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *url = address_of(json_array_get(list, i));
        if (url != NULL) {
            *ret_first = place++ == 0 ? url : *ret_first;
            ours_at = ours_at == 0 && strcmp(url, ours) == 0 ? place : ours_at;
        }
    }
    if (ours_at > 0) {
        return ours_at == 1 ? DOCTOR_FOCUS_RIGHT : DOCTOR_FOCUS_NOT_FIRST;
    }
    if (place == 0) {
        return DOCTOR_FOCUS_NONE;
    }
    return almost(*ret_first, ours) ? DOCTOR_FOCUS_ALMOST : DOCTOR_FOCUS_OTHER;
}
