/* How long a delayed event (MSC4140) may wait, by which a client that dies leaves its call. */
#include "core/clock.h"
#include "core/config.h"
#include "doctor/checks.h"

#include <inttypes.h>

#define CAPABILITY    "org.matrix.msc4140.delayed_events"
#define DELAY_OWN_MS  (18 * SEC_MS) /* Element Call restarts its leave by itself: every 4 s */
#define DELAY_LENT_MS HOUR_MS       /* Element Call when the call service restarts it */
#define DELAY_PASTE                                                                                \
    "# homeserver.yaml (Synapse 1.116 or later), then restart Synapse:\n"                          \
    "max_event_delay_duration: 24h"
#define STUCK "members stay in the call for hours after their client died"

static bool has_feature(const struct doctor *d, const char *name) {
    const json_t *features = json_object_get(d->homeserver.versions, "unstable_features");
    return json_is_true(json_object_get(features, name));
}

/* How long a delay may be, by the homeserver's own word; -1 = it does not say. */
static int64_t max_delay_ms(struct doctor *d) {
    struct doctor_answer a;
    doctor_fetch(d,
        &(struct doctor_request){
            .url = doctor_homeserver_url(d, "/_matrix/client/v3/capabilities"),
            .bearer = d->as_token },
        &a);
    const json_t *c = json_object_get(json_object_get(a.json, "capabilities"), CAPABILITY);
    const json_t *ms = json_object_get(c, "max_delay_ms");
    return a.err == OK && a.status == 200 && json_is_integer(ms) ? json_integer_value(ms) : -1;
}

void doctor_check_delayed(struct doctor *d) {
    if (!has_feature(d, "org.matrix.msc4140")) {
        doctor_say(d, DOCTOR_SKIPPED, NULL, "the homeserver takes no delayed events");
        return;
    }
    int64_t ms = max_delay_ms(d);
    if (ms < 0) {
        doctor_say(d, DOCTOR_OK, NULL,
            "the homeserver takes delayed events; how long a delay may be it does not say");
    } else if (ms < DELAY_OWN_MS) {
        doctor_say(d, DOCTOR_WARN, DELAY_PASTE,
            "delayed events may wait %" PRId64 " s at most, and Element Call asks for 18 s: " STUCK,
            ms / SEC_MS);
    } else if (ms < DELAY_LENT_MS) {
        doctor_say(d, DOCTOR_WARN, DELAY_PASTE,
            "delayed events may wait %" PRId64 " s at most, and Element Call asks for an hour when "
            "a call service looks after them",
            ms / SEC_MS);
    } else {
        doctor_say(d, DOCTOR_OK, NULL, "delayed events may wait up to %" PRId64 " h", ms / HOUR_MS);
    }
}
