/* Does rtc.cleanup have the rights it needs to end the membership of somebody whose client died? */
#include "appservice/registration.h"
#include "core/config.h"
#include "doctor/ask.h"
#include "doctor/checks.h"
#include "doctor/power.h"
#include "matrix/ids.h"
#include "store/call_places.h"
#include "store/query_wait.h"

#include <string.h>

#define PLACES_MAX 20 /* rooms or callers that are looked at; a room costs three requests */
#define ON_PASTE   "# parley.yaml, then restart parley:\nrtc:\n  cleanup: masquerade"
#define STUCK      "whoever's client dies in a call stays in it for hours"
#define USERS_PASTE                                                                                \
    "# In the registration file, below namespaces: users, for all users of your server;\n"         \
    "# then restart the homeserver:\n"                                                             \
    "    - exclusive: false\n"                                                                     \
    "      regex: \"@.*:%s\""
#define POWER_PASTE                                                                                \
    "# In each of these rooms: invite %s, and give it the power to send state events.\n"           \
    "# Or let Parley do it in the users' names, in parley.yaml:\n"                                 \
    "appservice:\n  masquerade: true\nrtc:\n  cleanup: masquerade"

struct places {
    struct doctor *d;
    bool locals; /* of users, only ours */
    const char *ids[PLACES_MAX];
    size_t n;
};

static enum err add(void *arg, const char *id) {
    struct places *p = arg;
    bool fits =
        p->n < PLACES_MAX && (!p->locals || mx_user_is_local(id, p->d->config->homeserver.name));
    const char *copy = fits ? arena_strdup(&p->d->arena, id) : NULL;
    if (copy != NULL) {
        p->ids[p->n++] = copy;
    }
    return OK;
}

/* Rooms of the newest calls, or who called in them. Without a database there are none. */
static void find(struct places *p) {
    struct store_session *s = NULL;
    if (store_session_open(p->d->config->database.url, &s) != OK) {
        return;
    }
    enum err e =
        p->locals ? store_callers(s, PLACES_MAX, add, p) : store_call_rooms(s, PLACES_MAX, add, p);
    if (e != OK) {
        doctor_say(p->d, DOCTOR_NOTE, NULL, "the newest calls are not known: %s", err_text());
    }
    store_session_close(s);
}

static bool has_delayed_events(const struct doctor *d) {
    const json_t *features = json_object_get(d->homeserver.versions, "unstable_features");
    return json_is_true(json_object_get(features, "org.matrix.msc4140"));
}

static void say_off(struct doctor *d) {
    if (has_delayed_events(d)) {
        doctor_say(d, DOCTOR_NOTE, ON_PASTE,
            "rtc.cleanup is off: of clients that set no delayed leave (FluffyChat), " STUCK);
    } else {
        doctor_say(d, DOCTOR_WARN, ON_PASTE,
            "rtc.cleanup is off and the homeserver has no delayed events: " STUCK);
    }
}

/* --- in the users' names --- */

static void try_a_user(struct doctor *d) {
    struct places callers = { .d = d, .locals = true };
    struct doctor_answer a;
    find(&callers);
    if (callers.n == 0) {
        doctor_say(d, DOCTOR_OK, NULL,
            "memberships of clients that died are ended in the user's name; nobody has called "
            "yet, so whether we may was not tried");
        return;
    }
    if (doctor_ask(d, "/account/whoami", NULL, callers.ids[0], "", &a) != NULL) {
        doctor_say(d, DOCTOR_OK, NULL,
            "memberships of clients that died are ended in the user's name, and we may");
    } else if (a.status == 403) {
        doctor_say(d, DOCTOR_FAIL, arena_printf(&d->arena, USERS_PASTE, d->config->homeserver.name),
            "we may not act for %s, so " STUCK ": the registration's namespaces leave them out",
            callers.ids[0]);
    } else {
        doctor_say(d, DOCTOR_NOTE, NULL,
            "whether we may act for %s the homeserver does not say: %d", callers.ids[0], a.status);
    }
}

/* --- by our own user's power --- */

/* Not in the room is without power too. */
static bool may_end(struct doctor *d, const char *room, const char *sender) {
    struct doctor_answer a;
    const json_t *joined =
        json_object_get(doctor_ask(d, "/rooms/$/joined_members", room, NULL, "", &a), "joined");
    if (json_object_get(joined, sender) == NULL) {
        return false;
    }
    const struct doctor_room r = {
        .levels = doctor_ask(d, "/rooms/$/state/m.room.power_levels/", room, NULL, "", &a),
        .create = doctor_ask(d, "/rooms/$/state/m.room.create/", room, NULL, "?format=event", &a),
    };
    return doctor_power_may_end(&r, sender);
}

static void look_at_rooms(struct doctor *d) {
    struct places rooms = { .d = d };
    const char *sender = arena_printf(
        &d->arena, "@%s:%s", d->registration->sender_localpart, d->config->homeserver.name);
    const char *without = NULL;
    size_t n = 0;
    if (sender == NULL) {
        return;
    }
    find(&rooms);
    for (size_t i = 0; i < rooms.n; i++) {
        if (!may_end(d, rooms.ids[i], sender)) {
            without = without == NULL ? rooms.ids[i] : without;
            n++;
        }
    }
    if (n > 0) {
        doctor_say(d, DOCTOR_WARN, arena_printf(&d->arena, POWER_PASTE, sender),
            "in %zu of %zu rooms with calls, as %s, our own user is not, or has not the power to "
            "end memberships: there " STUCK,
            n, rooms.n, without);
    } else {
        doctor_say(d, DOCTOR_OK, NULL,
            "memberships of clients that died are ended by our own user, which has the power in "
            "all %zu rooms looked at",
            rooms.n);
    }
}

void doctor_check_cleanup(struct doctor *d) {
    const struct config *c = d->config;
    if (!config_gives_tokens(c) || c->rtc.public_url[0] == '\0') {
        doctor_say(d, DOCTOR_SKIPPED, NULL,
            "we send nobody to an SFU (rtc.public_url, rtc.sfu), so nobody's media is known");
    } else if (c->rtc.cleanup == RTC_CLEANUP_OFF) {
        say_off(d);
    } else if (c->rtc.cleanup == RTC_CLEANUP_MASQUERADE && c->appservice.masquerade) {
        try_a_user(d);
    } else {
        look_at_rooms(d);
    }
}
