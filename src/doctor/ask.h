/*
 * Questions to the homeserver below /_matrix/client/v3, with our token.  Thread: main; waits.
 */
#ifndef DOCTOR_ASK_H
#define DOCTOR_ASK_H

#include "doctor/check.h"

/** The answer, NULL unless it is 200 with a JSON object; `a` says why not. `room` fills the $ of
 * the pattern, NULL where there is none; `user` is whom we speak for, NULL = our own; `query` is ""
 * or begins with "?". */
const json_t *doctor_ask(struct doctor *d, const char *pattern, const char *room, const char *user,
    const char *query, struct doctor_answer *a);

#endif
