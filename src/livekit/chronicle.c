/* A watcher of all rooms, and what was told of each. */
#include "livekit/chronicle.h"

#include "core/clock.h"
#include "core/log.h"
#include "livekit/deliveries.h"
#include "livekit/messages.h"
#include "livekit/witness.h"
#include "rooms/directory.h"
#include "rooms/measure.h"
#include "rooms/watcher.h"

#include <string.h>

#define HUNDREDTHS 100
#define MS_PER_S   1000
#define US_PER_MS  1000

/* A room that has a row. */
struct chapter {
    char sid[ROOM_SID_SIZE];
    char *identity;      /* of the first one, by whom the Matrix room is found */
    int64_t tokens;      /* changes that may be told, in thousandths */
    int64_t refilled_us; /* when that was so */
    int64_t untold;
    struct lk_deliveries deliveries;
    UT_hash_handle hh;
};

struct lk_chronicle {
    struct lk_chronicle_config cfg;
    struct room_watcher watcher;
    struct chapter *chapters; /* by sid */
};

static const enum call_input_type types[ROOM_NEWS_TYPES] = {
    [ROOM_NEWS_STARTED] = IN_MEDIA_ROOM_OPENED,
    [ROOM_NEWS_FINISHED] = IN_MEDIA_ROOM_CLOSED,
    [ROOM_NEWS_JOINED] = IN_MEDIA_CONNECTED,
    [ROOM_NEWS_LEFT] = IN_MEDIA_DISCONNECTED,
    [ROOM_NEWS_ABORTED] = IN_MEDIA_DISCONNECTED,
    [ROOM_NEWS_PUBLISHED] = IN_TRACK_PUBLISHED,
    [ROOM_NEWS_UNPUBLISHED] = IN_TRACK_UNPUBLISHED,
    [ROOM_NEWS_DATA_PUBLISHED] = IN_TRACK_PUBLISHED,
    [ROOM_NEWS_DATA_UNPUBLISHED] = IN_TRACK_UNPUBLISHED,
    [ROOM_NEWS_MUTED] = IN_TRACK_MUTED,
    [ROOM_NEWS_UNMUTED] = IN_TRACK_UNMUTED,
    [ROOM_NEWS_MEASURED] = IN_MEDIA_QUALITY,
    [ROOM_NEWS_DELIVERED] = IN_MEDIA_DELIVERY,
    [ROOM_NEWS_POOR] = IN_MEDIA_POOR,
    [ROOM_NEWS_RECOVERED] = IN_MEDIA_RECOVERED,
};

static const char *const sources[ROOM_SOURCES] = { [ROOM_CAMERA] = "camera",
    [ROOM_MICROPHONE] = "microphone",
    [ROOM_SCREEN] = "screen_share",
    [ROOM_SCREEN_AUDIO] = "screen_share_audio" };

/* --- notes --- */

static struct call_input input_of(
    enum call_input_type type, int64_t at_ms, const struct call_input_token *what) {
    return (struct call_input){
        .type = type, .origin_ms = at_ms, .sent_ms = at_ms, .received_ms = at_ms, .token = *what
    };
}

static void note(const struct lk_chronicle *c, enum call_input_type type, int64_t at_ms,
    const struct call_input_token *what) {
    struct call_input in = input_of(type, at_ms, what);
    if (type == IN_MEDIA_CONNECTED || type == IN_MEDIA_DISCONNECTED ||
        type == IN_MEDIA_ROOM_OPENED || type == IN_MEDIA_ROOM_CLOSED) {
        in.token.node = c->cfg.node;
        in.token.run = c->cfg.run;
    }
    lk_witness_note(c->cfg.witness, &in);
}

static void note_room(const struct lk_chronicle *c, enum call_input_type type, int64_t at_ms,
    const struct room *room, const struct chapter *x) {
    const struct call_input_token what = {
        .alias = room->name, .identity = x->identity, .connection = room->sid
    };
    note(c, type, at_ms, &what);
}

static void note_member(const struct lk_chronicle *c, const struct room_told *news) {
    const struct room_member *m = news->member;
    const struct call_input_token what = { .alias = news->room->name,
        .identity = m->identity,
        .connection = m->sid,
        .reason = m->state == ROOM_GONE ? lk_message_reason_name(m->reason) : NULL };
    note(c, types[news->type], clock_wall_ms(), &what);
}

static void note_track(const struct lk_chronicle *c, const struct room_told *news) {
    const struct room_publication *p = news->publication;
    const struct call_input_token what = { .alias = news->room->name,
        .identity = news->member->identity,
        .connection = news->member->sid,
        .track = p->track.sid,
        .media = p->track.media == RTC_AUDIO ? "audio" : "video",
        .source = sources[p->track.source],
        .codec = news->type == ROOM_NEWS_PUBLISHED && p->params.n_codecs > 0
                     ? rtc_codec_name((enum rtc_codec_type)p->params.codecs[0].type)
                     : NULL,
        .reason = news->forced ? "by_moderator" : NULL };
    note(c, types[news->type], clock_wall_ms(), &what);
}

static void note_data_track(const struct lk_chronicle *c, const struct room_told *news) {
    const struct call_input_token what = { .alias = news->room->name,
        .identity = news->member->identity,
        .connection = news->member->sid,
        .track = news->data_track->sid,
        .media = "data",
        .reason = news->forced ? "by_moderator" : NULL };
    note(c, types[news->type], clock_wall_ms(), &what);
}

static struct call_input_figures figures_of(const struct room_measure *x, int64_t now_us) {
    const int64_t span_ms = (now_us - x->since_us) / US_PER_MS; /* SFU_STATS_US at least */
    return (struct call_input_figures){ .span_ms = span_ms,
        .expected = x->expected,
        .lost = x->lost,
        .bps = x->bits * MS_PER_S / span_ms,
        .jitter_ms = x->jitter_ms,
        .rtt_ms = x->rtt_ms,
        .mos = (int64_t)(x->mos / x->n * HUNDREDTHS + 0.5),
        .worst_mos = (int64_t)((double)x->worst_mos * HUNDREDTHS + 0.5),
        .layer = x->video ? x->layer : -1,
        .freezes = x->freezes,
        .freeze_ms = x->freeze_ms,
        .spoken_ms = x->spoken_ms,
        .loudest_dbov = x->loudest_dbov };
}

static void note_figures(const struct lk_chronicle *c, const struct room_told *news) {
    const struct room_publication *p = news->publication;
    const struct room_member *m = news->member;
    struct call_input_token what = { .alias = news->room->name,
        .identity = m->identity,
        .connection = m->sid,
        .direction = p == NULL ? "received" : "sent",
        .path = room_is_relayed(m, p == NULL ? ROOM_DOWN : ROOM_UP) ? "relay" : "direct",
        .figures = figures_of(news->measure, room_directory_now(news->room->directory)) };
    if (p != NULL) {
        what.track = p->track.sid;
        what.media = p->track.media == RTC_AUDIO ? "audio" : "video";
        what.source = sources[p->track.source];
    }
    note(c, IN_MEDIA_QUALITY, clock_wall_ms(), &what);
}

/* While packets came, the rest being somebody who looked away, was muted or paused. */
static void note_delivery(
    const struct lk_chronicle *c, const struct room_told *news, struct chapter *x) {
    const struct room_publication *p = news->publication;
    const struct room_measure *m = news->measure;
    struct call_input_token what = { .alias = news->room->name,
        .identity = news->member->identity,
        .connection = news->member->sid,
        .track = p->track.sid,
        .media = p->track.media == RTC_AUDIO ? "audio" : "video",
        .source = sources[p->track.source],
        .path = room_is_relayed(news->member, ROOM_DOWN) ? "relay" : "direct",
        .figures = figures_of(m, room_directory_now(news->room->directory)) };
    struct call_input_figures *f = &what.figures;
    f->came_ms = (int64_t)m->n_came * SFU_STATS_US / US_PER_MS;
    f->bps = m->n_came == 0 ? 0 : m->bits * MS_PER_S / f->came_ms;
    f->layer_least = m->least;
    f->layer_most = m->most;
    f->layer_mean = m->n_layers == 0 ? -1 : (int64_t)m->layers * HUNDREDTHS / m->n_layers;
    f->paused_ms = m->paused_us / US_PER_MS;
    const struct call_input in = input_of(IN_MEDIA_DELIVERY, clock_wall_ms(), &what);
    lk_deliveries_add(&x->deliveries, c->cfg.witness, &in);
}

static void note_gap(const struct lk_chronicle *c, const struct room *room, const struct chapter *x,
    const char *reason, int64_t count) {
    const struct call_input_token what = {
        .alias = room->name, .identity = x->identity, .reason = reason, .count = count
    };
    if (count > 0) {
        note(c, IN_GAP, clock_wall_ms(), &what);
    }
}

static void note_untold(const struct lk_chronicle *c, const struct room *room, struct chapter *x) {
    const int64_t untold = x->untold;
    x->untold = 0;
    note_gap(c, room, x, "too_many", untold);
}

static void note_deliveries(
    const struct lk_chronicle *c, const struct room *room, struct chapter *x) {
    const int64_t untold =
        lk_deliveries_tell(&x->deliveries, c->cfg.witness, room_directory_now(room->directory));
    note_gap(c, room, x, "too_many_deliveries", untold);
}

/* --- rooms --- */

static void chapter_free(struct chapter *x) {
    if (x != NULL) {
        lk_deliveries_finish(&x->deliveries);
        mem_free(x->identity);
        mem_free(x);
    }
}

static void chapter_end(struct lk_chronicle *c, struct chapter *x) {
    HASH_DEL(c->chapters, x);
    chapter_free(x);
}

static struct chapter *find(const struct lk_chronicle *c, const struct room *room) {
    struct chapter *x = NULL;
    HASH_FIND_STR(c->chapters, room->sid, x);
    return x;
}

/* NULL: no memory, and said so. */
static struct chapter *begin(struct lk_chronicle *c, const struct room_told *news) {
    struct chapter *x = mem_zalloc(sizeof(*x));
    if (x != NULL) {
        memcpy(x->sid, news->room->sid, sizeof(x->sid));
        x->identity = mem_strdup(news->member->identity);
        x->tokens = LK_CHRONICLE_BURST * INT64_C(1000);
        x->refilled_us = clock_mono_us();
        x->deliveries.began_us = room_directory_now(news->room->directory);
        HASH_ADD_STR(c->chapters, sid, x);
    }
    if (x == NULL || x->identity == NULL || x->hh.tbl == NULL) {
        LOG_ERROR(&log_root, "audit_lost", "room=%s rows=%s", LOG_Q(news->room->name), "all");
        if (x != NULL && x->hh.tbl != NULL) {
            HASH_DEL(c->chapters, x);
        }
        chapter_free(x);
        return NULL;
    }
    note_room(c, IN_MEDIA_ROOM_OPENED, news->room->created_ms, news->room, x);
    return x;
}

/* May a change of a track be told? */
static bool spend(struct chapter *x) {
    const int64_t now_us = clock_mono_us();
    const int64_t most = LK_CHRONICLE_BURST * INT64_C(1000);
    const int64_t more = (now_us - x->refilled_us) * LK_CHRONICLE_A_SECOND / (SEC_US / 1000);
    if (more > 0) {
        x->tokens = x->tokens + more > most ? most : x->tokens + more;
        x->refilled_us = now_us;
    }
    if (x->tokens < 1000) {
        x->untold++;
        return false;
    }
    x->tokens -= 1000;
    return true;
}

static void told(void *arg, const struct room_told *news) {
    struct lk_chronicle *c = arg;
    struct chapter *x = find(c, news->room);
    if (x == NULL && news->member != NULL) {
        x = begin(c, news);
    }
    if (x == NULL) {
        return;
    }
    if (lk_deliveries_is_over(&x->deliveries, room_directory_now(news->room->directory))) {
        note_deliveries(c, news->room, x);
    }
    if (news->type == ROOM_NEWS_DELIVERED) {
        note_delivery(c, news, x);
        return;
    }
    const bool bounded = news->publication != NULL || news->data_track != NULL ||
                         news->type == ROOM_NEWS_MEASURED || news->type == ROOM_NEWS_POOR ||
                         news->type == ROOM_NEWS_RECOVERED;
    if (bounded && !spend(x)) {
        return;
    }
    if (bounded) {
        note_untold(c, news->room, x);
    }
    if (news->type == ROOM_NEWS_MEASURED) {
        note_figures(c, news);
    } else if (news->publication != NULL) {
        note_track(c, news);
    } else if (news->data_track != NULL) {
        note_data_track(c, news);
    } else if (news->member != NULL) {
        if (news->room->members == NULL) { /* a call is over now, its room in a while */
            note_deliveries(c, news->room, x);
        }
        note_member(c, news);
    } else if (news->type == ROOM_NEWS_FINISHED) {
        note_untold(c, news->room, x);
        note_room(c, IN_MEDIA_ROOM_CLOSED, clock_wall_ms(), news->room, x);
        chapter_end(c, x);
    }
}

/* --- life --- */

enum err lk_chronicle_create(const struct lk_chronicle_config *cfg, struct lk_chronicle **ret) {
    struct lk_chronicle *c = mem_zalloc(sizeof(*c));
    if (c == NULL) {
        return err_set(ERR_NOMEM, "no memory for the audit of the SFU");
    }
    c->cfg = *cfg;
    c->watcher = (struct room_watcher){ .told = told, .arg = c };
    room_directory_watch(cfg->rooms, &c->watcher);
    *ret = c;
    return OK;
}

void lk_chronicle_destroy(struct lk_chronicle *c) {
    struct chapter *x, *next;
    if (c == NULL) {
        return;
    }
    room_directory_unwatch(c->cfg.rooms, &c->watcher);
    HASH_ITER (hh, c->chapters, x, next) {
        chapter_end(c, x);
    }
    mem_free(c);
}
