/* Do the receivers of webhooks answer, and take what we sign? */
#include "core/config.h"
#include "doctor/checks.h"
#include "doctor/words.h"
#include "hooks/ping.h"
#include "hooks/secret.h"

static void say_refused(struct doctor *d, const char *host, int status) {
    const char *paste = status == 401 || status == 403
                            ? "compare the secret of the receiver with webhooks.secret_file"
                            : NULL;
    doctor_say(d, DOCTOR_FAIL, paste,
        "the receiver at %s answers a signed ping with %d: calls are tried again, and given up "
        "after webhooks.give_up",
        host, status);
}

/* True: it takes them. */
static bool look_at(struct doctor *d, struct hooks_secret *secret, const char *url) {
    const struct config *c = d->config;
    struct hooks_pong pong;
    const struct hooks_ping ping = { .url = url,
        .secret = secret,
        .ca_file = c->webhooks.ca_file,
        .timeout_us = c->webhooks.timeout_us };
    const char *host = doctor_quote(d, arena_strndup(&d->arena, url, hooks_url_shown(url)));
    if (hooks_ping(&ping, &pong) != OK) {
        doctor_say(d, DOCTOR_FAIL, NULL, "%s", err_text());
        return false;
    }
    bool fine = pong.err == OK && pong.status >= 200 && pong.status <= 299;
    if (pong.err == OK && !fine) {
        say_refused(d, host, pong.status);
    } else if (!fine) {
        doctor_say(d, DOCTOR_FAIL, NULL, "the receiver at %s %s (%s)", host,
            doctor_reach_words(doctor_reach_of(pong.err, pong.text)), doctor_quote(d, pong.text));
    }
    return fine;
}

static void say_unsigned(struct doctor *d, enum err e) {
    const char *why = doctor_quote(d, err_text());
    const char *file = d->config->webhooks.secret_file;
    const char *paste = NULL;
    if (e == ERR_FORBIDDEN) {
        paste = arena_printf(&d->arena, "chmod o= %s", file);
    } else if (e == ERR_NOT_FOUND || e == ERR_INVALID) {
        paste = arena_printf(&d->arena,
            "install -m 0640 -g parley /dev/null %s\nopenssl rand -hex 32 > %s", file, file);
    }
    doctor_say(d, DOCTOR_FAIL, paste, "webhooks cannot be signed: %s", why);
}

void doctor_check_webhooks(struct doctor *d) {
    const struct config_list *urls = &d->config->webhooks.urls;
    struct hooks_secret *secret = NULL;
    size_t fine = 0;
    if (urls->n == 0) {
        doctor_say(d, DOCTOR_SKIPPED, NULL, "webhooks.urls is empty: nobody is told of calls");
        return;
    }
    enum err e = hooks_secret_load(d->config->webhooks.secret_file, &secret);
    if (e != OK) {
        say_unsigned(d, e);
        return;
    }
    for (size_t i = 0; i < urls->n; i++) {
        fine += look_at(d, secret, urls->items[i]) ? 1 : 0;
    }
    hooks_secret_destroy(secret);
    if (fine == urls->n) {
        doctor_say(d, DOCTOR_OK, NULL, "%zu receivers of webhooks took a signed ping", fine);
    }
}
