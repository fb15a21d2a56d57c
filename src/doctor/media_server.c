/* The LiveKit server: does it answer, does it know our key, and do we hear from it? */
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/mem.h"
#include "doctor/checks.h"
#include "doctor/keys.h"
#include "doctor/words.h"
#include "livekit/keys.h"
#include "livekit/rooms.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define NEWS_MS                                                                                    \
    INT64_C(5000) /* on one machine it takes 20 ms; through a proxy far away, a second */
#define AGAIN_MS 200

/* --- asking it --- */

static enum err try(struct doctor *d, enum lk_rooms_trial what, struct doctor_answer *ret) {
    CLEANUP(lk_keys_destroyp) struct lk_keys *keys = NULL;
    CLEANUP(lk_rooms_request_finish) struct lk_rooms_request q = { 0 };
    uint64_t random;
    crypto_random(&random, sizeof(random));
    const char *room = arena_printf(&d->arena, "parley-doctor-%016llx", (unsigned long long)random);
    TRY(doctor_keys_load(d, &keys));
    TRY(lk_rooms_try(keys, d->config->livekit.url, room == NULL ? "" : room, what, &q));
    doctor_fetch(d,
        &(struct doctor_request){
            .method = "POST", .url = q.url, .bearer = q.bearer, .body = q.body },
        ret);
    return OK;
}

void doctor_check_livekit(struct doctor *d) {
    const char *url = d->config->livekit.url;
    struct doctor_answer a;
    if (d->config->rtc.sfu != RTC_SFU_EXTERNAL) {
        doctor_say(d, DOCTOR_SKIPPED, NULL, "rtc.sfu is not external: no LiveKit server is asked");
    } else if (url[0] == '\0') {
        doctor_say(d, DOCTOR_SKIPPED, NULL, "livekit.url is empty: Parley gives no tokens");
    } else if (try(d, LK_ROOMS_TRIAL_LOOK, &a) != OK) {
        doctor_say(d, DOCTOR_FAIL, NULL, "%s", err_text());
    } else if (a.err != OK) {
        doctor_say(d, DOCTOR_FAIL, "systemctl status livekit-server",
            "livekit.url %s %s (%s): rooms are not made, and nobody is removed", url,
            doctor_reach_words(doctor_reach_of(a.err, a.text)), doctor_quote(d, a.text));
    } else if (a.status == 401 || a.status == 403) {
        doctor_say(d, DOCTOR_FAIL,
            "# livekit.yaml, the same pair as livekit.key and livekit.secret:\nkeys:\n  <key>: "
            "<secret>",
            "the LiveKit server at %s refuses our key (%d): clients are refused there, too", url,
            a.status);
    } else if (a.status != 200 || a.json == NULL) {
        doctor_say(d, DOCTOR_FAIL, NULL,
            "no LiveKit server answers at livekit.url %s: %d to /twirp/livekit.RoomService", url,
            a.status);
    } else {
        doctor_say(d, DOCTOR_OK, NULL, "the LiveKit server at %s answers and knows our key", url);
    }
}

/* --- hearing from it --- */

/* What the running Parley has counted; -1 = it does not say. */
struct counts {
    int64_t heard, refused;
};

static int64_t count_of(const char *page, const char *name) {
    const char *at = strstr(page, name);
    return at == NULL ? -1 : strtoll(at + strlen(name), NULL, 10);
}

static struct counts count(struct doctor *d) {
    struct doctor_answer a;
    struct doctor_request q = { 0 };
    doctor_private(d, "/metrics", &q);
    doctor_fetch(d, &q, &a);
    return (struct counts){ count_of(a.body, "\nparley_sfu_webhooks_total "),
        count_of(a.body, "\nparley_sfu_webhooks_refused_total ") };
}

static struct counts wait_for_news(struct doctor *d, struct counts before) {
    int64_t end_us = clock_mono_us() + NEWS_MS * SEC_MS;
    struct counts now = count(d);
    while (now.heard == before.heard && now.refused == before.refused && clock_mono_us() < end_us) {
        uv_sleep(AGAIN_MS);
        now = count(d);
    }
    return now;
}

static const char *paste_webhook(struct doctor *d) {
    const char *base = d->config->http.public_url[0] != '\0' ? d->config->http.public_url
                                                             : d->config->rtc.public_url;
    base = base[0] != '\0' ? base : "https://calls.example.com";
    size_t n = strlen(base) - (base[strlen(base) - 1] == '/');
    return arena_printf(&d->arena,
        "# livekit.yaml, then restart the LiveKit server:\n"
        "webhook:\n"
        "  api_key: <livekit.key>\n"
        "  urls: [%.*s/sfu_webhook]",
        (int)n, base);
}

static void judge_news(struct doctor *d, struct counts before, struct counts now) {
    if (now.heard > before.heard) {
        doctor_say(d, DOCTOR_OK, NULL, "the LiveKit server tells Parley who comes and goes");
    } else if (now.refused > before.refused) {
        doctor_say(d, DOCTOR_WARN, paste_webhook(d),
            "webhooks come, and are signed with a key that is not ours: webhook.api_key of the "
            "LiveKit server must be one of Parley's");
    } else {
        doctor_say(d, DOCTOR_WARN, paste_webhook(d),
            "the LiveKit server's webhooks do not arrive at this Parley (nor did those of a room "
            "made for it): who comes and goes is not in the audit, and who died leaves late");
    }
}

void doctor_check_sfu_webhooks(struct doctor *d) {
    struct doctor_answer a;
    struct counts before = count(d);
    if (before.heard < 0) {
        doctor_say(d, DOCTOR_WARN, "systemctl restart parley",
            "the Parley that runs was started without livekit.url: it takes no webhooks");
    } else if (try(d, LK_ROOMS_TRIAL_MAKE, &a) != OK) {
        doctor_say(d, DOCTOR_FAIL, NULL, "%s", err_text());
    } else if (a.err != OK || a.status != 200) {
        doctor_say(d, DOCTOR_WARN, NULL, "the LiveKit server makes no room for us (%d): %s",
            a.status, doctor_quote(d, a.err != OK ? a.text : doctor_text_of(a.json, "msg")));
    } else {
        judge_news(d, before, wait_for_news(d, before));
    }
}
