/*
 * The `namespaces` of a registration.
 *
 * The homeserver matches patterns with Python's re.match, from the start of the name but not to its
 * end. We ask POSIX instead, which means the same for letters, dots, stars, sets and groups;
 * anything else we do not judge.  Thread: any.
 */
#include "appservice/namespace.h"

#include "core/yaml.h"

#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PATTERN_MAX_BYTES 512 /* of one regex; ours has about 30 */
#define NAME_MAX_BYTES    300

enum verdict { MATCHES_NONE, MATCHES_SOME, MATCHES_ALL, CANNOT_TELL };

/* Is it written in what Python and POSIX read alike? Repetition counts and back references would
 * also let a pattern take for ever. */
static bool pattern_judgeable(const char *pattern) {
    bool set = false;
    for (const char *p = pattern; *p != '\0'; p++) {
        if (*p == '{' || (p[0] == '(' && p[1] == '?' && !set)) {
            return false;
        }
        if (*p == '\\') {
            if (set || p[1] == '\0' || strchr(".*+?()[]|^$:/@!#_-", p[1]) == NULL) {
                return false;
            }
            p++;
        } else if (*p == '[' || *p == ']') {
            set = *p == '[';
        }
    }
    return strlen(pattern) <= PATTERN_MAX_BYTES;
}

/* Which ordinary names does it match? A person's name may begin with any letter or digit; one of a
 * bridge or bot begins with _ or has a longer beginning of its own. */
static enum verdict pattern_judge(const char *pattern, char sigil, const char *server_name) {
    static const char firsts[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    char anchored[PATTERN_MAX_BYTES + 8];
    regex_t re;
    if (!pattern_judgeable(pattern)) {
        return CANNOT_TELL;
    }
    snprintf(anchored, sizeof anchored, "^(%s)", pattern);
    if (regcomp(&re, anchored, REG_EXTENDED | REG_NOSUB) != 0) {
        return CANNOT_TELL;
    }
    size_t matched = 0;
    for (const char *first = firsts; *first != '\0'; first++) {
        char name[NAME_MAX_BYTES];
        snprintf(name, sizeof name, "%c%cliza.smith-7:%s", sigil, *first, server_name);
        matched += regexec(&re, name, 0, NULL, 0) == 0 ? 1 : 0;
    }
    regfree(&re);
    if (matched == 0) {
        return MATCHES_NONE;
    }
    return matched == sizeof firsts - 1 ? MATCHES_ALL : MATCHES_SOME;
}

/* true, or false, as YAML writes it; anything else is an error, as it is to the homeserver. */
static enum err exclusive_read(const struct doc *d, const struct doc_node *entry, bool *ret) {
    const struct doc_node *n = doc_get(entry, "exclusive");
    if (n != NULL && n->kind == DOC_TEXT && !n->quoted) {
        if (strcasecmp(n->text, "true") == 0 || strcasecmp(n->text, "yes") == 0) {
            *ret = true;
            return OK;
        }
        if (strcasecmp(n->text, "false") == 0 || strcasecmp(n->text, "no") == 0) {
            *ret = false;
            return OK;
        }
    }
    return doc_err(d, n != NULL ? n : entry, ERR_INVALID,
        "namespaces: exclusive: want true or false in each entry");
}

static enum err exclusive_check(
    const struct doc *d, const struct doc_node *regex, enum verdict verdict) {
    if (verdict == MATCHES_NONE) {
        return OK;
    }
    if (verdict == CANNOT_TELL) {
        return doc_err(d, regex, ERR_INVALID,
            "namespaces: exclusive: true on a pattern that cannot be checked here; write it with "
            "letters, dots, stars, "
            "sets and groups only");
    }
    return doc_err(d, regex, ERR_INVALID,
        "namespaces: exclusive: true on a pattern that matches ordinary users would forbid people "
        "to register, join and "
        "be found on this server; want exclusive: false");
}

struct seen {
    bool any; /* a pattern that may show us rooms */
    bool all; /* one that shows the rooms of everybody */
};

static enum err entry_check(const struct doc *d, const struct doc_node *entry, char sigil,
    const char *server_name, struct seen *seen) {
    const struct doc_node *regex = doc_get(entry, "regex");
    bool exclusive = false;
    if (entry->kind != DOC_MAP || regex == NULL || regex->kind != DOC_TEXT || doc_is_null(regex)) {
        return doc_err(d, entry, ERR_INVALID,
            "namespaces: want {regex: text, exclusive: false} in each entry");
    }
    TRY(exclusive_read(d, entry, &exclusive));
    if (sigil == '!') {
        return OK; /* who has a room id? nobody chooses it */
    }
    enum verdict verdict = pattern_judge(regex->text, sigil, server_name);
    if (exclusive) {
        return exclusive_check(d, regex, verdict);
    }
    seen->any = seen->any || verdict != MATCHES_NONE;
    seen->all = seen->all || verdict == MATCHES_ALL;
    return OK;
}

enum err as_namespace_check(const struct doc *d, const struct doc_node *namespaces,
    const char *server_name, bool *ret_all) {
    static const struct {
        const char *key;
        char sigil;
    } lists[] = { { "users", '@' }, { "aliases", '#' }, { "rooms", '!' } };
    struct seen seen[3] = { { false, false } };
    if (namespaces->kind != DOC_MAP) {
        return doc_err(d, namespaces, ERR_INVALID, "namespaces: want users, aliases and rooms");
    }
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const struct doc_node *list = doc_get(namespaces, lists[i].key);
        if (list == NULL || doc_is_null(list)) {
            continue;
        }
        if (list->kind != DOC_LIST) {
            return doc_err(d, list, ERR_INVALID, "namespaces: %s: want a list", lists[i].key);
        }
        for (const struct doc_node *entry = list->first; entry != NULL; entry = entry->next) {
            TRY(entry_check(d, entry, lists[i].sigil, server_name, &seen[i]));
        }
    }
    if (!seen[0].any) {
        return doc_err(d, namespaces, ERR_INVALID,
            "namespaces: users: no pattern with exclusive: false matches the users of %s, so no "
            "call would ever be seen",
            server_name);
    }
    *ret_all = seen[0].all;
    return OK;
}
