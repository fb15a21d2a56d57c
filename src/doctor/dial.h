/*
 * Does a TCP port answer, and if not, why: the difference between a program that is not there and a
 * firewall is the first thing an admin has to know.  Thread: main; waits.
 */
#ifndef DOCTOR_DIAL_H
#define DOCTOR_DIAL_H

#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum doctor_dial {
    DOCTOR_DIAL_OK,
    DOCTOR_DIAL_REFUSED,  /* the machine is there, nobody listens on the port */
    DOCTOR_DIAL_SILENT,   /* nothing came back: a firewall drops it, or the machine is off */
    DOCTOR_DIAL_REJECTED, /* a firewall says no, or there is no way to that address */
    DOCTOR_DIAL_MISSING,  /* a unix socket that is not there, or may not be opened */
};

/** Connects to a listener by its name in the settings ("127.0.0.1:8090", "[::]:8090",
 * "unix:/run/x.sock"; any address means this machine) and closes again. @ret_why gets the system's
 * words; borrowed until the next call of strerror. ERR_INVALID: no such name; ERR_IO: we have no
 * socket to try with. */
MUST_CHECK enum err doctor_dial_listener(
    const char *name, int64_t timeout_us, enum doctor_dial *ret, const char **ret_why);

/** Connects over TCP to an address and closes again. ERR_IO: we have no socket to try with. */
MUST_CHECK enum err doctor_dial_address(
    const struct sockaddr *at, socklen_t len, int64_t timeout_us, enum doctor_dial *ret);

/** What a connect that failed with this errno means; @local for a unix socket. */
enum doctor_dial doctor_dial_of(int error, bool local);

/* Who can reach an address that somebody listens on. */
enum doctor_exposure {
    DOCTOR_EXPOSED_HOST,    /* loopback or a unix socket */
    DOCTOR_EXPOSED_NETWORK, /* a private network: RFC 1918, 4193, 6598, link-local */
    DOCTOR_EXPOSED_ALL,     /* every address of this machine, or a public one */
};
/** Of a listener's name in the settings. */
enum doctor_exposure doctor_exposure_of(const char *name);

#endif
