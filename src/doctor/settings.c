/* What is on our disk: the settings and the registration. */
#include "appservice/registration.h"
#include "core/config.h"
#include "doctor/checks.h"

#include <string.h>

/* Settings that are read but not complete are no settings: nothing behind may use them. */
void doctor_check_config(struct doctor *d) {
    const char *name = d->config_path == NULL ? "no file, only the environment" : d->config_path;
    struct config *config = NULL;
    enum err e = config_load(d->config_path, d->environ, &config);
    if (e != OK) {
        doctor_say(d, DOCTOR_FAIL,
            e == ERR_INVALID ? "parley config sample   # every key, and what it may be" : NULL,
            "%s", err_text());
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

static void tell_advice(void *arg, int line, const char *key, const char *sentence) {
    struct doctor *d = arg;
    const char *path = d->config->appservice.registration;
    if (line > 0) {
        doctor_say(d, DOCTOR_WARN, NULL, "%s:%d: %s: %s", path, line, key, sentence);
    } else {
        doctor_say(d, DOCTOR_WARN, NULL, "%s: %s: %s", path, key, sentence);
    }
}

void doctor_check_registration(struct doctor *d) {
    const char *path = d->config->appservice.registration;
    const struct as_registration_adviser to = { tell_advice, d };
    enum err e = as_registration_review(path, d->config->homeserver.name, &to, &d->registration);
    if (e != OK) {
        doctor_say(d, DOCTOR_FAIL, e == ERR_NOT_FOUND ? doctor_command(d, "register") : NULL, "%s",
            err_text());
    } else {
        doctor_say(d, DOCTOR_OK, NULL, "%s: read; the homeserver is to call %s", path,
            doctor_quote(d, d->registration->url));
    }
}
