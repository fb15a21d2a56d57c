/* The checks of the TURN servers that clients are given, by the homeserver and by us. */
#include "core/clock.h"
#include "core/config.h"
#include "core/mem.h"
#include "doctor/checks.h"
#include "doctor/turn.h"

#include <string.h>

#define URIS_MOST 8            /* that are asked; nobody has more */
#define REACH_US  (4 * SEC_US) /* for one of them */

static const char *const words[] = {
    [DOCTOR_DIAL_REFUSED] = "nobody listens there",
    [DOCTOR_DIAL_SILENT] = "nothing comes back: a firewall drops it, or the server is off",
    [DOCTOR_DIAL_REJECTED] = "a firewall refuses it, or there is no way to that address",
    [DOCTOR_DIAL_MISSING] = "it is not there",
};

/* True: it answers. */
static bool look_at(struct doctor *d, const char *uri) {
    struct doctor_turn t;
    enum doctor_dial dial = DOCTOR_DIAL_OK;
    const char *shown = doctor_quote(d, uri);
    enum err e = doctor_turn_read(uri, &t);
    if (e != OK) {
        doctor_say(d, DOCTOR_WARN, "turn_uris: correct it in homeserver.yaml",
            "clients are given the TURN address %s, and %s", shown, err_text());
        return false;
    }
    e = doctor_turn_reach(&t, REACH_US, &dial);
    if (e == OK && dial == DOCTOR_DIAL_OK) {
        return true;
    }
    const char *paste = arena_printf(&d->arena,
        "open %s port %u to the TURN server for everybody (and its relay ports over UDP)",
        t.tcp ? "TCP" : "UDP", t.port);
    doctor_say(d, DOCTOR_WARN, paste, "clients are given the TURN server %s; seen from here, %s",
        shown, e == OK ? words[dial] : doctor_quote(d, err_text()));
    return false;
}

static void look_at_all(struct doctor *d, const json_t *uris) {
    size_t n = json_array_size(uris);
    size_t fine = 0;
    size_t asked = n < URIS_MOST ? n : URIS_MOST;
    for (size_t i = 0; i < asked; i++) {
        const char *uri = json_string_value(json_array_get(uris, i));
        fine += look_at(d, uri == NULL ? "" : uri);
    }
    if (fine == asked) {
        doctor_say(d, DOCTOR_OK, NULL,
            "the homeserver gives clients %zu TURN addresses, and servers answer there", n);
    }
}

/* The sender of the registration gets what every user gets. */
void doctor_check_turn(struct doctor *d) {
    struct doctor_answer a;
    doctor_fetch(d,
        &(struct doctor_request){
            .url = doctor_homeserver_url(d, "/_matrix/client/v3/voip/turnServer"),
            .bearer = d->as_token },
        &a);
    const json_t *uris = json_object_get(a.json, "uris");
    if (a.err == OK && a.status == 200 && json_array_size(uris) > 0) {
        look_at_all(d, uris);
    } else if (a.err == OK && a.status == 200) {
        doctor_say(d, DOCTOR_NOTE,
            "turn_uris: [\"turn:turn.example.com:3478?transport=udp\"]   # in homeserver.yaml\n"
            "turn_shared_secret: \"<the TURN server's>\"",
            "the homeserver tells clients of no TURN server: one-to-one calls fail between most "
            "home networks");
    } else {
        doctor_say(d, DOCTOR_NOTE, NULL,
            "whether clients are told of a TURN server cannot be seen "
            "(%d %s)",
            a.status, doctor_quote(d, a.errcode));
    }
}

/* --- of the embedded SFU --- */

static size_t look_at_ours(struct doctor *d, const struct config_list *urls, size_t *ret_fine) {
    size_t n = 0;
    for (size_t i = 0; i < urls->n; i++) {
        if (strncmp(urls->items[i], "stun:", 5) != 0) { /* nothing of a call depends on that */
            n++;
            *ret_fine += look_at(d, urls->items[i]);
        }
    }
    return n;
}

void doctor_check_media_relays(struct doctor *d) {
    const struct config *c = d->config;
    size_t fine = 0;
    if (c->rtc.sfu != RTC_SFU_EMBEDDED || c->turn.urls.n == 0) {
        doctor_say(d, DOCTOR_SKIPPED, NULL,
            "turn.urls is not set: the SFU's clients are told of no relay");
        return;
    }
    size_t n = look_at_ours(d, &c->turn.urls, &fine);
    if (fine == n) {
        doctor_say(d, DOCTOR_OK, NULL,
            "the SFU's clients are told of %zu relays, and servers answer there", n);
    }
}
