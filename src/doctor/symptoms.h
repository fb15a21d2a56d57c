/*
 * What people see when a call fails, and which checks explain it: ONE table, which the page of
 * `parley doctor`, its --symptom and docs/doctor.md show.  Thread: any; pure.
 */
#ifndef DOCTOR_SYMPTOMS_H
#define DOCTOR_SYMPTOMS_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

#define DOCTOR_SYMPTOM_TEXTS_MAX  4
#define DOCTOR_SYMPTOM_CHECKS_MAX 8

struct doctor_symptom {
    const char *texts[DOCTOR_SYMPTOM_TEXTS_MAX]; /* as clients show them, the best known first */
    const char *who;                             /* clients that show it */
    const char *meaning;                         /* plain words: one or two sentences */
    /* Ids in doctor/checks, the likeliest cause first; none: it is not our side's doing. */
    const char *checks[DOCTOR_SYMPTOM_CHECKS_MAX];
};

extern const struct doctor_symptom doctor_symptoms[];
extern const size_t doctor_n_symptoms;

/** Is it what `words` are about? One holds the other, in any case of letters, dots at the end and
 * quotation marks aside. */
bool doctor_symptom_is(const struct doctor_symptom *s, const char *words);
/** Whether the check `id` explains it. */
bool doctor_symptom_has(const struct doctor_symptom *s, const char *id);
/** The first texts of those that the check `id` explains first, `, ` between them; nothing when
 * there are none. */
void doctor_symptoms_of(const char *id, struct buf *b);

/** A line a symptom. */
void doctor_symptoms_list(struct buf *b);
/** One symptom, for people: texts, meaning, checks. */
void doctor_symptom_print(const struct doctor_symptom *s, struct buf *b);
/** [{"texts","who","meaning","checks"}], with a newline. */
void doctor_symptoms_json(struct buf *b);

#endif
