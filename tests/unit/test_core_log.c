/* Log lines, read back through a pipe. */
#include "core/log.h"

#include "test.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

static int ends[2];

static void begin(enum log_level least, enum log_format format) {
    CHECK(pipe(ends) == 0);
    log_redirect(ends[1]);
    log_setup(least, format);
}

/* What was written since begin. */
static void end(char *ret, size_t size) {
    log_redirect(STDERR_FILENO);
    close(ends[1]);
    ssize_t n = read(ends[0], ret, size - 1);
    ret[n < 0 ? 0 : n] = '\0';
    close(ends[0]);
}

/* Behind the time, which differs. */
static const char *behind_time(const char *line) {
    const char *level = strstr(line, "level=");
    return level == NULL ? line : level;
}

TEST(core_log, writes_ids_event_and_words) {
    struct log_ctx room;
    struct log_ctx call;
    char got[4096];
    log_ctx_add(&room, NULL, "room", "!r:hs");
    log_ctx_add(&call, &room, "call", "a b");
    begin(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    LOG_DEBUG(&call, "hidden", "n=%d", 1);
    LOG_WARN(&call, "peer_left", "code=%d why=%s", 7, LOG_Q("he said \"no\"\n"));
    LOG_INFO(&log_root, "started", "%s", "");
    end(got, sizeof(got));
    CHECK(strncmp(got, "time=20", 7) == 0);
    CHECK(strstr(got, "hidden") == NULL);
    char *second = strchr(got, '\n');
    CHECK(second != NULL);
    *second++ = '\0';
    CHECK_STR("level=warn room=!r:hs call=\"a b\" event=peer_left code=7 why=\"he said "
              "\\\"no\\\"\\u000a\"",
        behind_time(got));
    CHECK(strstr(second, "level=info event=started") != NULL);
}

TEST(core_log, stays_one_line_whatever_comes) {
    static char long_text[5000];
    char got[8192];
    memset(long_text, 'x', sizeof(long_text) - 1);
    begin(LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
    LOG_DEBUG(&log_root, "odd", "raw=%s", "a\nb\rc\x01");
    LOG_DEBUG(&log_root, "long", "text=%s", long_text);
    end(got, sizeof(got));
    int lines = 0;
    for (const char *p = got; *p != '\0'; p++) {
        lines += *p == '\n';
        CHECK(*p == '\n' || (unsigned char)*p >= 0x20);
    }
    CHECK_INT(2, lines);
    CHECK(strlen(got) < 2200 && got[strlen(got) - 1] == '\n');
}

TEST(core_log, json_says_the_same) {
    char got[4096];
    struct log_ctx ctx;
    log_ctx_add(&ctx, NULL, "user", "@\xC3\xA9 \"x\":hs");
    begin(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    LOG_ERROR(&ctx, "failed", "code=%d text=%s", 3, LOG_Q("a=b \\ c"));
    end(got, sizeof(got));
    json_t *line = json_loads(got, 0, NULL);
    static const char *const want[][2] = { { "level", "error" }, { "user", "@\xC3\xA9 \"x\":hs" },
        { "event", "failed" }, { "code", "3" }, { "text", "a=b \\ c" } };
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        ROW(want[i][0]);
        CHECK_STR(want[i][1], json_string_value(json_object_get(line, want[i][0])));
    }
    CHECK_INT(6, json_object_size(line)); /* and the time */
    json_decref(line);
}

TEST(core_log, quotes_only_where_needed) {
    static const struct {
        const char *name, *in, *want;
    } rows[] = {
        { "plain", "@a:hs", "@a:hs" },
        { "nothing", "", "\"\"" },
        { "no value", NULL, "-" },
        { "space", "a b", "\"a b\"" },
        { "equals", "a=b", "\"a=b\"" },
        { "not UTF-8", "a\xFF", "\"a\\u00ff\"" },
        { "UTF-8", "\xE2\x82\xAC", "\"\xE2\x82\xAC\"" },
        { "DEL", "\x7F", "\"\\u007f\"" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_STR(r->want, log_quote(r->in));
    }
}

TEST(core_log, leaves_out_an_id_that_does_not_fit) {
    struct log_ctx ctx = log_root;
    char id[100];
    memset(id, 'i', sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    for (int i = 0; i < 10; i++) {
        struct log_ctx parent = ctx;
        log_ctx_add(&ctx, &parent, "k", id);
    }
    CHECK_INT(3 * 101 + 2, strlen(ctx.text)); /* three whole ones and the spaces between */
}

TEST(core_log, writes_without_memory) {
    char got[4096];
    begin(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    mem_fail_at(1);
    LOG_INFO(&log_root, "poor", "n=%d", 1);
    mem_fail_at(0);
    end(got, sizeof(got));
    CHECK(strstr(got, "event=poor n=1\n") != NULL); /* as text, which needs none */
}
