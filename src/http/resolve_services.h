/*
 * What a DNS server said about services.  Thread: any; pure.
 */
#ifndef HTTP_RESOLVE_SERVICES_H
#define HTTP_RESOLVE_SERVICES_H

#include "http/resolve.h"

#include <stddef.h>
#include <stdint.h>

/**
 * Reads a DNS message and puts its SRV rows in the order to try them: by priority, and by chance
 * according to weight within one (RFC 2782). Rows without a usable name or port are left out, also
 * the "." that says "no such service here".
 * @random  one number a row
 * Errors: ERR_UNREACHABLE (no sound message), ERR_NOT_FOUND (no rows), ERR_NOMEM.
 */
MUST_CHECK enum err http_services_read(const uint8_t *message, size_t len,
    const uint32_t random[HTTP_RESOLVED_MAX], struct http_service ret[HTTP_RESOLVED_MAX],
    size_t *ret_n);

#endif
