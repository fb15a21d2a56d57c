/* The nodes with an embedded SFU on our database: do they live, know the time, reach each other? */
#include "core/clock.h"
#include "core/config.h"
#include "doctor/checks.h"
#include "doctor/words.h"
#include "store/node_report.h"

#include <string.h>

#define NODES_MOST 64 /* that are looked at; store/nodes.h */

struct nodes {
    struct doctor *d;
    struct store_node_report at[NODES_MOST];
    size_t n, alive;
};

static enum err note(void *arg, const struct store_node_report *r) {
    struct nodes *all = arg;
    struct arena *a = &all->d->arena;
    if (all->n < NODES_MOST) {
        struct store_node_report *to = &all->at[all->n++];
        *to = *r;
        to->name = arena_strdup(a, r->name);
        to->url = arena_strdup(a, r->url);
        to->inner_url = arena_strdup(a, r->inner_url);
        to->version = arena_strdup(a, r->version);
        all->alive += r->alive ? 1 : 0;
    }
    return a->failed ? err_set(ERR_NOMEM, "out of memory") : OK;
}

/* --- one node --- */

static void say_clock(struct doctor *d, const struct store_node_report *r) {
    const enum doctor_severity severity = doctor_clock_severity(r->clock_off_ms);
    if (severity > DOCTOR_OK) {
        doctor_say(d, severity, "timedatectl set-ntp true   # there",
            "the clock of node %s is %d s off the database's", r->name,
            (int)(r->clock_off_ms / SEC_MS));
    }
}

/* Of one of several. */
static void say_way(struct doctor *d, const struct store_node_report *r) {
    struct doctor_answer a;
    if (r->inner_url[0] == '\0') {
        doctor_say(d, DOCTOR_FAIL,
            "node:   # in its settings\n  url: http://ADDRESS:8090   # of its http.private",
            "node %s has no node.url: the others give it no rooms, and do not see who is in its "
            "own",
            r->name);
        return;
    }
    doctor_fetch(d,
        &(struct doctor_request){ .url = arena_printf(&d->arena, "%s/livez", r->inner_url) }, &a);
    if (a.err != OK || a.status != 200) {
        doctor_say(d, DOCTOR_FAIL, NULL, "node %s does not answer at its node.url %s (%s)", r->name,
            r->inner_url, a.err != OK ? doctor_quote(d, a.text) : "another program is there");
    }
}

static void say_one(struct nodes *all, const struct store_node_report *r) {
    struct doctor *d = all->d;
    if (!r->alive) {
        doctor_say(d, DOCTOR_NOTE, NULL,
            "node %s was last heard %d s ago: its rooms begin anew on the others", r->name,
            (int)(r->silent_ms / SEC_MS));
        return;
    }
    say_clock(d, r);
    if (all->alive > 1) {
        say_way(d, r);
    }
    doctor_say(d, DOCTOR_OK, NULL, "node %s (%s) carries %d rooms with %d people at %s%s", r->name,
        r->version, (int)r->rooms, (int)r->members, r->url,
        r->draining ? ", and is about to stop" : "");
}

/* --- two of them --- */

static void say_shared(
    struct doctor *d, const struct store_node_report *a, const struct store_node_report *b) {
    /* Behind one balancer each leads clients on to the other, where it can. */
    const bool led = a->inner_url[0] != '\0' && b->inner_url[0] != '\0';
    if (strcmp(a->url, b->url) == 0 && !led) {
        doctor_say(d, DOCTOR_FAIL,
            "livekit:   # in the settings of each node, its own\n  url: wss://node1.example.com",
            "nodes %s and %s send clients to the same address %s: whose room it is, is left to "
            "chance",
            a->name, b->name, a->url);
    }
}

/* The living are first. */
static void say_pairs(const struct nodes *all) {
    for (size_t i = 1; i < all->alive; i++) {
        const struct store_node_report *r = &all->at[i];
        for (size_t k = 0; k < i; k++) {
            say_shared(all->d, &all->at[k], r);
        }
        if (strcmp(all->at[0].version, r->version) != 0) {
            doctor_say(all->d, DOCTOR_NOTE, NULL, "nodes %s and %s run different versions",
                all->at[0].name, r->name);
        }
    }
}

static void say_all(struct nodes *all) {
    bool ours = false;
    for (size_t i = 0; i < all->n; i++) {
        const struct store_node_report *r = &all->at[i];
        ours = ours || (r->alive && strcmp(r->name, all->d->config->node.name) == 0);
        say_one(all, r);
    }
    say_pairs(all);
    if (!ours) {
        doctor_say(all->d, DOCTOR_WARN, "journalctl -u parley -n 50",
            "this node, %s, is not registered: it does not run, or does not reach the database",
            all->d->config->node.name);
    }
}

void doctor_check_nodes(struct doctor *d) {
    struct nodes all = { .d = d };
    if (d->config->rtc.sfu != RTC_SFU_EMBEDDED || !config_gives_tokens(d->config)) {
        doctor_say(d, DOCTOR_SKIPPED, NULL, "rtc.sfu is not embedded: there are no nodes");
    } else if (store_node_report_run(d->config->database.url, note, &all) != OK) {
        doctor_say(
            d, DOCTOR_FAIL, NULL, "the nodes cannot be read: %s", doctor_quote(d, err_text()));
    } else {
        say_all(&all);
    }
}
