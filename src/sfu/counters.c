/* A table of counters. */
#include "sfu/counters.h"

#include "core/mem.h"
#include "core/metrics.h"
#include "sfu/worker.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>

enum part { MEDIA, OUT, SFU };

struct row {
    struct metric metric;
    enum part part;
    size_t at; /* of a uint64_t in that part's struct */
};

#define ROW(kind, name, help, part, type, field)                                                   \
    { METRIC_INIT(METRIC_KIND_##kind, name, "", help), part, offsetof(struct type, field) }
#define MEDIA_ROW(name, help, field) ROW(COUNTER, name, help, MEDIA, media_worker_stats, field)
#define OUT_ROW(name, help, field)   ROW(COUNTER, name, help, OUT, media_outbox_stats, field)
#define SFU_ROW(name, help, field)   ROW(COUNTER, name, help, SFU, sfu_worker_stats, field)

static struct row rows[] = {
    MEDIA_ROW("parley_media_received_packets_total", "Datagrams that came, of any kind.", packets),
    MEDIA_ROW("parley_media_received_bytes_total", "Their bytes, without IP and UDP.", bytes),
    ROW(SECONDS, "parley_media_busy_seconds_total",
        "Time of the workers in turns: a second in a second is one core.", MEDIA,
        media_worker_stats, busy_us),
    OUT_ROW("parley_media_sent_packets_total", "Packets to clients, of any kind.", packets),
    OUT_ROW("parley_media_sent_bytes_total", "Their bytes, without IP and UDP.", bytes),
    MEDIA_ROW("parley_media_unsent_packets_total",
        "Packets that the system did not take: a full buffer, no route, a firewall.", unsent),
    OUT_ROW("parley_media_pathless_packets_total", "Packets to clients that are away.", no_path),
    OUT_ROW(
        "parley_media_unsealed_packets_total", "Packets that could not be encrypted.", unsealed),
    SFU_ROW("parley_media_forwarded_packets_total", "Packets of tracks to listeners.", forwarded),
    SFU_ROW("parley_media_resent_packets_total", "Packets that were asked for again.", resent),
    SFU_ROW("parley_media_unknown_resends_total",
        "Packets that were asked for again and are not kept any more.", unknown_resends),
    SFU_ROW(
        "parley_media_padded_packets_total", "Empty packets, to see whether more fits.", padded),
    SFU_ROW("parley_media_asked_again_packets_total",
        "Packets of publishers that did not come and were asked for (NACK).", asked_again),
    SFU_ROW("parley_media_keyframes_asked_total", "Pictures asked of publishers.", keyframes_asked),
    SFU_ROW("parley_media_keyframes_wanted_total", "Pictures that listeners asked for (PLI, FIR).",
        keyframes_wanted),
    SFU_ROW("parley_media_estimates_total",
        "Reports of listeners on how much they can receive (transport-wide feedback, REMB).",
        estimates),
    SFU_ROW("parley_media_estimates_cut_total", "Those after which a listener's room was smaller.",
        estimates_cut),
    SFU_ROW("parley_media_data_sent_total", "Data messages to participants.", data_sent),
    SFU_ROW("parley_media_data_lost_total",
        "Lossy data messages and packets of data tracks without room.", data_lost),
    SFU_ROW("parley_media_failed_messages_total",
        "What could not be done for want of memory, or is not possible.", messages_failed),
};

/* Behind the rows: a metric for each reason to drop a packet, of media/ and then ours. */
enum { ROWS = COUNT_OF(rows), REASONS = (int)MEDIA_DROPS + (int)SFU_DROPS };
static struct metric drops[REASONS];
static char labels[REASONS][40];

static_assert(ROWS + REASONS == SFU_COUNTERS, "all are told");

static const char *reason_name(unsigned i) {
    return i < MEDIA_DROPS ? media_drop_name(i) : sfu_drop_name(i - MEDIA_DROPS);
}

void sfu_counters_register(void) {
    for (unsigned i = 0; i < ROWS; i++) {
        metrics_register(&rows[i].metric);
    }
    for (unsigned i = 0; i < REASONS; i++) {
        struct metric *m = &drops[i];
        snprintf(labels[i], sizeof(labels[i]), "reason=\"%s\"", reason_name(i));
        m->kind = METRIC_KIND_COUNTER;
        m->name = "parley_media_dropped_total";
        m->help = "Packets and data messages that came and were of no use.";
        m->labels = labels[i];
        metrics_register(m);
    }
}

static uint64_t count_of(const struct sfu_worker *w, const struct row *r) {
    const void *parts[] = {
        [MEDIA] = &w->media->stats, [OUT] = media_outbox_stats(w->media->outbox), [SFU] = &w->stats
    };
    return *(const uint64_t *)(const void *)((const char *)parts[r->part] + r->at);
}

static void add(struct sfu_counters *c, unsigned i, struct metric *m, uint64_t count) {
    if (count != c->told[i]) {
        metric_add(m, (int64_t)(count - c->told[i]));
        c->told[i] = count;
    }
}

void sfu_counters_tell(struct sfu_worker *w, int64_t now_us) {
    struct sfu_counters *c = &w->counters;
    if (now_us - c->told_us < SFU_COUNTERS_US) {
        return;
    }
    c->told_us = now_us;
    sfu_load_tell(w, now_us);
    for (unsigned i = 0; i < ROWS; i++) {
        add(c, i, &rows[i].metric, count_of(w, &rows[i]));
    }
    for (unsigned i = 0; i < MEDIA_DROPS; i++) {
        add(c, ROWS + i, &drops[i], w->media->stats.drops[i]);
    }
    for (unsigned i = 0; i < SFU_DROPS; i++) {
        add(c, ROWS + MEDIA_DROPS + i, &drops[MEDIA_DROPS + i], w->stats.drops[i]);
    }
}
