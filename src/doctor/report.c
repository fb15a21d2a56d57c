/* Three forms of the same findings. */
#include "doctor/report.h"

#include "core/buf.h"
#include "core/mem.h"
#include "doctor/symptoms.h"

#include <string.h>

#define TITLE_COLUMN    6  /* behind "FAIL  " */
#define SENTENCE_COLUMN 26 /* behind the longest title and two spaces */

static const struct {
    const char *name;
    const char *mark; /* on the page: only what is broken is in capitals */
    int exit;
} severities[] = {
    [DOCTOR_OK] = { "ok", "ok", DOCTOR_EXIT_FINE },
    [DOCTOR_SKIPPED] = { "skipped", "-", DOCTOR_EXIT_FINE },
    [DOCTOR_NOTE] = { "note", "note", DOCTOR_EXIT_FINE },
    [DOCTOR_WARN] = { "warn", "warn", DOCTOR_EXIT_WARNINGS },
    [DOCTOR_FAIL] = { "fail", "FAIL", DOCTOR_EXIT_FAILURES },
};

int doctor_report_exit(const struct doctor *d) {
    return severities[doctor_worst(d)].exit;
}

/* --- the page --- */

/* Characters, so that other scripts line up as well as a terminal can. */
static size_t width_of(const char *s, size_t n) {
    size_t width = 0;
    for (size_t i = 0; i < n; i++) {
        width += ((unsigned char)s[i] & 0xc0) != 0x80;
    }
    return width;
}

static void indent(struct buf *b, size_t n) {
    buf_printf(b, "%*s", (int)n, "");
}

/* Breaks between words; a word that is too long sticks out. */
static void wrapped(struct buf *b, const char *s) {
    size_t column = SENTENCE_COLUMN;
    while (*s != '\0') {
        size_t n = strcspn(s, " ");
        size_t width = width_of(s, n);
        if (column > SENTENCE_COLUMN && column + 1 + width > DOCTOR_LINE_WIDTH) {
            buf_putc(b, '\n');
            indent(b, SENTENCE_COLUMN);
            column = SENTENCE_COLUMN;
        } else if (column > SENTENCE_COLUMN) {
            buf_putc(b, ' ');
            column++;
        }
        buf_put(b, s, n);
        column += width;
        s += n;
        s += strspn(s, " ");
    }
    buf_putc(b, '\n');
}

static void pasted(struct buf *b, const char *s, size_t column) {
    while (*s != '\0') {
        size_t n = strcspn(s, "\n");
        if (n > 0) {
            indent(b, column);
            buf_put(b, s, n);
        }
        buf_putc(b, '\n');
        s += n + (s[n] == '\n' ? 1 : 0);
    }
}

/* What people see because of it, where it can be said. */
static void page_symptoms(const char *check, struct buf *b) {
    CLEANUP(buf_finish) struct buf line;
    buf_init(&line, 0);
    buf_puts(&line, "users see: ");
    size_t empty = line.len;
    doctor_symptoms_of(check, &line);
    if (line.len > empty) {
        indent(b, SENTENCE_COLUMN);
        wrapped(b, buf_str(&line));
    }
    b->bad = b->bad || line.bad;
}

static void page_line(
    const struct doctor_check *c, const struct doctor_finding *f, bool symptoms, struct buf *b) {
    buf_printf(b, "%-*s%-*s", TITLE_COLUMN, severities[f->severity].mark,
        SENTENCE_COLUMN - TITLE_COLUMN, c->title);
    wrapped(b, f->sentence);
    if (symptoms) {
        page_symptoms(f->check, b);
    }
    if (f->paste != NULL) {
        pasted(b, f->paste, SENTENCE_COLUMN + 4);
    }
}

static void page_sum(const struct doctor *d, struct buf *b) {
    size_t counts[COUNT_OF(severities)] = { 0 };
    for (size_t i = 0; i < d->n_states; i++) {
        counts[d->states[i].worst]++;
    }
    if (doctor_worst(d) <= DOCTOR_NOTE) {
        buf_printf(b, "\nNothing is broken: %zu checks", d->n_states);
    } else {
        buf_printf(b, "\n%zu broken, %zu in part, of %zu checks", counts[DOCTOR_FAIL],
            counts[DOCTOR_WARN], d->n_states);
    }
    if (counts[DOCTOR_SKIPPED] > 0) {
        buf_printf(b, ", %zu not looked at", counts[DOCTOR_SKIPPED]);
    }
    buf_puts(b, doctor_worst(d) == DOCTOR_FAIL ? ". Begin with the first FAIL.\n" : ".\n");
}

/* Findings of one check stand together, in the order of the table. */
#define FOR_FINDINGS(d, s, f)                                                                      \
    for (const struct doctor_finding *f = (d)->first; f != NULL; f = f->next)                      \
        if (strcmp(f->check, (s)->check->id) == 0)

void doctor_report_text(const struct doctor *d, struct buf *b) {
    for (size_t i = 0; i < d->n_states; i++) {
        bool told = false; /* what users see is said once a check */
        FOR_FINDINGS(d, &d->states[i], f) {
            bool red = f->severity >= DOCTOR_WARN;
            page_line(d->states[i].check, f, red && !told, b);
            told = told || red;
        }
    }
    page_sum(d, b);
}

/* --- things to paste --- */

void doctor_report_fixes(const struct doctor *d, struct buf *b) {
    for (const struct doctor_finding *f = d->first; f != NULL; f = f->next) {
        if (f->paste != NULL) {
            buf_printf(b, "# %s: %s\n", f->check, f->sentence);
            pasted(b, f->paste, 0);
            buf_putc(b, '\n');
        }
    }
}

/* --- JSON --- */

static void json_finding(const struct doctor_finding *f, bool first, struct buf *b) {
    buf_puts(b, first ? "{" : ",{");
    buf_json_field(b, "severity", severities[f->severity].name);
    buf_json_field(b, "sentence", f->sentence);
    buf_json_field(b, "paste", f->paste);
    buf_putc(b, '}');
}

static void json_symptoms(const char *check, struct buf *b) {
    bool first = true;
    buf_json_key(b, "users_see");
    buf_putc(b, '[');
    for (size_t i = 0; i < doctor_n_symptoms; i++) {
        if (doctor_symptom_has(&doctor_symptoms[i], check)) {
            buf_puts(b, first ? "" : ",");
            buf_json_str(b, doctor_symptoms[i].texts[0]);
            first = false;
        }
    }
    buf_putc(b, ']');
}

static void json_check(const struct doctor *d, const struct doctor_state *s, struct buf *b) {
    bool first = true;
    buf_putc(b, '{');
    buf_json_field(b, "id", s->check->id);
    buf_json_field(b, "title", s->check->title);
    buf_json_field(b, "severity", severities[s->worst].name);
    json_symptoms(s->check->id, b);
    buf_json_key(b, "findings");
    buf_putc(b, '[');
    FOR_FINDINGS(d, s, f) {
        json_finding(f, first, b);
        first = false;
    }
    buf_puts(b, "]}");
}

void doctor_report_json(const struct doctor *d, struct buf *b) {
    buf_putc(b, '{');
    buf_json_field(b, "version", PARLEY_VERSION);
    buf_json_field(b, "severity", severities[doctor_worst(d)].name);
    buf_json_int_field(b, "exit", doctor_report_exit(d));
    buf_json_key(b, "checks");
    buf_putc(b, '[');
    for (size_t i = 0; i < d->n_states; i++) {
        if (i > 0) {
            buf_putc(b, ',');
        }
        json_check(d, &d->states[i], b);
    }
    buf_puts(b, "]}\n");
}
