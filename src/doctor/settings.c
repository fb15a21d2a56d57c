/* What is on our disk: the settings and the registration. */
#include "appservice/registration.h"
#include "core/config.h"
#include "doctor/checks.h"

#include <string.h>

void doctor_check_config(struct doctor *d) {
    const char *name = d->config_path == NULL ? "no file, only the environment" : d->config_path;
    struct config *config = NULL;
    enum err e = config_load(d->config_path, d->environ, &config);
    if (e != OK) {
        doctor_say(d, DOCTOR_FAIL,
            e == ERR_INVALID ? "parley config sample   # every key and what it may be" : NULL, "%s",
            err_text());
        return;
    }
    e = config_check_serve(config);
    if (e != OK) {
        doctor_say(d, DOCTOR_FAIL, NULL, "%s: %s", name, err_text());
        config_destroy(config);
        return;
    }
    d->config = config;
    doctor_say(d, DOCTOR_OK, NULL, "%s: read and complete", name);
}

void doctor_check_registration(struct doctor *d) {
    const char *path = d->config->appservice.registration;
    enum err e = as_registration_load(path, d->config->homeserver.name, &d->registration);
    if (e != OK) {
        doctor_say(d, DOCTOR_FAIL, NULL, "%s", err_text());
        return;
    }
    doctor_say(d, DOCTOR_OK, NULL, "%s: read", path);
}
