/* The names of listeners, as a client needs them. */
#include "cli/private_door.h"

#include "core/buf.h"
#include "core/config.h"
#include "core/mem.h"

#include <string.h>

#define UNIX_PREFIX "unix:"

static const char *socket_path(const char *address) {
    size_t n = strlen(UNIX_PREFIX);
    return strncmp(address, UNIX_PREFIX, n) == 0 ? address + n : NULL;
}

enum err cli_private_url(const struct config_list *private, struct buf *ret) {
    static const char *const everywhere[][2] = { { "0.0.0.0:", "127.0.0.1:" },
        { "[::]:", "[::1]:" } };
    for (size_t i = 0; i < private->n; i++) {
        const char *address = private->items[i];
        if (socket_path(address) != NULL) {
            continue;
        }
        for (size_t k = 0; k < COUNT_OF(everywhere); k++) {
            size_t n = strlen(everywhere[k][0]);
            if (strncmp(address, everywhere[k][0], n) == 0) {
                buf_printf(ret, "http://%s%s", everywhere[k][1], address + n);
                return buf_check(ret);
            }
        }
        buf_printf(ret, "http://%s", address);
        return buf_check(ret);
    }
    return err_set(ERR_NOT_FOUND, "http.private has unix sockets only");
}

const char *cli_private_socket(const struct config_list *private) {
    for (size_t i = 0; i < private->n; i++) {
        if (socket_path(private->items[i]) != NULL) {
            return socket_path(private->items[i]);
        }
    }
    return NULL;
}
