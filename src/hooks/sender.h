/*
 * Tells others of calls: the admin's webhooks, and rooms of missed calls. calls/news decides what
 * is told and writes it down with the call; here it is sent.
 *
 * Looks for what is due after each commit that left news, when a failed one is due again, and every
 * two seconds (what another node left behind). Several nodes share the work by claiming rows. What
 * is told of one call to one receiver goes out one after the other, in order; receivers do not wait
 * for one another.  Thread: main.
 */
#ifndef HOOKS_SENDER_H
#define HOOKS_SENDER_H

#include "core/clock.h"
#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct mx_client;
struct store;

#define HOOKS_URLS_MAX  8 /* webhooks.urls */
#define HOOKS_AT_ONCE   8 /* deliveries to one receiver under way */
#define HOOKS_LOOK_MS   (2 * SEC_MS)
#define HOOKS_COUNT_MS  (5 * SEC_MS)
#define HOOKS_MARGIN_MS (5 * SEC_MS) /* a claim outlives the time-out of the delivery by this */
/* A homeserver remembers transaction ids for half an hour (Synapse, rest/client/transactions.py):
 * a notice is not sent again after two thirds of it. */
#define HOOKS_NOTICE_GIVE_UP_MS (20 * MIN_MS)
#define HOOKS_NOTICE_TAKES_MS   MIN_MS /* two requests to the homeserver, with their retries */

struct hooks_config {
    struct store *store;      /* borrowed */
    struct mx_client *client; /* borrowed; for notices */
    const char *const *urls;  /* copied */
    size_t n_urls;
    const char *secret_file; /* read, where there are urls */
    const char *ca_file;     /* "" = none */
    int64_t timeout_us;
    int64_t give_up_ms;
    bool notices;
};

/** Puts the numbers of the sender on the metrics page, also where there is none. */
void hooks_register_metrics(void);

struct hooks;
/** Reads the secret (blocks on a small file). Errors of hooks_secret_load; ERR_NOMEM. */
MUST_CHECK enum err hooks_create(
    uv_loop_t *loop, const struct hooks_config *cfg, struct hooks **ret);
/** Begins to look. */
void hooks_start(struct hooks *h);
/** There may be something to tell. NULL does nothing. */
void hooks_wake(struct hooks *h);
/** Reads the secret again; on an error the one before stays. NULL does nothing. */
MUST_CHECK enum err hooks_reload(struct hooks *h, const char *secret_file);
/** What is under way is dropped, and tried again by whoever looks when its claim is over. Before
 * the store, which calls back once more. */
void hooks_destroy(struct hooks *h);

#endif
