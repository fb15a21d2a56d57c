/* The index of what clients show: each text leads somewhere, each check it names exists. */
#include "doctor/symptoms.h"

#include "core/buf.h"
#include "doctor/checks.h"
#include "test.h"

#include <string.h>

static bool is_check(const char *id) {
    for (size_t i = 0; i < doctor_n_checks; i++) {
        if (strcmp(doctor_checks[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

TEST(doctor_symptoms, name_checks_that_exist) {
    for (size_t i = 0; i < doctor_n_symptoms; i++) {
        const struct doctor_symptom *s = &doctor_symptoms[i];
        ROW(s->texts[0]);
        CHECK(s->who != NULL && s->meaning != NULL);
        for (size_t c = 0; c < DOCTOR_SYMPTOM_CHECKS_MAX && s->checks[c] != NULL; c++) {
            ROW(s->checks[c]);
            CHECK(is_check(s->checks[c]));
        }
    }
}

TEST(doctor_symptoms, are_found_as_people_quote_them) {
    static const struct {
        const char *words;
        const char *check; /* NULL = nothing is found */
    } rows[] = {
        { "Waiting for media", "rtc-transports" },
        { "waiting for media...", "listeners" },
        { "\"Waiting for media...\"", "proxy" },
        { "MISSING_MATRIX_RTC_FOCUS", "well-known" },
        { "missing_matrix_rtc_transport", "well-known" },
        { "The server is not configured to work with Element Call. Please contact your server "
          "admin "
          "(Domain: x.test, Error Code: MISSING_MATRIX_RTC_TRANSPORT).",
            "call-service" },
        { "You do not have permission to start calls", "power-levels" },
        { "permission to start voice calls", "power-levels" },
        { "OPEN_ID_ERROR", "openid" },
        { "Call failed due to misconfigured server", "turn" },
        { "the", NULL },
        { "", NULL },
        { "...", NULL },
        { "the sky is falling", NULL },
    };
    FOR_ROWS (rows, r) {
        bool found = false, right = false;
        ROW(r->words);
        for (size_t i = 0; i < doctor_n_symptoms; i++) {
            if (doctor_symptom_is(&doctor_symptoms[i], r->words)) {
                found = true;
                right = right ||
                        (r->check != NULL && doctor_symptom_has(&doctor_symptoms[i], r->check));
            }
        }
        CHECK_INT(r->check != NULL, found);
        CHECK_INT(r->check != NULL, right);
    }
}

TEST(doctor_symptoms, are_told_by_check) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    doctor_symptoms_of("power-levels", &b);
    CHECK_STR("\"You do not have permission to start calls\", \"No call button\", "
              "\"INTERNAL_MEMBERSHIP_MANAGER\"",
        buf_str(&b));
    buf_clear(&b);
    doctor_symptoms_of("config", &b);
    CHECK_STR("", buf_str(&b));
}
