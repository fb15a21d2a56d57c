/* LiveKit's messages in their two forms. The bytes and texts are as LiveKit's own server and
 * clients write them. */
#include "livekit/convert.h"

#include "core/buf.h"
#include "livekit/proto/room_service.pb-c.h"
#include "livekit/proto/signal.pb-c.h"

#include "test.h"

#include <string.h>

static enum err from_json(const ProtobufCMessageDescriptor *type, const char *text, struct arena *a,
    ProtobufCMessage **ret) {
    json_t *json = json_loads(text, 0, NULL);
    enum err e = lk_convert_read_json(type, json, a, ret);
    json_decref(json);
    return e;
}

static const char *to_json(
    const ProtobufCMessage *m, enum lk_convert_style style, struct arena *a) {
    struct buf out;
    buf_init(&out, 0);
    lk_convert_write_json(m, style, &out);
    const char *text = arena_strdup(a, buf_str(&out));
    buf_finish(&out);
    return text;
}

/* {"mute":{"sid":"TR_AMQPhwqPidMXmS","muted":true}} */
static const uint8_t mute[] = "\x2a\x15\x0a\x11TR_AMQPhwqPidMXmS\x10\x01";

TEST(livekit_convert, reads_what_clients_send) {
    struct arena a;
    Lk__SignalRequest *m = NULL;
    arena_init(&a);
    CHECK_ERR(OK, lk_convert_read_request(mute, sizeof(mute) - 1, &a, &m));
    if (m != NULL) {
        CHECK_INT(LK__SIGNAL_REQUEST__MESSAGE_MUTE, m->message_case);
        CHECK_STR("TR_AMQPhwqPidMXmS", m->mute->sid);
        CHECK(m->mute->muted);
    }
    arena_finish(&a);
}

TEST(livekit_convert, refuses_what_is_no_message) {
    static const struct {
        const char *name, *bytes;
        size_t len;
        enum err want;
    } rows[] = {
        { "nothing at all is a message", "", 0, OK },
        { "cut", "\x2a\x15\x0a", 3, ERR_INVALID },
        { "longer than there is", "\x2a\x7f\x0a", 3, ERR_INVALID },
        { "of another wire type", "\x28\x01", 2, ERR_INVALID },
        { "field 0", "\x02\x00", 2, ERR_INVALID },
        { "a string that is not UTF-8", "\x2a\x04\x0a\x02\xff\xfe", 6, ERR_INVALID },
        { "one in a list", "\x32\x04\x0a\x02\xc3\x28", 6, ERR_INVALID },
        { "one in a map", "\x7a\x06\x1a\x04\x0a\x02\xff\xfe", 8, ERR_INVALID },
        { "a field that nobody knows", "\xf8\x3f\x01", 3, OK },
    };
    FOR_ROWS (rows, r) {
        struct arena a;
        Lk__SignalRequest *m = NULL;
        ROW(r->name);
        arena_init(&a);
        CHECK_ERR(r->want, lk_convert_read_request((const uint8_t *)r->bytes, r->len, &a, &m));
        CHECK((r->want == OK) == (m != NULL));
        arena_finish(&a);
    }
}

/* An empty track in a list takes two bytes on the wire and some hundred here. */
TEST(livekit_convert, bounds_size_and_memory) {
    struct arena a;
    struct buf out;
    ProtobufCMessage *m = NULL;
    arena_init(&a);
    buf_init(&out, 0);
    for (size_t i = 0; i < LK_CONVERT_MAX_BYTES / 2; i++) {
        buf_put(&out, "\x22\x00", 2);
    }
    CHECK_ERR(ERR_TOO_LARGE, lk_convert_read(&lk__participant_info__descriptor,
                                 (const uint8_t *)out.data, out.len, &a, &m));
    CHECK(a.used <= LK_CONVERT_MAX_MEMORY);
    buf_put(&out, "\x22\x00", 2);
    CHECK_ERR(ERR_TOO_LARGE, lk_convert_read(&lk__participant_info__descriptor,
                                 (const uint8_t *)out.data, out.len, &a, &m));
    buf_clear(&out);
    buf_puts(&out, "{\"tracks\":[{}");
    for (size_t i = 0; i < LK_CONVERT_MAX_MEMORY / 100; i++) {
        buf_puts(&out, ",{}");
    }
    buf_puts(&out, "]}");
    CHECK_ERR(ERR_TOO_LARGE, from_json(&lk__participant_info__descriptor, buf_str(&out), &a, &m));
    buf_finish(&out);
    arena_finish(&a);
}

TEST(livekit_convert, keeps_what_it_does_not_know) {
    static const uint8_t bytes[] = "\x2a\x08\x0a\x03TR_\xf8\x3f\x01\xf8\x3f\x02";
    struct arena a;
    struct buf out;
    ProtobufCMessage *m = NULL;
    arena_init(&a);
    buf_init(&out, 0);
    CHECK_ERR(
        OK, lk_convert_read(&lk__signal_request__descriptor, bytes, sizeof(bytes) - 1, &a, &m));
    CHECK_ERR(OK, m == NULL ? ERR_INVALID : lk_convert_write(m, &out));
    CHECK_INT(sizeof(bytes) - 1, out.len);
    CHECK(out.len == sizeof(bytes) - 1 && memcmp(buf_str(&out), bytes, out.len) == 0);
    buf_finish(&out);
    arena_finish(&a);
}

TEST(livekit_convert, writes_responses) {
    struct buf out;
    Lk__SignalResponse m = LK__SIGNAL_RESPONSE__INIT;
    Lk__MediaSectionsRequirement need = LK__MEDIA_SECTIONS_REQUIREMENT__INIT;
    m.message_case = LK__SIGNAL_RESPONSE__MESSAGE_MEDIA_SECTIONS_REQUIREMENT;
    m.media_sections_requirement = &need;
    buf_init(&out, 5);
    CHECK_ERR(OK, lk_convert_write_response(&m, &out));
    CHECK_INT(3, out.len);
    CHECK(memcmp(buf_str(&out), "\xca\x01\x00", 3) == 0);
    CHECK_ERR(ERR_TOO_LARGE, lk_convert_write_response(&m, &out));
    buf_finish(&out);
}

TEST(livekit_convert, writes_json_in_both_styles) {
    static const struct {
        const char *name;
        const ProtobufCMessageDescriptor *type;
        const char *text, *plain, *twirp;
    } rows[] = {
        { "nothing", &lk__mute_room_track_response__descriptor, "{}", "{}", "{\"track\":null}" },
        { "numbers", &lk__room_configuration__descriptor,
            "{\"name\":\"r\",\"emptyTimeout\":300,\"tags\":{\"a\":\"b\"}}",
            "{\"name\":\"r\",\"emptyTimeout\":300,\"tags\":{\"a\":\"b\"}}",
            "{\"name\":\"r\",\"empty_timeout\":300,\"departure_timeout\":0,\"max_participants\":0,"
            "\"min_playout_delay\":0,\"max_playout_delay\":0,\"sync_streams\":false,"
            "\"metadata\":\"\",\"tags\":{\"a\":\"b\"}}" },
        { "64 bits", &lk__timed_version__descriptor,
            "{\"unixMicro\":\"-9223372036854775808\",\"ticks\":-1}",
            "{\"unixMicro\":\"-9223372036854775808\",\"ticks\":-1}",
            "{\"unix_micro\":\"-9223372036854775808\",\"ticks\":-1}" },
        { "enums, known and not, and lists", &lk__participant_permission__descriptor,
            "{\"canPublishSources\":[\"CAMERA\",77,\"NEWER\",2]}",
            "{\"canPublishSources\":[\"CAMERA\",77,\"UNKNOWN\",\"MICROPHONE\"]}",
            "{\"can_subscribe\":false,\"can_publish\":false,\"can_publish_data\":false,"
            "\"hidden\":false,\"recorder\":false,"
            "\"can_publish_sources\":[\"CAMERA\",77,\"UNKNOWN\",\"MICROPHONE\"],"
            "\"can_update_metadata\":false,\"agent\":false,\"can_subscribe_metrics\":false,"
            "\"can_manage_agent_session\":false}" },
        { "fractions", &lk__speaker_info__descriptor, "{\"level\":0.1}", "{\"level\":0.1}",
            "{\"sid\":\"\",\"level\":0.1,\"active\":false}" },
        { "of one of several, a default too", &lk__connection_settings__descriptor,
            "{\"subscriberAllowPause\":false}", "{\"subscriberAllowPause\":false}",
            "{\"auto_subscribe\":false,\"adaptive_stream\":false,"
            "\"subscriber_allow_pause\":false,\"disable_ice_lite\":false}" },
        { "bytes", &lk__wrapped_join_request__descriptor, "{\"joinRequest\":\"_-8\"}",
            "{\"joinRequest\":\"/+8=\"}", "{\"compression\":\"NONE\",\"join_request\":\"/+8=\"}" },
        { "both spellings, and what is new", &lk__trickle_request__descriptor,
            "{\"candidateInit\":\"a\",\"final\":true,\"newer\":{\"x\":[1]},\"target\":null}",
            "{\"candidateInit\":\"a\",\"final\":true}",
            "{\"candidateInit\":\"a\",\"target\":\"PUBLISHER\",\"final\":true}" },
        { "snake case", &lk__track_permission__descriptor,
            "{\"participant_sid\":\"p\",\"track_sids\":[\"a\",\"b\"]}",
            "{\"participantSid\":\"p\",\"trackSids\":[\"a\",\"b\"]}",
            "{\"participant_sid\":\"p\",\"all_tracks\":false,\"track_sids\":[\"a\",\"b\"],"
            "\"participant_identity\":\"\"}" },
    };
    FOR_ROWS (rows, r) {
        struct arena a;
        ProtobufCMessage *m = NULL;
        ROW(r->name);
        arena_init(&a);
        CHECK_ERR(OK, from_json(r->type, r->text, &a, &m));
        if (m != NULL) {
            CHECK_STR(r->plain, to_json(m, LK_CONVERT_PLAIN, &a));
            CHECK_STR(r->twirp, to_json(m, LK_CONVERT_TWIRP, &a));
        }
        arena_finish(&a);
    }
}

TEST(livekit_convert, refuses_json_of_other_types) {
    static const struct {
        const char *name;
        const ProtobufCMessageDescriptor *type;
        const char *text;
        enum err want;
    } rows[] = {
        { "no object", &lk__room__descriptor, "[]", ERR_INVALID },
        { "a number for a name", &lk__room__descriptor, "{\"name\":1}", ERR_INVALID },
        { "a number too large", &lk__room__descriptor, "{\"emptyTimeout\":4294967296}",
            ERR_INVALID },
        { "a number below zero", &lk__room__descriptor, "{\"emptyTimeout\":-1}", ERR_INVALID },
        { "a fraction", &lk__room__descriptor, "{\"emptyTimeout\":1.5}", ERR_INVALID },
        { "a whole fraction", &lk__room__descriptor, "{\"emptyTimeout\":1.0}", OK },
        { "a text that is a number", &lk__room__descriptor, "{\"emptyTimeout\":\"12\"}", OK },
        { "a text that is none", &lk__room__descriptor, "{\"emptyTimeout\":\"12s\"}", ERR_INVALID },
        { "an empty text", &lk__room__descriptor, "{\"creationTime\":\"\"}", ERR_INVALID },
        { "a text of 65 bits", &lk__room__descriptor, "{\"creationTime\":\"9223372036854775808\"}",
            ERR_INVALID },
        { "a word for yes", &lk__room__descriptor, "{\"activeRecording\":\"yes\"}", ERR_INVALID },
        { "a list for one", &lk__room__descriptor, "{\"version\":[]}", ERR_INVALID },
        { "one for a list", &lk__room__descriptor, "{\"enabledCodecs\":{}}", ERR_INVALID },
        { "nothing in a list", &lk__room__descriptor, "{\"enabledCodecs\":[null]}", ERR_INVALID },
        { "a list for a map", &lk__participant_info__descriptor, "{\"attributes\":[]}",
            ERR_INVALID },
        { "a number in a map", &lk__participant_info__descriptor, "{\"attributes\":{\"a\":1}}",
            ERR_INVALID },
        { "an enum of another type", &lk__participant_info__descriptor, "{\"state\":true}",
            ERR_INVALID },
        { "bytes that are none", &lk__wrapped_join_request__descriptor, "{\"joinRequest\":\"a b\"}",
            ERR_INVALID },
        { "two of several", &lk__signal_request__descriptor, "{\"ping\":\"1\",\"mute\":{}}",
            ERR_INVALID },
    };
    FOR_ROWS (rows, r) {
        struct arena a;
        ProtobufCMessage *m = NULL;
        ROW(r->name);
        arena_init(&a);
        CHECK_ERR(r->want, from_json(r->type, r->text, &a, &m));
        CHECK((r->want == OK) == (m != NULL));
        arena_finish(&a);
    }
}

TEST_ALLOC(livekit_convert, survives_no_memory) {
    CLEANUP(arena_finish) struct arena a;
    CLEANUP(buf_finish) struct buf out;
    CLEANUP(buf_finish) struct buf text;
    ProtobufCMessage *m = NULL;
    arena_init(&a);
    buf_init(&out, 0);
    buf_init(&text, 0);
    TRY(from_json(&lk__join_request__descriptor,
        "{\"metadata\":\"m\",\"participantAttributes\":{\"a\":\"b\"},\"addTrackRequests\":[{},{}],"
        "\"clientInfo\":{\"capabilities\":[1,1]}}",
        &a, &m));
    TRY(lk_convert_write(m, &out));
    TRY(lk_convert_read(&lk__join_request__descriptor, (const uint8_t *)out.data, out.len, &a, &m));
    lk_convert_write_json(m, LK_CONVERT_TWIRP, &text);
    return buf_check(&text);
}
