/* Bytes of strangers never open an association, and never close or disturb an open one. The input
 * is a row of datagrams, each behind a byte of length. */
#include "fuzz.h"

#include "../unit/dtls_path.h"
#include "core/cur.h"

#include <assert.h>

static struct rtc_dtls_ctx *ctx;
static struct path pair; /* an open one, which only garbage will reach */
static size_t heard;

static void on_app(void *arg, const uint8_t *data, size_t len) {
    (void)arg;
    (void)data;
    heard += len;
}

static struct rtc_dtls *create(enum rtc_dtls_role role) {
    struct rtc_dtls_config cfg = { .role = role, .app = on_app };
    struct rtc_dtls_params peer = path_params(ctx);
    struct rtc_dtls *d = NULL;
    enum err e = rtc_dtls_create(ctx, &cfg, 0, &d);
    assert(e == OK);
    rtc_dtls_set_peer(d, &peer);
    return d;
}

static void begin(void) {
    enum err e = rtc_dtls_ctx_create(&ctx);
    assert(e == OK);
    pair = (struct path){ .delay_us = 1000, .seed = 1 };
    path_open(&pair);
    pair.ends[0] = create(RTC_DTLS_CLIENT);
    pair.ends[1] = create(RTC_DTLS_SERVER);
    path_settle(&pair);
    assert(rtc_dtls_state(pair.ends[1]) == RTC_DTLS_OPEN);
}

__attribute__((destructor)) static void end(void) {
    if (ctx != NULL) {
        path_close(&pair);
        rtc_dtls_ctx_destroy(ctx);
    }
}

static void feed(struct rtc_dtls *d, const uint8_t *data, size_t len) {
    struct cur c = cur_make(data, len);
    while (cur_left(&c) > 0) {
        struct cur one = cur_sub(&c, cur_u8(&c));
        size_t n = cur_left(&one);
        bool proved = rtc_dtls_feed(d, one.p, n, 0);
        assert(!proved);
        while (rtc_dtls_out(d, &n) != NULL) {
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    if (ctx == NULL) {
        begin();
    }
    struct rtc_dtls *fresh[] = { create(RTC_DTLS_CLIENT), create(RTC_DTLS_SERVER) };
    for (int i = 0; i < 2; i++) {
        feed(fresh[i], data, len);
        enum rtc_dtls_state state = rtc_dtls_state(fresh[i]);
        assert(state == RTC_DTLS_HANDSHAKE || state == RTC_DTLS_FAILED);
        rtc_dtls_destroy(fresh[i]);
        feed(pair.ends[i], data, len);
        assert(rtc_dtls_state(pair.ends[i]) == RTC_DTLS_OPEN && heard == 0);
    }
    return 0;
}
