/* Base64, protobuf, gzip, protobuf. zlib's memory comes from the arena, what it writes is bounded.
 */
#include "livekit/join_request.h"

#include "core/crypto.h"
#include "livekit/convert.h"
#include "livekit/proto/signal.pb-c.h"

#include <string.h>
#include <zlib.h>

#define GZIP_WINDOW (15 + 16) /* the largest window; gzip's head is expected */
#define FIRST_BYTES (32 * KIB)

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "no memory for a join_request");
}

/* The one spelling that core/crypto reads. */
static enum err unbase64(
    const char *text, size_t n, struct arena *a, uint8_t **ret, size_t *ret_len) {
    char *plain = arena_strndup(a, text, n);
    uint8_t *bytes = arena_alloc(a, n / 4 * 3 + 3);
    if (plain == NULL || bytes == NULL) {
        return no_memory();
    }
    for (size_t end = 0; n > 0 && plain[n - 1] == '=' && end < 2; end++) {
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        plain[i] = plain[i] == '+' ? '-' : plain[i] == '/' ? '_' : plain[i];
    }
    if (!crypto_unbase64url(plain, n, bytes, ret_len)) {
        return err_set(ERR_INVALID, "join_request is not base64url");
    }
    *ret = bytes;
    return OK;
}

static voidpf take(voidpf arg, uInt items, uInt size) {
    return arena_array(arg, items, size);
}

static void give_back(voidpf arg, voidpf p) {
    (void)arg;
    (void)p; /* the arena goes as a whole */
}

/* Grows the output by doubling: small requests take little. */
static enum err inflate_all(z_stream *z, struct arena *a, uint8_t **ret, size_t *ret_len) {
    uint8_t *out = NULL;
    size_t len = 0;
    for (size_t cap = FIRST_BYTES; cap <= LK_JOIN_REQUEST_MAX_BYTES; cap *= 2) {
        uint8_t *bigger = arena_alloc(a, cap);
        if (bigger == NULL) {
            return no_memory();
        }
        if (len > 0) {
            memcpy(bigger, out, len);
        }
        out = bigger;
        z->next_out = out + len;
        z->avail_out = (uInt)(cap - len);
        const int code = inflate(z, Z_FINISH);
        len = cap - z->avail_out;
        if (code == Z_STREAM_END) {
            *ret = out;
            *ret_len = len;
            return OK;
        }
        if (code == Z_MEM_ERROR) {
            return no_memory();
        }
        if ((code != Z_BUF_ERROR && code != Z_OK) || z->avail_out > 0) {
            return err_set(ERR_INVALID, "join_request is not gzip");
        }
    }
    return err_set(
        ERR_TOO_LARGE, "join_request has more than %zu bytes", LK_JOIN_REQUEST_MAX_BYTES);
}

static enum err gunzip(uint8_t *data, size_t len, struct arena *a, uint8_t **ret, size_t *ret_len) {
    z_stream z = { .zalloc = take, .zfree = give_back, .opaque = a, .next_in = data };
    z.avail_in = (uInt)len;
    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK) {
        return no_memory();
    }
    enum err e = inflate_all(&z, a, ret, ret_len);
    inflateEnd(&z);
    return e;
}

enum err lk_join_request_read(
    const char *text, size_t n, struct arena *a, struct Lk__JoinRequest **ret) {
    ProtobufCMessage *m = NULL;
    uint8_t *bytes = NULL;
    size_t len = 0;
    TRY(unbase64(text, n, a, &bytes, &len));
    TRY(lk_convert_read(&lk__wrapped_join_request__descriptor, bytes, len, a, &m));
    const Lk__WrappedJoinRequest *wrapped = (const Lk__WrappedJoinRequest *)m;
    bytes = wrapped->join_request.data;
    len = wrapped->join_request.len;
    if (wrapped->compression == LK__WRAPPED_JOIN_REQUEST__COMPRESSION__GZIP) {
        TRY(gunzip(bytes, len, a, &bytes, &len));
    } else if (wrapped->compression != LK__WRAPPED_JOIN_REQUEST__COMPRESSION__NONE) {
        return err_set(ERR_INVALID, "join_request is compressed in a way that is not known here");
    }
    TRY(lk_convert_read(&lk__join_request__descriptor, bytes, len, a, &m));
    *ret = (Lk__JoinRequest *)m;
    return OK;
}
