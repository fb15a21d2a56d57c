/* Tables of metrics. Main. */
#include "rooms/census.h"

#include "core/mem.h"
#include "core/metrics.h"

#define US_PER_MS INT64_C(1000)

METRIC_GAUGE(members, "parley_media_members", "Participants of live media rooms.");
METRIC_GAUGE(tracks, "parley_media_tracks", "Tracks that are published.");
METRIC_GAUGE(
    subscriptions, "parley_media_subscriptions", "Tracks that are sent to somebody, each time.");
METRIC_COUNTER(joins, "parley_media_joins_total", "Participants that came into a room.");
METRIC_COUNTER(
    connected, "parley_media_connected_total", "Participants whose media connection stood.");
METRIC_COUNTER(
    paused, "parley_media_paused_total", "Times that a video was stopped for want of room.");
METRIC_COUNTER(
    poor, "parley_media_poor_total", "Participants that were badly connected for a while.");
METRIC_COUNTER(
    freezes, "parley_media_freezes_total", "Times that a picture on its way to somebody stood.");
static struct metric frozen = METRIC_INIT(METRIC_KIND_SECONDS, "parley_media_frozen_seconds_total",
    "", "How long pictures stood, together.");

#define QUALITY(name)                                                                              \
    METRIC_INIT(METRIC_KIND_GAUGE, "parley_media_quality", "quality=\"" name "\"",                 \
        "Participants by the quality of their connection.")
static struct metric qualities[] = {
    [SFU_QUALITY_POOR] = QUALITY("poor"),
    [SFU_QUALITY_GOOD] = QUALITY("good"),
    [SFU_QUALITY_EXCELLENT] = QUALITY("excellent"),
    [SFU_QUALITY_LOST] = QUALITY("lost"),
};

#define REASON(name)                                                                               \
    METRIC_INIT(METRIC_KIND_COUNTER, "parley_media_left_total", "reason=\"" name "\"",             \
        "Participants that are gone, by why.")
static struct metric left[ROOM_REASONS] = {
    [ROOM_LEFT] = REASON("left"),
    [ROOM_REPLACED] = REASON("replaced"),
    [ROOM_SHUTDOWN] = REASON("shutdown"),
    [ROOM_REMOVED] = REASON("removed"),
    [ROOM_DELETED] = REASON("room_deleted"),
    [ROOM_MISMATCH] = REASON("mismatch"),
    [ROOM_NEVER_ACTIVE] = REASON("never_connected"),
    [ROOM_SIGNAL_LOST] = REASON("signal_lost"),
    [ROOM_CLOSED] = REASON("room_closed"),
    [ROOM_MEDIA_LOST] = REASON("media_lost"),
    [ROOM_MEDIA_FAILED] = REASON("media_failed"),
};

/* Both ways: to us, and from us. */
enum { IN, OUT };
#define WAYS(name, help)                                                                           \
    {                                                                                              \
        [IN] = METRIC_INIT(METRIC_KIND_COUNTER, name, "way=\"in\"", help),                         \
        [OUT] = METRIC_INIT(METRIC_KIND_COUNTER, name, "way=\"out\"", help),                       \
    }
static struct metric expected[] = WAYS("parley_media_expected_packets_total",
    "Packets of tracks that should have come to us, and to listeners as they report.");
static struct metric lost[] =
    WAYS("parley_media_lost_packets_total", "Those of them that did not, resends left out.");

static void register_all(struct metric *row, size_t n) {
    for (size_t i = 0; i < n; i++) {
        metrics_register(&row[i]);
    }
}

void room_census_register(void) {
    struct metric *const single[] = { &members, &tracks, &subscriptions, &joins, &connected,
        &paused, &poor, &freezes, &frozen };
    for (size_t i = 0; i < COUNT_OF(single); i++) {
        metrics_register(single[i]);
    }
    register_all(qualities, COUNT_OF(qualities));
    register_all(left, COUNT_OF(left));
    register_all(expected, COUNT_OF(expected));
    register_all(lost, COUNT_OF(lost));
}

void room_census_came(void) {
    metric_add(&members, 1);
    metric_add(&joins, 1);
}

void room_census_connected(void) {
    metric_add(&connected, 1);
}

void room_census_went(const struct room_member *m) {
    metric_add(&members, -1);
    metric_add(&left[m->reason], 1);
    if (m->mos > 0) {
        metric_add(&qualities[m->quality], -1);
    }
}

void room_census_track(int more) {
    metric_add(&tracks, more);
}

void room_census_subscription(int more) {
    metric_add(&subscriptions, more);
}

void room_census_paused(void) {
    metric_add(&paused, 1);
}

void room_census_poor(void) {
    metric_add(&poor, 1);
}

void room_census_quality(const struct room_member *m, enum sfu_quality before, float mos_before) {
    if (mos_before > 0) {
        metric_add(&qualities[before], -1);
    }
    metric_add(&qualities[m->quality], 1);
}

void room_census_stats(const struct sfu_stats *s) {
    const int way = s->published ? IN : OUT;
    metric_add(&expected[way], s->expected);
    metric_add(&lost[way], s->lost < s->expected ? s->lost : s->expected);
    metric_add(&freezes, s->freezes);
    metric_add(&frozen, s->freeze_ms * US_PER_MS);
}
