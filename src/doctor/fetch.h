/*
 * What doctor_fetch stands on: an HTTP client on a loop of its own, turned until the answer is
 * there. Only doctor/check includes this.  Thread: main.
 */
#ifndef DOCTOR_FETCH_H
#define DOCTOR_FETCH_H

#include "core/err.h"

struct doctor_fetcher;
MUST_CHECK enum err doctor_fetcher_create(struct doctor_fetcher **ret);
/** Also lets go of the JSON of all answers. */
void doctor_fetcher_destroy(struct doctor_fetcher *f);

#endif
