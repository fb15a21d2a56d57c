/* A lane for each receiver and room; its first piece of news is the one that is being told. Main.
 */
#include "livekit/notify.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/log.h"
#include "core/map.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "http/client.h"
#include "livekit/convert.h"
#include "livekit/grant.h"
#include "livekit/proto/room_service.pb-c.h"
#include "rooms/id.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define TOKEN_LIFETIME_S 300 /* livekit-protocol 7.2 */
#define ANSWER_MAX_BYTES MIB /* what it says does not matter */
#define KEY_SIZE         (ROOM_SID_SIZE + 4)

METRIC_COUNTER(told_total, "parley_room_webhooks_total", "Webhooks of rooms that were taken.");
METRIC_COUNTER(failed_total, "parley_room_webhooks_failed_total",
    "Tries to deliver a webhook of a room that failed.");
METRIC_COUNTER(dropped_total, "parley_room_webhooks_dropped_total",
    "Webhooks of rooms that were given up, or had no place in the queue.");

struct news {
    struct news *prev, *next;
    char *body;
};

struct lane {
    struct lk_notify *notify;
    char key[KEY_SIZE]; /* "2 RM_…": receiver and room */
    const char *url;
    struct news *queue;
    size_t n;
    int32_t dropped; /* since the last that was queued: no room, no memory */
    int tries;       /* of the first, that failed */
    int64_t due_ms;  /* when to try it again */
    struct http_client_call *call;
    UT_hash_handle hh;
};

struct lk_notify {
    struct lk_notify_config cfg;
    char *urls[LK_NOTIFY_URLS_MAX];
    struct lane *lanes;
    size_t n; /* waiting in all of them */
    uv_timer_t *timer;
};

static int64_t now_ms(const struct lk_notify *n) {
    return n->cfg.wall_ms != NULL ? n->cfg.wall_ms(n->cfg.arg) : clock_wall_ms();
}

/* --- lanes --- */

static void drop_first(struct lane *l) {
    struct news *news = l->queue;
    DL_DELETE(l->queue, news);
    l->n--;
    l->notify->n--;
    l->tries = 0;
    l->due_ms = 0;
    mem_free(news->body);
    mem_free(news);
}

static void lane_destroy(struct lane *l) {
    if (l->call != NULL) {
        http_client_cancel(l->call);
    }
    while (l->queue != NULL) {
        drop_first(l);
    }
    HASH_DEL(l->notify->lanes, l);
    mem_free(l);
}

static struct lane *lane_of(struct lk_notify *n, size_t receiver, const char *room) {
    char key[KEY_SIZE];
    struct lane *l = NULL;
    snprintf(key, sizeof(key), "%zu %s", receiver, room);
    HASH_FIND_STR(n->lanes, key, l);
    if (l != NULL || (l = mem_zalloc(sizeof(*l))) == NULL) {
        return l;
    }
    l->notify = n;
    l->url = n->urls[receiver];
    memcpy(l->key, key, sizeof(key));
    HASH_ADD_STR(n->lanes, key, l);
    if (l->hh.tbl == NULL) {
        mem_free(l);
        return NULL;
    }
    return l;
}

/* --- telling --- */

/* The token signs the body by its digest: base64 with its padding, as receivers compare texts. */
static enum err sign(const struct lk_keys *keys, int64_t now_s, const char *body, char **ret) {
    uint8_t digest[SHA256_SIZE];
    char text[CRYPTO_BASE64_SIZE(SHA256_SIZE) + 1];
    CLEANUP(lk_grant_destroyp) struct lk_grant *g = NULL;
    crypto_sha256(body, strlen(body), digest);
    crypto_base64(digest, sizeof(digest), text);
    strcat(text, "="); /* 32 bytes leave one */
    TRY(lk_grant_create(&g));
    g->sha256 = text;
    g->expires_s = now_s + TOKEN_LIFETIME_S;
    return lk_grant_to_jwt(g, keys, ret);
}

static void send_first(struct lane *l);

static void failed(struct lane *l, const char *why) {
    metric_add(&failed_total, 1);
    l->tries++;
    LOG_WARN(&log_root, "room_webhook_failed", "url=%s try=%d reason=%s", LOG_Q(l->url), l->tries,
        LOG_Q(why));
    l->due_ms = now_ms(l->notify) + ((int64_t)LK_NOTIFY_PAUSE_MS << (l->tries - 1));
    if (l->tries == LK_NOTIFY_TRIES) {
        metric_add(&dropped_total, 1);
        drop_first(l);
    }
}

static void set_timer(struct lk_notify *n);

static void answered(void *arg, const struct http_client_answer *a) {
    struct lane *l = arg;
    struct lk_notify *n = l->notify;
    char why[32];
    l->call = NULL;
    snprintf(why, sizeof(why), "it answered %d", a->status);
    if (a->err != OK) {
        failed(l, a->text);
    } else if (a->status < 200 || a->status > 299) {
        failed(l, why);
    } else {
        metric_add(&told_total, 1);
        drop_first(l);
    }
    if (a->err != ERR_GONE) {
        send_first(l);
        set_timer(n);
    }
}

static enum err post(struct lane *l) {
    CLEANUP(mem_freep) char *token = NULL;
    const struct lk_notify *n = l->notify;
    TRY(sign(n->cfg.keys, now_ms(n) / SEC_MS, l->queue->body, &token));
    const struct http_client_field fields[] = {
        { "Authorization", token }, /* without "Bearer " */
    };
    const struct http_client_spec spec = { .method = "POST",
        .url = l->url,
        .body = l->queue->body,
        .type_line = LK_NOTIFY_TYPE,
        .timeout_us = LK_NOTIFY_TIMEOUT_S * SEC_US,
        .answer_max = ANSWER_MAX_BYTES,
        .fields = fields,
        .n_fields = COUNT_OF(fields) };
    return http_client_send(n->cfg.http, &spec, answered, l, &l->call);
}

/* The first of the lane leaves when it is its time; a lane with nothing to tell ends. */
static void send_first(struct lane *l) {
    while (l->queue != NULL && l->call == NULL && l->due_ms <= now_ms(l->notify)) {
        if (post(l) != OK) {
            failed(l, err_text());
        }
    }
    if (l->queue == NULL) {
        lane_destroy(l);
    }
}

void lk_notify_turn(struct lk_notify *n) {
    struct lane *l = NULL;
    struct lane *next = NULL;
    HASH_ITER (hh, n->lanes, l, next) {
        send_first(l);
    }
}

/* --- time --- */

static void on_timer(uv_timer_t *timer) {
    struct lk_notify *n = timer->data;
    lk_notify_turn(n);
    set_timer(n);
}

static void set_timer(struct lk_notify *n) {
    int64_t due = INT64_MAX;
    struct lane *l = NULL;
    struct lane *next = NULL;
    HASH_ITER (hh, n->lanes, l, next) {
        due = l->queue != NULL && l->call == NULL && l->due_ms < due ? l->due_ms : due;
    }
    if (n->timer == NULL) {
        return;
    }
    if (due == INT64_MAX) {
        uv_timer_stop(n->timer);
        return;
    }
    int64_t wait = due - now_ms(n);
    uv_timer_start(n->timer, on_timer, wait < 0 ? 0 : (uint64_t)wait, 0);
}

/* --- news --- */

static enum err write_body(
    const struct Lk__WebhookEvent *event, int64_t now_s, int32_t dropped, char **ret) {
    CLEANUP(buf_finish) struct buf b;
    char id[ROOM_SID_SIZE];
    Lk__WebhookEvent e = *event;
    room_id_make("EV_", id);
    e.id = id;
    e.created_at = now_s;
    e.num_dropped = dropped;
    buf_init(&b, 0);
    lk_convert_write_json(&e.base, LK_CONVERT_PLAIN, &b);
    TRY(buf_check(&b));
    *ret = buf_take(&b);
    return OK;
}

static bool queue_up(struct lane *l, const struct Lk__WebhookEvent *event) {
    struct lk_notify *n = l->notify;
    if (l->n == LK_NOTIFY_ROOM_MAX || n->n == LK_NOTIFY_MAX) {
        return false;
    }
    struct news *news = mem_zalloc(sizeof(*news));
    if (news == NULL || write_body(event, now_ms(n) / SEC_MS, l->dropped, &news->body) != OK) {
        mem_free(news);
        return false;
    }
    DL_APPEND(l->queue, news);
    l->n++;
    n->n++;
    l->dropped = 0;
    return true;
}

void lk_notify_tell(struct lk_notify *n, const char *room, const struct Lk__WebhookEvent *event) {
    for (size_t i = 0; i < n->cfg.n_urls; i++) {
        struct lane *l = lane_of(n, i, room);
        bool queued = l != NULL && queue_up(l, event);
        if (!queued) {
            metric_add(&dropped_total, 1);
            LOG_WARN(&log_root, "room_webhook_dropped", "url=%s event=%s", LOG_Q(n->urls[i]),
                event->event);
        }
        if (l != NULL) {
            l->dropped += !queued;
            send_first(l);
        }
    }
    set_timer(n);
}

size_t lk_notify_waiting(const struct lk_notify *n) {
    return n->n;
}

enum err lk_notify_try(const struct lk_keys *keys, char **ret_body, char **ret_token) {
    CLEANUP(mem_freep) char *body = NULL;
    const int64_t now_s = clock_wall_ms() / SEC_MS;
    Lk__WebhookEvent e = LK__WEBHOOK_EVENT__INIT;
    e.event = (char *)"ping"; /* LiveKit has none: receivers pass over what they do not know */
    TRY(write_body(&e, now_s, 0, &body));
    TRY(sign(keys, now_s, body, ret_token));
    *ret_body = STEAL(body);
    return OK;
}

/* --- life --- */

static void closed(uv_handle_t *timer) {
    mem_free(timer);
}

/* One that is named twice is told once. */
static enum err add_receiver(struct lk_notify *n, const char *url) {
    for (size_t i = 0; i < n->cfg.n_urls; i++) {
        if (strcmp(n->urls[i], url) == 0) {
            return OK;
        }
    }
    char *copy = mem_strdup(url);
    if (copy == NULL) {
        return err_set(ERR_NOMEM, "no memory for webhooks");
    }
    n->urls[n->cfg.n_urls++] = copy;
    return OK;
}

enum err lk_notify_create(
    uv_loop_t *loop, const struct lk_notify_config *cfg, struct lk_notify **ret) {
    if (cfg->n_urls > LK_NOTIFY_URLS_MAX) {
        return err_set(ERR_LIMIT, "more than %d receivers of webhooks", LK_NOTIFY_URLS_MAX);
    }
    struct lk_notify *n = mem_zalloc(sizeof(*n));
    if (n == NULL) {
        return err_set(ERR_NOMEM, "no memory for webhooks");
    }
    n->cfg = *cfg;
    n->cfg.n_urls = 0;
    for (size_t i = 0; i < cfg->n_urls; i++) {
        if (add_receiver(n, cfg->urls[i]) != OK) {
            lk_notify_destroy(n);
            return ERR_NOMEM;
        }
    }
    if (loop != NULL) {
        n->timer = mem_zalloc(sizeof(*n->timer));
        if (n->timer == NULL || uv_timer_init(loop, n->timer) != 0) {
            mem_free(STEAL(n->timer));
            lk_notify_destroy(n);
            return err_set(ERR_NOMEM, "no memory for webhooks");
        }
        n->timer->data = n;
    }
    metrics_register(&told_total);
    metrics_register(&failed_total);
    metrics_register(&dropped_total);
    *ret = n;
    return OK;
}

void lk_notify_destroy(struct lk_notify *n) {
    if (n == NULL) {
        return;
    }
    while (n->lanes != NULL) {
        lane_destroy(n->lanes);
    }
    if (n->timer != NULL) {
        uv_close((uv_handle_t *)n->timer, closed);
    }
    for (size_t i = 0; i < LK_NOTIFY_URLS_MAX; i++) {
        mem_free(n->urls[i]);
    }
    mem_free(n);
}
