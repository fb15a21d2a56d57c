/* The JSON of news, whole; and how a receiver is called. */
#include "store/news.h"

#include "core/buf.h"
#include "store/call_rows.h"
#include "test.h"

#include <string.h>

#define BEGAN INT64_C(1763719200000) /* 2025-11-21T10:00:00Z */

TEST(store_news, are_written_as_the_page_says) {
    static const struct store_news_person people[] = {
        { "@a:hs", "caller", BEGAN, BEGAN + 5000 },
        { "@\"b:hs", "callee", 0, 0 },
    };
    static const struct store_call whole = { .id = "id",
        .kind = "legacy",
        .room_id = "!r:hs",
        .call_id = "c\n1",
        .status = "ended",
        .media = "video",
        .is_group = true,
        .caller_user = "@a:hs",
        .callee_user = "@\"b:hs",
        .created_at = BEGAN,
        .ringing_at = BEGAN + 1,
        .answered_at = BEGAN + 2,
        .ended_at = BEGAN + 3,
        .duration_ms = 1,
        .end_reason = "user_hangup",
        .ended_by = "@a:hs" };
    static const struct store_call bare = { .id = "id",
        .kind = "rtc",
        .room_id = "!r:hs",
        .call_id = "m.call#ROOM",
        .status = "active",
        .duration_ms = -1 };
    static const struct {
        const char *name;
        struct store_news news;
        const char *want;
    } rows[] = {
        { "everything is set",
            { .type = "call.ended",
                .call = &whole,
                .direction = "local",
                .people = people,
                .n_people = 2,
                .n_more = 7,
                .at = BEGAN + 3 },
            "{\"version\":1,\"id\":\"n1\",\"type\":\"call.ended\",\"at\":\"2025-11-21T10:00:00."
            "003Z\",\"call\":{\"id\":\"id\",\"kind\":\"legacy\",\"room_id\":\"!r:hs\",\"call_id\":"
            "\"c\\n1\",\"status\":\"ended\",\"media\":\"video\",\"direction\":\"local\",\"group\":"
            "true,\"caller\":\"@a:hs\",\"callee\":\"@\\\"b:hs\",\"created_at\":\"2025-11-21T10:00:"
            "00.000Z\",\"ringing_at\":\"2025-11-21T10:00:00.001Z\",\"answered_at\":\"2025-11-21T10:"
            "00:00.002Z\",\"ended_at\":\"2025-11-21T10:00:00.003Z\",\"duration_ms\":1,"
            "\"end_reason\":\"user_hangup\",\"ended_by\":\"@a:hs\"},\"participants\":[{\"user_id\":"
            "\"@a:hs\",\"role\":\"caller\",\"joined_at\":\"2025-11-21T10:00:00.000Z\",\"left_at\":"
            "\"2025-11-21T10:00:05.000Z\"},{\"user_id\":\"@\\\"b:hs\",\"role\":\"callee\","
            "\"joined_at\":null,\"left_at\":null}],\"participants_more\":7}" },
        { "nothing is set", { .type = "call.started", .call = &bare },
            "{\"version\":1,\"id\":\"n1\",\"type\":\"call.started\",\"at\":null,\"call\":{\"id\":"
            "\"id\",\"kind\":\"rtc\",\"room_id\":\"!r:hs\",\"call_id\":\"m.call#ROOM\",\"status\":"
            "\"active\",\"media\":null,\"direction\":null,\"group\":false,\"caller\":null,"
            "\"callee\":null,\"created_at\":null,\"ringing_at\":null,\"answered_at\":null,"
            "\"ended_at\":null,\"duration_ms\":null,\"end_reason\":null,\"ended_by\":null},"
            "\"participants\":[],\"participants_more\":0}" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CLEANUP(buf_finish) struct buf b;
        buf_init(&b, 0);
        store_news_write(&b, "n1", &r->news);
        CHECK_ERR(OK, buf_check(&b));
        CHECK_STR(r->want, buf_str(&b));
    }
}

TEST(store_news, call_a_receiver_by_a_digest_of_its_url) {
    char one[STORE_RECEIVER_SIZE];
    char two[STORE_RECEIVER_SIZE];
    store_news_receiver("https://example.com/?token=a", one);
    store_news_receiver("https://example.com/?token=b", two);
    CHECK_STR("ca978112ca1bbdca", (store_news_receiver("a", two), two)); /* SHA-256 of "a" */
    CHECK_INT(STORE_RECEIVER_SIZE - 1, strlen(one));
    CHECK(strcmp(one, two) != 0);
}
