/* Frames in their order, each against its time. */
#include "player.h"

#include <string.h>

static struct player_frame *frame_of(struct player *p, unsigned layer, uint32_t number) {
    return &p->frames[layer][number % PLAYER_KEPT];
}

static const struct player_frame *whole(const struct player *p, unsigned layer, uint32_t number) {
    const struct player_frame *f = &p->frames[layer][number % PLAYER_KEPT];
    return f->number == number && f->whole_us != 0 ? f : NULL;
}

static int64_t due_us(const struct player *p, const struct player_frame *f) {
    return (int64_t)f->sent_us + p->delay_us;
}

/* --- video --- */

static void show(struct player *p, const struct player_frame *f, int layer, int64_t ready_us) {
    p->layer = layer;
    p->number = f->number;
    p->sent_us = f->sent_us;
    p->ready_us = ready_us;
    int64_t second = ((int64_t)f->sent_us - p->base_us) / 1000000;
    if (ready_us <= due_us(p, f) && (int64_t)f->sent_us >= p->base_us && second < PLAYER_SECONDS) {
        p->shown[second]++;
    }
}

static int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* The frame behind the last one, as far as they go. */
static void go_on(struct player *p) {
    const struct player_frame *f;
    while (p->layer >= 0 && (f = whole(p, (unsigned)p->layer, p->number + 1)) != NULL) {
        show(p, f, p->layer, later(p->ready_us, f->whole_us));
    }
}

/* The first key frame behind it whose time has come: what is missing before it is given up. */
static bool jump(struct player *p, int64_t now_us) {
    const struct player_frame *best = NULL;
    int layer = -1;
    for (int i = 0; i < RTC_ENCODINGS_MAX; i++) {
        for (unsigned k = 0; k < PLAYER_KEPT; k++) {
            const struct player_frame *f = &p->frames[i][k];
            bool ahead = i == p->layer ? f->number > p->number : f->sent_us >= p->sent_us;
            if (f->key && f->whole_us != 0 && ahead && due_us(p, f) <= now_us &&
                (best == NULL || f->sent_us < best->sent_us)) {
                best = f;
                layer = i;
            }
        }
    }
    if (best != NULL) {
        show(p, best, layer, best->whole_us);
    }
    return best != NULL;
}

/* --- what comes --- */

static void took(void *arg, const struct peer_content *c, bool key, int64_t now_us) {
    struct player *p = arg;
    struct player_frame *f = frame_of(p, c->layer, c->frame);
    if (f->number != c->frame) {
        *f = (struct player_frame){ .number = c->frame, .sent_us = c->sent_us };
    }
    f->sent_us = c->sent_us < f->sent_us ? c->sent_us : f->sent_us;
    f->key |= key;
    f->came |= UINT64_C(1) << c->packet;
    if (f->came == (UINT64_C(1) << c->packets) - 1) {
        f->whole_us = now_us;
    }
    p->first = p->first == 0 ? c->frame : p->first;
    p->newest = c->frame > p->newest ? c->frame : p->newest;
    do {
        go_on(p);
    } while (jump(p, now_us));
}

void player_begin(struct player *p, struct peer_sink *sink, int64_t delay_us) {
    memset(p, 0, sizeof(*p));
    p->layer = -1;
    p->delay_us = delay_us;
    sink->cfg.took = took;
    sink->cfg.took_arg = p;
}

void player_mark(struct player *p, int64_t now_us) {
    p->base_us = now_us;
    memset(p->shown, 0, sizeof(p->shown));
}

unsigned player_poor_seconds(const struct player *p, unsigned n, unsigned most) {
    unsigned poor = 0;
    for (unsigned i = 0; i < n; i++) {
        poor += p->shown[i] <= most;
    }
    return poor;
}

unsigned player_shown(const struct player *p, unsigned n) {
    unsigned sum = 0;
    for (unsigned i = 0; i < n; i++) {
        sum += p->shown[i];
    }
    return sum;
}

/* Did it come by the time that it was due, by itself or within one that was sent later? */
static bool is_heard(const struct player *p, uint32_t number, int64_t packet_us, unsigned older) {
    for (unsigned i = 0; i <= older; i++) {
        const struct player_frame *f = whole(p, 0, number + i);
        if (f != NULL && f->whole_us <= due_us(p, f) - i * packet_us) {
            return true;
        }
    }
    return false;
}

unsigned player_longest_gap(const struct player *p, int64_t packet_us, unsigned older) {
    unsigned gap = 0, longest = 0;
    for (uint32_t n = p->first; n <= p->newest; n++) {
        gap = is_heard(p, n, packet_us, older) ? 0 : gap + 1;
        longest = gap > longest ? gap : longest;
    }
    return longest;
}
