/*
 * What was found, as a page for people, as one JSON document, or as the things to paste.
 * Thread: any; pure.
 */
#ifndef DOCTOR_REPORT_H
#define DOCTOR_REPORT_H

#include "doctor/check.h"

struct buf;

#define DOCTOR_LINE_WIDTH 100 /* characters; what is to be pasted keeps its lines */

/** A line a finding, aligned; under those that ask for something what to paste; the sum at the end.
 */
void doctor_report_text(const struct doctor *d, struct buf *b);
/** {"version","severity","exit","checks":[{"id","title","severity","findings":[{"severity",
 * "sentence","paste"}]}]}, with a newline. */
void doctor_report_json(const struct doctor *d, struct buf *b);
/** Only what to paste, each behind "# " and its sentence. */
void doctor_report_fixes(const struct doctor *d, struct buf *b);

/* What `parley doctor` ends with; monitoring programs read 0, 1 and 2 alike. */
enum doctor_exit { DOCTOR_EXIT_FINE = 0, DOCTOR_EXIT_WARNINGS = 1, DOCTOR_EXIT_FAILURES = 2 };
/** Notes are fine. */
int doctor_report_exit(const struct doctor *d);

#endif
