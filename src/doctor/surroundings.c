/* Where things are, by the settings: what checks put into their requests and sentences. */
#include "core/config.h"
#include "doctor/check.h"

#include <string.h>

const char *doctor_homeserver_url(struct doctor *d, const char *path) {
    const char *url = arena_printf(&d->arena, "%s%s", d->config->homeserver.url, path);
    return url == NULL ? "" : url;
}

const char *doctor_command(struct doctor *d, const char *words) {
    const char *text = d->config_path == NULL ? arena_printf(&d->arena, "parley %s", words)
                                              : arena_printf(&d->arena, "parley %s --config %s",
                                                    words, d->config_path);
    return text == NULL ? "" : text;
}

/* Where to connect to for a listener of this name. */
static const char *reachable(struct doctor *d, const char *listener) {
    static const char *const everywhere[][2] = { { "0.0.0.0:", "127.0.0.1:" },
        { "[::]:", "[::1]:" } };
    for (size_t i = 0; i < COUNT_OF(everywhere); i++) {
        size_t n = strlen(everywhere[i][0]);
        if (strncmp(listener, everywhere[i][0], n) == 0) {
            return arena_printf(&d->arena, "%s%s", everywhere[i][1], listener + n);
        }
    }
    return listener;
}

const char *doctor_private(struct doctor *d, const char *path, struct doctor_request *ret) {
    const char *listener = d->config->http.private.items[0]; /* the settings want one at least */
    const char *host = "localhost";
    if (strncmp(listener, "unix:", 5) == 0) {
        ret->unix_socket = listener + 5;
    } else {
        host = reachable(d, listener);
    }
    const char *url = arena_printf(&d->arena, "http://%s%s", host == NULL ? "" : host, path);
    ret->url = url == NULL ? "" : url;
    return listener;
}
