/* What the library reads as a whole is read the same; of anything else only lists come through,
 * without what was dropped. */
#include "fuzz.h"

#include "matrix/body.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    size_t dropped = 0;
    json_t *whole = json_loadb((const char *)data, len, JSON_ALLOW_NUL, NULL);
    json_t *got = mx_body_read((const char *)data, len, &dropped);
    if (whole != NULL) {
        assert(got != NULL && json_equal(whole, got) && dropped == 0);
    } else if (got != NULL) {
        assert(json_is_array(got) && json_array_size(got) + dropped <= len);
    } else {
        assert(dropped == 0);
    }
    json_decref(whole);
    json_decref(got);
    return 0;
}
