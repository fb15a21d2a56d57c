/*
 * What an answer means, in plain words: tables from what a program said to a sentence and to what
 * the admin does about it. Pure, so that each case is a row of a test.  Thread: any.
 */
#ifndef DOCTOR_WORDS_H
#define DOCTOR_WORDS_H

#include "core/err.h"
#include "doctor/check.h"

/* What a case is worth, what it means, and what to do. No text is ever NULL but `paste`. */
struct doctor_words {
    enum doctor_severity severity;
    const char *sentence;
    const char *paste; /* NULL = it depends on our settings, or nothing helps */
};

/* --- requests of ours --- */

enum doctor_reach {
    DOCTOR_REACHED,
    DOCTOR_NO_NAME,  /* its name has no address */
    DOCTOR_REFUSED,  /* nobody listens there */
    DOCTOR_SILENT,   /* no answer in time */
    DOCTOR_BAD_TLS,  /* certificate, or https to a port that speaks http */
    DOCTOR_NOT_HTTP, /* something answers that is no HTTP, or hangs up */
    DOCTOR_NO_PATH,  /* anything else */
};
/** By the error and the words of http/client. */
enum doctor_reach doctor_reach_of(enum err e, const char *text);
/** To follow "homeserver.url http://… ": "has a host name without an address". */
const char *doctor_reach_words(enum doctor_reach r);

/* --- the homeserver calls us: its answer to the ping (matrix-calls 1.4) --- */

enum doctor_ping {
    DOCTOR_PING_FINE,
    DOCTOR_PING_URL_NOT_SET, /* url: null */
    DOCTOR_PING_OTHER_ID,    /* the token is right, the id is not */
    DOCTOR_PING_OTHER_TOKEN, /* we refuse its hs_token */
    DOCTOR_PING_NOT_PARLEY,  /* something else answers at the url */
    DOCTOR_PING_PROXY,       /* a proxy in between has nobody behind it */
    DOCTOR_PING_NOT_READY,   /* we answer, with 5xx */
    DOCTOR_PING_REFUSED,     /* nobody listens at the url, as the homeserver sees it */
    DOCTOR_PING_NO_NAME,     /* the url's host has no address there */
    DOCTOR_PING_TLS,         /* https where http is spoken, or a certificate it does not trust */
    DOCTOR_PING_NO_PATH,     /* another failure of the connection */
    DOCTOR_PING_SILENT,      /* packets get lost */
    DOCTOR_PING_UNKNOWN,     /* the homeserver has no ping */
    DOCTOR_PING_ODD,
};
/** Reads the homeserver's answer. */
enum doctor_ping doctor_ping_of(const struct doctor_answer *a);
const struct doctor_words *doctor_ping_words(enum doctor_ping p);

/* --- we call the homeserver: whoami --- */

enum doctor_token {
    DOCTOR_TOKEN_FINE,
    DOCTOR_TOKEN_SWAPPED, /* it takes our hs_token for the as_token */
    DOCTOR_TOKEN_UNKNOWN, /* it takes neither */
    DOCTOR_TOKEN_REFUSED, /* known, but not for us: an address list, a proxy */
    DOCTOR_TOKEN_ODD,
};
/** @as_token @hs_token  answers of whoami with each; the second is looked at when the first is no.
 */
enum doctor_token doctor_token_of(
    const struct doctor_answer *as_token, const struct doctor_answer *hs_token);
const struct doctor_words *doctor_token_words(enum doctor_token t);

/* --- clocks --- */

#define DOCTOR_CLOCK_NOTE_MS INT64_C(2000)  /* the Date header has whole seconds */
#define DOCTOR_CLOCK_WARN_MS INT64_C(30000) /* matrix-calls 6 */
#define DOCTOR_CLOCK_FAIL_MS INT64_C(60000) /* ages and lifetimes of calls are of this size */
/** How bad is it to be so far off, either way? */
enum doctor_severity doctor_clock_severity(int64_t off_ms);

#endif
