/* The table: a check is a row. What it needs stands above it, the likelier root cause first. */
#include "doctor/checks.h"

#include "core/mem.h"

/* clang-format off */
const struct doctor_check doctor_checks[] = {
    { "config", "settings", { NULL }, doctor_check_config },
    { "homeserver", "homeserver", { "config" }, doctor_check_homeserver },
    { "registration", "registration", { "config" }, doctor_check_registration },
};
/* clang-format on */

const size_t doctor_n_checks = COUNT_OF(doctor_checks);
