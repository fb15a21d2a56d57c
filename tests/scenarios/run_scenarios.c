/*
 * Plays scenario files and names the rows of the state tables that none of them fired.
 *
 *     run_scenarios [--only TEXT] FILE…        --only: scenarios whose names contain TEXT, and no
 * look at the rows
 */
#include "scenario.h"

#include <stdio.h>
#include <string.h>

static int name_unfired(const struct call_rule *rules, size_t n) {
    int missing = 0;
    for (size_t i = 0; i < n; i++) {
        if (call_machine_fired(&rules[i]) == 0) {
            printf("not ok never fired: %s\n", rules[i].name);
            missing++;
        }
    }
    return missing;
}

int main(int argc, char **argv) {
    struct scenario_counts counts = { 0, 0 };
    bool some = argc > 2 && strcmp(argv[1], "--only") == 0;
    for (int i = some ? 3 : 1; i < argc; i++) {
        scenario_run_file(argv[i], some ? argv[2] : NULL, &counts);
    }
    if (!some) {
        counts.failed += name_unfired(call_rules_legacy, call_rules_legacy_count);
        counts.failed += name_unfired(call_rules_rtc, call_rules_rtc_count);
    }
    printf("%d passed, %d failed\n", counts.passed, counts.failed);
    return counts.failed == 0 && counts.passed > 0 ? 0 : 1;
}
