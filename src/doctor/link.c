/* The two ways of the application service, and Parley's own process between them. */
#include "appservice/registration.h"
#include "core/buf.h"
#include "core/config.h"
#include "doctor/checks.h"
#include "doctor/words.h"
#include "matrix/path.h"

#include <stdio.h>
#include <string.h>

#define PING_TIMEOUT_US INT64_C(20000000) /* the homeserver itself gives up after a minute only */
#define RESTART         "systemctl restart matrix-synapse   # it reads registrations only when it starts"

/* --- Parley itself --- */

/* "database: not reachable, homeserver: does not answer" of /readyz. */
static const char *parts_not_ready(struct doctor *d, const json_t *health) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)health, key, value) {
        const char *text = json_string_value(value);
        if (text != NULL && strcmp(key, "status") != 0 && strcmp(text, "ok") != 0) {
            buf_printf(&b, "%s%s: %s", b.len > 0 ? ", " : "", key, text);
        }
    }
    return doctor_quote(d, buf_str(&b));
}

/* Was the process started with the registration that lies here now? */
static bool knows_our_token(struct doctor *d) {
    struct doctor_answer a;
    struct doctor_request q = { .method = "POST", .body = "{}" };
    doctor_private(d, "/_matrix/app/v1/ping", &q);
    q.bearer = d->registration->hs_token;
    doctor_fetch(d, &q, &a);
    return a.err != OK || (a.status != 401 && a.status != 403);
}

void doctor_check_service(struct doctor *d) {
    struct doctor_answer a;
    struct doctor_request q = { 0 };
    const char *listener = doctor_private(d, "/readyz", &q);
    doctor_fetch(d, &q, &a);
    if (a.err != OK) {
        doctor_say(d, DOCTOR_FAIL, "systemctl start parley\njournalctl -u parley -n 50",
            "Parley does not run: its private listener %s %s (%s)", listener,
            doctor_reach_words(doctor_reach_of(a.err, a.text)), doctor_quote(d, a.text));
    } else if ((a.status != 200 && a.status != 503) ||
               doctor_text_of(a.json, "status")[0] == '\0') {
        doctor_say(d, DOCTOR_FAIL, "ss -ltnp   # who listens there?",
            "another program than Parley answers at http.private %s (%d to /readyz)", listener,
            a.status);
    } else if (d->registration != NULL && !knows_our_token(d)) {
        doctor_say(d, DOCTOR_FAIL, "systemctl restart parley",
            "the Parley that runs was started with another registration than the one that lies "
            "here now");
    } else if (a.status == 503) {
        doctor_say(d, DOCTOR_WARN, "journalctl -u parley -n 50",
            "Parley runs, but is not ready: %s", parts_not_ready(d, a.json));
    } else {
        doctor_say(d, DOCTOR_OK, NULL, "Parley runs and is ready at %s", listener);
    }
}

/* --- we call the homeserver --- */

static void whoami(struct doctor *d, const char *token, struct doctor_answer *ret) {
    doctor_fetch(d,
        &(struct doctor_request){
            .url = doctor_homeserver_url(d, "/_matrix/client/v3/account/whoami"), .bearer = token },
        ret);
}

static const char *paste_registration(struct doctor *d) {
    return arena_printf(&d->arena,
        "app_service_config_files:   # in homeserver.yaml\n  - %s\n" RESTART,
        d->config->appservice.registration);
}

/* While tokens are being changed, either may be the one the homeserver knows. Gives its answer to
 * the last one that was tried. */
static void whoami_with_any(struct doctor *d, struct doctor_answer *ret) {
    const char *tokens[] = { d->registration->as_token, d->registration->as_token_old };
    for (size_t i = 0; i < COUNT_OF(tokens) && tokens[i] != NULL; i++) {
        whoami(d, tokens[i], ret);
        if (ret->err != OK || ret->status != 401) {
            d->as_token = ret->status == 200 ? tokens[i] : NULL;
            return;
        }
    }
}

/* The token is known: is it whom we think it is? */
static void say_who(struct doctor *d, const char *user_id) {
    const char *sender = d->registration->sender_localpart;
    const char *name = d->config->homeserver.name;
    const char *want = arena_printf(&d->arena, "@%s:%s", sender, name);
    const char *colon = strchr(user_id, ':');
    if (want == NULL || strcmp(user_id, want) == 0) {
        doctor_say(d, DOCTOR_OK, NULL, "%s; we are %s",
            doctor_token_words(DOCTOR_TOKEN_FINE)->sentence, user_id);
    } else if (colon != NULL && strcmp(colon + 1, name) != 0) {
        doctor_say(d, DOCTOR_FAIL, arena_printf(&d->arena, "homeserver:\n  name: %s", colon + 1),
            "homeserver.name is %s, but the homeserver calls itself %s", name, colon + 1);
    } else {
        doctor_say(d, DOCTOR_FAIL, paste_registration(d),
            "the homeserver takes us for %s, not for %s: its copy of the registration is not ours",
            user_id, want);
    }
}

void doctor_check_as_token(struct doctor *d) {
    struct doctor_answer first;
    struct doctor_answer second = { 0 };
    whoami_with_any(d, &first);
    if (first.err == OK && first.status == 401) {
        whoami(d, d->registration->hs_token, &second); /* which the homeserver knows anyway */
    }
    enum doctor_token t = doctor_token_of(&first, &second);
    const struct doctor_words *w = doctor_token_words(t);
    switch (t) {
    case DOCTOR_TOKEN_FINE:
        say_who(d, doctor_quote(d, doctor_text_of(first.json, "user_id")));
        if (d->as_token != d->registration->as_token) {
            doctor_say(d, DOCTOR_WARN, RESTART,
                "the tokens were changed, and the homeserver still knows the earlier ones");
        }
        break;
    case DOCTOR_TOKEN_SWAPPED:
        doctor_say(d, w->severity,
            arena_printf(&d->arena,
                "${EDITOR:-vi} %s   # exchange the two values, so that both sides read one file\n"
                "systemctl restart parley\n" RESTART,
                d->config->appservice.registration),
            "%s", w->sentence);
        break;
    case DOCTOR_TOKEN_UNKNOWN:
        doctor_say(d, w->severity, paste_registration(d), "%s", w->sentence);
        break;
    case DOCTOR_TOKEN_REFUSED:
    case DOCTOR_TOKEN_ODD:
        doctor_say(d, w->severity, w->paste, "%s (%d %s)", w->sentence, first.status,
            doctor_quote(d, first.err == OK ? first.body : first.text));
        break;
    }
}

/* --- the homeserver calls us --- */

/* What the registration should say, as far as we know: our own listener. */
static const char *paste_url(struct doctor *d) {
    struct doctor_request q = { 0 };
    const char *listener = doctor_private(d, "", &q);
    return arena_printf(&d->arena, "url: \"%s\"   # in %s: our private listener is %s\n%s" RESTART,
        q.unix_socket != NULL ? "http://127.0.0.1:8090" : q.url, d->config->appservice.registration,
        listener,
        "# A homeserver in a container or on another machine needs an address of its own network\n"
        "# here, and http.private must listen there too.\n");
}

/* The homeserver's own words, which say more than ours where a case is new. */
static const char *details(struct doctor *d, const struct doctor_answer *a) {
    json_int_t status = json_integer_value(json_object_get(a->json, "status"));
    const char *error = doctor_text_of(a->json, "error");
    const char *body = doctor_text_of(a->json, "body");
    const char *text = a->err != OK ? a->text : error[0] != '\0' ? error : a->body;
    const char *all = status == 0 ? arena_printf(&d->arena, "%s %s", a->errcode, text)
                                  : arena_printf(&d->arena, "%d %s", (int)status, body);
    return doctor_quote(d, all == NULL ? "" : all);
}

static const char *ping_paste(struct doctor *d, enum doctor_ping p) {
    switch (p) {
    case DOCTOR_PING_URL_NOT_SET:
    case DOCTOR_PING_NOT_PARLEY:
    case DOCTOR_PING_PROXY:
    case DOCTOR_PING_REFUSED:
    case DOCTOR_PING_NO_NAME:
    case DOCTOR_PING_TLS:
    case DOCTOR_PING_NO_PATH:
    case DOCTOR_PING_SILENT:
        return paste_url(d);
    case DOCTOR_PING_OTHER_ID:
    case DOCTOR_PING_OTHER_TOKEN:
        return paste_registration(d);
    default:
        return doctor_ping_words(p)->paste;
    }
}

static const char *ping_path(struct doctor *d) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    const char *id = d->registration->id;
    if (mx_path_append(&b, "/_matrix/client/v1/appservice/$/ping", &id, 1) != OK) {
        return "";
    }
    return doctor_homeserver_url(d, buf_str(&b));
}

void doctor_check_hs_token(struct doctor *d) {
    struct doctor_answer a;
    doctor_fetch(d,
        &(struct doctor_request){ .method = "POST",
            .url = ping_path(d),
            .bearer = d->as_token,
            .body = "{}",
            .timeout_us = PING_TIMEOUT_US },
        &a);
    enum doctor_ping p = doctor_ping_of(&a);
    const struct doctor_words *w = doctor_ping_words(p);
    if (p == DOCTOR_PING_FINE) {
        doctor_say(d, w->severity, NULL, "%s (%d ms)", w->sentence,
            (int)json_integer_value(json_object_get(a.json, "duration_ms")));
        return;
    }
    doctor_say(d, w->severity, ping_paste(d, p), "%s; the registration says %s (%s)", w->sentence,
        doctor_quote(d, d->registration->url), details(d, &a));
}
