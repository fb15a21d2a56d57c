/* Whatever a server says about itself: what comes out is a name that reads the same again, and
 * whatever its headers say, it is kept for neither less than a moment nor for ever. The input is
 * Cache-Control, a NUL, and the body. */
#include "fuzz.h"

#include "core/clock.h"
#include "http/client.h"
#include "matrix/well_known.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    char control[256] = "";
    const uint8_t *nul = len == 0 ? NULL : memchr(data, 0, len);
    const uint8_t *body = nul == NULL ? data : nul + 1;
    size_t body_len = nul == NULL ? len : len - (size_t)(nul + 1 - data);
    struct mx_server_name n;
    struct mx_server_name again;
    if (nul != NULL) {
        snprintf(control, sizeof(control), "%s", (const char *)data);
    }
    const struct http_client_answer a = { .cache_control = control };
    int64_t ms = mx_well_known_lifetime_ms(&a, 0);
    assert(ms >= 5 * MIN_MS && ms <= 2 * DAY_MS);
    if (mx_well_known_read((const char *)body, body_len, &n) == OK) {
        assert(mx_server_name_read(n.text, strlen(n.text), &again) == OK);
        assert(strcmp(n.text, again.text) == 0 && strcmp(n.host, again.host) == 0);
        assert(n.port == again.port && n.literal == again.literal);
    }
    return 0;
}
