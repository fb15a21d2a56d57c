/* What answers mean: each case a row. The words are those of libcurl 7.88 and Synapse 1.163. */
#include "doctor/words.h"

#include "core/clock.h"
#include "test.h"

#include <string.h>

TEST(doctor_words, tell_why_nobody_answered) {
    static const struct {
        const char *name;
        enum err e;
        const char *text;
        enum doctor_reach want;
    } rows[] = {
        { "answered", OK, "", DOCTOR_REACHED },
        { "name", ERR_UNREACHABLE, "Could not resolve host: nowhere.invalid", DOCTOR_NO_NAME },
        { "refused", ERR_UNREACHABLE,
            "Failed to connect to 127.0.0.1 port 1 after 0 ms: Couldn't connect to server",
            DOCTOR_REFUSED },
        { "slow", ERR_TIMEOUT, "Operation timed out after 10000 milliseconds with 0 bytes received",
            DOCTOR_SILENT },
        { "certificate", ERR_UNREACHABLE,
            "SSL certificate problem: unable to get local issuer certificate", DOCTOR_BAD_TLS },
        { "other name", ERR_UNREACHABLE,
            "SSL: no alternative certificate subject name matches target host name 'a.b'",
            DOCTOR_BAD_TLS },
        { "http", ERR_UNREACHABLE, "error:0A00010B:SSL routines::wrong version number",
            DOCTOR_BAD_TLS },
        { "no HTTP", ERR_UNREACHABLE, "Received HTTP/0.9 when not allowed", DOCTOR_NOT_HTTP },
        { "hangs up", ERR_UNREACHABLE, "Empty reply from server", DOCTOR_NOT_HTTP },
        { "new to us", ERR_UNREACHABLE, "something else", DOCTOR_NO_PATH },
        { "too large", ERR_TOO_LARGE, "the answer is too large", DOCTOR_NO_PATH },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->want, doctor_reach_of(r->e, r->text));
        CHECK(strlen(doctor_reach_words(r->want)) > 0);
    }
}

/* An answer as doctor_fetch gives it; the caller lets go of its JSON. */
static struct doctor_answer answer(enum err e, int status, const char *body) {
    struct doctor_answer a = {
        .err = e, .status = status, .body = body, .text = "", .errcode = ""
    };
    a.json = json_loads(body, 0, NULL);
    a.errcode = doctor_text_of(a.json, "errcode");
    return a;
}

#define FAILED(error) "{\"errcode\":\"M_CONNECTION_FAILED\",\"error\":\"" error "\"}"
#define BAD_STATUS(status, body)                                                                   \
    "{\"errcode\":\"M_BAD_STATUS\",\"error\":\"HTTP\",\"status\":" #status ",\"body\":\"" body "\"}"
#define MATRIX(code) "{\\\"errcode\\\":\\\"" code "\\\"}"

TEST(doctor_words, tell_what_the_ping_says) {
    static const struct {
        const char *name;
        enum err e;
        int status;
        const char *body;
        enum doctor_ping want;
    } rows[] = {
        { "fine", OK, 200, "{\"duration_ms\":3}", DOCTOR_PING_FINE },
        { "url: null", OK, 400, "{\"errcode\":\"M_URL_NOT_SET\",\"error\":\"x\"}",
            DOCTOR_PING_URL_NOT_SET },
        { "other id", OK, 403, "{\"errcode\":\"M_FORBIDDEN\",\"error\":\"x\"}",
            DOCTOR_PING_OTHER_ID },
        { "no such path", OK, 404, "{\"errcode\":\"M_UNRECOGNIZED\",\"error\":\"x\"}",
            DOCTOR_PING_UNKNOWN },
        { "time-out over there", OK, 504, "{\"errcode\":\"M_CONNECTION_TIMEOUT\",\"error\":\"x\"}",
            DOCTOR_PING_SILENT },
        { "we did not wait for it", ERR_TIMEOUT, 0, "", DOCTOR_PING_SILENT },
        { "refused", OK, 502,
            FAILED("ConnectionRefusedError: Connection was refused by other side: 111: Connection "
                   "refused."),
            DOCTOR_PING_REFUSED },
        { "name", OK, 502, FAILED("DNSLookupError: DNS lookup failed: no results for hostname"),
            DOCTOR_PING_NO_NAME },
        { "https to http", OK, 502,
            FAILED("RequestTransmissionFailed: [<twisted ConnectionLost: Connection lost.>]"),
            DOCTOR_PING_TLS },
        { "http to https", OK, 502, FAILED("ResponseNeverReceived: [<twisted ConnectionDone>]"),
            DOCTOR_PING_TLS },
        { "certificate", OK, 502, FAILED("ResponseFailed: [Error([('SSL routines', '')])]"),
            DOCTOR_PING_TLS },
        { "no route", OK, 502, FAILED("NoRouteError: No route to host: 113"), DOCTOR_PING_SILENT },
        { "another failure", OK, 502, FAILED("OSError: 5"), DOCTOR_PING_NO_PATH },
        { "our 403", OK, 502, BAD_STATUS(403, MATRIX("M_FORBIDDEN")), DOCTOR_PING_OTHER_TOKEN },
        { "our 401", OK, 502, BAD_STATUS(401, MATRIX("M_MISSING_TOKEN")), DOCTOR_PING_OTHER_TOKEN },
        { "403 of nginx", OK, 502, BAD_STATUS(403, "<html>"), DOCTOR_PING_NOT_PARLEY },
        { "404 of the public listener", OK, 502, BAD_STATUS(404, MATRIX("M_UNRECOGNIZED")),
            DOCTOR_PING_NOT_PARLEY },
        { "405", OK, 502, BAD_STATUS(405, ""), DOCTOR_PING_NOT_PARLEY },
        { "TLS port of nginx", OK, 502, BAD_STATUS(400, "<html>"), DOCTOR_PING_NOT_PARLEY },
        { "redirect", OK, 502, BAD_STATUS(301, ""), DOCTOR_PING_NOT_PARLEY },
        { "502 of a proxy", OK, 502, BAD_STATUS(502, "<html>"), DOCTOR_PING_PROXY },
        { "504 of a proxy", OK, 502, BAD_STATUS(504, ""), DOCTOR_PING_PROXY },
        { "503 of Caddy", OK, 502, BAD_STATUS(503, ""), DOCTOR_PING_PROXY },
        { "our 500", OK, 502, BAD_STATUS(500, MATRIX("M_UNKNOWN")), DOCTOR_PING_NOT_READY },
        { "a proxy before the homeserver", OK, 502, "<html>", DOCTOR_PING_ODD },
        { "new to us", OK, 418, "{\"errcode\":\"M_TEAPOT\"}", DOCTOR_PING_ODD },
        { "no answer", ERR_UNREACHABLE, 0, "", DOCTOR_PING_ODD },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct doctor_answer a = answer(r->e, r->status, r->body);
        CHECK_INT(r->want, doctor_ping_of(&a));
        const struct doctor_words *w = doctor_ping_words(r->want);
        CHECK((r->want == DOCTOR_PING_FINE) == (w->severity == DOCTOR_OK));
        CHECK(w->sentence != NULL);
        json_decref(a.json);
    }
}

#define UNKNOWN "{\"errcode\":\"M_UNKNOWN_TOKEN\"}"

TEST(doctor_words, tell_what_whoami_says) {
    static const struct {
        const char *name;
        enum err e;
        int status;
        const char *body;
        int second; /* status of the answer to the hs_token; 0 = not asked */
        enum doctor_token want;
    } rows[] = {
        { "fine", OK, 200, "{}", 0, DOCTOR_TOKEN_FINE },
        { "swapped", OK, 401, UNKNOWN, 200, DOCTOR_TOKEN_SWAPPED },
        { "unknown", OK, 401, UNKNOWN, 401, DOCTOR_TOKEN_UNKNOWN },
        { "unknown, then silence", OK, 401, UNKNOWN, 0, DOCTOR_TOKEN_UNKNOWN },
        { "address list", OK, 403, "{\"errcode\":\"M_FORBIDDEN\"}", 0, DOCTOR_TOKEN_REFUSED },
        { "broken", OK, 500, "", 0, DOCTOR_TOKEN_ODD },
        { "away", ERR_UNREACHABLE, 0, "", 0, DOCTOR_TOKEN_ODD },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct doctor_answer first = answer(r->e, r->status, r->body);
        struct doctor_answer second = answer(OK, r->second, "{}");
        CHECK_INT(r->want, doctor_token_of(&first, &second));
        CHECK(
            (r->want == DOCTOR_TOKEN_FINE) == (doctor_token_words(r->want)->severity == DOCTOR_OK));
        json_decref(first.json);
        json_decref(second.json);
    }
}

TEST(doctor_words, weigh_a_clock_that_is_off) {
    static const struct {
        const char *name;
        int64_t off_ms;
        enum doctor_severity want;
    } rows[] = {
        { "right", 0, DOCTOR_OK },
        { "a header's second", 2 * SEC_MS, DOCTOR_OK },
        { "more", 2 * SEC_MS + 1, DOCTOR_NOTE },
        { "half a minute", 30 * SEC_MS, DOCTOR_NOTE },
        { "more than that", 30 * SEC_MS + 1, DOCTOR_WARN },
        { "nearly a minute", MIN_MS - 1, DOCTOR_WARN },
        { "a minute", MIN_MS, DOCTOR_FAIL },
        { "behind", -MIN_MS, DOCTOR_FAIL },
        { "a little behind", -3 * SEC_MS, DOCTOR_NOTE },
        { "an hour zone", HOUR_MS, DOCTOR_FAIL },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->want, doctor_clock_severity(r->off_ms));
    }
}
