/* Sound text decodes to no more bytes than it has, none of them a NUL that was not there; decoding
 * is exact. */
#include "fuzz.h"

#include "core/mem.h"
#include "http/percent.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    const char *text = (const char *)data;
    if (!http_percent_sound(text, n)) {
        return 0;
    }
    char *out = mem_alloc(n + 1);
    if (out == NULL) {
        return 0;
    }
    size_t len = http_percent_decode(text, n, out);
    size_t escapes = 0;
    size_t nuls = 0;
    for (size_t i = 0; i < n; i++) {
        escapes += text[i] == '%';
        nuls += text[i] == '\0';
    }
    assert(len + 2 * escapes == n);
    for (size_t i = 0; i < len; i++) {
        nuls -= out[i] == '\0';
    }
    assert(nuls == 0 && out[len] == '\0');
    mem_free(out);
    return 0;
}
