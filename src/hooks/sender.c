/* Claims rows, begins a job for each, writes down what became of it.  Thread: main. */
#include "hooks/sender.h"

#include "core/crypto.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "hooks/job.h"
#include "hooks/secret.h"
#include "hooks/tries.h"
#include "http/client.h"

#include <inttypes.h>
#include <string.h>

#define US_PER_MS     1000
#define RECEIVERS_MAX (HOOKS_URLS_MAX + 1)
_Static_assert(RECEIVERS_MAX <= STORE_CLAIMS_MAX, "all are claimed for at once");

METRIC_COUNTER(delivered, "parley_webhooks_delivered_total", "Webhooks that a receiver took.");
METRIC_COUNTER(failed, "parley_webhooks_failed_total",
    "Attempts to deliver a webhook or a notice that failed.");
METRIC_COUNTER(given_up, "parley_webhooks_given_up_total",
    "Webhooks and notices that this node gave up; parley webhooks list names them.");
METRIC_GAUGE(waiting, "parley_webhooks_waiting",
    "Webhooks and notices that are not delivered yet, in the whole database; counted up to 10000.");
METRIC_GAUGE(dead, "parley_webhooks_dead",
    "Webhooks and notices that were given up, in the whole database; counted up to 10000.");
METRIC_GAUGE(oldest, "parley_webhooks_oldest_timestamp_seconds",
    "Since when the oldest of those waiting waits, Unix time; 0 = there is none.");
METRIC_COUNTER(notices, "parley_missed_notices_total", "Notices of missed calls that were sent.");

struct hooks {
    uv_loop_t *loop;
    uv_timer_t timer;
    struct arena arena; /* urls and hosts */
    struct store *store;
    struct hooks_means means;
    struct hooks_receiver receivers[RECEIVERS_MAX];
    size_t n_receivers;
    int64_t give_up_ms;
    struct hooks_job *jobs; /* being told, or written down */
    int refs;               /* the owner, the timer, jobs, a question */
    int64_t next_ms;        /* when a failed one of ours is due; 0 = none */
    int64_t counted_ms;     /* when we last asked how many there are */
    bool asking;
    bool again; /* asked to look while looking */
    bool destroyed;
};

const struct hooks_means *hooks_job_means(const struct hooks_job *j) {
    return &j->hooks->means;
}

static void unref(struct hooks *h) {
    if (--h->refs == 0) {
        hooks_secret_destroy(h->means.secret);
        arena_finish(&h->arena);
        mem_free(h);
    }
}

/* --- looking --- */

static void on_timer(uv_timer_t *t);

static void arm(struct hooks *h, int64_t in_ms) {
    if (!h->destroyed) {
        uv_timer_start(&h->timer, on_timer, (uint64_t)in_ms, 0);
    }
}

/* Until then another look finds nothing that this one did not. */
static void arm_next(struct hooks *h) {
    int64_t in_ms = HOOKS_LOOK_MS;
    if (h->next_ms != 0) {
        int64_t left = h->next_ms - clock_wall_ms();
        in_ms = left < 0 ? 0 : left < in_ms ? left : in_ms;
    }
    arm(h, h->again ? 0 : in_ms);
    h->again = false;
}

void hooks_wake(struct hooks *h) {
    if (h != NULL && h->asking) {
        h->again = true;
    } else if (h != NULL) {
        arm(h, 0);
    }
}

/* --- a job's life --- */

static void free_job(struct hooks_job *j) {
    struct hooks *h = j->hooks;
    *(j->prev == NULL ? &h->jobs : &j->prev->next) = j->next;
    if (j->next != NULL) {
        j->next->prev = j->prev;
    }
    j->receiver->under_way--;
    arena_finish(&j->arena);
    mem_free(j);
    unref(h);
}

void hooks_job_drop(struct hooks_job *j) {
    free_job(j);
}

static void written(void *arg, enum err e) {
    struct hooks_job *j = arg;
    struct hooks *h = j->hooks;
    if (e != OK) {
        LOG_WARN(&log_root, "webhook_not_noted", "id=%s next=%s reason=%s", j->news.id,
            LOG_Q("it may be sent again"), LOG_Q(err_text()));
    }
    h->refs++;
    free_job(j);
    if (!h->destroyed) {
        hooks_wake(h); /* there may be more of the same call */
    }
    unref(h);
}

static void end(struct hooks_job *j, const struct store_news_outcome *o) {
    j->writing = true;
    enum err e = store_news_end(j->hooks->store, o, written, j);
    if (e != OK) {
        written(j, e);
    }
}

void hooks_job_told(struct hooks_job *j) {
    metric_add(&delivered, 1);
    LOG_DEBUG(&log_root, "webhook_delivered", "id=%s type=%s session=%s to=%s attempts=%d",
        j->news.id, j->news.type, j->news.session_id, LOG_Q(j->receiver->host), j->news.attempts);
    end(j, &(struct store_news_outcome){ .seq = j->news.seq, .fate = STORE_NEWS_TOLD_IT });
}

void hooks_job_over(struct hooks_job *j, const char *why) {
    metric_add(&notices, why == NULL ? 1 : 0);
    LOG_DEBUG(&log_root, "missed_notice_over", "session=%s room=%s sent=%s reason=%s",
        j->news.session_id, LOG_Q(j->news.room_id), why == NULL ? "true" : "false",
        LOG_Q(why == NULL ? "" : why));
    end(j, &(struct store_news_outcome){
               .seq = j->news.seq, .fate = STORE_NEWS_OVER, .problem = why });
}

static int64_t give_up_ms(const struct hooks_job *j) {
    return j->receiver->url == NULL ? HOOKS_NOTICE_GIVE_UP_MS : j->hooks->give_up_ms;
}

static void bury(struct hooks_job *j, const char *why) {
    metric_add(&given_up, 1);
    LOG_ERROR(&log_root, "webhook_given_up", "id=%s type=%s session=%s to=%s attempts=%d reason=%s",
        j->news.id, j->news.type, j->news.session_id, LOG_Q(j->receiver->host), j->news.attempts,
        LOG_Q(why));
    end(j, &(struct store_news_outcome){ .seq = j->news.seq,
               .fate = STORE_NEWS_DEAD,
               .attempts = j->news.attempts,
               .due_at = clock_wall_ms(),
               .problem = why });
}

void hooks_job_failed(struct hooks_job *j, const char *why, int64_t retry_after_ms) {
    struct hooks *h = j->hooks;
    uint32_t random;
    crypto_random(&random, sizeof(random));
    int64_t now_ms = clock_wall_ms();
    int64_t due_ms = now_ms + hooks_try_after(j->news.attempts, random, retry_after_ms);
    metric_add(&failed, 1);
    if (due_ms > j->news.at + give_up_ms(j)) {
        bury(j, why);
        return;
    }
    LOG_WARN(&log_root, "webhook_failed",
        "id=%s type=%s to=%s attempts=%d next_ms=%" PRId64 " reason=%s", j->news.id, j->news.type,
        LOG_Q(j->receiver->host), j->news.attempts, due_ms - now_ms, LOG_Q(why));
    h->next_ms = h->next_ms == 0 || due_ms < h->next_ms ? due_ms : h->next_ms;
    end(j, &(struct store_news_outcome){ .seq = j->news.seq,
               .fate = STORE_NEWS_RETRY,
               .attempts = j->news.attempts,
               .due_at = due_ms,
               .problem = why });
}

static struct hooks_receiver *receiver_of(struct hooks *h, const char *name) {
    for (size_t i = 0; i < h->n_receivers; i++) {
        if (strcmp(h->receivers[i].name, name) == 0) {
            return &h->receivers[i];
        }
    }
    return NULL;
}

/* NULL on no memory: then it comes due again. */
static struct hooks_job *create_job(struct hooks *h, const struct store_claimed_news *row) {
    struct hooks_receiver *r = receiver_of(h, row->receiver);
    struct hooks_job *j = r == NULL ? NULL : mem_zalloc(sizeof(*j));
    if (j == NULL) {
        return NULL;
    }
    arena_init(&j->arena);
    j->news = *row;
    j->news.receiver = r->name;
    j->news.room_id = arena_strdup(&j->arena, row->room_id);
    j->news.type = arena_strdup(&j->arena, row->type);
    j->news.body = arena_strdup(&j->arena, row->body);
    if (j->arena.failed) {
        arena_finish(&j->arena);
        mem_free(j);
        return NULL;
    }
    j->hooks = h;
    j->receiver = r;
    j->next = h->jobs;
    if (j->next != NULL) {
        j->next->prev = j;
    }
    h->jobs = j;
    r->under_way++;
    h->refs++;
    return j;
}

static void begin(struct hooks *h, const struct store_claimed_news *row) {
    struct hooks_job *j = create_job(h, row);
    if (j == NULL) {
        return;
    }
    if (j->receiver->url != NULL) {
        hooks_webhook_begin(j);
    } else if (clock_wall_ms() - j->news.at > HOOKS_NOTICE_GIVE_UP_MS) {
        bury(j, "it was too late for it");
    } else {
        hooks_notice_begin(j);
    }
}

static void tell_count(const struct store_news_count *count) {
    if (count != NULL) {
        metric_set(&waiting, count->waiting);
        metric_set(&dead, count->dead);
        metric_set(&oldest, count->oldest_at / SEC_MS);
    }
}

static void claimed(void *arg, enum err e, const struct store_claimed_news *rows, size_t n,
    const struct store_news_count *count) {
    struct hooks *h = arg;
    h->asking = false;
    if (e == OK && !h->destroyed) {
        tell_count(count);
        for (size_t i = 0; i < n; i++) {
            begin(h, &rows[i]);
        }
    }
    arm_next(h);
    unref(h);
}

static int64_t lease_ms(const struct hooks *h) {
    int64_t posting = h->means.timeout_us / US_PER_MS;
    bool rooms = h->receivers[h->n_receivers - 1].url == NULL;
    return HOOKS_MARGIN_MS +
           (rooms && posting < HOOKS_NOTICE_TAKES_MS ? HOOKS_NOTICE_TAKES_MS : posting);
}

static void look(struct hooks *h) {
    struct store_claim claims[RECEIVERS_MAX];
    int64_t now_ms = clock_wall_ms();
    int64_t wanted = 0;
    for (size_t i = 0; i < h->n_receivers; i++) {
        const struct hooks_receiver *r = &h->receivers[i];
        claims[i] = (struct store_claim){ r->name, HOOKS_AT_ONCE - r->under_way };
        wanted += claims[i].most;
    }
    const struct store_claiming c = { .claims = claims,
        .n = h->n_receivers,
        .now_ms = now_ms,
        .until_ms = now_ms + lease_ms(h),
        .count = now_ms - h->counted_ms >= HOOKS_COUNT_MS || now_ms < h->counted_ms,
        .abandon_ms = now_ms - h->give_up_ms };
    if (wanted == 0 && !c.count) { /* whoever ends wakes us */
        arm(h, HOOKS_LOOK_MS);
        return;
    }
    if (h->next_ms <= now_ms) {
        h->next_ms = 0; /* others of ours are found at the latest by the next look */
    }
    if (c.count) {
        h->counted_ms = now_ms;
    }
    h->asking = true;
    h->refs++;
    if (store_news_claim(h->store, &c, claimed, h) != OK) {
        h->asking = false;
        arm_next(h);
        unref(h);
    }
}

static void on_timer(uv_timer_t *t) {
    struct hooks *h = t->data;
    if (!h->asking) {
        look(h);
    }
}

/* --- life --- */

static enum err add_url(struct hooks *h, const char *url) {
    struct hooks_receiver *r = &h->receivers[h->n_receivers++];
    store_news_receiver(url, r->name);
    r->url = arena_strdup(&h->arena, url);
    r->host = arena_strndup(&h->arena, url, hooks_url_shown(url));
    return h->arena.failed ? err_set(ERR_NOMEM, "out of memory") : OK;
}

static enum err fill(struct hooks *h, const struct hooks_config *cfg) {
    const struct http_client_guard guard = { .ca_file = cfg->ca_file };
    if (cfg->n_urls > HOOKS_URLS_MAX) {
        return err_set(ERR_LIMIT, "at most %d webhooks", HOOKS_URLS_MAX);
    }
    for (size_t i = 0; i < cfg->n_urls; i++) {
        TRY(add_url(h, cfg->urls[i]));
    }
    if (cfg->n_urls > 0) {
        TRY(hooks_secret_load(cfg->secret_file, &h->means.secret));
        /* Every address is allowed, but no proxy of the environment: urls are the admin's. */
        TRY(http_client_create_guarded(h->loop, &guard, &h->means.http));
    }
    if (cfg->notices) {
        struct hooks_receiver *r = &h->receivers[h->n_receivers++];
        memcpy(r->name, STORE_NEWS_ROOM, sizeof(STORE_NEWS_ROOM));
        r->host = "room";
    }
    return h->n_receivers > 0 ? OK : err_set(ERR_INVALID, "nobody is to be told anything");
}

void hooks_register_metrics(void) {
    struct metric *all[] = { &delivered, &failed, &given_up, &waiting, &dead, &oldest, &notices };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        metrics_register(all[i]);
    }
}

enum err hooks_create(uv_loop_t *loop, const struct hooks_config *cfg, struct hooks **ret) {
    struct hooks *h = mem_zalloc(sizeof(*h));
    if (h == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    h->loop = loop;
    h->store = cfg->store;
    h->give_up_ms = cfg->give_up_ms;
    h->means = (struct hooks_means){ .client = cfg->client, .timeout_us = cfg->timeout_us };
    h->refs = 2;
    arena_init(&h->arena);
    uv_timer_init(loop, &h->timer);
    h->timer.data = h;
    enum err e = fill(h, cfg);
    if (e != OK) {
        hooks_destroy(h);
        return e;
    }
    *ret = h;
    return OK;
}

void hooks_start(struct hooks *h) {
    if (h != NULL) {
        arm(h, 0);
    }
}

enum err hooks_reload(struct hooks *h, const char *secret_file) {
    if (h == NULL || h->means.secret == NULL) {
        return OK;
    }
    struct hooks_secret *next = NULL;
    TRY(hooks_secret_load(secret_file, &next));
    hooks_secret_destroy(h->means.secret);
    h->means.secret = next;
    return OK;
}

static void timer_closed(uv_handle_t *t) {
    unref(t->data);
}

void hooks_destroy(struct hooks *h) {
    if (h == NULL) {
        return;
    }
    h->destroyed = true;
    http_client_destroy(h->means.http); /* drops the jobs of webhooks */
    h->means.http = NULL;
    struct hooks_job *next = NULL;
    for (struct hooks_job *j = h->jobs; j != NULL; j = next) {
        next = j->next;
        if (j->receiver->url == NULL && !j->writing) {
            hooks_notice_forget(j);
            hooks_job_drop(j);
        }
    }
    uv_close((uv_handle_t *)&h->timer, timer_closed);
    unref(h);
}
