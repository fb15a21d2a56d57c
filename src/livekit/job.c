/* What all dialects share: limits, admission, the token, the answer, and the note for the audit. */
#include "livekit/job.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "http/address.h"
#include "http/limit.h"
#include "http/reply.h"
#include "http/request.h"
#include "livekit/admission.h"
#include "livekit/delegate.h"
#include "livekit/grant.h"
#include "livekit/keys.h"
#include "livekit/nodes.h"
#include "livekit/participants.h"
#include "livekit/rooms.h"
#include "livekit/witness.h"
#include "matrix/client.h"
#include "matrix/ids.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define RETRY_AFTER_S "1"
#define US_PER_S      SEC_US

#define LABEL_SIZE 40
static struct metric issued[LK_TOKEN_DIALECTS];
static char issued_labels[LK_TOKEN_DIALECTS][LABEL_SIZE];
static struct metric refused[LK_REFUSALS];
static char refused_labels[LK_REFUSALS][LABEL_SIZE];
METRIC_HISTOGRAM(token_time, "parley_token_seconds", "Time from a token request to its answer.");
METRIC_GAUGE(jobs_now, "parley_token_requests_under_way", "Token requests not yet answered.");

/* Two refusals may have one reason: the first of them counts for both. */
static size_t counter_of(enum lk_refusal r) {
    for (int i = LK_FINE + 1; i < (int)r; i++) {
        if (strcmp(lk_refusal_row((enum lk_refusal)i)->reason, lk_refusal_row(r)->reason) == 0) {
            return (size_t)i;
        }
    }
    return r;
}

void lk_job_register_metrics(void) {
    for (int d = 0; d < LK_TOKEN_DIALECTS; d++) {
        snprintf(
            issued_labels[d], LABEL_SIZE, "dialect=\"%s\"", lk_dialect_name((enum lk_dialect)d));
        if (issued[d].name == NULL) {
            issued[d] = (struct metric)METRIC_INIT(METRIC_KIND_COUNTER,
                "parley_tokens_issued_total", issued_labels[d], "Tokens given, by dialect.");
        }
        metrics_register(&issued[d]);
    }
    for (int r = LK_FINE + 1; r < LK_REFUSALS; r++) {
        if (counter_of((enum lk_refusal)r) != (size_t)r) {
            continue;
        }
        snprintf(refused_labels[r], LABEL_SIZE, "reason=\"%s\"",
            lk_refusal_row((enum lk_refusal)r)->reason);
        if (refused[r].name == NULL) {
            refused[r] = (struct metric)METRIC_INIT(METRIC_KIND_COUNTER,
                "parley_tokens_refused_total", refused_labels[r], "Tokens refused, by reason.");
        }
        metrics_register(&refused[r]);
    }
    metrics_register(&token_time);
    metrics_register(&jobs_now);
}

/* --- life --- */

/* The job lives in the request, which goes with its answer: take it out before. */
static void job_end(struct lk_job *j) {
    struct lk_focus *f = j->focus;
    f->cfg.forget(f->cfg.openid, j);
    if (f->cfg.admission != NULL) {
        lk_admission_forget(f->cfg.admission, j);
    }
    if (f->cfg.client != NULL) {
        mx_client_forget(f->cfg.client, j);
    }
    if (f->cfg.rooms != NULL) {
        lk_rooms_forget(f->cfg.rooms, j);
    }
    if (f->cfg.nodes != NULL) {
        lk_nodes_forget(f->cfg.nodes, j);
    }
    if (f->cfg.participants != NULL) {
        lk_participants_forget(f->cfg.participants, j);
    }
    if (f->cfg.delegate != NULL) {
        lk_delegate_forget(f->cfg.delegate, j);
    }
    DL_DELETE(f->jobs, j);
    f->n_jobs--;
    metric_set(&jobs_now, (int64_t)f->n_jobs);
    metric_observe_us(&token_time, clock_mono_us() - http_request_arrived_us(j->request));
}

static void reply_refusal(struct http_request *r, enum lk_refusal why) {
    const struct lk_refusal_row *row = lk_refusal_row(why);
    metric_add(&refused[counter_of(why)], 1);
    if (row->status == 429) {
        http_reply_header(r, "Retry-After", RETRY_AFTER_S);
    }
    http_reply_error(r, row->status, row->errcode, row->text);
}

static bool address_may(struct lk_focus *f, const struct http_request *r) {
    struct http_address a = { .local = true };
    int64_t wait_ms = 0;
    const char *peer = http_request_peer(r);
    if (!http_address_read(peer, strlen(peer), &a)) {
        a.local = true; /* a unix socket's: the proxy on this machine */
    }
    return http_limit_take(f->addresses, &a, clock_mono_us(), &wait_ms);
}

/* Element Call asks with nothing in it whether there is such a service (any answer but 404 is a
 * yes): nobody was refused anything, so there is no row of the audit and no line of the log. */
static bool is_probe(enum lk_dialect d, const char *body, size_t len) {
    return d == LK_DELEGATE && (len == 0 || (len == 2 && memcmp(body, "{}", 2) == 0));
}

static void answer_probe(struct lk_job *j, enum lk_refusal why) {
    const struct lk_refusal_row *row = lk_refusal_row(why);
    struct http_request *r = j->request;
    LOG_DEBUG(&log_root, "delegation_probed", "peer=%s", http_request_peer(r));
    job_end(j);
    http_reply_error(r, row->status, row->errcode, row->text);
}

struct lk_job *lk_job_begin(struct lk_focus *f, struct http_request *r, enum lk_dialect d) {
    size_t len = 0;
    const char *body = http_request_body(r, &len);
    if (f->stopped || f->n_jobs >= LK_JOBS_MAX || !address_may(f, r)) {
        LOG_INFO(&log_root, "token_not_looked_at", "peer=%s reason=%s", http_request_peer(r),
            f->stopped ? "stopping" : "too_many");
        reply_refusal(r, f->stopped ? LK_STOPPING : LK_TOO_MANY);
        return NULL;
    }
    struct lk_job *j = arena_alloc(http_request_arena(r), sizeof(*j));
    if (j == NULL) {
        reply_refusal(r, LK_FAULT);
        return NULL;
    }
    *j = (struct lk_job){ .focus = f, .request = r, .can_publish = true };
    DL_APPEND(f->jobs, j);
    f->n_jobs++;
    metric_set(&jobs_now, (int64_t)f->n_jobs);
    enum lk_refusal why = lk_ask_read(d, body, len, http_request_arena(r), &j->ask);
    if (why == LK_FINE) {
        return j;
    }
    if (is_probe(d, body, len)) {
        answer_probe(j, why);
    } else {
        lk_job_refuse(j, why, NULL);
    }
    return NULL;
}

/* --- the note for the audit --- */

/* What a stranger wrote may be no id at all; then it is no room that anybody would look for. */
static const char *room_of(const struct lk_job *j) {
    return mx_room_id_valid(j->ask.room_id) ? j->ask.room_id : NULL;
}

static struct call_input note_of(const struct lk_job *j, enum call_input_type type) {
    int64_t now_ms = clock_wall_ms();
    return (struct call_input){ .type = type,
        .room_id = room_of(j),
        .sender = j->user_id,
        .origin_ms = now_ms,
        .sent_ms = now_ms,
        .received_ms = now_ms,
        .token = { .slot = j->ask.slot_id,
            .device_id = j->ask.device_id,
            .member_id = j->ask.member_id,
            .dialect = lk_dialect_name(j->ask.dialect),
            .server = j->server != NULL ? j->server : j->ask.openid_server,
            .full_access = j->full_access } };
}

static void note_refused(
    const struct lk_job *j, const struct lk_refusal_row *row, const char *problem) {
    if (j->focus->cfg.witness == NULL) {
        return;
    }
    struct call_input in = note_of(j, IN_TOKEN_REFUSED);
    in.token.claimed_user = j->user_id == NULL ? j->ask.user_id : NULL;
    in.token.reason = row->reason;
    in.token.problem = problem;
    lk_witness_note(j->focus->cfg.witness, &in);
}

static void note_issued(const struct lk_job *j) {
    if (j->focus->cfg.witness == NULL) {
        return;
    }
    struct call_input in = note_of(j, IN_TOKEN_ISSUED);
    in.token.alias = j->alias;
    in.token.identity = j->identity;
    in.token.membership = j->membership;
    lk_witness_note(j->focus->cfg.witness, &in);
}

/* --- refusing --- */

void lk_job_refuse(struct lk_job *j, enum lk_refusal why, const char *problem) {
    const struct lk_refusal_row *row = lk_refusal_row(why);
    struct http_request *r = j->request;
    LOG_AT(row->status >= 500 ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, &log_root, "token_refused",
        "reason=%s dialect=%s peer=%s room=%s user=%s server=%s text=%s", row->reason,
        lk_dialect_name(j->ask.dialect), http_request_peer(r), LOG_Q(j->ask.room_id),
        LOG_Q(j->user_id != NULL ? j->user_id : ""), LOG_Q(j->ask.openid_server),
        LOG_Q(problem == NULL ? "" : problem));
    if (why != LK_STOPPING) {
        note_refused(j, row, problem);
    }
    job_end(j);
    reply_refusal(r, why);
}

bool lk_job_know_user(struct lk_job *j, const char *user_id, bool full_access) {
    struct arena *a = http_request_arena(j->request);
    int64_t wait_ms = 0;
    const char *colon = strchr(user_id, ':');
    j->user_id = arena_strdup(a, user_id);
    j->server = arena_strdup(a, colon == NULL ? "" : colon + 1);
    j->full_access = full_access;
    if (a->failed) {
        lk_job_refuse(j, LK_FAULT, "no memory");
        return false;
    }
    if (!http_limit_take_name(j->focus->users, user_id, clock_mono_us(), &wait_ms)) {
        lk_job_refuse(j, LK_TOO_MANY, "of one user");
        return false;
    }
    return true;
}

/* --- admission --- */

static void on_admitted(void *arg, enum lk_refusal why, const char *membership) {
    struct lk_job *j = arg;
    if (why != LK_FINE) {
        lk_job_refuse(j, why, NULL);
    } else {
        j->then(j, membership);
    }
}

void lk_job_admit(struct lk_job *j, const char *with_server, bool strict, lk_job_then *then) {
    char alias[LK_HASH_SIZE];
    if (lk_ask_alias(&j->ask, alias) != OK) {
        lk_job_refuse(j, LK_FAULT, err_text());
        return;
    }
    const struct lk_admission_question q = {
        .room_id = j->ask.room_id,
        .alias = alias,
        .user_id = j->user_id,
        .with_server = with_server,
        .full_access = j->full_access,
        .strict = strict,
    };
    j->then = then;
    if (j->focus->cfg.admission == NULL) {
        then(j, "unchecked");
    } else if (lk_admission_ask(j->focus->cfg.admission, &q, on_admitted, j) != OK) {
        lk_job_refuse(j, LK_FAULT, err_text());
    }
}

/* --- the token --- */

static enum lk_right right(bool yes) {
    return yes ? LK_YES : LK_NO;
}

/* The claims of matrix-calls 4.4, no more and no less. */
static enum err sign(const struct lk_job *j, const char *alias, const char *identity, char **ret) {
    const struct lk_focus_config *cfg = &j->focus->cfg;
    int64_t now_s = clock_wall_ms() / SEC_MS;
    CLEANUP(lk_grant_destroyp) struct lk_grant *g = NULL;
    TRY(lk_grant_create(&g));
    g->identity = identity;
    g->not_before_s = now_s;
    g->expires_s = now_s + cfg->token_lifetime_us / US_PER_S;
    g->has_video = true;
    g->video = (struct lk_video){
        .room = alias,
        .room_join = LK_YES,
        .room_create = LK_NO,
        .can_subscribe = LK_YES,
        .can_publish = right(j->can_publish),
        .can_update_own_metadata = right(cfg->own_metadata),
        .hidden = LK_NO,
    };
    return lk_grant_to_jwt(g, cfg->keys, ret);
}

/* {"url", "jwt"}; the request goes with it. */
static void reply_token(struct http_request *r, const char *url, const char *jwt) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    buf_putc(&b, '{');
    buf_json_field(&b, "url", url);
    buf_json_field(&b, "jwt", jwt);
    buf_putc(&b, '}');
    if (b.bad) {
        reply_refusal(r, LK_FAULT);
    } else {
        http_reply_json(r, 200, buf_str(&b));
    }
}

/* --- what comes before the token --- */

static enum err find_names(struct lk_job *j) {
    char alias[LK_HASH_SIZE];
    struct arena *a = http_request_arena(j->request);
    TRY(lk_ask_alias(&j->ask, alias));
    TRY(lk_ask_identity(&j->ask, j->user_id, a, &j->identity));
    j->alias = arena_strdup(a, alias);
    return j->alias == NULL ? err_set(ERR_NOMEM, "no memory for a room of the SFU") : OK;
}

/* True: goes on. */
static bool begin_admitted(struct lk_job *j, const char *membership) {
    j->membership = membership; /* a word, for good */
    enum err e = find_names(j);
    if (e != OK) {
        lk_job_refuse(j, e == ERR_TOO_LARGE ? LK_TOO_LONG : LK_FAULT, err_text());
    }
    return e == OK;
}

/* The last step. */
static void give(struct lk_job *j) {
    CLEANUP(mem_freep) char *jwt = NULL;
    struct http_request *r = j->request;
    if (sign(j, j->alias, j->identity, &jwt) != OK) {
        lk_job_refuse(j, LK_FAULT, err_text());
        return;
    }
    const char *url = j->jwt_only ? NULL : j->url;
    metric_add(&issued[j->ask.dialect], 1);
    note_issued(j);
    if (j->focus->cfg.delegate != NULL) {
        lk_delegate_minted(j->focus->cfg.delegate, j->alias, j->identity);
    }
    LOG_INFO(&log_root, "token_issued", "dialect=%s room=%s user=%s identity=%s access=%s",
        lk_dialect_name(j->ask.dialect), LOG_Q(j->ask.room_id), LOG_Q(j->user_id),
        LOG_Q(j->identity), j->full_access ? "full" : "restricted");
    job_end(j);
    reply_token(r, url, jwt);
}

static void take_leave(struct lk_job *j, const char *other_identity, lk_delegate_done *done) {
    const struct lk_delegate_ask ask = {
        .what = { .alias = j->alias,
            .identity = j->identity,
            .user_id = j->user_id,
            .room_id = j->ask.room_id,
            .delay_id = j->ask.delay_id,
            .delay_ms = j->ask.delay_timeout_ms },
        .other_identity = other_identity,
    };
    enum err e = lk_delegate_take(j->focus->cfg.delegate, &ask, done, j);
    if (e != OK) {
        lk_job_refuse(j, e == ERR_LIMIT ? LK_TOO_MANY : LK_FAULT, err_text());
    }
}

/* A client that is told so keeps its leave, and asks again for the token alone. */
static void on_leave_taken(void *arg, enum lk_refusal why) {
    struct lk_job *j = arg;
    if (why == LK_FINE) {
        give(j);
    } else {
        lk_job_refuse(j, why == LK_DELEGATION_NOT_KEPT ? LK_DELEGATION_OFF : why, NULL);
    }
}

static void on_noted(void *arg) {
    struct lk_job *j = arg;
    if (j->ask.delay_id[0] != '\0') {
        take_leave(j, NULL, on_leave_taken);
    } else {
        give(j);
    }
}

/* So that whoever comes to the SFU can be told, and removed. */
static void note_identity(struct lk_job *j) {
    const struct store_identity row = {
        .alias = j->alias,
        .identity = j->identity,
        .room_id = j->ask.room_id,
        .slot_id = j->ask.slot_id,
        .user_id = j->user_id,
        .device_id = j->ask.device_id,
        .member_id = j->ask.member_id,
        .dialect = lk_dialect_name(j->ask.dialect),
        .minted_at = clock_wall_ms(),
    };
    if (j->focus->cfg.participants == NULL ||
        lk_participants_note(j->focus->cfg.participants, &row, on_noted, j) != OK) {
        on_noted(j);
    }
}

void lk_job_issue(struct lk_job *j, const char *membership) {
    if (begin_admitted(j, membership)) {
        lk_job_find_room(j, note_identity);
    }
}

/* --- a delayed leave alone --- */

static void on_delegated(void *arg, enum lk_refusal why) {
    struct lk_job *j = arg;
    struct http_request *r = j->request;
    if (why != LK_FINE) {
        lk_job_refuse(j, why, NULL);
        return;
    }
    LOG_INFO(&log_root, "leave_delegated", "dialect=%s room=%s user=%s",
        lk_dialect_name(j->ask.dialect), LOG_Q(j->ask.room_id), LOG_Q(j->user_id));
    job_end(j);
    http_reply_json(r, 200, "{}");
}

void lk_job_delegate(struct lk_job *j, const char *membership) {
    const char *other = NULL;
    if (!begin_admitted(j, membership)) {
        return;
    }
    if (lk_ask_old_identity(&j->ask, j->user_id, http_request_arena(j->request), &other) != OK) {
        lk_job_refuse(j, LK_FAULT, err_text());
    } else {
        take_leave(j, other, on_delegated);
    }
}

void lk_job_relay(struct lk_job *j, const char *jwt) {
    struct http_request *r = j->request;
    metric_add(&issued[j->ask.dialect], 1);
    note_issued(j);
    LOG_INFO(&log_root, "token_relayed", "room=%s user=%s from=%s", LOG_Q(j->ask.room_id),
        LOG_Q(j->user_id), LOG_Q(j->ask.target_server));
    job_end(j);
    reply_token(r, NULL, jwt);
}
