/* The homeserver's settings that calls need, as far as it shows them (matrix-calls 6). */
#include "core/config.h"
#include "doctor/checks.h"

#include <string.h>

static const struct feature {
    const char *flag;            /* in unstable_features of /versions; some settings show nowhere */
    int since;                   /* Synapse 1.x */
    enum doctor_severity missed; /* where it is off; a note where only a focus needs it */
    bool focus;                  /* is it of use only where we are a MatrixRTC focus? */
    const char *without;         /* what happens without it */
    const char *paste;
} features[] = {
    { "org.matrix.msc4140", 116, DOCTOR_WARN, false,
        "delayed events are off: people whose client dies stay in their call until it ends",
        "max_event_delay_duration: 24h   # in homeserver.yaml; then restart the homeserver" },
    { "org.matrix.msc4143", 140, DOCTOR_WARN, true,
        "rtc/transports is off: newer clients do not find the call service "
        "(MISSING_MATRIX_RTC_FOCUS)",
        "experimental_features:   # in homeserver.yaml; then restart the homeserver\n"
        "  msc4143_enabled: true" },
    { "org.matrix.msc4354", 148, DOCTOR_NOTE, false,
        "sticky events are off: the newest clients fall back to room state for who is in a call",
        "experimental_features:   # in homeserver.yaml; then restart the homeserver\n"
        "  msc4354_enabled: true" },
};

static bool has(const struct doctor *d, const char *flag) {
    const json_t *all = json_object_get(d->homeserver.versions, "unstable_features");
    return json_is_true(json_object_get(all, flag));
}

static void say_missing(struct doctor *d, const struct feature *f) {
    bool needed = !f->focus || d->config->rtc.public_url[0] != '\0';
    int minor = d->homeserver.synapse_minor;
    const char *upgrade = minor > 0 && minor < f->since
                              ? arena_printf(&d->arena, "; this needs Synapse 1.%d", f->since)
                              : "";
    doctor_say(d, needed ? f->missed : DOCTOR_NOTE, f->paste, "%s%s", f->without,
        upgrade == NULL ? "" : upgrade);
}

void doctor_check_features(struct doctor *d) {
    for (size_t i = 0; i < COUNT_OF(features); i++) {
        if (!has(d, features[i].flag)) {
            say_missing(d, &features[i]);
        }
    }
    if (d->running->worst == DOCTOR_OK) {
        doctor_say(d, DOCTOR_OK, NULL, "delayed events, transports and sticky events are on");
    }
}
