/* The runner: dependence, findings, and what keeps foreign words harmless. */
#include "doctor/check.h"

#include "appservice/registration.h"
#include "core/buf.h"
#include "core/config.h"
#include "core/utf8.h"
#include "doctor/fetch.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define QUOTE_MAX_BYTES 200 /* of a stranger's words; the rest explains nothing more */

/* --- life --- */

enum err doctor_create(const char *config_path, char *const *environment, struct doctor **ret) {
    struct doctor *d = mem_zalloc(sizeof(*d));
    if (d == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    arena_init(&d->arena);
    d->config_path = config_path;
    d->environ = environment;
    d->homeserver.software = "";
    d->homeserver.version = "";
    enum err e = doctor_fetcher_create(&d->fetcher);
    if (e != OK) {
        doctor_destroy(d);
        return e;
    }
    *ret = d;
    return OK;
}

void doctor_destroy(struct doctor *d) {
    if (d == NULL) {
        return;
    }
    doctor_fetcher_destroy(d->fetcher);
    json_decref(d->homeserver.versions);
    as_registration_destroy(d->registration);
    config_destroy(d->config);
    arena_finish(&d->arena);
    mem_free(d);
}

void doctor_destroyp(struct doctor **d) {
    doctor_destroy(*d);
}

/* --- words --- */

/* Would this character move the cursor, end the line or turn the direction of writing? */
static bool harmful(const char *s, size_t width) {
    const unsigned char *c = (const unsigned char *)s;
    if (width == 1) {
        return c[0] < ' ' || c[0] == 0x7f;
    }
    if (width == 2) {
        return c[0] == 0xc2 && c[1] < 0xa0; /* C1 */
    }
    if (width == 3 && c[0] == 0xe2) { /* U+200B to U+200F, U+2028 to U+202E, U+2066 to U+2069 */
        return (c[1] == 0x80 &&
                   ((c[2] >= 0x8b && c[2] <= 0x8f) || (c[2] >= 0xa8 && c[2] <= 0xae))) ||
               (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9);
    }
    return false;
}

/* In place: what is harmful or no UTF-8 becomes one "?" a byte. */
static void make_harmless(char *s) {
    size_t left = strlen(s);
    while (left > 0) {
        size_t width = utf8_width(s, left);
        if (width == 0 || harmful(s, width)) {
            width = width == 0 ? 1 : width;
            memset(s, *s == '\n' || *s == '\t' ? ' ' : '?', width);
        }
        s += width;
        left -= width;
    }
}

/* A program that answers in our place may echo what it was sent. */
static void hide(char *text, const char *secret) {
    size_t n = secret == NULL ? 0 : strlen(secret);
    for (char *at = n == 0 ? NULL : strstr(text, secret); at != NULL; at = strstr(at, secret)) {
        memset(at, '*', n);
    }
}

static char *clean(struct doctor *d, char *text) {
    if (text != NULL) {
        make_harmless(text);
        if (d->registration != NULL) {
            hide(text, d->registration->as_token);
            hide(text, d->registration->hs_token);
            hide(text, d->registration->as_token_old);
            hide(text, d->registration->hs_token_old);
        }
    }
    return text;
}

const char *doctor_quote(struct doctor *d, const char *s) {
    size_t n = strlen(s);
    bool cut = n > QUOTE_MAX_BYTES;
    char *text =
        arena_printf(&d->arena, "%.*s%s", cut ? QUOTE_MAX_BYTES : (int)n, s, cut ? "..." : "");
    return text == NULL ? "" : clean(d, text);
}

__attribute__((format(printf, 2, 0))) static const char *word_of(
    struct doctor *d, const char *fmt, va_list args) {
    char text[1024]; /* a sentence; longer ones are cut */
    vsnprintf(text, sizeof(text), fmt, args);
    return clean(d, arena_strdup(&d->arena, text));
}

static void add(
    struct doctor *d, enum doctor_severity severity, const char *sentence, const char *paste) {
    struct doctor_finding *f =
        d->n_findings >= DOCTOR_FINDINGS_MAX ? NULL : arena_alloc(&d->arena, sizeof(*f));
    if (severity > d->running->worst) {
        d->running->worst = severity;
    }
    if (f == NULL || sentence == NULL) {
        return;
    }
    *f = (struct doctor_finding){
        .severity = severity, .check = d->running->check->id, .sentence = sentence, .paste = paste
    };
    *(d->last == NULL ? &d->first : &d->last->next) = f;
    d->last = f;
    d->n_findings++;
}

void doctor_say(
    struct doctor *d, enum doctor_severity severity, const char *paste, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    const char *sentence = word_of(d, fmt, args);
    va_end(args);
    add(d, severity, sentence, paste);
}

/* --- running --- */

static const struct doctor_state *state(const struct doctor *d, const char *id) {
    for (size_t i = 0; i < d->n_states; i++) {
        if (strcmp(d->states[i].check->id, id) == 0) {
            return &d->states[i];
        }
    }
    return NULL;
}

enum doctor_severity doctor_state_of(const struct doctor *d, const char *id) {
    const struct doctor_state *s = state(d, id);
    return s == NULL ? DOCTOR_SKIPPED : s->worst;
}

enum doctor_severity doctor_worst(const struct doctor *d) {
    enum doctor_severity worst = DOCTOR_OK;
    for (size_t i = 0; i < d->n_states; i++) {
        worst = d->states[i].worst > worst ? d->states[i].worst : worst;
    }
    return worst;
}

/* The first of its needs that does not hold, or NULL. */
static const struct doctor_check *missing_need(
    const struct doctor *d, const struct doctor_check *c) {
    for (size_t i = 0; i < DOCTOR_NEEDS_MAX && c->needs[i] != NULL; i++) {
        const struct doctor_state *s = state(d, c->needs[i]);
        assert(s != NULL); /* a row needs what stands above it */
        if (s->worst == DOCTOR_FAIL || s->worst == DOCTOR_SKIPPED) {
            return s->check;
        }
    }
    return NULL;
}

static void run_one(struct doctor *d, const struct doctor_check *c) {
    d->running = &d->states[d->n_states];
    *d->running = (struct doctor_state){ .check = c, .worst = DOCTOR_OK };
    const struct doctor_check *need = missing_need(d, c);
    d->n_states++;
    if (need != NULL) {
        doctor_say(d, DOCTOR_SKIPPED, NULL, "not looked at: %s comes first", need->title);
        return;
    }
    c->run(d);
}

enum err doctor_run(struct doctor *d, const struct doctor_check *checks, size_t n) {
    d->states = arena_array(&d->arena, n, sizeof(*d->states));
    d->n_states = 0;
    for (size_t i = 0; i < n && !d->arena.failed; i++) {
        run_one(d, &checks[i]);
    }
    return d->arena.failed ? err_set(ERR_NOMEM, "out of memory") : OK;
}
