/* What is read as a manifest is written again the same, byte for byte, and names no other folder.
 */
#include "fuzz.h"

#include "store/manifest.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct store_manifest m;
    uint8_t mac[SHA256_SIZE];
    if (store_manifest_read((const char *)data, len, &m, mac) == OK) {
        assert(m.n_files <= STORE_MANIFEST_FILES);
        for (size_t i = 0; i < m.n_files; i++) {
            assert(m.files[i].name[0] != '.' && m.files[i].name[0] != '\0');
            assert(strchr(m.files[i].name, '/') == NULL);
        }
        /* Each byte counts: the same with one more is another. */
        assert(memchr(data, '\0', len) == NULL);
    }
    return 0;
}
