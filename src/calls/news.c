/* One comparison a call, and a row of the table for each type.  Thread: main; pure. */
#include "calls/news.h"

#include "calls/session.h"
#include "store/calls.h"

#include <string.h>

/* --- what happened --- */

static bool is(const char *have, const char *want) {
    return have != NULL && strcmp(have, want) == 0;
}

static bool unanswered(const char *status) {
    return is(status, "missed") || is(status, "cancelled");
}

static bool started(const struct call_session *s) {
    return s->before.status == NULL;
}

static bool answered(const struct call_session *s) {
    return s->row.answered_at != 0 && (!s->before.answered || started(s));
}

/* Whoever's call was replaced by another has not missed it. */
static bool missed(const struct call_session *s) {
    return unanswered(s->row.status) && !unanswered(s->before.status) &&
           s->row.superseded_by == NULL;
}

static bool declined(const struct call_session *s) {
    return is(s->row.status, "rejected") && !is(s->before.status, "rejected");
}

static bool ended(const struct call_session *s) {
    return call_session_final(s) && !s->before.final;
}

static int64_t first_set(int64_t a, int64_t b) {
    return a != 0 ? a : b;
}

static int64_t at_start(const struct call_session *s, int64_t now_ms) {
    return first_set(s->row.created_at, now_ms);
}

static int64_t at_answer(const struct call_session *s, int64_t now_ms) {
    (void)now_ms;
    return s->row.answered_at;
}

/* A MatrixRTC call whose ring was in vain may go on: its caller waits. */
static int64_t at_end(const struct call_session *s, int64_t now_ms) {
    return first_set(s->row.ended_at, now_ms);
}

static const struct {
    const char *setting;
    const char *name;
    bool (*happened)(const struct call_session *s);
    int64_t (*at)(const struct call_session *s, int64_t now_ms);
} types[CALL_NEWS_TYPES] = {
    [CALL_NEWS_STARTED] = { "started", "call.started", started, at_start },
    [CALL_NEWS_ANSWERED] = { "answered", "call.answered", answered, at_answer },
    [CALL_NEWS_MISSED] = { "missed", "call.missed", missed, at_end },
    [CALL_NEWS_DECLINED] = { "declined", "call.declined", declined, at_end },
    [CALL_NEWS_ENDED] = { "ended", "call.ended", ended, at_end },
};

unsigned call_news_bit(const char *setting) {
    for (unsigned t = 0; t < CALL_NEWS_TYPES; t++) {
        if (strcmp(types[t].setting, setting) == 0) {
            return 1U << t;
        }
    }
    return 0;
}

/* --- whom it concerns --- */

static bool is_local(const struct call_batch *b, const char *user_id) {
    const char *server = b->policy->server_name;
    const char *colon = strchr(user_id, ':');
    return colon != NULL && server != NULL && strcmp(colon + 1, server) == 0;
}

static bool all_local(
    const struct call_batch *b, const struct store_news_person *people, size_t n) {
    bool local = true;
    for (size_t i = 0; i < n && local; i++) {
        local = is_local(b, people[i].user_id);
    }
    return local;
}

static const char *direction_of(
    const struct call_batch *b, const struct call_session *s, const struct store_news *n) {
    if (s->row.caller_user == NULL) {
        return NULL;
    }
    if (!is_local(b, s->row.caller_user)) {
        return "inbound";
    }
    bool local = all_local(b, n->people, n->n_people) &&
                 (s->row.callee_user == NULL || is_local(b, s->row.callee_user));
    return local ? "local" : "outbound";
}

/* Of several stays of a user the earliest joining counts, and the latest leaving. */
static void merge(struct store_news_person *p, const struct store_participant *stay) {
    if (p->joined_at == 0 || (stay->joined_at != 0 && stay->joined_at < p->joined_at)) {
        p->joined_at = stay->joined_at;
    }
    if (p->left_at != 0 && (stay->left_at == 0 || stay->left_at > p->left_at)) {
        p->left_at = stay->left_at;
    }
}

static struct store_news_person *find(
    struct store_news_person *people, size_t n, const char *user_id) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(people[i].user_id, user_id) == 0) {
            return &people[i];
        }
    }
    return NULL;
}

/* Stays that were over before this batch, and were followed by another, are not loaded. */
static enum err list_people(
    const struct call_batch *b, const struct call_session *s, struct store_news *ret) {
    struct store_news_person *people = arena_array(b->arena, CALL_NEWS_PEOPLE_MAX, sizeof(*people));
    if (people == NULL) {
        return err_set(ERR_NOMEM, "no memory for news of a call");
    }
    for (const struct call_member *m = s->members; m != NULL; m = m->next) {
        struct store_news_person *p = find(people, ret->n_people, m->row.user_id);
        if (p != NULL) {
            merge(p, &m->row);
        } else if (ret->n_people < CALL_NEWS_PEOPLE_MAX) {
            people[ret->n_people++] = (struct store_news_person){ .user_id = m->row.user_id,
                .role = m->row.role,
                .joined_at = m->row.joined_at,
                .left_at = m->row.left_at };
        } else {
            ret->n_more++;
        }
    }
    ret->people = people;
    return OK;
}

/* --- the news of a batch --- */

static bool notice_wanted(
    const struct call_batch *b, const struct call_session *s, enum call_news_type t) {
    return t == CALL_NEWS_MISSED && b->policy->news.missed_notice && s->row.rings &&
           b->now_ms - first_set(s->row.ended_at, first_set(s->row.ringing_at, b->now_ms)) <=
               CALL_NOTICE_LATE_MS;
}

static bool is_told(const struct call_batch *b, const struct call_session *s, unsigned t) {
    bool hooks = b->policy->news.n_receivers > 0 && (b->policy->news.types & (1U << t)) != 0;
    return types[t].happened(s) && (hooks || notice_wanted(b, s, t));
}

static enum err add_of(
    struct call_batch *b, const struct call_session *s, struct store_news *news, size_t *n) {
    struct store_news common = { .call = &s->row };
    bool any = false;
    for (unsigned t = 0; t < CALL_NEWS_TYPES; t++) {
        any = any || is_told(b, s, t);
    }
    if (!any) {
        return OK;
    }
    TRY(list_people(b, s, &common));
    common.direction = direction_of(b, s, &common);
    for (unsigned t = 0; t < CALL_NEWS_TYPES; t++) {
        if (is_told(b, s, t)) {
            struct store_news *one = &news[(*n)++];
            *one = common;
            one->type = types[t].name;
            one->at = types[t].at(s, b->now_ms);
            one->hooks = (b->policy->news.types & (1U << t)) != 0;
            one->room = notice_wanted(b, s, t);
        }
    }
    return OK;
}

/* Stubs that nobody is shown are no news, nor is what was only replayed, unless we were away for
 * it.
 */
static bool is_news(const struct call_batch *b, const struct call_session *s) {
    return s->row.status != NULL &&
           (!s->row.historic || b->now_ms - s->row.created_at <= CALL_NEWS_HISTORY_MS);
}

enum err call_news_collect(struct call_batch *b, struct store_changes *ret) {
    const struct call_news_policy *policy = &b->policy->news;
    size_t sessions = 0;
    if (policy->n_receivers == 0 && !policy->missed_notice) {
        return OK;
    }
    for (const struct call_session *s = b->sessions; s != NULL; s = s->next) {
        sessions += is_news(b, s);
    }
    struct store_news *news = arena_array(b->arena, sessions * CALL_NEWS_TYPES, sizeof(*news));
    if (news == NULL) {
        return err_set(ERR_NOMEM, "no memory for news of calls");
    }
    for (const struct call_session *s = b->sessions; s != NULL; s = s->next) {
        if (is_news(b, s)) {
            TRY(add_of(b, s, news, &ret->n_news));
        }
    }
    ret->news = news;
    ret->receivers = policy->receivers;
    ret->n_receivers = policy->n_receivers;
    return OK;
}
