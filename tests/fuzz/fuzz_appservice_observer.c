/* One event: whatever it holds, texts are bounded, times clamped, and at most one thing is wrong
 * with it. */
#include "fuzz.h"

#include "tests/unit/appservice_property.h"

#include <assert.h>
#include <stdio.h>

#define RECEIVED_MS INT64_C(1764000010000)

static void read_event(const json_t *event, bool keep_sdp, bool reconciled) {
    const struct as_observer_config cfg = {
        .server_name = "example.com", .focus_url = "https://sfu.example.com", .keep_sdp = keep_sdp
    };
    struct arena arena;
    struct as_reading reading;
    arena_init(&arena);
    assert(as_observer_read(&cfg, event, RECEIVED_MS, reconciled, &arena, &reading) == OK);
    const char *broken = reading_holds(&reading, RECEIVED_MS);
    if (broken != NULL) {
        fprintf(stderr, "does not hold: %s\n", broken);
    }
    assert(broken == NULL);
    arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    json_t *event = json_loadb((const char *)data, len, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    if (event != NULL) {
        read_event(event, false, false);
        read_event(event, true, true);
        json_decref(event);
    }
    return 0;
}
