/* Delayed leaves between SFU and homeserver: of whom they are, and what news mean. */
#include "livekit/delegate.h"

#include "core/mem.h"
#include "livekit/rooms.h"
#include "livekit/webhook.h"
#include "matrix/delayed.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static struct {
    char sfu[128]; /* "alias identity", the latest that was looked for */
    int looks;
    lk_rooms_done *looked;
    void *looked_arg;
    enum err sfu_refuses;
    char acted[128]; /* "user delay_id send" */
    mx_delayed_done *acted_done;
    mx_delayed_found *resolved;
    void *delayed_arg;
    enum err resolve_error;
    char kept[256]; /* "alias identity user delay_id ms" */
    call_delegations_done *kept_done;
    void *kept_arg;
    enum err keep_error;
    char told[256]; /* "identity:input", one behind the other */
    char answered[64];
    char listed[128]; /* "ticket alice bob" or "ticket ?" */
    int dones;
    enum lk_refusal done;
} w;

enum err lk_rooms_find(
    struct lk_rooms *r, const char *alias, const char *identity, lk_rooms_done *done, void *arg) {
    (void)r;
    w.looks++;
    snprintf(w.sfu, sizeof(w.sfu), "%s %s", alias, identity);
    w.looked = done;
    w.looked_arg = arg;
    return w.sfu_refuses == OK ? OK : err_set(w.sfu_refuses, "not now");
}

enum err lk_rooms_list(struct lk_rooms *r, const char *alias, lk_rooms_done *done, void *arg) {
    return lk_rooms_find(r, alias, "*", done, arg);
}

void lk_rooms_forget(struct lk_rooms *r, const void *arg) {
    (void)r;
    if (w.looked_arg == arg) {
        w.looked = NULL;
    }
}

enum err mx_delayed_act(struct mx_delayed *d, const char *user_id, const char *delay_id,
    enum mx_delayed_action action, mx_delayed_done *done, void *arg) {
    (void)d;
    snprintf(w.acted, sizeof(w.acted), "%s %s %s", user_id, delay_id,
        action == MX_DELAYED_SEND ? "send" : "restart");
    w.acted_done = done;
    w.delayed_arg = arg;
    return OK;
}

enum err mx_delayed_resolve(
    struct mx_delayed *d, const char *user_id, mx_delayed_found *found, void *arg) {
    (void)d;
    (void)user_id;
    w.resolved = found;
    w.delayed_arg = arg;
    return w.resolve_error == OK ? OK : err_set(w.resolve_error, "an inner name");
}

void mx_delayed_forget(struct mx_delayed *d, const void *arg) {
    (void)d;
    if (w.delayed_arg == arg) {
        w.resolved = NULL;
        w.acted_done = NULL;
    }
}

enum err call_delegations_add(struct call_delegations *d, const struct call_delegated *what,
    call_delegations_done *done, void *arg) {
    (void)d;
    snprintf(w.kept, sizeof(w.kept), "%s %s %s %s %d", what->alias, what->identity, what->user_id,
        what->delay_id, (int)what->delay_ms);
    w.kept_done = done;
    w.kept_arg = arg;
    return w.keep_error == OK ? OK : err_set(w.keep_error, "too many");
}

static const char *const inputs[CALL_DELEGATION_INPUTS] = {
    [CALL_DELEGATION_FOUND] = "found",
    [CALL_DELEGATION_MISSING] = "missing",
    [CALL_DELEGATION_LEFT] = "left",
    [CALL_DELEGATION_LOST] = "lost",
    [CALL_DELEGATION_TIMED_OUT] = "timed_out",
    [CALL_DELEGATION_FAILED] = "failed",
    [CALL_DELEGATION_DONE] = "done",
    [CALL_DELEGATION_GONE] = "gone",
    [CALL_DELEGATION_LATER] = "later",
};

void call_delegations_tell(struct call_delegations *d, const char *alias, const char *identity,
    enum call_delegation_input in) {
    size_t n = strlen(w.told);
    (void)d;
    CHECK_STR("alias", alias);
    snprintf(w.told + n, sizeof(w.told) - n, "%s%s:%s", n == 0 ? "" : " ", identity, inputs[in]);
}

void call_delegations_answer(
    struct call_delegations *d, uint64_t ticket, enum call_delegation_input in, int64_t after_ms) {
    (void)d;
    snprintf(w.answered, sizeof(w.answered), "%d %s %d", (int)ticket, inputs[in], (int)after_ms);
}

void call_delegations_listed(
    struct call_delegations *d, uint64_t ticket, const struct call_delegations_people *people) {
    (void)d;
    size_t n = (size_t)snprintf(
        w.listed, sizeof(w.listed), "%d%s", (int)ticket, people == NULL ? " ?" : "");
    for (size_t i = 0; people != NULL && i < people->n; i++) {
        n += (size_t)snprintf(w.listed + n, sizeof(w.listed) - n, " %s", people->identities[i]);
    }
}

static int something; /* rooms that nobody looks into */

static enum err make(struct lk_delegate **ret) {
    memset(&w, 0, sizeof(w));
    TRY(lk_delegate_create((struct mx_delayed *)&something, (struct lk_rooms *)&something, ret));
    lk_delegate_set_jobs(*ret, (struct call_delegations *)&something);
    return OK;
}

static void sfu_says(enum err e) {
    lk_rooms_done *done = w.looked;
    CHECK(done != NULL);
    w.looked = NULL;
    if (done != NULL) {
        done(w.looked_arg, e, NULL, "");
    }
}

static void on_done(void *arg, enum lk_refusal r) {
    (void)arg;
    w.dones++;
    w.done = r;
}

static const struct lk_delegate_ask hashed = { { "alias", "hash", "@a:x", "!r:x", "syd", 1000 },
    "@a:x:D" };

TEST(livekit_delegate, finds_whose_leave_it_is) {
    static const struct {
        const char *name;
        const char *minted[2];
        enum err hash, device; /* what the SFU says of each; OK: is there */
        const char *kept;
    } rows[] = {
        { "in the SFU as a member", { NULL }, OK, OK, "alias hash @a:x syd 1000" },
        { "in the SFU as a device", { NULL }, ERR_NOT_FOUND, OK, "alias @a:x:D @a:x syd 1000" },
        { "not there yet, nothing known", { NULL }, ERR_NOT_FOUND, ERR_NOT_FOUND,
            "alias hash @a:x syd 1000" },
        { "not there yet, with a device's token", { "@a:x:D" }, ERR_NOT_FOUND, ERR_NOT_FOUND,
            "alias @a:x:D @a:x syd 1000" },
        { "not there yet, first a device, now a member", { "@a:x:D", "hash" }, ERR_NOT_FOUND,
            ERR_NOT_FOUND, "alias hash @a:x syd 1000" },
        { "not there yet, first a member, now a device", { "hash", "@a:x:D" }, ERR_NOT_FOUND,
            ERR_NOT_FOUND, "alias @a:x:D @a:x syd 1000" },
        { "nobody knows, with a device's token", { "@a:x:D" }, ERR_TIMEOUT, ERR_TIMEOUT,
            "alias @a:x:D @a:x syd 1000" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct lk_delegate *d = NULL;
        CHECK_ERR(OK, make(&d));
        lk_delegate_minted(d, "other", "hash");
        for (size_t i = 0; i < 2 && r->minted[i] != NULL; i++) {
            lk_delegate_minted(d, "alias", r->minted[i]);
        }
        CHECK_ERR(OK, lk_delegate_take(d, &hashed, on_done, NULL));
        w.resolved(w.delayed_arg, true);
        CHECK_STR("alias hash", w.sfu);
        sfu_says(r->hash);
        if (r->hash != OK) {
            CHECK_STR("alias @a:x:D", w.sfu);
            sfu_says(r->device);
        }
        CHECK_STR(r->kept, w.kept);
        CHECK_INT(0, w.dones);
        w.kept_done(w.kept_arg, OK);
        CHECK_INT(1, w.dones);
        CHECK_INT(LK_FINE, w.done);
        lk_delegate_destroy(d);
    }
}

TEST(livekit_delegate, says_why_it_is_not_kept) {
    static const struct {
        const char *name;
        enum err resolve;
        bool found, jobs;
        enum err keep, kept;
        enum lk_refusal want;
    } rows[] = {
        { "an inner name", ERR_INVALID, false, true, OK, OK, LK_DELEGATION_NO_SERVER },
        { "no client API", OK, false, true, OK, OK, LK_DELEGATION_NO_SERVER },
        { "no database yet", OK, true, false, OK, OK, LK_DELEGATION_NOT_KEPT },
        { "too many", OK, true, true, ERR_LIMIT, OK, LK_TOO_MANY },
        { "the database is away", OK, true, true, OK, ERR_DATABASE, LK_DELEGATION_NOT_KEPT },
        { "fine", OK, true, true, OK, OK, LK_FINE },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct lk_delegate *d = NULL;
        struct lk_delegate_ask ask = hashed;
        ask.other_identity = NULL;
        CHECK_ERR(OK, make(&d));
        w.resolve_error = r->resolve;
        w.keep_error = r->keep;
        if (!r->jobs) {
            lk_delegate_set_jobs(d, NULL);
        }
        CHECK_ERR(OK, lk_delegate_take(d, &ask, on_done, NULL));
        if (r->resolve == OK) {
            w.resolved(w.delayed_arg, r->found);
        }
        if (w.kept_done != NULL && r->keep == OK) {
            w.kept_done(w.kept_arg, r->kept);
        }
        CHECK_INT(1, w.dones);
        CHECK_INT(r->want, w.done);
        CHECK_INT(0, w.looks);
        lk_delegate_destroy(d);
    }
}

TEST(livekit_delegate, tells_the_jobs_what_the_sfu_says) {
    static const struct {
        const char *name;
        enum lk_webhook_kind kind;
        const char *reason;
        const char *at_once; /* what is told before the SFU is asked */
        bool asks;
        enum err there;
        const char *in_all;
    } rows[] = {
        { "came", LK_WEBHOOK_JOINED, "", "a:found", false, OK, "a:found" },
        { "a track", LK_WEBHOOK_OTHER, "", "", false, OK, "" },
        { "left", LK_WEBHOOK_LEFT, "CLIENT_INITIATED", "", true, ERR_NOT_FOUND, "a:left" },
        { "left, and nobody can say more", LK_WEBHOOK_LEFT, "CLIENT_INITIATED", "", true,
            ERR_TIMEOUT, "a:left" },
        { "left, and is back already", LK_WEBHOOK_LEFT, "CLIENT_INITIATED", "", true, OK,
            "a:found" },
        { "removed", LK_WEBHOOK_LEFT, "PARTICIPANT_REMOVED", "", true, ERR_NOT_FOUND, "a:left" },
        { "room deleted", LK_WEBHOOK_LEFT, "ROOM_DELETED", "", true, ERR_NOT_FOUND, "a:left" },
        { "cut off", LK_WEBHOOK_LEFT, "SIGNAL_CLOSE", "a:lost", true, ERR_NOT_FOUND, "a:lost" },
        { "waited for in vain", LK_WEBHOOK_LEFT, "CONNECTION_TIMEOUT", "a:timed_out", true,
            ERR_NOT_FOUND, "a:timed_out" },
        { "no reason", LK_WEBHOOK_LEFT, "", "a:lost", true, ERR_NOT_FOUND, "a:lost" },
        { "a second connection took over", LK_WEBHOOK_LEFT, "DUPLICATE_IDENTITY", "a:lost", true,
            OK, "a:lost a:found" },
        { "never connected", LK_WEBHOOK_ABORTED, "", "a:failed", true, ERR_NOT_FOUND,
            "a:failed a:missing" },
        { "its second connection failed", LK_WEBHOOK_ABORTED, "", "a:failed", true, OK,
            "a:failed a:found" },
        { "failed, and nobody can say more", LK_WEBHOOK_ABORTED, "", "a:failed", true, ERR_TIMEOUT,
            "a:failed" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct lk_delegate *d = NULL;
        CHECK_ERR(OK, make(&d));
        const struct lk_webhook n = { .kind = r->kind,
            .event = "x",
            .id = "",
            .alias = "alias",
            .identity = "a",
            .sid = "",
            .reason = r->reason };
        lk_delegate_heard(d, &n);
        CHECK_STR(r->at_once, w.told);
        CHECK_INT(r->asks, w.looks);
        if (r->asks) {
            sfu_says(r->there);
        }
        CHECK_STR(r->in_all, w.told);
        lk_delegate_destroy(d);
    }
}

TEST(livekit_delegate, acts_and_looks_for_the_jobs) {
    static const struct {
        const char *name;
        enum call_delegation_action action;
        enum mx_delayed_outcome outcome;
        const char *acted, *answered;
    } rows[] = {
        { "send", CALL_DELEGATION_SEND, MX_DELAYED_DONE, "@a:x syd send", "7 done 0" },
        { "restart", CALL_DELEGATION_RESTART, MX_DELAYED_DONE, "@a:x syd restart", "7 done 0" },
        { "gone", CALL_DELEGATION_RESTART, MX_DELAYED_GONE, "@a:x syd restart", "7 gone 0" },
        { "later", CALL_DELEGATION_SEND, MX_DELAYED_LATER, "@a:x syd send", "7 later 1500" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct lk_delegate *d = NULL;
        CHECK_ERR(OK, make(&d));
        const struct call_delegations_ports ports = lk_delegate_ports(d);
        CHECK_ERR(OK, ports.act(ports.arg, 7, r->action, &hashed.what));
        CHECK_STR(r->acted, w.acted);
        w.acted_done(w.delayed_arg, r->outcome, r->outcome == MX_DELAYED_LATER ? 1500 : 0);
        CHECK_STR(r->answered, w.answered);
        lk_delegate_destroy(d);
    }
}

TEST(livekit_delegate, answers_looks_only_when_it_knows) {
    static const struct {
        const char *name;
        enum err there;
        const char *answered;
    } rows[] = {
        { "there", OK, "9 found 0" },
        { "not there", ERR_NOT_FOUND, "9 missing 0" },
        { "the SFU is away", ERR_UNREACHABLE, "" },
        { "another key", ERR_UNAUTHORIZED, "" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct lk_delegate *d = NULL;
        CHECK_ERR(OK, make(&d));
        const struct call_delegations_ports ports = lk_delegate_ports(d);
        CHECK_ERR(OK, ports.look(ports.arg, 9, &hashed.what));
        sfu_says(r->there);
        CHECK_STR(r->answered, w.answered);
        lk_delegate_destroy(d);
    }
}

TEST(livekit_delegate, lists_who_is_in_a_room) {
    static const struct {
        const char *name;
        enum err e;
        const char *json;
        const char *want;
    } rows[] = {
        { "two", OK,
            "{\"participants\":[{\"identity\":\"alice\",\"state\":\"ACTIVE\"},{\"identity\":"
            "\"bob\"}]}",
            "5 alice bob" },
        { "one has gone", OK,
            "{\"participants\":[{\"identity\":\"alice\",\"state\":\"DISCONNECTED\"},"
            "{\"identity\":\"bob\",\"state\":\"JOINED\"}]}",
            "5 bob" },
        { "nobody", OK, "{\"participants\":[]}", "5" },
        { "something else", OK, "{}", "5 ?" },
        { "no such room", ERR_NOT_FOUND, NULL, "5" },
        { "nonsense", OK, "{\"participants\":[1,{},{\"identity\":2}]}", "5" },
        { "away", ERR_TIMEOUT, NULL, "5 ?" },
        { "another key", ERR_UNAUTHORIZED, NULL, "5 ?" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        struct lk_delegate *d = NULL;
        CHECK_ERR(OK, make(&d));
        const struct call_delegations_ports ports = lk_delegate_ports(d);
        CHECK_ERR(OK, ports.list(ports.arg, 5, "alias"));
        CHECK_STR("alias *", w.sfu);
        json_t *json = r->json == NULL ? NULL : json_loads(r->json, 0, NULL);
        lk_rooms_done *listed = w.looked;
        w.looked = NULL;
        listed(w.looked_arg, r->e, json, "");
        CHECK_STR(r->want, w.listed);
        json_decref(json);
        lk_delegate_destroy(d);
    }
}

TEST(livekit_delegate, ends_without_a_word) {
    struct lk_delegate *d = NULL;
    CHECK_ERR(OK, make(&d));
    CHECK_ERR(OK, lk_delegate_take(d, &hashed, on_done, &w));
    lk_delegate_forget(d, &w);
    w.resolved(w.delayed_arg, false);
    CHECK_ERR(OK, lk_delegate_take(d, &hashed, on_done, &w));
    lk_delegate_destroy(d);
    CHECK(w.resolved == NULL);
    CHECK_INT(0, w.dones);
}

TEST_ALLOC(livekit_delegate, survives_no_memory) {
    struct lk_delegate *d = NULL;
    TRY(make(&d));
    enum err e = lk_delegate_take(d, &hashed, on_done, NULL);
    lk_delegate_destroy(d);
    return e;
}
