/* The reverse proxy, from outside: does each public path arrive, none of the private ones, and do
 * we learn who asks. */
#include "core/buf.h"
#include "core/config.h"
#include "doctor/checks.h"
#include "doctor/doors.h"
#include "doctor/head.h"

#include <string.h>

#define CLAIMED "192.0.2.1" /* RFC 5737: nobody's address, which we claim to be ours */

/* What must arrive, as synapse-config/public-paths has it. The token service and the SFU only where
 * Parley is one. */
static const struct {
    const char *path;
    bool of_focus;
} public_paths[] = {
    { "/healthz", false },
    { "/api/", false },
    { "/calls/", false },
    { "/stats", false },
    { "/socket.io/", false },
    { "/call/", false },
    { "/sfu/get", true },
    { "/get_token", true },
    { "/delegate_delayed_leave", true },
    { "/sfu_webhook", true },
    { "/rtc", true },
    { "/rtc/", true },
};
/* What must not: whoever reaches these can speak as the homeserver, or read what is none of theirs.
 */
static const char *const private_paths[] = { "/_matrix/app/v1/ping", "/metrics", "/twirp/" };

struct tour {
    struct doctor *d;
    const char *base;
    struct buf missing; /* "/a (404), /b (502)" */
    size_t arrived, misled;
    enum doctor_cors cors; /* the worst of those that arrived */
};

static const char *join(struct doctor *d, const char *base, size_t n, const char *path) {
    const char *url = arena_printf(&d->arena, "%.*s%s", (int)n, base, path);
    return url == NULL ? "" : url;
}

/* "https://host:port" of an address that may have a path. */
static size_t origin_of(const char *base) {
    const char *host = strstr(base, "://");
    return host == NULL ? strlen(base) : (size_t)(host + 3 - base) + strcspn(host + 3, "/");
}

/* --- public paths --- */

/* False when nothing answers at all: then the other paths need not be asked. */
static bool visit(struct tour *t, const char *path) {
    struct doctor_answer a;
    struct http_probe_sight sight;
    const struct doctor_knock k = { .url = join(t->d, t->base, strlen(t->base), path) };
    switch (doctor_knock(t->d, &k, &a, &sight)) {
    case DOCTOR_DOOR_SILENT:
        doctor_say(t->d, DOCTOR_FAIL, NULL,
            "%s gives no answer: %s; the proxy is down, or a firewall or the name is wrong",
            t->base, doctor_quote(t->d, a.text));
        return false;
    case DOCTOR_DOOR_STRANGE:
        buf_printf(&t->missing, "%s%s (%d)", t->missing.len == 0 ? "" : ", ", path, a.status);
        return true;
    case DOCTOR_DOOR_PRIVATE:
        t->misled++;
        return true;
    case DOCTOR_DOOR_PUBLIC:
        t->arrived++;
        if (t->cors == DOCTOR_CORS_FINE) {
            t->cors = doctor_cors_of(a.head);
        }
        return true;
    }
    return false;
}

static const char *upstream_paste(struct tour *t) {
    const struct config_list *l = &t->d->config->http.public;
    return arena_printf(&t->d->arena,
        "# the reverse proxy of %s: synapse-config/nginx-paths.conf or synapse-config/Caddyfile "
        "has "
        "all paths;\n"
        "# they lead to %s (http.public)",
        t->base, l->n == 0 ? "127.0.0.1:8089" : l->items[0]);
}

static bool say_public(struct tour *t) {
    if (t->misled > 0) {
        doctor_say(t->d, DOCTOR_FAIL, upstream_paste(t),
            "%s leads to http.private, which is not for everybody: it must lead to http.public",
            t->base);
        return false;
    }
    if (t->arrived == 0) {
        doctor_say(t->d, DOCTOR_FAIL, upstream_paste(t),
            "nothing below %s arrives at Parley: the proxy leads elsewhere, or to a Parley with "
            "another registration (%s)",
            t->base, buf_str(&t->missing));
        return false;
    }
    if (t->missing.len == 0 && t->cors == DOCTOR_CORS_FINE) {
        doctor_say(
            t->d, DOCTOR_OK, NULL, "%zu public paths arrive through %s", t->arrived, t->base);
    }
    if (t->missing.len > 0) {
        doctor_say(t->d, DOCTOR_FAIL, upstream_paste(t), "the proxy at %s does not pass on %s",
            t->base, buf_str(&t->missing));
    }
    if (t->cors != DOCTOR_CORS_FINE) {
        doctor_say(t->d, DOCTOR_FAIL,
            "# Parley sends Access-Control-* by itself: take them out of the proxy",
            "what comes through the proxy at %s %s", t->base, doctor_cors_text(t->cors));
    }
    return true;
}

/* --- private paths --- */

static void look_for_private(struct tour *t) {
    for (size_t i = 0; i < COUNT_OF(private_paths); i++) {
        struct doctor_answer a;
        struct http_probe_sight sight;
        const struct doctor_knock k = { .url = join(
                                            t->d, t->base, origin_of(t->base), private_paths[i]) };
        if (doctor_knock(t->d, &k, &a, &sight) == DOCTOR_DOOR_PRIVATE) {
            doctor_say(t->d, DOCTOR_FAIL,
                "# proxy: lead nothing to http.private; the homeserver and the admin ask it "
                "directly",
                "the proxy shows %s to everybody: it leads to http.private", k.url);
        }
    }
}

/* --- who asks --- */

static void look_for_addresses(struct tour *t) {
    static const char *const replace = "# nginx, as in synapse-config/nginx-proxy.conf:\n"
                                       "proxy_set_header X-Forwarded-For $remote_addr;";
    struct doctor_answer a;
    struct http_probe_sight s;
    const struct doctor_knock k = { .url = join(t->d, t->base, strlen(t->base), "/healthz"),
        .forwarded_for = CLAIMED };
    if (doctor_knock(t->d, &k, &a, &s) != DOCTOR_DOOR_PUBLIC) {
        return; /* that /healthz does not arrive was said */
    }
    bool passed_on = strcmp(s.told, CLAIMED) == 0;
    if (passed_on && s.trusted) {
        doctor_say(t->d, DOCTOR_FAIL, replace,
            "the proxy at %s passes on X-Forwarded-For as clients send it, so that anybody can "
            "take "
            "any address",
            s.hop);
    } else if (passed_on || strcmp(s.told, "none") == 0) {
        /* TLS ends in a proxy; without TLS this may be our own listener, and all is well. */
        bool encrypted = strncmp(t->base, "https://", 8) == 0;
        doctor_say(t->d, encrypted ? DOCTOR_WARN : DOCTOR_NOTE, replace,
            "%s adds no X-Forwarded-For: if it is a proxy, all clients look like one to us", s.hop);
    } else if (!s.trusted) {
        doctor_say(t->d, DOCTOR_WARN,
            arena_printf(&t->d->arena, "http:\n  trusted_proxies: [\"%s\"]", s.hop),
            "the proxy at %s is not in http.trusted_proxies: its X-Forwarded-For is not believed, "
            "and all clients look like one to us",
            s.hop);
    } else {
        doctor_say(t->d, DOCTOR_OK, NULL, "the proxy at %s tells who asks, and is believed", s.hop);
    }
}

void doctor_check_proxy(struct doctor *d) {
    const struct config *c = d->config;
    struct tour t = { .d = d,
        .base = c->http.public_url[0] != '\0' ? c->http.public_url : c->rtc.public_url };
    size_t n = strlen(t.base);
    if (n == 0) {
        doctor_say(d, DOCTOR_SKIPPED, NULL,
            "http.public_url is not set: where the reverse proxy shows us is not known");
        return;
    }
    if (t.base[n - 1] == '/') {
        t.base = join(d, t.base, n - 1, "");
    }
    buf_init(&t.missing, 0);
    bool answers = true;
    for (size_t i = 0; i < COUNT_OF(public_paths) && answers; i++) {
        if (!public_paths[i].of_focus || c->rtc.public_url[0] != '\0') {
            answers = visit(&t, public_paths[i].path);
        }
    }
    if (answers && say_public(&t)) {
        look_for_private(&t);
        look_for_addresses(&t);
    }
    buf_finish(&t.missing);
}
