/* What the homeserver is, asked without any token. */
#include "core/clock.h"
#include "core/config.h"
#include "doctor/checks.h"
#include "doctor/words.h"

#include <stdio.h>
#include <string.h>

#define VERSIONS "/_matrix/client/versions"

/* The header has whole seconds, cut: half a second is added. */
static void note_clock(struct doctor *d, const struct doctor_answer *a) {
    if (a->date_ms > 0) {
        d->homeserver.clock_known = true;
        d->homeserver.clock_off_ms = a->date_ms + SEC_MS / 2 - (a->asked_ms + a->answered_ms) / 2;
    }
}

static const char *no_homeserver(int status) {
    if (status >= 500) {
        return "the homeserver, or the proxy before it, is broken";
    }
    return "another program answers there, or the path /_matrix does not reach the homeserver";
}

void doctor_check_homeserver(struct doctor *d) {
    const char *url = d->config->homeserver.url;
    struct doctor_answer a;
    doctor_fetch(d, &(struct doctor_request){ .url = doctor_homeserver_url(d, VERSIONS) }, &a);
    if (a.err != OK) {
        enum doctor_reach r = doctor_reach_of(a.err, a.text);
        doctor_say(d, DOCTOR_FAIL,
            r == DOCTOR_REFUSED ? "systemctl status matrix-synapse   # does it run, and on which "
                                  "port do its listeners listen?\nss -ltnp"
                                : NULL,
            "homeserver.url %s %s (%s)", url, doctor_reach_words(r), doctor_quote(d, a.text));
        return;
    }
    if (a.status != 200 || !json_is_array(json_object_get(a.json, "versions"))) {
        doctor_say(d, DOCTOR_FAIL, NULL,
            "homeserver.url %s is no Matrix homeserver: %s (%d to " VERSIONS ")", url,
            no_homeserver(a.status), a.status);
        return;
    }
    d->homeserver.versions = json_incref(a.json);
    note_clock(d, &a);
    doctor_say(d, DOCTOR_OK, NULL, "a Matrix homeserver answers at %s", url);
}

/* --- version --- */

/* matrix-calls 6, newest first: what a Synapse below is missing. */
static const struct {
    int minor;
    enum doctor_severity severity;
    const char *missing;
} milestones[] = {
    { 116, DOCTOR_WARN, "it has no delayed events: people whose client dies stay in their call" },
    { 132, DOCTOR_NOTE, "after an outage it waits up to 9 minutes before it delivers again" },
    { 140, DOCTOR_NOTE, "it does not tell clients where the call service is (rtc/transports)" },
    { 148, DOCTOR_NOTE, "it has no sticky events" },
    { 157, DOCTOR_NOTE, "its delayed and ephemeral events have known faults" },
};

static void say_version(struct doctor *d) {
    const struct doctor_homeserver *h = &d->homeserver;
    for (size_t i = 0; i < COUNT_OF(milestones); i++) {
        if (h->synapse_minor > 0 && h->synapse_minor < milestones[i].minor) {
            doctor_say(d, milestones[i].severity, NULL,
                "Synapse %s: %s; 1.%d has that, 1.157 or newer is recommended", h->version,
                milestones[i].missing, milestones[i].minor);
            return;
        }
    }
    doctor_say(d, h->synapse_minor > 0 ? DOCTOR_OK : DOCTOR_NOTE, NULL, "%s %s%s", h->software,
        h->version, h->synapse_minor > 0 ? "" : ": Parley is made and tested with Synapse");
}

void doctor_check_version(struct doctor *d) {
    struct doctor_homeserver *h = &d->homeserver;
    struct doctor_answer a;
    doctor_fetch(d,
        &(struct doctor_request){
            .url = doctor_homeserver_url(d, "/_matrix/federation/v1/version") },
        &a);
    const json_t *server = json_object_get(a.json, "server");
    if (a.err != OK || a.status != 200 || !json_is_object(server)) {
        doctor_say(d, DOCTOR_OK, NULL, "it does not say: homeserver.url has no federation");
        return;
    }
    h->software = doctor_quote(d, doctor_text_of(server, "name"));
    h->version = doctor_quote(d, doctor_text_of(server, "version"));
    if (strcmp(h->software, "Synapse") != 0 ||
        sscanf(h->version, "1.%4d", &h->synapse_minor) != 1 || h->synapse_minor < 0) {
        h->synapse_minor = 0;
    }
    say_version(d);
}

/* --- name --- */

void doctor_check_server_name(struct doctor *d) {
    const char *ours = d->config->homeserver.name;
    struct doctor_answer a;
    doctor_fetch(d,
        &(struct doctor_request){ .url = doctor_homeserver_url(d, "/_matrix/key/v2/server") }, &a);
    const char *theirs = doctor_quote(d, doctor_text_of(a.json, "server_name"));
    if (a.err != OK || a.status != 200 || theirs[0] == '\0') {
        doctor_say(d, DOCTOR_OK, NULL,
            "it does not say: homeserver.url has no federation; our token will tell");
    } else if (strcmp(ours, theirs) != 0) {
        doctor_say(d, DOCTOR_FAIL, arena_printf(&d->arena, "homeserver:\n  name: %s", theirs),
            "homeserver.name is %s, but the homeserver at homeserver.url calls itself %s", ours,
            theirs);
    } else {
        doctor_say(d, DOCTOR_OK, NULL, "it calls itself %s, as homeserver.name says", theirs);
    }
}

/* --- OpenID --- */

#define OPENID_PASTE                                                                               \
    "listeners:   # in homeserver.yaml, of the listener behind homeserver.url; then restart\n"     \
    "  - resources:\n"                                                                             \
    "      - names: [client, federation]   # or [client, openid]"

/* A token that cannot be: the answer to it tells whether anybody looks at tokens there. */
void doctor_check_openid(struct doctor *d) {
    bool focus = d->config->rtc.public_url[0] != '\0';
    struct doctor_answer a;
    doctor_fetch(d,
        &(struct doctor_request){
            .url = doctor_homeserver_url(d, "/_matrix/federation/v1/openid/userinfo?access_token="
                                            "parley-doctor") },
        &a);
    if (a.err == OK && a.status == 401) {
        doctor_say(d, DOCTOR_OK, NULL, "the homeserver can tell us whose OpenID token it is");
        return;
    }
    if (a.err == OK && a.status == 404) {
        doctor_say(d, focus ? DOCTOR_FAIL : DOCTOR_WARN, OPENID_PASTE,
            "the homeserver cannot tell us whose OpenID token it is, so nobody gets into a call: "
            "the listener behind homeserver.url has neither `federation` nor `openid`, or a proxy "
            "does not pass /_matrix/federation");
        return;
    }
    doctor_say(d, focus ? DOCTOR_FAIL : DOCTOR_WARN, NULL,
        "the homeserver's answer to an OpenID token is odd: %d %s", a.status,
        doctor_quote(d, a.err == OK ? a.body : a.text));
}
