/* Whatever stands in a URL as join_request: it is refused, or what was read can be written; and it
 * never takes more memory than its bounds add up to. */
#include "fuzz.h"

#include "core/buf.h"
#include "livekit/convert.h"
#include "livekit/join_request.h"
#include "livekit/proto/signal.pb-c.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct arena a;
    Lk__JoinRequest *j = NULL;
    arena_init(&a);
    enum err e = lk_join_request_read((const char *)data, len, &a, &j);
    assert(e == OK || e == ERR_INVALID || e == ERR_TOO_LARGE);
    if (e == OK) {
        struct buf out;
        buf_init(&out, 0);
        e = lk_convert_write(&j->base, &out);
        assert(e == OK);
        buf_finish(&out);
    }
    /* Two messages, the doubled output of zlib, and zlib itself. */
    assert(a.used <= 2 * LK_CONVERT_MAX_MEMORY + 3 * LK_JOIN_REQUEST_MAX_BYTES + 4 * len);
    arena_finish(&a);
    return 0;
}
