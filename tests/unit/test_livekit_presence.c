/* Who comes to the SFU and goes: the audit, by way of a database that is there or not. */
#include "livekit/presence.h"

#include "calls/lookout.h"
#include "calls/work.h"
#include "core/clock.h"
#include "core/mem.h"
#include "livekit/participants.h"
#include "livekit/removals.h"
#include "livekit/webhook.h"
#include "livekit/witness.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

/* --- the world: one question at a time is enough --- */

static struct {
    char asked[128]; /* of the database */
    store_identities_done *put;
    store_identities_found *found;
    void *arg;
    enum err refuse;
    char sfu[128]; /* "alias identity reason" of who was ended */
    int removals;
    int notes;
    char note[512];
    char lookout[128]; /* "came room identity" */
    int told;
} w;

enum err store_identities_put(
    struct store *s, const struct store_identity *row, store_identities_done *done, void *arg) {
    (void)s;
    snprintf(w.asked, sizeof(w.asked), "put %s %s %s", row->alias, row->identity, row->user_id);
    w.put = done;
    w.arg = arg;
    return w.refuse;
}

enum err store_identities_find(struct store *s, const char *alias, const char *identity,
    store_identities_found *found, void *arg) {
    (void)s;
    snprintf(w.asked, sizeof(w.asked), "find %s %s", alias, identity);
    w.found = found;
    w.arg = arg;
    return w.refuse;
}

enum err store_identities_bar(struct store *s, const char *room_id, const char *user_id,
    const char *device_id, int64_t at_ms, store_identities_found *found, void *arg) {
    (void)s;
    CHECK(at_ms > 0);
    snprintf(w.asked, sizeof(w.asked), "bar %s %s %s", room_id, user_id, device_id);
    w.found = found;
    w.arg = arg;
    return w.refuse;
}

void lk_removals_end(struct lk_removals *r, const struct store_identity *who, const char *reason) {
    (void)r;
    w.removals++;
    snprintf(w.sfu, sizeof(w.sfu), "%s %s %s", who->alias, who->identity, reason);
}

void call_lookout_heard(struct call_lookout *l, const struct store_identity *who, bool came) {
    (void)l;
    snprintf(w.lookout, sizeof(w.lookout), "%s %s %s", came ? "came" : "went", who->room_id,
        who->identity);
}

static const char *said(const char *s) {
    return s == NULL || s[0] == '\0' ? "-" : s;
}

void lk_witness_note(struct lk_witness *x, const struct call_input *in) {
    (void)x;
    w.notes++;
    snprintf(w.note, sizeof(w.note), "%s %s %s %s %s %s %s %s", call_input_name(in->type),
        said(in->room_id), said(in->sender), said(in->token.device_id), said(in->token.identity),
        said(in->token.connection), said(in->token.reason), said(in->token.actor));
}

/* --- the rooms under test --- */

struct world {
    uv_loop_t loop;
    struct lk_participants *participants;
    struct lk_presence *presence;
};

static int something; /* rooms that nobody looks into */

static enum err world_init(struct world *t, bool database) {
    memset(&w, 0, sizeof(w));
    memset(t, 0, sizeof(*t));
    uv_loop_init(&t->loop);
    TRY(lk_participants_create(&t->loop, &t->participants));
    if (database) {
        lk_participants_set_store(t->participants, (struct store *)&something);
    }
    const struct lk_presence_config cfg = { .participants = t->participants,
        .removals = (struct lk_removals *)&something,
        .witness = (struct lk_witness *)&something };
    return lk_presence_create(&cfg, &t->presence);
}

static void world_finish(struct world *t) {
    lk_presence_destroy(t->presence);
    lk_participants_destroy(t->participants);
    uv_run(&t->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&t->loop));
}

static const struct store_identity alice = { "alias", "@a:x:D", "!r:x", "m.call#ROOM", "@a:x", "D",
    "", "old", 1000, 0 };
static const struct store_identity barred_alice = { "alias", "@a:x:D", "!r:x", "m.call#ROOM",
    "@a:x", "D", "", "old", 1000, 2000 };

static void database_says(enum err e, const struct store_identity *rows, size_t n) {
    store_identities_found *found = w.found;
    CHECK(found != NULL);
    w.found = NULL;
    found(w.arg, e, rows, n);
}

static struct lk_webhook news(enum lk_webhook_kind kind, const char *reason) {
    return (struct lk_webhook){ .kind = kind,
        .event = "x",
        .id = "EV",
        .alias = "alias",
        .identity = "@a:x:D",
        .sid = "PA_1",
        .reason = reason };
}

TEST(livekit_presence, writes_down_who_came_and_went) {
    static const struct {
        const char *name;
        enum lk_webhook_kind kind;
        const char *reason;
        const char *note;
    } rows[] = {
        { "came", LK_WEBHOOK_JOINED, "", "media_connected !r:x @a:x D @a:x:D PA_1 - -" },
        { "went", LK_WEBHOOK_LEFT, "CLIENT_INITIATED",
            "media_disconnected !r:x @a:x D @a:x:D PA_1 CLIENT_INITIATED -" },
        { "never connected", LK_WEBHOOK_ABORTED, "",
            "media_disconnected !r:x @a:x D @a:x:D PA_1 CONNECTION_ABORTED -" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world t;
        CHECK_ERR(OK, world_init(&t, true));
        const struct lk_webhook n = news(r->kind, r->reason);
        lk_presence_heard(t.presence, &n);
        CHECK_STR("find alias @a:x:D", w.asked);
        database_says(OK, &alice, 1);
        CHECK_INT(1, w.notes);
        CHECK_STR(r->note, w.note);
        CHECK_INT(0, w.removals);
        world_finish(&t);
    }
}

TEST(livekit_presence, tells_the_lookout_of_whom_it_knows) {
    static const struct {
        const char *name;
        enum lk_webhook_kind kind;
        bool known, listens;
        const char *told;
    } rows[] = {
        { "came", LK_WEBHOOK_JOINED, true, true, "came !r:x @a:x:D" },
        { "went", LK_WEBHOOK_LEFT, true, true, "went !r:x @a:x:D" },
        { "never connected", LK_WEBHOOK_ABORTED, true, true, "went !r:x @a:x:D" },
        { "a stranger", LK_WEBHOOK_JOINED, false, true, "" },
        { "nobody listens", LK_WEBHOOK_JOINED, true, false, "" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct world t;
        CHECK_ERR(OK, world_init(&t, true));
        lk_presence_set_lookout(t.presence, r->listens ? (struct call_lookout *)&something : NULL);
        const struct lk_webhook n = news(r->kind, "");
        lk_presence_heard(t.presence, &n);
        database_says(OK, &alice, r->known);
        CHECK_STR(r->told, w.lookout);
        world_finish(&t);
    }
}

TEST(livekit_presence, leaves_strangers_alone) {
    struct world t;
    CHECK_ERR(OK, world_init(&t, true));
    const struct lk_webhook track = news(LK_WEBHOOK_OTHER, "");
    lk_presence_heard(t.presence, &track);
    CHECK_STR("", w.asked);
    const struct lk_webhook n = news(LK_WEBHOOK_JOINED, "");
    lk_presence_heard(t.presence, &n);
    database_says(OK, NULL, 0);
    CHECK_INT(0, w.notes + w.removals);
    world_finish(&t);
}

TEST(livekit_presence, ends_who_comes_back_with_an_old_token) {
    struct world t;
    CHECK_ERR(OK, world_init(&t, true));
    const struct lk_webhook n = news(LK_WEBHOOK_JOINED, "");
    lk_presence_heard(t.presence, &n);
    database_says(OK, &barred_alice, 1);
    CHECK_INT(1, w.notes);
    CHECK_INT(1, w.removals);
    CHECK_STR("alias @a:x:D left_room", w.sfu);
    world_finish(&t);
}

TEST(livekit_presence, asks_again_when_the_database_is_back) {
    struct world t;
    CHECK_ERR(OK, world_init(&t, false));
    const struct lk_webhook n = news(LK_WEBHOOK_JOINED, "");
    lk_presence_heard(t.presence, &n);
    CHECK_STR("", w.asked);
    lk_participants_set_store(t.participants, (struct store *)&something);
    CHECK_STR("find alias @a:x:D", w.asked);
    database_says(ERR_DATABASE, NULL, 0);
    CHECK_INT(0, w.notes);
    lk_participants_set_store(t.participants, (struct store *)&something);
    database_says(OK, &alice, 1);
    CHECK_INT(1, w.notes);
    world_finish(&t);
}

static void on_noted(void *arg) {
    (void)arg;
    w.told++;
}

TEST(livekit_presence, lets_no_token_wait_for_the_database) {
    struct world t;
    CHECK_ERR(OK, world_init(&t, true));
    CHECK_ERR(OK, lk_participants_note(t.participants, &alice, on_noted, &t));
    CHECK_STR("put alias @a:x:D @a:x", w.asked);
    CHECK_INT(0, w.told);
    w.put(w.arg, ERR_DATABASE);
    CHECK_INT(1, w.told);
    /* It is known all the same, and written later. */
    const struct lk_webhook n = news(LK_WEBHOOK_JOINED, "");
    lk_presence_heard(t.presence, &n);
    CHECK_STR("media_connected !r:x @a:x D @a:x:D PA_1 - -", w.note);
    w.asked[0] = '\0';
    lk_participants_set_store(t.participants, (struct store *)&something);
    CHECK_STR("put alias @a:x:D @a:x", w.asked);
    w.put(w.arg, OK);
    CHECK_INT(1, w.told);
    world_finish(&t);
}

TEST(livekit_presence, forgets_who_asked) {
    struct world t;
    CHECK_ERR(OK, world_init(&t, true));
    CHECK_ERR(OK, lk_participants_note(t.participants, &alice, on_noted, &t));
    lk_participants_forget(t.participants, &t);
    w.put(w.arg, OK);
    CHECK_INT(0, w.told);
    world_finish(&t);
}

TEST(livekit_presence, outlives_its_questions) {
    struct world t;
    CHECK_ERR(OK, world_init(&t, true));
    const struct lk_webhook n = news(LK_WEBHOOK_JOINED, "");
    lk_presence_heard(t.presence, &n);
    world_finish(&t);
    database_says(OK, &alice, 1);
    CHECK_INT(0, w.notes);
}

static void on_barred(void *arg, const struct store_identity *rows, size_t n) {
    (void)arg;
    w.told += (int)n;
    CHECK_STR("@a:x", rows[0].user_id);
}

TEST(livekit_presence, bars_whom_the_database_knows) {
    struct world t;
    CHECK_ERR(OK, world_init(&t, false));
    CHECK_ERR(OK, lk_participants_bar(t.participants, "!r:x", "@a:x", "D", 5, on_barred, &t));
    lk_participants_set_store(t.participants, (struct store *)&something);
    CHECK_STR("bar !r:x @a:x D", w.asked);
    database_says(OK, &alice, 1);
    CHECK_INT(1, w.told);
    world_finish(&t);
}

TEST_ALLOC(livekit_presence, survives_no_memory) {
    struct world t;
    enum err e = world_init(&t, true);
    if (e == OK) {
        const struct lk_webhook n = news(LK_WEBHOOK_JOINED, "");
        lk_presence_heard(t.presence, &n);
        if (w.found != NULL) {
            database_says(OK, &barred_alice, 1);
        }
        e = w.notes == 1 && w.removals == 1 ? OK : err_set(ERR_NOMEM, "it was not noted");
    }
    world_finish(&t);
    return e;
}
