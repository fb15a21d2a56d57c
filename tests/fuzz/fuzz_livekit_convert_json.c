/* Whatever comes as JSON: it is refused, or it is the same message after having been written in
 * either style and read again. */
#include "fuzz.h"

#include "core/buf.h"
#include "livekit/convert.h"
#include "livekit/proto/room_service.pb-c.h"
#include "livekit/proto/signal.pb-c.h"

#include <assert.h>
#include <string.h>

static void check_style(const ProtobufCMessage *m, enum lk_convert_style style, struct arena *a) {
    struct buf text;
    struct buf first;
    struct buf second;
    ProtobufCMessage *again = NULL;
    buf_init(&text, 0);
    buf_init(&first, 0);
    buf_init(&second, 0);
    lk_convert_write_json(m, style, &text);
    json_t *json = json_loadb(buf_str(&text), text.len, 0, NULL);
    assert(json != NULL);
    enum err e = lk_convert_read_json(m->descriptor, json, a, &again);
    assert(e == OK);
    json_decref(json);
    e = lk_convert_write(m, &first);
    assert(e == OK);
    e = lk_convert_write(again, &second);
    assert(e == OK);
    assert(first.len == second.len && memcmp(buf_str(&first), buf_str(&second), first.len) == 0);
    buf_finish(&text);
    buf_finish(&first);
    buf_finish(&second);
}

static void check(const ProtobufCMessageDescriptor *type, const json_t *json) {
    struct arena a;
    ProtobufCMessage *m = NULL;
    arena_init(&a);
    enum err e = lk_convert_read_json(type, json, &a, &m);
    assert(a.used <= LK_CONVERT_MAX_MEMORY);
    assert(e == OK || e == ERR_INVALID || e == ERR_TOO_LARGE);
    if (e == OK) {
        check_style(m, LK_CONVERT_PLAIN, &a);
        check_style(m, LK_CONVERT_TWIRP, &a);
    }
    arena_finish(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    json_t *json = json_loadb((const char *)data, len, JSON_DECODE_ANY, NULL);
    if (json != NULL) {
        check(&lk__signal_request__descriptor, json);
        check(&lk__signal_response__descriptor, json);
        check(&lk__webhook_event__descriptor, json);
        check(&lk__room_configuration__descriptor, json);
        check(&lk__list_participants_response__descriptor, json);
        check(&lk__participant_info__descriptor, json);
        json_decref(json);
    }
    return 0;
}
