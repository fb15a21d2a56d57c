/* By whom and by what. */
#include "ears.h"

#include "unit/test.h"

#include <string.h>

static struct ears_client *client_of(struct ears *e, sfu_id participant) {
    for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
        const struct world_client *c = &e->world->clients[i];
        if (c->here && c->participant == participant) {
            return &e->clients[i];
        }
    }
    return NULL;
}

static void voices(struct ears *e, const struct sfu_event *event) {
    CHECK_INT(e->world->room, event->id);
    CHECK(event->speakers.n > 0 && event->speakers.n <= SFU_SPEAKERS_TOLD);
    for (uint8_t i = 0; i < event->speakers.n; i++) {
        const struct sfu_voice *v = &event->speakers.voices[i];
        struct ears_client *c = client_of(e, v->participant);
        CHECK(i == 0 || v->eighths <= v[-1].eighths);
        if (c != NULL) {
            CHECK(c->eighths != v->eighths); /* only what has changed */
            c->eighths = v->eighths;
            c->voices_told++;
        }
    }
}

static void figures(struct ears *e, const struct sfu_event *event) {
    struct ears_stream *s = e->streams;
    while (s < e->streams + EARS_STREAMS - 1 && s->id != 0 && s->id != event->id) {
        s++;
    }
    CHECK(client_of(e, event->stats.participant) != NULL);
    uint32_t freezes = s->stats.freezes + event->stats.freezes;
    uint32_t freeze_ms = s->stats.freeze_ms + event->stats.freeze_ms;
    s->id = event->id;
    s->stats = event->stats;
    s->stats.freezes = freezes;
    s->stats.freeze_ms = freeze_ms;
}

static void quality(struct ears *e, const struct sfu_event *event) {
    struct ears_client *c = client_of(e, event->id);
    if (c != NULL) {
        c->quality = event->quality.quality;
        c->mos = event->quality.mos;
        c->qualities_told++;
    }
}

static void told(void *arg, const struct sfu_event *event) {
    if (event->type == SFU_EVENT_SPEAKERS) {
        voices(arg, event);
    } else if (event->type == SFU_EVENT_STATS) {
        figures(arg, event);
    } else if (event->type == SFU_EVENT_QUALITY) {
        quality(arg, event);
    }
}

void ears_init(struct ears *e, struct world *w) {
    memset(e, 0, sizeof(*e));
    e->world = w;
    w->also = told;
    w->also_arg = e;
}

const struct ears_client *ears_of(const struct ears *e, const struct world_client *c) {
    return &e->clients[c - e->world->clients];
}

static const struct sfu_stats *stats_of(const struct ears *e, sfu_id id, bool published) {
    static const struct sfu_stats none;
    for (unsigned i = 0; i < EARS_STREAMS; i++) {
        if (e->streams[i].id == id && e->streams[i].stats.published == published) {
            return &e->streams[i].stats;
        }
    }
    return &none;
}

const struct sfu_stats *ears_track(const struct ears *e, const struct world_track *t) {
    return stats_of(e, t->id, true);
}

const struct sfu_stats *ears_sink(const struct ears *e, const struct peer_sink *s) {
    const struct world_sink *in = (const struct world_sink *)(const void *)s; /* its first member */
    return stats_of(e, in->id, false);
}
