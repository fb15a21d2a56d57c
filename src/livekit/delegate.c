/* Steps: each is one request under way, and what follows from its answer. */
#include "livekit/delegate.h"

#include "core/clock.h"
#include "core/crypto.h"
#include "core/log.h"
#include "core/mem.h"
#include "livekit/rooms.h"
#include "livekit/webhook.h"
#include "matrix/delayed.h"

#include <stdbool.h>
#include <string.h>
#include <utlist.h>

struct lk_delegate {
    struct mx_delayed *delayed;
    struct lk_rooms *rooms;
    struct call_delegations *jobs;
    struct step *steps;
    size_t n_steps;
    uint8_t minted[LK_DELEGATE_MINTED_MAX][SHA256_SIZE]; /* a ring of names */
    uint64_t n_minted;
};

struct step {
    struct step *prev, *next;
    struct lk_delegate *owner; /* NULL: it went while the jobs had this */
    struct arena arena;
    uint64_t ticket;               /* of an action or a look */
    struct call_delegated what;    /* of a request, or whom the SFU spoke of */
    const char *other_identity;    /* of a request */
    enum call_delegation_input in; /* what the SFU said */
    lk_delegate_done *done;
    void *arg;
};

/* --- life of a step --- */

static void step_free(struct step *x) {
    arena_finish(&x->arena);
    mem_free(x);
}

static void step_end(struct step *x) {
    struct lk_delegate *d = x->owner;
    if (d != NULL) {
        mx_delayed_forget(d->delayed, x);
        lk_rooms_forget(d->rooms, x);
        DL_DELETE(d->steps, x);
        d->n_steps--;
    }
    step_free(x);
}

static enum err step_create(
    struct lk_delegate *d, const struct call_delegated *what, struct step **ret) {
    if (d->n_steps >= LK_DELEGATE_STEPS_MAX) {
        return err_set(
            ERR_LIMIT, "%d requests of delegated leaves are under way", LK_DELEGATE_STEPS_MAX);
    }
    struct step *x = mem_zalloc(sizeof(*x));
    if (x == NULL) {
        return err_set(ERR_NOMEM, "no memory for a delegated leave");
    }
    *x = (struct step){ .owner = d, .what = *what };
    arena_init(&x->arena);
    const char **const texts[] = { &x->what.alias, &x->what.identity, &x->what.user_id,
        &x->what.room_id, &x->what.delay_id };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = *texts[i] == NULL ? NULL : arena_strdup(&x->arena, *texts[i]);
    }
    if (x->arena.failed) {
        step_free(x);
        return err_set(ERR_NOMEM, "no memory for a delegated leave");
    }
    DL_APPEND(d->steps, x);
    d->n_steps++;
    *ret = x;
    return OK;
}

/* --- for the jobs: the homeserver --- */

static void on_acted(void *arg, enum mx_delayed_outcome o, int64_t after_ms) {
    static const enum call_delegation_input inputs[] = {
        [MX_DELAYED_DONE] = CALL_DELEGATION_DONE,
        [MX_DELAYED_GONE] = CALL_DELEGATION_GONE,
        [MX_DELAYED_LATER] = CALL_DELEGATION_LATER,
    };
    struct step *x = arg;
    struct lk_delegate *d = x->owner;
    uint64_t ticket = x->ticket;
    bool send = x->in == CALL_DELEGATION_LEFT;
    LOG_AT(send ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, &log_root, "delayed_leave",
        "user=%s action=%s outcome=%s", LOG_Q(x->what.user_id), send ? "send" : "restart",
        o == MX_DELAYED_DONE   ? "done"
        : o == MX_DELAYED_GONE ? "gone"
                               : "later");
    step_end(x);
    if (d->jobs != NULL) {
        call_delegations_answer(d->jobs, ticket, inputs[o], after_ms);
    }
}

static enum err act(void *arg, uint64_t ticket, enum call_delegation_action action,
    const struct call_delegated *what) {
    struct step *x = NULL;
    bool send = action == CALL_DELEGATION_SEND;
    TRY(step_create(arg, what, &x));
    x->ticket = ticket;
    x->in = send ? CALL_DELEGATION_LEFT : CALL_DELEGATION_FOUND;
    enum err e = mx_delayed_act(x->owner->delayed, what->user_id, what->delay_id,
        send ? MX_DELAYED_SEND : MX_DELAYED_RESTART, on_acted, x);
    if (e != OK) {
        step_end(x);
    }
    return e;
}

/* --- for the jobs: the SFU --- */

static void on_looked(void *arg, enum err e, const json_t *json, const char *text) {
    struct step *x = arg;
    struct lk_delegate *d = x->owner;
    uint64_t ticket = x->ticket;
    (void)json;
    (void)text;
    step_end(x);
    if (d->jobs != NULL && (e == OK || e == ERR_NOT_FOUND)) {
        call_delegations_answer(
            d->jobs, ticket, e == OK ? CALL_DELEGATION_FOUND : CALL_DELEGATION_MISSING, 0);
    }
}

static enum err look(void *arg, uint64_t ticket, const struct call_delegated *what) {
    struct step *x = NULL;
    TRY(step_create(arg, what, &x));
    x->ticket = ticket;
    enum err e = lk_rooms_find(x->owner->rooms, what->alias, what->identity, on_looked, x);
    if (e != OK) {
        step_end(x);
    }
    return e;
}

static bool is_there(const json_t *participant) {
    const char *state = json_string_value(json_object_get(participant, "state"));
    return json_is_string(json_object_get(participant, "identity")) &&
           (state == NULL || strcmp(state, "DISCONNECTED") != 0);
}

/* A room that is not there is one where nobody is. */
static void tell_listed(struct step *x, const json_t *participants) {
    size_t n = json_array_size(participants);
    struct call_delegations_people people = { 0 };
    const char **names = arena_array(&x->arena, n, sizeof(*names));
    if (names == NULL) {
        call_delegations_listed(x->owner->jobs, x->ticket, NULL);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *p = json_array_get(participants, i);
        if (is_there(p)) {
            names[people.n++] = json_string_value(json_object_get(p, "identity"));
        }
    }
    people.identities = names;
    call_delegations_listed(x->owner->jobs, x->ticket, &people);
}

static void on_listed(void *arg, enum err e, const json_t *json, const char *text) {
    struct step *x = arg;
    (void)text;
    if (x->owner->jobs == NULL) {
        step_end(x);
        return;
    }
    const json_t *participants = json_object_get(json, "participants");
    if (e == ERR_NOT_FOUND || (e == OK && json_is_array(participants))) {
        tell_listed(x, participants);
    } else {
        call_delegations_listed(x->owner->jobs, x->ticket, NULL);
    }
    step_end(x);
}

static enum err list(void *arg, uint64_t ticket, const char *alias) {
    struct step *x = NULL;
    TRY(step_create(arg, &(struct call_delegated){ .alias = alias }, &x));
    x->ticket = ticket;
    enum err e = lk_rooms_list(x->owner->rooms, alias, on_listed, x);
    if (e != OK) {
        step_end(x);
    }
    return e;
}

struct call_delegations_ports lk_delegate_ports(struct lk_delegate *d) {
    return (struct call_delegations_ports){ .act = act, .look = look, .list = list, .arg = d };
}

/* --- names of tokens --- */

static void digest_of(const char *alias, const char *identity, uint8_t ret[SHA256_SIZE]) {
    uint8_t both[2 * SHA256_SIZE];
    crypto_sha256(alias, strlen(alias), both);
    crypto_sha256(identity, strlen(identity), both + SHA256_SIZE);
    crypto_sha256(both, sizeof(both), ret);
}

void lk_delegate_minted(struct lk_delegate *d, const char *alias, const char *identity) {
    digest_of(alias, identity, d->minted[d->n_minted++ % LK_DELEGATE_MINTED_MAX]);
}

/* Was a token of `other` made later than one of `name`? */
static bool minted_later(
    const struct lk_delegate *d, const char *alias, const char *name, const char *other) {
    uint8_t mine[SHA256_SIZE];
    uint8_t theirs[SHA256_SIZE];
    digest_of(alias, name, mine);
    digest_of(alias, other, theirs);
    uint64_t n = d->n_minted < LK_DELEGATE_MINTED_MAX ? d->n_minted : LK_DELEGATE_MINTED_MAX;
    for (uint64_t i = 1; i <= n; i++) {
        const uint8_t *at = d->minted[(d->n_minted - i) % LK_DELEGATE_MINTED_MAX];
        if (memcmp(at, mine, SHA256_SIZE) == 0) {
            return false;
        }
        if (memcmp(at, theirs, SHA256_SIZE) == 0) {
            return true;
        }
    }
    return false;
}

/* --- a request --- */

static void request_end(struct step *x, enum lk_refusal r) {
    lk_delegate_done *done = x->done;
    void *arg = x->arg;
    step_end(x);
    if (done != NULL) {
        done(arg, r);
    }
}

static void on_kept(void *arg, enum err e) {
    request_end(arg, e == OK ? LK_FINE : LK_DELEGATION_NOT_KEPT);
}

static void add(struct step *x, const char *identity) {
    struct lk_delegate *d = x->owner;
    x->what.identity = identity;
    enum err e = d->jobs == NULL ? err_set(ERR_DATABASE, "no database yet")
                                 : call_delegations_add(d->jobs, &x->what, on_kept, x);
    if (e != OK) {
        LOG_WARN(&log_root, "delegation_not_kept", "text=%s", LOG_Q(err_text()));
        request_end(x, e == ERR_LIMIT ? LK_TOO_MANY : LK_DELEGATION_NOT_KEPT);
    }
}

static void on_other_found(void *arg, enum err e, const json_t *json, const char *text) {
    struct step *x = arg;
    (void)json;
    (void)text;
    bool other =
        e == OK || minted_later(x->owner, x->what.alias, x->what.identity, x->other_identity);
    add(x, other ? x->other_identity : x->what.identity);
}

static void on_name_found(void *arg, enum err e, const json_t *json, const char *text) {
    struct step *x = arg;
    (void)json;
    (void)text;
    if (e == OK ||
        lk_rooms_find(x->owner->rooms, x->what.alias, x->other_identity, on_other_found, x) != OK) {
        add(x, x->what.identity);
    }
}

static void on_resolved(void *arg, bool found) {
    struct step *x = arg;
    if (!found) {
        request_end(x, LK_DELEGATION_NO_SERVER);
    } else if (x->other_identity == NULL || lk_rooms_find(x->owner->rooms, x->what.alias,
                                                x->what.identity, on_name_found, x) != OK) {
        add(x, x->what.identity);
    }
}

enum err lk_delegate_take(
    struct lk_delegate *d, const struct lk_delegate_ask *ask, lk_delegate_done *done, void *arg) {
    struct step *x = NULL;
    TRY(step_create(d, &ask->what, &x));
    if (ask->other_identity != NULL) {
        x->other_identity = arena_strdup(&x->arena, ask->other_identity);
    }
    if (x->arena.failed) {
        step_end(x);
        return err_set(ERR_NOMEM, "no memory for a delegated leave");
    }
    x->done = done;
    x->arg = arg;
    if (mx_delayed_resolve(d->delayed, ask->what.user_id, on_resolved, x) != OK) {
        request_end(x, LK_DELEGATION_NO_SERVER);
    }
    return OK;
}

void lk_delegate_forget(struct lk_delegate *d, const void *arg) {
    for (struct step *x = d->steps; x != NULL; x = x->next) {
        if (x->arg == arg) {
            x->done = NULL;
        }
    }
}

/* --- what the SFU says --- */

/* Who will not come back under this connection, nor by another. */
static bool on_purpose(const char *reason) {
    static const char *const reasons[] = { "CLIENT_INITIATED", "PARTICIPANT_REMOVED",
        "ROOM_DELETED", "ROOM_CLOSED" };
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (strcmp(reasons[i], reason) == 0) {
            return true;
        }
    }
    return false;
}

static void tell(const struct step *x, enum call_delegation_input in) {
    if (x->owner->jobs != NULL) {
        call_delegations_tell(x->owner->jobs, x->what.alias, x->what.identity, in);
    }
}

/* What a webhook says of the end of a connection. */
static enum call_delegation_input input_of(const struct lk_webhook *w) {
    if (w->kind == LK_WEBHOOK_ABORTED) {
        return CALL_DELEGATION_FAILED;
    }
    if (on_purpose(w->reason)) {
        return CALL_DELEGATION_LEFT;
    }
    return strcmp(w->reason, "CONNECTION_TIMEOUT") == 0 ? CALL_DELEGATION_TIMED_OUT
                                                        : CALL_DELEGATION_LOST;
}

/* A second connection of the same participant ends the first, and its end may be told later than
 * the other's beginning: only who is not there any more has left. */
static void on_still_there(void *arg, enum err e, const json_t *json, const char *text) {
    struct step *x = arg;
    (void)json;
    (void)text;
    if (e == OK) {
        tell(x, CALL_DELEGATION_FOUND);
    } else if (x->in == CALL_DELEGATION_LEFT) {
        tell(x, CALL_DELEGATION_LEFT);
    } else if (x->in == CALL_DELEGATION_FAILED && e == ERR_NOT_FOUND) {
        tell(x, CALL_DELEGATION_MISSING); /* its second connection failed; the first is gone */
    }
    step_end(x);
}

static enum err heard(struct lk_delegate *d, const struct lk_webhook *w) {
    const struct call_delegated whom = { .alias = w->alias, .identity = w->identity };
    struct step *x = NULL;
    TRY(step_create(d, &whom, &x));
    x->in = input_of(w);
    if (x->in != CALL_DELEGATION_LEFT) {
        tell(x, x->in);
    }
    enum err e = lk_rooms_find(d->rooms, w->alias, w->identity, on_still_there, x);
    if (e != OK) {
        on_still_there(x, e, NULL, "");
    }
    return OK;
}

void lk_delegate_heard(struct lk_delegate *d, const struct lk_webhook *w) {
    if (d->jobs == NULL || w->kind == LK_WEBHOOK_OTHER) {
        return;
    }
    if (w->kind == LK_WEBHOOK_JOINED) {
        call_delegations_tell(d->jobs, w->alias, w->identity, CALL_DELEGATION_FOUND);
    } else if (heard(d, w) != OK) {
        LOG_WARN(
            &log_root, "sfu_news_lost", "event=%s text=%s", LOG_Q(w->event), LOG_Q(err_text()));
    }
}

/* --- life --- */

enum err lk_delegate_create(
    struct mx_delayed *delayed, struct lk_rooms *rooms, struct lk_delegate **ret) {
    struct lk_delegate *d = mem_zalloc(sizeof(*d));
    if (d == NULL) {
        return err_set(ERR_NOMEM, "no memory for the delegated leaves");
    }
    d->delayed = delayed;
    d->rooms = rooms;
    *ret = d;
    return OK;
}

void lk_delegate_set_jobs(struct lk_delegate *d, struct call_delegations *jobs) {
    d->jobs = jobs;
}

void lk_delegate_destroy(struct lk_delegate *d) {
    if (d == NULL) {
        return;
    }
    while (d->steps != NULL) {
        step_end(d->steps);
    }
    mem_free(d);
}
