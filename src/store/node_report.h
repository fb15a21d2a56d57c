/*
 * The nodes that share the database, for people: `parley doctor`. Reads only.
 * Blocking: for the command line.  Thread: one, the caller's.
 */
#ifndef STORE_NODE_REPORT_H
#define STORE_NODE_REPORT_H

#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Texts are borrowed for the call. */
struct store_node_report {
    const char *name;
    const char *url;
    const char *inner_url; /* "" = none */
    const char *version;
    bool alive;
    bool draining;
    int64_t clock_off_ms; /* its clock minus the database's, when it last wrote */
    int64_t silent_ms;    /* since then */
    int64_t rooms;
    int64_t members;
};

/** Called for each node, the living first; an error ends it and is passed on. */
typedef enum err store_node_reported(void *arg, const struct store_node_report *r);
/** Errors of store_session_open and store_session_query. */
MUST_CHECK enum err store_node_report_run(const char *url, store_node_reported *each, void *arg);

#endif
