/* Transactions: read, wait for people where somebody may have to ring, commit, answer. */
#include "appservice/transactions.h"

#include "appservice/observer.h"
#include "appservice/reconcile.h"
#include "appservice/transactions_body.h"
#include "calls/work.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metrics.h"
#include "http/reply.h"
#include "http/request.h"
#include "matrix/membership.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define RETRY_AFTER_S "2" /* Synapse's first retry comes after 2 s anyway */

#define TRANSACTIONS(outcome)                                                                      \
    METRIC_INIT(METRIC_KIND_COUNTER, "parley_appservice_transactions_total",                       \
        "outcome=\"" outcome "\"", "Transactions of the homeserver by what came of them.")
#define EVENTS(result)                                                                             \
    METRIC_INIT(METRIC_KIND_COUNTER, "parley_appservice_events_total", "result=\"" result "\"",    \
        "Events of the homeserver by what they were to us.")

static struct metric committed_total = TRANSACTIONS("committed");
static struct metric known_total = TRANSACTIONS("known");
static struct metric empty_total = TRANSACTIONS("empty");
static struct metric refused_total = TRANSACTIONS("refused");
static struct metric failed_total = TRANSACTIONS("failed");
static struct metric read_total = EVENTS("read");
static struct metric ignored_total = EVENTS("ignored");
static struct metric malformed_total = EVENTS("malformed");
static struct metric unreadable_total = EVENTS("unreadable");
METRIC_HISTOGRAM(seconds, "parley_appservice_transaction_seconds",
    "From the arrival of a transaction to its answer.");
METRIC_GAUGE(last_time, "parley_appservice_last_transaction_timestamp_seconds",
    "When the homeserver last had a transaction taken, Unix time; 0 = not since the start.");

/* Room ids; the texts belong to somebody else. */
struct rooms {
    const char **ids;
    size_t n;
};

struct txn {
    struct as_transactions *owner; /* NULL: it was destroyed while the unit ran */
    struct http_request *request;
    struct call_work *work; /* until it runs */
    struct rooms changed;   /* whose people may be others now */
    struct rooms ask;       /* whose people decide who is called; each once */
    struct rooms look;      /* whose state is to be read after the commit */
    size_t inputs;
    struct txn *next;
};

struct as_transactions {
    struct as_transactions_config cfg;
    struct txn *waiting; /* in order of arrival; the first may wait for people */
    struct txn *running;
    bool asking; /* for the people of the first of `waiting` */
};

enum err as_transactions_create(
    const struct as_transactions_config *cfg, struct as_transactions **ret) {
    static struct metric *const metrics[] = { &committed_total, &known_total, &empty_total,
        &refused_total, &failed_total, &read_total, &ignored_total, &malformed_total,
        &unreadable_total, &seconds, &last_time };
    struct as_transactions *t = mem_zalloc(sizeof(*t));
    if (t == NULL) {
        return err_set(ERR_NOMEM, "no memory for transactions");
    }
    for (size_t i = 0; i < COUNT_OF(metrics); i++) {
        metrics_register(metrics[i]);
    }
    t->cfg = *cfg;
    *ret = t;
    return OK;
}

/* --- answers --- */

static void count(struct http_request *r, struct metric *outcome) {
    metric_add(outcome, 1);
    metric_observe_us(&seconds, clock_mono_us() - http_request_arrived_us(r));
}

static void confirm(struct http_request *r, struct metric *outcome) {
    count(r, outcome);
    metric_set(&last_time, clock_wall_ms() / SEC_MS);
    http_reply_json(r, 200, "{}");
}

/* The homeserver comes again with the same transaction, whatever the status; 503 says that it may.
 */
static void postpone(struct http_request *r, enum err e) {
    LOG_WARN(NULL, "transaction_postponed", "cause=%s text=%s", err_name(e), LOG_Q(err_text()));
    count(r, &failed_total);
    http_reply_header(r, "Retry-After", RETRY_AFTER_S);
    http_reply_error(r, 503, "M_DATABASE_UNAVAILABLE", "The database is not available; try again");
}

static void fail(struct http_request *r, enum err e) {
    if (e == ERR_DATABASE || e == ERR_GONE || e == ERR_LIMIT) {
        postpone(r, e);
        return;
    }
    count(r, e == ERR_INVALID || e == ERR_TOO_LARGE ? &refused_total : &failed_total);
    http_reply_err(r, e);
}

/* --- reading --- */

/* Room for `n` ids, which live as long as the request. */
static enum err open_rooms(struct http_request *r, size_t n, struct rooms *ret) {
    ret->ids = arena_array(http_request_arena(r), n, sizeof(*ret->ids));
    return ret->ids != NULL ? OK : err_set(ERR_NOMEM, "no memory for the rooms of a transaction");
}

/* Events of one room mostly come together. */
static bool is_last(const struct rooms *rooms, const char *room_id) {
    return rooms->n > 0 && strcmp(rooms->ids[rooms->n - 1], room_id) == 0;
}

static bool has_room(const struct rooms *rooms, const char *room_id) {
    for (size_t i = 0; i < rooms->n; i++) {
        if (strcmp(rooms->ids[i], room_id) == 0) {
            return true;
        }
    }
    return false;
}

/* What is to be looked at after the commit must outlive the unit. */
static enum err note_look(struct txn *x, const char *room_id) {
    if (is_last(&x->look, room_id)) {
        return OK;
    }
    const char *own = arena_strdup(http_request_arena(x->request), room_id);
    if (own == NULL) {
        return err_set(ERR_NOMEM, "no memory for a room to look at");
    }
    x->look.ids[x->look.n++] = own;
    return OK;
}

static enum err note_reading(struct txn *x, const struct as_reading *r) {
    if (r->room_id != NULL && r->membership_changed && !is_last(&x->changed, r->room_id)) {
        x->changed.ids[x->changed.n++] = r->room_id;
    }
    if (r->room_id != NULL && r->needs_people && x->ask.n < AS_ASK_ROOMS_MAX &&
        !has_room(&x->ask, r->room_id)) {
        x->ask.ids[x->ask.n++] = r->room_id;
    }
    if (r->room_id != NULL && r->look_at_room) {
        TRY(note_look(x, r->room_id));
    }
    for (size_t i = 0; i < r->n_inputs; i++) {
        TRY(call_work_add(x->work, &r->inputs[i]));
    }
    bool malformed = r->n_inputs > 0 && r->inputs[0].type == IN_MALFORMED;
    metric_add(malformed ? &malformed_total : r->n_inputs > 0 ? &read_total : &ignored_total, 1);
    x->inputs += r->n_inputs;
    return OK;
}

/* Length and bytes of what identifies an event, so that no two lists of events look alike. */
static void put_identity(struct buf *b, const char *bytes, size_t len) {
    const uint8_t head[4] = { (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
        (uint8_t)len };
    buf_put(b, head, sizeof(head));
    buf_put(b, bytes, len);
}

static enum err read_event(struct txn *x, const struct as_observer_config *cfg,
    const struct as_body_event *event, int64_t now_ms, struct buf *identity) {
    json_error_t error;
    json_t *json = json_loadb(event->text, event->len, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    if (json == NULL) {
        if (json_error_code(&error) == json_error_out_of_memory) {
            return err_set(ERR_NOMEM, "no memory for an event");
        }
        /* Not the library's own words: they quote the event. */
        LOG_WARN(NULL, "event_unreadable", "bytes=%zu at=%d code=%d", event->len, error.position,
            (int)json_error_code(&error));
        metric_add(&unreadable_total, 1);
        put_identity(identity, event->text, event->len);
        return OK;
    }
    const json_t *id = json_object_get(json, "event_id");
    put_identity(identity, json_string_value(id), json_string_length(id));
    struct as_reading reading;
    enum err e = as_observer_read(cfg, json, now_ms, false, call_work_arena(x->work), &reading);
    json_decref(json);
    TRY(e);
    return note_reading(x, &reading);
}

static enum err read_events(
    struct txn *x, const struct as_observer_config *cfg, const char *txn_id, int64_t now_ms) {
    const struct as_body_event *events;
    size_t n;
    size_t len;
    uint8_t hash[SHA256_SIZE];
    CLEANUP(buf_finish) struct buf identity;
    const char *body = http_request_body(x->request, &len);
    buf_init(&identity, 0);
    TRY(as_body_split(body, len, http_request_arena(x->request), &events, &n));
    TRY(open_rooms(x->request, n, &x->changed));
    TRY(open_rooms(x->request, n < AS_ASK_ROOMS_MAX ? n : AS_ASK_ROOMS_MAX, &x->ask));
    TRY(open_rooms(x->request, n, &x->look));
    for (size_t i = 0; i < n; i++) {
        TRY(read_event(x, cfg, &events[i], now_ms, &identity));
    }
    TRY(buf_check(&identity));
    crypto_sha256(buf_str(&identity), identity.len, hash);
    return call_work_txn(x->work, txn_id, hash);
}

static void txn_destroy(struct txn *x) {
    if (x != NULL) {
        call_work_destroy(x->work);
        mem_free(x);
    }
}

static void txn_destroyp(struct txn **x) {
    txn_destroy(*x);
}

static enum err read_txn(struct as_transactions *t, struct http_request *r, struct txn **ret) {
    const char *txn_id = http_request_param(r, "txnId");
    int64_t now_ms = clock_wall_ms();
    if (txn_id == NULL || txn_id[0] == '\0' || strlen(txn_id) > AS_TXN_ID_MAX) {
        return err_set(ERR_INVALID, "want a transaction id of 1 to %d bytes", AS_TXN_ID_MAX);
    }
    CLEANUP(txn_destroyp) struct txn *x = mem_zalloc(sizeof(*x));
    if (x == NULL) {
        return err_set(ERR_NOMEM, "no memory for a transaction");
    }
    x->owner = t;
    x->request = r;
    TRY(call_work_create(t->cfg.calls, now_ms, &x->work));
    TRY(read_events(x, t->cfg.observer, txn_id, now_ms));
    *ret = STEAL(x);
    return OK;
}

/* --- the way of a transaction --- */

static void forget_people(const struct as_transactions *t, const struct txn *x) {
    for (size_t i = 0; t->cfg.membership != NULL && i < x->changed.n; i++) {
        mx_membership_forget(t->cfg.membership, x->changed.ids[i]);
    }
}

static void look_at_rooms(const struct as_transactions *t, const char *const *room_ids, size_t n) {
    for (size_t i = 0; t->cfg.reconcile != NULL && i < n; i++) {
        as_reconcile_room(t->cfg.reconcile, room_ids[i]);
    }
}

static void unlink_txn(struct txn **list, struct txn *x) {
    while (*list != NULL && *list != x) {
        list = &(*list)->next;
    }
    if (*list == x) {
        *list = x->next;
        x->next = NULL;
    }
}

static void on_committed(void *arg, enum err e, const struct call_work_report *report) {
    struct txn *x = arg;
    struct as_transactions *t = x->owner;
    if (t == NULL) {
        txn_destroy(x);
        return;
    }
    unlink_txn(&t->running, x);
    if (e == OK) {
        look_at_rooms(t, x->look.ids, x->look.n);
        look_at_rooms(t, report->rechecks, report->n_rechecks);
        confirm(x->request, report->txn_known ? &known_total : &committed_total);
    } else {
        fail(x->request, e);
    }
    txn_destroy(x);
}

static void run_first(struct as_transactions *t) {
    struct txn *x = t->waiting;
    unlink_txn(&t->waiting, x);
    x->next = t->running;
    t->running = x;
    call_work_run(STEAL(x->work), on_committed, x);
}

/* The view of a room in the unit's memory. */
static enum err add_view(struct call_work *w, const struct mx_room_people *people) {
    struct arena *a = call_work_arena(w);
    const char **joined = arena_array(a, people->n_joined, sizeof(*joined));
    for (size_t i = 0; joined != NULL && i < people->n_joined; i++) {
        joined[i] = arena_strdup(a, people->joined[i]);
    }
    const struct call_room_view view = { .room_id = arena_strdup(a, people->room_id),
        .joined = joined,
        .n_joined = people->n_joined,
        .known = people->known,
        .joinable = people->joinable };
    if (a->failed) {
        return err_set(ERR_NOMEM, "no memory for the people of a room");
    }
    return call_work_room(w, &view);
}

static void pump(struct as_transactions *t);

static void on_people(void *arg, const struct mx_room_people *people, size_t n) {
    struct as_transactions *t = arg;
    struct txn *x = t->waiting;
    enum err e = OK;
    t->asking = false;
    for (size_t i = 0; e == OK && i < n; i++) {
        e = add_view(x->work, &people[i]);
    }
    if (e == OK) {
        run_first(t);
    } else {
        unlink_txn(&t->waiting, x);
        fail(x->request, e);
        txn_destroy(x);
    }
    pump(t);
}

/* False: nobody is asked, and the rooms stay unknown. */
static bool ask_people(struct as_transactions *t, const struct txn *x) {
    if (t->cfg.membership == NULL || x->ask.n == 0) {
        return false;
    }
    t->asking = true;
    enum err e = mx_membership_ask(t->cfg.membership, x->ask.ids, x->ask.n, on_people, t);
    if (e != OK) {
        t->asking = false;
        LOG_WARN(NULL, "people_not_asked", "cause=%s text=%s", err_name(e), LOG_Q(err_text()));
    }
    return e == OK;
}

/* Starts what can start, in order. */
static void pump(struct as_transactions *t) {
    while (t->waiting != NULL && !t->asking) {
        forget_people(t, t->waiting);
        if (!ask_people(t, t->waiting)) {
            run_first(t);
        }
    }
}

/* Holds nothing for the database; so nothing waits for it. */
static void acknowledge(struct as_transactions *t, struct txn *x) {
    forget_people(t, x);
    look_at_rooms(t, x->look.ids, x->look.n);
    confirm(x->request, &empty_total);
    txn_destroy(x);
}

void as_transactions_take(struct as_transactions *t, struct http_request *r) {
    struct txn *x = NULL;
    enum err e = read_txn(t, r, &x);
    if (e != OK) {
        fail(r, e);
        return;
    }
    if (x->inputs == 0) {
        acknowledge(t, x);
        return;
    }
    struct txn **end = &t->waiting;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = x;
    pump(t);
}

void as_transactions_destroy(struct as_transactions *t) {
    if (t == NULL) {
        return;
    }
    err_set(ERR_GONE, "the server is stopping");
    while (t->waiting != NULL) {
        struct txn *x = t->waiting;
        unlink_txn(&t->waiting, x);
        postpone(x->request, ERR_GONE);
        txn_destroy(x);
    }
    while (t->running != NULL) {
        struct txn *x = t->running;
        unlink_txn(&t->running, x);
        x->owner = NULL;
        postpone(STEAL(x->request), ERR_GONE);
    }
    mem_free(t);
}
