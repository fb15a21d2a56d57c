/* Rings and raised hands as kept rows.  Thread: main. */
#include "calls/rtc_kept.h"

#include "calls/rtc.h"
#include "calls/rtc_entry.h"
#include "core/buf.h"

#include <stdlib.h>
#include <string.h>

static enum err no_memory(void) {
    return err_set(ERR_NOMEM, "no memory for a kept input");
}

/* Gives `k` its number and adds it; beyond RTC_KEPT_MAX it is not remembered. */
static enum err keep(struct call_batch *b, struct call_session *s, struct store_kept k) {
    if (s->n_kept >= RTC_KEPT_MAX) {
        return OK;
    }
    struct store_kept *list = call_batch_grow(b, s->kept, s->n_kept, &s->cap_kept, sizeof(*list));
    if (list == NULL) {
        return no_memory();
    }
    k.n = s->n_kept > 0 ? list[s->n_kept - 1].n + 1 : 1;
    s->kept = list;
    s->kept[s->n_kept++] = k;
    s->kept_changed = true;
    s->changed = true;
    return OK;
}

static struct store_kept kept_from(const struct call_input *in) {
    return (struct store_kept){
        .input = (int)in->type,
        .event_id = in->event_id,
        .sender = in->sender,
        .origin_at = in->origin_ms,
        .sent_at = in->sent_ms,
        .received_at = in->received_ms,
    };
}

static bool is_ring(const struct store_kept *k) {
    return k->input == IN_RING;
}

static bool is_hand(const struct store_kept *k) {
    return k->input == IN_HAND_RAISED;
}

/* Drops the rows for which `drop` holds (and whose event is `event_id`, unless NULL). */
static void forget(
    struct call_session *s, bool (*drop)(const struct store_kept *), const char *event_id) {
    size_t left = 0;
    for (size_t i = 0; i < s->n_kept; i++) {
        if (!drop(&s->kept[i]) ||
            (event_id != NULL && !call_rtc_same(s->kept[i].event_id, event_id))) {
            s->kept[left++] = s->kept[i];
        }
    }
    if (left != s->n_kept) {
        s->n_kept = left;
        s->kept_changed = true;
        s->changed = true;
    }
}

/* --- rings: a line each of start, end, target, intent, and every callee --- */

enum { LINE_START, LINE_END, LINE_TARGET };

static void put_line(struct buf *t, const char *line) {
    buf_puts(t, line ? line : "");
    buf_putc(t, '\n');
}

static bool one_line(const char *s) {
    return strchr(s, '\n') == NULL;
}

enum err call_rtc_keep_ring(struct call_batch *b, struct call_session *s,
    const struct call_rtc_ring *ring, const struct call_input *in) {
    struct buf t;
    buf_init(&t, 0);
    buf_printf(&t, "%lld\n%lld\n", (long long)ring->start_ms, (long long)ring->end_ms);
    put_line(&t, ring->target && one_line(ring->target) ? ring->target : NULL);
    put_line(&t, ring->intent && one_line(ring->intent) ? ring->intent : NULL);
    for (size_t i = 0; i < ring->n_callees; i++) {
        if (one_line(ring->callees[i])) {
            put_line(&t, ring->callees[i]);
        }
    }
    enum err e = buf_check(&t);
    char *text = e == OK ? arena_strdup(b->arena, buf_str(&t)) : NULL;
    buf_finish(&t);
    TRY(e);
    if (text == NULL) {
        return no_memory();
    }
    struct store_kept k = kept_from(in);
    k.input = IN_RING; /* also when `in` is the member that a waiting ring is tied to */
    k.event_id = ring->event_id;
    k.sender = ring->sender;
    k.text = text;
    return keep(b, s, k);
}

static const struct store_kept *latest_ring(const struct call_session *s, const char *sender) {
    for (size_t i = s->n_kept; i > 0; i--) {
        const struct store_kept *k = &s->kept[i - 1];
        if (is_ring(k) && (sender == NULL || call_rtc_same(k->sender, sender))) {
            return k;
        }
    }
    return NULL;
}

/* Cuts the line off the front of *rest; "" when nothing is left. */
static char *cut_line(char **rest) {
    char *line = *rest;
    char *end = strchr(line, '\n');
    if (end != NULL) {
        *end = '\0';
        *rest = end + 1;
    } else {
        *rest = line + strlen(line);
    }
    return line;
}

static const char *or_null(const char *s) {
    return *s != '\0' ? s : NULL;
}

static enum err read_ring(
    struct call_batch *b, const struct store_kept *k, struct call_rtc_ring *ret) {
    char *rest = arena_strdup(b->arena, k->text ? k->text : "");
    const char **callees = arena_array(b->arena, CALL_MENTIONS_MAX, sizeof(*callees));
    if (rest == NULL || callees == NULL) {
        return no_memory();
    }
    struct call_rtc_ring r = { .event_id = k->event_id, .sender = k->sender, .callees = callees };
    r.start_ms = strtoll(cut_line(&rest), NULL, 10);
    r.end_ms = strtoll(cut_line(&rest), NULL, 10);
    r.target = or_null(cut_line(&rest));
    r.intent = or_null(cut_line(&rest));
    while (*rest != '\0' && r.n_callees < CALL_MENTIONS_MAX) {
        const char *callee = or_null(cut_line(&rest));
        callees[r.n_callees] = callee;
        r.n_callees += callee != NULL;
    }
    *ret = r;
    return OK;
}

enum err call_rtc_kept_ring(struct call_batch *b, const struct call_session *s, const char *sender,
    struct call_rtc_ring *ret, bool *found) {
    const struct store_kept *k = latest_ring(s, sender);
    if (k != NULL) {
        TRY(read_ring(b, k, ret));
    }
    *found = k != NULL;
    return OK;
}

/* The text from its line `n` on; "" when it has fewer. */
static const char *line_of(const struct store_kept *k, int n) {
    const char *at = k->text ? k->text : "";
    for (; n > 0; n--) {
        const char *end = strchr(at, '\n');
        if (end == NULL) {
            return "";
        }
        at = end + 1;
    }
    return at;
}

static bool line_is(const char *line, const char *want) {
    const size_t n = strlen(want);
    return strncmp(line, want, n) == 0 && line[n] == '\n';
}

bool call_rtc_ring_ties(bool points_to_it, int64_t start_ms, int64_t joined_ms) {
    return points_to_it || llabs((long long)(joined_ms - start_ms)) <= RTC_STUB_MS;
}

bool call_rtc_kept_ties(
    const struct call_session *s, const char *sender, const char *event_id, int64_t joined_ms) {
    const struct store_kept *k = latest_ring(s, sender);
    if (k == NULL) {
        return false;
    }
    const bool points = event_id != NULL && line_is(line_of(k, LINE_TARGET), event_id);
    return call_rtc_ring_ties(points, strtoll(line_of(k, LINE_START), NULL, 10), joined_ms);
}

int64_t call_rtc_kept_end(const struct call_session *s) {
    const struct store_kept *k = latest_ring(s, NULL);
    return k ? strtoll(line_of(k, LINE_END), NULL, 10) : 0;
}

void call_rtc_forget_rings(struct call_session *s) {
    forget(s, is_ring, NULL);
}

/* --- raised hands --- */

static const struct store_kept *find_hand(const struct call_session *s, const char *event_id) {
    for (size_t i = 0; i < s->n_kept; i++) {
        if (is_hand(&s->kept[i]) && call_rtc_same(s->kept[i].event_id, event_id)) {
            return &s->kept[i];
        }
    }
    return NULL;
}

enum err call_rtc_keep_hand(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    return keep(b, s, kept_from(in));
}

const char *call_rtc_kept_hand(const struct call_session *s, const char *event_id) {
    const struct store_kept *k = find_hand(s, event_id);
    return k ? k->sender : NULL;
}

void call_rtc_forget_hand(struct call_session *s, const char *event_id) {
    forget(s, is_hand, event_id);
}

static bool is_any(const struct store_kept *k) {
    (void)k;
    return true;
}

void call_rtc_forget_all(struct call_session *s) {
    forget(s, is_any, NULL);
}
