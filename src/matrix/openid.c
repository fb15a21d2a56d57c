/*
 * Who holds an OpenID token? Questions wait for a check; the same token has one check at a time.
 *
 *     verify -> kept? known to be down? ---------------------------------------------.
 *            -> check -> place in line -> home of the settings: ask there -----------|
 *                                      -> discovery -> ask the targets in turn ------'-> settle
 *     settle -> (timer 0) -> deliver: keep what was learnt, answer all questions
 *
 * A check has one timer: its time limit, then the turn of the loop that brings the answer, so that
 * nobody is called back from inside of a question.
 */
#include "matrix/openid.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/map.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "matrix/openid_ask.h"
#include "matrix/openid_homes.h"
#include "matrix/openid_kept.h"
#include "matrix/openid_servers.h"
#include "matrix/outside.h"
#include "matrix/path.h"
#include "matrix/server_name.h"
#include "matrix/userinfo.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define TIMEOUT_US      (10 * SEC_US)
#define STEP_TIMEOUT_US (5 * SEC_US)
#define TOKEN_MAX       4096 /* bytes; Synapse's have 24 */
#define QUESTIONS_MAX   8192 /* not yet answered */
#define STRANGERS_MAX                                                                              \
    512 /* checks of servers that the settings do not name: they must not keep                     \
           our own users out */

static const char *const names[MX_OPENID_OUTCOMES] = {
    [MX_OPENID_VALID] = "valid",
    [MX_OPENID_REFUSED] = "refused",
    [MX_OPENID_FOREIGN] = "foreign",
    [MX_OPENID_BAD_NAME] = "bad_name",
    [MX_OPENID_INNER_ADDRESS] = "inner_address",
    [MX_OPENID_UNREACHABLE] = "unreachable",
    [MX_OPENID_NONSENSE] = "nonsense",
    [MX_OPENID_TIMEOUT] = "timeout",
    [MX_OPENID_BUSY] = "busy",
    [MX_OPENID_FAILED] = "failed",
};

#define ANSWERS(outcome)                                                                           \
    METRIC_INIT(METRIC_KIND_COUNTER, "parley_openid_answers_total", "outcome=\"" outcome "\"",     \
        "Checks of OpenID tokens by how they ended, answers from memory included.")
static struct metric answers[MX_OPENID_OUTCOMES] = {
    [MX_OPENID_VALID] = ANSWERS("valid"),
    [MX_OPENID_REFUSED] = ANSWERS("refused"),
    [MX_OPENID_FOREIGN] = ANSWERS("foreign"),
    [MX_OPENID_BAD_NAME] = ANSWERS("bad_name"),
    [MX_OPENID_INNER_ADDRESS] = ANSWERS("inner_address"),
    [MX_OPENID_UNREACHABLE] = ANSWERS("unreachable"),
    [MX_OPENID_NONSENSE] = ANSWERS("nonsense"),
    [MX_OPENID_TIMEOUT] = ANSWERS("timeout"),
    [MX_OPENID_BUSY] = ANSWERS("busy"),
    [MX_OPENID_FAILED] = ANSWERS("failed"),
};
METRIC_COUNTER(hits, "parley_openid_hits_total", "OpenID tokens that were known when asked about.");
METRIC_HISTOGRAM(check_seconds, "parley_openid_check_seconds",
    "Time to a homeserver's answer about an OpenID token, with finding it.");

struct question {
    struct question *prev, *next;
    mx_openid_done *done;
    void *arg;
};

struct check {
    struct mx_openid_line line; /* the first member: a line is its check */
    UT_hash_handle hh;          /* by key, while others may join */
    struct check *prev, *next;
    struct mx_openid *openid;
    struct mx_openid_key key;
    struct mx_server_name server;
    char *path; /* holds the token; NULL: nothing will be asked */
    int64_t claimed_ms;
    int64_t begun_us;
    const char *home; /* NULL = a stranger */
    bool counted;     /* among the strangers */
    struct mx_openid_ask ask;
    bool no_answer;
    bool settled;
    struct mx_userinfo result;
    struct question *questions;
    uv_timer_t timer;
};

struct mx_openid {
    uv_loop_t *loop;
    struct mx_openid_ways ways;
    struct mx_openid_homes *homes;
    struct mx_openid_kept *kept;
    struct mx_openid_servers *servers;
    struct check *by_key;
    struct check *checks;
    size_t n_questions;
    size_t n_strangers;
    bool ending;
};

const char *mx_openid_outcome_name(enum mx_openid_outcome outcome) {
    return names[outcome];
}

/* --- the end of a check --- */

static void on_timer_closed(uv_handle_t *h) {
    mem_free(h->data);
}

static void question_drop(struct check *c, struct question *q) {
    DL_DELETE(c->questions, q);
    c->openid->n_questions--;
    mem_free(q);
}

/* Takes it off all lists but keeps its questions. */
static void check_detach(struct check *c) {
    struct mx_openid *o = c->openid;
    if (c->hh.tbl != NULL) {
        HASH_DEL(o->by_key, c);
        c->hh.tbl = NULL;
    }
    mx_openid_ask_cancel(&c->ask);
    o->n_strangers -= c->counted ? 1 : 0;
    mem_free_secret(STEAL(c->path)); /* not before the asking has ended */
    DL_DELETE(o->checks, c);
    if (c->line.server != NULL) {
        mx_openid_servers_leave(o->servers, &c->line);
    }
}

static void check_destroy(struct check *c) {
    while (c->questions != NULL) {
        question_drop(c, c->questions);
    }
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}

/* What the next question need not ask again. */
static void learn(struct check *c) {
    struct mx_openid *o = c->openid;
    int64_t now_us = clock_mono_us();
    enum mx_openid_outcome outcome = c->result.outcome;
    if (outcome == MX_OPENID_VALID || outcome == MX_OPENID_REFUSED) {
        mx_openid_kept_add(o->kept, &c->key, c->result.user_id,
            mx_openid_kept_until(c->result.user_id, now_us, c->claimed_ms));
    } else if (c->no_answer && c->home == NULL) {
        mx_openid_servers_set_down(
            o->servers, c->server.text, outcome, now_us + MX_OPENID_DOWN_MS * 1000);
    }
    metric_observe_us(&check_seconds, now_us - c->begun_us);
}

static void deliver(struct check *c) {
    bool valid = c->result.outcome == MX_OPENID_VALID;
    const struct mx_openid_answer a = { .outcome = c->result.outcome,
        .user_id = c->result.user_id,
        .server_name = valid ? c->server.text : "",
        .text = c->result.text };
    if (c->path != NULL) {
        learn(c);
    }
    check_detach(c);
    LOG_DEBUG(&log_root, "openid_checked", "server=%s outcome=%s user=%s ms=%lld text=%s",
        LOG_Q(c->server.text), names[a.outcome], LOG_Q(a.user_id),
        (long long)((clock_mono_us() - c->begun_us) / 1000), LOG_Q(a.text));
    while (c->questions != NULL) {
        mx_openid_done *done = c->questions->done;
        void *arg = c->questions->arg;
        metric_add(&answers[a.outcome], 1);
        question_drop(c, c->questions);
        done(arg, &a);
    }
    check_destroy(c);
}

static void on_timer(uv_timer_t *timer) {
    struct check *c = timer->data;
    if (!c->settled) {
        /* One who only waited in line says nothing about the server. */
        c->no_answer = c->line.placed;
        c->result.outcome = c->ask.stopped ? MX_OPENID_INNER_ADDRESS : MX_OPENID_TIMEOUT;
        snprintf(
            c->result.text, sizeof(c->result.text), "%s did not answer in time", c->server.text);
    }
    deliver(c);
}

/* The answer leaves with the next turn of the loop. */
static void settle(struct check *c, enum mx_openid_outcome outcome, const char *text) {
    c->settled = true;
    c->result.outcome = outcome;
    snprintf(c->result.text, sizeof(c->result.text), "%s", text);
    uv_timer_start(&c->timer, on_timer, 0, 0);
}

/* --- asking --- */

static void on_asked(void *arg, const struct mx_userinfo *result, bool no_answer) {
    struct check *c = arg;
    c->result = *result;
    c->no_answer = no_answer;
    c->settled = true;
    uv_timer_start(&c->timer, on_timer, 0, 0);
}

/* It has its place in the line now. */
static void go(struct check *c) {
    mx_openid_ask_begin(&c->ask, &c->openid->ways, &c->server, c->home, c->path, on_asked, c);
}

static void on_placed(struct mx_openid_line *l) {
    struct check *c = (struct check *)l;
    if (!c->openid->ending) {
        go(c);
    }
}

/* --- questions --- */

static bool token_sound(const char *token) {
    size_t n = strlen(token);
    for (size_t i = 0; i < n; i++) {
        if (token[i] <= ' ' || token[i] >= 0x7f) {
            return false;
        }
    }
    return n > 0 && n <= TOKEN_MAX;
}

/* The path with the token, and the key it is kept by. */
static enum err set_token(struct check *c, const char *token) {
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    buf_puts(&b, "/_matrix/federation/v1/openid/userinfo");
    mx_path_query(&b, "access_token", token);
    TRY(buf_check(&b));
    c->path = buf_take(&b);
    CLEANUP(mem_freep) char *both = mem_alloc(strlen(c->server.text) + strlen(token) + 2);
    if (both == NULL) {
        mem_free_secret(STEAL(c->path));
        return err_set(ERR_NOMEM, "no memory for a question about a token");
    }
    int n = sprintf(both, "%s\n%s", c->server.text, token);
    crypto_sha256(both, (size_t)n, c->key.bytes);
    explicit_bzero(both, (size_t)n);
    return OK;
}

/* Answers that need nobody else; true when there was one. */
static bool answer_from_memory(struct check *c) {
    struct mx_openid *o = c->openid;
    enum mx_openid_outcome outcome = MX_OPENID_UNREACHABLE;
    int64_t now_us = clock_mono_us();
    const char *owner = mx_openid_kept_find(o->kept, &c->key, now_us);
    if (owner != NULL) {
        metric_add(&hits, 1);
        snprintf(c->result.user_id, sizeof(c->result.user_id), "%s", owner);
        settle(c, owner[0] == '\0' ? MX_OPENID_REFUSED : MX_OPENID_VALID,
            owner[0] == '\0' ? "its server refused the token a moment ago" : "");
        return true;
    }
    if (c->home == NULL && mx_openid_servers_down(o->servers, c->server.text, now_us, &outcome)) {
        settle(c, outcome, "the server could not be asked a moment ago");
        return true;
    }
    if (c->home == NULL && o->n_strangers >= STRANGERS_MAX) {
        settle(c, MX_OPENID_BUSY, "too many other servers are being asked");
        return true;
    }
    return false;
}

/* Reads the token; what it lacks is an answer too. */
static enum err check_read(struct check *c, const struct mx_openid_token *t) {
    const char *name = t->matrix_server_name;
    if (mx_server_name_read(name, strlen(name), &c->server) != OK) {
        settle(c, MX_OPENID_BAD_NAME, err_text());
        return OK;
    }
    c->home = mx_openid_homes_find(c->openid->homes, &c->server);
    if (c->home == NULL && mx_outside_check_name(c->openid->ways.outside, &c->server) != OK) {
        settle(c, MX_OPENID_BAD_NAME, err_text());
        return OK;
    }
    if (!token_sound(t->access_token)) {
        settle(c, MX_OPENID_BAD_NAME, "the access token is empty, too long or not printable");
        return OK;
    }
    c->claimed_ms = t->expires_in_ms;
    return set_token(c, t->access_token);
}

/* Asks, unless somebody knows. */
static void check_start(struct check *c) {
    struct mx_openid *o = c->openid;
    if (answer_from_memory(c)) {
        mem_free_secret(STEAL(c->path));
        return;
    }
    c->counted = c->home == NULL;
    o->n_strangers += c->counted ? 1 : 0;
    HASH_ADD(
        hh, o->by_key, key, sizeof(c->key), c); /* without memory nobody can join, that is all */
    uv_timer_start(&c->timer, on_timer, (uint64_t)(o->ways.timeout_us / 1000), 0);
    enum err e = mx_openid_servers_enter(o->servers, c->server.text, c->home != NULL, &c->line);
    if (e != OK) {
        settle(c, e == ERR_LIMIT ? MX_OPENID_BUSY : MX_OPENID_FAILED, err_text());
    } else if (c->line.placed) {
        go(c);
    }
}

static enum err check_create(
    struct mx_openid *o, const struct mx_openid_token *t, struct check **ret) {
    struct check *c = mem_zalloc(sizeof(*c));
    if (c == NULL) {
        return err_set(ERR_NOMEM, "no memory for a question about a token");
    }
    c->openid = o;
    c->begun_us = clock_mono_us();
    uv_timer_init(o->loop, &c->timer);
    c->timer.data = c;
    enum err e = check_read(c, t);
    if (e != OK) {
        check_destroy(c);
        return e;
    }
    DL_APPEND(o->checks, c);
    *ret = c;
    return OK;
}

enum err mx_openid_verify(
    struct mx_openid *o, const struct mx_openid_token *token, mx_openid_done *done, void *arg) {
    if (o->n_questions >= QUESTIONS_MAX) {
        return err_set(ERR_LIMIT, "%d questions about tokens are open", QUESTIONS_MAX);
    }
    struct question *q = mem_zalloc(sizeof(*q));
    struct check *c = NULL;
    if (q == NULL) {
        return err_set(ERR_NOMEM, "no memory for a question about a token");
    }
    enum err e = check_create(o, token, &c);
    if (e != OK) {
        mem_free(q);
        return e;
    }
    struct check *same = NULL;
    if (c->path != NULL) {
        HASH_FIND(hh, o->by_key, &c->key, sizeof(c->key), same);
    }
    if (same != NULL) {
        check_detach(c);
        check_destroy(c);
        c = same;
    } else if (c->path != NULL) {
        check_start(c);
    }
    *q = (struct question){ .done = done, .arg = arg };
    DL_APPEND(c->questions, q);
    o->n_questions++;
    return OK;
}

void mx_openid_forget(struct mx_openid *o, const void *arg) {
    struct check *c = NULL;
    DL_FOREACH(o->checks, c) {
        struct question *q = NULL;
        struct question *next = NULL;
        DL_FOREACH_SAFE(c->questions, q, next) {
            if (q->arg == arg) {
                question_drop(c, q);
            }
        }
    }
}

/* --- life --- */

static enum err build(struct mx_openid *o, const struct mx_openid_config *cfg) {
    TRY(mx_openid_homes_create(
        cfg->own_name, cfg->own_url, cfg->overrides, cfg->n_overrides, &o->homes));
    TRY(mx_openid_kept_create(&o->kept));
    TRY(mx_openid_servers_create(on_placed, &o->servers));
    return mx_discovery_create(cfg->outside, cfg->step_timeout_us, &o->ways.discovery);
}

enum err mx_openid_create(
    uv_loop_t *loop, const struct mx_openid_config *cfg, struct mx_openid **ret) {
    struct mx_openid *o = mem_zalloc(sizeof(*o));
    if (o == NULL) {
        return err_set(ERR_NOMEM, "no memory for questions about tokens");
    }
    o->loop = loop;
    o->ways = (struct mx_openid_ways){ .outside = cfg->outside,
        .direct = cfg->direct,
        .timeout_us = cfg->timeout_us > 0 ? cfg->timeout_us : TIMEOUT_US,
        .step_timeout_us = cfg->step_timeout_us > 0 ? cfg->step_timeout_us : STEP_TIMEOUT_US };
    enum err e = build(o, cfg);
    if (e != OK) {
        mx_openid_destroy(o);
        return e;
    }
    for (size_t i = 0; i < MX_OPENID_OUTCOMES; i++) {
        metrics_register(&answers[i]);
    }
    metrics_register(&hits);
    metrics_register(&check_seconds);
    *ret = o;
    return OK;
}

void mx_openid_destroy(struct mx_openid *o) {
    if (o == NULL) {
        return;
    }
    o->ending = true;
    while (o->checks != NULL) {
        struct check *c = o->checks;
        check_detach(c);
        check_destroy(c);
    }
    mx_discovery_destroy(o->ways.discovery);
    mx_openid_servers_destroy(o->servers);
    mx_openid_kept_destroy(o->kept);
    mx_openid_homes_destroy(o->homes);
    mem_free(o);
}
