/* Comparing the simulated store with what a scenario expects. */
#include "scenario.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check {
    const struct sim_store *store;
    const struct sim_news *news;
    char **words;
    size_t n;
    struct arena *arena;
};

__attribute__((format(printf, 2, 3))) static const char *say(
    const struct check *k, const char *fmt, ...) {
    char text[4000];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return sim_strdup(k->arena, text);
}

/* --- values --- */

static const char *compare(
    const struct check *k, const char *key, const char *want, const char *got) {
    const char *name = sim_store_name(k->store, got, k->arena);
    got = name != NULL ? name : got;
    bool equal = strcmp(want, "*") == 0 ? strcmp(got, "-") != 0 : strcmp(want, got) == 0;
    return equal ? NULL : say(k, "%s: want %s, got %s", key, want, got);
}

/* Splits key=value in place. */
static char *split(char *word) {
    char *equals = strchr(word, '=');
    if (equals == NULL) {
        return NULL;
    }
    *equals = '\0';
    return equals + 1;
}

static const char *compare_row(
    const struct check *k, const struct columns *c, const void *row, size_t from) {
    for (size_t i = from; i < k->n; i++) {
        const char *want = split(k->words[i]);
        const char *got = columns_show(c, row, k->words[i], k->arena);
        if (want == NULL || got == NULL) {
            return say(k, "no such column: %s", k->words[i]);
        }
        const char *wrong = compare(k, k->words[i], want, got);
        if (wrong != NULL) {
            return wrong;
        }
    }
    return NULL;
}

static const char *show_detail(const struct check *k, const struct store_detail *d) {
    if (d->type == STORE_DETAIL_TEXT) {
        return d->text;
    }
    return d->type == STORE_DETAIL_BOOL ? (d->number ? "yes" : "no")
                                        : say(k, "%" PRId64, d->number);
}

static const char *event_value(
    const struct check *k, const struct store_event *e, const char *key) {
    for (const struct store_detail *d = e->details; d != NULL; d = d->next) {
        if (strcmp(d->key, key) == 0) {
            return show_detail(k, d);
        }
    }
    const char *column = columns_show(&event_columns, e, key, k->arena);
    return column == NULL ? "-" : column;
}

static const char *compare_event(const struct check *k, struct store_event *const *events, size_t n,
    const char *type, size_t from) {
    while (n > 0 && strcmp(events[n - 1]->type, type) != 0) {
        n--;
    }
    if (n == 0) {
        return say(k, "no audit row %s", type);
    }
    for (size_t i = from; i < k->n; i++) {
        const char *want = split(k->words[i]);
        const char *wrong = want == NULL ? say(k, "want key=value, got %s", k->words[i])
                                         : compare(k, k->words[i], want,
                                               event_value(k, events[n - 1], k->words[i]));
        if (wrong != NULL) {
            return wrong;
        }
    }
    return NULL;
}

static const char *compare_list(
    const struct check *k, struct store_event *const *events, size_t n, size_t from) {
    char got[3000] = "";
    char want[3000] = "";
    for (size_t i = 0; i < n; i++) {
        const struct store_event *e = events[i];
        size_t len = strlen(got);
        snprintf(got + len, sizeof(got) - len, " %s%s%s%s%s", e->type, e->late ? "+late" : "",
            e->inferred ? "+inferred" : "", e->ignored ? "+ignored" : "",
            e->partial ? "+partial" : "");
    }
    for (size_t i = from; i < k->n; i++) {
        size_t len = strlen(want);
        snprintf(want + len, sizeof(want) - len, " %s", k->words[i]);
    }
    return strcmp(want, got) == 0 ? NULL : say(k, "audit rows: want%s, got%s", want, got);
}

/* --- statements --- */

static struct sim_call *call_of(const struct check *k, size_t word, const char **wrong) {
    char *name = k->words[word];
    size_t len = strlen(name);
    if (len > 0 && name[len - 1] == ':') {
        name[len - 1] = '\0';
    }
    struct sim_call *c = sim_store_find(k->store, name);
    *wrong = c == NULL ? say(k, "no call %s", name) : NULL;
    return c;
}

static const char *expect_session(const struct check *k) {
    const char *wrong = NULL;
    const struct sim_call *c = call_of(k, 1, &wrong);
    return c == NULL ? wrong : compare_row(k, &call_columns, &c->row, 2);
}

static const char *expect_news(const struct check *k) {
    const char *wrong = NULL;
    const struct sim_call *c = call_of(k, 1, &wrong);
    char want[512] = "";
    if (c == NULL) {
        return wrong;
    }
    for (size_t i = 2; i < k->n; i++) {
        size_t len = strlen(want);
        snprintf(want + len, sizeof(want) - len, " call.%s", k->words[i]);
    }
    const char *got = c->news == NULL ? "" : c->news;
    return strcmp(want, got) == 0 ? NULL : say(k, "the news are:%s", got);
}

static const char *expect_number(const struct check *k, size_t word, size_t got) {
    size_t want = k->n > word ? (size_t)strtoul(k->words[word], NULL, 10) : 0;
    return want == got ? NULL : say(k, "want %zu, got %zu", want, got);
}

static const char *expect_sessions(const struct check *k) {
    return expect_number(k, 1, k->store->n_calls);
}

static const char *expect_events(const struct check *k) {
    const char *wrong = NULL;
    const struct sim_call *c = call_of(k, 1, &wrong);
    return c == NULL ? wrong : compare_list(k, c->events, c->n_events, 2);
}

static const char *expect_event(const struct check *k) {
    const char *wrong = NULL;
    const struct sim_call *c = call_of(k, 1, &wrong);
    return c == NULL ? wrong : compare_event(k, c->events, c->n_events, k->words[2], 3);
}

static const char *expect_strays(const struct check *k) {
    return compare_list(k, k->store->strays, k->store->n_strays, 1);
}

static const char *expect_stray(const struct check *k) {
    return compare_event(k, k->store->strays, k->store->n_strays, k->words[1], 2);
}

static const char *expect_member(const struct check *k) {
    const char *wrong = NULL;
    const struct sim_call *c = call_of(k, 1, &wrong);
    char *slash = c == NULL || k->n < 3 ? NULL : strchr(k->words[2], '/');
    if (slash == NULL) {
        return c == NULL ? wrong : "want @user:server/PARTY";
    }
    *slash = '\0';
    for (size_t i = c->n_people; i > 0; i--) {
        const struct store_participant *p = c->people[i - 1];
        if (strcmp(p->user_id, k->words[2]) == 0 && p->party != NULL &&
            strcmp(p->party, slash + 1) == 0) {
            return compare_row(k, &participant_columns, p, 3);
        }
    }
    return say(k, "no member %s/%s", k->words[2], slash + 1);
}

static const char *expect_members(const struct check *k) {
    const char *wrong = NULL;
    const struct sim_call *c = call_of(k, 1, &wrong);
    return c == NULL ? wrong : expect_number(k, 2, c->n_people);
}

static const char *expect_live(const struct check *k) {
    const char *wrong = NULL;
    const struct sim_call *c = call_of(k, 1, &wrong);
    size_t live = 0;
    for (size_t i = 0; c != NULL && i < c->n_people; i++) {
        live += c->people[i]->left_at == 0;
    }
    return c == NULL ? wrong : expect_number(k, 2, live);
}

static const char *expect_kept(const struct check *k) {
    const char *wrong = NULL;
    const struct sim_call *c = call_of(k, 1, &wrong);
    return c == NULL ? wrong : expect_number(k, 2, c->n_kept);
}

static bool pushed(const struct check *k, const char *name, const char *whom) {
    for (size_t i = 0; i < k->news->n_pushes; i++) {
        const struct call_push *p = &k->news->pushes[i];
        const char *user = p->user_id == NULL ? "everybody" : p->user_id;
        if ((name == NULL || strcmp(call_push_name(p->type), name) == 0) &&
            (whom == NULL || strcmp(user, whom) == 0)) {
            return true;
        }
    }
    return false;
}

static const char *list_pushes(const struct check *k) {
    char text[1000] = "";
    for (size_t i = 0; i < k->news->n_pushes; i++) {
        const struct call_push *p = &k->news->pushes[i];
        size_t len = strlen(text);
        snprintf(text + len, sizeof(text) - len, " %s %s,", call_push_name(p->type),
            p->user_id == NULL ? "everybody" : p->user_id);
    }
    return say(k, "the pushes are:%s", text);
}

static const char *expect_push(const struct check *k) {
    bool found = k->n == 3 && pushed(k, k->words[1], k->words[2]);
    return found ? NULL : list_pushes(k);
}

static const char *expect_recheck(const struct check *k) {
    for (size_t i = 0; i < k->news->n_rechecks && k->n == 2; i++) {
        if (strcmp(k->news->rechecks[i], k->words[1]) == 0) {
            return NULL;
        }
    }
    return "no such recheck";
}

static const char *expect_no(const struct check *k) {
    const char *what = k->n > 1 ? k->words[1] : "";
    if (strcmp(what, "push") == 0) {
        return pushed(k, k->n > 2 ? k->words[2] : NULL, NULL) ? list_pushes(k) : NULL;
    }
    if (strcmp(what, "recheck") == 0) {
        return k->news->n_rechecks == 0 ? NULL : say(k, "recheck of %s", k->news->rechecks[0]);
    }
    if (strcmp(what, "session") == 0 && k->n == 3) {
        return sim_store_find(k->store, k->words[2]) == NULL ? NULL : "it is there";
    }
    return "want: no push [name], no recheck, no session NAME";
}

static const struct {
    const char *word;
    size_t least; /* words, itself included */
    const char *(*check)(const struct check *k);
} statements[] = {
    { "session", 3, expect_session },
    { "sessions", 2, expect_sessions },
    { "events", 2, expect_events },
    { "event", 3, expect_event },
    { "news", 2, expect_news },
    { "strays:", 1, expect_strays },
    { "stray", 2, expect_stray },
    { "member", 4, expect_member },
    { "members", 3, expect_members },
    { "live", 3, expect_live },
    { "kept", 3, expect_kept },
    { "push", 3, expect_push },
    { "recheck", 2, expect_recheck },
    { "no", 2, expect_no },
};

const char *scenario_expect(const struct sim_store *s, const struct sim_news *news, char **words,
    size_t n, struct arena *a) {
    const struct check k = { s, news, words, n, a };
    for (size_t i = 0; n > 0 && i < COUNT_OF(statements); i++) {
        if (strcmp(statements[i].word, words[0]) == 0) {
            return n < statements[i].least ? "too few words" : statements[i].check(&k);
        }
    }
    return "what is expected?";
}
