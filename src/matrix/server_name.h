/*
 * Server names: who a homeserver is, as it stands behind the colon of its users' ids, and where
 * that may lead. Strict, because strangers write them and we connect to what they say.
 * Thread: any; pure.  See: Matrix specification v1.19, appendices, "Server Name".
 */
#ifndef MATRIX_SERVER_NAME_H
#define MATRIX_SERVER_NAME_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MX_SERVER_NAME_SIZE 231 /* specification: 230 bytes, so that a localpart fits into 255 */
#define MX_FEDERATION_PORT  8448

struct mx_server_name {
    char text[MX_SERVER_NAME_SIZE]; /* whole, the host in lower case */
    char host[MX_SERVER_NAME_SIZE]; /* lower case; an IPv6 address keeps its brackets */
    uint16_t port;                  /* 0 = none was given */
    bool literal;                   /* the host is an address */
};

/**
 * Reads "example.org", "example.org:8448", "192.0.2.1", "[2001:db8::1]:8448".
 * A name has labels of letters, digits and inner dashes, of 1..63 bytes, no dot at its end, and its
 * last label is no number: "127.1" and "0x7f.1" would be addresses to some resolvers.
 * Errors: ERR_INVALID.
 */
MUST_CHECK enum err mx_server_name_read(const char *text, size_t len, struct mx_server_name *ret);

/** Does the name have more than one label? Names without a dot are those of a local network. */
bool mx_server_name_dotted(const struct mx_server_name *n);

/* https://host[:port]/path?query, cut in two. */
struct mx_https_url {
    struct mx_server_name at;
    const char *path; /* from its slash on, without the fragment; "" = none. Borrows the text */
    size_t path_len;
};
/** The same strictness: no user, no other scheme, printable ASCII only. ERR_INVALID. */
MUST_CHECK enum err mx_https_url_read(const char *text, struct mx_https_url *ret);

#endif
