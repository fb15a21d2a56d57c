/* The fields lie inside the bytes, in their order, each with a NUL behind it; together with their
 * lengths they are all of the bytes. */
#include "fuzz.h"

#include "core/mem.h"
#include "store/query_copy.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct store_copy_field fields[STORE_COPY_FIELDS_MAX];
    size_t n = 0;
    char *bytes = mem_alloc(len + 1); /* libpq's buffers have a NUL at the end */
    assert(bytes != NULL);
    memcpy(bytes, data, len);
    if (store_copy_parse(bytes, len, fields, &n)) {
        size_t sum = 2;
        const char *at = bytes;
        for (size_t i = 0; i < n; i++) {
            sum += 4 + fields[i].len;
            if (fields[i].bytes != NULL) {
                assert(fields[i].bytes >= at && fields[i].bytes + fields[i].len <= bytes + len);
                assert(fields[i].bytes[fields[i].len] == '\0');
                at = fields[i].bytes + fields[i].len;
            }
            int64_t value;
            bool truth;
            (void)store_copy_int(&fields[i], &value);
            (void)store_copy_bool(&fields[i], &truth);
            if (store_copy_time(&fields[i], &value)) {
                assert(value >= 0);
            }
        }
        assert(sum == len || sum + 19 == len); /* the first row has a header of 19 bytes */
    }
    mem_free(bytes);
    return 0;
}
