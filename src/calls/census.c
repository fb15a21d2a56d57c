/* Compares each call with what it was when it was loaded.  Thread: main. */
#include "calls/census.h"

#include "calls/session.h"
#include "core/metrics.h"
#include "store/calls.h"

#include <stdio.h>
#include <string.h>

enum kind { LEGACY, RTC, KINDS };
static const char *const kinds[KINDS] = { "legacy", "rtc" };
static const char *const statuses[] = { "ended", "rejected", "missed", "cancelled", "failed" };
#define STATUSES COUNT_OF(statuses)

#define US_PER_MS  1000
#define MS_PER_S   1000
#define LABEL_SIZE 48

#define STARTED(label)                                                                             \
    METRIC_INIT(METRIC_KIND_COUNTER, "parley_calls_started_total", label,                          \
        "Calls that began to be shown: invited, or joined by the first.")
#define LIVE(label)                                                                                \
    METRIC_INIT(METRIC_KIND_GAUGE, "parley_calls_live", label,                                     \
        "Calls that are not over, in the whole database.")
#define SETUP(label)                                                                               \
    METRIC_INIT_PEOPLE("parley_calls_setup_seconds", label,                                        \
        "From a call's beginning to its answer, or until a second user is in.")
#define DURATION(label)                                                                            \
    METRIC_INIT_PEOPLE("parley_calls_duration_seconds", label, "Talking time of calls that ended.")

static struct metric started[KINDS] = { STARTED("kind=\"legacy\""), STARTED("kind=\"rtc\"") };
static struct metric live[KINDS] = { LIVE("kind=\"legacy\""), LIVE("kind=\"rtc\"") };
static struct metric setup[KINDS] = { SETUP("kind=\"legacy\""), SETUP("kind=\"rtc\"") };
static struct metric duration[KINDS] = { DURATION("kind=\"legacy\""), DURATION("kind=\"rtc\"") };
static struct metric finished[KINDS * STATUSES];
static char finished_labels[KINDS * STATUSES][LABEL_SIZE];
METRIC_GAUGE(next_deadline, "parley_calls_next_deadline_timestamp_seconds",
    "When the earliest deadline of a call is, Unix time; 0 = there is none.");

static void register_finished(void) {
    for (size_t i = 0; i < COUNT_OF(finished); i++) {
        if (finished[i].name == NULL) {
            snprintf(finished_labels[i], LABEL_SIZE, "kind=\"%s\",status=\"%s\"",
                kinds[i / STATUSES], statuses[i % STATUSES]);
            finished[i] = (struct metric)METRIC_INIT(METRIC_KIND_COUNTER,
                "parley_calls_finished_total", finished_labels[i], "Calls that are over, by how.");
        }
        metrics_register(&finished[i]);
    }
}

static void register_kinds(struct metric group[KINDS]) {
    for (size_t k = 0; k < KINDS; k++) {
        metrics_register(&group[k]);
    }
}

void call_census_register_metrics(void) {
    register_kinds(live);
    register_kinds(started);
    register_finished();
    register_kinds(setup);
    register_kinds(duration);
    metrics_register(&next_deadline);
}

static void count_finished(const struct call_session *s, enum kind kind) {
    for (size_t i = 0; i < STATUSES; i++) {
        if (strcmp(s->row.status, statuses[i]) == 0) {
            metric_add(&finished[kind * STATUSES + i], 1);
        }
    }
    if (s->row.duration_ms >= 0 && s->row.answered_at != 0) {
        metric_observe_us(&duration[kind], s->row.duration_ms * US_PER_MS);
    }
}

static void count_call(const struct call_session *s) {
    enum kind kind = strcmp(s->row.kind, kinds[RTC]) == 0 ? RTC : LEGACY;
    if (s->before.status == NULL) {
        metric_add(&started[kind], 1);
    }
    if (s->row.answered_at != 0 && !s->before.answered) {
        metric_observe_us(&setup[kind], (s->row.answered_at - s->row.created_at) * US_PER_MS);
    }
    if (call_session_final(s) && !s->before.final) {
        count_finished(s, kind);
    }
}

void call_census_count(const struct call_batch *b) {
    for (const struct call_session *s = b->sessions; s != NULL; s = s->next) {
        if (s->row.status != NULL && !s->row.historic) {
            count_call(s);
        }
    }
}

void call_census_tell(const struct store_calls_outlook *o) {
    metric_set(&live[LEGACY], o->live_legacy);
    metric_set(&live[RTC], o->live_rtc);
}

void call_census_next_deadline(int64_t at) {
    metric_set(&next_deadline, at / MS_PER_S);
}
