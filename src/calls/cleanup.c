/* A list of members to be ended, each at its step. */
#include "calls/cleanup.h"

#include "calls/absence.h"
#include "calls/work.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "matrix/client.h"
#include "matrix/ids.h"

#include <string.h>
#include <utlist.h>

#define STATE_TYPE "org.matrix.msc3401.call.member"

METRIC_COUNTER(stale_total, "parley_memberships_stale_total",
    "Members of calls held to be gone: their media ended, and no leave came.");
METRIC_COUNTER(not_ended_total, "parley_memberships_not_ended_total",
    "Tries to end the membership of somebody who is gone that failed.");
static struct metric ended_total[] = {
    METRIC_INIT(METRIC_KIND_COUNTER, "parley_memberships_ended_total", "by=\"user\"",
        "Memberships of those who are gone that we ended, in whose name."),
    METRIC_INIT(METRIC_KIND_COUNTER, "parley_memberships_ended_total", "by=\"sender\"",
        "Memberships of those who are gone that we ended, in whose name."),
};

struct act {
    struct act *prev, *next;
    struct call_cleanup *owner; /* NULL: it went while a unit was under way */
    struct arena arena;
    struct call_ending_member member;
    struct call_ending *ending; /* under way */
    struct call_input_stale what;
    const char *last_event_id;
    bool may;           /* the setting allows it */
    bool in_unit;       /* a unit will call back */
    const bool *stands; /* in the unit under way */
};

struct call_cleanup {
    struct call_cleanup_config cfg;
    struct act *acts;
};

/* --- life of an act --- */

static void act_free(struct act *x) {
    arena_finish(&x->arena);
    mem_free(x);
}

static void act_end(struct act *x) {
    if (x->owner != NULL) {
        mx_client_forget(x->owner->cfg.ending.client, x);
        DL_DELETE(x->owner->acts, x);
    }
    act_free(x);
}

static bool same(const char *a, const char *b) {
    return a != NULL && strcmp(a, b) == 0;
}

/* What the setting makes of it, in a word for the audit. */
static const char *cleanup_of(const struct call_cleanup *c, const struct store_watch *w) {
    if (c->cfg.mode == RTC_CLEANUP_OFF) {
        return "off";
    }
    if (same(w->generation, "array") || same(w->generation, "famedly")) {
        return "others_in_entry";
    }
    if (c->cfg.mode == RTC_CLEANUP_STATE) {
        return "state";
    }
    if (!mx_user_is_local(w->user_id, c->cfg.ending.server_name)) {
        return "remote_user";
    }
    return c->cfg.ending.masquerade ? "masquerade" : "state"; /* appservice.masquerade */
}

static void act_fill(
    struct act *x, const struct store_watch *w, const struct call_absence *a, int64_t now_ms) {
    struct arena *mem = &x->arena;
    const char *cleanup = cleanup_of(x->owner, w);
    x->may = same(cleanup, "state") || same(cleanup, "masquerade");
    x->last_event_id = arena_strdup(mem, w->last_event_id);
    x->member = (struct call_ending_member){
        .room_id = arena_strdup(mem, w->room_id),
        .user_id = arena_strdup(mem, w->user_id),
        .device_id = arena_strdup(mem, w->device_id),
        .generation = arena_strdup(mem, w->generation),
        .entry_key = arena_strdup(mem, w->entry_key),
        .membership_id = arena_strdup(mem, w->membership_id),
        .slot = arena_strdup(mem, w->slot),
    };
    x->what = (struct call_input_stale){
        .session_id = arena_strdup(mem, w->session_id),
        .n = w->n,
        .last_event_id = x->last_event_id,
        .user_id = x->member.user_id,
        .device_id = x->member.device_id,
        .reason = a->reason,
        .cleanup = cleanup,
        .silent_ms = now_ms - a->since,
        .again = !a->first,
    };
}

/* --- the audit --- */

/* Texts of the input are the act's or literals: a unit takes copies, as it may outlive the act. */
static void own_texts(struct arena *a, struct call_input *in) {
    const char **const texts[] = { &in->room_id, &in->stale.session_id, &in->stale.last_event_id,
        &in->stale.user_id, &in->stale.device_id, &in->stale.problem };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = arena_strdup(a, *texts[i]);
    }
}

static enum err note(
    struct act *x, enum call_input_type type, struct call_work **ret, int64_t now_ms) {
    TRY(call_work_create(x->owner->cfg.calls, now_ms, ret));
    struct arena *a = call_work_arena(*ret);
    struct call_input *in = arena_alloc(a, sizeof(*in));
    bool *flag = arena_alloc(a, sizeof(*flag));
    if (in != NULL) {
        *in = (struct call_input){ .type = type,
            .room_id = x->member.room_id,
            .origin_ms = now_ms,
            .sent_ms = now_ms,
            .received_ms = now_ms,
            .stale = x->what };
        in->stale.stands = flag;
        own_texts(a, in);
    }
    if (a->failed) {
        return err_set(ERR_NOMEM, "no memory for an audit row");
    }
    x->stands = flag;
    return call_work_add(*ret, in);
}

/* `done` NULL = nobody waits for it. */
static enum err write_down(struct act *x, enum call_input_type type, call_work_done *done) {
    struct call_work *w = NULL;
    enum err e = note(x, type, &w, clock_wall_ms());
    if (e != OK) {
        call_work_destroy(w);
        return e;
    }
    x->in_unit = done != NULL;
    call_work_run(w, done, x);
    return OK;
}

/* --- the steps --- */

static void fail(struct act *x) {
    LOG_WARN(&log_root, "membership_cleanup_failed", "user=%s room=%s text=%s",
        LOG_Q(x->member.user_id), LOG_Q(x->member.room_id), LOG_Q(err_text()));
    act_end(x);
}

static void on_ended(void *arg) {
    struct act *x = arg;
    bool ended = x->member.by != CALL_ENDING_FAILED;
    x->ending = NULL;
    x->what.reason = NULL;
    x->what.cleanup = NULL;
    x->what.silent_ms = 0;
    x->what.again = false;
    x->what.by = !ended ? NULL : x->member.by == CALL_ENDING_BY_USER ? "user" : "sender";
    x->what.problem = ended ? NULL : x->member.problem;
    metric_add(!ended ? &not_ended_total : &ended_total[x->member.by == CALL_ENDING_BY_SENDER], 1);
    LOG_INFO(&log_root, ended ? "membership_ended" : "membership_not_ended",
        "user=%s room=%s by=%s"
        " text=%s",
        LOG_Q(x->member.user_id), LOG_Q(x->member.room_id), ended ? x->what.by : "nobody",
        LOG_Q(x->member.problem));
    if (write_down(x, ended ? IN_MEMBERSHIP_ENDED : IN_MEMBERSHIP_NOT_ENDED, NULL) != OK) {
        fail(x);
        return;
    }
    act_end(x);
}

static void end_it(struct act *x) {
    struct call_ending_config cfg = x->owner->cfg.ending;
    cfg.masquerade = cfg.masquerade && x->owner->cfg.mode == RTC_CLEANUP_MASQUERADE;
    if (call_ending_run(&cfg, &x->member, 1, on_ended, x, &x->ending) != OK) {
        fail(x);
    }
}

/* Where it cannot be read, ending it will say why. */
static void on_entry(void *arg, const struct mx_answer *a) {
    struct act *x = arg;
    const char *id = mx_answer_text_of(a, "event_id");
    if (a->err == OK && id != NULL && x->last_event_id != NULL &&
        strcmp(id, x->last_event_id) != 0) {
        LOG_INFO(&log_root, "membership_renewed", "user=%s room=%s", LOG_Q(x->member.user_id),
            LOG_Q(x->member.room_id));
        act_end(x); /* they are alive, or have left: it is on its way to us */
        return;
    }
    end_it(x);
}

static void look_up(struct act *x) {
    const struct call_ending_config *cfg = &x->owner->cfg.ending;
    bool as_user = cfg->masquerade && x->owner->cfg.mode == RTC_CLEANUP_MASQUERADE;
    if (!same(x->member.generation, "state") || x->member.entry_key == NULL ||
        mx_client_room_state_whole(cfg->client, x->member.room_id, STATE_TYPE, x->member.entry_key,
            as_user ? x->member.user_id : NULL, on_entry, x) != OK) {
        end_it(x);
    }
}

static void on_written(void *arg, enum err e, const struct call_work_report *report) {
    struct act *x = arg;
    (void)report;
    x->in_unit = false;
    if (x->owner == NULL) {
        act_free(x);
    } else if (e != OK) {
        fail(x);
    } else if (!*x->stands || !x->may) {
        act_end(x);
    } else {
        look_up(x);
    }
}

void call_cleanup_stale(
    struct call_cleanup *c, const struct store_watch *w, const struct call_absence *a) {
    struct act *x = mem_zalloc(sizeof(*x));
    if (x == NULL) {
        return; /* it is due again */
    }
    arena_init(&x->arena);
    x->owner = c;
    DL_APPEND(c->acts, x);
    act_fill(x, w, a, clock_wall_ms());
    if (x->arena.failed) {
        act_end(x);
        return;
    }
    if (a->first) {
        metric_add(&stale_total, 1);
        LOG_INFO(&log_root, "membership_stale", "user=%s room=%s reason=%s cleanup=%s",
            LOG_Q(x->member.user_id), LOG_Q(x->member.room_id), a->reason, x->what.cleanup);
    }
    if (write_down(x, IN_MEMBERSHIP_STALE, on_written) != OK) {
        fail(x);
    }
}

/* --- life --- */

void call_cleanup_register_metrics(void) {
    metrics_register(&stale_total);
    metrics_register(&not_ended_total);
    metrics_register(&ended_total[0]);
    metrics_register(&ended_total[1]);
}

enum err call_cleanup_create(const struct call_cleanup_config *cfg, struct call_cleanup **ret) {
    struct call_cleanup *c = mem_zalloc(sizeof(*c));
    if (c == NULL) {
        return err_set(ERR_NOMEM, "no memory for ending memberships");
    }
    c->cfg = *cfg;
    *ret = c;
    return OK;
}

void call_cleanup_destroy(struct call_cleanup *c) {
    if (c == NULL) {
        return;
    }
    while (c->acts != NULL) {
        struct act *x = c->acts;
        mx_client_forget(c->cfg.ending.client, x);
        DL_DELETE(c->acts, x);
        x->owner = NULL;
        if (x->in_unit) {
            continue; /* its unit has it */
        }
        call_ending_destroy(x->ending);
        act_free(x);
    }
    mem_free(c);
}
