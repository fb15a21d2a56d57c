/* What OpenSSL keeps for an association, by an allocator of its own that counts bytes. */
#include "test.h"

#include "dtls_path.h"

#include <openssl/crypto.h>

#define HEAD  16 /* bytes before each block for its size; keeps what follows aligned */
#define PAIRS 8

static size_t live;
static bool counting;

static void *count_alloc(size_t n, const char *file, int line) {
    (void)file;
    (void)line;
    uint8_t *p = mem_alloc(n + HEAD);
    if (p == NULL) {
        return NULL;
    }
    memcpy(p, &n, sizeof(n));
    live += n;
    return p + HEAD;
}

static void count_free(void *p, const char *file, int line) {
    (void)file;
    (void)line;
    if (p != NULL) {
        size_t n;
        memcpy(&n, (uint8_t *)p - HEAD, sizeof(n));
        live -= n;
        mem_free((uint8_t *)p - HEAD);
    }
}

static void *count_realloc(void *p, size_t n, const char *file, int line) {
    if (p == NULL) {
        return count_alloc(n, file, line);
    }
    size_t had;
    memcpy(&had, (uint8_t *)p - HEAD, sizeof(had));
    void *to = count_alloc(n, file, line);
    if (to != NULL) {
        memcpy(to, p, had < n ? had : n);
        count_free(p, file, line);
    }
    return to;
}

__attribute__((constructor)) static void count_from_the_first(void) {
    counting = CRYPTO_set_mem_functions(count_alloc, count_realloc, count_free) == 1;
}

static struct rtc_dtls_ctx *ctx;

static void begin(struct path *p, uint64_t seed) {
    *p = (struct path){ .delay_us = 1000, .seed = seed };
    path_open(p);
    for (int i = 0; i < 2; i++) {
        struct rtc_dtls_config cfg = { .role = i == 0 ? RTC_DTLS_CLIENT : RTC_DTLS_SERVER };
        CHECK_ERR(OK, rtc_dtls_create(ctx, &cfg, 0, &p->ends[i]));
        struct rtc_dtls_params peer = path_params(ctx);
        rtc_dtls_set_peer(p->ends[i], &peer);
    }
}

TEST(rtc_dtls_memory, openssl_is_let_go_after_the_handshake) {
    CHECK(counting);
    CHECK_ERR(OK, rtc_dtls_ctx_create(&ctx));
    struct path pairs[PAIRS];
    begin(&pairs[0], 1); /* what OpenSSL makes once */
    path_run(&pairs[0], 60000000);
    path_close(&pairs[0]);
    size_t before = live;
    for (int i = 0; i < PAIRS; i++) {
        begin(&pairs[i], (uint64_t)i);
    }
    CHECK(live > before); /* so it does count */
    for (int i = 0; i < PAIRS; i++) {
        path_run(&pairs[i], 60000000);
        CHECK(rtc_dtls_send(pairs[i].ends[0], (const uint8_t *)"ping", 4));
        path_run(&pairs[i], 61000000);
        CHECK_INT(RTC_DTLS_OPEN, rtc_dtls_state(pairs[i].ends[1]));
    }
    CHECK_INT(before, live); /* OpenSSL keeps nothing; the rest is a struct of a size asserted */
    for (int i = 0; i < PAIRS; i++) {
        path_close(&pairs[i]);
    }
    rtc_dtls_ctx_destroy(ctx);
}
