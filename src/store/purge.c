/* A purge: its steps one after the other, each in batches.  Thread: the caller's. */
#include "store/purge.h"

#include "core/crypto.h"
#include "core/mem.h"
#include "store/purge_batch.h"
#include "store/purge_name.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#define CALLS_MAX   500 /* calls or chains of a batch */
#define CALLS_LEAST 10
#define BATCH_US    (250 * INT64_C(1000)) /* a batch that took longer makes the next one smaller */
#define PAUSE_MS    200                   /* the longest pause between batches */

#define NO_ID "00000000-0000-0000-0000-000000000000"

/* Chooses how many calls the next batch has, and shares the machine. */
static void pace(struct store_purger *w, int64_t took_us) {
    if (took_us > BATCH_US && w->calls_max > CALLS_LEAST) {
        w->calls_max /= 2;
    } else if (took_us < BATCH_US / 4 && w->calls_max < CALLS_MAX) {
        w->calls_max *= 2;
    }
    w->calls_max = w->calls_max > CALLS_MAX ? CALLS_MAX : w->calls_max;
    int64_t pause_ms = took_us / 1000;
    uv_sleep((unsigned)(pause_ms > PAUSE_MS ? PAUSE_MS : pause_ms));
}

static enum err run_step(struct store_purger *w, const struct store_purge_step *step) {
    w->step = step;
    snprintf(w->cursor_id, sizeof(w->cursor_id), "%s", NO_ID);
    snprintf(w->cursor, sizeof(w->cursor), "%s", step->start);
    if (w->p->dry_run) {
        return store_purge_count(w);
    }
    TRY(store_purge_find(w));
    while (w->n_found > 0) {
        int64_t began_us = clock_mono_us();
        TRY(store_purge_act(w));
        if (w->totals->stopped || !store_purge_goes_on(w)) {
            return OK;
        }
        pace(w, clock_mono_us() - began_us);
        TRY(store_purge_find(w));
    }
    return OK;
}

/* --- a whole purge --- */

static enum err count_what_stays(struct store_purger *w, const struct store_purge_steps *steps) {
    const char *const params[] = { w->scope, buf_str(&w->pattern) };
    bool user = w->p->scope == STORE_PURGE_USER;
    if (steps->live != NULL) {
        TRY(store_purge_ask(w, steps->live, params, user ? 2 : 1, &w->totals->live));
    }
    return steps->acts == NULL ? OK
                               : store_purge_ask(w, steps->acts, &params[1], 1, &w->totals->acts);
}

static enum err check(const struct store_purge *p) {
    if (strlen(p->reason) > STORE_TOMBSTONE_TEXT_MAX ||
        strlen(p->actor) > STORE_TOMBSTONE_TEXT_MAX || p->reason[0] == '\0' ||
        p->actor[0] == '\0') {
        return err_set(ERR_INVALID, "the reason and the actor are from 1 to %d bytes each",
            STORE_TOMBSTONE_TEXT_MAX);
    }
    if (p->scope == STORE_PURGE_USER &&
        (strstr(p->reason, p->user) != NULL || strstr(p->actor, p->user) != NULL)) {
        return err_set(ERR_INVALID,
            "the reason and the actor are kept for ever: they cannot name who is to be erased");
    }
    return OK;
}

static void set_scope(struct store_purger *w) {
    const struct store_purge *p = w->p;
    uint8_t random[STORE_PSEUDONYM_BYTES];
    crypto_random(random, sizeof(random));
    memcpy(w->pseudonym, "erased:", sizeof("erased:"));
    crypto_hex(random, sizeof(random), w->pseudonym + strlen("erased:"));
    clock_format(p->before_ms, w->before);
    w->scope = w->before;
    if (p->scope == STORE_PURGE_ROOM) {
        w->scope = p->room;
    } else if (p->scope == STORE_PURGE_USER) {
        w->scope = p->user;
        store_purge_pattern(&w->pattern, p->user);
    }
}

/* A wait for a lock fails below a second and the batch is tried again; pages are found by index in
 * the order of the cursor, also in a table that the planner thinks small. */
static enum err prepare(struct store_purger *w, const char *url) {
    TRY(check(w->p));
    set_scope(w);
    TRY(buf_check(&w->pattern));
    w->found = mem_alloc(STORE_PURGE_ROWS_MAX * sizeof(*w->found));
    w->items = mem_alloc(STORE_PURGE_ROWS_MAX * sizeof(*w->items));
    if (w->found == NULL || w->items == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    TRY(store_session_open(url, &w->s));
    return store_session_run(w->s, "SET lock_timeout = '900ms'; SET enable_seqscan = off");
}

static enum err run(struct store_purger *w, const char *url) {
    TRY(prepare(w, url));
    const struct store_purge_steps *steps = store_purge_steps(w->p->scope);
    for (size_t i = 0; i < steps->n && !w->totals->stopped; i++) {
        TRY(run_step(w, &steps->steps[i]));
    }
    return count_what_stays(w, steps);
}

enum err store_purge_run(const char *url, const struct store_audit_key *key,
    const struct store_purge *p, struct store_purge_totals *ret) {
    *ret = (struct store_purge_totals){ 0 };
    struct store_purger w = { .key = key, .p = p, .totals = ret, .calls_max = CALLS_MAX };
    buf_init(&w.pattern, 0);
    enum err e = run(&w, url);
    store_session_close(w.s);
    mem_free(w.found);
    mem_free(w.items);
    buf_finish(&w.pattern);
    return e;
}
