/* Settings to policy, settings to sender.  Thread: main. */
#include "cli/hooks.h"

#include "core/config.h"
#include "core/mem.h"
#include "hooks/sender.h"
#include "store/news.h"

#include <string.h>

/* A URL that is written twice is one receiver. */
static bool is_repeat(const struct config_list *urls, size_t i) {
    for (size_t k = 0; k < i; k++) {
        if (strcmp(urls->items[k], urls->items[i]) == 0) {
            return true;
        }
    }
    return false;
}

enum err cli_hooks_policy(
    const struct config *c, struct arena *arena, struct call_news_policy *ret) {
    const struct config_list *urls = &c->webhooks.urls;
    const char **receivers = arena_array(arena, urls->n, sizeof(*receivers));
    size_t n = 0;
    for (size_t i = 0; receivers != NULL && i < urls->n; i++) {
        char name[STORE_RECEIVER_SIZE];
        store_news_receiver(urls->items[i], name);
        if (!is_repeat(urls, i)) {
            receivers[n++] = arena_strdup(arena, name);
        }
    }
    if (arena->failed) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    *ret = (struct call_news_policy){
        .receivers = receivers, .n_receivers = n, .missed_notice = c->calls.missed_notice
    };
    for (size_t i = 0; i < c->webhooks.events.n; i++) {
        ret->types |= call_news_bit(c->webhooks.events.items[i]);
    }
    return OK;
}

enum err cli_hooks_create(uv_loop_t *loop, const struct config *c, struct store *store,
    struct mx_client *client, struct hooks **ret) {
    const struct config_list *urls = &c->webhooks.urls;
    const char *known[HOOKS_URLS_MAX];
    struct hooks_config cfg = { .store = store,
        .client = client,
        .urls = known,
        .secret_file = c->webhooks.secret_file,
        .ca_file = c->webhooks.ca_file,
        .timeout_us = c->webhooks.timeout_us,
        .give_up_ms = c->webhooks.give_up_ms,
        .notices = c->calls.missed_notice };
    for (size_t i = 0; i < urls->n && cfg.n_urls < HOOKS_URLS_MAX; i++) {
        if (!is_repeat(urls, i)) {
            known[cfg.n_urls++] = urls->items[i];
        }
    }
    *ret = NULL;
    hooks_register_metrics();
    return cfg.n_urls > 0 || cfg.notices ? hooks_create(loop, &cfg, ret) : OK;
}
