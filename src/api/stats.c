/* One walk through the rooms for the numbers, another for the list. */
#include "api/stats.h"

#include "api/admin_auth.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/router.h"
#include "rooms/directory.h"

#include <string.h>
#include <utlist.h>

struct api_stats {
    struct api_admin_auth *auth;
    const char *node;
    struct room_directory *rooms; /* NULL = none */
};

struct totals {
    int64_t rooms, participants, tracks, subscriptions, in_bps, out_bps;
};

/* What is being written. */
struct list {
    struct buf *b;
    const char *only; /* the room asked for; NULL = all */
    size_t n;
    bool more;
};

/* --- numbers of all --- */

static void add_member(struct totals *t, const struct room_member *m) {
    const struct room_publication *p = NULL;
    t->participants++;
    DL_FOREACH(m->publications, p) {
        t->tracks++;
        t->in_bps += p->stats.bps;
    }
    for (const struct room_subscription *s = m->subscriptions; s != NULL; s = s->hh.next) {
        t->subscriptions += s->bound ? 1 : 0;
        t->out_bps += s->stats.bps;
    }
}

static void add_room(void *arg, struct room *room) {
    struct totals *t = arg;
    const struct room_member *m = NULL;
    t->rooms++;
    DL_FOREACH(room->members, m) {
        add_member(t, m);
    }
}

static void print_totals(struct buf *b, const struct totals *t) {
    buf_json_key(b, "totals");
    buf_puts(b, "{");
    buf_json_int_field(b, "rooms", t->rooms);
    buf_json_int_field(b, "participants", t->participants);
    buf_json_int_field(b, "tracks", t->tracks);
    buf_json_int_field(b, "subscriptions", t->subscriptions);
    buf_json_int_field(b, "in_bps", t->in_bps);
    buf_json_int_field(b, "out_bps", t->out_bps);
    buf_puts(b, "}");
}

static void print_workers(struct buf *b, const struct sfu *sfu) {
    buf_json_key(b, "workers");
    buf_puts(b, "[");
    for (unsigned i = 0; sfu != NULL && i < sfu_workers(sfu); i++) {
        struct sfu_load load;
        sfu_worker_load(sfu, i, &load);
        buf_puts(b, i == 0 ? "{" : ",{");
        buf_json_int_field(b, "worker", i);
        buf_json_int_field(b, "rooms", load.rooms);
        buf_json_int_field(b, "busy_percent", load.busy_percent);
        buf_json_int_field(b, "transports", (int64_t)load.transports);
        buf_json_int_field(b, "packets", (int64_t)load.packets);
        buf_json_int_field(b, "packets_bytes", (int64_t)load.packets_bytes);
        buf_puts(b, "}");
    }
    buf_puts(b, "]");
}

/* --- the list --- */

static void print_time(struct buf *b, const char *key, int64_t at_ms) {
    char text[CLOCK_TEXT_SIZE];
    clock_format(at_ms, text);
    buf_json_field(b, key, text);
}

static void print_mos(struct buf *b, float mos) {
    buf_json_key(b, "mos");
    buf_printf(b, "%.2f", (double)mos);
}

static void print_track(struct buf *b, const struct room_publication *p) {
    static const char *const sources[ROOM_SOURCES] = { [ROOM_UNKNOWN] = "unknown",
        [ROOM_CAMERA] = "camera",
        [ROOM_MICROPHONE] = "microphone",
        [ROOM_SCREEN] = "screen_share",
        [ROOM_SCREEN_AUDIO] = "screen_share_audio" };
    const struct sfu_stats *s = &p->stats;
    const struct room_subscription *sub = NULL;
    int64_t subscribers = 0;
    DL_FOREACH(p->subscriptions, sub) {
        subscribers += sub->bound ? 1 : 0;
    }
    buf_json_field(b, "sid", p->track.sid);
    buf_json_field(b, "source", sources[p->track.source]);
    buf_json_field(b, "kind", p->track.media == RTC_AUDIO ? "audio" : "video");
    buf_json_field(b, "codec", rtc_codec_name((enum rtc_codec_type)p->params.codecs[0].type));
    buf_json_bool_field(b, "muted", p->track.muted);
    buf_json_int_field(b, "subscribers", subscribers);
    if (s->mos > 0) {
        buf_json_int_field(b, "layer", s->layer);
        buf_json_int_field(b, "bps", s->bps);
        buf_json_int_field(b, "expected", s->expected);
        buf_json_int_field(b, "lost", s->lost);
        buf_json_int_field(b, "jitter_ms", s->jitter_ms);
        buf_json_int_field(b, "rtt_ms", s->rtt_ms);
        buf_json_int_field(b, "score", s->score);
        print_mos(b, s->mos);
    }
}

static void print_member(struct buf *b, const struct room_member *m) {
    static const char *const states[] = { [ROOM_JOINING] = "joining",
        [ROOM_JOINED] = "joined",
        [ROOM_ACTIVE] = "active",
        [ROOM_GONE] = "gone" };
    static const char *const qualities[] = { [SFU_QUALITY_POOR] = "poor",
        [SFU_QUALITY_GOOD] = "good",
        [SFU_QUALITY_EXCELLENT] = "excellent",
        [SFU_QUALITY_LOST] = "lost" };
    const struct room_publication *p = NULL;
    struct totals t = { 0 };
    add_member(&t, m);
    buf_json_field(b, "identity", m->identity);
    buf_json_field(b, "sid", m->sid);
    buf_json_field(b, "state", states[m->state]);
    print_time(b, "joined_at", m->joined_ms);
    if (m->mos > 0) {
        buf_json_field(b, "quality", qualities[m->quality]);
        print_mos(b, m->mos);
    }
    buf_json_bool_field(b, "speaking", m->eighths > 0);
    buf_json_int_field(b, "subscriptions", t.subscriptions);
    buf_json_int_field(b, "out_bps", t.out_bps);
    buf_json_key(b, "tracks");
    buf_puts(b, "[");
    DL_FOREACH(m->publications, p) {
        buf_puts(b, p == m->publications ? "{" : ",{");
        print_track(b, p);
        buf_puts(b, "}");
    }
    buf_puts(b, "]");
}

static bool is_full(struct list *l) {
    l->more = l->more || l->b->len >= API_STATS_MAX_BYTES;
    return l->more;
}

static void print_room(void *arg, struct room *room) {
    struct list *l = arg;
    const struct room_member *m = NULL;
    if ((l->only != NULL && strcmp(l->only, room->name) != 0) || is_full(l)) {
        return;
    }
    buf_puts(l->b, l->n++ == 0 ? "{" : ",{");
    buf_json_field(l->b, "name", room->name);
    buf_json_field(l->b, "sid", room->sid);
    print_time(l->b, "created_at", room->created_ms);
    if (room->id != 0) {
        buf_json_int_field(l->b, "worker", sfu_worker_of(room->id));
    }
    buf_json_key(l->b, "participants");
    buf_puts(l->b, "[");
    for (m = room->members; m != NULL && !is_full(l); m = m->next) {
        buf_puts(l->b, m == room->members ? "{" : ",{");
        print_member(l->b, m);
        buf_puts(l->b, "}");
    }
    buf_puts(l->b, "]}");
}

/* --- the route --- */

static void print(const struct api_stats *s, const char *only, struct buf *b) {
    struct totals totals = { 0 };
    struct list list = { .b = b, .only = only };
    buf_puts(b, "{");
    buf_json_field(b, "node", s->node);
    buf_json_key(b, "sfu");
    buf_puts(b, s->rooms == NULL ? "null" : "\"embedded\"");
    if (s->rooms != NULL) {
        room_directory_each(s->rooms, add_room, &totals);
    }
    print_totals(b, &totals);
    print_workers(b, s->rooms == NULL ? NULL : room_directory_sfu(s->rooms));
    buf_json_key(b, "rooms");
    buf_puts(b, "[");
    if (s->rooms != NULL) {
        room_directory_each(s->rooms, print_room, &list);
    }
    buf_puts(b, "]");
    buf_json_bool_field(b, "more", list.more);
    buf_puts(b, "}");
}

static void allowed(struct http_request *r, void *arg, const char *who) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    (void)who;
    print(arg, http_request_query(r, "room"), &b);
    enum err e = buf_check(&b);
    if (e != OK) {
        http_reply_err(r, e);
        return;
    }
    http_reply_json(r, 200, buf_str(&b));
}

static void get_stats(struct http_request *r, void *arg) {
    api_admin_allow(((const struct api_stats *)arg)->auth, r, allowed, arg);
}

static enum err guard(struct http_request *r, void *arg) {
    return api_admin_guard(r, ((const struct api_stats *)arg)->auth);
}

static const struct http_route routes[] = {
    { "GET", "/_parley/admin/v1/stats", get_stats, 0 },
};

enum err api_stats_create(struct http_router *router, struct api_admin_auth *auth, const char *node,
    struct api_stats **ret) {
    struct api_stats *s = mem_zalloc(sizeof(*s));
    if (s == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    s->auth = auth;
    s->node = node;
    enum err e = http_router_add(router, routes, COUNT_OF(routes), guard, s);
    if (e != OK) {
        mem_free(s);
        return e;
    }
    *ret = s;
    return OK;
}

void api_stats_destroy(struct api_stats *s) {
    mem_free(s);
}

void api_stats_set_rooms(struct api_stats *s, struct room_directory *rooms) {
    s->rooms = rooms;
}
