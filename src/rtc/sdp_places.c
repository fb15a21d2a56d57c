/* Sections and the tracks in them; see the header. */
#include "rtc/sdp_places.h"

#include <stdio.h>
#include <string.h>

struct waiting {
    uint32_t track;
    uint32_t media;
};

struct rtc_sdp_places {
    enum rtc_sdp_places_kind kind;
    bool changed;
    struct rtc_sdp_place *all;
    size_t n;
    size_t cap;
    struct waiting *waiting; /* in the order in which they came */
    size_t n_waiting;
    size_t waiting_cap;
};
_Static_assert(sizeof(struct rtc_sdp_places) <= 64 && sizeof(struct rtc_sdp_place) <= 44 &&
                   sizeof(struct waiting) <= 8,
    "as the header says");

enum err rtc_sdp_places_create(enum rtc_sdp_places_kind kind, struct rtc_sdp_places **ret) {
    struct rtc_sdp_places *p = mem_zalloc(sizeof(*p));
    if (p == NULL) {
        return err_set(ERR_NOMEM, "no memory for sections");
    }
    p->kind = kind;
    *ret = p;
    return OK;
}

void rtc_sdp_places_destroy(struct rtc_sdp_places *p) {
    if (p != NULL) {
        mem_free(p->all);
        mem_free(p->waiting);
        mem_free(p);
    }
}

/* Room for `more` behind the n items, in steps of four: most people are in small calls. */
static enum err make_room(void **items, size_t n, size_t more, size_t *cap, size_t size) {
    if (n + more <= *cap) {
        return OK;
    }
    const size_t want = (n + more + 3) / 4 * 4;
    void *bigger = mem_realloc(*items, want * size);
    if (bigger == NULL) {
        return err_set(ERR_NOMEM, "no memory for sections");
    }
    *items = bigger;
    *cap = want;
    return OK;
}

static enum err room_for_places(struct rtc_sdp_places *p, size_t more) {
    void *all = p->all;
    TRY(make_room(&all, p->n, more, &p->cap, sizeof(*p->all)));
    p->all = all;
    return OK;
}

static enum err room_for_waiting(struct rtc_sdp_places *p, size_t more) {
    void *waiting = p->waiting;
    TRY(make_room(&waiting, p->n_waiting, more, &p->waiting_cap, sizeof(*p->waiting)));
    p->waiting = waiting;
    return OK;
}

/* --- tracks --- */

static struct rtc_sdp_place *place_of(const struct rtc_sdp_places *p, uint32_t track) {
    for (size_t i = 0; i < p->n; i++) {
        if (p->all[i].track == track) {
            return &p->all[i];
        }
    }
    return NULL;
}

static size_t waiting_at(const struct rtc_sdp_places *p, uint32_t track) {
    size_t i = 0;
    while (i < p->n_waiting && p->waiting[i].track != track) {
        i++;
    }
    return i;
}

static void stop_waiting(struct rtc_sdp_places *p, size_t at) {
    p->n_waiting--;
    memmove(&p->waiting[at], &p->waiting[at + 1], (p->n_waiting - at) * sizeof(*p->waiting));
}

/* Gives the track a free section of its kind, if there is one. Where the client still sees another
 * track it would not be told of a new one: browsers have a `track` event for a section that begins
 * to receive, none for one that goes on with something else (WebRTC 1.0, 4.4.1.5). */
static bool place(struct rtc_sdp_places *p, uint32_t track, enum rtc_media media) {
    for (size_t i = 0; i < p->n; i++) {
        struct rtc_sdp_place *at = &p->all[i];
        const bool again = p->kind != RTC_SDP_PLACES_OURS_ONCE || !at->used;
        if (at->usable && at->track == 0 && !at->shown && at->media == media && again) {
            at->track = track;
            at->used = true;
            p->changed = true;
            return true;
        }
    }
    return false;
}

enum err rtc_sdp_places_want(struct rtc_sdp_places *p, uint32_t track, enum rtc_media media) {
    if (place_of(p, track) != NULL || waiting_at(p, track) < p->n_waiting ||
        place(p, track, media)) {
        return OK;
    }
    if (p->n + p->n_waiting >= RTC_SDP_PLACES_MAX) {
        return err_set(ERR_LIMIT, "%zu tracks on one connection", p->n + p->n_waiting);
    }
    if (p->kind == RTC_SDP_PLACES_THEIRS) {
        TRY(room_for_waiting(p, 1));
        p->waiting[p->n_waiting++] = (struct waiting){ .track = track, .media = media };
    } else {
        TRY(room_for_places(p, 1));
        struct rtc_sdp_place *at = &p->all[p->n++];
        *at = (struct rtc_sdp_place){
            .media = (uint8_t)media, .usable = true, .used = true, .track = track
        };
        snprintf(at->mid, sizeof(at->mid), "%zu", p->n);
    }
    p->changed = true;
    return OK;
}

void rtc_sdp_places_drop(struct rtc_sdp_places *p, uint32_t track) {
    struct rtc_sdp_place *at = place_of(p, track);
    const size_t i = waiting_at(p, track);
    if (at != NULL) {
        at->track = 0;
        p->changed = true;
    }
    if (i < p->n_waiting) {
        stop_waiting(p, i);
    }
}

/* --- the client's sections --- */

static struct rtc_sdp_place *find(const struct rtc_sdp_places *p, const char *mid) {
    for (size_t i = 0; i < p->n; i++) {
        if (strcmp(p->all[i].mid, mid) == 0) {
            return &p->all[i];
        }
    }
    return NULL;
}

static bool for_us(const struct rtc_sdp_section *s) {
    return (s->kind == RTC_SDP_AUDIO || s->kind == RTC_SDP_VIDEO) && rtc_sdp_open(s) &&
           s->mid != NULL && s->direction == RTC_SDP_RECVONLY;
}

/* `at` is what we knew of it, NULL = nothing. There is room for both lists. */
static void note(
    struct rtc_sdp_places *p, const struct rtc_sdp_section *s, struct rtc_sdp_place *at) {
    const bool usable = for_us(s);
    const enum rtc_media media = s->kind == RTC_SDP_AUDIO ? RTC_AUDIO : RTC_VIDEO;
    if (at == NULL && usable && p->n < RTC_SDP_PLACES_MAX) {
        at = &p->all[p->n++];
        *at = (struct rtc_sdp_place){ .media = (uint8_t)media };
        snprintf(at->mid, sizeof(at->mid), "%s", s->mid);
    }
    if (at == NULL) {
        return;
    }
    if ((!usable || at->media != media) && at->track != 0) {
        p->waiting[p->n_waiting++] = (struct waiting){ .track = at->track, .media = at->media };
        at->track = 0;
        p->changed = true;
    }
    at->usable = usable;
    at->media = (uint8_t)media;
}

enum err rtc_sdp_places_offered(struct rtc_sdp_places *p, const struct rtc_sdp *offer) {
    size_t fresh = 0;
    for (size_t i = 0; i < offer->n_sections; i++) {
        const struct rtc_sdp_section *s = &offer->sections[i];
        fresh += for_us(s) && find(p, s->mid) == NULL ? 1 : 0;
    }
    TRY(room_for_places(p, fresh));
    TRY(room_for_waiting(p, p->n));
    for (size_t i = 0; i < offer->n_sections; i++) {
        const struct rtc_sdp_section *s = &offer->sections[i];
        note(p, s, s->mid == NULL ? NULL : find(p, s->mid));
    }
    for (size_t i = 0; i < p->n_waiting;) {
        if (place(p, p->waiting[i].track, (enum rtc_media)p->waiting[i].media)) {
            stop_waiting(p, i);
        } else {
            i++;
        }
    }
    return OK;
}

/* --- answers --- */

const struct rtc_sdp_place *rtc_sdp_places_all(const struct rtc_sdp_places *p, size_t *n) {
    *n = p->n;
    return p->all;
}

uint32_t rtc_sdp_places_track(const struct rtc_sdp_places *p, const char *mid) {
    const struct rtc_sdp_place *at = find(p, mid);
    return at == NULL ? 0 : at->track;
}

size_t rtc_sdp_places_missing(const struct rtc_sdp_places *p, enum rtc_media media) {
    size_t n = 0;
    for (size_t i = 0; i < p->n_waiting; i++) {
        n += p->waiting[i].media == (uint32_t)media ? 1 : 0;
    }
    return n;
}

bool rtc_sdp_places_changed(const struct rtc_sdp_places *p) {
    return p->changed;
}

void rtc_sdp_places_told(struct rtc_sdp_places *p) {
    p->changed = false;
    for (size_t i = 0; i < p->n; i++) {
        struct rtc_sdp_place *at = &p->all[i];
        const bool freed = at->shown && at->track == 0;
        p->changed |= freed && rtc_sdp_places_missing(p, (enum rtc_media)at->media) > 0;
        at->shown = at->track != 0;
    }
}

void rtc_sdp_places_doubt(struct rtc_sdp_places *p) {
    for (size_t i = 0; i < p->n; i++) {
        p->all[i].shown = p->all[i].used;
    }
}
