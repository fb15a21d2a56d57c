/* Rooms in which people may write but not call: the most common reason why a call fails, and one
 * that neither the server's admin nor its users can see. */
#include "appservice/registration.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/config.h"
#include "doctor/ask.h"
#include "doctor/checks.h"
#include "doctor/power.h"
#include "matrix/ids.h"
#include "matrix/path.h"
#include "store/call_places.h"
#include "store/query_wait.h"

#include <inttypes.h>
#include <string.h>

#define ROOMS_MAX  100 /* looked at; each costs four requests */
#define NAMED_MAX  20  /* named one by one */
#define PEOPLE_MAX 20  /* whose rooms are looked at besides those with calls */
#define BUDGET_US  (20 * SEC_US)
#define PASTE                                                                                      \
    "# Element, as an admin of the room: Room settings > Roles & permissions:\n"                   \
    "#   \"Start Element Call calls\" and \"Join Element Call calls\": Default\n"                  \
    "# others: in m.room.power_levels of the room\n"                                               \
    "\"events\": {\"org.matrix.msc3401.call.member\": 0, \"m.call.invite\": 0}"

struct round {
    struct doctor *d;
    const char *ids[ROOMS_MAX];
    size_t n;
    const char *people[PEOPLE_MAX];
    size_t n_people;
    size_t looked_at, hindered;
};

/* --- which rooms --- */

static enum err add_room(void *arg, const char *id) {
    struct round *r = arg;
    for (size_t i = 0; i < r->n; i++) {
        if (strcmp(r->ids[i], id) == 0) {
            return OK;
        }
    }
    const char *copy = r->n < ROOMS_MAX ? arena_strdup(&r->d->arena, id) : NULL;
    if (copy != NULL) {
        r->ids[r->n++] = copy;
    }
    return OK;
}

static bool is_local(const struct doctor *d, const char *user_id) {
    const char *colon = strchr(user_id, ':');
    return colon != NULL && strcmp(colon + 1, d->config->homeserver.name) == 0;
}

static enum err add_person(void *arg, const char *id) {
    struct round *r = arg;
    const char *copy =
        r->n_people < PEOPLE_MAX && is_local(r->d, id) ? arena_strdup(&r->d->arena, id) : NULL;
    if (copy != NULL) {
        r->people[r->n_people++] = copy;
    }
    return OK;
}

/* Without a database there are still the rooms that we are in. */
static void add_from_database(struct round *r) {
    struct store_session *s = NULL;
    if (store_session_open(r->d->config->database.url, &s) != OK) {
        return;
    }
    if (store_call_rooms(s, ROOMS_MAX, add_room, r) != OK ||
        store_callers(s, PEOPLE_MAX, add_person, r) != OK) {
        doctor_say(r->d, DOCTOR_NOTE, NULL, "the rooms with calls are not known: %s", err_text());
    }
    store_session_close(s);
}

static void add_joined_rooms(struct round *r, const char *user) {
    struct doctor_answer a;
    const json_t *list =
        json_object_get(doctor_ask(r->d, "/joined_rooms", NULL, user, "", &a), "joined_rooms");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *id = json_string_value(json_array_get(list, i));
        if (id != NULL && mx_room_id_valid(id)) {
            (void)!add_room(r, id);
        }
    }
}

/* --- one room --- */

/* Somebody whose eyes we may use; *ret NULL = ourselves. */
static bool reader_of(struct doctor *d, const json_t *joined, const char **ret) {
    CLEANUP(buf_finish) struct buf sender;
    buf_init(&sender, 0);
    buf_printf(&sender, "@%s:%s", d->registration->sender_localpart, d->config->homeserver.name);
    *ret = NULL;
    if (json_object_get(joined, buf_str(&sender)) != NULL || !d->config->appservice.masquerade) {
        return true;
    }
    const char *user_id;
    json_t *profile;
    json_object_foreach((json_t *)(uintptr_t)joined, user_id, profile) {
        if (is_local(d, user_id)) {
            *ret = user_id;
            return true;
        }
    }
    return false;
}

static void name_room(
    struct round *r, const char *room, const char *reader, const struct doctor_power *p) {
    struct doctor_answer a;
    const char *name = doctor_text_of(
        doctor_ask(r->d, "/rooms/$/state/m.room.name/", room, reader, "", &a), "name");
    bool group = p->no_group_calls > 0;
    const char *paste = r->hindered == 0 ? PASTE : NULL;
    if (++r->hindered > NAMED_MAX) {
        return;
    }
    doctor_say(r->d, DOCTOR_WARN, paste,
        "in %s%s%s%s %zu of %zu may write but not %s: it takes power %" PRId64, room,
        name[0] == '\0' ? "" : " (", doctor_quote(r->d, name), name[0] == '\0' ? "" : ")",
        group ? p->no_group_calls : p->no_legacy, p->people,
        group ? "begin or join group calls" : "call one another",
        group ? p->need_group : p->need_legacy);
}

static void look_at(struct round *r, const char *id) {
    struct doctor_answer a;
    const char *reader;
    const json_t *joined =
        json_object_get(doctor_ask(r->d, "/rooms/$/joined_members", id, NULL, "", &a), "joined");
    if (joined == NULL || !reader_of(r->d, joined, &reader)) {
        return;
    }
    struct doctor_room room = { .joined = joined };
    room.levels = doctor_ask(r->d, "/rooms/$/state/m.room.power_levels/", id, reader, "", &a);
    if (room.levels == NULL && a.status != 404) {
        return;
    }
    room.create =
        doctor_ask(r->d, "/rooms/$/state/m.room.create/", id, reader, "?format=event", &a);
    room.encrypted =
        doctor_ask(r->d, "/rooms/$/state/m.room.encryption/", id, reader, "", &a) != NULL;
    struct doctor_power p = doctor_power_of(&room);
    r->looked_at++;
    if (p.no_group_calls > 0 || p.no_legacy > 0) {
        name_room(r, id, reader, &p);
    }
}

void doctor_check_rooms(struct doctor *d) {
    struct round r = { .d = d };
    int64_t until_us = clock_mono_us() + BUDGET_US;
    add_from_database(&r);
    add_joined_rooms(&r, NULL);
    for (size_t i = 0; i < r.n_people && d->config->appservice.masquerade; i++) {
        add_joined_rooms(&r, r.people[i]);
    }
    for (size_t i = 0; i < r.n && clock_mono_us() < until_us; i++) {
        look_at(&r, r.ids[i]);
    }
    if (r.hindered > NAMED_MAX) {
        doctor_say(d, DOCTOR_WARN, NULL, "and so it is in %zu more rooms", r.hindered - NAMED_MAX);
    }
    if (r.hindered == 0) {
        doctor_say(d, DOCTOR_OK, NULL,
            "nobody lacks the power to call in the %zu rooms looked at%s", r.looked_at,
            r.looked_at < r.n ? "; others could not be read" : "");
    }
}
