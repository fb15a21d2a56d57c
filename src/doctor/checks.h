/*
 * All checks, and the table they stand in.  Thread: main.
 */
#ifndef DOCTOR_CHECKS_H
#define DOCTOR_CHECKS_H

#include "doctor/check.h"

/** In the order of dependence: what a row needs stands above it. */
extern const struct doctor_check doctor_checks[];
extern const size_t doctor_n_checks;

/* doctor/settings.c: what is on our disk. */
void doctor_check_config(struct doctor *d);
void doctor_check_registration(struct doctor *d);

/* doctor/homeserver.c: what the homeserver is. */
void doctor_check_homeserver(struct doctor *d);

#endif
