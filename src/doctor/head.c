/* Headers by name. */
#include "doctor/head.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

size_t doctor_head_field(const char *head, const char *name, char ret[DOCTOR_FIELD_MAX]) {
    size_t n = strlen(name), found = 0;
    ret[0] = '\0';
    for (const char *line = head; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        if (len > n && line[n] == ':' && strncasecmp(line, name, n) == 0) {
            const char *value = line + n + 1;
            size_t skip = strspn(value, " \t");
            if (found++ == 0) {
                snprintf(ret, DOCTOR_FIELD_MAX, "%.*s", (int)(len - n - 1 - skip), value + skip);
            }
        }
        line += len + (line[len] == '\n' ? 1 : 0);
    }
    return found;
}

enum doctor_cors doctor_cors_of(const char *head) {
    char value[DOCTOR_FIELD_MAX];
    size_t n = doctor_head_field(head, "Access-Control-Allow-Origin", value);
    if (n == 0) {
        return DOCTOR_CORS_MISSING;
    }
    if (n > 1 || strchr(value, ',') != NULL) {
        return DOCTOR_CORS_DOUBLED;
    }
    return strcmp(value, "*") == 0 ? DOCTOR_CORS_FINE : DOCTOR_CORS_NARROW;
}

const char *doctor_cors_text(enum doctor_cors c) {
    static const char *const texts[] = {
        [DOCTOR_CORS_FINE] = "may be read by browsers",
        [DOCTOR_CORS_MISSING] =
            "has no Access-Control-Allow-Origin header: browsers do not show it "
            "to a client",
        [DOCTOR_CORS_DOUBLED] =
            "has Access-Control-Allow-Origin twice: browsers do not show it to a "
            "client",
        [DOCTOR_CORS_NARROW] = "has an Access-Control-Allow-Origin other than *: browsers do not "
                               "show it to clients of other sites",
    };
    return texts[c];
}
