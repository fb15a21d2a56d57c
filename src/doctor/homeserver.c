/* What the homeserver is, asked without any token. */
#include "core/config.h"
#include "doctor/checks.h"

void doctor_check_homeserver(struct doctor *d) {
    const char *url = d->config->homeserver.url;
    struct doctor_answer a;
    doctor_fetch(d,
        &(struct doctor_request){ .url = doctor_homeserver_url(d, "/_matrix/client/versions") },
        &a);
    if (a.err != OK) {
        doctor_say(d, DOCTOR_FAIL, NULL, "no homeserver answers at homeserver.url %s: %s", url,
            doctor_quote(d, a.text));
        return;
    }
    if (a.status != 200 || !json_is_array(json_object_get(a.json, "versions"))) {
        doctor_say(d, DOCTOR_FAIL, NULL,
            "what answers at homeserver.url %s is no Matrix homeserver: %d to "
            "/_matrix/client/versions",
            url, a.status);
        return;
    }
    d->homeserver.versions = json_incref(a.json);
    doctor_say(d, DOCTOR_OK, NULL, "a Matrix homeserver answers at %s", url);
}
