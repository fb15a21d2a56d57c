/*
 * The seam of the doctor: what a check is, what it says, and what it may use.
 *
 * A check looks at one link between Parley and its surroundings and says in plain words whether it
 * holds. The checks stand in ONE table (doctor/checks.c) in the order of dependence: a check whose
 * `needs` failed or was skipped does not run, so that the first red line is the root cause. A new
 * check is a function in a file of its kind, its declaration in doctor/checks.h and a row.
 *
 *     void doctor_check_openid(struct doctor *d) {
 *         struct doctor_answer a;
 *         doctor_fetch(d, &(struct doctor_request){ .url = url }, &a);
 *         if (a.err != OK) {
 *             doctor_say(d, DOCTOR_FAIL, paste, "%s gives no answer: %s", url, a.text);
 *             return;
 *         }
 *         doctor_say(d, DOCTOR_OK, NULL, "tokens of users can be verified");
 *     }
 *
 * Nothing is changed by a check, in the files, in the database or on the homeserver; in the LiveKit
 * server one makes a room that is gone after a second. All texts live in the doctor's arena until
 * doctor_destroy; a text for a finding is made with arena_printf. A check does not care about lack
 * of memory: it sticks in the arena, and doctor_run says so.
 * Thread: main; everything here waits.
 */
#ifndef DOCTOR_CHECK_H
#define DOCTOR_CHECK_H

#include "core/err.h"
#include "core/mem.h"
#include "store/probe.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct as_registration;
struct config;
struct doctor_fetcher;
struct http_client_field;

#define DOCTOR_NEEDS_MAX    4
#define DOCTOR_FINDINGS_MAX 256 /* of one run; a room with a wrong power level is one */

/* In the order of badness; the exit code follows from the worst. */
enum doctor_severity {
    DOCTOR_OK,
    DOCTOR_SKIPPED, /* not looked at, because something it needs is broken or not configured */
    DOCTOR_NOTE,    /* works, worth knowing */
    DOCTOR_WARN,    /* works in part, or not for long */
    DOCTOR_FAIL,    /* broken */
};

struct doctor_finding {
    enum doctor_severity severity;
    const char *check;    /* id of the check */
    const char *sentence; /* plain words, names the broken link; one line, no full stop */
    const char *paste;    /* what to paste or run, lines with \n between them; NULL = nothing */
    struct doctor_finding *next;
};

struct doctor;
struct doctor_check {
    const char *id;                      /* stable, for --json: "as-token" */
    const char *title;                   /* what is looked at, at most 18 characters */
    const char *needs[DOCTOR_NEEDS_MAX]; /* ids of earlier checks; NULL behind the last */
    void (*run)(struct doctor *d);       /* says at least one thing */
};

/* A check's state of one run. */
struct doctor_state {
    const struct doctor_check *check;
    enum doctor_severity worst; /* of its findings */
};

/* What is known of the homeserver once the check "homeserver" and those behind it have run. */
struct doctor_homeserver {
    json_t *versions;     /* answer of /_matrix/client/versions; NULL until then */
    const char *software; /* "Synapse"; "" = it does not say */
    const char *version;  /* "1.157.1"; "" = it does not say */
    int synapse_minor;    /* 157 of Synapse 1.157; 0 = another homeserver, or unknown */
    int64_t clock_off_ms; /* its clock minus ours, by the Date header */
    bool clock_known;
};

struct doctor {
    struct arena arena;
    const char *config_path;              /* NULL = no file */
    char *const *environ;                 /* what settings are read from besides the file */
    struct config *config;                /* NULL until the check "config" is fine */
    struct as_registration *registration; /* NULL until the check "registration" is fine */
    const char *as_token; /* which of its tokens the homeserver knows; NULL until the check
                             "as-token" is fine */
    struct doctor_homeserver homeserver;
    struct store_probe database;
    bool database_known;      /* the check "database" is fine */
    const json_t *well_known; /* NULL until the check "well-known" has read it; fetched JSON lives
                                 as long as the doctor */
    struct doctor_fetcher *fetcher;
    struct doctor_finding *first, *last; /* in the order in which they were said */
    size_t n_findings;
    struct doctor_state *states; /* of the whole table, in order */
    size_t n_states;
    struct doctor_state *running;
};

/** `config_path` NULL = only defaults and `environ`. Borrows both until doctor_destroy. */
MUST_CHECK enum err doctor_create(
    const char *config_path, char *const *environ, struct doctor **ret);
void doctor_destroy(struct doctor *d);
void doctor_destroyp(struct doctor **d);

/** Runs the checks of a table in order; `n` of them. ERR_NOMEM is the only error: whatever else
 * goes wrong is a finding. */
MUST_CHECK enum err doctor_run(struct doctor *d, const struct doctor_check *checks, size_t n);

/** Adds a finding to the running check. `paste` NULL = nothing to do; it must live in the arena or
 * in the program. Control characters in the sentence become "?", tokens of the registration
 * "***": sentences may quote strangers. */
__attribute__((format(printf, 4, 5))) void doctor_say(
    struct doctor *d, enum doctor_severity severity, const char *paste, const char *fmt, ...);

/** The worst that was found; DOCTOR_OK when all is well. */
enum doctor_severity doctor_worst(const struct doctor *d);
/** How far the check `id` of this run came; DOCTOR_SKIPPED when it did not run yet. */
enum doctor_severity doctor_state_of(const struct doctor *d, const char *id);

/* --- HTTP --- */

#define DOCTOR_TIMEOUT_US INT64_C(10000000) /* of one request, unless it says another */
#define DOCTOR_ANSWER_MAX MIB               /* bytes; what we ask for is far below */

struct doctor_request {
    const char *method; /* NULL = GET */
    const char *url;
    const char *bearer;      /* NULL = none */
    const char *body;        /* NULL = none */
    const char *type_line;   /* its "Content-Type: …"; NULL = JSON */
    const char *unix_socket; /* connect to this path instead of the host of the url; NULL = no */
    int64_t timeout_us;      /* 0 = DOCTOR_TIMEOUT_US */
    const struct http_client_field *fields; /* headers besides */
    size_t n_fields;
    bool wants_head;
};

struct doctor_answer {
    enum err err;     /* OK: an HTTP answer came, whatever its status; else as http/client has it */
    const char *text; /* why not; "" on OK */
    int status;       /* 0 = no answer */
    const char *head; /* "Name: value" lines, for doctor/head; "" unless wanted */
    const char *body; /* never NULL */
    size_t len;
    int64_t date_ms;  /* the Date header; 0 = none */
    int64_t asked_ms; /* our wall clock when the request left and when the answer was there */
    int64_t answered_ms;
    json_t *json;        /* the body, NULL when it is no JSON object; the doctor keeps it */
    const char *errcode; /* of a Matrix error; "" = none */
};

/** One request, waited for. Redirects are not followed. Never fails but by `ret->err`. */
void doctor_fetch(struct doctor *d, const struct doctor_request *q, struct doctor_answer *ret);

/** homeserver.url with `path` behind it; "" when memory is gone. */
const char *doctor_homeserver_url(struct doctor *d, const char *path);
/** A text of a JSON object, "" when it is not there or none. Borrowed from `o`. */
const char *doctor_text_of(const json_t *o, const char *key);
/** "parley <words> --config <file>", for pasting; "" when memory is gone. */
const char *doctor_command(struct doctor *d, const char *words);
/** Fills url and unix_socket of a request to our first private listener; one that listens
 * everywhere is called by loopback. Gives its name as a sentence says it. */
const char *doctor_private(struct doctor *d, const char *path, struct doctor_request *ret);
/** Foreign text for a sentence: one line, at most 200 bytes, in the arena. */
const char *doctor_quote(struct doctor *d, const char *s);

#endif
