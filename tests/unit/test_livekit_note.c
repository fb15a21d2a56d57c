/* Notes: copies that are whole, and the same after they were in a file. */
#include "livekit/note.h"

#include "core/buf.h"
#include "test.h"

#include <string.h>

static const struct call_input full = { .type = IN_MEDIA_REMOVED,
    .event_id = "parley:1:2",
    .room_id = "!r:hs",
    .sender = "@a:hs",
    .origin_ms = 1700000000000,
    .sent_ms = 1700000000000,
    .received_ms = 1700000000000,
    .token = { .slot = "s",
        .device_id = "D",
        .member_id = "m",
        .claimed_user = "@b:hs",
        .dialect = "old",
        .server = "hs",
        .alias = "al",
        .identity = "id \"quoted\"",
        .membership = "joined",
        .reason = "kicked",
        .problem = "p\n",
        .connection = "PA_",
        .actor = "@c:hs",
        .track = "TR_",
        .media = "audio",
        .source = "microphone",
        .codec = "opus",
        .direction = "sent",
        .path = "relay",
        .figures = { 1, 2, 3, 4, 5, 6, 7, 8, -1, 10, 11, 12, -13, 14, 15, -16, 17, 18 },
        .full_access = true,
        .count = 7 } };

static enum err to_text(const struct call_input *in, struct buf *ret) {
    struct lk_note *n = NULL;
    TRY(lk_note_create(in, &n));
    buf_clear(ret);
    lk_note_write(n, ret);
    lk_note_destroy(n);
    return buf_check(ret);
}

static enum err there_and_back(void) {
    CLEANUP(buf_finish) struct buf one;
    CLEANUP(buf_finish) struct buf two;
    struct lk_note *n = NULL;
    buf_init(&one, 0);
    buf_init(&two, 0);
    TRY(to_text(&full, &one));
    TRY(lk_note_read(buf_str(&one), one.len, &n));
    enum err e = to_text(&n->input, &two);
    if (e == OK) {
        CHECK_STR(buf_str(&one), buf_str(&two));
        CHECK_INT(IN_MEDIA_REMOVED, n->input.type);
        CHECK_STR("id \"quoted\"", n->input.token.identity);
        CHECK_STR("opus", n->input.token.codec);
        CHECK_INT(-1, n->input.token.figures.layer);
        CHECK(
            memcmp(&full.token.figures, &n->input.token.figures, sizeof(full.token.figures)) == 0);
        CHECK_INT(7, n->input.token.count);
        CHECK(n->input.token.full_access && n->input.sent_ms == full.sent_ms);
    }
    lk_note_destroy(n);
    return e;
}

TEST(livekit_note, is_the_same_after_it_was_in_a_file) {
    CHECK_ERR(OK, there_and_back());
}

TEST(livekit_note, reads_notes_only) {
    static const struct {
        const char *name, *json;
        enum err want;
    } rows[] = {
        { "the least", "{\"type\":\"media_connected\"}", OK },
        { "padded, as a seal is", "{\"type\":\"gap\",\"at\":5     ,\"count\":7    }", OK },
        { "members of a later version", "{\"type\":\"gap\",\"color\":[1]}", OK },
        { "no JSON", "{", ERR_INVALID },
        { "no object", "[]", ERR_INVALID },
        { "no type", "{}", ERR_INVALID },
        { "a type of a call", "{\"type\":\"invite\"}", ERR_INVALID },
        { "an unknown type", "{\"type\":\"dance\"}", ERR_INVALID },
        { "before all time", "{\"type\":\"gap\",\"at\":-1}", ERR_INVALID },
        { "after all time", "{\"type\":\"gap\",\"at\":9000000000000000000}", ERR_INVALID },
        { "less than nothing", "{\"type\":\"gap\",\"count\":-1}", ERR_INVALID },
    };
    FOR_ROWS (rows, r) {
        struct lk_note *n = NULL;
        ROW(r->name);
        CHECK_ERR(r->want, lk_note_read(r->json, strlen(r->json), &n));
        lk_note_destroy(n);
    }
}

TEST(livekit_note, knows_who_is_to_be_looked_up) {
    static const struct {
        const char *name;
        struct call_input in;
        bool unnamed;
    } rows[] = {
        { "a participant",
            { .type = IN_MEDIA_CONNECTED, .token = { .alias = "a", .identity = "i" } }, true },
        { "a room", { .type = IN_MEDIA_ROOM_CLOSED, .token = { .alias = "a", .identity = "i" } },
            true },
        { "known",
            { .type = IN_MEDIA_REMOVED,
                .room_id = "!r:hs",
                .token = { .alias = "a", .identity = "i" } },
            false },
        { "a token", { .type = IN_TOKEN_REFUSED, .token = { .alias = "a", .identity = "i" } },
            false },
        { "a count", { .type = IN_GAP, .token = { .count = 1 } }, false },
    };
    FOR_ROWS (rows, r) {
        struct lk_note *n = NULL;
        ROW(r->name);
        CHECK_ERR(OK, lk_note_create(&r->in, &n));
        CHECK_INT(r->unnamed, lk_note_unnamed(n));
        lk_note_destroy(n);
    }
}

TEST_ALLOC(livekit_note, survives_no_memory) {
    return there_and_back();
}
