/* Rooms of the SFU are asked for, a few at a time; then each member and each participant is judged.
 */
#include "calls/lookout_round.h"

#include "calls/absence.h"
#include "calls/work.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"

#include <stdlib.h>
#include <string.h>

METRIC_COUNTER(blind_total, "parley_sfu_looks_failed_total",
    "Rooms of the SFU that could not be asked who is in them.");
METRIC_COUNTER(strangers_total, "parley_media_without_membership_total",
    "Participants of the SFU who were in no call for a minute.");

/* A room of the SFU. */
struct look {
    const char *alias;
    struct call_lookout_round *round;
    bool answered; /* it is known who is there */
    bool flying;
    struct call_occupant *list; /* by identity */
    size_t n;
};

struct member {
    struct store_watch watch;
    struct call_place places[CALL_LOOKOUT_PLACES];
    size_t n_places;
    struct call_absence verdict;
};

struct participant {
    struct store_visit visit;
    struct call_visit verdict;
};

struct call_lookout_round {
    struct call_lookout_config cfg;
    struct call_cleanup *cleanup;
    struct arena arena;
    struct member *members;
    size_t n_members;
    struct participant *participants;
    size_t n_participants;
    struct look *looks; /* by alias */
    size_t n_looks, next, flying, failures;
    bool full;
    bool settling; /* the store has our question */
    bool gone;     /* destroyed meanwhile */
    call_lookout_over *over;
    void *arg;
};

void call_lookout_round_register_metrics(void) {
    metrics_register(&blind_total);
    metrics_register(&strangers_total);
}

static void round_free(struct call_lookout_round *r) {
    arena_finish(&r->arena);
    mem_free(r);
}

/* --- the end --- */

static void finish(struct call_lookout_round *r, enum err e) {
    call_lookout_over *over = r->over;
    void *arg = r->arg;
    bool full = r->full;
    round_free(r);
    over(arg, e, full);
}

static enum err note_stranger(
    const struct call_lookout_round *r, const struct store_identity *who) {
    struct call_work *w = NULL;
    int64_t now_ms = clock_wall_ms();
    TRY(call_work_create(r->cfg.calls, now_ms, &w));
    struct arena *a = call_work_arena(w);
    struct call_input *in = arena_alloc(a, sizeof(*in));
    if (in != NULL) {
        *in = (struct call_input){ .type = IN_MEDIA_WITHOUT_MEMBERSHIP,
            .room_id = arena_strdup(a, who->room_id),
            .sender = arena_strdup(a, who->user_id),
            .origin_ms = now_ms,
            .sent_ms = now_ms,
            .received_ms = now_ms,
            .token = { .slot = arena_strdup(a, who->slot_id),
                .device_id = arena_strdup(a, who->device_id),
                .member_id = arena_strdup(a, who->member_id),
                .dialect = arena_strdup(a, who->dialect),
                .alias = arena_strdup(a, who->alias),
                .identity = arena_strdup(a, who->identity),
                .reason = r->cfg.require_membership ? "removed" : "tolerated" } };
    }
    enum err e = a->failed ? err_set(ERR_NOMEM, "out of memory") : call_work_add(w, in);
    if (e != OK) {
        call_work_destroy(w);
        return e;
    }
    call_work_run(w, NULL, NULL);
    return OK;
}

static void act_on(const struct call_lookout_round *r, const struct participant *p) {
    const struct store_identity *who = &p->visit.who;
    const struct call_lookout_ports *ports = &r->cfg.ports;
    if (p->verdict.left) {
        ports->remove(ports->arg, who, "left_call");
    }
    if (!p->verdict.no_membership) {
        return;
    }
    metric_add(&strangers_total, 1);
    LOG_INFO(&log_root, "media_without_membership", "user=%s room=%s", LOG_Q(who->user_id),
        LOG_Q(who->room_id));
    if (note_stranger(r, who) != OK) {
        LOG_ERROR(&log_root, "audit_row_lost", "type=media_without_membership text=%s",
            LOG_Q(err_text()));
    }
    if (r->cfg.require_membership) {
        ports->remove(ports->arg, who, "no_membership");
    }
}

/* Only where no news came meanwhile: then the next look decides. */
static void on_settled(void *arg, enum err e, const bool *watches, const bool *visits) {
    struct call_lookout_round *r = arg;
    r->settling = false;
    if (r->gone) {
        round_free(r);
        return;
    }
    for (size_t i = 0; e == OK && i < r->n_members; i++) {
        if (watches[i] && r->members[i].verdict.stale) {
            call_cleanup_stale(r->cleanup, &r->members[i].watch, &r->members[i].verdict);
        }
    }
    for (size_t i = 0; e == OK && i < r->n_participants; i++) {
        if (visits[i]) {
            act_on(r, &r->participants[i]);
        }
    }
    finish(r, e);
}

static void settle(struct call_lookout_round *r) {
    struct store_watch_found *watches = arena_array(&r->arena, r->n_members, sizeof(*watches));
    struct store_visit_found *visits = arena_array(&r->arena, r->n_participants, sizeof(*visits));
    for (size_t i = 0; watches != NULL && i < r->n_members; i++) {
        watches[i] = r->members[i].verdict.next;
    }
    for (size_t i = 0; visits != NULL && i < r->n_participants; i++) {
        visits[i] = r->participants[i].verdict.next;
    }
    r->settling = true;
    enum err e = r->arena.failed ? err_set(ERR_NOMEM, "out of memory")
                                 : store_watches_settle(r->cfg.store, watches, r->n_members, visits,
                                       r->n_participants, on_settled, r);
    if (e != OK) {
        r->settling = false;
        finish(r, e);
    }
}

/* --- judging --- */

static int by_alias(const void *a, const void *b) {
    return strcmp(((const struct look *)a)->alias, ((const struct look *)b)->alias);
}

static int by_identity(const void *a, const void *b) {
    return strcmp(
        ((const struct call_occupant *)a)->identity, ((const struct call_occupant *)b)->identity);
}

static enum call_sight look_for(
    const struct call_lookout_round *r, const struct call_place *place, int64_t *since_ms) {
    const struct look key = { .alias = place->alias };
    const struct look *l =
        r->n_looks == 0 ? NULL : bsearch(&key, r->looks, r->n_looks, sizeof(*r->looks), by_alias);
    if (l == NULL || !l->answered) {
        return CALL_UNSEEN;
    }
    const struct call_occupant who = { .identity = place->identity };
    const struct call_occupant *o =
        l->n == 0 ? NULL : bsearch(&who, l->list, l->n, sizeof(*l->list), by_identity);
    *since_ms = o == NULL ? 0 : o->since_ms;
    return o == NULL ? CALL_NOT_IN_SFU : CALL_IN_SFU;
}

/* In one of their places is in; to be in none, all must have been seen. */
static enum call_sight sight_of(const struct call_lookout_round *r, const struct member *m) {
    enum call_sight sight = m->n_places == 0 ? CALL_UNSEEN : CALL_NOT_IN_SFU;
    for (size_t i = 0; i < m->n_places; i++) {
        int64_t since_ms;
        enum call_sight one = look_for(r, &m->places[i], &since_ms);
        if (one == CALL_IN_SFU) {
            return one;
        }
        sight = one == CALL_UNSEEN ? one : sight;
    }
    return sight;
}

static void judge(struct call_lookout_round *r) {
    int64_t now_ms = clock_wall_ms();
    for (size_t i = 0; i < r->n_members; i++) {
        struct member *m = &r->members[i];
        m->verdict = call_absence_of(&m->watch, sight_of(r, m), now_ms);
    }
    for (size_t i = 0; i < r->n_participants; i++) {
        struct participant *p = &r->participants[i];
        const struct call_place place = { p->visit.who.alias, p->visit.who.identity };
        int64_t since_ms = 0;
        enum call_sight sight = look_for(r, &place, &since_ms);
        p->verdict = call_visit_of(&p->visit, sight, since_ms == 0 ? now_ms : since_ms, now_ms);
        if (p->verdict.no_membership && r->cfg.require_membership) {
            p->verdict.next.look_at = now_ms + CALL_UNKNOWN_MS; /* did it help? */
        }
    }
    settle(r);
}

/* --- asking the SFU --- */

static void ask_more(struct call_lookout_round *r);

static void keep(struct look *l, const struct call_occupant *list, size_t n) {
    struct arena *a = &l->round->arena;
    l->list = arena_array(a, n, sizeof(*l->list));
    for (size_t i = 0; l->list != NULL && i < n; i++) {
        l->list[i] = (struct call_occupant){ arena_strdup(a, list[i].identity), list[i].since_ms };
    }
    l->n = n;
    l->answered = !a->failed;
    if (l->answered && n > 0) {
        qsort(l->list, n, sizeof(*l->list), by_identity);
    }
}

static void missed(struct look *l, const char *text) {
    l->round->failures++;
    metric_add(&blind_total, 1);
    LOG_WARN(&log_root, "sfu_not_seen", "alias=%s text=%s", LOG_Q(l->alias), LOG_Q(text));
}

static void on_seen(
    void *arg, enum err e, const struct call_occupant *list, size_t n, const char *text) {
    struct look *l = arg;
    struct call_lookout_round *r = l->round;
    l->flying = false;
    r->flying--;
    if (e == OK || e == ERR_NOT_FOUND) {
        keep(l, list, e == OK ? n : 0);
    } else {
        missed(l, text);
    }
    ask_more(r);
}

static void ask_more(struct call_lookout_round *r) {
    while (r->flying < CALL_LOOKOUT_PARALLEL && r->next < r->n_looks &&
           r->failures < CALL_LOOKOUT_FAILURES) {
        struct look *l = &r->looks[r->next++];
        if (r->cfg.ports.list(r->cfg.ports.arg, l->alias, on_seen, l) != OK) {
            missed(l, err_text());
            continue;
        }
        l->flying = true;
        r->flying++;
    }
    if (r->flying == 0) {
        judge(r);
    }
}

/* --- beginning --- */

/* Each room once, by name. */
static enum err list_looks(struct call_lookout_round *r) {
    size_t most = r->n_participants;
    for (size_t i = 0; i < r->n_members; i++) {
        most += r->members[i].n_places;
    }
    r->looks = arena_array(&r->arena, most, sizeof(*r->looks));
    if (r->looks == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    size_t n = 0;
    for (size_t i = 0; i < r->n_members; i++) {
        for (size_t p = 0; p < r->members[i].n_places; p++) {
            r->looks[n++] = (struct look){ .alias = r->members[i].places[p].alias, .round = r };
        }
    }
    for (size_t i = 0; i < r->n_participants; i++) {
        r->looks[n++] = (struct look){ .alias = r->participants[i].visit.who.alias, .round = r };
    }
    if (n > 0) {
        qsort(r->looks, n, sizeof(*r->looks), by_alias);
    }
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(r->looks[i].alias, r->looks[r->n_looks - 1].alias) != 0) {
            r->looks[r->n_looks++] = r->looks[i];
        }
    }
    return OK;
}

/* Where tokens have let them, and where they must be by the rules of names. */
static void list_places(struct call_lookout_round *r, struct member *m) {
    char *at = arena_strdup(&r->arena, m->watch.places);
    while (at != NULL && m->n_places < CALL_LOOKOUT_PLACES / 2) {
        const char *alias = strsep(&at, "\n");
        const char *identity = at == NULL ? NULL : strsep(&at, "\n");
        if (identity != NULL) {
            m->places[m->n_places++] = (struct call_place){ alias, identity };
        }
    }
    struct call_place more[CALL_LOOKOUT_PLACES];
    size_t n = r->cfg.ports.places(r->cfg.ports.arg, &m->watch, &r->arena, more);
    for (size_t i = 0; i < n && m->n_places < CALL_LOOKOUT_PLACES; i++) {
        m->places[m->n_places++] = more[i];
    }
}

static void copy_member(
    struct call_lookout_round *r, struct member *m, const struct store_watch *w) {
    m->watch = *w;
    const char **const texts[] = { &m->watch.session_id, &m->watch.room_id, &m->watch.slot,
        &m->watch.user_id, &m->watch.device_id, &m->watch.generation, &m->watch.entry_key,
        &m->watch.membership_id, &m->watch.last_event_id, &m->watch.places };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = arena_strdup(&r->arena, *texts[i]);
    }
    if (!r->arena.failed) {
        list_places(r, m);
    }
}

static void copy_participant(
    struct call_lookout_round *r, struct participant *p, const struct store_visit *v) {
    p->visit = *v;
    struct store_identity *who = &p->visit.who;
    const char **const texts[] = { &who->alias, &who->identity, &who->room_id, &who->slot_id,
        &who->user_id, &who->device_id, &who->member_id, &who->dialect };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = arena_strdup(&r->arena, *texts[i]);
    }
}

static enum err copy_due(struct call_lookout_round *r, const struct store_due *due) {
    r->members = arena_array(&r->arena, due->n_watches, sizeof(*r->members));
    r->participants = arena_array(&r->arena, due->n_visits, sizeof(*r->participants));
    for (size_t i = 0; !r->arena.failed && i < due->n_watches; i++) {
        copy_member(r, &r->members[i], &due->watches[i]);
    }
    for (size_t i = 0; !r->arena.failed && i < due->n_visits; i++) {
        copy_participant(r, &r->participants[i], &due->visits[i]);
    }
    r->n_members = due->n_watches;
    r->n_participants = due->n_visits;
    r->full = r->n_members == STORE_WATCHES_MOST || r->n_participants == STORE_WATCHES_MOST;
    return r->arena.failed ? err_set(ERR_NOMEM, "out of memory") : OK;
}

enum err call_lookout_round_run(const struct call_lookout_config *cfg, struct call_cleanup *cleanup,
    const struct store_due *due, call_lookout_over *over, void *arg,
    struct call_lookout_round **ret) {
    struct call_lookout_round *r = mem_zalloc(sizeof(*r));
    if (r == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    r->cfg = *cfg;
    r->cleanup = cleanup;
    r->over = over;
    r->arg = arg;
    arena_init(&r->arena);
    enum err e = copy_due(r, due);
    if (e == OK) {
        e = list_looks(r);
    }
    if (e != OK) {
        round_free(r);
        return e;
    }
    *ret = r;
    ask_more(r);
    return OK;
}

void call_lookout_round_destroy(struct call_lookout_round *r) {
    if (r == NULL) {
        return;
    }
    for (size_t i = 0; i < r->n_looks; i++) {
        if (r->looks[i].flying) {
            r->cfg.ports.forget(r->cfg.ports.arg, &r->looks[i]);
        }
    }
    r->gone = true;
    if (!r->settling) {
        round_free(r);
    }
}
