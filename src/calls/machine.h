/*
 * The ONE state table of calls: rows of (kind, from, input, guard, to, effect). The first row that
 * matches wins.
 *
 * calls/machine.c holds the table and its walk; calls/legacy_* and calls/rtc_* hold guards and
 * effects. See: matrix-calls 2.6 (legacy) and 3.5 (MatrixRTC). Each row of those pages is a row
 * here and a scenario in tests/scenarios.
 */
#ifndef CALLS_MACHINE_H
#define CALLS_MACHINE_H

#include "calls/input.h"
#include "core/err.h"

#include <stddef.h>

struct call_batch;
struct call_session;

enum call_kind { CALL_KIND_LEGACY, CALL_KIND_RTC };

enum call_state {
    CALL_NONE,
    CALL_STUB, /* something was seen, but no beginning */
    CALL_RINGING,
    CALL_ANSWERED, /* legacy: answered, not yet selected */
    CALL_ACTIVE,
    CALL_ENDED, /* finals from here on */
    CALL_REJECTED,
    CALL_MISSED,
    CALL_CANCELLED,
    CALL_FAILED,
    CALL_STATE_COUNT,
    CALL_SAME = CALL_STATE_COUNT /* in a row: the state stays, or the effect moves it by
                                    call_session_enter */
};
#define STATE_BIT(s) (1u << (s))
#define STATES_FINAL                                                                               \
    (STATE_BIT(CALL_ENDED) | STATE_BIT(CALL_REJECTED) | STATE_BIT(CALL_MISSED) |                   \
        STATE_BIT(CALL_CANCELLED) | STATE_BIT(CALL_FAILED))

/** "ringing" …: what the column `state` holds; reading an unknown name gives CALL_STATE_COUNT. */
const char *call_state_name(enum call_state s);
enum call_state call_state_read(const char *name);

/* One row. `guard` NULL = always; `effect` NULL = nothing beside the move; effects run before the
 * state is entered. */
struct call_rule {
    unsigned from; /* STATE_BITs */
    enum call_input_type input;
    bool (*guard)(
        const struct call_batch *b, const struct call_session *s, const struct call_input *in);
    enum call_state to;
    enum err (*effect)(struct call_batch *b, struct call_session *s, const struct call_input *in);
    const char *name; /* the row's name, "legacy: ringing, answer from the callee": scenarios cover
                         every one */
};

/** The tables, by kind. */
extern const struct call_rule call_rules_legacy[];
extern const size_t call_rules_legacy_count;
extern const struct call_rule call_rules_rtc[];
extern const size_t call_rules_rtc_count;

/** Moves one session by one input. No row: nothing happens (a counter is raised). ERR_NOMEM only.
 */
MUST_CHECK enum err call_machine_step(
    struct call_batch *b, struct call_session *s, const struct call_input *in);

/** For the coverage of the scenarios: how often a row has fired. */
size_t call_machine_fired(const struct call_rule *r);

/** Puts the machine's counters on the metrics page. */
void call_machine_register_metrics(void);

#endif
