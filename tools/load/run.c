/* A turn a millisecond: what came, what is due, what was asked. */
#include "run.h"

#include "client.h"
#include "core/clock.h"
#include "core/mem.h"
#include "door.h"
#include "intake.h"
#include "livekit/keys.h"
#include "result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Between two looks of each kind, when nobody joins. While somebody does, turns are shorter, and
 * sockets are looked at in every one: a handshake has many steps. */
#define TURN_US    1000
#define EAGER_US   200
#define RECEIVE_US 4000 /* the kernel notes when packets came */
#define TICK_US    10000
#define SIGNALS_US 20000
#define KEEP_US    50000
#define HASTE_US   5000 /* instead of TICK_US and KEEP_US, while somebody joins */

#define JOINING_MOST                                                                               \
    8 /* clients at once: more would wait for each other, and their joins be slow */
#define GOODBYE_US (SEC_US / 5)

enum phase { JOINING, WAITING, SETTLING, MEASURING, DRAINING, LEAVING, OVER };

struct run {
    const struct load_options *o;
    struct load_shared shared;
    struct load_client *clients;
    size_t n, joined, senders;
    enum phase phase;
    int64_t until_us; /* when the phase ends, or has failed */
    int64_t turn_us, receive_us, tick_us, keep_us, signals_us;
    struct load_result result;
};

static bool sends(const struct run *r, size_t i) {
    return i < r->o->publishers + r->o->members;
}

static bool listens(const struct run *r, size_t i) {
    return i >= r->o->publishers;
}

/* Tracks that client `i` hears when all is well. */
static size_t due(const struct run *r, size_t i) {
    size_t each = (size_t)r->o->audio + r->o->video;
    return listens(r, i) ? (r->senders - sends(r, i)) * each : 0;
}

/* --- the figures --- */

static uint64_t sent_to_all(const struct run *r) {
    uint64_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        size_t listeners = r->o->members + r->o->subscribers - (sends(r, i) && listens(r, i));
        for (size_t k = 0; k < r->clients[i].n_tracks; k++) {
            const struct peer_source *s = r->clients[i].tracks[k].source;
            n += s == NULL ? 0 : peer_source_stats(s)->packets * listeners;
        }
    }
    return n;
}

static struct load_mark mark(const struct run *r) {
    struct load_mark m = { .at_us = clock_mono_us(),
        .server_ns = r->o->pid == 0 ? -1 : load_process_ns((pid_t)r->o->pid),
        .own_ns = load_process_ns(0),
        .expected = sent_to_all(r),
        .received = r->shared.received,
        .net = load_net_stats(r->shared.net) };
    for (size_t i = 0; i < r->n; i++) {
        for (size_t k = 0; k < r->clients[i].n_sinks; k++) {
            m.missing += peer_sink_missing(&r->clients[i].sinks[k].sink);
            m.faults += peer_sink_faults(&r->clients[i].sinks[k].sink);
        }
    }
    return m;
}

static void sum_up(struct run *r) {
    struct load_result *res = &r->result;
    for (size_t i = 0; i < r->n; i++) {
        const struct load_client *c = &r->clients[i];
        for (size_t k = 0; k < c->n_sinks; k++) {
            const struct peer_sink *s = &c->sinks[k].sink;
            res->wrong += s->stats.wrong;
            res->back += s->stats.back;
            res->picture_back += s->stats.picture_back;
            res->not_key += s->stats.not_key;
            res->recovered += s->stats.recovered;
            res->duplicates += s->stats.duplicates;
            res->reports += s->stats.reports;
        }
        res->streams += due(r, i);
        for (size_t k = 0; k < c->n_tracks; k++) {
            const struct peer_source *s = c->tracks[k].source;
            res->resent += s == NULL ? 0 : peer_source_stats(s)->resent;
            res->keys_asked += s == NULL ? 0 : peer_source_stats(s)->keys_asked;
        }
        if (c->met_tracks && due(r, i) > 0 && c->first_us != 0) {
            load_samples_add(&res->join, c->first_us - c->begun_us);
        }
    }
    res->last = mark(r);
    res->opened = r->shared.opened;
    res->forged = r->shared.forged;
    res->strangers = r->shared.strangers;
    res->rtcp = r->shared.rtcp;
    res->late = r->shared.late;
}

/* --- phases --- */

static bool is_complete(const struct run *r, size_t i) {
    const struct load_client *c = &r->clients[i];
    return load_client_is_publishing(c) && load_client_hears(c) >= due(r, i) &&
           (due(r, i) > 0 || c->n_tracks > 0 || load_client_is_open(c));
}

/* Those who wait for tracks of somebody who comes after them are not counted as joining. */
static bool is_joining(const struct run *r, size_t i) {
    const struct load_client *c = &r->clients[i];
    return !load_client_is_publishing(c) || !load_client_is_open(c) ||
           (c->met_tracks && due(r, i) > 0 && load_client_hears(c) == 0);
}

static size_t joining(const struct run *r) {
    size_t n = 0;
    for (size_t i = 0; i < r->joined; i++) {
        n += is_joining(r, i);
    }
    return n;
}

static const char *openness(const struct load_link *l) {
    return l->peer != NULL && peer_connection_is_open(l->peer) ? "open" : "not open";
}

static enum err too_late(const struct run *r, size_t i) {
    const struct load_client *c = &r->clients[i];
    return err_set(ERR_TIMEOUT,
        "%s: connections %s and %s, publishes %s, hears %zu tracks of %zu, knows of %zu, was "
        "offered "
        "%zu",
        c->name, openness(&c->pub), openness(&c->sub),
        load_client_is_publishing(c) ? "all" : "not all", load_client_hears(c), due(r, i),
        c->n_sids, c->n_sinks);
}

static enum err join_due(struct run *r, int64_t now) {
    if (r->joined == r->n) {
        r->phase = WAITING;
        r->until_us = now + r->o->wait_s * SEC_US;
        return OK;
    }
    if (now >= r->until_us && joining(r) < JOINING_MOST) {
        r->until_us = now + r->o->join_every_ms * INT64_C(1000);
        return load_client_join(&r->clients[r->joined++]);
    }
    for (size_t i = 0; i < r->joined && now >= r->until_us + r->o->wait_s * SEC_US; i++) {
        if (is_joining(r, i)) {
            return too_late(r, i);
        }
    }
    return OK;
}

static enum err wait_for_all(struct run *r, int64_t now) {
    for (size_t i = 0; i < r->n; i++) {
        if (!is_complete(r, i)) {
            return now < r->until_us ? OK : too_late(r, i);
        }
    }
    r->phase = SETTLING;
    r->until_us = now + r->o->settle_ms * INT64_C(1000);
    return OK;
}

static void go_on(struct run *r, int64_t now) {
    switch (r->phase) {
    case SETTLING:
        r->result.kib_joined = load_process_kib((pid_t)r->o->pid);
        r->result.from = mark(r);
        r->shared.measuring = true;
        r->phase = MEASURING;
        r->until_us = now + r->o->seconds * SEC_US;
        break;
    case MEASURING:
        r->shared.measuring = false;
        r->result.to = mark(r);
        r->result.kib_end = load_process_kib((pid_t)r->o->pid);
        for (size_t i = 0; i < r->n; i++) {
            load_client_mute(&r->clients[i]);
        }
        r->phase = DRAINING;
        r->until_us = now + r->o->drain_ms * INT64_C(1000);
        break;
    case DRAINING:
        sum_up(r);
        for (size_t i = 0; i < r->n; i++) {
            load_client_leave(&r->clients[i]);
        }
        r->phase = LEAVING;
        r->until_us = now + GOODBYE_US;
        break;
    default:
        r->phase = OVER;
        break;
    }
}

static enum err step(struct run *r, int64_t now) {
    for (size_t i = 0; i < r->joined; i++) {
        if (r->clients[i].state == LOAD_FAILED) {
            return err_set(ERR_UNREACHABLE, "%s: %s", r->clients[i].name, r->clients[i].why);
        }
    }
    if (r->phase == JOINING) {
        return join_due(r, now);
    }
    if (r->phase == WAITING) {
        return wait_for_all(r, now);
    }
    if (now >= r->until_us) {
        go_on(r, now);
    }
    return OK;
}

/* --- turns --- */

static bool is_eager(const struct run *r) {
    return r->phase == JOINING || r->phase == WAITING;
}

static void turn(struct run *r) {
    int64_t before = r->shared.now_us;
    int64_t now = r->shared.now_us = clock_mono_us();
    if (r->phase == MEASURING && now - before > r->result.stall_us) {
        r->result.stall_us = now - before;
    }
    if (is_eager(r) || now >= r->receive_us) {
        r->receive_us = now + RECEIVE_US;
        load_net_receive(r->shared.net, now);
    }
    if (is_eager(r) || r->phase == LEAVING || now >= r->signals_us) {
        r->signals_us = now + SIGNALS_US;
        load_signals_turn(r->shared.signals);
    }
    now = r->shared.now_us = clock_mono_us();
    for (size_t i = 0; i < r->joined && i < r->senders; i++) {
        load_client_send(&r->clients[i]);
    }
    if (now >= r->tick_us) {
        r->tick_us = now + (is_eager(r) ? HASTE_US : TICK_US);
        for (size_t i = 0; i < r->joined; i++) {
            load_client_tick(&r->clients[i]);
        }
    }
    if (now >= r->keep_us) {
        r->keep_us = now + (is_eager(r) ? HASTE_US : KEEP_US);
        for (size_t i = 0; i < r->joined; i++) {
            load_client_keep(&r->clients[i]);
        }
    }
    load_net_flush(r->shared.net);
}

static int64_t sooner(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t next_due(const struct run *r) {
    int64_t next = sooner(sooner(r->receive_us, r->signals_us), sooner(r->tick_us, r->keep_us));
    for (size_t i = 0; i < r->joined && i < r->senders; i++) {
        next = sooner(next, load_client_next_us(&r->clients[i]));
    }
    return next;
}

static void sleep_until_turn(struct run *r) {
    int64_t now = clock_mono_us();
    r->turn_us += is_eager(r) ? EAGER_US : TURN_US;
    if (!is_eager(r)) {
        int64_t due = next_due(r);
        r->turn_us = r->turn_us < due ? due : r->turn_us;
    }
    r->turn_us = r->turn_us < now ? now : r->turn_us;
    struct timespec t = { r->turn_us / SEC_US, r->turn_us % SEC_US * 1000 };
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* --- life --- */

static enum err read_keys(const struct load_options *o, struct lk_keys **ret) {
    const char *secret = getenv(LOAD_SECRET_VARIABLE);
    struct lk_keys_source keys = { .key = o->key,
        .secret = o->secret_file != NULL || secret == NULL ? "" : secret,
        .key_from_file = "",
        .secret_from_file = o->secret_file == NULL ? "" : o->secret_file,
        .key_file = "" };
    return lk_keys_create(&keys, ret);
}

static enum err prepare(struct run *r) {
    const struct load_options *o = r->o;
    struct load_shared *s = &r->shared;
    struct load_url url;
    TRY(load_url_read(o->url, &url));
    *s = (struct load_shared){ .door = load_door_find(o->door),
        .room = o->room,
        .silent = o->publishers + o->members == 0 || !(o->audio || o->video),
        .next_ssrc = 1000,
        .profile = (uint16_t)o->profile,
        .audio_payload = (uint16_t)o->audio_payload,
        .video_payload = (uint16_t)o->video_payload,
        .video_packets = (uint16_t)o->video_packets,
        .frame_us = o->frame_us,
        .sample = o->sample,
        .burst = o->burst };
    if (s->door == NULL) {
        return err_set(ERR_INVALID, "'%s' is no door; see --help", o->door);
    }
    if (s->door->keyed) {
        TRY(read_keys(o, &s->keys));
    }
    r->n = o->publishers + o->members + o->subscribers;
    r->senders = o->publishers + o->members;
    s->links = mem_zalloc(2 * r->n * sizeof(struct load_link *));
    r->clients = mem_zalloc(r->n * sizeof(*r->clients));
    if (s->links == NULL || r->clients == NULL) {
        return err_set(ERR_NOMEM, "no memory for clients");
    }
    TRY(load_net_create(o->gro, o->lose, load_intake_take, s, &s->net));
    TRY(load_signals_create(&url, &s->signals));
    TRY(rtc_dtls_ctx_create(&s->dtls));
    TRY(rtc_seal_create(NULL, &s->seal));
    for (size_t i = 0; i < r->n; i++) {
        TRY(load_client_init(
            &r->clients[i], s, (unsigned)i, sends(r, i) && o->audio, sends(r, i) && o->video));
        r->clients[i].deaf = s->silent || !listens(r, i);
    }
    return OK;
}

static enum err go(struct run *r) {
    TRY(prepare(r));
    r->result.kib_before = load_process_kib((pid_t)r->o->pid);
    r->turn_us = clock_mono_us();
    while (r->phase != OVER) {
        turn(r);
        TRY(step(r, r->shared.now_us));
        sleep_until_turn(r);
    }
    return OK;
}

enum err load_run(const struct load_options *o, struct buf *out) {
    struct run r = { .o = o };
    enum err e = go(&r);
    if (e == OK) {
        load_result_write(&r.result, o, out);
    }
    for (size_t i = 0; r.clients != NULL && i < r.n; i++) {
        load_client_finish(&r.clients[i]);
    }
    load_signals_destroy(r.shared.signals);
    load_net_destroy(r.shared.net);
    rtc_seal_destroy(r.shared.seal);
    rtc_dtls_ctx_destroy(r.shared.dtls);
    lk_keys_destroy(r.shared.keys);
    load_samples_finish(&r.shared.late);
    load_samples_finish(&r.result.join);
    mem_free(r.clients);
    mem_free(r.shared.links);
    return e;
}
