/* Two tables of cases, each read from above. */
#include "calls/absence.h"

#include <stddef.h>

static int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* When they last gave a sign of life: their absence counts from there. */
static int64_t silent_since(const struct store_watch *w, int64_t absent_at) {
    return later(absent_at, later(w->heard_at, w->asked_at));
}

static int64_t again_ms(int tries) {
    int64_t ms = CALL_STALE_MS;
    for (; tries > 0 && ms < CALL_STALE_MAX_MS; tries--) {
        ms *= 2;
    }
    return ms < CALL_STALE_MAX_MS ? ms : CALL_STALE_MAX_MS;
}

static struct call_absence missed(const struct store_watch *w, int64_t now_ms) {
    struct call_absence a = { .next = { .seen_at = w->seen_at, .stale_at = w->stale_at } };
    bool counts = w->absent_at != 0 && now_ms - w->due_at < CALL_LATE_MS;
    a.next.absent_at = counts ? w->absent_at : now_ms;
    a.next.tries = w->tries;
    a.since = silent_since(w, a.next.absent_at);
    if (w->delegated) {
        a.next.look_at = now_ms + CALL_LOOK_MS; /* their leave is being sent */
    } else if (now_ms < a.since + CALL_ABSENT_MS) {
        a.next.look_at = a.since + CALL_ABSENT_MS;
    } else {
        a.stale = true;
        a.first = w->stale_at == 0;
        a.reason = w->seen_at == 0 ? "never_came" : "left_sfu";
        a.next.stale_at = a.first ? now_ms : w->stale_at;
        a.next.look_at = now_ms + again_ms(w->tries);
        a.next.tries++;
    }
    return a;
}

/* Who is there, or whose client uses another SFU, is not gone; nor is anybody while nobody can say.
 */
static struct call_absence fine(int64_t seen_at, int64_t now_ms, int64_t again) {
    return (struct call_absence){ .next = { .look_at = now_ms + again, .seen_at = seen_at } };
}

struct call_absence call_absence_of(
    const struct store_watch *w, enum call_sight sight, int64_t now_ms) {
    struct call_absence a = sight == CALL_UNSEEN   ? fine(w->seen_at, now_ms, CALL_UNKNOWN_MS)
                            : sight == CALL_IN_SFU ? fine(now_ms, now_ms, CALL_LOOK_MS)
                            : !w->in_use           ? fine(w->seen_at, now_ms, CALL_LOOK_MS)
                                                   : missed(w, now_ms);
    a.next.session_id = w->session_id;
    a.next.n = w->n;
    a.next.leased_until = w->leased_until;
    return a;
}

/* A participant who came before they left the call is what is left of that; one who came later has
 * come by itself. */
static void judge(
    struct call_visit *c, const struct store_visit *v, int64_t since_ms, int64_t now_ms) {
    bool left = v->left_at != 0 && v->left_at >= since_ms;
    int64_t due = left ? v->left_at + CALL_LEFT_MS : since_ms + CALL_ABSENT_MS;
    if (now_ms < due) {
        c->next.look_at = due;
        return;
    }
    c->left = left;
    c->next.look_at = left ? now_ms + CALL_UNKNOWN_MS : 0;
    c->no_membership = !left;
}

struct call_visit call_visit_of(
    const struct store_visit *v, enum call_sight sight, int64_t since_ms, int64_t now_ms) {
    struct call_visit c = { .next = { .alias = v->who.alias,
                                .identity = v->who.identity,
                                .leased_until = v->leased_until } };
    bool settled = sight == CALL_NOT_IN_SFU || v->who.barred_at != 0 || v->is_member;
    if (settled) {
        return c;
    }
    if (sight == CALL_UNSEEN) {
        c.next.look_at = now_ms + CALL_UNKNOWN_MS;
        return c;
    }
    judge(&c, v, since_ms > now_ms ? now_ms : since_ms, now_ms);
    return c;
}
