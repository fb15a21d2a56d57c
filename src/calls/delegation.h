/*
 * A delegated delayed leave: a client that is in the SFU left with us the delayed event that will
 * say it has left the call. We restart it as long as the client is in the SFU, and have it sent
 * when the client is gone.
 *
 * Pure: one job, its table of steps, no clock and no requests of its own. What to do next is the
 * answer; calls/delegations does it and says how it went as the next input. Times are Unix
 * milliseconds.  Thread: any.  See: matrix-calls 4.9 (the table), MSC4140.
 */
#ifndef CALLS_DELEGATION_H
#define CALLS_DELEGATION_H

#include <stdbool.h>
#include <stdint.h>

#define CALL_DELEGATION_WAIT_MAX_MS INT64_C(3600000) /* 4.9: for the client to come at all */
#define CALL_DELEGATION_COME_MS     INT64_C(300000) /* 4.5: an SFU's empty room is closed after it */
#define CALL_DELEGATION_DEPART_MS   INT64_C(20000)  /* 4.9: departure time of the SFU */
#define CALL_DELEGATION_RETURN_MS   INT64_C(5000)   /* what is left of it after a time-out there */
#define CALL_DELEGATION_BACK_OFF_MS INT64_C(60000)  /* 4.9: the longest between two tries */

enum call_delegation_state {
    CALL_DELEGATION_WAITING,      /* was not seen in the SFU yet */
    CALL_DELEGATION_CONNECTED,    /* is in the SFU */
    CALL_DELEGATION_DEPARTING,    /* lost its connection, may come back */
    CALL_DELEGATION_DISCONNECTED, /* is gone: the leave is to be sent */
    CALL_DELEGATION_OVER,         /* nothing is left to do: forget it */
    CALL_DELEGATION_STATES,
    CALL_DELEGATION_SAME = CALL_DELEGATION_STATES
};
/** "waiting" …: what the column `state` holds. Reading an unknown name gives _STATES. */
const char *call_delegation_state_name(enum call_delegation_state s);
enum call_delegation_state call_delegation_state_read(const char *name);

enum call_delegation_input {
    CALL_DELEGATION_ACCEPTED, /* a client asked for it, at restarted_ms */
    CALL_DELEGATION_STARTED,  /* our process begins with what an earlier one left */
    CALL_DELEGATION_TIMER,    /* due_ms has come */
    /* from the SFU, or from looking there */
    CALL_DELEGATION_FOUND,     /* is in it */
    CALL_DELEGATION_MISSING,   /* is not */
    CALL_DELEGATION_LEFT,      /* left on purpose */
    CALL_DELEGATION_LOST,      /* its connection ended in another way */
    CALL_DELEGATION_TIMED_OUT, /* likewise; the SFU waited for it in vain before it said so */
    CALL_DELEGATION_FAILED,    /* its first connection never came about */
    /* from the homeserver, for the request under way */
    CALL_DELEGATION_DONE,  /* 200 */
    CALL_DELEGATION_GONE,  /* 404 or 409: the event was sent or cancelled */
    CALL_DELEGATION_LATER, /* 429, 5xx or no answer */
    CALL_DELEGATION_INPUTS
};

enum call_delegation_action {
    CALL_DELEGATION_NOTHING,
    CALL_DELEGATION_LOOK,    /* is the participant in the SFU? */
    CALL_DELEGATION_RESTART, /* the delayed event, at the user's homeserver */
    CALL_DELEGATION_SEND     /* likewise */
};

struct call_delegation {
    enum call_delegation_state state;
    int64_t delay_ms;     /* delay_timeout of the client */
    int64_t accepted_ms;  /* when the client asked for it */
    int64_t restarted_ms; /* when the homeserver last began to count; it sends at + delay_ms */
    int64_t asked_ms;     /* when the request under way left */
    int64_t due_ms;       /* when the timer is due; 0 = never */
    int64_t give_up_ms;   /* disconnected: no tries after this */
    int tries;            /* that failed, in a row */
    bool seen;            /* waiting: an earlier process saw it in the SFU */
};
/** The state as it is kept: a later process must know that the client was seen. */
enum call_delegation_state call_delegation_kept_state(const struct call_delegation *d);

/** One input. `after_ms` is what a LATER asked us to wait, 0 = nothing; `random` 0 … UINT32_MAX
 * spreads the tries of many jobs. Whoever acts brings the outcome as the next input; an action
 * while another is under way takes its place: the earlier outcome must not be brought any more. */
enum call_delegation_action call_delegation_step(struct call_delegation *d,
    enum call_delegation_input in, int64_t now_ms, int64_t after_ms, uint32_t random);

#endif
