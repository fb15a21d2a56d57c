/*
 * Three clocks: ours, the homeserver's (its Date header, whole seconds) and PostgreSQL's. Rings,
 * ages and tokens live for seconds to minutes, so a clock that is off loses calls.
 */
#include "core/clock.h"
#include "doctor/checks.h"
#include "doctor/words.h"

#include <stdio.h>

#define SET_CLOCK                                                                                  \
    "timedatectl                      # on the machine whose clock is wrong\n"                     \
    "timedatectl set-ntp true\n"                                                                   \
    "systemctl restart systemd-timesyncd"

#define AGREE_MS (2 * DOCTOR_CLOCK_NOTE_MS)

static int64_t size_of(int64_t ms) {
    return ms < 0 ? -ms : ms;
}

/* "5 minutes 2 s ahead of" */
static const char *distance(struct doctor *d, int64_t off_ms) {
    int64_t s = (size_of(off_ms) + SEC_MS / 2) / SEC_MS;
    const char *side = off_ms > 0 ? "ahead of" : "behind";
    const char *text = s < 120 ? arena_printf(&d->arena, "%d s %s", (int)s, side)
                               : arena_printf(&d->arena, "%lld min %lld s %s", (long long)(s / 60),
                                     (long long)(s % 60), side);
    return text == NULL ? "" : text;
}

static void say_one(struct doctor *d, const char *whose, int64_t off_ms) {
    enum doctor_severity severity = doctor_clock_severity(off_ms);
    if (severity > DOCTOR_OK) {
        doctor_say(d, severity, severity > DOCTOR_NOTE ? SET_CLOCK : NULL,
            "the clock of %s is %s ours", whose, distance(d, off_ms));
    }
}

void doctor_check_clock(struct doctor *d) {
    bool both = d->homeserver.clock_known && d->database_known;
    int64_t hs = d->homeserver.clock_off_ms;
    int64_t db = d->database.clock_off_ms;
    if (!d->homeserver.clock_known && !d->database_known) {
        doctor_say(d, DOCTOR_SKIPPED, NULL, "not looked at: no other clock can be seen");
        return;
    }
    if (both && doctor_clock_severity(hs) > DOCTOR_OK && size_of(hs - db) <= AGREE_MS) {
        enum doctor_severity severity = doctor_clock_severity(db);
        doctor_say(d, severity == DOCTOR_OK ? DOCTOR_NOTE : severity,
            severity > DOCTOR_NOTE ? SET_CLOCK : NULL,
            "our clock is wrong: it is %s those of homeserver and database", distance(d, -db));
        return;
    }
    if (d->homeserver.clock_known) {
        say_one(d, "the homeserver", hs);
    }
    if (d->database_known) {
        say_one(d, "the database", db);
    }
    if (d->running->worst == DOCTOR_OK) {
        doctor_say(d, DOCTOR_OK, NULL, "%s",
            both                ? "ours, the homeserver's and the database's agree"
            : d->database_known ? "ours and the database's agree"
                                : "ours and the homeserver's agree");
    }
}
