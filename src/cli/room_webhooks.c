/* Wiring of the webhooks of rooms. */
#include "cli/room_webhooks.h"

#include "cli/keys.h"
#include "core/config.h"
#include "core/mem.h"
#include "http/client.h"
#include "livekit/notify.h"
#include "livekit/room_news.h"

struct cli_room_webhooks {
    struct http_client *http;
    struct lk_notify *notify;
    struct lk_room_news *news;
};

/* A key that was made up at the start is known to no receiver. */
static enum err check_keys(const struct config *c) {
    return cli_keys_said(c) ? OK
                            : err_set(ERR_INVALID,
                                  "rtc.webhooks needs livekit.key and livekit.secret: receivers "
                                  "know by them who tells them");
}

enum err cli_room_webhooks_create(uv_loop_t *loop, const struct config *c,
    const struct lk_keys *keys, struct room_directory *rooms, struct cli_room_webhooks **ret) {
    const struct config_list *urls = &c->rtc.webhooks;
    const struct http_client_guard guard = { .ca_file = c->webhooks.ca_file };
    if (urls->n == 0) {
        return OK;
    }
    TRY(check_keys(c));
    struct cli_room_webhooks *w = mem_zalloc(sizeof(*w));
    if (w == NULL) {
        return err_set(ERR_NOMEM, "no memory for webhooks");
    }
    *ret = w;
    TRY(http_client_create_guarded(loop, &guard, &w->http));
    const struct lk_notify_config notify = {
        .http = w->http, .keys = keys, .urls = urls->items, .n_urls = urls->n
    };
    TRY(lk_notify_create(loop, &notify, &w->notify));
    return lk_room_news_create(rooms, w->notify, &w->news);
}

size_t cli_room_webhooks_waiting(const struct cli_room_webhooks *w) {
    return w == NULL ? 0 : lk_notify_waiting(w->notify);
}

void cli_room_webhooks_destroy(struct cli_room_webhooks *w) {
    if (w == NULL) {
        return;
    }
    lk_room_news_destroy(w->news);
    lk_notify_destroy(w->notify);
    if (w->http != NULL) {
        http_client_destroy(w->http);
    }
    mem_free(w);
}
