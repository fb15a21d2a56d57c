/* The delegated delayed leave: every row of its table, and what holds in any order of things. */
#include "calls/delegation.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#define NOW   INT64_C(1000000)
#define DELAY INT64_C(100000)
#define HALF  UINT32_C(0x80000000) /* of the spread: tries come after exactly 1 s × 1.5^n */

enum { WAITING, CONNECTED, DEPARTING, DISCONNECTED, OVER };
#define IN(input)     CALL_DELEGATION_##input
#define ACTION(which) CALL_DELEGATION_##which

/* A job of that state, restarted 40 s ago, with tries until 60 s from now. */
static struct call_delegation job(int state) {
    return (struct call_delegation){ .state = (enum call_delegation_state)state,
        .delay_ms = DELAY,
        .accepted_ms = NOW - 40000,
        .restarted_ms = NOW - 40000,
        .asked_ms = NOW - 100,
        .due_ms = NOW,
        .give_up_ms = NOW + 60000 };
}

TEST(calls_delegation, follows_its_table) {
    static const struct {
        const char *name;
        int from;
        enum call_delegation_input in;
        int64_t late_ms; /* how much later than NOW */
        int want;
        enum call_delegation_action action;
        int64_t due; /* from the moment of the step; 0 = never */
    } rows[] = {
        /* clang-format off */
        { "accepted",                         WAITING,      IN(ACCEPTED), 0, WAITING, ACTION(LOOK), DELAY },
        { "started",                          WAITING,      IN(STARTED), 0, WAITING, ACTION(RESTART), 0 },
        { "started, was in the SFU",          CONNECTED,    IN(STARTED), 0, WAITING, ACTION(RESTART), 0 },
        { "started, was leaving",             DEPARTING,    IN(STARTED), 0, WAITING, ACTION(RESTART), 0 },
        { "started after the deadline",       CONNECTED,    IN(STARTED), 60000, OVER, ACTION(NOTHING), 0 },
        { "started, leave not sent yet",      DISCONNECTED, IN(STARTED), 60000, DISCONNECTED, ACTION(SEND), 0 },
        { "comes",                            WAITING,      IN(FOUND), 0, CONNECTED, ACTION(RESTART), 0 },
        { "is not there yet",                 WAITING,      IN(MISSING), 0, WAITING, ACTION(NOTHING), -1 },
        { "does not come as long as it could", WAITING,   IN(MISSING), 259999, WAITING, ACTION(NOTHING), -1 },
        { "could not come any more",          WAITING,      IN(MISSING), 260000, DISCONNECTED, ACTION(SEND), 0 },
        { "cannot connect",                   WAITING,      IN(FAILED), 0, OVER, ACTION(NOTHING), 0 },
        { "leaves before it was seen",        WAITING,      IN(LEFT), 0, DISCONNECTED, ACTION(SEND), 0 },
        { "is lost before it was seen",       WAITING,      IN(LOST), 0, DEPARTING, ACTION(NOTHING), 20000 },
        { "never comes",                      WAITING,      IN(TIMER), 0, DISCONNECTED, ACTION(SEND), 0 },
        { "restarted, waits on",              WAITING,      IN(DONE), 0, WAITING, ACTION(LOOK), DELAY },
        { "not restarted, waits on",          WAITING,      IN(LATER), 0, WAITING, ACTION(LOOK), DELAY },
        { "event gone before it came",        WAITING,      IN(GONE), 0, OVER, ACTION(NOTHING), 0 },
        { "restart is due",                   CONNECTED,    IN(TIMER), 0, CONNECTED, ACTION(RESTART), 0 },
        { "deadline without a restart",       CONNECTED,    IN(TIMER), 60000, OVER, ACTION(NOTHING), 0 },
        { "restarted",                        CONNECTED,    IN(DONE), 0, CONNECTED, ACTION(NOTHING), DELAY / 5 * 4 - 100 },
        { "restart refused for now",          CONNECTED,    IN(LATER), 0, CONNECTED, ACTION(NOTHING), 1000 },
        { "refused, deadline nearer",         CONNECTED,    IN(LATER), 59700, CONNECTED, ACTION(NOTHING), 300 },
        { "refused until the deadline",       CONNECTED,    IN(LATER), 60000, OVER, ACTION(NOTHING), 0 },
        { "event gone",                       CONNECTED,    IN(GONE), 0, OVER, ACTION(NOTHING), 0 },
        { "hangs up",                         CONNECTED,    IN(LEFT), 0, DISCONNECTED, ACTION(SEND), 0 },
        { "is not there any more",            CONNECTED,    IN(MISSING), 0, DEPARTING, ACTION(NOTHING), 20000 },
        { "the SFU waited for it",            CONNECTED,    IN(TIMED_OUT), 0, DEPARTING, ACTION(NOTHING), 5000 },
        { "the SFU waited, never seen",       WAITING,      IN(TIMED_OUT), 0, DEPARTING, ACTION(NOTHING), 5000 },
        { "missing, then the SFU says why",   DEPARTING,    IN(TIMED_OUT), 0, DEPARTING, ACTION(NOTHING), 5000 },
        { "still not there",                  DEPARTING,    IN(MISSING), 0, DEPARTING, ACTION(NOTHING), -1 },
        { "is lost",                          CONNECTED,    IN(LOST), 0, DEPARTING, ACTION(NOTHING), 20000 },
        { "seen again",                       CONNECTED,    IN(FOUND), 0, CONNECTED, ACTION(NOTHING), -1 },
        { "comes back",                       DEPARTING,    IN(FOUND), 0, CONNECTED, ACTION(RESTART), 0 },
        { "does not come back",               DEPARTING,    IN(TIMER), 0, DISCONNECTED, ACTION(SEND), 0 },
        { "hangs up while lost",              DEPARTING,    IN(LEFT), 0, DISCONNECTED, ACTION(SEND), 0 },
        { "event gone while lost",            DEPARTING,    IN(GONE), 0, OVER, ACTION(NOTHING), 0 },
        { "a late restart while lost",        DEPARTING,    IN(DONE), 0, DEPARTING, ACTION(NOTHING), -1 },
        { "sent",                             DISCONNECTED, IN(DONE), 0, OVER, ACTION(NOTHING), 0 },
        { "was sent by itself",               DISCONNECTED, IN(GONE), 0, OVER, ACTION(NOTHING), 0 },
        { "not sent for now",                 DISCONNECTED, IN(LATER), 0, DISCONNECTED, ACTION(NOTHING), 1000 },
        { "not sent, given up",               DISCONNECTED, IN(LATER), 60000, OVER, ACTION(NOTHING), 0 },
        { "next try",                         DISCONNECTED, IN(TIMER), 0, DISCONNECTED, ACTION(SEND), 0 },
        { "no next try",                      DISCONNECTED, IN(TIMER), 60000, OVER, ACTION(NOTHING), 0 },
        { "seen again after it was gone",     DISCONNECTED, IN(FOUND), 0, DISCONNECTED, ACTION(NOTHING), -1 },
        { "over stays over",                  OVER,         IN(FOUND), 0, OVER, ACTION(NOTHING), -1 },
        /* clang-format on */
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct call_delegation d = job(r->from);
        int64_t now = NOW + r->late_ms;
        CHECK_INT(r->action, call_delegation_step(&d, r->in, now, 0, HALF));
        CHECK_INT(r->want, d.state);
        CHECK_INT(r->due == -1 ? NOW : r->due == 0 ? 0 : now + r->due, d.due_ms);
    }
}

/* A process that begins does not know where the client is, but that it was there. */
TEST(calls_delegation, remembers_who_was_seen) {
    static const struct {
        const char *name;
        int from;
        enum call_delegation_input then;
        int kept, want;
        enum call_delegation_action action;
    } rows[] = {
        { "was in the SFU, is not", CONNECTED, IN(MISSING), DEPARTING, DEPARTING, ACTION(NOTHING) },
        { "was leaving, is gone", DEPARTING, IN(MISSING), DEPARTING, DEPARTING, ACTION(NOTHING) },
        { "is still there", CONNECTED, IN(FOUND), DEPARTING, CONNECTED, ACTION(RESTART) },
        { "came back in vain", CONNECTED, IN(FAILED), DEPARTING, DEPARTING, ACTION(NOTHING) },
        { "was not seen, is not there", WAITING, IN(MISSING), WAITING, WAITING, ACTION(NOTHING) },
        { "the SFU is away, too", CONNECTED, IN(LATER), DEPARTING, WAITING, ACTION(LOOK) },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct call_delegation d = job(r->from);
        CHECK_INT(ACTION(RESTART), call_delegation_step(&d, IN(STARTED), NOW, 0, HALF));
        CHECK_INT(r->kept, call_delegation_kept_state(&d));
        CHECK_INT(r->action, call_delegation_step(&d, r->then, NOW, 0, HALF));
        CHECK_INT(r->want, d.state);
        CHECK_INT(r->want == WAITING ? r->kept : r->want, call_delegation_kept_state(&d));
        if (r->want == DEPARTING) {
            CHECK_INT(NOW + 20000, d.due_ms);
        }
    }
}

TEST(calls_delegation, waits_longer_after_each_try) {
    static const struct {
        const char *name;
        int tries;
        int64_t after_ms;
        uint32_t random;
        int64_t want;
    } rows[] = {
        { "first", 0, 0, HALF, 1000 },
        { "third", 2, 0, HALF, 2250 },
        { "least of the spread", 2, 0, 0, 1125 },
        { "most of the spread", 2, 0, UINT32_MAX, 3374 },
        { "a hundredth: the longest", 100, 0, HALF, 60000 },
        { "as asked", 0, 7000, HALF, 7000 },
        { "asked for an hour", 0, 3600000, HALF, 60000 },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct call_delegation d = job(CONNECTED);
        d.delay_ms = 100 * DELAY;
        d.tries = r->tries;
        call_delegation_step(&d, IN(LATER), NOW, r->after_ms, r->random);
        int64_t got = d.due_ms - NOW;
        CHECK(got >= r->want - 20000 * (r->tries == 100) && got <= r->want);
        CHECK_INT(r->tries + 1, d.tries);
    }
}

TEST(calls_delegation, names_its_states) {
    for (int s = 0; s < CALL_DELEGATION_STATES; s++) {
        const char *name = call_delegation_state_name((enum call_delegation_state)s);
        CHECK_INT(s, call_delegation_state_read(name));
    }
    CHECK_INT(CALL_DELEGATION_STATES, call_delegation_state_read("nonsense"));
}

/* Random lives in virtual time: whatever comes in whatever order, a job ends, a job that lives has
 * a timer or a request, and while restarts are answered the homeserver never sends behind our back.
 */
static void live(unsigned seed) {
    char name[32];
    snprintf(name, sizeof(name), "seed %u", seed);
    ROW(name);
    srand(seed);
    struct call_delegation d = { .delay_ms = 1000 + rand() % 100000 };
    int64_t now = NOW;
    enum call_delegation_action action = call_delegation_step(&d, IN(ACCEPTED), now, 0, HALF);
    for (int i = 0; i < 60 && d.state != CALL_DELEGATION_OVER; i++) {
        enum call_delegation_input in = IN(TIMER);
        if (action == ACTION(RESTART) || action == ACTION(SEND)) {
            now += rand() % 100;
            in = rand() % 4 == 0 ? IN(LATER) : IN(DONE);
        } else if (rand() % 2 == 0) {
            static const enum call_delegation_input any[] = { IN(FOUND), IN(FOUND), IN(LOST),
                IN(TIMED_OUT), IN(MISSING), IN(LEFT), IN(STARTED) };
            now += rand() % 1000;
            in = any[rand() % 7];
        } else {
            CHECK(d.due_ms > 0);
            now = d.due_ms > now ? d.due_ms : now;
        }
        bool alive = d.state == CALL_DELEGATION_CONNECTED && d.tries == 0 && in == IN(TIMER);
        CHECK(!alive || now < d.restarted_ms + d.delay_ms);
        action = call_delegation_step(&d, in, now, 0, (uint32_t)rand());
    }
    if (d.state != CALL_DELEGATION_OVER) {
        action = call_delegation_step(&d, IN(LEFT), now, 0, HALF);
        call_delegation_step(&d, IN(GONE), now, 0, HALF);
    }
    CHECK_INT(CALL_DELEGATION_OVER, d.state);
    CHECK_INT(0, d.due_ms);
}

TEST(calls_delegation, ends_whatever_comes) {
    for (unsigned seed = 1; seed <= 2000; seed++) {
        live(seed);
    }
}
