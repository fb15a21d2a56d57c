/* Numbers as a listener sees them: no gap of ours, every gap of the publisher's. */
#include "test.h"

#include "rtc/renumber.h"

/* A step: 'm' maps to `out` (-1 = refused), 'd' drops, 's' switches. */
struct step {
    char what;
    int64_t in, out;
};

TEST(rtc_renumber, follows) {
    static const struct {
        const char *name;
        struct step steps[12];
    } rows[] = {
        { "one after the other", { { 's', 100, 0 }, { 'm', 100, 1000 }, { 'm', 101, 1001 } } },
        { "their gaps stay",
            { { 's', 100, 0 }, { 'm', 100, 1000 }, { 'm', 103, 1003 }, { 'm', 101, 1001 } } },
        { "ours close", { { 's', 100, 0 }, { 'm', 100, 1000 }, { 'd', 101, 0 }, { 'd', 102, 0 },
                            { 'm', 103, 1001 }, { 'd', 104, 0 }, { 'm', 105, 1002 } } },
        { "what was dropped is refused",
            { { 's', 100, 0 }, { 'm', 100, 1000 }, { 'd', 101, 0 }, { 'd', 102, 0 },
                { 'm', 103, 1001 }, { 'm', 101, -1 }, { 'm', 102, -1 }, { 'm', 100, 1000 } } },
        { "late ones get what they would have got",
            { { 's', 10, 0 }, { 'm', 10, 1000 }, { 'm', 12, 1002 }, { 'd', 13, 0 },
                { 'm', 14, 1003 }, { 'm', 11, 1001 } } },
        { "a drop that comes late leaves its gap",
            { { 's', 10, 0 }, { 'm', 10, 1000 }, { 'm', 12, 1002 }, { 'd', 11, 0 },
                { 'm', 13, 1003 } } },
        { "a drop behind a gap of theirs", { { 's', 10, 0 }, { 'm', 10, 1000 }, { 'd', 15, 0 },
                                               { 'm', 16, 1005 }, { 'm', 12, 1002 } } },
        { "a switch goes on", { { 's', 10, 0 }, { 'm', 10, 1000 }, { 's', 65000, 0 },
                                  { 'm', 65000, 1001 }, { 'm', 65002, 1003 } } },
        { "before the switch is another's", { { 's', 10, 0 }, { 'm', 10, 1000 }, { 's', 500, 0 },
                                                { 'm', 499, -1 }, { 'm', 500, 1001 } } },
        { "to a lower number", { { 's', 500, 0 }, { 'm', 500, 1000 }, { 'm', 501, 1001 },
                                   { 's', 3, 0 }, { 'm', 3, 1002 } } },
        { "drops from the first on", { { 's', 10, 0 }, { 'd', 10, 0 }, { 'd', 11, 0 },
                                         { 'm', 12, 1000 }, { 'm', 11, -1 } } },
        { "a switch to nothing, then back", { { 's', 10, 0 }, { 'm', 10, 1000 }, { 's', 50, 0 },
                                                { 's', 20, 0 }, { 'm', 20, 1001 } } },
    };
    FOR_ROWS (rows, r) {
        struct rtc_renumber n;
        int64_t out, in;
        bool past;
        ROW(r->name);
        rtc_renumber_init(&n, 1000);
        CHECK(!rtc_renumber_map(&n, 5, &out)); /* nothing began yet */
        for (const struct step *s = r->steps; s->what != 0; s++) {
            if (s->what == 's') {
                rtc_renumber_switch(&n, s->in);
            } else if (s->what == 'd') {
                rtc_renumber_drop(&n, s->in);
            } else {
                CHECK_INT(s->out >= 0, rtc_renumber_map(&n, s->in, &out));
                CHECK(s->out < 0 || out == s->out);
                CHECK(s->out < 0 || (rtc_renumber_back(&n, s->out, &in, &past) && in == s->in));
            }
        }
    }
}

TEST(rtc_renumber, finds_the_way_back) {
    struct rtc_renumber n;
    int64_t out, in;
    bool past;
    rtc_renumber_init(&n, 0);
    rtc_renumber_switch(&n, 100);
    for (int64_t i = 100; i < 130; i++) {
        if (i % 3 == 0) {
            rtc_renumber_drop(&n, i);
        } else {
            CHECK(rtc_renumber_map(&n, i, &out));
            CHECK(rtc_renumber_back(&n, out, &in, &past) && in == i && !past);
        }
    }
    for (int64_t i = 100, o = 0; i < 130; i++) {
        if (i % 3 != 0) {
            CHECK(rtc_renumber_back(&n, o, &in, &past) && in == i && !past);
            o++;
        }
    }
    CHECK(!rtc_renumber_back(&n, out + 1, &in, &past)); /* not sent yet */
    CHECK(!rtc_renumber_back(&n, -1, &in, &past));
}

/* Late packets of the stream before a switch, and of the one before that. */
TEST(rtc_renumber, knows_the_stream_before_the_switch) {
    struct rtc_renumber n;
    int64_t out, in;
    bool past;
    rtc_renumber_init(&n, 50);
    rtc_renumber_switch(&n, 100);
    CHECK(!rtc_renumber_map_past(&n, 100, &out)); /* there was none before */
    CHECK(rtc_renumber_map(&n, 100, &out) && out == 50);
    rtc_renumber_drop(&n, 101);
    CHECK(rtc_renumber_map(&n, 104, &out) && out == 53); /* 102 and 103 are late */
    rtc_renumber_switch(&n, 7);
    CHECK(rtc_renumber_map(&n, 7, &out) && out == 54);
    static const struct {
        const char *name;
        int64_t in, out; /* out -1: none */
    } rows[] = { { "before it began", 99, -1 }, { "the first", 100, 50 }, { "left out", 101, -1 },
        { "late", 103, 52 }, { "the newest", 104, 53 }, { "not sent before the switch", 105, -1 } };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->out >= 0, rtc_renumber_map_past(&n, r->in, &out));
        CHECK(r->out < 0 || out == r->out);
        CHECK(r->out < 0 || (rtc_renumber_back(&n, r->out, &in, &past) && in == r->in && past));
    }
    CHECK(rtc_renumber_back(&n, 54, &in, &past) && in == 7 && !past);
    rtc_renumber_switch(&n, 300);
    CHECK(rtc_renumber_map(&n, 300, &out) && out == 55);
    CHECK(rtc_renumber_back(&n, 54, &in, &past) && in == 7 && past);
    CHECK(!rtc_renumber_back(&n, 53, &in, &past)); /* two switches ago */
    CHECK(!rtc_renumber_map_past(&n, 103, &out));
}

TEST(rtc_renumber, refuses_what_is_older_than_its_marks) {
    struct rtc_renumber n;
    int64_t out = 0;
    rtc_renumber_init(&n, 0);
    rtc_renumber_switch(&n, 0);
    for (int64_t i = 0; i < 4 * RTC_RENUMBER_MARKS; i += 2) {
        CHECK(rtc_renumber_map(&n, i, &out) && out == i / 2);
        rtc_renumber_drop(&n, i + 1);
    }
    int64_t newest = 4 * RTC_RENUMBER_MARKS - 2;
    for (int64_t i = 0; i <= newest; i += 2) {
        bool kept = newest - i < 2 * (RTC_RENUMBER_MARKS - 1);
        CHECK_INT(kept, rtc_renumber_map(&n, i, &out));
        CHECK(!kept || out == i / 2);
    }
}
