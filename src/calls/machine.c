/* The walk over the state tables, the names of the states, and how often each row fired.  Thread:
 * main. */
#include "calls/machine.h"

#include "calls/session.h"
#include "core/metrics.h"

#include <assert.h>
#include <string.h>

/* Longest table; a longer one fails the assertion at its first step. */
#define RULES_MOST 128

METRIC_COUNTER(unknown_steps, "parley_calls_unknown_combinations_total",
    "Inputs for which the state table has no row: nothing happened.");

static const char *const state_names[CALL_STATE_COUNT] = {
    [CALL_NONE] = "none",
    [CALL_STUB] = "stub",
    [CALL_RINGING] = "ringing",
    [CALL_ANSWERED] = "answered",
    [CALL_ACTIVE] = "active",
    [CALL_ENDED] = "ended",
    [CALL_REJECTED] = "rejected",
    [CALL_MISSED] = "missed",
    [CALL_CANCELLED] = "cancelled",
    [CALL_FAILED] = "failed",
};

struct table {
    const char *kind;
    const struct call_rule *rules;
    const size_t *count;
    size_t fired[RULES_MOST];
};
static struct table tables[] = {
    { .kind = "legacy", .rules = call_rules_legacy, .count = &call_rules_legacy_count },
    { .kind = "rtc", .rules = call_rules_rtc, .count = &call_rules_rtc_count },
};

const char *call_state_name(enum call_state s) {
    assert((unsigned)s < CALL_STATE_COUNT);
    return state_names[s];
}

enum call_state call_state_read(const char *name) {
    for (int s = 0; name != NULL && s < CALL_STATE_COUNT; s++) {
        if (strcmp(name, state_names[s]) == 0) {
            return (enum call_state)s;
        }
    }
    return CALL_STATE_COUNT;
}

static struct table *table_of(const struct call_session *s) {
    return strcmp(s->row.kind, tables[0].kind) == 0 ? &tables[0] : &tables[1];
}

static const struct call_rule *find_rule(const struct table *t, const struct call_batch *b,
    const struct call_session *s, const struct call_input *in) {
    assert(*t->count <= RULES_MOST);
    for (size_t i = 0; i < *t->count; i++) {
        const struct call_rule *r = &t->rules[i];
        if (r->input == in->type && (r->from & STATE_BIT(s->state)) != 0 &&
            (r->guard == NULL || r->guard(b, s, in))) {
            return r;
        }
    }
    return NULL;
}

/* A live call has shown life: what calls.max_duration counts from, and what says whether the room's
 * state that was read is older than what we know. Reading it is no sign of life itself. */
static void note_life(struct call_session *s, const struct call_input *in) {
    if (in->type != IN_DEADLINE && !in->reconciled && !call_session_final(s) &&
        in->received_ms > s->row.last_event_at) {
        s->row.last_event_at = in->received_ms;
        s->changed = true;
    }
}

enum err call_machine_step(
    struct call_batch *b, struct call_session *s, const struct call_input *in) {
    struct table *t = table_of(s);
    const struct call_rule *r = find_rule(t, b, s, in);
    if (r == NULL) {
        metric_add(&unknown_steps, 1);
        return OK;
    }
    t->fired[r - t->rules]++;
    bool was_over = call_session_final(s);
    if (r->effect != NULL) {
        TRY(r->effect(b, s, in));
    }
    if (r->to != CALL_SAME) {
        call_session_enter(b, s, r->to, in);
    }
    if (!was_over || !call_session_final(s)) {
        note_life(s, in);
    }
    return OK;
}

size_t call_machine_fired(const struct call_rule *r) {
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        const struct table *t = &tables[i];
        if (r >= t->rules && r < t->rules + *t->count) {
            return t->fired[r - t->rules];
        }
    }
    return 0;
}

void call_machine_register_metrics(void) {
    metrics_register(&unknown_steps);
}
