/* What a client finds before it can call: the well-known file, the homeserver behind it, and the
 * list of call services. All asked as a client asks, from this machine. */
#include "core/config.h"
#include "doctor/checks.h"
#include "doctor/foci.h"
#include "doctor/head.h"

#include <string.h>

#define REDIRECTS_MAX    5 /* browsers follow 20; whoever needs more than this is lost anyway */
#define WELL_KNOWN       "/.well-known/matrix/client"
#define FOCI             "org.matrix.msc4143.rtc_foci"
#define TRANSPORTS       "/_matrix/client/unstable/org.matrix.msc4143/rtc/transports"
#define TRANSPORTS_LATER "/_matrix/client/v1/rtc/transports" /* its name once it is in the spec */
#define CORS_PASTE                                                                                 \
    "# nginx, in the location of this file; nowhere else, or it is there twice:\n"                 \
    "add_header Access-Control-Allow-Origin * always;"

static bool is_focus(const struct doctor *d) {
    return d->config->rtc.public_url[0] != '\0';
}

/* While we are no call service, nothing here breaks a call of ours. */
static enum doctor_severity as_bad_as(const struct doctor *d, enum doctor_severity s) {
    return is_focus(d) ? s : DOCTOR_NOTE;
}

void doctor_check_call_service(struct doctor *d) {
    const char *url = d->config->rtc.public_url;
    if (!is_focus(d)) {
        doctor_say(d, DOCTOR_NOTE, NULL,
            "rtc.public_url is empty: Parley is no call service, it records the calls of others");
        return;
    }
    if (strncmp(url, "https://", 8) != 0) {
        doctor_say(d, DOCTOR_FAIL, "rtc:\n  public_url: https://calls.example.com",
            "rtc.public_url %s does not begin with https://: browsers refuse it", url);
        return;
    }
    doctor_say(d, DOCTOR_OK, NULL, "clients are to use %s", url);
}

/* --- the lists --- */

static void say_foci(struct doctor *d, const char *place, const json_t *list, const char *paste) {
    const char *ours = d->config->rtc.public_url;
    const char *first;
    enum doctor_focus found = doctor_foci_judge(list, ours, &first);
    const char *theirs = doctor_quote(d, first);
    if (!is_focus(d)) {
        doctor_say(d, DOCTOR_NOTE, NULL, "%s %s%s", place,
            first[0] == '\0' ? "names no call service" : "sends clients to ", theirs);
        return;
    }
    switch (found) {
    case DOCTOR_FOCUS_RIGHT:
        doctor_say(d, DOCTOR_OK, NULL, "%s sends clients to %s", place, ours);
        break;
    case DOCTOR_FOCUS_NOT_FIRST:
        doctor_say(
            d, DOCTOR_WARN, paste, "%s names %s first, and clients use the first", place, theirs);
        break;
    case DOCTOR_FOCUS_ALMOST:
        doctor_say(d, DOCTOR_FAIL, paste,
            "%s says %s, rtc.public_url says %s: they must be the same to the last byte", place,
            theirs, ours);
        break;
    case DOCTOR_FOCUS_OTHER:
        doctor_say(d, DOCTOR_FAIL, paste, "%s sends clients to %s, not to rtc.public_url %s", place,
            theirs, ours);
        break;
    case DOCTOR_FOCUS_NONE:
        doctor_say(d, DOCTOR_FAIL, paste,
            "%s has no entry with \"type\": \"livekit\" and a livekit_service_url", place);
        break;
    case DOCTOR_FOCUS_NO_LIST:
        doctor_say(d, DOCTOR_FAIL, paste, "%s is no list", place);
        break;
    case DOCTOR_FOCUS_MISSING:
        doctor_say(d, DOCTOR_FAIL, paste, "%s is missing", place);
        break;
    }
}

/* --- the well-known file --- */

/* A server name's port belongs to federation; clients ask the host. */
static const char *well_known_url(struct doctor *d) {
    const char *base = d->config->homeserver.well_known_url;
    const char *name = d->config->homeserver.name;
    size_t bracket = name[0] == '[' ? strcspn(name, "]") : 0;
    size_t host = bracket + strcspn(name + bracket, ":");
    const char *url = base[0] != '\0'
                          ? arena_printf(&d->arena, "%s" WELL_KNOWN, base)
                          : arena_printf(&d->arena, "https://%.*s" WELL_KNOWN, (int)host, name);
    return url == NULL ? "" : url;
}

/* Where the answer sends us; NULL when it is no redirect that clients follow. */
static const char *redirect(struct doctor *d, const char *from, const struct doctor_answer *a) {
    char to[DOCTOR_FIELD_MAX];
    bool moved = a->status == 301 || a->status == 302 || a->status == 303 || a->status == 307 ||
                 a->status == 308;
    if (!moved || doctor_head_field(a->head, "Location", to) == 0) {
        return NULL;
    }
    if (to[0] != '/') {
        return arena_strdup(&d->arena, to);
    }
    const char *host = strstr(from, "://");
    if (host == NULL) {
        return NULL;
    }
    size_t n = (size_t)(host + 3 - from) + strcspn(host + 3, "/");
    return arena_printf(&d->arena, "%.*s%s", (int)n, from, to);
}

/* Asks, follows redirects, and says what is wrong with the answer itself. */
static bool fetch_well_known(struct doctor *d, const char **url, struct doctor_answer *a) {
    for (int hops = 0;; hops++) {
        doctor_fetch(d, &(struct doctor_request){ .url = *url, .wants_head = true }, a);
        if (a->err != OK) {
            doctor_say(d, as_bad_as(d, DOCTOR_FAIL), NULL, "%s gives no answer: %s",
                doctor_quote(d, *url), doctor_quote(d, a->text));
            return false;
        }
        const char *next = redirect(d, *url, a);
        enum doctor_cors cors = doctor_cors_of(a->head);
        if (cors != DOCTOR_CORS_FINE && (next != NULL || a->status == 200)) {
            doctor_say(d, as_bad_as(d, DOCTOR_FAIL), CORS_PASTE, "%s %s", doctor_quote(d, *url),
                doctor_cors_text(cors));
            return false;
        }
        if (next == NULL || hops == REDIRECTS_MAX) {
            return true;
        }
        *url = next;
    }
}

static const char *well_known_paste(struct doctor *d) {
    return arena_printf(&d->arena,
        "# %s" WELL_KNOWN " holds this beside m.homeserver:\n"
        "\"" FOCI "\": [\n"
        "  {\"type\": \"livekit\", \"livekit_service_url\": \"%s\"}\n"
        "]",
        d->config->homeserver.name, d->config->rtc.public_url);
}

void doctor_check_well_known(struct doctor *d) {
    const char *url = well_known_url(d);
    struct doctor_answer a;
    if (!fetch_well_known(d, &url, &a)) {
        return;
    }
    const char *shown = doctor_quote(d, url);
    if (a.status != 200) {
        doctor_say(d, as_bad_as(d, DOCTOR_FAIL), well_known_paste(d), "%s answers %d%s", shown,
            a.status, a.status == 404 ? ": there is no such file" : ", not 200");
        return;
    }
    if (a.json == NULL) {
        doctor_say(
            d, as_bad_as(d, DOCTOR_FAIL), well_known_paste(d), "%s is no JSON object", shown);
        return;
    }
    d->well_known = a.json;
    const char *place = arena_printf(&d->arena, FOCI " of %s", shown);
    say_foci(d, place == NULL ? "" : place, json_object_get(a.json, FOCI), well_known_paste(d));
}

/* The homeserver by the address that clients are given, which is not the one that we use. */
void doctor_check_client_url(struct doctor *d) {
    if (d->well_known == NULL) {
        doctor_say(d, DOCTOR_SKIPPED, NULL, "there is no well-known file to name it");
        return;
    }
    const char *base = doctor_text_of(json_object_get(d->well_known, "m.homeserver"), "base_url");
    if (base[0] == '\0') {
        doctor_say(d, DOCTOR_NOTE, NULL,
            "the well-known file names no homeserver (m.homeserver.base_url): clients ask %s "
            "itself",
            d->config->homeserver.name);
        return;
    }
    const char *slash = base[strlen(base) - 1] == '/' ? "" : "/";
    const char *url = arena_printf(&d->arena, "%s%s_matrix/client/versions", base, slash);
    struct doctor_answer a;
    doctor_fetch(
        d, &(struct doctor_request){ .url = url == NULL ? "" : url, .wants_head = true }, &a);
    const char *shown = doctor_quote(d, base);
    if (a.err != OK || a.status != 200) {
        doctor_say(d, DOCTOR_WARN, NULL,
            "clients are sent to %s (m.homeserver.base_url), which gives this machine no good "
            "answer: %s",
            shown, a.err != OK ? doctor_quote(d, a.text) : "not 200 to /_matrix/client/versions");
        return;
    }
    enum doctor_cors cors = doctor_cors_of(a.head);
    if (cors != DOCTOR_CORS_FINE) {
        doctor_say(d, DOCTOR_FAIL,
            cors == DOCTOR_CORS_DOUBLED
                ? "# the homeserver sends it by itself: take it out of the reverse proxy before it"
                : NULL,
            "%s, where clients are sent (m.homeserver.base_url), %s", shown,
            doctor_cors_text(cors));
        return;
    }
    doctor_say(d, DOCTOR_OK, NULL, "clients reach the homeserver at %s", shown);
}

/* --- rtc/transports --- */

static const char *transports_paste(struct doctor *d) {
    return arena_printf(&d->arena,
        "# homeserver.yaml (Synapse 1.140 or later), then restart Synapse:\n"
        "experimental_features:\n"
        "  msc4143_enabled: true\n"
        "matrix_rtc:\n"
        "  transports:\n"
        "    - type: livekit\n"
        "      livekit_service_url: %s",
        is_focus(d) ? d->config->rtc.public_url : "https://calls.example.com");
}

static void fetch_transports(struct doctor *d, struct doctor_answer *a) {
    static const char *const paths[] = { TRANSPORTS, TRANSPORTS_LATER };
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        doctor_fetch(d,
            &(struct doctor_request){
                .url = doctor_homeserver_url(d, paths[i]), .bearer = d->as_token },
            a);
        if (a->err != OK || a->status != 404) {
            return;
        }
    }
}

void doctor_check_transports(struct doctor *d) {
    struct doctor_answer a;
    fetch_transports(d, &a);
    if (a.err != OK) {
        doctor_say(d, as_bad_as(d, DOCTOR_FAIL), NULL, "rtc/transports gives no answer: %s",
            doctor_quote(d, a.text));
        return;
    }
    if (a.status == 404) {
        /* Other homeservers may have none; then clients use the well-known file. */
        bool synapse = d->homeserver.synapse_minor > 0;
        doctor_say(d, as_bad_as(d, synapse ? DOCTOR_FAIL : DOCTOR_WARN), transports_paste(d),
            "the homeserver has no rtc/transports%s, where Element clients look for a call service",
            synapse ? " (msc4143_enabled is off)" : "");
        return;
    }
    if (a.status != 200 || a.json == NULL) {
        doctor_say(d, as_bad_as(d, DOCTOR_FAIL), NULL, "rtc/transports answers %d %s", a.status,
            doctor_quote(d, a.errcode));
        return;
    }
    say_foci(d, "rtc/transports of the homeserver", json_object_get(a.json, "rtc_transports"),
        transports_paste(d));
}
