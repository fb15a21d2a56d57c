/* The table, and the checks where nothing is there: no files, no database, no homeserver. */
#include "doctor/checks.h"

#include "core/config.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define TITLE_MAX 18 /* the page's column */

static bool stands_above(size_t row, const char *id) {
    for (size_t i = 0; i < row; i++) {
        if (strcmp(doctor_checks[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

TEST(doctor_checks, stand_in_the_order_of_dependence) {
    for (size_t i = 0; i < doctor_n_checks; i++) {
        const struct doctor_check *c = &doctor_checks[i];
        ROW(c->id);
        CHECK(!stands_above(i, c->id));
        CHECK(strlen(c->title) <= TITLE_MAX);
        for (size_t k = 0; k < DOCTOR_NEEDS_MAX && c->needs[k] != NULL; k++) {
            CHECK(stands_above(i, c->needs[k]));
        }
    }
}

TEST(doctor_checks, find_our_private_listener) {
    static const struct {
        const char *listener, *url, *unix_socket;
    } rows[] = {
        { "127.0.0.1:8090", "http://127.0.0.1:8090/readyz", NULL },
        { "0.0.0.0:8090", "http://127.0.0.1:8090/readyz", NULL },
        { "'[::]:8090'", "http://[::1]:8090/readyz", NULL },
        { "'[2001:db8::1]:8090'", "http://[2001:db8::1]:8090/readyz", NULL },
        { "unix:/run/parley/private.sock", "http://localhost/readyz", "/run/parley/private.sock" },
    };
    FOR_ROWS (rows, r) {
        CLEANUP(doctor_destroyp) struct doctor *d = NULL;
        char text[256];
        struct doctor_request q = { 0 };
        ROW(r->listener);
        snprintf(text, sizeof(text), "http:\n  private: [%s]\n", r->listener);
        CHECK_ERR(OK, doctor_create(NULL, NULL, &d));
        CHECK_ERR(OK, config_load_text("t", text, strlen(text), NULL, &d->config));
        doctor_private(d, "/readyz", &q);
        CHECK_STR(r->url, q.url);
        CHECK_STR(r->unix_socket, q.unix_socket);
    }
}

/* Port 1 of loopback: nobody listens there. */
static char *const nowhere[] = {
    (char *)(uintptr_t) "PARLEY_HOMESERVER_NAME=example.com",
    (char *)(uintptr_t) "PARLEY_HOMESERVER_URL=http://127.0.0.1:1",
    (char *)(uintptr_t) "PARLEY_HTTP_PRIVATE=127.0.0.1:1",
    (char *)(uintptr_t) "PARLEY_DATABASE_URL=postgresql://127.0.0.1:1/parley",
    (char *)(uintptr_t) "PARLEY_APPSERVICE_REGISTRATION=/nowhere/registration.yaml",
    (char *)(uintptr_t) "PARLEY_AUDIT_KEY_FILE=/nowhere/audit.key",
    NULL,
};

#define N_WITHOUT_HTTP 4
static const struct doctor_check ours[] = {
    { "config", "a", { NULL }, doctor_check_config },
    { "secrets", "b", { "config" }, doctor_check_secrets },
    { "registration", "c", { "secrets" }, doctor_check_registration },
    { "database", "d", { "config" }, doctor_check_database },
    { "homeserver", "e", { "config" }, doctor_check_homeserver },
    { "clock", "f", { "config" }, doctor_check_clock },
    { "service", "g", { "config" }, doctor_check_service },
};

TEST(doctor_checks, say_what_is_not_there) {
    static const struct {
        const char *check;
        enum doctor_severity want;
    } rows[] = {
        { "config", DOCTOR_OK },
        { "secrets", DOCTOR_OK },
        { "registration", DOCTOR_FAIL },
        { "database", DOCTOR_FAIL },
        { "homeserver", DOCTOR_FAIL },
        { "clock", DOCTOR_SKIPPED },
        { "service", DOCTOR_FAIL },
    };
    CLEANUP(doctor_destroyp) struct doctor *d = NULL;
    CHECK_ERR(OK, doctor_create(NULL, nowhere, &d));
    CHECK_ERR(OK, doctor_run(d, ours, COUNT_OF(ours)));
    FOR_ROWS (rows, r) {
        ROW(r->check);
        CHECK_INT(r->want, doctor_state_of(d, r->check));
    }
}

/* A check that cannot be made for lack of memory is a finding, or the run fails; never a fall. Only
 * those without HTTP: libcurl, when a socket cannot be watched, waits for its time-out. */
TEST_ALLOC(doctor_checks, survive_no_memory) {
    CLEANUP(doctor_destroyp) struct doctor *d = NULL;
    TRY(doctor_create(NULL, nowhere, &d));
    return doctor_run(d, ours, N_WITHOUT_HTTP);
}
