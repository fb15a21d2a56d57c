/*
 * What the doctor asks the database: who answers, what time it is there, what the audit was written
 * with. Reads only, in a transaction that cannot write, and gives up on a statement after 5 s.
 * Blocking: for the command line only.  Thread: main.
 */
#ifndef STORE_PROBE_H
#define STORE_PROBE_H

#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Why there is no connection, as far as the words of libpq and the server tell. */
enum store_trouble {
    STORE_TROUBLE_URL,       /* no connection string */
    STORE_TROUBLE_NAME,      /* its host name has no address */
    STORE_TROUBLE_REFUSED,   /* nobody listens there */
    STORE_TROUBLE_SOCKET,    /* no unix socket there */
    STORE_TROUBLE_TIMEOUT,   /* no answer */
    STORE_TROUBLE_AUTH,      /* password, user or pg_hba.conf */
    STORE_TROUBLE_DATABASE,  /* the server has no such database */
    STORE_TROUBLE_FULL,      /* all connections are taken */
    STORE_TROUBLE_NOT_READY, /* it starts, stops or recovers */
    STORE_TROUBLE_OTHER,
};

/** By the sentence of a failed store_session_open. Pure. */
enum store_trouble store_trouble_of(enum err e, const char *sentence);

#define STORE_PROBE_TEXT_SIZE 64
struct store_probe {
    int version;                          /* server_version_num: 150004 */
    bool standby;                         /* reads only */
    char encoding[STORE_PROBE_TEXT_SIZE]; /* of the database: "UTF8" */
    char user[STORE_PROBE_TEXT_SIZE];     /* whom we are there */
    int64_t clock_off_ms; /* its clock minus ours, by the middle of the round trip */
    bool migrated;        /* does the table of audit keys exist? */
    bool audit_empty;     /* no event was ever written */
    char fingerprint[STORE_PROBE_TEXT_SIZE]; /* of the latest audit key; "" = none recorded yet */
};

/** Errors of store_session_open and store_session_query; *ret is whole or untouched. */
MUST_CHECK enum err store_probe_run(const char *url, struct store_probe *ret);

#endif
