/*
 * The state key of a call member event: whom it names (matrix-calls 3.2). A cross-check and a last
 * resort, because others than the named user may write a key that begins with `_`. Pure.
 */
#ifndef APPSERVICE_RTC_KEY_H
#define APPSERVICE_RTC_KEY_H

#include "core/err.h"
#include "core/mem.h"

/* NULL where the key does not say. Texts in the arena. */
struct as_rtc_key {
    const char *user;
    const char *device;
    const char *slot; /* "m.call#ROOM" */
};

/** A key of any other form names nobody. ERR_NOMEM only. */
MUST_CHECK enum err as_rtc_key_read(const char *state_key, struct arena *a, struct as_rtc_key *ret);

/** The slot of an application and a call id. The room's own call has an empty id in state events
 * and is called ROOM since (js: INFO_SLOT_ID_LEGACY_CASE), whatever its scope says. ERR_NOMEM only.
 */
MUST_CHECK enum err as_rtc_slot_of(
    const char *application, const char *call_id, struct arena *a, const char **ret);

#endif
