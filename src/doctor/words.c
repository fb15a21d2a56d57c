/* The tables. A new case is a row, and a row of the test. */
#include "doctor/words.h"

#include "core/mem.h"

#include <string.h>

/* Has `text` one of the words? */
static bool says(const char *text, const char *const *words, size_t n) {
    for (size_t i = 0; i < n && words[i] != NULL; i++) {
        if (strstr(text, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* --- requests of ours --- */

/* libcurl's words, 7.88; they are not translated. */
static const struct {
    enum doctor_reach reach;
    const char *words[4];
} reaches[] = {
    { DOCTOR_NO_NAME, { "resolve" } },
    { DOCTOR_BAD_TLS, { "SSL", "certificate", "TLS" } },
    { DOCTOR_NOT_HTTP, { "HTTP/0.9", "Empty reply", "Recv failure", "Weird" } },
    { DOCTOR_REFUSED, { "onnect to" } },
};

enum doctor_reach doctor_reach_of(enum err e, const char *text) {
    if (e == OK) {
        return DOCTOR_REACHED;
    }
    if (e == ERR_TIMEOUT) {
        return DOCTOR_SILENT;
    }
    for (size_t i = 0; i < COUNT_OF(reaches); i++) {
        if (says(text, reaches[i].words, COUNT_OF(reaches[i].words))) {
            return reaches[i].reach;
        }
    }
    return DOCTOR_NO_PATH;
}

const char *doctor_reach_words(enum doctor_reach r) {
    static const struct {
        const char *text;
    } words[] = {
        [DOCTOR_REACHED] = { "answers" },
        [DOCTOR_NO_NAME] = { "has a host name that no name server here knows" },
        [DOCTOR_REFUSED] = { "has nobody listening" },
        [DOCTOR_SILENT] = { "does not answer in time: packets get lost (firewall, wrong address), "
                            "https:// is said to a port that speaks http, or the program hangs" },
        [DOCTOR_BAD_TLS] = { "offers no TLS that we trust: its certificate, or https:// to a port "
                             "that speaks http" },
        [DOCTOR_NOT_HTTP] = { "speaks no HTTP: http:// to a port that speaks TLS, or another "
                              "program" },
        [DOCTOR_NO_PATH] = { "cannot be reached" },
    };
    return words[r].text;
}

/* --- ping --- */

/* The words of Synapse (Twisted) and of others behind M_CONNECTION_FAILED. */
static const struct {
    enum doctor_ping ping;
    const char *words[4];
} failures[] = {
    { DOCTOR_PING_REFUSED, { "ConnectionRefused", "Connection refused", "refused by" } },
    { DOCTOR_PING_NO_NAME, { "DNSLookup", "DNS lookup", "dns error", "resolve" } },
    { DOCTOR_PING_TLS, { "SSL", "certificate", "ResponseNeverReceived", "RequestTransmission" } },
    { DOCTOR_PING_SILENT, { "Timeout", "timed out", "No route to host" } },
};

static enum doctor_ping failed_connection(const char *text) {
    for (size_t i = 0; i < COUNT_OF(failures); i++) {
        if (says(text, failures[i].words, COUNT_OF(failures[i].words))) {
            return failures[i].ping;
        }
    }
    return DOCTOR_PING_NO_PATH;
}

/* What answered the homeserver: Parley's refusals are Matrix errors, those of others are not. */
static enum doctor_ping bad_status(const json_t *answer) {
    json_int_t status = json_integer_value(json_object_get(answer, "status"));
    json_t *inside = json_loads(doctor_text_of(answer, "body"), 0, NULL);
    bool matrix = doctor_text_of(inside, "errcode")[0] != '\0';
    json_decref(inside);
    if (status == 401 || status == 403) {
        return matrix ? DOCTOR_PING_OTHER_TOKEN : DOCTOR_PING_NOT_PARLEY;
    }
    if (status == 502 || status == 504) {
        return DOCTOR_PING_PROXY;
    }
    if (status >= 500) {
        return matrix ? DOCTOR_PING_NOT_READY : DOCTOR_PING_PROXY;
    }
    return DOCTOR_PING_NOT_PARLEY;
}

enum doctor_ping doctor_ping_of(const struct doctor_answer *a) {
    static const struct {
        const char *errcode;
        enum doctor_ping ping;
    } codes[] = {
        { "M_URL_NOT_SET", DOCTOR_PING_URL_NOT_SET },
        { "M_CONNECTION_TIMEOUT", DOCTOR_PING_SILENT },
        { "M_FORBIDDEN", DOCTOR_PING_OTHER_ID },
        { "M_UNRECOGNIZED", DOCTOR_PING_UNKNOWN },
    };
    if (a->err == ERR_TIMEOUT) {
        return DOCTOR_PING_SILENT; /* the homeserver still waits; it would say so after a minute */
    }
    if (a->err == OK && a->status == 200) {
        return DOCTOR_PING_FINE;
    }
    if (strcmp(a->errcode, "M_BAD_STATUS") == 0) {
        return bad_status(a->json);
    }
    if (strcmp(a->errcode, "M_CONNECTION_FAILED") == 0) {
        return failed_connection(doctor_text_of(a->json, "error"));
    }
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        if (strcmp(a->errcode, codes[i].errcode) == 0) {
            return codes[i].ping;
        }
    }
    return DOCTOR_PING_ODD;
}

const struct doctor_words *doctor_ping_words(enum doctor_ping p) {
    static const struct doctor_words words[] = {
        [DOCTOR_PING_FINE] = { DOCTOR_OK, "the homeserver reaches us, and its hs_token is right",
            NULL },
        [DOCTOR_PING_URL_NOT_SET] = { DOCTOR_FAIL,
            "the homeserver's copy of the registration has no url (null): it sends us nothing",
            NULL },
        [DOCTOR_PING_OTHER_ID] = { DOCTOR_FAIL,
            "the homeserver knows our as_token under another id: its copy of the registration is "
            "not ours",
            NULL },
        [DOCTOR_PING_OTHER_TOKEN] = { DOCTOR_FAIL,
            "the homeserver reaches us with another hs_token than ours: its copy of the "
            "registration is not ours, or older",
            NULL },
        [DOCTOR_PING_NOT_PARLEY] = { DOCTOR_FAIL,
            "the homeserver calls our url, but something else answers there, not our private "
            "listener",
            NULL },
        [DOCTOR_PING_PROXY] = { DOCTOR_FAIL,
            "the homeserver calls our url, but a proxy there has nobody behind it", NULL },
        [DOCTOR_PING_NOT_READY] = { DOCTOR_FAIL,
            "the homeserver reaches us, but Parley answers with an error of its own",
            "journalctl -u parley -n 50" },
        [DOCTOR_PING_REFUSED] = { DOCTOR_FAIL,
            "the homeserver calls a url at which nobody listens: wrong port or address in the "
            "registration",
            NULL },
        [DOCTOR_PING_NO_NAME] = { DOCTOR_FAIL,
            "the homeserver calls a url whose host name it cannot look up", NULL },
        [DOCTOR_PING_TLS] = { DOCTOR_FAIL,
            "the homeserver calls our url, but they do not understand each other: https:// where "
            "http is spoken, or a certificate it does not trust",
            NULL },
        [DOCTOR_PING_NO_PATH] = { DOCTOR_FAIL, "the homeserver cannot connect to our url", NULL },
        [DOCTOR_PING_SILENT] = { DOCTOR_FAIL,
            "the homeserver calls our url and gets no answer: a firewall between them drops "
            "packets, or the address is wrong",
            NULL },
        [DOCTOR_PING_UNKNOWN] = { DOCTOR_NOTE,
            "this homeserver has no ping (Synapse has since 1.84): whether it reaches us shows "
            "only in the next call",
            NULL },
        [DOCTOR_PING_ODD] = { DOCTOR_FAIL, "the homeserver's answer to the ping is odd", NULL },
    };
    return &words[p];
}

/* --- whoami --- */

enum doctor_token doctor_token_of(
    const struct doctor_answer *as_token, const struct doctor_answer *hs_token) {
    if (as_token->err == OK && as_token->status == 200) {
        return DOCTOR_TOKEN_FINE;
    }
    bool unknown = as_token->err == OK && as_token->status == 401;
    if (unknown && hs_token->err == OK && hs_token->status == 200) {
        return DOCTOR_TOKEN_SWAPPED;
    }
    if (unknown) {
        return DOCTOR_TOKEN_UNKNOWN;
    }
    return as_token->err == OK && as_token->status == 403 ? DOCTOR_TOKEN_REFUSED : DOCTOR_TOKEN_ODD;
}

const struct doctor_words *doctor_token_words(enum doctor_token t) {
    static const struct doctor_words words[] = {
        [DOCTOR_TOKEN_FINE] = { DOCTOR_OK, "the homeserver knows our as_token", NULL },
        [DOCTOR_TOKEN_SWAPPED] = { DOCTOR_FAIL,
            "as_token and hs_token are swapped: the homeserver takes our hs_token as its as_token",
            NULL },
        [DOCTOR_TOKEN_UNKNOWN] = { DOCTOR_FAIL,
            "the homeserver does not know our as_token: it has not loaded this registration (not "
            "in app_service_config_files, or not restarted since), or a copy with other tokens",
            NULL },
        [DOCTOR_TOKEN_REFUSED] = { DOCTOR_FAIL,
            "the homeserver refuses our as_token: ip_range_whitelist of the registration without "
            "our address, or a proxy before the homeserver",
            NULL },
        [DOCTOR_TOKEN_ODD] = { DOCTOR_FAIL, "the homeserver's answer to whoami is odd", NULL },
    };
    return &words[t];
}

/* --- clocks --- */

enum doctor_severity doctor_clock_severity(int64_t off_ms) {
    int64_t off = off_ms < 0 ? -off_ms : off_ms;
    return off >= DOCTOR_CLOCK_FAIL_MS  ? DOCTOR_FAIL
           : off > DOCTOR_CLOCK_WARN_MS ? DOCTOR_WARN
           : off > DOCTOR_CLOCK_NOTE_MS ? DOCTOR_NOTE
                                        : DOCTOR_OK;
}
