/* The table, after the texts of Element Call 0.26.1, Element Web and FluffyChat of August 2026; and
 * the ways to show it. */
#include "doctor/symptoms.h"

#include "core/buf.h"
#include "core/mem.h"

#include <ctype.h>
#include <string.h>

#define WORDS_MAX 200 /* bytes; what a client shows is shorter */

/* clang-format off */
const struct doctor_symptom doctor_symptoms[] = {
    { { "MISSING_MATRIX_RTC_FOCUS", "MISSING_MATRIX_RTC_TRANSPORT", "Call is not supported",
        "The server is not configured to work with Element Call" },
        "Element Call, Element X",
        "The client finds no call service: neither the well-known file nor rtc/transports names one.",
        { "call-service", "well-known", "rtc-transports", "features" } },
    { { "Waiting for media" },
        "Element Call, Element X",
        "The call was joined, but no picture or sound of the others comes: they were sent to another call "
        "service, their packets are lost, or they are gone and their membership stayed.",
        { "well-known", "rtc-transports", "proxy", "listeners", "delayed-events" } },
    { { "You do not have permission to start calls", "You do not have permission to start video calls",
        "You do not have permission to start voice calls" },
        "Element Web, Element X",
        "The room's power levels forbid ordinary people what a call takes. Only an admin of the room can change that.",
        { "power-levels" } },
    { { "No call button" },
        "FluffyChat",
        "FluffyChat hides calls where the well-known file names no call service, or the room's power levels forbid them.",
        { "call-service", "well-known", "power-levels" } },
    { { "OPEN_ID_ERROR", "Something went wrong" },
        "Element Call, Element X",
        "The call service was found, but gave no token: it was not reached, its answer was kept from the browser, or "
        "the homeserver did not confirm who asks.",
        { "proxy", "listeners", "openid", "server-name" } },
    { { "NO_MATRIX_2_0_AUTHORIZATION_SERVICE",
        "The authorization service for your media server (SFU) is out of date" },
        "Element Call",
        "The newer path /get_token of the call service did not answer; most often the reverse proxy does not pass it on.",
        { "proxy", "listeners" } },
    { { "SFU_ERROR", "Failed to connect to Livekit server", "FAILED_TO_START_LIVEKIT",
        "Failed to start Livekit connection" },
        "Element Call, Element X",
        "The token was given, but the signalling connection at /rtc was not made: the reverse proxy does not pass it on "
        "or does not upgrade it to WebSocket.",
        { "livekit", "proxy", "listeners" } },
    { { "Connection timeout", "Connection to the media server timed out" },
        "Element Call, Element X",
        "Signalling works, but no packet of media gets through: a firewall closes the ports of the media server.",
        { "listeners" } },
    { { "Failed to create call", "Call creation might be restricted to authorized users only" },
        "Element Call, Element X",
        "The call service let the user in, but may not open a call for users of that server.",
        { "openid", "server-name", "as-token" } },
    { { "INSUFFICIENT_CAPACITY_ERROR", "Insufficient capacity" },
        "Element Call, Element X",
        "The media server is at its limit of tracks or people. Nothing is misconfigured.",
        { NULL } },
    { { "CONNECTION_LOST_ERROR", "Connection lost", "You were disconnected from the call",
        "Connectivity to the server has been lost" },
        "Element Call, Element X",
        "A connection that had worked ended: a reverse proxy that closes quiet WebSockets, a restart, or the user's "
        "own network.",
        { "proxy", "listeners", "service", "homeserver" } },
    { { "INTERNAL_MEMBERSHIP_MANAGER", "Membership Manager Error" },
        "Element Call, Element X",
        "The homeserver refused again and again to take the user's membership of the call: power levels, rate limits, or "
        "it does not answer.",
        { "power-levels", "features", "delayed-events", "homeserver" } },
    { { "STICKY_EVENTS_NOT_SUPPORTED", "Homeserver does not support Matrix 2.0 calls" },
        "Element Call",
        "The client is set to the mode matrix_2_0, and the homeserver has sticky events (MSC4354) switched off.",
        { "features", "version" } },
    { { "E2EE_NOT_SUPPORTED", "Incompatible browser" },
        "Element Call",
        "The browser cannot encrypt calls. Another or a newer browser helps; nothing here does.",
        { NULL } },
    { { "Call failed due to misconfigured server" },
        "Element Web, Element iOS",
        "A one-to-one call found no way between the two: the homeserver tells clients of no TURN server.",
        { "turn" } },
    { { "Active call", "active call members" },
        "FluffyChat",
        "Where nobody is in the call any more: a client died, and nothing took its membership away.",
        { "sfu-webhooks", "delayed-events", "features", "hs-token" } },
};
/* clang-format on */

const size_t doctor_n_symptoms = COUNT_OF(doctor_symptoms);

/* --- finding --- */

/* Lower-case letters without what people leave out or add when they quote. */
static void plain(const char *s, char ret[WORDS_MAX]) {
    size_t n = 0;
    for (; *s != '\0' && n + 1 < WORDS_MAX; s++) {
        if (strchr("\"'`.", *s) == NULL) {
            ret[n++] = (char)tolower((unsigned char)*s);
        }
    }
    while (n > 0 && ret[n - 1] == ' ') {
        n--;
    }
    ret[n] = '\0';
}

bool doctor_symptom_is(const struct doctor_symptom *s, const char *words) {
    char asked[WORDS_MAX], text[WORDS_MAX];
    plain(words, asked);
    if (strlen(asked) < 4) { /* would be part of nearly every text */
        return false;
    }
    for (size_t i = 0; i < DOCTOR_SYMPTOM_TEXTS_MAX && s->texts[i] != NULL; i++) {
        plain(s->texts[i], text);
        if (strstr(asked, text) != NULL || strstr(text, asked) != NULL) {
            return true;
        }
    }
    return false;
}

bool doctor_symptom_has(const struct doctor_symptom *s, const char *id) {
    for (size_t i = 0; i < DOCTOR_SYMPTOM_CHECKS_MAX && s->checks[i] != NULL; i++) {
        if (strcmp(s->checks[i], id) == 0) {
            return true;
        }
    }
    return false;
}

/* --- showing --- */

static void join(struct buf *b, const char *const *words, size_t max, const char *quote) {
    for (size_t i = 0; i < max && words[i] != NULL; i++) {
        buf_printf(b, "%s%s%s%s", i == 0 ? "" : ", ", quote, words[i], quote);
    }
}

void doctor_symptoms_of(const char *id, struct buf *b) {
    const char *between = "";
    for (size_t i = 0; i < COUNT_OF(doctor_symptoms); i++) {
        const struct doctor_symptom *s = &doctor_symptoms[i];
        if (doctor_symptom_has(s, id)) {
            buf_printf(b, "%s\"%s\"", between, s->texts[0]);
            between = ", ";
        }
    }
}

void doctor_symptoms_list(struct buf *b) {
    for (size_t i = 0; i < COUNT_OF(doctor_symptoms); i++) {
        buf_printf(b, "%s (%s)\n", doctor_symptoms[i].texts[0], doctor_symptoms[i].who);
    }
}

void doctor_symptom_print(const struct doctor_symptom *s, struct buf *b) {
    join(b, s->texts, DOCTOR_SYMPTOM_TEXTS_MAX, "\"");
    buf_printf(b, "\n  shown by   %s\n  meaning    %s\n  checks     ", s->who, s->meaning);
    join(b, s->checks, DOCTOR_SYMPTOM_CHECKS_MAX, "");
    buf_puts(b, s->checks[0] == NULL ? "none: it is not on our side\n" : "\n");
}

static void json_list(struct buf *b, const char *key, const char *const *words, size_t max) {
    buf_json_key(b, key);
    buf_putc(b, '[');
    for (size_t i = 0; i < max && words[i] != NULL; i++) {
        buf_puts(b, i == 0 ? "" : ",");
        buf_json_str(b, words[i]);
    }
    buf_putc(b, ']');
}

void doctor_symptoms_json(struct buf *b) {
    buf_putc(b, '[');
    for (size_t i = 0; i < COUNT_OF(doctor_symptoms); i++) {
        const struct doctor_symptom *s = &doctor_symptoms[i];
        buf_puts(b, i == 0 ? "{" : ",{");
        json_list(b, "texts", s->texts, DOCTOR_SYMPTOM_TEXTS_MAX);
        buf_json_field(b, "who", s->who);
        buf_json_field(b, "meaning", s->meaning);
        json_list(b, "checks", s->checks, DOCTOR_SYMPTOM_CHECKS_MAX);
        buf_putc(b, '}');
    }
    buf_puts(b, "]\n");
}
