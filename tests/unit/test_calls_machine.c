/* The walk over the tables, and the tables' own shape. */
#include "calls/machine.h"

#include "calls/session.h"
#include "test.h"

#include <string.h>

TEST(calls_machine, names_its_states) {
    for (int s = 0; s < CALL_STATE_COUNT; s++) {
        const char *name = call_state_name((enum call_state)s);
        ROW(name);
        CHECK_INT(s, call_state_read(name));
    }
    CHECK_INT(CALL_STATE_COUNT, call_state_read("asleep"));
    CHECK_INT(CALL_STATE_COUNT, call_state_read(""));
    CHECK_INT(CALL_STATE_COUNT, call_state_read(NULL));
}

static void check_names(const struct call_rule *rules, size_t n, const char *prefix) {
    for (size_t i = 0; i < n; i++) {
        ROW(rules[i].name);
        CHECK(strncmp(rules[i].name, prefix, strlen(prefix)) == 0);
        for (size_t j = 0; j < i; j++) {
            CHECK(strcmp(rules[i].name, rules[j].name) != 0);
        }
    }
}

TEST(calls_machine, names_each_row_once) {
    check_names(call_rules_legacy, call_rules_legacy_count, "legacy: ");
    check_names(call_rules_rtc, call_rules_rtc_count, "rtc: ");
}

/* A row behind one without a guard for the same states and input can never fire. */
static void check_reachable(const struct call_rule *rules, size_t n) {
    for (size_t i = 0; i < n; i++) {
        unsigned open = rules[i].from;
        for (size_t j = 0; j < i; j++) {
            if (rules[j].input == rules[i].input && rules[j].guard == NULL) {
                open &= ~rules[j].from;
            }
        }
        ROW(rules[i].name);
        CHECK(open != 0);
    }
}

TEST(calls_machine, hides_no_row_behind_another) {
    check_reachable(call_rules_legacy, call_rules_legacy_count);
    check_reachable(call_rules_rtc, call_rules_rtc_count);
}

/* Every legacy input has an answer in every state but final ones that are not asked (timers,
 * leaving, redactions: those sessions are not loaded). */
TEST(calls_machine, has_a_row_for_every_legacy_event_in_every_state) {
    for (int t = IN_INVITE; t <= IN_REPLACES; t++) {
        for (int s = CALL_NONE; s < CALL_STATE_COUNT; s++) {
            bool caught = false;
            for (size_t i = 0; i < call_rules_legacy_count; i++) {
                const struct call_rule *r = &call_rules_legacy[i];
                caught = caught || ((int)r->input == t && r->guard == NULL &&
                                       (r->from & STATE_BIT((unsigned)s)) != 0);
            }
            ROW(call_input_name((enum call_input_type)t));
            if (!caught) {
                test_fail(
                    __FILE__, __LINE__, "no row in state %s", call_state_name((enum call_state)s));
            }
        }
    }
}

TEST(calls_machine, counts_what_fired_and_leaves_the_rest) {
    CLEANUP(arena_finish) struct arena a;
    arena_init(&a);
    const struct call_policy policy = { .max_duration_ms = 1000 };
    struct call_batch b;
    call_batch_init(&b, &a, &policy, 5000);
    const struct call_input candidates = { .type = IN_CANDIDATES,
        .room_id = "!r:hs",
        .event_id = "$e",
        .sender = "@a:hs",
        .origin_ms = 5000,
        .sent_ms = 5000,
        .received_ms = 5000,
        .legacy = { .call_id = "c", .party_id = "A", .version = 1 } };
    struct call_session *s = call_session_create(&b, "legacy", &candidates, "c", "c");
    s->state = CALL_ENDED;
    const struct call_rule *row = NULL;
    for (size_t i = 0; i < call_rules_legacy_count; i++) {
        if (strcmp(call_rules_legacy[i].name, "legacy: over, candidates") == 0) {
            row = &call_rules_legacy[i];
        }
    }
    CHECK(row != NULL);
    size_t before = call_machine_fired(row);
    CHECK_ERR(OK, call_machine_step(&b, s, &candidates));
    CHECK_INT(before + 1, call_machine_fired(row));
    CHECK_INT(CALL_ENDED, s->state);
    CHECK(!s->changed);

    const struct call_input ring = { .type = IN_RING, .room_id = "!r:hs" };
    CHECK_ERR(OK, call_machine_step(&b, s, &ring));
    CHECK_INT(CALL_ENDED, s->state);
    CHECK(!s->changed);
    const struct call_rule foreign = { 0 };
    CHECK_INT(0, call_machine_fired(&foreign));
}
