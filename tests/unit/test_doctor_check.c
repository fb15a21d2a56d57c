/* Dependence, severity, and words that do no harm. */
#include "doctor/check.h"

#include "appservice/registration.h"
#include "test.h"

#include <string.h>

#define TOKEN "0123456789abcdef0123456789abcdef"

static void fine(struct doctor *d) {
    doctor_say(d, DOCTOR_OK, NULL, "fine");
}

static void broken(struct doctor *d) {
    doctor_say(d, DOCTOR_NOTE, NULL, "by the way");
    doctor_say(d, DOCTOR_FAIL, "mend it", "broken");
}

static void doubtful(struct doctor *d) {
    doctor_say(d, DOCTOR_WARN, NULL, "doubtful");
}

TEST(doctor_check, skips_what_needs_something_broken) {
    static const struct doctor_check table[] = {
        { "a", "the a", { NULL }, fine },
        { "b", "the b", { "a" }, broken },
        { "c", "the c", { "a", "b" }, fine },
        { "d", "the d", { "c" }, fine },
        { "e", "the e", { "a" }, doubtful },
        { "f", "the f", { "e" }, fine },
    };
    static const struct {
        const char *check;
        enum doctor_severity severity;
        const char *sentence;
    } rows[] = {
        { "a", DOCTOR_OK, "fine" },
        { "b", DOCTOR_NOTE, "by the way" },
        { "b", DOCTOR_FAIL, "broken" },
        { "c", DOCTOR_SKIPPED, "not looked at: the b comes first" },
        { "d", DOCTOR_SKIPPED, "not looked at: the c comes first" },
        { "e", DOCTOR_WARN, "doubtful" },
        { "f", DOCTOR_OK, "fine" },
    };
    CLEANUP(doctor_destroyp) struct doctor *d = NULL;
    CHECK_ERR(OK, doctor_create(NULL, NULL, &d));
    CHECK_ERR(OK, doctor_run(d, table, COUNT_OF(table)));
    const struct doctor_finding *f = d->first;
    FOR_ROWS (rows, r) {
        ROW(r->check);
        CHECK(f != NULL);
        if (f == NULL) {
            return;
        }
        CHECK_STR(r->check, f->check);
        CHECK_INT(r->severity, f->severity);
        CHECK_STR(r->sentence, f->sentence);
        f = f->next;
    }
    CHECK(f == NULL);
    CHECK_INT(DOCTOR_FAIL, doctor_worst(d));
    CHECK_INT(DOCTOR_FAIL, doctor_state_of(d, "b"));
    CHECK_INT(DOCTOR_SKIPPED, doctor_state_of(d, "c"));
    CHECK_INT(DOCTOR_SKIPPED, doctor_state_of(d, "no such"));
}

static const char *said;
static void quote(struct doctor *d) {
    doctor_say(d, DOCTOR_OK, NULL, "%s", said);
}

TEST(doctor_check, makes_words_of_strangers_harmless) {
    static const struct doctor_check table[] = { { "a", "the a", { NULL }, quote } };
    static const struct {
        const char *name, *words, *want;
    } rows[] = {
        { "plain", "502 Bad Gateway", "502 Bad Gateway" },
        { "lines and tabs", "a\nb\tc", "a b c" },
        { "escape", "a\033[31mb", "a?[31mb" },
        { "delete", "a\x7f", "a?" },
        { "C1",
            "a\xc2\x9b"
            "b",
            "a??b" },
        { "no UTF-8", "a\xff\xc3", "a??" },
        { "letters", "Z\xc3\xbcrich \xe2\x82\xac", "Z\xc3\xbcrich \xe2\x82\xac" },
        { "direction of writing",
            "a\xe2\x80\xae"
            "b\xe2\x81\xa6",
            "a???b???" },
        { "our token", "got Bearer " TOKEN "!", "got Bearer ********************************!" },
    };
    FOR_ROWS (rows, r) {
        CLEANUP(doctor_destroyp) struct doctor *d = NULL;
        ROW(r->name);
        CHECK_ERR(OK, doctor_create(NULL, NULL, &d));
        d->registration = mem_zalloc(sizeof(*d->registration));
        d->registration->as_token = mem_strdup(TOKEN);
        said = r->words;
        CHECK_ERR(OK, doctor_run(d, table, COUNT_OF(table)));
        CHECK_STR(r->want, d->first->sentence);
        CHECK_STR(r->want, doctor_quote(d, r->words));
    }
}

static void chatter(struct doctor *d) {
    for (int i = 0; i < 2 * DOCTOR_FINDINGS_MAX; i++) {
        doctor_say(d, DOCTOR_NOTE, NULL, "%d", i);
    }
    doctor_say(d, DOCTOR_WARN, NULL, "the last");
}

TEST(doctor_check, bounds_what_is_said) {
    static const struct doctor_check table[] = { { "a", "the a", { NULL }, chatter } };
    CLEANUP(doctor_destroyp) struct doctor *d = NULL;
    CHECK_ERR(OK, doctor_create(NULL, NULL, &d));
    CHECK_ERR(OK, doctor_run(d, table, COUNT_OF(table)));
    CHECK_INT(DOCTOR_FINDINGS_MAX, d->n_findings);
    CHECK_INT(DOCTOR_WARN, doctor_worst(d)); /* counted, though there is no room for it */
    char many[1000];
    memset(many, 'x', sizeof(many) - 1);
    many[sizeof(many) - 1] = '\0';
    CHECK_INT(203, strlen(doctor_quote(d, many)));
}

TEST_ALLOC(doctor_check, survives_no_memory) {
    static const struct doctor_check table[] = {
        { "a", "the a", { NULL }, fine },
        { "b", "the b", { "a" }, broken },
        { "c", "the c", { "b" }, fine },
    };
    CLEANUP(doctor_destroyp) struct doctor *d = NULL;
    TRY(doctor_create(NULL, NULL, &d));
    TRY(doctor_run(d, table, COUNT_OF(table)));
    return OK;
}
