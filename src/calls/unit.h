/*
 * One unit of work as calls/work runs it: what it wants to see, what it does with what it saw, what
 * is to be written. Pure, apart from its memory: calls/work talks to the store.  Thread: main.
 */
#ifndef CALLS_UNIT_H
#define CALLS_UNIT_H

#include "calls/work.h"
#include "store/calls.h"

struct call_work {
    struct calls *calls; /* NULL: the domain was destroyed while the store had this unit */
    struct arena arena;
    struct call_batch batch; /* its arena and lists are in use from the start */
    const struct call_input **inputs;
    size_t n_inputs, cap_inputs;
    struct call_room_view *rooms;
    size_t n_rooms, cap_rooms;
    const char *txn_id;
    uint8_t txn_hash[SHA256_SIZE];
    bool deadlines; /* runs what is due instead of inputs */
    call_work_done *done;
    void *arg;
    struct store_scope scope;
    struct store_changes changes;
    struct store_stay *stays; /* that the inputs begin; NULL = none yet */
    size_t n_stays;
    const char **stays_over; /* that they end */
    size_t n_stays_over;
    struct call_work_report report;
    int64_t begun_us;
    struct call_work *next; /* in the queue */
};

/** Fills w->scope: rooms, legacy keys and event ids, each once. ERR_NOMEM only. */
MUST_CHECK enum err call_unit_look(struct call_work *w);
/** Applies what was found, and the inputs that are new; fills w->changes and w->report. ERR_NOMEM,
 * ERR_DATABASE (a row that makes no sense). */
MUST_CHECK enum err call_unit_apply(struct call_work *w, const struct store_snapshot *snapshot);
/** Is there anything to write? */
bool call_unit_writes(const struct call_work *w);
/** The earliest due_at among the changes, 0 = none. */
int64_t call_unit_due(const struct call_work *w);

#endif
