/*
 * What servers said in their well-known files, kept for as long as they allow.  Thread: one owner.
 */
#ifndef MATRIX_KNOWN_SERVERS_H
#define MATRIX_KNOWN_SERVERS_H

#include "core/err.h"
#include "matrix/server_name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MX_KNOWN_SERVERS_MAX 2000 /* about 1 MB; the one used longest ago makes room */

struct mx_known_servers;
MUST_CHECK enum err mx_known_servers_create(struct mx_known_servers **ret);
void mx_known_servers_destroy(struct mx_known_servers *k);

/** True when `name` is known: *ret_delegates says whether somebody else speaks for it, and *ret
 * who. `now_us` is monotonic. */
bool mx_known_servers_find(struct mx_known_servers *k, const char *name, int64_t now_us,
    bool *ret_delegates, struct mx_server_name *ret);
/** Keeps it for `for_us`; `delegate` NULL: nobody else. Without memory it is just not kept. */
void mx_known_servers_keep(struct mx_known_servers *k, const char *name,
    const struct mx_server_name *delegate, int64_t now_us, int64_t for_us);
size_t mx_known_servers_count(const struct mx_known_servers *k);

#endif
