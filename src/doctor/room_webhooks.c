/* Do those answer who are told of the embedded SFU's rooms, and take what our key signs? */
#include "core/clock.h"
#include "core/config.h"
#include "core/mem.h"
#include "doctor/checks.h"
#include "doctor/keys.h"
#include "doctor/words.h"
#include "hooks/secret.h"
#include "http/client.h"
#include "livekit/keys.h"
#include "livekit/notify.h"

/* True: it takes them. */
static bool look_at(struct doctor *d, const char *url, const char *body, const char *token) {
    const struct http_client_field fields[] = { { "Authorization", token } };
    struct doctor_answer a;
    doctor_fetch(d,
        &(struct doctor_request){ .method = "POST",
            .url = url,
            .body = body,
            .type_line = LK_NOTIFY_TYPE,
            .timeout_us = LK_NOTIFY_TIMEOUT_S * SEC_US,
            .fields = fields,
            .n_fields = 1 },
        &a);
    const char *host = doctor_quote(d, arena_strndup(&d->arena, url, hooks_url_shown(url)));
    if (a.err != OK) {
        doctor_say(d, DOCTOR_FAIL, NULL, "the receiver at %s %s (%s)", host,
            doctor_reach_words(doctor_reach_of(a.err, a.text)), doctor_quote(d, a.text));
    } else if (a.status < 200 || a.status > 299) {
        doctor_say(d, DOCTOR_FAIL,
            a.status == 401 || a.status == 403
                ? "compare the receiver's API key and secret with livekit.key and livekit.secret"
                : NULL,
            "the receiver at %s answers a signed event with %d: news of rooms is tried for two "
            "minutes, then lost",
            host, a.status);
    } else {
        return true;
    }
    return false;
}

void doctor_check_room_webhooks(struct doctor *d) {
    const struct config_list *urls = &d->config->rtc.webhooks;
    CLEANUP(lk_keys_destroyp) struct lk_keys *keys = NULL;
    CLEANUP(mem_freep) char *body = NULL;
    CLEANUP(mem_freep) char *token = NULL;
    size_t fine = 0;
    if (urls->n == 0 || d->config->rtc.sfu != RTC_SFU_EMBEDDED) {
        doctor_say(d, DOCTOR_SKIPPED, NULL,
            "rtc.webhooks is empty: nobody is told of the rooms of an embedded SFU");
        return;
    }
    if (doctor_keys_load(d, &keys) != OK || lk_notify_try(keys, &body, &token) != OK) {
        doctor_say(d, DOCTOR_FAIL, NULL, "webhooks of rooms cannot be signed: %s",
            doctor_quote(d, err_text()));
        return;
    }
    for (size_t i = 0; i < urls->n; i++) {
        fine += look_at(d, urls->items[i], body, token) ? 1 : 0;
    }
    if (fine == urls->n) {
        doctor_say(
            d, DOCTOR_OK, NULL, "%zu receivers of webhooks of rooms took a signed event", fine);
    }
}
