/* Sums of figures. Main. */
#include "rooms/measure.h"

#include "core/clock.h"
#include "rooms/census.h"
#include "rooms/directory.h"
#include "rooms/inside.h"

#include <stdio.h>
#include <string.h>

#define US_PER_S INT64_C(1000000)

/* --- adding up --- */

static void add_layer(struct room_measure *x, int8_t layer) {
    x->layer = layer;
    if (layer >= 0) {
        x->least = x->n_layers == 0 || layer < x->least ? layer : x->least;
        x->most = layer > x->most ? layer : x->most;
        x->layers += (uint32_t)layer;
        x->n_layers++;
    }
}

static void add(struct room_measure *x, const struct sfu_stats *s, int64_t now_us) {
    if (x->n == 0) {
        *x = (struct room_measure){ .since_us = now_us - SFU_STATS_US,
            .least = -1,
            .most = -1,
            .paused_us = x->paused_us,
            .worst_mos = s->mos,
            .loudest_dbov = s->loudest_dbov };
    }
    x->n++;
    x->n_came += s->bps > 0 ? 1 : 0;
    x->video = x->video || s->video;
    x->expected += s->expected;
    x->lost += s->lost < s->expected ? s->lost : s->expected;
    x->bits += (int64_t)s->bps * SFU_STATS_US / US_PER_S;
    x->jitter_ms = s->jitter_ms > x->jitter_ms ? s->jitter_ms : x->jitter_ms;
    x->rtt_ms = s->rtt_ms > x->rtt_ms ? s->rtt_ms : x->rtt_ms;
    x->mos += (double)s->mos;
    x->worst_mos = s->mos < x->worst_mos ? s->mos : x->worst_mos;
    if (s->video) {
        add_layer(x, s->layer);
    }
    x->freezes += s->freezes;
    x->freeze_ms += s->freeze_ms;
    x->spoken_ms += s->spoken_ms;
    x->loudest_dbov = s->loudest_dbov > x->loudest_dbov ? s->loudest_dbov : x->loudest_dbov;
}

static void tell(
    struct room_measure *x, const struct room_member *m, const struct room_publication *p) {
    if (x->n > 0) {
        room_tell_measure(m, p, x);
        x->n = 0;
    }
}

static void take(struct room_measure *x, const struct sfu_stats *s, const struct room_member *m,
    const struct room_publication *p) {
    const int64_t now_us = room_directory_now(m->room->directory);
    add(x, s, now_us);
    if (now_us - x->since_us >= ROOM_MEASURE_US) {
        tell(x, m, p);
    }
}

/* The time that it has been paused, up to now. */
static void add_pause(struct room_subscription *d, int64_t now_us) {
    if (d->flow == ROOM_PAUSED) {
        d->measure.paused_us += now_us - d->paused_us;
        d->paused_us = now_us;
    }
}

void room_measure_track(struct room_publication *p, const struct sfu_stats *s) {
    take(&p->measure, s, p->member, p);
}

void room_measure_delivery(struct room_subscription *d, const struct sfu_stats *s) {
    const int64_t now_us = room_directory_now(d->member->room->directory);
    take(&d->member->received, s, d->member, NULL);
    add(&d->measure, s, now_us);
    if (now_us - d->measure.since_us >= ROOM_DELIVERY_US) {
        room_measure_end_delivery(d);
    }
}

void room_measure_pause(struct room_subscription *d, bool paused) {
    const int64_t now_us = room_directory_now(d->member->room->directory);
    add_pause(d, now_us);
    if (paused) {
        d->paused_us = now_us;
    }
}

void room_measure_end_track(struct room_publication *p) {
    tell(&p->measure, p->member, p);
}

void room_measure_end_received(struct room_member *m) {
    tell(&m->received, m, NULL);
}

void room_measure_end_delivery(struct room_subscription *d) {
    add_pause(d, room_directory_now(d->member->room->directory));
    if (d->measure.n > 0) {
        room_tell_delivery(d, &d->measure);
    }
    d->measure = (struct room_measure){ .n = 0 };
}

/* --- badly served --- */

static void on_poor(struct wheel_timer *t, int64_t now_us) {
    struct room_member *m = (struct room_member *)((char *)t - offsetof(struct room_member, poor));
    (void)now_us;
    m->told_poor = true;
    room_census_poor();
    room_tell(ROOM_NEWS_POOR, m->room, m);
}

void room_measure_quality(struct room_member *m) {
    struct room_directory *d = m->room->directory;
    if (m->quality == SFU_QUALITY_POOR || m->quality == SFU_QUALITY_LOST) {
        if (!m->told_poor && !wheel_is_armed(&m->poor)) {
            room_timer_arm(d, &m->poor, ROOM_POOR_US, on_poor);
        }
        return;
    }
    room_timer_disarm(d, &m->poor);
    if (m->told_poor) {
        m->told_poor = false;
        room_tell(ROOM_NEWS_RECOVERED, m->room, m);
    }
}

/* --- relay or direct --- */

void room_measure_path(struct room_member *m, enum room_way way, const char *remote) {
    snprintf(m->transports[way].remote, sizeof(m->transports[way].remote), "%s", remote);
}

/* As the SFU writes it (sfu_event): a relay's own address is what we see. */
static void write_remote(const struct rtc_addr *a, char ret[SFU_REMOTE_MAX]) {
    char ip[RTC_ADDR_TEXT_SIZE];
    rtc_addr_write_ip(a, ip);
    snprintf(ret, SFU_REMOTE_MAX, rtc_addr_is_v4(a) ? "%s:%u%s" : "[%s]:%u%s", ip, a->port,
        a->tcp ? "/tcp" : "");
}

void room_relay_add(struct room_member *m, const struct rtc_addr *relay) {
    char text[SFU_REMOTE_MAX];
    write_remote(relay, text);
    for (unsigned i = 0; i < m->n_relays; i++) {
        if (strcmp(m->relays[i], text) == 0) {
            return;
        }
    }
    if (m->n_relays == ROOM_RELAYS_MAX) { /* the oldest: each restart of ICE brings new ones */
        memmove(m->relays[0], m->relays[1], sizeof(m->relays) - sizeof(m->relays[0]));
        m->n_relays--;
    }
    memcpy(m->relays[m->n_relays++], text, sizeof(text));
}

bool room_is_relayed(const struct room_member *m, enum room_way way) {
    const char *remote = m->transports[m->single ? ROOM_ONLY : way].remote;
    bool relayed = false;
    for (unsigned i = 0; i < m->n_relays; i++) {
        relayed = relayed || strcmp(m->relays[i], remote) == 0;
    }
    return relayed;
}
