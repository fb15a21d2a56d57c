/* A small table of answers, and a list of questions. */
#include "matrix/whoami.h"

#include "core/clock.h"
#include "core/crypto.h"
#include "core/mem.h"
#include "matrix/client.h"
#include "matrix/ids.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define KNOWN_US      (60 * SEC_US) /* so long a token that was taken back is still believed */
#define KNOWN_MAX     64            /* tokens; the one that ends first makes room */
#define ASKS_MAX      16            /* under way: wrong tokens must not keep the homeserver busy */
#define USER_ID_BYTES 256           /* Matrix: at most 255, and a NUL */

struct known {
    uint8_t digest[SHA256_SIZE];
    char user_id[USER_ID_BYTES];
    int64_t until_us; /* 0 = free */
};

struct ask {
    struct mx_whoami *owner;
    struct ask *prev, *next;
    uint8_t digest[SHA256_SIZE];
    mx_whoami_done *done;
    void *arg;
};

struct mx_whoami {
    struct mx_client *client;
    struct known known[KNOWN_MAX];
    struct ask *asks;
    size_t n_asks;
};

static const struct known *find(const struct mx_whoami *w, const uint8_t digest[SHA256_SIZE]) {
    int64_t now_us = clock_mono_us();
    for (size_t i = 0; i < KNOWN_MAX; i++) {
        const struct known *k = &w->known[i];
        if (k->until_us > now_us && memcmp(k->digest, digest, SHA256_SIZE) == 0) {
            return k;
        }
    }
    return NULL;
}

static void remember(struct mx_whoami *w, const uint8_t digest[SHA256_SIZE], const char *user_id) {
    struct known *place = &w->known[0];
    for (size_t i = 1; i < KNOWN_MAX; i++) {
        if (w->known[i].until_us < place->until_us) {
            place = &w->known[i];
        }
    }
    memcpy(place->digest, digest, SHA256_SIZE);
    snprintf(place->user_id, sizeof(place->user_id), "%s", user_id);
    place->until_us = clock_mono_us() + KNOWN_US;
}

static void ask_end(struct ask *ask, enum err e, const char *user_id) {
    mx_whoami_done *done = ask->done;
    void *arg = ask->arg;
    DL_DELETE(ask->owner->asks, ask);
    ask->owner->n_asks--;
    mem_free(ask);
    done(arg, e, user_id);
}

static void on_answer(void *arg, const struct mx_answer *a) {
    struct ask *ask = arg;
    const char *user_id = json_string_value(json_object_get(a->json, "user_id"));
    if (a->err != OK) {
        ask_end(ask, err_set(a->err, "%s", a->text), NULL);
    } else if (user_id == NULL || !mx_user_id_valid(user_id)) {
        ask_end(ask, err_set(ERR_UNREACHABLE, "the homeserver's answer names no user"), NULL);
    } else {
        remember(ask->owner, ask->digest, user_id);
        ask_end(ask, OK, user_id);
    }
}

enum err mx_whoami_ask(struct mx_whoami *w, const char *token, mx_whoami_done *done, void *arg) {
    uint8_t digest[SHA256_SIZE];
    crypto_sha256(token, strlen(token), digest);
    const struct known *k = find(w, digest);
    if (k != NULL) {
        done(arg, OK, k->user_id);
        return OK;
    }
    if (w->n_asks >= ASKS_MAX) {
        return err_set(ERR_LIMIT, "the homeserver is being asked about %d tokens", ASKS_MAX);
    }
    struct ask *ask = mem_zalloc(sizeof(*ask));
    if (ask == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    *ask = (struct ask){ .owner = w, .done = done, .arg = arg };
    memcpy(ask->digest, digest, SHA256_SIZE);
    enum err e = mx_client_whoami_of(w->client, token, on_answer, ask);
    if (e != OK) {
        mem_free(ask);
        return e;
    }
    DL_APPEND(w->asks, ask);
    w->n_asks++;
    return OK;
}

enum err mx_whoami_create(struct mx_client *client, struct mx_whoami **ret) {
    struct mx_whoami *w = mem_zalloc(sizeof(*w));
    if (w == NULL) {
        return err_set(ERR_NOMEM, "out of memory");
    }
    w->client = client;
    *ret = w;
    return OK;
}

void mx_whoami_destroy(struct mx_whoami *w) {
    if (w == NULL) {
        return;
    }
    while (w->asks != NULL) {
        mx_client_forget(w->client, w->asks);
        ask_end(w->asks, err_set(ERR_GONE, "going down"), NULL);
    }
    mem_free(w);
}
