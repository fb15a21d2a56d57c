/* Whatever a name server says: services come in the order of their priority, with names that may
 * stand in a URL, and each of the message's rows at most once. */
#include "fuzz.h"

#include "http/resolve_services.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    uint32_t random[HTTP_RESOLVED_MAX] = { 0 };
    struct http_service got[HTTP_RESOLVED_MAX];
    size_t n = 0;
    for (size_t i = 0; i < HTTP_RESOLVED_MAX && i < len; i++) {
        random[i] = data[len - 1 - i] * UINT32_C(0x01010101);
    }
    if (http_services_read(data, len, random, got, &n) != OK) {
        assert(n == 0);
        return 0;
    }
    assert(n > 0 && n <= HTTP_RESOLVED_MAX && n * 17 <= len); /* 17 bytes: the smallest row */
    for (size_t i = 0; i < n; i++) {
        assert(got[i].port != 0);
        assert(strlen(got[i].host) > 0 && strpbrk(got[i].host, "/:@?#[]% \r\n") == NULL);
        assert(i == 0 || got[i - 1].priority <= got[i].priority);
    }
    return 0;
}
