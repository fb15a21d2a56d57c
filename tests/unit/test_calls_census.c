/* What is counted of a call, from what it was before a batch and what it is after. */
#include "calls/census.h"

#include "calls/session.h"
#include "core/metrics.h"
#include "store/calls.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGAN INT64_C(1700000000000)

/* The value of a line of the page; -1 when it is not there. */
static double value_of(const char *name) {
    CLEANUP(buf_finish) struct buf b;
    char needle[160];
    buf_init(&b, 0);
    metrics_print(&b);
    snprintf(needle, sizeof(needle), "\n%s ", name);
    const char *at = strstr(buf_str(&b), needle);
    return at == NULL ? -1 : strtod(at + strlen(needle), NULL);
}

struct moment {
    const char *status;
    enum call_state state;
    int64_t answered_at;
};

static struct call_session session_of(
    const char *kind, const struct moment *before, const struct moment *after) {
    return (struct call_session){ .row = { .kind = kind,
                                      .status = after->status,
                                      .created_at = BEGAN,
                                      .answered_at = after->answered_at,
                                      .duration_ms = -1 },
        .state = after->state,
        .before = { before->status, before->answered_at != 0, before->state == CALL_ENDED } };
}

#define NOTHING                                                                                    \
    { NULL, CALL_NONE, 0 }
#define RINGS                                                                                      \
    { "ringing", CALL_RINGING, 0 }
#define TALKS                                                                                      \
    { "active", CALL_ACTIVE, BEGAN + 7000 }
#define ENDED                                                                                      \
    { "ended", CALL_ENDED, BEGAN + 7000 }

TEST(calls_census, counts_what_changed) {
    static const struct {
        const char *name;
        const char *kind;
        struct moment before, after;
        const char *metric;
        int more;
    } rows[] = {
        { "begins", "legacy", NOTHING, RINGS, "parley_calls_started_total{kind=\"legacy\"}", 1 },
        { "begins, rtc", "rtc", NOTHING, TALKS, "parley_calls_started_total{kind=\"rtc\"}", 1 },
        { "other kind", "rtc", NOTHING, TALKS, "parley_calls_started_total{kind=\"legacy\"}", 0 },
        { "goes on", "legacy", RINGS, RINGS, "parley_calls_started_total{kind=\"legacy\"}", 0 },
        { "stub", "legacy", NOTHING, NOTHING, "parley_calls_started_total{kind=\"legacy\"}", 0 },
        { "answered", "legacy", RINGS, TALKS, "parley_calls_setup_seconds_count{kind=\"legacy\"}",
            1 },
        { "talks on", "legacy", TALKS, TALKS, "parley_calls_setup_seconds_count{kind=\"legacy\"}",
            0 },
        { "ends", "legacy", TALKS, ENDED,
            "parley_calls_finished_total{kind=\"legacy\",status=\"ended\"}", 1 },
        { "ended before", "legacy", ENDED, ENDED,
            "parley_calls_finished_total{kind=\"legacy\",status=\"ended\"}", 0 },
        { "ends otherwise", "legacy", TALKS, ENDED,
            "parley_calls_finished_total{kind=\"legacy\",status=\"missed\"}", 0 },
    };
    call_census_register_metrics();
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct call_session s = session_of(r->kind, &r->before, &r->after);
        struct call_batch b = { .sessions = &s };
        double had = value_of(r->metric);
        call_census_count(&b);
        CHECK_INT(had + r->more, value_of(r->metric));
        s.row.historic = true;
        call_census_count(&b);
        CHECK_INT(had + r->more, value_of(r->metric));
    }
}

TEST(calls_census, counts_each_way_to_end) {
    static const char *const rows[] = { "ended", "rejected", "missed", "cancelled", "failed" };
    call_census_register_metrics();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char name[80];
        const struct moment before = RINGS;
        const struct moment after = { rows[i], CALL_ENDED, 0 };
        ROW(rows[i]);
        snprintf(
            name, sizeof(name), "parley_calls_finished_total{kind=\"rtc\",status=\"%s\"}", rows[i]);
        struct call_session s = session_of("rtc", &before, &after);
        struct call_batch b = { .sessions = &s };
        double had = value_of(name);
        call_census_count(&b);
        CHECK_INT(had + 1, value_of(name));
    }
}

TEST(calls_census, measures_ringing_and_talking) {
    static const struct moment before = NOTHING;
    static const struct moment after = ENDED;
    struct call_session s = session_of("rtc", &before, &after);
    struct call_batch b = { .sessions = &s };
    s.row.duration_ms = 90000;
    call_census_register_metrics();
    double setup = value_of("parley_calls_setup_seconds_sum{kind=\"rtc\"}");
    double talk = value_of("parley_calls_duration_seconds_sum{kind=\"rtc\"}");
    call_census_count(&b);
    CHECK_INT(setup + 7, value_of("parley_calls_setup_seconds_sum{kind=\"rtc\"}"));
    CHECK_INT(talk + 90, value_of("parley_calls_duration_seconds_sum{kind=\"rtc\"}"));
}

TEST(calls_census, tells_what_the_database_told) {
    call_census_register_metrics();
    call_census_tell(&(struct store_calls_outlook){ .live_legacy = 4, .live_rtc = 5 });
    call_census_next_deadline(BEGAN);
    CHECK_INT(4, value_of("parley_calls_live{kind=\"legacy\"}"));
    CHECK_INT(5, value_of("parley_calls_live{kind=\"rtc\"}"));
    CHECK_INT(BEGAN / 1000, value_of("parley_calls_next_deadline_timestamp_seconds"));
}
