/* The hash of a list of strings. */
#include "livekit/alias.h"

#include "core/buf.h"
#include "core/mem.h"

#include <stdint.h>

enum err lk_hash(const char *const *list, size_t n, char ret[LK_HASH_SIZE]) {
    CLEANUP(buf_finish) struct buf b;
    uint8_t digest[SHA256_SIZE];
    buf_init(&b, 0);
    buf_putc(&b, '[');
    for (size_t i = 0; i < n; i++) {
        buf_puts(&b, i == 0 ? "" : ",");
        buf_json_str(&b, list[i]);
    }
    buf_putc(&b, ']');
    TRY(buf_check(&b));
    crypto_sha256(b.data, b.len, digest);
    crypto_base64(digest, sizeof(digest), ret);
    return OK;
}
