/* Our own listeners, from this machine: who can reach the private one, does each answer, and is it
 * we who answer. */
#include "core/clock.h"
#include "core/config.h"
#include "doctor/checks.h"
#include "doctor/dial.h"
#include "doctor/doors.h"

#include <string.h>

#define REACH_TIMEOUT_US (4 * SEC_US) /* time for three tries of TCP */
#define UNIX_PREFIX      "unix:"

/* The name of a listener, to be asked by HTTP. */
static const char *url_of(struct doctor *d, const char *name) {
    static const char *const everywhere[][2] = { { "0.0.0.0:", "127.0.0.1:" },
        { "[::]:", "[::1]:" }, { UNIX_PREFIX, "localhost/" } };
    const char *host = "";
    for (size_t i = 0; i < COUNT_OF(everywhere); i++) {
        if (strncmp(name, everywhere[i][0], strlen(everywhere[i][0])) == 0) {
            host = everywhere[i][1];
            name = i + 1 == COUNT_OF(everywhere) ? "" : name + strlen(everywhere[i][0]);
            break;
        }
    }
    const char *url =
        arena_printf(&d->arena, "http://%s%s%slivez", host, name, name[0] == '\0' ? "" : "/");
    return url == NULL ? "" : url;
}

static void look_for_exposure(struct doctor *d, const char *name) {
    const char *port = strrchr(name, ':');
    switch (doctor_exposure_of(name)) {
    case DOCTOR_EXPOSED_HOST:
        return;
    case DOCTOR_EXPOSED_NETWORK:
        doctor_say(d, DOCTOR_NOTE, NULL,
            "http.private listens on %s, in your network: only the homeserver and the admin may "
            "reach it there",
            name);
        return;
    case DOCTOR_EXPOSED_ALL:
        doctor_say(d, DOCTOR_FAIL,
            arena_printf(
                &d->arena, "http:\n  private: [\"127.0.0.1%s\"]", port == NULL ? ":8090" : port),
            "http.private listens on %s, which is open to everybody who reaches this machine; "
            "metrics and the homeserver's door belong on 127.0.0.1, a private address or "
            "unix:/path",
            name);
        return;
    }
}

static void say_unreached(
    struct doctor *d, const char *side, const char *name, enum doctor_dial how, const char *why) {
    static const struct {
        const char *what, *paste;
    } rows[] = {
        [DOCTOR_DIAL_REFUSED] = { "nobody listens there; is parley serve running with these "
                                  "settings",
            "systemctl status parley" },
        [DOCTOR_DIAL_SILENT] = { "packets to it are lost: a firewall on this machine drops them",
            "nft list ruleset   # or: iptables -S" },
        [DOCTOR_DIAL_REJECTED] = { "a firewall refuses it, or there is no way to that address",
            "nft list ruleset   # or: iptables -S\nip address" },
        [DOCTOR_DIAL_MISSING] = { "there is no such socket, or you may not open it; is parley "
                                  "serve running",
            "systemctl status parley" },
    };
    doctor_say(d, DOCTOR_FAIL, rows[how].paste, "http.%s %s does not answer (%s): %s", side, name,
        why, rows[how].what);
}

static void look_at(struct doctor *d, const char *side, const char *name) {
    enum doctor_dial how;
    const char *why;
    if (doctor_dial_listener(name, REACH_TIMEOUT_US, &how, &why) != OK) {
        doctor_say(d, DOCTOR_SKIPPED, NULL, "http.%s: %s", side, err_text());
        return;
    }
    if (how != DOCTOR_DIAL_OK) {
        say_unreached(d, side, name, how, why);
        return;
    }
    bool local = strncmp(name, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
    struct doctor_answer a;
    struct http_probe_sight sight;
    const struct doctor_knock k = { .url = url_of(d, name),
        .unix_socket = local ? name + strlen(UNIX_PREFIX) : NULL };
    switch (doctor_knock(d, &k, &a, &sight)) {
    case DOCTOR_DOOR_SILENT:
        doctor_say(d, DOCTOR_FAIL, "systemctl status parley",
            "http.%s %s takes connections, but answers nothing: %s", side, name,
            doctor_quote(d, a.text));
        return;
    case DOCTOR_DOOR_STRANGE:
        doctor_say(d, DOCTOR_FAIL, "systemctl restart parley",
            "what answers at http.%s %s is another program, or a Parley that was started with an "
            "older registration",
            side, name);
        return;
    case DOCTOR_DOOR_PUBLIC:
    case DOCTOR_DOOR_PRIVATE:
        doctor_say(d, DOCTOR_OK, NULL, "http.%s %s answers", side, name);
        return;
    }
}

void doctor_check_private_listener(struct doctor *d) {
    const struct config_list *private = &d->config->http.private;
    for (size_t i = 0; i < private->n; i++) {
        look_for_exposure(d, private->items[i]);
    }
    if (d->running->worst == DOCTOR_OK) {
        doctor_say(d, DOCTOR_OK, NULL, "http.private is for this machine only");
    }
}

void doctor_check_listeners(struct doctor *d) {
    const struct config_list *private = &d->config->http.private;
    const struct config_list *public = &d->config->http.public;
    for (size_t i = 0; i < private->n; i++) {
        look_at(d, "private", private->items[i]);
    }
    for (size_t i = 0; i < public->n; i++) {
        look_at(d, "public", public->items[i]);
    }
}
