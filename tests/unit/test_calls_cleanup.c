/* Members who are gone are ended, step by step: the audit, the homeserver and the ending itself are
 * functions of this test. */
#include "calls/cleanup.h"

#include "calls/absence.h"
#include "calls/work.h"
#include "matrix/client.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

/* --- the world: one member at a time --- */

struct call_work {
    struct arena arena;
};

static struct {
    struct call_work *work; /* under way */
    const struct call_input *in;
    call_work_done *done;
    void *done_arg;
    char notes[512]; /* "membership_stale reason cleanup by problem;" … */
    char looked_up[128];
    mx_done *entry;
    void *entry_arg;
    int endings;
    bool masquerade;
    struct call_ending_member *member;
    call_ending_done *ended;
    void *ended_arg;
    int destroyed;
} w;

enum err call_work_create(struct calls *c, int64_t now_ms, struct call_work **ret) {
    (void)c;
    (void)now_ms;
    struct call_work *x = mem_zalloc(sizeof(*x));
    if (x == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    arena_init(&x->arena);
    *ret = x;
    return OK;
}

struct arena *call_work_arena(struct call_work *x) {
    return &x->arena;
}

enum err call_work_add(struct call_work *x, const struct call_input *in) {
    (void)x;
    w.in = in;
    return OK;
}

void call_work_destroy(struct call_work *x) {
    if (x != NULL) {
        arena_finish(&x->arena);
        mem_free(x);
    }
}

static const char *said(const char *s) {
    return s == NULL ? "-" : s;
}

void call_work_run(struct call_work *x, call_work_done *done, void *arg) {
    const struct call_input_stale *t = &w.in->stale;
    size_t n = strlen(w.notes);
    snprintf(w.notes + n, sizeof(w.notes) - n, "%s%s %s %s %s %s;", call_input_name(w.in->type),
        t->again ? " again" : "", said(t->reason), said(t->cleanup), said(t->by), said(t->problem));
    CHECK_STR("!r:hs", w.in->room_id);
    CHECK_STR("session", t->session_id);
    CHECK_STR("D", t->device_id);
    if (done == NULL) {
        call_work_destroy(x);
        return;
    }
    w.work = x;
    w.done = done;
    w.done_arg = arg;
}

/* The unit is over. */
static void written(enum err e, bool stands) {
    struct call_work *x = w.work;
    CHECK(x != NULL);
    *w.in->stale.stands = stands;
    w.work = NULL;
    w.done(w.done_arg, e, NULL);
    call_work_destroy(x);
}

enum err mx_client_room_state_whole(struct mx_client *c, const char *room_id, const char *type,
    const char *state_key, const char *as_user, mx_done *done, void *arg) {
    (void)c;
    (void)room_id;
    (void)type;
    snprintf(w.looked_up, sizeof(w.looked_up), "%s as %s", state_key, said(as_user));
    w.entry = done;
    w.entry_arg = arg;
    return OK;
}

void mx_client_forget(struct mx_client *c, const void *arg) {
    (void)c;
    if (w.entry_arg == arg) {
        w.entry = NULL;
    }
}

static void homeserver_says(enum err e, const char *event_id) {
    mx_done *done = w.entry;
    CHECK(done != NULL);
    w.entry = NULL;
    json_t *json = event_id == NULL ? NULL : json_pack("{s:s}", "event_id", event_id);
    done(w.entry_arg, &(struct mx_answer){ .err = e, .text = "text", .json = json });
    json_decref(json);
}

struct call_ending {
    int unused;
};
static struct call_ending an_ending;

enum err call_ending_run(const struct call_ending_config *cfg, struct call_ending_member *members,
    size_t n, call_ending_done *done, void *arg, struct call_ending **ret) {
    CHECK_INT(1, n);
    w.endings++;
    w.masquerade = cfg->masquerade;
    w.member = members;
    w.ended = done;
    w.ended_arg = arg;
    *ret = &an_ending;
    return OK;
}

void call_ending_destroy(struct call_ending *c) {
    w.destroyed += c != NULL;
}

/* --- the room under test --- */

static const struct store_watch alice = { .session_id = "session",
    .n = 1,
    .room_id = "!r:hs",
    .slot = "m.call#ROOM",
    .user_id = "@a:hs",
    .device_id = "D",
    .generation = "state",
    .entry_key = "_@a:hs_D_m.call",
    .last_event_id = "$1" };
static const struct call_absence gone = {
    .stale = true, .first = true, .reason = "left_sfu", .since = 1
};

static struct call_cleanup *begin(enum rtc_cleanup mode, bool masquerade) {
    memset(&w, 0, sizeof(w));
    const struct call_cleanup_config cfg = { .ending = { NULL, "hs", masquerade }, .mode = mode };
    struct call_cleanup *c = NULL;
    CHECK_ERR(OK, call_cleanup_create(&cfg, &c));
    return c;
}

TEST(calls_cleanup, writes_down_looks_up_ends_and_writes_down) {
    struct call_cleanup *c = begin(RTC_CLEANUP_MASQUERADE, true);
    call_cleanup_stale(c, &alice, &gone);
    CHECK_STR("membership_stale left_sfu masquerade - -;", w.notes);
    written(OK, true);
    CHECK_STR("_@a:hs_D_m.call as @a:hs", w.looked_up);
    CHECK_INT(0, w.endings);
    homeserver_says(OK, "$1");
    CHECK_INT(1, w.endings);
    CHECK_STR("@a:hs", w.member->user_id);
    CHECK_STR("m.call#ROOM", w.member->slot);
    w.member->by = CALL_ENDING_BY_USER;
    w.ended(w.ended_arg);
    CHECK_STR("membership_stale left_sfu masquerade - -;membership_ended - - user -;", w.notes);
    call_cleanup_destroy(c);
    CHECK_INT(0, w.destroyed);
}

TEST(calls_cleanup, ends_only_whom_it_may) {
    static const struct {
        const char *name;
        enum rtc_cleanup mode;
        bool masquerade;
        const char *user, *generation;
        const char *cleanup;
        bool ends, as_user;
    } rows[] = {
        { "a local user", RTC_CLEANUP_MASQUERADE, true, "@a:hs", "state", "masquerade", true,
            true },
        { "a sticky one", RTC_CLEANUP_MASQUERADE, true, "@a:hs", "sticky", "masquerade", true,
            true },
        { "we may speak for nobody", RTC_CLEANUP_MASQUERADE, false, "@a:hs", "state", "state", true,
            false },
        { "by our own power", RTC_CLEANUP_STATE, true, "@a:hs", "state", "state", true, false },
        { "another server's user", RTC_CLEANUP_MASQUERADE, true, "@a:other", "state", "remote_user",
            false, false },
        { "another server's user, by our own power", RTC_CLEANUP_STATE, true, "@a:other", "state",
            "state", true, false },
        { "a list", RTC_CLEANUP_STATE, true, "@a:hs", "array", "others_in_entry", false, false },
        { "an older list", RTC_CLEANUP_MASQUERADE, true, "@a:hs", "famedly", "others_in_entry",
            false, false },
        { "switched off", RTC_CLEANUP_OFF, true, "@a:hs", "state", "off", false, false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        char note[128];
        struct call_cleanup *c = begin(r->mode, r->masquerade);
        struct store_watch who = alice;
        who.user_id = r->user;
        who.generation = r->generation;
        call_cleanup_stale(c, &who, &gone);
        snprintf(note, sizeof(note), "membership_stale left_sfu %s - -;", r->cleanup);
        CHECK_STR(note, w.notes);
        written(OK, true);
        if (w.entry != NULL) {
            homeserver_says(OK, "$1");
        }
        CHECK_INT(r->ends, w.endings);
        CHECK_INT(r->as_user, w.masquerade);
        call_cleanup_destroy(c);
        CHECK_INT(r->ends, w.destroyed);
    }
}

TEST(calls_cleanup, leaves_alone_who_is_heard_of_meanwhile) {
    static const struct {
        const char *name;
        enum err written;
        bool stands;
        enum err read;
        const char *event_id;
        bool ends;
    } rows[] = {
        { "still as we know them", OK, true, OK, "$1", true },
        { "they have left by now", OK, false, OK, "$1", false },
        { "the audit could not be written", ERR_DATABASE, true, OK, "$1", false },
        { "their client wrote again", OK, true, OK, "$2", false },
        { "the homeserver does not tell", OK, true, ERR_FORBIDDEN, NULL, true },
        { "it tells no event id", OK, true, OK, NULL, true },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct call_cleanup *c = begin(RTC_CLEANUP_MASQUERADE, true);
        call_cleanup_stale(c, &alice, &gone);
        written(r->written, r->stands);
        if (r->written == OK && r->stands) {
            homeserver_says(r->read, r->event_id);
        }
        CHECK_INT(r->ends, w.endings);
        call_cleanup_destroy(c);
    }
}

TEST(calls_cleanup, says_why_it_could_not) {
    struct call_cleanup *c = begin(RTC_CLEANUP_STATE, true);
    struct call_absence again = gone;
    again.first = false;
    call_cleanup_stale(c, &alice, &again);
    written(OK, true);
    homeserver_says(ERR_FORBIDDEN, NULL);
    w.member->by = CALL_ENDING_FAILED;
    snprintf(w.member->problem, sizeof(w.member->problem), "403");
    w.ended(w.ended_arg);
    CHECK_STR("membership_stale again left_sfu state - -;membership_not_ended - - - 403;", w.notes);
    call_cleanup_destroy(c);
}

TEST(calls_cleanup, may_go_at_any_step) {
    for (int step = 0; step < 3; step++) {
        struct call_cleanup *c = begin(RTC_CLEANUP_MASQUERADE, true);
        call_cleanup_stale(c, &alice, &gone);
        if (step > 0) {
            written(OK, true);
        }
        if (step > 1) {
            homeserver_says(OK, "$1");
        }
        call_cleanup_destroy(c);
        CHECK(w.entry == NULL);
        CHECK_INT(step == 2, w.destroyed);
        if (step == 0) {
            written(ERR_GONE, false);
        }
    }
}

TEST_ALLOC(calls_cleanup, survives_lack_of_memory) {
    memset(&w, 0, sizeof(w));
    const struct call_cleanup_config cfg = { .ending = { NULL, "hs", true } };
    struct call_cleanup *c = NULL;
    TRY(call_cleanup_create(&cfg, &c));
    call_cleanup_stale(c, &alice, &gone);
    bool begun = w.work != NULL;
    if (begun) {
        written(OK, true);
        homeserver_says(OK, "$1");
    }
    call_cleanup_destroy(c);
    return begun ? OK : err_set(ERR_NOMEM, "out of memory");
}
