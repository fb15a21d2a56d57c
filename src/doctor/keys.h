/* The API keys of the settings, for checks that sign.  Thread: main. */
#ifndef DOCTOR_KEYS_H
#define DOCTOR_KEYS_H

#include "core/err.h"

struct doctor;
struct lk_keys;

/** Errors: those of lk_keys_create, with a sentence that names what is wrong. */
MUST_CHECK enum err doctor_keys_load(const struct doctor *d, struct lk_keys **ret);

#endif
