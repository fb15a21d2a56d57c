/* The table of a delegated delayed leave and its walk. */
#include "calls/delegation.h"

#include "core/mem.h"

#include <stddef.h>
#include <string.h>

#define BACK_OFF_FIRST_MS       INT64_C(1000)
#define RESTART_SHARE_OF(delay) ((delay) / 5 * 4) /* 4.9: every 80 % of the delay */
#define GIVE_UP_LEAST_MS        INT64_C(1000)
#define GIVE_UP_MOST_MS         INT64_C(3600000)

static const char *const names[CALL_DELEGATION_STATES] = {
    [CALL_DELEGATION_WAITING] = "waiting",
    [CALL_DELEGATION_CONNECTED] = "connected",
    [CALL_DELEGATION_DEPARTING] = "departing",
    [CALL_DELEGATION_DISCONNECTED] = "disconnected",
    [CALL_DELEGATION_OVER] = "over",
};

const char *call_delegation_state_name(enum call_delegation_state s) {
    return names[s];
}

enum call_delegation_state call_delegation_state_read(const char *name) {
    for (int s = 0; s < CALL_DELEGATION_STATES; s++) {
        if (strcmp(name, names[s]) == 0) {
            return (enum call_delegation_state)s;
        }
    }
    return CALL_DELEGATION_STATES;
}

enum call_delegation_state call_delegation_kept_state(const struct call_delegation *d) {
    return d->state == CALL_DELEGATION_WAITING && d->seen ? CALL_DELEGATION_DEPARTING : d->state;
}

/* What a step is given. */
struct step {
    int64_t now_ms;
    int64_t after_ms;
    uint32_t random;
};

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t clamp(int64_t v, int64_t low, int64_t high) {
    return v < low ? low : least(v, high);
}

/* When the homeserver sends the leave by itself. */
static int64_t deadline(const struct call_delegation *d) {
    return d->restarted_ms + d->delay_ms;
}

/* --- guards --- */

static bool too_late(const struct call_delegation *d, const struct step *s) {
    return s->now_ms >= deadline(d);
}

static bool gave_up(const struct call_delegation *d, const struct step *s) {
    return s->now_ms >= d->give_up_ms;
}

static bool was_seen(const struct call_delegation *d, const struct step *s) {
    (void)s;
    return d->seen;
}

/* The SFU keeps the room that its token is for no longer than this when nobody comes. */
static bool never_came(const struct call_delegation *d, const struct step *s) {
    return s->now_ms >= d->accepted_ms + CALL_DELEGATION_COME_MS;
}

/* --- effects --- */

static void wait_for_client(struct call_delegation *d, const struct step *s) {
    d->tries = 0;
    d->due_ms = s->now_ms + least(d->delay_ms, CALL_DELEGATION_WAIT_MAX_MS);
}

static void accept(struct call_delegation *d, const struct step *s) {
    d->accepted_ms = s->now_ms;
    wait_for_client(d, s);
}

static void ask(struct call_delegation *d, const struct step *s) {
    d->asked_ms = s->now_ms;
    d->due_ms = 0; /* until the answer: whoever acts always brings one */
}

static void ask_anew(struct call_delegation *d, const struct step *s) {
    d->tries = 0;
    ask(d, s);
}

static void begin_again(struct call_delegation *d, const struct step *s) {
    d->seen = d->seen || d->state != CALL_DELEGATION_WAITING;
    ask_anew(d, s);
}

static void connect(struct call_delegation *d, const struct step *s) {
    d->seen = false;
    ask_anew(d, s);
}

/* The homeserver counts from a moment between question and answer: the earlier one is safe. */
static void restarted(struct call_delegation *d, const struct step *s) {
    (void)s;
    d->tries = 0;
    d->restarted_ms = d->asked_ms;
    d->due_ms = d->restarted_ms + RESTART_SHARE_OF(d->delay_ms);
}

static void restarted_waiting(struct call_delegation *d, const struct step *s) {
    d->restarted_ms = d->asked_ms;
    wait_for_client(d, s);
}

/* 1 s × 1.5^n ± 50 %, or what the homeserver asked for, but not beyond `until`. */
static void try_again(struct call_delegation *d, const struct step *s, int64_t until) {
    int64_t wait = BACK_OFF_FIRST_MS;
    for (int i = 0; i < d->tries && wait < CALL_DELEGATION_BACK_OFF_MS; i++) {
        wait = wait * 3 / 2;
    }
    wait = wait / 2 + wait * (int64_t)(s->random >> 16) / (UINT16_MAX + 1);
    wait = clamp(s->after_ms > 0 ? s->after_ms : wait, 1, CALL_DELEGATION_BACK_OFF_MS);
    d->tries++;
    d->due_ms = least(s->now_ms + wait, until > s->now_ms ? until : s->now_ms + 1);
}

static void restart_later(struct call_delegation *d, const struct step *s) {
    try_again(d, s, deadline(d));
}

static void send_later(struct call_delegation *d, const struct step *s) {
    try_again(d, s, d->give_up_ms);
}

static void depart(struct call_delegation *d, const struct step *s) {
    d->due_ms = s->now_ms + CALL_DELEGATION_DEPART_MS;
}

/* The departure time is counted from when the client went, and the SFU has waited already: livekit
 * says CONNECTION_TIMEOUT 17 to 20 s after the last packet [measured, 1.13.5]. */
static void depart_soon(struct call_delegation *d, const struct step *s) {
    d->due_ms = s->now_ms + CALL_DELEGATION_RETURN_MS;
}

static void disconnect(struct call_delegation *d, const struct step *s) {
    d->give_up_ms = s->now_ms + clamp(deadline(d) - s->now_ms, GIVE_UP_LEAST_MS, GIVE_UP_MOST_MS);
    ask_anew(d, s);
}

static void end(struct call_delegation *d, const struct step *s) {
    (void)s;
    d->due_ms = 0;
}

/* --- the table --- */

#define BIT(s)       (1u << (s))
#define WAITING      BIT(CALL_DELEGATION_WAITING)
#define CONNECTED    BIT(CALL_DELEGATION_CONNECTED)
#define DEPARTING    BIT(CALL_DELEGATION_DEPARTING)
#define DISCONNECTED BIT(CALL_DELEGATION_DISCONNECTED)
#define IN_SFU       (CONNECTED | DEPARTING)

/* The first row that fits; no row: nothing happens. */
static const struct rule {
    unsigned from;
    enum call_delegation_input input;
    bool (*guard)(const struct call_delegation *d, const struct step *s);
    enum call_delegation_state to;
    void (*effect)(struct call_delegation *d, const struct step *s);
    enum call_delegation_action action;
} rules[] = {
/* clang-format off */
#define TO(state) CALL_DELEGATION_##state
#define IN(input) CALL_DELEGATION_##input
    { WAITING,      IN(ACCEPTED), NULL,     TO(SAME),         accept,            CALL_DELEGATION_LOOK },
    /* a leave that was to be sent is sent; of the others nobody knows where the client is */
    { DISCONNECTED, IN(STARTED),  NULL,     TO(SAME),         disconnect,        CALL_DELEGATION_SEND },
    { WAITING | IN_SFU, IN(STARTED), too_late, TO(OVER),      end,               CALL_DELEGATION_NOTHING },
    { WAITING | IN_SFU, IN(STARTED), NULL,  TO(WAITING),      begin_again,       CALL_DELEGATION_RESTART },

    { WAITING,      IN(FOUND),    NULL,     TO(CONNECTED),    connect,           CALL_DELEGATION_RESTART },
    { WAITING,      IN(MISSING),  was_seen, TO(DEPARTING),    depart,            CALL_DELEGATION_NOTHING },
    { WAITING,      IN(MISSING),  never_came, TO(DISCONNECTED), disconnect,      CALL_DELEGATION_SEND },
    { WAITING,      IN(FAILED),   was_seen, TO(DEPARTING),    depart,            CALL_DELEGATION_NOTHING },
    { WAITING,      IN(FAILED),   NULL,     TO(OVER),         end,               CALL_DELEGATION_NOTHING },
    { WAITING,      IN(LEFT),     NULL,     TO(DISCONNECTED), disconnect,        CALL_DELEGATION_SEND },
    { WAITING,      IN(TIMER),    NULL,     TO(DISCONNECTED), disconnect,        CALL_DELEGATION_SEND },
    { WAITING,      IN(DONE),     NULL,     TO(SAME),         restarted_waiting, CALL_DELEGATION_LOOK },
    { WAITING,      IN(LATER),    NULL,     TO(SAME),         wait_for_client,   CALL_DELEGATION_LOOK },
    { WAITING,      IN(GONE),     NULL,     TO(OVER),         end,               CALL_DELEGATION_NOTHING },

    { CONNECTED,    IN(TIMER),    too_late, TO(OVER),         end,               CALL_DELEGATION_NOTHING },
    { CONNECTED,    IN(TIMER),    NULL,     TO(SAME),         ask,               CALL_DELEGATION_RESTART },
    { CONNECTED,    IN(DONE),     NULL,     TO(SAME),         restarted,         CALL_DELEGATION_NOTHING },
    { CONNECTED,    IN(LATER),    too_late, TO(OVER),         end,               CALL_DELEGATION_NOTHING },
    { CONNECTED,    IN(LATER),    NULL,     TO(SAME),         restart_later,     CALL_DELEGATION_NOTHING },
    { IN_SFU,       IN(GONE),     NULL,     TO(OVER),         end,               CALL_DELEGATION_NOTHING },
    { WAITING | CONNECTED, IN(LOST), NULL,  TO(DEPARTING),    depart,            CALL_DELEGATION_NOTHING },
    { CONNECTED,    IN(MISSING),  NULL,     TO(DEPARTING),    depart,            CALL_DELEGATION_NOTHING },
    { WAITING | IN_SFU, IN(TIMED_OUT), NULL, TO(DEPARTING),   depart_soon,       CALL_DELEGATION_NOTHING },
    { IN_SFU,       IN(LEFT),     NULL,     TO(DISCONNECTED), disconnect,        CALL_DELEGATION_SEND },

    { DEPARTING,    IN(FOUND),    NULL,     TO(CONNECTED),    connect,           CALL_DELEGATION_RESTART },
    { DEPARTING,    IN(TIMER),    NULL,     TO(DISCONNECTED), disconnect,        CALL_DELEGATION_SEND },

    { DISCONNECTED, IN(DONE),     NULL,     TO(OVER),         end,               CALL_DELEGATION_NOTHING },
    { DISCONNECTED, IN(GONE),     NULL,     TO(OVER),         end,               CALL_DELEGATION_NOTHING },
    { DISCONNECTED, IN(LATER),    gave_up,  TO(OVER),         end,               CALL_DELEGATION_NOTHING },
    { DISCONNECTED, IN(LATER),    NULL,     TO(SAME),         send_later,        CALL_DELEGATION_NOTHING },
    { DISCONNECTED, IN(TIMER),    gave_up,  TO(OVER),         end,               CALL_DELEGATION_NOTHING },
    { DISCONNECTED, IN(TIMER),    NULL,     TO(SAME),         ask,               CALL_DELEGATION_SEND },
#undef TO
#undef IN
    /* clang-format on */
};

enum call_delegation_action call_delegation_step(struct call_delegation *d,
    enum call_delegation_input in, int64_t now_ms, int64_t after_ms, uint32_t random) {
    const struct step s = { .now_ms = now_ms, .after_ms = after_ms, .random = random };
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        const struct rule *r = &rules[i];
        if (r->input == in && (r->from & BIT(d->state)) != 0 &&
            (r->guard == NULL || r->guard(d, &s))) {
            r->effect(d, &s);
            d->state = r->to == CALL_DELEGATION_SAME ? d->state : r->to;
            return r->action;
        }
    }
    return CALL_DELEGATION_NOTHING;
}
