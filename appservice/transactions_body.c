/* Cutting a transaction into its events. Pure. */
#include "appservice/transactions_body.h"

#include <string.h>

/* Where we are; every step stops at `end`. */
struct scan {
    const char *at;
    const char *end;
};

static enum err broken(const char *why) {
    return err_set(ERR_INVALID, "the body is no JSON: %s", why);
}

static void skip_space(struct scan *s) {
    while (
        s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\r' || *s->at == '\n')) {
        s->at++;
    }
}

/* The next character behind white space, or NUL at the end. A NUL in the body fits nowhere either.
 */
static char peek(struct scan *s) {
    skip_space(s);
    return s->at < s->end ? *s->at : '\0';
}

static bool take(struct scan *s, char c) {
    if (peek(s) != c) {
        return false;
    }
    s->at++;
    return true;
}

/* At a quote: goes behind the one that ends the string. */
static enum err skip_string(struct scan *s) {
    for (s->at++; s->at < s->end; s->at++) {
        if (*s->at == '\\') {
            s->at++;
        } else if (*s->at == '"') {
            s->at++;
            return OK;
        }
    }
    s->at = s->end; /* a backslash at the very end steps over it */
    return broken("a string that never ends");
}

/* At a bracket: goes behind the one that closes it. Counting will do: what is inside is parsed
 * later. */
static enum err skip_nested(struct scan *s) {
    size_t depth = 0;
    while (s->at < s->end) {
        char c = *s->at;
        if (c == '"') {
            TRY(skip_string(s));
            continue;
        }
        s->at++;
        if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return OK;
        }
    }
    return broken("a bracket that nobody closes");
}

static enum err skip_value(struct scan *s) {
    char c = peek(s);
    if (c == '"') {
        return skip_string(s);
    }
    if (c == '{' || c == '[') {
        return skip_nested(s);
    }
    const char *from = s->at; /* strchr finds the NUL of its own end too: so a NUL ends a value */
    while (s->at < s->end && strchr(",:]} \t\r\n\"", *s->at) == NULL) {
        s->at++;
    }
    return s->at > from ? OK : broken("a value is missing");
}

struct list {
    struct arena *arena;
    struct as_body_event *items;
    size_t n;
    size_t cap;
};

static enum err append(struct list *l, const char *text, size_t len) {
    if (l->n == AS_BODY_EVENTS_MAX) {
        return err_set(ERR_TOO_LARGE, "more than %d events in a transaction", AS_BODY_EVENTS_MAX);
    }
    if (l->n == l->cap) {
        size_t cap = l->cap == 0 ? 128 : l->cap * 4;
        struct as_body_event *more = arena_array(l->arena, cap, sizeof(*more));
        if (more == NULL) {
            return err_set(ERR_NOMEM, "no memory for %zu events", cap);
        }
        if (l->n > 0) {
            memcpy(more, l->items, l->n * sizeof(*more));
        }
        l->items = more;
        l->cap = cap;
    }
    l->items[l->n++] = (struct as_body_event){ text, len };
    return OK;
}

static enum err cut_events(struct scan *s, struct list *l) {
    l->n = 0; /* said twice: the last one counts, as for every JSON library */
    if (!take(s, '[')) {
        return err_set(ERR_INVALID, "events: want a list");
    }
    if (take(s, ']')) {
        return OK;
    }
    do {
        skip_space(s);
        const char *from = s->at;
        TRY(skip_value(s));
        TRY(append(l, from, (size_t)(s->at - from)));
    } while (take(s, ','));
    return take(s, ']') ? OK : broken("want a comma between events");
}

static enum err cut_member(struct scan *s, struct list *l, bool *found) {
    static const char key[] = "\"events\"";
    if (peek(s) != '"') {
        return broken("want a key");
    }
    const char *from = s->at;
    TRY(skip_string(s));
    size_t len = (size_t)(s->at - from);
    if (!take(s, ':')) {
        return broken("want a colon behind a key");
    }
    if (len != strlen(key) || memcmp(from, key, len) != 0) {
        return skip_value(s);
    }
    *found = true;
    return cut_events(s, l);
}

enum err as_body_split(const char *body, size_t len, struct arena *a,
    const struct as_body_event **ret, size_t *ret_n) {
    struct scan s = { body, body + len };
    struct list l = { .arena = a };
    bool found = false;
    if (!take(&s, '{')) {
        return broken("want an object");
    }
    if (!take(&s, '}')) {
        do {
            TRY(cut_member(&s, &l, &found));
        } while (take(&s, ','));
        if (!take(&s, '}')) {
            return broken("want a comma between members");
        }
    }
    skip_space(&s);
    if (s.at != s.end) {
        return broken("something behind the object");
    }
    if (!found) {
        return err_set(ERR_INVALID, "events: want a list");
    }
    *ret = l.items;
    *ret_n = l.n;
    return OK;
}
