/* Data tracks as clients hear of them: what is refused and why, what they look like, by which
 * handles they come. */
#include "livekit/data_tracks.h"

#include "core/crypto.h"
#include "signal_offers.h"
#include "signal_world.h"

/* Says it with % for the sid of alice's latest data track. */
static void say_of(struct client *c, const struct client *alice, const char *text) {
    json_t *m = latest(alice, "publishDataTrackResponse");
    const char *sid = json_string_value(json_object_get(json_object_get(m, "info"), "sid"));
    struct buf b;
    buf_init(&b, 0);
    for (const char *at = text; *at != '\0'; at++) {
        buf_put(
            &b, *at == '%' && sid != NULL ? sid : at, *at == '%' && sid != NULL ? strlen(sid) : 1);
    }
    say(c, buf_str(&b));
    buf_finish(&b);
    json_decref(m);
}

/* `want` with % for any sid. */
static void check_whole(const struct client *c, const char *name, const char *want) {
    char text[500];
    json_t *m = latest(c, name);
    const size_t n = json_dumpb(m, text, sizeof(text) - 1, JSON_COMPACT | JSON_SORT_KEYS);
    text[n < sizeof(text) ? n : 0] = '\0';
    char *sid = strstr(text, "DTR_");
    if (sid != NULL) {
        const char *behind = sid + strcspn(sid, "\"");
        *sid = '%';
        memmove(sid + 1, behind, strlen(behind) + 1);
    }
    CHECK_STR(want, text);
    json_decref(m);
}

#define PUBLISH(more) "{\"publishDataTrackRequest\":{\"pubHandle\":7,\"name\":\"pose\"" more "}}"
#define WORDS_16      "sixteen letters "
#define WORDS_256                                                                                  \
    WORDS_16 WORDS_16 WORDS_16 WORDS_16 WORDS_16 WORDS_16 WORDS_16 WORDS_16 WORDS_16 WORDS_16      \
        WORDS_16 WORDS_16 WORDS_16 WORDS_16 WORDS_16 WORDS_16

TEST(livekit_data_tracks, are_refused_with_a_reason) {
    static const struct {
        const char *name;
        const char *right; /* of the token */
        const char *first; /* said before */
        const char *say;
        const char *reason; /* "": it is published */
    } rows[] = {
        { "a track", "", "", PUBLISH(""), "" },
        { "the longest name", "", "",
            "{\"publishDataTrackRequest\":{\"pubHandle\":65535,\"name\":\"" WORDS_256 "\"}}", "" },
        { "a second", "", PUBLISH(""),
            "{\"publishDataTrackRequest\":{\"pubHandle\":8,\"name\":\"lidar\"}}", "" },
        { "without the right", ",\"canPublishData\":false", "", PUBLISH(""), "NOT_ALLOWED" },
        { "no handle", "", "", "{\"publishDataTrackRequest\":{\"name\":\"pose\"}}",
            "INVALID_HANDLE" },
        { "too large a handle", "", "",
            "{\"publishDataTrackRequest\":{\"pubHandle\":65536,\"name\":\"pose\"}}",
            "INVALID_HANDLE" },
        { "no name", "", "", "{\"publishDataTrackRequest\":{\"pubHandle\":7}}", "INVALID_NAME" },
        { "too long a name", "", "",
            "{\"publishDataTrackRequest\":{\"pubHandle\":7,\"name\":\"" WORDS_256 "!\"}}",
            "INVALID_NAME" },
        { "an encoding without a name", "", "", PUBLISH(",\"frameEncoding\":{\"custom\":\"\"}"),
            "INVALID_REQUEST" },
        { "one with too long a name", "", "",
            PUBLISH(",\"frameEncoding\":{\"custom\":\"" WORDS_16 WORDS_16 "!\"}"),
            "INVALID_REQUEST" },
        { "the longest", "", "",
            PUBLISH(",\"frameEncoding\":{\"custom\":\"" WORDS_16 WORDS_16 "\"}"), "" },
        { "a schema without a name of its encoding", "", "",
            PUBLISH(",\"schema\":{\"name\":\"s\",\"encoding\":{\"custom\":\"\"}}"),
            "INVALID_REQUEST" },
        { "too long a schema", "", "", PUBLISH(",\"schema\":{\"name\":\"" WORDS_256 "!\"}"),
            "INVALID_REQUEST" },
        { "the same handle", "", PUBLISH(""),
            "{\"publishDataTrackRequest\":{\"pubHandle\":7,\"name\":\"lidar\"}}",
            "DUPLICATE_HANDLE" },
        { "the same name", "", PUBLISH(""),
            "{\"publishDataTrackRequest\":{\"pubHandle\":8,\"name\":\"pose\"}}", "DUPLICATE_NAME" },
        { "the end of one that is not there", "", PUBLISH(""),
            "{\"unpublishDataTrackRequest\":{\"pubHandle\":8}}", "NOT_FOUND" },
        { "the end of what cannot be there", "", PUBLISH(""),
            "{\"unpublishDataTrackRequest\":{\"pubHandle\":65543}}", "NOT_FOUND" },
    };
    FOR_ROWS (rows, r) {
        struct signal_world w;
        struct client alice;
        ROW(r->name);
        CHECK_ERR(OK, signal_open(&w, NULL));
        call_in(&w, &alice, "alice", r->right, "");
        if (r->first[0] != '\0') {
            say(&alice, r->first);
        }
        heard(&alice);
        say(&alice, r->say);
        if (r->reason[0] == '\0') {
            CHECK_STR("update publishDataTrackResponse", heard(&alice));
        } else {
            CHECK_STR("requestResponse", heard(&alice));
            check_latest(&alice, "requestResponse", "reason", r->reason);
        }
        hang_up(&alice);
        signal_close(&w);
    }
}

TEST(livekit_data_tracks, are_refused_beyond_their_number) {
    struct signal_world w;
    struct client alice;
    char text[100];
    CHECK_ERR(OK, signal_open(&w, NULL));
    call_in(&w, &alice, "alice", "", "");
    for (int i = 1; i <= ROOM_DATA_TRACKS_MAX + 1; i++) {
        snprintf(text, sizeof(text),
            "{\"publishDataTrackRequest\":{\"pubHandle\":%d,\"name\":\"%d\"}}", i, i);
        heard(&alice);
        say(&alice, text);
    }
    CHECK_STR("requestResponse", heard(&alice));
    check_latest(&alice, "requestResponse", "reason", "LIMIT_EXCEEDED");
    hang_up(&alice);
    signal_close(&w);
}

TEST(livekit_data_tracks, look_as_they_were_published) {
    static const struct {
        const char *name, *more, *want;
    } rows[] = {
        { "plain", "", "{\"name\":\"pose\",\"pubHandle\":7,\"sid\":\"%\"}" },
        { "encrypted", ",\"encryption\":\"GCM\"",
            "{\"encryption\":\"GCM\",\"name\":\"pose\",\"pubHandle\":7,\"sid\":\"%\"}" },
        { "typed",
            ",\"frameEncoding\":{\"wellKnown\":\"WELL_KNOWN_FRAME_ENCODING_CDR\"},"
            "\"schema\":{\"name\":\"s\",\"encoding\":{\"custom\":\"idl\"}}",
            "{\"frameEncoding\":{\"wellKnown\":\"WELL_KNOWN_FRAME_ENCODING_CDR\"},"
            "\"name\":\"pose\",\"pubHandle\":7,\"schema\":{\"encoding\":{\"custom\":\"idl\"},"
            "\"name\":\"s\"},\"sid\":\"%\"}" },
        { "typed by others",
            ",\"frameEncoding\":{\"custom\":\"f\"},\"schema\":{\"name\":\"s\",\"encoding\":"
            "{\"wellKnown\":\"WELL_KNOWN_SCHEMA_ENCODING_JSON_SCHEMA\"}}",
            "{\"frameEncoding\":{\"custom\":\"f\"},\"name\":\"pose\",\"pubHandle\":7,"
            "\"schema\":{\"encoding\":{\"wellKnown\":"
            "\"WELL_KNOWN_SCHEMA_ENCODING_JSON_SCHEMA\"},\"name\":\"s\"},\"sid\":\"%\"}" },
        { "a schema without encoding", ",\"schema\":{\"name\":\"s\"}",
            "{\"name\":\"pose\",\"pubHandle\":7,\"schema\":{\"name\":\"s\"},\"sid\":\"%\"}" },
    };
    FOR_ROWS (rows, r) {
        struct signal_world w;
        struct client alice, bob;
        char text[400], want[400];
        ROW(r->name);
        CHECK_ERR(OK, signal_open(&w, NULL));
        call_in(&w, &alice, "alice", "", "");
        call_in(&w, &bob, "bob", "", "");
        snprintf(text, sizeof(text),
            "{\"publishDataTrackRequest\":{\"pubHandle\":7,\"name\":\"pose\"%s}}", r->more);
        say(&alice, text);
        snprintf(want, sizeof(want), "{\"info\":%s}", r->want);
        check_whole(&alice, "publishDataTrackResponse", want);
        json_t *update = latest(&bob, "update");
        const json_t *who = json_array_get(json_object_get(update, "participants"), 0);
        CHECK(json_is_true(json_object_get(who, "isPublisher")));
        CHECK_INT(1, json_array_size(json_object_get(who, "dataTracks")));
        json_decref(update);
        say(&alice, "{\"unpublishDataTrackRequest\":{\"pubHandle\":7}}");
        check_whole(&alice, "unpublishDataTrackResponse", want);
        update = latest(&bob, "update");
        who = json_array_get(json_object_get(update, "participants"), 0);
        CHECK_INT(0, json_array_size(json_object_get(who, "dataTracks")));
        json_decref(update);
        hang_up(&alice);
        hang_up(&bob);
        signal_close(&w);
    }
}

/* The handles that it was told last. */
static void check_handles(const struct client *c, size_t n, int handle) {
    json_t *m = latest(c, "dataTrackSubscriberHandles");
    const json_t *list = json_object_get(m, "subHandles");
    const json_t *first = json_array_get(list, 0);
    CHECK(m != NULL);
    CHECK_INT(n, json_array_size(list));
    CHECK_INT(handle, json_integer_value(json_object_get(first, "key")));
    if (n > 0) {
        const json_t *t = json_object_get(first, "value");
        CHECK_STR("alice", json_string_value(json_object_get(t, "publisherIdentity")));
        CHECK(strncmp("PA_", json_string_value(json_object_get(t, "publisherSid")), 3) == 0);
        CHECK(strncmp("DTR_", json_string_value(json_object_get(t, "trackSid")), 4) == 0);
    }
    json_decref(m);
}

#define SUBSCRIBE(yes)                                                                             \
    "{\"updateDataSubscription\":{\"updates\":[{\"trackSid\":\"%\",\"subscribe\":" yes "}]}}"

TEST(livekit_data_tracks, come_by_handles) {
    static const struct {
        const char *name, *query;
        bool by_itself;
    } rows[] = {
        { "who asks", "", false },
        { "who has said before that it wants all", "&auto_subscribe_data_track=1", true },
        { "who wants all that is heard and seen", "&auto_subscribe=1", false },
    };
    FOR_ROWS (rows, r) {
        struct signal_world w;
        struct client alice, bob;
        ROW(r->name);
        CHECK_ERR(OK, signal_open(&w, NULL));
        call_in(&w, &alice, "alice", "", "");
        call_in(&w, &bob, "bob", "", r->query);
        heard(&bob);
        say(&alice, PUBLISH(""));
        CHECK_STR(r->by_itself ? "update dataTrackSubscriberHandles" : "update", heard(&bob));
        say_of(&bob, &alice, SUBSCRIBE("true"));
        CHECK_STR(r->by_itself ? "" : "dataTrackSubscriberHandles", heard(&bob));
        check_handles(&bob, 1, 1);
        say_of(&bob, &alice, SUBSCRIBE("false"));
        check_handles(&bob, 0, 0);
        say_of(&bob, &alice, SUBSCRIBE("true"));
        check_handles(&bob, 1, 2);
        heard(&bob);
        say(&bob, "{\"updateDataSubscription\":{\"updates\":["
                  "{\"trackSid\":\"DTR_that_is_too_long_for_one\",\"subscribe\":true}]}}");
        CHECK_STR("", heard(&bob));
        say(&alice, "{\"unpublishDataTrackRequest\":{\"pubHandle\":7}}");
        CHECK_STR("dataTrackSubscriberHandles update", heard(&bob));
        check_handles(&bob, 0, 0);
        hang_up(&alice);
        hang_up(&bob);
        signal_close(&w);
    }
}

TEST(livekit_data_tracks, end_with_the_right) {
    struct signal_world w;
    struct client alice;
    CHECK_ERR(OK, signal_open(&w, NULL));
    call_in(&w, &alice, "alice", "", "");
    say(&alice, PUBLISH(""));
    struct room_member *m = room_find_member(room_directory_find(w.rooms, "r"), "alice");
    struct room_grant grant = m->grant;
    grant.publish_data = false;
    heard(&alice);
    room_member_permit(m, &grant);
    CHECK_STR("unpublishDataTrackResponse update refreshToken", heard(&alice));
    hang_up(&alice);
    signal_close(&w);
}
