/*
 * Asking our own doors, straight or through the reverse proxy, whether a request arrives and what
 * it looks like from inside (http/probe).  Thread: main; waits.
 */
#ifndef DOCTOR_DOORS_H
#define DOCTOR_DOORS_H

#include "doctor/check.h"
#include "http/probe.h"

enum doctor_door {
    DOCTOR_DOOR_SILENT,  /* no answer */
    DOCTOR_DOOR_STRANGE, /* somebody else answers, or a Parley with another hs_token */
    DOCTOR_DOOR_PUBLIC,  /* our public listener */
    DOCTOR_DOOR_PRIVATE, /* our private one */
};

/* One GET. */
struct doctor_knock {
    const char *url;
    const char *unix_socket;   /* as in doctor_request */
    const char *forwarded_for; /* an X-Forwarded-For that we claim; NULL = none */
};

/** Knocks; needs the registration. `ret_sight` is set when a listener of ours answers. */
enum doctor_door doctor_knock(struct doctor *d, const struct doctor_knock *k,
    struct doctor_answer *ret, struct http_probe_sight *ret_sight);

#endif
