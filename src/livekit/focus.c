/* The dialects that everybody may speak, and the life of the service. */
#include "livekit/focus.h"

#include "core/log.h"
#include "core/mem.h"
#include "http/limit.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/router.h"
#include "livekit/job.h"

#include <string.h>
#include <strings.h>

#define BODY_MAX (64 * KIB) /* the service that we replace takes 1 MiB; real ones have 1 KiB */

/* --- who asks --- */

static bool has_full_access(const struct lk_focus_config *cfg, const char *server) {
    if (cfg->n_full_access == 0) {
        return cfg->server_name[0] != '\0' && strcasecmp(cfg->server_name, server) == 0;
    }
    if (cfg->n_full_access == 1 && strcmp(cfg->full_access[0], "*") == 0) {
        return true;
    }
    for (size_t i = 0; i < cfg->n_full_access; i++) {
        if (strcasecmp(cfg->full_access[i], server) == 0) {
            return true;
        }
    }
    return false;
}

/* A delayed leave handed over with the request. Without it a client keeps the leave to itself, when
 * it is told so: Element Call asks again without on this very errcode. */
static enum lk_refusal check_delegation(const struct lk_job *j) {
    if (j->ask.delay_id[0] == '\0') {
        return LK_FINE;
    }
    if (!j->full_access) {
        return j->ask.dialect == LK_DELEGATE ? LK_DELEGATION_FORBIDDEN : LK_DELEGATION_RESTRICTED;
    }
    return j->focus->cfg.delegate == NULL ? LK_DELEGATION_OFF : LK_FINE;
}

static enum lk_refusal refusal_of(enum mx_openid_outcome outcome) {
    static const enum lk_refusal rows[MX_OPENID_OUTCOMES] = {
        [MX_OPENID_REFUSED] = LK_OPENID_REFUSED,
        [MX_OPENID_FOREIGN] = LK_OPENID_FOREIGN,
        [MX_OPENID_BAD_NAME] = LK_OPENID_BAD_NAME,
        [MX_OPENID_INNER_ADDRESS] = LK_OPENID_INNER_ADDRESS,
        [MX_OPENID_UNREACHABLE] = LK_OPENID_UNREACHABLE,
        [MX_OPENID_NONSENSE] = LK_OPENID_NONSENSE,
        [MX_OPENID_TIMEOUT] = LK_OPENID_TIMEOUT,
        [MX_OPENID_BUSY] = LK_OPENID_BUSY,
        [MX_OPENID_FAILED] = LK_FAULT,
    };
    return rows[outcome];
}

static void on_verified(void *arg, const struct mx_openid_answer *a) {
    struct lk_job *j = arg;
    if (a->outcome != MX_OPENID_VALID) {
        lk_job_refuse(j, refusal_of(a->outcome), a->text);
        return;
    }
    bool full = has_full_access(&j->focus->cfg, a->server_name);
    if (!lk_job_know_user(j, a->user_id, full)) {
        return;
    }
    if (j->ask.user_id[0] != '\0' && strcmp(j->ask.user_id, j->user_id) != 0) {
        lk_job_refuse(j, LK_OTHER_USER, j->ask.user_id);
        return;
    }
    enum lk_refusal why = check_delegation(j);
    if (why != LK_FINE) {
        lk_job_refuse(j, why, NULL);
        return;
    }
    lk_job_admit(j, NULL, false, j->ask.dialect == LK_DELEGATE ? lk_job_delegate : lk_job_issue);
}

static void take(struct http_request *r, struct lk_focus *f, enum lk_dialect d) {
    enum { MS_PER_S = 1000, LIFE_MAX_S = 86400 };
    struct lk_job *j = lk_job_begin(f, r, d);
    if (j == NULL) {
        return;
    }
    int64_t life_s = j->ask.expires_in_s;
    const struct mx_openid_token token = {
        .access_token = j->ask.access_token,
        .matrix_server_name = j->ask.openid_server,
        .expires_in_ms = life_s <= 0 || life_s > LIFE_MAX_S ? 0 : life_s * MS_PER_S,
    };
    enum err e = f->cfg.verify(f->cfg.openid, &token, on_verified, j);
    if (e != OK) {
        lk_job_refuse(j, e == ERR_LIMIT ? LK_OPENID_BUSY : LK_FAULT, err_text());
    }
}

/* --- routes --- */

static void take_old(struct http_request *r, void *arg) {
    take(r, arg, LK_OLD);
}

static void take_hashed(struct http_request *r, void *arg) {
    take(r, arg, LK_HASHED);
}

static void take_delegate(struct http_request *r, void *arg) {
    take(r, arg, LK_DELEGATE);
}

/* A browser's question before its request: 200, as the service that we replace answers. */
static void take_preflight(struct http_request *r, void *arg) {
    (void)arg;
    http_reply_bytes(r, 200, "application/json", "", 0);
}

static const struct http_route routes[] = {
    { "POST", "/sfu/get", take_old, BODY_MAX },
    { "OPTIONS", "/sfu/get", take_preflight, 0 },
    { "POST", "/get_token", take_hashed, BODY_MAX },
    { "OPTIONS", "/get_token", take_preflight, 0 },
    { "POST", "/delegate_delayed_leave", take_delegate, BODY_MAX },
    { "OPTIONS", "/delegate_delayed_leave", take_preflight, 0 },
};

enum err lk_focus_add(struct lk_focus *f, struct http_router *public) {
    return http_router_add(public, routes, COUNT_OF(routes), NULL, f);
}

/* --- life --- */

static void lk_focus_destroyp(struct lk_focus **f) {
    lk_focus_destroy(*f);
}

enum err lk_focus_create(const struct lk_focus_config *cfg, struct lk_focus **ret) {
    CLEANUP(lk_focus_destroyp) struct lk_focus *f = mem_zalloc(sizeof(*f));
    if (f == NULL) {
        return err_set(ERR_NOMEM, "no memory for the token service");
    }
    f->cfg = *cfg;
    TRY(http_limit_create(cfg->address_rate, cfg->address_rate * LK_BURST_S, &f->addresses));
    TRY(http_limit_create(cfg->user_rate, cfg->user_rate * LK_BURST_S, &f->users));
    lk_job_register_metrics();
    *ret = STEAL(f);
    return OK;
}

void lk_focus_stop(struct lk_focus *f) {
    if (f == NULL) {
        return;
    }
    f->stopped = true;
    while (f->jobs != NULL) {
        lk_job_refuse(f->jobs, LK_STOPPING, NULL);
    }
}

void lk_focus_destroy(struct lk_focus *f) {
    if (f != NULL) {
        http_limit_destroy(f->addresses);
        http_limit_destroy(f->users);
        mem_free(f);
    }
}
