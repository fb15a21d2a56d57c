/* Whatever comes over the signalling WebSocket: it is refused, or it is written, read and written
 * again the same, with all that we do not know in it, and its JSON is JSON of the same message. */
#include "fuzz.h"

#include "core/buf.h"
#include "livekit/convert.h"
#include "livekit/proto/signal.pb-c.h"

#include <assert.h>
#include <string.h>

static void write_binary(const ProtobufCMessage *m, struct buf *out) {
    buf_init(out, 0);
    enum err e = lk_convert_write(m, out);
    assert(e == OK);
}

static ProtobufCMessage *read_again(
    const ProtobufCMessageDescriptor *type, const struct buf *from, struct arena *a) {
    ProtobufCMessage *m = NULL;
    enum err e = lk_convert_read(type, (const uint8_t *)buf_str(from), from->len, a, &m);
    assert(e == OK);
    return m;
}

static void check_json(const ProtobufCMessage *m, enum lk_convert_style style, struct arena *a) {
    struct buf first;
    struct buf second;
    struct buf third;
    const ProtobufCMessageDescriptor *type = m->descriptor;
    struct buf *texts[] = { &first, &second, &third };
    /* The first may have a key of a map twice, as the message has; of JSON the last one counts. */
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        ProtobufCMessage *again = NULL;
        buf_init(texts[i], 0);
        lk_convert_write_json(m, style, texts[i]);
        json_t *json = json_loadb(buf_str(texts[i]), texts[i]->len, 0, NULL);
        assert(json != NULL);
        enum err e = lk_convert_read_json(type, json, a, &again);
        assert(e == OK);
        json_decref(json);
        m = again;
    }
    assert(strcmp(buf_str(&second), buf_str(&third)) == 0);
    buf_finish(&first);
    buf_finish(&second);
    buf_finish(&third);
}

static void check(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len) {
    struct arena a;
    struct buf first;
    struct buf second;
    ProtobufCMessage *m = NULL;
    arena_init(&a);
    enum err e = lk_convert_read(type, data, len, &a, &m);
    assert(a.used <= LK_CONVERT_MAX_MEMORY);
    assert(e == OK || e == ERR_INVALID || e == ERR_TOO_LARGE);
    if (e == OK) {
        write_binary(m, &first);
        write_binary(read_again(type, &first, &a), &second);
        assert(
            first.len == second.len && memcmp(buf_str(&first), buf_str(&second), first.len) == 0);
        check_json(m, LK_CONVERT_PLAIN, &a);
        check_json(m, LK_CONVERT_TWIRP, &a);
        buf_finish(&first);
        buf_finish(&second);
    }
    arena_finish(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    check(&lk__signal_request__descriptor, data, len);
    check(&lk__signal_response__descriptor, data, len);
    check(&lk__wrapped_join_request__descriptor, data, len);
    check(&lk__join_request__descriptor, data, len);
    return 0;
}
