/* Token buckets in a set-associative table: bounded memory, no allocation once it stands. */
#include "http/limit.h"

#include "core/clock.h"
#include "core/crypto.h"
#include "core/mem.h"
#include "http/address.h"

#include <string.h>

#define ROWS 1024 /* 8,192 addresses, 256 KiB */
#define WAYS 8

struct bucket {
    uint64_t who[2];   /* the address (IPv6: its /64); both 0 = free */
    int64_t tokens_us; /* saved up, as the time it takes to earn it */
    int64_t seen_us;
};

struct http_limit {
    int64_t token_us; /* time that earns one token */
    int64_t most_us;  /* a full bucket */
    uint64_t key[2];  /* random, so that nobody can aim at one row */
    struct bucket table[ROWS][WAYS];
};

enum err http_limit_create(unsigned per_s, unsigned burst, struct http_limit **ret) {
    if (per_s == 0 || burst == 0) {
        return err_set(ERR_INVALID, "a rate limit must be at least 1");
    }
    struct http_limit *l = mem_zalloc(sizeof(*l));
    if (l == NULL) {
        return err_set(ERR_NOMEM, "no memory for a rate limit");
    }
    l->token_us = SEC_US / per_s > 0 ? SEC_US / per_s : 1;
    l->most_us = l->token_us * burst;
    crypto_random(l->key, sizeof(l->key));
    *ret = l;
    return OK;
}

void http_limit_destroy(struct http_limit *l) {
    mem_free(l);
}

static void name_of(const struct http_address *a, uint64_t who[2]) {
    memcpy(who, a->bytes, sizeof(a->bytes));
    static const uint8_t mapped[12] = { [10] = 0xFF, [11] = 0xFF };
    if (a->local) {
        who[0] = who[1] = UINT64_MAX;
    } else if (memcmp(a->bytes, mapped, sizeof(mapped)) != 0) {
        who[1] = 1; /* never the free bucket's 0, 0 */
    }
}

static size_t row_of(const struct http_limit *l, const uint64_t who[2]) {
    uint64_t h = (who[0] ^ l->key[0]) * UINT64_C(0x9E3779B97F4A7C15);
    h = (h ^ (h >> 29) ^ who[1] ^ l->key[1]) * UINT64_C(0xBF58476D1CE4E5B9);
    return (size_t)((h ^ (h >> 32)) % ROWS);
}

static struct bucket *find(struct http_limit *l, const uint64_t who[2], int64_t now_us) {
    struct bucket *row = l->table[row_of(l, who)];
    struct bucket *oldest = row;
    for (size_t i = 0; i < WAYS; i++) {
        if (row[i].who[0] == who[0] && row[i].who[1] == who[1]) {
            return &row[i];
        }
        if (row[i].seen_us < oldest->seen_us) {
            oldest = &row[i];
        }
    }
    *oldest =
        (struct bucket){ .who = { who[0], who[1] }, .tokens_us = l->most_us, .seen_us = now_us };
    return oldest;
}

static bool take(
    struct http_limit *l, const uint64_t who[2], int64_t now_us, int64_t *ret_wait_ms) {
    struct bucket *b = find(l, who, now_us);
    b->tokens_us += now_us - b->seen_us;
    b->seen_us = now_us;
    if (b->tokens_us > l->most_us) {
        b->tokens_us = l->most_us;
    }
    if (b->tokens_us < l->token_us) {
        *ret_wait_ms = (l->token_us - b->tokens_us + 999) / 1000;
        return false;
    }
    b->tokens_us -= l->token_us;
    return true;
}

bool http_limit_take(
    struct http_limit *l, const struct http_address *a, int64_t now_us, int64_t *ret_wait_ms) {
    uint64_t who[2];
    name_of(a, who);
    return take(l, who, now_us, ret_wait_ms);
}

bool http_limit_take_name(
    struct http_limit *l, const char *name, int64_t now_us, int64_t *ret_wait_ms) {
    uint8_t digest[SHA256_SIZE];
    uint64_t who[2];
    crypto_sha256(name, strlen(name), digest);
    memcpy(who, digest, sizeof(who));
    who[1] |= 1; /* never the free bucket's 0, 0 */
    return take(l, who, now_us, ret_wait_ms);
}
