/*
 * The parts of the scenario runner (README.md has the language). A test program: whatever fails
 * here says so and ends the scenario, and without memory the program ends.  Thread: main.
 */
#ifndef TESTS_SCENARIOS_SCENARIO_H
#define TESTS_SCENARIOS_SCENARIO_H

#include "calls/batch.h"
#include "calls/session.h"
#include "core/mem.h"
#include "store/calls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCENARIO_EPOCH_MS  INT64_C(1700000000000) /* time 0 of every scenario, wall clock */
#define SCENARIO_WORDS_MAX 128
#define SCENARIO_GROUP_MAX 256

/* --- scenario_columns: rows as named columns --- */

enum column_type { COLUMN_TEXT, COLUMN_ID, COLUMN_TIME, COLUMN_INT, COLUMN_LONG, COLUMN_BOOL };
struct column {
    const char *name;
    enum column_type type;
    size_t at;
};
struct columns {
    const struct column *list;
    size_t n;
    size_t size; /* of the struct */
};
extern const struct columns call_columns, participant_columns, kept_columns, event_columns;

/** Never NULL: ends the program without memory. */
void *sim_alloc(struct arena *a, size_t n);
char *sim_strdup(struct arena *a, const char *s);
/** Copies a row with all its texts into the arena. */
void columns_copy(const struct columns *c, void *to, const void *from, struct arena *a);
/** A value as expectations write it; NULL when there is no such column. */
const char *columns_show(
    const struct columns *c, const void *row, const char *name, struct arena *a);
/** Milliseconds as expectations write a time. */
const char *show_time(int64_t wall_ms, struct arena *a);

/* --- scenario_store: the database, as far as calls/ knows it --- */

struct sim_call {
    struct store_call row;
    int rtc_n;                         /* number among the rtc calls, from 1; 0 = legacy */
    struct store_participant **people; /* by n */
    size_t n_people, cap_people;
    struct store_kept *kept;
    size_t n_kept;
    struct store_event **events;
    size_t n_events, cap_events;
    const char *news; /* their types, a space before each; "+room": the room is told too */
    bool noticed;
};
struct sim_store {
    struct arena *arena;
    struct sim_call **calls;
    size_t n_calls, cap_calls;
    struct store_event **strays;
    size_t n_strays, cap_strays;
};

/** What a unit over these rooms and legacy keys sees; all in `a`. */
void sim_store_open(const struct sim_store *s, const struct store_scope *scope, struct arena *a,
    struct store_snapshot *ret);
/** What a deadline run sees; false when nothing is due. */
bool sim_store_open_due(
    const struct sim_store *s, int64_t now_ms, struct arena *a, struct store_snapshot *ret);
/** NULL, or the sentence of the rule that the changes break. Then the store holds part of them. */
const char *sim_store_commit(struct sim_store *s, const struct store_changes *changes);
/** By the name expectations use: call_id of a legacy call, "rtc:1". */
struct sim_call *sim_store_find(const struct sim_store *s, const char *name);
/** That name for a session id, or NULL. */
const char *sim_store_name(const struct sim_store *s, const char *session_id, struct arena *a);

/* --- scenario_input: a line of words to an input --- */

/** NULL, or what is wrong with the words [WHO VERB key=value …]. `at_ms` is the line's wall time.
 * Everything in `a`. */
const char *scenario_read_input(
    char **words, size_t n, int line, int64_t at_ms, struct arena *a, struct call_input *ret);

/* --- scenario_expect --- */

/* What the latest step gave. */
struct sim_news {
    struct call_push *pushes;
    size_t n_pushes;
    const char **rechecks;
    size_t n_rechecks;
};
/** NULL, or the sentence of the difference. `words` are those behind "expect". */
const char *scenario_expect(const struct sim_store *s, const struct sim_news *news, char **words,
    size_t n, struct arena *a);

/* --- scenario_run --- */

struct scenario_counts {
    int passed;
    int failed;
};
/** Runs the scenarios of a file whose names contain `only` (NULL = all). */
void scenario_run_file(const char *path, const char *only, struct scenario_counts *counts);

#endif
